//! `bartizan key report`: keys that work and should perhaps not.

use std::io::Write;
use std::time::Duration;

use bartizan_core::time::{self, Timestamp};
use bartizan_store::KeyRecord;
use serde_json::{Value, json};

use crate::cli::DocumentFormat;
use crate::format::usage;

/// What is old, and what is unused.
pub(super) struct Bounds {
    older_than: Duration,
    unused_for: Duration,
    now: Timestamp,
}

impl Bounds {
    pub(super) fn new(older_than: &str, unused_for: &str) -> anyhow::Result<Self> {
        let read = |text: &str| {
            time::parse_duration(text).map_err(|message| usage(message, "for example `90d`"))
        };
        let (older_than, unused_for) = (read(older_than)?, read(unused_for)?);
        Ok(Self { older_than, unused_for, now: time::now() })
    }

    /// What is to be said about a key that works.
    fn judge(&self, key: &KeyRecord) -> Vec<&'static str> {
        let longer = |since: Timestamp, most: Duration| {
            since < self.now && self.now.duration_since(since).unsigned_abs() > most
        };
        let is_old = longer(key.created, self.older_than);
        // A key that was made a moment ago has had no time to be used.
        let is_unused = longer(key.last_used.unwrap_or(key.created), self.unused_for);
        [
            is_old.then_some("old"),
            is_unused.then_some(if key.last_used.is_none() { "never used" } else { "unused" }),
            key.expires.is_none().then_some("without an end"),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Writes the report, and says how many keys it names.
pub(super) fn run(
    keys: &[KeyRecord],
    bounds: &Bounds,
    format: DocumentFormat,
    out: &mut impl Write,
) -> std::io::Result<usize> {
    let working = keys.iter().filter(|key| key.works_at(bounds.now));
    let judged = working.map(|key| (key, bounds.judge(key)));
    let found: Vec<_> = judged.filter(|(_, said)| !said.is_empty()).collect();
    match format {
        DocumentFormat::Human => {
            for (key, said) in &found {
                let days = key.created.duration_until(bounds.now).as_hours() / 24;
                let (scope, holder, said) = (key.scope.name(), key.principal(), said.join(", "));
                writeln!(out, "{}  {scope:8} {holder}  {days} days old: {said}", key.id)?;
            }
        }
        DocumentFormat::Json => {
            let named: Vec<Value> = found
                .iter()
                .map(|(key, said)| {
                    json!({
                        "id": key.id,
                        "name": key.principal(),
                        "scope": key.scope.name(),
                        "created": time::format(key.created),
                        "last_used": key.last_used.map(time::format),
                        "expires": key.expires.map(time::format),
                        "found": said,
                    })
                })
                .collect();
            writeln!(out, "{}", json!({ "schema": "bartizan.key-report/v1", "keys": named }))?;
        }
    }
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    use bartizan_core::PrincipalKind;
    use bartizan_core::access::Scope;

    use super::*;

    fn key(created: &str, last_used: Option<&str>, expires: Option<&str>) -> KeyRecord {
        let time = |text: &str| format!("{text}T00:00:00Z").parse().unwrap();
        KeyRecord {
            id: "k1".to_owned(),
            scope: Scope::Client,
            kind: PrincipalKind::User,
            name: "alice".to_owned(),
            note: None,
            created: time(created),
            expires: expires.map(time),
            revoked: None,
            last_used: last_used.map(time),
            endpoints: None,
            tags: bartizan_core::Tags::default(),
            replaces: None,
            maker: None,
        }
    }

    #[test]
    fn keys_are_named_for_age_for_rest_and_for_having_no_end() {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let day = Duration::from_hours(24);
        let bounds = Bounds { older_than: 365 * day, unused_for: 90 * day, now };
        let end = Some("2027-01-01");
        for (key, said) in [
            (key("2026-05-01", None, end), &[][..]),
            (key("2026-05-01", None, None), &["without an end"]),
            (key("2026-01-01", None, end), &["never used"]),
            (key("2026-01-01", Some("2026-02-01"), end), &["unused"]),
            (key("2025-01-01", Some("2026-05-31"), end), &["old"]),
            (key("2025-01-01", None, None), &["old", "never used", "without an end"]),
        ] {
            assert_eq!(bounds.judge(&key), said, "{key:?}");
        }
        // What does not work any more is nobody's concern.
        let ended = key("2020-01-01", None, Some("2021-01-01"));
        let mut out = Vec::new();
        assert_eq!(run(&[ended], &bounds, DocumentFormat::Human, &mut out).unwrap(), 0);
        assert!(out.is_empty());
    }
}
