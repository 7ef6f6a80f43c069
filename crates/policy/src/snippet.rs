//! Source lines with carets, safe to print on any terminal and in any log.

use std::fmt::Write as _;

use crate::located::Place;

/// Widest part of a source line that is shown, in characters.
const WIDTH: usize = 100;
/// Characters kept before the caret when a line is cut.
const LEAD: usize = 30;
/// Longest source line that is shown at all, in bytes.
const LONGEST: usize = 64 << 10;
/// Most characters of a value quoted in a message.
const QUOTED: usize = 60;
/// Stands for a credential.
const HIDDEN: char = '•';

/// Keys whose values are not to be shown when they are not references.
const SECRET_KEYS: [&str; 11] = [
    "canaries",
    "mask-key",
    "api-key",
    "api_key",
    "apikey",
    "token",
    "secret",
    "password",
    "key",
    "authorization",
    "credentials",
];

/// `value` in backticks, cut to a readable length.
pub(crate) fn quote(value: &str) -> String {
    let mut shown: String = value.chars().take(QUOTED).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// The text without characters that would move the cursor or change the reading order.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(shown).collect()
}

fn shown(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => '\u{FFFD}',
        c if c.is_control() => '\u{FFFD}',
        c => c,
    }
}

/// The source line at `place`, printable; credentials become dots of the same number, so that
/// columns stay. With `is_secret`, what stands at `place` does.
pub(crate) fn line(text: &str, place: Place, is_secret: bool) -> Option<String> {
    let number = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let line = text.lines().nth(number).filter(|line| line.len() <= LONGEST)?;
    let mut chars: Vec<char> = line.chars().map(shown).collect();
    hide_credentials(&mut chars);
    if is_secret {
        let start = usize::try_from(place.column).ok()?.saturating_sub(1);
        hide(&mut chars, start, start.saturating_add(usize::try_from(place.chars).ok()?));
    }
    Some(chars.into_iter().collect())
}

/// Hides what follows a key such as `api-key:` unless it is a reference.
fn hide_credentials(chars: &mut [char]) {
    let lower: Vec<char> = chars.iter().map(char::to_ascii_lowercase).collect();
    let mut hidden_to = 0;
    for colon in (0..lower.len()).filter(|index| lower.get(*index) == Some(&':')) {
        if colon >= hidden_to && names_credential(&lower, colon) {
            hidden_to = value_end(&lower, colon + 1);
            hide(chars, colon + 1, hidden_to);
        }
    }
}

/// Whether the colon ends a key for credentials and no reference follows. Looks at a bounded
/// stretch on both sides, so that a long line costs linear time.
fn names_credential(lower: &[char], colon: usize) -> bool {
    let text = |from: usize, to: usize| -> String {
        lower.iter().skip(from).take(to.saturating_sub(from)).collect()
    };
    let before = text(colon.saturating_sub(24), colon);
    let key = before.trim_end_matches([' ', '"', '\'']);
    let named = SECRET_KEYS.iter().any(|name| {
        key.strip_suffix(name).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
    });
    let after = text(colon + 1, colon + 24);
    let value = after.trim_start_matches([' ', '"', '\'']);
    // A colon without a space after it stands inside a value (`env:KEY`, a port, a URL).
    let is_mapping = after.is_empty() || after.starts_with([' ', '"', '\'']);
    named && is_mapping && !value.starts_with("env:") && !value.starts_with("file:")
}

/// Index after the value that starts at `start`: a closing brace or a comment ends it, and outside of
/// a list a comma.
fn value_end(chars: &[char], start: usize) -> usize {
    let is_list = chars.iter().skip(start).find(|c| **c != ' ') == Some(&'[');
    let mut quote = None;
    let mut previous = ' ';
    for (index, c) in chars.iter().enumerate().skip(start) {
        match (quote, *c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') if previous == ' ' => quote = Some(*c),
            (None, ',') if is_list => {}
            (None, ',' | '}' | ']') => return index,
            (None, '#') if previous == ' ' => return index,
            _ => {}
        }
        previous = *c;
    }
    chars.len()
}

fn hide(chars: &mut [char], start: usize, end: usize) {
    for (index, c) in chars.iter_mut().enumerate() {
        if index >= start && index < end && *c != ' ' {
            *c = HIDDEN;
        }
    }
}

/// Writes place, line and caret.
pub(crate) fn render(source_name: &str, place: Place, line: &str, out: &mut String) {
    let chars: Vec<char> = line.chars().collect();
    let caret = usize::try_from(place.column).unwrap_or(1).saturating_sub(1).min(chars.len());
    let from = if chars.len() <= WIDTH { 0 } else { caret.saturating_sub(LEAD) };
    let mut window: String = chars.iter().skip(from).take(WIDTH).collect();
    let mut offset = caret - from;
    if from > 0 {
        window.insert(0, '…');
        offset += 1;
    }
    if from + WIDTH < chars.len() {
        window.push('…');
    }
    let shown = window.trim_end();
    let room = shown.chars().count().saturating_sub(offset).max(1);
    let width = usize::try_from(place.chars).unwrap_or(1).clamp(1, room);

    let number = place.line.to_string();
    let gutter = " ".repeat(number.len());
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{gutter}--> {source_name}:{number}:{}", place.column);
    let _ = writeln!(out, "{gutter} |");
    let _ = writeln!(out, "{number} | {shown}");
    let _ = writeln!(out, "{gutter} | {}{}", " ".repeat(offset), "^".repeat(width));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_line(text: &str) -> String {
        line(text, Place { line: 1, column: 1, chars: 1, byte: None }, false).unwrap()
    }

    #[test]
    fn hides_credentials_and_keeps_columns() {
        for (given, expected) in [
            ("api-key: sk-1 # mine", "api-key: •••• # mine"),
            ("{ api_key: 'a,b', base-url: x }", "{ api_key: •••••, base-url: x }"),
            ("\"token\": abc", "\"token\": •••"),
            ("api-key: env:OPENAI_API_KEY", "api-key: env:OPENAI_API_KEY"),
            ("tokens: 10k/min", "tokens: 10k/min"),
            ("monkey: banana", "monkey: banana"),
        ] {
            assert_eq!(shown_line(given), expected);
        }
    }

    #[test]
    fn never_prints_control_characters() {
        assert_eq!(shown_line("a\u{1b}[31m\u{202e}b\tc"), "a\u{FFFD}[31m\u{FFFD}b c");
    }

    #[test]
    fn cuts_long_lines_around_the_caret() {
        let text = format!("{}here{}", "x".repeat(500), "y".repeat(500));
        let place = Place { line: 1, column: 501, chars: 4, byte: None };
        let mut out = String::new();
        render("f", place, &text, &mut out);
        let lines: Vec<&str> = out.lines().collect();
        let at = lines[3].find('^').unwrap();
        let under: String = lines[2].chars().skip(at).take(4).collect();
        assert_eq!(under, "here");
        assert!(lines[2].chars().count() < 120);
    }
}
