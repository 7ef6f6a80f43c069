//! Logs on stderr.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging. `BARTIZAN_LOG` overrides the level with a filter of its own.
pub(crate) fn start(verbose: u8, quiet: bool, json: bool) {
    let level = match (quiet, verbose) {
        (true, _) => "error",
        (false, 0) => "warn,bartizan=info",
        (false, 1) => "info,bartizan=debug",
        (false, _) => "debug",
    };
    let filter = EnvFilter::try_from_env("BARTIZAN_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if json {
        logs.json().flatten_event(true).init();
    } else {
        logs.with_ansi(colour).with_target(false).compact().init();
    }
}
