//! Runs the load generator against one peer.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::peers::Peer;
use crate::shell::Program;

/// How to ask.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) binary: PathBuf,
    pub(super) body: PathBuf,
    pub(super) seconds: f64,
}

/// What one run measured; times in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) connections: usize,
    pub(super) rate: f64,
    pub(super) p50: u64,
    pub(super) p90: u64,
    pub(super) p99: u64,
    pub(super) first_p50: Option<u64>,
    pub(super) first_p99: Option<u64>,
}

impl Load {
    /// Sends some requests that are not counted: a first request loads and compiles things.
    pub(super) fn prime(&self, peer: &Peer) -> Result<()> {
        for stream in [false, true] {
            self.ask(peer, 4, &["--requests", "40"], stream)?;
        }
        Ok(())
    }

    /// Measures; a single failed request makes the figure worthless and is an error.
    pub(super) fn run(&self, peer: &Peer, connections: usize, stream: bool) -> Result<Sample> {
        let seconds = self.seconds.to_string();
        let until = ["--seconds", seconds.as_str(), "--warmup", "1"];
        let report = self.ask(peer, connections, &until, stream)?;
        let number = |name: &str| report.get(name).and_then(Value::as_u64);
        let field = |name: &str| number(name).with_context(|| format!("no `{name}` in {report}"));
        Ok(Sample {
            connections,
            rate: report.get("rps").and_then(Value::as_f64).context("no rate")?,
            p50: field("p50_us")?,
            p90: field("p90_us")?,
            p99: field("p99_us")?,
            first_p50: number("first_content_p50_us"),
            first_p99: number("first_content_p99_us"),
        })
    }

    fn ask(&self, peer: &Peer, connections: usize, until: &[&str], stream: bool) -> Result<Value> {
        let mut load = Program::new(&self.binary)
            .args(["--url", &peer.chat_url()])
            .args(["--connections", &connections.to_string()])
            .args(until)
            .arg("--body")
            .arg(&self.body);
        if let Some(key) = &peer.key {
            load = load.args(["--header", &format!("authorization: Bearer {key}")]);
        }
        if stream {
            load = load.arg("--stream");
        }
        let output = load.into_command().output().context("cannot run the load generator")?;
        let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!("no report on {}: {}", peer.name, String::from_utf8_lossy(&output.stderr))
        })?;
        let number = |name: &str| report.get(name).and_then(Value::as_u64);
        if number("errors") != Some(0) || number("requests").unwrap_or(0) == 0 {
            bail!("{} at {connections} connections failed requests: {report}", peer.name);
        }
        Ok(report)
    }
}
