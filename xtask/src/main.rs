//! `cargo xtask`: what the project does to itself. Test, tidy, generate, conformance, fuzz,
//! bench.
//!
//! Depends on almost nothing, since it compiles before anything else. Each command lives in its own
//! module; `shell` runs programs, `files` reads the working tree, `say` prints.

mod bench;
mod conformance;
mod e2e;
mod evals;
mod files;
mod format;
mod fuzz;
mod generate;
mod say;
mod shell;
mod steps;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
Usage: cargo xtask <command>

  test                      everything that has to hold before a merge
  e2e [-- PYTEST…]          only the end-to-end tests with the vendors' clients
  format [--check]          lay out (or compare) all Rust files
  tidy                      rules of the house that no compiler checks
  generate [--check]        write (or compare) files that come from the code
  conformance [--disagreements]
                            agreement with other projects' cases, where a folder of data sets
                            (../shared) lies beside the clone; --disagreements updates docs/evals
  evals [--check]           write (or compare) the tables of docs/evals that `bartizan eval` gives; those about
                            data beside the clone (../shared) are left where it is absent
  fuzz [TARGET] [--seconds N]
                            one target in fuzz/ or all, 60 seconds each; needs nightly and cargo-fuzz
  bench gateway [--seconds N] [--litellm] [--write]
                            side by side with direct calls and peers; --write updates docs/benchmarks
  bench ledger [--seconds N] [--write]
                            the event log beside what the disk does by itself
  bench policy [--write]    decisions and reloads of large policies
  bench query [--write]     questions in SQL to a log of 10 M entries beside SQLite
  bench guard [--seconds N] [--write]
                            the guard side by side with Python programs that read texts, on one core
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::note(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["test"] => test::run(),
        ["e2e"] => e2e::run(&[]),
        ["e2e", "--", pytest @ ..] => e2e::run(pytest),
        ["format"] => format::run(format::Mode::Write),
        ["format", "--check"] => format::run(format::Mode::Check),
        ["tidy"] => tidy::run(),
        ["generate"] => generate::run(generate::Mode::Write),
        ["generate", "--check"] => generate::run(generate::Mode::Check),
        ["conformance"] => conformance::run(conformance::Disagreements::Show),
        ["conformance", "--disagreements"] => conformance::run(conformance::Disagreements::Write),
        ["evals"] => evals::run(generate::Mode::Write),
        ["evals", "--check"] => evals::run(generate::Mode::Check),
        ["fuzz", options @ ..] => fuzz::run(options),
        ["bench", "gateway", options @ ..] => bench::gateway(options),
        ["bench", "guard", options @ ..] => bench::guard::run(options),
        ["bench", "ledger", options @ ..] => bench::ledger::run(options),
        ["bench", "policy", options @ ..] => bench::policy::run(options),
        ["bench", "query", options @ ..] => bench::query::run(options),
        [] | ["help" | "--help" | "-h"] => {
            say::data(HELP);
            Ok(())
        }
        _ => bail!("unknown command `{}`\n\n{HELP}", words.join(" ")),
    }
}
