//! Postal addresses.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use bartizan_model::tagger::Entity;

use crate::named_entity::NamedEntity;

pub(super) static DETECTOR: NamedEntity = NamedEntity::new(Entity::Address, &META);

static META: Meta = Meta {
    id: "postal-address",
    summary: "Postal address, or street with a number",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "ADDRESS",
    docs: Docs {
        finds: "A street with its number, with flat, postcode, town and country where they follow, as some \
                twenty countries write it. A small trained tagger judges each word from four neighbours on \
                either side, from lists of names and from how it is written, in sixteen languages and any \
                register: mails, chats, forms, JSON, CSV. The score is the chance that it is right.",
        matters: "An address tells where somebody can be found, and with a birthday it singles out almost \
                anybody.",
        example: "`ship to 9 Kestrel Mews, Norwich NR2 1TT` becomes `ship to <ADDRESS_1>`.",
        fix: "Name it in `entities`, and mask it: the answer is written about the placeholder, and the name \
                comes back in it. Raise `threshold` where false alarms hurt more than misses.",
        limits: "Names that are also words of everyday use are found only where the words around them say so; \
                names in disguise (escaped, spaced out, base64) are not found. Few native speakers have read \
                its texts in languages other than English and German. Houses with a name and no number are \
                often missed.",
    },
    references: &[Reference::Cwe(359), Reference::Owasp("LLM02:2025")],
    flags: &[
        "Ship it to 9 Kestrel Mews, Norwich NR2 1TT please.",
        "Anschrift: Lindenstraße 14, 12459 Berlin",
        "Domicilio: C/ Olivares 23, 41004 Sevilla",
    ],
    passes: &[
        "There are 12 apples in the basket.",
        "See section 4, page 12 of the manual.",
        "Version 3.2 was released in 2021.",
    ],
};
