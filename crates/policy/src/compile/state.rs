//! `state:`: the servers that several gateways share.

use std::time::Duration;

use bartizan_core::settings::{Postgres, Redis, Shared, SharedServer, SharedTls, WhenAway};
use http::Uri;

use crate::compile::Compiler;
use crate::compile::urls::is_loopback;
use crate::error::Problem;
use crate::file::scalar::SecretText;
use crate::file::state::{PostgresFile, RedisFile, StateFile};
use crate::located::{Located, Place};
use crate::snippet::quote;

/// Most gateways that can share a limit.
const GATEWAYS_MAX: u64 = 1_000;
/// Longest wait for whoever counts: a request waits as long.
const TIMEOUT_MAX: Duration = Duration::from_secs(10);
/// Shortest time for which keys are trusted: the database is asked twice a second.
const TRUST_MIN: Duration = Duration::from_secs(2);
/// Longest prefix of keys, in bytes.
const PREFIX_BYTES: usize = 64;

/// What is particular to one kind of server.
struct Kind {
    /// For people.
    what: &'static str,
    schemes: &'static [&'static str],
    port: u16,
    example: &'static str,
}

const POSTGRES: Kind = Kind {
    what: "a database of PostgreSQL",
    schemes: &["postgres", "postgresql"],
    port: Postgres::PORT,
    example: "write `postgres://USER@db.example/DATABASE`",
};
const REDIS: Kind = Kind {
    what: "a server of Redis",
    schemes: &["redis", "rediss"],
    port: Redis::PORT,
    example: "write `rediss://redis.example:6379/0` or `redis://127.0.0.1`",
};

/// The keys that both kinds have.
struct Given<'f> {
    url: &'f Located<String>,
    password: Option<&'f Located<SecretText>>,
    ca: Option<&'f Located<String>>,
    danger_allow_plain: bool,
}

impl Compiler<'_, '_> {
    pub(crate) fn state(&mut self, file: &StateFile) -> Option<Shared> {
        let postgres = file.postgres.as_ref().map(|given| self.postgres(&given.value));
        let redis = file.redis.as_ref().map(|given| self.redis(&given.value));
        let postgres = match postgres {
            None => None,
            Some(postgres) => Some(postgres?),
        };
        let redis = match redis {
            None => None,
            Some(redis) => Some(redis?),
        };
        Some(Shared { postgres, redis })
    }

    fn postgres(&mut self, file: &PostgresFile) -> Option<Postgres> {
        let given = Given {
            url: &file.url,
            password: file.password.as_ref(),
            ca: file.ca.as_ref(),
            danger_allow_plain: file.danger_allow_plain.as_ref().is_some_and(|given| given.value),
        };
        let trust_for = self.duration(file.trust_for.as_ref(), Postgres::TRUST_FOR);
        if trust_for.is_some_and(|trust_for| trust_for < TRUST_MIN) {
            let place = file.trust_for.as_ref().and_then(|given| given.place);
            let message = "keys would not be known from one look at the database to the next";
            self.report(Problem::new(place, message).help("write `trust-for: 5m`"));
            return None;
        }
        // Encryption is asked for by every host but this one.
        let asks = given.ca.is_some();
        let encrypts = |_: &str, is_near: bool| asks || !is_near && !given.danger_allow_plain;
        let (server, database) = self.server(&given, &POSTGRES, encrypts)?;
        if database.is_empty() || server.user.is_none() {
            let message = format!("{} names no user and database", quote(&file.url.value));
            self.report(Problem::new(file.url.place, message).help(POSTGRES.example));
            return None;
        }
        Some(Postgres { server, database, trust_for: trust_for? })
    }

    fn redis(&mut self, file: &RedisFile) -> Option<Redis> {
        let given = Given {
            url: &file.url,
            password: file.password.as_ref(),
            ca: file.ca.as_ref(),
            danger_allow_plain: file.danger_allow_plain.as_ref().is_some_and(|given| given.value),
        };
        let when_away = self.when_away(file);
        let timeout = self.redis_timeout(file);
        let prefix = self.prefix(file.prefix.as_ref());
        let (server, database) = self.server(&given, &REDIS, |scheme, _| scheme == "rediss")?;
        let number = if database.is_empty() { Ok(0) } else { database.parse() };
        let Ok(database) = number else {
            let message = format!("{} is not the number of a database", quote(&database));
            self.report(Problem::new(file.url.place, message).help(REDIS.example));
            return None;
        };
        Some(Redis { server, database, prefix: prefix?, timeout: timeout?, when_away: when_away? })
    }

    fn redis_timeout(&mut self, file: &RedisFile) -> Option<Duration> {
        let timeout = self.duration(file.timeout.as_ref(), Redis::TIMEOUT)?;
        if timeout <= TIMEOUT_MAX {
            return Some(timeout);
        }
        let place = file.timeout.as_ref().and_then(|given| given.place);
        let message = "every request would wait for a server that is away for more than 10 s";
        self.report(Problem::new(place, message).help("write `timeout: 250ms`"));
        None
    }

    fn when_away(&mut self, file: &RedisFile) -> Option<WhenAway> {
        let alone = self.choice(file.when_away.as_ref(), false)?;
        match (alone, &file.gateways) {
            (false, None) => Some(WhenAway::Deny),
            (true, Some(gateways)) if (1..=GATEWAYS_MAX).contains(&gateways.value) => {
                Some(WhenAway::CountAlone { gateways: gateways.value as u32 })
            }
            (true, Some(gateways)) => {
                let message = format!("{} is no number of gateways", gateways.value);
                let help = format!("write 1 to {GATEWAYS_MAX}");
                self.report(Problem::new(gateways.place, message).help(help));
                None
            }
            (true, None) => {
                let place = file.when_away.as_ref().and_then(|given| given.place);
                let message = "`count-alone` gives each gateway a share, and `gateways` does not \
                               say how many there are";
                self.report(Problem::new(place, message).help("add `gateways: 2`"));
                None
            }
            (false, Some(gateways)) => {
                let message = "`gateways` is for `when-away: count-alone`";
                let help = "remove it, or add `when-away: count-alone`";
                self.report(Problem::new(gateways.place, message).help(help));
                None
            }
        }
    }

    /// What keys in Redis begin with. Braces would change which node of a cluster keeps them.
    fn prefix(&mut self, given: Option<&Located<String>>) -> Option<String> {
        let Some(given) = given else { return Some(Redis::PREFIX.to_owned()) };
        let text = &given.value;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if (1..=PREFIX_BYTES).contains(&text.len()) && text.bytes().all(is_plain) {
            return Some(text.clone());
        }
        let message = format!("{} cannot begin a key", quote(text));
        let help = format!("write 1 to {PREFIX_BYTES} letters, digits and `-_.:`");
        self.report(Problem::new(given.place, message).help(help));
        None
    }

    /// The server, and what stands behind it in the address.
    fn server(
        &mut self,
        given: &Given<'_>,
        kind: &Kind,
        is_encrypted: impl Fn(&str, bool) -> bool,
    ) -> Option<(SharedServer, String)> {
        let password = given.password.map(|given| self.secret("password", given));
        let ca = self.given_ca(given.ca);
        let place = given.url.place;
        let text = self.text_or_reference(&given.url.value, place)?;
        let address = self.address_of(&text, place, kind)?;
        let is_near = is_loopback(&address.host);
        let encrypts = is_encrypted(&address.scheme, is_near);
        if !encrypts && !is_near && !given.danger_allow_plain {
            let message = "whoever is on the way could read and change what is kept there";
            let help = "write `rediss://`, or accept the risk with `danger-allow-plain: true`";
            self.report(Problem::new(place, message).help(help));
            return None;
        }
        if !encrypts && let Some(ca) = given.ca {
            let message = "`ca` is for TLS, and this address uses none";
            self.report(Problem::new(ca.place, message).help("remove `ca`, or write `rediss://`"));
            return None;
        }
        let tls = encrypts.then_some(SharedTls { ca: ca? });
        let password = match password {
            None => None,
            Some(password) => Some(password?),
        };
        let Address { scheme: _, user, host, port, path } = address;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = port.unwrap_or(kind.port);
        Some((SharedServer { host, port, user, password, tls }, path))
    }

    fn address_of(&mut self, text: &str, place: Option<Place>, kind: &Kind) -> Option<Address> {
        let parts = text.parse::<Uri>().ok().and_then(|uri| Address::of(&uri));
        if parts.as_ref().is_some_and(|parts| parts.user.as_deref().is_some_and(has_password)) {
            let message = "the address holds a password";
            let help =
                "remove what stands before `@` from `:` on; it goes into `password` as a reference";
            self.report(Problem::new(place, message).help(help).secret());
            return None;
        }
        let fits = |parts: &Address| {
            kind.schemes.contains(&parts.scheme.as_str()) && !text.contains(['?', '#'])
        };
        let found = parts.filter(fits);
        if found.is_none() {
            // What cannot be read may hold a password.
            let message = format!("this is not the address of {}", kind.what);
            self.report(Problem::new(place, message).help(kind.example).secret());
        }
        found
    }
}

fn has_password(user: &str) -> bool {
    user.contains(':')
}

/// The parts of `scheme://user@host:port/path`.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    scheme: String,
    user: Option<String>,
    host: String,
    port: Option<u16>,
    /// Without the first slash.
    path: String,
}

impl Address {
    fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme_str()?.to_owned();
        let user = uri.authority()?.as_str().rsplit_once('@').map(|(user, _)| user.to_owned());
        let host = uri.host().filter(|host| !host.is_empty())?.to_owned();
        let path = uri.path().strip_prefix('/').unwrap_or_default().to_owned();
        let is_plain = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        };
        if !is_plain(&path)
            || user.as_deref().is_some_and(|user| user.is_empty() || !is_plain(user))
        {
            return None;
        }
        Some(Self { scheme, user, host, port: uri.port_u16(), path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_apart() {
        let read = |text: &str| Address::of(&text.parse().ok()?);
        let parts = read("postgres://bartizan@[::1]:5433/state").unwrap();
        assert_eq!(parts.user.as_deref(), Some("bartizan"));
        assert_eq!((parts.host.as_str(), parts.port), ("[::1]", Some(5433)));
        assert_eq!((parts.scheme.as_str(), parts.path.as_str()), ("postgres", "state"));
        let parts = read("redis://127.0.0.1").unwrap();
        assert_eq!((parts.user, parts.port, parts.path.as_str()), (None, None, ""));
        for wrong in ["", "postgres:", "redis:///0", "postgres://@h/d", "postgres://u@h/a/b"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
