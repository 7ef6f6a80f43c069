//! Shared by the tests of reading and editing: random documents, written in random style.

mod editing;
mod reading;

use proptest::prelude::*;
use serde_json::Value as Theirs;

use super::{Document, Kind, Value};

/// Any JSON value; keys and strings hold any character.
fn any_value() -> impl Strategy<Value = Theirs> {
    let leaf = prop_oneof![
        Just(Theirs::Null),
        any::<bool>().prop_map(Theirs::from),
        any::<i64>().prop_map(Theirs::from),
        any::<u64>().prop_map(Theirs::from),
        any::<f64>().prop_map(Theirs::from),
        any_text().prop_map(Theirs::from),
    ];
    leaf.prop_recursive(5, 48, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Theirs::from),
            prop::collection::btree_map(any_text(), inner, 0..12)
                .prop_map(|members| Theirs::Object(members.into_iter().collect())),
        ]
    })
}

fn any_text() -> impl Strategy<Value = String> {
    let char = prop_oneof![
        4 => prop::char::range('a', 'd'),
        2 => prop::sample::select(vec!['"', '\\', '/', '~', '\n', '\0', '\u{7F}', 'é', '€', '😀']),
        1 => any::<char>(),
    ];
    prop::collection::vec(char, 0..12).prop_map(String::from_iter)
}

/// Writes values in one of the many ways that mean the same.
struct Writer<'c> {
    choices: std::iter::Cycle<std::slice::Iter<'c, u8>>,
    out: String,
}

fn write(value: &Theirs, choices: &[u8]) -> String {
    let mut writer = Writer { choices: choices.iter().cycle(), out: String::new() };
    writer.value(value);
    writer.out
}

impl Writer<'_> {
    fn choose(&mut self, of: u8) -> u8 {
        self.choices.next().map_or(0, |choice| choice % of)
    }

    fn space(&mut self) {
        let space = ["", "", "", " ", "\n", "\r\n\t"][usize::from(self.choose(6))];
        self.out.push_str(space);
    }

    fn value(&mut self, value: &Theirs) {
        self.space();
        match value {
            Theirs::String(text) => self.string(text),
            Theirs::Array(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.value(item);
                }
                self.space();
                self.out.push(']');
            }
            Theirs::Object(members) => {
                self.out.push('{');
                for (index, (key, member)) in members.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.space();
                    self.string(key);
                    self.space();
                    self.out.push(':');
                    self.value(member);
                }
                self.space();
                self.out.push('}');
            }
            scalar => self.out.push_str(&scalar.to_string()),
        }
        self.space();
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for char in text.chars() {
            let short = match char {
                '"' | '\\' => Some(char),
                '/' => Some('/'),
                '\n' => Some('n'),
                '\r' => Some('r'),
                '\t' => Some('t'),
                '\u{8}' => Some('b'),
                '\u{C}' => Some('f'),
                _ => None,
            };
            let must_escape = char < ' ' || char == '"' || char == '\\';
            match (self.choose(4), short) {
                (0, _) => self.unicode_escape(char),
                (1, Some(letter)) => self.out.extend(['\\', letter]),
                (_, Some(letter)) if must_escape => self.out.extend(['\\', letter]),
                (_, None) if must_escape => self.unicode_escape(char),
                _ => self.out.push(char),
            }
        }
        self.out.push('"');
    }

    fn unicode_escape(&mut self, char: char) {
        for unit in char.encode_utf16(&mut [0; 2]) {
            let escape = if self.choose(2) == 0 {
                format!("\\u{unit:04x}")
            } else {
                format!("\\u{unit:04X}")
            };
            self.out.push_str(&escape);
        }
    }
}

/// Whether both read the same; floats may differ in the last bits, which `serde_json` rounds.
fn same(ours: Value<'_>, theirs: &Theirs) -> bool {
    match (ours.kind(), theirs) {
        (Kind::Null, Theirs::Null) => true,
        (Kind::Bool, Theirs::Bool(theirs)) => ours.as_bool() == Some(*theirs),
        (Kind::Number, Theirs::Number(number)) => {
            let (Some(a), Some(b)) = (ours.as_f64(), number.as_f64()) else { return false };
            let is_close = (a - b).abs() <= a.abs().max(b.abs()) * 1e-14;
            is_close && number.as_u64().is_none_or(|_| ours.as_u64() == number.as_u64())
        }
        (Kind::String, Theirs::String(theirs)) => ours.as_str().unwrap() == **theirs,
        (Kind::Array, Theirs::Array(theirs)) => {
            ours.items().count() == theirs.len()
                && ours.items().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Kind::Object, Theirs::Object(theirs)) => {
            ours.members().count() == theirs.len()
                && ours.members().all(|(key, ours)| {
                    theirs.get(&*key.text()).is_some_and(|theirs| same(ours, theirs))
                })
        }
        _ => false,
    }
}

/// Every string that `serde_json` sees, keys and values, in its order.
fn strings_of<'v>(value: &'v Theirs, out: &mut Vec<&'v str>) {
    match value {
        Theirs::String(text) => out.push(text),
        Theirs::Array(items) => items.iter().for_each(|item| strings_of(item, out)),
        Theirs::Object(members) => members.iter().for_each(|(key, member)| {
            out.push(key);
            strings_of(member, out);
        }),
        _ => {}
    }
}

fn parse(text: &str) -> Document<'_> {
    Document::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn theirs(bytes: &[u8]) -> Theirs {
    serde_json::from_slice(bytes).unwrap()
}
