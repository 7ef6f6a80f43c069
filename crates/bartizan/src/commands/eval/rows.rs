//! Rows from files and standard input, judged on all cores.
//!
//! The calling thread reads and cuts the input into batches; workers judge them and keep scores. The
//! first line that is no row ends it all, and it is the same line however the work is shared out.

use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use bartizan_core::Channel;
use bartizan_core::limits::CHECK_LINE_BYTES;
use bartizan_gateway::chat::Chat;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::judge::Judge;
use super::tally::{At, Tally};
use crate::commands::check::inputs::{Input, Unreadable};
use crate::commands::check::lines::{BYTE_ORDER_MARK, read_line};
use crate::format::usage;
use crate::progress::{Counted, Progress};

/// Most lines in a batch.
const BATCH_LINES: usize = 64;
/// Bytes after which a batch takes no further line.
const BATCH_BYTES: usize = 1 << 20;
/// Batches that may wait per worker.
const WAITING: usize = 2;
/// How a file begins that gzip made.
const GZIP: &[u8] = b"\x1f\x8b";
/// What is said about a line that is no row.
const ROW_HELP: &str = "each line is an object with `text` or `messages`, and `label`, and may have `id`, `source`, `kind` \
    and `channel`";
/// What is said about a conversation that cannot be read.
const CHAT_HELP: &str = "`messages` are those of chat completions: `[{\"role\": \"user\", \"content\": \"…\"}, …]`, with texts or \
    text parts";
/// What is said where a channel is given for a conversation.
const ROLES_HELP: &str = "leave the channel out, or give the conversation as one `text`";
/// Bytes of a conversation that an example may show.
const OUTLINE_BYTES: usize = 480;

/// One labelled text or conversation.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    #[serde(default)]
    pub(super) id: Value,
    /// Of a conversation its beginning, where examples are wanted.
    pub(super) text: Option<String>,
    /// Read by [`Chat`].
    messages: Option<IgnoredAny>,
    label: String,
    pub(super) source: Option<String>,
    pub(super) kind: Option<String>,
    channel: Option<String>,
}

struct Batch {
    number: u64,
    file: usize,
    /// Line number of the first line, from 1.
    first: u64,
    lines: Vec<Vec<u8>>,
}

/// A line that is no row.
struct Bad {
    at: At,
    why: NoRow,
}

/// Why a line is no row, and what to do.
struct NoRow {
    reason: String,
    help: &'static str,
}

impl NoRow {
    fn new(reason: impl Into<String>, help: &'static str) -> Self {
        Self { reason: reason.into(), help }
    }
}

/// What a worker came to.
#[derive(Default)]
struct Worked {
    tally: Tally,
    bad: Option<Bad>,
}

/// Judges every row; keeps `examples` of each sort and kind.
pub(super) fn judge_all(
    files: &[PathBuf],
    judge: &Judge,
    examples: usize,
    progress: &Progress,
) -> anyhow::Result<Tally> {
    let inputs = Input::all(files);
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (sender, waiting) = sync_channel::<Batch>(workers * WAITING);
    let waiting = Arc::new(Mutex::new(waiting));
    // Number of the first batch with a line that is no row; later ones need not be judged.
    let broken = AtomicU64::new(u64::MAX);
    let (read, worked) = std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for _ in 0..workers {
            // The receiver goes with the last worker, so that the reader never waits for nobody.
            let (waiting, counted) = (Arc::clone(&waiting), progress.counted());
            let broken = &broken;
            let work = move || work(&waiting, judge, examples, broken, &counted);
            let thread = std::thread::Builder::new().name("eval-worker".to_owned());
            threads.push(thread.spawn_scoped(scope, work).context("cannot start a thread")?);
        }
        drop(waiting);
        let read = read_all(&inputs, &sender, &broken);
        drop(sender);
        let worked: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        anyhow::Ok((read, worked))
    })?;
    let mut tally = Tally::default();
    let mut first_bad: Option<Bad> = None;
    for worked in worked {
        let worked = worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        tally.absorb(worked.tally, examples);
        first_bad = earlier(first_bad, worked.bad);
    }
    if let Some(Bad { at: (file, line), why: NoRow { reason, help } }) = first_bad {
        let name = inputs.get(file).map(Input::name).unwrap_or_default();
        return Err(usage(format!("`{name}`, line {line}: {reason}"), help));
    }
    read.map_err(|error| usage(error.reason, error.help.unwrap_or_else(|| ROW_HELP.to_owned())))?;
    Ok(tally)
}

fn earlier(a: Option<Bad>, b: Option<Bad>) -> Option<Bad> {
    a.into_iter().chain(b).min_by_key(|bad| bad.at)
}

fn read_all(
    inputs: &[Input],
    sender: &SyncSender<Batch>,
    broken: &AtomicU64,
) -> Result<(), Unreadable> {
    let mut number = 0;
    for (file, input) in inputs.iter().enumerate() {
        let mut lines = BufReader::new(input.open()?);
        let mut first = 1;
        loop {
            let batch = batch(&mut lines).map_err(|error| input.failed("read", &error))?;
            let Some(mut batch) = batch else { break };
            if first == 1
                && let Some(line) = batch.first_mut()
            {
                if line.starts_with(GZIP) {
                    return Err(compressed(input));
                }
                if line.starts_with(BYTE_ORDER_MARK) {
                    line.drain(..BYTE_ORDER_MARK.len());
                }
            }
            let count = batch.len() as u64;
            let sent = sender.send(Batch { number, file, first, lines: batch });
            if sent.is_err() || broken.load(SeqCst) < number {
                return Ok(());
            }
            number += 1;
            first += count;
        }
    }
    Ok(())
}

/// The next lines; `None` at the end.
fn batch(input: &mut BufReader<impl Read>) -> std::io::Result<Option<Vec<Vec<u8>>>> {
    let mut lines = Vec::new();
    let mut bytes = 0;
    while lines.len() < BATCH_LINES && bytes < BATCH_BYTES {
        let Some(line) = read_line(input)? else { break };
        bytes += line.len();
        lines.push(line);
    }
    Ok((!lines.is_empty()).then_some(lines))
}

fn compressed(input: &Input) -> Unreadable {
    let (name, from) = match input {
        Input::Standard => ("standard input".to_owned(), "FILE".to_owned()),
        Input::File(path) => (format!("`{}`", path.display()), path.display().to_string()),
    };
    Unreadable {
        reason: format!("{name} is compressed with gzip"),
        help: Some(format!("unpack it on the way in: `zcat {from} | bartizan eval --data -`")),
    }
}

fn work(
    waiting: &Mutex<Receiver<Batch>>,
    judge: &Judge,
    examples: usize,
    broken: &AtomicU64,
    counted: &Counted,
) -> Worked {
    let mut worked = Worked::default();
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return worked };
        // INVARIANT: no batch before a broken one is skipped, so the earliest bad line is found.
        if batch.number > broken.load(SeqCst) {
            continue;
        }
        let (mut rows, mut bytes) = (0, 0);
        for (line, number) in batch.lines.iter().zip(batch.first..) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let at = (batch.file, number);
            if let Err(why) = judge_line(line, at, judge, examples, &mut worked.tally) {
                broken.fetch_min(batch.number, SeqCst);
                worked.bad = earlier(worked.bad.take(), Some(Bad { at, why }));
                break;
            }
            rows += 1;
            bytes += line.len() as u64;
        }
        counted.add(rows, bytes);
    }
}

fn judge_line(
    line: &[u8],
    at: At,
    judge: &Judge,
    examples: usize,
    tally: &mut Tally,
) -> Result<(), NoRow> {
    if line.len() > CHECK_LINE_BYTES && !line.ends_with(b"\n") {
        let reason = format!("the line is longer than {CHECK_LINE_BYTES} bytes");
        return Err(NoRow::new(reason, ROW_HELP));
    }
    let mut row: Row =
        serde_json::from_slice(line).map_err(|error| NoRow::new(without_line(&error), ROW_HELP))?;
    // Also on rows that are left out: a channel that does not exist is a mistake in the data.
    let said = row.channel.as_deref().map(|name| {
        Channel::from_name(name).ok_or_else(|| NoRow::new("`channel` names no channel", ROW_HELP))
    });
    let said = judge.channel.or(said.transpose()?);
    let chat = match (&row.text, &row.messages) {
        (Some(_), None) => None,
        (None, Some(_)) => Some(chat(line, said)?),
        (Some(_), Some(_)) => {
            return Err(NoRow::new("the row has both `text` and `messages`", ROW_HELP));
        }
        (None, None) => {
            return Err(NoRow::new("the row has neither `text` nor `messages`", ROW_HELP));
        }
    };
    let Some(truth) = judge.truth(&row.label) else {
        tally.leave_out(&row.label);
        return Ok(());
    };
    let judgement = if let Some(chat) = &chat {
        judge.inspect_chat(chat)
    } else {
        let text = row.text.as_deref().unwrap_or_default();
        judge.inspect(said.unwrap_or(Channel::User), text)
    };
    if let Some(chat) = chat.filter(|_| examples > 0) {
        row.text = Some(chat.outline(OUTLINE_BYTES));
    }
    tally.add(at, &row, truth, &judgement, examples);
    Ok(())
}

/// The conversation of a row.
fn chat(line: &[u8], channel: Option<Channel>) -> Result<Chat<'_>, NoRow> {
    if channel.is_some() {
        let reason = "the roles of `messages` say where texts come from, and a channel is given";
        return Err(NoRow::new(reason, ROLES_HELP));
    }
    Chat::parse(line).map_err(|error| NoRow::new(error.to_string(), CHAT_HELP))
}

/// The parser's words; it sees one line, so its line number would be mistaken for that of the file.
fn without_line(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match said.strip_suffix(&place) {
        Some(what) => format!("{what}, at column {}", error.column()),
        None => said,
    }
}
