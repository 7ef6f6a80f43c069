//! From a regular expression to an automaton over folded text.

use regex_automata::hybrid::LazyStateID;
pub(super) use regex_automata::hybrid::dfa::Cache;
use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson;
use regex_automata::util::pool::Pool;
use regex_automata::util::prefilter::Prefilter;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{
    Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition,
};

use crate::text::fold_to_string;

/// Longest match that a pattern may have, in bytes.
const MAX_LEN: usize = 1024;
/// Most memory of the automaton that a pattern compiles to, in bytes.
const MAX_NFA_BYTES: usize = 4 << 20;
/// Most memory of the states that are built while matching, in bytes.
const CACHE_BYTES: usize = 1 << 20;
/// Alternatives with word edges of their own that become machines of their own.
const MAX_MACHINES: usize = 64;
/// Classes up to this many characters are folded character by character.
const FOLDED_CLASS: usize = 512;

type Caches = Pool<Cache, Box<dyn Fn() -> Cache + Send + Sync>>;

/// One pattern, or one alternative of it.
pub(super) struct Machine {
    dfa: DFA,
    pub(super) caches: Caches,
    /// Which bytes a match may begin with.
    first: [bool; 256],
    /// Whether a word must begin or end where the match begins.
    pub(super) word_before: bool,
    /// Whether a word must begin or end where the match ends.
    pub(super) word_after: bool,
    /// Longest match, in bytes.
    pub(super) max_len: usize,
}

/// Compiles a pattern into one machine, or one per alternative where those have word edges.
pub(super) fn compile(pattern: &str, machines: &mut Vec<Machine>) -> Result<(), String> {
    let hir = regex_syntax::parse(pattern)
        .map_err(|error| format!("`{pattern}` is not a regular expression: {error}"))?;
    if hir.properties().look_set().contains_anchor() {
        return Err(format!(
            "`{pattern}` uses an anchor, but a stream has no start or end to see; use `\\b`"
        ));
    }
    for hir in alternatives(&hir) {
        if machines.len() >= MAX_MACHINES && !matches!(hir.kind(), HirKind::Literal(_)) {
            return Err(format!(
                "`{pattern}` is one of more than {MAX_MACHINES} patterns; join some with `|`"
            ));
        }
        machines.push(Machine::new(pattern, &hir)?);
    }
    Ok(())
}

/// The alternatives of a pattern when some have word edges, else the pattern.
fn alternatives(hir: &Hir) -> Vec<Hir> {
    match hir.kind() {
        HirKind::Capture(capture) => alternatives(&capture.sub),
        HirKind::Alternation(parts)
            if parts.len() <= 16 && !hir.properties().look_set().is_empty() =>
        {
            parts.iter().flat_map(alternatives).collect()
        }
        _ => vec![hir.clone()],
    }
}

impl Machine {
    fn new(pattern: &str, hir: &Hir) -> Result<Self, String> {
        let (hir, word_before, word_after) = without_word_edges(hir);
        let hir = folded(&hir);
        let properties = hir.properties();
        if properties.minimum_len().is_none_or(|len| len == 0) {
            return Err(format!(
                "`{pattern}` matches the empty text or nothing at all; demand at least one character"
            ));
        }
        let max_len = properties.maximum_len().filter(|len| *len <= MAX_LEN).ok_or_else(|| {
            format!(
                "`{pattern}` can match more than {MAX_LEN} bytes; give its repetitions bounds, such as `{{0,64}}`"
            )
        })?;
        let too_large = |error: &dyn std::fmt::Display| {
            format!("`{pattern}` cannot be compiled ({error}); use smaller bounds")
        };
        let nfa = thompson::Compiler::new()
            .configure(thompson::Config::new().nfa_size_limit(Some(MAX_NFA_BYTES)))
            .build_from_hir(&hir)
            .map_err(|error| too_large(&error))?;
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true)
            .prefilter(Prefilter::from_hir_prefix(MatchKind::All, &hir));
        let dfa = DFA::builder()
            .configure(config)
            .build_from_nfa(nfa)
            .map_err(|error| too_large(&error))?;
        let maker = dfa.clone();
        let caches: Caches = Pool::new(Box::new(move || maker.create_cache()));
        let mut machine =
            Self { dfa, caches, first: [false; 256], word_before, word_after, max_len };
        machine.find_first_bytes();
        Ok(machine)
    }

    fn find_first_bytes(&mut self) {
        let mut cache = self.dfa.create_cache();
        // What stands before decides only about `\b` inside the pattern.
        for before in ["", "a", " "] {
            for (byte, may) in self.first.iter_mut().enumerate() {
                let input = Input::new(before).range(before.len()..).anchored(Anchored::Yes);
                let next = self
                    .dfa
                    .start_state_forward(&mut cache, &input)
                    .ok()
                    .and_then(|start| self.dfa.next_state(&mut cache, start, byte as u8).ok());
                *may |= next.is_none_or(|state| !state.is_dead());
            }
        }
    }

    pub(super) fn may_begin(&self, byte: u8) -> bool {
        self.first.get(byte as usize).copied().unwrap_or(true)
    }

    /// Where the match ends that ends first, of those that begin at `from` or later.
    pub(super) fn next_end(&self, cache: &mut Cache, text: &str, from: usize) -> Option<usize> {
        let input = Input::new(text).range(from..).earliest(true);
        // INVARIANT: the automaton has no quit bytes and never gives up, so a search cannot fail.
        self.dfa.try_search_fwd(cache, &input).ok().flatten().map(|half| half.offset())
    }

    /// Follows a match from `start` on and calls `matched` with each end, shortest first. True when
    /// more text could add an end, or when `matched` says so at the end of the text.
    pub(super) fn walk(
        &self,
        cache: &mut Cache,
        text: &str,
        start: usize,
        mut matched: impl FnMut(usize) -> bool,
    ) -> bool {
        let input = Input::new(text).range(start..).anchored(Anchored::Yes);
        let Ok(mut state) = self.dfa.start_state_forward(cache, &input) else { return true };
        for (at, byte) in text.bytes().enumerate().skip(start) {
            // A state says one byte late that a match has ended.
            let Ok(next) = self.dfa.next_state(cache, state, byte) else { return true };
            state = next;
            if state.is_match() {
                matched(at);
            }
            if state.is_dead() {
                return false;
            }
        }
        self.finish(cache, state, |open| {
            let wants = matched(text.len());
            open || wants
        })
    }

    fn finish(
        &self,
        cache: &mut Cache,
        state: LazyStateID,
        mut matched: impl FnMut(bool) -> bool,
    ) -> bool {
        let Ok(last) = self.dfa.next_eoi_state(cache, state) else { return true };
        if !last.is_match() {
            return true;
        }
        // Ended here; open only when some next byte would go on.
        let goes_on = (0..=255).any(|byte| {
            self.dfa
                .next_state(cache, state, byte)
                .map_or(true, |next| !next.is_dead() && !only_match(&self.dfa, cache, next))
        });
        matched(goes_on)
    }
}

/// Whether a state does nothing but tell that a match has ended.
fn only_match(dfa: &DFA, cache: &mut Cache, state: LazyStateID) -> bool {
    state.is_match()
        && (0..=255).all(|byte| dfa.next_state(cache, state, byte).is_ok_and(|next| next.is_dead()))
}

/// Takes `\b` off both ends.
fn without_word_edges(hir: &Hir) -> (Hir, bool, bool) {
    let is_edge =
        |hir: &Hir| matches!(hir.kind(), HirKind::Look(Look::WordUnicode | Look::WordAscii));
    match hir.kind() {
        HirKind::Capture(capture) => without_word_edges(&capture.sub),
        HirKind::Concat(parts) => {
            let mut parts = parts.as_slice();
            let mut before = false;
            let mut after = false;
            while let [first, rest @ ..] = parts
                && is_edge(first)
            {
                (before, parts) = (true, rest);
            }
            while let [rest @ .., last] = parts
                && is_edge(last)
            {
                (after, parts) = (true, rest);
            }
            (Hir::concat(parts.to_vec()), before, after)
        }
        _ => (hir.clone(), false, false),
    }
}

/// The pattern as it reads on folded text, with word edges that know ASCII only.
fn folded(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Hir::literal(fold_to_string(text).into_bytes()),
            Err(_) => hir.clone(),
        },
        HirKind::Class(Class::Unicode(class)) => folded_class(class),
        HirKind::Class(Class::Bytes(_)) => hir.clone(),
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => *other,
        }),
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(folded(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => {
            Hir::capture(Capture { sub: Box::new(folded(&capture.sub)), ..capture.clone() })
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(folded).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(folded).collect()),
    }
}

/// The class, and what its characters fold to; large classes stand for scripts and stay.
fn folded_class(class: &ClassUnicode) -> Hir {
    let whole = Hir::class(Class::Unicode(class.clone()));
    let size: usize = class.ranges().iter().map(ClassUnicodeRange::len).sum();
    if size > FOLDED_CLASS || class.is_ascii() {
        return whole;
    }
    let mut single = class.clone();
    let mut longer = Vec::new();
    for c in class.ranges().iter().flat_map(|range| range.start()..=range.end()) {
        let text = fold_to_string(c.encode_utf8(&mut [0; 4]));
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => single.push(ClassUnicodeRange::new(only, only)),
            (Some(_), Some(_)) => longer.push(Hir::literal(text.into_bytes())),
            (None, _) => {}
        }
    }
    longer.push(Hir::class(Class::Unicode(single)));
    Hir::alternation(longer)
}
