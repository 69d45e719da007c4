//! The SDK against the sandbox and against scripted answers.

mod world;

mod authorization;
mod bad_answers;
mod calls;
mod delivery;
mod refresh;
mod secrets;
mod stores;
