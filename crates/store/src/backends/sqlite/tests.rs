//! What holds for a file, and for no other database.

use bartizan_core::access::{Identify as _, Scope};
use bartizan_core::principal::PrincipalKind;

use crate::{NewKey, Store, StoreError};

#[test]
fn the_key_itself_is_nowhere_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.db")).unwrap();
    let (_, secret) = store.create_key(client("bot")).unwrap();
    let random = secret.expose().strip_prefix("bzc_").unwrap().as_bytes().to_vec();
    let mut files = 0;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        let bytes = bartizan_core::limits::read_capped(file, 10 << 20).unwrap();
        assert!(!bytes.windows(random.len()).any(|window| window == random));
        files += 1;
    }
    assert!(files >= 2, "the log file of the database must be looked at too");
}

#[test]
fn a_full_disk_is_told_from_a_damaged_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.db");
    let backend = super::Sqlite::open(&path).unwrap();
    backend.connection.pragma_update(None, "max_page_count", 1).unwrap();
    let store = Store::with(Box::new(backend), None).unwrap();
    let error = (0..200).find_map(|_| store.create_key(client("bot")).err()).unwrap();
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
}

#[test]
fn a_principal_that_is_forgotten_is_nowhere_in_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.db")).unwrap();
    let index = store.key_index();
    let (_, alice) = store.create_key(client("forgotten-bot")).unwrap();
    store.create_key(client("forgotten-bot")).unwrap();
    let (kept, bob) = store.create_key(client("kept-bot")).unwrap();
    assert_eq!(store.forget("forgotten-bot").unwrap(), 0, "a user of that name is another");
    assert_eq!(store.forget("sp:forgotten-bot").unwrap(), 2);
    assert!(index.identify(&alice).is_err());
    assert!(index.identify(&bob).is_ok());
    assert_eq!(store.list_keys().unwrap(), [kept]);
    let says = |name: &str| {
        std::fs::read_dir(dir.path()).unwrap().any(|entry| {
            let file = std::fs::File::open(entry.unwrap().path()).unwrap();
            let bytes = bartizan_core::limits::read_capped(file, 10 << 20).unwrap();
            bytes.windows(name.len()).any(|window| window == name.as_bytes())
        })
    };
    assert!(says("kept-bot") && !says("forgotten-bot"));
    let (_, _) = store.create_key(NewKey { scope: Scope::Admin, ..client("root") }).unwrap();
    assert!(matches!(store.forget("sp:root"), Err(StoreError::LastAdminKey)));
}

fn client(name: &str) -> NewKey {
    NewKey {
        scope: Scope::Client,
        kind: PrincipalKind::ServicePrincipal,
        name: name.to_owned(),
        note: None,
        expires: None,
        endpoints: None,
        tags: bartizan_core::Tags::default(),
    }
}
