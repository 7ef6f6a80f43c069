//! `bartizan policy test`: the requests under `tests:`, tried.

use std::io::Write as _;
use std::process::ExitCode;

use bartizan_core::principal::Principal;
use bartizan_core::settings::PolicyTest;
use bartizan_gateway::Decided;
use serde_json::{Value, json};

use super::found::{is_as, message, question};
use super::{FAILED, block_on, trial};
use crate::cli::{DocumentFormat, OutputArgs, PolicyArgs};
use crate::format::usage;
use crate::output::Output;
use crate::terminal::{Paint, Terminal, printable};
use crate::wire::policy;

/// A test that was tried.
struct Tried<'a> {
    test: &'a PolicyTest,
    became: Decided,
    passed: bool,
    /// What the client was told, where it was refused.
    message: Option<String>,
}

pub(super) fn run(
    args: &PolicyArgs,
    format: DocumentFormat,
    output: &OutputArgs,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let loaded = policy::load_to_try(args)?;
    let settings = loaded.settings;
    if settings.tests.is_empty() {
        // Nothing was tried, which must not look like success.
        return Err(usage(
            format!("{} has no tests", loaded.origin),
            "add some, such as `tests: [{ as: alice@example.com, endpoint: NAME, prompt: \"…\", expect: mask g-pii }]`",
        ));
    }
    let mut trial = trial(&settings)?;
    let tried = block_on(async {
        let mut tried = Vec::new();
        for test in &settings.tests {
            trial.start_anew();
            let question = question(test);
            let mut found = trial.ask(&question).await;
            for _ in 1..test.times {
                found = trial.ask(&question).await;
            }
            let became = Decided::of(&found.event);
            let passed = is_as(&became, &test.expected, &found.event);
            let message = message(&found);
            tried.push(Tried { test, became, passed, message });
        }
        tried
    })?;
    let failed = tried.iter().filter(|tried| !tried.passed).count();
    let mut out = Output::open(output, terminal)?;
    match format {
        DocumentFormat::Human => {
            let paint = out.paint();
            for tried in &tried {
                writeln!(out, "{}", tried.line(paint))?;
                if let (false, Some(message)) = (tried.passed, &tried.message) {
                    writeln!(out, "      the client is told: {}", printable(message))?;
                }
            }
            let noun = if tried.len() == 1 { "test" } else { "tests" };
            writeln!(out, "{} {noun}, {failed} failed", tried.len())?;
        }
        DocumentFormat::Json => {
            let document = json!({
                "schema": "bartizan.policy-test/v1",
                "policy": loaded.origin,
                "version": settings.version,
                "passed": tried.len() - failed,
                "failed": failed,
                "tests": tried.iter().map(Tried::json).collect::<Vec<_>>(),
            });
            writeln!(out, "{document}")?;
        }
    }
    out.finish()?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

impl Tried<'_> {
    fn who(&self) -> String {
        let who = &self.test.who;
        Principal { kind: who.kind, name: who.name.clone(), groups: Vec::new() }.qualified()
    }

    fn line(&self, paint: Paint) -> String {
        let mark = if self.passed { paint.good("ok  ") } else { paint.bad("FAIL") };
        let place = self.test.line.map(|line| format!("line {line}  ")).unwrap_or_default();
        let (who, endpoint) = (self.who(), &self.test.endpoint);
        let times = match self.test.times {
            1 => String::new(),
            times => format!(", {times} times"),
        };
        let expected = &self.test.expected;
        let found = if self.passed {
            self.became.to_string()
        } else {
            format!("expected {expected}, found {}", self.became)
        };
        format!("{mark}  {place}{who} -> {endpoint}{times}: {found}")
    }

    fn json(&self) -> Value {
        json!({
            "line": self.test.line,
            "as": self.who(),
            "endpoint": self.test.endpoint.as_str(),
            "times": self.test.times,
            "expected": self.test.expected.to_string(),
            "found": self.became.to_string(),
            "passed": self.passed,
            "message": self.message,
        })
    }
}
