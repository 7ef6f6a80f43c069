//! Swearing.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use bartizan_model::content::category;

use crate::content::Unsafe;

pub(super) static DETECTOR: Unsafe = Unsafe::new(category::PROFANITY, &META);

static META: Meta = Meta {
    id: "profanity",
    summary: "Swear words and coarse language",
    severity: Severity::Low,
    category: Category::UnsafeContent,
    label: "PROFANITY",
    docs: Docs {
        finds: "Sentences with swear words or coarse language, with or without a target. A linear head over hashed n-grams and over what the words are about judges each sentence by itself and with the two before it.",
        matters: "Some services must not say it, and some do not want to hear it.",
        example: "`what the fuck is this shit`",
        fix: "Mask it on `output`; flag it elsewhere, if at all.",
        limits: "It judges sentences and masks them whole; for single words of your own write `detect: keywords`. Mild exclamations are scored low. Eighteen languages were learned, the others than English less well.",
    },
    references: &[Reference::Spec("NIST AI 600-1, section 2.11")],
    flags: &[
        "What the fuck is this shit, it broke again.",
        "Damn bitches be crazy, fuck that.",
        "This is such bullshit, you asshole.",
    ],
    passes: &[
        "The cock crows at dawn and the hens come out.",
        "Scunthorpe is a town in England.",
        "The class has a method called assert, and the analysis passes.",
        "Oh no, I spilled my tea again.",
    ],
};
