//! Regular expressions that policy gives.
//!
//! A match is found for every place where one may begin, the longest there; one that lies inside the
//! match of an earlier place is left out. So what is found does not depend on where reading began.
//! One linear pass says whether there is any match at all; only around the ends that it reports are
//! beginnings tried one by one, each for as long as the longest match may be.

mod compile;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use self::compile::Machine;
use crate::detector::{Detector, Findings, Hit};
use crate::text::{View, ViewKind};

pub(super) static META: Meta = Meta {
    id: "pattern",
    summary: "A text that one of the policy's patterns matches",
    severity: Severity::Medium,
    category: Category::Keyword,
    label: "PATTERN",
    docs: Docs {
        finds: "Each longest match of any of `patterns:`, in folded, unescaped and decoded text.",
        matters: "Ticket numbers, customer ids and other formats of a house's own are known to nobody else.",
        example: r"With `patterns: ['\bPROJ-[0-9]{1,6}\b']`, `see PROJ-1234` becomes `see <PATTERN_1>`.",
        fix: "Mask or block; make a pattern that finds too much longer, or anchor it with `\\b`.",
        limits: "Patterns read folded text: look-alike letters are Latin, digits ASCII, dashes `-`, and literal \
                 characters of the pattern are folded alike. `\\b` at the beginning or end of a pattern or of an \
                 alternative knows all letters, elsewhere ASCII only. Spaced-out letters are not read.",
    },
    references: &[Reference::Owasp("LLM02:2025"), Reference::Cwe(200)],
    flags: &[
        "see PROJ-1234 for more",
        "PROJ\u{2011}1",
        "ask a.smith@corp about it",
        "это секрет!",
        "UFJPSi00NDQgaXMgc2VjcmV0",
        "PROJ%2D77",
        "cat or CATS",
    ],
    passes: &["PROJ-", "XPROJ-12", "PROJ-12x", "a smith at corp", "это секреты", "concatenate"],
};

/// Finds what regular expressions match.
pub(super) struct Patterns {
    machines: Vec<Machine>,
    longest: usize,
}

impl Patterns {
    pub(super) fn new(patterns: &[String]) -> Result<Self, String> {
        let mut machines = Vec::new();
        for pattern in patterns {
            compile::compile(pattern, &mut machines)?;
        }
        let longest = machines.iter().map(|machine| machine.max_len).max().unwrap_or(0);
        Ok(Self { machines, longest })
    }
}

impl Detector for Patterns {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn look_behind(&self) -> usize {
        self.longest + 4
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        if matches!(view.kind(), ViewKind::Folded | ViewKind::Unescaped) {
            for machine in &self.machines {
                machine.inspect(view, findings);
            }
        }
    }
}

/// What stands at one place.
#[derive(Default)]
struct Attempt {
    /// End of the longest match.
    end: Option<usize>,
    /// Whether more text after the view could begin, end or extend a match.
    open: bool,
}

impl Machine {
    fn inspect(&self, view: &View<'_>, findings: &mut Findings<'_>) {
        let text = view.text();
        let mut cache = self.caches.get();
        let mut from = 0;
        let mut covered = 0;
        while let Some(end) = self.next_end(&mut cache, text, from) {
            // A match that ends first ends here, so none begins further back than it is long.
            for start in from.max(end.saturating_sub(self.max_len))..end {
                let attempt = self.attempt(&mut cache, view, start);
                if let Some(end) = attempt.end.filter(|end| *end > covered) {
                    findings.push(start, end, 1.0);
                    covered = end;
                }
                if attempt.open {
                    findings.undecided(start);
                }
            }
            from = end;
        }
        if view.is_complete() {
            return;
        }
        let tail = from.max(text.len().saturating_sub(self.max_len));
        let open = (tail..text.len()).find(|start| self.attempt(&mut cache, view, *start).open);
        if let Some(start) = open {
            findings.undecided(start);
        }
    }

    /// Tries to match from `start` on.
    fn attempt(&self, cache: &mut compile::Cache, view: &View<'_>, start: usize) -> Attempt {
        let bytes = view.bytes();
        let may_begin = bytes.get(start).is_some_and(|byte| self.may_begin(*byte));
        if !may_begin || !view.text().is_char_boundary(start) {
            return Attempt::default();
        }
        if self.word_before && !is_word_edge(view, start) {
            return Attempt::default();
        }
        let mut attempt = Attempt::default();
        attempt.open = self.walk(cache, view.text(), start, |end| {
            if end == bytes.len() && self.word_after {
                attempt.end = attempt.end.max(is_word_edge(view, end).then_some(end));
                return true;
            }
            if !self.word_after || is_word_edge(view, end) {
                attempt.end = Some(end);
            }
            false
        });
        attempt
    }
}

/// Whether exactly one side of `at` is a letter, digit or `_`.
fn is_word_edge(view: &View<'_>, at: usize) -> bool {
    let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    in_word(view.char_before(at)) != in_word(view.char_at(at))
}
