//! `cargo xtask test`: everything that has to hold, in order of how soon it fails.

use anyhow::Result;

use crate::shell::Program;
use crate::steps::Steps;
use crate::{e2e, generate, say, tidy};

/// Runs all steps.
pub(crate) fn run() -> Result<()> {
    let mut steps = Steps::default();
    steps.step("formatting", || cargo(&["fmt", "--all", "--check"]));
    steps.step("tidy", || tidy::run().map(|()| None));
    steps.step("clippy", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
    });
    steps.step("unit and integration tests", tests);
    steps.step("doc tests", || cargo(&["test", "--workspace", "--doc"]));
    steps.step("generated files", || generate::run(generate::Mode::Check).map(|()| None));
    steps.step("end-to-end tests", || e2e::run(&[]).map(|()| None));
    steps.finish()
}

fn cargo(arguments: &[&str]) -> Result<Option<String>> {
    Program::cargo(arguments).run().map(|()| None)
}

fn tests() -> Result<Option<String>> {
    if Program::cargo(&["nextest", "--version"]).succeeds() {
        // Standard error is watched, so colour has to be asked for.
        return Program::cargo(&["nextest", "run", "--workspace"])
            .env("CARGO_TERM_COLOR", "never")
            .run_watching("Summary [");
    }
    say::note("cargo-nextest is not installed; `cargo test` runs the same tests, slower");
    cargo(&["test", "--workspace", "--lib", "--bins", "--tests"])
}
