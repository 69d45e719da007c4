#![doc = include_str!("../README.md")]

pub mod alarm;
pub mod client;
pub mod clock;
pub mod connection;
pub mod delivery;
pub mod journal;
pub mod oauth;
pub mod randomness;
pub mod secret;
pub mod store;
pub mod transport;

mod error;

pub use client::Keap;
pub use clock::{Clock, SystemClock};
pub use error::Error;
pub use oauth::{Application, Endpoints};
pub use secret::{AccessToken, ApiKey, ClientSecret, RefreshToken};

/// The project's front page: its example compiles, too.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct ProjectFrontPage;
