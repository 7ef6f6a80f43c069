//! `bartizan secret`: values that the policy refers to, kept encrypted in the data folder.
//!
//! A change is recorded as an event, unless a running process keeps the log: a log has one writer.

use std::fs::File;
use std::io::{IsTerminal as _, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use bartizan_core::event::{Event, Outcome};
use bartizan_core::limits::read_capped;
use bartizan_core::redact::Secret;
use bartizan_core::time::{self, Timestamp};
use bartizan_core::{RequestId, private};
use bartizan_secrets::keyring::{self, KeyId};
use bartizan_secrets::{Sealer, SecretName, SecretRecord, VALUE_BYTES};
use bartizan_store::Store;
use serde_json::{Value, json};

use crate::cli::DocumentFormat;
use crate::cli::secret::{SecretArgs, SecretCommand, ValueArgs};
use crate::commands::key::open_log;
use crate::format::{print_error, usage};
use crate::terminal::Terminal;
use crate::wire::login::CodeSeal;
use crate::wire::secrets::SecretSource;
use crate::wire::{policy, state};

/// Exit code when something is named.
const REPORTED: u8 = 1;

pub(crate) fn run(args: &SecretArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let data = policy::load_data(&args.policy)?;
    let source = policy::secret_source(&args.policy)?;
    let mut out = std::io::stdout().lock();
    let now = time::now();
    let texts = data.data_dir.join(bartizan_inference::FOLDER);
    let changed = |operation: &str, what: &str| -> anyhow::Result<()> {
        let Some(log) = open_log(&data)? else { return Ok(()) };
        let mut event = Event::new(RequestId::new(), "admin", operation);
        event.outcome = Outcome::Changed;
        event.detail = Some(format!("{what}, on the command line"));
        log.record_durably(&event).context("the change is made and not recorded")?;
        Ok(())
    };
    match &args.command {
        SecretCommand::Set { name, value, note } => {
            let name: SecretName = name.parse()?;
            let (secret, expires) = given(value, terminal)?;
            private::make_folder(&data.data_dir)?;
            if source.make_key()? {
                let file = source.key_file().unwrap_or_default();
                tracing::warn!(
                    file = %file.display(),
                    "made a master key; without it no secret can be read, and with it all can: keep backups of it apart"
                );
            }
            source.store()?.set(&name, &secret, note.clone(), expires, now)?;
            changed("secret-set", &format!("secret {name}"))?;
            writeln!(out, "secret:{name}")?;
        }
        SecretCommand::Rotate { name, value, overlap } => {
            let name: SecretName = name.parse()?;
            let overlap = duration(overlap, "--overlap 24h")?;
            let (secret, expires) = given(value, terminal)?;
            let record = source.store()?.rotate(&name, &secret, overlap, expires, now)?;
            changed("secret-rotated", &format!("secret {name}"))?;
            match record.previous_until {
                Some(until) => writeln!(
                    out,
                    "rotated {name}; the old value can be brought back until {}",
                    time::format(until)
                )?,
                None => writeln!(out, "rotated {name}; earlier values are forgotten")?,
            }
        }
        SecretCommand::Rollback { name } => {
            let name: SecretName = name.parse()?;
            source.store()?.rollback(&name, now)?;
            changed("secret-rolled-back", &format!("secret {name}"))?;
            writeln!(out, "{name} has the value that it had before")?;
        }
        SecretCommand::List { format } => {
            list(&source.store()?.list(now)?, *format, now, &mut out)?;
        }
        SecretCommand::Age { older_than, expires_within, format } => {
            let older = duration(older_than, "--older-than 90d")?;
            let within = duration(expires_within, "--expires-within 14d")?;
            let records = source.store()?.list(now)?;
            let named: Vec<(&SecretRecord, Vec<&str>)> = records
                .iter()
                .map(|record| (record, judge(record, older, within, now)))
                .filter(|(_, found)| !found.is_empty())
                .collect();
            report(&named, *format, now, &mut out)?;
            return Ok(if named.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(REPORTED) });
        }
        SecretCommand::Remove { name } => {
            let name: SecretName = name.parse()?;
            source.store()?.remove(&name, now)?;
            changed("secret-removed", &format!("secret {name}"))?;
            writeln!(out, "removed {name}")?;
        }
        SecretCommand::MasterKey { retire, list: true } => {
            debug_assert!(retire.is_none());
            for (number, id) in source.keyring()?.ids().into_iter().enumerate() {
                writeln!(out, "{id}{}", if number == 0 { "  current" } else { "" })?;
            }
        }
        SecretCommand::MasterKey { retire, list: false } => {
            let Some(file) = source.key_file() else {
                return Err(usage(
                    "the master keys are handed in by `secrets.key`, and not kept in a file",
                    "put a new line before the others where they come from, or name a file: `secrets: { key: file:PATH }`",
                ));
            };
            match retire {
                None => {
                    let accounts = accounts(args)?;
                    let id = new_master_key(&source, &file, &texts, now)?;
                    if let Some(accounts) = &accounts {
                        let seal = CodeSeal::new(source.settings().clone(), &data.data_dir);
                        bartizan_console::reseal_codes(accounts, &seal)?;
                    }
                    changed("master-key-added", &format!("master key {id}"))?;
                    writeln!(out, "{id} is the current master key")?;
                }
                Some(id) => {
                    let id: KeyId = id.parse().map_err(|_| {
                        usage(
                            format!("`{id}` is no id of a master key"),
                            "`bartizan secret master-key --list` lists them",
                        )
                    })?;
                    if texts.is_dir() && bartizan_inference::keys_in_use(&texts)?.contains(&id) {
                        return Err(usage(
                            format!(
                                "keys of the inference log are still encrypted with the master key {id}"
                            ),
                            "start `bartizan up` again: it encrypts them with the current one",
                        ));
                    }
                    if source.store()?.keys_in_use()?.contains(&id) {
                        return Err(usage(
                            format!("secrets are still encrypted with the master key {id}"),
                            "`bartizan secret master-key` encrypts them with a new one",
                        ));
                    }
                    if codes_sealed_with(accounts(args)?.as_ref(), id)? {
                        return Err(usage(
                            format!(
                                "codes of accounts are still encrypted with the master key {id}"
                            ),
                            "`bartizan secret master-key` encrypts them with a new one",
                        ));
                    }
                    keyring::retire_in_file(&file, id)?;
                    changed("master-key-retired", &format!("master key {id}"))?;
                    writeln!(out, "{id} is forgotten")?;
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The store with the accounts of people, whose codes are sealed too; none where there is none.
fn accounts(args: &SecretArgs) -> anyhow::Result<Option<Store>> {
    let data = policy::load_data(&args.policy)?;
    let shared = policy::load_shared(&args.policy)?;
    if shared.postgres.is_none() && !state::has_store(&data.data_dir) {
        return Ok(None);
    }
    state::existing_store(&data.data_dir, &shared).map(Some)
}

fn codes_sealed_with(accounts: Option<&Store>, id: KeyId) -> anyhow::Result<bool> {
    let Some(accounts) = accounts else { return Ok(false) };
    let sealed = accounts.sealed_codes()?;
    Ok(sealed.iter().any(|(_, sealed)| Sealer::key_id(sealed) == Ok(id)))
}

/// Puts a new key before the others and encrypts everything with it; makes the first where there is none.
fn new_master_key(
    source: &SecretSource,
    file: &Path,
    texts: &Path,
    now: Timestamp,
) -> anyhow::Result<KeyId> {
    if let Some(folder) = file.parent() {
        private::make_folder(folder)?;
    }
    if source.make_key()? {
        tracing::warn!(
            file = %file.display(),
            "made a master key; without it nothing can be read that it encrypts: keep backups of it apart"
        );
        return Ok(source.keyring()?.current());
    }
    // What cannot be read with the keys that are there is found out before there is another.
    source.store()?;
    let id = keyring::add_to_file(file)?;
    source.reopened()?.rekey(now)?;
    if texts.is_dir() {
        let sealer = source.keyring()?.derive(bartizan_inference::PURPOSE)?;
        bartizan_inference::reseal(texts, &sealer)?;
    }
    Ok(id)
}

/// A value and its end, as they are given.
fn given(args: &ValueArgs, terminal: Terminal) -> anyhow::Result<(Secret, Option<Timestamp>)> {
    let expires = match &args.expires_in {
        None => None,
        Some(text) => Some(time::now().checked_add(duration(text, "--expires-in 30d")?)?),
    };
    let cap = VALUE_BYTES as u64 + 2;
    let file = args.from.as_deref().filter(|path| *path != Path::new("-"));
    let bytes = if let Some(path) = file {
        File::open(path).and_then(|file| read_capped(file, cap))
    } else {
        if std::io::stdin().is_terminal() && !terminal.quiet {
            print_error("note: reading what you type; Ctrl-D ends it", terminal.stderr());
        }
        read_capped(std::io::stdin().lock(), cap)
    };
    let text = String::from_utf8(bytes.context("cannot read the value")?)
        .map_err(|_| usage("the value is not UTF-8", "write it in base64, for example"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Ok((Secret::new(text), expires))
}

fn duration(text: &str, example: &str) -> anyhow::Result<Duration> {
    if text == "0s" || text == "0" {
        return Ok(Duration::ZERO);
    }
    time::parse_duration(text).map_err(|message| usage(message, format!("for example `{example}`")))
}

/// What is to be said about a value.
fn judge(
    record: &SecretRecord,
    older: Duration,
    within: Duration,
    now: Timestamp,
) -> Vec<&'static str> {
    let ends_soon = record
        .expires
        .is_some_and(|end| end > now && end.duration_since(now).unsigned_abs() < within);
    [
        (record.age(now) > older).then_some("old"),
        record.is_expired_at(now).then_some("expired"),
        ends_soon.then_some("expires soon"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn list(
    records: &[SecretRecord],
    format: DocumentFormat,
    now: Timestamp,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match format {
        DocumentFormat::Human if records.is_empty() => {
            writeln!(out, "no secrets; `bartizan secret set NAME` keeps one")?;
        }
        DocumentFormat::Human => {
            for record in records {
                let note = record.note.as_deref().unwrap_or_default();
                writeln!(out, "{}  {} days  {note}", record.name, days(record, now))?;
            }
        }
        DocumentFormat::Json => {
            let secrets: Vec<Value> = records.iter().map(|record| shown(record, now)).collect();
            writeln!(out, "{}", json!({ "schema": "bartizan.secrets/v1", "secrets": secrets }))?;
        }
    }
    Ok(())
}

fn report(
    named: &[(&SecretRecord, Vec<&str>)],
    format: DocumentFormat,
    now: Timestamp,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match format {
        DocumentFormat::Human => {
            for (record, found) in named {
                let found = found.join(", ");
                writeln!(out, "{}  {} days: {found}", record.name, days(record, now))?;
            }
        }
        DocumentFormat::Json => {
            let secrets: Vec<Value> = named
                .iter()
                .map(|(record, found)| {
                    let mut shown = shown(record, now);
                    if let Some(shown) = shown.as_object_mut() {
                        shown.insert("found".to_owned(), json!(found));
                    }
                    shown
                })
                .collect();
            let document = json!({ "schema": "bartizan.secret-age/v1", "secrets": secrets });
            writeln!(out, "{document}")?;
        }
    }
    Ok(())
}

fn days(record: &SecretRecord, now: Timestamp) -> u64 {
    record.age(now).as_secs() / 86_400
}

/// Everything but the value.
fn shown(record: &SecretRecord, now: Timestamp) -> Value {
    json!({
        "name": record.name,
        "note": record.note,
        "created": time::format(record.created),
        "set": time::format(record.set),
        "age_s": record.age(now).as_secs(),
        "expires": record.expires.map(time::format),
        "previous_until": record.previous_until.map(time::format),
        "master_key": record.sealed_by.to_string(),
    })
}
