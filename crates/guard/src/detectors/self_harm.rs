//! Suicide and self-harm, as those in distress speak of them.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use bartizan_model::content::category;

use crate::content::Unsafe;

pub(super) static DETECTOR: Unsafe = Unsafe::new(category::SELF_HARM, &META);

static META: Meta = Meta {
    id: "self-harm",
    summary: "People who speak of suicide, of hurting themselves or of having no way out",
    severity: Severity::High,
    category: Category::UnsafeContent,
    label: "SELF_HARM",
    docs: Docs {
        finds: "Sentences in which people say that they want to die, hurt themselves, starve, or see no way out, and requests that encourage it. A linear head over hashed n-grams and over what the words are about judges each sentence by itself and with the two before it.",
        matters: "Somebody may need help now; an answer without care does harm, and one with care may help.",
        example: "`I do not want to live anymore, nothing has any point`",
        fix: "Flag it on `user` and route the conversation to an answer with help lines, or to a person; block encouragement on `output`.",
        limits: "Hints and irony pass; texts about prevention, grief and clinics may be flagged. It judges no risk: people must. Eighteen languages were learned, the others than English less well.",
    },
    references: &[Reference::Spec("NIST AI 600-1, section 2.3")],
    flags: &[
        "I want to kill myself tonight.",
        "I have been cutting myself again and I hate myself.",
        "Everyone would be better off without me.",
    ],
    passes: &[
        "How do I kill time at the airport?",
        "The charity trains volunteers for its suicide prevention hotline.",
        "My plant is dying, what can I do?",
        "I am dying to see the new season.",
    ],
};
