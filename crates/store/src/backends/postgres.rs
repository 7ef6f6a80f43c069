//! State in a database of PostgreSQL that several gateways share.
//!
//! Each call runs on a thread of its own, and drives the connection from there: it may come from a thread of an
//! asynchronous runtime, which must not block. There are few: requests ask the index in memory. No wait is without an
//! end: a server that is silent is left.

mod login;
mod schema;

use std::fmt::Debug;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use bartizan_core::limits::read_capped;
use bartizan_core::settings::{Postgres as Settings, SharedTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error, GenericClient, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::backend::{Backend, ChangeRow, KeyRow, ReadKey, Rows, Work, timestamp};
use crate::changes::ChangeRecord;
use crate::endpoints::EndpointRecord;
use crate::error::StoreError;
use crate::key::{KeyHash, KeyRecord};

/// Longest wait for a connection, with TLS and password.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for the answer to a statement.
const ANSWER: Duration = Duration::from_secs(6);
/// Longest silence of a server that has something to acknowledge.
const SILENCE: Duration = Duration::from_secs(5);
/// Set for every connection: longest time of a statement, and longest wait for another gateway, in milliseconds.
const OPTIONS: &str =
    "-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000";
/// Most uses of keys that are noted at once.
const USES: usize = 1_000;
/// Largest file of certificates, in bytes.
const CERTIFICATES_BYTES: u64 = 4 << 20;

/// A connection that is made again when it is lost.
pub(crate) struct Postgres {
    /// Drives the connection while a call waits.
    runtime: Runtime,
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
            // One that was the first of several and is so no more may have an old state.
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
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
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(StoreError::Threads)?;
        let mut backend = Self { runtime, config, tls, server, client: None };
        outside(|| {
            let (waiting, client) = backend.open()?;
            schema::migrate(&waiting, client)
        })?;
        Ok(backend)
    }

    /// The connection, made again where it was lost. Blocks.
    fn open(&mut self) -> Result<(Waiting<'_>, &mut Client), StoreError> {
        let waiting = Waiting { runtime: &self.runtime, server: &self.server };
        let lost = self.client.take_if(|client| client.is_closed());
        drop(lost);
        if self.client.is_none() {
            let connecting = async {
                // What becomes of a connection, whoever waits for an answer hears.
                if let Some(tls) = &self.tls {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    tokio::spawn(async move { connection.await.is_ok() });
                    return Ok(client);
                }
                let (client, connection) = self.config.connect(NoTls).await?;
                tokio::spawn(async move { connection.await.is_ok() });
                Ok(client)
            };
            let connected =
                self.runtime.block_on(async { tokio::time::timeout(CONNECT, connecting).await });
            let connected = connected.map_err(|_| waiting.silent())?;
            let server = || self.server.clone();
            let connected =
                connected.map_err(|source| StoreError::Connect { server: server(), source })?;
            self.client = Some(connected);
        }
        match &mut self.client {
            Some(client) => Ok((waiting, client)),
            None => Err(waiting.silent()),
        }
    }

    /// Leaves a connection whose server is silent.
    fn judge<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(done, Err(StoreError::Silent { .. })) {
            self.client = None;
        }
        done
    }

    /// Runs work that may be done twice, once more where the connection had been lost unnoticed.
    fn reading<T>(
        &mut self,
        mut work: impl FnMut(&Waiting<'_>, &mut Client) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError>
    where
        T: Send,
    {
        outside(|| {
            let had = self.client.is_some();
            let done = self.open().and_then(|(waiting, client)| work(&waiting, client));
            let done = match done {
                Err(_) if had && self.client.as_ref().is_some_and(Client::is_closed) => {
                    self.open().and_then(|(waiting, client)| work(&waiting, client))
                }
                done => done,
            };
            self.judge(done)
        })
    }
}

/// Waits for answers, for a bounded time.
struct Waiting<'w> {
    runtime: &'w Runtime,
    server: &'w str,
}

impl Waiting<'_> {
    fn on<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        let answered = self.runtime.block_on(async { tokio::time::timeout(ANSWER, answer).await });
        answered.map_err(|_| self.silent())?.map_err(StoreError::from)
    }

    fn silent(&self) -> StoreError {
        StoreError::Silent { server: self.server.to_owned() }
    }
}

impl Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A runtime may not be ended where nobody may block.
        let other = Builder::new_current_thread().build();
        if let Ok(other) = other {
            let runtime = std::mem::replace(&mut self.runtime, other);
            runtime.shutdown_background();
        }
    }
}

impl Backend for Postgres {
    fn version(&mut self) -> Result<i64, StoreError> {
        self.reading(|waiting, client| {
            let row = waiting.on(client.query_one("SELECT number FROM bartizan.revision", &[]))?;
            Ok(row.try_get(0)?)
        })
    }

    fn read(&mut self, work: Work<'_>) -> Result<(), StoreError> {
        self.reading(|waiting, client| work(&mut Open { waiting, client }))
    }

    fn change(&mut self, work: Work<'_>) -> Result<(), StoreError> {
        // A connection that was lost unnoticed is found out before anything is changed.
        self.version()?;
        outside(|| {
            let done = self.open().and_then(|(waiting, client)| {
                let mut transaction = waiting.on(client.transaction())?;
                // The row is locked until the end, so that changes come one after another.
                let count = "UPDATE bartizan.revision SET number = number + 1";
                waiting.on(transaction.execute(count, &[]))?;
                work(&mut Open { waiting: &waiting, client: &mut transaction })?;
                waiting.on(transaction.commit())
            });
            self.judge(done)
        })
    }

    fn change_quietly(&mut self, work: Work<'_>) -> Result<(), StoreError> {
        // A connection that was lost unnoticed is found out before anything is changed.
        self.version()?;
        outside(|| {
            let done = self.open().and_then(|(waiting, client)| {
                let mut transaction = waiting.on(client.transaction())?;
                work(&mut Open { waiting: &waiting, client: &mut transaction })?;
                waiting.on(transaction.commit())
            });
            self.judge(done)
        })
    }

    fn note_uses(&mut self, uses: &[(String, i64)]) -> Result<(), StoreError> {
        for uses in uses.chunks(USES) {
            let (ids, times): (Vec<&str>, Vec<i64>) =
                uses.iter().map(|(id, at)| (id.as_str(), *at)).unzip();
            // Another gateway that notes the same keys is not waited for: it says the same, to the minute.
            self.reading(|waiting, client| {
                waiting.on(client.execute(
                    "WITH used AS (
                         SELECT keys.id, used.at FROM bartizan.keys
                         JOIN unnest($1::text[], $2::bigint[]) AS used (id, at) USING (id)
                         ORDER BY keys.id FOR UPDATE OF keys SKIP LOCKED
                     )
                     UPDATE bartizan.keys SET last_used = greatest(coalesce(last_used, 0), used.at)
                     FROM used WHERE keys.id = used.id",
                    &[&ids, &times],
                ))?;
                Ok(())
            })?;
        }
        Ok(())
    }

    fn sweep(&mut self) -> Result<(), StoreError> {
        // Other files, such as those for replication, are the business of whoever runs the database.
        self.reading(|waiting, client| {
            for table in ["keys", "changes", "accounts", "console_sessions"] {
                waiting.on(client.batch_execute(&format!("VACUUM bartizan.{table}")))?;
            }
            Ok(())
        })
    }
}

struct Open<'c, 'w, C> {
    waiting: &'c Waiting<'w>,
    client: &'c mut C,
}

impl<C: GenericClient> Open<'_, '_, C> {
    fn query(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        self.waiting.on(self.client.query(query, values))
    }

    fn execute(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreError> {
        self.waiting.on(self.client.execute(query, values))
    }
}

impl<C: GenericClient> Rows for Open<'_, '_, C> {
    fn each_key(&mut self) -> Result<Vec<ReadKey>, StoreError> {
        let query =
            format!("SELECT {} FROM bartizan.keys ORDER BY id COLLATE \"C\"", KeyRow::COLUMNS);
        let rows = self.query(&query, &[])?;
        Ok(rows.iter().map(key).collect())
    }

    fn insert_key(&mut self, record: &KeyRecord, hash: &KeyHash) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO bartizan.keys
             (id, hash, scope, kind, name, note, created, expires, endpoints, replaces, maker, tags)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
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
                &record.maker,
                &record.tags_joined(),
            ],
        )?;
        Ok(())
    }

    fn set_expires(&mut self, id: &str, at: Option<i64>) -> Result<(), StoreError> {
        self.execute("UPDATE bartizan.keys SET expires = $2 WHERE id = $1", &[&id, &at])?;
        Ok(())
    }

    fn set_revoked(&mut self, id: &str, at: i64) -> Result<(), StoreError> {
        self.execute("UPDATE bartizan.keys SET revoked = $2 WHERE id = $1", &[&id, &at])?;
        Ok(())
    }

    fn delete_key(&mut self, id: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM bartizan.keys WHERE id = $1", &[&id])?;
        Ok(())
    }

    fn ended_sessions(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = self.query("SELECT id, until FROM bartizan.ended_sessions", &[])?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    fn end_session(&mut self, id: &str, until: i64, now: i64) -> Result<(), StoreError> {
        self.execute("DELETE FROM bartizan.ended_sessions WHERE until < $1", &[&now])?;
        self.execute(
            "INSERT INTO bartizan.ended_sessions (id, until) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE
             SET until = greatest(ended_sessions.until, excluded.until)",
            &[&id, &until],
        )?;
        Ok(())
    }

    fn endpoints(&mut self) -> Result<Vec<EndpointRecord>, StoreError> {
        let query =
            "SELECT name, body, updated FROM bartizan.endpoints ORDER BY name COLLATE \"C\"";
        self.query(query, &[])?.iter().map(endpoint).collect()
    }

    fn endpoint(&mut self, name: &str) -> Result<Option<EndpointRecord>, StoreError> {
        let query = "SELECT name, body, updated FROM bartizan.endpoints WHERE name = $1";
        if name.contains('\0') {
            // PostgreSQL has no text with it, and so no such name.
            return Ok(None);
        }
        self.query(query, &[&name])?.first().map(endpoint).transpose()
    }

    fn put_endpoint(&mut self, name: &str, body: &str, updated: i64) -> Result<(), StoreError> {
        self.execute(
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
        Ok(self.execute("DELETE FROM bartizan.endpoints WHERE name = $1", &[&name])? > 0)
    }

    fn changes(&mut self) -> Result<Vec<ChangeRecord>, StoreError> {
        let columns = ChangeRow::COLUMNS_SHORT;
        let query = format!("SELECT {columns} FROM bartizan.changes ORDER BY id COLLATE \"C\"");
        self.query(&query, &[])?.iter().map(change).collect()
    }

    fn change(&mut self, id: &str) -> Result<Option<ChangeRecord>, StoreError> {
        if id.contains('\0') {
            return Ok(None);
        }
        let query = format!("SELECT {} FROM bartizan.changes WHERE id = $1", ChangeRow::COLUMNS);
        self.query(&query, &[&id])?.first().map(change).transpose()
    }

    fn insert_change(&mut self, change: &ChangeRecord) -> Result<(), StoreError> {
        let proposer = change.proposer.as_ref();
        self.execute(
            "INSERT INTO bartizan.changes
             (id, kind, name, body, against, target, proposer, proposer_key, weaknesses, created, expires, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            &[
                &change.id,
                &change.kind.name(),
                &change.name,
                &change.body,
                &change.against,
                &change.target,
                &proposer.map(|hand| &hand.principal),
                &proposer.map(|hand| &hand.key),
                &change.weaknesses,
                &change.created.as_microsecond(),
                &change.expires.as_microsecond(),
                &change.state.name(),
            ],
        )?;
        Ok(())
    }

    fn update_change(&mut self, change: &ChangeRecord) -> Result<(), StoreError> {
        let proposer = change.proposer.as_ref();
        self.execute(
            "UPDATE bartizan.changes
             SET proposer = $2, proposer_key = $3, expires = $4, state = $5, decider = $6, decided = $7
             WHERE id = $1",
            &[
                &change.id,
                &proposer.map(|hand| &hand.principal),
                &proposer.map(|hand| &hand.key),
                &change.expires.as_microsecond(),
                &change.state.name(),
                &change.decider,
                &change.decided.map(jiff::Timestamp::as_microsecond),
            ],
        )?;
        Ok(())
    }

    fn delete_change(&mut self, id: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM bartizan.changes WHERE id = $1", &[&id])?;
        Ok(())
    }
}

fn change(row: &Row) -> Result<ChangeRecord, StoreError> {
    let row = ChangeRow {
        id: row.try_get(0)?,
        kind: row.try_get(1)?,
        name: row.try_get(2)?,
        body: row.try_get(3)?,
        against: row.try_get(4)?,
        target: row.try_get(5)?,
        proposer: row.try_get(6)?,
        proposer_key: row.try_get(7)?,
        weaknesses: row.try_get(8)?,
        created: row.try_get(9)?,
        expires: row.try_get(10)?,
        state: row.try_get(11)?,
        decider: row.try_get(12)?,
        decided: row.try_get(13)?,
    };
    row.read()
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
        maker: row.try_get(11)?,
        tags: row.try_get(13)?,
    };
    let hash: &[u8] = row.try_get(12)?;
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
