//! The connection to the server: made, given up when it breaks, and made again.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bartizan_core::limits::read_capped;
use bartizan_core::settings::Redis;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo as _, RedisError,
    RedisResult, TlsCertificates,
};
use tokio::sync::Notify;

use crate::error::CountersError;

/// Largest file of certificates, in bytes.
const CERTIFICATES_BYTES: u64 = 4 << 20;
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(1);

/// What a server says that does not count any more, but another at this address may.
const ELSEWHERE: [&str; 5] = ["READONLY", "MOVED", "ASK", "MASTERDOWN", "CLUSTERDOWN"];
/// What a server says that may count in a while.
const SOON: [&str; 4] = ["LOADING", "BUSY", "TRYAGAIN", "MASTERDOWN"];

/// One connection that all requests share, while there is one.
#[derive(Debug)]
pub(crate) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    /// Host and port, for people.
    pub(crate) server: String,
    open: ArcSwapOption<Open>,
    lost: Notify,
    /// Told when a connection was made.
    pub(crate) made: Notify,
}

/// A connection, told apart from those before and after it.
#[derive(Debug)]
pub(crate) struct Open {
    connection: MultiplexedConnection,
    /// The run of the server that it is with.
    pub(crate) run: String,
}

impl Open {
    pub(crate) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }
}

impl Link {
    pub(crate) fn new(settings: &Redis) -> Result<Self, CountersError> {
        let client = client(settings)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(settings.timeout));
        let server = format!("{}:{}", settings.server.host, settings.server.port);
        let (open, lost, made) = (ArcSwapOption::empty(), Notify::new(), Notify::new());
        Ok(Self { client, config, server, open, lost, made })
    }

    /// The connection, while there is one.
    pub(crate) fn open(&self) -> Option<Arc<Open>> {
        self.open.load_full()
    }

    /// Makes a connection and sees which run of the server answers. Nobody uses it before [`Link::publish`].
    pub(crate) async fn connect(&self) -> RedisResult<(MultiplexedConnection, String)> {
        let making = self.client.get_multiplexed_async_connection_with_config(&self.config);
        let mut connection = making.await?;
        // One that loads its data, or wants a password, says so here.
        let _: String = redis::cmd("PING").query_async(&mut connection).await?;
        let about: RedisResult<String> =
            redis::cmd("INFO").arg("server").query_async(&mut connection).await;
        let about = match about {
            // Where this is not told, only a server without any memory is noticed.
            Err(error) if error.code() == Some("NOPERM") => String::new(),
            about => about?,
        };
        let run = about.lines().find_map(|line| line.strip_prefix("run_id:"));
        let memory: RedisResult<String> =
            redis::cmd("INFO").arg("memory").query_async(&mut connection).await;
        if let Some(policy) = memory.ok().as_deref().and_then(throws_away) {
            tracing::warn!(
                server = self.server,
                "the server throws counters away when its memory is full (`maxmemory-policy {policy}`), and limits begin anew; set `noeviction`"
            );
        }
        Ok((connection, run.unwrap_or("unknown").to_owned()))
    }

    /// From now on requests use a connection.
    pub(crate) fn publish(&self, connection: MultiplexedConnection, run: String) {
        self.open.store(Some(Arc::new(Open { connection, run })));
        self.made.notify_one();
    }

    /// Gives a connection up after an error; one that was made since stays.
    pub(crate) fn give_up(&self, broken: &Arc<Open>, error: &RedisError) {
        let is_broken = error.is_io_error()
            || error.is_timeout()
            || error.is_connection_dropped()
            || error.is_unrecoverable_error()
            || error.code().is_some_and(|code| ELSEWHERE.contains(&code));
        if is_broken {
            self.drop_open(broken, error);
        }
    }

    fn drop_open(&self, broken: &Arc<Open>, error: &RedisError) {
        let before = self.open.compare_and_swap(broken, None);
        if before.as_ref().is_some_and(|before| Arc::ptr_eq(before, broken)) {
            tracing::warn!(server = self.server, %error, "the server that counts is away");
            self.lost.notify_one();
        }
    }

    /// Waits until a connection was given up.
    pub(crate) async fn lost(&self) {
        self.lost.notified().await;
    }

    /// An error of a first connection that no waiting mends: the server is there and refuses.
    pub(crate) fn is_refused(error: &RedisError) -> bool {
        error.kind() == ErrorKind::AuthenticationFailed
            || error.code().is_some_and(|code| !SOON.contains(&code) && !ELSEWHERE.contains(&code))
    }
}

/// How a server makes room where its memory is full, when that is not by refusing to take more.
fn throws_away(memory: &str) -> Option<&str> {
    let field = |name| memory.lines().find_map(|line| line.trim_end().strip_prefix(name));
    let is_bounded = field("maxmemory:").is_some_and(|most| most != "0");
    field("maxmemory_policy:").filter(|policy| is_bounded && *policy != "noeviction")
}

fn client(settings: &Redis) -> Result<Client, CountersError> {
    let server = &settings.server;
    let name = || format!("{}:{}", server.host, server.port);
    let wrong = |source| CountersError::Settings { server: name(), source };
    let address = match &server.tls {
        None => ConnectionAddr::Tcp(server.host.clone(), server.port),
        Some(_) => ConnectionAddr::TcpTls {
            host: server.host.clone(),
            port: server.port,
            insecure: false,
            tls_params: None,
        },
    };
    let info = address.into_connection_info().map_err(wrong)?;
    // Its name for the list of clients would need one more right.
    let login = info.redis_settings().clone().set_skip_set_lib_name();
    let mut login = login.set_db(i64::from(settings.database));
    if let Some(user) = &server.user {
        login = login.set_username(user);
    }
    if let Some(password) = &server.password {
        login = login.set_password(password.expose());
    }
    let info = info.set_redis_settings(login);
    let Some(tls) = &server.tls else { return Client::open(info).map_err(wrong) };
    let root_cert = match &tls.ca {
        None => None,
        Some(path) => {
            let read = File::open(path).and_then(|file| read_capped(file, CERTIFICATES_BYTES));
            let read =
                read.map_err(|source| CountersError::Certificates { path: path.clone(), source })?;
            Some(read)
        }
    };
    Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert }).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_throws_keys_away_is_known() {
        let said = |most, policy| {
            format!(
                "# Memory\r\nused_memory:1\r\nmaxmemory:{most}\r\nmaxmemory_policy:{policy}\r\n"
            )
        };
        assert_eq!(throws_away(&said("100", "allkeys-lru")), Some("allkeys-lru"));
        assert_eq!(throws_away(&said("100", "volatile-ttl")), Some("volatile-ttl"));
        assert_eq!(throws_away(&said("100", "noeviction")), None);
        assert_eq!(throws_away(&said("0", "allkeys-lru")), None);
        assert_eq!(throws_away(""), None);
    }
}
