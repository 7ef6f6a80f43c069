//! `bartizan account`: people who sign in to the console, straight in the store.
//!
//! A change is recorded as an event, unless a running process keeps the log: a log has one writer.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::access::Scope;
use bartizan_core::event::{Event, Outcome};
use bartizan_core::redact::Secret;
use bartizan_core::{RequestId, time};
use bartizan_ledger::EventLogWriter;
use bartizan_store::AccountRecord;
use serde_json::{Value, json};

use crate::cli::DocumentFormat;
use crate::cli::account::{AccountArgs, AccountCommand};
use crate::commands::key::open_log;
use crate::format::usage;
use crate::wire::{login, policy, state};

pub(crate) fn run(args: &AccountArgs) -> anyhow::Result<ExitCode> {
    let data = policy::load_data(&args.policy)?;
    let shared = policy::load_shared(&args.policy)?;
    let existing = || state::existing_store(&data.data_dir, &shared);
    let mut out = std::io::stdout().lock();
    match &args.command {
        AccountCommand::Add { name, scope } => {
            let page = page(args)?;
            let scope =
                Scope::from_name(scope).with_context(|| format!("there is no scope `{scope}`"))?;
            let store = state::open_store(&data.data_dir, &shared)?;
            // A log that cannot be written is found out before there is an account.
            let log = open_log(&data)?;
            let (account, code) = store.create_account(name, scope)?;
            if let Err(error) = record(log.as_ref(), "account-created", &account) {
                return Err(match store.remove_account(name) {
                    Ok(_) => error.context("the account was removed again"),
                    Err(failed) => {
                        error.context(format!("the account exists, and was not removed: {failed}"))
                    }
                });
            }
            show(&mut out, &page, &account, &code)?;
        }
        AccountCommand::Reset { name } => {
            let page = page(args)?;
            let store = existing()?;
            let log = open_log(&data)?;
            let (account, code) = store.reset_account(name)?;
            // It stays reset when this fails: that is the safe side.
            record(log.as_ref(), "account-reset", &account).context("the account is reset")?;
            show(&mut out, &page, &account, &code)?;
        }
        AccountCommand::Remove { name } => {
            let store = existing()?;
            let log = open_log(&data)?;
            let account = store.remove_account(name)?;
            record(log.as_ref(), "account-removed", &account).context("the account is removed")?;
            writeln!(out, "removed {name}")?;
        }
        AccountCommand::List { format: DocumentFormat::Human } => {
            list(&existing()?.list_accounts()?, &mut out)?;
        }
        AccountCommand::List { format: DocumentFormat::Json } => {
            let accounts: Vec<Value> = existing()?.list_accounts()?.iter().map(listed).collect();
            writeln!(out, "{}", json!({ "schema": "bartizan.accounts/v1", "accounts": accounts }))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The page where an account is made somebody's. An account that cannot sign in would only look like one.
fn page(args: &AccountArgs) -> anyhow::Result<String> {
    let settings = policy::load_to_try(&args.policy)?.settings;
    let login = settings.login.as_ref().filter(|login| login.accounts);
    let login = login.ok_or_else(|| {
        usage(
            "the policy lets no accounts sign in",
            "add `console: { login: { accounts: true } }` to the policy file",
        )
    })?;
    let origin = login::origin(login, settings.listen.tls.is_some(), settings.listen.console);
    Ok(format!("{origin}/login/enrol"))
}

/// Records a change and waits for the disk. Whoever sits at the command line is not known.
fn record(
    log: Option<&EventLogWriter>,
    operation: &str,
    account: &AccountRecord,
) -> anyhow::Result<()> {
    let Some(log) = log else { return Ok(()) };
    let mut event = Event::new(RequestId::new(), "admin", operation);
    event.outcome = Outcome::Changed;
    event.subject = Some(account.name.clone());
    event.detail = Some(format!("{} account, on the command line", account.scope.name()));
    log.record_durably(&event)?;
    Ok(())
}

/// The link on standard output, and what to do with it beside.
fn show(
    out: &mut impl Write,
    page: &str,
    account: &AccountRecord,
    code: &Secret,
) -> std::io::Result<()> {
    tracing::info!(
        name = %account.name,
        scope = account.scope.name(),
        "whoever opens this link within an hour makes the account theirs; it is shown this once"
    );
    writeln!(out, "{page}?code={}", code.expose())
}

fn state_of(account: &AccountRecord) -> &'static str {
    let now = time::now();
    match account.enrolment_ends {
        _ if account.is_enrolled && account.locked_until.is_some_and(|until| now < until) => {
            "waits"
        }
        _ if account.is_enrolled => "active",
        Some(ends) if now < ends => "invited",
        _ => "expired",
    }
}

/// An account without its secrets.
fn listed(account: &AccountRecord) -> Value {
    json!({
        "name": account.name,
        "scope": account.scope.name(),
        "state": state_of(account),
        "created": time::format(account.created),
        "enrolment_ends": account.enrolment_ends.map(time::format),
        "last_login": account.last_login.map(time::format),
    })
}

fn list(accounts: &[AccountRecord], out: &mut impl Write) -> std::io::Result<()> {
    for account in accounts {
        let login = account
            .last_login
            .map_or_else(|| "never signed in".to_owned(), |at| format!("signed in {at:.0}"));
        let (scope, state) = (account.scope.name(), state_of(account));
        writeln!(out, "{scope:8} {state:7} {}  {login}", account.name)?;
    }
    Ok(())
}
