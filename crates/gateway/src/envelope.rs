//! The envelope: every string of a body, with its channel, ready for the guard.
//!
//! Law 1 is kept here. The envelope takes all strings of the document that will be sent, keys
//! and long numbers included; protocols only say more about some of them. What no protocol knows is
//! read on the default channel. Left out are words that protocols themselves define (see
//! [`plumbing`]) and the payload of images, sound and files, which is named as not evaluated.

mod conversation;
mod joined;
mod judgement;
mod payload;
pub(crate) mod plumbing;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};

use bartizan_core::settings::Modality;
use bartizan_core::{Channel, NotEvaluated, Span};
use bartizan_guard::{Guard, Report, Session};

use self::joined::Joined;
use self::judgement::TextEdit;
pub(crate) use self::judgement::{Judgement, finding_record, refined_record};
use self::payload::{data_url, is_payload};
use crate::json::{Document, Kind, NodeId, Step, Value};
use crate::protocols;

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
    /// Values that are read as a text, as they are written.
    written: Vec<NodeId>,
    /// What stands before the first joined text.
    before: bartizan_guard::Place,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    channel: Channel,
    /// Read as this too.
    also: Option<Channel>,
    /// Texts of one group follow each other without a break when the model reads them; 0 = none.
    group: u32,
    /// Shown right behind the joined text before it.
    is_joined: bool,
    /// A text that the protocol shows: values are put back here and nowhere else.
    is_shown: bool,
    /// What the user says in a turn of a conversation.
    is_turn: bool,
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
        let place = Place {
            channel,
            also: None,
            group: 0,
            is_joined: false,
            is_shown: false,
            is_turn: false,
            reading: Reading::Text,
        };
        Self {
            by_node: vec![place; document.node_count()],
            modalities: Vec::new(),
            removed: Vec::new(),
            written: Vec::new(),
            before: bartizan_guard::Place::start(channel),
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

    /// Says that a value is what the user says in a turn of a conversation; its group tells the turns
    /// apart.
    pub(crate) fn turn(&mut self, value: Value<'_>) {
        self.each(value, |place| place.is_turn = true);
    }

    /// Says that texts of an answer are shown one right behind the other.
    pub(crate) fn joined(&mut self, values: &[Value<'_>]) {
        for value in values {
            self.each(*value, |place| place.is_joined = true);
        }
    }

    /// Says what the first of the joined texts is shown behind.
    pub(crate) fn joined_after(&mut self, before: bartizan_guard::Place) {
        self.before = before;
    }

    /// Says that a value is a text of the answer that clients show or act on, and that grows by
    /// itself when the answer is streamed. Values are put back in such texts alone: what the protocol
    /// does not know may be joined by a client in ways that nobody here can tell.
    pub(crate) fn shown(&mut self, value: Value<'_>) {
        self.each(value, |place| place.is_shown = true);
    }

    /// Says that a value holds arguments of a tool call that are no text but JSON themselves. They
    /// are read as they are written, since a stream brings them as such a text.
    pub(crate) fn arguments(&mut self, value: Value<'_>) {
        self.shown(value);
        if matches!(value.kind(), Kind::Array | Kind::Object) {
            self.done(value);
            self.written.push(value.id());
        }
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

/// The digits of a number that may be an account or a card: those before its point, or all of them
/// where an exponent moves the point. Those behind the point are left out: one in ten fractions of
/// sixteen digits has the check digit of a card.
fn long_digits(raw: &str) -> Option<Cow<'_, str>> {
    let raw = raw.trim_start_matches('-');
    let digits = match raw.split_once(['e', 'E']) {
        Some((mantissa, _)) => Cow::Owned(mantissa.replace('.', "")),
        None => Cow::Borrowed(raw.split('.').next().unwrap_or_default()),
    };
    (digits.len() >= LONG_NUMBER_DIGITS).then_some(digits)
}

/// Longest place of a finding, in bytes.
const PLACE_BYTES: usize = 256;

/// Where a finding is, for events: a JSON pointer in which every name that is no word of the
/// protocols is `*`, since such a name can be the very text that was found.
fn place_of(document: &Document<'_>, id: NodeId) -> String {
    let mut place = String::new();
    document.steps(id, &mut |step| {
        place.push('/');
        match step {
            Step::Name(name) if plumbing::is_plumbing(&name) && !name.is_empty() => {
                place.push_str(&name);
            }
            Step::Name(_) => place.push('*'),
            Step::Index(index) => place.push_str(&index.to_string()),
        }
    });
    if place.len() > PLACE_BYTES {
        place.truncate(place.floor_char_boundary(PLACE_BYTES));
        place.push('…');
    }
    place
}

/// One text of the body.
#[derive(Debug)]
struct Leaf<'d> {
    id: NodeId,
    text: Cow<'d, str>,
    channel: Channel,
    group: u32,
    is_joined: bool,
    is_shown: bool,
    /// The group, where the text is what the user says in a turn of a conversation; 0 = it is not.
    turn: u32,
    /// The text may be JSON, and is to stay so.
    may_be_json: bool,
    form: Form,
}

/// How a text stands in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A string.
    Text,
    /// The name of a member.
    Key,
    /// The digits of a number.
    Number,
    /// A value as it is written.
    Written,
}

impl Leaf<'_> {
    /// Whether the text is judged without its neighbours. A number is no sequel to a text, whatever
    /// that says; and the texts of an answer grow by themselves when it is streamed.
    fn stands_alone(&self) -> bool {
        !matches!(self.form, Form::Text | Form::Key)
            || matches!(self.channel, Channel::Output | Channel::ToolCall)
    }
}

/// Every text of a body.
#[derive(Debug)]
pub(crate) struct Envelope<'d> {
    document: &'d Document<'d>,
    leaves: Vec<Leaf<'d>>,
    modalities: Vec<Modality>,
    removed: Vec<NodeId>,
    /// What stands before the first joined text.
    before: bartizan_guard::Place,
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
            let value = document.value(string.id).filter(|_| !string.is_key);
            let key = value.and_then(|value| value.key());
            let form = if string.is_key { Form::Key } else { Form::Text };
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
                again.push(Leaf {
                    id: string.id,
                    text: text.clone(),
                    channel,
                    group,
                    is_joined: false,
                    is_shown: false,
                    turn: 0,
                    may_be_json: false,
                    form,
                });
            }
            leaves.push(Leaf {
                id: string.id,
                text,
                channel: place.channel,
                group,
                is_joined: place.is_joined,
                is_shown: place.is_shown,
                turn: if place.is_turn { group } else { 0 },
                may_be_json: key
                    .is_some_and(|key| plumbing::holds_arguments(&key.text(), place.channel)),
                form,
            });
        }
        for number in document.long_numbers() {
            let Some(place) = places.by_node.get(number.id.index()).copied() else { continue };
            let digits = long_digits(number.raw);
            if let (Some(digits), true) = (digits, place.reading != Reading::Done) {
                leaves.push(Leaf {
                    id: number.id,
                    text: digits,
                    channel: place.channel,
                    group: 0,
                    is_joined: false,
                    is_shown: false,
                    turn: 0,
                    may_be_json: false,
                    form: Form::Number,
                });
            }
        }
        for id in &places.written {
            let (Some(value), Some(place)) =
                (document.value(*id), places.by_node.get(id.index()).copied())
            else {
                continue;
            };
            let text = String::from_utf8_lossy(value.raw());
            leaves.push(Leaf {
                id: *id,
                text,
                channel: place.channel,
                group: 0,
                is_joined: false,
                is_shown: place.is_shown,
                turn: 0,
                may_be_json: true,
                form: Form::Written,
            });
        }
        leaves.sort_by_key(|leaf| leaf.id);
        leaves.append(&mut again);
        let Places { modalities, removed, before, .. } = places;
        Self { document, leaves, modalities, removed, before }
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

    /// All texts joined, to notice when a stream repeats the same frame around its deltas. The keys of
    /// the hash are the stream's own, so that nobody can make two frames look alike.
    pub(crate) fn fingerprint(&self, keys: &RandomState) -> u64 {
        let mut hasher = keys.build_hasher();
        for leaf in &self.leaves {
            (leaf.channel, &leaf.text).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Judges every text. Neighbours of one channel are judged together, in document order, so that
    /// placeholders number by first appearance; parts that the model reads as one text are judged
    /// once more without the break between them, and what the user says over several turns once more
    /// without the answers.
    pub(crate) fn inspect(&self, guard: &Guard, session: &Session) -> Judgement {
        self.inspect_into(Judgement::default(), guard, session)
    }

    /// The same, with every finding and all scores.
    pub(crate) fn inspect_closely(&self, guard: &Guard, session: &Session) -> Judgement {
        self.inspect_into(Judgement::close(), guard, session)
    }

    fn inspect_into(
        &self,
        mut judgement: Judgement,
        guard: &Guard,
        session: &Session,
    ) -> Judgement {
        // Answers are read for placeholders even where no guardrail looks at them.
        let reads = |channel| {
            guard.reads(channel) || matches!(channel, Channel::Output | Channel::ToolCall)
        };
        let together = |a: &Leaf<'_>, b: &Leaf<'_>| {
            a.channel == b.channel && !a.stands_alone() && !b.stands_alone()
        };
        // Other members may stand between the parts of a group; the model does not see them there.
        let mut groups: BTreeMap<(u32, Channel), Vec<&Leaf<'d>>> = BTreeMap::new();
        for leaf in self.leaves.iter().filter(|leaf| leaf.group != 0 && reads(leaf.channel)) {
            groups.entry((leaf.group, leaf.channel)).or_default().push(leaf);
        }
        groups.retain(|_, group| group.len() > 1);
        let before = self.before(session, |leaf| groups.contains_key(&(leaf.group, leaf.channel)));
        let nowhere = [bartizan_guard::Place::nowhere()];
        let mut is_spoilt = false;
        let mut at = 0;
        for run in self.leaves.chunk_by(together) {
            let mut before = before.get(at..at + run.len()).unwrap_or_default();
            at += run.len();
            let is_joined = run.first().is_some_and(|leaf| leaf.is_joined);
            if is_joined && is_spoilt {
                before = &nowhere;
            }
            if run.first().is_some_and(|leaf| reads(leaf.channel)) {
                let leaves = run.iter().collect();
                let spoils = self.judge(leaves, SEPARATOR, before, guard, session, &mut judgement);
                is_spoilt |= is_joined && spoils;
            }
        }
        for group in groups.into_values() {
            self.judge(group, "", &[], guard, session, &mut judgement);
        }
        self.judge_conversation(guard, session, &mut judgement);
        if guard.reads(Channel::Output) {
            judgement.removed.clone_from(&self.removed);
        }
        judgement
    }

    /// What stands before each leaf: whether it may be JSON, and in an answer whether values may be
    /// put back. Nothing where neither matters. Parts of a group are left to the reading of the group.
    fn before(
        &self,
        session: &Session,
        is_grouped: impl Fn(&Leaf<'d>) -> bool,
    ) -> Vec<bartizan_guard::Place> {
        let may_be_json = |leaf: &Leaf<'d>| leaf.may_be_json && leaf.text.contains('{');
        if !session.vault().has_restorable() && !self.leaves.iter().any(may_be_json) {
            return Vec::new();
        }
        let mut said = self.before.clone();
        let place = |leaf: &Leaf<'d>| {
            let is_answer = matches!(leaf.channel, Channel::Output | Channel::ToolCall);
            if leaf.is_joined {
                let place = said.clone();
                said.advance(&leaf.text);
                return if is_grouped(leaf) { bartizan_guard::Place::nowhere() } else { place };
            }
            match leaf.may_be_json {
                _ if is_answer && !leaf.is_shown => bartizan_guard::Place::nowhere(),
                _ if is_grouped(leaf) => bartizan_guard::Place::nowhere(),
                _ if is_answer => bartizan_guard::Place::start(leaf.channel),
                true => bartizan_guard::Place::start_of_json(),
                false => bartizan_guard::Place::default(),
            }
        };
        self.leaves.iter().map(place).collect()
    }

    /// Keeps the texts of one channel alone.
    pub(crate) fn retain(&mut self, channel: Channel) {
        self.leaves.retain(|leaf| leaf.channel == channel);
    }

    /// Keeps the texts of one value alone.
    pub(crate) fn retain_within(&mut self, value: Value<'_>) {
        let ids = value.ids();
        self.leaves.retain(|leaf| ids.contains(&leaf.id));
    }

    /// Whether there is nothing to read.
    pub(crate) const fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// Marks placeholders that the caller wrote as not ours; call before judging a request.
    pub(crate) fn reserve_placeholders(&self, session: &Session) {
        let mut vault = session.vault();
        let has_any = |text: &str| memchr::memchr2(b'<', b'\\', text.as_bytes()).is_some();
        for leaf in self.leaves.iter().filter(|leaf| has_any(&leaf.text)) {
            vault.reserve(&leaf.text);
        }
        // The model reads the parts of a message as one text.
        let mut groups: BTreeMap<u32, String> = BTreeMap::new();
        for leaf in self.leaves.iter().filter(|leaf| leaf.group != 0) {
            groups.entry(leaf.group).or_default().push_str(&leaf.text);
        }
        for text in groups.into_values().filter(|text| has_any(text)) {
            vault.reserve(&text);
        }
    }

    /// Judges texts together; says whether no value may come back in what is shown behind them.
    fn judge(
        &self,
        leaves: Vec<&Leaf<'d>>,
        separator: &str,
        before: &[bartizan_guard::Place],
        guard: &Guard,
        session: &Session,
        judgement: &mut Judgement,
    ) -> bool {
        let Some(channel) = leaves.first().map(|leaf| leaf.channel) else { return false };
        let joined = Joined::new(leaves, separator);
        // Parts that the model reads as one text are one text here too.
        let texts = if separator.is_empty() { Vec::new() } else { joined.texts() };
        let report = guard.inspect_joined(channel, &joined.text, &texts, before, session);
        // Without a separator only what crosses a break is new; the rest has been judged. Values are
        // put back here alone.
        let counts = |span: Span| !separator.is_empty() || joined.crosses(span);
        self.note(&report, &joined, &counts, judgement);
        for edit in &report.edits {
            if edit.restores || counts(edit.span) {
                joined.split(edit, session, &mut judgement.edits);
            }
        }
        report.spoils
    }

    fn note(
        &self,
        report: &Report,
        joined: &Joined<'_, 'd>,
        counts: &dyn Fn(Span) -> bool,
        judgement: &mut Judgement,
    ) {
        for judged in report.judged.iter().filter(|judged| counts(judged.finding.span)) {
            judgement.note_finding(judged, || {
                let leaf = joined.leaf_at(judged.finding.span.start);
                let place = leaf.map(|leaf| place_of(self.document, leaf.id));
                finding_record(judged, joined.channel, place.unwrap_or_default())
            });
        }
        judgement.note_limits(report, joined.channel);
    }
}

#[cfg(test)]
mod tests;
