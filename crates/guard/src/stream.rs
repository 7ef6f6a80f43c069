//! Guarding a text that arrives in pieces, with the result of the whole.
//!
//! Only the bytes that could still become part of a finding are held back, and only for detectors of
//! which a guardrail may change or end the text. The engine says which: it judges the held text with
//! some passed text before it for look-behind, and reports the first byte that is still open.
//!
//! Detectors of guardrails that only record have a window of their own. They read behind what leaves,
//! in steps, and have read all of it when the text ends, however it ends.

mod tail;

use std::sync::Arc;

use bartizan_core::{Channel, NotEvaluated, RuleId};

use self::tail::Tail;
use crate::engine::{Guard, Share};
use crate::report::{Judged, Report};
use crate::session::Session;
use crate::vault::Place;

/// What a push sets free.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Released {
    /// Guarded text that may go out now.
    pub text: String,
    /// Findings that became final. Those of guardrails that only record may come later than the text
    /// they lie in.
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
    /// What detectors read that text is held back for.
    acting: Tail,
    /// What the others read; none where there are no others.
    noting: Option<Tail>,
    /// What stands before the acting window, for values that are put back.
    place: Place,
    /// See [`Window::is_spoilt`](crate::engine::Window::is_spoilt).
    is_spoilt: bool,
    /// Nothing is changed, neither by a guardrail nor by values that come back.
    is_idle: bool,
    has_ended: bool,
}

impl StreamGuard {
    pub(crate) fn new(
        guard: Arc<Guard>,
        channel: Channel,
        session: Arc<Session>,
        place: Place,
    ) -> Self {
        let acting = Tail::new(channel, Share::Acting);
        let is_idle = !guard.acts(channel) && !session.vault().has_restorable();
        let noting = guard.notes(channel).then(|| Tail::new(channel, Share::Noting));
        Self {
            guard,
            session,
            channel,
            acting,
            noting,
            place,
            is_spoilt: false,
            is_idle,
            has_ended: false,
        }
    }

    /// Takes the next piece and gives back what may go out.
    pub fn push(&mut self, text: &str) -> Released {
        if self.has_ended || text.is_empty() {
            return Released::default();
        }
        self.acting.push(text);
        if let Some(noting) = &mut self.noting {
            noting.push(text);
        }
        let mut released = if self.acting.is_due() { self.act(false) } else { Released::default() };
        self.note(released.blocked.is_some(), &mut released);
        released
    }

    /// Says that no more text comes and gives back the rest.
    pub fn finish(&mut self) -> Released {
        if self.has_ended {
            return Released::default();
        }
        let mut released =
            if self.acting.held() > 0 { self.act(true) } else { Released::default() };
        self.note(true, &mut released);
        self.has_ended = true;
        released
    }

    /// Says that the text breaks off: what is held never goes out. Gives back the findings in what has
    /// gone out that nobody waited for, of a text that ends here; there is no text in the result.
    pub fn abandon(&mut self) -> Released {
        let mut released = Released::default();
        if !self.has_ended {
            self.note(true, &mut released);
            self.has_ended = true;
        }
        released
    }

    /// Bytes held back.
    pub fn held_bytes(&self) -> usize {
        self.acting.held()
    }

    fn act(&mut self, complete: bool) -> Released {
        if self.is_idle {
            return Released { text: self.acting.take(), ..Released::default() };
        }
        let (from, base) = (self.acting.from(), self.acting.base());
        let before = std::slice::from_ref(&self.place);
        let window = self.acting.window(before, self.is_spoilt, complete);
        let (report, release) = self.guard.judge_window(&window, &self.session);
        let end = report.blocked_at.as_ref().map_or(release, |(at, _)| *at);
        let mut text = String::new();
        let mut copied = from;
        for edit in report.edits.iter().take_while(|edit| edit.span.end <= end) {
            text.push_str(window.text.get(copied..edit.span.start).unwrap_or_default());
            text.push_str(&edit.text);
            copied = edit.span.end;
        }
        text.push_str(window.text.get(copied..end).unwrap_or_default());
        self.has_ended = report.blocked_at.is_some();
        self.is_spoilt |= report.spoils;
        let wanted = self.guard.look_behind(self.channel, Share::Acting);
        let dropped = self.acting.advance(release, wanted);
        self.place.advance(&dropped);
        let Report { judged, blocked_at, not_evaluated, spoils, .. } = report;
        let judged = judged.into_iter().map(|judged| moved(judged, base)).collect();
        let blocked = blocked_at.map(|(_, rule)| rule);
        Released { text, judged, blocked, not_evaluated, spoils }
    }

    /// Lets those read what has gone out who only note, when it is worth it or the text ends.
    fn note(&mut self, ends: bool, released: &mut Released) {
        let Some(noting) = &mut self.noting else { return };
        // What is held may never go out.
        let limit = self.acting.position();
        if noting.position() == limit || !(ends || noting.is_due()) {
            return;
        }
        let base = noting.base();
        let window = noting.window(&[], false, ends);
        let (report, decided) = self.guard.judge_window(&window, &self.session);
        let limit = limit - base;
        let is_whole = limit == window.text.len();
        let gone = |judged: &Judged| is_whole || judged.finding.span.start < limit;
        let judged = report.judged.into_iter().filter(gone);
        released.judged.extend(judged.map(|judged| moved(judged, base)));
        for reason in report.not_evaluated {
            if !released.not_evaluated.contains(&reason) {
                released.not_evaluated.push(reason);
            }
        }
        if let Some((_, rule)) = report.blocked_at {
            // A detector failed whose guardrail lets nothing pass that it could not read.
            released.text.clear();
            released.blocked.get_or_insert(rule);
            self.has_ended = true;
        }
        let wanted = self.guard.look_behind(self.channel, Share::Noting);
        noting.advance(decided.min(limit), wanted);
    }
}

/// A finding of a window, in the text.
fn moved(mut judged: Judged, base: usize) -> Judged {
    judged.finding.span.start += base;
    judged.finding.span.end += base;
    judged
}

#[cfg(test)]
mod tests;
