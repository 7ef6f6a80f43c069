//! The data folder: store, event log, and the keys of a first start.

use std::path::Path;

use anyhow::Context as _;
use bartizan_core::access::Scope;
use bartizan_core::private;
use bartizan_core::settings::Shared;
use bartizan_core::{PrincipalKind, Secret, Tags, time};
use bartizan_store::{NewKey, Store};

use crate::format::usage;

/// Name of the store in a data folder.
const STATE_FILE: &str = "state.db";

/// Keys of a data folder at a start, and those that the start made, which are shown once.
pub(crate) struct Keys {
    pub(crate) new_admin: Option<Secret>,
    pub(crate) new_client: Option<Secret>,
    /// Admin keys that work.
    pub(crate) admins: usize,
    /// Client keys that work.
    pub(crate) clients: usize,
}

/// Opens the store, making the folder for the owner alone where there is none.
pub(crate) fn open_store(data_dir: &Path, shared: &Shared) -> anyhow::Result<Store> {
    if data_dir.is_file() {
        return Err(usage(
            format!("`{}` is a file", data_dir.display()),
            "name a folder with `--data-dir`, or `data-dir` in the policy",
        ));
    }
    private::make_folder(data_dir)
        .with_context(|| format!("cannot make the data folder `{}`", data_dir.display()))?;
    if let Some(postgres) = &shared.postgres {
        return Ok(Store::connect(postgres)?);
    }
    Ok(Store::open(&data_dir.join(STATE_FILE))?)
}

/// Whether a data folder has a store of its own.
pub(crate) fn has_store(data_dir: &Path) -> bool {
    data_dir.join(STATE_FILE).is_file()
}

/// Opens the store that is there; a mistyped path makes none.
pub(crate) fn existing_store(data_dir: &Path, shared: &Shared) -> anyhow::Result<Store> {
    if shared.postgres.is_none() && !has_store(data_dir) {
        return Err(usage(
            format!("there is no data folder of Bartizan at `{}`", data_dir.display()),
            "`bartizan up` makes one; `--data-dir` names another folder",
        ));
    }
    open_store(data_dir, shared)
}

/// Makes an admin key and a client key, each unless there ever was one of its kind.
pub(crate) fn first_keys(store: &Store) -> anyhow::Result<Keys> {
    let make = |scope, name: &str| -> anyhow::Result<Option<Secret>> {
        let note = Some("made at the first start".to_owned());
        let kind = PrincipalKind::User;
        let (name, tags) = (name.to_owned(), Tags::default());
        let new = NewKey { scope, kind, name, note, expires: None, endpoints: None, tags };
        Ok(store.create_first_key(new)?.map(|(_, secret)| secret))
    };
    let new_admin = make(Scope::Admin, "admin")?;
    let new_client = make(Scope::Client, "local")?;
    let now = time::now();
    let keys = store.list_keys()?;
    let working = |scope| keys.iter().filter(|key| key.scope == scope && key.works_at(now)).count();
    let (admins, clients) = (working(Scope::Admin), working(Scope::Client));
    Ok(Keys { new_admin, new_client, admins, clients })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_key_made_before_does_not_keep_the_admin_key_from_being_made() {
        let folder = tempfile::tempdir().unwrap();
        let store = open_store(folder.path(), &Shared::default()).unwrap();
        let kind = PrincipalKind::ServicePrincipal;
        let name = "bot".to_owned();
        let new = NewKey {
            scope: Scope::Client,
            kind,
            name,
            note: None,
            expires: None,
            endpoints: None,
            tags: Tags::default(),
        };
        store.create_key(new).unwrap();
        let keys = first_keys(&store).unwrap();
        assert!(keys.new_admin.is_some() && keys.new_client.is_none());
        assert_eq!((keys.admins, keys.clients), (1, 1));
        let again = first_keys(&store).unwrap();
        assert!(again.new_admin.is_none() && again.new_client.is_none());
        assert_eq!((again.admins, again.clients), (1, 1));
    }
}
