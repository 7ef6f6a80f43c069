//! JSON Lines in, JSON Lines out: in input order, as they come, on all cores.
//!
//! A reader cuts the input into batches of whatever lines are at hand, workers judge batches, and a
//! writer puts them back in order. A line that arrives alone is answered alone.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use bartizan_core::limits::CHECK_LINE_BYTES;
use bartizan_core::{Channel, Verdict};
use bartizan_guard::{Guard, Session};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{INCOMPLETE, exit_code, result};
use crate::cli::CheckArgs;

/// Most lines in a batch.
const BATCH_LINES: usize = 64;
/// Bytes of input that are read ahead.
const READ_AHEAD_BYTES: usize = 256 << 10;

/// One line of input.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    id: Value,
    text: String,
    channel: Option<String>,
}

/// What is asked of a line that is no [`Line`].
#[derive(Debug, Deserialize)]
struct Named {
    #[serde(default)]
    id: Value,
}

/// Why a line was not judged, with its id when there is one to read.
#[derive(Debug)]
struct Unreadable {
    id: Value,
    reason: String,
}

struct Batch {
    number: u64,
    lines: Vec<Vec<u8>>,
}

struct Answer {
    number: u64,
    bytes: Vec<u8>,
    worst: Verdict,
    unreadable: u64,
}

pub(super) fn run(
    args: &CheckArgs,
    guard: &Arc<Guard>,
    channel_of_all: Channel,
) -> anyhow::Result<ExitCode> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (batches, waiting) = sync_channel::<Batch>(workers * 4);
    let waiting = Arc::new(Mutex::new(waiting));
    let (answers, answered) = channel::<Answer>();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (waiting, answers) = (Arc::clone(&waiting), answers.clone());
            scope.spawn(move || work(&waiting, &answers, guard, channel_of_all, args.scores));
        }
        drop(answers);
        let reader = scope.spawn(move || read_all(args, &batches));
        let (worst, unreadable) = write_all(&answered)?;
        match reader.join() {
            Ok(read) => read?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        if unreadable > 0 {
            tracing::warn!(
                lines = unreadable,
                "lines that could not be read are marked with `error`"
            );
            return Ok(ExitCode::from(INCOMPLETE));
        }
        Ok(exit_code(worst, args.fail_on))
    })
}

fn read_all(args: &CheckArgs, batches: &SyncSender<Batch>) -> anyhow::Result<()> {
    let mut number = 0;
    if args.files.is_empty() {
        return read(std::io::stdin().lock(), batches, &mut number)
            .context("cannot read standard input");
    }
    for file in &args.files {
        let name = file.display();
        if file == Path::new("-") {
            read(std::io::stdin().lock(), batches, &mut number)
                .context("cannot read standard input")?;
            continue;
        }
        let opened = std::fs::File::open(file).with_context(|| format!("cannot open `{name}`"))?;
        read(opened, batches, &mut number).with_context(|| format!("cannot read `{name}`"))?;
    }
    Ok(())
}

fn read(
    input: impl std::io::Read,
    batches: &SyncSender<Batch>,
    number: &mut u64,
) -> std::io::Result<()> {
    let mut input = BufReader::with_capacity(READ_AHEAD_BYTES, input);
    loop {
        let mut lines = Vec::new();
        // Lines that are already here go together; nobody waits for a batch to fill.
        while lines.len() < BATCH_LINES && (lines.is_empty() || input.buffer().contains(&b'\n')) {
            let mut line = Vec::new();
            let cap = CHECK_LINE_BYTES as u64 + 2;
            if std::io::Read::take(&mut input, cap).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if !line.ends_with(b"\n") && line.len() > CHECK_LINE_BYTES {
                skip_line(&mut input)?;
            }
            if !line.trim_ascii().is_empty() {
                lines.push(line);
            }
        }
        if lines.is_empty() {
            if input.fill_buf()?.is_empty() {
                return Ok(());
            }
            continue;
        }
        if batches.send(Batch { number: *number, lines }).is_err() {
            // The writer has stopped; it says why.
            return Ok(());
        }
        *number += 1;
    }
}

fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (used, found) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if found {
            return Ok(());
        }
    }
}

fn work(
    waiting: &Mutex<Receiver<Batch>>,
    answers: &Sender<Answer>,
    guard: &Guard,
    channel: Channel,
    scores: bool,
) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return };
        let mut answer = Answer {
            number: batch.number,
            bytes: Vec::new(),
            worst: Verdict::Allow,
            unreadable: 0,
        };
        for line in &batch.lines {
            let document = match judge(line, guard, channel, scores) {
                Ok((document, verdict)) => {
                    answer.worst = answer.worst.max(verdict);
                    document
                }
                Err(Unreadable { id, reason }) => {
                    answer.unreadable += 1;
                    json!({ "id": id, "error": reason })
                }
            };
            answer.bytes.extend_from_slice(document.to_string().as_bytes());
            answer.bytes.push(b'\n');
        }
        if answers.send(answer).is_err() {
            return;
        }
    }
}

fn judge(
    line: &[u8],
    guard: &Guard,
    channel: Channel,
    scores: bool,
) -> Result<(Value, Verdict), Unreadable> {
    if line.len() > CHECK_LINE_BYTES {
        let reason = format!("the line is longer than {CHECK_LINE_BYTES} bytes");
        return Err(Unreadable { id: Value::Null, reason });
    }
    let line: Line = serde_json::from_slice(line).map_err(|error| {
        // The line may still say which one it is.
        let id = serde_json::from_slice(line).map_or(Value::Null, |Named { id }| id);
        Unreadable { id, reason: error.to_string() }
    })?;
    let channel = match line.channel.as_deref() {
        None => channel,
        Some(name) => Channel::from_name(name).ok_or_else(|| Unreadable {
            id: line.id.clone(),
            reason: "`channel` names no channel".to_owned(),
        })?,
    };
    let report = guard.inspect(channel, &line.text, &Session::default());
    Ok((result(&line.id, &line.text, &report, scores), report.verdict()))
}

/// Writes answers in order; flushes whenever nothing more is at hand.
fn write_all(answered: &Receiver<Answer>) -> std::io::Result<(Verdict, u64)> {
    let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
    let mut early: BTreeMap<u64, Answer> = BTreeMap::new();
    let mut next = 0;
    let mut worst = Verdict::Allow;
    let mut unreadable = 0;
    while let Ok(answer) = answered.recv() {
        early.insert(answer.number, answer);
        while let Some(answer) = early.remove(&next) {
            stdout.write_all(&answer.bytes)?;
            worst = worst.max(answer.worst);
            unreadable += answer.unreadable;
            next += 1;
        }
        stdout.flush()?;
    }
    Ok((worst, unreadable))
}
