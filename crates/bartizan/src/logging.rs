//! Logs on stderr.

use tracing_subscriber::EnvFilter;

use crate::cli::EverywhereArgs;
use crate::terminal::Terminal;

/// Environment variable with a filter of its own.
const FILTER: &str = "BARTIZAN_LOG";

/// Starts logging. `BARTIZAN_LOG` overrides the level with a filter of its own.
pub(crate) fn start(args: &EverywhereArgs, terminal: Terminal) {
    let level = match (args.quiet, args.verbose) {
        (true, _) => "error",
        (false, 0) => "warn,bartizan=info",
        (false, 1) => "info,bartizan=debug",
        (false, _) => "debug",
    };
    let wanted = std::env::var(FILTER).ok().map(EnvFilter::try_new);
    let (filter, refused) = match wanted {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(level), Some(error)),
        None => (EnvFilter::new(level), None),
    };
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if args.log_json {
        logs.json().flatten_event(true).init();
    } else {
        logs.with_ansi(terminal.stderr().is_on()).with_target(false).compact().init();
    }
    if let Some(error) = refused {
        tracing::warn!(%error, "{FILTER} is no filter and is not used");
    }
}
