//! Rules: a word, what stands before it, and a bounded expression for what follows.
//!
//! Detectors of code are tables of such rules. A finding begins with its word, so that the engine finds
//! the places; the expression is tried only there, and says by itself how far it must read. What a
//! detector knows beyond words stands in the rule as a function.

mod machine;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bartizan_core::Severity;

use self::machine::Machine;
use crate::cursor::before;
use crate::detector::{Findings, Hit};
use crate::text::View;

/// Most bytes before a word that a rule may look at.
pub(crate) const LOOK_BEHIND: usize = 160;

/// Longest match of the expression of a rule, in bytes.
pub(crate) const MAX_LEN: usize = 640;

/// Something to find.
#[derive(Debug)]
pub(crate) struct Rule {
    /// Words that a match begins with, lower case.
    pub(crate) words: &'static [&'static str],
    /// What follows the word: a regular expression over bytes, in any case, `.` for any byte.
    pub(crate) then: &'static str,
    lead: Lead,
    extent: Extent,
    holds: Option<fn(&[u8]) -> bool>,
    /// Name for placeholders.
    pub(crate) label: &'static str,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// How sure it is, 0..=1.
    pub(crate) score: f32,
    /// Number in the Common Weakness Enumeration; tests hold that the documentation names it.
    #[cfg_attr(not(test), expect(dead_code, reason = "it is there for tests and readers"))]
    pub(crate) cwe: u32,
}

/// What may stand before a word.
#[derive(Debug, Clone, Copy)]
enum Lead {
    /// Anything.
    Free,
    /// No letter, digit or `_`.
    Word,
    /// What a function takes, given up to [`LOOK_BEHIND`] bytes; before a letter or digit also as
    /// [`Lead::Word`].
    Fits(fn(&[u8]) -> bool),
}

/// How far a match reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// As far as the expression can go.
    Longest,
    /// To the first place where it may end.
    Shortest,
}

impl Rule {
    /// A rule for words of their own, with a score of 0.7.
    pub(crate) const fn new(
        words: &'static [&'static str],
        then: &'static str,
        label: &'static str,
        severity: Severity,
        cwe: u32,
    ) -> Self {
        let (lead, extent) = (Lead::Word, Extent::Longest);
        Self { words, then, lead, extent, holds: None, label, severity, score: 0.7, cwe }
    }

    /// Wherever the word stands, within others too.
    pub(crate) const fn anywhere(mut self) -> Self {
        self.lead = Lead::Free;
        self
    }

    /// To the first place where the expression may end.
    pub(crate) const fn shortest(mut self) -> Self {
        self.extent = Extent::Shortest;
        self
    }

    /// Only behind bytes that `fits` takes.
    pub(crate) const fn behind(mut self, fits: fn(&[u8]) -> bool) -> Self {
        self.lead = Lead::Fits(fits);
        self
    }

    /// Only where `holds` takes what follows the word, as far as the expression goes.
    pub(crate) const fn when(mut self, holds: fn(&[u8]) -> bool) -> Self {
        self.holds = Some(holds);
        self
    }

    /// With another score.
    pub(crate) const fn scored(mut self, score: f32) -> Self {
        self.score = score;
        self
    }

    /// Whether the word must begin where no other goes on.
    fn begins_word(&self, word: &str) -> bool {
        match self.lead {
            Lead::Free => false,
            Lead::Word => true,
            Lead::Fits(_) => word.starts_with(|c: char| c.is_ascii_alphanumeric()),
        }
    }

    fn leads(&self, word: &str, bytes: &[u8], start: usize) -> bool {
        if self.begins_word(word) && !starts_word(before(bytes, start, 1)) {
            return false;
        }
        match self.lead {
            Lead::Free | Lead::Word => true,
            Lead::Fits(fits) => fits(before(bytes, start, LOOK_BEHIND)),
        }
    }
}

/// Whether no word goes on behind these bytes.
pub(crate) fn starts_word(lead: &[u8]) -> bool {
    !lead.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Whether neither a word nor a path of members goes on behind these bytes, as in `model.eval`.
pub(crate) fn starts_call(lead: &[u8]) -> bool {
    starts_word(lead) && !lead.last().is_some_and(|byte| matches!(byte, b'.' | b'>' | b':' | b'$'))
}

/// The rules of a detector.
pub(crate) struct RuleSet {
    tables: &'static [&'static [Rule]],
    compiled: OnceLock<Compiled>,
}

struct Compiled {
    literals: Vec<Literal>,
    /// One per rule, compiled where its word first occurs: most words hardly ever do.
    machines: Vec<(&'static Rule, OnceLock<Option<Machine>>)>,
}

struct Literal {
    word: &'static str,
    /// Places in the tables, one after the other.
    rules: Vec<usize>,
    begins_word: bool,
}

impl RuleSet {
    pub(crate) const fn new(tables: &'static [&'static [Rule]]) -> Self {
        Self { tables, compiled: OnceLock::new() }
    }

    /// The rules, in order.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &'static Rule> {
        self.tables.iter().copied().flatten()
    }

    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let mut literals: BTreeMap<&'static str, (Vec<usize>, bool)> = BTreeMap::new();
            for (index, rule) in self.rules().enumerate() {
                for word in rule.words {
                    let (rules, begins_word) = literals.entry(*word).or_insert((Vec::new(), true));
                    rules.push(index);
                    *begins_word &= rule.begins_word(word);
                }
            }
            let literals = literals.into_iter();
            Compiled {
                literals: literals
                    .map(|(word, (rules, begins_word))| Literal { word, rules, begins_word })
                    .collect(),
                machines: self.rules().map(|rule| (rule, OnceLock::new())).collect(),
            }
        })
    }

    /// For [`crate::Detector::prepare`].
    pub(crate) fn prepare(&self) {
        self.compiled();
    }

    /// For [`crate::Detector::literals`].
    pub(crate) fn literals(&self) -> Vec<String> {
        self.compiled().literals.iter().map(|literal| literal.word.to_owned()).collect()
    }

    /// For [`crate::Detector::begins_word`].
    pub(crate) fn begins_word(&self, literal: usize) -> bool {
        self.compiled().literals.get(literal).is_some_and(|literal| literal.begins_word)
    }

    /// For [`crate::Detector::inspect`].
    pub(crate) fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        let compiled = self.compiled();
        let bytes = view.bytes();
        for hit in hits {
            let Some(literal) = compiled.literals.get(hit.literal) else { continue };
            for index in &literal.rules {
                let Some((rule, machine)) = compiled.machines.get(*index) else { continue };
                if !rule.leads(literal.word, bytes, hit.start) {
                    continue;
                }
                // Tests refuse an expression that is not usable.
                let machine = machine.get_or_init(|| Machine::new(rule.then).ok());
                let Some(machine) = machine else { continue };
                let found = machine.follow(bytes, hit.end, rule.extent);
                if found.is_open {
                    findings.undecided(hit.start);
                }
                let Some(end) = found.end else { continue };
                let matched = bytes.get(hit.end..end).unwrap_or_default();
                if rule.holds.is_none_or(|holds| holds(matched)) {
                    let end = view.text().ceil_char_boundary(end);
                    let (score, severity) = (rule.score, rule.severity);
                    findings.push_rated(hit.start, end, score, rule.label, severity);
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use std::collections::BTreeMap;

    use bartizan_core::catalog::{Meta, Reference};

    use super::machine::Machine;
    use super::{LOOK_BEHIND, RuleSet};

    /// What holds for the rules of every detector.
    pub(crate) fn assert_sound(set: &RuleSet, meta: &Meta, look_behind: usize) {
        assert_eq!(look_behind, LOOK_BEHIND, "{}", meta.id);
        let mut severities = BTreeMap::new();
        for rule in set.rules() {
            let named = format!("{}: {:?} {}", meta.id, rule.words, rule.then);
            if let Err(why) = Machine::new(rule.then) {
                panic!("{named}: {why}");
            }
            for word in rule.words {
                assert_eq!(*word, word.to_ascii_lowercase(), "{named}");
                assert_eq!(*word, crate::text::fold_to_string(word), "{named}");
                assert!(word.len() >= 2 && word.is_ascii(), "{named}");
            }
            assert!(meta.references.contains(&Reference::Cwe(rule.cwe)), "{named}");
            assert!(meta.docs.finds.contains(rule.label), "{named}: {} is not named", rule.label);
            let known = *severities.entry(rule.label).or_insert(rule.severity);
            assert_eq!(known, rule.severity, "{named}");
        }
    }
}
