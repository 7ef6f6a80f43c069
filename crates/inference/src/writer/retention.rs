//! What of the log is kept: a segment goes as a whole, when all of its records are past or the log is too large.
//!
//! The event log says so before a segment goes. Without that, records that are missing were taken away by somebody.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::Duration;

use bartizan_core::event::{Event, Outcome, Recorded};
use bartizan_core::id::RequestId;
use bartizan_core::time;
use jiff::SignedDuration;

use super::batch::Batches;
use super::file::sync_folder;
use crate::frame::SubjectId;
use crate::index::{self, Entry};
use crate::segment;

/// Area of events about the log itself.
pub const AREA: &str = "inference";
/// Operation of the event that says that a segment was removed.
pub const REMOVED: &str = "payloads-removed";
const SEGMENT: &str = "segment ";

/// How often it is looked what may go.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Segments are closed at this share of the shortest time for which one of their records is kept.
const SEGMENTS_PER_KEEP: u32 = 16;
/// Segments are closed at this age at most.
const SEGMENT_AGE_MAX: Duration = Duration::from_hours(24);
/// Segments are closed at this age at least.
const SEGMENT_AGE_MIN: Duration = Duration::from_secs(60);
/// How much further a clock may go than the time that passes before it is not believed.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(24);

/// Age at which a segment is closed.
pub(super) fn roll_after(keep: Duration) -> Duration {
    (keep / SEGMENTS_PER_KEEP).clamp(SEGMENT_AGE_MIN, SEGMENT_AGE_MAX)
}

/// The segment that an event says was removed, and how many records it had.
pub fn removed_segment(event: &Event) -> Option<(u64, u64)> {
    if event.area != AREA || event.operation != REMOVED {
        return None;
    }
    let (number, rest) = event.detail.as_deref()?.strip_prefix(SEGMENT)?.split_once(": ")?;
    Some((number.parse().ok()?, rest.split_once(' ')?.0.parse().ok()?))
}

/// A segment that nothing is added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Closed {
    pub(super) number: u64,
    len: u64,
    records: usize,
    /// When the last of its records is past, in seconds since 1970.
    until: u64,
}

impl Closed {
    pub(super) fn new(number: u64, len: u64, entries: &[Entry]) -> Self {
        let until = entries.iter().map(|entry| entry.until).max().unwrap_or_default();
        Self { number, len, records: entries.len(), until }
    }

    pub(super) fn of(dir: &Path, number: u64) -> io::Result<Self> {
        let len = std::fs::metadata(segment::path(dir, number))?.len();
        let entries = index::of(dir, number)?;
        // Where it was missing. A segment without one is only slower to read.
        if !segment::index_path(dir, number).exists()
            && let Err(error) = index::write(dir, number, len, &entries)
        {
            tracing::warn!(%error, number, "no index beside a segment of the inference log");
        }
        Ok(Self::new(number, len, &entries))
    }
}

impl Batches {
    /// Removes segments that are past, and the oldest while the log is too large.
    pub(super) fn prune(&mut self) {
        let believed = i64::try_from(self.opened.1.elapsed().as_secs()).ok().and_then(|passed| {
            let latest = SignedDuration::from_secs(passed).checked_add(CLOCK_SLACK)?;
            self.opened.0.checked_add(latest).ok()
        });
        let now = believed.map_or_else(time::now, |believed| time::now().min(believed));
        let now = u64::try_from(now.as_second()).unwrap_or_default();
        let total = self.active.len + self.closed.iter().map(|closed| closed.len).sum::<u64>();
        let mut beyond = total.saturating_sub(self.store.total_bytes);
        let mut kept = Vec::new();
        let mut has_gone = false;
        for closed in std::mem::take(&mut self.closed) {
            let why = if closed.until <= now {
                "past the time for which they are kept"
            } else if beyond > 0 {
                "beyond the size that the log may have"
            } else {
                kept.push(closed);
                continue;
            };
            match self.remove(&closed, why) {
                Ok(()) => {
                    beyond = beyond.saturating_sub(closed.len);
                    has_gone = true;
                }
                Err(error) => {
                    tracing::warn!(%error, segment = closed.number, "a segment of the inference log stays");
                    kept.push(closed);
                }
            }
        }
        self.closed = kept;
        if has_gone && let Err(error) = self.forget_subjects() {
            tracing::warn!(%error, "names beside the inference log stay");
        }
    }

    fn remove(&self, closed: &Closed, why: &str) -> io::Result<()> {
        let mut event = Event::new(RequestId::new(), AREA, REMOVED);
        event.outcome = Outcome::Changed;
        let Closed { number, records, .. } = closed;
        event.detail = Some(format!("{SEGMENT}{number}: {records} records, {why}"));
        self.events.record(&event).and_then(Recorded::wait).map_err(|error| error.0)?;
        // The segment last: what lies beside one that is gone would stay for ever.
        for path in
            [segment::index_path(&self.dir, *number), segment::torn_path(&self.dir, *number)]
        {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match std::fs::remove_file(segment::path(&self.dir, *number)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        sync_folder(&self.dir)
    }

    /// Drops names and keys of those who have no record any more.
    fn forget_subjects(&mut self) -> io::Result<()> {
        let mut left: BTreeSet<SubjectId> =
            self.active.entries.iter().map(|entry| entry.subject).collect();
        // Also in segments that could not be read, as far as they can be now.
        for number in segment::list(&self.dir)? {
            if number == self.active.number {
                continue;
            }
            match index::of(&self.dir, number) {
                Ok(entries) => left.extend(entries.iter().map(|entry| entry.subject)),
                // It does not begin as it did, which somebody may mend: the keys of what is behind that are kept.
                Err(error) if segment::is_none(&error) => {
                    let entries = index::salvaged(&self.dir, number)?;
                    tracing::warn!(
                        number,
                        records = entries.len(),
                        "a segment of the inference log is damaged"
                    );
                    left.extend(entries.iter().map(|entry| entry.subject));
                }
                Err(error) => return Err(error),
            }
        }
        self.keys.retain(&left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_name_the_segment_that_was_removed() {
        let mut event = Event::new(RequestId::new(), AREA, REMOVED);
        event.detail = Some("segment 12: 3 records, past".to_owned());
        assert_eq!(removed_segment(&event), Some((12, 3)));
        event.area = "gateway".to_owned();
        assert_eq!(removed_segment(&event), None);
        event.area = AREA.to_owned();
        event.detail = Some("segment twelve: 3 records".to_owned());
        assert_eq!(removed_segment(&event), None);
    }

    #[test]
    fn segments_are_closed_soon_enough() {
        assert_eq!(roll_after(Duration::from_hours(16 * 24)), Duration::from_hours(24));
        assert_eq!(roll_after(Duration::from_hours(16)), Duration::from_hours(1));
        assert_eq!(roll_after(Duration::from_secs(5)), SEGMENT_AGE_MIN);
    }
}
