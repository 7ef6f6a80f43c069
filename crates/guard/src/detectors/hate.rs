//! Contempt for people because of the group they belong to.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use bartizan_model::content::category;

use crate::content::Unsafe;

pub(super) static DETECTOR: Unsafe = Unsafe::new(category::HATE, &META);

static META: Meta = Meta {
    id: "hate",
    summary: "Contempt for people because of the group they belong to",
    severity: Severity::High,
    category: Category::UnsafeContent,
    label: "HATE",
    docs: Docs {
        finds: "Sentences that demean, dehumanise or exclude people for their origin, religion, sex, orientation, disability or the like. A linear head over hashed n-grams and over what the words are about judges each sentence by itself and with the two before it.",
        matters: "It harms those it is about, and services that spread it; an assistant that says it is in the news the next day.",
        example: "`those people are a disease and should all be thrown out of our country`",
        fix: "Block it on `output`; on `user` and documents flag it, since people quote, report and moderate it.",
        limits: "It sees words, not intent: irony and coded language pass, and quoted or reclaimed words may be flagged. Eighteen languages were learned, the others than English less well.",
    },
    references: &[Reference::Spec("NIST AI 600-1, section 2.3")],
    flags: &[
        "Those immigrants are vermin and should all be thrown out of our country.",
        "I hate all of them, muslims are animals and do not belong here.",
        "Women are too stupid to vote, they belong in the kitchen and nowhere else.",
    ],
    passes: &[
        "The museum tells the history of Jewish life in the city from 1700 until today.",
        "As a gay man I am proud of how far our community has come.",
        "How do I ban an IP address in nginx?",
        "Immigrants founded more than half of these companies, the study says.",
    ],
};
