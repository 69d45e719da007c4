//! Where alarms go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Alarm;
use super::condition::Condition;
use crate::connection::ConnectionId;

/// A way to reach whoever should hear of trouble.
pub trait Channel: Send + Sync + 'static {
    /// Its name: 1 to 32 letters, digits, `-` or `_`; the same in every process and after every restart, because the
    /// store remembers by it what was told. Different from the names of the other channels.
    fn name(&self) -> &str;

    /// Tells an alarm. Of all processes on one store, one tells it, in the order in which things happened; a failure is
    /// retried until it works.
    ///
    /// # Errors
    /// [`ChannelError`] when it was not told, or may not have been: it is tried again.
    fn tell<'a>(&'a self, alarm: &'a Alarm) -> BoxFuture<'a, Result<(), ChannelError>>;

    /// Shows everything that holds for a connection, or for the whole deployment (`None`), as this process sees it. Called
    /// each time somebody looks, whether or not anything changed; must return at once. For gauges; does nothing unless a
    /// channel wants it.
    fn show(&self, connection: Option<&ConnectionId>, holding: &BTreeMap<Condition, String>) {
        let _ = (connection, holding);
    }
}

/// An alarm was not told. The message is for logs and has no secrets, and no address that could be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ChannelError {
    message: String,
}

impl ChannelError {
    /// With what happened and, if known, what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// A channel's name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelName {
    /// It is not one.
    #[error("`{0}` cannot be the name of an alarm channel: use 1 to 32 letters, digits, `-` or `_`")]
    Invalid(String),
    /// Two channels have it.
    #[error("two alarm channels are called `{0}`, so one would never be told: give it another name")]
    Twice(String),
}

pub(super) fn check_names(channels: &[Arc<dyn Channel>]) -> Result<(), ChannelName> {
    let mut seen = BTreeSet::new();
    for name in channels.iter().map(|channel| channel.name()) {
        let fits = (1..=32).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !fits {
            return Err(ChannelName::Invalid(name.chars().take(64).collect()));
        }
        if !seen.insert(name) {
            return Err(ChannelName::Twice(name.to_owned()));
        }
    }
    Ok(())
}
