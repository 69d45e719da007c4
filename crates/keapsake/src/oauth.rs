//! The OAuth 2.0 protocol as Keap speaks it (RFC 6749, with Keap's dialect). Pure: requests are values, answers
//! are read from values, nothing is sent here.
//!
//! - [`Application`]: who we are and where Keap is.
//! - [`authorize`]: the address an administrator is sent to.
//! - [`callback`]: what the browser brings back.
//! - [`exchange`], [`refresh`]: the two token requests.
//! - [`answer`]: what the token endpoint said, and what it means.

mod application;

pub mod answer;
pub mod authorize;
pub mod callback;
pub mod exchange;
pub mod refresh;

pub(crate) use application::is_loopback;
pub use application::{Application, ApplicationError, Endpoints, Pkce};
