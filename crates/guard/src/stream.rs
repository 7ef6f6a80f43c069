//! Guarding a text that arrives in pieces, with the result of the whole.
//!
//! Only the bytes that could still become part of a finding are held back. The engine says which:
//! it judges the held text with some passed text before it for look-behind, and reports the first
//! byte that is still open.

use std::sync::Arc;

use bartizan_core::{Channel, NotEvaluated, RuleId};

use crate::engine::{Guard, Window};
use crate::report::Judged;
use crate::session::Session;
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

/// What a push sets free.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Released {
    /// Guarded text that may go out now.
    pub text: String,
    /// Findings that became final.
    pub judged: Vec<Judged>,
    /// The guardrail that ends the answer here, if one does. Nothing may go out after `text`.
    pub blocked: Option<RuleId>,
    /// What could not be inspected.
    pub not_evaluated: Vec<NotEvaluated>,
    /// A mask took out what tells where an address ends, so that no value may follow.
    pub spoils: bool,
}

/// Guards one growing text.
#[derive(Debug)]
pub struct StreamGuard {
    guard: Arc<Guard>,
    session: Arc<Session>,
    channel: Channel,
    /// Passed text for look-behind, then held text.
    window: String,
    from: usize,
    base: usize,
    run_before: usize,
    /// What stands before the window, for values that are put back.
    place: Place,
    judged_len: usize,
    /// See [`Window::is_spoilt`].
    is_spoilt: bool,
    blocked: bool,
}

impl StreamGuard {
    pub(crate) fn new(
        guard: Arc<Guard>,
        channel: Channel,
        session: Arc<Session>,
        place: Place,
    ) -> Self {
        Self {
            guard,
            session,
            channel,
            window: String::new(),
            from: 0,
            base: 0,
            run_before: 0,
            place,
            judged_len: 0,
            is_spoilt: false,
            blocked: false,
        }
    }

    /// Takes the next piece and gives back what may go out.
    pub fn push(&mut self, text: &str) -> Released {
        if self.blocked || text.is_empty() {
            return Released::default();
        }
        self.window.push_str(text);
        let held = self.window.len() - self.from;
        let read = if self.window.len() > LONG_WINDOW_BYTES { self.window.len() } else { held };
        let grown = self.window.len().saturating_sub(self.judged_len);
        if read > EAGER_BYTES && grown < read / 16 {
            return Released::default();
        }
        self.judge(false)
    }

    /// Says that no more text comes and gives back the rest.
    pub fn finish(&mut self) -> Released {
        if self.blocked || self.from == self.window.len() {
            return Released::default();
        }
        self.judge(true)
    }

    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        self.window.len() - self.from
    }

    fn judge(&mut self, complete: bool) -> Released {
        let window = Window {
            channel: self.channel,
            text: &self.window,
            from: self.from,
            base: self.base,
            complete,
            run_before: self.run_before,
            texts: &[],
            before: std::slice::from_ref(&self.place),
            is_spoilt: self.is_spoilt,
            is_conversation: false,
        };
        let (report, release) = self.guard.judge_window(&window, &self.session);
        let end = report.blocked_at.as_ref().map_or(release, |(at, _)| *at);
        let mut text = String::new();
        let mut copied = self.from;
        for edit in report.edits.iter().take_while(|edit| edit.span.end <= end) {
            text.push_str(self.window.get(copied..edit.span.start).unwrap_or_default());
            text.push_str(&edit.text);
            copied = edit.span.end;
        }
        text.push_str(self.window.get(copied..end).unwrap_or_default());
        let base = self.base;
        self.blocked = report.blocked_at.is_some();
        self.is_spoilt |= report.spoils;
        self.advance(release);
        let judged = report
            .judged
            .into_iter()
            .map(|mut judged| {
                judged.finding.span.start += base;
                judged.finding.span.end += base;
                judged
            })
            .collect();
        Released {
            text,
            judged,
            blocked: report.blocked_at.map(|(_, rule)| rule),
            not_evaluated: report.not_evaluated,
            spoils: report.spoils,
        }
    }

    /// Marks everything before `release` as passed and forgets what look-behind does not need.
    fn advance(&mut self, release: usize) {
        self.from = release;
        let wanted = self.guard.look_behind(self.channel) + MARGIN_BYTES;
        let drop = window_start(self.window.get(..release).unwrap_or_default(), wanted);
        if drop > 0 {
            let dropped = self.window.get(..drop).unwrap_or_default();
            self.place.advance(dropped);
            self.run_before = run_at_end(&fold_to_string(dropped), self.run_before);
            self.window.drain(..drop);
            self.from -= drop;
            self.base += drop;
        }
        self.judged_len = self.window.len();
    }
}

#[cfg(test)]
mod tests;
