//! The seam between the log and the file system, so that a full or failing disk can be put in its
//! place. Everything here is private to the owner of the process: folders 0700, files 0600.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
#[cfg(unix)]
use std::os::unix::fs::FileExt as _;
#[cfg(windows)]
use std::os::windows::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use bartizan_core::limits::read_capped;
use bartizan_core::private;
use parking_lot::Mutex;

use crate::error::LedgerError;

/// Locked by the writer of a folder.
pub(crate) const LOCK_FILE: &str = ".lock";
/// How much is written again at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Where segments live.
pub(crate) trait Disk: Send + Sync {
    /// Creates a file that does not exist yet, for appending.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>>;
    /// Opens a file that exists, for appending, and says how long it is.
    fn reopen(&self, path: &Path) -> io::Result<(Arc<dyn SegmentFile>, u64)>;
    /// Puts a small file in its place in one step, so that whoever reads sees all of it or what was
    /// there before. Folders on the way are made.
    fn put(&self, path: &Path, bytes: &[u8], durably: Durably) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes names created in or removed from the folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// Whether a file has to be on the disk, under its name, when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durably {
    /// With its name, if the folder was there before.
    Yes,
    /// Without its name: whoever puts many syncs the folders once.
    Content,
    /// It can be made again from what is.
    No,
}

/// One file of the log. Shared with the sync thread, which therefore never needs the write lock
/// while it waits for the disk.
pub(crate) trait SegmentFile: Send + Sync {
    /// Appends some or all of the bytes and says how many: one `write(2)`.
    fn append(&self, bytes: &[u8]) -> io::Result<usize>;
    /// Cuts the file to this many bytes.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Returns when everything appended so far is on the disk.
    fn sync(&self) -> io::Result<()>;
}

/// The real file system.
#[derive(Debug)]
pub(crate) struct FileSystem;

impl Disk for FileSystem {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn SegmentFile>> {
        let file = private::file().read(true).write(true).create_new(true).open(path)?;
        Ok(Arc::new(LogFile::new(file, 0, File::sync_data)))
    }

    fn reopen(&self, path: &Path) -> io::Result<(Arc<dyn SegmentFile>, u64)> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let len = file.seek(SeekFrom::End(0))?;
        // What a process before wrote and did not sync is synced with the rest.
        Ok((Arc::new(LogFile::new(file, 0, File::sync_data)), len))
    }

    fn put(&self, path: &Path, bytes: &[u8], durably: Durably) -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(".new");
        let new = folder.join(name);
        // Made anew each time: what lies there may be a link to somewhere else.
        let open = || private::file().create_new(true).write(true).open(&new);
        let mut file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                private::make_folder(folder)?;
                open()?
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.remove(&new)?;
                open()?
            }
            other => other?,
        };
        file.write_all(bytes)?;
        if durably != Durably::No {
            file.sync_data()?;
        }
        drop(file);
        std::fs::rename(&new, path)?;
        if durably == Durably::Yes { self.sync_folder(folder) } else { Ok(()) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // Windows cannot open a folder like a file, and does not need it.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }
}

/// Locks a folder for the one process that writes there. The system gives the lock back when the file
/// closes, also when the process dies.
pub(crate) fn lock_folder(dir: &Path) -> Result<File, LedgerError> {
    let path = dir.join(LOCK_FILE);
    let segment = |source| LedgerError::Segment { path: path.clone(), source };
    refuse_others(&path).map_err(segment)?;
    let file =
        private::file().create(true).truncate(false).write(true).open(&path).map_err(segment)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Locked { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(segment(source)),
    }
}

/// A file of the log.
///
/// Where a sync fails, the system may drop what was to be written and report it only once, so that the
/// next sync succeeds and the data is gone. What is not known to be on the disk is therefore written
/// again before the next try, from what the system still has in memory.
struct LogFile {
    file: File,
    sync: fn(&File) -> io::Result<()>,
    state: Mutex<Synced>,
}

struct Synced {
    /// Bytes that are on the disk.
    len: u64,
    /// The last sync failed.
    failed: bool,
    /// Bytes that were written again.
    again: u64,
}

impl LogFile {
    fn new(file: File, len: u64, sync: fn(&File) -> io::Result<()>) -> Self {
        Self { file, sync, state: Mutex::new(Synced { len, failed: false, again: 0 }) }
    }
}

impl SegmentFile for LogFile {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        // The folder is locked, so that nobody else moves the end.
        (&self.file).write(bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        self.file.set_len(len)?;
        (&self.file).seek(SeekFrom::Start(len))?;
        state.len = state.len.min(len);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let len = self.file.metadata()?.len();
        if state.failed {
            let again = write_again(&self.file, state.len, len)?;
            state.again += again;
            tracing::warn!(bytes = again, "what a failed sync may have lost was written again");
        }
        let result = (self.sync)(&self.file);
        state.failed = result.is_err();
        if result.is_ok() {
            state.len = len;
        }
        result
    }
}

/// Writes bytes of a file to where they are, and says how many.
fn write_again(file: &File, from: u64, to: u64) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = from;
    while at < to {
        let most = CHUNK_BYTES.min((to - at) as usize);
        let part = chunk.get_mut(..most).unwrap_or_default();
        let read = read_at(file, part, at)?;
        let part = part.get(..read).filter(|part| !part.is_empty());
        let mut rest = part.ok_or(io::ErrorKind::UnexpectedEof)?;
        while !rest.is_empty() {
            let written = write_at(file, rest, at)?;
            rest = rest.get(written..).filter(|_| written > 0).ok_or(io::ErrorKind::WriteZero)?;
            at += written as u64;
        }
    }
    Ok(to.saturating_sub(from))
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    file.read_at(bytes, at)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<usize> {
    file.write_at(bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    // Moves the end at which lines are added, so that it is put back.
    let end = (&*file).stream_position()?;
    let read = file.seek_read(bytes, at);
    (&*file).seek(SeekFrom::Start(end))?;
    read
}

#[cfg(windows)]
fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<usize> {
    let end = (&*file).stream_position()?;
    let written = file.seek_write(bytes, at);
    (&*file).seek(SeekFrom::Start(end))?;
    written
}

/// Opens a file to read it. What is none is refused: a pipe would be waited for.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    must_be_file(&std::fs::metadata(path)?)?;
    File::open(path)
}

/// Reads a UTF-8 file of at most `cap` bytes.
pub(crate) fn read_text(path: &Path, cap: u64) -> io::Result<String> {
    let bytes = read_capped(open(path)?, cap)?;
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Refuses what is there and is no file, before it is opened to write.
pub(crate) fn refuse_others(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) => must_be_file(&metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn must_be_file(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it is no file"))
}

/// Makes sure that the folder exists and that only its owner may enter it.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    private::make_folder(path)?;
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    static REFUSES: AtomicBool = AtomicBool::new(false);

    fn sync(file: &File) -> io::Result<()> {
        if REFUSES.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        file.sync_data()
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed_to_where_a_file_is_put() {
        let dir = tempfile::tempdir().unwrap();
        let [other, new, path] = ["other", "file.new", "file"].map(|name| dir.path().join(name));
        let read = |path: &Path| read_text(path, 1 << 20).unwrap();
        std::fs::write(&other, "of somebody else").unwrap();
        std::os::unix::fs::symlink(&other, &new).unwrap();
        FileSystem.put(&path, b"one", Durably::Yes).unwrap();
        assert_eq!((read(&path), read(&other)), ("one".to_owned(), "of somebody else".to_owned()));
        assert!(path.symlink_metadata().unwrap().is_file());
        std::fs::hard_link(&other, &new).unwrap();
        FileSystem.put(&path, b"two", Durably::Yes).unwrap();
        assert_eq!((read(&path), read(&other)), ("two".to_owned(), "of somebody else".to_owned()));
        // What a process left there that died is in nobody's way.
        std::fs::write(&new, "a longer half of a file").unwrap();
        FileSystem.put(&path, b"three", Durably::No).unwrap();
        assert_eq!(read(&path), "three");
        assert!(!new.exists());
    }

    #[test]
    fn what_a_failed_sync_may_have_lost_is_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let file = private::file().read(true).write(true).create_new(true).open(&path).unwrap();
        let log = LogFile::new(file, 0, sync);
        let add = |text: &str| assert_eq!(log.append(text.as_bytes()).unwrap(), text.len());
        add("one\n");
        log.sync().unwrap();
        REFUSES.store(true, Ordering::SeqCst);
        let lost = "x".repeat(2 * CHUNK_BYTES + 7);
        add(&lost);
        log.sync().unwrap_err();
        log.sync().unwrap_err();
        add("cut");
        log.truncate(4 + lost.len() as u64).unwrap();
        REFUSES.store(false, Ordering::SeqCst);
        log.sync().unwrap();
        // Twice: before each try after the first.
        assert_eq!(log.state.lock().again, 2 * lost.len() as u64);
        add("end\n");
        log.sync().unwrap();
        assert_eq!(log.state.lock().again, 2 * lost.len() as u64);
        let kept = bartizan_core::limits::read_text_file(&path, 1 << 20).unwrap();
        assert_eq!(kept, format!("one\n{lost}end\n"));
    }
}
