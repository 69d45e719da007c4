//! Keap's way of writing times.

use jiff::Timestamp;

/// `2026-11-24T02:00:00.000+0000`, the form that every known client can read.
pub(crate) fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// Reads a time from a filter: with an offset in either form, or with `Z`.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let at = text.len().checked_sub(5)?;
    let (time, offset) = text.split_at_checked(at)?;
    let (hours, minutes) = offset.split_at_checked(3)?;
    format!("{time}{hours}:{minutes}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let at: Timestamp = "2026-11-24T02:00:00.12Z".parse().unwrap();
        assert_eq!(written(at), "2026-11-24T02:00:00.120+0000");
        assert_eq!(read(&written(at)), Some(at));
        assert_eq!(read("2026-11-24T03:00:00.120+01:00"), Some(at));
        for nonsense in ["", "yesterday", "2026-11-24", "ä", "2026-11-24T02:00:00"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
