//! All shapes of a plan: one pass over the numbers of a view serves every detector of identifiers.

use crate::detector::Hit;
use crate::identifier::shape::{Fit, LEADS, RUN_BYTES, Run, Shape, lead_before, open_at_end};
use crate::text::View;

/// A shape and whom to tell about it.
struct Entry {
    /// Slot of the detector in the plan.
    slot: usize,
    /// Index in the detector's list.
    index: usize,
    shape: Shape,
}

/// Shapes of several detectors. The default is empty and matches nothing.
#[derive(Default)]
pub(super) struct ShapeSet {
    entries: Vec<Entry>,
    /// By length of the first group that has a digit, and by groups of letters before it.
    by_len: Vec<[Vec<usize>; LEADS + 1]>,
}

/// What one pass over a view tells.
#[derive(Default)]
pub(super) struct ShapeScan {
    /// Everything that fits as (slot, hit), sorted by slot, then place.
    pub(super) hits: Vec<(usize, Hit)>,
    /// First byte that more text could make the beginning of a number.
    pub(super) open: Option<usize>,
}

impl ShapeSet {
    /// Adds the shapes of a detector.
    pub(super) fn add(&mut self, slot: usize, shapes: &[&str]) {
        for (index, pattern) in shapes.iter().enumerate() {
            let shape = Shape::parse(pattern);
            self.by_len.resize_with(RUN_BYTES + 1, Default::default);
            for len in shape.lengths() {
                let by_leads = self.by_len.get_mut(len).and_then(|by| by.get_mut(shape.leads));
                if let Some(entries) = by_leads {
                    entries.push(self.entries.len());
                }
            }
            self.entries.push(Entry { slot, index, shape });
        }
    }

    /// Reads a view. Only in one that is not complete is its end looked at.
    pub(super) fn scan(&self, view: &View<'_>) -> ShapeScan {
        let mut scan = ShapeScan::default();
        let bytes = view.bytes();
        let complete = view.is_complete();
        if !complete {
            scan.open = Some(open_at_end(bytes));
        }
        let mut passed = 0;
        for digits in view.digit_runs() {
            if digits.start < passed {
                continue;
            }
            let is_in_run = |byte: &&u8| byte.is_ascii_alphanumeric();
            let head = bytes.get(passed..digits.start).unwrap_or_default();
            let start = digits.start - head.iter().rev().take_while(is_in_run).count();
            let tail = bytes.get(digits.end..).unwrap_or_default();
            passed = digits.end + tail.iter().take_while(is_in_run).count();
            // What touches the end of a text that may grow is held back already.
            if passed - start > RUN_BYTES || (!complete && passed == bytes.len()) {
                continue;
            }
            self.fit(bytes, Run::at(bytes, start), complete, &mut scan);
        }
        scan.hits.sort_unstable_by_key(|(slot, hit)| (*slot, hit.start, hit.end, hit.literal));
        // Shapes of one detector may overlap; the first that fits a stretch speaks for it.
        scan.hits.dedup_by_key(|(slot, hit)| (*slot, hit.start, hit.end));
        scan
    }

    /// Notes every shape whose first group with a digit is this run.
    fn fit(&self, bytes: &[u8], run: Run, complete: bool, scan: &mut ShapeScan) {
        let Some(by_leads) = self.by_len.get(run.len()) else { return };
        let mut start = Some(run.start);
        for entries in by_leads {
            let Some(at) = start else { return };
            for entry in entries.iter().filter_map(|index| self.entries.get(*index)) {
                if !entry.shape.begins_with(&run, bytes) {
                    continue;
                }
                match entry.shape.fit(bytes, at, complete) {
                    Fit::Yes(end) => {
                        scan.hits.push((entry.slot, Hit { literal: entry.index, start: at, end }));
                    }
                    Fit::Open => scan.open = Some(scan.open.map_or(at, |open| open.min(at))),
                    Fit::No => {}
                }
            }
            start = lead_before(bytes, at).map(|lead| lead.start);
        }
    }
}
