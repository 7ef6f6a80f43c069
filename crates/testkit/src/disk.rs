//! Takes the space for a data folder away from a running process, and gives it back.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::process::{Launch, Process};

/// Size of the small file system: enough for a first start, little to fill.
const SMALL_BYTES: usize = 8 << 20;
/// Block in which it is filled: a page, the unit in which it gives space.
const BLOCK_BYTES: usize = 4096;
/// Bytes that a file may still take when the limit is set; less than an event, so that its line is
/// cut off in the middle.
const LEFT_BYTES: u64 = 100;

/// A way to have no space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TightDisk {
    /// The folder is a small file system of its own, in a mount namespace of the process, and is
    /// filled: writes fail with `ENOSPC`. Nothing is left when the process ends.
    FileSystem,
    /// The process may not write larger files than its log is: writes fail with `EFBIG`. Needs no
    /// privilege.
    FileSize,
}

impl TightDisk {
    /// The ways that this machine allows: always [`FileSize`](Self::FileSize), and
    /// [`FileSystem`](Self::FileSystem) where a process may mount in a namespace of its own.
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
        mounted.into_iter().chain([Self::FileSize]).collect()
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
            Self::FileSize => Ok(data_dir.to_owned()),
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
        }
    }
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
