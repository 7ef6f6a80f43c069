//! Files and folders that nobody but their owner may read, put in their place in one step by one process at a time.
//!
//! Where the system has no such modes, they are as private as the folder that holds them.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest wait for another process that changes the file: a change takes milliseconds, and a slow disk some
/// seconds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Options that make a new file readable and writable by its owner alone. The mode of a file that
/// exists stays as it is.
pub fn file() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder that only its owner may enter, and those above it. The mode of a folder that
/// exists stays as it is.
///
/// # Errors
/// What the system says.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens a file to read it. What is none is refused, and a pipe is not waited for.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] for what is no file, or what the system says.
pub fn open(path: &Path) -> io::Result<File> {
    must_be_file(&fs::metadata(path)?)?;
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
/// its folder. Asks the open file and not the path, where another may lie by then.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn stranger(path: &Path, file: &File) -> io::Result<Option<u32>> {
    use std::os::unix::fs::MetadataExt as _;

    let owner = file.metadata()?.uid();
    let me = rustix::process::geteuid().as_raw();
    let folder = fs::metadata(folder(path))?.uid();
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
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] where something else than a file lies there, or what the system says.
pub fn put(path: &Path, bytes: &[u8]) -> io::Result<File> {
    refuse_others(path)?;
    let new = beside(path, ".new");
    let written = write_new(path, &new, bytes);
    if written.is_err() {
        // It may hold keys. Where it cannot be removed, the next change removes it.
        let _ = fs::remove_file(&new);
    }
    let file = written?;
    sync_folder(path)?;
    Ok(file)
}

fn write_new(path: &Path, new: &Path, bytes: &[u8]) -> io::Result<File> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Made anew each time: what lies there may be a link to somewhere else.
    let mut file = file().create_new(true).write(true).open(new)?;
    give_away(path, &file)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    Ok(file)
}

/// Creates a private file where there is none.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`], or what the system says; then there is no file.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = file().create_new(true).write(true).open(path)?;
    let written =
        give_away(path, &file).and_then(|()| file.write_all(bytes)).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written?;
    sync_folder(path)
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
/// [`io::ErrorKind::TimedOut`] after ten seconds, or what the system says.
pub fn lock(path: &Path) -> io::Result<Lock> {
    let beside = beside(path, ".lock");
    make_folder(folder(path))?;
    refuse_others(&beside)?;
    let file = match file().create_new(true).write(true).open(&beside) {
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
///
/// # Errors
/// [`io::ErrorKind::InvalidData`], or what the system says.
pub fn refuse_others(path: &Path) -> io::Result<()> {
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::limits::read_capped;

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
        assert!(write_new(&path, &beside(&path, ".new"), b"secret").is_err());
        fs::remove_file(beside(&path, ".new")).unwrap();
        assert!(!beside(&path, ".new").exists());
        assert!(put(&path, b"secret").is_err());
        fs::remove_dir(&path).unwrap();
        put(&path, b"secret").unwrap();
        assert_eq!(read_capped(open(&path).unwrap(), 16).unwrap(), b"secret");
        assert!(!beside(&path, ".new").exists());
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
