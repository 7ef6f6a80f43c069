//! Dates of birth: a date after a word that says so.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::written_date::{CAP_BYTES, Parts, open_at_end, read};
use crate::cursor::Cursor;
use crate::detector::{Detector, Findings, Hit};
use crate::identifier::{Topic, names};
use crate::text::View;

pub(super) static DETECTOR: DateOfBirth = DateOfBirth;

/// Finds dates of birth.
pub(super) struct DateOfBirth;

static META: Meta = Meta {
    id: "date-of-birth",
    summary: "A date of birth",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "DATE_OF_BIRTH",
    docs: Docs {
        finds: "Day, month and year, as `date-time` reads them, after a word such as `born`, `DOB`, `geboren`,                 `fecha de nacimiento` or `生年月日`.",
        matters: "With a name or a postcode the date singles out a person, and many services ask for it as a proof.",
        example: "`born on 12 March 1980` becomes `born on <DATE_OF_BIRTH_1>`.",
        fix: "Mask it, or let the caller send the age instead.",
        limits: "Ages, years alone and dates without such a word in the 96 bytes before are not found.",
    },
    references: &[
        Reference::Spec("ISO 8601-1"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "born on 12 March 1980",
        "DOB: 03/12/1980",
        "Geburtsdatum 12.03.1980",
        "fecha de nacimiento: 12 de marzo de 1980",
        "{\"dateOfBirth\":\"1980-03-12\"}",
        "né le 12/03/1980",
        "生年月日 1980年3月12日",
    ],
    passes: &[
        "paid on 12 March 1980",
        "born in 1980",
        "born to run 3/12",
        "date of birth 30.02.1980",
        "12.03.1980",
    ],
};

impl Detector for DateOfBirth {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn look_behind(&self) -> usize {
        names::LOOK_BEHIND
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        let birth = names::of_topic(Topic::Birth);
        for run in view.digit_runs() {
            let mut cursor = Cursor::new(bytes, run.start, CAP_BYTES);
            let (start, date) = read(bytes, &mut cursor);
            if cursor.starved() {
                findings.undecided(start);
            }
            if let Some(date) = date.filter(|date| date.parts == Parts::Whole)
                && view.names_before(date.start).meet(&birth)
            {
                findings.push(date.start, date.end, 0.9);
            }
        }
        findings.undecided(open_at_end(bytes));
    }
}
