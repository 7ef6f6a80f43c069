//! Sets of names, some of which stand for all names below them. Of any two entries one lies within the other or
//! they have nothing in common, so that two sets always have a smallest set that both allow.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use bartizan_core::host::HostPattern;
use bartizan_core::id::MAX_NAME_BYTES;

/// Most entries that one set is made with.
pub const MAX_ENTRIES: usize = 64;

/// Names of tools and tables: `search`, or `github.*` for all that begin with `github.`.
pub type NamePatterns = Patterns<Dotted>;

/// Hosts: `example.org`, or `*.example.org` for all that end in `.example.org`.
pub type HostPatterns = Patterns<Hosts>;

/// A set of names and of what names begin with, or end in.
pub struct Patterns<S> {
    /// Names as they are.
    one: BTreeSet<Box<str>>,
    /// What names begin with or end in, with the dot.
    below: BTreeSet<Box<str>>,
    shape: PhantomData<S>,
}

/// One entry of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A name as it is.
    One(Box<str>),
    /// What names begin with or end in, with the dot.
    Below(Box<str>),
}

/// How names of a kind are written, and what is above one.
pub trait Shape: private::Sealed {
    /// Reads an entry.
    ///
    /// # Errors
    /// A sentence that says what an entry looks like.
    fn read(text: &str) -> Result<Entry, &'static str>;
    /// All that names begin with or end in so that this is one of them, this itself included.
    fn above(text: &str) -> impl Iterator<Item = &str>;
    /// The entry as text, from what names begin with or end in.
    fn text(below: &str) -> String;
}

mod private {
    pub trait Sealed {}
}

/// The names below `github.` begin with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dotted {}

/// The hosts below `.example.org` end in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts {}

impl private::Sealed for Dotted {}
impl private::Sealed for Hosts {}

impl Shape for Dotted {
    fn read(text: &str) -> Result<Entry, &'static str> {
        let fine =
            |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':' | '@' | '$');
        let name = text.strip_suffix(".*").unwrap_or(text);
        if name.is_empty() || name.ends_with('.') {
            return Err("write a name, such as `search`, or all below one, such as `github.*`");
        }
        if text.len() > MAX_NAME_BYTES {
            return Err("a name is not longer than 128 bytes");
        }
        if !name.chars().all(fine) {
            return Err("names take letters, digits and `.`, `-`, `_`, `/`, `:`, `@`, `$`");
        }
        Ok(match text.strip_suffix('*') {
            Some(below) => Entry::Below(below.into()),
            None => Entry::One(name.into()),
        })
    }

    fn above(text: &str) -> impl Iterator<Item = &str> {
        text.match_indices('.').filter_map(|(at, dot)| text.get(..at + dot.len()))
    }

    fn text(below: &str) -> String {
        format!("{below}*")
    }
}

impl Shape for Hosts {
    fn read(text: &str) -> Result<Entry, &'static str> {
        let canonical = HostPattern::new(text)?.to_string();
        Ok(match canonical.strip_prefix('*') {
            Some(below) => Entry::Below(below.into()),
            None => Entry::One(canonical.into()),
        })
    }

    fn above(text: &str) -> impl Iterator<Item = &str> {
        text.match_indices('.').filter_map(|(at, _)| text.get(at..))
    }

    fn text(below: &str) -> String {
        format!("*{below}")
    }
}

impl<S: Shape> Patterns<S> {
    /// The set of these entries.
    ///
    /// # Errors
    /// A sentence that says what an entry looks like.
    pub fn new<'t>(entries: impl IntoIterator<Item = &'t str>) -> Result<Self, &'static str> {
        let mut set = Self::default();
        for entry in entries {
            set.insert(S::read(entry)?);
        }
        Ok(set)
    }

    /// Adds an entry.
    pub(crate) fn insert(&mut self, entry: Entry) {
        match entry {
            Entry::One(name) => self.one.insert(name),
            Entry::Below(text) => self.below.insert(text),
        };
    }

    /// Whether a name is one of the set. A host has to be in canonical form
    /// ([`canonical_host`](bartizan_core::host::canonical_host)). Takes time in proportion to the dots of the name.
    pub fn matches(&self, name: &str) -> bool {
        self.one.contains(name) || self.covers(name)
    }

    fn covers(&self, text: &str) -> bool {
        !self.below.is_empty() && S::above(text).any(|above| self.below.contains(above))
    }

    /// What both sets allow. Has at most as many entries as both together.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let one = self.one.iter().filter(|name| other.matches(name));
        let one = one.chain(other.one.iter().filter(|name| self.matches(name)));
        let below = self.below.iter().filter(|text| other.covers(text));
        let below = below.chain(other.below.iter().filter(|text| self.covers(text)));
        Self { one: one.cloned().collect(), below: below.cloned().collect(), shape: PhantomData }
    }

    /// Whether the other set allows whatever this one allows.
    pub fn is_within(&self, other: &Self) -> bool {
        self.one.iter().all(|name| other.matches(name))
            && self.below.iter().all(|text| other.covers(text))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.one.len() + self.below.len()
    }

    /// Whether it allows nothing.
    pub fn is_empty(&self) -> bool {
        self.one.is_empty() && self.below.is_empty()
    }

    /// The entries as text, sorted.
    pub fn entries(&self) -> impl Iterator<Item = String> {
        self.one.iter().map(ToString::to_string).chain(self.below.iter().map(|text| S::text(text)))
    }

    /// Names that stand for themselves.
    pub(crate) fn one(&self) -> impl ExactSizeIterator<Item = &str> {
        self.one.iter().map(AsRef::as_ref)
    }

    /// What names begin with or end in.
    pub(crate) fn below(&self) -> impl Iterator<Item = &str> {
        self.below.iter().map(AsRef::as_ref)
    }
}

impl<S> Default for Patterns<S> {
    fn default() -> Self {
        Self { one: BTreeSet::new(), below: BTreeSet::new(), shape: PhantomData }
    }
}

impl<S> Clone for Patterns<S> {
    fn clone(&self) -> Self {
        Self { one: self.one.clone(), below: self.below.clone(), shape: PhantomData }
    }
}

impl<S> PartialEq for Patterns<S> {
    fn eq(&self, other: &Self) -> bool {
        self.one == other.one && self.below == other.below
    }
}

impl<S> Eq for Patterns<S> {}

impl<S: Shape> fmt::Debug for Patterns<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_what_is_below() {
        let tools = NamePatterns::new(["search", "github.*"]).unwrap();
        for (name, expected) in [
            ("search", true),
            ("github.create_issue", true),
            ("github.repos.list", true),
            ("github", false),
            ("githubx.a", false),
            ("x.github.a", false),
            ("search.a", false),
        ] {
            assert_eq!(tools.matches(name), expected, "{name}");
        }
        let hosts = HostPatterns::new(["Example.org", "*.corp.example"]).unwrap();
        for (host, expected) in [
            ("example.org", true),
            ("www.example.org", false),
            ("a.b.corp.example", true),
            ("corp.example", false),
            ("xcorp.example", false),
        ] {
            assert_eq!(hosts.matches(host), expected, "{host}");
        }
        assert_eq!(format!("{hosts:?}"), r#"{"example.org", "*.corp.example"}"#);
    }

    #[test]
    fn entries_are_names_and_nothing_else() {
        for wrong in ["", "*", ".*", "a.", "a..*", "a*", "*.a", "a.*.b", "a b", "a\"b", "a\n"] {
            assert!(NamePatterns::new([wrong]).is_err(), "{wrong}");
        }
        assert!(NamePatterns::new([&*"a".repeat(129)]).is_err());
        for wrong in ["", "*", "a.*", "https://a.example", "a.example:1", "*.10.0.0.1"] {
            assert!(HostPatterns::new([wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn intersections_keep_the_narrower_of_two() {
        let check = |a: &[&str], b: &[&str], expected: &[&str]| {
            let set = |entries: &[&str]| NamePatterns::new(entries.iter().copied()).unwrap();
            let (a, b, expected) = (set(a), set(b), set(expected));
            assert_eq!(a.intersection(&b), expected);
            assert_eq!(b.intersection(&a), expected);
            assert!(expected.is_within(&a) && expected.is_within(&b));
        };
        check(&["a.*"], &["a.b.*", "a.c", "b"], &["a.b.*", "a.c"]);
        check(&["a", "b"], &["b", "c"], &["b"]);
        check(&["a.*"], &["a.*"], &["a.*"]);
        check(&["a"], &["a.*"], &[]);
        check(&["ab.*"], &["a.*"], &[]);
    }
}
