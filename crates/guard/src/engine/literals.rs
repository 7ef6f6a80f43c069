//! All literals of a plan in one automaton: one pass over a view serves every detector.
//!
//! At most places of a text no literal begins. A [`Gate`] tells so from a few bytes, and only where
//! it does not is the automaton asked. Where a view may go on, the state that its last bytes lead to
//! tells whether it ends inside a literal. The same pass tells whether rotating the view by thirteen
//! letters would show a literal.

use std::collections::BTreeMap;

use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::nfa::noncontiguous;
use aho_corasick::{Anchored, MatchKind};
use smallvec::SmallVec;

use super::GuardError;
use crate::detector::Hit;

/// Depth to which states of the draft of an automaton have a table.
const DRAFT_DEPTH: usize = 1;

/// A literal and whom to tell about it.
pub(super) struct Literal {
    /// Slot of the detector in the plan; absent for a literal that only calls for another view.
    pub(super) slot: Option<usize>,
    /// Index in the detector's list.
    pub(super) index: usize,
    /// Folded text, in any ASCII case.
    pub(super) text: String,
    /// See [`crate::Detector::begins_word`].
    pub(super) begins_word: bool,
}

/// Slots in the plan, and indexes in the lists of the detectors there.
type Owners = SmallVec<[(Option<usize>, usize); 1]>;

/// Literals of several detectors. The default is empty and matches nothing.
#[derive(Default)]
pub(super) struct LiteralSet {
    automaton: Option<NFA>,
    /// There is one when there is an automaton.
    gates: Option<Gates>,
    /// Bytes of the longest literal.
    longest: usize,
    /// Per pattern: detectors share words.
    owners: Vec<Owners>,
    /// States in which more text may complete a literal, rising, with the bytes of it that were read.
    open: Vec<(StateID, u32)>,
}

/// What one pass over a view tells.
#[derive(Default)]
pub(super) struct Scan {
    /// Every occurrence as (slot, hit), sorted by slot, then place.
    hits: Vec<(usize, Hit)>,
    /// First byte of the longest literal that the end of the text may have begun.
    pub(super) cut_at_end: Option<usize>,
    /// Whether a literal without a slot occurs.
    pub(super) other_view: bool,
}

impl LiteralSet {
    pub(super) fn new(literals: &[Literal]) -> Result<Self, GuardError> {
        if literals.is_empty() {
            return Ok(Self::default());
        }
        let mut patterns: BTreeMap<String, Owners> = BTreeMap::new();
        for literal in literals {
            let owners = patterns.entry(literal.text.to_ascii_lowercase()).or_default();
            owners.push((literal.slot, literal.index));
        }
        let (texts, owners): (Vec<String>, Vec<_>) = patterns.into_iter().unzip();
        // What it is made of is thrown away: tables for quick steps in it would take longer than the steps. It knows no
        // upper case, and is never shown any: with both, states would have several ways in, and building keeps books on them.
        let draft = noncontiguous::NFA::builder()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .dense_depth(DRAFT_DEPTH)
            .build(&texts)
            .map_err(GuardError::Literals)?;
        let automaton =
            NFA::builder().build_from_noncontiguous(&draft).map_err(GuardError::Literals)?;
        let mut gates = Gates::default();
        for literal in literals {
            gates.add(literal);
        }
        let longest = texts.iter().map(String::len).max().unwrap_or_default();
        let mut set =
            Self { automaton: None, gates: Some(gates), longest, owners, open: Vec::new() };
        set.note_open_states(&automaton, &texts);
        set.automaton = Some(automaton);
        Ok(set)
    }

    fn note_open_states(&mut self, automaton: &NFA, texts: &[String]) {
        let Ok(root) = automaton.start_state(Anchored::No) else { return };
        let step = |state, byte: &u8| automaton.next_state(Anchored::No, state, *byte);
        for text in texts {
            let Some((_, begun)) = text.as_bytes().split_last() else { continue };
            let mut state = root;
            for (byte, read) in begun.iter().zip(1..) {
                state = step(state, byte);
                self.open.push((state, read));
            }
        }
        // A state of literals that begin alike is one, however many they are.
        self.open.sort_unstable();
        self.open.dedup();
        // A literal that is complete and begins no longer one ends like its longest proper suffix;
        // shorter literals come first, so the suffix is known already.
        let mut by_len: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        by_len.sort_unstable_by_key(|text| text.len());
        let mut complete: BTreeMap<StateID, u32> = BTreeMap::new();
        for text in &by_len {
            let whole = text.iter().fold(root, step);
            let suffix = text.iter().skip(1).fold(root, step);
            let known = |state| self.read_in(state).or_else(|| complete.get(&state).copied());
            if let (None, Some(open)) = (known(whole), known(suffix)) {
                complete.insert(whole, open);
            }
        }
        self.open.extend(complete);
        self.open.sort_unstable();
        self.open.shrink_to_fit();
    }

    /// Bytes of an open literal that were read where a text leads to this state.
    fn read_in(&self, state: StateID) -> Option<u32> {
        let at = self.open.binary_search_by_key(&state, |(state, _)| *state).ok()?;
        self.open.get(at).map(|(_, read)| *read)
    }

    /// Reads a view. Only in one that is not `complete` is its end looked at.
    pub(super) fn scan(&self, text: &str, complete: bool) -> Scan {
        let mut scan = Scan::default();
        let (Some(automaton), Some(gates)) = (&self.automaton, &self.gates) else { return scan };
        let bytes = text.as_bytes();
        let mut place = OUTSIDE;
        for (at, head) in bytes.array_windows().enumerate() {
            if gates.may_begin(place, *head, bytes, at) {
                self.walk(automaton, bytes, at, &mut scan);
            }
            let [first, ..] = *head;
            place = place_after(first);
        }
        for at in (bytes.len() + 1).saturating_sub(HEAD_BYTES)..bytes.len() {
            self.walk(automaton, bytes, at, &mut scan);
        }
        scan.hits.sort_unstable_by_key(|(slot, hit)| (*slot, hit.start, hit.end));
        if !complete {
            scan.cut_at_end = self.open_at_end(automaton, bytes);
        }
        scan
    }

    /// Notes the literals that begin at a place.
    fn walk(&self, automaton: &NFA, bytes: &[u8], start: usize, scan: &mut Scan) {
        let Ok(mut state) = automaton.start_state(Anchored::Yes) else { return };
        for (end, byte) in bytes.iter().enumerate().skip(start) {
            let end = end + 1;
            state = automaton.next_state(Anchored::Yes, state, byte.to_ascii_lowercase());
            if !automaton.is_special(state) {
                continue;
            }
            if automaton.is_dead(state) {
                return;
            }
            let matches = if automaton.is_match(state) { automaton.match_len(state) } else { 0 };
            for index in 0..matches {
                let pattern = automaton.match_pattern(state, index);
                // The state also stands for shorter literals that end here and begin later.
                if automaton.pattern_len(pattern) != end - start {
                    continue;
                }
                for (slot, literal) in self.owners.get(pattern.as_usize()).into_iter().flatten() {
                    match slot {
                        Some(slot) => {
                            scan.hits.push((*slot, Hit { literal: *literal, start, end }));
                        }
                        None => scan.other_view = true,
                    }
                }
            }
        }
    }

    /// First byte of the longest literal that the end of the text may have begun.
    fn open_at_end(&self, automaton: &NFA, bytes: &[u8]) -> Option<usize> {
        // No state remembers more than the longest literal.
        let tail = bytes.get(bytes.len().saturating_sub(self.longest)..).unwrap_or_default();
        let root = automaton.start_state(Anchored::No).ok()?;
        let step =
            |state, byte: &u8| automaton.next_state(Anchored::No, state, byte.to_ascii_lowercase());
        self.read_in(tail.iter().fold(root, step)).map(|read| bytes.len() - read as usize)
    }

    /// Whether there is nothing to match.
    pub(super) fn is_empty(&self) -> bool {
        self.automaton.is_none()
    }
}

/// Bytes that the gate looks at first.
const HEAD_BYTES: usize = 4;
/// Bytes that it looks at where those four may begin a literal.
const LONG_HEAD_BYTES: usize = 8;

/// A place where a word may begin.
const OUTSIDE: u8 = 1;
/// A place right behind a letter, digit or `_`.
const INSIDE: u8 = 2;

/// One gate for places inside a word, where few literals count, and one for all other places. Before
/// both stands one look at the pair of bytes at hand, which ends it for most places.
#[derive(Default)]
struct Gates {
    pairs: Pairs,
    inside: Gate<{ 1 << 8 }>,
    outside: Gate<{ 1 << 11 }>,
}

impl Gates {
    fn add(&mut self, literal: &Literal) {
        let text = literal.text.as_bytes();
        let places = if literal.begins_word { OUTSIDE } else { OUTSIDE | INSIDE };
        match text {
            [] => return,
            [first] => {
                for second in 0..=u8::MAX {
                    self.pairs.add([*first, second], places);
                }
            }
            [first, second, ..] => self.pairs.add([*first, *second], places),
        }
        self.outside.add(text);
        if !literal.begins_word {
            self.inside.add(text);
        }
    }

    /// Whether a literal may begin at a place of a text, where these bytes stand.
    #[inline]
    fn may_begin(&self, place: u8, head: [u8; HEAD_BYTES], bytes: &[u8], at: usize) -> bool {
        let head = blind(head);
        self.pairs.get(head) & place != 0
            && if place == INSIDE {
                self.inside.may_begin(head, bytes, at)
            } else {
                self.outside.may_begin(head, bytes, at)
            }
    }
}

/// Pairs of bytes.
const PAIRS: usize = 1 << 16;

/// By pair of bytes: at which places literals begin with it. Two bits for each, as the nearest cache
/// has no room for a byte.
struct Pairs(Box<[u8; PAIRS / 4]>);

impl Default for Pairs {
    fn default() -> Self {
        Self(Box::new([0; PAIRS / 4]))
    }
}

impl Pairs {
    fn add(&mut self, [first, second]: [u8; 2], places: u8) {
        let pair = pair(blind([first, second, 0, 0])) as usize;
        if let Some(four) = self.0.get_mut(pair / 4) {
            *four |= places << (pair % 4 * 2);
        }
    }

    /// Places at which literals begin with the first two of four bytes; the upper bits mean nothing.
    #[inline]
    fn get(&self, head: u32) -> u8 {
        let pair = pair(head) as usize;
        self.0.get(pair / 4).copied().unwrap_or_default() >> (pair % 4 * 2)
    }
}

/// Tells from a few bytes that no literal begins there, for most texts and places.
///
/// Sets of bits: pairs that are a whole literal, hashes of the first three bytes of literals that have
/// no more, of the first four of all others and, asked only when one of those is met, of the first
/// eight. All are blind to the bit by which ASCII's small letters differ from capitals. A
/// set bit says "perhaps"; a clear one is certain.
///
/// The sets of hashes take `HASHES` words of 64 bits: few enough to stay in the fastest caches, many
/// enough that literals set one bit in fifty.
#[derive(Default)]
struct Gate<const HASHES: usize> {
    /// By the first two bytes: literals of at most two.
    shortest: Bits<{ 1 << 10 }>,
    /// By the first three bytes: literals of three.
    short: Bits<{ 1 << 6 }>,
    /// By the first four bytes: all other literals.
    heads: Bits<HASHES>,
    /// By the first four bytes: those shorter than [`LONG_HEAD_BYTES`].
    medium: Bits<HASHES>,
    /// By the first eight bytes: the rest.
    long: Bits<HASHES>,
}

impl<const HASHES: usize> Gate<HASHES> {
    fn add(&mut self, literal: &[u8]) {
        match literal {
            [] => {}
            [first] => {
                for second in 0..=u8::MAX {
                    self.shortest.set(pair(blind([*first, second, 0, 0])));
                }
            }
            [first, second, rest @ ..] => {
                let pair = pair(blind([*first, *second, 0, 0]));
                match (literal.first_chunk(), literal.first_chunk(), rest) {
                    (Some(long), Some(head), _) => {
                        self.heads.set(Self::hash(blind(*head)));
                        self.long.set(Self::long_hash(*long));
                    }
                    (None, Some(head), _) => {
                        self.heads.set(Self::hash(blind(*head)));
                        self.medium.set(Self::hash(blind(*head)));
                    }
                    (_, None, [third]) => {
                        let head = blind([*first, *second, *third, 0]);
                        self.short.set(Self::short_hash(head));
                    }
                    (_, None, _) => self.shortest.set(pair),
                }
            }
        }
    }

    /// Whether a literal may begin at a place of a text, where these bytes stand, blind.
    fn may_begin(&self, head: u32, bytes: &[u8], at: usize) -> bool {
        let hash = Self::hash(head);
        self.shortest.get(pair(head))
            || self.short.get(Self::short_hash(head))
            || (self.heads.get(hash) && (self.medium.get(hash) || self.long_begins(bytes, at)))
    }

    fn long_begins(&self, bytes: &[u8], at: usize) -> bool {
        let head = bytes.get(at..).and_then(<[u8]>::first_chunk);
        head.is_some_and(|head| self.long.get(Self::long_hash(*head)))
    }

    /// The high bits of a product with Knuth's multiplier depend on all four bytes.
    const fn hash(head: u32) -> u32 {
        head.wrapping_mul(0x9E37_79B1) >> 8
    }

    const fn short_hash(head: u32) -> u32 {
        (head & 0x00FF_FFFF).wrapping_mul(0x9E37_79B1) >> 16
    }

    const fn long_hash(head: [u8; LONG_HEAD_BYTES]) -> u32 {
        let head = u64::from_le_bytes(head) | 0x2020_2020_2020_2020;
        (head.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as u32
    }
}

/// What kind of place is right behind a byte.
const fn place_after(byte: u8) -> u8 {
    const PLACES: [u8; 256] = {
        let mut table = [OUTSIDE; 256];
        let mut byte = 0;
        while byte < table.len() {
            let is_word = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
            #[expect(clippy::indexing_slicing, reason = "the loop stops at the end of the table")]
            {
                table[byte] = if is_word { INSIDE } else { OUTSIDE };
            }
            byte += 1;
        }
        table
    };
    #[expect(clippy::indexing_slicing, reason = "the table has an entry for each byte")]
    PLACES[byte as usize]
}

/// The first two of four bytes.
const fn pair(head: u32) -> u32 {
    head & 0xFFFF
}

/// Four bytes without the bit of the case.
const fn blind(head: [u8; HEAD_BYTES]) -> u32 {
    u32::from_le_bytes(head) | 0x2020_2020
}

/// A set of 64 times `WORDS` bits; `WORDS` is a power of two. Higher bits of a place are ignored.
struct Bits<const WORDS: usize>(Box<[u64; WORDS]>);

impl<const WORDS: usize> Default for Bits<WORDS> {
    fn default() -> Self {
        Self(Box::new([0; WORDS]))
    }
}

impl<const WORDS: usize> Bits<WORDS> {
    #[expect(clippy::indexing_slicing, reason = "the index is less than WORDS")]
    fn set(&mut self, at: u32) {
        self.0[at as usize / 64 % WORDS] |= 1 << (at % 64);
    }

    #[expect(clippy::indexing_slicing, reason = "the index is less than WORDS")]
    fn get(&self, at: u32) -> bool {
        self.0[at as usize / 64 % WORDS] >> (at % 64) & 1 == 1
    }
}

impl Scan {
    /// Whether a literal of a detector occurs.
    pub(super) fn has_hits(&self) -> bool {
        !self.hits.is_empty()
    }

    /// Takes the hits of a slot into `own`. Slots must be asked for in rising order; `next` keeps
    /// the place between calls.
    pub(super) fn take(&self, slot: usize, next: &mut usize, own: &mut Vec<Hit>) {
        own.clear();
        while let Some((owner, hit)) = self.hits.get(*next).filter(|(owner, _)| *owner <= slot) {
            if *owner == slot {
                own.push(*hit);
            }
            *next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// For the tests, literals with `z` in them count only at the beginning of a word.
    fn begins_word(text: &str) -> bool {
        text.contains('z')
    }

    fn set(texts: &[&str]) -> LiteralSet {
        let literals: Vec<Literal> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| Literal {
                slot: Some(index),
                index: 0,
                text: (*text).to_owned(),
                begins_word: begins_word(text),
            })
            .collect();
        LiteralSet::new(&literals).unwrap()
    }

    #[test]
    fn finds_overlapping_literals_in_any_case_by_slot() {
        let scan = set(&["he", "she", "hers"]).scan("uSHErs", true);
        let places: Vec<_> =
            scan.hits.iter().map(|(slot, hit)| (*slot, hit.start, hit.end)).collect();
        assert_eq!(places, [(0, 2, 4), (1, 1, 4), (2, 2, 6)]);
        let (mut next, mut own) = (0, Vec::new());
        scan.take(1, &mut next, &mut own);
        assert_eq!(own, [Hit { literal: 0, start: 1, end: 4 }]);
    }

    #[test]
    fn tells_where_a_literal_is_cut_at_the_end() {
        let set = set(&["he", "she", "hers", "abxab", "abc"]);
        let cut = |text: &str| set.scan(text, false).cut_at_end;
        assert_eq!(cut("x s"), Some(2));
        assert_eq!(cut("x she"), Some(3), "`he` begins `hers`");
        assert_eq!(cut("x hers"), Some(5), "the last letter begins `she`");
        assert_eq!(cut("abxab"), Some(3), "complete, and its end begins another");
        assert_eq!(cut("x abx"), Some(2));
        assert_eq!(cut("x "), None);
        assert_eq!(set.scan("x abx", true).cut_at_end, None, "nothing follows");
    }

    /// Every occurrence, by looking for each literal at each place.
    fn occurrences(texts: &[String], text: &str) -> Vec<(usize, usize, usize)> {
        let mut found = Vec::new();
        for (slot, literal) in texts.iter().enumerate() {
            for start in 0..text.len() {
                let end = start + literal.len();
                let part = text.as_bytes().get(start..end);
                if part.is_some_and(|part| part.eq_ignore_ascii_case(literal.as_bytes())) {
                    found.push((slot, start, end));
                }
            }
        }
        found
    }

    /// First byte at which the text begins a literal that it does not complete.
    fn open(texts: &[String], text: &str) -> Option<usize> {
        (0..text.len()).find(|start| {
            let tail = text.as_bytes().get(*start..).unwrap_or_default();
            let begins = |literal: &String| {
                let head = literal.as_bytes().get(..tail.len());
                literal.len() > tail.len()
                    && head.is_some_and(|head| head.eq_ignore_ascii_case(tail))
            };
            texts.iter().any(begins)
        })
    }

    proptest! {
        #[test]
        fn finds_what_a_look_at_each_place_finds(
            texts in proptest::collection::btree_set("[abz@`é]{1,12}", 1..12),
            text in "[abzABZ@`é ]{0,40}",
        ) {
            let texts: Vec<String> = texts.into_iter().collect();
            let set = set(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            let scan = set.scan(&text, false);
            let found: Vec<_> =
                scan.hits.iter().map(|(slot, hit)| (*slot, hit.start, hit.end)).collect();
            // What does not count may be told or left out.
            let counts = |(slot, start, _): &(usize, usize, usize)| {
                let before = start.checked_sub(1).map(|before| text.as_bytes()[before]);
                !begins_word(&texts[*slot])
                    || !before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            };
            let all = occurrences(&texts, &text);
            prop_assert!(found.iter().all(|hit| all.contains(hit)), "{:?}", found);
            prop_assert!(found.is_sorted());
            let counting = |hits: Vec<_>| hits.into_iter().filter(counts).collect::<Vec<_>>();
            prop_assert_eq!(counting(found), counting(all));
            prop_assert_eq!(scan.cut_at_end, open(&texts, &text));
        }
    }
}
