//! `cargo xtask conformance`: how far the guard agrees with literal cases of other projects.
//!
//! The cases lie beside the repository and never in it. Disagreement is reported; only a crash or
//! an answer that breaks the contract of `bartizan check` fails.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::shell::Program;
use crate::{files, say};

mod entities;

use entities::{ENTITIES, POLICY, SURE};

/// One text and what another project says about it.
#[derive(Debug)]
struct Case {
    suite: String,
    text: String,
    expect: Expect,
}

#[derive(Debug, PartialEq)]
enum Expect {
    /// So many findings of a rule with at least this score; where known, at these character positions.
    Entities { rule: &'static str, count: usize, spans: Vec<(usize, usize)>, score: f64 },
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
    let read = |file: &str, read: fn(&Value) -> Option<Case>| {
        let records = records(&folder.join(format!("{file}.jsonl.gz")))?;
        let cases: Vec<Case> = records.iter().filter_map(read).collect();
        if cases.is_empty() {
            bail!("no usable case in {file}");
        }
        Ok(cases)
    };
    Program::cargo(&["build", "--package", "bartizan"]).run()?;
    let binary = files::target_dir()?.join("debug/bartizan");

    let mut cases = read("gitleaks", leak_case)?;
    cases.extend(read("detect_secrets", plugin_case)?);
    let answers = check(&binary, &[], &cases)?;
    report(&cases, &answers, 5);

    // The other project counts every finding, however faint.
    let cases = read("presidio_analyzer", entities::case)?;
    let policy = files::target_dir()?.join("conformance.yaml");
    let ids: Vec<&str> = ENTITIES.iter().map(|(_, rule)| *rule).collect();
    std::fs::write(&policy, POLICY.replace("IDS", &ids.join(", ")))
        .with_context(|| format!("cannot write {}", policy.display()))?;
    let answers = check(&binary, &[OsStr::new("--config"), policy.as_os_str()], &cases)?;
    report(&cases, &answers, usize::MAX);
    Ok(())
}

fn records(path: &Path) -> Result<Vec<Value>> {
    let text = Program::new("gzip").arg("-dc").arg(path).output()?;
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("in {}", path.display())))
        .collect()
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
fn check(binary: &Path, options: &[&OsStr], cases: &[Case]) -> Result<Vec<Value>> {
    let mut child = Program::new(binary)
        .args(["check", "--format", "jsonl", "-"])
        .args(options)
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

/// Agreement by suite: with every finding, and with those alone that the default threshold lets pass.
fn report(cases: &[Case], answers: &[Value], most: usize) {
    #[derive(Default)]
    struct Suite {
        total: usize,
        agreed: usize,
        sure: usize,
        differ: Vec<String>,
    }
    let mut suites: BTreeMap<&str, Suite> = BTreeMap::new();
    for (case, answer) in cases.iter().zip(answers) {
        for name in [&case.suite, case.suite.split(' ').next().unwrap_or_default()] {
            let suite = suites.entry(name).or_default();
            suite.total += 1;
            suite.agreed += usize::from(agrees(case, answer, 0.0));
            suite.sure += usize::from(agrees(case, answer, SURE));
            if name == case.suite && !agrees(case, answer, 0.0) {
                let text = case.text.chars().take(60).collect::<String>();
                suite.differ.push(text.replace('\n', "⏎"));
            }
        }
    }
    say::data("| suite | cases | agree | | at the default threshold |\n|---|---|---|---|---|\n");
    for (name, suite) in &suites {
        let share = |count: usize| count as f64 * 100.0 / suite.total.max(1) as f64;
        let (agreed, sure) = (share(suite.agreed), share(suite.sure));
        let (total, count) = (suite.total, suite.agreed);
        say::data(&format!("| {name} | {total} | {count} | {agreed:.1} % | {sure:.1} % |\n"));
    }
    for (name, suite) in &suites {
        for text in suite.differ.iter().take(most) {
            say::note(&format!("{name} differs: {text}"));
        }
    }
}

/// Whether an answer says what the case expects, as far as findings with this score go.
fn agrees(case: &Case, answer: &Value, least: f64) -> bool {
    let findings = answer.get("findings").and_then(Value::as_array);
    let findings = findings.map(Vec::as_slice).unwrap_or_default();
    let is = |finding: &Value, name: &str, value: &str| {
        finding.get(name).and_then(Value::as_str).is_some_and(|found| found == value)
    };
    match &case.expect {
        Expect::Secret(expected) => {
            findings.iter().any(|finding| is(finding, "category", "secret")) == *expected
        }
        Expect::Entities { rule, count, spans, score } => {
            let least = least.max(*score);
            let sure = |finding: &&Value| {
                finding.get("score").and_then(Value::as_f64).is_none_or(|score| score >= least)
            };
            let mut found: Vec<(usize, usize)> = findings
                .iter()
                .filter(|finding| is(finding, "rule", rule))
                .filter(sure)
                .filter_map(|finding| {
                    let at = |name: &str| Some(finding.get(name)?.as_u64()? as usize);
                    Some((characters(&case.text, at("start")?), characters(&case.text, at("end")?)))
                })
                .collect();
            found.sort_unstable();
            // What overlaps is masked as one.
            found.dedup_by(|next, last| {
                let overlaps = next.0 < last.1;
                if overlaps {
                    last.1 = last.1.max(next.1);
                }
                overlaps
            });
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
        let case = entities::case(&record).unwrap();
        let answer = |rule: &str, start: u64| json!({ "findings": [{ "rule": rule, "category": "pii", "start": start, "end": 9 }] });
        assert!(agrees(&case, &answer("email", 3), 0.0));
        assert!(!agrees(&case, &answer("email", 2), 0.0));
        assert!(!agrees(&case, &answer("emails", 3), 0.0));
        assert!(!agrees(&case, &json!({ "findings": [] }), 0.0));
    }

    #[test]
    fn a_secret_is_a_secret_by_any_rule() {
        let record = json!({ "params": { "text": "x", "should_match": true } });
        let case = leak_case(&record).unwrap();
        assert!(agrees(
            &case,
            &json!({ "findings": [{ "rule": "k", "category": "secret" }] }),
            0.0
        ));
        assert!(!agrees(&case, &json!({ "findings": [{ "rule": "k", "category": "pii" }] }), 0.0));
    }
}
