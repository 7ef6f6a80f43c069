//! Blocks of an answer that clients show as one text: what they say only together.
//!
//! Each block has a guard of its own. Where one follows another, the end of what was said and the
//! beginning of the new block are read once more as one text. What is found across the break cannot
//! be cut out, since in a stream its beginning has left: it ends the answer, streamed or whole.
//!
//! It does not count where one side is found by itself: an address that ends a block and a word that
//! begins the next look like a longer address, and nothing is left of the address.

use std::sync::Arc;

use bartizan_core::{Channel, Verdict};
use bartizan_guard::{Guard, Judged, Session, StreamGuard};

use super::stop::Stop;
use crate::protocols::DeltaKey;

/// Bytes on either side of a break that are read together: longer than any secret, card or name.
const REACH: usize = 2048;
/// Place of these findings, for the event log.
const PLACE: &str = "/joined";

/// Reads the breaks between texts that follow each other.
pub(super) fn read_whole<'t>(
    texts: impl IntoIterator<Item = std::borrow::Cow<'t, str>>,
    guard: &Guard,
    session: &Session,
) -> Result<(), Stop> {
    if !guard.reads(Channel::Output) {
        return Ok(());
    }
    let mut said = Said::default();
    for text in texts {
        if !said.is_empty() && !text.is_empty() {
            let after = text.get(..text.floor_char_boundary(REACH)).unwrap_or_default();
            judge(said.end(), after, guard, session)?;
        }
        said.push(&text);
    }
    Ok(())
}

/// Judges both sides of a break.
fn judge(before: &str, after: &str, guard: &Guard, session: &Session) -> Result<(), Stop> {
    let report = guard.inspect(Channel::Output, &[before, after].concat(), session);
    across(report.judged, before, after, guard, session)?;
    match report.blocked_at {
        Some((_, rule)) if !report.not_evaluated.is_empty() => Err(Stop::Failed { rule }),
        _ => Ok(()),
    }
}

/// Whether a finding counts that lies on both sides.
fn across(
    judged: Vec<Judged>,
    before: &str,
    after: &str,
    guard: &Guard,
    session: &Session,
) -> Result<(), Stop> {
    let at = before.len();
    let acts = |judged: &Judged| judged.effective() >= Verdict::Mask;
    let finds_alone = |text: &str, from: usize, to: usize| {
        let report = guard.inspect(Channel::Output, text, session);
        report.judged.iter().any(|alone| {
            acts(alone) && alone.finding.span.start <= from && alone.finding.span.end >= to
        })
    };
    let counts = |judged: &Judged| {
        let span = judged.finding.span;
        if !acts(judged) || span.start >= at || span.end <= at {
            return false;
        }
        let rest = after.get(..span.end - at).unwrap_or(after);
        !finds_alone(before, span.start, at) && !finds_alone(rest, 0, rest.len())
    };
    let judged = judged.into_iter().filter(counts).collect();
    Stop::found(judged, Channel::Output, PLACE).map_or(Ok(()), Err)
}

/// The end of what was said so far.
#[derive(Debug, Default)]
struct Said {
    text: String,
}

impl Said {
    fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        // Dropping at times only keeps one-byte pieces cheap.
        if self.text.len() > 2 * REACH {
            let end = self.end().len();
            self.text.drain(..self.text.len() - end);
        }
    }

    fn end(&self) -> &str {
        let from = self.text.len().saturating_sub(REACH);
        self.text.get(self.text.ceil_char_boundary(from)..).unwrap_or_default()
    }
}

/// The breaks of one streamed answer.
#[derive(Debug, Default)]
pub(super) struct Seams {
    said: Said,
    /// The block that grows.
    current: Option<DeltaKey>,
    /// The break before it, while something may still lie across.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    before: String,
    after: String,
    /// Reads both sides as they come. It says from where on nothing is decided; none once it has
    /// stopped for what does not count here.
    reader: Option<StreamGuard>,
    /// What the block's own guard let go.
    held: String,
}

impl Seams {
    /// Takes a piece of a block, and what the block's own guard let go on account of it; gives what
    /// may go out.
    pub(super) fn take(
        &mut self,
        key: &DeltaKey,
        piece: &str,
        released: String,
        guard: &Arc<Guard>,
        session: &Arc<Session>,
    ) -> Result<String, Stop> {
        if !guard.reads(Channel::Output) {
            return Ok(released);
        }
        if self.current.as_ref() != Some(key) {
            if self.open.is_some() {
                return Err(Stop::Tangled);
            }
            self.current = Some(key.clone());
            if !self.said.is_empty() {
                self.open = Some(Open::new(self.said.end().to_owned(), guard, session));
            }
        }
        self.said.push(piece);
        let Some(open) = &mut self.open else { return Ok(released) };
        open.held.push_str(&released);
        if open.read(piece, guard, session)? {
            let held = self.open.take().map(|open| open.held);
            return Ok(held.unwrap_or_default());
        }
        Ok(String::new())
    }

    /// Ends a block; gives what it still holds, `released` included.
    pub(super) fn end(
        &mut self,
        key: &DeltaKey,
        released: String,
        guard: &Guard,
        session: &Session,
    ) -> Result<String, Stop> {
        if self.current.as_ref() != Some(key) {
            return Ok(released);
        }
        let Some(mut open) = self.open.take() else { return Ok(released) };
        open.finish(guard, session)?;
        open.held.push_str(&released);
        Ok(open.held)
    }
}

impl Open {
    fn new(before: String, guard: &Arc<Guard>, session: &Arc<Session>) -> Self {
        let mut reader = guard.stream(Channel::Output, Arc::clone(session));
        let has_stopped = reader.push(&before).blocked.is_some();
        let reader = (!has_stopped).then_some(reader);
        Self { before, after: String::new(), reader, held: String::new() }
    }

    /// Reads a piece after the break; says whether all that lies across is decided.
    fn read(&mut self, piece: &str, guard: &Guard, session: &Session) -> Result<bool, Stop> {
        let room = piece.floor_char_boundary(REACH - self.after.len());
        let near = piece.get(..room).unwrap_or_default();
        self.after.push_str(near);
        if let Some(reader) = &mut self.reader {
            let released = reader.push(near);
            let decided = self.before.len() + self.after.len() - reader.held_bytes();
            across(released.judged, &self.before, &self.after, guard, session)?;
            if released.blocked.is_some() {
                self.reader = None;
            } else if decided >= self.before.len() && !self.after.is_empty() {
                return Ok(true);
            }
        }
        if near.len() < piece.len() || self.after.len() == REACH {
            self.finish(guard, session)?;
            return Ok(true);
        }
        Ok(false)
    }

    fn finish(&mut self, guard: &Guard, session: &Session) -> Result<(), Stop> {
        let Some(mut reader) = self.reader.take() else {
            return judge(&self.before, &self.after, guard, session);
        };
        let released = reader.finish();
        across(released.judged, &self.before, &self.after, guard, session)?;
        if released.blocked.is_some() || !released.not_evaluated.is_empty() {
            return judge(&self.before, &self.after, guard, session);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
