//! `bartizan key`: keys, straight in the store; a running gateway notices within a second.
//!
//! A change is recorded as an event, unless a running process keeps the log: a log has one writer.

mod report;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::access::Scope;
use bartizan_core::event::{Event, Outcome};
use bartizan_core::principal::parse_qualified;
use bartizan_core::time::Timestamp;
use bartizan_core::{Name, RequestId, Tags, time};
use bartizan_ledger::{EventLogWriter, LedgerError};
use bartizan_policy::DataSettings;
use bartizan_store::{KeyRecord, NewKey, Store, StoreError};
use serde_json::{Value, json};

use crate::cli::{DocumentFormat, KeyArgs, KeyCommand};
use crate::format::usage;
use crate::wire::{policy, state};
use report::Bounds;

/// Exit code when the report names keys.
const REPORTED: u8 = 1;

pub(crate) fn run(args: &KeyArgs) -> anyhow::Result<ExitCode> {
    let data = policy::load_data(&args.policy)?;
    let shared = policy::load_shared(&args.policy)?;
    let existing = || state::existing_store(&data.data_dir, &shared);
    let mut stdout = std::io::stdout().lock();
    match &args.command {
        KeyCommand::Create { name, scope, note, expires_in, endpoints, tags } => {
            let new = NewKey {
                endpoints: narrowed(endpoints)?,
                tags: tagged(tags)?,
                ..new_key(name, scope, note.as_deref(), expires_in.as_deref())?
            };
            let is_new = !data.data_dir.exists();
            let store = state::open_store(&data.data_dir, &shared)?;
            if is_new {
                tracing::warn!(folder = %data.data_dir.display(), "there was no data folder; made one");
            }
            // A log that cannot be written is found out before there is a key.
            let log = open_log(&data)?;
            let (made, key) = store.create_key(new)?;
            let undo = || store.revoke_key(&made.id).map(|_| ());
            record_or_undo(log.as_ref(), "key-created", &made, undo)?;
            let id = made.id;
            tracing::info!(%id, %name, "key created; it is shown this once");
            writeln!(stdout, "{}", key.expose())?;
        }
        KeyCommand::Replace { id, overlap, expires_in } => {
            let overlap = time::parse_duration(overlap)
                .map_err(|message| usage(message, "for example `--overlap 7d`"))?;
            let expires = expiry(expires_in.as_deref())?;
            let store = existing()?;
            let log = open_log(&data)?;
            let before = store.list_keys()?.into_iter().find(|key| key.id == *id);
            let (made, key) = store.replace_key(id, overlap, expires)?;
            let ended = before.and_then(|key| key.expires);
            let undo = || store.undo_replacement(&made, ended);
            record_or_undo(log.as_ref(), "key-replaced", &made, undo)?;
            let (new, name) = (&made.id, made.principal());
            tracing::info!(id = %new, %name, replaces = %id, "key created; it is shown this once");
            writeln!(stdout, "{}", key.expose())?;
        }
        KeyCommand::Report { older_than, unused_for, format } => {
            let bounds = Bounds::new(older_than, unused_for)?;
            let found = report::run(&existing()?.list_keys()?, &bounds, *format, &mut stdout)?;
            return Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::from(REPORTED) });
        }
        KeyCommand::List { format: DocumentFormat::Human } => list(&existing()?, &mut stdout)?,
        KeyCommand::List { format: DocumentFormat::Json } => {
            let keys: Vec<Value> = existing()?.list_keys()?.iter().map(listed).collect();
            writeln!(stdout, "{}", json!({ "schema": "bartizan.keys/v1", "keys": keys }))?;
        }
        KeyCommand::Revoke { id } => {
            let store = existing()?;
            let log = open_log(&data)?;
            if let Some(session) = id.strip_prefix("session:") {
                store.end_session(session)?;
                if let Some(log) = &log {
                    let mut event = Event::new(RequestId::new(), "admin", "session-ended");
                    event.outcome = Outcome::Changed;
                    event.detail = Some(format!("{id}, on the command line"));
                    log.record_durably(&event).context("the session is ended")?;
                }
                writeln!(stdout, "ended {id}")?;
                return Ok(ExitCode::SUCCESS);
            }
            let revoked = store.revoke_key(id)?;
            // The key stays revoked when this fails: that is the safe side.
            record(log.as_ref(), "key-revoked", &revoked).context("the key is revoked")?;
            writeln!(stdout, "revoked {} of {}", revoked.id, revoked.principal())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The event log, unless a running process keeps it.
pub(crate) fn open_log(data: &DataSettings) -> anyhow::Result<Option<EventLogWriter>> {
    match EventLogWriter::open(&data.data_dir.join(bartizan_ledger::FOLDER), data.ledger) {
        Ok(log) => Ok(Some(log)),
        Err(LedgerError::Locked { path }) => {
            tracing::warn!(
                log = %path.display(),
                "no event of this change: the running process keeps the log; its admin API records"
            );
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Records a change and waits for the disk. Whoever sits at the command line is not known.
fn record(log: Option<&EventLogWriter>, operation: &str, key: &KeyRecord) -> anyhow::Result<()> {
    let Some(log) = log else { return Ok(()) };
    let mut event = Event::new(RequestId::new(), "admin", operation);
    event.outcome = Outcome::Changed;
    event.subject = Some(key.principal());
    event.detail = Some(format!("{} key {}, on the command line", key.scope.name(), key.id));
    log.record_durably(&event)?;
    Ok(())
}

fn new_key(
    name: &str,
    scope: &str,
    note: Option<&str>,
    expires_in: Option<&str>,
) -> anyhow::Result<NewKey> {
    let (kind, bare) = parse_qualified(name)
        .map_err(|message| usage(message, "for example `alice@example.com` or `sp:support-bot`"))?;
    let scope = Scope::from_name(scope).ok_or_else(|| {
        let known = Scope::ALL.map(|scope| format!("`{}`", scope.name())).join(", ");
        usage(format!("there is no scope `{scope}`"), format!("use one of {known}"))
    })?;
    let expires = expiry(expires_in)?;
    let (name, note) = (bare.to_owned(), note.map(str::to_owned));
    Ok(NewKey { scope, kind, name, note, expires, endpoints: None, tags: Tags::default() })
}

/// The moment that lies so far ahead.
fn expiry(expires_in: Option<&str>) -> anyhow::Result<Option<Timestamp>> {
    let Some(text) = expires_in else { return Ok(None) };
    let after = time::parse_duration(text)
        .map_err(|message| usage(message, "for example `--expires-in 30d`"))?;
    Ok(Some(time::now().checked_add(after)?))
}

/// The only endpoints that a key opens; none where it is narrowed to none.
fn narrowed(endpoints: &[String]) -> anyhow::Result<Option<Vec<Name>>> {
    let names = endpoints.iter().map(|name| {
        let help = "name an endpoint of the policy";
        name.parse().map_err(|error| usage(format!("`{name}` can be no endpoint: {error}"), help))
    });
    let names = names.collect::<anyhow::Result<Vec<Name>>>()?;
    Ok((!names.is_empty()).then_some(names))
}

/// Tags that are written `NAME=VALUE`.
pub(crate) fn tagged(written: &[String]) -> anyhow::Result<Tags> {
    let mut tags = Tags::default();
    for text in written {
        let added = tags.add_written(text);
        added.map_err(|error| {
            usage(format!("`{text}`: {error}"), "for example `--tag team=search`")
        })?;
    }
    Ok(tags)
}

/// Records that there is a new key; one that nobody knows of must not exist.
fn record_or_undo(
    log: Option<&EventLogWriter>,
    operation: &str,
    made: &KeyRecord,
    undo: impl FnOnce() -> Result<(), StoreError>,
) -> anyhow::Result<()> {
    let Err(error) = record(log, operation, made) else { return Ok(()) };
    Err(match undo() {
        Ok(()) => error.context("the key was revoked again"),
        Err(failed) => error
            .context(format!("the key `{}` exists and could not be revoked: {failed}", made.id)),
    })
}

/// A key without the key, as the admin API shows it.
fn listed(key: &KeyRecord) -> Value {
    let time = |at: Option<jiff::Timestamp>| at.map(time::format);
    json!({
        "id": key.id,
        "name": key.principal(),
        "scope": key.scope.name(),
        "note": key.note,
        "created": time(Some(key.created)),
        "expires": time(key.expires),
        "revoked": time(key.revoked),
        "last_used": time(key.last_used),
        "endpoints": key.endpoints,
        "tags": key.tags,
        "replaces": key.replaces,
        "maker": key.maker,
    })
}

fn list(store: &Store, out: &mut impl std::io::Write) -> anyhow::Result<()> {
    for key in store.list_keys()? {
        let state = if key.works_at(time::now()) { "active" } else { "off" };
        let used =
            key.last_used.map_or_else(|| "never used".to_owned(), |at| format!("used {at:.0}"));
        let note = key.note.as_deref().unwrap_or_default();
        let names = key.endpoints.iter().flatten().map(Name::as_str).collect::<Vec<_>>();
        let only = if names.is_empty() { String::new() } else { names.join(", ") + " only  " };
        let (scope, holder) = (key.scope.name(), key.principal());
        let tags = key.tags.iter().map(|(name, value)| format!("{name}={value}"));
        let tags = tags.collect::<Vec<_>>().join(", ");
        let tags = if tags.is_empty() { tags } else { format!("[{tags}]  ") };
        writeln!(out, "{}  {scope:8} {state:6} {holder}  {used}  {only}{tags}{note}", key.id)?;
    }
    Ok(())
}
