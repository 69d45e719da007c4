//! The panel as a browser meets it: real pages over a real connection to a sandbox, on a clock that moves when told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod authorizations;
mod callback;
mod deliveries;
mod escaping;
mod gate;
mod headers;
mod history;
mod log;
mod page;
mod phases;
mod renew;
mod restored;
mod routes;
mod safety;
mod secrets;
mod status;
mod story;
mod times;
mod visit;
mod wire;
mod world;
