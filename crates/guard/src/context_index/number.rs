//! Figures in texts, in the ways in which people write them.

/// Most bytes of a figure with its separators.
pub(crate) const MAX_BYTES: usize = 40;
/// Most bytes behind a figure that say what it counts.
const UNIT_BYTES: usize = 12;
/// Most digits of a figure; what is longer is a name.
const MAX_DIGITS: usize = 15;

/// A figure: what it may stand for, since `1.234` is one and a bit or more than a thousand.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    end: usize,
    /// Whether bytes behind the text could change what was read.
    is_open: bool,
    readings: Vec<Reading>,
    /// Its digits apart, where there are separators.
    parts: Vec<f64>,
    /// Whether these may be a date or a list, and not one figure.
    may_be_several: bool,
    /// Per cent, thousands and so on.
    factors: Vec<f64>,
    is_too_long: bool,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    value: f64,
    /// Digits behind the point.
    decimals: i32,
    digits: usize,
}

impl Number {
    /// Reads the figure whose first digit stands at `start` of folded text.
    pub(crate) fn read(bytes: &[u8], start: usize) -> Self {
        let mut end = start;
        let mut groups: Vec<&str> = Vec::new();
        let mut separators: Vec<u8> = Vec::new();
        let limit = start + MAX_BYTES;
        loop {
            let digits =
                bytes.get(end..).unwrap_or_default().iter().take(limit.saturating_sub(end));
            let len = digits.take_while(|byte| byte.is_ascii_digit()).count();
            groups.push(
                bytes
                    .get(end..end + len)
                    .and_then(|text| std::str::from_utf8(text).ok())
                    .unwrap_or(""),
            );
            end += len;
            let Some([separator, next]) =
                bytes.get(end..end + 2).and_then(|two| <[u8; 2]>::try_from(two).ok())
            else {
                break;
            };
            if !next.is_ascii_digit() || end + 1 >= limit || !joins(separator, bytes, end, &groups)
            {
                break;
            }
            separators.push(separator);
            end += 1;
        }
        let is_too_long =
            end >= limit || groups.iter().map(|group| group.len()).sum::<usize>() > MAX_DIGITS;
        let tail = bytes.get(end..(end + UNIT_BYTES).min(bytes.len())).unwrap_or_default();
        let mut number = Self {
            end,
            is_open: end + UNIT_BYTES >= bytes.len(),
            readings: Vec::new(),
            parts: Vec::new(),
            may_be_several: false,
            factors: factors(tail),
            is_too_long,
        };
        if !is_too_long {
            number.readings = readings(&groups, &separators);
            if !separators.is_empty() {
                number.may_be_several = number.factors.len() == 1
                    && (number.readings.is_empty()
                        || separators.len() > 1
                        || separators.first() == Some(&b','));
                number.parts = groups.iter().filter_map(|group| group.parse().ok()).collect();
            }
        }
        number
    }

    /// One past the last digit.
    pub(crate) const fn end(&self) -> usize {
        self.end
    }

    /// Whether more text could change what was read.
    pub(crate) const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether it is too long for a figure that somebody states.
    pub(crate) const fn is_too_long(&self) -> bool {
        self.is_too_long
    }

    /// What it may stand for, with its unit and without.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> {
        self.readings
            .iter()
            .flat_map(|reading| self.factors.iter().map(|factor| reading.value * factor))
    }

    /// What somebody who states it says: with a unit such as `million` never without.
    pub(crate) fn stated(&self) -> impl Iterator<Item = f64> {
        let is_scaled = self.factors.iter().any(|factor| *factor > 1.0);
        let factors = self.factors.iter().filter(move |factor| !is_scaled || **factor > 1.0);
        self.readings
            .iter()
            .flat_map(move |reading| factors.clone().map(|factor| reading.value * factor))
    }

    /// The numbers between its separators.
    pub(crate) fn parts(&self) -> impl Iterator<Item = f64> {
        self.parts.iter().copied()
    }

    /// Whether the numbers between its separators may be a date or a list.
    pub(crate) const fn may_be_several(&self) -> bool {
        self.may_be_several
    }

    /// How far a figure that was rounded to `value` may be from it.
    pub(crate) fn rounding(&self, value: f64) -> f64 {
        let reach = |reading: &Reading| {
            let factor = value / reading.value;
            let is_own = self.factors.iter().any(|own| (own - factor).abs() < own * 1e-9);
            // A single digit is what everything is rounded to.
            (is_own && reading.digits >= 2).then(|| 0.5 * factor * 10f64.powi(-reading.decimals))
        };
        self.readings
            .iter()
            .filter(|reading| reading.value != 0.0)
            .filter_map(reach)
            .fold(0.0, f64::max)
    }

    /// Whether it is a whole number up to twelve: people count such things themselves.
    pub(crate) fn is_small(&self) -> bool {
        let small = |reading: &Reading| reading.decimals == 0 && reading.value <= 12.0;
        !self.readings.is_empty()
            && self.readings.iter().all(small)
            && self.factors.iter().all(|factor| *factor <= 1.0)
    }
}

/// Whether a separator joins the digits on both sides. A blank does where groups of three follow.
fn joins(separator: u8, bytes: &[u8], at: usize, groups: &[&str]) -> bool {
    match separator {
        b'.' | b',' | b'\'' => true,
        b' ' => {
            let next = bytes.get(at + 1..).unwrap_or_default();
            let three = next.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count() == 3;
            let first = groups.first().is_some_and(|group| (1..=3).contains(&group.len()));
            three && first && groups.iter().skip(1).all(|group| group.len() == 3)
        }
        _ => false,
    }
}

fn readings(groups: &[&str], separators: &[u8]) -> Vec<Reading> {
    let mut readings = Vec::new();
    let thousands = groups.iter().skip(1).all(|group| group.len() == 3)
        && groups.first().is_some_and(|group| group.len() <= 3)
        && separators.iter().all(|separator| Some(separator) == separators.first());
    if separators.is_empty() || thousands {
        readings.extend(reading(groups, ""));
    }
    if let ([.., decimals], [others @ .., b'.' | b',']) = (groups, separators) {
        let whole = groups.get(..groups.len() - 1).unwrap_or_default();
        let last = separators.last();
        let grouped = whole.iter().skip(1).all(|group| group.len() == 3)
            && others.iter().all(|separator| Some(separator) != last);
        if grouped {
            readings.extend(reading(whole, decimals));
        }
    }
    readings
}

fn reading(whole: &[&str], decimals: &str) -> Option<Reading> {
    let digits = whole.concat();
    let text = format!("{digits}.{decimals}0");
    let significant = digits.trim_start_matches('0').len() + decimals.len();
    Some(Reading {
        value: text.parse().ok()?,
        decimals: i32::try_from(decimals.len()).unwrap_or(0),
        digits: significant,
    })
}

/// Words behind a figure, and what they make of it.
const SCALES: [(&str, f64); 22] = [
    ("thousand", 1e3),
    ("million", 1e6),
    ("millions", 1e6),
    ("millionen", 1e6),
    ("millones", 1e6),
    ("milioni", 1e6),
    ("mio", 1e6),
    ("mn", 1e6),
    ("billion", 1e9),
    ("billions", 1e9),
    ("milliarden", 1e9),
    ("milliards", 1e9),
    ("mrd", 1e9),
    ("bn", 1e9),
    ("trillion", 1e12),
    ("tausend", 1e3),
    ("mille", 1e3),
    ("mil", 1e3),
    ("k", 1e3),
    ("m", 1e6),
    ("b", 1e9),
    ("dozen", 12.0),
];

fn factors(tail: &[u8]) -> Vec<f64> {
    let blanks = tail.iter().take_while(|byte| matches!(byte, b' ' | b'-')).count();
    let rest = tail.get(blanks..).unwrap_or_default();
    let mut factors = vec![1.0];
    if rest.first() == Some(&b'%') {
        factors.push(0.01);
        return factors;
    }
    let len = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = rest
        .get(..len)
        .and_then(|word| std::str::from_utf8(word).ok())
        .unwrap_or("")
        .to_ascii_lowercase();
    if matches!(word.as_str(), "percent" | "prozent" | "pct" | "percentage") {
        factors.push(0.01);
    }
    factors.extend(SCALES.iter().filter(|(scale, _)| *scale == word).map(|(_, factor)| *factor));
    factors
}
