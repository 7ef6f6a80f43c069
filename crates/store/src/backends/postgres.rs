//! State in a database of PostgreSQL that several gateways share.
//!
//! Each call runs on a thread of its own, since the client drives its connection by blocking, which no thread of an
//! asynchronous runtime may do. There are few: requests ask the index in memory.

mod schema;

use std::fmt::Debug;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use bartizan_core::limits::read_capped;
use bartizan_core::settings::{Postgres as Settings, SharedTls};
use postgres::config::SslMode;
use postgres::{Client, Config, GenericClient, NoTls, Row};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::backend::{Backend, KeyRow, Rows, Work, timestamp};
use crate::endpoints::EndpointRecord;
use crate::error::StoreError;
use crate::key::{KeyHash, KeyRecord};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest silence of a server that has something to acknowledge.
const SILENCE: Duration = Duration::from_secs(5);
/// Set for every connection: longest time of a statement, and longest wait for another gateway, in milliseconds.
const OPTIONS: &str =
    "-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000";
/// Largest file of certificates, in bytes.
const CERTIFICATES_BYTES: u64 = 4 << 20;

/// A connection that is made again when it is lost.
pub(crate) struct Postgres {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// Host and port, for people.
    server: String,
    client: Option<Client>,
}

impl Postgres {
    /// Connects, and brings the tables up to date.
    pub(crate) fn connect(settings: &Settings) -> Result<Self, StoreError> {
        let server = format!("{}:{}", settings.server.host, settings.server.port);
        let mut config = Config::new();
        config
            .host(&settings.server.host)
            .port(settings.server.port)
            .dbname(&settings.database)
            .application_name("bartizan")
            .options(OPTIONS)
            .connect_timeout(CONNECT)
            .tcp_user_timeout(SILENCE)
            .keepalives_idle(SILENCE);
        if let Some(user) = &settings.server.user {
            config.user(user);
        }
        if let Some(password) = &settings.server.password {
            config.password(password.expose());
        }
        let tls = settings.server.tls.as_ref().map(connector).transpose()?;
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        let mut backend = Self { config, tls, server, client: None };
        outside(|| backend.client().and_then(schema::migrate))?;
        Ok(backend)
    }

    /// The connection, made again where it was lost. Blocks.
    fn client(&mut self) -> Result<&mut Client, StoreError> {
        let lost = self.client.take_if(|client| client.is_closed());
        drop(lost);
        if self.client.is_none() {
            let connected = match &self.tls {
                Some(tls) => self.config.connect(tls.clone()),
                None => self.config.connect(NoTls),
            };
            let client = connected
                .map_err(|source| StoreError::Connect { server: self.server.clone(), source })?;
            self.client = Some(client);
        }
        self.client.as_mut().ok_or(StoreError::Read)
    }

    /// Runs work that changes nothing, once more where the connection had been lost unnoticed.
    fn reading<T>(
        &mut self,
        mut work: impl FnMut(&mut Client) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError>
    where
        T: Send,
    {
        outside(|| {
            let had = self.client.is_some();
            match work(self.client()?) {
                Err(_) if had && self.client.as_ref().is_some_and(Client::is_closed) => {
                    work(self.client()?)
                }
                done => done,
            }
        })
    }
}

impl Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let client = self.client.take();
        outside(move || drop(client));
    }
}

impl Backend for Postgres {
    fn version(&mut self) -> Result<i64, StoreError> {
        self.reading(|client| {
            Ok(client.query_one("SELECT number FROM bartizan.revision", &[])?.try_get(0)?)
        })
    }

    fn read(&mut self, work: Work<'_>) -> Result<(), StoreError> {
        self.reading(|client| work(&mut Open(client)))
    }

    fn change(&mut self, work: Work<'_>) -> Result<(), StoreError> {
        // A connection that was lost unnoticed is found out before anything is changed.
        self.version()?;
        outside(|| {
            let mut transaction = self.client()?.transaction()?;
            // The row is locked until the end, so that changes come one after another.
            transaction.execute("UPDATE bartizan.revision SET number = number + 1", &[])?;
            work(&mut Open(&mut transaction))?;
            Ok(transaction.commit()?)
        })
    }

    fn note_uses(&mut self, uses: &[(String, i64)]) -> Result<(), StoreError> {
        self.reading(|client| {
            let mut transaction = client.transaction()?;
            for (id, at) in uses {
                transaction.execute(
                    "UPDATE bartizan.keys SET last_used = greatest(coalesce(last_used, 0), $2)
                     WHERE id = $1",
                    &[id, at],
                )?;
            }
            Ok(transaction.commit()?)
        })
    }

    fn sweep(&mut self) -> Result<(), StoreError> {
        // Other files, such as those for replication, are the business of whoever runs the database.
        self.reading(|client| Ok(client.batch_execute("VACUUM bartizan.keys")?))
    }
}

struct Open<'c, C>(&'c mut C);

impl<C: GenericClient> Rows for Open<'_, C> {
    fn keys(&mut self) -> Result<Vec<(KeyHash, KeyRecord)>, StoreError> {
        let query =
            format!("SELECT {} FROM bartizan.keys ORDER BY id COLLATE \"C\"", KeyRow::COLUMNS);
        let rows = self.0.query(&query, &[])?;
        rows.iter().map(key).collect()
    }

    fn insert_key(&mut self, record: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO bartizan.keys
             (id, hash, scope, kind, name, note, created, expires, endpoints, replaces)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &record.id,
                &hash.as_slice(),
                &record.scope.name(),
                &record.kind.name(),
                &record.name,
                &record.note,
                &record.created.as_microsecond(),
                &record.expires.map(jiff::Timestamp::as_microsecond),
                &record.endpoints_joined(),
                &record.replaces,
            ],
        )?;
        Ok(())
    }

    fn set_expires(&mut self, id: &str, at: Option<i64>) -> Result<(), StoreError> {
        self.0.execute("UPDATE bartizan.keys SET expires = $2 WHERE id = $1", &[&id, &at])?;
        Ok(())
    }

    fn set_revoked(&mut self, id: &str, at: i64) -> Result<(), StoreError> {
        self.0.execute("UPDATE bartizan.keys SET revoked = $2 WHERE id = $1", &[&id, &at])?;
        Ok(())
    }

    fn delete_key(&mut self, id: &str) -> Result<(), StoreError> {
        self.0.execute("DELETE FROM bartizan.keys WHERE id = $1", &[&id])?;
        Ok(())
    }

    fn endpoints(&mut self) -> Result<Vec<EndpointRecord>, StoreError> {
        let query =
            "SELECT name, body, updated FROM bartizan.endpoints ORDER BY name COLLATE \"C\"";
        self.0.query(query, &[])?.iter().map(endpoint).collect()
    }

    fn endpoint(&mut self, name: &str) -> Result<Option<EndpointRecord>, StoreError> {
        let query = "SELECT name, body, updated FROM bartizan.endpoints WHERE name = $1";
        if name.contains('\0') {
            // PostgreSQL has no text with it, and so no such name.
            return Ok(None);
        }
        self.0.query_opt(query, &[&name])?.as_ref().map(endpoint).transpose()
    }

    fn put_endpoint(&mut self, name: &str, body: &str, updated: i64) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO bartizan.endpoints (name, body, updated) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET body = excluded.body, updated = excluded.updated",
            &[&name, &body, &updated],
        )?;
        Ok(())
    }

    fn delete_endpoint(&mut self, name: &str) -> Result<bool, StoreError> {
        if name.contains('\0') {
            return Ok(false);
        }
        Ok(self.0.execute("DELETE FROM bartizan.endpoints WHERE name = $1", &[&name])? > 0)
    }
}

fn key(row: &Row) -> Result<(KeyHash, KeyRecord), StoreError> {
    let key = KeyRow {
        id: row.try_get(0)?,
        scope: row.try_get(1)?,
        kind: row.try_get(2)?,
        name: row.try_get(3)?,
        note: row.try_get(4)?,
        created: row.try_get(5)?,
        expires: row.try_get(6)?,
        revoked: row.try_get(7)?,
        last_used: row.try_get(8)?,
        endpoints: row.try_get(9)?,
        replaces: row.try_get(10)?,
    };
    let hash: &[u8] = row.try_get(11)?;
    match hash.try_into() {
        Ok(hash) => Ok((hash, key.read()?)),
        Err(_) => Err(StoreError::Damaged { table: "keys", id: key.id }),
    }
}

fn endpoint(row: &Row) -> Result<EndpointRecord, StoreError> {
    let updated = timestamp(row.try_get(2)?);
    Ok(EndpointRecord { name: row.try_get(0)?, body: row.try_get(1)?, updated })
}

/// Runs on a thread of its own and waits for it.
fn outside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn connector(tls: &SharedTls) -> Result<MakeRustlsConnect, StoreError> {
    let mut roots = RootCertStore::empty();
    match &tls.ca {
        Some(path) => {
            let wrong = |why: String| StoreError::Certificates { path: path.clone(), why };
            let read = File::open(path).and_then(|file| read_capped(file, CERTIFICATES_BYTES));
            let text = read.map_err(|error| wrong(error.to_string()))?;
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
                roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(wrong("no certificate in it".to_owned()));
            }
        }
        // What of them cannot be used is left out, as everywhere.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(StoreError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
