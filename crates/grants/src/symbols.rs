//! The strings of a token. Each is written once, and named by a number from then on, also in later blocks.

use std::collections::{HashMap, HashSet};

use crate::wire::Malformed;

/// Strings that every token has without writing them, by their numbers (Biscuit specification 3.3, "Symbol
/// table").
const DEFAULT: [&str; 28] = [
    "read",
    "write",
    "resource",
    "operation",
    "right",
    "time",
    "role",
    "owner",
    "tenant",
    "namespace",
    "user",
    "team",
    "service",
    "admin",
    "email",
    "group",
    "member",
    "ip_address",
    "client",
    "client_ip",
    "domain",
    "path",
    "version",
    "cluster",
    "node",
    "hostname",
    "nonce",
    "query",
];

/// Number of the first string that a token brings.
const FIRST: u64 = 1024;

/// The strings of all blocks that were read so far.
#[derive(Debug, Default)]
pub(crate) struct Symbols<'a> {
    own: Vec<&'a str>,
    known: HashSet<&'a str>,
}

impl<'a> Symbols<'a> {
    /// Takes the next string of a block. None is written twice, so that each has one number.
    pub(crate) fn push(&mut self, text: &'a str) -> Result<(), Malformed> {
        if DEFAULT.contains(&text) || !self.known.insert(text) {
            return Err(Malformed);
        }
        self.own.push(text);
        Ok(())
    }

    /// The string with a number.
    pub(crate) fn get(&self, number: u64) -> Result<&'a str, Malformed> {
        let text = match number.checked_sub(FIRST) {
            Some(own) => usize::try_from(own).ok().and_then(|own| self.own.get(own)),
            None => usize::try_from(number).ok().and_then(|number| DEFAULT.get(number)),
        };
        text.copied().ok_or(Malformed)
    }

    /// Numbers for the strings of one block more.
    pub(crate) fn next_block(&self) -> NewSymbols {
        let own = (FIRST..).zip(&self.own).map(|(number, text)| ((*text).to_owned(), number));
        let default = (0..).zip(DEFAULT).map(|(number, text)| (text.to_owned(), number));
        let next = FIRST + self.own.len() as u64;
        NewSymbols { numbers: default.chain(own).collect(), next, added: Vec::new() }
    }
}

/// The strings of a block that is being written.
#[derive(Debug)]
pub(crate) struct NewSymbols {
    numbers: HashMap<String, u64>,
    next: u64,
    added: Vec<String>,
}

impl NewSymbols {
    /// The number of a string, which becomes one of the block where the token did not have it.
    pub(crate) fn number(&mut self, text: &str) -> u64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(text.to_owned(), number);
        self.added.push(text.to_owned());
        number
    }

    /// The strings that the block has to bring.
    pub(crate) fn added(&self) -> &[String] {
        &self.added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_has_one_number() {
        let mut symbols = Symbols::default();
        assert_eq!(symbols.push("tool"), Ok(()));
        assert_eq!(symbols.push("tool"), Err(Malformed));
        assert_eq!(symbols.push("time"), Err(Malformed));
        assert_eq!((symbols.get(5), symbols.get(1024)), (Ok("time"), Ok("tool")));
        for unknown in [28, 1023, 1025, u64::MAX] {
            assert_eq!(symbols.get(unknown), Err(Malformed));
        }
        let mut new = symbols.next_block();
        assert_eq!(
            ["time", "tool", "host", "host"].map(|text| new.number(text)),
            [5, 1024, 1025, 1025]
        );
        assert_eq!(new.added(), ["host"]);
    }
}
