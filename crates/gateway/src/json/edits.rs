//! Changes to single places of a document; every byte outside them stays as it was.
//!
//! Edits are collected against the original and applied in one pass, so their order does not
//! matter. Two edits of the same bytes are an error rather than a guess.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bartizan_core::{Class, Coded};

use super::{Document, JsonError, Kind, NodeId, Tag, Value, escape_into};

/// A change to a document cannot be made. All of these are mistakes of the calling code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Two edits touch the same bytes.
    #[error("two edits touch byte {offset} of the source")]
    Overlap {
        /// Where the later one starts.
        offset: usize,
    },
    /// The document has no such node.
    #[error("the document has no node {index}")]
    UnknownNode {
        /// [`NodeId::index`].
        index: usize,
    },
    /// Text was to be replaced in something other than a string or key, or beyond its end.
    #[error("node {index} has no text at {start}..{end}")]
    NoSuchText {
        /// [`NodeId::index`].
        index: usize,
        /// First decoded byte.
        start: usize,
        /// Decoded byte after the last.
        end: usize,
    },
    /// Something was to be removed that is in no array or object.
    #[error("the outermost value cannot be removed")]
    RemovesRoot,
    /// A member was to be added to something other than an object.
    #[error("node {index} is not an object")]
    NotAnObject {
        /// [`NodeId::index`].
        index: usize,
    },
    /// What was to be put in is not JSON.
    #[error("the replacement is not JSON")]
    InvalidReplacement(#[source] JsonError),
    /// The changed document would be refused, for example for a key that it then has twice.
    #[error("the edits would make a document that is refused")]
    InvalidResult(#[source] JsonError),
}

impl Coded for EditError {
    fn code(&self) -> &'static str {
        match self {
            Self::Overlap { .. } => "bartizan::gateway::json-edit-overlap",
            Self::UnknownNode { .. } => "bartizan::gateway::json-edit-unknown-node",
            Self::NoSuchText { .. } => "bartizan::gateway::json-edit-no-such-text",
            Self::RemovesRoot => "bartizan::gateway::json-edit-removes-root",
            Self::NotAnObject { .. } => "bartizan::gateway::json-edit-not-an-object",
            Self::InvalidReplacement(_) => "bartizan::gateway::json-edit-invalid-replacement",
            Self::InvalidResult(_) => "bartizan::gateway::json-edit-invalid-result",
        }
    }

    fn class(&self) -> Class {
        Class::Internal
    }
}

/// Collects changes to one document. Ids must come from that document.
#[derive(Debug)]
pub struct Edits<'d> {
    document: &'d Document<'d>,
    splices: Vec<Splice>,
    containers: BTreeMap<u32, Changes>,
    /// Set by edits that can make a bad document of good pieces: two keys that become the same,
    /// nesting that grows too deep.
    needs_check: bool,
}

/// New bytes for a span of the source.
#[derive(Debug)]
struct Splice {
    span: Range<usize>,
    with: Vec<u8>,
}

/// What leaves and enters one container. Resolved at the end, since where commas go depends on all
/// of it.
#[derive(Debug, Default)]
struct Changes {
    /// First nodes of the items or members that leave.
    removed: BTreeSet<u32>,
    /// Members that enter, ready to write, without commas.
    inserted: Vec<Vec<u8>>,
}

impl<'d> Edits<'d> {
    /// No change yet.
    pub fn new(document: &'d Document<'d>) -> Self {
        Self { document, splices: Vec::new(), containers: BTreeMap::new(), needs_check: false }
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.splices.is_empty() && self.containers.is_empty()
    }

    /// Puts new texts in the place of byte ranges of a string's or key's decoded text.
    ///
    /// A range grows to whole characters and escapes. Cost: the token's length plus
    /// `O(log escapes)` per range, so pass all ranges of one token together.
    ///
    /// # Errors
    /// [`EditError::NoSuchText`] if the node is no string or key, or a range does not lie in it.
    pub fn replace_text<S: AsRef<str>>(
        &mut self,
        id: NodeId,
        replacements: impl IntoIterator<Item = (Range<usize>, S)>,
    ) -> Result<(), EditError> {
        let no_such_text = |decoded: &Range<usize>| EditError::NoSuchText {
            index: id.index(),
            start: decoded.start,
            end: decoded.end,
        };
        let tag = self.document.node(self.known(id)?).tag();
        if !matches!(tag, Tag::String | Tag::Key) {
            return Err(no_such_text(&(0..0)));
        }
        let map = self.document.str_at(id.0).source_map();
        for (decoded, text) in replacements {
            if decoded.start > decoded.end || decoded.end > map.text_len() {
                return Err(no_such_text(&decoded));
            }
            let mut with = Vec::with_capacity(text.as_ref().len());
            escape_into(&mut with, text.as_ref());
            self.splices.push(Splice { span: map.source_range(decoded), with });
            self.needs_check |= tag == Tag::Key;
        }
        Ok(())
    }

    /// Puts new bytes in the place of byte ranges of a value's source. The whole is read again by
    /// [`apply`](Self::apply), so that what comes out is JSON.
    ///
    /// # Errors
    /// [`EditError::UnknownNode`], and [`EditError::NoSuchText`] if a range does not lie in the value.
    pub fn replace_source<S: AsRef<str>>(
        &mut self,
        id: NodeId,
        replacements: impl IntoIterator<Item = (Range<usize>, S)>,
    ) -> Result<(), EditError> {
        let source = self.value(id)?.span();
        for (range, text) in replacements {
            if range.start > range.end || range.end > source.len() {
                let (start, end) = (range.start, range.end);
                return Err(EditError::NoSuchText { index: id.index(), start, end });
            }
            let span = source.start + range.start..source.start + range.end;
            self.splices.push(Splice { span, with: text.as_ref().as_bytes().to_vec() });
            self.needs_check = true;
        }
        Ok(())
    }

    /// Puts raw JSON in the place of a whole value; for a key's id, of the member's value.
    ///
    /// # Errors
    /// [`EditError::InvalidReplacement`] if `raw` is not a JSON value.
    pub fn replace_value(&mut self, id: NodeId, raw: &[u8]) -> Result<(), EditError> {
        let kind = Document::parse(raw).map_err(EditError::InvalidReplacement)?.root().kind();
        let span = self.value(id)?.span();
        self.needs_check |= matches!(kind, Kind::Array | Kind::Object);
        self.splices.push(Splice { span, with: raw.to_vec() });
        Ok(())
    }

    /// Puts a JSON string in the place of a whole value, for example of a number to be masked.
    ///
    /// # Errors
    /// [`EditError::UnknownNode`].
    pub fn replace_with_string(&mut self, id: NodeId, text: &str) -> Result<(), EditError> {
        let span = self.value(id)?.span();
        self.splices.push(Splice { span, with: quoted(text) });
        Ok(())
    }

    /// Takes out an array item or a member, by its value's or key's id, with one comma.
    ///
    /// Removing something twice is the same as once.
    ///
    /// # Errors
    /// [`EditError::RemovesRoot`].
    pub fn remove(&mut self, id: NodeId) -> Result<(), EditError> {
        let index = self.known(id)?;
        let parent = self.document.node(index).parent().ok_or(EditError::RemovesRoot)?;
        let first = self.document.key_of(index).unwrap_or(index);
        self.containers.entry(parent).or_default().removed.insert(first);
        Ok(())
    }

    /// Adds a member at the end of an object.
    ///
    /// # Errors
    /// [`EditError::NotAnObject`], [`EditError::InvalidReplacement`]; a key that the object already
    /// has is found by [`apply`](Self::apply).
    pub fn insert_member(
        &mut self,
        object: NodeId,
        key: &str,
        raw: &[u8],
    ) -> Result<(), EditError> {
        Document::parse(raw).map_err(EditError::InvalidReplacement)?;
        let value = self.value(object)?;
        if value.kind() != Kind::Object {
            return Err(EditError::NotAnObject { index: object.index() });
        }
        let mut member = quoted(key);
        member.push(b':');
        member.extend_from_slice(raw);
        self.containers.entry(value.index).or_default().inserted.push(member);
        self.needs_check = true;
        Ok(())
    }

    /// Gives a member of an object a value, whether or not it is there already.
    ///
    /// # Errors
    /// As [`replace_value`](Self::replace_value) and [`insert_member`](Self::insert_member).
    pub fn set_member(&mut self, object: NodeId, key: &str, raw: &[u8]) -> Result<(), EditError> {
        match self.value(object)?.get(key) {
            Some(member) => self.replace_value(member.id(), raw),
            None => self.insert_member(object, key, raw),
        }
    }

    /// The changed source.
    ///
    /// # Errors
    /// [`EditError::Overlap`], and [`EditError::InvalidResult`] when [`Document::parse`] would
    /// refuse the result.
    pub fn apply(mut self) -> Result<Vec<u8>, EditError> {
        for (container, changes) in std::mem::take(&mut self.containers) {
            self.resolve(container, changes);
        }
        // Stable, so that insertions at one place keep the order in which they were asked for.
        self.splices.sort_by_key(|splice| (splice.span.start, splice.span.end));
        let source = self.document.source().as_bytes();
        let grown: usize = self.splices.iter().map(|splice| splice.with.len()).sum();
        let mut out = Vec::with_capacity(source.len() + grown);
        let mut done = 0;
        for splice in &self.splices {
            let Some(untouched) = source.get(done..splice.span.start) else {
                return Err(EditError::Overlap { offset: splice.span.start });
            };
            out.extend_from_slice(untouched);
            out.extend_from_slice(&splice.with);
            done = splice.span.end;
        }
        out.extend_from_slice(source.get(done..).unwrap_or_default());
        if self.needs_check {
            Document::parse(&out).map_err(EditError::InvalidResult)?;
        }
        Ok(out)
    }

    /// Turns what leaves and enters one container into splices.
    fn resolve(&mut self, container: u32, changes: Changes) {
        let value = Value { document: self.document, index: container };
        let tag = self.document.node(container).tag();
        // End of the part that is settled: the last item, and before the first the bracket.
        let mut previous_end = value.span().start + 1;
        let mut kept_any = false;
        // Start of the items that leave before any that stays; they take the comma after them.
        let mut leading = None;
        for child in value.children(tag) {
            let start = self.document.node(child).span().start;
            let last = if tag == Tag::Object { child + 1 } else { child };
            let end = self.document.node(last).span().end;
            if !changes.removed.contains(&child) {
                if let Some(from) = leading.take() {
                    self.cut(from..start);
                }
                kept_any = true;
            } else if kept_any {
                self.cut(previous_end..end);
            } else {
                leading.get_or_insert(start);
            }
            previous_end = end;
        }
        if let Some(from) = leading {
            self.cut(from..previous_end);
        }
        if changes.inserted.is_empty() {
            return;
        }
        let mut with = Vec::new();
        for member in changes.inserted {
            if kept_any {
                with.push(b',');
            }
            with.extend_from_slice(&member);
            kept_any = true;
        }
        self.splices.push(Splice { span: previous_end..previous_end, with });
    }

    fn cut(&mut self, span: Range<usize>) {
        self.splices.push(Splice { span, with: Vec::new() });
    }

    fn value(&self, id: NodeId) -> Result<Value<'d>, EditError> {
        self.document.value(id).ok_or(EditError::UnknownNode { index: id.index() })
    }

    fn known(&self, id: NodeId) -> Result<u32, EditError> {
        let known = id.index() < self.document.node_count();
        known.then_some(id.0).ok_or(EditError::UnknownNode { index: id.index() })
    }
}

fn quoted(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(b'"');
    escape_into(&mut out, text);
    out.push(b'"');
    out
}
