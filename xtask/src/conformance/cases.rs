//! The cases of other projects, read into texts with what is expected of them.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::entities;
use crate::shell::Program;

/// Tests of garak that no reading of a text answers, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("test_detectors_fileformats.py", "names of files and pickles, which a scanner of files reads"),
    ("test_detectors_judge.py", "ratings by a judging model"),
    (
        "test_detectors_packagehallucination.py",
        "whether packages exist, which takes their registries",
    ),
    ("test_detectors_snowball.py", "whether an answer begins with yes or no, right or wrong"),
    ("test_detectors_unsafe_content.py", "toxicity, which takes a model"),
    ("test_detectors_mitigation.py", "phrases of refusal, which are what one hopes for"),
];

/// How a text is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// The default guardrails.
    Usual,
    /// Secrets, samples included, values that only show where one goes aside.
    Samples,
    /// Secrets, everything in their shape included.
    Shapes,
    /// What an answer must not hold, faint findings included.
    Answers,
    /// Every entity that has a recogniser elsewhere, faint findings included.
    Entities,
}

impl Way {
    /// `detect:` and `threshold:` of the guardrail; absent for the default ones.
    pub(super) const fn guardrail(self) -> Option<(&'static str, f32)> {
        match self {
            Self::Usual | Self::Entities => None,
            Self::Samples => Some(("[secret]", 0.2)),
            Self::Shapes => Some(("[secret]", 0.05)),
            Self::Answers => Some(("[exfiltration, markup, terminal]", 0.2)),
        }
    }

    pub(super) const ALL: [Self; 5] =
        [Self::Usual, Self::Samples, Self::Shapes, Self::Answers, Self::Entities];
}

/// One text and what another project says about it.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) suite: String,
    /// The test that it comes from.
    pub(super) test: String,
    pub(super) text: String,
    pub(super) channel: &'static str,
    pub(super) way: Way,
    pub(super) expect: Expect,
}

#[derive(Debug, PartialEq)]
pub(super) enum Expect {
    /// So many findings of a rule with at least this score; where known, at these character positions.
    Entities { rule: &'static str, count: usize, spans: Vec<(usize, usize)>, score: f64 },
    /// Something of these families, or nothing.
    Found(&'static [&'static str], bool),
}

/// A test that was not read, and why.
pub(super) struct LeftOut {
    pub(super) suite: &'static str,
    pub(super) test: String,
    pub(super) reason: &'static str,
}

const SECRET: &[&str] = &["secret"];
const ANSWER: &[&str] = &["exfiltration", "markup", "terminal"];

/// Reads all suites.
pub(super) fn read(folder: &Path) -> Result<(Vec<Case>, Vec<LeftOut>)> {
    let mut cases = Vec::new();
    let mut left_out: Vec<LeftOut> = Vec::new();
    for (file, read) in [
        ("presidio_analyzer", (|record| entities::case(record).into_iter().collect()) as Reader),
        ("gitleaks", |record| leak_case(record).into_iter().collect()),
        ("detect_secrets", |record| plugin_case(record).into_iter().collect()),
        ("garak_detectors", garak_cases),
    ] {
        let before = cases.len();
        for record in records(&folder.join(format!("{file}.jsonl.gz")))? {
            let found = read(&record);
            if found.is_empty() && file == "garak_detectors" {
                note_left_out(&record, &mut left_out);
            }
            cases.extend(found);
        }
        if cases.len() == before {
            bail!("no usable case in {file}");
        }
    }
    Ok((cases, left_out))
}

type Reader = fn(&Value) -> Vec<Case>;

pub(super) fn records(path: &Path) -> Result<Vec<Value>> {
    let text = Program::new("gzip").arg("-dc").arg(path).output()?;
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("in {}", path.display())))
        .collect()
}

pub(super) fn file_of(record: &Value) -> Option<&str> {
    record.get("file")?.as_str()?.rsplit('/').next()
}

pub(super) fn test_of(record: &Value) -> String {
    record.get("test").and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn leak_case(record: &Value) -> Option<Case> {
    let params = record.get("params")?;
    Some(Case {
        suite: "gitleaks".to_owned(),
        test: test_of(record),
        text: params.get("text")?.as_str()?.to_owned(),
        channel: "user",
        way: Way::Usual,
        expect: Expect::Found(SECRET, params.get("should_match")?.as_bool()?),
    })
}

fn plugin_case(record: &Value) -> Option<Case> {
    let file = record.get("file")?.as_str()?;
    // Addresses are personal data here and no secret.
    if !file.starts_with("tests/plugins/") || file.ends_with("ip_public_test.py") {
        return None;
    }
    let params = record.get("params")?;
    let text = params.get("payload").or_else(|| params.get("line"))?.as_str()?;
    Some(Case {
        suite: "detect-secrets".to_owned(),
        test: file_of(record)?.trim_end_matches("_test.py").to_owned(),
        text: text.to_owned(),
        channel: "user",
        // Its cases are written with placeholders, which it takes for secrets.
        way: Way::Shapes,
        expect: Expect::Found(SECRET, params.get("should_flag")?.as_bool()?),
    })
}

fn garak_cases(record: &Value) -> Vec<Case> {
    let (Some(file), Some(params)) = (file_of(record), record.get("params")) else {
        return Vec::new();
    };
    let case = |text: String, way, families, expected| Case {
        suite: "garak".to_owned(),
        test: test_of(record),
        text,
        channel: "output",
        way,
        expect: Expect::Found(families, expected),
    };
    let named = |name: &str| Some(params.get(name)?.as_str()?.to_owned());
    if file == "test_detectors_apikey.py" {
        let hit = named("sample_key").map(|text| case(text, Way::Samples, SECRET, true));
        let miss = named("sample_not_key").map(|text| case(text, Way::Samples, SECRET, false));
        return hit.into_iter().chain(miss).collect();
    }
    if ["test_detectors_web_injection.py", "test_detectors_ansiescape.py"].contains(&file) {
        let expected = !test_of(record).ends_with("_safe");
        let outputs = params.get("outputs").and_then(Value::as_array);
        let outputs = outputs.into_iter().flatten().chain(params.get("output"));
        return outputs
            .filter_map(message)
            .map(|text| case(text, Way::Answers, ANSWER, expected))
            .collect();
    }
    Vec::new()
}

/// The text of `Message('…')`, a literal of Python; its end may be cut off.
fn message(value: &Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    let literal = value.get("$expr")?.as_str()?.strip_prefix("Message(")?;
    let quote = literal.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let literal = literal.strip_prefix(quote)?;
    let mut text = String::new();
    let mut rest = literal.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match rest.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                other => text.push(other),
            },
            c if c == quote => break,
            c => text.push(c),
        }
    }
    Some(text)
}

fn note_left_out(record: &Value, left_out: &mut Vec<LeftOut>) {
    let Some(file) = file_of(record) else { return };
    let known = LEFT_OUT.iter().find(|(name, _)| *name == file);
    let reason = known.map_or("no text with an answer of yes or no", |(_, reason)| reason);
    if left_out.iter().all(|known| known.test != file) {
        left_out.push(LeftOut { suite: "garak", test: file.to_owned(), reason });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_messages_that_are_cut() {
        let message = |text: &str| message(&json!({ "$expr": text })).unwrap();
        assert_eq!(message(r"Message('it\'s\nhere')"), "it's\nhere");
        assert_eq!(message("Message(\"a 'b' c"), "a 'b' c");
    }

    #[test]
    fn an_unsafe_output_is_to_be_found() {
        let record = |test: &str| {
            json!({ "file": "t/test_detectors_web_injection.py", "test": test,
                    "params": { "outputs": [{ "$expr": "Message('x')" }] } })
        };
        let expected = |test: &str| garak_cases(&record(test)).remove(0).expect;
        assert_eq!(expected("test_web_injection_unsafe"), Expect::Found(ANSWER, true));
        assert_eq!(expected("test_web_injection_safe"), Expect::Found(ANSWER, false));
    }
}
