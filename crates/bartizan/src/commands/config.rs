//! `bartizan config`: the policy file checked, shown and described.

use std::io::Write as _;
use std::process::ExitCode;

use bartizan_gateway::Snapshot;

use crate::cli::{ConfigArgs, ConfigCommand};
use crate::wire::policy;

pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let mut stdout = std::io::stdout().lock();
    match &args.command {
        ConfigCommand::Check(policy) => {
            let loaded = policy::load(policy)?;
            let endpoints = loaded.settings.endpoints.len();
            let version = loaded.settings.version.clone();
            // What cannot be enforced is an error here and not at the first request.
            Snapshot::build(loaded.settings)?;
            let noun = if endpoints == 1 { "endpoint" } else { "endpoints" };
            let origin = loaded.origin;
            writeln!(stdout, "{origin} is valid: {endpoints} {noun}, version {version}")?;
        }
        ConfigCommand::Show(policy) => {
            write!(stdout, "{}", bartizan_policy::show(&policy::load(policy)?.settings))?;
        }
        ConfigCommand::Schema => {
            writeln!(stdout, "{}", serde_json::to_string_pretty(&bartizan_policy::json_schema())?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
