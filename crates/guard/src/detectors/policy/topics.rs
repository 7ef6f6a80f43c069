//! Texts about none of the topics that policy allows.

use std::collections::BTreeMap;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::text::{View, fold, fold_to_string};

pub(super) static META: Meta = Meta {
    id: "off-topic",
    summary: "A text about none of the allowed topics",
    severity: Severity::Low,
    category: Category::Topic,
    label: "OFF_TOPIC",
    docs: Docs {
        finds: "A text of six or more words in which no word of any of `topics:` occurs, plural and endings \
                aside. Greetings, thanks and other small talk pass. Each message, and each part of a message \
                that has several, is a text of its own.",
        matters: "An assistant for one purpose that talks about everything costs money and says things in the \
                  name of its owner.",
        example: "With `topics: { billing: [invoice, refund] }`, \"write a poem about the sea and the stars\" is \
                  found, \"where are my invoices from March?\" is not.",
        fix: "Add the words that users really use to a topic, or start with `action: flag` and read what is found.",
        limits: "Words, not meaning: a text that only names an allowed word passes. It reads whole texts and cannot \
                 guard a stream.",
    },
    references: &[Reference::Owasp("LLM01:2025"), Reference::Spec("policy: topics")],
    flags: &[
        "write a poem about the sea and the stars at night",
        "Who won the football match between the two teams yesterday?",
        "请给我写一首关于大海和星空的诗歌好吗谢谢",
    ],
    passes: &[
        "where are my invoices from March, please?",
        "I want REFUNDING of the boat I returned to you last week",
        "hello there",
        "thanks, that helps a lot, can you tell me more?",
        "how do I change the credit  card that you have on file?",
        "请问我的发票在哪里呢我找不到了谢谢你",
    ],
};

/// Fewest words of a text that must have a topic.
const WORDS: usize = 6;
/// Most words of small talk.
const SMALL_TALK_WORDS: usize = 16;
/// Fewest bytes of a topic word that may be the beginning of a longer word.
const PREFIX_BYTES: usize = 4;

/// Words that say nothing about a topic: a short text of nothing else is small talk.
const SMALL_TALK: &[&str] = &[
    "a",
    "about",
    "again",
    "all",
    "am",
    "an",
    "and",
    "any",
    "anything",
    "are",
    "as",
    "at",
    "be",
    "bit",
    "but",
    "by",
    "bye",
    "can",
    "could",
    "day",
    "did",
    "do",
    "does",
    "don't",
    "else",
    "everything",
    "explain",
    "fine",
    "for",
    "from",
    "give",
    "go",
    "good",
    "goodbye",
    "got",
    "great",
    "have",
    "hello",
    "help",
    "helped",
    "helpful",
    "helps",
    "hey",
    "hi",
    "how",
    "i",
    "i'm",
    "if",
    "in",
    "is",
    "it",
    "it's",
    "just",
    "know",
    "let",
    "like",
    "little",
    "lot",
    "make",
    "maybe",
    "me",
    "mean",
    "meant",
    "more",
    "morning",
    "much",
    "my",
    "need",
    "nice",
    "no",
    "not",
    "nothing",
    "now",
    "of",
    "ok",
    "okay",
    "on",
    "one",
    "or",
    "other",
    "perfect",
    "please",
    "question",
    "questions",
    "really",
    "right",
    "say",
    "see",
    "so",
    "some",
    "something",
    "sorry",
    "still",
    "sure",
    "talk",
    "tell",
    "thank",
    "thanks",
    "that",
    "that's",
    "the",
    "them",
    "then",
    "there",
    "these",
    "they",
    "thing",
    "this",
    "those",
    "to",
    "today",
    "too",
    "try",
    "understand",
    "up",
    "us",
    "very",
    "want",
    "was",
    "we",
    "welcome",
    "well",
    "were",
    "what",
    "what's",
    "when",
    "where",
    "which",
    "who",
    "why",
    "will",
    "with",
    "would",
    "wrong",
    "yes",
    "yet",
    "you",
    "your",
];

/// Finds texts without an allowed topic.
pub(super) struct Topics {
    words: Vec<TopicWord>,
}

struct TopicWord {
    /// Folded, lower case, single spaces.
    text: String,
    /// The text without its plural ending.
    stem: String,
}

impl Topics {
    pub(super) fn new(topics: &BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        let mut words = Vec::new();
        for (topic, given) in topics {
            for word in given {
                let text = collapse(&fold_to_string(word));
                if text.is_empty() {
                    return Err(format!(
                        "word `{word}` of topic `{topic}` has no visible character; remove it"
                    ));
                }
                words.push(TopicWord { stem: stem(&text).to_owned(), text });
            }
        }
        Ok(Self { words })
    }
}

impl Detector for Topics {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Raw
    }

    fn needs_whole_text(&self) -> bool {
        true
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        for span in view.texts() {
            if self.is_off_topic(view.text().get(span.range()).unwrap_or_default()) {
                findings.push(span.start, span.end, 0.7);
            }
        }
    }
}

impl Topics {
    fn is_off_topic(&self, text: &str) -> bool {
        let text = collapse(&fold(text).0);
        let count = word_count(&text);
        if count < WORDS || (count <= SMALL_TALK_WORDS && is_small_talk(&text)) {
            return false;
        }
        !self.words.iter().any(|word| word.occurs(&text))
    }
}

impl TopicWord {
    fn occurs(&self, text: &str) -> bool {
        if !self.text.is_ascii() && !self.text.chars().any(|c| c.is_ascii_alphabetic()) {
            return memchr::memmem::find(text.as_bytes(), self.text.as_bytes()).is_some();
        }
        memchr::memmem::find_iter(text.as_bytes(), self.stem.as_bytes()).any(|start| {
            let before = text.get(..start).and_then(|before| before.chars().next_back());
            let end = start + self.stem.len();
            let tail = text.get(end..).unwrap_or_default();
            let ending = tail.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            !before.is_some_and(char::is_alphanumeric)
                && (self.stem.len() >= PREFIX_BYTES || matches!(ending, "" | "s" | "es"))
        })
    }
}

/// Lower case, words and their punctuation one space apart.
fn collapse(folded: &str) -> String {
    let mut out = String::with_capacity(folded.len());
    for word in folded.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.make_ascii_lowercase();
    out
}

/// The word without a plural ending, when enough is left.
fn stem(word: &str) -> &str {
    [("ies", 3), ("es", 4), ("s", 3), ("y", 3)]
        .into_iter()
        .find_map(|(ending, least)| word.strip_suffix(ending).filter(|stem| stem.len() >= least))
        .unwrap_or(word)
}

/// Words of the text; two characters of a script without spaces count as one.
fn word_count(text: &str) -> usize {
    let spaced = text.split(' ').filter(|word| word.chars().any(char::is_alphanumeric)).count();
    let dense =
        text.chars().filter(|c| matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{2E80}'..='\u{9FFF}'));
    spaced + dense.count() / 2
}

fn is_small_talk(text: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .filter(|word| !word.is_empty())
        .all(|word| SMALL_TALK.binary_search(&word).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_talk_is_sorted_for_the_search() {
        assert!(SMALL_TALK.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn stems_lose_plurals_only_where_a_word_is_left() {
        assert_eq!(
            ["invoices", "companies", "shoes", "bus", "boat"].map(stem),
            ["invoic", "compan", "shoe", "bus", "boat"]
        );
    }
}
