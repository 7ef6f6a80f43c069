//! Dates as people and programs write them.

use super::date::is_date;
use super::{byte_before, digits, glued_before, is_glue, number};
use crate::cursor::Cursor;

/// Bytes read ahead: a date with the name of a month, a time with fractions and its offset, and what
/// follows.
pub(crate) const CAP_BYTES: usize = 64;
/// Longest name of a month.
const MONTH_BYTES: usize = 11;

/// Bytes that may stand between the last digit of a day and a month, and that digit.
const DAY_BYTES: usize = 8;

/// Names of the months without accents, by language, and how they are cut short.
const MONTHS: [&[&str]; 12] = [
    &[
        "january",
        "jan",
        "januar",
        "janvier",
        "janv",
        "enero",
        "ene",
        "gennaio",
        "gen",
        "janeiro",
        "januari",
        "stycznia",
        "ocak",
        "tammikuuta",
    ],
    &[
        "february",
        "feb",
        "februar",
        "fevrier",
        "fevr",
        "febrero",
        "febbraio",
        "fevereiro",
        "fev",
        "februari",
        "lutego",
        "subat",
        "helmikuuta",
    ],
    &[
        "march",
        "mar",
        "marz",
        "maerz",
        "mrz",
        "mars",
        "marzo",
        "marco",
        "maart",
        "mrt",
        "marca",
        "mart",
        "maaliskuuta",
    ],
    &["april", "apr", "avril", "avr", "abril", "abr", "aprile", "kwietnia", "nisan", "huhtikuuta"],
    &["may", "mai", "mayo", "maggio", "mag", "maio", "mei", "maj", "maja", "mayis", "toukokuuta"],
    &[
        "june",
        "jun",
        "juni",
        "juin",
        "junio",
        "giugno",
        "giu",
        "junho",
        "czerwca",
        "haziran",
        "kesakuuta",
    ],
    &[
        "july",
        "jul",
        "juli",
        "juillet",
        "juil",
        "julio",
        "luglio",
        "lug",
        "julho",
        "lipca",
        "temmuz",
        "heinakuuta",
    ],
    &[
        "august", "aug", "aout", "agosto", "ago", "augustus", "augusti", "sierpnia", "agustos",
        "elokuuta",
    ],
    &[
        "september",
        "sep",
        "sept",
        "septembre",
        "septiembre",
        "settembre",
        "set",
        "setembro",
        "wrzesnia",
        "eylul",
        "syyskuuta",
    ],
    &[
        "october",
        "oct",
        "oktober",
        "okt",
        "octobre",
        "octubre",
        "ottobre",
        "ott",
        "outubro",
        "out",
        "pazdziernika",
        "ekim",
        "lokakuuta",
    ],
    &["november", "nov", "novembre", "noviembre", "novembro", "listopada", "kasim", "marraskuuta"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "decembre",
        "diciembre",
        "dic",
        "dicembre",
        "dezembro",
        "grudnia",
        "aralik",
        "joulukuuta",
    ],
];

/// A date that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) parts: Parts,
}

/// What is known of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// Day, month and year.
    Whole,
    /// A month by name with a day or a year.
    Named,
    /// Two numbers.
    Numbers,
}

/// Reads the date whose first digits begin at the cursor, or whose month stands right before it.
/// Gives where it may begin, and the date.
pub(crate) fn read(bytes: &[u8], cursor: &mut Cursor<'_>) -> (usize, Option<Written>) {
    let start = cursor.at();
    if let Some((word, month)) = month_before(bytes, start) {
        return (word, after_month(cursor, word, month));
    }
    if !is_free_before(bytes, start) {
        return (start, None);
    }
    (start, from_digits(cursor, start))
}

/// First byte that more text could make the beginning of a date.
pub(crate) fn open_at_end(bytes: &[u8]) -> usize {
    let separator = bytes.last().is_some_and(|byte| matches!(byte, b' ' | b'-' | b'.'));
    let end = bytes.len() - usize::from(separator);
    let head = bytes.get(..end).unwrap_or_default();
    let word =
        head.iter().rev().take(MONTH_BYTES + 1).take_while(|byte| byte.is_ascii_alphabetic());
    match word.count() {
        len @ 1..=MONTH_BYTES => end - len,
        _ => bytes.len(),
    }
}

/// Start and number of the month that stands before a number, with one separator between.
fn month_before(bytes: &[u8], at: usize) -> Option<(usize, u64)> {
    byte_before(bytes, at, 1).filter(|byte| matches!(byte, b' ' | b'-' | b'.'))?;
    let head = bytes.get(..at - 1)?;
    let letters =
        head.iter().rev().take(MONTH_BYTES + 1).take_while(|byte| byte.is_ascii_alphabetic());
    let start = at - 1 - letters.count();
    let month = month_of(head.get(start..)?)?;
    let within = follows_day(bytes, start);
    (!within && !glued_before(bytes, start)).then_some((start, month))
}

/// Whether a day stands before a month, which then begins the date: `5-May-2021`, `3rd of June 1999`.
fn follows_day(bytes: &[u8], month: usize) -> bool {
    let head = bytes.get(month.saturating_sub(DAY_BYTES)..month).unwrap_or_default();
    let head =
        ["of ", "de "].iter().find_map(|of| head.strip_suffix(of.as_bytes())).unwrap_or(head);
    let Some(head) =
        [b' ', b'-', b'/'].iter().find_map(|separator| head.strip_suffix(&[*separator]))
    else {
        return false;
    };
    let endings = ["st", "nd", "rd", "th", "."];
    let day =
        endings.iter().find_map(|ending| head.strip_suffix(ending.as_bytes())).unwrap_or(head);
    day.last().is_some_and(u8::is_ascii_digit)
}

/// Number of the month with this name.
fn month_of(word: &[u8]) -> Option<u64> {
    let named =
        |names: &&[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
    MONTHS.iter().position(named).map(|at| at as u64 + 1)
}

fn is_free_before(bytes: &[u8], start: usize) -> bool {
    let further = byte_before(bytes, start, 2);
    match byte_before(bytes, start, 1) {
        Some(b'-' | b'/' | b'.' | b':') => !further.is_some_and(is_glue),
        Some(b'+' | b'$') => false,
        Some(byte) => !is_glue(byte),
        None => true,
    }
}

/// What follows the name of a month: `21`, `2021`, `1st, 1977`.
fn after_month(cursor: &mut Cursor<'_>, start: usize, month: u64) -> Option<Written> {
    let first = take_number(cursor, 4)?;
    let end = cursor.at();
    if first.len() == 4 {
        return (is_year(number(first)) && ends(cursor)).then_some(Written {
            start,
            end,
            parts: Parts::Named,
        });
    }
    let _ = ["st", "nd", "rd", "th"].into_iter().any(|ending| cursor.eat_word(ending));
    let day = Written { start, end: cursor.at(), parts: Parts::Named };
    if first.len() > 2 || !is_date(0, month, number(first)) {
        // `May-87` is a month of a year.
        return (first.len() == 2 && cursor.at() == end && ends(cursor)).then_some(day);
    }
    let at = cursor.at();
    cursor.eat(b',');
    if cursor.eat_if(|byte| matches!(byte, b' ' | b'-' | b',')) {
        let year = cursor.run(5, |byte| byte.is_ascii_digit());
        let end = cursor.at();
        if year.len() == 4 && is_year(number(year)) && ends(cursor) {
            return Some(Written { start, end, parts: Parts::Whole });
        }
    }
    cursor.rewind(at);
    ends(cursor).then_some(day)
}

fn from_digits(cursor: &mut Cursor<'_>, start: usize) -> Option<Written> {
    let first = take_number(cursor, 4)?;
    let after_first = cursor.at();
    let whole = |end| Some(Written { start, end, parts: Parts::Whole });
    if let Some(end) = in_signs(cursor, number(first)) {
        return whole(end);
    }
    cursor.rewind(after_first);
    if first.len() <= 2 {
        if let Some(end) = with_name(cursor, number(first)) {
            return whole(end);
        }
        cursor.rewind(after_first);
    }
    let separator = cursor.peek().filter(|byte| matches!(byte, b'-' | b'/' | b'.'))?;
    cursor.next();
    let second = take_number(cursor, 4)?;
    let after_second = cursor.at();
    if cursor.eat(separator) {
        let third = take_number(cursor, 4)?;
        let end = cursor.at();
        let (a, b, c) = (number(first), number(second), number(third));
        return match (first.len(), second.len(), third.len()) {
            (4, 1..=2, 1..=2) => {
                let dated = is_year(a) && is_date(a, b, c);
                let end = time_after(cursor, end);
                cursor.rewind(end);
                (dated && ends(cursor)).then_some(Written { start, end, parts: Parts::Whole })
            }
            (1..=2, 1..=2, 2 | 4) => {
                let year = third.len() == 2 || is_year(c);
                let dated = year && (is_date(c, a, b) || is_date(c, b, a));
                (dated && ends(cursor)).then_some(Written { start, end, parts: Parts::Whole })
            }
            _ => None,
        };
    }
    cursor.rewind(after_second);
    let (a, b) = (number(first), number(second));
    let dated = separator == b'/'
        && first.len() <= 2
        && match second.len() {
            4 => matches!(a, 1..=12) && is_year(b),
            2 => matches!(a, 1..=12) && b > 0,
            _ => false,
        };
    (dated && ends(cursor)).then_some(Written { start, end: after_second, parts: Parts::Numbers })
}

/// `1980年3月12日`, after the year.
fn in_signs(cursor: &mut Cursor<'_>, year: u64) -> Option<usize> {
    let mut part = |before: &str| {
        cursor.eat_word(before).then(|| cursor.run(3, |byte| byte.is_ascii_digit())).map(number)
    };
    let (month, day) = (part("年")?, part("月")?);
    (cursor.eat_word("日") && is_year(year) && is_date(year, month, day)).then_some(cursor.at())
}

/// `5-May-2021`, `5. Mai 2021`, `5 de mayo de 2021`, after the day.
fn with_name(cursor: &mut Cursor<'_>, day: u64) -> Option<usize> {
    let _ = ["st", "nd", "rd", "th"].into_iter().any(|ending| cursor.eat_word(ending));
    cursor.eat(b'.');
    let separator = cursor.peek().filter(|byte| matches!(byte, b' ' | b'-' | b'/'))?;
    cursor.next();
    if separator == b' ' {
        let _ = cursor.eat_word("de ") || cursor.eat_word("of ");
    }
    let month = month_of(cursor.run(MONTH_BYTES + 1, |byte| byte.is_ascii_alphabetic()))?;
    cursor.eat(b'.');
    let _ = cursor.eat(b',');
    if !cursor.eat(separator) {
        return None;
    }
    if separator == b' ' {
        let _ = cursor.eat_word("de ");
    }
    let year = cursor.run(5, |byte| byte.is_ascii_digit());
    let end = cursor.at();
    let fits = match year.len() {
        4 => is_year(number(year)),
        2 => separator == b'-',
        _ => false,
    };
    (fits && is_date(number(year), month, day) && ends(cursor)).then_some(end)
}

/// End of the time of day that follows a date, or of the date.
fn time_after(cursor: &mut Cursor<'_>, end: usize) -> usize {
    cursor.rewind(end);
    let two = |cursor: &mut Cursor<'_>, most: u64| {
        let part = cursor.run(3, |byte| byte.is_ascii_digit());
        part.len() == 2 && number(part) <= most
    };
    let begins = cursor.eat_if(|byte| matches!(byte, b'T' | b't' | b' '));
    if !(begins && two(cursor, 24) && cursor.eat(b':') && two(cursor, 59)) {
        return end;
    }
    let mut end = cursor.at();
    if cursor.eat(b':') && two(cursor, 60) {
        end = cursor.at();
        if cursor.eat(b'.') && !cursor.run(10, |byte| byte.is_ascii_digit()).is_empty() {
            end = cursor.at();
        }
    }
    cursor.rewind(end);
    if cursor.eat_if(|byte| matches!(byte, b'Z' | b'z')) {
        return cursor.at();
    }
    if cursor.eat_if(|byte| matches!(byte, b'+' | b'-')) && two(cursor, 14) {
        end = cursor.at();
        cursor.eat(b':');
        if two(cursor, 59) {
            end = cursor.at();
        }
    }
    end
}

/// Up to `most` digits; none when there are more.
fn take_number<'a>(cursor: &mut Cursor<'a>, most: usize) -> Option<&'a [u8]> {
    let part = cursor.run(most + 1, |byte| byte.is_ascii_digit());
    (digits(part).count() <= most && !part.is_empty()).then_some(part)
}

const fn is_year(year: u64) -> bool {
    matches!(year, 1850..=2150)
}

/// Whether what was read ends here.
fn ends(cursor: &mut Cursor<'_>) -> bool {
    match cursor.next() {
        Some(b'-' | b'/' | b'.' | b':') => !cursor.peek().is_some_and(is_glue),
        Some(byte) => !is_glue(byte),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, Parts)> {
        let bytes = text.as_bytes();
        let runs = crate::text::runs::runs::<crate::text::runs::Digit>(bytes);
        let read =
            |run: bartizan_core::Span| read(bytes, &mut Cursor::new(bytes, run.start, CAP_BYTES)).1;
        runs.filter_map(read).map(|date| (&text[date.start..date.end], date.parts)).collect()
    }

    #[test]
    fn reads_what_people_write() {
        for text in [
            "5-20-2021",
            "20/5/2021",
            "05/21/21",
            "21.5.1980",
            "5-May-2021",
            "5 May 2021",
            "12. Marz 1980",
            "1 de mayo de 1980",
            "2024-03-15",
            "2024-03-15T14:30:00.123456Z",
            "2024-12-31T23:59:59+00:00",
            "2024-03-15T14:30Z",
            "May 1st, 1977",
            "March 3, 1980",
            "1980年3月12日",
            "3rd of June 1999",
        ] {
            assert_eq!(found(text), [(text, Parts::Whole)], "{text}");
        }
        assert_eq!(
            found("May-21, Oct 2020"),
            [("May-21", Parts::Named), ("Oct 2020", Parts::Named)]
        );
        assert_eq!(found("05/21 5/2021"), [("05/21", Parts::Numbers), ("5/2021", Parts::Numbers)]);
        assert_eq!(found("on,5/21,and"), [("5/21", Parts::Numbers)]);
    }

    #[test]
    fn leaves_other_numbers_alone() {
        for text in [
            "is5/21",
            "30/2/2021",
            "2021-13-01",
            "1.2.3.4",
            "10.0.0.1",
            "v1.2.2021.4",
            "12/345/6789",
            "5-20-2021-1",
            "99/99",
            "May 99999",
            "dismay 21",
            "2021",
            "31 June 2021",
            "1/2/3",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn a_month_at_the_end_is_open() {
        for (text, open) in
            [("on May", 3), ("on May ", 3), ("on 5 ", 5), ("abcdefghijklm", 13), ("", 0)]
        {
            assert_eq!(open_at_end(text.as_bytes()), open, "{text:?}");
        }
    }
}
