//! What is kept of each row: its score, its time, and a few of the texts that went wrong.
//!
//! Nothing here depends on the order in which rows come, so threads may share them out as they like.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::judge::{Judgement, Truth};
use super::rows::Row;
use crate::commands::check::result::rounded;
use crate::terminal::printable;

/// Characters of a text that an example shows.
const SHOWN_CHARS: usize = 120;
/// Characters of a name that data gives.
pub(super) const NAME_CHARS: usize = 100;
/// Group of rows that do not say theirs.
const UNNAMED: &str = "(none)";

/// Place of a row: file, then line.
pub(super) type At = (usize, u64);

#[derive(Debug, Default)]
pub(super) struct Tally {
    /// By source, then by kind.
    cells: BTreeMap<String, BTreeMap<String, Scored>>,
    /// By kind.
    pub(super) examples: BTreeMap<String, Examples>,
    /// Rows whose label is neither benign nor positive, by label.
    pub(super) left_out: BTreeMap<String, u64>,
    /// Rows on a channel that nothing which is measured reads.
    pub(super) unread: u64,
    /// Rows that could not be judged; they are part of no figure.
    pub(super) not_evaluated: u64,
}

/// The rows of a group.
#[derive(Debug, Clone, Default)]
pub(super) struct Scored {
    pub(super) benign: Vec<f32>,
    pub(super) positives: Vec<f32>,
    /// Benign rows that the guardrails acted on.
    pub(super) alarms: u64,
    /// Positive rows that the guardrails acted on.
    pub(super) hits: u64,
    pub(super) nanos: Vec<u64>,
}

/// What the guardrails got most wrong, worst first.
#[derive(Debug, Default)]
pub(super) struct Examples {
    pub(super) false_alarms: Vec<Example>,
    pub(super) misses: Vec<Example>,
}

#[derive(Debug, Serialize)]
pub(super) struct Example {
    #[serde(skip)]
    at: At,
    pub(super) id: Value,
    pub(super) score: f64,
    /// Detectors behind it; none for a miss.
    pub(super) rules: Vec<&'static str>,
    /// Its beginning, on one line, with control characters escaped.
    pub(super) text: String,
}

impl Tally {
    pub(super) fn leave_out(&mut self, label: &str) {
        *self.left_out.entry(shown(label, NAME_CHARS)).or_default() += 1;
    }

    pub(super) fn add(
        &mut self,
        at: At,
        row: &Row,
        truth: Truth,
        judgement: &Judgement,
        examples: usize,
    ) {
        if !judgement.evaluated {
            self.not_evaluated += 1;
            return;
        }
        self.unread += u64::from(!judgement.read);
        let kind = group(row.kind.as_deref());
        let found = !judgement.rules.is_empty();
        if examples > 0 && found == (truth == Truth::Benign) {
            let wrong = self.examples.entry(kind.clone()).or_default();
            offer(wrong.list(truth), examples, truth, at, row, judgement);
        }
        let cell = self.cells.entry(group(row.source.as_deref())).or_default();
        cell.entry(kind).or_default().add(truth, judgement);
    }

    /// Takes in what another thread has counted.
    pub(super) fn absorb(&mut self, other: Self, examples: usize) {
        for (source, kinds) in other.cells {
            let cell = self.cells.entry(source).or_default();
            for (kind, scored) in kinds {
                cell.entry(kind).or_default().absorb(&scored);
            }
        }
        for (kind, theirs) in other.examples {
            let ours = self.examples.entry(kind).or_default();
            ours.false_alarms.extend(theirs.false_alarms);
            ours.misses.extend(theirs.misses);
            for truth in [Truth::Benign, Truth::Positive] {
                let list = ours.list(truth);
                list.sort_by(|a, b| worse(truth, (a.score, a.at), (b.score, b.at)));
                list.truncate(examples);
            }
        }
        for (label, rows) in other.left_out {
            *self.left_out.entry(label).or_default() += rows;
        }
        self.unread += other.unread;
        self.not_evaluated += other.not_evaluated;
    }

    pub(super) fn by_source(&self) -> BTreeMap<&str, Scored> {
        let mut groups: BTreeMap<&str, Scored> = BTreeMap::new();
        for (source, kinds) in &self.cells {
            for scored in kinds.values() {
                groups.entry(source).or_default().absorb(scored);
            }
        }
        groups
    }

    pub(super) fn by_kind(&self) -> BTreeMap<&str, Scored> {
        let mut groups: BTreeMap<&str, Scored> = BTreeMap::new();
        for (kind, scored) in self.cells.values().flatten() {
            groups.entry(kind).or_default().absorb(scored);
        }
        groups
    }

    pub(super) fn total(&self) -> Scored {
        let mut total = Scored::default();
        self.cells.values().flat_map(BTreeMap::values).for_each(|scored| total.absorb(scored));
        total
    }
}

impl Scored {
    /// Rows of both sorts.
    pub(super) fn rows(&self) -> u64 {
        (self.benign.len() + self.positives.len()) as u64
    }

    fn add(&mut self, truth: Truth, judgement: &Judgement) {
        let found = u64::from(!judgement.rules.is_empty());
        match truth {
            Truth::Benign => {
                self.benign.push(judgement.score);
                self.alarms += found;
            }
            Truth::Positive => {
                self.positives.push(judgement.score);
                self.hits += found;
            }
        }
        self.nanos.push(judgement.nanos);
    }

    fn absorb(&mut self, other: &Self) {
        self.benign.extend(&other.benign);
        self.positives.extend(&other.positives);
        self.nanos.extend(&other.nanos);
        self.alarms += other.alarms;
        self.hits += other.hits;
    }
}

impl Examples {
    fn list(&mut self, truth: Truth) -> &mut Vec<Example> {
        match truth {
            Truth::Benign => &mut self.false_alarms,
            Truth::Positive => &mut self.misses,
        }
    }
}

/// Keeps the worst; the text of one that is not kept is not copied.
fn offer(
    kept: &mut Vec<Example>,
    most: usize,
    truth: Truth,
    at: At,
    row: &Row,
    judgement: &Judgement,
) {
    let score = rounded(judgement.score);
    let place =
        kept.partition_point(|other| worse(truth, (other.score, other.at), (score, at)).is_lt());
    if place >= most {
        return;
    }
    let rules = judgement.rules.iter().copied().collect();
    let text = shown(row.text.as_deref().unwrap_or_default(), SHOWN_CHARS);
    kept.insert(place, Example { at, id: row.id.clone(), score, rules, text });
    kept.truncate(most);
}

/// Surer false alarms are worse, and so are misses that nothing was seen of; then the first counts.
fn worse(truth: Truth, a: (f64, At), b: (f64, At)) -> std::cmp::Ordering {
    let by_score = match truth {
        Truth::Benign => b.0.total_cmp(&a.0),
        Truth::Positive => a.0.total_cmp(&b.0),
    };
    by_score.then(a.1.cmp(&b.1))
}

/// The group that a source or a kind belongs to: what stands before the first colon, since what
/// follows is a file or a variety. The colon of a URL's scheme is part of its name.
fn group(name: Option<&str>) -> String {
    let name = name.map_or(UNNAMED, str::trim);
    let end = name
        .match_indices(':')
        .find(|(at, _)| !name.get(at + 1..).is_some_and(|rest| rest.starts_with("//")));
    match end.and_then(|(at, _)| name.get(..at)).unwrap_or(name) {
        "" => UNNAMED.to_owned(),
        group => shown(group, NAME_CHARS),
    }
}

/// The first characters on one line, with everything escaped that a terminal would obey.
pub(super) fn shown(text: &str, chars: usize) -> String {
    let end = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    let (head, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let mut line = printable(head).replace('\n', "\\n").replace('\t', "\\t");
    if !rest.is_empty() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64) -> Row {
        serde_json::from_value(serde_json::json!({ "id": id, "text": "x", "label": "benign" }))
            .unwrap()
    }

    fn judgement(score: f32, rules: &[&'static str]) -> Judgement {
        let rules = rules.iter().copied().collect();
        Judgement { score, rules, nanos: 1, evaluated: true, read: true }
    }

    #[test]
    fn groups_are_named_by_what_stands_before_a_colon() {
        let cases = [
            (Some("owner/repo:data/x.csv@1"), "owner/repo"),
            (Some("obfuscated:fullwidth"), "obfuscated"),
            (Some("https://example.com/a:b"), "https://example.com/a"),
            (Some(":x"), UNNAMED),
            (Some(" "), UNNAMED),
            (None, UNNAMED),
        ];
        for (name, expected) in cases {
            assert_eq!(group(name), expected, "{name:?}");
        }
    }

    #[test]
    fn texts_are_cut_and_cannot_move_the_cursor() {
        assert_eq!(shown("a\nb\tc\u{1b}[2J\u{202e}", 120), "a\\nb\\tc\\u{1b}[2J\\u{202e}");
        assert_eq!(shown(&"ü".repeat(121), 120), "ü".repeat(120) + "…");
        assert_eq!(shown(&"ü".repeat(120), 120), "ü".repeat(120));
    }

    #[test]
    fn the_worst_are_kept_however_rows_are_shared_out() {
        let scores = [0.5, 0.9, 0.7, 0.9, 0.6];
        let told = |split: usize| {
            let (mut first, mut second) = (Tally::default(), Tally::default());
            for (index, score) in scores.into_iter().enumerate().rev() {
                let tally = if index < split { &mut first } else { &mut second };
                let judgement = judgement(score, &["rule"]);
                tally.add((0, index as u64), &row(index as u64), Truth::Benign, &judgement, 3);
            }
            second.absorb(first, 3);
            let examples = &second.examples[UNNAMED];
            assert!(examples.misses.is_empty());
            examples.false_alarms.iter().map(|example| example.id.clone()).collect::<Vec<_>>()
        };
        for split in 0..=scores.len() {
            assert_eq!(told(split), [1, 3, 2], "{split}");
        }
    }

    #[test]
    fn a_miss_is_worse_the_less_was_seen_of_it() {
        let mut tally = Tally::default();
        for (id, score) in [(0, 0.4), (1, 0.0), (2, 0.2)] {
            tally.add((0, id), &row(id), Truth::Positive, &judgement(score, &[]), 2);
        }
        let misses = &tally.examples[UNNAMED].misses;
        assert_eq!(misses.iter().map(|miss| miss.id.clone()).collect::<Vec<_>>(), [1, 2]);
        let total = tally.total();
        assert_eq!((total.rows(), total.hits, total.positives.len()), (3, 0, 3));
    }

    #[test]
    fn what_was_not_judged_is_part_of_no_figure() {
        let mut tally = Tally::default();
        let failed = Judgement { evaluated: false, ..judgement(0.9, &["rule"]) };
        tally.add((0, 1), &row(1), Truth::Benign, &failed, 3);
        assert_eq!((tally.not_evaluated, tally.total().rows()), (1, 0));
        assert!(tally.examples.is_empty());
    }
}
