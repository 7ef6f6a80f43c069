//! Regular expressions that a policy may use: linear time, bounded length, bounded size.
//!
//! A guard reads streams and holds back only what a match may still reach, so every pattern says how
//! long its longest match is. Matching belongs to the guard.

use regex_syntax::ast;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::snippet::quote;

/// Longest pattern, and longest text one may match, in bytes.
pub(crate) const MAX_BYTES: usize = 1024;
/// Most parts of a pattern once its repetitions are written out; `\w{100}` has about 80,000.
const MAX_PARTS: u64 = 100_000;

/// Why a pattern cannot be used: what is wrong, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) help: &'static str,
}

/// Checks a pattern.
pub(crate) fn check(pattern: &str) -> Result<(), Refusal> {
    let refuse = |message: String, help: &'static str| Err(Refusal { message, help });
    if pattern.len() > MAX_BYTES {
        return refuse(
            format!("a pattern has {} bytes, at most {MAX_BYTES} may be", pattern.len()),
            "split it into several patterns",
        );
    }
    let shown = quote(pattern);
    let hir = match regex_syntax::parse(pattern) {
        Ok(hir) => hir,
        Err(error) => {
            return match unsupported(&error) {
                Some((what, help)) => refuse(format!("pattern {shown} uses {what}"), help),
                None => refuse(
                    format!("{shown} is not a regular expression: {}", reason(&error)),
                    "quote the pattern with '…' so that YAML leaves backslashes alone",
                ),
            };
        }
    };
    let properties = hir.properties();
    if properties.look_set().contains_anchor() {
        return refuse(
            format!("pattern {shown} uses an anchor (`^`, `$`, `\\A`, `\\z`)"),
            "a stream has no start or end to see; use `\\b` or write what stands beside",
        );
    }
    match properties.minimum_len() {
        None => {
            return refuse(format!("pattern {shown} can never match"), "remove or mend it");
        }
        Some(0) => {
            return refuse(
                format!("pattern {shown} matches the empty text, and so everywhere"),
                "demand at least one character, such as with `+` with a bound: `{1,64}`",
            );
        }
        Some(_) => {}
    }
    match properties.maximum_len() {
        None => {
            return refuse(
                format!("pattern {shown} has no longest match"),
                "give repetitions a bound: `{0,64}` for `*`, `{1,64}` for `+`",
            );
        }
        Some(longest) if longest > MAX_BYTES => {
            return refuse(
                format!("pattern {shown} can match {longest} bytes, at most {MAX_BYTES} may be"),
                "use smaller bounds; `[0-9A-Za-z_]` takes one byte where `\\w` may take four",
            );
        }
        Some(_) => {}
    }
    if parts(&hir) > MAX_PARTS {
        return refuse(
            format!("pattern {shown} is too large once its repetitions are written out"),
            "use smaller bounds, or `[0-9A-Za-z_]` for `\\w` and `[0-9]` for `\\d`",
        );
    }
    Ok(())
}

/// What a linear engine cannot do.
fn unsupported(error: &regex_syntax::Error) -> Option<(&'static str, &'static str)> {
    let regex_syntax::Error::Parse(error) = error else { return None };
    match error.kind() {
        ast::ErrorKind::UnsupportedLookAround => Some((
            "look-around, which takes more than linear time",
            "match the surroundings themselves, or use `\\b`",
        )),
        ast::ErrorKind::UnsupportedBackreference => Some((
            "a back-reference, which takes more than linear time",
            "write the alternatives out",
        )),
        _ => None,
    }
}

fn reason(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        regex_syntax::Error::Translate(error) => error.kind().to_string(),
        _ => "it cannot be read".to_owned(),
    }
}

/// Parts of the automaton, roughly. Recursion is as deep as the pattern nests, which the parser
/// bounds.
fn parts(hir: &Hir) -> u64 {
    let sum = |hirs: &[Hir]| hirs.iter().fold(0_u64, |sum, hir| sum.saturating_add(parts(hir)));
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(Class::Unicode(class)) => class.ranges().len() as u64,
        HirKind::Class(Class::Bytes(class)) => class.ranges().len() as u64,
        HirKind::Repetition(repetition) => {
            let times = u64::from(repetition.max.unwrap_or(repetition.min).max(1));
            parts(&repetition.sub).saturating_mul(times)
        }
        HirKind::Capture(capture) => parts(&capture.sub).saturating_add(1),
        HirKind::Concat(hirs) | HirKind::Alternation(hirs) => sum(hirs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(pattern: &str) -> String {
        check(pattern).unwrap_err().message
    }

    #[test]
    fn accepts_bounded_patterns() {
        for fine in [r"\bPROJ-\d{1,6}\b", "(?i)internal only", "a|b{2,3}", r"[^\s]{1,200}x"] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
    }

    #[test]
    fn refuses_what_is_not_linear_or_not_bounded() {
        assert!(refusal("(?=a)b").contains("look-around"));
        assert!(refusal("(?<!a)b").contains("look-around"));
        assert!(refusal(r"(a)\1").contains("back-reference"));
        assert!(refusal("ab*").contains("no longest match"));
        assert!(refusal("a{1025}").contains("can match 1025 bytes"));
        assert!(refusal("a?").contains("empty text"));
        assert!(refusal("^a").contains("anchor"));
        assert!(refusal("(").contains("not a regular expression"));
        assert!(refusal(&"a".repeat(1025)).contains("1025 bytes"));
    }

    #[test]
    fn refuses_patterns_that_explode() {
        assert!(refusal(r"\w{250}").contains("too large"));
        assert!(refusal(r"(?:\w{20}){10}").contains("too large"));
    }
}
