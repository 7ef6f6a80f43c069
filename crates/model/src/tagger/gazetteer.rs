//! Lists of names and of words that stand beside names, as hashes.

use super::hash::mix;
use super::token::{Token, tokens};

/// What a list is about, as the number of its bit.
pub mod list {
    /// Given names.
    pub const GIVEN: u32 = 0;
    /// Family names.
    pub const SURNAME: u32 = 1;
    /// Cities and towns.
    pub const CITY: u32 = 2;
    /// Countries.
    pub const COUNTRY: u32 = 3;
    /// Regions, states, rivers, districts.
    pub const REGION: u32 = 4;
    /// Legal forms of companies.
    pub const ORGANIZATION_SUFFIX: u32 = 5;
    /// Words of which names of organisations are made.
    pub const ORGANIZATION_WORD: u32 = 6;
    /// Well-known organisations.
    pub const ORGANIZATION: u32 = 7;
    /// Titles before names.
    pub const TITLE: u32 = 8;
    /// Words for relatives.
    pub const KIN: u32 = 9;
    /// Words of which names of streets are made, and parts of addresses.
    pub const STREET: u32 = 10;
    /// Jobs.
    pub const JOB: u32 = 11;
    /// Months and days of the week.
    pub const CALENDAR: u32 = 12;
    /// Words of everyday use.
    pub const COMMON: u32 = 13;
    /// Small words inside names: `van`, `de`, `bin`.
    pub const PARTICLE: u32 = 14;
    /// Labels of names in forms and data.
    pub const NAME_LABEL: u32 = 15;
    /// Labels of addresses.
    pub const ADDRESS_LABEL: u32 = 16;
    /// Labels of organisations.
    pub const ORGANIZATION_LABEL: u32 = 17;
    /// Labels of places.
    pub const PLACE_LABEL: u32 = 18;
    /// Greetings and ends of letters.
    pub const GREETING: u32 = 19;
    /// Languages, peoples and what belongs to them.
    pub const NATION: u32 = 20;
    /// Words that stand before places.
    pub const PLACE_PREPOSITION: u32 = 21;
    /// What somebody does who is named: says, calls, lives.
    pub const SPEECH: u32 = 22;
    /// Products, programs and other things with names.
    pub const PRODUCT: u32 = 23;
    /// How many lists there are.
    pub const COUNT: u32 = 24;
}

/// Set on the first token of something listed that has several.
pub const BEGINS: u32 = 1 << 30;
/// Set on every further token of it.
pub const INSIDE: u32 = 1 << 31;
/// Inside the table: entries of several tokens begin with this one.
const STARTS: u32 = 1 << 29;
/// Most tokens of an entry.
pub const ENTRY_TOKENS: usize = 5;

/// The bit of a list.
pub const fn bit(list: u32) -> u32 {
    1 << list
}

/// Bits of lists that hold names of things, not words beside them.
pub const NAMES: u32 = bit(list::GIVEN)
    | bit(list::SURNAME)
    | bit(list::CITY)
    | bit(list::COUNTRY)
    | bit(list::REGION)
    | bit(list::ORGANIZATION)
    | BEGINS
    | INSIDE;

/// Lists as an open table of hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gazetteer {
    /// Sorted by hash.
    entries: Vec<(u32, u32)>,
    /// Twice as many slots as entries or more, a power of two; a slot without bits is free.
    slots: Vec<(u32, u32)>,
}

impl Gazetteer {
    /// Makes the table; bits of equal hashes are joined.
    pub fn new(mut entries: Vec<(u32, u32)>) -> Self {
        entries.retain(|(_, bits)| *bits != 0);
        entries.sort_unstable();
        entries.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 |= later.1;
            }
            same
        });
        let size = (entries.len() * 2).next_power_of_two().max(2);
        let mut slots = vec![(0, 0); size];
        for entry in &entries {
            let mut at = entry.0 as usize & (size - 1);
            while slots.get(at).is_some_and(|slot| slot.1 != 0) {
                at = (at + 1) & (size - 1);
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = *entry;
            }
        }
        Self { entries, slots }
    }

    /// Hashes and their bits, ascending.
    pub fn entries(&self) -> &[(u32, u32)] {
        &self.entries
    }

    /// What the lists say about a hash, as bits.
    pub fn bits(&self, hash: u32) -> u32 {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        while let Some((known, bits)) = self.slots.get(at) {
            if *bits == 0 || *known == hash {
                return *bits;
            }
            at = (at + 1) & mask;
        }
        0
    }

    /// Fills in what the lists say about tokens of one segment.
    pub fn mark(&self, segment: &mut [Token]) {
        for token in segment.iter_mut() {
            token.lists = self.bits(token.word);
            if token.halves != [token.word; 2] && token.lists & !STARTS == 0 {
                let [first, last] = token.halves;
                token.lists |= (self.bits(first) | self.bits(last)) & !STARTS;
            }
        }
        for at in 0..segment.len() {
            let Some(first) = segment.get(at) else { return };
            if first.lists & STARTS == 0 {
                continue;
            }
            let mut hash = first.word;
            let mut found = (0, 0);
            for (length, next) in (2..).zip(segment.iter().skip(at + 1).take(ENTRY_TOKENS - 1)) {
                hash = mix(hash, next.word);
                let bits = self.bits(hash) & !STARTS;
                if bits != 0 {
                    found = (length, bits);
                }
            }
            for (place, token) in segment.iter_mut().skip(at).take(found.0).enumerate() {
                token.lists |= found.1 | if place == 0 { BEGINS } else { INSIDE };
            }
        }
        for token in segment.iter_mut() {
            token.lists &= !STARTS;
        }
    }
}

/// The hashes for one entry of a list, with their bits; none for one that is too long.
pub fn entry(text: &str, list: u32) -> Vec<(u32, u32)> {
    let tokens = tokens(text, true).tokens;
    match tokens.as_slice() {
        [only] => vec![(only.word, bit(list))],
        [first, rest @ ..] if rest.len() < ENTRY_TOKENS => {
            let hash = rest.iter().fold(first.word, |hash, token| mix(hash, token.word));
            vec![(first.word, STARTS), (hash, bit(list))]
        }
        _ => Vec::new(),
    }
}
