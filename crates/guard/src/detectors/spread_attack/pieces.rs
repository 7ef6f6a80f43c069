//! Pieces of text under names, and the text that they make: `A = "…"`, `B = "…"`, `now do A + B`.

/// Most pieces that are kept.
const MAX_PIECES: usize = 16;
/// Longest piece, in bytes.
const PIECE_BYTES: usize = 400;
/// Longest name, in bytes.
const NAME_BYTES: usize = 16;
/// Most bytes of what is put together.
const MAX_BYTES: usize = 1200;

/// What stands between a name and its piece, the longer first.
const GIVES: [&str; 9] = [":=", "=", ":", " stands for", " means", " is", " be", " to", " as"];
/// What stands between names that are put together.
const JOINS: [&str; 10] = ["+", "&", "||", "..", ",", ".", "and", "then", "plus", "with"];

/// A piece under its name.
#[derive(Debug, PartialEq, Eq)]
struct Piece<'t> {
    name: &'t str,
    text: &'t str,
    /// One past its closing quote.
    end: usize,
}

/// What the text asks to put together: the line that asks, with pieces in place of their names, once
/// glued and once with blanks between. Nothing where it names no two of its pieces in a row.
pub(super) fn put_together(text: &str) -> Option<String> {
    let pieces = pieces(text);
    if pieces.len() < 2 {
        return None;
    }
    let from = pieces.last()?.end;
    let (start, end, named) = longest_row(text, from, &pieces)?;
    let line = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1).max(from);
    let after = text.get(end..)?.find('\n').map_or(text.len(), |at| end + at);
    let (before, after) = (text.get(line..start)?, text.get(end..after)?);
    let said = |between: &str| {
        let joined = named.join(between);
        let joined = joined.get(..joined.floor_char_boundary(MAX_BYTES / 2)).unwrap_or_default();
        format!("{before}{joined}{after}")
    };
    Some(format!("{}\n\n{}", said(""), said(" ")))
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut from = 0;
    for (at, open) in text.char_indices() {
        let Some(close) = closing(open) else { continue };
        if at < from || pieces.len() == MAX_PIECES {
            continue;
        }
        let Some(name) = text.get(..at).and_then(name_before) else { continue };
        let inside = at + open.len_utf8();
        let window = text.get(inside..text.floor_char_boundary(inside + PIECE_BYTES));
        let Some(piece) = window.and_then(|window| window.get(..window.find(close)?)) else {
            continue;
        };
        from = inside + piece.len() + close.len_utf8();
        pieces.retain(|known| known.name != name);
        pieces.push(Piece { name, text: piece, end: from });
    }
    pieces
}

const fn closing(open: char) -> Option<char> {
    match open {
        '"' | '\'' | '`' => Some(open),
        '“' | '„' => Some('”'),
        '‘' => Some('’'),
        '«' => Some('»'),
        _ => None,
    }
}

/// The name that is given what follows.
fn name_before(text: &str) -> Option<&str> {
    let text = text.trim_end_matches([' ', '\t']);
    let rest = GIVES.iter().find_map(|gives| text.strip_suffix(gives))?;
    let rest = rest.trim_end_matches([' ', '\t']);
    let start = rest.rfind(|c: char| !is_name(c)).map_or(0, |at| {
        at + rest.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
    });
    let name = rest.get(start..)?;
    (!name.is_empty() && name.len() <= NAME_BYTES).then_some(name)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The longest row of names behind `from`, with the pieces that they stand for.
fn longest_row<'t>(
    text: &'t str,
    from: usize,
    pieces: &[Piece<'t>],
) -> Option<(usize, usize, Vec<&'t str>)> {
    let mut best: Option<(usize, usize, Vec<&'t str>)> = None;
    let mut row: Option<(usize, usize, Vec<&'t str>)> = None;
    for (start, word) in words(text, from) {
        let piece = pieces.iter().find(|piece| piece.name == word);
        let gap = |end: usize| text.get(end..start).unwrap_or_default();
        row = match (piece, row.take()) {
            (Some(piece), Some((first, end, mut named)))
                if named.len() < MAX_PIECES && is_join(gap(end)) =>
            {
                named.push(piece.text);
                Some((first, start + word.len(), named))
            }
            (Some(piece), _) => Some((start, start + word.len(), vec![piece.text])),
            // A word that joins stands in the gap; any other ends the row.
            (None, Some(open)) if JOINS.contains(&word) => Some(open),
            (None, _) => None,
        };
        let longest = best.as_ref().map_or(1, |(_, _, named)| named.len());
        if let Some(open) = row.as_ref().filter(|(_, _, named)| named.len() > longest) {
            best = Some(open.clone());
        }
    }
    best
}

/// Words behind `from`, each with its place.
fn words(text: &str, from: usize) -> impl Iterator<Item = (usize, &str)> {
    let rest = text.get(from..).unwrap_or_default();
    let mut at = from;
    // What ends a word belongs to its piece, so that the lengths add up.
    rest.split_inclusive(|c: char| !is_name(c)).filter_map(move |piece| {
        let start = at;
        at += piece.len();
        let word = piece.trim_end_matches(|c: char| !is_name(c));
        (!word.is_empty()).then_some((start, word))
    })
}

/// Whether names on both sides are put together: by a sign, a word, or braces that touch.
fn is_join(gap: &str) -> bool {
    let bare = gap.trim_matches(|c: char| c.is_whitespace() || "{}()$%\"'`".contains(c));
    JOINS.contains(&bare) || (bare.is_empty() && gap.contains(['{', '$', '%']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, glued: &str) {
        let put = put_together(text);
        assert_eq!(put.as_deref().and_then(|put| put.split("\n\n").next()), Some(glued), "{text}");
    }

    #[test]
    fn named_pieces_are_put_together_as_the_text_says() {
        check("a = \"ign\"\n\nb = \"ore it\"\n\nnow do a + b", "now do ignore it");
        check("let x be 'one '\nset y to 'two'\nsay x and y twice", "say one two twice");
        check("s1: “ab” s2: “cd” s3 := `ef`\nprint {s1}{s2}{s3}!", "print {abcdef}!");
        check("A is \"x\"; B is \"y\"; A is \"z\"; then A+B+A", "; then zyz");
    }

    #[test]
    fn what_names_no_two_pieces_gives_nothing() {
        for text in [
            "a + b",
            "a = \"x\" and nothing more, a + a",
            "a = \"x\"\nb = \"y\"\nwhat is a, or else b",
            "say \"one\" and \"two\"",
            "a = \"never closed\nb = \"x",
            "",
        ] {
            assert_eq!(put_together(text), None, "{text}");
        }
    }
}
