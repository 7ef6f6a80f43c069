//! Files that are replaced in one step by one process at a time, and by which others see that they changed.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use bartizan_core::limits::read_capped;
use bartizan_core::private;

/// Longest wait for another process that changes the file: a change takes milliseconds, and a slow disk some
/// seconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Opens a file to read it. What is none is refused, and a pipe is not waited for.
pub fn open(path: &Path) -> io::Result<File> {
    must_be_file(&std::fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    // What lies there may be something else by now.
    never_waits(&mut options);
    let file = options.open(path)?;
    must_be_file(&file.metadata()?)?;
    Ok(file)
}

/// Opening a pipe waits for whoever is at its other end, unless told not to.
fn never_waits(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// Id of the user to whom an open file belongs, where that is neither this user nor root, nor, for root, the owner of
/// its folder.
#[cfg(unix)]
pub(crate) fn stranger(path: &Path, file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::MetadataExt as _;

    let owner = file.metadata()?.uid();
    let me = rustix::process::geteuid().as_raw();
    let folder = std::fs::metadata(folder(path))?.uid();
    Ok(if may_own(owner, me, folder) { None } else { Some(owner) })
}

/// Whether keys of an owner are this user's: their own, those of the administrator, or, for the administrator, those
/// of the account to which the folder belongs.
#[cfg(unix)]
const fn may_own(owner: u32, me: u32, folder: u32) -> bool {
    owner == me || owner == 0 || (me == 0 && owner == folder)
}

/// Puts a private file in its place in one step, so that whoever reads sees all of it or what was there before,
/// also after a crash. Gives back the file that lies there now.
///
/// The caller holds the lock of the file: what lies beside it as unfinished is left from a crash. Where the folder
/// cannot be synced, there is an error and the new file lies in its place.
pub fn put(path: &Path, bytes: &[u8]) -> io::Result<File> {
    refuse_others(path)?;
    let new = beside(path, ".new");
    let written = write_new(path, &new, bytes);
    if written.is_err() {
        // It may hold keys. Where it cannot be removed, the next change removes it.
        let _ = std::fs::remove_file(&new);
    }
    let file = written?;
    sync_folder(path)?;
    Ok(file)
}

fn write_new(path: &Path, new: &Path, bytes: &[u8]) -> io::Result<File> {
    match std::fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Made anew each time: what lies there may be a link to somewhere else.
    let mut file = private::file().create_new(true).write(true).open(new)?;
    give_away(path, &file)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(new, path)?;
    Ok(file)
}

/// Creates a private file where there is none.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or what the system says; then there is no file.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private::file().create_new(true).write(true).open(path)?;
    let written =
        give_away(path, &file).and_then(|()| file.write_all(bytes)).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = std::fs::remove_file(path);
    }
    written?;
    sync_folder(path)
}

/// Gives a file that was made a moment ago to whom the one before belongs, or else the folder: the administrator
/// changes what the service reads, under another account.
#[cfg(unix)]
fn give_away(path: &Path, new: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let (owner, must) = match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.ino() != new.metadata()?.ino() => (metadata.uid(), true),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => (std::fs::metadata(folder(path))?.uid(), false),
    };
    if new.metadata()?.uid() == owner {
        return Ok(());
    }
    match fchown(new, Some(owner), None) {
        Err(error) if must => Err(error),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn give_away(_path: &Path, _new: &File) -> io::Result<()> {
    Ok(())
}

fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows cannot open a folder like a file, and does not need it.
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The path with something added to its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The right to change a file.
#[derive(Debug)]
pub struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing gives it back too, and where that fails the file stays open.
        let _ = self.0.unlock();
    }
}

/// Waits for the lock under which the file at a path may be changed. The lock is on a file beside it, since the file
/// itself is replaced. Folders on the way are made.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] after [`LOCK_TIMEOUT`], or what the system says.
pub fn lock(path: &Path) -> io::Result<Lock> {
    let beside = beside(path, ".lock");
    private::make_folder(folder(path))?;
    refuse_others(&beside)?;
    let file = match private::file().create_new(true).write(true).open(&beside) {
        Ok(file) => {
            give_away(&beside, &file)?;
            file
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mut options = OpenOptions::new();
            options.write(true);
            never_waits(&mut options);
            let file = options.open(&beside)?;
            must_be_file(&file.metadata()?)?;
            file
        }
        Err(error) => return Err(error),
    };
    let deadline = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
        }
    }
}

/// Refuses what is there and is no file, before it is written: what is a link to somewhere else would only lose the
/// link.
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

/// Which file it is, how long and of when. A file that was put in the place of another is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    /// Device, number, and when the system last noted a change of it, which no program can set.
    #[cfg(unix)]
    file: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            file: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Of the file at a path; none where there is nothing.
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::of(&metadata))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A file that was read or written. As long as it is open, no other file is taken for it: the system gives numbers
/// of files that are gone to new ones.
#[derive(Debug)]
pub struct Seen {
    stamp: Stamp,
    file: File,
}

impl Seen {
    /// Looks at an open file.
    pub fn new(file: File) -> io::Result<Self> {
        Ok(Self { stamp: Stamp::of(&file.metadata()?), file })
    }

    /// What stands in the file, if that is at most `cap` bytes. What changes it meanwhile changes its stamp.
    pub fn read(&self, cap: u64) -> io::Result<Vec<u8>> {
        read_capped(&self.file, cap)
    }

    /// The file, open as it was given.
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// How it was when it was looked at.
    pub const fn stamp(&self) -> Stamp {
        self.stamp
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const ROOT: u32 = 0;

    #[test]
    fn keys_are_this_users_or_the_administrators() {
        for (owner, me, folder, expected) in [
            (7, 7, 9, true),
            (ROOT, 7, 7, true),
            (8, 7, 7, false),
            (8, 7, 8, false),
            (ROOT, ROOT, 9, true),
            (8, ROOT, 8, true),
            (8, ROOT, ROOT, false),
            (8, ROOT, 9, false),
        ] {
            assert_eq!(may_own(owner, me, folder), expected, "{owner} {me} {folder}");
        }
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert_eq!(open(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
        // Where it takes the place of a file between two steps.
        let mut options = OpenOptions::new();
        options.read(true);
        never_waits(&mut options);
        assert!(!options.open(&path).unwrap().metadata().unwrap().is_file());
    }
}
