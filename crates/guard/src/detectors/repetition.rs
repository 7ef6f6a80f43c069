//! The same thing over and over.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::segments::pieces;
use crate::text::View;

/// A hundred and ten times the unit.
macro_rules! repeated {
    ($unit:literal) => {
        concat!(
            repeated!(@ $unit), repeated!(@ $unit), repeated!(@ $unit), repeated!(@ $unit), repeated!(@ $unit),
            repeated!(@ $unit), repeated!(@ $unit), repeated!(@ $unit), repeated!(@ $unit), repeated!(@ $unit)
        )
    };
    (@ $unit:literal) => {
        concat!($unit, $unit, $unit, $unit, $unit, $unit, $unit, $unit, $unit, $unit, $unit)
    };
}

pub(super) static DETECTOR: Repetition = Repetition;

/// Finds long runs of one repeated unit.
pub(super) struct Repetition;

static META: Meta = Meta {
    id: "repetition",
    summary: "One character, word or line repeated for hundreds of characters",
    severity: Severity::Medium,
    category: Category::Flood,
    label: "",
    docs: Docs {
        finds: "A unit of up to 64 characters (32 of scripts with long encodings) repeated without change over at \
                least 400 characters, or a word of up to six letters repeated 50 times in a row. The first few \
                repetitions are not part of the finding.",
        matters: "Endless repetition burns tokens, is how a model in a loop looks, and is a known way to make a \
                  model recite its training data (\"repeat this word forever\").",
        example: "\"poem poem poem …\", 80 times, becomes the first few and nothing more when masked.",
        fix: "Block or mask; on input, limit the length of texts as well.",
        limits: "Repetition with a counter or other small changes is not found. Runs of `A`, `0`, `f` and `/` pass, \
                 because encoded files are padded with them.",
    },
    references: &[
        Reference::Owasp("LLM10:2025"),
        Reference::Atlas("AML.T0034"),
        Reference::Cwe(770),
    ],
    flags: &[
        repeated!("aaaa"),
        repeated!("poem "),
        repeated!("\n \n "),
        concat!("I see. ", repeated!("loop on ")),
        repeated!("ｈａｈａ"),
        repeated!("哈哈哈哈"),
        concat!("say it: ", repeated!("no, "), "and so on"),
    ],
    passes: &[
        "ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha ha",
        "================================================================================",
        "| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |\n| 4 | 5 | 6 |\n| 7 | 8 | 9 |\n| 10 | 11 | 12 |\n| 13 | 14 | 15 |",
        concat!("iVBORw0KGgo", repeated!("AAAA"), "SUVORK5CYII="),
        "let x = 1;\nlet y = 1;\nlet z = 1;\nlet a = 1;\nlet b = 1;\nlet c = 1;\nlet d = 1;\nlet e = 1;\n",
        "0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,",
    ],
};

/// Longest unit, in bytes.
const MAX_PERIOD: usize = 96;
/// Longest unit that counts as a word, in bytes with what follows it.
const WORD_PERIOD: usize = 7;
/// Fewest repetitions of a word.
const WORD_TIMES: usize = 50;
/// Shortest run, in characters.
const RUN_CHARS: usize = 400;
/// Run that is long enough whatever its characters, in bytes.
const RUN_BYTES: usize = 960;
/// Part of a run before the finding, in bytes; at least twice the unit. Ordinary text never gets
/// this far, so nothing of it is held back.
const LEAD_BYTES: usize = 64;
/// Distance of the places where long units are looked for; a run covers two of them.
const STRIDE: usize = RUN_CHARS / 2;
/// Distance of the places where words are looked for.
const WORD_STRIDE: usize = 32;

impl Detector for Repetition {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Folded
    }

    fn look_behind(&self) -> usize {
        RUN_CHARS + MAX_PERIOD
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        let mut report = |run: &Run| {
            let Some(start) = run.finding(bytes) else { return };
            let last = pieces(view, start, run.end, |start, end| findings.push(start, end, 0.8));
            if run.end == bytes.len() {
                findings.undecided(last);
            }
        };
        sample(bytes, WORD_STRIDE, word_period, &mut report);
        sample(bytes, STRIDE, long_period, &mut report);
        if view.is_complete() {
            return;
        }
        // A run at the end may become long enough.
        for period in 1..=MAX_PERIOD.min(bytes.len() / 2) {
            let run = Run::around(bytes, bytes.len() - period, period);
            if run.is_under_way(bytes) {
                findings.undecided(run.start + run.lead());
            }
        }
    }
}

/// Calls `found` with the run at each multiple of `stride`, each run once.
fn sample(
    bytes: &[u8],
    stride: usize,
    period: fn(&[u8]) -> Option<usize>,
    found: &mut impl FnMut(&Run),
) {
    let mut last: Option<Run> = None;
    for at in (0..bytes.len()).step_by(stride) {
        // A window inside the run that is known has nothing else to show.
        if last.as_ref().is_some_and(|run| at + STRIDE <= run.end) {
            continue;
        }
        let window = bytes.get(at..bytes.len().min(at + STRIDE)).unwrap_or_default();
        let Some(period) = period(window) else { continue };
        let run = Run::around(bytes, at, period);
        if last.as_ref() != Some(&run) {
            found(&run);
            last = Some(run);
        }
    }
}

/// The smallest period of a short word at the beginning of the window.
fn word_period(window: &[u8]) -> Option<usize> {
    const COMPARED: usize = 8;
    let first = window.get(..COMPARED)?;
    (1..=WORD_PERIOD).find(|period| window.get(*period..period + COMPARED) == Some(first))
}

/// The smallest period of the whole window.
fn long_period(window: &[u8]) -> Option<usize> {
    const COMPARED: usize = 8;
    if window.len() < STRIDE {
        return None;
    }
    let first = window.get(..COMPARED)?;
    (1..=MAX_PERIOD)
        .filter(|period| window.get(*period..period + COMPARED) == Some(first))
        .find(|period| window.get(*period..) == window.get(..window.len() - period))
}

/// A longest stretch in which each byte equals the one a period before it.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    start: usize,
    end: usize,
    period: usize,
}

impl Run {
    fn around(bytes: &[u8], at: usize, period: usize) -> Self {
        let after = bytes.get(at..).unwrap_or_default();
        let ahead = after.iter().zip(after.iter().skip(period));
        let end = at + period + ahead.take_while(|(one, next)| one == next).count();
        let before = bytes.get(..bytes.len().min(at + period)).unwrap_or_default();
        let back = before.iter().rev().skip(period).zip(before.iter().rev());
        let start = at - back.take_while(|(one, next)| one == next).count().min(at);
        Self { start, end: end.min(bytes.len()), period }
    }

    fn lead(&self) -> usize {
        LEAD_BYTES.max(2 * self.period)
    }

    /// Where the finding in this run begins, when the run is long enough for one.
    fn finding(&self, bytes: &[u8]) -> Option<usize> {
        let run = bytes.get(self.start..self.end)?;
        let unit = run.get(..self.period)?;
        let long = || {
            // Bytes that do not continue a character of UTF-8.
            let chars = run.iter().filter(|byte| **byte & 0xC0 != 0x80);
            run.len() >= RUN_BYTES || chars.count() >= RUN_CHARS
        };
        let word = is_word(unit) && run.len() >= WORD_TIMES * self.period;
        let found = !is_padding(unit) && (word || (run.len() >= RUN_CHARS && long()));
        found.then_some(self.start + self.lead())
    }

    /// Whether more of the same would make this a finding.
    fn is_under_way(&self, bytes: &[u8]) -> bool {
        let unit = bytes.get(self.start..self.start + self.period).unwrap_or_default();
        self.end - self.start > self.lead() && !is_padding(unit) && self.finding(bytes).is_none()
    }
}

/// Whether the unit is a short word with something between it and the next.
fn is_word(unit: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80;
    unit.len() <= WORD_PERIOD && unit.iter().any(letter) && !unit.iter().all(letter)
}

/// Whether the unit is what encoded files are padded with.
fn is_padding(unit: &[u8]) -> bool {
    let Some(first) = unit.first() else { return true };
    b"A0fF/".contains(first) && unit.iter().all(|byte| byte == first)
}
