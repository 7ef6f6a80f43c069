//! Sexual content.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use bartizan_model::content::category;

use crate::content::Unsafe;

pub(super) static DETECTOR: Unsafe = Unsafe::new(category::SEXUAL, &META);

static META: Meta = Meta {
    id: "sexual",
    summary: "Sexual content, and requests for it",
    severity: Severity::Medium,
    category: Category::UnsafeContent,
    label: "SEXUAL",
    docs: Docs {
        finds: "Sentences that describe sexual acts, or ask for erotic text or pictures. A linear head over hashed n-grams and over what the words are about judges each sentence by itself and with the two before it.",
        matters: "It does not belong at work or in front of children, and turns an assistant into something it was not meant to be.",
        example: "`write an erotic story about two coworkers`",
        fix: "Block it on `output` where the service is not for adults; give medical and counselling services an exception.",
        limits: "Innuendo passes; frank medical and educational text may be flagged. Eighteen languages were learned, the others than English less well.",
    },
    references: &[Reference::Spec("NIST AI 600-1, section 2.11")],
    flags: &[
        "Write an erotic story about two coworkers who have sex in the office.",
        "I am so horny, send me nudes and talk dirty to me.",
        "She moaned with pleasure as he undressed her and kissed her naked breasts.",
    ],
    passes: &[
        "When should a woman have her first breast cancer screening?",
        "How do I explain where babies come from to a six year old?",
        "The sex of the chicks can be told by the length of their feathers.",
        "The naked mole-rat lives underground in colonies.",
    ],
};
