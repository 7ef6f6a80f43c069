//! Sinks of the event log, as the policy writes them.

use std::fmt::{self, Write};
use std::path::Path;

use bartizan_core::settings::{Facility, NatsLogin, Sink, SinkKind, UrlStyle};

use super::{SET, list, size, text};

pub(super) fn write_sinks(out: &mut String, sinks: &[Sink]) -> fmt::Result {
    if !sinks.is_empty() {
        writeln!(out, "  sinks:")?;
    }
    for sink in sinks {
        writeln!(out, "    - id: {}", sink.id)?;
        if !sink.areas.is_empty() {
            writeln!(out, "      areas: [{}]", list(sink.areas.iter().cloned()))?;
        }
        writeln!(out, "      names: {}", sink.names)?;
        writeln!(out, "      {}:", sink.kind.name())?;
        write_kind(out, &sink.kind)?;
    }
    Ok(())
}

fn write_kind(out: &mut String, kind: &SinkKind) -> fmt::Result {
    let key = |out: &mut String, key: &str, value: &str| writeln!(out, "        {key}: {value}");
    match kind {
        SinkKind::File(file) => {
            key(out, "path", &path(&file.path))?;
            key(out, "rotate", &size(file.rotate_bytes))?;
            key(out, "keep", &file.keep.to_string())
        }
        SinkKind::Syslog(syslog) => {
            let scheme = syslog.transport.scheme();
            let host = &syslog.host;
            let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
            key(out, "to", &text(&format!("{scheme}://{host}:{}", syslog.port)))?;
            write_ca(out, syslog.ca.as_deref())?;
            let facility = match syslog.facility {
                Facility::Audit => "audit".to_owned(),
                Facility::Local(number) => format!("local{number}"),
            };
            key(out, "facility", &facility)
        }
        SinkKind::Otlp(otlp) => {
            key(out, "endpoint", &text(&otlp.endpoint))?;
            if !otlp.headers.is_empty() {
                let headers = otlp.headers.iter().map(|(name, _)| format!("{name}: {SET}"));
                key(out, "headers", &format!("{{ {} }}", list(headers)))?;
            }
            write_ca(out, otlp.ca.as_deref())
        }
        SinkKind::Nats(nats) => {
            key(out, "url", &text(&nats.url))?;
            key(out, "stream", &text(&nats.stream))?;
            key(out, "subject", &text(&nats.subject))?;
            match nats.login {
                None => {}
                Some(NatsLogin::Token(_)) => key(out, "token", SET)?,
                Some(NatsLogin::Credentials(_)) => key(out, "credentials", SET)?,
            }
            write_ca(out, nats.ca.as_deref())
        }
        SinkKind::S3(s3) => {
            key(out, "endpoint", &text(&s3.endpoint))?;
            key(out, "bucket", &text(&s3.bucket))?;
            if !s3.prefix.is_empty() {
                key(out, "prefix", &text(&s3.prefix))?;
            }
            key(out, "region", &text(&s3.region))?;
            let style = match s3.style {
                UrlStyle::Path => "path",
                UrlStyle::VirtualHost => "virtual-host",
            };
            key(out, "style", style)?;
            key(out, "access-key", SET)?;
            key(out, "secret-key", SET)?;
            write_ca(out, s3.ca.as_deref())
        }
    }
}

fn write_ca(out: &mut String, ca: Option<&Path>) -> fmt::Result {
    ca.map_or(Ok(()), |ca| writeln!(out, "        ca: {}", path(ca)))
}

fn path(path: &Path) -> String {
    text(&path.display().to_string())
}
