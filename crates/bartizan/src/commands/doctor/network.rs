//! Ports to serve on, certificates to trust, providers to reach.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use bartizan_core::Name;
use bartizan_core::settings::{Listen, Provider, ProviderKind};

use super::Line;

/// Longest wait for a provider's port to answer.
const REACH_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for a console on this machine.
const CONSOLE_TIMEOUT: Duration = Duration::from_millis(500);

/// Who listens where this policy would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// Bartizan with this data folder.
    This,
    /// Bartizan with another data folder.
    Another,
    /// No console of Bartizan answers, though one runs with this data folder.
    PerhapsThis,
    /// Nobody, or something else.
    Unknown,
}

pub(super) fn ports(listen: &Listen, data_dir: &Path) -> Vec<Line> {
    // A console that answers may be anybody's; the lock of the log says whose.
    let runs_here = bartizan_ledger::is_in_use(&data_dir.join(bartizan_ledger::FOLDER));
    let holder = match (is_console(listen.console), runs_here) {
        (true, true) => Holder::This,
        (true, false) => Holder::Another,
        (false, true) => Holder::PerhapsThis,
        (false, false) => Holder::Unknown,
    };
    vec![port("gateway port", listen.gateway, holder), port("console port", listen.console, holder)]
}

fn port(check: &str, address: SocketAddr, holder: Holder) -> Line {
    let fix = "stop what uses it, or change `listen` in the policy";
    match TcpListener::bind(address) {
        Ok(_) if !address.ip().is_loopback() => Line::warn(
            check,
            format!("{address} is free and open to other machines"),
            "keep it on 127.0.0.1 unless a firewall or TLS proxy stands before it",
        ),
        Ok(_) => Line::ok(check, format!("{address} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => match holder {
            Holder::This => Line::ok(check, format!("{address} is in use; Bartizan is up")),
            Holder::Another => Line::fail(
                check,
                format!("{address} is in use by another Bartizan, with its own data folder"),
                fix,
            ),
            Holder::PerhapsThis => Line::warn(
                check,
                format!("{address} is in use; Bartizan is up here, with other addresses"),
                fix,
            ),
            Holder::Unknown => Line::fail(check, format!("{address}: {error}"), fix),
        },
        Err(error) => {
            Line::fail(check, format!("{address}: {error}"), "change `listen` in the policy")
        }
    }
}

/// Whether a console of Bartizan answers.
fn is_console(address: SocketAddr) -> bool {
    let ask = || -> io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, CONSOLE_TIMEOUT)?;
        stream.set_read_timeout(Some(CONSOLE_TIMEOUT))?;
        stream.set_write_timeout(Some(CONSOLE_TIMEOUT))?;
        write!(stream, "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = [0; 4096];
        let mut length = 0;
        while let Some(rest) = answer.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match stream.read(rest) {
                Ok(0) | Err(_) => break,
                Ok(read) => length += read,
            }
        }
        let answer = String::from_utf8_lossy(answer.get(..length).unwrap_or_default());
        Ok(answer.starts_with("HTTP/1.1 200") && answer.contains("\"status\":\"up\""))
    };
    address.port() != 0 && ask().unwrap_or(false)
}

pub(super) fn certificates() -> Line {
    let found = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider());
    match found {
        Ok(_) => Line::ok("certificates", "the system's are used"),
        Err(error) => Line::warn(
            "certificates",
            format!("none of the system can be used ({error}); the built-in list is"),
            "install the package `ca-certificates`",
        ),
    }
}

/// Providers are tried side by side; each may take its time.
pub(super) fn providers(providers: &BTreeMap<Name, Provider>, offline: bool) -> Vec<Line> {
    std::thread::scope(|scope| {
        let tried: Vec<_> = providers
            .iter()
            .map(|(name, provider)| {
                let check = format!("provider {name}");
                scope.spawn(move || reach(&check, &provider.kind, offline))
            })
            .collect();
        tried
            .into_iter()
            .map(|line| {
                line.join().unwrap_or_else(|_| {
                    Line::fail("provider", "the check itself failed", "report it")
                })
            })
            .collect()
    })
}

/// Opens a connection and closes it; sends nothing.
fn reach(check: &str, provider: &ProviderKind, offline: bool) -> Line {
    let url = match provider {
        ProviderKind::Demo { .. } => return Line::ok(check, "built in"),
        ProviderKind::OpenAi { base_url, .. }
        | ProviderKind::AzureOpenAi { base_url, .. }
        | ProviderKind::Anthropic { base_url, .. } => base_url,
        ProviderKind::Databricks { host, .. } => host,
    };
    let Some(authority) = authority(url) else {
        return Line::fail(check, format!("`{url}` is not a URL"), "change `base-url`");
    };
    if offline {
        return Line::ok(check, format!("{authority}, not asked"));
    }
    let reached = authority.to_socket_addrs().and_then(|addresses| {
        let mut last = io::Error::other("the name has no address");
        for address in addresses {
            match TcpStream::connect_timeout(&address, REACH_TIMEOUT) {
                Ok(_) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    });
    match reached {
        Ok(()) => Line::ok(check, format!("{authority} answers")),
        Err(error) => Line::warn(
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

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_url_leads_to_host_and_port() {
        let of = |url| authority(url).unwrap();
        assert_eq!(of("https://api.example.com/v1"), "api.example.com:443");
        assert_eq!(of("http://127.0.0.1:9/v1"), "127.0.0.1:9");
        assert_eq!(of("http://[::1]/v1"), "[::1]:80");
        assert_eq!(authority("nothing"), None);
    }

    #[test]
    fn a_port_that_is_taken_is_said() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        for (holder, state) in [
            (Holder::This, State::Ok),
            (Holder::PerhapsThis, State::Warn),
            (Holder::Another, State::Fail),
            (Holder::Unknown, State::Fail),
        ] {
            assert_eq!(port("console port", address, holder).state, state, "{holder:?}");
        }
    }

    #[test]
    fn offline_asks_nobody() {
        let provider =
            ProviderKind::OpenAi { base_url: "http://198.51.100.1:9/v1".to_owned(), api_key: None };
        assert_eq!(reach("provider x", &provider, true).found, "198.51.100.1:9, not asked");
    }
}
