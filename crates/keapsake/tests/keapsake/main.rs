//! The SDK against the sandbox and against scripted answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod faulty;
mod world;

mod alarms;
mod authorization;
mod bad_answers;
mod calls;
mod crash;
mod delivery;
mod keys;
mod many;
mod policies;
mod refresh;
mod restored;
mod secrets;
mod several;
mod stores;
mod token_requests;
