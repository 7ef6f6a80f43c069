//! `cargo xtask bench query`: how long questions in SQL to a large log take, beside SQLite with the same
//! rows.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{table, versions};
use crate::shell::Program;
use crate::{files, say};

/// Result file.
const PAGE: &str = "docs/benchmarks/query.md";
/// Entries of the log.
const ROWS: u64 = 10_000_000;
/// Longest time for a question about the last day, in milliseconds.
const GOAL_MS: f64 = 300.0;

/// Measures and prints; with `--write`, also into the page.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let options = super::parse(words, &[])?;
    Program::cargo(&["build", "--release", "-p", "bartizan-query", "--example", "questions"])
        .run()?;
    let target = files::target_dir()?;
    let folder = target.join("bench-query");
    let _ = std::fs::remove_dir_all(&folder);
    say::note("writing a log of 10 M entries and asking it, some 7 GB on the disk of the build");
    std::fs::create_dir_all(&folder)?;
    let said = Program::new(target.join("release/examples/questions"))
        .arg(&folder)
        .args([ROWS.to_string()])
        .output()?;
    let measured = serde_json::from_str(&said).context("the program said something else")?;
    let _ = std::fs::remove_dir_all(&folder);
    let page = page(&measured, words)?;
    say::data(&page);
    if options.write {
        files::write(&files::root().join(PAGE), &page)?;
        say::note(&format!("wrote {PAGE}"));
    }
    Ok(())
}

fn page(measured: &Value, words: &[&str]) -> Result<String> {
    let number = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_f64).with_context(|| format!("`{name}` is missing"))
    };
    let of = |name| number(measured, name);
    let mut out = String::from("# Questions to the event log\n\n");
    let command = ["cargo xtask bench query"].iter().chain(words).copied();
    writeln!(out, "Repeat with `{}`.\n", command.collect::<Vec<_>>().join(" "))?;
    writeln!(out, "Measured {} on {}: {}.\n", table::date(), table::machine(), versions::ours())?;
    writeln!(
        out,
        "A log of {:.0} entries of thirty days, in JSON Lines of {:.0} MB. SQLite has the same rows, an index by time \
         and all memory that it wants, and is asked in the same process, by turns; both gave the same answers. Medians of five, of one \
         where all entries are asked for.\n",
        of("rows")?,
        of("log_bytes")? / 1e6
    )?;
    out.push_str("| | tables | SQLite |\n|---|---:|---:|\n");
    let pairs = [
        ("size, MB", of("tables_bytes")? / 1e6, of("sqlite_bytes")? / 1e6),
        ("made from the log, s", of("made_s")?, of("sqlite_made_s")?),
    ];
    for (name, ours, theirs) in pairs {
        writeln!(out, "| {name} | {ours:.0} | {theirs:.0} |")?;
    }
    let asked = measured.get("asked").and_then(Value::as_array).context("nothing was asked")?;
    let mut slowest: f64 = 0.0;
    for row in asked {
        let text = |name| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let (ours, theirs) = (number(row, "ms")?, number(row, "sqlite_ms")?);
        let (span, question) = (text("span"), text("question"));
        if span == "last day" {
            slowest = slowest.max(ours);
        }
        writeln!(out, "| {span}: {question}, ms | {ours:.0} | {theirs:.0} |")?;
    }
    let reached = if slowest <= GOAL_MS { "reached" } else { "not reached" };
    writeln!(
        out,
        "\nGoal: a question about the last day in at most {GOAL_MS:.0} ms; the slowest took {slowest:.0} ms: {reached}. Finding that \
         the tables are up to date took {:.1} ms.",
        of("nothing_to_do_ms")?
    )?;
    Ok(out)
}
