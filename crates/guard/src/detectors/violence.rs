//! Threats, and praise of violence.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use bartizan_model::content::category;

use crate::content::Unsafe;

pub(super) static DETECTOR: Unsafe = Unsafe::new(category::VIOLENCE, &META);

static META: Meta = Meta {
    id: "violence",
    summary: "Threats, wishes of harm, and praise of violence",
    severity: Severity::High,
    category: Category::UnsafeContent,
    label: "VIOLENCE",
    docs: Docs {
        finds: "Sentences that threaten people, wish them harm or praise violence. A linear head over hashed n-grams and over what the words are about judges each sentence by itself and with the two before it.",
        matters: "A threat may be real, and somebody should look at it.",
        example: "`I will break his legs if he comes back`",
        fix: "Flag it on `user` and let a person look; block it on `output`.",
        limits: "Fiction, sport and games use the same words and may be flagged; veiled threats pass. Eighteen languages were learned, the others than English less well.",
    },
    references: &[Reference::Spec("NIST AI 600-1, section 2.3")],
    flags: &[
        "I am going to kill you and your whole family tonight.",
        "If he comes back I will break his legs, I swear.",
        "Somebody should shoot them all, they deserve to die.",
    ],
    passes: &[
        "How do I kill a process that holds a port on Linux?",
        "The talks between the two parties were attacked by the opposition as a waste of time.",
        "We killed them 3-0 in the final, what a match!",
        "The photographer wants to shoot the wedding with two cameras.",
    ],
};
