//! How far the event log has got, as Prometheus reads it.

use bartizan_ledger::Progress;

use super::prometheus::gauge;

/// The numbers as text, without the line that ends a page.
pub(crate) fn text(progress: Progress) -> String {
    let waiting = u64::try_from(progress.waiting).unwrap_or(u64::MAX);
    let gauges = [
        ("entries", "Entries of the event log, the removed ones included", progress.entries),
        ("synced_entries", "Entries that are on the disk", progress.synced),
        ("signed_entries", "Entries that the last checkpoint is about", progress.signed),
        ("waiting_events", "Events in memory that the disk does not take", waiting),
    ];
    let mut text = String::new();
    for (name, help, value) in gauges {
        gauge(&mut text, &format!("bartizan_ledger_{name}"), help, value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_line() {
        let text = text(Progress { entries: 4, synced: 3, signed: 2, waiting: 1 });
        for line in [
            "# TYPE bartizan_ledger_entries gauge",
            "bartizan_ledger_entries 4",
            "bartizan_ledger_synced_entries 3",
            "bartizan_ledger_signed_entries 2",
            "bartizan_ledger_waiting_events 1",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
        }
        assert!(!text.contains("# EOF"));
    }
}
