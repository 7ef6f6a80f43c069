//! `cargo xtask bench policy`: how long decisions and reloads of large policies take.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{table, versions};
use crate::shell::Program;
use crate::{files, say};

/// Result file.
const PAGE: &str = "docs/benchmarks/policy.md";

/// What is measured: its name for the program, in words, its unit, and the most that it may be.
const ROWS: [(&str, &str, &str, Option<f64>); 16] = [
    ("decision_us_10_rules", "decision among 10 rules, allowed", "µs", None),
    ("denied_us_10_rules", "the same, refused", "µs", None),
    ("decision_us_10000_rules", "decision among 10,000 rules, allowed", "µs", Some(2.0)),
    ("denied_us_10000_rules", "the same, refused", "µs", Some(2.0)),
    ("decision_us_1m_list", "decision with a list of 1,000,000 members, allowed", "µs", Some(5.0)),
    ("denied_us_1m_list", "the same, refused", "µs", Some(5.0)),
    ("cedar_us_1", "decision with 1 Cedar policy beside 10 rules", "µs", None),
    ("cedar_us_16", "with 16 Cedar policies", "µs", None),
    ("cedar_us_256", "with 256 Cedar policies, which is the most", "µs", None),
    ("reload_ms_10000_rules", "file of 10,000 rules read and compiled", "ms", Some(200.0)),
    ("load_ms_1m_list", "file of 1,000,000 members read and compiled", "ms", None),
    ("token_exchange_us", "short token: proof checked and token made", "µs", Some(5_000.0)),
    ("token_verify_us", "short token verified", "µs", Some(150.0)),
    ("token_verify_narrowed_us", "short token verified that was narrowed once", "µs", Some(150.0)),
    ("token_verify_narrowed_twice_us", "short token verified that was narrowed twice", "µs", None),
    ("token_proof_us", "proof of a request checked", "µs", None),
];

/// Measures and prints; with `--write`, also into the page.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let options = super::parse(words, &[])?;
    Program::build_measured(&["--example", "decisions", "--example", "tokens"])?;
    let mut measured = serde_json::Map::new();
    for program in ["decisions", "tokens"] {
        let program = files::target_dir()?.join("release/examples").join(program);
        let said = Program::new(program).output()?;
        let said: serde_json::Map<String, Value> =
            serde_json::from_str(&said).context("the program said something else")?;
        measured.extend(said);
    }
    let measured = Value::Object(measured);
    let page = page(&measured, words)?;
    say::data(&page);
    if options.write {
        files::write(&files::root().join(PAGE), &page)?;
        say::note(&format!("wrote {PAGE}"));
    }
    Ok(())
}

fn page(measured: &Value, words: &[&str]) -> Result<String> {
    let mut out = String::from("# Policy\n\n");
    let command = ["cargo xtask bench policy"].iter().chain(words).copied();
    writeln!(out, "Repeat with `{}`.\n", command.collect::<Vec<_>>().join(" "))?;
    writeln!(out, "Measured {} on {}: {}.\n", table::date(), table::machine(), versions::ours())?;
    out.push_str(
        "A rule is an endpoint with a group that may call it. A decision includes finding the caller's groups. Medians, of one thread.\n\n\
         | | goal | measured | reached |\n|---|---:|---:|---|\n",
    );
    for (name, words, unit, goal) in ROWS {
        let number = measured.get(name).and_then(Value::as_f64);
        let number = number.with_context(|| format!("`{name}` is missing"))?;
        let (goal, reached) = match goal {
            None => ("–".to_owned(), "–"),
            Some(goal) => {
                (format!("≤ {goal} {unit}"), if number <= goal { "yes" } else { "**no**" })
            }
        };
        writeln!(out, "| {words} | {goal} | {number:.3} {unit} | {reached} |")?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_is_missed_is_said_to_be() {
        let mut measured = serde_json::Map::new();
        for (name, ..) in ROWS {
            measured.insert(name.to_owned(), 3.0.into());
        }
        let said = page(&Value::Object(measured.clone()), &[]).unwrap();
        assert!(said.contains("10,000 rules, allowed | ≤ 2 µs | 3.000 µs | **no** |"), "{said}");
        assert!(said.contains("members, allowed | ≤ 5 µs | 3.000 µs | yes |"), "{said}");
        measured.remove("cedar_us_16");
        assert!(page(&Value::Object(measured), &[]).is_err());
    }
}
