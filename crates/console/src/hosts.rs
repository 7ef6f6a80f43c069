//! Under which names the console may be called.
//!
//! A page on another site can make a browser resolve its own name to this machine (DNS rebinding)
//! and then read what the console answers. Its requests carry the page's name in `Host`, so a
//! console that answers only to its own names is out of reach.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;
use bartizan_core::host::{HostPattern, HostSet};

/// The names and addresses that `Host` may hold, with any port.
#[derive(Debug, Clone)]
pub struct Hosts {
    listen: IpAddr,
    names: HostSet,
}

impl Hosts {
    /// Allows loopback names, the address listened on, and the names given, each with any port.
    ///
    /// When listening on all addresses (`0.0.0.0`, `[::]`) every literal address is allowed, since
    /// any of them may be this machine's and none can be rebound.
    pub fn new(listen: SocketAddr, names: &[HostPattern]) -> Self {
        Self { listen: listen.ip().to_canonical(), names: HostSet::new(names) }
    }

    /// Whether a `Host` header or the authority of a request target names this console.
    pub(crate) fn allow(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let host = normal(authority.host());
        match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            Ok(address) => {
                let address = address.to_canonical();
                address.is_loopback()
                    || self.listen.is_unspecified()
                    || address == self.listen
                    || self.names.contains(&host)
            }
            Err(_) => host == "localhost" || self.names.contains(&host),
        }
    }
}

/// Names compare without case and without the dot of the DNS root.
fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_its_own_names_only() {
        let names = ["Console.example", "*.corp.example", "192.0.2.7", "[2001:DB8::7]"];
        let names = names.map(|name| HostPattern::new(name).unwrap());
        let hosts = Hosts::new("10.1.2.3:8081".parse().unwrap(), &names);
        for host in [
            "localhost",
            "LOCALHOST:8081",
            "localhost.:8081",
            "127.0.0.1:8081",
            "127.9.9.9",
            "[::1]:8081",
            "10.1.2.3:8081",
            "[::ffff:10.1.2.3]:8081",
            "console.example",
            "CONSOLE.example:8443",
            "a.corp.example",
            "192.0.2.7:8081",
            "[2001:db8::7]:8081",
            "b.a.corp.example.:8081",
        ] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "",
            "corp.example",
            "a.corp.example.evil.example",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:8081",
            "10.1.2.4",
            "[::2]",
            "localhost@evil.example",
            "evil.example@localhost",
            "local host",
            "localhost/evil",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
    }

    #[test]
    fn on_all_addresses_any_address_is_its_own_and_names_are_not() {
        for listen in ["0.0.0.0:8081", "[::]:8081"] {
            let hosts = Hosts::new(listen.parse().unwrap(), &[]);
            assert!(hosts.allow("192.0.2.7:8081") && hosts.allow("[2001:db8::1]"));
            assert!(!hosts.allow("evil.example"));
        }
    }
}
