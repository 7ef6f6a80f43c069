//! `bartizan eval --spans`: how much marked personal data is found, type by type.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::slice::from_ref;

use anyhow::Context as _;
use bartizan_core::limits::{TRAIN_FILE_BYTES, read_capped};
use bartizan_core::operator::Operators;
use bartizan_core::settings::{Detect, Guardrail, OnError};
use bartizan_core::{Action, Category, Channel, ChannelSet, Mode};
use bartizan_gateway::Models;
use bartizan_guard::{Guard, Session, detectors};
use bartizan_train::names::measure::Counts;
use bartizan_train::names::rows::{self, SpanRow};
use serde::Serialize;

use super::EvalArgs;
use crate::cli::DocumentFormat;
use crate::commands::check;
use crate::commands::check::inputs::Input;
use crate::format::usage;
use crate::output::Output;
use crate::terminal::{Terminal, printable};

/// What is measured.
#[derive(Debug, Serialize)]
struct Report {
    schema: &'static str,
    rows: usize,
    /// Score from which a finding counts.
    threshold: f32,
    types: BTreeMap<String, Figures>,
    all: Figures,
    /// Marked stretches of which a part was found, whatever it was taken for.
    touched: f64,
}

/// Counts of one type and what follows from them; shares are 0..=1.
#[derive(Debug, Serialize)]
struct Figures {
    marked: usize,
    found: usize,
    precision: f64,
    recall: f64,
    f1_overlap: f64,
    f1_exact: f64,
}

/// Score from which a finding counts.
const THRESHOLD: f32 = 0.5;

pub(super) fn run(args: &EvalArgs, file: &Path, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let input = Input::all(from_ref(&file.to_path_buf())).remove(0);
    let rows = read(&input)?;
    let guard = guard(&args.detector)?;
    let mut types: BTreeMap<String, Counts> = BTreeMap::new();
    let (mut marked, mut touched) = (0, 0);
    for row in &rows {
        let found = found(&guard, &row.text);
        let truth = truth(row);
        let names: BTreeSet<&String> = found.keys().chain(truth.keys()).collect();
        for name in names {
            let of = |all: &BTreeMap<String, Vec<(usize, usize)>>| {
                all.get(name).cloned().unwrap_or_default()
            };
            types.entry(name.clone()).or_default().add(&of(&truth), &of(&found));
        }
        let mut any = Counts::default();
        let every =
            |all: BTreeMap<String, Vec<(usize, usize)>>| all.into_values().flatten().collect();
        let (truth, found): (Vec<_>, Vec<_>) = (every(truth), every(found));
        any.add(&truth, &found);
        marked += any.marked;
        touched += any.touched;
    }
    if marked == 0 {
        return Err(usage("no row has anything marked", ROW_HELP));
    }
    let mut all = Counts::default();
    for counts in types.values() {
        all.join(*counts);
    }
    let report = Report {
        schema: "bartizan.spans/v1",
        rows: rows.len(),
        threshold: THRESHOLD,
        types: types.into_iter().map(|(name, counts)| (name, figures(counts))).collect(),
        all: figures(all),
        touched: touched as f64 / marked as f64,
    };
    let mut out = Output::open(&args.output, terminal)?;
    match args.format {
        DocumentFormat::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        DocumentFormat::Human => human(&mut out, &report)?,
    }
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

const ROW_HELP: &str = "each line is an object with `text` and `spans`, each of them with `start` and `end` in \
    characters and `type`";

fn read(input: &Input) -> anyhow::Result<Vec<SpanRow>> {
    let opened = input
        .open()
        .map_err(|unreadable| usage(unreadable.reason, unreadable.help.unwrap_or_default()))?;
    let name = input.name();
    let bytes =
        read_capped(opened, TRAIN_FILE_BYTES).with_context(|| format!("reading `{name}`"))?;
    let rows = rows::read(bytes.as_slice())
        .map_err(|error| usage(format!("`{name}`: {error}"), ROW_HELP))?;
    Ok(rows.into_iter().filter(|row| row.spans.is_some()).collect())
}

/// A guard with every detector of personal data, or those that were asked for.
fn guard(wanted: &[String]) -> anyhow::Result<Guard> {
    let metas = detectors::ALL.iter().map(|detector| detector.meta());
    let ids: Vec<&'static str> = metas
        .filter(|meta| meta.category == Category::Pii)
        .filter(|meta| match wanted {
            // Dates say little about how well personal data is found.
            [] => meta.id != "date-time",
            some => some.iter().any(|name| name == meta.id || name == meta.category.name()),
        })
        .map(|meta| meta.id)
        .collect();
    if ids.is_empty() {
        return Err(usage(
            "none of these detectors finds personal data",
            "`bartizan explain` lists all detectors",
        ));
    }
    let guardrail = Guardrail {
        id: "spans".parse().context("the id of the guardrail")?,
        on: ChannelSet::ALL,
        detect: Detect::Detectors(ids),
        action: Action::Flag,
        mode: Mode::Enforce,
        restore: false,
        on_error: OnError::Block,
        threshold: THRESHOLD,
        sensitivity: None,
        exceptions: Vec::new(),
        operators: Operators::default(),
        thresholds: Vec::new(),
        refine: None,
    };
    check::guard(&[guardrail], &Models::default())
}

/// What the guard finds, by type; of what overlaps within a type the longest.
fn found(guard: &Guard, text: &str) -> BTreeMap<String, Vec<(usize, usize)>> {
    let report = guard.inspect(Channel::User, text, &Session::default());
    let mut found: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for judged in &report.judged {
        let span = judged.finding.span;
        found
            .entry(kind(judged.finding.label).to_owned())
            .or_default()
            .push((span.start, span.end));
    }
    for spans in found.values_mut() {
        spans.sort_unstable_by_key(|(start, end)| (*start, usize::MAX - end));
        let mut reached = 0;
        spans.retain(|(start, end)| {
            let keeps = *start >= reached;
            reached = reached.max(*end);
            keeps
        });
    }
    found
}

/// What is marked, by type, in bytes.
fn truth(row: &SpanRow) -> BTreeMap<String, Vec<(usize, usize)>> {
    let places: Vec<usize> =
        row.text.char_indices().map(|(at, _)| at).chain([row.text.len()]).collect();
    let mut truth: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for mark in row.spans.iter().flatten() {
        if let (Some(start), Some(end)) = (places.get(mark.start), places.get(mark.end))
            && start < end
        {
            truth.entry(mark.label.clone()).or_default().push((*start, *end));
        }
    }
    truth
}

/// The type for which a label of a detector stands.
fn kind(label: &str) -> &str {
    match label {
        "EMAIL_ADDRESS" => "EMAIL",
        "PHONE_NUMBER" => "PHONE",
        "IBAN_CODE" => "IBAN",
        "CREDIT_CARD" => "CARD",
        "IP_ADDRESS" => "IP",
        "PERSON" | "ORGANIZATION" | "LOCATION" | "ADDRESS" | "DATE_OF_BIRTH" | "URL" => label,
        // Parts of an address are no numbers of persons.
        "UK_POSTCODE" | "DE_POSTCODE" => "POSTCODE",
        _ => "ID_NUMBER",
    }
}

fn figures(counts: Counts) -> Figures {
    Figures {
        marked: counts.marked,
        found: counts.found,
        precision: counts.precision(),
        recall: counts.recall(),
        f1_overlap: counts.overlap_f1(),
        f1_exact: counts.exact_f1(),
    }
}

fn human(out: &mut Output, report: &Report) -> std::io::Result<()> {
    writeln!(out, "{} rows, findings from {} on", report.rows, report.threshold)?;
    writeln!(
        out,
        "{:<16}{:>8}{:>8}{:>11}{:>8}{:>12}{:>10}",
        "type", "marked", "found", "precision", "recall", "F1 overlap", "F1 exact"
    )?;
    let all = ("all".to_owned(), &report.all);
    let lines = report.types.iter().map(|(name, figures)| (printable(name).to_string(), figures));
    for (name, figures) in lines.chain([all]) {
        writeln!(
            out,
            "{name:<16}{:>8}{:>8}{:>11.2}{:>8.2}{:>12.2}{:>10.2}",
            figures.marked,
            figures.found,
            figures.precision,
            figures.recall,
            figures.f1_overlap,
            figures.f1_exact
        )?;
    }
    writeln!(
        out,
        "found, whatever it was taken for: {:.1} % of what is marked",
        report.touched * 100.0
    )
}
