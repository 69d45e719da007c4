//! The sandbox from outside, over HTTP. Modules mirror the places it serves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod authorize;
mod browser;
mod business_profile;
mod contacts;
mod control;
mod custom_fields;
mod faults;
mod gateway;
mod keap;
mod people;
mod persistence;
mod program;
mod tags;
mod token;
