//! How much of a text that has passed decides about what follows.

use super::fold::{MAX_GAP, fold_apart, leaves_nothing};
use super::hidden::hidden_len;
use super::unescape::ESCAPE_ROUNDS;
use super::{fold, squeeze, unescape};

/// Where a window on a text must begin so that every view of `passed` keeps its last `wanted` bytes.
///
/// What a view shows at its very beginning may differ from what it shows there when more stands
/// before: half an escape, the end of a word, a chain that has lost letters. Such differences end
/// within 32 bytes of the view, which `wanted` must cover.
pub(crate) fn window_start(passed: &str, wanted: usize) -> usize {
    let mut kept = wanted;
    loop {
        let start = passed.floor_char_boundary(passed.len().saturating_sub(kept));
        let part = passed.get(start..).unwrap_or_default();
        if start == 0 || shortest_view(part) >= wanted {
            return gap_start(passed, start);
        }
        kept *= 2;
    }
}

/// Bytes of the view in which `part` is shortest.
fn shortest_view(part: &str) -> usize {
    let (folded, _) = fold(part);
    let hidden = if part.is_ascii() { part.len() } else { hidden_len(part) };
    let apart = fold_apart(part).map_or(usize::MAX, |(apart, _)| apart.len());
    let squeezed = squeeze(&folded, true).0.map_or(usize::MAX, |squeezed| squeezed.text.len());
    shortest_unescaped(&folded, ESCAPE_ROUNDS).min(squeezed).min(hidden).min(apart)
}

/// Bytes of a folded text after as many rounds of unescaping as make it shortest.
fn shortest_unescaped(folded: &str, rounds: usize) -> usize {
    let unescaped = if rounds == 0 { None } else { unescape(folded, true).0 };
    unescaped.map_or(folded.len(), |unescaped| {
        shortest_unescaped(&fold(&unescaped.text).0, rounds - 1).min(folded.len())
    })
}

/// The start of the run of characters without trace around `at`, so that a window counts them as
/// the whole does. A run that is too long to be skipped is counted out already.
fn gap_start(passed: &str, at: usize) -> usize {
    let before = passed.get(..at).unwrap_or_default();
    let gap = || before.chars().rev().take(MAX_GAP + 1).take_while(|c| leaves_nothing(*c));
    if gap().count() > MAX_GAP { at } else { at - gap().map(char::len_utf8).sum::<usize>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_needs_what_is_wanted_and_no_more() {
        let text = "The quick brown fox jumps. ".repeat(20);
        assert_eq!(text.len() - window_start(&text, 100), 100);
        assert_eq!(window_start("short", 100), 0);
    }

    #[test]
    fn disguises_need_more() {
        for unit in ["a\u{200B}\u{200B}\u{200B}", "&#x0000000041;", "a b c d e ", "\u{1D5C2}", "漢"]
        {
            let text = unit.repeat(500);
            let start = window_start(&text, 100);
            assert!(start > 0 && shortest_view(&text[start..]) >= 100, "{unit}: {start}");
        }
    }

    #[test]
    fn runs_without_trace_are_not_kept_for_ever() {
        for unit in ["\u{200B}", "\u{301}", "\u{200B}\u{301}", "\u{FE0F}", "\u{E0101}"] {
            let text = unit.repeat(5_000);
            let kept = text.len() - window_start(&text, 100);
            assert!(kept < 2_000, "{unit:?}: {kept}");
            assert!(shortest_view(&text[text.len() - kept..]) >= 100);
        }
    }

    #[test]
    fn a_window_begins_before_a_gap_or_far_inside() {
        let gap = |len: usize| format!("{}{}", "x".repeat(300), "\u{200B}".repeat(len));
        assert_eq!(gap_start(&gap(10), 330), 300);
        assert_eq!(gap_start(&gap(100), 300 + 3 * 64), 300);
        assert_eq!(gap_start(&gap(100), 300 + 3 * 65), 300 + 3 * 65);
    }
}
