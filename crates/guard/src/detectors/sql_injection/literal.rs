//! Where a value of a query ends, and whether a comparison of two constants says anything.

/// How a value ended before a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// Not: what stands there belongs to the query.
    None,
    /// By a quote that opens nothing, or closes nothing but itself.
    Quote,
    /// By a number, with a sign or as the parameter of a URL.
    OddNumber,
    /// By a number, or by a quoted value that was opened within the text.
    Value,
}

/// How the value ended, of which `lead` holds the last bytes.
pub(super) fn exit(lead: &[u8]) -> Exit {
    let lead = without_space(lead);
    let lead = trim_end(lead, |byte| matches!(byte, b')' | b'('));
    let lead = without_space(lead);
    match lead.last() {
        Some(quote @ (b'\'' | b'"' | b'`')) => after_quote(lead, *quote),
        Some(byte) if byte.is_ascii_digit() => after_number(lead),
        _ => Exit::None,
    }
}

/// As [`exit`], of a statement that a `;` ended.
pub(super) fn statement_exit(lead: &[u8]) -> Exit {
    let lead = trim_end(lead, |byte| matches!(byte, b' ' | b'\t' | b'+'));
    lead.strip_suffix(b";").map_or(Exit::None, exit)
}

/// Without white space and comments at the end.
fn without_space(mut lead: &[u8]) -> &[u8] {
    loop {
        let rest = trim_end(lead, |byte| byte.is_ascii_whitespace() || byte == b'+');
        let rest = match rest.strip_suffix(b"*/") {
            Some(comment) => {
                let open = comment.windows(2).rposition(|window| window == b"/*");
                open.and_then(|open| comment.get(..open)).unwrap_or(rest)
            }
            None => rest,
        };
        if rest.len() == lead.len() {
            return rest;
        }
        lead = rest;
    }
}

fn trim_end(bytes: &[u8], takes: impl Fn(u8) -> bool) -> &[u8] {
    let count = bytes.iter().rev().take_while(|byte| takes(**byte)).count();
    bytes.get(..bytes.len() - count).unwrap_or_default()
}

/// Longest value whose opening quote is looked for, in bytes.
const MAX_VALUE_BYTES: usize = 80;

fn after_quote(lead: &[u8], quote: u8) -> Exit {
    let inside = lead.get(..lead.len() - 1).unwrap_or_default();
    // The quote of a string in JSON or code has its backslash.
    let (inside, escaped) = match inside.strip_suffix(b"\\") {
        Some(inside) => (inside, true),
        None => (inside, false),
    };
    let from = inside.len().saturating_sub(MAX_VALUE_BYTES);
    let near = inside.get(from..).unwrap_or_default();
    let near = near.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let opens = |(at, byte): (usize, &u8)| {
        *byte == quote && escaped == (at.checked_sub(1).and_then(|at| near.get(at)) == Some(&b'\\'))
    };
    let open = near.iter().enumerate().rev().find(|place| opens(*place)).map(|(at, _)| at);
    let Some(open) = open else { return Exit::Quote };
    let before = near.get(..open).unwrap_or_default();
    let value = near.get(open + 1..).unwrap_or_default();
    if value.is_empty() || value == b"\\" {
        return if ends_in_operator(before) { Exit::Quote } else { Exit::Value };
    }
    // A quote behind a letter closes: what follows it is no value.
    let closes = before.last().is_some_and(u8::is_ascii_alphanumeric);
    if closes { Exit::Quote } else { Exit::Value }
}

fn ends_in_operator(before: &[u8]) -> bool {
    trim_end(before, |byte| byte == b' ').last().is_some_and(|byte| b"=<>".contains(byte))
}

fn after_number(lead: &[u8]) -> Exit {
    let before = trim_end(lead, |byte| byte.is_ascii_alphanumeric());
    let number = lead.get(before.len()..).unwrap_or_default();
    if number.len() > 12 || !number.iter().all(u8::is_ascii_digit) {
        return Exit::None;
    }
    let name = trim_end(before, |byte| byte == b'=');
    let name_start = trim_end(name, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let is_parameter = name.len() < before.len()
        && name_start.len() < name.len()
        && name_start.last().is_none_or(|byte| matches!(byte, b'?' | b'&' | b'"' | b'`'));
    if before.last() == Some(&b'-') || is_parameter { Exit::OddNumber } else { Exit::Value }
}

/// Whether `text` compares two constants, and goes on as `closing` says. Both are what follows a word
/// such as `or`; an even comparison holds, an odd one does not.
pub(super) fn compares_constants(text: &[u8]) -> bool {
    let mut rest = text;
    skip(&mut rest);
    if let Some(negated) = strip_word(rest, b"not") {
        rest = negated;
        skip(&mut rest);
    }
    let Some(left) = constant(&mut rest) else { return false };
    skip(&mut rest);
    let Some(operator) = operator(&mut rest) else { return false };
    skip(&mut rest);
    let Some(right) = constant(&mut rest) else { return false };
    match operator {
        Operator::Equal => left == right || is_number(left) && is_number(right),
        Operator::Order => is_number(left) == is_number(right),
    }
}

#[derive(Clone, Copy)]
enum Operator {
    Equal,
    Order,
}

fn operator(rest: &mut &[u8]) -> Option<Operator> {
    let operators: [(&[u8], Operator); 8] = [
        (b"<=>", Operator::Equal),
        (b"<>", Operator::Order),
        (b"!=", Operator::Order),
        (b">=", Operator::Order),
        (b"<=", Operator::Order),
        (b"=", Operator::Equal),
        (b">", Operator::Order),
        (b"<", Operator::Order),
    ];
    let like = strip_word(rest, b"like").map(|rest| (rest, Operator::Equal));
    let found = operators
        .iter()
        .find_map(|(text, operator)| rest.strip_prefix(*text).map(|rest| (rest, *operator)));
    let (after, operator) = like.or(found)?;
    // `==` is of other languages.
    if after.first() == Some(&b'=') {
        return None;
    }
    *rest = after;
    Some(operator)
}

fn strip_word<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(word.len())?;
    let ends = !rest.first().is_some_and(u8::is_ascii_alphanumeric);
    (head.eq_ignore_ascii_case(word) && ends).then_some(rest)
}

fn skip(rest: &mut &[u8]) {
    loop {
        let trimmed = rest
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace() || matches!(byte, b'(' | b'+' | b'\\'))
            .count();
        let mut after = rest.get(trimmed..).unwrap_or_default();
        if let Some(comment) = after.strip_prefix(b"/*") {
            let end = comment.windows(2).position(|window| window == b"*/");
            after = end.and_then(|end| comment.get(end + 2..)).unwrap_or_default();
        }
        if after.len() == rest.len() {
            return;
        }
        *rest = after;
    }
}

/// A number, or what stands between quotes; the last quote may be that of the query.
fn constant<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let text = *rest;
    let quote = text.first().copied().filter(|byte| matches!(byte, b'\'' | b'"'));
    let body = if quote.is_some() { text.get(1..)? } else { text };
    let ends = |byte: &u8| match quote {
        Some(quote) => *byte == quote || *byte == b'\\',
        None => !byte.is_ascii_alphanumeric() && *byte != b'.',
    };
    let len = body.iter().position(ends).unwrap_or(body.len());
    let (value, after) = body.split_at_checked(len)?;
    if quote.is_none() && !is_number(value) {
        return None;
    }
    let after = after.strip_prefix(b"\\").unwrap_or(after);
    *rest = if quote.is_some() { after.get(1..).unwrap_or_default() } else { after };
    Some(value)
}

fn is_number(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_by_quotes_that_open_nothing() {
        for (lead, expected) in [
            ("admin' ", Exit::Quote),
            ("x') ", Exit::Quote),
            ("name = '' ", Exit::Quote),
            ("name = 'Bob' ", Exit::Value),
            ("It's Bob' ", Exit::Quote),
            ("'/**/", Exit::Quote),
            ("?id=1 ", Exit::OddNumber),
            ("-1 ", Exit::OddNumber),
            ("id = 1 ", Exit::Value),
            ("a.b ", Exit::None),
            ("", Exit::None),
        ] {
            assert_eq!(exit(lead.as_bytes()), expected, "{lead:?}");
        }
        assert_eq!(statement_exit(b"x'; "), Exit::Quote);
        assert_eq!(statement_exit(b"('x');\n"), Exit::None);
    }

    #[test]
    fn constants_are_told_from_columns() {
        for text in [" 1=1", " '1'='1", " 2 > 1", "/**/'a' like 'a'", " ('x'='x", " not 1=2"] {
            assert!(compares_constants(text.as_bytes()), "{text}");
        }
        for text in [" name = 'x'", " 1 == 1", " 'a' = b", " 'a'='b'", " x=x", ""] {
            assert!(!compares_constants(text.as_bytes()), "{text}");
        }
    }
}
