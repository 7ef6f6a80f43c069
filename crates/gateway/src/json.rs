//! Strict JSON that remembers where everything stands.
//!
//! The gateway scans what it forwards, so it must read a body exactly as the provider will. What
//! two readers could take differently (duplicate keys, lone surrogates, numbers out of range) is
//! refused, and what passes keeps its source bytes: a [`Document`] borrows them, and [`Edits`]
//! change single places and leave every other byte alone. What the values mean is up to the
//! protocols.

mod edits;
mod error;
mod parse;
mod text;
mod value;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use bartizan_core::limits;

pub use edits::{EditError, Edits};
pub use error::JsonError;
pub use text::{SourceMap, Str, escape_into};
pub use value::{Kind, Value};

/// A JSON text with the place of every value and key. Never empty.
#[derive(Debug)]
pub struct Document<'a> {
    source: &'a str,
    nodes: Vec<Node>,
}

/// Names a value or key of one document. Ids run in document order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// Place in document order, from 0 for the root; less than [`Document::node_count`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A string of a document: a key or a value.
#[derive(Debug, Clone, Copy)]
pub struct StringRef<'d> {
    /// Its node.
    pub id: NodeId,
    /// Whether it names a member.
    pub is_key: bool,
    /// The string.
    pub text: Str<'d>,
}

/// A number of a document.
#[derive(Debug, Clone)]
pub struct NumberRef<'d> {
    /// Its node.
    pub id: NodeId,
    /// As the source writes it.
    pub raw: &'d str,
    /// Where it lies in the source.
    pub span: Range<usize>,
}

/// One step from a value to one that it holds.
#[derive(Debug)]
pub enum Step<'a> {
    /// To the member of this name.
    Name(Cow<'a, str>),
    /// To the item at this place.
    Index(u32),
}

impl<'a> Document<'a> {
    /// Reads one JSON value with whitespace around it (RFC 8259).
    ///
    /// Takes time linear in the bytes, whatever they are.
    ///
    /// # Errors
    /// Everything that RFC 8259 forbids, and what it leaves open and readers treat differently:
    /// duplicate keys (compared after unescaping), lone surrogates, numbers beyond a 64-bit float,
    /// a byte order mark, nesting and node counts beyond [`limits`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let (source, nodes) = parse::parse(bytes)?;
        Ok(Self { source, nodes })
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value { document: self, index: 0 }
    }

    /// The whole text.
    pub fn source(&self) -> &'a str {
        self.source
    }

    /// Number of values and keys.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The value of that id; the member's value for the id of a key. None if out of range.
    pub fn value(&self, id: NodeId) -> Option<Value<'_>> {
        let node = self.nodes.get(id.index())?;
        let index = if node.tag() == Tag::Key { id.0 + 1 } else { id.0 };
        Some(Value { document: self, index })
    }

    /// Every string in document order: keys and values alike.
    pub fn strings(&self) -> impl Iterator<Item = StringRef<'_>> {
        (0..).zip(&self.nodes).filter_map(|(index, node)| {
            let is_key = match node.tag() {
                Tag::Key => true,
                Tag::String => false,
                _ => return None,
            };
            Some(StringRef { id: NodeId(index), is_key, text: self.str_at(index) })
        })
    }

    /// Every number of at least nine digits, exponent included, in document order: a card or
    /// account number can travel without quotes.
    pub fn long_numbers(&self) -> impl Iterator<Item = NumberRef<'_>> {
        (0..).zip(&self.nodes).filter(|(_, node)| node.tag() == Tag::Number && node.flag()).map(
            |(index, node)| NumberRef {
                id: NodeId(index),
                raw: self.slice(node.span()),
                span: node.span(),
            },
        )
    }

    /// RFC 6901 pointer to a node; a key has the pointer of its member. Empty for the root.
    pub fn pointer(&self, id: NodeId) -> String {
        let mut pointer = String::new();
        self.steps(id, &mut |step| {
            pointer.push('/');
            match step {
                Step::Name(name) => {
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
                Step::Index(index) => pointer.push_str(&index.to_string()),
            }
        });
        pointer
    }

    /// The way from the root to a node, step by step.
    pub fn steps(&self, id: NodeId, step: &mut dyn FnMut(Step<'_>)) {
        let mut steps = Vec::new();
        let mut at = id.0;
        while let Some(parent) = self.node(at).parent() {
            steps.push(at);
            at = parent;
        }
        for at in steps.into_iter().rev() {
            step(match self.key_of(at) {
                Some(key) => Step::Name(self.str_at(key).text()),
                None => Step::Index(self.node(at).index),
            });
        }
    }

    /// The key that names a node, or the node itself if it is one.
    fn key_of(&self, index: u32) -> Option<u32> {
        let node = self.node(index);
        match node.tag() {
            Tag::Key => Some(index),
            // INVARIANT: in an object each value directly follows its key.
            _ if self.node(node.parent()?).tag() == Tag::Object => index.checked_sub(1),
            _ => None,
        }
    }

    /// The content of a string token.
    fn str_at(&self, index: u32) -> Str<'_> {
        let node = self.node(index);
        let span = node.start as usize + 1..(node.end as usize).saturating_sub(1);
        Str::new(self.slice(span.clone()), span.start, node.flag())
    }

    fn slice(&self, span: Range<usize>) -> &str {
        // INVARIANT: spans come from the parser and start and end at ASCII bytes.
        self.source.get(span).unwrap_or_default()
    }

    fn node(&self, index: u32) -> Node {
        // INVARIANT: indexes come from the parser; the fallback keeps a foreign id from a panic.
        self.nodes.get(index as usize).copied().unwrap_or(Node::MISSING)
    }
}

/// What a node is. A member is two nodes: its key and, right after, its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Tag {
    Null,
    False,
    True,
    Number,
    String,
    Key,
    Array,
    Object,
}

/// One value or key. Children follow their container at once, in document order.
#[derive(Debug, Clone, Copy)]
struct Node {
    start: u32,
    end: u32,
    parent: u32,
    /// Position among the items or members of the parent.
    index: u32,
    /// Bits 4..: the first node after this one and all that it holds. Bit 3: the flag. Bits 0..3:
    /// the tag.
    packed: u32,
}

const _: () = assert!(limits::JSON_NODES < 1 << 28, "node ids are kept in 28 bits");

impl Node {
    const NONE: u32 = u32::MAX;
    const MISSING: Self = Self { start: 0, end: 0, parent: Self::NONE, index: 0, packed: 0 };

    fn new(tag: Tag, flag: bool, id: u32, span: Range<u32>, parent: u32, index: u32) -> Self {
        let packed = (id + 1) << 4 | u32::from(flag) << 3 | tag as u32;
        Self { start: span.start, end: span.end, parent, index, packed }
    }

    fn tag(&self) -> Tag {
        match self.packed & 7 {
            0 => Tag::Null,
            1 => Tag::False,
            2 => Tag::True,
            3 => Tag::Number,
            4 => Tag::String,
            5 => Tag::Key,
            6 => Tag::Array,
            _ => Tag::Object,
        }
    }

    /// Strings and keys: has escapes. Numbers: has many digits.
    fn flag(&self) -> bool {
        self.packed & 8 != 0
    }

    fn next(&self) -> u32 {
        self.packed >> 4
    }

    fn set_next(&mut self, next: u32) {
        self.packed = next << 4 | self.packed & 15;
    }

    fn parent(&self) -> Option<u32> {
        (self.parent != Self::NONE).then_some(self.parent)
    }

    fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}
