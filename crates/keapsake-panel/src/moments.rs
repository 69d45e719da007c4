//! Times and sizes in words.

use std::time::Duration;

use jiff::Timestamp;

/// A time, for people and for machines.
pub(crate) struct Moment {
    /// `24 Nov 2026, 10:30 UTC`
    pub(crate) utc: String,
    /// `2026-11-24T10:30:00Z`
    pub(crate) machine: String,
    /// `in 2 h 41 min`, `5 min ago`
    pub(crate) relative: String,
}

impl Moment {
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self {
            utc: utc(at),
            machine: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            relative: relative(at, now),
        }
    }
}

fn utc(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let apart = between(at, now);
    if apart < Duration::from_secs(1) {
        return if at > now { "now" } else { "just now" }.into();
    }
    if at > now { format!("in {}", span(apart)) } else { format!("{} ago", span(apart)) }
}

/// The time from one to the other, whichever is first.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).unsigned_abs()
}

/// A time span in its two largest units.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (1, 0, _) => "1 day".into(),
        (1, hours, _) => format!("1 day {hours} h"),
        (days, 0, _) => format!("{days} days"),
        (days, hours, _) => format!("{days} days {hours} h"),
    }
}

/// How long something took.
pub(crate) fn took(span: Duration) -> String {
    if span < Duration::from_millis(1) {
        return "under 1 ms".into();
    }
    if span < Duration::from_millis(100) {
        return format!("{} ms", span.as_millis());
    }
    if span < Duration::from_secs(10) {
        return format!("{}.{} s", span.as_secs(), span.subsec_millis() / 100);
    }
    self::span(span)
}

/// A size on disk.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 20, "MiB"), (1 << 10, "KiB"), (1, "bytes")];
    let (size, unit) = UNITS.into_iter().find(|(size, _)| count >= *size).unwrap_or((1, "bytes"));
    match (count / size, count % size * 10 / size) {
        (whole, 0) => format!("{whole} {unit}"),
        (whole, tenths) => format!("{whole}.{tenths} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        let table = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3600, "1 h"),
            (9660, "2 h 41 min"),
            (86_400, "1 day"),
            (90_000, "1 day 1 h"),
            (45 * 86_400, "45 days"),
            (44 * 86_400 + 7200, "44 days 2 h"),
        ];
        for (seconds, words) in table {
            assert_eq!(span(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn how_long_it_took_reads_well() {
        let table = [
            (0, "under 1 ms"),
            (3, "3 ms"),
            (99, "99 ms"),
            (100, "0.1 s"),
            (9_990, "9.9 s"),
            (72_000, "1 min"),
        ];
        for (millis, words) in table {
            assert_eq!(took(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn sizes_read_well() {
        let table = [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (4096, "4 KiB"),
            (13_000, "12.6 KiB"),
            (1 << 20, "1 MiB"),
            (1_600_000, "1.5 MiB"),
        ];
        for (count, words) in table {
            assert_eq!(bytes(count), words);
        }
    }

    #[test]
    fn moments_look_both_ways() {
        let now: Timestamp = "2026-11-24T10:30:00Z".parse().unwrap();
        let soon = Moment::new("2026-11-24T13:11:00Z".parse().unwrap(), now);
        assert_eq!((soon.utc.as_str(), soon.relative.as_str()), ("24 Nov 2026, 13:11 UTC", "in 2 h 41 min"));
        assert_eq!(soon.machine, "2026-11-24T13:11:00Z");
        assert_eq!(Moment::new("2026-11-24T10:25:00Z".parse().unwrap(), now).relative, "5 min ago");
        assert_eq!(Moment::new(now, now).relative, "just now");
    }
}
