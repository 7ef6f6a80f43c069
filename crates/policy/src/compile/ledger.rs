//! `ledger:`: how much of the log is kept, and how safe its events have to be.

use std::time::Duration;

use bartizan_core::settings::{Assurance, Ledger};
use bartizan_core::time::parse_duration;

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::ledger::{AreaFile, LedgerFile};
use crate::file::scalar::DurationText;
use crate::located::Located;
use crate::snippet::quote;

/// Smallest segment of the event log, in bytes: room for one event.
const SEGMENT_BYTES_MIN: u64 = 4 << 10;
const DAY: Duration = Duration::from_hours(24);
/// Longest time that entries are kept: ten years.
const KEEP_MAX: Duration = Duration::from_hours(24 * 3_653);

impl Compiler<'_, '_> {
    pub(super) fn ledger(&mut self, file: &LedgerFile) -> Option<Ledger> {
        let segment_bytes = self.size(file.segment.as_ref(), Ledger::DEFAULT.segment_bytes);
        let total_bytes = self.size(file.total.as_ref(), Ledger::DEFAULT.total_bytes);
        let keep = self.keep(file.keep.as_ref());
        let Assurance { durability, on_failure } = Assurance::DEFAULT;
        let durability = self.choice(file.durability.as_ref(), durability);
        let on_failure = self.choice(file.on_failure.as_ref(), on_failure);
        let others = durability.zip(on_failure);
        let others = others.map(|(durability, on_failure)| Assurance { durability, on_failure });
        let usual = others.unwrap_or(Assurance::DEFAULT);
        let gateway = self.assurance(&file.areas.gateway, usual);
        let admin = self.assurance(&file.areas.admin, usual);

        let (segment_bytes, total_bytes) = (segment_bytes?, total_bytes?);
        let place = |given: &Option<Located<_>>| given.as_ref().and_then(|given| given.place);
        if segment_bytes < SEGMENT_BYTES_MIN {
            let message = "a segment of the event log is smaller than 4KiB";
            self.report(Problem::new(place(&file.segment), message).help("write `segment: 64MiB`"));
            return None;
        }
        if total_bytes < segment_bytes {
            let given = place(&file.total).or(place(&file.segment));
            let message = "the whole event log is smaller than one segment of it";
            self.report(Problem::new(given, message).help("give `total` at least twice `segment`"));
            return None;
        }
        let (keep, others) = (keep?, others?);
        let (gateway, admin) = (gateway?, admin?);
        Some(Ledger { segment_bytes, total_bytes, keep, gateway, admin, others })
    }

    fn assurance(&mut self, file: &AreaFile, usual: Assurance) -> Option<Assurance> {
        let durability = self.choice(file.durability.as_ref(), usual.durability);
        let on_failure = self.choice(file.on_failure.as_ref(), usual.on_failure);
        Some(Assurance { durability: durability?, on_failure: on_failure? })
    }

    /// `90d`: a day to ten years.
    fn keep(&mut self, given: Option<&Located<DurationText>>) -> Option<Duration> {
        let Some(given) = given else { return Some(Ledger::DEFAULT.keep) };
        let keep = parse_duration(&given.value.0);
        let keep = keep.ok().filter(|keep| (DAY..=KEEP_MAX).contains(keep));
        if keep.is_none() {
            let message = format!("{} is not a time to keep entries", quote(&given.value.0));
            let help = "write days, from `1d` to `3653d`";
            self.report(Problem::new(given.place, message).help(help));
        }
        keep
    }
}
