//! Keys: whether there are any that work, and which are old.

use std::path::Path;
use std::time::Duration;

use bartizan_core::access::Scope;
use bartizan_core::settings::Shared;
use bartizan_core::{Coded as _, time};
use bartizan_store::{KeyRecord, Store};
use jiff::Timestamp;

use super::Line;
use crate::commands::explain::codes;
use crate::format::chain;

/// A key of this age is worth replacing.
const OLD: Duration = Duration::from_secs(365 * 86_400);
/// A key that stops working within this time is worth a word.
const SOON: Duration = Duration::from_secs(14 * 86_400);
/// Most keys that are named in a line.
const NAMED: usize = 3;

pub(super) fn all(folder: &Path, shared: &Shared) -> Vec<Line> {
    let file = folder.join("state.db");
    if shared.postgres.is_none() && !file.exists() {
        return vec![Line::ok(
            "keys",
            "an admin key and a client key will be made at the first start",
        )];
    }
    let store = match &shared.postgres {
        None => Store::open(&file),
        Some(postgres) => Store::connect(postgres),
    };
    match store.and_then(|store| store.list_keys()) {
        Ok(keys) => judge(&keys, time::now()),
        Err(error) => vec![Line::fail(
            "keys",
            chain(&error),
            codes::fix(error.code()).unwrap_or("look at the cause"),
        )],
    }
}

fn judge(keys: &[KeyRecord], now: Timestamp) -> Vec<Line> {
    let working: Vec<&KeyRecord> = keys.iter().filter(|key| key.works_at(now)).collect();
    let count = |scope| working.iter().filter(|key| key.scope == scope).count();
    let (admins, clients) = (count(Scope::Admin), count(Scope::Client));
    let found = format!("{admins} admin and {clients} client keys work");
    let make = "`bartizan key create NAME`";
    let ever = |scope| keys.iter().any(|key| key.scope == scope);
    let mut lines = vec![match (admins, clients) {
        (0, 0) if keys.is_empty() => {
            Line::ok("keys", "an admin key and a client key will be made at the first start")
        }
        (0, _) if !ever(Scope::Admin) => {
            Line::ok("keys", format!("{found}; an admin key will be made at the next start"))
        }
        (_, 0) if admins > 0 && !ever(Scope::Client) => {
            Line::ok("keys", format!("{found}; a client key will be made at the next start"))
        }
        (0, _) => Line::warn(
            "keys",
            format!("{found}: nobody can use the admin API"),
            format!("{make} with `--scope admin`"),
        ),
        (_, 0) => Line::warn("keys", format!("{found}: nobody can call a model"), make),
        _ => Line::ok("keys", found),
    }];
    let older = |key: &&&KeyRecord| {
        now.duration_since(key.created).unsigned_abs() > OLD && key.created < now
    };
    let old: Vec<&KeyRecord> = working.iter().filter(older).copied().collect();
    if !old.is_empty() {
        lines.push(Line::warn(
            "old keys",
            format!("older than a year: {}", named(&old)),
            "make new ones with `bartizan key create`, then `bartizan key revoke ID`",
        ));
    }
    let ending = |key: &&&KeyRecord| {
        key.expires.is_some_and(|at| at.duration_since(now).unsigned_abs() < SOON)
    };
    let ending: Vec<&KeyRecord> = working.iter().filter(ending).copied().collect();
    if !ending.is_empty() {
        lines.push(Line::warn(
            "ending keys",
            format!("stop working within two weeks: {}", named(&ending)),
            "make new ones with `bartizan key create`",
        ));
    }
    lines
}

fn named(keys: &[&KeyRecord]) -> String {
    let mut names: Vec<String> =
        keys.iter().take(NAMED).map(|key| format!("{} of {}", key.id, key.principal())).collect();
    if keys.len() > NAMED {
        names.push(format!("{} more", keys.len() - NAMED));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use bartizan_core::PrincipalKind;

    use super::super::State;
    use super::*;

    fn key(scope: Scope, created: &str, expires: Option<&str>) -> KeyRecord {
        KeyRecord {
            id: "k1".to_owned(),
            scope,
            kind: PrincipalKind::User,
            name: "alice".to_owned(),
            note: None,
            created: created.parse().unwrap(),
            expires: expires.map(|at| at.parse().unwrap()),
            revoked: None,
            last_used: None,
            endpoints: None,
            tags: bartizan_core::Tags::default(),
            replaces: None,
            maker: None,
        }
    }

    fn states(keys: &[KeyRecord]) -> Vec<(String, State)> {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        judge(keys, now).into_iter().map(|line| (line.check, line.state)).collect()
    }

    #[test]
    fn keys_of_both_kinds_are_wanted() {
        let admin = key(Scope::Admin, "2026-05-01T00:00:00Z", None);
        let client = key(Scope::Client, "2026-05-01T00:00:00Z", None);
        let line = |state| vec![("keys".to_owned(), state)];
        assert_eq!(states(&[admin.clone(), client.clone()]), line(State::Ok));
        // The next start makes what there never was, and nothing that was taken away.
        assert_eq!(states(std::slice::from_ref(&admin)), line(State::Ok));
        assert_eq!(states(std::slice::from_ref(&client)), line(State::Ok));
        let revoked = |key: &KeyRecord| KeyRecord { revoked: Some(key.created), ..key.clone() };
        assert_eq!(states(&[revoked(&admin), client.clone()]), line(State::Warn));
        assert_eq!(states(&[admin, revoked(&client)]), line(State::Warn));
        assert_eq!(states(&[]), line(State::Ok));
    }

    #[test]
    fn old_and_ending_keys_are_named() {
        let admin = key(Scope::Admin, "2025-01-01T00:00:00Z", None);
        let client = key(Scope::Client, "2026-05-01T00:00:00Z", Some("2026-06-05T00:00:00Z"));
        let past = key(Scope::Client, "2020-05-01T00:00:00Z", Some("2026-05-05T00:00:00Z"));
        let found = states(&[admin, client, past]);
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["keys", "old keys", "ending keys"]);
    }
}
