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
/// - gauge `keapsake_alarm{connection, condition}`: 1 while the condition holds, else 0, as each process sees it; what is
///   about the whole deployment has no name of a connection;
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
            "connection" => label(alarm.connection.as_ref()),
            "condition" => alarm.condition.word(),
            "state" => alarm.state.word(),
        )
        .increment(1);
        Box::pin(ready(Ok(())))
    }

    fn show(&self, connection: Option<&ConnectionId>, holding: &BTreeMap<Condition, String>) {
        let is_about = |condition: &&Condition| condition.kind().is_of_deployment() == connection.is_none();
        for condition in Condition::ALL.iter().filter(is_about) {
            let figure = if holding.contains_key(condition) { 1.0 } else { 0.0 };
            gauge!(
                "keapsake_alarm",
                "connection" => label(connection),
                "condition" => condition.word(),
            )
            .set(figure);
        }
    }
}

fn label(connection: Option<&ConnectionId>) -> String {
    connection.map(ConnectionId::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Mutex};

    use metrics::{
        Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder,
    };

    use super::*;

    /// Remembers the figures by name and labels.
    #[derive(Default)]
    struct Figures(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

    impl Figures {
        fn at(&self, key: &Key) -> Arc<AtomicU64> {
            let labels: Vec<_> =
                key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
            let name = format!("{}{{{}}}", key.name(), labels.join(","));
            self.0.lock().unwrap().entry(name).or_default().clone()
        }

        fn read(&self, name: &str) -> Option<u64> {
            self.0.lock().unwrap().get(name).map(|figure| figure.load(Ordering::SeqCst))
        }
    }

    impl Recorder for Figures {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.at(key))
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(self.at(key))
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn the_gauge_follows_what_holds_and_the_counter_what_was_told() {
        let (figures, id) = (Figures::default(), ConnectionId::main());
        let skew = "keapsake_alarm{connection=,condition=clock_skew}";
        let store = "keapsake_alarm{connection=,condition=store_trouble}";
        with_local_recorder(&figures, || {
            Metrics.show(None, &BTreeMap::from([(Condition::ClockSkew, String::new())]));
            assert_eq!(figures.read(skew), Some(1_f64.to_bits()));
            assert_eq!(figures.read(store), Some(0_f64.to_bits()), "a figure that is missing alarms nobody");
            Metrics.show(None, &BTreeMap::new());
            Metrics.show(Some(&id), &BTreeMap::new());
            assert_eq!(figures.read(skew), Some(0_f64.to_bits()));

            let elsewhere = "keapsake_alarm{connection=main,condition=clock_skew}";
            assert_eq!(figures.read(elsewhere), None, "a connection has no clock");
            let other = "keapsake_alarm{connection=main,condition=needs_reconnect}";
            assert_eq!(figures.read(other), Some(0_f64.to_bits()));

            let alarm =
                Alarm::raised(&id, Condition::NeedsReconnect, jiff::Timestamp::UNIX_EPOCH, String::new());
            for _ in 0..2 {
                // What it tells, it tells at once; there is nothing to wait for.
                drop(Metrics.tell(&alarm));
            }
        });
        let told = "keapsake_alarms_told_total{connection=main,condition=needs_reconnect,state=raised}";
        assert_eq!(figures.read(told), Some(2));
    }
}
