//! Dates and times, as people and programs write them.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::written_date::{CAP_BYTES, Parts, open_at_end, read};
use crate::cursor::Cursor;
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: DateTime = DateTime;

/// Finds dates.
pub(super) struct DateTime;

static META: Meta = Meta {
    id: "date-time",
    summary: "A date, with a time of day or without",
    severity: Severity::Low,
    category: Category::Pii,
    label: "DATE_TIME",
    docs: Docs {
        finds: "Day, month and year in any order that is in use, with dashes, slashes or dots, with the name of a \
                month in ten languages, or in Chinese and Japanese signs; ISO 8601 dates with times; and, with a low \
                score, a month with a day or a year in numbers (`05/21`).",
        matters: "A date of an admission, a contract or a journey tells people apart, and health records must be free of \
                  them (45 CFR 164.514).",
        example: "`seen on 5 May 2021` becomes `seen on <DATE_TIME_1>`.",
        fix: "Mask it where records have to be anonymous. It is looked for only when `entities` names it, since most \
              dates are harmless.",
        limits: "Relative dates (`last Friday`), years and times of day alone, and dates written out in words are not \
                 found.",
    },
    references: &[
        Reference::Spec("ISO 8601-1"),
        Reference::Spec("45 CFR 164.514"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "seen on 5 May 2021",
        "Today is 5-20-2021",
        "due 2024-03-15T14:30:00.123456Z or later",
        "May-21",
        "12. März 1980",
        "1980年3月12日",
    ],
    passes: &[
        "Today is5/21",
        "30/2/2021",
        "10.0.0.1",
        "the year 2021",
        "1/2 cup",
        "05/21",
        "dismay 21",
    ],
};

impl Detector for DateTime {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for run in view.digit_runs() {
            let mut cursor = Cursor::new(bytes, run.start, CAP_BYTES);
            let (start, date) = read(bytes, &mut cursor);
            if cursor.starved() {
                findings.undecided(start);
            }
            if let Some(date) = date {
                let score = match date.parts {
                    Parts::Whole => 0.8,
                    Parts::Named => 0.6,
                    Parts::Numbers => 0.1,
                };
                findings.push(date.start, date.end, score);
            }
        }
        findings.undecided(open_at_end(bytes));
    }
}
