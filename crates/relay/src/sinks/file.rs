//! Lines of JSON in a file, for log shippers that read its end.
//!
//! The file is turned over before a batch that does not fit: `PATH` becomes `PATH.1`, `PATH.1` becomes
//! `PATH.2`, and so on. A batch is on the disk when it is taken.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bartizan_core::private;
use bartizan_core::settings;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;

use crate::batch::Batch;
use crate::cursor::sync_folder;
use crate::error::{Interrupted, SinkError};
use crate::sinks::Sink;

/// How much is read at a time when looking for the end of the last whole line.
const CHUNK_BYTES: u64 = 64 << 10;

/// A file that grows.
#[derive(Debug)]
pub(super) struct FileSink {
    settings: settings::FileSink,
    /// A write whose end nobody has seen yet.
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl FileSink {
    pub(super) fn new(settings: &settings::FileSink) -> Self {
        Self { settings: settings.clone(), writing: None }
    }

    async fn write(&mut self, batch: &Batch) -> io::Result<()> {
        if let Some(before) = &mut self.writing {
            // Whoever asked for it has given up, and it may go on all the same: a thread that waits for
            // the disk cannot be stopped. Two at once would mix their lines.
            let _ = before.await;
            self.writing = None;
        }
        let settings = self.settings.clone();
        let mut lines = Vec::with_capacity(batch.len_bytes() + batch.entries.len());
        for entry in &batch.entries {
            lines.extend_from_slice(&entry.line);
            lines.push(b'\n');
        }
        let writing = tokio::task::spawn_blocking(move || append(&settings, &lines));
        let written = self.writing.insert(writing).await;
        self.writing = None;
        written.map_err(io::Error::other)?
    }
}

impl Sink for FileSink {
    fn ship<'a>(&'a mut self, batch: &'a Batch) -> BoxFuture<'a, Result<(), Interrupted>> {
        async move {
            let written = self.write(batch).await;
            let path = &self.settings.path;
            Ok(written.map_err(|source| SinkError::File { path: path.clone(), source })?)
        }
        .boxed()
    }
}

/// Appends lines and brings them to the disk; all of them, or none.
fn append(settings: &settings::FileSink, lines: &[u8]) -> io::Result<()> {
    let path = &settings.path;
    let (mut file, mut len) = open(path)?;
    if len > 0 && len.saturating_add(lines.len() as u64) > settings.rotate_bytes {
        let permissions = file.metadata()?.permissions();
        drop(file);
        turn_over(path, settings.keep)?;
        (file, len) = open(path)?;
        // Whoever was allowed to read the file may read the next one.
        file.set_permissions(permissions)?;
    }
    let written = file.write_all(lines).and_then(|()| file.sync_data());
    if written.is_err() {
        // Half of a line would be read as one. What cannot be mended now is mended by the next call.
        let _ = file.set_len(len);
    }
    written
}

/// The file and its length, at the end of its last whole line. Where a process died in the middle of a
/// write, half a line is left, which is shipped again.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let open = || private::file().read(true).write(true).create(true).truncate(false).open(path);
    let (mut file, is_new) = match (path.try_exists()?, open()) {
        (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            private::make_folder(path.parent().unwrap_or(Path::new(".")))?;
            (open()?, true)
        }
        (existed, opened) => (opened?, !existed),
    };
    if is_new {
        sync_folder(path)?;
    }
    let len = file.metadata()?.len();
    let whole = end_of_last_line(&mut file, len)?;
    if whole < len {
        file.set_len(whole)?;
    }
    file.seek(SeekFrom::Start(whole))?;
    Ok((file, whole))
}

/// Gives every file the next number, and removes the last.
fn turn_over(path: &Path, keep: u32) -> io::Result<()> {
    let numbered = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    if keep == 0 {
        return fs::remove_file(path);
    }
    for number in (1..keep).rev() {
        match fs::rename(numbered(number), numbered(number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, numbered(1))?;
    sync_folder(path)
}

/// Offset behind the last newline of the file; 0 when there is none.
fn end_of_last_line(file: &mut File, len: u64) -> io::Result<u64> {
    let mut end = len;
    let mut chunk = Vec::new();
    while end > 0 {
        // The last byte is a newline as good as always.
        let start = if end == len { end - 1 } else { end.saturating_sub(CHUNK_BYTES) };
        chunk.resize((end - start) as usize, 0);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut chunk)?;
        if let Some(newline) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use bartizan_core::limits::read_text_file;

    use super::*;

    fn settings(dir: &Path, rotate_bytes: u64, keep: u32) -> settings::FileSink {
        settings::FileSink { path: dir.join("out/events.jsonl"), rotate_bytes, keep }
    }

    fn text(settings: &settings::FileSink, end: &str) -> Option<String> {
        let path = format!("{}{end}", settings.path.display());
        read_text_file(Path::new(&path), 1 << 20).ok()
    }

    #[test]
    fn turns_over_before_what_does_not_fit_and_keeps_so_many() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), 8, 2);
        for lines in ["a\nb\n", "c\nd\n", "e\n", "a line longer than the file\n", "f\n"] {
            append(&settings, lines.as_bytes()).unwrap();
        }
        assert_eq!(text(&settings, "").unwrap(), "f\n");
        assert_eq!(text(&settings, ".1").unwrap(), "a line longer than the file\n");
        assert_eq!(text(&settings, ".2").unwrap(), "e\n");
        assert_eq!(text(&settings, ".3"), None);
    }

    #[test]
    fn keeps_none_where_none_is_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), 4, 0);
        append(&settings, b"a\nb\n").unwrap();
        append(&settings, b"c\n").unwrap();
        assert_eq!(text(&settings, "").unwrap(), "c\n");
        assert_eq!(text(&settings, ".1"), None);
    }

    #[test]
    fn half_a_line_of_a_process_that_died_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), 1 << 20, 1);
        append(&settings, b"a\n").unwrap();
        let half = "x".repeat(3 * CHUNK_BYTES as usize);
        fs::write(&settings.path, format!("a\n{half}")).unwrap();
        append(&settings, b"b\n").unwrap();
        assert_eq!(text(&settings, "").unwrap(), "a\nb\n");
    }

    #[cfg(unix)]
    #[test]
    fn the_next_file_may_be_read_by_whoever_read_this_one() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), 2, 1);
        append(&settings, b"a\n").unwrap();
        let mode = || fs::metadata(&settings.path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&settings.path, fs::Permissions::from_mode(0o640)).unwrap();
        append(&settings, b"b\n").unwrap();
        assert_eq!(mode(), 0o640);
    }
}
