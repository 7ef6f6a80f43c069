//! Has texts read, and reads what came of it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::files;
use crate::shell::Program;

/// How often the memory of a running program is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// One text as one subject read it; times in microseconds.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) rounds: u64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Of all rounds together.
    pub(super) total: f64,
}

/// Something that reads texts.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) detectors: u64,
    /// Until it could read the first text, in milliseconds.
    pub(super) ready: f64,
    pub(super) texts: Vec<Text>,
}

/// What one process measured.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) subjects: Vec<Subject>,
    pub(super) missing: Vec<String>,
    /// Most memory that was ever resident.
    pub(super) peak_kib: Option<u64>,
}

impl Subject {
    pub(super) fn text(&self, name: &str) -> Option<&Text> {
        self.texts.iter().find(|text| text.name == name)
    }
}

/// The core on which everything is measured.
#[derive(Debug)]
pub(super) struct Core(String);

impl Core {
    /// The last one that this process may use: the first ones serve interrupts more often.
    pub(super) fn last() -> Result<Self> {
        let status = files::read("/proc/self/status".as_ref()).context("needs Linux")?;
        let core = last_core(&status).context("the system does not say which cores there are")?;
        let core = core.to_owned();
        if !Program::new("taskset").args(["-c", &core, "true"]).succeeds() {
            bail!("`taskset -c {core}` does not work; it is part of util-linux");
        }
        Ok(Self(core))
    }

    /// A program that may use this core alone.
    pub(super) fn program(&self, program: &Path) -> Program {
        Program::new("taskset").args(["-c", &self.0]).arg(program)
    }
}

fn last_core(status: &str) -> Option<&str> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    list.trim().rsplit([',', '-']).next().filter(|core| !core.is_empty())
}

/// Runs a program that prints one line of JSON with its figures.
pub(super) fn ask(program: Program) -> Result<Answer> {
    let output = program.output()?;
    let value: Value = serde_json::from_str(&output).context("no figures were printed")?;
    read(&value).with_context(|| format!("these are not the figures that were expected: {output}"))
}

fn read(value: &Value) -> Option<Answer> {
    let text = |value: &Value| {
        Some(Text {
            name: value.get("name")?.as_str()?.to_owned(),
            bytes: value.get("bytes")?.as_u64()?,
            rounds: value.get("rounds")?.as_u64()?,
            p50: value.get("p50_us")?.as_f64()?,
            p99: value.get("p99_us")?.as_f64()?,
            total: value.get("total_us")?.as_f64()?,
        })
    };
    let subject = |value: &Value| {
        Some(Subject {
            name: value.get("name")?.as_str()?.to_owned(),
            detectors: value.get("detectors")?.as_u64()?,
            ready: value.get("ready_ms")?.as_f64()?,
            texts: value.get("texts")?.as_array()?.iter().map(text).collect::<Option<_>>()?,
        })
    };
    let subjects = value.get("subjects")?.as_array()?;
    let missing = value.get("missing").and_then(Value::as_array);
    let missing = missing.into_iter().flatten().filter_map(Value::as_str);
    Some(Answer {
        subjects: subjects.iter().map(subject).collect::<Option<_>>()?,
        missing: missing.map(str::to_owned).collect(),
        peak_kib: value.get("peak_kib").and_then(Value::as_u64),
    })
}

/// A folder that `bartizan check` read.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) name: &'static str,
    pub(super) files: usize,
    pub(super) bytes: usize,
    /// From the start of the process to its end.
    pub(super) took: Duration,
    pub(super) peak_kib: Option<u64>,
}

/// Runs it to its end.
pub(super) fn folder(
    program: Program,
    name: &'static str,
    files: usize,
    bytes: usize,
) -> Result<Folder> {
    let begun = Instant::now();
    let mut running = program.start(Stdio::null(), Stdio::inherit())?;
    let id = running.child.id();
    let mut peak_kib = None;
    let status = loop {
        if let Some(status) = running.child.try_wait()? {
            break status;
        }
        // The system keeps the highest mark itself, so only what comes after the last look is missed.
        peak_kib = peak(id).max(peak_kib);
        std::thread::sleep(LOOK);
    };
    let took = begun.elapsed();
    if !status.success() {
        bail!("`bartizan check` with {name} ended with {status}");
    }
    Ok(Folder { name, files, bytes, took, peak_kib })
}

fn peak(id: u32) -> Option<u64> {
    let status = files::read(format!("/proc/{id}/status").as_ref()).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn takes_the_last_core_that_is_allowed() {
        let of = |list: &str| {
            last_core(&format!("Name:\tx\nCpus_allowed_list:\t{list}\n")).map(str::to_owned)
        };
        assert_eq!(of("0-1").as_deref(), Some("1"));
        assert_eq!(of("3").as_deref(), Some("3"));
        assert_eq!(of("0,2-5,9").as_deref(), Some("9"));
        assert_eq!(of(""), None);
        assert_eq!(last_core("Name:\tx\n"), None);
    }

    #[test]
    fn figures_are_read_whole_or_not_at_all() {
        let mut value = json!({
            "subjects": [{ "name": "a", "detectors": 2, "ready_ms": 1.5, "texts": [
                { "name": "t", "bytes": 9, "rounds": 20, "p50_us": 1, "p99_us": 2.5, "total_us": 30 },
            ] }],
            "missing": ["b: no"],
        });
        let answer = read(&value).unwrap();
        assert_eq!(answer.missing, ["b: no"]);
        assert_eq!(answer.peak_kib, None);
        assert!((answer.subjects[0].text("t").unwrap().p99 - 2.5).abs() < 1e-9);
        value["subjects"][0]["texts"][0].as_object_mut().unwrap().remove("p99_us");
        assert!(read(&value).is_none());
    }
}
