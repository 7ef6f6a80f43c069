//! The figures for people: one table by source, one by kind, and examples.

use std::io::{self, Write};

use serde_json::Value;

use super::report::{Group, Report, Wrong};
use super::tally::{Example, NAME_CHARS, shown};
use crate::terminal::{Paint, printable};

/// Stands for a figure that these rows do not give.
const NONE: &str = "-";
/// Space between columns.
const GAP: &str = "  ";

pub(super) fn write(out: &mut impl Write, paint: Paint, report: &Report<'_>) -> io::Result<()> {
    writeln!(
        out,
        "{}, by {}",
        paint.strong(&report.families.join(", ")),
        report.detectors.join(", ")
    )?;
    writeln!(out, "benign rows must pass; to be found: {}", listed(&report.positive))?;
    if !report.left_out.is_empty() {
        let counts = report.left_out.iter().map(|(label, rows)| format!("{label} {rows}"));
        writeln!(out, "left out by label: {}", counts.collect::<Vec<_>>().join(", "))?;
    }
    if report.unread > 0 {
        let said = "on a channel that nothing measured here reads, and pass";
        writeln!(out, "{}: {} rows are {said}", paint.caution("unread"), report.unread)?;
    }
    if report.not_evaluated > 0 {
        let said = "could not be judged, and are part of no figure";
        let word = paint.caution("not evaluated");
        writeln!(out, "{word}: {} rows {said}", report.not_evaluated)?;
    }
    table(out, paint, "source", &report.sources, &report.total)?;
    table(out, paint, "kind", &report.kinds, &report.total)?;
    legend(out, report)?;
    for wrong in report.examples.iter().flatten() {
        examples(out, paint, wrong)?;
    }
    Ok(())
}

fn listed(labels: &[&str]) -> String {
    labels.iter().map(|label| printable(label)).collect::<Vec<_>>().join(", ")
}

/// One line per group, the total last.
fn table(
    out: &mut impl Write,
    paint: Paint,
    by: &str,
    groups: &[Group],
    total: &Group,
) -> io::Result<()> {
    let mut head: Vec<String> = [by, "rows", "benign", "positive"].map(str::to_owned).into();
    let rates = ["0.1", "0.5", "1", "2"].map(|rate| format!("@{rate}%"));
    head.extend(rates);
    head.extend(["AUC", "FPR", "recall"].map(str::to_owned));
    if total.latency.is_some() {
        head.extend(["p50 µs", "p99 µs"].map(str::to_owned));
    }
    let lines: Vec<Vec<String>> = groups.iter().chain([total]).map(cells).collect();
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    writeln!(out, "\n{}", paint.strong(&aligned(&head, &widths)))?;
    for line in &lines {
        writeln!(out, "{}", aligned(line, &widths))?;
    }
    Ok(())
}

fn cells(group: &Group) -> Vec<String> {
    let mut cells = vec![
        group.name.clone(),
        group.rows.to_string(),
        group.benign.to_string(),
        group.positives.to_string(),
    ];
    cells.extend(group.recall_at.iter().map(|at| percent(at.recall, 1)));
    cells.push(group.auc.map_or(NONE.to_owned(), |auc| format!("{auc:.3}")));
    cells.push(percent(group.shipped.false_positive_rate, 2));
    cells.push(percent(group.shipped.recall, 1));
    if let Some(latency) = &group.latency {
        cells.extend([latency.p50_us, latency.p99_us].map(|micros| format!("{micros:.0}")));
    }
    cells
}

fn percent(share: Option<f64>, decimals: usize) -> String {
    share.map_or(NONE.to_owned(), |share| format!("{:.decimals$}", share * 100.0))
}

/// Names to the left, figures to the right.
fn aligned(cells: &[String], widths: &[usize]) -> String {
    let padded = cells.iter().zip(widths).enumerate().map(|(index, (cell, width))| match index {
        0 => format!("{cell:<width$}"),
        _ => format!("{cell:>width$}"),
    });
    padded.collect::<Vec<_>>().join(GAP)
}

fn legend(out: &mut impl Write, report: &Report<'_>) -> io::Result<()> {
    writeln!(out, "\n@: % of positive rows found at that false-positive rate on all benign rows")?;
    for cut in &report.thresholds {
        let rate = cut.false_positive_rate * 100.0;
        match (cut.above, cut.reached, &cut.reason) {
            (Some(above), Some(reached), _) => {
                let reached = reached * 100.0;
                writeln!(
                    out,
                    "  @{rate}%: score above {above}, which {reached:.2} % of them have"
                )?;
            }
            (_, _, reason) => {
                writeln!(out, "  @{rate}%: {}", reason.as_deref().unwrap_or(NONE))?;
            }
        }
    }
    writeln!(out, "AUC: positive rows of the line against all benign rows, equal scores half")?;
    writeln!(out, "FPR, recall: % of benign and positive rows that the guardrails act on as set")
}

fn examples(out: &mut impl Write, paint: Paint, wrong: &Wrong<'_>) -> io::Result<()> {
    let sorts = [("false alarms", wrong.false_alarms), ("misses", wrong.misses)];
    for (sort, examples) in sorts.into_iter().filter(|(_, examples)| !examples.is_empty()) {
        writeln!(out, "\n{}", paint.strong(&format!("{}: {sort}", wrong.kind)))?;
        for example in examples {
            let Example { score, text, rules, .. } = example;
            let rules = if rules.is_empty() { NONE.to_owned() } else { rules.join(", ") };
            writeln!(out, "  {score:.2}  {}  {rules}\n        {text}", id(&example.id))?;
        }
    }
    Ok(())
}

fn id(id: &Value) -> String {
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    shown(&id, NAME_CHARS)
}
