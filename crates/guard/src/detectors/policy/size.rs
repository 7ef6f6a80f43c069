//! Texts that are longer than policy allows.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::text::View;

pub(super) static META: Meta = Meta {
    id: "oversize",
    summary: "A text that is longer than policy allows",
    severity: Severity::Low,
    category: Category::Flood,
    label: "OVERSIZE",
    docs: Docs {
        finds: "A text of more bytes of UTF-8 than `max-bytes`; the finding is the first character beyond. Each \
                message, and each part of a message that has several, is a text of its own.",
        matters: "Long texts cost money and time, and bury instructions where nobody reads them.",
        example: "With `max-bytes: 4000`, a prompt of 4,001 bytes is found at byte 4,000.",
        fix: "Block what is too long, or raise `max-bytes` for endpoints that read documents.",
        limits: "What is split into many short texts or parts passes: a limit of tokens bounds the request.",
    },
    references: &[Reference::Owasp("LLM10:2025"), Reference::Cwe(770)],
    flags: &["nine bytes", "日本語の文", "more than eight"],
    passes: &["eight by", "", "短い"],
};

/// Finds texts beyond a size.
pub(super) struct Size {
    max_bytes: usize,
}

impl Size {
    pub(super) const fn new(max_bytes: usize) -> Self {
        Self { max_bytes }
    }
}

impl Detector for Size {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Raw
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let Some(most) = self.max_bytes.checked_sub(view.base()) else { return };
        for text in view.texts().filter(|text| text.len() > most) {
            let beyond = text.start + most;
            let start = view.text().floor_char_boundary(beyond);
            findings.push(start, view.text().ceil_char_boundary(beyond + 1), 1.0);
        }
    }
}
