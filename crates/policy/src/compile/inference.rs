//! `inference-log:`: what of requests and answers is kept, and for how long.

use std::time::Duration;

use bartizan_core::settings::{InferenceLog, InferenceStore, OnNotKept};
use bartizan_core::time::parse_duration;

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::inference::{InferenceLogFile, InferenceStoreFile};
use crate::file::scalar::{DurationText, PercentText};
use crate::located::Located;
use crate::snippet::quote;

/// Smallest segment, in bytes.
const SEGMENT_BYTES_MIN: u64 = 1 << 20;
/// Largest segment, in bytes: it goes as a whole, and what is in it is remembered while it grows.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// Shortest time for which exchanges are kept.
const KEEP_MIN: Duration = Duration::from_hours(1);
/// Longest time for which exchanges are kept: ten years.
const KEEP_MAX: Duration = Duration::from_hours(24 * 3_653);

impl Compiler<'_, '_> {
    pub(super) fn inference_store(&mut self, file: &InferenceStoreFile) -> Option<InferenceStore> {
        let usual = InferenceStore::DEFAULT;
        let segment_bytes = self.size(file.segment.as_ref(), usual.segment_bytes);
        let total_bytes = self.size(file.total.as_ref(), usual.total_bytes);
        let (segment_bytes, total_bytes) = (segment_bytes?, total_bytes?);
        let place = |given: &Option<Located<_>>| given.as_ref().and_then(|given| given.place);
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&segment_bytes) {
            let message = "a segment of the inference log has 1MiB to 1GiB";
            self.report(Problem::new(place(&file.segment), message).help("write `segment: 64MiB`"));
            return None;
        }
        if total_bytes < segment_bytes.saturating_mul(2) {
            let given = place(&file.total).or(place(&file.segment));
            let message = "the whole inference log is smaller than two segments of it";
            self.report(Problem::new(given, message).help("give `total` more, or `segment` less"));
            return None;
        }
        Some(InferenceStore { segment_bytes, total_bytes })
    }

    /// How an endpoint keeps exchanges.
    pub(super) fn inference_log(&mut self, file: &InferenceLogFile) -> Option<InferenceLog> {
        let keep = self.payload_keep(file.keep.as_ref());
        let percent = self.percent(file.share.as_ref());
        let on_failure = self.choice(file.on_failure.as_ref(), OnNotKept::Withhold);
        Some(InferenceLog { keep: keep?, percent: percent?, on_failure: on_failure? })
    }

    /// `30d`: an hour to ten years.
    fn payload_keep(&mut self, given: Option<&Located<DurationText>>) -> Option<Duration> {
        let Some(given) = given else { return Some(InferenceLog::KEEP) };
        let keep = parse_duration(&given.value.0);
        let keep = keep.ok().filter(|keep| (KEEP_MIN..=KEEP_MAX).contains(keep));
        if keep.is_none() {
            let message = format!("{} is not a time to keep exchanges", quote(&given.value.0));
            let help = "write hours or days, from `1h` to `3653d`";
            self.report(Problem::new(given.place, message).help(help));
        }
        keep
    }

    /// `5%`: 1 to 100.
    fn percent(&mut self, given: Option<&Located<PercentText>>) -> Option<u8> {
        let Some(given) = given else { return Some(100) };
        let digits = given.value.0.strip_suffix('%');
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let percent = digits.filter(|digits| !digits.starts_with('0'));
        let percent = percent.and_then(|digits| digits.parse().ok());
        let percent = percent.filter(|percent| (1..=100).contains(percent));
        if percent.is_none() {
            let message = format!("{} is not a share of exchanges", quote(&given.value.0));
            self.report(Problem::new(given.place, message).help("write `1%` to `100%`"));
        }
        percent
    }
}
