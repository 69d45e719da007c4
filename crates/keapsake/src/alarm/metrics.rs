//! Alarms as figures.

use std::collections::BTreeMap;

use futures_util::future::{BoxFuture, ready};
use metrics::{counter, gauge};

use super::Alarm;
use super::channel::{Channel, ChannelError};
use super::condition::Condition;
use crate::connection::ConnectionId;

/// Two figures of the `metrics` crate:
///
/// - gauge `keapsake_alarm{connection, condition}`: 1 while the condition holds, else 0, as each process sees it;
/// - counter `keapsake_alarms_told_total{connection, condition, state}`: alarms told; of several processes the one that
///   tells counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Metrics;

impl Channel for Metrics {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn tell<'a>(&'a self, alarm: &'a Alarm) -> BoxFuture<'a, Result<(), ChannelError>> {
        counter!(
            "keapsake_alarms_told_total",
            "connection" => alarm.connection.to_string(),
            "condition" => alarm.condition.word(),
            "state" => alarm.state.word(),
        )
        .increment(1);
        Box::pin(ready(Ok(())))
    }

    fn show(&self, connection: &ConnectionId, holding: &BTreeMap<Condition, String>) {
        for condition in Condition::ALL {
            let figure = if holding.contains_key(condition) { 1.0 } else { 0.0 };
            gauge!(
                "keapsake_alarm",
                "connection" => connection.to_string(),
                "condition" => condition.word(),
            )
            .set(figure);
        }
    }
}
