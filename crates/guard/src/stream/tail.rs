//! The end of a growing text, as much of it as one share of the detectors still needs.

use bartizan_core::Channel;

use crate::engine::{Share, Window};
use crate::text::encoded::run_at_end;
use crate::text::{fold_to_string, window_start};
use crate::vault::Place;

/// Passed text that is kept for look-behind beyond what detectors ask for, in bytes: views begin
/// in the middle of words and chains otherwise.
const MARGIN_BYTES: usize = 64;
/// Above this many held bytes, judging waits until the held text has grown by a sixteenth, so that
/// one-byte pieces cost linear time.
const EAGER_BYTES: usize = 1024;
/// Above this many bytes the passed text is disguised and counts like held text: plain text keeps a
/// third of this, and reading escapes of escapes anew for every byte of a stream takes its time.
const LONG_WINDOW_BYTES: usize = 4 * 1024;
/// New text that those wait for whom nobody waits for, in bytes: a few pieces, so that reading the
/// context again costs little, and few enough that a detector that fails is noticed soon.
const NOTED_STEP_BYTES: usize = 256;

/// Passed text for look-behind, then text that is not judged.
#[derive(Debug)]
pub(super) struct Tail {
    channel: Channel,
    share: Share,
    text: String,
    from: usize,
    base: usize,
    run_before: usize,
    judged_len: usize,
}

impl Tail {
    pub(super) fn new(channel: Channel, share: Share) -> Self {
        let text = String::new();
        Self { channel, share, text, from: 0, base: 0, run_before: 0, judged_len: 0 }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// First byte that is not judged.
    pub(super) const fn from(&self) -> usize {
        self.from
    }

    /// Bytes of the text before this end of it.
    pub(super) const fn base(&self) -> usize {
        self.base
    }

    /// First byte that is not judged, in the text.
    pub(super) const fn position(&self) -> usize {
        self.base + self.from
    }

    /// Bytes that are not judged.
    pub(super) const fn held(&self) -> usize {
        self.text.len() - self.from
    }

    /// Takes everything: nobody reads it, and nothing is kept.
    pub(super) fn take(&mut self) -> String {
        self.base += self.text.len();
        std::mem::take(&mut self.text)
    }

    /// Whether enough has come since the last time.
    pub(super) fn is_due(&self) -> bool {
        let len = self.text.len();
        let grown = len.saturating_sub(self.judged_len);
        match self.share {
            Share::Noting => grown >= NOTED_STEP_BYTES.max(len / 16),
            Share::Acting | Share::All => {
                let read = if len > LONG_WINDOW_BYTES { len } else { self.held() };
                read <= EAGER_BYTES || grown >= read / 16
            }
        }
    }

    pub(super) fn window<'a>(
        &'a self,
        before: &'a [Place],
        is_spoilt: bool,
        complete: bool,
    ) -> Window<'a> {
        Window {
            channel: self.channel,
            share: self.share,
            text: &self.text,
            from: self.from,
            base: self.base,
            complete,
            run_before: self.run_before,
            texts: &[],
            before,
            is_spoilt,
            is_conversation: false,
        }
    }

    /// Marks everything before `release` as judged and forgets what a look-behind of `wanted` bytes
    /// does not need. Gives what is forgotten.
    pub(super) fn advance(&mut self, release: usize, wanted: usize) -> String {
        self.from = release;
        let passed = self.text.get(..release).unwrap_or_default();
        let drop = window_start(passed, wanted + MARGIN_BYTES);
        let dropped: String = self.text.drain(..drop).collect();
        if drop > 0 {
            self.run_before = run_at_end(&fold_to_string(&dropped), self.run_before);
            self.from -= drop;
            self.base += drop;
        }
        self.judged_len = self.text.len();
        dropped
    }
}
