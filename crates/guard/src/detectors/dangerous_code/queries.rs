//! Queries and pages that are put together from strings.

use bartizan_core::Severity;

use crate::rules::{Rule, starts_word};

const LOW: Severity = Severity::Low;
const MEDIUM: Severity = Severity::Medium;

/// What makes a sentence a query, up to the end of a string in the given quotes.
macro_rules! query {
    ($inside:literal) => {
        concat!(
            r"\s{1,4}(?:into\s{1,4}[\w.]{1,64}[\s(]|from\s{1,4}[\w.]{1,64}\s|[\w.]{1,64}\s{1,4}set\s|\*\s{1,4}from\s",
            r"|\w[\w.]{0,64}\s{1,4}from\s{1,4}[\w.]{1,64}\s{1,4}where\s|",
            $inside,
            r"{1,120}?[,(*]",
            $inside,
            r"{1,120}?\sfrom\s)",
            $inside,
            "{0,160}?"
        )
    };
}

/// SQL that values are written into.
pub(super) const QUERIES: &[Rule] = &[
    Rule::new(VERBS, concat!(query!(r#"[^"]"#), r#"\{[a-z_]"#), "CODE_SQL", MEDIUM, 89)
        .behind(|lead| in_string(lead, b'"', b"f$"))
        .scored(0.8),
    Rule::new(VERBS, concat!(query!("[^']"), r"\{[a-z_]"), "CODE_SQL", MEDIUM, 89)
        .behind(|lead| in_string(lead, b'\'', b"f"))
        .scored(0.8),
    Rule::new(VERBS, concat!(query!("[^`]"), r"\$\{[a-z_]"), "CODE_SQL", MEDIUM, 89)
        .behind(|lead| lead.ends_with(b"`") || lead.trim_ascii_end().ends_with(b"`"))
        .scored(0.7),
    Rule::new(VERBS, concat!(query!(r#"[^"\n]"#), r#"(?:(?:=|like|in|values|,)\s{0,2}[('% ]{0,4})\\?"\s{0,8}(?:\+\s{0,8}[a-z_$(]|\.\s{0,2}\$|%\s{0,2}[(a-z_]|\.format\s{0,2}\(|&\s{0,2}[a-z])"#), "CODE_SQL", MEDIUM, 89)
        .behind(|lead| in_string(lead, b'"', b""))
        .scored(0.8),
    Rule::new(VERBS, concat!(query!(r#"[^"\n]"#), r#"(?:%s|\{\}|\{\d\})[^"\n]{0,40}\\?"(?:""?)?\s{0,8}(?:%\s{0,2}[(a-z_]|\.format\s{0,2}\()"#), "CODE_SQL", MEDIUM, 89)
        .behind(|lead| in_string(lead, b'"', b""))
        .scored(0.8),
    Rule::new(VERBS, concat!(query!(r"[^'\n]"), r"'\s{0,8}(?:\+\s{0,8}[a-z_$(]|\.\s{0,2}\$|%\s{0,2}[(a-z_]|\.format\s{0,2}\()"), "CODE_SQL", MEDIUM, 89)
        .behind(|lead| in_string(lead, b'\'', b""))
        .scored(0.8),
    Rule::new(VERBS, concat!(query!(r#"[^"\n]"#), r"(?:=|like|in|values|,)\s{0,2}[('%]{0,4}(?:\$[a-z_]|\{\$[a-z_]|#\{)"), "CODE_SQL", MEDIUM, 89)
        .behind(|lead| in_string(lead, b'"', b""))
        .scored(0.7),
    Rule::new(VERBS, concat!(query!(r#"[^"\n]"#), r#"(?:=|like|in|values|,)\s{0,2}[('%]{0,4}%[svd]"#), "CODE_SQL", MEDIUM, 89)
        .behind(is_formatted)
        .scored(0.7),
];

const VERBS: &[&str] = &["select", "insert", "update", "delete", "replace"];

/// Pages, templates and files.
pub(super) const PAGES: &[Rule] = &[
    Rule::new(&[".innerhtml", ".outerhtml"], r#"\s{0,2}\+?=\s{0,4}(?:["'][^"'\n]{0,120}["']\s{0,4}\+|`[^`]{0,200}?\$\{|[a-z_$][\w.$\[\]()]{0,60}\s{0,2}[;+\n])"#, "CODE_MARKUP", LOW, 79)
        .anywhere()
        .scored(0.6),
    Rule::new(&[").html", ").append", ").prepend"], r#"\s{0,2}\(\s{0,4}(?:[a-z_$][\w.$]{0,20}(?:input|html|data|comment|body|message|name|text)\w{0,12}\s{0,4}[)+]|location\.|["'][^"'\n]{0,80}<[^"'\n]{0,80}["']\s{0,4}\+)"#, "CODE_MARKUP", LOW, 79)
        .behind(|lead| lead.rsplit(|byte| *byte == b'\n').next().is_some_and(|line| line.contains(&b'$')))
        .scored(0.6),
    Rule::new(&["v-html"], r#"\s{0,2}=\s{0,2}\\?["'][a-z_$]"#, "CODE_MARKUP", LOW, 79).scored(0.6),
    Rule::new(&["insertadjacenthtml"], r#"\s{0,2}\(\s{0,4}["'`]\w{5,12}["'`]\s{0,2},\s{0,8}(?:[a-z_$]|`[^`]{0,200}?\$\{|["'][^"'\n]{0,120}["']\s{0,4}\+)"#, "CODE_MARKUP", LOW, 79)
        .scored(0.6),
    Rule::new(&["document.write", "document.writeln"], r#"\s{0,2}\(\s{0,8}(?:[a-z_$]|["'][^"'\n]{0,120}["']\s{0,4}\+|`[^`\n]{0,160}\$\{)"#, "CODE_MARKUP", LOW, 79),
    Rule::new(&["dangerouslysetinnerhtml"], r"\s{0,2}=\s{0,2}\{", "CODE_MARKUP", LOW, 79).scored(0.6),
    Rule::new(&["echo", "print", "<?="], r#"\s{0,2}\(?(?:\s{0,4}["'][^"'\n]{0,80}["']\s{0,2}[.,])?\s{0,4}\$_(?:get|post|request|cookie)\["#, "CODE_MARKUP", LOW, 79),
    Rule::new(&["mark_safe", "markup"], r#"\s{0,2}\(\s{0,8}(?:f["']|["'][^"'\n]{0,120}["']\s{0,4}[+%]|request\.)"#, "CODE_MARKUP", LOW, 79),
    Rule::new(&["autoescape"], r"\s{0,2}=\s{0,2}(?-i:False)\b", "CODE_MARKUP", LOW, 79),
    Rule::new(&["render_template_string"], r#"\s{0,2}\(\s{0,8}(?:f["']|["'][^"'\n]{0,160}["']\s{0,4}(?:\+|%|\.format)|request\.|\w{0,20}(?:user|input)\w{0,20})"#, "CODE_TEMPLATE", MEDIUM, 1336)
        .scored(0.8),
    Rule::new(&["include", "include_once", "require", "require_once"], r"[\s(]{1,4}\$_(?:get|post|request|cookie)\[", "CODE_INCLUDE", MEDIUM, 98)
        .scored(0.9),
];

/// Whether a string in these quotes begins right before, with one of the prefixes, or with none where
/// there are none to choose from. Several quotes and blanks may stand between.
fn in_string(lead: &[u8], quote: u8, prefixes: &[u8]) -> bool {
    let lead = lead.trim_ascii_end();
    let quotes = lead.iter().rev().take_while(|byte| **byte == quote || **byte == b'\\').count();
    let before = lead.get(..lead.len() - quotes).unwrap_or_default();
    let prefix = before.last().map(u8::to_ascii_lowercase);
    let is_word =
        before.len() > 1 && !starts_word(before.get(..before.len() - 1).unwrap_or_default());
    if quotes == 0 {
        return false;
    }
    if prefixes.is_empty() {
        return !prefix.is_some_and(|byte| byte.is_ascii_alphanumeric()) || is_raw(before);
    }
    prefix.is_some_and(|byte| prefixes.contains(&byte)) && !is_word
}

/// Whether a prefix such as `r` or `b` stands there alone.
fn is_raw(before: &[u8]) -> bool {
    matches!(before.last(), Some(b'r' | b'R' | b'b' | b'u' | b'L'))
        && before.len() > 1
        && starts_word(before.get(..before.len() - 1).unwrap_or_default())
}

/// Whether the string is the first argument of a function that formats.
fn is_formatted(lead: &[u8]) -> bool {
    let Some(lead) = lead.strip_suffix(b"\"") else { return false };
    let lead = lead.trim_ascii_end().to_ascii_lowercase();
    ["sprintf(", "string.format(", "format!(", "printf("]
        .iter()
        .any(|name| lead.ends_with(name.as_bytes()))
}
