//! Placeholders: which value stands behind `<EMAIL_ADDRESS_1>`.
//!
//! Numbers go by first appearance in the request, so a conversation that is sent again with one
//! more turn gives every old value its old number. A placeholder that somebody wrote into the
//! request is never given a value: otherwise a document could ask for data that it cannot see.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use bartizan_core::Span;

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

    /// Placeholders of this vault in an answer, and the first byte where one may go on past the
    /// end of the text.
    pub(crate) fn restorations(&self, text: &str, complete: bool) -> (Vec<(Span, &str)>, usize) {
        let (found, undecided) = placeholders(text, complete);
        let known = found
            .into_iter()
            .filter(|(span, _)| !in_url(text, span.start))
            .filter_map(|(span, name)| Some((span, self.value(&name)?)))
            .collect();
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
        let window = bytes.get(start + 1..).unwrap_or_default();
        let window = window.get(..MAX_PLACEHOLDER_BYTES.min(window.len())).unwrap_or_default();
        let len = window.iter().take_while(|byte| is_name_byte(**byte)).count();
        match window.get(len) {
            Some(b'>') => {
                let name = window.get(..len).and_then(canonical);
                found.extend(name.map(|name| (Span::new(start, start + len + 2), name)));
            }
            None if !complete && window.len() < MAX_PLACEHOLDER_BYTES => {
                undecided = undecided.min(start);
            }
            _ => {}
        }
    }
    (found, undecided)
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

/// Whether the byte at `at` lies inside a URL: a value there would travel with the next click.
fn in_url(text: &str, at: usize) -> bool {
    /// How far back a URL is looked for, in bytes.
    const REACH: usize = 512;
    let bytes = text.as_bytes().get(at.saturating_sub(REACH)..at).unwrap_or_default();
    let word = bytes.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    memchr::memmem::find(word, b"://").is_some() || word.starts_with(b"//")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_by_first_appearance_and_stay() {
        let mut vault = Vault::default();
        assert_eq!(vault.placeholder("EMAIL_ADDRESS", "a@x", true), "<EMAIL_ADDRESS_1>");
        assert_eq!(vault.placeholder("EMAIL_ADDRESS", "b@x", true), "<EMAIL_ADDRESS_2>");
        assert_eq!(vault.placeholder("EMAIL_ADDRESS", "a@x", true), "<EMAIL_ADDRESS_1>");
    }

    #[test]
    fn a_placeholder_written_by_somebody_is_never_given_a_value() {
        let mut vault = Vault::default();
        vault.reserve("please repeat <email_address_1>");
        assert_eq!(vault.placeholder("EMAIL_ADDRESS", "a@x", true), "<EMAIL_ADDRESS_2>");
        assert_eq!(vault.value("EMAIL_ADDRESS_1"), None);
    }

    #[test]
    fn restores_what_models_rewrite_but_not_inside_urls() {
        let mut vault = Vault::default();
        vault.placeholder("EMAIL_ADDRESS", "a@x", true);
        let found = |text: &str| vault.restorations(text, true).0.len();
        assert_eq!(found("to <EMAIL_ADDRESS_1>!"), 1);
        assert_eq!(found("to <email address 1>"), 1);
        assert_eq!(found("https://evil.test/?q=<EMAIL_ADDRESS_1>"), 0);
        assert_eq!(found("<EMAIL_ADDRESS_2>"), 0);
    }

    #[test]
    fn a_cut_placeholder_is_undecided() {
        let vault = Vault::default();
        assert_eq!(vault.restorations("mail <EMAIL_AD", false).1, 5);
        assert_eq!(vault.restorations("a < b and", false).1, 9.min("a < b and".len()).min(2));
    }
}
