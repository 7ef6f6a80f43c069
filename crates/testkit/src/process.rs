//! Runs the `bartizan` binary for end-to-end tests: starts it, waits until it serves, ends it.
//! `resources` says what it uses of the machine and sets how much it may.

mod resources;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::http::Client;

pub use resources::{Memory, OpenFilesError, allow_open_files};

/// Why the binary does not serve, or does not end.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The system could not start or control it.
    #[error("cannot run `{binary}`")]
    Run {
        /// Path of the binary.
        binary: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It ended before it served.
    #[error("the process ended with {status} before it was ready; it wrote:\n{stderr}")]
    EndedEarly {
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to its standard error.
        stderr: String,
    },
    /// It did not serve in time.
    #[error("the process was not ready after {waited:?}; it wrote:\n{stderr}")]
    NotReady {
        /// How long it was given.
        waited: Duration,
        /// What it wrote to its standard error.
        stderr: String,
    },
    /// It did not end in time.
    #[error("the process still ran {waited:?} after it was asked to end; it wrote:\n{stderr}")]
    StillRunning {
        /// How long it was given.
        waited: Duration,
        /// What it wrote to its standard error.
        stderr: String,
    },
    /// The ready file does not say what it should.
    #[error("the ready file has no `{field}`")]
    ReadyFile {
        /// Missing or unreadable field.
        field: &'static str,
    },
}

/// What the ready file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Base URL of the gateway.
    pub gateway: String,
    /// Base URL of the console.
    pub console: String,
    /// Admin key; only on the first start of a data folder.
    pub admin_key: Option<String>,
    /// Client key; only on the first start of a data folder.
    pub client_key: Option<String>,
}

impl Ready {
    fn parse(text: &[u8]) -> Result<Self, ProcessError> {
        let value: Value = serde_json::from_slice(text).unwrap_or_default();
        let field = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            gateway: field("gateway").ok_or(ProcessError::ReadyFile { field: "gateway" })?,
            console: field("console").ok_or(ProcessError::ReadyFile { field: "console" })?,
            admin_key: field("admin_key"),
            client_key: field("client_key"),
        })
    }
}

/// How to start the binary.
#[derive(Debug, Clone)]
pub struct Launch {
    binary: PathBuf,
    config: PathBuf,
    data_dir: PathBuf,
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    /// Program and arguments that start the binary in their place.
    under: Vec<String>,
    patience: Duration,
}

impl Launch {
    /// Starts `BINARY up --config CONFIG --data-dir DIR`. Tests pass
    /// `env!("CARGO_BIN_EXE_bartizan")` as binary.
    pub fn new(
        binary: impl Into<PathBuf>,
        config: impl Into<PathBuf>,
        data_dir: impl Into<PathBuf>,
    ) -> Self {
        Self {
            binary: binary.into(),
            config: config.into(),
            data_dir: data_dir.into(),
            environment: Vec::new(),
            arguments: Vec::new(),
            under: Vec::new(),
            patience: Duration::from_secs(20),
        }
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Adds an argument after those of [`Launch::new`].
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Starts it by another program, which is given the binary and its arguments after its own and
    /// must end in it (`exec`), so that signals and limits reach the binary.
    #[must_use]
    pub fn under<A: Into<String>>(mut self, command: impl IntoIterator<Item = A>) -> Self {
        self.under = command.into_iter().map(Into::into).collect();
        self
    }

    /// Folder for state and logs.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Sets how long to wait until it serves or ends; 20 s unless told.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Starts it and waits until it serves. Variables of this process that would change what it
    /// does (`BARTIZAN_…`, provider keys) are not passed on.
    ///
    /// # Errors
    /// [`ProcessError`], with all that it wrote to its standard error.
    pub async fn start(&self) -> Result<Process, ProcessError> {
        let started = Instant::now();
        let ready_file = self.data_dir.with_extension("ready.json");
        let failed = |source| ProcessError::Run { binary: self.binary.clone(), source };
        match tokio::fs::remove_file(&ready_file).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let mut command = match self.under.split_first() {
            None => Command::new(&self.binary),
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&self.binary);
                command
            }
        };
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(shapes_behaviour) {
                command.env_remove(name);
            }
        }
        let mut child = command
            .arg("up")
            .arg("--config")
            .arg(&self.config)
            .arg("--data-dir")
            .arg(&self.data_dir)
            .arg("--ready-file")
            .arg(&ready_file)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let stderr = Log::default();
        let reader = child.stderr.take().map(|pipe| tokio::spawn(stderr.clone().follow(pipe)));
        let mut process = Process {
            child,
            ready: Ready {
                gateway: String::new(),
                console: String::new(),
                admin_key: None,
                client_key: None,
            },
            binary: self.binary.clone(),
            patience: self.patience,
            start_time: Duration::ZERO,
            stderr,
            reader,
        };
        process.ready = process.wait_ready(&ready_file, started).await?;
        process.start_time = started.elapsed();
        Ok(process)
    }
}

fn shapes_behaviour(name: &str) -> bool {
    ["BARTIZAN_", "OPENAI_", "ANTHROPIC_", "DATABRICKS_", "OTEL_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// A running binary; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    ready: Ready,
    binary: PathBuf,
    patience: Duration,
    start_time: Duration,
    stderr: Log,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// What the ready file says.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// From the start of the process to its ready file.
    pub fn start_time(&self) -> Duration {
        self.start_time
    }

    /// A client of the gateway with the client key, if there is one.
    pub fn gateway(&self) -> Client {
        with_key(Client::new(&self.ready.gateway), self.ready.client_key.as_deref())
    }

    /// A client of the console with the admin key, if there is one.
    pub fn console(&self) -> Client {
        with_key(Client::new(&self.ready.console), self.ready.admin_key.as_deref())
    }

    /// What it wrote to its standard error so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Process id; none once it has ended.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks it to end (SIGTERM), waits, and returns its status and standard error.
    ///
    /// # Errors
    /// [`ProcessError::StillRunning`] when it does not end; it is killed then.
    pub async fn terminate(mut self) -> Result<(ExitStatus, String), ProcessError> {
        self.signal("TERM").await?;
        let Ok(status) = tokio::time::timeout(self.patience, self.child.wait()).await else {
            let stderr = self.stderr();
            return Err(ProcessError::StillRunning { waited: self.patience, stderr });
        };
        let status = status.map_err(|source| self.failed(source))?;
        self.drain().await;
        Ok((status, self.stderr()))
    }

    /// Kills it without warning (SIGKILL) and returns its standard error.
    ///
    /// # Errors
    /// [`ProcessError::Run`] when the system does not.
    pub async fn kill(mut self) -> Result<String, ProcessError> {
        self.child.kill().await.map_err(|source| self.failed(source))?;
        self.drain().await;
        Ok(self.stderr())
    }

    /// Sends a signal by its name without `SIG`.
    ///
    /// # Errors
    /// [`ProcessError::Run`] when it cannot be sent.
    pub async fn signal(&self, name: &str) -> Result<(), ProcessError> {
        let Some(id) = self.child.id() else { return Ok(()) };
        // By the `kill` program: the system call needs unsafe code or another dependency.
        let sent = Command::new("kill").arg(format!("-{name}")).arg(id.to_string()).status().await;
        match sent {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.failed(io::Error::other(format!("kill ended with {status}")))),
            Err(source) => Err(self.failed(source)),
        }
    }

    async fn wait_ready(&mut self, file: &Path, started: Instant) -> Result<Ready, ProcessError> {
        loop {
            // A file without a complete object is one that is still being written.
            if let Ok(text) = tokio::fs::read(file).await
                && serde_json::from_slice::<Value>(&text).is_ok()
            {
                return Ready::parse(&text);
            }
            if let Some(status) = self.child.try_wait().map_err(|source| self.failed(source))? {
                self.drain().await;
                return Err(ProcessError::EndedEarly { status, stderr: self.stderr() });
            }
            if started.elapsed() > self.patience {
                let stderr = self.stderr();
                return Err(ProcessError::NotReady { waited: self.patience, stderr });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for the last lines of a process that ended.
    async fn drain(&mut self) {
        if let Some(reader) = self.reader.take() {
            // A grandchild may keep the pipe open; its lines are not waited for.
            let _ = tokio::time::timeout(Duration::from_secs(2), reader).await;
        }
    }

    fn failed(&self, source: io::Error) -> ProcessError {
        ProcessError::Run { binary: self.binary.clone(), source }
    }
}

fn with_key(client: Client, key: Option<&str>) -> Client {
    match key {
        Some(key) => client.bearer(key),
        None => client,
    }
}

/// Lines that a process wrote.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    /// Largest log kept; what follows is dropped.
    const LIMIT_BYTES: usize = 4 << 20;

    async fn follow(self, pipe: tokio::process::ChildStderr) {
        let mut reader = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(reader.read_until(b'\n', &mut line).await, Ok(read) if read > 0) {
            let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if text.len() < Self::LIMIT_BYTES {
                text.push_str(&String::from_utf8_lossy(&line));
            }
            line.clear();
        }
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests;
