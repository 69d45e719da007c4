//! Durations on the command line.

use std::time::Duration;

use anyhow::bail;

/// Reads `500ms`, `12s`, `1.5s`, `10m` or `2h`.
pub(crate) fn parse(text: &str) -> anyhow::Result<Duration> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => bail!("a duration is a number with ms, s, m or h, as 90s"),
    };
    Ok(Duration::try_from_secs_f64(number.trim().parse::<f64>()? * seconds)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse("1.5s").unwrap(), Duration::from_millis(1500));
        assert_eq!(parse("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(parse("10m").unwrap(), Duration::from_mins(10));
        assert_eq!(parse("2h").unwrap(), Duration::from_hours(2));
        for bad in ["", "12", "s", "-1s", "1d", "NaNs"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
