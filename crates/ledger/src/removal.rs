//! What the log says about entries that it removed: without such an entry of its own, entries that
//! are missing at its beginning were taken away by somebody else.

use bartizan_core::event::{Event, Outcome};
use bartizan_core::id::RequestId;

const AREA: &str = "ledger";
const OPERATION: &str = "entries-removed";
const BEFORE: &str = "entries before ";

/// The event that says that entries before `first` were removed for their age or size.
pub(crate) fn event(first: u64) -> Event {
    let mut event = Event::new(RequestId::new(), AREA, OPERATION);
    event.outcome = Outcome::Changed;
    event.detail = Some(format!("{BEFORE}{first}"));
    event
}

/// Number of the first entry that was kept, if the entry says that those before it were removed.
fn first_kept(entry: &[u8]) -> Option<u64> {
    // Most entries are something else, and parsing them takes longer than all the rest.
    let named = OPERATION.as_bytes();
    if !entry.windows(named.len()).any(|part| part == named) {
        return None;
    }
    let event: Event = serde_json::from_slice(entry).ok()?;
    let is_removal = event.area == AREA && event.operation == OPERATION;
    event.detail.filter(|_| is_removal)?.strip_prefix(BEFORE)?.parse().ok()
}

const ADOPTED: &str = "entries-adopted";

/// The event that says that entries were found at a start that nobody had signed. They may be those of a
/// process that was killed, or of somebody who wrote into the file.
pub(crate) fn adopted(first: u64, end: u64) -> Event {
    let mut event = Event::new(RequestId::new(), AREA, ADOPTED);
    event.outcome = Outcome::Changed;
    event.detail = Some(format!("entries {first} to {}", end.saturating_sub(1)));
    event
}

/// The entries that an entry says were found at a start and not signed.
fn found(entry: &[u8]) -> Option<std::ops::RangeInclusive<u64>> {
    let named = ADOPTED.as_bytes();
    if !entry.windows(named.len()).any(|part| part == named) {
        return None;
    }
    let event: Event = serde_json::from_slice(entry).ok()?;
    let is_adoption = event.area == AREA && event.operation == ADOPTED;
    let detail = event.detail.filter(|_| is_adoption)?;
    let (first, last) = detail.strip_prefix("entries ")?.split_once(" to ")?;
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// Most entries of one kind that are remembered; a log that writes one an hour takes a century for them.
const REMEMBERED: usize = 1 << 20;

/// What the entries of a log say about those that it removed, in the order of the log.
#[derive(Debug, Default)]
pub(crate) struct Removals {
    /// Numbers of the entries that say so, with the first entry that was kept.
    said: Vec<(u64, u64)>,
    adopted: Vec<std::ops::RangeInclusive<u64>>,
}

impl Removals {
    /// Reads the entry of a number.
    pub(crate) fn note(&mut self, number: u64, entry: &[u8]) {
        if self.said.len() < REMEMBERED && self.adopted.len() < REMEMBERED {
            self.said.extend(first_kept(entry).map(|kept| (number, kept)));
            self.adopted.extend(found(entry));
        }
    }

    /// Number of the first entry that is not said to be removed. What was found at a start and never
    /// signed before says nothing.
    pub(crate) fn kept_from(&self) -> u64 {
        if self.adopted.len() >= REMEMBERED {
            return 0;
        }
        let mut adopted: Vec<(u64, u64)> =
            self.adopted.iter().map(|range| (*range.start(), *range.end())).collect();
        adopted.sort_unstable();
        // The furthest end so far, since ranges of a log that lies may overlap.
        let mut furthest = 0;
        for (_, end) in &mut adopted {
            furthest = furthest.max(*end);
            *end = furthest;
        }
        let signed = |said: &u64| {
            let begun = adopted.partition_point(|(start, _)| start <= said);
            begun
                .checked_sub(1)
                .and_then(|last| adopted.get(last))
                .is_none_or(|(_, end)| end < said)
        };
        let kept = self.said.iter().filter(|(said, _)| signed(said)).map(|(_, kept)| *kept);
        kept.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_and_never_signed_removes_nothing() {
        let line = |event: &Event| serde_json::to_vec(event).unwrap();
        let mut removals = Removals::default();
        assert_eq!(removals.kept_from(), 0);
        removals.note(600, &line(&event(300)));
        removals.note(700, &line(&event(500)));
        assert_eq!(removals.kept_from(), 500);
        removals.note(720, &line(&adopted(690, 720)));
        assert_eq!(removals.kept_from(), 300);
        // Ranges that overlap, and in any order.
        removals.note(721, &line(&adopted(695, 697)));
        assert_eq!(removals.kept_from(), 300);
        removals.note(722, &line(&adopted(500, 601)));
        assert_eq!(removals.kept_from(), 0);
    }

    #[test]
    fn says_what_was_removed_and_nothing_else_does() {
        let line = |event: &Event| serde_json::to_vec(event).unwrap();
        assert_eq!(first_kept(&line(&event(512))), Some(512));
        let other = Event { area: "gateway".to_owned(), ..event(512) };
        assert_eq!(first_kept(&line(&other)), None);
        let other = Event { operation: "chat".to_owned(), ..event(512) };
        assert_eq!(first_kept(&line(&other)), None);
        assert_eq!(first_kept(b"entries-removed"), None);
        assert_eq!(found(&line(&adopted(3, 9))), Some(3..=8));
        assert_eq!(found(&line(&event(512))), None);
    }
}
