//! The life of an access token as a small picture: issued, now, renewal, end.

use jiff::Timestamp;
use keapsake::connection::status::Times;

use crate::moments::Moment;

/// Where things stand in the picture, in its own units, and the same in words.
pub(crate) struct Timeline {
    pub(crate) refresh_x: u32,
    pub(crate) now_x: u32,
    pub(crate) words: String,
}

/// The picture's line goes from here to here.
const LEFT: u32 = 20;
const RIGHT: u32 = 580;

impl Timeline {
    pub(crate) fn new(times: &Times, now: Timestamp) -> Self {
        let x = |at| place(times.access_issued_at, times.access_expires_at, at);
        let relative = |at| Moment::new(at, now).relative;
        Self {
            refresh_x: x(times.refresh_at),
            now_x: x(now),
            words: format!(
                "The access token was issued {}, is renewed {}, and would end {}.",
                relative(times.access_issued_at),
                relative(times.refresh_at),
                relative(times.access_expires_at)
            ),
        }
    }
}

fn place(start: Timestamp, end: Timestamp, at: Timestamp) -> u32 {
    let (start, end, at) = (start.as_second(), end.as_second(), at.as_second());
    let whole = (end - start).max(1);
    let along = (at - start).clamp(0, whole) * i64::from(RIGHT - LEFT) / whole;
    LEFT + u32::try_from(along).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_stays_in_the_picture() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (time, x) in [(0, 20), (100, 20), (150, 300), (200, 580), (900, 580)] {
            assert_eq!(place(at(100), at(200), at(time)), x);
        }
        assert_eq!(place(at(100), at(100), at(100)), 20);
    }
}
