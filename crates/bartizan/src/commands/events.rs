//! `bartizan events`: the event log, read back.

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use bartizan_core::event::Outcome;
use bartizan_core::{Coded as _, Event, time};
use bartizan_ledger::LedgerError;

use crate::cli::{EventsArgs, Format};
use crate::format::{INCOMPLETE, usage};
use crate::output::Output;
use crate::terminal::{Paint, Terminal, printable};
use crate::wire::policy;

pub(crate) fn run(args: &EventsArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let data = policy::load_data(&args.policy)?;
    let back = time::parse_duration(&args.since)
        .map_err(|message| usage(message, "for example `--since 1h`"))?;
    let since = time::now().checked_sub(back).ok();
    let folder = data.data_dir.join(bartizan_ledger::FOLDER);
    let mut out = Output::open(&args.output, terminal)?;
    let paint = out.paint();
    let mut unreadable = 0u64;
    let mut all = Vec::new();
    for event in bartizan_ledger::read(&folder, since) {
        match (event, args.format) {
            (Ok(event), Format::Jsonl) => writeln!(out, "{}", serde_json::to_string(&event)?)?,
            (Ok(event), Format::Human) => human(&mut out, paint, &event)?,
            (Ok(event), Format::Json) => all.push(event),
            (Err(LedgerError::Folder { source, .. }), _)
                if source.kind() == ErrorKind::NotFound =>
            {
                return Err(usage(
                    format!("there is no event log in `{}`", folder.display()),
                    "`bartizan up` makes one; `--data-dir` names another folder",
                ));
            }
            (Err(error @ LedgerError::Folder { .. }), _) => return Err(error.into()),
            (Err(error), _) => {
                unreadable += 1;
                tracing::warn!(code = error.code(), %error, "part of the log cannot be read");
            }
        }
    }
    if args.format == Format::Json {
        let document = serde_json::json!({ "schema": "bartizan.events/v1", "events": all });
        writeln!(out, "{document}")?;
    }
    out.finish()?;
    Ok(if unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

fn human(out: &mut impl std::io::Write, paint: Paint, event: &Event) -> std::io::Result<()> {
    let who = event.principal.as_deref().unwrap_or("-");
    let endpoint = event.endpoint.as_deref().unwrap_or("-");
    let rule = event.rule.as_deref().map(|rule| format!(" by {rule}")).unwrap_or_default();
    let outcome = match event.outcome {
        Outcome::Answered => String::new(),
        outcome => format!("  {}", outcome.name()),
    };
    let about = event.subject.as_ref().map(|subject| format!(" of {subject}")).unwrap_or_default();
    let detail = event.detail.as_deref().filter(|_| event.rule.is_none());
    let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
    let took =
        event.duration_us.map(|us| format!(" {:.1} ms", us as f64 / 1000.0)).unwrap_or_default();
    let line = format!(
        "{}{rule}  {}{about} {who} {endpoint}{took}  {}{outcome}{detail}",
        event.status.map(|status| status.to_string()).unwrap_or_default(),
        event.operation,
        event.request_id,
    );
    let verdict = paint.verdict(event.verdict, &format!("{:5}", event.verdict.name()));
    writeln!(out, "{} {verdict} {}", printable(&event.time), printable(&line))
}
