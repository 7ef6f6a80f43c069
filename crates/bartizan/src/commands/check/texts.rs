//! Whole files, one after the other, in every format but JSON Lines.

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::Value;

use super::inputs::{Input, Unreadable};
use super::result::{Failure, Outcome};
use super::sarif::Sarif;
use super::{Judge, Tally, human};
use crate::cli::{CheckArgs, CheckFormat};
use crate::format::print_error;
use crate::output::Output;
use crate::progress::Progress;
use crate::terminal::{Terminal, printable};

pub(super) fn run(
    args: &CheckArgs,
    judge: &Judge,
    out: &mut Output,
    progress: &Progress,
    terminal: Terminal,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let mut sarif = Sarif::default();
    let counted = progress.counted();
    let paint = out.paint();
    if args.format == CheckFormat::Json {
        write!(out, "{{\"schema\":\"bartizan.check/v1\",\"results\":[")?;
    }
    for (index, input) in Input::all(&args.files).iter().enumerate() {
        let name = input.name();
        let id = Value::from(name.as_str());
        if args.format == CheckFormat::Json && index > 0 {
            write!(out, ",")?;
        }
        let text = match input.text() {
            Ok(text) => text,
            Err(unreadable) => {
                tally.unreadable += 1;
                let error = unreadable.reason.as_str();
                match args.format {
                    CheckFormat::Sarif => sarif.not_read(input, error),
                    CheckFormat::Json => write_json(out, &Failure { id: &id, error })?,
                    _ => writeln!(out, "{}: {}", printable(&name), paint.caution("incomplete"))?,
                }
                say(&unreadable, terminal);
                continue;
            }
        };
        let report = judge.inspect(judge.channel, &text);
        tally.add(report.verdict());
        match args.format {
            CheckFormat::Sarif => sarif.add(input, &text, &report),
            CheckFormat::Json => write_json(out, &Outcome::new(&id, &text, &report, judge))?,
            _ => human::write(out, paint, &name, &text, &report)?,
        }
        counted.add(1, text.len() as u64);
    }
    match args.format {
        CheckFormat::Json => writeln!(out, "]}}")?,
        CheckFormat::Sarif => writeln!(out, "{:#}", sarif.document())?,
        _ => {}
    }
    Ok(tally)
}

fn write_json(out: &mut Output, document: &impl Serialize) -> io::Result<()> {
    // As an error of the output, which says whether the reader has gone.
    serde_json::to_writer(out, document).map_err(io::Error::from)
}

fn say(unreadable: &Unreadable, terminal: Terminal) {
    let help = unreadable.help.as_deref().map(|help| format!("help: {help}\n")).unwrap_or_default();
    print_error(&format!("error: {}\n{help}", unreadable.reason), terminal.stderr());
}
