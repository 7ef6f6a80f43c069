//! `cargo xtask conformance`: how far the guard agrees with literal cases of other projects.
//!
//! The cases lie beside the repository and never in it. Disagreement is reported; only a crash or
//! an answer that breaks the contract of `bartizan check` fails.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::shell::Program;
use crate::{files, say};

/// Recognisers whose entity the default guards know, and how our rule for it starts.
const ENTITIES: &[(&str, &str)] = &[
    ("test_email_recognizer.py", "email"),
    ("test_credit_card_recognizer.py", "credit-card"),
    ("test_iban_recognizer.py", "iban"),
    ("test_ip_recognizer.py", "ip"),
    ("test_crypto_recognizer.py", "crypto"),
    ("test_mac_recognizer.py", "mac"),
    ("test_us_ssn_recognizer.py", "us-ssn"),
];

/// One text and what another project says about it.
#[derive(Debug)]
struct Case {
    suite: String,
    text: String,
    expect: Expect,
}

#[derive(Debug, PartialEq)]
enum Expect {
    /// So many findings of a rule; where known, at these character positions.
    Entities { rule: &'static str, count: usize, spans: Vec<(usize, usize)> },
    /// A secret, or none.
    Secret(bool),
}

/// Runs all suites.
pub(crate) fn run() -> Result<()> {
    // A folder of data sets beside the clone; they are too large, and not ours, to be in it.
    let folder = files::root().join("../shared/data/peer_cases");
    if !folder.is_dir() {
        say::note(
            "conformance: no folder of data sets beside the clone (../shared/data/peer_cases), \
             nothing to compare with",
        );
        return Ok(());
    }
    let mut cases = Vec::new();
    for (file, read) in [
        ("presidio_analyzer", entity_case as fn(&Value) -> Option<Case>),
        ("gitleaks", leak_case),
        ("detect_secrets", plugin_case),
    ] {
        let before = cases.len();
        cases.extend(records(&folder.join(format!("{file}.jsonl.gz")))?.iter().filter_map(read));
        if cases.len() == before {
            bail!("no usable case in {file}");
        }
    }
    Program::cargo(&["build", "--package", "bartizan"]).run()?;
    let answers = check(&files::target_dir()?.join("debug/bartizan"), &cases)?;
    report(&cases, &answers);
    Ok(())
}

fn records(path: &Path) -> Result<Vec<Value>> {
    let text = Program::new("gzip").arg("-dc").arg(path).output()?;
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("in {}", path.display())))
        .collect()
}

fn entity_case(record: &Value) -> Option<Case> {
    let file = record.get("file")?.as_str()?.rsplit('/').next()?;
    let (_, rule) = ENTITIES.iter().find(|(name, _)| *name == file)?;
    let params = record.get("params")?;
    let text = params.get("text").or_else(|| params.get("iban"))?.as_str()?;
    let spans = params.get("expected_positions").or_else(|| params.get("expected_res"));
    let spans = spans
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|span| Some((span.get(0)?.as_u64()? as usize, span.get(1)?.as_u64()? as usize)))
        .collect();
    let count = params.get("expected_len")?.as_u64()? as usize;
    Some(Case {
        suite: format!("presidio {rule}"),
        text: text.to_owned(),
        expect: Expect::Entities { rule, count, spans },
    })
}

fn leak_case(record: &Value) -> Option<Case> {
    let params = record.get("params")?;
    Some(Case {
        suite: "gitleaks".to_owned(),
        text: params.get("text")?.as_str()?.to_owned(),
        expect: Expect::Secret(params.get("should_match")?.as_bool()?),
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
        text: text.to_owned(),
        expect: Expect::Secret(params.get("should_flag")?.as_bool()?),
    })
}

/// Runs `bartizan check` over all texts and holds its answers to the contract.
fn check(binary: &Path, cases: &[Case]) -> Result<Vec<Value>> {
    let mut child = Program::new(binary)
        .args(["check", "--format", "jsonl", "-"])
        .into_command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run `bartizan check`")?;
    let mut input = child.stdin.take().context("no pipe to `bartizan check`")?;
    let mut lines = String::new();
    for (id, case) in cases.iter().enumerate() {
        let line = json!({ "id": id.to_string(), "text": case.text, "channel": "user" });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    // Written beside the reading: the pipe is smaller than the cases.
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().context("cannot read from `bartizan check`")?;
    // 1 says that something was found.
    if !matches!(output.status.code(), Some(0 | 1)) {
        bail!("`bartizan check` ended with {}", output.status);
    }
    match writer.join() {
        Ok(written) => written.context("`bartizan check` did not read all cases")?,
        Err(_) => bail!("writing the cases ended early"),
    }
    let text = String::from_utf8(output.stdout).context("`bartizan check` printed no UTF-8")?;
    let answers: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("answer `{line}`")))
        .collect::<Result<_>>()?;
    if answers.len() != cases.len() {
        bail!("{} cases, {} answers", cases.len(), answers.len());
    }
    for (id, answer) in answers.iter().enumerate() {
        if answer.get("id").and_then(Value::as_str) != Some(&id.to_string()) {
            bail!("answer {id} is out of order: {answer}");
        }
    }
    Ok(answers)
}

fn report(cases: &[Case], answers: &[Value]) {
    let mut suites: BTreeMap<&str, (usize, usize, Vec<String>)> = BTreeMap::new();
    for (case, answer) in cases.iter().zip(answers) {
        let (agreed, total, differ) = suites.entry(&case.suite).or_default();
        *total += 1;
        if agrees(case, answer) {
            *agreed += 1;
        } else {
            differ.push(case.text.chars().take(60).collect::<String>().replace('\n', "⏎"));
        }
    }
    say::data("| suite | cases | agree | |\n|---|---|---|---|\n");
    for (suite, (agreed, total, _)) in &suites {
        let share = *agreed as f64 * 100.0 / (*total).max(1) as f64;
        say::data(&format!("| {suite} | {total} | {agreed} | {share:.1} % |\n"));
    }
    for (suite, (_, _, differ)) in &suites {
        for text in differ.iter().take(5) {
            say::note(&format!("{suite} differs: {text}"));
        }
    }
}

fn agrees(case: &Case, answer: &Value) -> bool {
    let findings = answer.get("findings").and_then(Value::as_array);
    let findings = findings.map(Vec::as_slice).unwrap_or_default();
    let is = |finding: &Value, name: &str, value: &str| {
        finding.get(name).and_then(Value::as_str).is_some_and(|found| {
            found.strip_prefix(value).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    match &case.expect {
        Expect::Secret(expected) => {
            findings.iter().any(|finding| is(finding, "category", "secret")) == *expected
        }
        Expect::Entities { rule, count, spans } => {
            let mut found: Vec<(usize, usize)> = findings
                .iter()
                .filter(|finding| is(finding, "rule", rule))
                .filter_map(|finding| {
                    let at = |name: &str| Some(finding.get(name)?.as_u64()? as usize);
                    Some((characters(&case.text, at("start")?), characters(&case.text, at("end")?)))
                })
                .collect();
            found.sort_unstable();
            found.len() == *count && (spans.is_empty() || found == *spans)
        }
    }
}

/// Characters before a byte offset: others count those.
fn characters(text: &str, offset: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < offset).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_positions_in_characters() {
        let record = json!({
            "file": "tests/test_email_recognizer.py",
            "params": { "text": "é a@b.co", "expected_len": 1, "expected_positions": [[2, 8]] },
        });
        let case = entity_case(&record).unwrap();
        let answer = |rule: &str, start: u64| json!({ "findings": [{ "rule": rule, "category": "pii", "start": start, "end": 9 }] });
        assert!(agrees(&case, &answer("email", 3)));
        assert!(!agrees(&case, &answer("email", 2)));
        assert!(!agrees(&case, &answer("emails", 3)));
        assert!(!agrees(&case, &json!({ "findings": [] })));
    }

    #[test]
    fn a_secret_is_a_secret_by_any_rule() {
        let record = json!({ "params": { "text": "x", "should_match": true } });
        let case = leak_case(&record).unwrap();
        assert!(agrees(&case, &json!({ "findings": [{ "rule": "k", "category": "secret" }] })));
        assert!(!agrees(&case, &json!({ "findings": [{ "rule": "k", "category": "pii" }] })));
    }
}
