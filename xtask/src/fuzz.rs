//! `cargo xtask fuzz`: the targets in `fuzz/`, one after the other.
//!
//! What they check lives in the crates (`fuzzing.rs`); their tests put the committed corpora to the
//! same oracles without any of what is needed here.

use anyhow::{Context, Result, bail};

use crate::shell::Program;
use crate::{files, say};

/// Time for each target where nothing else is asked for.
const SECONDS: u32 = 60;
/// Longest input; what is worth finding fits, and shorter inputs run more often.
const INPUT_BYTES: u32 = 4096;

#[derive(Debug, PartialEq, Eq)]
struct Options<'w> {
    /// All of them when absent.
    target: Option<&'w str>,
    seconds: u32,
}

/// Runs one target or all; every target runs, whatever the ones before it found.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let options = parse(words)?;
    let known = targets()?;
    let chosen: Vec<&String> =
        known.iter().filter(|name| options.target.is_none_or(|target| target == **name)).collect();
    if chosen.is_empty() {
        let asked = options.target.unwrap_or_default();
        bail!("there is no fuzz target `{asked}`; targets are: {}", known.join(", "));
    }
    check_tools()?;
    let mut failed = Vec::new();
    for target in chosen {
        say::note(&format!("\n==> {target}, {} s", options.seconds));
        // No sanitizer: the workspace has no unsafe code, and inputs run twice as fast without.
        let outcome = cargo(&["fuzz", "run", "--sanitizer", "none", target, "--"])
            .arg(format!("-max_total_time={}", options.seconds))
            .arg(format!("-max_len={INPUT_BYTES}"))
            .args(["-dict=fuzz/words.dict", "-timeout=20", "-rss_limit_mb=2048"])
            .run();
        if let Err(error) = outcome {
            say::note(&format!("{error:#}"));
            failed.push(target.as_str());
        }
    }
    if !failed.is_empty() {
        bail!("{} found something; the inputs are in `fuzz/artifacts/`", failed.join(", "));
    }
    Ok(())
}

/// Cargo of the nightly compiler; the one that runs this cannot build the instrumentation.
fn cargo(arguments: &[&str]) -> Program {
    Program::new("rustup").args(["run", "nightly", "cargo"]).args(arguments)
}

/// Names all that is missing in one error.
fn check_tools() -> Result<()> {
    let mut missing = Vec::new();
    if !cargo(&["--version"]).succeeds() {
        missing.push("the nightly compiler (`rustup toolchain install nightly --profile minimal`)");
    }
    if !Program::new("cargo-fuzz").arg("--version").succeeds() {
        missing.push("cargo-fuzz (`cargo install cargo-fuzz`)");
    }
    if !missing.is_empty() {
        bail!("fuzzing needs {}", missing.join(" and "));
    }
    Ok(())
}

/// Names of all targets, sorted.
fn targets() -> Result<Vec<String>> {
    let folder = files::root().join("fuzz/fuzz_targets");
    let list = std::fs::read_dir(&folder)
        .with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
    let mut names = Vec::new();
    for file in list {
        let path = file.context("cannot read the folder of fuzz targets")?.path();
        let stem = path.file_stem().unwrap_or_default();
        names.push(stem.to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn parse<'w>(words: &[&'w str]) -> Result<Options<'w>> {
    let mut options = Options { target: None, seconds: SECONDS };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--seconds" => {
                let seconds = words.next().and_then(|word| word.parse().ok());
                options.seconds = seconds
                    .filter(|seconds| *seconds > 0)
                    .context("`--seconds` takes a whole number above 0")?;
            }
            target if options.target.is_none() && !target.starts_with('-') => {
                options.target = Some(target);
            }
            other => bail!("`fuzz` does not know `{other}`"),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_any_order() {
        let wanted = Options { target: Some("sse_split"), seconds: 5 };
        assert_eq!(parse(&["sse_split", "--seconds", "5"]).unwrap(), wanted);
        assert_eq!(parse(&["--seconds", "5", "sse_split"]).unwrap(), wanted);
        assert_eq!(parse(&[]).unwrap(), Options { target: None, seconds: SECONDS });
        for bad in [&["--seconds"][..], &["--seconds", "0"], &["a", "b"], &["--fast"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_unknown_target_is_told_with_those_that_exist() {
        let error = run(&["nothing"]).unwrap_err().to_string();
        assert!(error.contains("`nothing`") && error.contains("sse_split"), "{error}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a file of the project itself")]
    fn every_target_is_built() {
        let manifest = std::fs::read_to_string(files::root().join("fuzz/Cargo.toml")).unwrap();
        for target in targets().unwrap() {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
        }
    }
}
