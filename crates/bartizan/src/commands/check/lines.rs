//! JSON Lines in, JSON Lines out: in input order, as they come, on all cores.
//!
//! A reader cuts the input into batches of whatever lines are at hand, workers judge batches, and the
//! calling thread puts them back in order and writes. A line that arrives alone is answered alone.
//! Threads are not waited for when the output cannot be written: a reader may be waiting for input
//! that never comes.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use bartizan_core::Channel;
use bartizan_core::limits::CHECK_LINE_BYTES;
use bartizan_gateway::chat::Chat;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::inputs::Input;
use super::result::{ChatOutcome, Failure, Outcome, Shown};
use super::{Judge, Tally};
use crate::output::Output;
use crate::progress::{Counted, Progress};

/// Most lines in a batch.
const BATCH_LINES: usize = 64;
/// Bytes of input that are read ahead.
const READ_AHEAD_BYTES: usize = 256 << 10;
/// Batches that may be under way per worker, those that wait for an earlier one included.
const UNDER_WAY: usize = 16;
/// What some programs put before the first line.
pub(in crate::commands) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One line of input.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    id: Value,
    text: Option<String>,
    /// Read by [`Chat`].
    messages: Option<IgnoredAny>,
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

/// A line, or why there is none.
type Taken = Result<Vec<u8>, String>;

struct Batch {
    number: u64,
    lines: Vec<Taken>,
}

struct Answer {
    number: u64,
    bytes: Vec<u8>,
    tally: Tally,
}

pub(super) fn run(
    files: &[PathBuf],
    judge: Judge,
    out: &mut Output,
    progress: &Progress,
) -> anyhow::Result<Tally> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let judge = Arc::new(judge);
    let (batches, waiting) = channel::<Batch>();
    let waiting = Arc::new(Mutex::new(waiting));
    let (answers, answered) = channel::<Option<Answer>>();
    let spawn = |name: &str, body: Box<dyn FnOnce() + Send>| {
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(body).context("cannot start a thread")
    };
    let mut working = Vec::new();
    for _ in 0..workers {
        let (judge, waiting) = (Arc::clone(&judge), Arc::clone(&waiting));
        let (answers, counted) = (answers.clone(), progress.counted());
        let body = move || work(&waiting, &Worker(answers), &judge, &counted);
        working.push(spawn("check-worker", Box::new(body))?);
    }
    drop(answers);
    // One permit per batch under way keeps memory bounded, however slow one line is.
    let (permits, permitted) = sync_channel(workers * UNDER_WAY);
    let inputs = Input::all(files);
    let body = move || read_all(&inputs, &mut Batches { sender: batches, permits, number: 0 });
    working.push(spawn("check-reader", Box::new(body))?);
    let tally = write_all(&answered, &permitted, out)?;
    for thread in working {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
    if tally.unreadable > 0 {
        tracing::warn!(
            lines = tally.unreadable,
            "lines that could not be read are marked with `error`"
        );
    }
    Ok(tally)
}

/// The reader's end.
struct Batches {
    sender: Sender<Batch>,
    permits: SyncSender<()>,
    number: u64,
}

/// Nobody takes batches any more; whoever stopped says why.
struct Stopped;

impl Batches {
    fn send(&mut self, lines: Vec<Taken>) -> Result<(), Stopped> {
        self.permits.send(()).map_err(|_| Stopped)?;
        self.sender.send(Batch { number: self.number, lines }).map_err(|_| Stopped)?;
        self.number += 1;
        Ok(())
    }
}

fn read_all(inputs: &[Input], batches: &mut Batches) {
    for input in inputs {
        let read = match input.open() {
            Ok(opened) => read(opened, batches),
            Err(unreadable) => batches.send(vec![Err(unreadable.reason)]).map(|()| Ok(())),
        };
        let sent = match read {
            Ok(Err(error)) => batches.send(vec![Err(input.failed("read", &error).reason)]),
            Ok(Ok(())) => Ok(()),
            Err(stopped) => Err(stopped),
        };
        if sent.is_err() {
            return;
        }
    }
}

fn read(input: impl Read, batches: &mut Batches) -> Result<io::Result<()>, Stopped> {
    let mut input = BufReader::with_capacity(READ_AHEAD_BYTES, input);
    let mut first = true;
    loop {
        let mut lines = Vec::new();
        // Lines that are already here go together; nobody waits for a batch to fill.
        let mut ended = Ok(false);
        while lines.len() < BATCH_LINES && (lines.is_empty() || input.buffer().contains(&b'\n')) {
            let mut line = match read_line(&mut input) {
                Ok(Some(line)) => line,
                Ok(None) => {
                    ended = Ok(true);
                    break;
                }
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            };
            if std::mem::take(&mut first) && line.starts_with(BYTE_ORDER_MARK) {
                line.drain(..BYTE_ORDER_MARK.len());
            }
            if !line.trim_ascii().is_empty() {
                lines.push(Ok(line));
            }
        }
        if !lines.is_empty() {
            batches.send(lines)?;
        }
        match ended {
            Ok(false) => {}
            Ok(true) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

/// The next line with its end; of one that is too long the start, one byte more than is allowed.
pub(in crate::commands) fn read_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let cap = CHECK_LINE_BYTES as u64 + 1;
    if Read::take(&mut *input, cap).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") && line.len() > CHECK_LINE_BYTES {
        skip_line(input)?;
    }
    Ok(Some(line))
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
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

/// A worker's end. One that is lost says so, or its answer would be waited for without end.
struct Worker(Sender<Option<Answer>>);

impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The writer may have stopped first.
            let _ = self.0.send(None);
        }
    }
}

fn work(waiting: &Mutex<Receiver<Batch>>, answers: &Worker, judge: &Judge, counted: &Counted) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return };
        let mut answer =
            Answer { number: batch.number, bytes: Vec::new(), tally: Tally::default() };
        let mut read = 0;
        for line in &batch.lines {
            if let Ok(line) = line {
                read += line.len() as u64;
            }
            if let Err(Unreadable { id, reason }) = answer_line(line, judge, &mut answer) {
                answer.tally.unreadable += 1;
                write_line(&mut answer.bytes, &Failure { id: &id, error: &reason });
            }
        }
        counted.add(batch.lines.len() as u64, read);
        if answers.0.send(Some(answer)).is_err() {
            return;
        }
    }
}

fn answer_line(line: &Taken, judge: &Judge, answer: &mut Answer) -> Result<(), Unreadable> {
    let line: &[u8] =
        line.as_ref().map_err(|reason| Unreadable { id: Value::Null, reason: reason.clone() })?;
    let Line { id, text, messages, channel } = parse(line)?;
    let unreadable = |reason: String| Unreadable { id: id.clone(), reason };
    let said = channel.as_deref().map(|name| {
        Channel::from_name(name).ok_or_else(|| unreadable("`channel` names no channel".to_owned()))
    });
    let said = said.transpose()?;
    match (text, messages) {
        (Some(text), None) => {
            let report = judge.inspect(said.unwrap_or(judge.channel), &text);
            answer.tally.add(report.verdict());
            let outcome = Outcome::new(&id, &text, &report, judge, Shown::Text);
            write_line(&mut answer.bytes, &outcome);
        }
        (None, Some(_)) if said.is_some() => {
            let reason = "the roles of `messages` say where texts come from; leave `channel` out";
            return Err(unreadable(reason.to_owned()));
        }
        (None, Some(_)) => {
            let chat = Chat::parse(line).map_err(|error| unreadable(error.to_string()))?;
            let report = judge.inspect_chat(&chat);
            let verdict = report.verdict();
            let outcome = ChatOutcome::new(&id, report, judge);
            let outcome = outcome.map_err(|error| unreadable(error.to_string()))?;
            answer.tally.add(verdict);
            write_line(&mut answer.bytes, &outcome);
        }
        (Some(_), Some(_)) => {
            return Err(unreadable("the line has both `text` and `messages`".to_owned()));
        }
        (None, None) => {
            return Err(unreadable("the line has neither `text` nor `messages`".to_owned()));
        }
    }
    Ok(())
}

fn parse(line: &[u8]) -> Result<Line, Unreadable> {
    if line.len() > CHECK_LINE_BYTES && !line.ends_with(b"\n") {
        let reason = format!("the line is longer than {CHECK_LINE_BYTES} bytes");
        return Err(Unreadable { id: Value::Null, reason });
    }
    serde_json::from_slice(line).map_err(|error| {
        // The line may still say which one it is.
        let id = serde_json::from_slice(line).map_or(Value::Null, |Named { id }| id);
        Unreadable { id, reason: error.to_string() }
    })
}

fn write_line(bytes: &mut Vec<u8>, document: &impl Serialize) {
    let before = bytes.len();
    if serde_json::to_writer(&mut *bytes, document).is_err() {
        // Texts, numbers and lists always have a form in JSON; half a line must not stay.
        bytes.truncate(before);
    }
    bytes.push(b'\n');
}

/// Writes answers in order; flushes whenever nothing more is at hand.
fn write_all(
    answered: &Receiver<Option<Answer>>,
    permitted: &Receiver<()>,
    out: &mut Output,
) -> anyhow::Result<Tally> {
    let mut early: BTreeMap<u64, Answer> = BTreeMap::new();
    let mut next = 0;
    let mut tally = Tally::default();
    loop {
        let answer = match answered.try_recv() {
            Ok(answer) => answer,
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                out.flush()?;
                let Ok(answer) = answered.recv() else { break };
                answer
            }
        };
        let answer = answer.context("a worker failed, and part of the input is not scanned")?;
        early.insert(answer.number, answer);
        while let Some(answer) = early.remove(&next) {
            out.write_all(&answer.bytes)?;
            tally.worst = tally.worst.max(answer.tally.worst);
            tally.unreadable += answer.tally.unreadable;
            next += 1;
            // The reader took one before it sent the batch.
            let _ = permitted.try_recv();
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use crate::cli::OutputArgs;
    use crate::terminal::{ColorWhen, Terminal};

    use super::*;

    #[test]
    fn a_lost_worker_ends_the_scan() {
        let (answers, answered) = channel();
        let kept = answers.clone();
        let lost = std::thread::spawn(move || {
            let _worker = Worker(answers);
            panic!("lost");
        });
        assert!(lost.join().is_err());
        let (_permits, permitted) = sync_channel(1);
        let args = OutputArgs { output: Some("/dev/null".into()) };
        let terminal = Terminal { color: ColorWhen::Never, progress: false, quiet: true };
        let mut out = Output::open(&args, terminal).unwrap();
        assert!(write_all(&answered, &permitted, &mut out).is_err());
        drop(kept);
    }
}
