//! Whole texts: files, folders and standard input, on all cores, answered in the order of the
//! arguments.
//!
//! A finder names what to read, workers read and judge, and the calling thread puts the answers back
//! in order and writes them. Threads are not waited for when the output cannot be written.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use bartizan_guard::Report;
use serde::Serialize;
use serde_json::Value;

use super::inputs::{Input, Unreadable};
use super::result::{Failure, Outcome, Shown};
use super::sarif::Sarif;
use super::tree::{self, Content, Ignored};
use super::{Judge, Tally, human};
use crate::cli::{CheckArgs, CheckFormat};
use crate::format::print_error;
use crate::output::Output;
use crate::progress::{Counted, Progress};
use crate::terminal::{Terminal, printable};

/// Texts that may be under way per worker, those that wait for an earlier one included.
const UNDER_WAY: usize = 8;

/// Something to read.
struct Task {
    number: u64,
    input: Input,
    /// Found in a folder, and not named.
    found: bool,
    /// Why there is nothing to read.
    failed: Option<Unreadable>,
}

/// What came of it.
struct Answer {
    task: Task,
    scanned: Result<Scanned, Unreadable>,
}

enum Scanned {
    Judged { text: String, report: Report, mended: bool },
    Binary,
}

pub(super) fn run(
    args: &CheckArgs,
    judge: Judge,
    out: &mut Output,
    progress: &Progress,
    terminal: Terminal,
) -> anyhow::Result<Tally> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let judge = Arc::new(judge);
    let (tasks, waiting) = channel::<Task>();
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
    let (permits, permitted) = sync_channel(workers * UNDER_WAY);
    let inputs = Input::all(&args.files);
    let ignored = if args.no_ignore { Ignored::Read } else { Ignored::LeftOut };
    let mut finder = Finder { tasks, permits, number: 0 };
    working.push(spawn("check-finder", Box::new(move || finder.find(inputs, ignored)))?);
    let tally = Writer::new(args, &judge, terminal).write_all(&answered, &permitted, out)?;
    for thread in working {
        // One that failed has said so.
        let _ = thread.join();
    }
    Ok(tally)
}

/// Names what to read.
struct Finder {
    tasks: Sender<Task>,
    /// One permit per text under way keeps memory bounded.
    permits: SyncSender<()>,
    number: u64,
}

impl Finder {
    fn find(&mut self, inputs: Vec<Input>, ignored: Ignored) {
        for input in inputs {
            let going = match input.folder() {
                Some(folder) => tree::files(&folder, ignored).all(|file| match file {
                    Ok(path) => self.send(Input::File(path), true, None),
                    Err(failed) => self.send(input.clone(), true, Some(failed)),
                }),
                None => self.send(input, false, None),
            };
            if !going {
                return;
            }
        }
    }

    /// Whether anybody still waits for tasks.
    fn send(&mut self, input: Input, found: bool, failed: Option<Unreadable>) -> bool {
        let task = Task { number: self.number, input, found, failed };
        self.number += 1;
        self.permits.send(()).is_ok() && self.tasks.send(task).is_ok()
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

fn work(waiting: &Mutex<Receiver<Task>>, answers: &Worker, judge: &Judge, counted: &Counted) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut task) = next else { return };
        let scanned = match task.failed.take() {
            Some(failed) => Err(failed),
            None => scan(&task, judge),
        };
        if let Ok(Scanned::Judged { text, .. }) = &scanned {
            counted.add(1, text.len() as u64);
        }
        if answers.0.send(Some(Answer { task, scanned })).is_err() {
            return;
        }
    }
}

fn scan(task: &Task, judge: &Judge) -> Result<Scanned, Unreadable> {
    let (text, mended) = if task.found {
        match tree::read(&task.input)? {
            Content::Text(text) => (text, false),
            Content::Mended(text) => (text, true),
            Content::Binary => return Ok(Scanned::Binary),
        }
    } else {
        (task.input.text()?, false)
    };
    let report = judge.inspect(judge.channel, &text);
    Ok(Scanned::Judged { text, report, mended })
}

/// Writes answers in the order of the tasks.
struct Writer<'a> {
    args: &'a CheckArgs,
    judge: &'a Judge,
    terminal: Terminal,
    tally: Tally,
    sarif: Sarif,
    results: u64,
    /// Files found in folders: all that were read, those without text, those that were mended.
    found: u64,
    binary: u64,
    mended: u64,
}

impl<'a> Writer<'a> {
    fn new(args: &'a CheckArgs, judge: &'a Judge, terminal: Terminal) -> Self {
        let (tally, sarif) = (Tally::default(), Sarif::default());
        Self { args, judge, terminal, tally, sarif, results: 0, found: 0, binary: 0, mended: 0 }
    }

    fn write_all(
        mut self,
        answered: &Receiver<Option<Answer>>,
        permitted: &Receiver<()>,
        out: &mut Output,
    ) -> anyhow::Result<Tally> {
        if self.args.format == CheckFormat::Json {
            write!(out, "{{\"schema\":\"bartizan.check/v1\",\"results\":[")?;
        }
        let mut early: BTreeMap<u64, Answer> = BTreeMap::new();
        let mut next = 0;
        while let Ok(answer) = answered.recv() {
            let answer = answer.context("a worker failed, and part of the input is not scanned")?;
            early.insert(answer.task.number, answer);
            while let Some(answer) = early.remove(&next) {
                self.write(&answer, out)?;
                next += 1;
                // The finder took one before it sent the task.
                let _ = permitted.try_recv();
            }
        }
        match self.args.format {
            CheckFormat::Json => writeln!(out, "]}}")?,
            CheckFormat::Sarif => {
                let sarif = std::mem::take(&mut self.sarif);
                writeln!(out, "{:#}", sarif.document())?;
            }
            CheckFormat::Human | CheckFormat::Jsonl => {}
        }
        self.say_what_was_found();
        Ok(self.tally)
    }

    fn write(&mut self, answer: &Answer, out: &mut Output) -> anyhow::Result<()> {
        match &answer.scanned {
            Ok(Scanned::Judged { text, report, mended }) => {
                self.found += u64::from(answer.task.found);
                self.mended += u64::from(*mended);
                self.tally.add(report.verdict());
                self.write_judged(&answer.task, text, report, out)
            }
            Ok(Scanned::Binary) => {
                self.binary += 1;
                Ok(())
            }
            Err(unreadable) => {
                self.tally.unreadable += 1;
                self.write_unreadable(&answer.task, unreadable, out)
            }
        }
    }

    fn write_judged(
        &mut self,
        task: &Task,
        text: &str,
        report: &Report,
        out: &mut Output,
    ) -> anyhow::Result<()> {
        let found_nothing = report.judged.is_empty() && report.not_evaluated.is_empty();
        // Of a folder only what there is to tell is told.
        if task.found && found_nothing {
            return Ok(());
        }
        let name = task.input.name();
        let shown = if task.found { Shown::Findings } else { Shown::Text };
        match self.args.format {
            CheckFormat::Sarif => self.sarif.add(&task.input, text, report),
            CheckFormat::Json | CheckFormat::Jsonl => {
                let id = Value::from(name);
                self.write_json(out, &Outcome::new(&id, text, report, self.judge, shown))?;
            }
            CheckFormat::Human => human::write(out, out.paint(), &name, text, report, shown)?,
        }
        Ok(())
    }

    fn write_unreadable(
        &mut self,
        task: &Task,
        unreadable: &Unreadable,
        out: &mut Output,
    ) -> anyhow::Result<()> {
        let name = task.input.name();
        let error = unreadable.reason.as_str();
        match self.args.format {
            CheckFormat::Sarif => self.sarif.not_read(&task.input, error),
            CheckFormat::Json | CheckFormat::Jsonl => {
                let id = Value::from(name);
                self.write_json(out, &Failure { id: &id, error })?;
            }
            CheckFormat::Human => {
                let incomplete = out.paint().caution("incomplete");
                writeln!(out, "{}: {incomplete}", printable(&name))?;
            }
        }
        let help =
            unreadable.help.as_deref().map(|help| format!("help: {help}\n")).unwrap_or_default();
        print_error(&format!("error: {error}\n{help}"), self.terminal.stderr());
        Ok(())
    }

    fn write_json(&mut self, out: &mut Output, document: &impl Serialize) -> io::Result<()> {
        let lines = self.args.format == CheckFormat::Jsonl;
        if self.results > 0 && !lines {
            write!(out, ",")?;
        }
        self.results += 1;
        // As an error of the output, which says whether the reader has gone.
        serde_json::to_writer(&mut *out, document).map_err(io::Error::from)?;
        if lines { writeln!(out) } else { Ok(()) }
    }

    fn say_what_was_found(&self) {
        if (self.found == 0 && self.binary == 0) || self.terminal.quiet {
            return;
        }
        let mut said = vec![format!("note: {} read", files(self.found))];
        if self.binary > 0 {
            said.push(format!("{} without text left out", files(self.binary)));
        }
        if self.mended > 0 {
            said.push(format!("{} not in UTF-8", files(self.mended)));
        }
        print_error(&said.join(", "), self.terminal.stderr());
    }
}

fn files(count: u64) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

/// Whether any of the paths is a folder.
pub(super) fn has_folder(paths: &[PathBuf]) -> bool {
    paths.iter().any(|path| path.is_dir())
}
