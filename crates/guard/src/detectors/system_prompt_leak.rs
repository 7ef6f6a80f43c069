//! The system prompt in an answer: long word-for-word overlap.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, ChannelSet, Severity};

use crate::detector::{Detector, Findings, Hit, SAID_BY_MODELS};
use crate::prompt_index::{Matcher, normalised};
use crate::segments::pieces;
use crate::text::View;

pub(super) static DETECTOR: SystemPromptLeak = SystemPromptLeak;

/// Finds stretches of the system prompt in what a model writes.
pub(super) struct SystemPromptLeak;

static META: Meta = Meta {
    id: "system-prompt-leak",
    summary: "A stretch of the system prompt, word for word, in an answer or a tool call",
    severity: Severity::High,
    category: Category::PromptLeak,
    label: "SYSTEM_PROMPT",
    docs: Docs {
        finds: "At least 48 bytes and 6 words of the request's system prompt in a row (or 96 bytes of any \
                kind), letter case, white space and disguises aside, also inside base64, hex and escapes; \
                of a shorter prompt the whole, from 24 bytes on. Sentences that stand in many prompts, such \
                as \"You are a helpful assistant\", do not count.",
        matters: "A system prompt holds rules that an attacker wants to read before going around them, and \
                  sometimes names, prices or keys that were never meant to be seen.",
        example: "With the prompt \"You sell boats. Never go below 900 euros for the small one.\", the answer \
                  \"My rules: never go below 900 euros for the small one\" is found.",
        fix: "Block the answer. Keep secrets out of the prompt: what a model reads, it can be made to say.",
        limits: "A paraphrase, a translation, rot13 or an answer with every second word changed is not found. \
                 An answer that rightly quotes a text from the prompt, such as a price list, is found. Of \
                 prompts beyond 64 KiB only the first and the last 32 KiB are compared.",
    },
    references: &[
        Reference::Owasp("LLM07:2025"),
        Reference::Atlas("AML.T0056"),
        Reference::Cwe(200),
    ],
    flags: &[
        "Sure! Never tell a customer that the harbour office closes at noon on Fridays.",
        "NEVER TELL A CUSTOMER   that the harbour\noffice closes at noon on Fridays",
        "My orders: n\u{0435}ver t\u{200B}ell a customer that the harbour office clos\u{0435}s at noon, full stop.",
        "bmV2ZXIgdGVsbCBhIGN1c3RvbWVyIHRoYXQgdGhlIGhhcmJvdXIgb2ZmaWNlIGNsb3NlcyBhdCBub29u",
        "never%20tell%20a%20customer%20that%20the%20harbour%20office%20closes%20at%20noon",
        "You sell boats for Acme Marine. Never tell a customer that the harbour office closes at noon on \
         Fridays. Quote prices in euros only and round them up to full tens.",
    ],
    passes: &[
        "The harbour office closes at noon on Fridays.",
        "I never tell a customer anything that I would not want to read in the paper.",
        "You are a helpful assistant, and you sell boats.",
        "Prices are in euros, rounded to full tens.",
        "Never mind: the office is closed and the boats are sold.",
    ],
};

/// Shortest overlap that counts, in bytes.
const OVERLAP_BYTES: usize = 48;
/// Fewest words in it.
const WORDS: usize = 6;
/// Overlap that counts with fewer words as well, in bytes.
const WORDLESS_BYTES: usize = Matcher::MAX_LEN;
/// Shortest whole prompt that counts, in bytes.
const WHOLE_BYTES: usize = 24;
/// Fewest bytes of an overlap that are not common phrases; half of that for a whole prompt.
const OWN_BYTES: usize = 24;
/// Longest stretch of the view that an overlap may take, white space included.
const STRETCH_BYTES: usize = 512;

impl Detector for SystemPromptLeak {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn channels(&self) -> ChannelSet {
        SAID_BY_MODELS
    }

    fn look_behind(&self) -> usize {
        STRETCH_BYTES
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        if !self.channels().contains(view.channel()) {
            return;
        }
        if view.is_complete() && view.text().len() < WHOLE_BYTES {
            // Too short for any leak: most strings of an answer are names and words of its frame.
            return;
        }
        let Some(index) = view.session().system_prompt() else { return };
        let mut walk = Walk::new(index.matcher());
        let mut leak: Option<(usize, usize)> = None;
        for (at, byte) in normalised(view.bytes()) {
            let Some(start) = walk.feed(at, byte) else { continue };
            match &mut leak {
                Some((from, end)) if start <= *end => {
                    *from = start.min(*from);
                    *end = at + 1;
                }
                _ => {
                    report(view, leak.take(), findings);
                    leak = Some((start, at + 1));
                }
            }
        }
        let last = report(view, leak, findings);
        if let Some(live) = walk.live() {
            let live = live.max(view.text().len().saturating_sub(STRETCH_BYTES));
            findings.undecided(live);
            // What comes may join the last stretch.
            if let (Some(last), Some((_, end))) = (last, leak)
                && end >= live
            {
                findings.undecided(last);
            }
        }
    }
}

fn report(
    view: &View<'_>,
    leak: Option<(usize, usize)>,
    findings: &mut Findings<'_>,
) -> Option<usize> {
    let (start, end) = leak?;
    Some(pieces(view, start, end, |start, end| findings.push(start, end, 0.9)))
}

/// A matcher with memory of where the last bytes stand in the view.
struct Walk<'i> {
    matcher: Matcher<'i>,
    matched: usize,
    fed: usize,
    /// Place in the view of each of the last normalised bytes.
    places: [usize; Matcher::MAX_LEN],
    /// Where the last words begin, in normalised bytes.
    words: [usize; WORDS],
    in_word: bool,
}

impl<'i> Walk<'i> {
    const fn new(matcher: Matcher<'i>) -> Self {
        Self {
            matcher,
            matched: 0,
            fed: 0,
            places: [0; Matcher::MAX_LEN],
            words: [usize::MAX; WORDS],
            in_word: false,
        }
    }

    /// Takes a normalised byte that stands at `at`; gives the start of the overlap that ends with
    /// it, when that is long enough.
    fn feed(&mut self, at: usize, byte: Option<u8>) -> Option<usize> {
        let Some(byte) = byte else {
            self.matcher.reset();
            self.matched = 0;
            self.in_word = false;
            return None;
        };
        if let Some(place) = self.places.get_mut(self.fed % Matcher::MAX_LEN) {
            *place = at;
        }
        // Scripts without spaces: three-byte characters count as words by themselves.
        let letter = byte.is_ascii_alphanumeric() || byte >= 0x80;
        if letter && (!self.in_word || byte >= 0xE0) {
            self.words.rotate_left(1);
            if let Some(last) = self.words.last_mut() {
                *last = self.fed;
            }
        }
        self.in_word = letter;
        self.fed += 1;
        self.matched = self.matcher.feed(byte);
        if self.matched < WHOLE_BYTES {
            return None;
        }
        let start = self.overlap_start(self.overlap()?);
        (at + 1 - start <= STRETCH_BYTES).then_some(start)
    }

    /// Length of the overlap that counts here, in normalised bytes.
    fn overlap(&self) -> Option<usize> {
        let sixth = self.words.first().and_then(|word| self.fed.checked_sub(*word));
        let words = sixth.unwrap_or(WORDLESS_BYTES).clamp(OVERLAP_BYTES, WORDLESS_BYTES);
        if self.matched >= words
            && let Some(place) = self.matcher.origin(words)
            && self.matcher.own_bytes(&place) >= OWN_BYTES
        {
            return Some(words);
        }
        // A text that holds an overlap of its own needs no rule for the whole.
        let whole = self.matcher.whole_text(WHOLE_BYTES..WORDLESS_BYTES)?;
        let place = self.matcher.origin(whole)?;
        (self.matcher.own_bytes(&place) >= OWN_BYTES / 2).then_some(whole)
    }

    /// Where an overlap of this length begins; never with a space, which the end of a text may hide.
    fn overlap_start(&self, len: usize) -> usize {
        let first = self.matcher.first_byte(len);
        self.place(if first == Some(b' ') { len - 1 } else { len })
    }

    /// Place of the byte that is `back` before the next one.
    fn place(&self, back: usize) -> usize {
        let at = self.fed.saturating_sub(back) % Matcher::MAX_LEN;
        self.places.get(at).copied().unwrap_or(0)
    }

    /// First byte of the view that an overlap with more text could cover.
    fn live(&self) -> Option<usize> {
        let live = self.matched.min(Matcher::MAX_LEN - 1);
        (live > 0).then(|| self.place(live))
    }
}
