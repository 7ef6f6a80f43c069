//! What of the log is kept: the oldest files go when the log grows too large or their entries too old.

use std::time::{Duration, Instant};

use bartizan_core::time::Timestamp;
use jiff::SignedDuration;

use super::Shared;
use crate::merkle::TILE_WIDTH;
use crate::removal;
use crate::segment::{Segment, Surplus};

/// How often entries are looked for that have become too old while nothing is written.
pub(super) const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// Files are closed at this share of the time that entries are kept, since they go as a whole.
const SEGMENTS_PER_KEEP: u32 = 16;
/// Files are closed at this age at most.
const SEGMENT_AGE_MAX: Duration = Duration::from_hours(24);

/// Age at which a file is closed.
pub(super) fn segment_age(keep: Duration) -> Duration {
    (keep / SEGMENTS_PER_KEEP).min(SEGMENT_AGE_MAX)
}

/// How much further a clock may go than the time that passes before it is not believed. A machine that
/// slept is doubted too; its old entries go after the next start.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_hours(24);

/// Files that are to be removed.
pub(super) struct Leaving {
    segments: Vec<Segment>,
    /// The entry that says so.
    said: u64,
}

impl Shared {
    /// Looks for entries that have become too old, once in a while.
    pub(super) fn prune_when_due(&self) {
        let now = Instant::now();
        let mut state = self.state.lock();
        if state.prune_after.is_none_or(|after| now < after) {
            return;
        }
        state.prune_after = now.checked_add(PRUNE_EVERY);
        drop(state);
        self.prune();
    }

    /// Begins to remove old files, so that the closed ones and a full active one stay within the total.
    pub(super) fn prune(&self) {
        let mut leaving = self.leaving.lock();
        if leaving.is_some() {
            return;
        }
        let active = self.state.lock().active.segment.first;
        let oldest = self.oldest_to_keep();
        // The edge of the tree is made again from the entries behind its last full tile.
        let signed = self.tree.lock().signed().map_or(0, |signed| signed.size);
        let surplus = Surplus {
            active,
            needed: signed - signed % TILE_WIDTH,
            budget_bytes: self.config.total_bytes.saturating_sub(self.config.segment_bytes),
            oldest,
        };
        let goes = match surplus.of(&self.dir) {
            Ok(goes) => goes,
            Err(error) => {
                tracing::warn!(%error, dir = %self.dir.display(), "old event log files stay");
                return;
            }
        };
        let Some(first) = goes.last().map(|(_, end)| *end) else { return };
        match self.write(&removal::event(first)) {
            Ok(said) => {
                let segments = goes.into_iter().map(|(segment, _)| segment).collect();
                *leaving = Some(Leaving { segments, said });
            }
            Err(error) => {
                tracing::warn!(%error, dir = %self.dir.display(), "old event log files stay");
            }
        }
    }

    /// Entries before this time go for their age; none do while the clock is not believed: one that is set
    /// far ahead would take the whole log with it.
    fn oldest_to_keep(&self) -> Timestamp {
        let now = bartizan_core::time::now();
        let (opened, since) = self.opened;
        let passed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
        let ahead = now.duration_since(opened).saturating_sub(passed);
        if ahead > CLOCK_SLACK {
            tracing::warn!(
                hours = ahead.as_hours(),
                "the clock was set ahead while the event log was open: entries stay, whatever their age; start again if the clock is right"
            );
            return Timestamp::MIN;
        }
        now.checked_sub(self.config.keep).unwrap_or(Timestamp::MIN)
    }

    /// Removes what the log has said that it removes, once that is signed: otherwise whoever verifies
    /// would miss the entries.
    pub(super) fn remove(&self, signed: u64) {
        let mut leaving = self.leaving.lock();
        let Some(goes) = leaving.take_if(|leaving| leaving.said < signed) else { return };
        drop(leaving);
        let (files, dir) = (goes.segments.len(), self.dir.display());
        match goes.segments.iter().try_for_each(Segment::remove) {
            Ok(()) => tracing::info!(files, %dir, "old event log files removed"),
            Err(error) => tracing::warn!(%error, %dir, "old event log files stay"),
        }
    }
}
