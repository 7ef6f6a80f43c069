//! `bartizan events`: the event log, read back.

use std::io::Write as _;
use std::process::ExitCode;

use bartizan_core::{Coded as _, Event, time};

use crate::cli::{EventsArgs, Format};
use crate::format::usage;
use crate::wire::policy;

/// Exit code when part of the log could not be read.
const INCOMPLETE: u8 = 3;

pub(crate) fn run(args: &EventsArgs) -> anyhow::Result<ExitCode> {
    let settings = policy::load(&args.policy)?.settings;
    let back = time::parse_duration(&args.since)
        .map_err(|message| usage(message, "for example `--since 1h`"))?;
    let since = time::now().checked_sub(back).ok();
    let folder = settings.data_dir.join("events");
    let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
    let mut unreadable = 0u64;
    let mut all = Vec::new();
    for event in bartizan_ledger::read(&folder, since) {
        match (event, args.format) {
            (Ok(event), Format::Jsonl) => writeln!(stdout, "{}", serde_json::to_string(&event)?)?,
            (Ok(event), Format::Human) => human(&mut stdout, &event)?,
            (Ok(event), Format::Json) => all.push(event),
            (Err(error), _) => {
                unreadable += 1;
                tracing::warn!(code = error.code(), %error, "part of the log cannot be read");
            }
        }
    }
    if args.format == Format::Json {
        let document = serde_json::json!({ "schema": "bartizan.events/v1", "events": all });
        writeln!(stdout, "{document}")?;
    }
    stdout.flush()?;
    Ok(if unreadable == 0 { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

fn human(out: &mut impl std::io::Write, event: &Event) -> std::io::Result<()> {
    let who = event.principal.as_deref().unwrap_or("-");
    let endpoint = event.endpoint.as_deref().unwrap_or("-");
    let rule = event.rule.as_deref().map(|rule| format!(" by {rule}")).unwrap_or_default();
    let took =
        event.duration_us.map(|us| format!(" {:.1} ms", us as f64 / 1000.0)).unwrap_or_default();
    writeln!(
        out,
        "{} {:5} {}{rule}  {} {who} {endpoint}{took}  {}",
        event.time,
        event.verdict.name(),
        event.status.map(|status| status.to_string()).unwrap_or_default(),
        event.operation,
        event.request_id,
    )
}
