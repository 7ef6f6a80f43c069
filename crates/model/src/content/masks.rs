//! Words in disguise: letters left out, replaced, repeated or set apart, so that a list of words does
//! not match them and readers still do.
//!
//! Only words with marks or digits inside, threefold letters, and chains of single letters are looked
//! at, and only those of a list are put back: `k8s`, `h264` and `a11y` stay what they are.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Longest word that is looked at, in bytes.
const MAX_BYTES: usize = 64;
/// Fewest single letters in a row that make a word.
const MIN_CHAIN: usize = 4;
/// Most of them.
const MAX_CHAIN: usize = 64;
/// Shortest word that may be written with letters left open.
const MIN_OPEN: usize = 4;

/// Words that are known in disguise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Masks {
    words: Vec<Vec<char>>,
    /// Places of the words by their first letter.
    by_first: BTreeMap<char, Vec<usize>>,
}

/// What may stand at one place of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// A letter.
    Letter(char),
    /// The same letter, once or more.
    Run(char),
    /// One of these.
    OneOf(&'static str),
    /// Any letter.
    Open,
    /// Nothing, or any letter.
    Gap,
}

impl Masks {
    /// Takes words in lowercase and even spelling; of those that fit a disguise the first counts.
    pub fn new<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        let words: Vec<Vec<char>> = words.into_iter().map(|word| word.chars().collect()).collect();
        let mut by_first: BTreeMap<char, Vec<usize>> = BTreeMap::new();
        for (place, word) in words.iter().enumerate() {
            if let Some(first) = word.first() {
                by_first.entry(*first).or_default().push(place);
            }
        }
        Self { words, by_first }
    }

    /// The words that begin with a letter, in their order.
    fn beginning_with(&self, first: char) -> impl Iterator<Item = &Vec<char>> {
        let places = self.by_first.get(&first).map(Vec::as_slice);
        places.unwrap_or_default().iter().filter_map(|place| self.words.get(*place))
    }

    /// The words.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.words.iter().map(|word| word.iter().collect())
    }

    /// The text with the words that are written in disguise as they are spelt elsewhere.
    ///
    /// Takes time linear in the text, and none to speak of for words without marks.
    pub fn lift<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.words.is_empty() || !is_suspicious(text) {
            return Cow::Borrowed(text);
        }
        let mut lifted = String::new();
        let mut done = 0;
        let mut pieces = pieces(text).peekable();
        while let Some((start, piece)) = pieces.next() {
            let (from, to, word) = if is_single(piece) {
                let mut chain = piece.to_owned();
                let mut end = start + piece.len();
                while let Some((next, more)) = pieces.next_if(|(next, more)| {
                    *next == end + 1 && is_single(more) && chain.len() < MAX_CHAIN
                }) {
                    chain.push_str(more);
                    end = next + more.len();
                }
                if chain.chars().count() < MIN_CHAIN {
                    continue;
                }
                (start, end, self.apart(&chain))
            } else {
                let Some((first, core)) = core(piece) else { continue };
                let Some(word) = self.find(core) else { continue };
                (start + first, start + first + core.len(), word.iter().collect())
            };
            lifted.push_str(text.get(done..from).unwrap_or_default());
            lifted.push_str(&word);
            done = to;
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        lifted.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(lifted)
    }

    /// A chain of letters, with known words in it set apart.
    fn apart(&self, chain: &str) -> String {
        let chain: Vec<char> = chain.chars().flat_map(char::to_lowercase).collect();
        let mut out = String::with_capacity(chain.len() * 2);
        let mut at = 0;
        while let Some(rest) = chain.get(at..).filter(|rest| !rest.is_empty()) {
            let here = |word: &&Vec<char>| word.len() >= MIN_CHAIN && rest.starts_with(word);
            let words = rest.first().map(|first| self.beginning_with(*first));
            let known = words.into_iter().flatten().filter(here).max_by_key(|word| word.len());
            if let Some(word) = known {
                out.push(' ');
                out.extend(word);
                out.push(' ');
                at += word.len();
            } else {
                out.extend(rest.first());
                at += 1;
            }
        }
        out
    }

    /// The word that hides in another.
    fn find(&self, core: &str) -> Option<&Vec<char>> {
        let slots = slots(core)?;
        let open = slots.iter().filter(|slot| **slot == Slot::Open).count();
        let is_letter = |slot: &&Slot| matches!(slot, Slot::Letter(_) | Slot::Run(_));
        let letters = slots.iter().filter(is_letter).count();
        // Of the words that are written as one letter and stars, one is meant by nearly all.
        let starred = slots.len() == 4 && open == 3 && slots.first() == Some(&Slot::Letter('f'));
        if letters < 2 && !starred {
            return None;
        }
        let hides = |word: &&Vec<char>| {
            (open == 0 || word.len() >= MIN_OPEN)
                && (fits(&slots, word, false) || fits(&slots, word, true) && word.len() >= MIN_OPEN)
        };
        match slots.first()? {
            Slot::Letter(first) | Slot::Run(first) => self.beginning_with(*first).find(hides),
            Slot::OneOf(letters) => {
                letters.chars().find_map(|first| self.beginning_with(first).find(hides))
            }
            Slot::Open | Slot::Gap => None,
        }
    }
}

/// Whether a word fits; `filled` says that gaps are letters left out.
fn fits(slots: &[Slot], word: &[char], filled: bool) -> bool {
    let mut rest = word;
    for slot in slots {
        if *slot == Slot::Gap && !filled {
            continue;
        }
        let Some((first, behind)) = rest.split_first() else { return false };
        rest = match slot {
            Slot::Letter(letter) if letter == first => behind,
            Slot::Run(letter) if letter == first => {
                let more = behind.iter().take_while(|other| *other == letter).count();
                behind.get(more..).unwrap_or_default()
            }
            Slot::OneOf(letters) if letters.contains(*first) => behind,
            Slot::Open | Slot::Gap => behind,
            Slot::Letter(_) | Slot::Run(_) | Slot::OneOf(_) => return false,
        };
    }
    rest.is_empty()
}

/// What a word in disguise says of each of its letters; `None` where nothing is disguised, and for what
/// no word looks like.
fn slots(core: &str) -> Option<Vec<Slot>> {
    let mut slots: Vec<Slot> = Vec::new();
    let mut masked = false;
    let mut last: Option<(char, usize)> = None;
    for c in core.chars() {
        let c = c.to_lowercase().next().unwrap_or(c);
        let times = last.filter(|(letter, _)| *letter == c).map_or(1, |(_, times)| times + 1);
        last = Some((c, times));
        let slot = match c {
            _ if c.is_alphabetic() && times >= 3 => {
                let before = if times == 3 { 2 } else { 1 };
                slots.truncate(slots.len().saturating_sub(before));
                masked = true;
                slots.push(Slot::Run(c));
                continue;
            }
            _ if c.is_alphabetic() => {
                slots.push(Slot::Letter(c));
                continue;
            }
            '@' if slots.is_empty() => Slot::Letter('a'),
            '*' | '#' | '%' | '&' | '@' => Slot::Open,
            '$' => Slot::Letter('s'),
            '5' => Slot::OneOf("s"),
            '!' | '1' | '|' => Slot::OneOf("ilu"),
            '0' => Slot::OneOf("ou"),
            '3' => Slot::OneOf("e"),
            '4' => Slot::OneOf("a"),
            '7' | '+' => Slot::OneOf("t"),
            '8' => Slot::OneOf("b"),
            '9' | '6' => Slot::OneOf("g"),
            '.' | '-' | '_' | '\'' | '`' | '~' | '^' | ',' | '/' | '\\' | ':' | '"' => Slot::Gap,
            _ => return None,
        };
        masked = true;
        slots.push(slot);
    }
    masked.then_some(slots)
}

/// A piece without the marks around it, and where it begins; `None` for addresses and what is too long.
fn core(piece: &str) -> Option<(usize, &str)> {
    if piece.len() > MAX_BYTES || !may_hide(piece) {
        return None;
    }
    let begins = |c: char| c.is_alphanumeric() || matches!(c, '$' | '@');
    let first = piece.find(begins)?;
    let core = piece.get(first..)?;
    // Stars in front belong to those behind: emphasis.
    let emphasis = piece.get(..first).is_some_and(|front| front.contains(['*', '_', '~']));
    let ends = |c: char| {
        !c.is_alphanumeric() && (emphasis || !matches!(c, '*' | '$' | '#' | '%' | '&' | '@'))
    };
    let core = core.trim_end_matches(ends);
    if !may_hide(core) {
        return None;
    }
    let address = core.contains("://")
        || core
            .find('@')
            .is_some_and(|at| at > 0 && core.get(at..).unwrap_or_default().contains('.'));
    (core.len() >= 3 && !address).then_some((first, core))
}

/// Whether a piece has marks or digits, or a threefold letter.
fn may_hide(piece: &str) -> bool {
    let mut last: Option<(char, usize)> = None;
    piece.chars().any(|c| {
        let times = last.filter(|(letter, _)| *letter == c).map_or(1, |(_, times)| times + 1);
        last = Some((c, times));
        times >= 3 || c.is_ascii() && !c.is_ascii_alphabetic()
    })
}

/// Whether a piece is one letter of an alphabet that is written with spaces.
fn is_single(piece: &str) -> bool {
    let mut chars = piece.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() && c < '\u{530}') && chars.next().is_none()
}

/// The pieces between blanks, with their places.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let origin = text.as_ptr().addr();
    text.split_whitespace().map(move |piece| (piece.as_ptr().addr() - origin, piece))
}

/// Whether any word might be in disguise: a cheap first look.
fn is_suspicious(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0x80;
    let is_blank = |byte: u8| byte.is_ascii_whitespace();
    let is_star = |byte: u8| matches!(byte, b'*' | b'$' | b'#' | b'%' | b'&' | b'@');
    text.as_bytes().windows(3).any(|window| {
        let [first, second, third] = *window else { return false };
        if is_letter(second) {
            // A threefold letter, a letter by itself, or one behind a mark.
            (first == second && second == third)
                || is_blank(first) && is_blank(third)
                || !is_letter(first) && !is_blank(first)
        } else {
            is_letter(first) && !is_blank(second) && (!is_blank(third) || is_star(second))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lift(text: &str) -> String {
        let words = ["kill", "killing", "murder", "fuck", "fucking", "shit", "bitch", "asshole"];
        Masks::new(words.into_iter().chain(["sex", "ass", "мразь"])).lift(text).into_owned()
    }

    #[test]
    fn a_word_in_disguise_is_put_back() {
        for (text, expected) in [
            ("what the f*ck", "what the fuck"),
            ("f**k, f***! F#CK.", "fuck, fuck! fuck."),
            ("i will k!ll you", "i will kill you"),
            ("(sh1t) $hit 5hit", "(shit) shit shit"),
            ("k-i-l-l m.u.r.d.e.r", "kill murder"),
            ("fuuuuck this, killlling", "fuck this, killing"),
            ("f_ck f..k fu.ck", "fuck fuck fuck"),
            ("@sshole a$$ s3x", "asshole ass sex"),
            ("м*азь", "мразь"),
            ("f u c k you", " fuck  you"),
            ("**f*cking** rude", "**fucking** rude"),
        ] {
            assert_eq!(lift(text), expected);
        }
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for text in [
            "k8s, h264 and a11y on s3",
            "v1.2.3 costs $4.50",
            "k*l and a*s",
            "write to f***k@example.com",
            "see https://example.com/f.u.c.k",
            "**kill** the _process_",
            "it's well-known: sooo good, hmmm",
            "a55 0x5417 b17c4",
            "a b c is not enough",
            "order no. 5H17-88K",
            "f****************************************************************k",
        ] {
            assert_eq!(lift(text), text);
        }
    }

    #[test]
    fn a_long_text_of_marks_takes_no_time() {
        let text = "f***k".repeat(40_000) + &" f*c".repeat(40_000) + &" f".repeat(40_000);
        assert!(!lift(&text).is_empty());
    }
}
