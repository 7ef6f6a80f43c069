//! `cargo xtask test`: everything that has to hold, in order of how soon it fails.

use anyhow::Result;

use crate::shell::{Program, install};
use crate::steps::Steps;
use crate::{e2e, format, generate, say, tidy};

/// Runs all steps.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    steps.step("formatting", || format::run(format::Mode::Check).map(|()| None));
    steps.step("tidy", || tidy::run().map(|()| None));
    steps.step("clippy", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
    });
    steps.step("unit and integration tests", tests);
    steps.step("optional features", optional_features);
    steps.step("doc tests", || cargo(&["test", "--workspace", "--doc"]));
    steps.step("generated files", || generate::run(generate::Mode::Check).map(|()| None));
    steps.step("end-to-end tests", || e2e::run(&[]).map(|()| None));
    steps.finish()
}

fn cargo(arguments: &[&str]) -> Result<Option<String>> {
    Program::cargo(arguments).run().map(|()| None)
}

/// The binary with what most builds lack. The same packages are chosen as everywhere, so that only the binary is
/// built anew.
fn optional_features() -> Result<Option<String>> {
    const WITH: [&str; 3] = ["--workspace", "--features", "bartizan/infer,bartizan/sql"];
    // The modules of tests that one of the features changes.
    const CHANGED: [&str; 4] = ["models::", "query::", "export::", "erase::"];
    let all = |before: &[&'static str], after: &[&'static str]| -> Vec<&'static str> {
        [before, &WITH, after].concat()
    };
    cargo(&all(&["clippy"], &["--all-targets", "--", "-D", "warnings"]))?;
    if Program::cargo(&["nextest", "--version"]).succeeds() {
        return Program::cargo(&all(&["nextest", "run"], &CHANGED))
            .env("CARGO_TERM_COLOR", "never")
            .run_watching("Summary [");
    }
    cargo(&all(&["test"], &[&["--bins", "--tests", "--"][..], &CHANGED].concat()))
}

fn tests() -> Result<Option<String>> {
    if cfg!(target_os = "linux") {
        tools()?;
    }
    servers()?;
    if Program::cargo(&["nextest", "--version"]).succeeds() {
        // Standard error is watched, so colour has to be asked for.
        return Program::cargo(&["nextest", "run", "--workspace"])
            .env("CARGO_TERM_COLOR", "never")
            .run_watching("Summary [");
    }
    say::note("cargo-nextest is not installed; `cargo test` runs the same tests, slower");
    cargo(&["test", "--workspace", "--lib", "--bins", "--tests"])
}

/// What makes the system refuse calls, and sets the clock, for tests of the event log.
fn tools() -> Result<()> {
    // Where Debian has it; the loader puts the folder of the system in the place of `$LIB`.
    const CLOCK: &str = "/usr/$LIB/faketime/libfaketime.so.1";
    let year = Program::new("date")
        .arg("+%Y")
        .env("LD_PRELOAD", CLOCK)
        .env("FAKETIME", "2001-02-03 04:05:06")
        .output();
    let has_clock = year.is_ok_and(|year| year.trim() == "2001");
    let has_strace = Program::new("strace").arg("-V").succeeds();
    let missing: Vec<&str> = [("strace", has_strace), ("libfaketime", has_clock)]
        .into_iter()
        .filter_map(|(package, is_there)| (!is_there).then_some(package))
        .collect();
    if missing.is_empty() { Ok(()) } else { install(&missing, "testing the event log") }
}

/// Servers that tests talk to, and the solver behind proofs. Debian puts them where only the administrator looks.
fn servers() -> Result<()> {
    let runs = |program: &str| Program::new(program).arg("--version").succeeds();
    let has_postgres = runs("initdb")
        || std::fs::read_dir("/usr/lib/postgresql")
            .is_ok_and(|mut versions| versions.next().is_some());
    let missing: Vec<&str> = [
        ("nats-server", runs("nats-server") || runs("/usr/sbin/nats-server")),
        ("redis-server", runs("redis-server")),
        ("cvc5", runs("cvc5")),
        ("postgresql", has_postgres),
    ]
    .into_iter()
    .filter_map(|(package, is_there)| (!is_there).then_some(package))
    .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        install(&missing, "testing sinks, shared state and proofs")
    }
}
