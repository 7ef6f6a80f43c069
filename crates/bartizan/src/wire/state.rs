//! The data folder: store, event log, and the keys of a first start.

use std::path::Path;

use anyhow::Context as _;
use bartizan_core::access::Scope;
use bartizan_core::private;
use bartizan_core::{PrincipalKind, Secret};
use bartizan_store::{NewKey, Store};

/// Keys that a first start makes, shown once.
pub(crate) struct FirstKeys {
    pub(crate) admin: Secret,
    pub(crate) client: Secret,
}

/// Opens the store, making the folder for the owner alone where there is none.
pub(crate) fn open_store(data_dir: &Path) -> anyhow::Result<Store> {
    private::make_folder(data_dir)
        .with_context(|| format!("cannot make the data folder `{}`", data_dir.display()))?;
    Ok(Store::open(&data_dir.join("state.db"))?)
}

/// Makes an admin key and a client key when the store has none.
pub(crate) fn first_keys(store: &Store) -> anyhow::Result<Option<FirstKeys>> {
    if !store.is_empty()? {
        return Ok(None);
    }
    let make = |scope, name: &str| {
        let note = Some("made at the first start".to_owned());
        let kind = PrincipalKind::User;
        store.create_key(NewKey { scope, kind, name: name.to_owned(), note, expires: None })
    };
    let (_, admin) = make(Scope::Admin, "admin")?;
    let (_, client) = make(Scope::Client, "local")?;
    Ok(Some(FirstKeys { admin, client }))
}
