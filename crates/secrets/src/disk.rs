//! How it is seen that a file was changed by somebody else.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use bartizan_core::limits::read_capped;

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
