//! What a process uses of the machine, and how much it may: memory, open files, sizes of files.

use std::io;

use tokio::process::Command;

use super::{Process, ProcessError};

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Resident now.
    pub resident_bytes: u64,
    /// Most that was ever resident.
    pub peak_bytes: u64,
}

impl Memory {
    /// Reads `VmRSS` and `VmHWM` of `/proc/PID/status` (proc(5)), which are in KiB.
    fn parse(status: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kib << 10)
        };
        Some(Self { resident_bytes: bytes("VmRSS:")?, peak_bytes: bytes("VmHWM:")? })
    }
}

impl Process {
    /// Memory that it uses. Linux only.
    ///
    /// # Errors
    /// [`ProcessError::Run`] when it has ended or the system does not say.
    pub fn memory(&self) -> Result<Memory, ProcessError> {
        let gone = || self.failed(io::ErrorKind::NotFound.into());
        let path = format!("/proc/{}/status", self.id().ok_or_else(gone)?);
        let status = proc_file(&path).map_err(|source| self.failed(source))?;
        Memory::parse(&status).ok_or_else(gone)
    }

    /// Sets how large a file it may write, in bytes, or takes the limit away. A write beyond fails
    /// with `EFBIG` where the signal `SIGXFSZ` is ignored, and ends the process elsewhere.
    ///
    /// # Errors
    /// [`ProcessError::Run`] when the system refuses.
    pub async fn limit_file_size(&self, bytes: Option<u64>) -> Result<(), ProcessError> {
        let gone = || self.failed(io::ErrorKind::NotFound.into());
        let id = self.id().ok_or_else(gone)?;
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        // The hard limit stays, or the soft one could not be raised again.
        prlimit(id, &format!("--fsize={soft}:unlimited"))
            .await
            .map_err(|source| self.failed(source))
    }
}

/// Why this process, and those it starts, may not have as many files open as a test needs.
#[derive(Debug, thiserror::Error)]
pub enum OpenFilesError {
    /// The hard limit is lower; only the administrator can raise it.
    #[error(
        "{wanted} open files are needed and the hard limit is {hard}: raise it (`ulimit -Hn`, \
         `LimitNOFILE=`, `docker run --ulimit nofile={wanted}`) and run the test again"
    )]
    HardLimit {
        /// Files needed.
        wanted: u64,
        /// Hard limit.
        hard: u64,
    },
    /// The limits could not be read or set.
    #[error("the limit on open files cannot be read or set")]
    System(#[source] io::Error),
}

/// Raises the limit on open files of this process, and so of those it starts, where it is lower.
///
/// # Errors
/// [`OpenFilesError`], which says what to do.
pub async fn allow_open_files(wanted: u64) -> Result<(), OpenFilesError> {
    let limits = proc_file("/proc/self/limits").map_err(OpenFilesError::System)?;
    let unknown = || OpenFilesError::System(io::ErrorKind::InvalidData.into());
    let (soft, hard) = open_files(&limits).ok_or_else(unknown)?;
    if soft >= wanted {
        return Ok(());
    }
    if hard < wanted {
        return Err(OpenFilesError::HardLimit { wanted, hard });
    }
    prlimit(std::process::id(), &format!("--nofile={wanted}:{hard}"))
        .await
        .map_err(OpenFilesError::System)
}

#[expect(clippy::disallowed_methods, reason = "the system writes these files, and they are short")]
fn proc_file(path: &str) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// Soft and hard limit of `/proc/PID/limits`.
fn open_files(limits: &str) -> Option<(u64, u64)> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut numbers = line.split_ascii_whitespace().map(|number| match number {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    });
    Some((numbers.next()??, numbers.next()??))
}

/// By the program of util-linux: the system call needs unsafe code or another dependency.
async fn prlimit(id: u32, limit: &str) -> io::Result<()> {
    let status = Command::new("prlimit").arg("--pid").arg(id.to_string()).arg(limit).status().await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(io::Error::other(format!("prlimit {limit} ended with {status}"))),
        Err(error) => Err(io::Error::new(error.kind(), format!("cannot run `prlimit`: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_writes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        let memory = Memory { resident_bytes: 1 << 20, peak_bytes: 2 << 20 };
        assert_eq!(Memory::parse(status), Some(memory));
        assert_eq!(Memory::parse("Name:\tx\n"), None);
        let limits = "Max processes             1  2  processes\nMax open files            1024                 524288               files     \n";
        assert_eq!(open_files(limits), Some((1024, 524_288)));
    }

    #[tokio::test]
    async fn says_how_many_open_files_are_needed() {
        assert!(allow_open_files(1).await.is_ok());
        let refused = allow_open_files(u64::MAX - 1).await;
        // A machine without a limit has nothing to refuse.
        if let Err(error) = refused {
            assert!(error.to_string().contains("18446744073709551614"), "{error}");
        }
    }
}
