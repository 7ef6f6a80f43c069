//! `bartizan inference`: what was asked and answered, read back and checked.
//!
//! Who reads text is recorded as an event before it is shown, unless a running process keeps the event log.

mod verify;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::event::Event;
use bartizan_core::payload::{Receipt, Side};
use bartizan_core::{RequestId, time};
use bartizan_inference::{Content, Entry, FOLDER, Opened, Reader};
use bartizan_ledger::{EventLogWriter, LedgerError};
use bartizan_policy::DataSettings;
use serde_json::{Value, json};

use crate::cli::inference::{InferenceArgs, InferenceCommand, WhichArgs};
use crate::cli::{DocumentFormat, Format};
use crate::format::{INCOMPLETE, usage};
use crate::output::Output;
use crate::terminal::{Terminal, printable};
use crate::wire::inference::{document, text_of};
use crate::wire::policy;

/// Operation of the event of a read.
const READ: &str = "payload-read";

pub(crate) fn run(args: &InferenceArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let data = policy::load_data(&args.policy)?;
    let folder = folder(&data)?;
    if let InferenceCommand::Verify { format, output } = &args.command {
        return verify::run(&data, &folder, *format, output, terminal);
    }
    let source = policy::secret_source(&args.policy)?;
    let mut reader = Reader::open(&folder, source.inference_keys())?;
    match &args.command {
        InferenceCommand::List { which, format, output } => {
            list(&mut reader, which, *format, Output::open(output, terminal)?)
        }
        InferenceCommand::Show { request, format, output } => {
            let id: RequestId = request.parse().map_err(|_| {
                usage(
                    format!("`{request}` is no id of a request"),
                    "name one as in `x-bartizan-request-id`; `bartizan inference list` shows those that are kept",
                )
            })?;
            let (name, receipt, content) = found(&mut reader, id)?;
            note_read(&data, Some(&name), &format!("request {id}"))?;
            let mut out = Output::open(output, terminal)?;
            match format {
                DocumentFormat::Human => human(&mut out, &name, &receipt, &content)?,
                DocumentFormat::Json => writeln!(out, "{}", document(&name, &receipt, &content))?,
            }
            out.finish()?;
            Ok(ExitCode::SUCCESS)
        }
        InferenceCommand::Export { which, output, .. } => {
            export(&data, &mut reader, which, Output::open(output, terminal)?)
        }
        InferenceCommand::Verify { .. } => Ok(ExitCode::SUCCESS),
    }
}

/// The folder of the log.
fn folder(data: &DataSettings) -> anyhow::Result<PathBuf> {
    let folder = data.data_dir.join(FOLDER);
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(usage(
        format!("there is no inference log in `{}`", data.data_dir.display()),
        "an endpoint with `inference-log: {}` makes one; `--data-dir` names another folder",
    ))
}

/// The exchange of a request.
fn found(reader: &mut Reader, id: RequestId) -> anyhow::Result<(String, Receipt, Box<Content>)> {
    let Some((segment, entry)) = reader.find(id)? else {
        return Err(usage(
            format!("no exchange of the request {id} is kept"),
            "`payload` of its event says why; `bartizan inference list` shows those that are",
        ));
    };
    match reader.read(segment, &entry)? {
        Opened::Content { name, receipt, content } => Ok((name, receipt, content)),
        Opened::Erased { at } => Err(usage(
            format!("whoever sent the request {id} was erased at {at}: nobody can open it"),
            "its event still says what was decided: `bartizan events`",
        )),
        Opened::Past => Err(usage(
            format!("the exchange of the request {id} is past the time for which it is kept"),
            "its event still says what was decided: `bartizan events`",
        )),
        Opened::NoKey => Err(usage(
            format!("there is no key for the record of the request {id}"),
            "bring back the master key that it was kept with, or the file `keys.jsonl` of its folder",
        )),
        Opened::Damaged => Err(usage(
            format!("the record of the request {id} is not as it was written"),
            "`bartizan inference verify` says what else was changed",
        )),
    }
}

/// The records that are meant, with what is in them; and how many of all do not open.
fn each(
    reader: &mut Reader,
    which: &WhichArgs,
    mut take: impl FnMut(&Entry, &str, &Receipt, &Content) -> anyhow::Result<()>,
) -> anyhow::Result<Unread> {
    let back = time::parse_duration(&which.since)
        .map_err(|message| usage(message, "for example `--since 1h`"))?;
    let since = time::now().checked_sub(back).ok();
    let mut unread = Unread::default();
    for (segment, entry) in reader.since(since)? {
        match reader.read(segment, &entry)? {
            Opened::Content { name, receipt, content } => {
                let is_meant = which.principal.as_ref().is_none_or(|wanted| *wanted == name)
                    && which
                        .endpoint
                        .as_ref()
                        .is_none_or(|wanted| content.event.endpoint.as_ref() == Some(wanted));
                if is_meant {
                    take(&entry, &name, &receipt, &content)?;
                }
            }
            Opened::Erased { .. } => unread.erased += 1,
            // As if it were gone, which it is with its segment.
            Opened::Past => {}
            Opened::NoKey | Opened::Damaged => unread.damaged += 1,
        }
    }
    Ok(unread)
}

/// Records that do not open.
#[derive(Debug, Default)]
struct Unread {
    erased: u64,
    damaged: u64,
}

impl Unread {
    /// Says it, and gives the exit code. What was erased is as it should be.
    fn code(&self) -> ExitCode {
        if self.erased > 0 {
            tracing::info!(
                records = self.erased,
                "of people who were erased; nobody can open them"
            );
        }
        if self.damaged == 0 {
            return ExitCode::SUCCESS;
        }
        tracing::warn!(
            records = self.damaged,
            "do not open: their key is missing, or they were changed; see `bartizan inference verify`"
        );
        ExitCode::from(INCOMPLETE)
    }
}

fn list(
    reader: &mut Reader,
    which: &WhichArgs,
    format: Format,
    mut out: Output,
) -> anyhow::Result<ExitCode> {
    let mut all = Vec::new();
    let unread = each(reader, which, |entry, name, receipt, content| {
        let listed = listed(entry, name, receipt, content);
        match format {
            Format::Human => line(&mut out, name, content)?,
            Format::Jsonl => writeln!(out, "{listed}")?,
            Format::Json => all.push(listed),
        }
        Ok(())
    })?;
    if format == Format::Json {
        writeln!(out, "{}", json!({ "schema": "bartizan.inference-list/v1", "exchanges": all }))?;
    }
    out.finish()?;
    Ok(unread.code())
}

/// An exchange without its text.
fn listed(entry: &Entry, name: &str, receipt: &Receipt, content: &Content) -> Value {
    let event = &content.event;
    let bytes = |side: &Option<Side>| side.as_ref().map(Side::length);
    let until = i64::try_from(entry.until).ok();
    let until = until.and_then(|until| time::Timestamp::from_second(until).ok());
    json!({
        "request_id": event.request_id,
        "time": event.time,
        "until": until.map(time::format),
        "principal": name,
        "endpoint": event.endpoint,
        "operation": event.operation,
        "verdict": event.verdict,
        "outcome": event.outcome,
        "status": event.status,
        "request_bytes": bytes(&content.request),
        "answer_bytes": bytes(&content.answer),
        "payload": receipt.to_string(),
    })
}

fn line(out: &mut impl Write, name: &str, content: &Content) -> std::io::Result<()> {
    let event = &content.event;
    let bytes = |side: &Option<Side>| {
        side.as_ref().map_or_else(|| "-".to_owned(), |side| side.length().to_string())
    };
    let line = format!(
        "{}  {:5} {}  {} {name} {}  {}  {} > {} bytes",
        event.time,
        event.verdict.name(),
        event.status.map(|status| status.to_string()).unwrap_or_default(),
        event.operation,
        event.endpoint.as_deref().unwrap_or("-"),
        event.request_id,
        bytes(&content.request),
        bytes(&content.answer),
    );
    writeln!(out, "{}", printable(&line))
}

fn human(
    out: &mut impl Write,
    name: &str,
    receipt: &Receipt,
    content: &Content,
) -> anyhow::Result<()> {
    line(out, name, content)?;
    let event = &content.event;
    let said = [
        ("rule", event.rule.as_deref()),
        ("outcome", Some(event.outcome.name())),
        ("provider", event.provider.as_deref()),
        ("model", event.model.as_deref()),
        ("detail", event.detail.as_deref()),
    ];
    for (key, value) in said {
        if let Some(value) = value {
            writeln!(out, "{key}: {}", printable(value))?;
        }
    }
    writeln!(out, "payload: {receipt}")?;
    for (title, side) in [("request", &content.request), ("answer", &content.answer)] {
        let Some(side) = side else {
            writeln!(out, "\n{title}: nothing was sent")?;
            continue;
        };
        let cut = if side.is_cut() { ", cut" } else { "" };
        writeln!(out, "\n{title}: {} bytes{cut}", side.length())?;
        match text_of(side) {
            // Of a model or a caller: a terminal must not obey it.
            Some(text) => writeln!(out, "{}", printable(text))?,
            None => writeln!(out, "(not text; `--format json` has it in base64)")?,
        }
    }
    Ok(())
}

fn export(
    data: &DataSettings,
    reader: &mut Reader,
    which: &WhichArgs,
    mut out: Output,
) -> anyhow::Result<ExitCode> {
    // Before anything is shown, and so before anybody knows how many there are.
    let of = which.principal.as_deref();
    let endpoint = which.endpoint.as_ref().map(|name| format!(" of endpoint {name}"));
    let what = format!("exchanges of the last {}{}", which.since, endpoint.unwrap_or_default());
    note_read(data, of, &what)?;
    let unread = each(reader, which, |_, name, receipt, content| {
        Ok(writeln!(out, "{}", document(name, receipt, content))?)
    })?;
    out.finish()?;
    tracing::warn!("what was written is text of people; a later erasure does not reach it");
    Ok(unread.code())
}

/// Says in the event log that text was read, before it is shown.
fn note_read(data: &DataSettings, whose: Option<&str>, what: &str) -> anyhow::Result<()> {
    let log = match EventLogWriter::open(&data.data_dir.join(bartizan_ledger::FOLDER), data.ledger)
    {
        Ok(log) => log,
        Err(LedgerError::Locked { path }) => {
            tracing::warn!(
                log = %path.display(),
                "no event of this read: the running process keeps the log; its admin API records"
            );
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let mut event = Event::new(RequestId::new(), "admin", READ);
    event.subject = whose.map(str::to_owned);
    event.detail = Some(format!("{what}, on the command line"));
    log.record_durably(&event).context("the read is not recorded, and nothing is shown")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use bartizan_core::payload::Receipt;

    use super::*;

    #[test]
    fn a_terminal_does_not_obey_what_somebody_said() {
        let event = Event::new(RequestId::new(), "gateway", "chat-completions");
        let text = b"red\x1b[31m\xe2\x80\xae".to_vec();
        let length = text.len() as u64;
        let request = Some(Side::new(text, length));
        let content = Content { event, request, answer: Some(Side::new(vec![0xff], 9)) };
        let receipt = Receipt { segment: 1, offset: 24, digest: [0; 32] };
        let mut out = Vec::new();
        human(&mut out, "sp:\x1bbot", &receipt, &content).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(!out.contains('\x1b') && !out.contains('\u{202e}'), "{out}");
        assert!(out.contains("red\\u{1b}[31m\\u{202e}"), "{out}");
        assert!(out.contains("answer: 9 bytes, cut\n(not text;"), "{out}");
    }
}
