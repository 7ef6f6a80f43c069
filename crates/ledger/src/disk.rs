//! The seam between the log and the file system, so that a full or failing disk can be put in its
//! place. Everything here is private to the owner of the process: folders 0700, files 0600.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use bartizan_core::private;

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
        Ok(Arc::new(private::file().append(true).create_new(true).open(path)?))
    }

    fn reopen(&self, path: &Path) -> io::Result<(Arc<dyn SegmentFile>, u64)> {
        let file = OpenOptions::new().append(true).open(path)?;
        let len = file.metadata()?.len();
        Ok((Arc::new(file), len))
    }

    fn put(&self, path: &Path, bytes: &[u8], durably: Durably) -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(".new");
        let new = folder.join(name);
        let open = || private::file().create(true).truncate(true).write(true).open(&new);
        let mut file = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                private::make_folder(folder)?;
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

impl SegmentFile for File {
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self;
        file.write(bytes)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Makes sure that the folder exists and that only its owner may enter it.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    private::make_folder(path)?;
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}
