//! The seam between the log and the file system, so that a full or failing disk can be put in its place.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use bartizan_core::private;

/// Where segments live.
pub(super) trait Disk: Send {
    /// Creates a file that does not exist yet, or opens one to go on behind its first `len` bytes; what stands behind
    /// these goes.
    fn open(&self, path: &Path, len: Option<u64>) -> io::Result<Box<dyn Append>>;
}

/// The end of a segment.
pub(super) trait Append: Send {
    /// Adds bytes, all of them.
    fn add(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when everything that was added is on the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to so many bytes.
    fn cut(&mut self, len: u64) -> io::Result<()>;
}

/// The real file system.
#[derive(Debug)]
pub(super) struct FileSystem;

impl Disk for FileSystem {
    fn open(&self, path: &Path, len: Option<u64>) -> io::Result<Box<dyn Append>> {
        let Some(len) = len else {
            let file = private::file().write(true).create_new(true).open(path)?;
            return Ok(Box::new(file));
        };
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.cut(len)?;
        Ok(Box::new(file))
    }
}

impl Append for File {
    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)?;
        self.seek(SeekFrom::Start(len))?;
        Ok(())
    }
}

/// Makes names created in or removed from a folder durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    // Windows cannot open a folder like a file, and does not need it.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
