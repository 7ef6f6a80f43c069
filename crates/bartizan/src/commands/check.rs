//! `bartizan check`: text through the same engine as the gateway's.

mod lines;

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use bartizan_core::limits::{CHECK_LINE_BYTES, read_capped};
use bartizan_core::settings::{Guardrail, Settings};
use bartizan_core::{Channel, ChannelSet, Verdict};
use bartizan_guard::{Guard, Report, Session};
use serde_json::{Map, Value, json};

use crate::cli::{CheckArgs, FailOn, Format};
use crate::format::usage;
use crate::wire::policy;

/// Exit code when something could not be read.
const INCOMPLETE: u8 = 3;

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let guard = Arc::new(guard(args)?);
    let channel = Channel::from_name(&args.channel).ok_or_else(|| {
        let names = Channel::ALL.map(Channel::name).join(", ");
        usage(format!("there is no channel `{}`", args.channel), format!("use one of {names}"))
    })?;
    if args.format == Format::Jsonl {
        return lines::run(args, &guard, channel);
    }
    let mut worst = Verdict::Allow;
    let mut documents = Vec::new();
    let mut stdout = std::io::stdout().lock();
    for (name, text) in texts(args)? {
        let report = guard.inspect(channel, &text, &Session::default());
        worst = worst.max(report.verdict());
        if args.format == Format::Json {
            documents.push(result(&Value::from(name), &text, &report, args.scores));
        } else {
            human(&mut stdout, &name, &text, &report)?;
        }
    }
    if args.format == Format::Json {
        writeln!(stdout, "{}", json!({ "schema": "bartizan.check/v1", "results": documents }))?;
    }
    Ok(exit_code(worst, args.fail_on))
}

/// The guard of the policy file, or the default guardrails on every channel.
fn guard(args: &CheckArgs) -> anyhow::Result<Guard> {
    let mut builder = Guard::builder().for_whole_texts();
    for guardrail in guardrails(args)? {
        builder = builder.guardrail(&guardrail)?;
    }
    Ok(builder.build()?)
}

fn guardrails(args: &CheckArgs) -> anyhow::Result<Vec<Guardrail>> {
    let Some(file) = &args.config else {
        let settings =
            policy::load_text(&policy::default_text(), "embedded defaults", Path::new("."))?;
        let everywhere = |mut guardrail: Guardrail| {
            guardrail.on = ChannelSet::ALL;
            guardrail
        };
        return Ok(first_endpoint(settings).into_iter().map(everywhere).collect());
    };
    let mut settings = policy::load_file(file)?;
    match &args.endpoint {
        None => Ok(first_endpoint(settings)),
        Some(name) => {
            let known: Vec<String> = settings.endpoints.keys().map(ToString::to_string).collect();
            let endpoint = settings.endpoints.remove(name.as_str());
            Ok(endpoint
                .ok_or_else(|| {
                    usage(
                        format!("the policy has no endpoint `{name}`"),
                        format!("use one of {}", known.join(", ")),
                    )
                })?
                .guardrails)
        }
    }
}

fn first_endpoint(settings: Settings) -> Vec<Guardrail> {
    settings.endpoints.into_values().next().map(|endpoint| endpoint.guardrails).unwrap_or_default()
}

/// Every text with its name; standard input is `-`.
fn texts(args: &CheckArgs) -> anyhow::Result<Vec<(String, String)>> {
    let standard_input = || -> anyhow::Result<(String, String)> {
        let bytes = read_capped(std::io::stdin().lock(), CHECK_LINE_BYTES as u64)
            .context("cannot read standard input")?;
        Ok(("-".to_owned(), utf8("standard input", bytes)?))
    };
    if args.files.is_empty() {
        return Ok(vec![standard_input()?]);
    }
    args.files
        .iter()
        .map(|file| {
            let name = file.display().to_string();
            if name == "-" {
                return standard_input();
            }
            let opened =
                std::fs::File::open(file).with_context(|| format!("cannot open `{name}`"))?;
            let bytes = read_capped(opened.take(u64::MAX), CHECK_LINE_BYTES as u64)
                .with_context(|| format!("cannot read `{name}`"))?;
            let text = utf8(&format!("`{name}`"), bytes)?;
            Ok((name, text))
        })
        .collect()
}

fn utf8(name: &str, bytes: Vec<u8>) -> anyhow::Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        usage(
            format!("{name} is not UTF-8: byte {at} begins no character"),
            "convert it first, for example with `iconv -f latin1 -t utf-8`",
        )
    })
}

/// One result in the shape that JSON and JSON Lines share.
fn result(id: &Value, text: &str, report: &Report, scores: bool) -> Value {
    let findings: Vec<Value> = report
        .judged
        .iter()
        .map(|judged| {
            let finding = &judged.finding;
            let mut entry = json!({
                "rule": finding.rule,
                "category": finding.category.name(),
                "score": rounded(finding.score),
                "start": finding.span.start,
                "end": finding.span.end,
                "guardrail": judged.guardrail.to_string(),
                "verdict": judged.effective().name(),
            });
            if let (true, Some(entry)) = (judged.dry_run, entry.as_object_mut()) {
                entry.insert("dry_run".to_owned(), true.into());
            }
            entry
        })
        .collect();
    let mut document = json!({
        "id": id,
        "verdict": report.verdict().name(),
        "findings": findings,
        "text": masked(text, report),
    });
    if let Some(document) = document.as_object_mut() {
        if scores {
            let scores: Map<String, Value> = report
                .scores
                .iter()
                .map(|(category, score)| (category.name().to_owned(), rounded(*score).into()))
                .collect();
            document.insert("scores".to_owned(), scores.into());
        }
        if !report.not_evaluated.is_empty() {
            let reasons: Vec<String> =
                report.not_evaluated.iter().map(ToString::to_string).collect();
            document.insert("not_evaluated".to_owned(), reasons.into());
        }
    }
    document
}

/// The text after masking; a blocked text comes back as it was.
fn masked(text: &str, report: &Report) -> String {
    if report.blocked_at.is_some() { text.to_owned() } else { report.rewrite(text) }
}

/// Four decimals, so that output does not hang on the last bit of a float.
fn rounded(score: f32) -> f64 {
    (f64::from(score) * 10_000.0).round() / 10_000.0
}

fn human(
    out: &mut impl std::io::Write,
    name: &str,
    text: &str,
    report: &Report,
) -> std::io::Result<()> {
    writeln!(out, "{name}: {}", report.verdict())?;
    for judged in &report.judged {
        let finding = &judged.finding;
        let line = text.get(..finding.span.start).unwrap_or_default().matches('\n').count() + 1;
        writeln!(
            out,
            "  {:5} {} ({}, score {:.2}) line {line}, bytes {}..{}, by {}",
            judged.effective().name(),
            finding.rule,
            finding.category,
            finding.score,
            finding.span.start,
            finding.span.end,
            judged.guardrail,
        )?;
    }
    for reason in &report.not_evaluated {
        writeln!(out, "  not evaluated: {reason}")?;
    }
    if report.verdict() == Verdict::Mask {
        writeln!(out, "  after masking: {}", masked(text, report).trim_end())?;
    }
    Ok(())
}

fn exit_code(worst: Verdict, fail_on: FailOn) -> ExitCode {
    let fails = match fail_on {
        FailOn::Flag => worst >= Verdict::Flag,
        FailOn::Mask => worst >= Verdict::Mask,
        FailOn::Block => worst >= Verdict::Block,
        FailOn::Never => false,
    };
    if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
