//! `bartizan doctor`: what would keep Bartizan from running, each line with its fix.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use bartizan_core::settings::{ProviderKind, Settings};
use bartizan_gateway::Snapshot;
use serde::Serialize;

use crate::cli::{DoctorArgs, Format};
use crate::format::{GUARDRAIL_HELP, chain};
use crate::wire::policy;

/// Longest wait for a provider's port to answer.
const REACH_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Line {
    check: String,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Line {
    fn ok(check: impl Into<String>, found: impl Into<String>) -> Self {
        Self { check: check.into(), state: State::Ok, found: found.into(), fix: None }
    }

    fn bad(
        state: State,
        check: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { check: check.into(), state, found: found.into(), fix: Some(fix.into()) }
    }
}

pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let mut lines = Vec::new();
    match policy::load(&args.policy) {
        Ok(loaded) => {
            lines.push(Line::ok("policy", format!("{} is valid", loaded.origin)));
            examine(&loaded.settings, &mut lines);
        }
        Err(error) => lines.push(Line::bad(
            State::Fail,
            "policy",
            chain(&error),
            "run `bartizan config check` to see the place in the file",
        )),
    }
    let worst = lines.iter().map(|line| line.state).max().unwrap_or(State::Ok);
    print(&lines, args.format)?;
    Ok(if worst == State::Fail { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn examine(settings: &Settings, lines: &mut Vec<Line>) {
    lines.push(match Snapshot::build(settings.clone()) {
        Ok(_) => Line::ok("guardrails", "all can be enforced"),
        Err(error) => Line::bad(State::Fail, "guardrails", chain(&error), GUARDRAIL_HELP),
    });
    lines.push(data_folder(&settings.data_dir));
    lines.push(port("gateway port", settings.listen.gateway));
    lines.push(port("console port", settings.listen.console));
    lines.push(certificates());
    for (name, provider) in &settings.providers {
        lines.push(reach(&format!("provider {name}"), &provider.kind));
    }
}

fn data_folder(folder: &Path) -> Line {
    let shown = folder.display().to_string();
    let probe = folder.join(".doctor");
    let tried = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b"probe"))
        .and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => Line::ok("data folder", format!("{shown} can be written")),
        Err(error) => Line::bad(
            State::Fail,
            "data folder",
            format!("{shown}: {error}"),
            "give this user the right to write there, or choose another folder with `--data-dir`",
        ),
    }
}

fn port(check: &str, address: SocketAddr) -> Line {
    match TcpListener::bind(address) {
        Ok(_) if !address.ip().is_loopback() => Line::bad(
            State::Warn,
            check,
            format!("{address} is free and open to other machines"),
            "keep it on 127.0.0.1 unless a firewall or TLS proxy stands before it",
        ),
        Ok(_) => Line::ok(check, format!("{address} is free")),
        Err(error) => Line::bad(
            State::Warn,
            check,
            format!("{address}: {error}"),
            "stop what uses it (Bartizan itself, perhaps), or change `listen` in the policy",
        ),
    }
}

fn certificates() -> Line {
    let found = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider());
    match found {
        Ok(_) => Line::ok("certificates", "the system's are used"),
        Err(error) => Line::bad(
            State::Warn,
            "certificates",
            format!("none of the system can be used ({error}); the built-in list is"),
            "install the package `ca-certificates`",
        ),
    }
}

fn reach(check: &str, provider: &ProviderKind) -> Line {
    let url = match provider {
        ProviderKind::Demo { .. } => return Line::ok(check, "built in"),
        ProviderKind::OpenAi { base_url, .. }
        | ProviderKind::AzureOpenAi { base_url, .. }
        | ProviderKind::Anthropic { base_url, .. } => base_url,
        ProviderKind::Databricks { host, .. } => host,
    };
    let Some(authority) = authority(url) else {
        return Line::bad(State::Fail, check, format!("`{url}` is not a URL"), "change `base-url`");
    };
    let addresses = std::net::ToSocketAddrs::to_socket_addrs(&authority);
    let reached = addresses.and_then(|addresses| {
        let mut last = std::io::Error::other("the name has no address");
        for address in addresses {
            match std::net::TcpStream::connect_timeout(&address, REACH_TIMEOUT) {
                Ok(_) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    });
    match reached {
        Ok(()) => Line::ok(check, format!("{authority} answers")),
        Err(error) => Line::bad(
            State::Warn,
            check,
            format!("{authority}: {error}"),
            "check the address, the network and the firewall",
        ),
    }
}

/// Host and port of a URL.
fn authority(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next()?;
    let has_port = host.rsplit(']').next()?.contains(':');
    let port = if scheme == "http" { 80 } else { 443 };
    Some(if has_port { host.to_owned() } else { format!("{host}:{port}") })
}

fn print(lines: &[Line], format: Format) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match format {
        Format::Json => {
            let document = serde_json::json!({ "schema": "bartizan.doctor/v1", "checks": lines });
            writeln!(stdout, "{document}")?;
        }
        Format::Jsonl => {
            for line in lines {
                writeln!(stdout, "{}", serde_json::to_string(line)?)?;
            }
        }
        Format::Human => {
            for line in lines {
                let state = match line.state {
                    State::Ok => "ok  ",
                    State::Warn => "warn",
                    State::Fail => "fail",
                };
                writeln!(stdout, "{state}  {:22} {}", line.check, line.found)?;
                if let Some(fix) = &line.fix {
                    writeln!(stdout, "      {:22} fix: {fix}", "")?;
                }
            }
        }
    }
    Ok(())
}
