//! A bounded expression over bytes, followed from one place.

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::pool::Pool;
use regex_automata::{Anchored, Input, MatchKind};

use super::{Extent, MAX_LEN};

/// Most memory of the automaton that an expression compiles to, in bytes.
const MAX_NFA_BYTES: usize = 4 << 20;
/// Most memory of the states that are built while matching, in bytes.
const CACHE_BYTES: usize = 1 << 20;

type Caches = Pool<Cache, Box<dyn Fn() -> Cache + Send + Sync>>;

/// A compiled expression.
pub(super) struct Machine {
    dfa: DFA,
    caches: Caches,
}

/// What stands at a place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where the match ends.
    pub(super) end: Option<usize>,
    /// Whether the bytes end where more of them could change that.
    pub(super) is_open: bool,
}

impl Machine {
    /// Compiles an expression.
    ///
    /// # Errors
    /// A sentence, for an expression that is none or that can match more than [`MAX_LEN`] bytes.
    pub(super) fn new(expression: &str) -> Result<Self, String> {
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .case_insensitive(true)
            .dot_matches_new_line(true)
            .build()
            .parse(expression)
            .map_err(|error| error.to_string())?;
        if hir.properties().maximum_len().is_none_or(|len| len > MAX_LEN) {
            return Err(format!("it can match more than {MAX_LEN} bytes"));
        }
        let nfa = thompson::Compiler::new()
            .configure(thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_NFA_BYTES)))
            .build_from_hir(&hir)
            .map_err(|error| error.to_string())?;
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder()
            .configure(config)
            .build_from_nfa(nfa)
            .map_err(|error| error.to_string())?;
        let maker = dfa.clone();
        Ok(Self { dfa, caches: Pool::new(Box::new(move || maker.create_cache())) })
    }

    /// Follows the expression from `start` on.
    pub(super) fn follow(&self, bytes: &[u8], start: usize, extent: Extent) -> Found {
        let mut cache = self.caches.get();
        let mut end = None;
        let input = Input::new(bytes).range(start..).anchored(Anchored::Yes);
        // INVARIANT: the automaton has no quit bytes and never gives up, so that no step fails.
        let Ok(mut state) = self.dfa.start_state_forward(&mut cache, &input) else {
            return Found { end, is_open: true };
        };
        for (at, byte) in bytes.iter().enumerate().skip(start) {
            let Ok(next) = self.dfa.next_state(&mut cache, state, *byte) else {
                return Found { end, is_open: true };
            };
            state = next;
            // A state says one byte late that a match has ended.
            if state.is_match() {
                end = Some(at);
                if extent == Extent::Shortest {
                    return Found { end, is_open: false };
                }
            }
            if state.is_dead() {
                return Found { end, is_open: false };
            }
        }
        let last = self.dfa.next_eoi_state(&mut cache, state);
        if last.is_ok_and(|last| last.is_match()) {
            end = Some(bytes.len());
        }
        Found { end, is_open: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_match_is_found_and_an_open_end_told() {
        let machine = Machine::new(r"\s{1,3}a{1,3}b?").unwrap();
        let found = |text: &str| machine.follow(text.as_bytes(), 1, Extent::Longest);
        assert_eq!(found("x aab c"), Found { end: Some(5), is_open: false });
        assert_eq!(found("x AAA"), Found { end: Some(5), is_open: true });
        assert_eq!(found("x  "), Found { end: None, is_open: true });
        assert_eq!(found("xa"), Found { end: None, is_open: false });
        let first = machine.follow(b"x aab c", 1, Extent::Shortest);
        assert_eq!(first, Found { end: Some(3), is_open: false });
    }

    #[test]
    fn an_expression_has_bounds_and_may_want_the_end() {
        assert!(Machine::new("a+").is_err());
        assert!(Machine::new("(").is_err());
        let machine = Machine::new(r"--\s{0,2}(?:$|\n)").unwrap();
        let found = |text: &[u8]| machine.follow(text, 0, Extent::Longest);
        assert_eq!(found(b"--"), Found { end: Some(2), is_open: true });
        assert_eq!(found(b"-- x"), Found { end: None, is_open: false });
    }
}
