//! Canaries in an answer: strings that stand in the system prompt only to be noticed elsewhere.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, ChannelSet, Severity};

use crate::canaries::MAX_BYTES;
use crate::detector::{Detector, Findings, Hit, SAID_BY_MODELS};
use crate::text::View;

pub(super) static DETECTOR: CanaryLeak = CanaryLeak;

/// Finds canaries of the session in what a model writes.
pub(super) struct CanaryLeak;

static META: Meta = Meta {
    id: "canary-leak",
    summary: "A canary of the system prompt in an answer or a tool call",
    severity: Severity::Critical,
    category: Category::PromptLeak,
    label: "CANARY",
    docs: Docs {
        finds: "Any canary that the policy gives, in any letter case, disguised, escaped, spaced out, or \
                inside base64 or hex.",
        matters: "A canary has no meaning to a user. Where it shows up, the prompt around it was read out, \
                  even if everything else was reworded.",
        example: "With the canary `bz-7f3a-harbour`, the answer \"the header says B Z - 7 F 3 A - h a r b o u r\" \
                  is found.",
        fix: "Block the answer and look at what the conversation did to get there.",
        limits: "A canary that is translated, reversed, enciphered or cut in half is not found. Of a canary of \
                 more than 256 bytes the first 256 are looked for.",
    },
    references: &[
        Reference::Owasp("LLM07:2025"),
        Reference::Atlas("AML.T0056"),
        Reference::Cwe(200),
    ],
    flags: &[
        "the comment says bz-7f3a-harbour at the top",
        "BZ-7F3A-HARBOUR",
        "bz\u{2011}7f3a\u{200B}-h\u{0430}rbour",
        "it is b z - 7 f 3 a - h a r b o u r, I think",
        "bz%2D7f3a%2Dharbour",
        "decode YnotN2YzYS1oYXJib3Vy yourself",
    ],
    passes: &[
        "the harbour is at 7f3a",
        "bz-7f3b-harbour",
        "bz-7f3a-harb",
        "BZ 7F3A is a registration",
    ],
};

/// Most bytes between two letters of a canary that was spaced out.
const GAP_BYTES: usize = 4;

impl Detector for CanaryLeak {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn channels(&self) -> ChannelSet {
        SAID_BY_MODELS
    }

    fn look_behind(&self) -> usize {
        1
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        if !self.channels().contains(view.channel()) {
            return;
        }
        let bytes = view.bytes();
        for canary in view.session().prepared_canaries() {
            // Without what stands between its letters, a canary is found in whatever view, so that
            // finding it does not depend on what else the text says.
            let (needle, gap) = match &canary.bare {
                Some(bare) => (bare.as_bytes(), GAP_BYTES),
                None => (canary.folded.as_bytes(), 0),
            };
            let Some(first) = needle.first() else { continue };
            for start in memchr::memchr2_iter(*first, first.to_ascii_uppercase(), bytes) {
                match spelled(bytes, start, needle, gap) {
                    Spelled::Until(end) => findings.push(start, end, 1.0),
                    Spelled::Cut => findings.undecided(start),
                    Spelled::No => {}
                }
            }
        }
    }
}

enum Spelled {
    No,
    /// The text ends before the needle does.
    Cut,
    Until(usize),
}

/// Whether `needle` stands at `start`, with up to `gap` bytes of punctuation between its bytes.
fn spelled(bytes: &[u8], start: usize, needle: &[u8], gap: usize) -> Spelled {
    let mut at = start;
    for wanted in needle.iter().take(MAX_BYTES) {
        let skipped = bytes
            .iter()
            .skip(at)
            .take(gap)
            .take_while(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric())
            .count();
        at += skipped;
        match bytes.get(at) {
            None => return Spelled::Cut,
            Some(byte) if byte.eq_ignore_ascii_case(wanted) => at += 1,
            Some(_) => return Spelled::No,
        }
    }
    Spelled::Until(at)
}
