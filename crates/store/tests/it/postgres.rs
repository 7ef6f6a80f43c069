//! A real server of PostgreSQL, and what happens when it goes.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::access::{Identify as _, Unrecognised};
use bartizan_core::redact::Secret;
use bartizan_core::settings::{Postgres, SharedServer, SharedTls};
use bartizan_store::{Store, StoreError};
use bartizan_testkit::servers::{POSTGRES_DATABASE, POSTGRES_USER, PostgresServer};
use bartizan_testkit::tls::Authority;
use postgres::NoTls;

use crate::suite::{self, Place, client};

fn settings(server: &PostgresServer, database: &str) -> Postgres {
    Postgres {
        server: SharedServer {
            host: "127.0.0.1".to_owned(),
            port: server.port(),
            user: Some(POSTGRES_USER.to_owned()),
            password: None,
            tls: None,
        },
        database: database.to_owned(),
        trust_for: Duration::from_secs(300),
    }
}

fn raw(settings: &Postgres, statement: &str) {
    let Postgres { server, database, .. } = settings;
    let url = format!("postgres://{POSTGRES_USER}@{}:{}/{database}", server.host, server.port);
    postgres::Client::connect(&url, NoTls).unwrap().batch_execute(statement).unwrap();
}

struct Database(Postgres);

impl Place for Database {
    fn try_open(&self) -> Result<Store, StoreError> {
        Store::connect(&self.0)
    }

    fn sql(&self, statement: &str) {
        let statement = statement.replace("{keys}", "bartizan.keys");
        let statement = statement.replace("{accounts}", "bartizan.accounts");
        raw(&self.0, &statement.replace("{sessions}", "bartizan.console_sessions"));
    }
}

#[test]
fn a_server_holds_the_suite() {
    let server = PostgresServer::start(&[]).unwrap();
    let first = settings(&server, POSTGRES_DATABASE);
    suite::run(|number| {
        let name = format!("case_{number}");
        raw(&first, &format!("CREATE DATABASE {name}"));
        Box::new(Database(settings(&server, &name)))
    });
}

#[test]
fn a_server_that_goes_and_comes_back_is_used_again_and_keys_work_meanwhile() {
    let mut server = PostgresServer::start(&[]).unwrap();
    let mut settings = settings(&server, POSTGRES_DATABASE);
    settings.trust_for = Duration::from_millis(1_500);
    let store = Store::connect(&settings).unwrap();
    let other = Store::connect(&settings).unwrap();
    let (record, secret) = store.create_key(client("bot")).unwrap();
    server.stop().unwrap();
    let stopped = Instant::now();
    assert!(store.maintain().is_err());
    let error = store.create_key(client("other")).unwrap_err();
    assert!(matches!(error, StoreError::Connect { .. } | StoreError::Database(_)), "{error:?}");
    assert!(store.key_index().identify(&secret).is_ok(), "as it was known");
    while stopped.elapsed() < Duration::from_millis(1_600) {
        std::thread::sleep(Duration::from_millis(20));
    }
    // Nobody knows any more whether it was revoked.
    assert_eq!(store.key_index().identify(&secret), Err(Unrecognised::Away));
    server.start_again().unwrap();
    store.maintain().unwrap();
    assert!(store.key_index().identify(&secret).is_ok());
    other.maintain().unwrap();
    assert!(other.key_index().identify(&secret).is_ok());
    store.revoke_key(&record.id).unwrap();
    other.maintain().unwrap();
    assert_eq!(other.key_index().identify(&secret), Err(Unrecognised::Unknown));
}

#[test]
fn a_server_that_is_silent_is_left() {
    let server = PostgresServer::start(&[]).unwrap();
    let store = Store::connect(&settings(&server, POSTGRES_DATABASE)).unwrap();
    let (_, secret) = store.create_key(client("bot")).unwrap();
    server.pause().unwrap();
    let began = Instant::now();
    let error = store.maintain().unwrap_err();
    assert!(matches!(error, StoreError::Silent { .. } | StoreError::Connect { .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(store.key_index().identify(&secret).is_ok());
    server.resume().unwrap();
    for _ in 0..100 {
        if store.maintain().is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("never used again");
}

#[test]
fn gateways_that_note_the_same_uses_do_not_wait_for_each_other() {
    let server = PostgresServer::start(&[]).unwrap();
    let settings = settings(&server, POSTGRES_DATABASE);
    let stores: Vec<Store> = (0..4).map(|_| Store::connect(&settings).unwrap()).collect();
    let secrets: Vec<Secret> = (0..400)
        .map(|number| stores[0].create_key(client(&format!("bot-{number}"))).unwrap().1)
        .collect();
    for store in &stores {
        store.maintain().unwrap();
        for secret in &secrets {
            store.key_index().identify(secret).unwrap();
        }
    }
    std::thread::scope(|scope| {
        for store in &stores {
            scope.spawn(|| store.maintain().unwrap());
        }
    });
    let keys = stores[0].list_keys().unwrap();
    assert!(keys.iter().all(|key| key.last_used.is_some()));
}

#[test]
fn gateways_that_start_at_once_make_the_tables_once() {
    let server = PostgresServer::start(&[]).unwrap();
    let settings = settings(&server, POSTGRES_DATABASE);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| Store::connect(&settings).unwrap().list_keys().unwrap());
        }
    });
    raw(&settings, "UPDATE bartizan.format SET number = 99");
    let error = Store::connect(&settings).unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 99, .. }), "{error:?}");
}

#[test]
fn a_wrong_address_and_a_wrong_password_are_said() {
    let server = PostgresServer::start(&[]).unwrap();
    let mut wrong = settings(&server, POSTGRES_DATABASE);
    raw(
        &wrong,
        "CREATE USER guarded PASSWORD 'correct-horse'; GRANT CREATE ON DATABASE postgres TO guarded",
    );
    let hba = "host all guarded all scram-sha-256\nhost all all all trust\n";
    fs::write(server.folder().join("data/pg_hba.conf"), hba).unwrap();
    raw(&wrong, "SELECT pg_reload_conf()");
    std::thread::sleep(Duration::from_millis(300));
    wrong.server.user = Some("guarded".to_owned());
    for password in [None, Some("wrong")] {
        wrong.server.password = password.map(Secret::new);
        let error = Store::connect(&wrong).unwrap_err();
        assert!(matches!(error, StoreError::Connect { .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("correct-horse"));
    }
    wrong.server.password = Some(Secret::new("correct-horse"));
    Store::connect(&wrong).unwrap();
    wrong.server.port = 1;
    let error = Store::connect(&wrong).unwrap_err();
    assert_eq!(error.to_string(), "cannot connect to the state database at `127.0.0.1:1`");
}

#[test]
fn over_tls_a_server_is_trusted_only_by_the_authority_that_the_policy_names() {
    let authority = Authority::new().unwrap();
    let (certificate, key) = authority.pair("localhost").unwrap();
    let mut server = PostgresServer::start(&[]).unwrap();
    let file = |name: &str, text: &str| {
        let path = server.folder().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let own = file("ca.pem", &authority.pem());
    let foreign = file("foreign.pem", &Authority::new().unwrap().pem());
    let (certificate, key) = (file("server.pem", &certificate), file("server.key", &key));
    server.serve_tls(&certificate, &key).unwrap();
    let open = |host: &str, ca: Option<&std::path::PathBuf>| {
        let mut settings = settings(&server, POSTGRES_DATABASE);
        settings.server.host = host.to_owned();
        settings.server.tls = Some(SharedTls { ca: ca.cloned() });
        Store::connect(&settings)
    };
    let store = Arc::new(open("localhost", Some(&own)).unwrap());
    store.create_key(client("bot")).unwrap();
    for (host, ca) in
        [("localhost", Some(&foreign)), ("127.0.0.1", Some(&own)), ("localhost", None)]
    {
        let error = open(host, ca).unwrap_err();
        assert!(matches!(error, StoreError::Connect { .. }), "{error:?}");
    }
    let error = open("localhost", Some(&key)).unwrap_err();
    assert!(matches!(error, StoreError::Certificates { .. }), "{error:?}");
}
