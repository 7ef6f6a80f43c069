//! `cargo xtask conformance`: how far we agree with literal cases of other projects.
//!
//! The cases lie beside the repository and never in it. Disagreement of the guard is reported, and
//! with `--disagreements` written down with its reasons; only a crash or an answer that breaks the
//! contract of `bartizan check` fails. About Merkle proofs there is nothing to disagree on: one
//! case that comes out otherwise fails.

mod cases;
mod entities;
mod operators;
mod reasons;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::shell::Program;
use crate::{files, say};
use cases::{Case, Expect, LeftOut, Way};

/// What becomes of disagreements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disagreements {
    /// A few are shown.
    Show,
    /// All are written to `docs/evals`, grouped by reason.
    Write,
}

/// Suites whose disagreements are written down, and the files.
const WRITTEN: [(&str, &str); 3] = [
    ("gitleaks", "docs/evals/gitleaks.md"),
    ("detect-secrets", "docs/evals/detect-secrets.md"),
    ("garak", "docs/evals/garak.md"),
];

/// Runs all suites.
pub(crate) fn run(disagreements: Disagreements) -> Result<()> {
    guard(disagreements)?;
    proofs()
}

/// The test that goes through the cases of proofs.
const PROOFS: &str = "vectors::all_public_cases_of_proofs_come_out_as_they_should";

fn proofs() -> Result<()> {
    let folder = files::root().join("../shared/data/merkle/testdata");
    if !folder.is_dir() {
        say::note(
            "conformance: no cases of Merkle proofs beside the clone (../shared/data/merkle)",
        );
        return Ok(());
    }
    Program::cargo(&["test", "--workspace", "--test", "it", PROOFS])
        .args(["--", "--ignored", "--exact", "--nocapture"])
        .env("BARTIZAN_MERKLE_CASES", &folder)
        .run()
}

fn guard(disagreements: Disagreements) -> Result<()> {
    // A folder of data sets beside the clone; they are too large, and not ours, to be in it.
    let folder = files::root().join("../shared/data/peer_cases");
    if !folder.is_dir() {
        say::note(
            "conformance: no folder of data sets beside the clone (../shared/data/peer_cases), \
             nothing to compare with",
        );
        return Ok(());
    }
    let (cases, left_out) = cases::read(&folder)?;
    Program::build_programs()?;
    let binary = files::target_dir()?.join("debug/bartizan");
    let mut answers: BTreeMap<usize, Value> = BTreeMap::new();
    for way in Way::ALL {
        let asked: Vec<usize> = (0..cases.len()).filter(|at| is_asked(&cases, *at, way)).collect();
        let texts: Vec<&Case> = asked.iter().filter_map(|at| cases.get(*at)).collect();
        let policy = policy_of(way)?;
        answers.extend(asked.into_iter().zip(check(&binary, policy.as_deref(), &texts)?));
    }
    let all: Vec<&Case> = cases.iter().collect();
    let by_default: BTreeMap<usize, Value> = (0..).zip(check(&binary, None, &all)?).collect();
    let suites = compare(&cases, &answers, &by_default);
    report(&suites, &left_out);
    operators::run(&folder, &binary, disagreements)?;
    if disagreements == Disagreements::Write {
        for (suite, path) in WRITTEN {
            let Some(compared) = suites.get(suite) else { continue };
            files::write(&files::root().join(path), &page(suite, compared, &left_out))?;
            say::note(&format!("wrote {path}"));
        }
    }
    Ok(())
}

fn is_asked(cases: &[Case], at: usize, way: Way) -> bool {
    cases.get(at).is_some_and(|case| case.way == way)
}

/// A policy with the guardrail by which cases are asked; none for the default ones.
fn policy_of(way: Way) -> Result<Option<PathBuf>> {
    if way == Way::Entities {
        let path = files::target_dir()?.join("conformance-entities.yaml");
        files::write(&path, &entities::policy())?;
        return Ok(Some(path));
    }
    let Some((detect, threshold)) = way.guardrail() else { return Ok(None) };
    let path = files::target_dir()?.join(format!("conformance-{way:?}.yaml").to_lowercase());
    let policy = format!(
        "version: 1\nproviders: {{ demo: {{ demo: {{}} }} }}\nendpoints:\n  all:\n    routes: [{{ provider: demo }}]\n    \
         guardrails:\n      - {{ id: g-all, on: [input, output], detect: {detect}, action: flag, threshold: {threshold} }}\n"
    );
    files::write(&path, &policy)?;
    Ok(Some(path))
}

/// Runs `bartizan check` over all texts and holds its answers to the contract.
fn check(binary: &Path, policy: Option<&Path>, cases: &[&Case]) -> Result<Vec<Value>> {
    let mut program = Program::new(binary).args(["check", "--format", "jsonl", "-"]);
    if let Some(policy) = policy {
        program = program.arg("--config").arg(policy);
    }
    let mut child = program
        .into_command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run `bartizan check`")?;
    let mut input = child.stdin.take().context("no pipe to `bartizan check`")?;
    let mut lines = String::new();
    for (id, case) in cases.iter().enumerate() {
        let line = json!({ "id": id.to_string(), "text": case.text, "channel": case.channel });
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

/// What came of a suite.
#[derive(Default)]
struct Compared<'a> {
    total: usize,
    /// Cases on which the default guardrails agree.
    by_default: usize,
    /// How its cases are asked about.
    ways: BTreeSet<Way>,
    differ: Vec<&'a Case>,
}

impl Compared<'_> {
    fn agreed(&self) -> usize {
        self.total - self.differ.len()
    }

    fn share(&self, agreed: usize) -> f64 {
        agreed as f64 * 100.0 / self.total.max(1) as f64
    }
}

fn compare<'a>(
    cases: &'a [Case],
    answers: &BTreeMap<usize, Value>,
    by_default: &BTreeMap<usize, Value>,
) -> BTreeMap<&'a str, Compared<'a>> {
    let mut suites: BTreeMap<&str, Compared<'_>> = BTreeMap::new();
    for (at, case) in cases.iter().enumerate() {
        // A suite of several parts is told as a whole, too.
        let whole = case.suite.split(' ').next().unwrap_or_default();
        let part = (whole != case.suite).then_some(case.suite.as_str());
        for name in std::iter::once(whole).chain(part) {
            let suite = suites.entry(name).or_default();
            suite.total += 1;
            suite.ways.insert(case.way);
            suite.by_default +=
                usize::from(by_default.get(&at).is_some_and(|answer| agrees(case, answer)));
            if !answers.get(&at).is_some_and(|answer| agrees(case, answer)) {
                suite.differ.push(case);
            }
        }
    }
    suites
}

fn report(suites: &BTreeMap<&str, Compared<'_>>, left_out: &[LeftOut]) {
    say::data("| suite | cases | agree | | with the defaults |\n|---|---|---|---|---|\n");
    for (suite, compared) in suites {
        let (total, agreed) = (compared.total, compared.agreed());
        let (share, by_default) = (compared.share(agreed), compared.share(compared.by_default));
        say::data(&format!(
            "| {suite} | {total} | {agreed} | {share:.1} % | {by_default:.1} % |\n"
        ));
    }
    for left_out in left_out {
        say::note(&format!("{}: {} left out: {}", left_out.suite, left_out.test, left_out.reason));
    }
    for (suite, compared) in suites {
        for case in compared.differ.iter().take(5) {
            say::note(&format!("{suite} differs: {}", beginning(&case.text, 60)));
        }
    }
}

/// The page about a suite: how far we agree, and every disagreement with its reason.
fn page(suite: &str, compared: &Compared<'_>, left_out: &[LeftOut]) -> String {
    let (agreed, by_default) = (compared.agreed(), compared.by_default);
    let mut page = format!(
        "# Agreement with {suite}\n\nWritten by `cargo xtask conformance --disagreements`. Of {} literal cases, {agreed} get the \
         same answer ({:.1} %); with the default guardrails, {by_default} ({:.1} %).\n",
        compared.total,
        compared.share(agreed),
        compared.share(by_default),
    );
    for (detect, threshold) in compared.ways.iter().filter_map(|way| way.guardrail()) {
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\nAsked with `detect: {detect}` and `threshold: {threshold}`: the other project counts what we tell as \
             faint.\n"
        );
    }
    let mut groups: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in &compared.differ {
        groups.entry(reasons::of(case).unwrap_or("Not explained yet.")).or_default().push(case);
    }
    if !groups.is_empty() {
        page.push_str("\n## Disagreements\n");
    }
    for (reason, cases) in groups {
        let _ = write!(page, "\n{reason}\n\n");
        for case in cases {
            let verb = match case.expect {
                Expect::Found(_, true) => "expected, and not found",
                Expect::Found(_, false) => "found, and not expected",
                Expect::Entities { .. } => "found elsewhere",
            };
            // Scanners would take more of some for a leak.
            let begins = beginning(&case.text, 16).replace('`', "'");
            let _ = writeln!(page, "- {}: `{begins}…` {verb}", case.test);
        }
    }
    let mut own = left_out.iter().filter(|left_out| left_out.suite == suite).peekable();
    if own.peek().is_some() {
        page.push_str("\n## Left out\n\n");
        for left_out in own {
            let _ = writeln!(page, "- `{}`: {}", left_out.test, left_out.reason);
        }
    }
    page
}

fn beginning(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect::<String>().replace('\n', "⏎")
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
        Expect::Found(families, expected) => {
            let known =
                |finding: &&Value| families.iter().any(|family| is(finding, "category", family));
            findings.iter().find(known).is_some() == *expected
        }
        Expect::Entities { rule, count, spans, score } => {
            let sure = |finding: &&Value| {
                finding.get("score").and_then(Value::as_f64).is_none_or(|found| found >= *score)
            };
            let mut found: Vec<(usize, usize)> = findings
                .iter()
                .filter(|finding| finding.get("rule").and_then(Value::as_str) == Some(rule))
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
        assert!(agrees(&case, &answer("email", 3)));
        assert!(!agrees(&case, &answer("email", 2)));
        assert!(!agrees(&case, &answer("emails", 3)));
        assert!(!agrees(&case, &json!({ "findings": [] })));
    }

    #[test]
    fn a_secret_is_a_secret_by_any_rule() {
        let record = json!({ "params": { "text": "x", "should_match": true } });
        let case = cases::leak_case(&record).unwrap();
        assert!(agrees(&case, &json!({ "findings": [{ "rule": "k", "category": "secret" }] })));
        assert!(!agrees(&case, &json!({ "findings": [{ "rule": "k", "category": "pii" }] })));
    }
}
