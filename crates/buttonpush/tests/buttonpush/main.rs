//! ButtonPush as people and attackers meet it: the real application over HTTP, each test with its own world.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test they are how a surprise is told"
)]

mod admin;
mod alarms;
mod browser;
mod button;
mod cookies;
mod first_administrator;
mod forgery;
mod full_disk;
mod headers;
mod host;
mod hostile_input;
mod keap;
mod kill;
mod log_in;
mod log_out;
mod methods;
mod panic;
mod program;
mod ready;
mod restored;
mod sessions;
mod sign_up;
mod starting;
mod throttle;
mod world;
