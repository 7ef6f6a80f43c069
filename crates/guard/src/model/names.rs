//! Names that the trained tagger finds, shared by the detectors that report them.

use std::sync::LazyLock;

use bartizan_model::tagger::file::decode;
use bartizan_model::tagger::{Entity, Found, Tagged, Tagger};

use crate::detector::Findings;
use crate::text::View;

/// The tagger that this build ships.
#[expect(
    clippy::expect_used,
    reason = "the file is part of the program, and a test reads it: nothing outside can damage it"
)]
pub(crate) static NAMES: LazyLock<Tagger> = LazyLock::new(|| {
    decode(include_bytes!("../../models/names.bin")).expect("the built-in tagger is whole")
});

/// Least score that is reported, whatever a guardrail asks for.
const LEAST: f32 = 0.1;

/// Finds names in a view, each of its texts read for itself.
pub(crate) fn tag(view: &View<'_>) -> Tagged {
    let end = view.text().len();
    let mut all = Tagged { found: Vec::new(), open: end };
    for span in view.texts() {
        let text = view.text().get(span.range()).unwrap_or_default();
        let complete = view.is_complete() || span.end < end;
        let tagged = NAMES.tag(text, complete);
        let shift = |found: Found| Found {
            start: found.start + span.start,
            end: found.end + span.start,
            ..found
        };
        all.found.extend(tagged.found.into_iter().map(shift));
        if !complete {
            all.open = all.open.min(tagged.open + span.start);
        }
    }
    all
}

/// Reports the names of one sort.
pub(crate) fn report(view: &View<'_>, entity: Entity, findings: &mut Findings<'_>) {
    let tagged = view.names();
    for found in &tagged.found {
        if found.entity == entity && found.score >= LEAST {
            findings.push(found.start, found.end, found.score);
        }
    }
    findings.undecided(tagged.open);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_tagger_is_whole_and_small() {
        assert!(include_bytes!("../../models/names.bin").len() <= 4 << 20);
        let found = NAMES.tag("Dear Mr Thomas Weber, welcome to Hamburg.", true).found;
        let entities: Vec<Entity> = found.iter().map(|found| found.entity).collect();
        assert_eq!(entities, [Entity::Person, Entity::Place]);
    }
}
