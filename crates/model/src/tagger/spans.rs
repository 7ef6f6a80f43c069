//! From tokens to names.

use super::Entity;
use super::features::{REACH, is_lazy};
use super::gazetteer::ENTRY_TOKENS;
use super::marks::{continues, is_cell, is_placeholder, may_join};
use super::token::{Gap, Shape, Token};
use super::weights::TAGS;

/// A name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub entity: Entity,
    /// How sure that is, 0..=1; from a half on, precision is worth more than recall.
    pub score: f32,
}

/// Bytes after which a name goes on piece by piece: nothing that long is one.
pub const RUN_BYTES: usize = 300;
/// Bytes behind a mark that are one piece of such a name.
const PIECE_BYTES: usize = 100;
/// Tokens behind a token that may decide about it: neighbours, what lists say about these together
/// with others, and marks between words.
const AHEAD: usize = REACH + ENTRY_TOKENS + SPREAD + JOINED + 2;
/// Power that makes chances into scores: a chance of 0.8 becomes a half. Measured on marked rows, F1 is
/// best there.
const CAUTION: f32 = 3.1;
/// How much likelier a token is part of a name when its neighbour is by itself.
const LIKE_NEIGHBOUR: f32 = 8.0;
/// Numbers and marks that may stand between parts of an address, and one more.
const JOINED: usize = 5;
/// Index of [`Entity::Place`].
const PLACE: usize = 2;
/// Index of [`Entity::Address`].
const ADDRESS: usize = 3;
/// Tokens in a row that are judged only because a name is beside them.
const SPREAD: usize = 6;

/// What a token is part of.
#[derive(Clone, Copy)]
struct Part {
    chances: [f32; TAGS],
    entity: usize,
    begins: bool,
}

impl Part {
    /// The part that the chances speak for; `None` when the token is most likely none.
    fn new(chances: [f32; TAGS]) -> Option<Self> {
        let none = 1.0 - chances.iter().sum::<f32>();
        let (pairs, _) = chances.as_chunks::<2>();
        let (entity, [first, further]) =
            pairs.iter().enumerate().max_by(|(_, a), (_, b)| total(**a).total_cmp(&total(**b)))?;
        (first + further > none).then_some(Self { chances, entity, begins: first > further })
    }
}

fn total(pair: [f32; 2]) -> f32 {
    pair.iter().sum()
}

/// Adds the names of a segment. When the segment `is_open`, gives back the first byte from which more
/// text could change them.
pub(super) fn spans(
    text: &str,
    segment: &[Token],
    is_open: bool,
    judge: impl Fn(&[Token], usize) -> [f32; TAGS],
    found: &mut Vec<Found>,
) -> Option<usize> {
    // Most tokens are no part of anything, so that only those that are judged are kept.
    let mut judged: Vec<Judged> = Vec::new();
    let mut waits = vec![true; segment.len()];
    for (at, waits) in waits.iter_mut().enumerate().filter(|(at, _)| !is_lazy(segment, *at)) {
        *waits = false;
        if !is_placeholder(text, segment, at) {
            judged.push(Judged { at, chances: judge(segment, at) });
        }
    }
    let mut parts: Vec<Option<Part>> = vec![None; segment.len()];
    for number in 0..judged.len() {
        let Some(Judged { at, .. }) = judged.get(number) else { continue };
        if let Some(part) = parts.get_mut(*at) {
            *part = beside(segment, &judged, number).and_then(Part::new);
        }
    }
    let all = 0..segment.len();
    if parts.iter().any(Option::is_some) {
        spread(segment, &mut parts, &waits, all.clone(), &judge);
        spread(segment, &mut parts, &waits, all.rev(), &judge);
        join_addresses(text, segment, &mut parts);
        for (at, part) in parts.iter_mut().enumerate() {
            if !may_join(text, segment, at) {
                *part = None;
            }
        }
    }
    let decided = if is_open { segment.len().saturating_sub(AHEAD) } else { segment.len() };
    let mut open = segment.get(decided).map(|token| token.start);
    let mut at = 0;
    while let Some(first) = segment.get(at) {
        if parts.get(at).is_none_or(Option::is_none) {
            at += 1;
            continue;
        }
        let start = at;
        at += 1;
        while is_linked(text, segment, &parts, at)
            && segment.get(at).is_some_and(|token| token.start - first.start <= RUN_BYTES)
        {
            at += 1;
        }
        // More text could add to what reaches the tokens that are not decided.
        if is_open && at >= decided {
            open = Some(open.map_or(first.start, |open| open.min(first.start)));
        }
        push(text, segment, &parts, start..at, Numbers::InCells, found);
        // INVARIANT: where a run is cut must not depend on what lies further back than a run and a
        // piece are long.
        while is_linked(text, segment, &parts, at) {
            let piece = at;
            at += 1;
            while is_linked(text, segment, &parts, at) && !begins_piece(segment, at) {
                at += 1;
            }
            if is_open && at >= decided {
                let from = segment.get(piece).map_or(first.start, |token| token.start);
                open = Some(open.map_or(from, |open| open.min(from)));
            }
            push(text, segment, &parts, piece..at, Numbers::Kept, found);
        }
    }
    if is_open { open } else { None }
}

/// Whether a piece of a name that is longer than any begins here: behind a mark, or too far behind
/// one.
fn begins_piece(segment: &[Token], at: usize) -> bool {
    let Some(token) = segment.get(at) else { return true };
    let before = segment.get(..at).unwrap_or_default().iter().rev();
    let mut near = before.take_while(|before| before.end + PIECE_BYTES >= token.start);
    near.position(|before| before.shape == Shape::Mark).is_none_or(|distance| distance == 0)
}

/// The chances of a token that is judged by itself.
struct Judged {
    at: usize,
    chances: [f32; TAGS],
}

/// The chances of a token, once it is known what its neighbours are by themselves.
fn beside(segment: &[Token], judged: &[Judged], number: usize) -> Option<[f32; TAGS]> {
    let Judged { at, chances: alone } = judged.get(number)?;
    let mut chances = *alone;
    let joins = |at: usize| segment.get(at).is_some_and(|token| token.gap != Gap::Line);
    let mut more = |entity: usize, further: usize| {
        if let Some(chance) = chances.get_mut(2 * entity + further) {
            *chance *= LIKE_NEIGHBOUR;
        }
    };
    let before = number.checked_sub(1).and_then(|number| judged.get(number));
    let before = before.filter(|before| before.at + 1 == *at && joins(*at));
    if let Some(before) = before.and_then(|before| Part::new(before.chances)) {
        more(before.entity, 1);
    }
    let after = judged.get(number + 1).filter(|after| after.at == at + 1 && joins(at + 1));
    let after = after.and_then(|after| Part::new(after.chances));
    if let Some(after) = after.filter(|after| !after.begins) {
        more(after.entity, 0);
        more(after.entity, 1);
    }
    let none = 1.0 - alone.iter().sum::<f32>();
    let total = none.max(0.0) + chances.iter().sum::<f32>();
    Some(chances.map(|chance| chance / total.max(f32::MIN_POSITIVE)))
}

/// Joins the parts of an address that numbers and marks tear apart, and the town behind it.
fn join_addresses(text: &str, segment: &[Token], parts: &mut [Option<Part>]) {
    if !parts.iter().flatten().any(|part| part.entity == ADDRESS) {
        return;
    }
    let judged = parts.to_vec();
    let is = |at: usize, entity: usize| {
        judged.get(at).copied().flatten().is_some_and(|part| part.entity == entity)
    };
    let between = |token: &Token| token.shape == Shape::Mark || token.shape.is_number();
    for at in 0..segment.len() {
        if !is(at, ADDRESS) || is(at + 1, ADDRESS) {
            continue;
        }
        let gap =
            segment.iter().skip(at + 1).take(JOINED).take_while(|token| between(token)).count();
        let next = at + 1 + gap;
        // Without anything between, two addresses are two, and a town may be no part of one.
        let is_town =
            is(next, PLACE) && segment.get(next).is_some_and(|token| token.gap != Gap::Line);
        if gap == 0 || gap == JOINED || !(is(next, ADDRESS) || is_town) {
            continue;
        }
        let Some(mut part) = judged.get(at).copied().flatten() else { continue };
        part.begins = false;
        // What stands in other cells is another value, but a number between them is theirs.
        let is_whole = (at + 1..next).all(|at| may_join(text, segment, at));
        for (place, part_of) in parts.iter_mut().enumerate().skip(at + 1).take(gap + 1) {
            if is_whole || segment.get(place).is_some_and(|token| token.shape.is_number()) {
                *part_of = Some(part);
            }
        }
    }
}

/// Judges tokens that are judged only beside parts of names, in one direction.
fn spread(
    segment: &[Token],
    parts: &mut [Option<Part>],
    waits: &[bool],
    order: impl Iterator<Item = usize>,
    judge: &impl Fn(&[Token], usize) -> [f32; TAGS],
) {
    // INVARIANT: the steps from a token that is always judged are counted, so that no judgement
    // depends on more than these.
    let mut left = 0;
    for at in order {
        let Some(part) = parts.get_mut(at) else { continue };
        if !waits.get(at).copied().unwrap_or_default() {
            left = if part.is_some() { SPREAD } else { 0 };
        } else if left > 0 {
            let judged = Part::new(judge(segment, at));
            left = if judged.is_some() { left - 1 } else { 0 };
            *part = part.or(judged);
        }
    }
}

/// Whether a token goes on with the name of which the token before it is a part.
fn is_linked(text: &str, segment: &[Token], parts: &[Option<Part>], at: usize) -> bool {
    let part = |at: usize| parts.get(at).copied().flatten();
    let (Some(before), Some(part), Some(token)) =
        (at.checked_sub(1).and_then(part), part(at), segment.get(at))
    else {
        return false;
    };
    let spans_lines = before.entity == ADDRESS && part.entity == ADDRESS;
    !part.begins && (token.gap != Gap::Line || spans_lines && continues(text, segment, at))
}

/// What becomes of a part of an address that is a number alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// It stays where it fills a cell beside the rest of the address.
    InCells,
    /// It stays: the rest stands right beside it.
    Kept,
}

fn push(
    text: &str,
    segment: &[Token],
    parts: &[Option<Part>],
    run: std::ops::Range<usize>,
    numbers: Numbers,
    found: &mut Vec<Found>,
) {
    let mut sums = [0.0_f32; TAGS / 2];
    let mut words = 0.0_f32;
    let inside = || {
        let (segment, parts) = (segment.get(run.clone()), parts.get(run.clone()));
        segment.unwrap_or_default().iter().zip(parts.unwrap_or_default())
    };
    for (token, part) in inside() {
        if token.shape == Shape::Mark {
            continue;
        }
        words += 1.0;
        let Some(part) = part else { continue };
        let (pairs, _) = part.chances.as_chunks::<2>();
        for (sum, pair) in sums.iter_mut().zip(pairs) {
            *sum += total(*pair);
        }
    }
    let most = sums.iter().zip(Entity::ALL).max_by(|(a, _), (b, _)| a.total_cmp(b));
    let is_word = |token: &Token| token.shape != Shape::Mark;
    let is_end = |token: &Token| is_word(token) || text.get(token.start..token.end) == Some(".");
    let start = inside().find(|(token, _)| is_word(token)).map(|(token, _)| token.start);
    let end = inside().rev().find(|(token, _)| is_end(token)).map(|(token, _)| token.end);
    let (Some(start), Some(end)) = (start, end) else { return };
    let is_number = inside().all(|(token, _)| token.shape.is_number() || !is_word(token));
    if is_number {
        let is_address = most.is_some_and(|(_, entity)| entity == Entity::Address);
        let keeps = numbers == Numbers::Kept || is_cell(text, segment, run.clone());
        if !is_address || !keeps {
            return;
        }
    }
    if let Some((sum, entity)) = most
        && words > 0.0
        && start < end
    {
        let score = (sum / words).clamp(0.0, 1.0).powf(CAUTION);
        found.push(Found { start, end, entity, score });
    }
}
