//! `cargo xtask bench ledger`: how fast the log takes events for good, and how fast it is checked.
//!
//! What a disk does for good differs between machines by a factor of ten and more, so that its own rate
//! stands beside ours.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{table, versions};
use crate::shell::Program;
use crate::{files, say};

/// Result file.
const PAGE: &str = "docs/benchmarks/ledger.md";
/// Entries of the log that is verified from end to end.
const ENTRIES: u64 = 1_000_000;

/// Measures and prints; with `--write`, also into the page.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let options = super::parse(words, &[])?;
    Program::build_measured(&[])?;
    let target = files::target_dir()?;
    let folder = target.join("bench-ledger");
    let _ = std::fs::remove_dir_all(&folder);
    say::note("measuring the log, some 2 GB on the disk of the build");
    let said = Program::new(target.join("release/examples/load"))
        .arg(&folder)
        .args([options.seconds.to_string(), ENTRIES.to_string()])
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

/// A number of the program, by its place.
fn number(measured: &Value, place: &str) -> Result<f64> {
    measured.pointer(place).and_then(Value::as_f64).with_context(|| format!("`{place}` is missing"))
}

fn page(measured: &Value, words: &[&str]) -> Result<String> {
    let of = |place| number(measured, place);
    let mut out = String::from("# Ledger\n\n");
    let command = ["cargo xtask bench ledger"].iter().chain(words).copied();
    writeln!(out, "Repeat with `{}`.\n", command.collect::<Vec<_>>().join(" "))?;
    writeln!(out, "Measured {} on {}: {}.\n", table::date(), table::machine(), versions::ours())?;
    let disk = [of("/disk_syncs_per_s/0")?, of("/disk_syncs_per_s/1")?];
    writeln!(
        out,
        "The disk alone, before and after: {:.0} and {:.0} times a second `fdatasync` of 4 KiB more in one file. Events have some 650 \
         bytes.\n",
        disk[0], disk[1]
    )?;
    out.push_str("| | goal | measured | reached |\n|---|---:|---:|---|\n");
    let rate = of("/durable/per_s")?;
    let rows = [
        ("events on the disk before the answer, 64 writers, per second", 20_000.0, rate, true),
        ("their wait for the disk, p50, ms", f64::INFINITY, of("/durable/ack_p50_ms")?, false),
        ("p99, ms", 20.0, of("/durable/ack_p99_ms")?, false),
        ("longest, ms", f64::INFINITY, of("/durable/ack_max_ms")?, false),
        (
            "events that nobody waits for, two writers, per second",
            f64::NEG_INFINITY,
            of("/batched/per_s")?,
            true,
        ),
        ("1 M entries verified, s", 3.0, of("/whole/verified_s")?, false),
        ("log of 1 M entries opened, s", f64::INFINITY, of("/whole/opened_s")?, false),
        ("proof of one entry made, ms", f64::INFINITY, of("/whole/proof_made_ms")?, false),
        (
            "inclusion proof checked, the hash of the entry included, µs",
            50.0,
            of("/whole/inclusion_checked_us")?,
            false,
        ),
        (
            "file with a proof read and checked, its signature included, µs",
            f64::INFINITY,
            of("/whole/proof_checked_us")?,
            false,
        ),
    ];
    for (what, goal, measured, more) in rows {
        let is_reached = if more { measured >= goal } else { measured <= goal };
        let (goal, reached) = if goal.is_finite() {
            let sign = if more { "≥" } else { "≤" };
            (format!("{sign} {}", digits(goal)), if is_reached { "yes" } else { "**no**" })
        } else {
            ("–".to_owned(), "–")
        };
        writeln!(out, "| {what} | {goal} | {} | {reached} |", digits(measured))?;
    }
    writeln!(
        out,
        "\nPer sync of the disk, {:.0} events of 64 writers became durable.",
        rate / disk[0].max(1.0)
    )?;
    Ok(out)
}

/// Three digits that say something, thousands apart.
fn digits(number: f64) -> String {
    if number < 100.0 {
        return format!("{number:.2}");
    }
    let whole = format!("{number:.0}");
    let (mut out, length) = (String::new(), whole.len());
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (length - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_goal_that_is_missed_is_said_to_be() {
        let measured = json!({
            "disk_syncs_per_s": [400.0, 500.0],
            "durable": { "per_s": 12_345.6, "ack_p50_ms": 4.0, "ack_p99_ms": 21.0, "ack_max_ms": 80.0 },
            "batched": { "per_s": 300_000.0 },
            "whole": { "verified_s": 2.0, "opened_s": 0.3, "proof_made_ms": 0.2, "inclusion_checked_us": 49.0, "proof_checked_us": 70.0 },
        });
        let page = page(&measured, &["--write"]).unwrap();
        assert!(page.contains("per second | ≥ 20,000 | 12,346 | **no** |"), "{page}");
        assert!(page.contains("| p99, ms | ≤ 20.00 | 21.00 | **no** |"), "{page}");
        assert!(page.contains("included, µs | ≤ 50.00 | 49.00 | yes |"), "{page}");
        assert!(page.contains("| longest, ms | – | 80.00 | – |"), "{page}");
        assert!(page.contains("31 events of 64 writers"), "{page}");
        assert!(super::page(&json!({}), &[]).is_err());
    }
}
