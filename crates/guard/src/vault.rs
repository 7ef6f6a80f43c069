//! Placeholders: which value stands behind `<EMAIL_ADDRESS_1>`.
//!
//! Numbers go by first appearance in the request, so a conversation that is sent again with one
//! more turn gives every old value its old number. A placeholder that somebody wrote into the
//! request is never given a value: otherwise a document could ask for data that it cannot see.

mod place;

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use bartizan_core::Span;

use place::{Glued, glued};

pub(crate) use place::Place;

/// Longest placeholder that is recognised, in bytes.
pub(crate) const MAX_PLACEHOLDER_BYTES: usize = 64;

/// Values behind the placeholders of one request.
#[derive(Default)]
pub struct Vault {
    numbers: HashMap<(&'static str, String), Entry>,
    values: HashMap<String, String>,
    next: HashMap<&'static str, u32>,
    taken: HashSet<String>,
}

#[derive(Clone, Copy)]
struct Entry {
    number: u32,
    restorable: bool,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} values)", self.numbers.len())
    }
}

impl Vault {
    /// Marks placeholders that stand literally in a text of the request as not ours.
    pub fn reserve(&mut self, text: &str) {
        for (_, name) in placeholders(text, true).0 {
            self.taken.insert(name);
        }
    }

    /// The placeholder for a value; with `restorable`, [`Vault::value`] will give the value back.
    /// An empty label stands for removal and has the empty placeholder.
    pub fn placeholder(&mut self, label: &'static str, value: &str, restorable: bool) -> String {
        if label.is_empty() {
            return String::new();
        }
        let key = (label, value.to_owned());
        let number = if let Some(entry) = self.numbers.get_mut(&key) {
            entry.restorable |= restorable;
            entry.number
        } else {
            let next = self.next.entry(label).or_insert(0);
            loop {
                *next += 1;
                if !self.taken.contains(&name(label, *next)) {
                    break;
                }
            }
            let number = *next;
            self.numbers.insert(key, Entry { number, restorable });
            number
        };
        let name = name(label, number);
        let placeholder = format!("<{name}>");
        if restorable {
            self.values.insert(name, value.to_owned());
        }
        placeholder
    }

    /// Whether the value may be shown to the caller because it came from the caller.
    pub fn is_restorable(&self, label: &'static str, value: &str) -> bool {
        self.numbers.get(&(label, value.to_owned())).is_some_and(|entry| entry.restorable)
    }

    /// The value behind a name such as `EMAIL_ADDRESS_1`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether there is anything to put back.
    pub fn has_restorable(&self) -> bool {
        !self.values.is_empty()
    }

    /// Placeholders of this vault that are to be replaced in a piece of an answer, and the first
    /// byte where one may go on, or be spoilt, past the end of the text. `before` is what stands
    /// before the piece.
    pub(crate) fn restorations(
        &self,
        text: &str,
        before: &Place,
        complete: bool,
    ) -> (Vec<(Span, &str)>, usize) {
        let (found, mut undecided) = placeholders(text, complete);
        let mut known = Vec::new();
        let mut place = before.clone();
        let mut read = 0;
        for (span, name) in found {
            let Some(value) = self.value(&name) else { continue };
            place.advance(text.get(read..span.start).unwrap_or_default());
            read = span.start;
            if !place.allows() {
                continue;
            }
            let rest = text.get(span.end..).unwrap_or_default();
            let address = value.contains(['/', '\\', '?']);
            match glued(rest, place.in_json_string(), address, complete) {
                Glued::Free => known.push((span, value)),
                Glued::Bound => {}
                Glued::Open => undecided = undecided.min(span.start),
            }
        }
        (known, undecided)
    }
}

fn name(label: &str, number: u32) -> String {
    let mut name = String::with_capacity(label.len() + 4);
    let _ = write!(name, "{label}_{number}");
    name
}

/// Finds `<LABEL_N>` in any case, with `_`, `-` or a space between words, as models rewrite it.
/// Gives the canonical name of each, and the first byte of one that is cut at the end.
fn placeholders(text: &str, complete: bool) -> (Vec<(Span, String)>, usize) {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut undecided = text.len();
    for start in memchr::memchr_iter(b'<', bytes) {
        match placeholder_at(bytes.get(start..).unwrap_or_default(), complete) {
            Found::Whole(len, name) => found.push((Span::new(start, start + len), name)),
            Found::Cut => undecided = undecided.min(start),
            Found::Nothing => {}
        }
    }
    (found, undecided)
}

/// What begins with a `<`.
enum Found {
    /// A placeholder of so many bytes, and its canonical name.
    Whole(usize, String),
    /// What may become one with more text.
    Cut,
    Nothing,
}

fn placeholder_at(bytes: &[u8], complete: bool) -> Found {
    let window = bytes.get(1..).unwrap_or_default();
    let window = window.get(..MAX_PLACEHOLDER_BYTES.min(window.len())).unwrap_or_default();
    let len = window.iter().take_while(|byte| is_name_byte(**byte)).count();
    match window.get(len) {
        Some(b'>') => match window.get(..len).and_then(canonical) {
            Some(name) => Found::Whole(len + 2, name),
            None => Found::Nothing,
        },
        None if !complete && window.len() < MAX_PLACEHOLDER_BYTES => Found::Cut,
        _ => Found::Nothing,
    }
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' ')
}

fn canonical(name: &[u8]) -> Option<String> {
    let name: String = name
        .iter()
        .map(
            |byte| {
                if matches!(byte, b'-' | b' ') { '_' } else { byte.to_ascii_uppercase() as char }
            },
        )
        .collect();
    let (label, number) = name.rsplit_once('_')?;
    let fine =
        !label.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    fine.then_some(name)
}

#[cfg(test)]
mod tests;
