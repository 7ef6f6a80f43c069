//! Starts what is measured: the upstream itself, nginx, ours, `LiteLLM`.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::{Program, Running, install};
use crate::{e2e, files};

/// nginx as plain proxy.
pub(super) const NGINX: &str = "nginx proxy_pass";
/// Our own binary as a newcomer has it.
pub(super) const OURS: &str = "bartizan, default guards";
/// The same, with two limits that are counted in Redis.
pub(super) const SHARED: &str = "bartizan, default guards, limits in Redis";
/// `LiteLLM` with one filter.
pub(super) const LITELLM: &str = "LiteLLM, one filter";

/// A server that answers chat completions.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// `http://HOST:PORT`.
    pub(super) base: String,
    pub(super) key: Option<String>,
    /// From the start of the process until it served.
    pub(super) start: Option<Duration>,
    process: Running,
    /// Something that it needs, and that ends with it.
    pub(super) beside: Option<Running>,
}

/// Whether our guards are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guards {
    /// None.
    Off,
    /// Those of the default policy.
    On,
    /// Those, and limits that are counted in the Redis at this port.
    OnWithSharedLimits(u16),
}

impl Peer {
    pub(super) fn chat_url(&self) -> String {
        format!("{}/v1/chat/completions", self.base)
    }

    /// Resident memory of the process and its children, where the system tells.
    pub(super) fn memory_kib(&self) -> Option<u64> {
        let id = self.process.child.id();
        let children = files::read(format!("/proc/{id}/task/{id}/children").as_ref()).ok()?;
        let mut ids = vec![id];
        ids.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        Some(ids.into_iter().filter_map(resident_kib).sum())
    }
}

fn resident_kib(id: u32) -> Option<u64> {
    let status = files::read(format!("/proc/{id}/status").as_ref()).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The instant upstream; asked directly, it is what all others are compared with.
pub(super) fn upstream(binary: &Path) -> Result<Peer> {
    let mut process = Program::new(binary)
        .args(["--fast", "--port", "0"])
        .start(Stdio::piped(), Stdio::inherit())?;
    let stdout = process.child.stdout.take().context("no pipe from the upstream")?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).context("the upstream does not say its address")?;
    let value: Value = serde_json::from_str(&line).context("the upstream printed no JSON")?;
    let base = value.get("url").and_then(Value::as_str).context("no address")?.to_owned();
    Ok(Peer { name: "direct", base, key: None, start: None, process, beside: None })
}

/// nginx as plain proxy, with connections kept open on both sides.
pub(super) fn nginx(upstream: &str, folder: &Path) -> Result<Peer> {
    if !Program::new("nginx").arg("-v").succeeds() {
        install(&["nginx-light"], "measuring nginx as proxy")?;
    }
    let port = free_port()?;
    let address = upstream.trim_start_matches("http://");
    let folder = folder.join("nginx");
    std::fs::create_dir_all(&folder).context("cannot create the folder of nginx")?;
    let place = folder.display();
    let config = folder.join("nginx.conf");
    files::write(
        &config,
        &format!(
            "daemon off;\nworker_processes auto;\npid {place}/pid;\nerror_log {place}/error.log;\n\
             events {{ worker_connections 1024; }}\n\
             http {{\n  access_log off;\n  client_body_temp_path {place}/body;\n  \
             proxy_temp_path {place}/proxy;\n  fastcgi_temp_path {place}/fastcgi;\n  \
             uwsgi_temp_path {place}/uwsgi;\n  scgi_temp_path {place}/scgi;\n  \
             keepalive_requests 100000000;\n  \
             upstream mock {{ server {address}; keepalive 128; keepalive_requests 100000000; }}\n  \
             server {{\n    listen 127.0.0.1:{port};\n    location / {{\n      \
             proxy_pass http://mock;\n      proxy_http_version 1.1;\n      \
             proxy_set_header Connection \"\";\n      proxy_buffering off;\n    }}\n  }}\n}}\n"
        ),
    )?;
    let started = Instant::now();
    let process = Program::new("nginx")
        .arg("-p")
        .arg(&folder)
        .arg("-c")
        .arg(&config)
        .args(["-e", "error.log"])
        .start(Stdio::null(), Stdio::inherit())?;
    let mut peer = Peer {
        name: NGINX,
        base: format!("http://127.0.0.1:{port}"),
        key: None,
        start: None,
        process,
        beside: None,
    };
    wait_port(&mut peer, port, Duration::from_secs(10))?;
    peer.start = Some(started.elapsed());
    Ok(peer)
}

/// Our own binary in front of the upstream.
pub(super) fn bartizan(
    binary: &Path,
    upstream: &str,
    guards: Guards,
    folder: &Path,
) -> Result<Peer> {
    let (name, label) = match guards {
        Guards::Off => ("bartizan, guards off", "off"),
        Guards::On => (OURS, "on"),
        Guards::OnWithSharedLimits(_) => (SHARED, "shared"),
    };
    let guardrails = match guards {
        Guards::Off => String::new(),
        Guards::On | Guards::OnWithSharedLimits(_) => default_guardrails()?,
    };
    let (state, limits) = match guards {
        Guards::Off | Guards::On => (String::new(), ""),
        // More than is ever used, so that all is counted and nothing refused.
        Guards::OnWithSharedLimits(port) => (
            format!("state: {{ redis: {{ url: \"redis://127.0.0.1:{port}\" }} }}\n"),
            "    limits:\n      - { id: l-user, per: user, requests: 1000M/h, tokens: 1000000M/h }\n      \
             - { id: l-all, per: endpoint, requests: 1000M/h, tokens: 1000000M/h }\n",
        ),
    };
    let config = folder.join(format!("bartizan-{label}.yaml"));
    files::write(
        &config,
        &format!(
            "version: 1\nlisten: {{ gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }}\n\
             providers:\n  mock: {{ openai-compatible: {{ base-url: \"{upstream}/v1\" }} }}\n\
             {state}endpoints:\n  bench:\n    routes: [{{ provider: mock, model: fast }}]\n\
             {guardrails}{limits}"
        ),
    )?;
    let ready = folder.join(format!("ready-{label}.json"));
    let log = folder.join(format!("bartizan-{label}.log"));
    let started = Instant::now();
    let mut process = Program::new(binary)
        .args(["up", "--config"])
        .arg(&config)
        .arg("--data-dir")
        .arg(folder.join(format!("data-{label}")))
        .arg("--ready-file")
        .arg(&ready)
        .start(Stdio::null(), Stdio::from(create(&log)?))?;
    let info = loop {
        if let Ok(info) = files::read(&ready)
            && let Ok(info) = serde_json::from_str::<Value>(&info)
        {
            break info;
        }
        if let Some(status) = process.child.try_wait()? {
            bail!("{name} ended with {status}:\n{}", files::read(&log)?);
        }
        if started.elapsed() > Duration::from_secs(20) {
            bail!("{name} is not ready after 20 s:\n{}", files::read(&log)?);
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let start = Some(started.elapsed());
    let field = |field: &str| {
        let value = info.get(field).and_then(Value::as_str).map(str::to_owned);
        value.with_context(|| format!("the ready file has no `{field}`"))
    };
    Ok(Peer {
        name,
        base: field("gateway")?,
        key: Some(field("client_key")?),
        start,
        process,
        beside: None,
    })
}

/// A Redis that keeps nothing.
pub(super) fn redis(folder: &Path) -> Result<(Running, u16)> {
    if !Program::new("redis-server").arg("--version").succeeds() {
        install(&["redis-server"], "measuring limits that several gateways share")?;
    }
    let port = free_port()?;
    let process = Program::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
        .arg(port.to_string())
        .arg("--dir")
        .arg(folder)
        .start(Stdio::null(), Stdio::null())?;
    let until = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > until {
            bail!("redis-server is not ready after 10 s");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok((process, port))
}

/// The guardrails that `up` and `init` give a newcomer.
fn default_guardrails() -> Result<String> {
    let policy = files::read(&files::root().join("crates/policy/src/default.yaml"))?;
    guardrails_of(&policy).context("the default policy has no guardrails to measure")
}

/// The `guardrails:` block of the first endpoint, with its indentation.
fn guardrails_of(policy: &str) -> Option<String> {
    const KEY: &str = "    guardrails:";
    let start = policy.find(KEY)?;
    let rest = policy.get(start..)?;
    let mut lines = rest.lines();
    lines.next()?;
    let block: Vec<&str> =
        lines.take_while(|line| line.is_empty() || line.starts_with("      ")).collect();
    let some = block.iter().any(|line| line.contains("- id:") || line.contains("- {"));
    some.then(|| format!("{KEY}\n{}\n", block.join("\n").trim_end()))
}

/// Where the version of `LiteLLM` is pinned.
pub(super) const LITELLM_REQUIREMENTS: &str = "xtask/src/bench/litellm-requirements.txt";

/// `LiteLLM`'s proxy with one content filter, in a private environment.
pub(super) fn litellm(upstream: &str, target: &Path, folder: &Path) -> Result<Peer> {
    let here = files::root().join("xtask/src/bench");
    let python = e2e::environment(
        &target.join("bench-venv/litellm"),
        &files::root().join(LITELLM_REQUIREMENTS),
    )?;
    let config = folder.join("litellm.yaml");
    let text = files::read(&here.join("litellm-config.yaml"))?;
    files::write(&config, &text.replace("UPSTREAM", upstream))?;
    let port = free_port()?;
    let key = format!("sk-bench-{}-{}", std::process::id(), port);
    let started = Instant::now();
    let log = create(&folder.join("litellm.log"))?;
    let process = Program::new(python.with_file_name("litellm"))
        .arg("--config")
        .arg(&config)
        .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--num_workers", "1"])
        .env("LITELLM_MASTER_KEY", &key)
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .env("LITELLM_TELEMETRY", "False")
        .start(Stdio::from(log.try_clone().context("no log for LiteLLM")?), Stdio::from(log))?;
    let mut peer = Peer {
        name: LITELLM,
        base: format!("http://127.0.0.1:{port}"),
        key: Some(key),
        start: None,
        process,
        beside: None,
    };
    wait_port(&mut peer, port, Duration::from_secs(200))?;
    peer.start = Some(started.elapsed());
    Ok(peer)
}

fn create(log: &Path) -> Result<std::fs::File> {
    std::fs::File::create(log).with_context(|| format!("cannot create `{}`", log.display()))
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port")?;
    Ok(listener.local_addr()?.port())
}

fn wait_port(peer: &mut Peer, port: u16, patience: Duration) -> Result<()> {
    let started = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = peer.process.child.try_wait()? {
            bail!("{} ended with {status}", peer.name);
        }
        if started.elapsed() > patience {
            bail!("{} does not serve after {patience:?}", peer.name);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_guardrails_of_the_first_endpoint() {
        let policy = "endpoints:\n  demo:\n    guardrails: &g\n      # why\n      - id: a\n        \
                      on: [input]\n\n    limits: []\n  x:\n    guardrails: *g\n";
        assert_eq!(
            guardrails_of(policy).unwrap(),
            "    guardrails:\n      # why\n      - id: a\n        on: [input]\n"
        );
        assert!(guardrails_of("endpoints: {}\n").is_none());
        assert!(guardrails_of("    guardrails: *g\n    limits: []\n").is_none());
    }

    #[test]
    fn the_default_policy_has_guardrails_to_measure() {
        assert!(default_guardrails().unwrap().matches("- id:").count() >= 5);
    }
}
