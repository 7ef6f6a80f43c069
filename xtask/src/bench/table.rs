//! The page with the results.

use std::fmt::Write;

use anyhow::Result;

use super::Row;
use super::measure::Sample;
use super::peers::{LITELLM, NGINX, OURS, SHARED};
use crate::files;
use crate::shell::Program;

/// Markdown with command, date, machine, versions and tables. The first row is what others are
/// compared with.
pub(super) fn page(rows: &[Row], words: &[&str], versions: &str) -> Result<String> {
    let mut out = String::from("# Gateway: side by side\n\n");
    let command = ["cargo xtask bench gateway"].iter().chain(words).copied();
    writeln!(out, "Repeat with `{}`.\n", command.collect::<Vec<_>>().join(" "))?;
    writeln!(out, "Measured {} on {}: {versions}.\n", date(), machine())?;
    out.push_str(
        "Chat completions with a prompt of 1 KB against an upstream that answers at once; load \
         generator, peer and upstream share the machine. Times in milliseconds; \"added\" is \
         against direct calls at the same number of connections.\n\n\
         ## Whole answers\n\n\
         | | connections | requests/s | p50 | p90 | p99 | added p50 | added p90 | added p99 |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let direct = rows.first();
    for row in rows {
        for (index, sample) in row.whole.iter().enumerate() {
            let base = direct.and_then(|row| row.whole.get(index));
            writeln!(
                out,
                "| {} | {} | {:.0} | {} | {} | {} | {} | {} | {} |",
                row.name,
                sample.connections,
                sample.rate,
                millis(sample.p50),
                millis(sample.p90),
                millis(sample.p99),
                added(Some(sample.p50), base.map(|base| base.p50)),
                added(Some(sample.p90), base.map(|base| base.p90)),
                added(Some(sample.p99), base.map(|base| base.p99)),
            )?;
        }
    }
    out.push_str(
        "\n## Streams: time to the first content\n\n\
         | | connections | streams/s | p50 | p99 | added p50 | added p99 |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        for (index, sample) in row.streamed.iter().enumerate() {
            let base = direct.and_then(|row| row.streamed.get(index));
            stream_line(&mut out, row.name, sample, base)?;
        }
    }
    out.push_str(
        "\n## Process\n\nMemory is what is resident of the process and its children; that of \"direct\" is \
         of the upstream, which stands in for the provider.\n\n| | start, ms | memory idle, MiB | memory after load, MiB |\n\
         |---|---|---|---|\n",
    );
    for row in rows {
        let start = row.start.map(|start| start.as_millis().to_string());
        let mib = |kib: Option<u64>| kib.map(|kib| format!("{:.1}", kib as f64 / 1024.0));
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            row.name,
            or_dash(start),
            or_dash(mib(row.idle_kib)),
            or_dash(mib(row.loaded_kib)),
        )?;
    }
    goals(&mut out, rows)?;
    Ok(out)
}

/// What was aimed at beside what was measured.
fn goals(out: &mut String, rows: &[Row]) -> Result<()> {
    let row = |name: &str| rows.iter().find(|row| row.name == name);
    let Some(ours) = row(OURS) else { return Ok(()) };
    let direct = rows.first();
    out.push_str(
        "\n## Goals\n\nWith the default guards. Ratios are of requests/s of whole answers in this run. A goal on \
         latency is for one connection: with more, load generator, upstream and gateway wait for the same \
         cores.\n\n| | goal | measured | reached |\n|---|---|---|---|\n",
    );
    let mut line = |what: &str, goal: &str, value: Option<f64>, unit: &str, reached: bool| {
        let Some(value) = value else { return Ok(()) };
        let reached = if reached { "yes" } else { "**no**" };
        writeln!(out, "| {what} | {goal} | {value:.2}{unit} | {reached} |")
    };
    let most = |value: Option<f64>, most: f64| value.is_some_and(|value| value <= most);
    let least = |value: Option<f64>, least: f64| value.is_some_and(|value| value >= least);
    for (name, peer, factor) in [("nginx", NGINX, 0.5), ("LiteLLM", LITELLM, 40.0)] {
        let Some(peer) = row(peer) else { continue };
        for (own, other) in ours.whole.iter().zip(&peer.whole) {
            let ratio = Some(own.rate / other.rate);
            let what = format!("throughput against {name}, {} connections", own.connections);
            line(&what, &format!("≥ {factor} ×"), ratio, " ×", least(ratio, factor))?;
        }
    }
    let base = direct.and_then(|direct| direct.whole.first()).zip(ours.whole.first());
    let added = |from: u64, to: u64| (to as f64 - from as f64) / 1000.0;
    let p50 = base.map(|(direct, own)| added(direct.p50, own.p50));
    line("added p50", "≤ 0.3 ms", p50, " ms", most(p50, 0.3))?;
    let p99 = base.map(|(direct, own)| added(direct.p99, own.p99));
    line("added p99", "≤ 2 ms", p99, " ms", most(p99, 2.0))?;
    let shared = direct.and_then(|direct| direct.whole.first()).zip(row(SHARED));
    let shared = shared.and_then(|(direct, shared)| Some((direct, shared.whole.first()?)));
    let p50 = shared.map(|(direct, own)| added(direct.p50, own.p50));
    line("added p50, limits in Redis", "≤ 0.3 ms", p50, " ms", most(p50, 0.3))?;
    let p99 = shared.map(|(direct, own)| added(direct.p99, own.p99));
    line("added p99, limits in Redis", "≤ 2 ms", p99, " ms", most(p99, 2.0))?;
    let streams = direct.and_then(|direct| direct.streamed.first()).zip(ours.streamed.first());
    let first = streams.and_then(|(direct, own)| Some(added(direct.first_p50?, own.first_p50?)));
    line("added to the time to first content", "≤ 1 ms", first, " ms", most(first, 1.0))?;
    let idle = ours.idle_kib.map(|kib| kib as f64 / 1024.0);
    line("memory idle", "≤ 80 MiB", idle, " MiB", most(idle, 80.0))?;
    let start = ours.start.map(|start| start.as_secs_f64() * 1000.0);
    line("start", "≤ 200 ms", start, " ms", most(start, 200.0))?;
    Ok(())
}

fn stream_line(out: &mut String, name: &str, sample: &Sample, base: Option<&Sample>) -> Result<()> {
    writeln!(
        out,
        "| {name} | {} | {:.0} | {} | {} | {} | {} |",
        sample.connections,
        sample.rate,
        or_dash(sample.first_p50.map(millis)),
        or_dash(sample.first_p99.map(millis)),
        added(sample.first_p50, base.and_then(|base| base.first_p50)),
        added(sample.first_p99, base.and_then(|base| base.first_p99)),
    )?;
    Ok(())
}

fn millis(micros: u64) -> String {
    format!("{:.3}", micros as f64 / 1000.0)
}

fn added(value: Option<u64>, base: Option<u64>) -> String {
    or_dash(
        value
            .zip(base)
            .map(|(value, base)| format!("{:+.3}", (value as f64 - base as f64) / 1000.0)),
    )
}

fn or_dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "–".to_owned())
}

/// Today.
pub(super) fn date() -> String {
    let date = Program::new("date").args(["-u", "+%Y-%m-%d"]).output();
    date.map_or_else(|_| "on an unknown day".to_owned(), |date| date.trim().to_owned())
}

/// Processor and number of cores.
pub(super) fn machine() -> String {
    let info = files::read("/proc/cpuinfo".as_ref()).unwrap_or_default();
    let model = info
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split(':').nth(1))
        .map_or("an unknown processor", str::trim);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{model}, {cores} cores")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn page_of(rows: &[Row]) -> String {
        page(rows, &[], "A 1").unwrap()
    }

    #[test]
    fn compares_with_the_first_row() {
        let sample = |p50| Sample {
            connections: 8,
            rate: 1234.5,
            p50,
            p90: 3000,
            p99: 4000,
            first_p50: Some(p50),
            first_p99: None,
        };
        let row = |name: &'static str, p50| Row {
            name,
            start: Some(Duration::from_millis(120)),
            idle_kib: Some(2048),
            loaded_kib: None,
            whole: vec![sample(p50)],
            streamed: vec![sample(p50)],
        };
        let page =
            page(&[row("direct", 1000), row("ours", 1250)], &["--write"], "A 1, B 2").unwrap();
        assert!(page.contains("`cargo xtask bench gateway --write`"));
        assert!(
            page.contains("| ours | 8 | 1234 | 1.250 | 3.000 | 4.000 | +0.250 | +0.000 | +0.000 |")
        );
        assert!(page.contains("| ours | 8 | 1234 | 1.250 | – | +0.250 | – |"));
        assert!(page.contains("| ours | 120 | 2.0 | – |"));
        assert!(page.contains(": A 1, B 2.\n"));
        assert!(!page.contains("## Goals"), "nothing of ours was measured");

        let page = page_of(&[row("direct", 1000), row(NGINX, 1100), row(OURS, 1400)]);
        assert!(
            page.contains("| throughput against nginx, 8 connections | ≥ 0.5 × | 1.00 × | yes |")
        );
        assert!(page.contains("| added p50 | ≤ 0.3 ms | 0.40 ms | **no** |"));
        assert!(page.contains("| memory idle | ≤ 80 MiB | 2.00 MiB | yes |"));
        assert!(!page.contains("LiteLLM"));
    }
}
