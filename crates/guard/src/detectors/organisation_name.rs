//! Names of companies, authorities, schools and clubs.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use bartizan_model::tagger::Entity;

use crate::named_entity::NamedEntity;

pub(super) static DETECTOR: NamedEntity = NamedEntity::new(Entity::Organization, &META);

static META: Meta = Meta {
    id: "organisation-name",
    summary: "Name of a company, authority, school or club",
    severity: Severity::Low,
    category: Category::Pii,
    label: "ORGANIZATION",
    docs: Docs {
        finds: "Well-known companies and authorities, and names made with a legal form (`GmbH`, `Ltd`) or a \
                word for what they are (`Bank`, `University`). A small trained tagger judges each word from \
                four neighbours on either side, from lists of names and from how it is written, in sixteen \
                languages and any register: mails, chats, forms, JSON, CSV. The score is the chance that it is \
                right.",
        matters: "Who a customer or supplier is may be a secret, and tells who the people in a text are.",
        example: "`the invoice from Thistledown Analytics Ltd` becomes `the invoice from <ORGANIZATION_1>`.",
        fix: "Name it in `entities`, and mask it: the answer is written about the placeholder, and the name \
                comes back in it. Raise `threshold` where false alarms hurt more than misses.",
        limits: "Names that are also words of everyday use are found only where the words around them say so; \
                names in disguise (escaped, spaced out, base64) are not found. Few native speakers have read \
                its texts in languages other than English and German. A name without a word that says what it \
                is, is often missed.",
    },
    references: &[Reference::Cwe(359), Reference::Owasp("LLM02:2025")],
    flags: &[
        "The invoice from Thistledown Analytics Ltd is overdue.",
        "Ich arbeite bei der Lindenhof Maschinenbau GmbH.",
        "She works for Deutsche Bank in London.",
    ],
    passes: &[
        "Open the file in a text editor.",
        "The company pays its bills on time.",
        "Bitte schließen Sie Fenster und Türen.",
    ],
};
