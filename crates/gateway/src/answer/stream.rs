//! Streamed answers: every growing text has its own guard; every other string of an event is judged
//! with the event, and watched for what it says together with the events before (see [`watch`]).
//! Nothing leaves before its judgement is final.

mod kept;
mod watch;

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::event::FindingRecord;
use bartizan_core::{Channel, Coded, NotEvaluated, Outcome, Verdict};
use bartizan_guard::{Guard, Place, Released, Session, StreamGuard};
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::kept::Apart;
pub(crate) use self::kept::KeptApart;
use self::watch::Watch;
use super::seam::{self, Seams};
use crate::envelope::{self, Envelope, Places};
use crate::error::{GatewayError, Stage};
use crate::heavy;
use crate::json::{Document, Edits, NodeId, Value};
use crate::protocols::{DeltaKey, DeltaKind, Ends, EventReading, Protocol, StreamCodec};
use crate::record::{Record, settled};
use crate::sse::{self, Splitter};
use crate::translate::StreamTranslation;
use crate::upstream::{AnswerBody, CallError};

/// Growing texts that one answer may have; more is not an answer but an attack.
pub(super) const MAX_TEXTS: usize = 1024;
/// What is read of a text that breaks off, with its context, in bytes; about.
const LATE_BYTES: usize = 2048;

/// A streamed answer on its way.
pub(crate) struct Streamed {
    pub(crate) body: AnswerBody,
    pub(crate) protocol: &'static dyn Protocol,
    pub(crate) codec: Box<dyn StreamCodec>,
    pub(crate) translation: Option<Box<dyn StreamTranslation>>,
    pub(crate) guard: Arc<Guard>,
    pub(crate) session: Arc<Session>,
    pub(crate) record: Record,
    /// What reads the answer once more for the inference log; none where what goes out may be kept as it is.
    pub(crate) kept: Option<KeptApart>,
    pub(crate) idle: Duration,
    pub(crate) deadline: Instant,
}

/// How a stream goes on after an event.
enum Flow {
    On,
    /// The last event has been written to `out`.
    Done(Outcome),
}

struct Pump {
    protocol: &'static dyn Protocol,
    codec: Box<dyn StreamCodec>,
    guard: Arc<Guard>,
    session: Arc<Session>,
    record: Record,
    /// Nothing of a text may come after its end: a guard of its own would read it, and the client
    /// would read it as one with what came before.
    texts: BTreeMap<DeltaKey, Option<StreamGuard>>,
    /// Fingerprint of the last event's other strings, when they were clean.
    clean_frame: Option<u64>,
    frame_keys: RandomState,
    watch: Watch,
    seams: Seams,
    out: Vec<u8>,
}

impl Streamed {
    /// Pumps the answer to the client until it ends, is stopped, or the client leaves.
    pub(crate) async fn run(self, client: mpsc::Sender<Bytes>) {
        let Self { mut body, mut translation, idle, deadline, protocol, codec, guard, .. } = self;
        let mut apart = self.kept.map(|kept| Apart::new(kept, protocol, &guard, &self.record));
        let mut pump = Pump::new(protocol, codec, guard, self.session, self.record);
        let mut splitter = Splitter::default();
        let outcome = loop {
            let left = deadline.saturating_duration_since(Instant::now()).min(idle);
            let piece = tokio::select! {
                biased;
                () = client.closed() => break Outcome::Disconnected,
                piece = body.next(left) => piece,
            };
            let again = apart.as_ref().map(|_| piece.clone());
            let flow = pump.take(piece, &mut splitter, translation.as_deref_mut());
            if let (Some(apart), Some(piece)) = (&mut apart, again) {
                apart.take(piece, &flow);
            }
            match flow {
                Flow::Done(outcome) => break outcome,
                Flow::On => {}
            }
            if !pump.out.is_empty() {
                let piece = Bytes::from(std::mem::take(&mut pump.out));
                let sent = pump.record.keeping.is_some().then(|| piece.clone());
                // A client that does not read holds the provider up; it counts as gone.
                let left = deadline.saturating_duration_since(Instant::now()).min(idle);
                if !matches!(timeout(left, client.send(piece)).await, Ok(Ok(()))) {
                    break Outcome::Disconnected;
                }
                pump.keep(&sent.unwrap_or_default(), apart.as_mut());
            }
        };
        // Dropping the body here cancels the provider's work.
        drop(body);
        pump.abandon();
        if outcome != Outcome::Disconnected {
            let last = std::mem::take(&mut pump.out);
            pump.keep(&last, apart.as_mut());
            pump.out = last;
        }
        let status = if outcome == Outcome::Disconnected { 499 } else { 200 };
        let written = settled(pump.record.finish(outcome, status)).await;
        if let (Err(error), true) = (written, outcome != Outcome::Disconnected) {
            pump.out.clear();
            pump.codec.write_error(error.code(), &error.to_string(), &mut pump.out);
        }
        if !pump.out.is_empty() {
            // A client that leaves now has got everything else.
            let _ = timeout(idle, client.send(Bytes::from(pump.out))).await;
        }
    }
}

impl Pump {
    fn new(
        protocol: &'static dyn Protocol,
        codec: Box<dyn StreamCodec>,
        guard: Arc<Guard>,
        session: Arc<Session>,
        record: Record,
    ) -> Self {
        Self {
            protocol,
            codec,
            guard,
            session,
            record,
            texts: BTreeMap::new(),
            clean_frame: None,
            frame_keys: RandomState::new(),
            watch: Watch::default(),
            seams: Seams::default(),
            out: Vec::new(),
        }
    }

    fn take(
        &mut self,
        piece: Option<Result<Bytes, CallError>>,
        splitter: &mut Splitter,
        mut translation: Option<&mut (dyn StreamTranslation + 'static)>,
    ) -> Flow {
        // An answer that breaks off, or ends without its last event, is told apart from one that is
        // complete.
        match piece {
            Some(Ok(bytes)) => splitter.push(&bytes),
            Some(Err(CallError::TimedOut)) => {
                return self.broke_off(&GatewayError::ProviderTimeout);
            }
            Some(Err(_)) => return self.broke_off(&GatewayError::ProviderBrokeOff),
            None => return self.closed(translation),
        }
        while let Some(event) = splitter.next() {
            let flow = match event {
                Ok(event) => {
                    heavy::run(event.data.len(), || self.event(&event, translation.as_deref_mut()))
                }
                Err(error) => {
                    tracing::warn!(%error, "stream cannot be read");
                    Err(GatewayError::ProviderUnreadable)
                }
            };
            match flow {
                Ok(Flow::On) => {}
                Ok(done) => return done,
                Err(error) => return self.fail(&error),
            }
        }
        Flow::On
    }

    /// A provider that closes the connection after all that it began has ended needs no end marker.
    fn closed(&mut self, translation: Option<&mut (dyn StreamTranslation + 'static)>) -> Flow {
        let flow = match translation {
            Some(translation) => translation
                .closed()
                .into_iter()
                .map(|event| self.data(event.event, event.data.as_bytes()))
                .find(|flow| !matches!(flow, Ok(Flow::On))),
            None if self.codec.is_complete() => {
                self.codec.end_marker().map(|marker| self.data(None, marker.as_bytes()))
            }
            None => None,
        };
        match flow {
            Some(Ok(flow)) => flow,
            Some(Err(error)) => self.fail(&error),
            None => self.broke_off(&GatewayError::ProviderBrokeOff),
        }
    }

    /// What the provider sent counts as the end of each text; then the client is told.
    fn broke_off(&mut self, error: &GatewayError) -> Flow {
        match self.end(&Ends::All) {
            Flow::On => {
                self.record.event.detail = Some(error.code().to_owned());
                self.codec.write_error(error.code(), &error.to_string(), &mut self.out);
                Flow::Done(Outcome::UpstreamFailed)
            }
            done @ Flow::Done(_) => done,
        }
    }

    /// Ends the stream without what is held.
    fn fail(&mut self, error: &GatewayError) -> Flow {
        self.record.event.detail = Some(error.code().to_owned());
        if let GatewayError::Blocked { rule, .. } | GatewayError::GuardFailed { rule } = error {
            self.record.note(Verdict::Block, [], &[]);
            self.record.decided_by(rule.as_str());
            let id = self.record.request_id().to_string();
            let message = format!("{error} (request {id})");
            self.codec.write_blocked(&message, &id, &mut self.out);
            return Flow::Done(Outcome::AnswerRefused);
        }
        self.codec.write_error(error.code(), &error.to_string(), &mut self.out);
        Flow::Done(Outcome::UpstreamFailed)
    }

    fn event(
        &mut self,
        event: &sse::Event,
        translation: Option<&mut (dyn StreamTranslation + 'static)>,
    ) -> Result<Flow, GatewayError> {
        if !event.has_data {
            // Comments keep connections open; what they say stays here.
            self.out.extend_from_slice(b":\n\n");
            return Ok(Flow::On);
        }
        let Some(translation) = translation else {
            return self.data(event.event.as_deref(), &event.data);
        };
        let translated = if is_marker(&event.data) {
            translation.end_marker()
        } else {
            let document = parse(&event.data)?;
            translation.event(event.event.as_deref(), &document)?
        };
        for event in translated {
            if let Flow::Done(outcome) = self.data(event.event, event.data.as_bytes())? {
                return Ok(Flow::Done(outcome));
            }
        }
        Ok(Flow::On)
    }

    fn data(&mut self, name: Option<&str>, data: &[u8]) -> Result<Flow, GatewayError> {
        if is_marker(data) {
            let Some(marker) = self.codec.end_marker() else { return Ok(Flow::On) };
            if let Flow::Done(outcome) = self.end(&Ends::All) {
                return Ok(Flow::Done(outcome));
            }
            sse::write_event(&mut self.out, None, marker);
            return Ok(Flow::Done(Outcome::Answered));
        }
        let document = parse(data)?;
        self.record.usage.update(self.protocol.usage(document.root()));
        let mut places = Places::new(&document, Channel::Output);
        let reading = self.codec.read(name, &document, &mut places)?;
        self.guarded_event(name, &document, places, &reading)
    }

    fn guarded_event(
        &mut self,
        name: Option<&str>,
        document: &Document<'_>,
        mut places: Places,
        reading: &EventReading<'_>,
    ) -> Result<Flow, GatewayError> {
        let mut edits = Edits::new(document);
        let mut says_something = !reading.only_deltas;
        // Characters that hide the length of a piece; what is masked has another length anyway.
        let padding = document.root().get("obfuscation").filter(|_| self.is_guarded());
        if let Some(padding) = padding {
            places.done(padding);
            edits.remove(padding.id())?;
        }
        for (key, value) in &reading.deltas {
            let Some(text) = value.as_str() else { continue };
            let text = text.text();
            if text.is_empty() {
                // An empty piece says nothing, even after the end.
                places.done(*value);
                continue;
            }
            self.record.answer_bytes += text.len() as u64;
            places.done(*value);
            let mut released = self.text(key)?.push(&text);
            let mut piece = std::mem::take(&mut released.text);
            let spoils = released.spoils;
            let stop = self.note(key, released);
            if self.codec.joins(key) {
                self.seams.spoil(spoils);
                let joined = self.seams.take(key, &text, piece, &self.guard, &self.session);
                piece = joined.map_err(|stop| stop.into_error(&mut self.record))?;
            }
            says_something |= !piece.is_empty();
            if let Some(error) = stop {
                // The text before the stop goes out in an event of our own, then the stop.
                if !piece.is_empty() {
                    self.codec.write_delta(key, &piece, &mut self.out);
                }
                return Ok(self.fail(&error));
            }
            if piece != text {
                edits.replace_text(value.id(), [(0..text.len(), &piece)])?;
            }
        }
        let joined = reading.joined.iter().filter_map(Value::as_str);
        seam::read_whole(joined.map(|text| text.text()), &self.guard, &self.session)
            .map_err(|stop| stop.into_error(&mut self.record))?;
        let mut removed = places.take_removed();
        if self.guard.reads(Channel::Output) {
            for id in &removed {
                edits.replace_value(*id, b"null")?;
            }
        }
        // What is said once more has its values where it had them before.
        places.joined_after(self.seams.start_of(&reading.ends));
        if self.judge_rest(document, places, &mut edits)? {
            self.codec.adopt(document.root());
        }
        if !reading.is_whole {
            removed.extend(padding.map(|padding| padding.id()));
            self.watch(document, reading, &removed)?;
        }
        if let Flow::Done(outcome) = self.end(&reading.ends) {
            return Ok(Flow::Done(outcome));
        }
        if says_something {
            if document.root().get("sequence_number").is_some()
                && let Some(number) = self.codec.next_sequence()
            {
                edits.set_member(
                    document.root().id(),
                    "sequence_number",
                    number.to_string().as_bytes(),
                )?;
            }
            self.write(name, document, edits)?;
        }
        if reading.is_last {
            let outcome = if reading.failed { Outcome::UpstreamFailed } else { Outcome::Answered };
            return Ok(Flow::Done(outcome));
        }
        Ok(Flow::On)
    }

    /// Judges the strings of an event that are not part of a growing text; says whether nothing was
    /// found.
    fn judge_rest(
        &mut self,
        document: &Document<'_>,
        places: Places,
        edits: &mut Edits<'_>,
    ) -> Result<bool, GatewayError> {
        let envelope = Envelope::seal(document, places);
        self.record.note(Verdict::Allow, [], &envelope.unread());
        let fingerprint = envelope.fingerprint(&self.frame_keys);
        if self.clean_frame == Some(fingerprint) {
            return Ok(true);
        }
        let judgement = envelope.inspect(&self.guard, &self.session);
        let is_clean = judgement.is_clean();
        if is_clean {
            self.clean_frame = Some(fingerprint);
        }
        judgement.note(&mut self.record);
        if let Some(error) = judgement.refusal(Stage::Output) {
            return Err(error);
        }
        judgement.apply(edits)?;
        Ok(is_clean)
    }

    /// Judges the strings of an event that are not part of a known growing text together with
    /// those at the same places of the events before.
    fn watch(
        &mut self,
        document: &Document<'_>,
        reading: &EventReading<'_>,
        removed: &[NodeId],
    ) -> Result<(), GatewayError> {
        let mut read: Vec<Range<NodeId>> =
            reading.deltas.iter().map(|(_, value)| value.ids()).collect();
        let removed = removed.iter().filter_map(|id| document.value(*id));
        read.extend(removed.map(|value| value.ids()));
        read.sort_unstable_by_key(|ids| ids.start);
        let is_read = |id: NodeId| {
            let before = read.partition_point(|ids| ids.start <= id);
            let last = before.checked_sub(1).and_then(|index| read.get(index));
            last.is_some_and(|ids| id < ids.end)
        };
        let stop = self.watch.read(
            document.root(),
            self.codec.has_types(),
            &is_read,
            &self.guard,
            &self.session,
        );
        stop.map_err(|stop| stop.into_error(&mut self.record))
    }

    fn is_guarded(&self) -> bool {
        self.guard.reads(Channel::Output) || self.guard.reads(Channel::ToolCall)
    }

    /// Ends growing texts and sends what they still hold.
    fn end(&mut self, ends: &Ends) -> Flow {
        if *ends == Ends::None {
            return Flow::On;
        }
        let ending: Vec<DeltaKey> =
            self.texts.keys().filter(|key| ends.contains(key)).cloned().collect();
        for key in ending {
            let Some(mut text) = self.texts.get_mut(&key).and_then(Option::take) else { continue };
            let mut released = text.finish();
            let mut rest = std::mem::take(&mut released.text);
            let spoils = released.spoils;
            let stop = self.note(&key, released);
            if self.codec.joins(&key) {
                self.seams.spoil(spoils);
                match self.seams.end(&key, rest, &self.guard, &self.session) {
                    Ok(joined) => rest = joined,
                    Err(stop) => {
                        let error = stop.into_error(&mut self.record);
                        return self.fail(&error);
                    }
                }
            }
            if !rest.is_empty() {
                self.codec.write_delta(&key, &rest, &mut self.out);
            }
            if let Some(error) = stop {
                return self.fail(&error);
            }
        }
        Flow::On
    }

    /// Lets texts that break off be read to where they left, for guardrails that only record: nobody
    /// waited for these.
    fn abandon(&mut self) {
        let texts = std::mem::take(&mut self.texts);
        heavy::run(texts.len() * LATE_BYTES, || {
            for (key, text) in texts {
                let Some(mut text) = text else { continue };
                // Whatever is said now, the stream has ended.
                let _ = self.note(&key, text.abandon());
            }
        });
    }

    fn text(&mut self, key: &DeltaKey) -> Result<&mut StreamGuard, GatewayError> {
        if !self.texts.contains_key(key) && self.texts.len() >= MAX_TEXTS {
            return Err(GatewayError::ProviderUnreadable);
        }
        let (guard, session) = (&self.guard, &self.session);
        self.texts
            .entry(key.clone())
            .or_insert_with(|| {
                let place = if self.codec.joins(key) {
                    self.seams.begin(key, session)
                } else {
                    Place::start(channel(key))
                };
                Some(guard.stream_after(place, channel(key), Arc::clone(session)))
            })
            .as_mut()
            .ok_or(GatewayError::ProviderUnreadable)
    }

    /// Records what a guard found; gives the error that ends the stream, if it must end.
    fn note(&mut self, key: &DeltaKey, released: Released) -> Option<GatewayError> {
        let verdict = released.judged.iter().map(bartizan_guard::Judged::effective).max();
        let category = released
            .judged
            .iter()
            .find(|judged| judged.effective() == Verdict::Block)
            .map(|judged| judged.finding.category);
        let findings: Vec<FindingRecord> = released
            .judged
            .iter()
            .map(|judged| envelope::finding_record(judged, channel(key), pointer(key)))
            .collect();
        let not_evaluated: &[NotEvaluated] = &released.not_evaluated;
        if verdict.is_some() || !not_evaluated.is_empty() {
            self.record.note(verdict.unwrap_or(Verdict::Allow), findings, not_evaluated);
        }
        let rule = released.blocked?;
        Some(match category {
            Some(category) => GatewayError::Blocked { rule, category, stage: Stage::Output },
            None => GatewayError::GuardFailed { rule },
        })
    }

    fn write(
        &mut self,
        name: Option<&str>,
        document: &Document<'_>,
        edits: Edits<'_>,
    ) -> Result<(), GatewayError> {
        // Names are not judged: only words of the protocol pass, and only beside a type, which is
        // judged, that says the same.
        let kind = document.root().get("type").and_then(|kind| kind.as_str());
        let name = name
            .filter(|name| self.codec.knows_event(name) && kind.is_some_and(|kind| kind == **name));
        if edits.is_empty() {
            sse::write_event(&mut self.out, name, document.source());
        } else {
            let body = edits.apply()?;
            sse::write_event(&mut self.out, name, &String::from_utf8_lossy(&body));
        }
        Ok(())
    }
}

const fn channel(key: &DeltaKey) -> Channel {
    match key.kind {
        DeltaKind::Arguments(_) | DeltaKind::CallInput(..) => Channel::ToolCall,
        _ => Channel::Output,
    }
}

/// Where a growing text lies, for the event log.
fn pointer(key: &DeltaKey) -> String {
    format!("/stream/{}/{:?}", key.index, key.kind).to_ascii_lowercase()
}

fn is_marker(data: &[u8]) -> bool {
    data.trim_ascii() == b"[DONE]"
}

fn parse(data: &[u8]) -> Result<Document<'_>, GatewayError> {
    Document::parse(data).map_err(|error| {
        tracing::warn!(%error, "event is not usable JSON");
        GatewayError::ProviderUnreadable
    })
}

#[cfg(test)]
mod tests;
