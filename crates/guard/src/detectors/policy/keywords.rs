//! Words and phrases that policy forbids.

use std::collections::BTreeMap;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::text::{View, ViewKind, fold_to_string};

pub(super) static META: Meta = Meta {
    id: "keyword",
    summary: "A word or phrase that policy forbids",
    severity: Severity::Medium,
    category: Category::Keyword,
    label: "KEYWORD",
    docs: Docs {
        finds: "Each of `keywords:` in any letter case, as a word of its own where the script has words, with \
                any white space between the words of a phrase; also disguised, escaped, spaced out, inside \
                base64 or hex, and, from six letters on, in rot13.",
        matters: "Names of projects, customers and rivals, and words of a house's own list, are known to \
                  nobody else.",
        example: "With `keywords: [Project Falcon]`, \"PROJECT\\n falcon\" and \"p r o j e c t  f a l c o n\" are \
                  found, \"projector falcons\" is not.",
        fix: "Mask or block, or take a word off the list that says too little by itself.",
        limits: "Inflected forms are words of their own: list them. Words of a phrase may be at most 16 bytes of \
                 white space apart.",
    },
    references: &[Reference::Owasp("LLM02:2025"), Reference::Cwe(200)],
    flags: &[
        "about Project Falcon today",
        "PROJECT\n  FALCON",
        "p r o j e c t  f a l c o n",
        "s e c r e t s a u c e!",
        "cHJvamVjdCBmYWxjb24gc3RhcnRz",
        "project%20falcon",
        "cebwrpg snypba",
        "das ist STRASSENPLAN b",
        "我们的机密项目很好",
        "мы знаем Секрет.",
        "use C++ here",
    ],
    passes: &[
        "projector falcons",
        "project the falcon",
        "a secret sauces recipe",
        "Falcon Project",
        "ABC+ and C+",
        "机 密",
    ],
};

/// Most white space between two words of a phrase, in bytes.
const GAP_BYTES: usize = 16;
/// Fewest bytes of letters that are looked for in rot13: shorter words turn into other words.
const ROT13_BYTES: usize = 6;

/// Finds words and phrases.
pub(super) struct Keywords {
    /// First words, folded, each with the phrases that begin with it.
    groups: Vec<(String, Vec<Phrase>)>,
}

/// The words of a phrase after the first.
struct Phrase {
    rest: Vec<String>,
    bytes: usize,
}

impl Keywords {
    pub(super) fn new(keywords: &[String]) -> Result<Self, String> {
        let mut groups: BTreeMap<String, Vec<Phrase>> = BTreeMap::new();
        for keyword in keywords {
            let folded = fold_to_string(keyword).to_ascii_lowercase();
            let mut words = folded.split_whitespace().map(str::to_owned);
            let first = words.next().ok_or_else(|| {
                format!("keyword `{keyword}` has no visible character; remove it")
            })?;
            let rest: Vec<String> = words.collect();
            let bytes = first.len() + rest.iter().map(String::len).sum::<usize>();
            groups.entry(first).or_default().push(Phrase { rest, bytes });
        }
        Ok(Self { groups: groups.into_iter().collect() })
    }
}

impl Detector for Keywords {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::TextAndRot13
    }

    fn literals(&self) -> Vec<String> {
        self.groups.iter().map(|(first, _)| first.clone()).collect()
    }

    fn look_behind(&self) -> usize {
        8
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        for hit in hits {
            let Some((_, phrases)) = self.groups.get(hit.literal) else { continue };
            if !is_edge(view, hit.start) {
                continue;
            }
            for phrase in phrases {
                if view.kind() == ViewKind::Rot13 && phrase.bytes < ROT13_BYTES {
                    continue;
                }
                match phrase.end(view, hit.end) {
                    Read::Until(end) => {
                        if end == view.text().len() {
                            findings.undecided(hit.start);
                        }
                        if is_edge(view, end) {
                            findings.push(hit.start, end, 1.0);
                        }
                    }
                    Read::Cut => findings.undecided(hit.start),
                    Read::No => {}
                }
            }
        }
    }
}

enum Read {
    No,
    /// The text ends before the phrase does.
    Cut,
    Until(usize),
}

impl Phrase {
    /// Where the phrase ends whose first word ends at `end`.
    fn end(&self, view: &View<'_>, end: usize) -> Read {
        let bytes = view.bytes();
        let mut at = end;
        for word in &self.rest {
            let gap = bytes
                .iter()
                .skip(at)
                .take(GAP_BYTES)
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            if at + gap == bytes.len() {
                return Read::Cut;
            }
            // Spaced-out letters run together across words.
            if gap == 0 && view.is_glued(at) {
                return Read::No;
            }
            at += gap;
            let rest = bytes.get(at..).unwrap_or_default();
            let len = word.len().min(rest.len());
            let fits = rest
                .get(..len)
                .zip(word.as_bytes().get(..len))
                .is_some_and(|(seen, wanted)| seen.eq_ignore_ascii_case(wanted));
            if !fits {
                return Read::No;
            }
            if len < word.len() {
                return Read::Cut;
            }
            at += len;
        }
        Read::Until(at)
    }
}

/// Whether a word may begin or end at `at`.
fn is_edge(view: &View<'_>, at: usize) -> bool {
    let (Some(before), Some(after)) = (view.char_before(at), view.char_at(at)) else { return true };
    if !in_word(before) || !in_word(after) || without_spaces(before) || without_spaces(after) {
        return true;
    }
    !view.is_glued(at)
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Letters of scripts that are written without spaces between words, or glue endings to words.
const fn without_spaces(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' // Thai, Lao
        | '\u{1000}'..='\u{109F}' // Myanmar
        | '\u{1100}'..='\u{11FF}' // Hangul, as folded
        | '\u{1780}'..='\u{17FF}' // Khmer
        | '\u{2E80}'..='\u{9FFF}' // Han, Hiragana, Katakana
        | '\u{A960}'..='\u{A97F}'
        | '\u{AC00}'..='\u{D7FF}' // Hangul
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}
