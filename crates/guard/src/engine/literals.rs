//! All literals of a plan in one automaton: one pass over a view serves every detector.
//!
//! The same pass tells whether the view ends inside a literal, from the state it ends in, and
//! whether rotating the view by thirteen letters would show a literal.

use std::collections::{BTreeMap, HashMap};

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use smallvec::SmallVec;

use super::GuardError;
use crate::detector::Hit;

/// A literal and whom to tell about it.
pub(super) struct Literal {
    /// Slot of the detector in the plan; absent for a literal that only calls for another view.
    pub(super) slot: Option<usize>,
    /// Index in the detector's list.
    pub(super) index: usize,
    /// Folded text, in any ASCII case.
    pub(super) text: String,
}

/// Slots in the plan, and indexes in the lists of the detectors there.
type Owners = SmallVec<[(Option<usize>, usize); 1]>;

/// Literals of several detectors. The default is empty and matches nothing.
#[derive(Default)]
pub(super) struct LiteralSet {
    automaton: Option<NFA>,
    /// Per pattern: detectors share words.
    owners: Vec<Owners>,
    /// For states in which more text may complete a literal: bytes of it that were read.
    open: HashMap<StateID, usize>,
    /// Which slots own a literal.
    slots: Vec<bool>,
}

/// What one pass over a view tells.
#[derive(Default)]
pub(super) struct Scan {
    /// Every occurrence as (slot, hit), sorted by slot, then place.
    hits: Vec<(usize, Hit)>,
    /// First byte of the longest literal that the end of the text may have begun.
    pub(super) cut_at_end: Option<usize>,
    /// Whether a literal without a slot occurs.
    pub(super) other_view: bool,
}

impl LiteralSet {
    pub(super) fn new(literals: &[Literal]) -> Result<Self, GuardError> {
        if literals.is_empty() {
            return Ok(Self::default());
        }
        let mut patterns: BTreeMap<String, Owners> = BTreeMap::new();
        for literal in literals {
            let owners = patterns.entry(literal.text.to_ascii_lowercase()).or_default();
            owners.push((literal.slot, literal.index));
        }
        let (texts, owners): (Vec<String>, Vec<_>) = patterns.into_iter().unzip();
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(&texts)
            .map_err(GuardError::Literals)?;
        let count =
            literals.iter().filter_map(|literal| literal.slot).max().map_or(0, |max| max + 1);
        let mut slots = vec![false; count];
        for slot in literals.iter().filter_map(|literal| literal.slot) {
            if let Some(owns) = slots.get_mut(slot) {
                *owns = true;
            }
        }
        let mut set = Self { automaton: None, owners, open: HashMap::new(), slots };
        set.note_open_states(&automaton, &texts);
        set.automaton = Some(automaton);
        Ok(set)
    }

    fn note_open_states(&mut self, automaton: &NFA, texts: &[String]) {
        let Ok(root) = automaton.start_state(Anchored::No) else { return };
        let step = |state, byte: &u8| automaton.next_state(Anchored::No, state, *byte);
        let mut by_len: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        by_len.sort_unstable_by_key(|text| text.len());
        for text in &by_len {
            let mut state = root;
            for (at, byte) in text.iter().enumerate().take(text.len().saturating_sub(1)) {
                state = step(state, byte);
                self.open.insert(state, at + 1);
            }
        }
        // A literal that is complete and begins no longer one ends like its longest proper suffix;
        // shorter literals come first, so the suffix is known already.
        for text in &by_len {
            let whole = text.iter().fold(root, step);
            let suffix = text.iter().skip(1).fold(root, step);
            if let (false, Some(open)) = (self.open.contains_key(&whole), self.open.get(&suffix)) {
                self.open.insert(whole, *open);
            }
        }
    }

    /// Reads a view.
    pub(super) fn scan(&self, text: &str) -> Scan {
        let mut scan = Scan::default();
        let Some(automaton) = &self.automaton else { return scan };
        let Ok(mut state) = automaton.start_state(Anchored::No) else { return scan };
        for (at, byte) in text.bytes().enumerate() {
            state = automaton.next_state(Anchored::No, state, byte);
            if !automaton.is_special(state) || !automaton.is_match(state) {
                continue;
            }
            for index in 0..automaton.match_len(state) {
                let pattern = automaton.match_pattern(state, index);
                let end = at + 1;
                let start = end - automaton.pattern_len(pattern);
                for (slot, literal) in self.owners.get(pattern.as_usize()).into_iter().flatten() {
                    match slot {
                        Some(slot) => {
                            scan.hits.push((*slot, Hit { literal: *literal, start, end }));
                        }
                        None => scan.other_view = true,
                    }
                }
            }
        }
        scan.hits.sort_unstable_by_key(|(slot, hit)| (*slot, hit.start, hit.end));
        scan.cut_at_end = self.open.get(&state).map(|open| text.len() - open);
        scan
    }

    /// Whether there is nothing to match.
    pub(super) fn is_empty(&self) -> bool {
        self.automaton.is_none()
    }

    /// Whether the detector in a slot has literals.
    pub(super) fn has_slot(&self, slot: usize) -> bool {
        self.slots.get(slot).copied().unwrap_or(false)
    }
}

impl Scan {
    /// Takes the hits of a slot into `own`. Slots must be asked for in rising order; `next` keeps
    /// the place between calls.
    pub(super) fn take(&self, slot: usize, next: &mut usize, own: &mut Vec<Hit>) {
        own.clear();
        while let Some((owner, hit)) = self.hits.get(*next).filter(|(owner, _)| *owner <= slot) {
            if *owner == slot {
                own.push(*hit);
            }
            *next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> LiteralSet {
        let literals: Vec<Literal> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| Literal { slot: Some(index), index: 0, text: (*text).to_owned() })
            .collect();
        LiteralSet::new(&literals).unwrap()
    }

    #[test]
    fn finds_overlapping_literals_in_any_case_by_slot() {
        let scan = set(&["he", "she", "hers"]).scan("uSHErs");
        let places: Vec<_> =
            scan.hits.iter().map(|(slot, hit)| (*slot, hit.start, hit.end)).collect();
        assert_eq!(places, [(0, 2, 4), (1, 1, 4), (2, 2, 6)]);
        let (mut next, mut own) = (0, Vec::new());
        scan.take(1, &mut next, &mut own);
        assert_eq!(own, [Hit { literal: 0, start: 1, end: 4 }]);
    }

    #[test]
    fn tells_where_a_literal_is_cut_at_the_end() {
        let set = set(&["he", "she", "hers", "abxab", "abc"]);
        let cut = |text: &str| set.scan(text).cut_at_end;
        assert_eq!(cut("x s"), Some(2));
        assert_eq!(cut("x she"), Some(3), "`he` begins `hers`");
        assert_eq!(cut("x hers"), Some(5), "the last letter begins `she`");
        assert_eq!(cut("abxab"), Some(3), "complete, and its end begins another");
        assert_eq!(cut("x abx"), Some(2));
        assert_eq!(cut("x "), None);
    }
}
