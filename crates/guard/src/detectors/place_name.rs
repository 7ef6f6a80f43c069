//! Names of cities, countries and regions.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use bartizan_model::tagger::Entity;

use crate::named_entity::NamedEntity;

pub(super) static DETECTOR: NamedEntity = NamedEntity::new(Entity::Place, &META);

static META: Meta = Meta {
    id: "place-name",
    summary: "Name of a city, country or region",
    severity: Severity::Low,
    category: Category::Pii,
    label: "LOCATION",
    docs: Docs {
        finds: "Cities, countries, regions and quarters, known from lists or from the words around them. A \
                small trained tagger judges each word from four neighbours on either side, from lists of names \
                and from how it is written, in sixteen languages and any register: mails, chats, forms, JSON, \
                CSV. The score is the chance that it is right.",
        matters: "Where somebody lives or travels narrows down who it is; health records must be free of it (45 \
                CFR 164.514).",
        example: "`He moved to Rotterdam` becomes `He moved to <LOCATION_1>`.",
        fix: "Name it in `entities`, and mask it: the answer is written about the placeholder, and the name \
                comes back in it. Raise `threshold` where false alarms hurt more than misses.",
        limits: "Names that are also words of everyday use are found only where the words around them say so; \
                names in disguise (escaped, spaced out, base64) are not found. Few native speakers have read \
                its texts in languages other than English and German. Most places in prompts are harmless, so \
                that it is looked for only when `entities` names it.",
    },
    references: &[Reference::Cwe(359), Reference::Owasp("LLM02:2025")],
    flags: &[
        "We will fly to Nairobi on Friday.",
        "Ich wohne seit zehn Jahren in Leipzig.",
        "Vivo en Sevilla desde 2010.",
    ],
    passes: &[
        "Everybody reads books about gardens.",
        "The meeting takes place on Monday.",
        "Turkey sandwich, french fries and a danish",
    ],
};
