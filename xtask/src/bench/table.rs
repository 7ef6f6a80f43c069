//! The page with the results.

use std::fmt::Write;

use anyhow::Result;

use super::Row;
use super::measure::Sample;
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
         | | connections | requests/s | p50 | p90 | p99 | added p50 | added p99 |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let direct = rows.first();
    for row in rows {
        for (index, sample) in row.whole.iter().enumerate() {
            let base = direct.and_then(|row| row.whole.get(index));
            writeln!(
                out,
                "| {} | {} | {:.0} | {} | {} | {} | {} | {} |",
                row.name,
                sample.connections,
                sample.rate,
                millis(sample.p50),
                millis(sample.p90),
                millis(sample.p99),
                added(Some(sample.p50), base.map(|base| base.p50)),
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
    Ok(out)
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

fn date() -> String {
    let date = Program::new("date").args(["-u", "+%Y-%m-%d"]).output();
    date.map_or_else(|_| "on an unknown day".to_owned(), |date| date.trim().to_owned())
}

fn machine() -> String {
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
        let row = |name, p50| Row {
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
        assert!(page.contains("| ours | 8 | 1234 | 1.250 | 3.000 | 4.000 | +0.250 | +0.000 |"));
        assert!(page.contains("| ours | 8 | 1234 | 1.250 | – | +0.250 | – |"));
        assert!(page.contains("| ours | 120 | 2.0 | – |"));
        assert!(page.contains(": A 1, B 2.\n"));
    }
}
