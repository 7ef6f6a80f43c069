//! `bartizan audit export`: entries of the log, once, in the forms that other systems read.

use std::borrow::Cow;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::{Event, time};
use bartizan_ledger::checkpoint::Checkpoint;
use bartizan_ledger::note::Note;
use bartizan_ledger::subjects::Names;
use bartizan_ledger::{LedgerError, entries, serve};
use bartizan_relay::ocsf;
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::cli::OutputArgs;
use crate::format::{INCOMPLETE, usage};
use crate::output::Output;
use crate::progress::Progress;
use crate::terminal::Terminal;
use crate::wire::sql::EventsFile;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  bartizan audit export --since 24h > events.jsonl\n  bartizan audit export --format ocsf --from 48211 | your-siem-import\n  bartizan audit export --format parquet --pseudonyms -o events.parquet"
)]
pub(crate) struct ExportArgs {
    /// How far back: 30s, 5m, 1h, 7d [default: everything that is left]
    #[arg(long, value_name = "DURATION")]
    pub(crate) since: Option<String>,
    /// Number of the first entry [default: the first that is left]
    #[arg(long, value_name = "ENTRY")]
    pub(crate) from: Option<u64>,
    /// Leave the pseudonyms that stand in the log; lines are then byte for byte what was signed
    #[arg(long)]
    pub(crate) pseudonyms: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl)]
    pub(crate) format: ExportFormat,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// In what form entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Entries as they lie in the log, one a line
    Jsonl,
    /// One file with the columns of the table `events` of `bartizan query`; needs `--output` and a build with `--features sql`
    Parquet,
    /// Events of the Open Cybersecurity Schema Framework, version 1.8.0, one a line
    Ocsf,
}

pub(super) fn run(
    args: &ExportArgs,
    folder: &Path,
    terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let since = match &args.since {
        None => None,
        Some(text) => {
            let back = time::parse_duration(text)
                .map_err(|message| usage(message, "for example `--since 24h`"))?;
            // In the form of event times, which sort as text.
            time::now().checked_sub(back).ok().map(time::format)
        }
    };
    let signed = signed(folder)?;
    let (origin, end) = signed.map(|signed| (signed.origin, signed.size)).unwrap_or_default();
    if let Some(from) = args.from.filter(|from| *from > end) {
        return Err(usage(
            format!("the log has signed {end} entries, and the first is to be entry {from}"),
            "`--from` takes what the last export said as `next`, of the same log",
        ));
    }
    let names = if args.pseudonyms { None } else { Some(Names::of(folder)?) };
    let mut sink = Sink::open(args, origin, terminal)?;
    let progress = (!sink.is_on_terminal()).then(|| Progress::of_entries(terminal));
    let counted = progress.as_ref().map(Progress::counted);
    let (mut written, mut unreadable) = (0_u64, 0_u64);
    let missing = each(folder, args.from, end, |number, line| {
        if let Some(counted) = &counted {
            counted.add(1, line.len() as u64);
        }
        match since.as_deref().map(|since| is_from(since, &line)) {
            Some(Some(false)) => return Ok(()),
            Some(None) => {
                unreadable += 1;
                return Ok(());
            }
            None | Some(Some(true)) => {}
        }
        let line = match &names {
            Some(names) => names.reveal_line(line),
            None => line,
        };
        if sink.write(number, &line)? {
            written += 1;
        } else {
            unreadable += 1;
        }
        Ok(())
    })?;
    sink.finish()?;
    drop(progress);
    if missing > 0 {
        tracing::warn!(entries = missing, "entries that were asked for are not in the log");
    }
    if unreadable > 0 {
        tracing::warn!(entries = unreadable, "entries that are no events are left out");
    }
    tracing::info!(entries = written, next = end, "exported");
    Ok(if missing + unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

/// What the log has signed last; nothing of a log that has signed nothing yet.
fn signed(folder: &Path) -> anyhow::Result<Option<Checkpoint>> {
    let Some(text) = serve::checkpoint(folder)? else { return Ok(None) };
    let note: Note = text.parse()?;
    Ok(Some(note.text().parse()?))
}

/// Hands on the entries from a number, or from the first that is left, up to `end`; says how many of them
/// are missing.
fn each(
    folder: &Path,
    from: Option<u64>,
    end: u64,
    mut take: impl FnMut(u64, Vec<u8>) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let mut follow = entries(folder, from.unwrap_or(0))?;
    let mut next = from.unwrap_or_else(|| follow.number());
    let mut missing = 0;
    while next < end {
        let (number, line) = match follow.next() {
            None => break,
            // Entries were removed for their age while this went on.
            Some(Err(LedgerError::Gap { found, .. })) if found > next => {
                follow = entries(folder, found)?;
                missing += found.min(end) - next;
                next = found;
                continue;
            }
            Some(entry) => entry?,
        };
        missing += number.min(end).saturating_sub(next);
        next = number.saturating_add(1);
        // What is behind the checkpoint may still be taken back.
        if number < end {
            take(number, line)?;
        }
    }
    Ok(missing + end.saturating_sub(next))
}

/// What is looked at of an entry to know when it was.
#[derive(Deserialize)]
struct Stamped<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
}

/// Whether an entry is from that time or later; none for what is no event.
fn is_from(since: &str, line: &[u8]) -> Option<bool> {
    let stamped: Stamped<'_> = serde_json::from_slice(line).ok()?;
    Some(&*stamped.time >= since)
}

/// Where entries go.
enum Sink {
    Lines(Output),
    Ocsf { out: Output, origin: String },
    Parquet(Box<EventsFile>),
}

impl Sink {
    fn open(args: &ExportArgs, origin: String, terminal: Terminal) -> anyhow::Result<Self> {
        Ok(match args.format {
            ExportFormat::Jsonl => Self::Lines(Output::open(&args.output, terminal)?),
            ExportFormat::Ocsf => Self::Ocsf { out: Output::open(&args.output, terminal)?, origin },
            ExportFormat::Parquet => {
                Self::Parquet(Box::new(EventsFile::begin(file(&args.output)?)?))
            }
        })
    }

    fn is_on_terminal(&self) -> bool {
        match self {
            Self::Lines(out) | Self::Ocsf { out, .. } => out.is_on_terminal(),
            Self::Parquet(_) => false,
        }
    }

    /// Writes an entry; false for one that cannot be said in this form.
    fn write(&mut self, number: u64, line: &[u8]) -> anyhow::Result<bool> {
        match self {
            Self::Lines(out) => {
                out.write_all(line)?;
                out.write_all(b"\n")?;
            }
            Self::Ocsf { out, origin } => {
                let Ok(event) = serde_json::from_slice::<Event>(line) else { return Ok(false) };
                writeln!(out, "{}", ocsf::event(&event, number, origin))?;
            }
            Self::Parquet(file) => file.push(number, line)?,
        }
        Ok(true)
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Lines(out) | Self::Ocsf { out, .. } => out.finish()?,
            Self::Parquet(file) => file.finish()?,
        }
        Ok(())
    }
}

/// The file for Parquet, whose end leads to its beginning, so that it cannot be read from a pipe.
fn file(args: &OutputArgs) -> anyhow::Result<PathBuf> {
    let named = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let path = named.ok_or_else(|| {
        usage("Parquet cannot be written to standard output", "name a file with `-o FILE`")
    })?;
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(usage(
            format!("`{}` is no file", path.display()),
            "name a file, which is replaced, or one that is not there yet",
        )),
        // A link stays a link; what it points to is replaced.
        Ok(_) => {
            fs::canonicalize(path).with_context(|| format!("cannot write `{}`", path.display()))
        }
        Err(_) => Ok(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use bartizan_core::RequestId;
    use bartizan_core::settings::Ledger;
    use bartizan_ledger::EventLogWriter;

    use super::*;

    #[test]
    fn entries_are_handed_on_from_a_number_to_the_last_that_is_signed() {
        let dir = tempfile::tempdir().unwrap();
        let log = EventLogWriter::open(dir.path(), Ledger::DEFAULT).unwrap();
        for _ in 0..5 {
            log.append(&Event::new(RequestId::new(), "gateway", "chat-completions")).unwrap();
        }
        let handed_on = |from, end| {
            let mut numbers = Vec::new();
            let missing = each(dir.path(), from, end, |number, _| {
                numbers.push(number);
                Ok(())
            });
            (numbers, missing.unwrap())
        };
        assert_eq!(handed_on(None, 4), (vec![0, 1, 2, 3], 0));
        assert_eq!(handed_on(Some(3), 5), (vec![3, 4], 0));
        assert_eq!(handed_on(Some(5), 5), (vec![], 0));
        assert_eq!(handed_on(Some(9), 5), (vec![], 0));
        // Signed, and not there.
        assert_eq!(handed_on(Some(4), 7), (vec![4], 2));
    }

    #[test]
    fn entries_that_are_gone_are_missing_where_they_were_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let small = Ledger { segment_bytes: 20_000, ..Ledger::DEFAULT };
        for config in [small, Ledger { total_bytes: 60_000, ..small }] {
            let log = EventLogWriter::open(dir.path(), config).unwrap();
            for _ in 0..400 {
                log.append(&Event::new(RequestId::new(), "gateway", "chat-completions")).unwrap();
            }
            log.sign().unwrap();
        }
        let end = serve::size(dir.path()).unwrap();
        let first = entries(dir.path(), 0).unwrap().number();
        assert!(first > 0 && first < end, "{first} {end}");
        let missing = |from, end| each(dir.path(), from, end, |_, _| Ok(())).unwrap();
        assert_eq!(missing(None, end), 0);
        assert_eq!(missing(Some(first), end), 0);
        assert_eq!(missing(Some(0), end), first);
        assert_eq!(missing(Some(0), 1), 1);
    }

    #[test]
    fn when_an_entry_was_is_read_from_it_alone() {
        let since = "2026-01-02T03:04:05.000006Z";
        for (line, expected) in [
            (r#"{"time":"2026-01-02T03:04:05.000006Z","more":{"time":"1"}}"#, Some(true)),
            (r#"{"time":"2026-01-02T03:04:05.000005Z"}"#, Some(false)),
            (r#"{"time":7}"#, None),
            ("no event", None),
        ] {
            assert_eq!(is_from(since, line.as_bytes()), expected, "{line}");
        }
    }
}
