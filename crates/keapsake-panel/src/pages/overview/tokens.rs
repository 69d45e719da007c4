//! The pair at hand: its times, and how old its refresh token is.

use keapsake::connection::schedule::REFRESH_LIFE;
use keapsake::connection::status::{Phase, Status, Times};

use crate::moments::{Moment, between, span};
use crate::timeline::{Mark, Timeline, permille};

pub(super) struct Tokens {
    pub(super) connected: Moment,
    pub(super) issued: Moment,
    /// `None` while nothing is renewed before somebody decides.
    pub(super) refresh: Option<Moment>,
    pub(super) end: Moment,
    pub(super) timeline: Timeline,
    pub(super) age: Age,
}

/// The refresh token's age against its 45 days.
pub(super) struct Age {
    pub(super) words: String,
    pub(super) tone: &'static str,
    pub(super) note: &'static str,
    pub(super) ends: Moment,
    pub(super) now: Mark,
    pub(super) ticks: [Tick; 3],
}

/// A day from which it is more serious.
pub(super) struct Tick {
    pub(super) label: &'static str,
    pub(super) mark: Mark,
}

const DAY_S: u64 = 86_400;

/// From so many days on: how it looks, and what it means.
const AGES: [(u64, &str, &str); 4] = [
    (44, "bad", "It is about to end, or has ended. Reconnect now."),
    (40, "bad", "Only days are left. If renewals cannot be repaired, reconnect."),
    (30, "warn", "It should have been replaced long ago. See below why renewals fail."),
    (0, "good", "It is replaced at each renewal."),
];

impl Tokens {
    /// `None` when there is no pair, or none that Keap still takes.
    pub(super) fn of(status: &Status) -> Option<Self> {
        if let Phase::NeedsReconnect { .. } = status.phase {
            return None;
        }
        let times = status.times.as_ref()?;
        let is_on_hold = matches!(status.phase, Phase::Restored { .. });
        let renewal = (!is_on_hold).then_some(times.refresh_at);
        let moment = |at| Moment::new(at, status.now);
        Some(Self {
            connected: moment(times.connected_at),
            issued: moment(times.access_issued_at),
            refresh: renewal.map(moment),
            end: moment(times.access_expires_at),
            timeline: Timeline::new(times, renewal, status.now),
            age: Age::of(times, status),
        })
    }
}

impl Age {
    fn of(times: &Times, status: &Status) -> Self {
        let (start, end) = (times.refresh_issued_at, times.refresh_expires_at);
        let age = between(start, status.now.max(start));
        let (tone, note) = meaning(age.as_secs() / DAY_S);
        Self {
            words: span(age),
            tone,
            note,
            ends: Moment::new(end, status.now),
            now: Mark::new(permille(start, end, status.now)),
            ticks: [tick(30, "30"), tick(40, "40"), tick(44, "")],
        }
    }
}

fn meaning(days: u64) -> (&'static str, &'static str) {
    AGES.iter().find(|row| days >= row.0).map_or(("good", ""), |row| (row.1, row.2))
}

fn tick(day: i64, label: &'static str) -> Tick {
    let life_days = i64::try_from(REFRESH_LIFE.as_secs() / DAY_S).unwrap_or(i64::MAX);
    Tick { label, mark: Mark { anchor: "middle", ..Mark::new(day * 1000 / life_days) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gets_more_serious_with_age() {
        let tones: Vec<_> = [0, 29, 30, 39, 40, 43, 44, 99].map(|days| meaning(days).0).into();
        assert_eq!(tones, ["good", "good", "warn", "warn", "bad", "bad", "bad", "bad"]);
        assert_ne!(meaning(43).1, meaning(44).1);
    }
}
