//! All literals of a plan in one automaton: one pass over the text serves every detector.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};

use super::GuardError;
use crate::detector::Hit;

/// Literals of several detectors. The default is empty and matches nothing.
#[derive(Default)]
pub(super) struct LiteralSet {
    automaton: Option<AhoCorasick>,
    /// Slot in the plan and index in the detector, per pattern.
    owners: Vec<(usize, usize)>,
    /// Lowercase, sorted, for the question whether a text ends inside one.
    sorted: Vec<String>,
    longest: usize,
    /// Which slots own a literal.
    slots: Vec<bool>,
}

impl LiteralSet {
    pub(super) fn new(literals: &[(usize, usize, String)]) -> Result<Self, GuardError> {
        if literals.is_empty() {
            return Ok(Self::default());
        }
        let texts: Vec<String> =
            literals.iter().map(|(_, _, text)| text.to_ascii_lowercase()).collect();
        let automaton = AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(&texts)
            .map_err(GuardError::Literals)?;
        let mut slots = vec![false; literals.iter().map(|(slot, ..)| slot + 1).max().unwrap_or(0)];
        for (slot, ..) in literals {
            if let Some(owns) = slots.get_mut(*slot) {
                *owns = true;
            }
        }
        let mut sorted = texts;
        sorted.sort();
        sorted.dedup();
        Ok(Self {
            automaton: Some(automaton),
            owners: literals.iter().map(|(slot, index, _)| (*slot, *index)).collect(),
            longest: sorted.iter().map(String::len).max().unwrap_or(0),
            sorted,
            slots,
        })
    }

    /// Every occurrence as (slot, hit), sorted by slot, then place.
    pub(super) fn hits(&self, text: &str) -> Vec<(usize, Hit)> {
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let mut hits: Vec<(usize, Hit)> = automaton
            .find_overlapping_iter(text)
            .filter_map(|found| {
                let (slot, literal) = *self.owners.get(found.pattern().as_usize())?;
                Some((slot, Hit { literal, start: found.start(), end: found.end() }))
            })
            .collect();
        hits.sort_unstable_by_key(|(slot, hit)| (*slot, hit.start, hit.end));
        hits
    }

    /// Whether there is nothing to match.
    pub(super) fn is_empty(&self) -> bool {
        self.automaton.is_none()
    }

    /// Whether the detector in a slot has literals.
    pub(super) fn has_slot(&self, slot: usize) -> bool {
        self.slots.get(slot).copied().unwrap_or(false)
    }

    /// Whether any literal occurs.
    pub(super) fn occurs(&self, text: &str) -> bool {
        self.automaton.as_ref().is_some_and(|automaton| automaton.is_match(text))
    }

    /// First byte of the longest literal that the end of the text may have begun.
    pub(super) fn cut_at_end(&self, text: &str) -> Option<usize> {
        let from = text.len().saturating_sub(self.longest);
        let tail = text.get(text.ceil_char_boundary(from)..)?.to_ascii_lowercase();
        let at = tail.char_indices().map(|(at, _)| at).find(|at| {
            let suffix = tail.get(*at..).unwrap_or_default();
            let index = self.sorted.partition_point(|literal| literal.as_str() <= suffix);
            self.sorted.get(index).is_some_and(|literal| literal.starts_with(suffix))
        })?;
        Some(text.len() - tail.len() + at)
    }
}
