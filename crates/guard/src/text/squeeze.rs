//! Squeezing: `i g n o r e`, `i-g-n-o-r-e`, `i.g.n.o.r.e` to `ignore`.
//!
//! A *single* is one letter or digit with none beside it. A separator between two singles is
//! dropped when both belong to a chain of at least [`CHAIN`] singles; a wider gap inside a chain
//! becomes one space. Deciding about a separator needs at most [`CHAIN`] singles on each side.

use super::offsets::{Offsets, copy};
use super::runs::{self, Alphanumeric, AlphanumericOrOther};

/// Fewest singles in a row that read as a spaced-out word.
const CHAIN: usize = 5;
/// Longest separator inside a chain, in bytes.
const SEPARATOR_BYTES: usize = 4;

/// A squeezed text.
#[derive(Debug)]
pub struct Squeezed {
    /// The text, with chains closed up.
    pub text: String,
    /// Where each byte came from.
    pub offsets: Offsets,
}

struct Single {
    start: usize,
    end: usize,
    /// Single of the same chain before this one: bytes between the two.
    joined: bool,
}

/// Squeezes a folded text; `None` when it has no chain.
///
/// The second value is the first byte whose reading more text could change. Unless the text is
/// `complete`, what is squeezed ends there.
pub fn squeeze(text: &str, complete: bool) -> (Option<Squeezed>, usize) {
    let singles = singles(text);
    let undecided = undecided(text, &singles);
    let mut text_out = String::new();
    let mut table: Vec<(u32, u32)> = Vec::new();
    let mut copied = 0;
    for chain in singles.chunk_by(|_, next| next.joined).filter(|chain| chain.len() >= CHAIN) {
        for pair in chain.windows(2) {
            let [left, right] = pair else { continue };
            copy(text, copied, left.end, &mut text_out, &mut table);
            if text.get(left.end..right.start).is_some_and(|gap| gap.len() > 1) {
                text_out.push(' ');
                table.push((left.end as u32, right.start as u32));
            }
            copied = right.start;
        }
    }
    let end = if complete { text.len() } else { undecided };
    if copied == 0 {
        return (None, undecided);
    }
    copy(text, copied, end.max(copied), &mut text_out, &mut table);
    let kept = table.partition_point(|(start, _)| (*start as usize) < end);
    text_out.truncate(kept);
    table.truncate(kept);
    (Some(Squeezed { text: text_out, offsets: Offsets::Table(table) }), undecided)
}

/// Singles of the text, each saying whether it continues the chain of the one before.
fn singles(text: &str) -> Vec<Single> {
    let mut found: Vec<Single> = Vec::new();
    let mut push = |start: usize, end: usize| {
        let joined = found.last().is_some_and(|last| is_separator(text, last.end, start));
        found.push(Single { start, end, joined });
    };
    if text.is_ascii() {
        runs::singles::<Alphanumeric>(text.as_bytes()).for_each(|at| push(at, at + 1));
        return found;
    }
    for run in runs::runs::<AlphanumericOrOther>(text.as_bytes()) {
        let part = text.get(run.range()).unwrap_or_default();
        if run.len() == 1 {
            push(run.start, run.end);
        } else if !part.is_ascii() {
            // Where the open word begins, and its letters.
            let mut word = None;
            for (at, c) in part.char_indices().chain([(part.len(), ' ')]) {
                if c.is_alphanumeric() {
                    let (start, letters) = word.unwrap_or((at, 0));
                    word = Some((start, letters + 1));
                } else if let Some((start, 1)) = word.take() {
                    push(run.start + start, run.start + at);
                }
            }
        }
    }
    found
}

fn is_separator(text: &str, start: usize, end: usize) -> bool {
    text.get(start..end).is_some_and(|gap| {
        !gap.is_empty()
            && gap.len() <= SEPARATOR_BYTES
            && gap.bytes().all(|byte| b" .-_*|/,+~\t\n'\"`^:;".contains(&byte))
    })
}

/// First byte of the chain at the end of the text, when there may be one.
fn undecided(text: &str, singles: &[Single]) -> usize {
    let Some(last) = singles.last() else { return text.len() };
    let open = last.end == text.len() || {
        let tail = text.get(last.end..).unwrap_or_default();
        tail.len() <= SEPARATOR_BYTES && is_separator(text, last.end, text.len())
    };
    if !open {
        return text.len();
    }
    // A chain that is long enough already is decided up to the gap before its last single.
    let chain = singles.iter().rev().enumerate().find(|(_, single)| !single.joined);
    match chain {
        Some((back, _)) if back + 1 > CHAIN => last.start,
        Some((_, first)) => first.start,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squeezed(text: &str) -> Option<String> {
        squeeze(text, true).0.map(|squeezed| squeezed.text)
    }

    #[test]
    fn closes_spaced_words() {
        assert_eq!(squeezed("please i g n o r e  a l l").as_deref(), Some("please ignore all"));
        assert_eq!(squeezed("i-g-n-o-r-e it").as_deref(), Some("ignore it"));
        assert_eq!(squeezed("s.e.c.r.e.t").as_deref(), Some("secret"));
    }

    #[test]
    fn leaves_short_chains_alone() {
        assert_eq!(squeezed("a b c d and more"), None);
        assert_eq!(squeezed("I have a dog"), None);
        assert_eq!(squeezed(""), None);
    }

    #[test]
    fn maps_back() {
        let (squeezed, _) = squeeze("x i g n o r e y!", true);
        let squeezed = squeezed.unwrap();
        assert_eq!(squeezed.text, "xignorey!");
        assert_eq!(squeezed.offsets.to_source(1, 7), bartizan_core::Span::new(2, 13));
    }

    #[test]
    fn a_chain_at_the_end_is_undecided_from_its_start() {
        assert_eq!(squeeze("say i g", false).1, 4);
        assert_eq!(squeeze("say i g ", false).1, 4);
        assert_eq!(squeeze("say ok", false).1, 6);
    }
}
