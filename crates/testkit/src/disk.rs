//! Takes the space for a data folder away from a running process, or makes it read-only, and gives it back.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::process::{Launch, Process};

/// Size of the small file system: enough for a first start, little to fill.
const SMALL_BYTES: usize = 8 << 20;
/// Block in which it is filled: a page, the unit in which it gives space.
const BLOCK_BYTES: usize = 4096;
/// Bytes that a file may still take when the limit is set; less than an event, so that its line is
/// cut off in the middle.
const LEFT_BYTES: u64 = 100;

/// Calls that change what is on the disk, as libraries make them.
const CHANGES: &str = "write,writev,pwrite64,pwritev,ftruncate,rename,renameat,renameat2";
/// Files of a data folder that are open, or get into their places while events come.
const CHANGED: [&str; 4] =
    ["ledger/checkpoint.new", "state.db", "state.db-wal", "state.db-journal"];
/// How long `strace` may take to begin and to end, in steps of 10 ms.
const STEPS: usize = 1_000;

/// A way to have no space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TightDisk {
    /// The folder is a small file system of its own, in a mount namespace of the process, and is
    /// filled: writes fail with `ENOSPC`. Nothing is left when the process ends.
    FileSystem,
    /// The process may not write larger files than its log is: writes fail with `EFBIG`. Needs no
    /// privilege.
    FileSize,
    /// What would change the log or the keys is refused with `EROFS`, as by a system that made the disk
    /// read-only after an error. `strace` refuses it.
    ReadOnly,
}

impl TightDisk {
    /// The ways that this machine allows: always [`FileSize`](Self::FileSize), on Linux
    /// [`ReadOnly`](Self::ReadOnly), and [`FileSystem`](Self::FileSystem) where a process may mount in a
    /// namespace of its own.
    pub async fn allowed() -> Vec<Self> {
        let tried = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
        let may_mount = tried.is_ok_and(|status| status.success());
        let mounted = may_mount.then_some(Self::FileSystem);
        let refused = cfg!(target_os = "linux").then_some(Self::ReadOnly);
        mounted.into_iter().chain([Self::FileSize]).chain(refused).collect()
    }

    /// Starts the binary so that its space can be taken away later.
    #[must_use]
    pub fn prepare(self, launch: Launch) -> Launch {
        match self {
            Self::FileSystem => {
                let script = format!(
                    "mkdir -p \"$0\" && mount -t tmpfs -o size={SMALL_BYTES},mode=700 tmpfs \"$0\" \
                     && exec \"$@\""
                );
                let folder = launch.data_dir().display().to_string();
                launch.under([
                    "unshare",
                    "--user",
                    "--map-root-user",
                    "--mount",
                    "sh",
                    "-c",
                    &script,
                    &folder,
                ])
            }
            // A signal that is ignored stays ignored in the program that is started.
            Self::FileSize => launch.under(["sh", "-c", "trap '' XFSZ && exec \"$@\"", "sh"]),
            // Whoever made its namespace may watch it, also where processes may watch their children only.
            Self::ReadOnly => {
                let script = "unshare --user --map-root-user true 2> /dev/null && \
                              exec unshare --user --map-root-user \"$@\"; exec \"$@\"";
                launch.under(["sh", "-c", script, "sh"])
            }
        }
    }

    /// The data folder as this process sees it.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn folder(self, process: &Process, data_dir: &Path) -> io::Result<PathBuf> {
        match self {
            Self::FileSystem => {
                let id = process.id().ok_or(io::ErrorKind::NotFound)?;
                let inside = data_dir.strip_prefix("/").unwrap_or(data_dir);
                Ok(PathBuf::from(format!("/proc/{id}/root")).join(inside))
            }
            Self::FileSize | Self::ReadOnly => Ok(data_dir.to_owned()),
        }
    }

    /// Leaves no space for `file`, the active file of the log as this process sees it.
    ///
    /// # Errors
    /// What the system says.
    pub async fn take_space(self, process: &Process, file: &Path) -> io::Result<()> {
        match self {
            Self::FileSystem => fill(&filler(file)),
            Self::FileSize => {
                let limit = std::fs::metadata(file)?.len() + LEFT_BYTES;
                process.limit_file_size(Some(limit)).await.map_err(io::Error::other)
            }
            Self::ReadOnly => refuse_changes(process, file).await,
        }
    }

    /// Gives the space back.
    ///
    /// # Errors
    /// What the system says.
    pub async fn give_space(self, process: &Process, file: &Path) -> io::Result<()> {
        match self {
            Self::FileSystem => std::fs::remove_file(filler(file)),
            Self::FileSize => process.limit_file_size(None).await.map_err(io::Error::other),
            Self::ReadOnly => allow_changes(process).await,
        }
    }
}

/// Has every change of the files of a data folder refused.
async fn refuse_changes(process: &Process, file: &Path) -> io::Result<()> {
    let id = process.id().ok_or(io::ErrorKind::NotFound)?;
    let data = file.parent().and_then(Path::parent).ok_or(io::ErrorKind::InvalidInput)?;
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-p", &id.to_string()]);
    strace.args(["-e", &format!("trace={CHANGES}")]);
    strace.args(["-e", &format!("inject={CHANGES}:error=EROFS")]);
    strace.arg("-P").arg(file);
    for name in CHANGED {
        strace.arg("-P").arg(data.join(name));
    }
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let missing = |error| io::Error::other(format!("`strace` cannot be run, install it: {error}"));
    let _watches = strace.spawn().map_err(missing)?;
    for _ in 0..STEPS {
        if watchers(id)?.iter().all(Option::is_some) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(io::Error::other("`strace` may not watch a process that this one started"))
}

async fn allow_changes(process: &Process) -> io::Result<()> {
    let id = process.id().ok_or(io::ErrorKind::NotFound)?;
    let strace = watchers(id)?.into_iter().flatten().next();
    let strace = strace.ok_or(io::ErrorKind::NotFound)?.to_string();
    Command::new("kill").args(["-INT", &strace]).status().await?;
    for _ in 0..STEPS {
        if watchers(id)?.iter().all(Option::is_none) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(io::Error::other("`strace` does not end"))
}

/// Who watches each thread of a process.
#[expect(clippy::disallowed_methods, reason = "the system writes these files, and they are short")]
fn watchers(id: u32) -> io::Result<Vec<Option<u32>>> {
    let mut watchers = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{id}/task"))? {
        // One that has ended is watched by nobody, and asks for nothing.
        let Ok(status) = std::fs::read_to_string(thread?.path().join("status")) else { continue };
        let watcher = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        let watcher = watcher.and_then(|watcher| watcher.trim().parse().ok());
        watchers.push(watcher.filter(|watcher| *watcher > 0));
    }
    Ok(watchers)
}

fn filler(file: &Path) -> PathBuf {
    file.with_file_name("filler")
}

/// Writes until nothing more fits.
fn fill(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    let block = [0; BLOCK_BYTES];
    // More than the whole file system takes means that this is another one.
    for _ in 0..=SMALL_BYTES / BLOCK_BYTES {
        match file.write_all(&block) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("the file system is larger than it was made"))
}
