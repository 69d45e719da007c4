//! When the next refresh is due. Pure: randomness comes in as a number.

use std::time::Duration;

use jiff::Timestamp;

use super::record::{Health, Linked};
use crate::clock::{later, until};

/// A refresh token is dead when it was not used for this long (Keap engineers, integration forum).
pub const REFRESH_LIFE: Duration = Duration::from_hours(1080);

/// With a life of at least twice this, the refresh is due this long before the access token ends.
pub const MARGIN: Duration = Duration::from_hours(3);

/// The most a due time is moved, to either side, so that many connections do not refresh together.
pub const SPREAD: Duration = Duration::from_mins(10);

/// Keap's token endpoint is known to be slow around the full hour, when everybody's cron jobs run.
const BUSY_AROUND_THE_HOUR: i64 = 60;

/// The refresher wakes at least this often and compares with the wall clock, so that a suspended machine or a
/// moved clock is noticed.
pub const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// Keap's quotas answer an early retry with another refusal; this long after a configuration error.
pub const AFTER_MISCONFIGURED: Duration = Duration::from_mins(15);

/// A random number that decides spreads; the same number gives the same times.
pub type Dice = u64;

/// When to refresh an access token that was issued at `issued` for `life`.
pub fn due(issued: Timestamp, life: Duration, dice: Dice) -> Timestamp {
    if life < 2 * MARGIN {
        return later(issued, life / 2);
    }
    let spread = Duration::from_millis(dice % millis(2 * SPREAD));
    let earliest = later(issued, life.saturating_sub(MARGIN + SPREAD));
    beside_the_hour(later(earliest, spread))
}

/// After an attempt that did not reach Keap: up to 1 s, 2 s, 4 s … 60 s, at random within.
pub fn after_unreached(attempts: u32, dice: Dice) -> Duration {
    let ceiling = Duration::from_secs(1 << attempts.clamp(1, 6)).min(Duration::from_mins(1));
    Duration::from_secs(1) + Duration::from_millis(dice % millis(ceiling))
}

/// After a refusal of the refresh token: 30 s, 5 min, then every 30 min.
pub fn after_rejection(rejections: u32) -> Duration {
    Duration::from_secs(match rejections {
        0 | 1 => 30,
        2 => 300,
        _ => 1800,
    })
}

/// Whether so many refusals since then mean that the connection is over.
///
/// Three over at least half an hour; two when the access token is of no use any more either, because then
/// waiting helps nobody.
pub fn is_over(rejections: u32, first: Timestamp, now: Timestamp, access_live: bool) -> bool {
    let lasting = now >= later(first, Duration::from_mins(30));
    (rejections >= 3 && lasting) || (rejections >= 2 && !access_live)
}

/// Longer than this nothing troubled waits, whatever Keap asks for.
pub const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Whether the due time is further away than this state ever waits: it was written by a clock that was ahead.
pub fn is_absurd(linked: &Linked, now: Timestamp) -> bool {
    let latest = match linked.health {
        Health::Lost(_) | Health::Restored(_) => return false,
        Health::Well => later(now, until(linked.access_issued_at, linked.access_expires_at)),
        Health::Unconfirmed { .. } => later(now, LONGEST_WAIT).max(linked.access_expires_at),
        Health::Unreached { .. } | Health::Suspect { .. } | Health::Misconfigured => later(now, LONGEST_WAIT),
    };
    linked.refresh_at > latest
}

fn beside_the_hour(at: Timestamp) -> Timestamp {
    let second = at.as_second().rem_euclid(3600);
    if second >= 3600 - BUSY_AROUND_THE_HOUR || second <= BUSY_AROUND_THE_HOUR {
        return later(at, Duration::from_mins(3));
    }
    at
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_long_token_is_due_three_hours_before_its_end() {
        // The middle of the spread.
        let due = due(at("2026-11-24T10:30:00Z"), DAY, 600_000);
        assert_eq!(due, at("2026-11-25T07:30:00Z"));
    }

    #[test]
    fn a_short_token_is_due_at_half_its_life() {
        let issued = at("2026-11-24T10:30:00Z");
        assert_eq!(due(issued, Duration::from_hours(1), 7), at("2026-11-24T11:00:00Z"));
        assert_eq!(due(issued, Duration::from_mins(1), 7), at("2026-11-24T10:30:30Z"));
    }

    proptest::proptest! {
        #[test]
        fn due_is_within_the_spread_and_not_around_the_hour(start in 0_i64..2_000_000_000, hours in 6_u64..720, dice: u64) {
            let issued = Timestamp::from_second(start).unwrap();
            let life = Duration::from_secs(hours * 3600);
            let due = due(issued, life, dice);
            proptest::prop_assert!(due >= later(issued, life.saturating_sub(MARGIN + SPREAD)));
            proptest::prop_assert!(due <= later(issued, life.saturating_sub(MARGIN) + SPREAD + Duration::from_mins(3)));
            let second = due.as_second().rem_euclid(3600);
            proptest::prop_assert!((61..3600 - 60).contains(&second), "{due}");
        }

        #[test]
        fn back_off_stays_between_one_and_61_seconds(attempts: u32, dice: u64) {
            let wait = after_unreached(attempts, dice);
            proptest::prop_assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_secs(61));
        }
    }

    #[test]
    fn one_refusal_is_never_believed() {
        let first = at("2026-11-24T10:00:00Z");
        let much_later = at("2026-11-25T10:00:00Z");
        assert!(!is_over(1, first, much_later, false));
        assert!(is_over(2, first, at("2026-11-24T10:00:30Z"), false));
        assert!(!is_over(2, first, much_later, true));
        assert!(!is_over(3, first, at("2026-11-24T10:29:59Z"), true));
        assert!(is_over(3, first, at("2026-11-24T10:30:00Z"), true));
    }
}
