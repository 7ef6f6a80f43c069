//! Real servers on loopback that gateways share: Redis and PostgreSQL, started, stopped and killed.
//!
//! `cargo xtask test` installs the Debian packages `redis-server` and `postgresql`.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a server may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a server.
const LOOK: Duration = Duration::from_millis(10);
/// Where Debian keeps the programs of PostgreSQL, in a folder per version.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";
/// Who signs in to the database, and owns it.
pub const POSTGRES_USER: &str = "bartizan";
/// The only database that is there from the start.
pub const POSTGRES_DATABASE: &str = "postgres";

/// What a server of Redis knows after it was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// Nothing.
    Nothing,
    /// Everything, unless it was killed.
    Everything,
}

/// A server of Redis.
#[derive(Debug)]
pub struct RedisServer {
    child: Option<Child>,
    arguments: Vec<String>,
    port: u16,
    folder: Folder,
}

impl RedisServer {
    /// Starts a server, with more arguments in the form of its command line.
    ///
    /// # Errors
    /// What the system says when it cannot be started, or when it does not answer in time.
    pub fn start(keeps: Keeps, more: &[&str]) -> io::Result<Self> {
        let folder = Folder::new("redis")?;
        let port = free_port()?;
        let save = if keeps == Keeps::Everything { "3600 1" } else { "" };
        let mut arguments: Vec<String> =
            ["--bind", "127.0.0.1", "--save", save, "--appendonly", "no", "--dir"]
                .map(str::to_owned)
                .to_vec();
        arguments.push(folder.path.display().to_string());
        arguments.extend(["--port".to_owned(), port.to_string()]);
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        let mut server = Self { child: None, arguments, port, folder };
        server.start_again()?;
        Ok(server)
    }

    /// Its port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Folder for files that it reads.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Starts it after it was stopped or killed.
    ///
    /// # Errors
    /// As [`RedisServer::start`].
    pub fn start_again(&mut self) -> io::Result<()> {
        let mut command = Command::new("redis-server");
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn().map_err(|e| missing(&e, "redis-server"));
        self.child = Some(child?);
        let port = self.port;
        wait("redis-server", || {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
            stream.write_all(b"PING\r\n").ok()?;
            let mut first = [0];
            stream.read_exact(&mut first).ok()?;
            // `+PONG`, or the error of one that wants a password; one that loads says `-LOADING`.
            let mut rest = [0; 7];
            let _ = stream.read(&mut rest).ok()?;
            (first == *b"+" || !rest.starts_with(b"LOADING")).then_some(())
        })
    }

    /// Asks it to end, as an operator does, and waits.
    ///
    /// # Errors
    /// What the system says.
    pub fn stop(&mut self) -> io::Result<()> {
        stop(&mut self.child, "TERM")
    }

    /// Kills it.
    ///
    /// # Errors
    /// What the system says.
    pub fn kill(&mut self) -> io::Result<()> {
        stop(&mut self.child, "KILL")
    }
}

impl RedisServer {
    /// Keeps it from doing anything; what it is sent waits.
    ///
    /// # Errors
    /// What the system says.
    pub fn pause(&self) -> io::Result<()> {
        self.signal("STOP")
    }

    /// Lets it go on after [`RedisServer::pause`].
    ///
    /// # Errors
    /// What the system says.
    pub fn resume(&self) -> io::Result<()> {
        self.signal("CONT")
    }

    fn signal(&self, signal: &str) -> io::Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        Command::new("kill").args(["-s", signal, &child.id().to_string()]).status()?;
        Ok(())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// A server of PostgreSQL with an empty database.
#[derive(Debug)]
pub struct PostgresServer {
    child: Option<Child>,
    programs: PathBuf,
    port: u16,
    folder: Folder,
    more: Vec<String>,
    owner: Option<(u32, u32)>,
}

impl PostgresServer {
    /// Makes a cluster and starts it; `more` are settings as `NAME=VALUE`.
    ///
    /// # Errors
    /// What the system says when it cannot be started, or when it does not answer in time.
    pub fn start(more: &[&str]) -> io::Result<Self> {
        let programs = postgres_programs()?;
        let folder = Folder::new("postgres")?;
        let owner = postgres_owner(&folder.path)?;
        let more = more.iter().map(|setting| (*setting).to_owned()).collect();
        let server = Self { child: None, programs, port: free_port()?, folder, more, owner };
        let mut command = server.command("initdb");
        command.args(["--username", POSTGRES_USER, "--auth", "trust", "--no-sync", "--pgdata"]);
        let made = command.arg(server.data()).stdin(Stdio::null()).output()?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(io::Error::other(format!("initdb failed: {said}")));
        }
        let mut server = server;
        server.start_again()?;
        Ok(server)
    }

    /// Its port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Folder for files that it reads, its own data beside.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Starts it after it was stopped or killed.
    ///
    /// # Errors
    /// As [`PostgresServer::start`].
    pub fn start_again(&mut self) -> io::Result<()> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"] {
            command.args(["-c", setting]);
        }
        for setting in &self.more {
            command.args(["-c", setting]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn()?);
        let mut ready = self.command("pg_isready");
        ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        wait("postgres", || ready.status().is_ok_and(|status| status.success()).then_some(()))
    }

    /// Ends it as an operator does who does not wait for clients.
    ///
    /// # Errors
    /// What the system says.
    pub fn stop(&mut self) -> io::Result<()> {
        stop(&mut self.child, "INT")
    }

    /// Keeps it, and everything that it has started, from doing anything.
    ///
    /// # Errors
    /// What the system says.
    pub fn pause(&self) -> io::Result<()> {
        self.signal_all("STOP")
    }

    /// Lets it go on after [`PostgresServer::pause`].
    ///
    /// # Errors
    /// What the system says.
    pub fn resume(&self) -> io::Result<()> {
        self.signal_all("CONT")
    }

    fn signal_all(&self, signal: &str) -> io::Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        let parent = child.id().to_string();
        #[expect(clippy::disallowed_methods, reason = "a file of the system")]
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
        for id in children.split_whitespace().chain([parent.as_str()]) {
            Command::new("kill").args(["-s", signal, id]).status()?;
        }
        Ok(())
    }

    /// Serves TLS from now on, besides what is not encrypted.
    ///
    /// # Errors
    /// As [`PostgresServer::start`].
    pub fn serve_tls(&mut self, certificate: &Path, key: &Path) -> io::Result<()> {
        self.stop()?;
        for file in [certificate, key] {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let (user, group) = self.owner.unzip();
                std::os::unix::fs::chown(file, user, group)?;
                fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
            }
        }
        let setting = |name: &str, path: &Path| format!("{name}={}", path.display());
        self.more.push("ssl=on".to_owned());
        self.more.push(setting("ssl_cert_file", certificate));
        self.more.push(setting("ssl_key_file", key));
        self.start_again()
    }

    fn data(&self) -> PathBuf {
        self.folder.path.join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.folder.path);
        #[cfg(unix)]
        if let Some((user, group)) = self.owner {
            use std::os::unix::process::CommandExt as _;
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        let _ = stop(&mut self.child, "QUIT");
    }
}

/// A folder that goes when it is not needed any more.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(name: &str) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bartizan-{name}-{}-{number}", std::process::id());
        // Others than the owner of this process have to get there.
        let shared = Path::new("/tmp");
        let parent = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        let path = parent.join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A port that nobody listens on.
///
/// # Errors
/// What the system says.
pub fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn missing(error: &io::Error, package: &str) -> io::Error {
    let hint = format!("{package}: {error}; `cargo xtask test` installs the Debian package");
    io::Error::new(error.kind(), hint)
}

/// The folder of the newest version, or what the path leads to.
fn postgres_programs() -> io::Result<PathBuf> {
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let versions = fs::read_dir(POSTGRES_VERSIONS).into_iter().flatten().flatten();
    let newest = versions.map(|entry| entry.path()).filter_map(|path| Some((number(&path)?, path)));
    if let Some((_, path)) = newest.max() {
        return Ok(path.join("bin"));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file());
    found.ok_or_else(|| {
        missing(&io::Error::new(io::ErrorKind::NotFound, "no such program"), "postgresql")
    })
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package has made, who gets the folder.
#[cfg(unix)]
fn postgres_owner(folder: &Path) -> io::Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt as _;
    if fs::metadata(folder)?.uid() != 0 {
        return Ok(None);
    }
    #[expect(clippy::disallowed_methods, reason = "a file of this machine")]
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = users.lines().find_map(|line| {
        let mut parts = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    });
    let Some((user, group)) = ids else {
        let why = "there is no user `postgres`, and PostgreSQL does not run as root";
        return Err(io::Error::other(why));
    };
    std::os::unix::fs::chown(folder, Some(user), Some(group))?;
    Ok(Some((user, group)))
}

#[cfg(not(unix))]
fn postgres_owner(_folder: &Path) -> io::Result<Option<(u32, u32)>> {
    Ok(None)
}

fn wait(program: &str, mut is_ready: impl FnMut() -> Option<()>) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    while is_ready().is_none() {
        if Instant::now() > until {
            let why = format!("{program} was not ready after {PATIENCE:?}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, why));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn stop(child: &mut Option<Child>, signal: &str) -> io::Result<()> {
    let Some(mut child) = child.take() else { return Ok(()) };
    let id = child.id().to_string();
    Command::new("kill").args(["-s", signal, &id]).status()?;
    let until = Instant::now() + PATIENCE;
    while child.try_wait()?.is_none() {
        if Instant::now() > until {
            child.kill()?;
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}
