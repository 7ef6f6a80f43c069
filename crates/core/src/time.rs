//! Time as the log writes it: RFC 3339 in UTC with microseconds.

use std::time::Duration;

pub use jiff::Timestamp;

/// The current time.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// RFC 3339 with exactly six decimals, so that texts sort like times.
pub fn format(time: Timestamp) -> String {
    format!("{time:.6}")
}

/// The first moment after a day such as `2027-01-31`, in UTC; nothing when there is no such day.
pub fn end_of_day(text: &str) -> Option<Timestamp> {
    let day: jiff::civil::Date =
        (text.len() == "2027-01-31".len()).then(|| text.parse().ok())??;
    let next = day.tomorrow().ok()?;
    next.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The day whose end this is, as [`end_of_day`] reads it.
pub fn day_before(end: Timestamp) -> String {
    let day = end.to_zoned(jiff::tz::TimeZone::UTC).date();
    day.yesterday().unwrap_or(day).to_string()
}

/// Reads `30s`, `5m`, `1h`, `7d` or `250ms`.
///
/// # Errors
/// A sentence saying what a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!("`{text}` is not a duration; write a number and ms, s, m, h or d, such as `30s`")
    };
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(split).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_decimals() {
        let time: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(format(time), "2026-01-02T03:04:05.000000Z");
    }

    #[test]
    fn days_end_where_the_next_begins() {
        let end = end_of_day("2027-02-28").unwrap();
        assert_eq!(format(end), "2027-03-01T00:00:00.000000Z");
        assert_eq!(day_before(end), "2027-02-28");
        for wrong in ["", "2027-02-29", "27-02-28", "2027-2-28", "2027-02-28T00", "tomorrow"] {
            assert_eq!(end_of_day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reads_durations() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in ["", "5", "s", "5 s", "-1s", "99999999999999999d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
