//! Names of persons.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use bartizan_model::tagger::Entity;

use crate::named_entity::NamedEntity;

pub(super) static DETECTOR: NamedEntity = NamedEntity::new(Entity::Person, &META);

static META: Meta = Meta {
    id: "person-name",
    summary: "Name of a person",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "PERSON",
    docs: Docs {
        finds: "Given names, family names, full names and initials, without the title before them. A small \
                trained tagger judges each word from four neighbours on either side, from lists of names and \
                from how it is written, in sixteen languages and any register: mails, chats, forms, JSON, CSV. \
                The score is the chance that it is right.",
        matters: "A name ties everything else in a text to somebody, and most prompts work as well with a \
                placeholder in its place.",
        example: "`Dear Mrs Okonkwo` becomes `Dear Mrs <PERSON_1>`.",
        fix: "Name it in `entities`, and mask it: the answer is written about the placeholder, and the name \
                comes back in it. Raise `threshold` where false alarms hurt more than misses.",
        limits: "Names that are also words of everyday use are found only where the words around them say so; \
                names in disguise (escaped, spaced out, base64) are not found. Few native speakers have read \
                its texts in languages other than English and German. It cannot tell a customer from a figure \
                of history or fiction, so that it is looked for only when `entities` names it.",
    },
    references: &[Reference::Cwe(359), Reference::Owasp("LLM02:2025")],
    flags: &[
        "Please call Thomas Weber back tomorrow.",
        "Dear Mrs Okonkwo, thank you for your letter.",
        "Kunde: Hannelore Brinkmann, Vertrag 4471",
        "{\"first_name\": \"Ingrid\", \"last_name\": \"Halvorsen\"}",
        "患者：王小明，昨日入院。",
    ],
    passes: &[
        "Will you mark the essays by Friday? I may be late.",
        "Open Settings and choose Privacy.",
        "Bitte schließen Sie Fenster und Türen.",
        "The quarterly report is due on Monday.",
    ],
};
