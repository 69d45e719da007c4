//! Calls to Keap.
//!
//! [`Keap`] is the one type an application holds. [`call::Call`] is the raw level: any operation, with
//! authorization, the one replay after a renewed token, and error meaning. The resources on top
//! ([`contacts`], [`tags`], [`custom_fields`], [`account`]) are the few that are needed so far, in the shape that
//! generated ones will have.

pub mod account;
pub mod call;
pub mod contacts;
pub mod custom_fields;
pub mod keys;
pub mod tags;

mod builder;
mod id;
mod keap;
mod process;

pub use builder::{Builder, StartError};
pub use id::{ContactId, CustomFieldId, InvalidId, TagId};
pub use keap::Keap;
