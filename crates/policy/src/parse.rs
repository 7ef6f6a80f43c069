//! YAML to the plain structs of `file`, strictly, and the parser's errors in our words.

use bartizan_core::limits::POLICY_BYTES;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Error, Options, UserMessageFormatter};

use crate::error::Problem;
use crate::file::{PolicyFile, UNSUPPORTED};
use crate::located::{MISSING_VALUE, Place};
use crate::snippet::quote;
use crate::suggest;

/// Deepest nesting of lists and maps. The format itself needs eight levels.
const DEPTH: usize = 32;

/// Reads the text. The first problem of form ends the reading.
pub(crate) fn parse(text: &str) -> Result<PolicyFile, Problem> {
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| explain(&error))
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEPTH,
            flow_nesting_limit: DEPTH,
            max_total_scalar_bytes: POLICY_BYTES as usize,
            // Many endpoints sharing one list of guardrails is what aliases are for; the number of
            // replayed events is bounded all the same.
            enforce_alias_anchor_ratio: false,
        },
        // Comments mean nothing here; counting them would let a well-commented file fail.
        emit_comments: false,
        duplicate_keys: DuplicateKeyPolicy::Error,
        // Anchors and aliases share a whole value, which is enough, and readable.
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn explain(error: &Error) -> Problem {
    if let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = error {
        return explain(error);
    }
    let place = error.location().and_then(Place::from_location);
    let problem = |message: String| Problem::new(place, message);
    match error {
        Error::SerdeUnknownField { field, expected, .. } => unknown_key(place, field, expected),
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            let problem = problem(format!("{} is not known here", quote(variant)));
            problem.help(did_you_mean(variant, expected))
        }
        Error::SerdeMissingField { field, .. } => {
            let problem = problem(format!("the key `{field}` is missing"));
            match *field {
                "version" => problem.help("start the file with `version: 1`"),
                field => problem.help(format!("add `{field}:` to this entry")),
            }
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().map_or_else(|| "a key".to_owned(), quote);
            problem(format!("{key} is given twice")).help("keep one of the two")
        }
        Error::SerdeInvalidType { unexpected, expected, .. }
        | Error::SerdeInvalidValue { unexpected, expected, .. } => {
            problem(format!("expected {}, found {}", plain(expected), kind(unexpected)))
        }
        Error::Unexpected { expected, .. } => problem(format!("expected {}", plain(expected))),
        Error::InvalidScalar { ty, .. } => problem(format!("expected {}", plain(ty))),
        Error::InvalidBooleanStrict { .. } => problem("expected `true` or `false`".to_owned()),
        Error::NullIntoString { .. } => missing_value(place),
        Error::Message { msg, .. } if msg == MISSING_VALUE => missing_value(place),
        Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. }
        | Error::ExpectedStringKeyForExternallyTaggedEnum { .. } => {
            problem("expected a map with one key".to_owned())
                .help("the key says which kind it is, such as `demo: {}` for a provider")
        }
        Error::ExpectedMappingEndAfterEnumVariantValue { .. } => {
            problem("one key says which kind it is, and a second one follows".to_owned())
                .help("keep one of the two")
        }
        Error::Eof { .. } => problem("the file is empty".to_owned())
            .help("`bartizan init` writes a commented file that runs"),
        Error::MultipleDocuments { .. } => {
            problem("the file holds more than one YAML document".to_owned())
                .help("remove what follows `---`")
        }
        Error::MergeKeyNotAllowed { .. } => problem("merge keys (`<<`) are not read".to_owned())
            .help("share a whole value: `guardrails: &shared […]`, then `guardrails: *shared`"),
        Error::UnknownAnchor { .. } => problem("no anchor of this name stands above".to_owned())
            .help("define it with `&name` before it is used"),
        Error::UnsupportedTag { tag, .. } => {
            problem(format!("the YAML tag {} is not read", quote(tag))).help("remove the tag")
        }
        Error::Budget { .. } => {
            problem(format!("the file is nested deeper than {DEPTH} levels or has too many parts"))
        }
        other => {
            let said = sentence(other);
            let problem = problem(format!("not valid YAML: {said}"));
            if said.contains("tab") { problem.help("indent with spaces") } else { problem }
        }
    }
}

fn missing_value(place: Option<Place>) -> Problem {
    Problem::new(place, MISSING_VALUE).help("give the key a value, or remove it")
}

fn unknown_key(place: Option<Place>, field: &str, expected: &[&'static str]) -> Problem {
    Problem::new(place, format!("unknown key {}", quote(field))).help(did_you_mean(field, expected))
}

fn did_you_mean(given: &str, expected: &[&'static str]) -> String {
    let known = || expected.iter().copied().filter(|name| !UNSUPPORTED.contains(name));
    match suggest::nearest(given, known()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if expected.is_empty() => "nothing is known here; remove it".to_owned(),
        None => format!("known here: {}", suggest::list(known())),
    }
}

/// Serde names Rust types; people write YAML.
fn plain(expected: &str) -> &str {
    match expected {
        "u64" | "unsigned integer" => "a whole number",
        "f64" | "float" => "a number",
        "bool" | "boolean" | "a boolean" => "`true` or `false`",
        "string" | "a string" | "string scalar" | "string or bytes scalar" => "text",
        "sequence" | "a sequence" | "sequence start" => "a list",
        "mapping" | "map" | "a map" | "mapping start" => "a map of keys",
        other if other.starts_with("struct ") => "a map of keys",
        other => other,
    }
}

/// What was found, by kind only: the value itself may be a credential.
fn kind(unexpected: &str) -> &str {
    match unexpected.split([' ', '`', '"']).next().unwrap_or_default() {
        "string" | "character" => "text",
        "integer" | "floating" => "a number",
        "boolean" => "`true` or `false`",
        "sequence" => "a list",
        "map" => "a map of keys",
        "unit" | "Option" => "no value",
        _ => "something else",
    }
}

/// The parser's own words, one line, without its place, which is shown apart.
fn sentence(error: &Error) -> String {
    let text = match error {
        Error::ExternalMessage { msg, .. } | Error::Message { msg, .. } => msg.clone(),
        other => other.render_with_formatter(&UserMessageFormatter),
    };
    let line = text.lines().next().unwrap_or_default();
    line.split(" at line ").next().unwrap_or_default().trim_end_matches('.').to_owned()
}
