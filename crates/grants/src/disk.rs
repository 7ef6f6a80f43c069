//! The file of keys: private, changed by one process at a time, and replaced in one step.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bartizan_core::private;
use zeroize::Zeroizing;

/// Longest wait for another process that changes the file: a change takes milliseconds, and a slow disk some
/// seconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Opens a file to read it. What is none is refused, and a pipe is not waited for.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    must_be_file(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    // What lies there may be something else by now.
    never_waits(&mut options);
    let file = options.open(path)?;
    must_be_file(&file.metadata()?)?;
    Ok(file)
}

/// The text of an open file of at most `cap` bytes.
pub(crate) fn read(mut file: &File, cap: usize) -> io::Result<Zeroizing<String>> {
    // One piece of memory, so that no part is left where it lay before.
    let mut bytes = Zeroizing::new(vec![0; cap + 1]);
    let mut len = 0;
    loop {
        match file.read(bytes.get_mut(len..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if len > cap {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let text = std::str::from_utf8(bytes.get(..len).unwrap_or_default());
    let text = text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Whom an open file lets in besides this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// Nobody but the administrator.
    None,
    /// Others may do something with it.
    Mode,
    /// It belongs to somebody else.
    #[cfg_attr(not(unix), expect(dead_code, reason = "files have no owner that could be compared"))]
    Owner,
}

/// Asks the open file and not the path, where another may lie by then.
#[cfg(unix)]
pub(crate) fn exposure(path: &Path, file: &File) -> io::Result<Exposure> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = file.metadata()?;
    let me = rustix::process::geteuid().as_raw();
    let folder = fs::metadata(folder(path))?.uid();
    Ok(if !may_own(metadata.uid(), me, folder) {
        Exposure::Owner
    } else if metadata.mode() & 0o077 != 0 {
        Exposure::Mode
    } else {
        Exposure::None
    })
}

#[cfg(not(unix))]
pub(crate) fn exposure(_path: &Path, _file: &File) -> io::Result<Exposure> {
    Ok(Exposure::None)
}

/// Whether the keys of a file are this user's: their own, those of the administrator, or, for the administrator,
/// those of the account to which the folder belongs.
#[cfg(unix)]
const fn may_own(owner: u32, me: u32, folder: u32) -> bool {
    owner == me || owner == 0 || (me == 0 && owner == folder)
}

/// Puts a private file in its place in one step, so that whoever reads sees all of it or what was there before,
/// also after a crash.
///
/// The caller holds the lock of the file: what lies beside it as unfinished is left from a crash. Where the folder
/// cannot be synced, there is an error and the new file lies in its place.
pub(crate) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    refuse_others(path)?;
    replace(path, bytes)?;
    // Windows cannot open a folder like a file, and does not need it.
    if cfg!(unix) { File::open(folder(path))?.sync_all() } else { Ok(()) }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    let written = write_new(path, &new, bytes);
    if written.is_err() {
        // It may hold a key. Where it cannot be removed, the next change removes it.
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_new(path: &Path, new: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Made anew each time: what lies there may be a link to somewhere else, or open to others.
    let mut file = private::file().create_new(true).write(true).open(new)?;
    give_away(path, &file)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)
}

/// Gives a file that was made a moment ago to whom the one before belongs, or else the folder: the administrator
/// changes what the service reads, under another account.
#[cfg(unix)]
fn give_away(path: &Path, new: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let (owner, must) = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.ino() != new.metadata()?.ino() => (metadata.uid(), true),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => (fs::metadata(folder(path))?.uid(), false),
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

/// The right to change a file.
#[derive(Debug)]
pub(crate) struct Lock(File);

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
pub(crate) fn lock(path: &Path) -> io::Result<Lock> {
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
fn refuse_others(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
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
    fn a_file_that_cannot_be_put_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        // A folder, whose place no file can take: that shows in the last step.
        fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"secret").is_err());
        assert!(!beside(&path, ".new").exists());
        assert!(put(&path, b"secret").is_err());
        fs::remove_dir(&path).unwrap();
        put(&path, b"secret").unwrap();
        assert_eq!(read(&open(&path).unwrap(), 6).unwrap().as_str(), "secret");
        assert!(!beside(&path, ".new").exists());
        assert_eq!(read(&open(&path).unwrap(), 5).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        assert_eq!(open(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
        // Where it takes the place of a file between two steps.
        let mut options = OpenOptions::new();
        options.read(true);
        never_waits(&mut options);
        assert!(!options.open(&path).unwrap().metadata().unwrap().is_file());
    }
}
