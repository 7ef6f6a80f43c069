//! A file, and what can be wrong with the folder it is in.

use std::fs;
use std::path::{Path, PathBuf};

use bartizan_core::limits::read_capped;
use bartizan_core::settings::{FileSink, SinkKind};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};

use super::{Mood, Receiver};

pub(crate) struct FileReceiver {
    folder: PathBuf,
}

impl FileReceiver {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { folder: dir.join("export") }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("events.jsonl")
    }
}

impl Receiver for FileReceiver {
    fn kind(&self) -> SinkKind {
        SinkKind::File(FileSink { path: self.path(), rotate_bytes: 64 << 10, keep: 100 })
    }

    fn set(&mut self, mood: Mood) -> BoxFuture<'_, ()> {
        match mood {
            // A file stands where the folder should be.
            Mood::Refuses => fs::write(&self.folder, "in the way").unwrap(),
            // A process died in the middle of a line.
            Mood::Cuts => {
                if self.folder.is_file() {
                    fs::remove_file(&self.folder).unwrap();
                }
                fs::create_dir_all(&self.folder).unwrap();
                if !self.path().exists() {
                    fs::write(self.path(), "{\"half").unwrap();
                }
            }
            Mood::Slow | Mood::Well => {}
        }
        ready(()).boxed()
    }

    fn lines(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>> {
        let numbered = |number| PathBuf::from(format!("{}.{number}", self.path().display()));
        let mut files: Vec<PathBuf> =
            (1..100).map(numbered).take_while(|path| path.exists()).collect();
        files.reverse();
        files.push(self.path());
        let mut lines = Vec::new();
        for path in files.iter().filter(|path| path.is_file()) {
            let content = read_capped(fs::File::open(path).unwrap(), 1 << 30).unwrap();
            lines.extend(
                content
                    .split_inclusive(|byte| *byte == b'\n')
                    .filter_map(|line| line.strip_suffix(b"\n").map(<[u8]>::to_vec)),
            );
        }
        ready(lines).boxed()
    }
}
