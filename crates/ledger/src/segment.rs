//! Files of the log: how they are named, listed, repaired after a crash and removed when old.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bartizan_core::private;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::disk::refuse_others;

const PREFIX: &str = "events-";
const SUFFIX: &str = ".jsonl";
/// Sorts like the time it names, and holds no character that any file system refuses.
const START: &str = "%Y%m%dT%H%M%S%.6fZ";
/// How much is read at a time when looking for the end of the last whole line.
const CHUNK_BYTES: u64 = 64 << 10;

/// One file of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Number of its first entry.
    pub(crate) first: u64,
    /// When it was started, in whole microseconds.
    pub(crate) start: Timestamp,
    /// Where it is.
    pub(crate) path: PathBuf,
}

impl Segment {
    /// The file of a folder that begins with an entry, at the given time.
    pub(crate) fn at(dir: &Path, first: u64, start: Timestamp) -> Self {
        let time = Offset::UTC.to_datetime(start).strftime(START);
        Self { first, start, path: dir.join(format!("{PREFIX}{first:012}-{time}{SUFFIX}")) }
    }

    /// A file that is started now, behind one that was started and has entries until `previous`: always
    /// later than that, so that starts grow with the entries even when the clock is set back.
    pub(crate) fn next(dir: &Path, first: u64, previous: Option<Timestamp>) -> Self {
        let now = bartizan_core::time::now().as_microsecond();
        let earliest = previous.map_or(now, |previous| previous.as_microsecond().saturating_add(1));
        let start = Timestamp::from_microsecond(now.max(earliest)).unwrap_or(Timestamp::MAX);
        Self::at(dir, first, start)
    }

    /// A file name that [`Segment::at`] could have made.
    pub(crate) fn from_name(dir: &Path, name: &str) -> Option<Self> {
        let (first, start) = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')?;
        let start = Offset::UTC.to_timestamp(DateTime::strptime(START, start).ok()?).ok()?;
        let segment = Self::at(dir, first.parse().ok()?, start);
        (segment.path.file_name()? == name).then_some(segment)
    }

    /// Where the torn end of this file is kept.
    fn torn_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".torn");
        path.into()
    }

    /// Moves everything behind the last newline to the `.torn` file beside it, and says how much.
    ///
    /// A process that dies in the middle of a write leaves such an end. It is kept, since it is the
    /// only trace of a decision whose answer was never sent.
    pub(crate) fn cut_torn_tail(&self) -> io::Result<u64> {
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        let len = file.metadata()?.len();
        let whole = end_of_last_line(&mut file, len)?;
        let torn_bytes = len - whole;
        if torn_bytes == 0 {
            return Ok(0);
        }
        file.seek(SeekFrom::Start(whole))?;
        refuse_others(&self.torn_path())?;
        let mut torn = private::file().append(true).create(true).open(self.torn_path())?;
        io::copy(&mut (&mut file).take(torn_bytes), &mut torn)?;
        // INVARIANT: the copy is on the disk before the original goes.
        torn.sync_all()?;
        file.set_len(whole)?;
        file.sync_all()?;
        Ok(torn_bytes)
    }

    /// Bytes of the file; none if it is a link or anything else. What lies beside it is not counted: it
    /// takes nothing from the room that entries have.
    fn len(&self) -> io::Result<Option<u64>> {
        let found = fs::symlink_metadata(&self.path)?;
        Ok(found.is_file().then_some(found.len()))
    }

    pub(crate) fn remove(&self) -> io::Result<()> {
        for path in [&self.torn_path(), &self.path] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The files of a folder, in the order of their entries. Files with other names are left alone.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        segments.extend(name.to_str().and_then(|name| Segment::from_name(dir, name)));
    }
    segments.sort_unstable_by_key(|segment| (segment.first, segment.start));
    Ok(segments)
}

/// What makes files of a log too many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surplus {
    /// First entry of the file that is written to; it stays, with all behind it.
    pub(crate) active: u64,
    /// This entry and those behind it stay.
    pub(crate) needed: u64,
    /// Most bytes of the files before the active one.
    pub(crate) budget_bytes: u64,
    /// Files that have only entries from before go.
    pub(crate) oldest: Timestamp,
}

impl Surplus {
    /// The files of a folder that have to go, oldest first, each with one past its last entry.
    pub(crate) fn of(self, dir: &Path) -> io::Result<Vec<(Segment, u64)>> {
        let mut all = Vec::new();
        for segment in list(dir)? {
            // INVARIANT: none of the log's own is left out, or what is removed would not end where it says.
            all.extend(segment.len()?.map(|len| (len, segment)));
        }
        // A file has no entry from after the start of the next one.
        let ends: Vec<_> = all.iter().skip(1).map(|(_, next)| (next.first, next.start)).collect();
        let closed = all.into_iter().zip(ends).filter(|((_, file), _)| file.first < self.active);
        let closed: Vec<_> = closed.collect();
        let mut total: u64 = closed.iter().map(|((len, _), _)| len).sum();
        let goes = closed.into_iter().map_while(|((len, segment), (end, ended))| {
            let is_fine = total <= self.budget_bytes && ended >= self.oldest;
            let stays = is_fine || end > self.needed;
            total = total.saturating_sub(len);
            (!stays).then_some((segment, end))
        });
        Ok(goes.collect())
    }
}

/// Offset behind the last newline of the file; 0 when there is none.
fn end_of_last_line(file: &mut File, len: u64) -> io::Result<u64> {
    let mut end = len;
    let mut chunk = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(CHUNK_BYTES);
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_read_back_and_sort_by_their_entries() {
        let dir = Path::new("/log");
        let start: Timestamp = "2026-01-02T03:04:05.000006Z".parse().unwrap();
        let segment = Segment::at(dir, 70_000, start);
        let name = "events-000000070000-20260102T030405.000006Z.jsonl";
        assert_eq!(segment.path, dir.join(name));
        assert_eq!(Segment::from_name(dir, name), Some(segment.clone()));
        assert!(Segment::at(dir, 70_001, start - hour()).path > segment.path);
        for other in [
            "events-.jsonl",
            "events-20260102T030405.000006Z.jsonl",
            "events-70000-20260102T030405.000006Z.jsonl",
            "events-000000070000-20260102T030405Z.jsonl",
            "events-000000070000-20260102T030405.000006Z.jsonl.torn",
        ] {
            assert_eq!(Segment::from_name(dir, other), None, "{other}");
        }
    }

    #[test]
    fn a_clock_set_back_keeps_the_order() {
        let future = bartizan_core::time::now() + hour();
        assert!(Segment::next(Path::new("/log"), 1, Some(future)).start > future);
    }

    #[test]
    fn removes_the_oldest_first_and_never_the_active_one() {
        let dir = tempfile::tempdir().unwrap();
        let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let segments: Vec<_> = (0..4).map(|n| Segment::at(dir.path(), 5 * n, start)).collect();
        for segment in &segments {
            fs::write(&segment.path, [b'x'; 10]).unwrap();
        }
        fs::write(segments[0].torn_path(), "half").unwrap();
        // Somebody who may write here cannot make the log remove entries.
        fs::write(segments[1].torn_path(), [b'x'; 1_000]).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(segments[1].torn_path(), Segment::at(dir.path(), 7, start).path)
            .unwrap();
        let from = |needed, budget_bytes, oldest| {
            let go = Surplus { active: 15, needed, budget_bytes, oldest }.of(dir.path()).unwrap();
            go.into_iter().map(|(segment, end)| (segment.first, end)).collect::<Vec<_>>()
        };
        let go = |needed, budget| from(needed, budget, start);
        assert_eq!(go(15, 20), [(0, 5)]);
        assert_eq!(go(15, 0), [(0, 5), (5, 10), (10, 15)]);
        assert_eq!(go(14, 0), [(0, 5), (5, 10)]);
        assert_eq!(go(4, 0), []);
        // All that ended before goes for its age, and what is needed stays.
        assert_eq!(from(15, 1_000, start + hour()), [(0, 5), (5, 10), (10, 15)]);
        assert_eq!(from(14, 1_000, start + hour()), [(0, 5), (5, 10)]);
        let _ = fs::remove_file(Segment::at(dir.path(), 7, start).path);
        segments[0].remove().unwrap();
        assert!(!segments[0].torn_path().exists());
        assert_eq!(list(dir.path()).unwrap(), segments[1..]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_byte_is_lost_by_cutting(
            lines in prop::collection::vec("[a-z]{0,40}", 0..6),
            tail in prop::collection::vec(any::<u8>().prop_filter("in a line", |b| *b != b'\n'), 0..90),
            long in any::<bool>(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let segment = Segment::at(dir.path(), 0, Timestamp::UNIX_EPOCH);
            let whole: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
            let tail = if long { tail.repeat(2_000) } else { tail };
            fs::write(&segment.path, [whole.as_bytes(), &tail].concat()).unwrap();
            prop_assert_eq!(segment.cut_torn_tail().unwrap(), tail.len() as u64);
            prop_assert_eq!(read(&segment.path), whole.as_bytes());
            prop_assert_eq!(read(&segment.torn_path()), tail);
            prop_assert_eq!(segment.cut_torn_tail().unwrap(), 0);
        }
    }

    fn read(path: &Path) -> Vec<u8> {
        match File::open(path) {
            Ok(file) => bartizan_core::limits::read_capped(file, 1 << 20).unwrap(),
            Err(_) => Vec::new(),
        }
    }

    fn hour() -> jiff::SignedDuration {
        jiff::SignedDuration::from_hours(1)
    }
}
