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
pub(crate) fn first_kept(entry: &[u8]) -> Option<u64> {
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
pub(crate) fn found(entry: &[u8]) -> Option<std::ops::RangeInclusive<u64>> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
