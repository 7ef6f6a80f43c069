//! The envelope: every string of a body, with its channel, ready for the guard.
//!
//! Law 1 is kept here. The envelope takes all strings of the document that will be sent, keys
//! and long numbers included; protocols only say more about some of them. What no protocol knows is
//! read on the default channel. Left out are words that protocols themselves define (see
//! [`plumbing`]) and the payload of images, sound and files, which is named as not evaluated.

mod plumbing;

use std::borrow::Cow;
use std::ops::Range;

use bartizan_core::event::FindingRecord;
use bartizan_core::settings::Modality;
use bartizan_core::{Category, Channel, NotEvaluated, RuleId, Span, Verdict};
use bartizan_guard::{Guard, Judged, Report, Session};

use crate::error::GatewayError;
use crate::json::{Document, EditError, Edits, Kind, NodeId, Value};
use crate::record::Record;

/// Between texts that are judged together: ends every word, number and sentence.
const SEPARATOR: &str = "\n\n";

/// What a protocol knows about the nodes of a document.
#[derive(Debug)]
pub(crate) struct Places {
    by_node: Vec<Place>,
    modalities: Vec<Modality>,
    removed: Vec<NodeId>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    channel: Channel,
    /// Texts of one group follow each other without a break when the model reads them; 0 = none.
    group: u32,
    reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// The guard reads it.
    Text,
    /// Part of an image, sound or file: data URLs and encoded bytes are not text.
    Payload,
    /// Somebody else has read it already.
    Done,
}

impl Places {
    pub(crate) fn new(document: &Document<'_>, channel: Channel) -> Self {
        let place = Place { channel, group: 0, reading: Reading::Text };
        Self {
            by_node: vec![place; document.node_count()],
            modalities: Vec::new(),
            removed: Vec::new(),
        }
    }

    /// Says where a value and all it holds comes from.
    pub(crate) fn channel(&mut self, value: Value<'_>, channel: Channel) {
        self.each(value, |place| place.channel = channel);
    }

    /// Says that a value belongs to a group of texts that the model reads as one.
    pub(crate) fn group(&mut self, value: Value<'_>, group: u32) {
        self.each(value, |place| place.group = group);
    }

    /// Says that a value holds an image, sound or file.
    pub(crate) fn modality(&mut self, value: Value<'_>, modality: Modality) {
        self.each(value, |place| place.reading = Reading::Payload);
        if !self.modalities.contains(&modality) {
            self.modalities.push(modality);
        }
    }

    /// Says that a string has been read by a stream guard.
    pub(crate) fn done(&mut self, value: Value<'_>) {
        self.each(value, |place| place.reading = Reading::Done);
    }

    /// Says that a value repeats guarded text in a form that cannot be guarded, such as the single
    /// tokens of `logprobs`, so that it must not be passed on.
    pub(crate) fn remove(&mut self, value: Value<'_>) {
        if value.kind() != Kind::Null {
            self.each(value, |place| place.reading = Reading::Done);
            self.removed.push(value.id());
        }
    }

    /// Takes over the removals, for a caller that does them itself.
    pub(crate) fn take_removed(&mut self) -> Vec<NodeId> {
        std::mem::take(&mut self.removed)
    }

    fn each(&mut self, value: Value<'_>, change: impl Fn(&mut Place)) {
        let ids = value.ids();
        let range = ids.start.index()..ids.end.index();
        self.by_node.get_mut(range).unwrap_or_default().iter_mut().for_each(change);
    }
}

/// One text of the body.
#[derive(Debug)]
struct Leaf<'d> {
    id: NodeId,
    text: Cow<'d, str>,
    channel: Channel,
    group: u32,
    is_number: bool,
}

/// Every text of a body.
#[derive(Debug)]
pub(crate) struct Envelope<'d> {
    document: &'d Document<'d>,
    leaves: Vec<Leaf<'d>>,
    modalities: Vec<Modality>,
    removed: Vec<NodeId>,
}

/// What the guard says about a body.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    findings: Vec<FindingRecord>,
    pub(crate) blocked: Option<(RuleId, Category)>,
    pub(crate) failed: Option<RuleId>,
    pub(crate) not_evaluated: Vec<NotEvaluated>,
    edits: Vec<TextEdit>,
    removed: Vec<NodeId>,
}

#[derive(Debug)]
struct TextEdit {
    id: NodeId,
    is_number: bool,
    range: Range<usize>,
    text: String,
}

impl<'d> Envelope<'d> {
    pub(crate) fn seal(document: &'d Document<'d>, places: Places) -> Self {
        let place = |id: NodeId| places.by_node.get(id.index()).copied();
        let mut leaves = Vec::new();
        for string in document.strings() {
            let Some(place) = place(string.id) else { continue };
            if place.reading == Reading::Done || plumbing::is_plumbing(string.text.raw()) {
                continue;
            }
            let text = string.text.text();
            if place.reading == Reading::Payload && is_payload(&text) {
                continue;
            }
            let (channel, group) = (place.channel, if string.is_key { 0 } else { place.group });
            leaves.push(Leaf { id: string.id, text, channel, group, is_number: false });
        }
        for number in document.long_numbers() {
            let Some(place) = place(number.id) else { continue };
            if place.reading == Reading::Text
                && number.raw.bytes().all(|byte| byte.is_ascii_digit())
            {
                leaves.push(Leaf {
                    id: number.id,
                    text: Cow::Borrowed(number.raw),
                    channel: place.channel,
                    group: 0,
                    is_number: true,
                });
            }
        }
        leaves.sort_by_key(|leaf| leaf.id);
        Self { document, leaves, modalities: places.modalities, removed: places.removed }
    }

    /// Images, sound and files that the body carries.
    pub(crate) fn modalities(&self) -> &[Modality] {
        &self.modalities
    }

    /// Texts of one channel, in document order.
    pub(crate) fn texts(&self, channel: Channel) -> impl Iterator<Item = &str> {
        self.leaves.iter().filter(move |leaf| leaf.channel == channel).map(|leaf| &*leaf.text)
    }

    /// Bytes of all texts; the measure behind token estimates.
    pub(crate) fn text_bytes(&self) -> usize {
        self.leaves.iter().map(|leaf| leaf.text.len()).sum()
    }

    /// All texts joined, to notice when a stream repeats the same frame around its deltas.
    pub(crate) fn fingerprint(&self) -> u64 {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        for leaf in &self.leaves {
            leaf.text.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Judges every text. Neighbours of one channel are judged together, in document order, so that
    /// placeholders number by first appearance; parts that the model reads as one text are judged
    /// once more without the break between them.
    pub(crate) fn inspect(&self, guard: &Guard, session: &Session) -> Judgement {
        let mut judgement = Judgement::default();
        for run in self.leaves.chunk_by(|a, b| a.channel == b.channel) {
            let Some(channel) = run.first().map(|leaf| leaf.channel) else { continue };
            // Answers are read for placeholders even where no guardrail looks at them.
            if guard.reads(channel) || matches!(channel, Channel::Output | Channel::ToolCall) {
                self.judge(run, SEPARATOR, guard, session, &mut judgement);
            }
        }
        for group in self.leaves.chunk_by(|a, b| a.group == b.group && a.group != 0) {
            if group.len() > 1 {
                self.judge(group, "", guard, session, &mut judgement);
            }
        }
        if guard.reads(Channel::Output) {
            judgement.removed.clone_from(&self.removed);
        }
        judgement
    }

    /// Marks placeholders that the caller wrote as not ours; call before judging a request.
    pub(crate) fn reserve_placeholders(&self, session: &Session) {
        let mut vault = session.vault();
        for leaf in self.leaves.iter().filter(|leaf| leaf.text.contains('<')) {
            vault.reserve(&leaf.text);
        }
    }

    fn judge(
        &self,
        leaves: &[Leaf<'d>],
        separator: &str,
        guard: &Guard,
        session: &Session,
        judgement: &mut Judgement,
    ) {
        let Some(channel) = leaves.first().map(|leaf| leaf.channel) else { return };
        let joined = Joined::new(leaves, separator);
        let report = guard.inspect(channel, &joined.text, session);
        // Without a separator only what crosses a break is new; the rest has been judged.
        let counts = |span: Span| !separator.is_empty() || joined.crosses(span);
        self.note(&report, &joined, &counts, judgement);
        for edit in &report.edits {
            if counts(edit.span) {
                joined.split(edit.span, &edit.text, &mut judgement.edits);
            }
        }
    }

    fn note(
        &self,
        report: &Report,
        joined: &Joined<'_, 'd>,
        counts: &dyn Fn(Span) -> bool,
        judgement: &mut Judgement,
    ) {
        for judged in report.judged.iter().filter(|judged| counts(judged.finding.span)) {
            if judgement.blocked.is_none() && judged.effective() == Verdict::Block {
                judgement.blocked = Some((judged.guardrail.clone(), judged.finding.category));
            }
            let pointer = joined
                .leaf_at(judged.finding.span.start)
                .map(|leaf| self.document.pointer(leaf.id));
            judgement.findings.push(finding_record(
                judged,
                joined.channel,
                pointer.unwrap_or_default(),
            ));
        }
        for reason in &report.not_evaluated {
            if !judgement.not_evaluated.contains(reason) {
                judgement.not_evaluated.push(reason.clone());
            }
            if let (None, Some((_, rule))) = (&judgement.failed, &report.blocked_at) {
                judgement.failed = Some(rule.clone());
            }
        }
    }
}

impl Judgement {
    /// The strictest verdict.
    pub(crate) fn verdict(&self) -> Verdict {
        if self.blocked.is_some() || self.failed.is_some() {
            return Verdict::Block;
        }
        let found = self.findings.iter().map(|found| {
            if found.dry_run { found.verdict.min(Verdict::Flag) } else { found.verdict }
        });
        found.max().unwrap_or(Verdict::Allow)
    }

    /// Writes verdict and findings into the record of the exchange.
    pub(crate) fn note(&self, record: &mut Record) {
        record.note(self.verdict(), self.findings.iter().cloned(), &self.not_evaluated);
    }

    /// Whether nothing was found.
    pub(crate) fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.not_evaluated.is_empty() && !self.changes()
    }

    /// Whether the body changes.
    pub(crate) fn changes(&self) -> bool {
        !self.edits.is_empty() || !self.removed.is_empty()
    }

    /// Splices masks into the edits of a body.
    pub(crate) fn apply(mut self, edits: &mut Edits<'_>) -> Result<(), EditError> {
        for id in self.removed {
            edits.replace_value(id, b"null")?;
        }
        self.edits.sort_by(|a, b| {
            (a.id, a.range.start, b.range.end).cmp(&(b.id, b.range.start, a.range.end))
        });
        for leaf in self.edits.chunk_by(|a, b| a.id == b.id) {
            let Some(first) = leaf.first() else { continue };
            if first.is_number {
                edits.replace_with_string(first.id, &first.text)?;
                continue;
            }
            let mut merged: Vec<(Range<usize>, &str)> = Vec::new();
            for edit in leaf {
                match merged.last_mut() {
                    Some((range, _)) if edit.range.start < range.end => {
                        range.end = range.end.max(edit.range.end);
                    }
                    _ => merged.push((edit.range.clone(), &edit.text)),
                }
            }
            edits.replace_text(first.id, merged)?;
        }
        Ok(())
    }

    /// The error that ends the exchange, if the judgement asks for one.
    pub(crate) fn refusal(&self, stage: crate::error::Stage) -> Option<GatewayError> {
        if let Some(rule) = &self.failed {
            return Some(GatewayError::GuardFailed { rule: rule.clone() });
        }
        let (rule, category) = self.blocked.clone()?;
        Some(GatewayError::Blocked { rule, category, stage })
    }
}

/// A finding as the event log keeps it.
pub(crate) fn finding_record(judged: &Judged, channel: Channel, pointer: String) -> FindingRecord {
    FindingRecord {
        guardrail: judged.guardrail.to_string(),
        rule: judged.finding.rule.to_owned(),
        category: judged.finding.category.name().to_owned(),
        channel,
        pointer,
        score: judged.finding.score,
        verdict: judged.verdict,
        dry_run: judged.dry_run,
    }
}

/// Several leaves as one text.
struct Joined<'l, 'd> {
    text: Cow<'l, str>,
    channel: Channel,
    leaves: &'l [Leaf<'d>],
    /// First byte of each leaf in the text.
    starts: Vec<usize>,
}

impl<'l, 'd> Joined<'l, 'd> {
    fn new(leaves: &'l [Leaf<'d>], separator: &str) -> Self {
        let channel = leaves.first().map_or(Channel::User, |leaf| leaf.channel);
        if let [leaf] = leaves {
            return Self { text: Cow::Borrowed(&leaf.text), channel, leaves, starts: vec![0] };
        }
        let mut text = String::new();
        let mut starts = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            if !starts.is_empty() {
                text.push_str(separator);
            }
            starts.push(text.len());
            text.push_str(&leaf.text);
        }
        Self { text: Cow::Owned(text), channel, leaves, starts }
    }

    fn leaf_at(&self, at: usize) -> Option<&Leaf<'d>> {
        let index = self.starts.partition_point(|start| *start <= at).checked_sub(1)?;
        self.leaves.get(index)
    }

    /// Whether a span reaches over the break between two leaves.
    fn crosses(&self, span: Span) -> bool {
        self.starts.iter().any(|start| span.start < *start && *start < span.end)
    }

    /// Turns an edit of the joined text into edits of its leaves: the first gets the new text.
    fn split(&self, span: Span, text: &str, edits: &mut Vec<TextEdit>) {
        let mut text = Some(text);
        for (leaf, start) in self.leaves.iter().zip(&self.starts) {
            let from = span.start.max(*start);
            let to = span.end.min(start + leaf.text.len());
            if from < to {
                edits.push(TextEdit {
                    id: leaf.id,
                    is_number: leaf.is_number,
                    range: from - start..to - start,
                    text: text.take().unwrap_or_default().to_owned(),
                });
            }
        }
    }
}

/// Whether a string inside an image, audio or file part is data and not text.
fn is_payload(text: &str) -> bool {
    /// Strings up to this length are read even if they look encoded.
    const SHORT: usize = 256;
    text.starts_with("data:")
        || (text.len() > SHORT
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=_-\r\n".contains(&b)))
}

#[cfg(test)]
mod tests;
