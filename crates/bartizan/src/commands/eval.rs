//! `bartizan eval`: how often the guard is right about texts whose answer is known.

mod args;
mod human;
mod judge;
mod metrics;
mod report;
mod rows;
mod spans;
mod tally;

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

pub(crate) use args::EvalArgs;

use crate::cli::DocumentFormat;
use crate::format::{INCOMPLETE, print_error, usage};
use crate::output::Output;
use crate::progress::Progress;
use crate::terminal::Terminal;
use judge::Judge;
use report::Report;
use tally::Tally;

pub(crate) fn run(args: &EvalArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    if let Some(file) = &args.spans {
        return spans::run(args, file, terminal);
    }
    let judge = Judge::build(args)?;
    let mut out = Output::open(&args.output, terminal)?;
    let types = args.data.iter().any(|file| file == Path::new("-"));
    if types && std::io::stdin().is_terminal() && !terminal.quiet {
        print_error("note: reading what you type; Ctrl-D ends it", terminal.stderr());
    }
    // Data comes at the end, so it is no progress, wherever it goes.
    let progress = Progress::start(terminal, false);
    let tally = rows::judge_all(&args.data, &judge, usize::from(args.examples), &progress)?;
    drop(progress);
    must_measure(&tally)?;
    let report = Report::new(args, &judge, &tally);
    match args.format {
        DocumentFormat::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        DocumentFormat::Human => {
            let paint = out.paint();
            human::write(&mut out, paint, &report)?;
        }
    }
    out.finish()?;
    Ok(if tally.not_evaluated > 0 { ExitCode::from(INCOMPLETE) } else { ExitCode::SUCCESS })
}

/// Figures about nothing are no figures.
fn must_measure(tally: &Tally) -> anyhow::Result<()> {
    if tally.total().rows() > 0 || tally.not_evaluated > 0 {
        return Ok(());
    }
    let seen: Vec<&str> = tally.left_out.keys().map(String::as_str).take(10).collect();
    Err(if seen.is_empty() {
        usage("there are no rows", "check that the data is what was meant")
    } else {
        usage(
            "no row is labelled `benign` or as one to be found",
            format!("the labels are {}; name those to be found with `--positive`", seen.join(", ")),
        )
    })
}
