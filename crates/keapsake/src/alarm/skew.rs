//! How far our clock is from a server's. A pure function.

use http::HeaderMap;
use http::header::{AGE, DATE};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

/// `Date` has whole seconds (RFC 9110 section 5.6.7).
const RESOLUTION: SignedDuration = SignedDuration::from_secs(1);

/// By how much our clock is ahead of the server's at least (negative: behind), from the headers of an answer and our
/// times of the request's start and end.
///
/// The server wrote its `Date` somewhere in between, so a slow answer alone never looks like a wrong clock: what the
/// request's own duration can explain counts as zero. `None` without a readable `Date`, for an answer out of a cache,
/// and when our clock was moved meanwhile.
pub fn skew(headers: &HeaderMap, started_at: Timestamp, ended_at: Timestamp) -> Option<SignedDuration> {
    if headers.contains_key(AGE) || ended_at < started_at {
        return None;
    }
    let text = headers.get(DATE)?.to_str().ok()?;
    let earliest = DateTimeParser::new().parse_timestamp(text).ok()?;
    let latest = earliest.checked_add(RESOLUTION).ok()?;
    if latest < started_at {
        return Some(started_at.duration_since(latest));
    }
    if earliest > ended_at {
        return Some(ended_at.duration_since(earliest));
    }
    Some(SignedDuration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn read(date: &str) -> Option<SignedDuration> {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, date.parse().unwrap());
        skew(&headers, at("2026-11-24T10:30:00Z"), at("2026-11-24T10:30:40Z"))
    }

    #[test]
    fn a_slow_answer_is_not_a_wrong_clock() {
        for date in ["10:29:59", "10:30:00", "10:30:20", "10:30:40"] {
            let skew = read(&format!("Tue, 24 Nov 2026 {date} GMT"));
            assert_eq!(skew, Some(SignedDuration::ZERO), "{date}");
        }
    }

    #[test]
    fn a_clock_ahead_is_positive_and_one_behind_negative() {
        assert_eq!(read("Tue, 24 Nov 2026 10:27:59 GMT"), Some(SignedDuration::from_secs(120)));
        assert_eq!(read("Tue, 24 Nov 2026 10:32:40 GMT"), Some(SignedDuration::from_secs(-120)));
    }

    #[test]
    fn what_cannot_be_trusted_says_nothing() {
        assert_eq!(read("yesterday"), None);
        assert_eq!(skew(&HeaderMap::new(), at("2026-11-24T10:30:00Z"), at("2026-11-24T10:30:00Z")), None);
        let mut cached = HeaderMap::new();
        cached.insert(DATE, "Tue, 24 Nov 2026 08:00:00 GMT".parse().unwrap());
        assert!(skew(&cached, at("2026-11-24T10:30:00Z"), at("2026-11-24T10:30:00Z")).is_some());
        assert_eq!(skew(&cached, at("2026-11-24T10:30:00Z"), at("2026-11-24T10:29:00Z")), None, "moved back");
        cached.insert(AGE, "9000".parse().unwrap());
        assert_eq!(skew(&cached, at("2026-11-24T10:30:00Z"), at("2026-11-24T10:30:00Z")), None);
    }
}
