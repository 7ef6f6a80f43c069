//! Dates inside numbers.

use super::digits;

/// Days of a month; February has 29 unless the year is known to have none.
const fn days_in(month: u64, leap: bool) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// Whether year, month and day make a date. Of a year of two digits the century is not known, so that
/// any year that four divides may be a leap year.
pub(crate) const fn is_date(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4)
        && (year < 100 || !year.is_multiple_of(100) || year.is_multiple_of(400));
    matches!(month, 1..=12) && day >= 1 && day <= days_in(month, leap)
}

/// Two digits at a place.
fn two(number: &[u8], at: usize) -> Option<u64> {
    let part = number.get(at..at + 2).filter(|part| part.iter().all(u8::is_ascii_digit))?;
    Some(digits(part).fold(0, |sum, digit| sum * 10 + u64::from(digit)))
}

/// Whether six digits at a place are year, month and day.
pub(crate) fn is_yymmdd(number: &[u8], at: usize) -> bool {
    let parts = || Some((two(number, at)?, two(number, at + 2)?, two(number, at + 4)?));
    parts().is_some_and(|(year, month, day)| is_date(year, month, day))
}

/// Whether six digits at a place are day, month and year.
pub(crate) fn is_ddmmyy(number: &[u8], at: usize) -> bool {
    let parts = || Some((two(number, at + 4)?, two(number, at + 2)?, two(number, at)?));
    parts().is_some_and(|(year, month, day)| is_date(year, month, day))
}

/// Whether eight digits at a place are a date since 1800: year, month and day.
pub(crate) fn is_yyyymmdd(number: &[u8], at: usize) -> bool {
    let parts = || {
        let year = two(number, at)? * 100 + two(number, at + 2)?;
        Some((year, two(number, at + 4)?, two(number, at + 6)?))
    };
    parts()
        .is_some_and(|(year, month, day)| (1800..2100).contains(&year) && is_date(year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_calendar() {
        assert!(is_date(2024, 2, 29) && !is_date(2023, 2, 29) && !is_date(1900, 2, 29));
        assert!(is_date(2000, 2, 29) && is_date(0, 2, 29) && !is_date(2024, 4, 31));
        assert!(is_yymmdd(b"960121", 0) && !is_yymmdd(b"961321", 0) && !is_yymmdd(b"9601", 0));
        assert!(is_ddmmyy(b"x310189", 1) && !is_ddmmyy(b"310289", 0));
        assert!(is_yyyymmdd(b"18900411", 0) && !is_yyyymmdd(b"17000101", 0));
        assert!(!is_yyyymmdd(b"2005042x", 0));
    }
}
