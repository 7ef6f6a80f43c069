//! What is seen of a token: itself and its neighbours on either side, as hashes.

use super::fold::fold;
use super::gazetteer::{bit, list};
use super::hash::{mix, step};
use super::token::{Gap, Shape, Token};

/// Sorts of features, so that training can hide some of them now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The word itself.
    Word,
    /// Its first and last letters.
    Letters,
    /// What lists say about it.
    Lists,
    /// How it looks.
    Look,
    /// Words beside it.
    Beside,
    /// What lists say about them, and how they look.
    Around,
}

/// Neighbours on either side that are looked at.
pub const REACH: usize = 4;

/// Lists whose words are always judged.
const NEVER_LAZY: u32 = bit(list::GIVEN)
    | bit(list::SURNAME)
    | bit(list::CITY)
    | bit(list::COUNTRY)
    | bit(list::REGION)
    | bit(list::ORGANIZATION)
    | bit(list::STREET)
    | bit(list::ORGANIZATION_WORD)
    | bit(list::PARTICLE)
    | bit(list::TITLE)
    | bit(list::KIN);

/// Whether a token is judged only beside another that is part of a name: marks, numbers, words of
/// everyday use, and characters that begin no name.
pub fn is_lazy(segment: &[Token], at: usize) -> bool {
    let Some(token) = segment.get(at) else { return true };
    let is_common = token.lists & bit(list::COMMON) != 0;
    let may_name = token.lists & NEVER_LAZY != 0;
    match token.shape {
        Shape::Mark | Shape::Letter | Shape::Edge => true,
        // Where others have capitals, a word without one is hardly a name.
        Shape::Lower if is_common => !may_name || case_around(segment, at) >= TITLE,
        Shape::Lower => !may_name && case_around(segment, at) >= TITLE,
        Shape::Capital if is_common && !may_name => {
            let before = at.checked_sub(1).and_then(|at| segment.get(at));
            begins_sentence(before.unwrap_or(&Token::EDGE), token)
        }
        Shape::Han | Shape::Hiragana | Shape::Hangul => !may_name,
        shape => shape.is_number(),
    }
}

/// Shows the features of a token to `take`.
pub fn features(text: &str, segment: &[Token], at: usize, mut take: impl FnMut(Sort, u32)) {
    let edge = Token::EDGE;
    let near = |distance: isize| {
        at.checked_add_signed(distance).and_then(|at| segment.get(at)).unwrap_or(&edge)
    };
    let token = near(0);
    let shape = token.shape as u32;
    let capital = u32::from(token.shape.is_capital());
    let case = case_around(segment, at);

    take(Sort::Word, mix(1, token.word));
    take(Sort::Word, mix(mix(2, token.word), shape));
    if !matches!(token.shape, Shape::Mark | Shape::Han | Shape::Hiragana | Shape::Hangul) {
        letters(text, token, |part, hash| {
            take(Sort::Letters, mix(mix(10 + part, hash), capital));
        });
    }
    let mut lists = token.lists;
    take(Sort::Lists, mix(mix(20, lists), shape));
    while lists != 0 {
        let lowest = lists.trailing_zeros();
        take(Sort::Lists, mix(mix(21, lowest), capital));
        lists &= lists - 1;
    }
    let begins = u32::from(begins_sentence(near(-1), token));
    take(Sort::Look, mix(30, shape));
    take(Sort::Look, mix(mix(31, shape), case));
    take(
        Sort::Look,
        mix(
            mix(mix(33, shape), begins),
            u32::from(token.lists & bit(list::COMMON) != 0) | case << 1,
        ),
    );

    for distance in [-3, -2, -1, 1, 2, 3] {
        let other = near(distance);
        // The blank between, seen from the token.
        let gap = if distance < 0 { near(distance + 1).gap } else { other.gap };
        let place = (distance + 100) as u32;
        if distance.unsigned_abs() <= 2 {
            take(Sort::Beside, mix(mix(40, place), other.word));
        }
        let look = mix(mix(mix(41, place), other.shape as u32), gap as u32);
        take(Sort::Around, look);
        take(Sort::Around, mix(mix(42, place), other.lists));
    }
    let (before, after) = (near(-1), near(1));
    take(Sort::Beside, mix(mix(mix(50, before.word), shape), token.gap as u32));
    take(Sort::Beside, mix(mix(51, after.word), shape));
    take(Sort::Beside, mix(mix(52, near(-2).word), before.word));
    take(Sort::Beside, mix(mix(53, before.word), after.word));
    take(Sort::Around, mix(mix(54, before.lists), token.lists));
    take(Sort::Around, mix(mix(55, token.lists), after.lists));
    take(Sort::Around, mix(mix(mix(56, before.lists), shape), after.lists));
    let looks = [-2, -1, 0, 1, 2].map(near);
    let pattern =
        looks.iter().fold(58, |hash, other| mix(mix(hash, other.shape as u32), other.gap as u32));
    take(Sort::Around, pattern);
    if token.shape.is_caseless() || token.shape == Shape::Mark {
        // Characters say little alone.
        take(Sort::Word, mix(mix(60, before.word), token.word));
        take(Sort::Word, mix(mix(61, token.word), after.word));
        take(Sort::Word, mix(mix(mix(62, before.word), token.word), after.word));
        take(Sort::Beside, mix(mix(63, after.word), near(2).word));
    }
}

/// First three letters, last two, three and four.
fn letters(text: &str, token: &Token, mut take: impl FnMut(u32, u32)) {
    let word = text.get(token.start..token.end).unwrap_or_default();
    let mut folded = word.chars().map(fold).filter(|c| *c != 0);
    let first = folded.next().unwrap_or_default();
    let second = folded.next().unwrap_or_default();
    let third = folded.next().unwrap_or_default();
    let start = step(step(7, first), second);
    take(1, step(start, third));
    let mut hash = 9;
    let mut back = word.chars().rev().map(fold).filter(|c| *c != 0);
    for part in 1..=4 {
        hash = step(hash, back.next().unwrap_or_default());
        if part > 1 {
            take(part, hash);
        }
    }
}

/// What [`case_around`] says about words written as in a title; 3 is as in a sentence.
const TITLE: u32 = 2;

/// How the words around are written: 0 all capitals, 1 no capitals, 2 as a title, 3 as a sentence.
fn case_around(segment: &[Token], at: usize) -> u32 {
    let from = at.saturating_sub(REACH);
    let (mut lower, mut capital, mut upper) = (0, 0, 0);
    for token in segment.iter().skip(from).take(at + REACH + 1 - from) {
        match token.shape {
            Shape::Lower => lower += 1,
            Shape::Capital | Shape::Mixed => capital += 1,
            Shape::Upper => upper += 1,
            _ => {}
        }
    }
    match (lower, capital, upper) {
        (0, 0, 2..) => 0,
        (_, 0, _) => 1,
        (0..=1, 3.., _) => TITLE,
        _ => 3,
    }
}

fn begins_sentence(before: &Token, token: &Token) -> bool {
    before.shape == Shape::Edge
        || token.gap == Gap::Line
        || before.shape == Shape::Mark && token.gap != Gap::None
}
