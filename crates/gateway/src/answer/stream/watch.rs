//! Texts that grow where no protocol says so.
//!
//! A provider may spread a text over members that its codec does not know. Each event alone is
//! judged elsewhere; here its strings are judged once more with what came before at the same place.
//! What is found only in the join can no longer be cut out, since its beginning has left: it ends
//! the answer. A placeholder that is cut in two there stays a placeholder, which tells nobody
//! anything.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};

use bartizan_core::{Channel, Span, Verdict};
use bartizan_guard::{Guard, Judged, Session};

use crate::answer::stop::Stop;
use crate::envelope::plumbing;
use crate::json::{Kind, NodeId, Value};

/// Places watched in one answer; more is not an answer but an attack.
const MAX_PLACES: usize = 1024;
/// Bytes of earlier text that a new piece is judged with: longer than any secret, card or name, and
/// short enough that one-byte pieces stay cheap.
const TAIL_BYTES: usize = 2048;
/// Longest name that stands in a place as it is.
const NAME_BYTES: usize = 64;
/// Longest value that is compared with the one before it.
const SAME_BYTES: usize = 256;

/// Members that repeat in every event and frame it.
const FRAME: &[&str] = &[
    "call_id",
    "created_at",
    "format",
    "id",
    "item_id",
    "model",
    "name",
    "object",
    "role",
    "status",
    "type",
];
/// Root members that tell texts apart.
const INDEXES: &[&str] = &["index", "output_index", "content_index", "summary_index"];

/// The growing texts of one answer, by place.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// By a hash of the place, since names can be long; two places that share one are read as one.
    places: HashMap<u64, Watched>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Watched {
    /// End of what came so far.
    tail: String,
    /// The last value, if it is short.
    last: String,
}

impl Watch {
    /// Reads the strings of an event, except those for which `is_read` says that a guard of their
    /// own has read them.
    pub(super) fn read(
        &mut self,
        root: Value<'_>,
        has_types: bool,
        is_read: &dyn Fn(NodeId) -> bool,
        guard: &Guard,
        session: &Session,
    ) -> Result<(), Stop> {
        if !guard.reads(Channel::Output) && !guard.reads(Channel::ToolCall) {
            return Ok(());
        }
        let mut path = String::new();
        for name in INDEXES.iter().filter(|_| has_types) {
            if let Some(index) = root.get(name).and_then(|index| index.as_u64()) {
                // Writing to a string cannot fail.
                let _ = write!(path, "{index}");
            }
            path.push('.');
        }
        let kind = root.get("type").filter(|_| has_types);
        if let Some(kind) = kind.and_then(|kind| kind.as_str()) {
            self.push_name(&mut path, &kind.text());
        }
        let mut walk = Walk { watch: self, is_read, guard, session, path, grows: false };
        walk.value(root)
    }

    /// Adds a name to a path; a long one by its hash.
    fn push_name(&self, path: &mut String, name: &str) {
        if name.len() <= NAME_BYTES {
            path.push_str(name);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(path, "#{:016x}", self.hasher.hash_one(name));
        }
    }

    /// The text before a new piece; `None` when the piece says nothing new.
    fn before(
        &mut self,
        path: &str,
        text: &str,
        may_repeat: bool,
    ) -> Result<Option<&mut Watched>, Stop> {
        let place = self.hasher.hash_one(path);
        if !self.places.contains_key(&place) && self.places.len() >= MAX_PLACES {
            return Err(Stop::Tangled);
        }
        let watched = self.places.entry(place).or_default();
        if !may_repeat && watched.last == text {
            return Ok(None);
        }
        watched.last.clear();
        if text.len() <= SAME_BYTES {
            watched.last.push_str(text);
        }
        Ok(Some(watched))
    }
}

impl Watched {
    fn push(&mut self, text: &str) {
        self.tail.push_str(text);
        let wanted = self.tail.len().saturating_sub(TAIL_BYTES);
        let wanted = self.tail.floor_char_boundary(wanted);
        let dropped = self.tail.get(..wanted).unwrap_or_default();
        // Encoded text is read in groups of at most four characters: what is left of a run must
        // begin with a whole group.
        let in_run = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte);
        let run = dropped.bytes().rposition(|byte| !in_run(&byte)).map_or(0, |at| at + 1);
        self.tail.drain(..run + (wanted - run) / 4 * 4);
    }
}

struct Walk<'w> {
    watch: &'w mut Watch,
    is_read: &'w dyn Fn(NodeId) -> bool,
    guard: &'w Guard,
    session: &'w Session,
    /// Where the walk is: names and `index` members, not positions.
    path: String,
    /// Whether the walk is where answers grow, so that a repeated piece is part of the text.
    grows: bool,
}

impl Walk<'_> {
    /// Reads a value and what it holds. The depth is that of the document, which is capped.
    fn value(&mut self, value: Value<'_>) -> Result<(), Stop> {
        match value.kind() {
            Kind::String => self.text(value),
            Kind::Array | Kind::Object => {
                let (length, grows) = (self.path.len(), self.grows);
                for item in value.items() {
                    self.path.push_str("/-");
                    if let Some(index) = item.get("index").and_then(|index| index.as_u64()) {
                        let _ = write!(self.path, "{index}");
                    }
                    self.value(item)?;
                    self.path.truncate(length);
                }
                for (name, member) in value.members() {
                    let name = name.text();
                    self.grows |= matches!(&*name, "choices" | "delta");
                    self.path.push('/');
                    self.watch.push_name(&mut self.path, &name);
                    self.value(member)?;
                    self.path.truncate(length);
                    self.grows = grows;
                }
                Ok(())
            }
            Kind::Null | Kind::Bool | Kind::Number => Ok(()),
        }
    }

    fn text(&mut self, value: Value<'_>) -> Result<(), Stop> {
        let Some(text) = value.as_str().filter(|_| !(self.is_read)(value.id())) else {
            return Ok(());
        };
        let text = text.text();
        let name = self.path.rsplit('/').next().unwrap_or_default();
        let may_repeat = self.grows && !FRAME.contains(&name);
        let channel = if ["_call", "/custom", "/function"].iter().any(|it| self.path.contains(it)) {
            Channel::ToolCall
        } else {
            Channel::Output
        };
        let Some(watched) = self.watch.before(&self.path, &text, may_repeat)? else {
            return Ok(());
        };
        if text.is_empty() {
            return Ok(());
        }
        if !watched.tail.is_empty() {
            let joined = [&*watched.tail, &*text].concat();
            let at = watched.tail.len();
            judge(&joined, at, channel, self.guard, self.session, &self.path)?;
        }
        watched.push(&text);
        Ok(())
    }
}

/// A place for events: words of the protocols and indexes; other names could be what was found.
fn shown(path: &str) -> String {
    let mut place = String::new();
    for step in path.split('/').skip(1) {
        let is_index = step
            .strip_prefix('-')
            .is_some_and(|rest| rest.len() <= 8 && rest.bytes().all(|byte| byte.is_ascii_digit()));
        place.push('/');
        place.push_str(if is_index || plumbing::is_plumbing(step) { step } else { "*" });
    }
    place
}

/// Judges a text whose bytes before `at` have been judged, as have those from `at` on by
/// themselves: only what neither part shows alone counts.
fn judge(
    text: &str,
    at: usize,
    channel: Channel,
    guard: &Guard,
    session: &Session,
    path: &str,
) -> Result<(), Stop> {
    let report = guard.inspect(channel, text, session);
    let mut judged: Vec<Judged> = report
        .judged
        .into_iter()
        .filter(|judged| judged.finding.span.end > at && judged.effective() >= Verdict::Mask)
        .collect();
    if judged.iter().any(|judged| judged.finding.span.start >= at) {
        let alone = guard.inspect(channel, text.get(at..).unwrap_or_default(), session);
        let what = |judged: &Judged, shift: usize| {
            let Span { start, end } = judged.finding.span;
            (judged.finding.rule, judged.guardrail.clone(), start + shift, end + shift)
        };
        let known: HashSet<_> = alone.judged.iter().map(|old| what(old, at)).collect();
        judged.retain(|new| !known.contains(&what(new, 0)));
    }
    if let Some(stop) = Stop::found(judged, channel, &shown(path)) {
        return Err(stop);
    }
    match report.blocked_at {
        Some((_, rule)) if !report.not_evaluated.is_empty() => Err(Stop::Failed { rule }),
        _ => Ok(()),
    }
}
