#![doc = include_str!("../README.md")]

mod builder;
mod clock;
mod description;
mod error;
mod http;
mod persistence;
mod sandbox;
mod server;
mod state;

pub use builder::SandboxBuilder;
pub use clock::{ClockMode, SandboxClock};
pub use error::StartError;
pub use http::oauth_answer::Decision;
pub use sandbox::{ConsentError, NotSavedError, Sandbox};
pub use state::faults::{Fault, FaultEffect, FaultReport, FaultUse};
pub use state::grants::{GrantReport, RevokedWhy};
pub use state::requests::RequestReport;
pub use state::settings::{KeyLimits, Limits, PkceMode, ProductLimits, ReuseMode, Settings, TenantLimits};
