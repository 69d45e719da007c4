//! Two small pictures: the life of an access token, and the age of a refresh token.
//!
//! Places are percentages of the picture's width, so that its words keep their size on a phone.

use jiff::Timestamp;
use keapsake::connection::status::Times;

use crate::moments::Moment;

/// The life of an access token: issued, now, renewal, end.
pub(crate) struct Timeline {
    pub(crate) now: Mark,
    /// `None` while there will be none.
    pub(crate) refresh: Option<Mark>,
    /// Whether the renewal should have been by now.
    pub(crate) is_overdue: bool,
    /// The same in words.
    pub(crate) words: String,
}

/// A place in a picture.
pub(crate) struct Mark {
    /// As `87.5%`.
    pub(crate) x: String,
    /// Where its label is held, so that it stays inside.
    pub(crate) anchor: &'static str,
}

impl Timeline {
    pub(crate) fn new(times: &Times, renewal: Option<Timestamp>, now: Timestamp) -> Self {
        let mark = |at| Mark::new(permille(times.access_issued_at, times.access_expires_at, at));
        let relative = |at| Moment::new(at, now).relative;
        let is_overdue = renewal.is_some_and(|at| at <= now);
        let end = if times.access_expires_at <= now { "ended" } else { "would end" };
        let renewed = match renewal {
            Some(at) if is_overdue => format!("was due to be renewed {}", relative(at)),
            Some(at) => format!("is renewed {}", relative(at)),
            None => "is not renewed before somebody decides".to_owned(),
        };
        Self {
            now: mark(now),
            refresh: renewal.map(mark),
            is_overdue,
            words: format!(
                "The access token was issued {}, {renewed}, and {end} {}.",
                relative(times.access_issued_at),
                relative(times.access_expires_at)
            ),
        }
    }
}

impl Mark {
    /// So many thousandths of the whole from the left.
    pub(crate) fn new(permille: i64) -> Self {
        let anchor = match permille {
            ..150 => "start",
            850.. => "end",
            _ => "middle",
        };
        // A hundredth is left free on both sides, for the round ends.
        let shown = 10 + permille.clamp(0, 1000) * 980 / 1000;
        Self { x: format!("{}.{}%", shown / 10, shown % 10), anchor }
    }
}

/// How far `at` is on the way from `start` to `end`, in thousandths.
pub(crate) fn permille(start: Timestamp, end: Timestamp, at: Timestamp) -> i64 {
    let (start, end, at) = (start.as_second(), end.as_second(), at.as_second());
    let whole = (end - start).max(1);
    (at - start).clamp(0, whole) * 1000 / whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_stays_in_the_picture() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (time, x) in [(0, "1.0%"), (100, "1.0%"), (150, "50.0%"), (200, "99.0%"), (900, "99.0%")] {
            assert_eq!(Mark::new(permille(at(100), at(200), at(time))).x, x);
        }
        assert_eq!(permille(at(100), at(100), at(100)), 0);
    }

    #[test]
    fn labels_do_not_leave_the_picture() {
        assert_eq!(Mark::new(0).anchor, "start");
        assert_eq!(Mark::new(500).anchor, "middle");
        assert_eq!(Mark::new(1000).anchor, "end");
    }
}
