//! Findings as SARIF 2.1.0, for code scanning. A report names rules and places and never holds the
//! text that was found.

use std::fmt::Write as _;
use std::path::Path;

use bartizan_core::catalog::Meta;
use bartizan_core::{Severity, Verdict};
use bartizan_guard::{Judged, Report, detectors};
use serde_json::{Value, json};

use super::inputs::Input;
use super::places::Places;
use super::result::rounded;

/// Name of standard input, which has no address.
const STANDARD_INPUT: &str = "stdin";

/// Collects the results of one run.
#[derive(Debug, Default)]
pub(super) struct Sarif {
    artifacts: Vec<Value>,
    results: Vec<Value>,
    notifications: Vec<Value>,
    not_read: bool,
}

impl Sarif {
    /// Adds what was found in one text.
    pub(super) fn add(&mut self, input: &Input, text: &str, report: &Report) {
        let address = address(input);
        let index = self.artifacts.len();
        self.artifacts.push(json!({
            "location": { "uri": &address },
            "length": text.len(),
            "encoding": "utf-8",
        }));
        let mut places = Places::new(text);
        for judged in &report.judged {
            let region = region(&mut places, judged);
            let location = json!({
                "physicalLocation": {
                    "artifactLocation": { "uri": &address, "index": index },
                    "region": region,
                },
            });
            self.results.push(result(judged, &location));
        }
        for reason in &report.not_evaluated {
            self.note(&address, "warning", &format!("not evaluated: {reason}"));
        }
    }

    /// Adds an input that could not be read.
    pub(super) fn not_read(&mut self, input: &Input, reason: &str) {
        self.not_read = true;
        self.note(&address(input), "error", reason);
    }

    fn note(&mut self, address: &str, level: &str, text: &str) {
        self.notifications.push(json!({
            "level": level,
            "message": { "text": text },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": address } } }],
        }));
    }

    /// The whole document.
    pub(super) fn document(self) -> Value {
        let version = env!("CARGO_PKG_VERSION");
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {
                    "driver": {
                        "name": "bartizan",
                        "semanticVersion": version,
                        "rules": rules().map(rule).collect::<Vec<_>>(),
                    },
                },
                "columnKind": "unicodeCodePoints",
                "defaultEncoding": "utf-8",
                "invocations": [{
                    "executionSuccessful": !self.not_read,
                    "toolExecutionNotifications": self.notifications,
                }],
                "artifacts": self.artifacts,
                "results": self.results,
            }],
        })
    }
}

/// Every rule of this build: the catalogue, then those that a policy makes.
fn rules() -> impl Iterator<Item = &'static Meta> {
    let catalogue = detectors::ALL.iter().map(|detector| detector.meta());
    catalogue.chain(detectors::POLICY_MADE)
}

fn rule(meta: &Meta) -> Value {
    let docs = &meta.docs;
    let sections = [
        ("What it finds", docs.finds),
        ("Why it matters", docs.matters),
        ("Example", docs.example),
        ("Fix", docs.fix),
        ("Limits", docs.limits),
    ];
    let (mut text, mut markdown) = (String::new(), String::new());
    for (title, said) in sections {
        // Writing to a string cannot fail.
        let _ = write!(text, "{title}: {said}\n\n");
        let _ = write!(markdown, "**{title}** {said}\n\n");
    }
    let references: Vec<String> = meta.references.iter().map(ToString::to_string).collect();
    let mut tags = vec!["security".to_owned(), meta.category.name().to_owned()];
    tags.extend(references.iter().cloned());
    json!({
        "id": meta.id,
        "shortDescription": { "text": meta.summary },
        "fullDescription": { "text": docs.finds },
        "help": { "text": text.trim_end(), "markdown": markdown.trim_end() },
        "defaultConfiguration": { "level": level_of(meta.severity) },
        "properties": {
            "category": meta.category.name(),
            "severity": meta.severity.name(),
            "security-severity": score_of(meta.severity),
            "tags": tags,
        },
    })
}

fn result(judged: &Judged, location: &Value) -> Value {
    let finding = &judged.finding;
    let position = rules().position(|meta| meta.id == finding.rule);
    let summary = rules().find(|meta| meta.id == finding.rule).map_or("", |meta| meta.summary);
    let effective = judged.effective();
    let text = format!(
        "{summary}. Guardrail `{}` says {effective}{}.",
        judged.guardrail,
        if judged.dry_run { " in a dry run" } else { "" },
    );
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(effective),
        "message": { "text": text },
        "locations": [location],
        "properties": {
            "category": finding.category.name(),
            "severity": finding.severity.name(),
            "score": rounded(finding.score),
            "guardrail": judged.guardrail.as_str(),
            "verdict": effective.name(),
        },
    });
    let Some(fields) = result.as_object_mut() else { return result };
    if let Some(position) = position {
        fields.insert("ruleIndex".to_owned(), position.into());
    }
    if let Some(reason) = &judged.exception {
        let suppression = json!({ "kind": "external", "justification": &**reason });
        fields.insert("suppressions".to_owned(), json!([suppression]));
    }
    result
}

fn region(places: &mut Places<'_>, judged: &Judged) -> Value {
    let span = judged.finding.span;
    let start = places.of(span.start);
    let end = places.clone().of(span.end);
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "byteOffset": span.start,
        "byteLength": span.len(),
    })
}

/// What the guardrail decided says how loud a result is.
const fn level(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Block => "error",
        Verdict::Mask => "warning",
        Verdict::Flag | Verdict::Allow => "note",
    }
}

const fn level_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// In the ranges of CVSS that code scanning sorts by.
const fn score_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// A URI reference: relative paths stay relative.
fn address(input: &Input) -> String {
    let Input::File(path) = input else { return STANDARD_INPUT.to_owned() };
    let path = if path.is_relative() { path.strip_prefix(".").unwrap_or(path) } else { path };
    let mut out = if path.is_absolute() { "file://".to_owned() } else { String::new() };
    for byte in bytes(path) {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            other => {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

#[cfg(unix)]
fn bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(not(unix))]
fn bytes(path: &Path) -> Vec<u8> {
    let text = path.to_string_lossy().replace('\\', "/");
    if path.is_absolute() { format!("/{text}").into_bytes() } else { text.into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_addresses() {
        let of = |path: &str| address(&Input::File(path.into()));
        assert_eq!(of("./a b/ü.txt"), "a%20b/%C3%BC.txt");
        assert_eq!(of("/tmp/x"), "file:///tmp/x");
        assert_eq!(address(&Input::Standard), "stdin");
    }
}
