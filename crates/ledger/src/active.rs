//! The segment that is written to: lines go in whole or not at all.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::time::Timestamp;

use crate::disk::SegmentFile;
use crate::lines::{Line, Lines};
use crate::segment::Segment;

/// Written and taken away again to find out whether a disk that was full takes a block again.
/// Readers skip blank lines, should the process die in between.
static BLANK_BLOCK: [u8; 4096] = {
    let mut block = [b' '; 4096];
    block[4095] = b'\n';
    block
};

/// The file that takes new lines.
pub(crate) struct Active {
    pub(crate) segment: Segment,
    /// Shared with the sync thread.
    pub(crate) file: Arc<dyn SegmentFile>,
    len: u64,
    /// How old it was when it was opened here. A clock that is set later does not count.
    age: Duration,
    opened: Instant,
    latest: Latest,
    /// The file, as long as it has lines that were not looked at for their time.
    unread: Option<PathBuf>,
    // INVARIANT: when this is false, the file is exactly `len` bytes of whole lines.
    torn: bool,
}

/// Bytes of a time of an event; all have the same form, which sorts as text.
const TIME_BYTES: usize = "2026-01-02T03:04:05.000006Z".len();

/// The latest time of events.
struct Latest([u8; TIME_BYTES]);

impl Latest {
    /// Looks at the time of a line. Inside of a text, quotes are escaped, so that there is one.
    fn note(&mut self, line: &[u8]) {
        const KEY: &[u8] = b"\"time\":\"";
        let found = memchr::memmem::rfind(line, KEY).and_then(|at| line.get(at + KEY.len()..));
        let time = found.and_then(|rest| rest.first_chunk::<TIME_BYTES>());
        if let Some(time) = time.filter(|time| **time > self.0) {
            self.0 = *time;
        }
    }
}

impl Active {
    /// A file that holds `len` bytes of whole lines.
    pub(crate) fn new(segment: Segment, file: Arc<dyn SegmentFile>, len: u64) -> Self {
        let age = bartizan_core::time::now().duration_since(segment.start);
        let age = Duration::try_from(age).unwrap_or_default();
        let unread = (len > 0).then(|| segment.path.clone());
        let latest = Latest([0; TIME_BYTES]);
        Self { segment, file, len, age, opened: Instant::now(), latest, unread, torn: false }
    }

    /// Whether a line of this many bytes belongs into the next file.
    pub(crate) fn is_full_for(&self, line_bytes: usize, segment_bytes: u64) -> bool {
        self.len > 0 && self.len.saturating_add(line_bytes as u64) > segment_bytes
    }

    /// Whether the file was begun longer ago than this and has entries.
    pub(crate) fn is_old(&self, age: Duration) -> bool {
        self.len > 0 && self.opened.elapsed().saturating_add(self.age) > age
    }

    /// Appends one line. When it does not fit as a whole, what was written of it is taken away.
    pub(crate) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.mend()?;
        let mut rest = line;
        while !rest.is_empty() {
            let error = match self.file.append(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            self.torn = rest.len() < line.len();
            // The error that matters is the first; what cannot be mended now is mended by the
            // next call.
            let _ = self.mend();
            return Err(error);
        }
        self.len += line.len() as u64;
        self.latest.note(line);
        Ok(())
    }

    /// The latest time of the file: that of its start or of an event in it, which a clock that was ahead may
    /// have given. Reads the file if it is not known, which is once for a file that was opened anew.
    pub(crate) fn latest(&mut self) -> Timestamp {
        if let Some(unread) = self.unread.take() {
            // What cannot be read is found by nobody, whatever its time.
            if let Ok(file) = crate::disk::open(&unread) {
                let mut lines = Lines::new(file, unread);
                let mut line = Vec::new();
                while let Ok(Line::Whole | Line::TooLong) = lines.next_into(&mut line) {
                    self.latest.note(&line);
                }
            }
        }
        let latest = std::str::from_utf8(&self.latest.0).ok().and_then(|time| time.parse().ok());
        latest.unwrap_or(self.segment.start).max(self.segment.start)
    }

    /// Takes away what a failed write left behind.
    pub(crate) fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.truncate(self.len)?;
            self.torn = false;
        }
        Ok(())
    }

    /// Finds out whether the disk takes data, without leaving any.
    pub(crate) fn probe(&mut self) -> io::Result<()> {
        let len = self.len;
        self.append(&BLANK_BLOCK)?;
        self.len = len;
        self.torn = true;
        self.mend()
    }
}
