//! The SDK against the sandbox and against scripted answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod world;

mod alarm_channels;
mod alarms;
mod authorization;
mod bad_answers;
mod calls;
mod delivery;
mod keys;
mod refresh;
mod secrets;
mod stores;
