//! Texts that cost far more tokens than they say, and conversations made up to train the model.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::text::View;
use crate::text::fold::is_invisible;

/// Sixteen times the unit.
macro_rules! sixteen {
    ($unit:expr) => {
        concat!(
            $unit, $unit, $unit, $unit, $unit, $unit, $unit, $unit, $unit, $unit, $unit, $unit,
            $unit, $unit, $unit, $unit
        )
    };
}

pub(super) static DETECTOR: TokenFlood = TokenFlood;

/// Finds floods of tokens and many-shot conversations.
pub(super) struct TokenFlood;

static META: Meta = Meta {
    id: "token-flood",
    summary: "Text that costs far more tokens than it says, or a long made-up conversation",
    severity: Severity::Medium,
    category: Category::Flood,
    label: "TOKEN_FLOOD",
    docs: Docs {
        finds: "A text with 20,000 tokens, as estimated, that nobody reads: rare characters (three tokens each), \
                runs of invisible characters, heaps of combining marks, random letters in the shape of words, \
                runs of white space beyond 256 characters. And more than 64 turns of a conversation \
                (`Human:` … `Assistant:` …) inside one text.",
        matters: "The first empties budgets and pushes instructions out of the context window. The second, \
                  many-shot jailbreaking, shows the model a hundred examples of obeying until it obeys.",
        example: "7,000 zero-width characters between two words are found, a 100-page report is not.",
        fix: "Block it. A limit of tokens per user bounds what is left.",
        limits: "It reads whole texts and cannot guard a stream. Prose in any living script, code, tables and \
                 base64 pass at any length: `oversize` bounds those.",
    },
    references: &[
        Reference::Owasp("LLM10:2025"),
        Reference::Atlas("AML.T0029"),
        Reference::Cwe(770),
    ],
    flags: &[
        concat!("read this", sixteen!(sixteen!(sixteen!("\u{200B}\u{2060}")))),
        sixteen!(sixteen!(sixteen!("\u{12000}\u{13000}"))),
        sixteen!(sixteen!(sixteen!("xqjv zkwq "))),
        sixteen!("Human: how?\nAssistant: so.\nHuman: why?\nAssistant: thus.\nHuman: go on\n"),
        sixteen!("User: how?\r\n  AI: so.\r\nUser: why?\r\n  AI: thus.\r\nUser: go on\r\n"),
    ],
    passes: &[
        sixteen!(sixteen!(sixteen!("The quick brown fox jumps over it. "))),
        sixteen!(sixteen!(
            "    if let Some(x) = map.get(&key) { out.push(x[i] + y[j]); } // txt_ptr\n"
        )),
        sixteen!(sixteen!("| 17.5 | 2026-01-02 | 3f2a9c | €12 | ok |\n")),
        sixteen!(sixteen!(
            "iVBORw0KGgoAAAANSUhEUgAAAZQAAAGUCAYAAAASxdSgAAAABHNCSVQICAgIfAhkiAAAAAlwSFlz\n"
        )),
        sixteen!(sixteen!("می‌خواهم کتاب‌ها را بخوانم. ")),
        sixteen!(sixteen!("Я не знаю, что сказать. 我不知道。 😀👍🏽 👨\u{200D}👩\u{200D}👧 ")),
        sixteen!("Human: how?\nAssistant: so.\n"),
        "Assistant: a person who assists. User: a person who uses.",
    ],
};

/// Wasted tokens that make a flood.
const FLOOD_TOKENS: usize = 20_000;
/// Tokens of a character that no tokenizer has a word for.
const RARE_TOKENS: usize = 3;
/// Fewest invisible characters or marks in a row that are not part of writing.
const INVISIBLE_RUN: usize = 8;
/// Longest run of white space that is layout.
const LAYOUT_RUN: usize = 256;
/// Most turns of a conversation that an example needs.
const TURNS: usize = 64;
/// Longest run of letters that reads as a word; base64 goes on for longer.
const WORD_BYTES: usize = 40;

impl Detector for TokenFlood {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Raw
    }

    fn needs_whole_text(&self) -> bool {
        true
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let text = view.text();
        // A wasted token takes at least a byte, and a character of three tokens at least two.
        if text.len() >= FLOOD_TOKENS * 2 / RARE_TOKENS && wasted_tokens(text) >= FLOOD_TOKENS {
            findings.push(0, text.len(), 0.8);
        }
        if let Some((start, end)) = turns(text) {
            findings.push(start, end, 0.8);
        }
    }
}

/// Tokens that say nothing, as estimated.
fn wasted_tokens(text: &str) -> usize {
    let mut rare = 0;
    let mut runs = 0;
    let mut invisible = 0;
    let mut blank = 0;
    let close = |run: &mut usize, least: usize| {
        let counted = if *run >= least { *run } else { 0 };
        *run = 0;
        counted
    };
    for c in text.chars() {
        if c.is_ascii_graphic() {
            runs += close(&mut blank, LAYOUT_RUN);
            rare += close(&mut invisible, INVISIBLE_RUN);
        } else if c.is_whitespace() {
            blank += 1;
            rare += close(&mut invisible, INVISIBLE_RUN);
        } else if is_invisible(c) || is_mark(c) {
            invisible += 1;
        } else {
            runs += close(&mut blank, LAYOUT_RUN);
            rare += close(&mut invisible, INVISIBLE_RUN);
            rare += usize::from(is_rare(c));
        }
    }
    runs += close(&mut blank, LAYOUT_RUN);
    rare += close(&mut invisible, INVISIBLE_RUN);
    rare * RARE_TOKENS + runs + random_letters(text)
}

const fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}')
}

/// Characters outside living scripts, punctuation and emoji.
const fn is_rare(c: char) -> bool {
    matches!(c,
        '\u{1400}'..='\u{177F}' // syllabics, Ogham, runes, small Philippine scripts
        | '\u{1C80}'..='\u{1CCF}'
        | '\u{2400}'..='\u{245F}'
        | '\u{2800}'..='\u{2BFF}' // Braille, further arrows and symbols
        | '\u{2C00}'..='\u{2DDF}'
        | '\u{A000}'..='\u{ABFF}' // Yi and small scripts
        | '\u{E000}'..='\u{F8FF}' // private use
        | '\u{FB50}'..='\u{FDFF}'
        | '\u{10000}'..='\u{1EFFF}' // ancient scripts, styled letters
        | '\u{F0000}'..='\u{10FFFF}')
}

/// Bytes of words whose letters follow each other as they do in no language with Latin letters;
/// nothing unless such words make up a good part of all words.
fn random_letters(text: &str) -> usize {
    let mut random = 0;
    let mut all = 0;
    for word in text.split(|c: char| c.is_ascii_whitespace()) {
        let bytes = word.as_bytes();
        if bytes.len() < 4 || bytes.len() > WORD_BYTES || !bytes.iter().all(u8::is_ascii_alphabetic)
        {
            continue;
        }
        all += bytes.len();
        let strange = bytes.windows(2).filter(|pair| is_strange(pair)).count();
        random += if strange * 4 >= bytes.len() { bytes.len() } else { 0 };
    }
    if random * 4 >= all { random } else { 0 }
}

/// Pairs of letters that words hardly have.
fn is_strange(pair: &[u8]) -> bool {
    let [first, second] = pair else { return false };
    let (first, second) = (first.to_ascii_lowercase(), second.to_ascii_lowercase());
    match first {
        b'q' => second != b'u' && second != b'i' && second != b'a',
        b'j' | b'v' => !b"aeiouylrn".contains(&second),
        b'x' => b"bdfgjkmnqrvwxz".contains(&second),
        b'z' => b"bcdfgjmnpqrvx".contains(&second),
        b'w' => b"cgjqvxz".contains(&second),
        b'k' => b"cfgjpqvxz".contains(&second),
        _ => b"qjx".contains(&second) && !b"aeioudnbc".contains(&first),
    }
}

/// The stretch of more than [`TURNS`] lines that begin with a speaker of a conversation.
fn turns(text: &str) -> Option<(usize, usize)> {
    /// Longest space before a speaker, and longest name, in bytes.
    const REACH: usize = 32;
    let bytes = text.as_bytes();
    let mut count = 0;
    let mut first = None;
    let mut last = 0;
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', bytes).map(|at| at + 1));
    for start in starts {
        let line = bytes.get(start..bytes.len().min(start + REACH)).unwrap_or_default();
        if is_turn(line) {
            count += 1;
            first.get_or_insert(start);
            last = start;
        }
    }
    let end = memchr::memchr(b'\n', bytes.get(last..)?).map_or(bytes.len(), |at| last + at);
    first.filter(|_| count > TURNS).map(|start| (start, end))
}

fn is_turn(line: &[u8]) -> bool {
    const SPEAKERS: [&[u8]; 7] =
        [b"human", b"user", b"assistant", b"ai", b"bot", b"model", b"system"];
    let line = line.trim_ascii_start();
    let name = line.iter().position(|byte| !b"#*[<|".contains(byte)).unwrap_or(0);
    let line = line.get(name..).unwrap_or_default().trim_ascii_start();
    SPEAKERS.iter().any(|speaker| {
        line.get(..speaker.len()).is_some_and(|name| name.eq_ignore_ascii_case(speaker))
            && matches!(
                line.get(speaker.len()..).unwrap_or_default(),
                [b':' | b']' | b'|', ..] | [b'*', b'*', b':', ..]
            )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_costs_tokens() {
        assert_eq!(wasted_tokens("The quick brown fox"), 0);
        assert_eq!(wasted_tokens(&"\u{200B}".repeat(10)), 30);
        assert_eq!(wasted_tokens("می‌خواهم"), 0);
        assert_eq!(wasted_tokens(&" ".repeat(300)), 300);
        assert_eq!(wasted_tokens("xqjv zkwq"), 8);
    }

    #[test]
    fn recognises_turns() {
        for turn in ["Human: hi", "  **Assistant**: ho", "[user] hi", "### User: hi"] {
            assert!(is_turn(turn.as_bytes()), "{turn}");
        }
        for line in ["Humans: all", "assistant", "The user: me", "Q: why?", "AIR: B"] {
            assert!(!is_turn(line.as_bytes()), "{line}");
        }
    }
}
