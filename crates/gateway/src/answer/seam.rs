//! Blocks of an answer that clients show as one text: what they say only together.
//!
//! Each block has a guard of its own. Where one follows another, the end of what was said and the
//! beginning of the new block are read once more as one text. What is found across the break cannot
//! be cut out, since in a stream its beginning has left: it ends the answer, streamed or whole.
//!
//! It does not count where one side is found by itself: an address that ends a block and a word that
//! begins the next look like a longer address, and nothing is left of the address.
//!
//! Values are put back as if the blocks were one text: what a block is shown behind decides with it,
//! and a value at its end that the next block would make part of an address ends the answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use bartizan_core::{Channel, Verdict};
use bartizan_guard::{Guard, Judged, Place, Session, StreamGuard};

use super::stop::Stop;
use super::stream::MAX_TEXTS;
use crate::protocols::{DeltaKey, Ends};

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
    if !matters(guard, session) {
        return Ok(());
    }
    let mut said = Said::default();
    for (number, text) in texts.into_iter().enumerate() {
        if number >= MAX_TEXTS {
            return Err(Stop::Tangled);
        }
        if !said.is_empty() && !text.is_empty() {
            let after = text.get(..text.floor_char_boundary(REACH)).unwrap_or_default();
            judge(said.end(), after, guard, session)?;
            glued(said.end(), after, true, session)?;
        }
        said.push(&text);
    }
    Ok(())
}

/// Whether anything is looked for across breaks.
fn matters(guard: &Guard, session: &Session) -> bool {
    guard.reads(Channel::Output) || session.vault().has_restorable()
}

/// Whether it is decided that no value at the end of `before` becomes part of an address with what
/// follows; `complete` says that nothing follows `after`.
fn glued(before: &str, after: &str, complete: bool, session: &Session) -> Result<bool, Stop> {
    match session.vault().glues(before, after, complete) {
        Some(true) => Err(Stop::Glued),
        Some(false) => Ok(true),
        None => Ok(false),
    }
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
#[derive(Debug)]
pub(super) struct Seams {
    said: Said,
    /// What the next text will be shown behind, for values that are put back.
    place: Place,
    /// The same for the texts that have begun.
    starts: BTreeMap<DeltaKey, Place>,
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

impl Default for Seams {
    fn default() -> Self {
        Self {
            said: Said::default(),
            place: Place::start(Channel::Output),
            starts: BTreeMap::new(),
            current: None,
            open: None,
        }
    }
}

impl Seams {
    /// Begins a block; gives what it is shown behind.
    pub(super) fn begin(&mut self, key: &DeltaKey, session: &Session) -> Place {
        if session.vault().has_restorable() {
            self.starts.insert(key.clone(), self.place.clone());
        }
        self.place.clone()
    }

    /// What the first of the blocks that end is shown behind: nothing where all of them end, since
    /// the event then says the whole answer; what a new block would be shown behind where none is
    /// known.
    pub(super) fn start_of(&self, ends: &Ends) -> Place {
        if *ends == Ends::All {
            return Place::start(Channel::Output);
        }
        let first = self.starts.iter().find(|(key, _)| ends.contains(key));
        first.map_or(&self.place, |(_, place)| place).clone()
    }

    /// Lets no value come back in blocks that begin from now on.
    pub(super) fn spoil(&mut self, spoils: bool) {
        if spoils {
            self.place = Place::nowhere();
        }
    }

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
        if !matters(guard, session) {
            return Ok(released);
        }
        if self.current.as_ref() != Some(key) {
            // Clients that join by number would read another text than the one that is read here.
            if self.open.is_some() || self.current.as_ref().is_some_and(|current| key < current) {
                return Err(Stop::Tangled);
            }
            self.current = Some(key.clone());
            if !self.said.is_empty() {
                self.open = Some(Open::new(self.said.end().to_owned(), guard, session));
            }
        }
        self.said.push(piece);
        if session.vault().has_restorable() {
            self.place.advance(piece);
        }
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
        let is_free = glued(&self.before, &self.after, false, session)?;
        if !guard.reads(Channel::Output) && is_free {
            return Ok(true);
        }
        if let Some(reader) = &mut self.reader {
            let released = reader.push(near);
            let decided = self.before.len() + self.after.len() - reader.held_bytes();
            across(released.judged, &self.before, &self.after, guard, session)?;
            if released.blocked.is_some() {
                self.reader = None;
            } else if decided >= self.before.len() && !self.after.is_empty() && is_free {
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
        glued(&self.before, &self.after, true, session)?;
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
