//! Insults, bullying and intimidation of people.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use bartizan_model::content::category;

use crate::content::Unsafe;

pub(super) static DETECTOR: Unsafe = Unsafe::new(category::HARASSMENT, &META);

static META: Meta = Meta {
    id: "harassment",
    summary: "Insults, bullying and intimidation of a person",
    severity: Severity::Medium,
    category: Category::UnsafeContent,
    label: "HARASSMENT",
    docs: Docs {
        finds: "Sentences that insult, demean or intimidate somebody. A linear head over hashed n-grams and over what the words are about judges each sentence by itself and with the two before it.",
        matters: "Staff and customers who are insulted leave; an assistant that insults back is worse.",
        example: "`you are a pathetic loser and everyone laughs about you`",
        fix: "Flag it on `user`, block it on `output`.",
        limits: "Friendly banter may be flagged; quiet, polite cruelty passes. Eighteen languages were learned, the others than English less well.",
    },
    references: &[Reference::Spec("NIST AI 600-1, section 2.11")],
    flags: &[
        "You are a pathetic loser and everyone laughs about you behind your back.",
        "Shut up you stupid idiot, nobody wants to hear your worthless opinion.",
        "What a disgusting ugly pig you are, you make me sick.",
    ],
    passes: &[
        "I disagree with your argument, and I think the numbers are wrong.",
        "The idiot light on my dashboard came on, what does it mean?",
        "My son was bullied at school, how should I talk to his teacher?",
        "This product is useless, I want my money back.",
    ],
};
