//! `state:` as text for people.

use std::fmt::{self, Write};

use bartizan_core::settings::{Shared, SharedServer, WhenAway};

use super::{SET, duration, text};
use crate::compile::urls::is_loopback;

pub(super) fn write(out: &mut String, shared: &Shared) -> fmt::Result {
    if *shared == Shared::default() {
        return Ok(());
    }
    writeln!(out, "state:")?;
    if let Some(postgres) = &shared.postgres {
        writeln!(out, "  postgres:")?;
        let url = address("postgres", &postgres.server, &postgres.database);
        writeln!(out, "    url: {}", text(&url))?;
        write_server(out, &postgres.server)?;
        writeln!(out, "    trust-for: {}", duration(postgres.trust_for))?;
    }
    if let Some(redis) = &shared.redis {
        writeln!(out, "  redis:")?;
        let scheme = if redis.server.tls.is_some() { "rediss" } else { "redis" };
        let url = address(scheme, &redis.server, &redis.database.to_string());
        writeln!(out, "    url: {}", text(&url))?;
        write_server(out, &redis.server)?;
        writeln!(out, "    prefix: {}", text(&redis.prefix))?;
        writeln!(out, "    timeout: {}", duration(redis.timeout))?;
        match redis.when_away {
            WhenAway::Deny => writeln!(out, "    when-away: deny")?,
            WhenAway::CountAlone { gateways } => {
                writeln!(out, "    when-away: count-alone")?;
                writeln!(out, "    gateways: {gateways}")?;
            }
        }
    }
    Ok(())
}

fn address(scheme: &str, server: &SharedServer, path: &str) -> String {
    let user = server.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    let (host, port) = (&server.host, server.port);
    if host.contains(':') {
        format!("{scheme}://{user}[{host}]:{port}/{path}")
    } else {
        format!("{scheme}://{user}{host}:{port}/{path}")
    }
}

fn write_server(out: &mut String, server: &SharedServer) -> fmt::Result {
    if server.password.is_some() {
        writeln!(out, "    password: {SET}")?;
    }
    if let Some(ca) = server.tls.as_ref().and_then(|tls| tls.ca.as_ref()) {
        writeln!(out, "    ca: {}", text(&ca.display().to_string()))?;
    }
    if server.tls.is_none() && !is_loopback(&server.host) {
        writeln!(out, "    danger-allow-plain: true")?;
    }
    Ok(())
}
