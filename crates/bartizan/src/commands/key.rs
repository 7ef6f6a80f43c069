//! `bartizan key`: keys, straight in the store; a running gateway notices within a second.
//!
//! A change is recorded as an event, unless a running process keeps the log: a log has one writer.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::access::Scope;
use bartizan_core::event::{Event, Outcome};
use bartizan_core::principal::parse_qualified;
use bartizan_core::{RequestId, time};
use bartizan_ledger::{EventLogWriter, LedgerError};
use bartizan_policy::DataSettings;
use bartizan_store::{KeyRecord, NewKey, Store};
use serde_json::{Value, json};

use crate::cli::{DocumentFormat, KeyArgs, KeyCommand};
use crate::format::usage;
use crate::wire::{policy, state};

pub(crate) fn run(args: &KeyArgs) -> anyhow::Result<ExitCode> {
    let data = policy::load_data(&args.policy)?;
    let existing = || state::existing_store(&data.data_dir);
    let mut stdout = std::io::stdout().lock();
    match &args.command {
        KeyCommand::Create { name, scope, note, expires_in } => {
            let new = new_key(name, scope, note.as_deref(), expires_in.as_deref())?;
            let is_new = !data.data_dir.exists();
            let store = state::open_store(&data.data_dir)?;
            if is_new {
                tracing::warn!(folder = %data.data_dir.display(), "there was no data folder; made one");
            }
            // A log that cannot be written is found out before there is a key.
            let log = open_log(&data)?;
            let (made, key) = store.create_key(new)?;
            if let Err(error) = record(log.as_ref(), "key-created", &made) {
                // A key that nobody knows of must not exist.
                return Err(match store.revoke_key(&made.id) {
                    Ok(_) => error.context("the key was revoked again"),
                    Err(failed) => error.context(format!(
                        "the key `{}` exists and could not be revoked: {failed}",
                        made.id
                    )),
                });
            }
            let id = made.id;
            tracing::info!(%id, %name, "key created; it is shown this once");
            writeln!(stdout, "{}", key.expose())?;
        }
        KeyCommand::List { format: DocumentFormat::Human } => list(&existing()?, &mut stdout)?,
        KeyCommand::List { format: DocumentFormat::Json } => {
            let keys: Vec<Value> = existing()?.list_keys()?.iter().map(listed).collect();
            writeln!(stdout, "{}", json!({ "schema": "bartizan.keys/v1", "keys": keys }))?;
        }
        KeyCommand::Revoke { id } => {
            let store = existing()?;
            let log = open_log(&data)?;
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
    let scope = Scope::from_name(scope)
        .ok_or_else(|| usage(format!("there is no scope `{scope}`"), "use `client` or `admin`"))?;
    let expires = match expires_in {
        None => None,
        Some(text) => {
            let after = time::parse_duration(text)
                .map_err(|message| usage(message, "for example `--expires-in 30d`"))?;
            Some(time::now().checked_add(after)?)
        }
    };
    Ok(NewKey { scope, kind, name: bare.to_owned(), note: note.map(str::to_owned), expires })
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
    })
}

fn list(store: &Store, out: &mut impl std::io::Write) -> anyhow::Result<()> {
    for key in store.list_keys()? {
        let state = if key.works_at(time::now()) { "active" } else { "off" };
        let used =
            key.last_used.map_or_else(|| "never used".to_owned(), |at| format!("used {at:.0}"));
        let note = key.note.as_deref().unwrap_or_default();
        writeln!(
            out,
            "{}  {:6} {state:6} {}  {used}  {note}",
            key.id,
            key.scope.name(),
            key.principal()
        )?;
    }
    Ok(())
}
