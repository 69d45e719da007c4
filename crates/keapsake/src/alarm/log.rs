//! Alarms in the log.

use futures_util::future::{BoxFuture, ready};

use super::channel::{Channel, ChannelError};
use super::condition::Severity;
use super::{Alarm, State};
use crate::connection::ConnectionId;

/// Writes each alarm as an event of `tracing`, with the target `keapsake::alarm`, at the level of its severity.
#[derive(Debug, Clone, Copy, Default)]
pub struct Log;

macro_rules! write_event {
    ($level:ident, $alarm:expr) => {
        tracing::$level!(
            target: "keapsake::alarm",
            connection = $alarm.connection.as_ref().map(ConnectionId::as_str),
            condition = %$alarm.condition,
            state = $alarm.state.word(),
            since = %$alarm.since,
            words = $alarm.words,
            advice = $alarm.advice,
            "{}{}", prefix($alarm.state), $alarm.title
        )
    };
}

impl Channel for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn tell<'a>(&'a self, alarm: &'a Alarm) -> BoxFuture<'a, Result<(), ChannelError>> {
        match alarm.severity {
            Severity::Error => write_event!(error, alarm),
            Severity::Warning => write_event!(warn, alarm),
            Severity::Info => write_event!(info, alarm),
        }
        Box::pin(ready(Ok(())))
    }
}

fn prefix(state: State) -> &'static str {
    match state {
        State::Raised => "",
        State::Recovered => "over: ",
        State::Replaced => "turned into something else: ",
    }
}
