//! `bartizan key`: keys, straight in the store; a running gateway notices within a second.

use std::io::Write as _;
use std::process::ExitCode;

use bartizan_core::access::Scope;
use bartizan_core::principal::parse_qualified;
use bartizan_core::time;
use bartizan_store::{NewKey, Store};

use crate::cli::{KeyArgs, KeyCommand};
use crate::format::usage;
use crate::wire::{policy, state};

pub(crate) fn run(args: &KeyArgs) -> anyhow::Result<ExitCode> {
    let settings = policy::load(&args.policy)?.settings;
    let store = state::open_store(&settings.data_dir)?;
    let mut stdout = std::io::stdout().lock();
    match &args.command {
        KeyCommand::Create { name, scope, note, expires_in } => {
            let new = new_key(name, scope, note.as_deref(), expires_in.as_deref())?;
            let (record, key) = store.create_key(new)?;
            let id = record.id;
            tracing::info!(%id, %name, "key created; it is shown this once");
            writeln!(stdout, "{}", key.expose())?;
        }
        KeyCommand::List => list(&store, &mut stdout)?,
        KeyCommand::Revoke { id } => {
            let record = store.revoke_key(id)?;
            writeln!(stdout, "revoked {} of {}", record.id, record.principal())?;
        }
    }
    Ok(ExitCode::SUCCESS)
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
