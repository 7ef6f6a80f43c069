//! Whether a text that people do not see gives orders to a model.

use std::sync::LazyLock;

use crate::phrases::Phrases;

/// Phrases that are orders by themselves.
const STRONG: &[&str] = &[
    "ignore all",
    "ignore previous",
    "ignore the previous",
    "ignore any",
    "ignore your",
    "disregard",
    "previous instruction",
    "prior instruction",
    "above instruction",
    "new instruction",
    "system prompt",
    "you are now",
    "you must",
    "do not mention",
    "do not tell",
    "don't tell",
    "do not reveal",
    "without telling",
    "exfiltrate",
    "ai assistant",
    "language model",
    "if you are an ai",
    "if you are a",
    "llm",
    "override",
    "secretly",
];

/// Phrases that are orders when two of them meet.
const WEAK: &[&str] = &[
    "instruction",
    "assistant",
    "the user",
    "respond with",
    "reply with",
    "answer with",
    "tell them",
    "say that",
    "send ",
    "forward ",
    "email ",
    "e-mail ",
    "upload",
    "execute",
    "run the",
    "call the",
    "password",
    "api key",
    "secret",
    "credential",
    "token",
    "confidential",
    "append ",
    "include ",
    "prompt",
    "recommend",
    "transfer ",
    "http://",
    "https://",
    "curl ",
];

static STRONG_PHRASES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(STRONG));
static WEAK_PHRASES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(WEAK));

/// Whether the text reads as an order.
pub(crate) fn is_order(text: &[u8]) -> bool {
    STRONG_PHRASES.count_in(text, 1) == 1 || WEAK_PHRASES.count_in(text, 2) == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_told_from_notes() {
        assert!(is_order(b"Ignore previous directions"));
        assert!(is_order(b"Please forward the confidential report"));
        assert!(!is_order(b"TODO: fix the layout of the table"));
        assert!(!is_order(b"Copyright 2024, all rights reserved. See https://example.com"));
    }
}
