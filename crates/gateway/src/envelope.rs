//! The envelope: every string of a body, with its channel, ready for the guard.
//!
//! Law 1 is kept here. The envelope takes all strings of the document that will be sent, keys
//! and long numbers included; protocols only say more about some of them. What no protocol knows is
//! read on the default channel. Left out are words that protocols themselves define (see
//! [`plumbing`]) and the payload of images, sound and files, which is named as not evaluated.

pub(crate) mod plumbing;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use bartizan_core::event::FindingRecord;
use bartizan_core::settings::Modality;
use bartizan_core::{Category, Channel, NotEvaluated, RuleId, Span, Verdict};
use bartizan_guard::{Guard, Judged, Report, Session};

use crate::error::GatewayError;
use crate::json::{Document, EditError, Edits, Kind, NodeId, Value};
use crate::protocols;
use crate::record::Record;

/// Shortest number that is read as a text: account and card numbers are longer.
const LONG_NUMBER_DIGITS: usize = 9;

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
    /// Read as this too.
    also: Option<Channel>,
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
        let place = Place { channel, also: None, group: 0, reading: Reading::Text };
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

    /// Says that a value is read as coming from somewhere else, too: the results of tools in an
    /// answer came to the model, and go to the client.
    pub(crate) fn also(&mut self, value: Value<'_>, channel: Channel) {
        self.each(value, |place| place.also = Some(channel));
    }

    /// Says that a value belongs to a group of texts that the model reads as one.
    pub(crate) fn group(&mut self, value: Value<'_>, group: u32) {
        self.each(value, |place| place.group = group);
    }

    /// Says that a value holds encoded bytes that are made of the text and say nothing else, such as
    /// the vectors of embeddings.
    pub(crate) fn encoded(&mut self, value: Value<'_>) {
        self.each(value, |place| place.reading = Reading::Payload);
    }

    /// Says that a value holds an image, sound or file.
    pub(crate) fn modality(&mut self, value: Value<'_>, modality: Modality) {
        self.encoded(value);
        if !self.modalities.contains(&modality) {
            self.modalities.push(modality);
        }
    }

    /// Finds images, sound and files wherever they stand, whatever the protocol says of the place.
    pub(crate) fn find_modalities(&mut self, document: &Document<'_>) {
        for string in document.strings().filter(|string| !string.is_key) {
            let Some(value) = document.value(string.id) else { continue };
            let Some(holder) = value.parent().filter(|holder| holder.kind() == Kind::Object) else {
                continue;
            };
            let key = value.key();
            if key.is_some_and(|key| key == *"type")
                && let Some(modality) =
                    protocols::modality(&string.text.text().to_ascii_lowercase())
            {
                self.modality(holder, modality);
            } else if let Some(modality) = data_url(&string.text.text()) {
                self.modality(value, modality);
            } else if key.is_some_and(|key| plumbing::names_media(&key.text())) {
                self.modality(value, Modality::File);
            }
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

/// What a base64 data URL holds.
fn data_url(text: &str) -> Option<Modality> {
    let (head, _) = text.strip_prefix("data:")?.split_once(',')?;
    let kind = head.strip_suffix(";base64")?;
    Some(match kind.split('/').next() {
        Some("image") => Modality::Image,
        Some("audio") => Modality::Audio,
        _ => Modality::File,
    })
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
        let mut leaves = Vec::new();
        let mut again = Vec::new();
        for string in document.strings() {
            let Some(place) = places.by_node.get(string.id.index()).copied() else { continue };
            if place.reading == Reading::Done {
                continue;
            }
            let key = if string.is_key {
                None
            } else {
                document.value(string.id).and_then(|value| value.key())
            };
            // A word of the protocol is one where the protocol puts it: as a key, or as the value
            // of a member that takes such words. The same word in a text is text.
            let fixed = string.is_key || key.is_some_and(|key| plumbing::takes_words(&key.text()));
            if fixed && plumbing::is_plumbing(string.text.raw()) {
                continue;
            }
            let text = string.text.text();
            let carries_data = key.is_some_and(|key| plumbing::carries_data(&key.text()));
            if place.reading == Reading::Payload && carries_data && is_payload(&text) {
                continue;
            }
            let is_text =
                !string.is_key && key.is_none_or(|key| plumbing::carries_text(&key.text()));
            let group = if is_text { place.group } else { 0 };
            if let Some(channel) = place.also {
                let text = text.clone();
                again.push(Leaf { id: string.id, text, channel, group, is_number: false });
            }
            leaves.push(Leaf {
                id: string.id,
                text,
                channel: place.channel,
                group,
                is_number: false,
            });
        }
        for number in document.long_numbers() {
            let Some(place) = places.by_node.get(number.id.index()).copied() else { continue };
            // What stands before the point is what an account or card number would be.
            let digits = number.raw.trim_start_matches('-').split(['.', 'e', 'E']).next();
            let digits = digits.filter(|digits| digits.len() >= LONG_NUMBER_DIGITS);
            if let (Some(digits), true) = (digits, place.reading != Reading::Done) {
                leaves.push(Leaf {
                    id: number.id,
                    text: Cow::Borrowed(digits),
                    channel: place.channel,
                    group: 0,
                    is_number: true,
                });
            }
        }
        leaves.sort_by_key(|leaf| leaf.id);
        leaves.append(&mut again);
        Self { document, leaves, modalities: places.modalities, removed: places.removed }
    }

    /// Images, sound and files that the body carries.
    pub(crate) fn modalities(&self) -> &[Modality] {
        &self.modalities
    }

    /// The same, as what could not be inspected.
    pub(crate) fn unread(&self) -> Vec<NotEvaluated> {
        let name = |modality: &Modality| NotEvaluated::Modality(modality.name().to_owned());
        self.modalities.iter().map(name).collect()
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
        // Answers are read for placeholders even where no guardrail looks at them.
        let reads = |channel| {
            guard.reads(channel) || matches!(channel, Channel::Output | Channel::ToolCall)
        };
        for run in self.leaves.chunk_by(|a, b| a.channel == b.channel) {
            if run.first().is_some_and(|leaf| reads(leaf.channel)) {
                self.judge(run.iter().collect(), SEPARATOR, guard, session, &mut judgement);
            }
        }
        // Other members may stand between the parts of a group; the model does not see them there.
        let mut groups: BTreeMap<(u32, Channel), Vec<&Leaf<'d>>> = BTreeMap::new();
        for leaf in self.leaves.iter().filter(|leaf| leaf.group != 0 && reads(leaf.channel)) {
            groups.entry((leaf.group, leaf.channel)).or_default().push(leaf);
        }
        for group in groups.into_values().filter(|group| group.len() > 1) {
            self.judge(group, "", guard, session, &mut judgement);
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
        leaves: Vec<&Leaf<'d>>,
        separator: &str,
        guard: &Guard,
        session: &Session,
        judgement: &mut Judgement,
    ) {
        let Some(channel) = leaves.first().map(|leaf| leaf.channel) else { return };
        let joined = Joined::new(leaves, separator);
        // Parts that the model reads as one text are one text here too.
        let texts = if separator.is_empty() { Vec::new() } else { joined.texts() };
        let report = guard.inspect_joined(channel, &joined.text, &texts, session);
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
        disguise: judged.finding.disguise,
        verdict: judged.verdict,
        dry_run: judged.dry_run,
    }
}

/// Several leaves as one text.
struct Joined<'l, 'd> {
    text: Cow<'l, str>,
    channel: Channel,
    leaves: Vec<&'l Leaf<'d>>,
    /// First byte of each leaf in the text.
    starts: Vec<usize>,
}

impl<'l, 'd> Joined<'l, 'd> {
    fn new(leaves: Vec<&'l Leaf<'d>>, separator: &str) -> Self {
        let channel = leaves.first().map_or(Channel::User, |leaf| leaf.channel);
        if let [leaf] = leaves.as_slice() {
            let text = Cow::Borrowed(&*leaf.text);
            return Self { text, channel, leaves, starts: vec![0] };
        }
        let mut text = String::new();
        let mut starts = Vec::with_capacity(leaves.len());
        for leaf in &leaves {
            if !starts.is_empty() {
                text.push_str(separator);
            }
            starts.push(text.len());
            text.push_str(&leaf.text);
        }
        Self { text: Cow::Owned(text), channel, leaves, starts }
    }

    /// Index of the leaf that holds the byte at `at`, or of the last before it.
    fn index_at(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Where each leaf stands in the text.
    fn texts(&self) -> Vec<Span> {
        let leaves = self.leaves.iter().zip(&self.starts);
        leaves.map(|(leaf, start)| Span::new(*start, start + leaf.text.len())).collect()
    }

    fn leaf_at(&self, at: usize) -> Option<&'l Leaf<'d>> {
        self.leaves.get(self.index_at(at)).copied()
    }

    /// Whether a span reaches over the break between two leaves.
    fn crosses(&self, span: Span) -> bool {
        let next = self.starts.get(self.index_at(span.start) + 1);
        next.is_some_and(|start| *start < span.end)
    }

    /// Turns an edit of the joined text into edits of its leaves: the first gets the new text.
    fn split(&self, span: Span, text: &str, edits: &mut Vec<TextEdit>) {
        let mut text = Some(text);
        let first = self.index_at(span.start);
        let touched = self.leaves.iter().zip(&self.starts).skip(first);
        for (leaf, start) in touched.take_while(|(_, start)| **start < span.end) {
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

/// Whether a string is the bytes of an image, sound or file: a base64 data URL, or base64.
fn is_payload(text: &str) -> bool {
    /// Strings up to this length are read even if they look encoded.
    const SHORT: usize = 256;
    /// Longest media type with parameters.
    const HEAD_BYTES: usize = 128;
    let encoded = match text.strip_prefix("data:").and_then(|rest| rest.split_once(',')) {
        Some((head, data)) if head.len() <= HEAD_BYTES && head.ends_with(";base64") => data,
        None if text.len() > SHORT => text,
        _ => return false,
    };
    let data = encoded.trim_end_matches('=');
    data.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte))
}

#[cfg(test)]
mod tests;
