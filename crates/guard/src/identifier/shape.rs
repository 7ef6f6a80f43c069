//! Shapes of identifiers: groups of letters and digits, and what stands between them.

use smallvec::SmallVec;

use crate::checks::{byte_before, is_glue};

/// Longest group, in bytes. A longer run of letters and digits fits no shape.
pub(crate) const RUN_BYTES: usize = 24;
/// Most groups of letters that may stand before the first digit.
pub(crate) const LEADS: usize = 2;
/// Longest such group.
pub(crate) const LEAD_BYTES: usize = 4;

/// A maximal run of ASCII letters and digits, read up to one byte more than [`RUN_BYTES`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// One bit per byte that is a digit, the first byte lowest.
    pub(crate) digits: u32,
}

impl Run {
    /// The run that begins at `start`.
    pub(crate) fn at(bytes: &[u8], start: usize) -> Self {
        let mut run = Self { start, end: start, digits: 0 };
        for byte in bytes.iter().skip(start).take(RUN_BYTES + 1) {
            if !byte.is_ascii_alphanumeric() {
                break;
            }
            run.digits |= u32::from(byte.is_ascii_digit()) << (run.end - start);
            run.end += 1;
        }
        run
    }

    /// The run that ends at `end`.
    pub(crate) fn before(bytes: &[u8], end: usize) -> Self {
        let head = bytes.get(end.saturating_sub(RUN_BYTES + 1)..end).unwrap_or_default();
        let len = head.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        Self::at(bytes, end - len)
    }

    pub(crate) const fn len(&self) -> usize {
        self.end - self.start
    }
}

/// One group of a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    min: usize,
    max: usize,
    /// Bytes that must be digits, and bytes that must be letters.
    digits: u32,
    letters: u32,
    /// Letters that must be these, by place.
    fixed: SmallVec<[(u8, u8); 3]>,
}

impl Group {
    fn fits(&self, run: &Run, bytes: &[u8]) -> bool {
        let all = (1u32 << run.len()) - 1;
        (self.min..=self.max).contains(&run.len())
            && run.digits & self.letters == 0
            && !run.digits & self.digits & all == 0
            && self.fixed.iter().all(|(at, letter)| {
                let byte = bytes.get(run.start + usize::from(*at));
                byte.is_some_and(|byte| byte.eq_ignore_ascii_case(letter))
            })
    }

    /// Whether one of its bytes may be a digit.
    const fn may_have_digit(&self) -> bool {
        self.letters != (1 << self.max) - 1
    }
}

/// What stands between two groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// This byte.
    Exactly(u8),
    /// A space or a dash, the same one everywhere.
    Same,
    /// A space, dash, dot, slash or colon.
    Any,
}

/// A shape, written as a pattern: `9` is a digit, `A` a letter, `*` either, a small letter that
/// letter in any case; `{m,n}` repeats the class before it. Between groups stand the separators
/// themselves, `_` for a space or a dash (the same one everywhere), or `~` for any of ` -./:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    groups: SmallVec<[Group; 4]>,
    gaps: SmallVec<[Gap; 4]>,
    /// Groups before the first that has a digit.
    pub(crate) leads: usize,
}

/// What matching a shape at a place gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    No,
    /// More text could make it fit, or say that it does not.
    Open,
    /// It fits up to here.
    Yes(usize),
}

impl Shape {
    /// Reads a pattern of the catalogue.
    pub(crate) fn parse(pattern: &str) -> Self {
        let mut shape = Self { groups: SmallVec::new(), gaps: SmallVec::new(), leads: 0 };
        let mut rest = pattern.as_bytes();
        loop {
            let len = rest.iter().position(|byte| is_gap(*byte)).unwrap_or(rest.len());
            let (group, tail) = rest.split_at_checked(len).unwrap_or_default();
            shape.groups.push(parse_group(group));
            let Some((gap, tail)) = tail.split_first() else { break };
            shape.gaps.push(match gap {
                b'_' => Gap::Same,
                b'~' => Gap::Any,
                byte => Gap::Exactly(*byte),
            });
            rest = tail;
        }
        shape.leads = shape.groups.iter().take_while(|group| !group.may_have_digit()).count();
        shape
    }

    /// Lengths of the first group that has a digit.
    pub(crate) fn lengths(&self) -> std::ops::Range<usize> {
        self.groups.get(self.leads).map_or(0..0, |group| group.min..group.max + 1)
    }

    /// Whether the first group that has a digit may be this run.
    pub(crate) fn begins_with(&self, run: &Run, bytes: &[u8]) -> bool {
        self.groups.get(self.leads).is_some_and(|group| group.fits(run, bytes))
    }

    /// Matches the shape at `start`, where a run begins.
    pub(crate) fn fit(&self, bytes: &[u8], start: usize, complete: bool) -> Fit {
        let mut at = start;
        let mut same = None;
        for (index, group) in self.groups.iter().enumerate() {
            if let Some(gap) = index.checked_sub(1).and_then(|index| self.gaps.get(index)) {
                let Some(byte) = bytes.get(at) else {
                    return if complete { Fit::No } else { Fit::Open };
                };
                let fits = match gap {
                    Gap::Exactly(wanted) => byte == wanted,
                    Gap::Same => matches!(byte, b' ' | b'-') && *same.get_or_insert(*byte) == *byte,
                    Gap::Any => matches!(byte, b' ' | b'-' | b'.' | b'/' | b':'),
                };
                if !fits {
                    return Fit::No;
                }
                at += 1;
            }
            let run = Run::at(bytes, at);
            if !complete && run.end == bytes.len() && run.len() <= group.max {
                return Fit::Open;
            }
            if !group.fits(&run, bytes) {
                return Fit::No;
            }
            at = run.end;
        }
        if !self.is_free_before(bytes, start) {
            return Fit::No;
        }
        self.free_after(bytes, at, complete)
    }

    /// Whether the shape may be written with spaces.
    fn has_space(&self) -> bool {
        self.gaps.iter().any(|gap| !matches!(gap, Gap::Exactly(byte) if *byte != b' '))
    }

    /// Whether nothing to the left shows that the number began earlier.
    fn is_free_before(&self, bytes: &[u8], start: usize) -> bool {
        let further = byte_before(bytes, start, 2);
        let digit = further.is_some_and(|byte| byte.is_ascii_digit());
        match byte_before(bytes, start, 1) {
            Some(b' ') => !(digit && self.has_space()),
            // A path or a word may be joined to a number; a number may not.
            Some(b'-' | b'/' | b'.' | b':') => !digit,
            // `0,123456789`
            Some(b',') => {
                let zero = further == Some(b'0');
                !zero || byte_before(bytes, start, 3).is_some_and(|byte| byte.is_ascii_digit())
            }
            Some(b'+' | b'$' | b'%' | b'@' | b'_') => false,
            _ => true,
        }
    }

    /// Whether nothing to the right shows that the number goes on.
    fn free_after(&self, bytes: &[u8], end: usize, complete: bool) -> Fit {
        let open = if complete { Fit::Yes(end) } else { Fit::Open };
        let Some(byte) = bytes.get(end) else { return open };
        let goes_on: fn(&u8) -> bool = match byte {
            b' ' if self.has_space() => u8::is_ascii_digit,
            b'/' | b'.' | b':' => u8::is_ascii_digit,
            b'-' => |byte| is_glue(*byte),
            b'_' | b'@' | b'%' => return Fit::No,
            _ => return Fit::Yes(end),
        };
        match bytes.get(end + 1) {
            None => open,
            Some(next) if goes_on(next) => Fit::No,
            Some(_) => Fit::Yes(end),
        }
    }
}

/// First byte that more text could make the beginning of a number whose first digit, or the end of
/// the group that has it, has not arrived.
pub(crate) fn open_at_end(bytes: &[u8]) -> usize {
    let last = Run::before(bytes, bytes.len());
    if last.len() > RUN_BYTES {
        return bytes.len();
    }
    let mut at = last.start;
    for _ in 0..LEADS {
        let Some(lead) = lead_before(bytes, at) else { break };
        at = lead.start;
    }
    at
}

/// The group of letters that stands before `at`, with one separator between.
pub(crate) fn lead_before(bytes: &[u8], at: usize) -> Option<Run> {
    byte_before(bytes, at, 1).filter(|byte| is_gap(*byte))?;
    let run = Run::before(bytes, at - 1);
    (run.digits == 0 && (1..=LEAD_BYTES).contains(&run.len())).then_some(run)
}

const fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b':' | b'+' | b'_' | b'~')
}

fn parse_group(pattern: &[u8]) -> Group {
    let (classes, repeat) = match pattern.iter().position(|byte| *byte == b'{') {
        Some(at) => pattern.split_at_checked(at).unwrap_or_default(),
        None => (pattern, &[][..]),
    };
    let mut bounds = repeat.split(|byte| !byte.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut bound = || bounds.next().map(|part| crate::checks::number(part) as usize);
    let least = bound().unwrap_or(1);
    let most = bound().unwrap_or(least);
    let before = classes.len().saturating_sub(1);
    let mut group = Group {
        min: before + least,
        max: (before + most).min(RUN_BYTES),
        digits: 0,
        letters: 0,
        fixed: SmallVec::new(),
    };
    for at in 0..group.max {
        let bit = 1 << at;
        match classes.get(at.min(before)) {
            Some(b'9') => group.digits |= bit,
            Some(b'A') => group.letters |= bit,
            Some(letter) if letter.is_ascii_lowercase() => {
                group.letters |= bit;
                group.fixed.push((at as u8, *letter));
            }
            _ => {}
        }
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(pattern: &str, text: &str) -> Fit {
        Shape::parse(pattern).fit(text.as_bytes(), 0, true)
    }

    #[test]
    fn patterns_say_what_fits() {
        for (pattern, text) in [
            ("999", "123"),
            ("AA99", "ab12"),
            ("de999999999", "DE123456789"),
            ("hrb 9{1,6}", "HRB 1"),
            ("A9{2,4}", "x1234"),
            ("99_99_99", "12 34 56"),
            ("99_99_99", "12-34-56"),
            ("99~99~99", "12-34.56"),
            ("**9", "A19"),
            ("9-9+9", "1-2+3"),
        ] {
            assert_eq!(fit(pattern, text), Fit::Yes(text.len()), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("999", "1234"),
            ("999", "12"),
            ("AA99", "1212"),
            ("de99", "DX12"),
            ("A9{2,4}", "x12345"),
            ("99_99_99", "12-34 56"),
            ("99_99", "12  34"),
            ("99 99", "12 34 56"),
            ("99", "12-34"),
            ("99", "12.34"),
            ("99", "12_"),
        ] {
            assert_eq!(fit(pattern, text), Fit::No, "{pattern} {text}");
        }
        assert_eq!(fit("99", "12. Then"), Fit::Yes(2));
    }

    #[test]
    fn neighbours_on_the_left_count() {
        let fits = |text: &str| {
            let at = text.find("56").unwrap();
            Shape::parse("56 99".replace("56", "99").as_str()).fit(text.as_bytes(), at, true)
                != Fit::No
        };
        assert!(fits("id:56 12") && fits("nr.56 12") && fits("1,56 12") && fits("a 56 12"));
        assert!(!fits("1:56 12") && !fits("3.56 12") && !fits("0,56 12") && !fits("4 56 12"));
        assert!(!fits("+56 12") && !fits("$56 12") && !fits("_56 12"));
    }

    #[test]
    fn an_open_end_leaves_it_open() {
        let open = |text: &str| Shape::parse("99 99").fit(text.as_bytes(), 0, false);
        for text in ["1", "12", "12 ", "12 3", "12 34", "12 34 ", "12 34.", "12 34-"] {
            assert_eq!(open(text), Fit::Open, "{text:?}");
        }
        assert_eq!(open("12 34x"), Fit::No);
        assert_eq!(open("12 34, "), Fit::Yes(5));
        assert_eq!(open("12. "), Fit::No);
        let rest = |text: &str| text[open_at_end(text.as_bytes())..].to_owned();
        assert_eq!(rest("harbour HH AB"), "HH AB");
        assert_eq!(rest("so HH AB"), "so HH AB");
        assert_eq!(rest("the harbour"), "the harbour");
        assert_eq!(rest("x1. "), "");
        assert_eq!(rest(&"x".repeat(40)), "");
    }
}
