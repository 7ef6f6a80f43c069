//! The words around a match: where a sentence ends, and what turns a request into a mention.

use std::sync::LazyLock;

use regex::Regex;

use crate::lexicon::Concept;

/// Concepts that only describe others.
pub(super) const MODIFIERS: u32 = Concept::Earlier.bit()
    | Concept::Yours.bit()
    | Concept::Owner.bit()
    | Concept::All.bit()
    | Concept::Told.bit()
    | Concept::Prompt.bit()
    | Concept::Others.bit();

/// Where the sentence that goes on at `from` ends, when it does before `limit`.
pub(super) fn sentence_end(text: &str, from: usize, limit: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let part = bytes.get(from..limit)?;
    (from..).zip(part).find_map(|(at, byte)| {
        let next = || bytes.get(at + 1);
        let ends = match byte {
            b'!' | b'?' => true,
            // A point inside a number or a name does not end anything; what follows must be seen.
            b'.' => next().is_some_and(|next| !next.is_ascii_alphanumeric()),
            b'\n' => next().is_some_and(|next| matches!(next, b'\n' | b'\r')),
            // The Arabic question mark and the danda of the Indic scripts.
            0xD8 | 0xE0 => text.get(at..limit).is_some_and(|rest| rest.starts_with(['؟', '।'])),
            _ => false,
        };
        ends.then_some(at)
    })
}

/// Someone orders the model: what looks like a mention is none.
static ORDER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:\byou (?:must|should|will|can|may|have to|need to|are to|shall|are free to)(?: now| always| completely)?|\b(?:want|need|like|instruct|order|command|urge|require|ask|tell|expect) you to|\b(?:instructed|authori[sz]ed|required|ordered|allowed|going) to|please|to please|so|now|then|and) *$",
    )
    .ok()
});

/// A third party gives the order, so that the text speaks about one.
static REPORTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:\b(?:asks|tells|wants|instructs|tries|trying|tried|attempts|attempting|attempted|tricks|tricking|forces|forcing|urges|requests|getting|get|convinces?|made) (?:\w+ ){0,3}to|\bif (?:\w+ ){1,4}(?:asks?|tells?|says?|instructs?|requests?)(?: \w+){0,3}) *$",
    )
    .ok()
});

/// The verb is not an imperative: a question how, an infinitive, another subject.
static MENTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:\b(?:to|can|could|may|might|will|would|should|shall|cannot|does|did|do|who|that|which|they|we|i|it|he|she|users?|models?|llms?|agents?|attackers?|people|shouldn't|couldn't|wouldn't|or|how|why|when) +)$",
    )
    .ok()
});

/// Someone forbids it.
static FORBIDDEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:never|not|don't|dont|doesn't|won't|can't|cannot|mustn't|refuse to|refuses to|avoid|without|rather than|instead of|nicht|niemals|nunca|jamais|non|mai|никогда|не)(?: \w+)? +$",
    )
    .ok()
});

/// A quotation opens, after words that say it is one.
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        "(?i)\\b(?:phrases?|prompts?|strings?|words|sentences?|like|such as|e\\.g\\.|example|called|says?|saying|means?|attacks?|injections?|inputs?|what does|what is|meaning of|define|about|texts?|containing|contains?|como|wie|comme|come|как|patterns?|keywords?|detects?|blocks?|matches|commands?)\\b[^a-z\"'`]{0,6}[\"'`«]+ *$",
    )
    .ok()
});

/// What a match is worth with these words before and after it, 0..=1.
pub(super) fn weight(before: &str, after: &str) -> f32 {
    let says = |pattern: &LazyLock<Option<Regex>>| {
        pattern.as_ref().is_some_and(|pattern| pattern.is_match(before))
    };
    if says(&FORBIDDEN) && !before.ends_with("why not ") {
        return 0.0;
    }
    let closes = after.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
    let explained = ["attack", "mean", "inject", "phrase", "prompt injection", "pattern"];
    let quoted = before.trim_end().ends_with(['"', '\'', '`', '«']);
    if says(&QUOTED) || (quoted && explained.iter().any(|word| closes.starts_with(word))) {
        return 0.45;
    }
    if says(&REPORTED) {
        return 0.45;
    }
    if says(&ORDER) {
        return 1.0;
    }
    if says(&MENTION) { 0.45 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_ends_at_its_mark() {
        assert_eq!(sentence_end("ignore it. Now", 0, 14), Some(9));
        assert_eq!(sentence_end("version 3.5 it", 0, 14), None);
        assert_eq!(sentence_end("a line\n\nnext", 0, 12), Some(6));
        assert_eq!(sentence_end("cut.", 0, 4), None);
        assert_eq!(sentence_end("ما هذا؟ نعم", 0, "ما هذا؟ نعم".len()), Some("ما هذا".len()));
        assert_eq!(sentence_end("यह है। हाँ", 0, "यह है। हाँ".len()), Some("यह है".len()));
    }

    #[test]
    fn mentions_weigh_less_than_orders() {
        assert!(weight("never ", "") < 0.1);
        assert!(weight("attackers try to get the model to ", "") < 0.5);
        assert!(weight("what does the phrase \"", "\" mean?") < 0.5);
        assert!(weight("how do I ", "") < 0.5);
        assert!(weight("you must now ", "") > 0.9);
        assert!(weight("I want you to ", "") > 0.9);
        assert!(weight("Hello. ", "") > 0.9);
    }
}
