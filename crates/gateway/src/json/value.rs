//! A cursor over a parsed document: cheap to copy, reads on demand.

use std::ops::Range;

use super::{Document, NodeId, Str, Tag};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number
    Number,
    /// A string
    String,
    /// An array
    Array,
    /// An object
    Object,
}

/// A value of a document.
#[derive(Debug, Clone, Copy)]
pub struct Value<'d> {
    pub(super) document: &'d Document<'d>,
    pub(super) index: u32,
}

impl<'d> Value<'d> {
    /// What it is.
    pub fn kind(&self) -> Kind {
        match self.document.node(self.index).tag() {
            // A key never becomes a value: no cursor is made for one.
            Tag::Null | Tag::Key => Kind::Null,
            Tag::False | Tag::True => Kind::Bool,
            Tag::Number => Kind::Number,
            Tag::String => Kind::String,
            Tag::Array => Kind::Array,
            Tag::Object => Kind::Object,
        }
    }

    /// Its node.
    pub fn id(&self) -> NodeId {
        NodeId(self.index)
    }

    /// The nodes of the value and of all that it holds, keys included: ids run in document order,
    /// so a part of the document is a range of them.
    pub fn ids(&self) -> Range<NodeId> {
        NodeId(self.index)..NodeId(self.document.node(self.index).next())
    }

    /// The array or object that holds it; none for the root.
    pub fn parent(&self) -> Option<Value<'d>> {
        let index = self.document.node(self.index).parent()?;
        Some(Value { document: self.document, index })
    }

    /// The key under which an object holds it.
    pub fn key(&self) -> Option<Str<'d>> {
        self.document.key_of(self.index).map(|key| self.document.str_at(key))
    }

    /// The member of that name; none if this is no object. Looks at each key in turn.
    pub fn get(&self, key: &str) -> Option<Value<'d>> {
        self.members().find_map(|(name, value)| (name == *key).then_some(value))
    }

    /// The items of an array, in order; nothing for any other kind.
    pub fn items(&self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        let document = self.document;
        self.children(Tag::Array).map(move |index| Value { document, index })
    }

    /// The members of an object, in order; nothing for any other kind.
    pub fn members(&self) -> impl Iterator<Item = (Str<'d>, Value<'d>)> + use<'d> {
        let document = self.document;
        self.children(Tag::Object)
            .map(move |key| (document.str_at(key), Value { document, index: key + 1 }))
    }

    /// First node of each item or member, if this is a container of that kind.
    pub(super) fn children(&self, of: Tag) -> impl Iterator<Item = u32> + use<'d> {
        let document = self.document;
        let node = document.node(self.index);
        let end = if node.tag() == of { node.next() } else { 0 };
        let first = Some(self.index + 1).filter(|&first| first < end);
        std::iter::successors(first, move |&child| {
            let value = if of == Tag::Object { child + 1 } else { child };
            Some(document.node(value).next()).filter(|&next| next < end)
        })
    }

    /// The string, if it is one.
    pub fn as_str(&self) -> Option<Str<'d>> {
        (self.kind() == Kind::String).then(|| self.document.str_at(self.index))
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.document.node(self.index).tag() {
            Tag::True => Some(true),
            Tag::False => Some(false),
            _ => None,
        }
    }

    /// The number, if it is written as an integer of 0..=`u64::MAX`.
    pub fn as_u64(&self) -> Option<u64> {
        (self.kind() == Kind::Number).then(|| self.text().parse().ok()).flatten()
    }

    /// The number nearest to what is written, if it is one; always finite.
    pub fn as_f64(&self) -> Option<f64> {
        (self.kind() == Kind::Number).then(|| self.text().parse().ok()).flatten()
    }

    /// Exactly the source bytes, quotes and brackets included.
    pub fn raw(&self) -> &'d [u8] {
        self.text().as_bytes()
    }

    /// Where [`raw`](Self::raw) lies in the source.
    pub fn span(&self) -> Range<usize> {
        self.document.node(self.index).span()
    }

    fn text(&self) -> &'d str {
        self.document.slice(self.span())
    }
}
