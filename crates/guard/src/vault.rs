//! Placeholders: which value stands behind `<EMAIL_ADDRESS_1>`.
//!
//! Numbers go by first appearance in the request, so a conversation that is sent again with one
//! more turn gives every old value its old number. A placeholder that somebody wrote into the
//! request is never given a value: otherwise a document could ask for data that it cannot see.

mod place;

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use bartizan_core::{Channel, Span};
use zeroize::Zeroize as _;

use crate::operators::{TOKEN_MARK, is_base32};
use place::{Glued, glued};

pub use place::Place;

/// Longest value that comes back, in bytes. A placeholder is short and can be repeated.
pub(crate) const MAX_VALUE_BYTES: usize = 1024;
/// Most bytes that come back in one answer.
const MAX_RESTORED_BYTES: usize = 4 << 20;

/// Longest placeholder that is recognised, in bytes.
pub(crate) const MAX_PLACEHOLDER_BYTES: usize = 64;
/// Longest encrypted value that is recognised, in bytes: a label, and [`MAX_VALUE_BYTES`] in base32.
const MAX_TOKEN_BYTES: usize = 2048;
/// Fewest digits of an encrypted value: those of an empty one.
const MIN_TOKEN_DIGITS: usize = 31;

/// Values behind the placeholders of one request.
///
/// It lives as long as the request, in memory, and overwrites what it holds when it goes.
#[derive(Default)]
pub struct Vault {
    numbers: HashMap<(&'static str, String), u32>,
    /// Values that come back, by label.
    restorable: HashSet<(&'static str, String)>,
    /// Values that come back, by the name of their placeholder.
    values: HashMap<String, String>,
    /// What operators wrote that looks like a value.
    written: HashSet<String>,
    next: HashMap<&'static str, u32>,
    taken: HashSet<String>,
    /// Only what was masked before this comes back.
    is_sealed: bool,
    restored_bytes: usize,
}

impl Drop for Vault {
    fn drop(&mut self) {
        self.numbers.drain().for_each(|((_, mut value), _)| value.zeroize());
        self.restorable.drain().for_each(|(_, mut value)| value.zeroize());
        self.values.drain().for_each(|(_, mut value)| value.zeroize());
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} values)", self.numbers.len())
    }
}

impl Vault {
    /// The same placeholders with nothing behind them: a value that would come back is masked as any other, under the
    /// number that it has.
    pub(crate) fn without_values(&self) -> Self {
        let mut vault = Self::default();
        vault.numbers.clone_from(&self.numbers);
        vault.written.clone_from(&self.written);
        vault.next.clone_from(&self.next);
        vault.taken.clone_from(&self.taken);
        vault.is_sealed = self.is_sealed;
        vault
    }

    /// Marks placeholders that stand literally in a text of the request as not ours.
    pub fn reserve(&mut self, text: &str) {
        for (_, name) in placeholders(text, true, true).0 {
            self.taken.insert(name);
        }
    }

    /// Says that the request has been judged: what is masked from now on was said by the other side,
    /// and never comes back.
    pub fn seal(&mut self) {
        self.is_sealed = true;
    }

    /// Takes room for a value that comes back. Where there is none, its placeholder stays.
    pub(crate) fn has_room(&mut self, bytes: usize) -> bool {
        let total = self.restored_bytes.saturating_add(bytes);
        let fits = total <= MAX_RESTORED_BYTES;
        if fits {
            self.restored_bytes = total;
        }
        fits
    }

    /// The placeholder for a value; with `restorable`, [`Vault::value`] will give the value back,
    /// unless it begins a link or tag without ending it.
    /// An empty label stands for removal and has the empty placeholder.
    pub fn placeholder(&mut self, label: &'static str, value: &str, restorable: bool) -> String {
        if label.is_empty() {
            return String::new();
        }
        let restorable = restorable && self.may_come_back(value);
        let key = (label, value.to_owned());
        let number = if let Some(number) = self.numbers.get(&key) {
            *number
        } else {
            let next = self.next.entry(label).or_insert(0);
            loop {
                *next += 1;
                if !self.taken.contains(&name(label, *next)) {
                    break;
                }
            }
            let number = *next;
            self.numbers.insert(key, number);
            number
        };
        let name = name(label, number);
        let placeholder = format!("<{name}>");
        if restorable {
            self.restorable.insert((label, value.to_owned()));
            self.values.insert(name, value.to_owned());
        }
        placeholder
    }

    /// Gives a value back for a token that an operator made of it, unless somebody else wrote that
    /// token into the request.
    pub(crate) fn keep(&mut self, label: &'static str, value: &str, name: String) {
        if self.may_come_back(value) && !self.taken.contains(&name) {
            self.restorable.insert((label, value.to_owned()));
            self.values.insert(name, value.to_owned());
        }
    }

    fn may_come_back(&self, value: &str) -> bool {
        !self.is_sealed && value.len() <= MAX_VALUE_BYTES && is_harmless(value)
    }

    /// Remembers that an operator wrote this into the request. What it writes into the answer is not
    /// remembered: which part of one comes first may depend on how it is cut.
    pub(crate) fn note_written(&mut self, text: &str) {
        if !self.is_sealed && !self.written.contains(text) {
            self.written.insert(text.to_owned());
        }
    }

    /// Whether an operator wrote this into the request.
    pub(crate) fn wrote(&self, text: &str) -> bool {
        self.written.contains(text)
    }

    /// Whether the value may be shown to the caller because it came from the caller.
    pub fn is_restorable(&self, label: &'static str, value: &str) -> bool {
        self.restorable.contains(&(label, value.to_owned()))
    }

    /// The value behind a name such as `EMAIL_ADDRESS_1`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether there is anything to put back.
    pub fn has_restorable(&self) -> bool {
        !self.values.is_empty()
    }

    /// Whether a value whose placeholder stands at the end of `before` would become part of an
    /// address with `after`, which is shown right behind; `None` while only more text can tell.
    /// `complete` says that nothing follows `after`.
    pub fn glues(&self, before: &str, after: &str, complete: bool) -> Option<bool> {
        if !self.has_restorable() {
            return Some(false);
        }
        let mut decided = Some(false);
        for (span, name) in placeholders(before, false, true).0 {
            let Some(value) = self.value(&name) else { continue };
            let address = value.contains(['/', '\\', '?']);
            let rest = before.get(span.end..).unwrap_or_default();
            if glued(rest, false, address, false) != Glued::Open {
                continue;
            }
            match glued(&[rest, after].concat(), false, address, complete) {
                Glued::Free => {}
                Glued::Bound => return Some(true),
                Glued::Open => decided = None,
            }
        }
        decided
    }

    /// Placeholders of this vault that are to be replaced in a piece of an answer, and the first
    /// byte where one may go on, or be spoilt, past the end of the text. `before` is what stands
    /// before the piece. In JSON values are written as JSON.
    pub(crate) fn restorations(
        &self,
        text: &str,
        before: &Place,
        complete: bool,
    ) -> (Vec<(Span, String)>, usize) {
        let (found, mut undecided) = placeholders(text, before.json().may_be_json(), complete);
        let mut known = Vec::new();
        let mut place = before.clone();
        let mut read = 0;
        for (span, name) in found {
            let Some(value) = self.value(&name) else { continue };
            place.advance(text.get(read..span.start).unwrap_or_default());
            read = span.start;
            // Outside of strings an escape is no escape.
            let escaped = !text.get(span.start..).unwrap_or_default().starts_with('<');
            if !place.allows() || (escaped && !place.json().in_string()) {
                continue;
            }
            let rest = text.get(span.end..).unwrap_or_default();
            let address = value.contains(['/', '\\', '?']);
            match glued(rest, place.json().in_string(), address, complete) {
                Glued::Free if place.json().is_json() => known.push((span, as_json(value))),
                Glued::Free => known.push((span, value.to_owned())),
                Glued::Bound => {}
                Glued::Open => undecided = undecided.min(span.start),
            }
        }
        (known, undecided)
    }
}

/// Whether a value ends what it begins. Half a link or tag, put back before another value, would
/// take that value along.
fn is_harmless(value: &str) -> bool {
    let mut place = Place::start(Channel::Output);
    place.advance(value);
    place.is_closed()
}

/// A value as it stands in a string of JSON.
pub(crate) fn as_json(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out
}

fn name(label: &str, number: u32) -> String {
    let mut name = String::with_capacity(label.len() + 4);
    let _ = write!(name, "{label}_{number}");
    name
}

/// Encrypted values in a text, each with the canonical name of its token.
pub(crate) fn token_names(text: &str) -> impl Iterator<Item = (Span, String)> {
    let (found, _) = placeholders(text, true, true);
    found.into_iter().filter(|(_, name)| name.rsplit('_').next().is_some_and(is_token))
}

/// Finds `<LABEL_N>` and `<LABEL_E…>` in any case, with `_`, `-` or a space between words, as models rewrite it; with
/// `in_json` also `\u003cLABEL_N\u003e`, as some servers write JSON. Gives the canonical name of each,
/// and the first byte of one that is cut at the end.
fn placeholders(text: &str, in_json: bool, complete: bool) -> (Vec<(Span, String)>, usize) {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut undecided = text.len();
    for start in memchr::memchr2_iter(b'<', if in_json { b'\\' } else { b'<' }, bytes) {
        let rest = bytes.get(start..).unwrap_or_default();
        match placeholder_at(rest, in_json, complete) {
            Found::Whole(len, name) => found.push((Span::new(start, start + len), name)),
            Found::Cut => undecided = undecided.min(start),
            Found::Nothing => {}
        }
    }
    (found, undecided)
}

/// What begins at a place.
enum Found {
    /// A placeholder of so many bytes, and its canonical name.
    Whole(usize, String),
    /// What may become one with more text.
    Cut,
    Nothing,
}

fn placeholder_at(bytes: &[u8], in_json: bool, complete: bool) -> Found {
    let open = match bracket(bytes, b'<', *b"\\u003c", in_json) {
        Bracket::Whole(len) => len,
        Bracket::Cut if !complete => return Found::Cut,
        _ => return Found::Nothing,
    };
    let window = bytes.get(open..).unwrap_or_default();
    let most = if may_go_on(window) { MAX_TOKEN_BYTES } else { MAX_PLACEHOLDER_BYTES };
    let window = window.get(..most.min(window.len())).unwrap_or_default();
    let len = window.iter().take_while(|byte| is_name_byte(**byte)).count();
    match bracket(window.get(len..).unwrap_or_default(), b'>', *b"\\u003e", in_json) {
        Bracket::Whole(close) => match window.get(..len).and_then(canonical) {
            Some(name) => Found::Whole(open + len + close, name),
            None => Found::Nothing,
        },
        Bracket::Cut if !complete && window.len() < most => Found::Cut,
        _ => Found::Nothing,
    }
}

/// Whether what is too long for a placeholder may be an encrypted value: by its first bytes alone, so
/// that prose behind a `<` is not held back for long.
fn may_go_on(window: &[u8]) -> bool {
    let Some(head) = window.get(..MAX_PLACEHOLDER_BYTES) else { return false };
    let last = head.rsplit(|byte| matches!(byte, b'_' | b'-' | b' ')).next().unwrap_or_default();
    last.len() >= 16 && last.len() < head.len() && is_token_start(last)
}

/// Whether the part of a name behind its label is an encrypted value.
fn is_token(part: &str) -> bool {
    part.len() > MIN_TOKEN_DIGITS && is_token_start(part.as_bytes())
}

fn is_token_start(part: &[u8]) -> bool {
    part.split_first().is_some_and(|(mark, digits)| {
        mark.eq_ignore_ascii_case(&(TOKEN_MARK as u8)) && digits.iter().copied().all(is_base32)
    })
}

enum Bracket {
    /// It takes so many bytes.
    Whole(usize),
    /// The text ends before it does.
    Cut,
    Absent,
}

fn bracket(bytes: &[u8], plain: u8, escape: [u8; 6], in_json: bool) -> Bracket {
    match bytes.first() {
        None => Bracket::Cut,
        Some(byte) if *byte == plain => Bracket::Whole(1),
        Some(b'\\') if in_json => {
            let head = bytes.get(..escape.len().min(bytes.len())).unwrap_or_default();
            let fits = escape.iter().zip(head).all(|(want, byte)| byte.eq_ignore_ascii_case(want));
            match (fits, head.len() == escape.len()) {
                (true, true) => Bracket::Whole(escape.len()),
                (true, false) => Bracket::Cut,
                (false, _) => Bracket::Absent,
            }
        }
        Some(_) => Bracket::Absent,
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
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (!label.is_empty() && (is_number || is_token(number))).then_some(name)
}

#[cfg(test)]
mod tests;
