//! Reads the log back, oldest event first, from any process.
//!
//! Memory is bounded by one line. A line that is no event is reported with its place and skipped;
//! whoever reads decides whether that is fatal.

use std::io;
use std::path::Path;

use bartizan_core::event::Event;
use jiff::{SignedDuration, Timestamp};

use crate::disk;
use crate::error::LedgerError;
use crate::lines::{Line, Lines};
use crate::segment::{self, Segment};
use crate::subjects::Names;

/// An event is written after it was stamped, and clocks are set back by small amounts. A file whose
/// successor started this long before the time asked for holds nothing that recent.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(10);

/// Goes through the events of the log in the folder `dir`, in the order of writing.
///
/// With `since`, older events are left out, and files that cannot hold newer ones are not opened.
/// A line that the writer has not finished yet is left out. The first item is an error when the
/// folder cannot be listed. Names stand in the place of pseudonyms, as far as they are not erased.
pub fn read(dir: &Path, since: Option<Timestamp>) -> Events {
    let listed = segment::list(dir)
        .map_err(|source| LedgerError::Folder { path: dir.to_owned(), source })
        .and_then(|segments| Ok((segments, Names::of(dir)?)));
    let (segments, names, failed) = match listed {
        Ok((segments, names)) => (recent(segments, since), names, None),
        Err(error) => (Vec::new(), Names::default(), Some(error)),
    };
    Events {
        segments: segments.into_iter(),
        names,
        current: None,
        failed,
        since: since.map(bartizan_core::time::format),
        line: Vec::new(),
    }
}

/// Iterator over the events of a log; see [`read`].
#[derive(Debug)]
pub struct Events {
    segments: std::vec::IntoIter<Segment>,
    names: Names,
    current: Option<Lines>,
    failed: Option<LedgerError>,
    /// In the form of event times, which sort as text.
    since: Option<String>,
    line: Vec<u8>,
}

impl Iterator for Events {
    type Item = Result<Event, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(error) = self.failed.take() {
                return Some(Err(error));
            }
            let Some(lines) = &mut self.current else {
                let segment = self.segments.next()?;
                match disk::open(&segment.path) {
                    Ok(file) => self.current = Some(Lines::new(file, segment.path)),
                    // Removed for its age since the folder was listed.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(source) => {
                        self.failed = Some(LedgerError::Segment { path: segment.path, source });
                    }
                }
                continue;
            };
            match lines.next_into(&mut self.line) {
                Ok(Line::Whole) if self.line.trim_ascii().is_empty() => {}
                Ok(Line::Whole) => match serde_json::from_slice::<Event>(&self.line) {
                    Ok(event) if self.since.as_ref().is_some_and(|since| event.time < *since) => {}
                    Ok(mut event) => {
                        if !self.names.reveal(&mut event) {
                            // Whose entry this is was written before it was, and perhaps after the names were
                            // read.
                            if let Err(error) = self.names.refresh() {
                                return Some(Err(error));
                            }
                            self.names.reveal(&mut event);
                        }
                        return Some(Ok(event));
                    }
                    Err(source) => return Some(Err(lines.malformed(source))),
                },
                Ok(Line::TooLong) => return Some(Err(lines.too_long())),
                Ok(Line::Unfinished) => {
                    let torn = lines.torn();
                    self.current = None;
                    // In the newest file the writer may be at work on this line right now.
                    if !self.segments.as_slice().is_empty() {
                        return Some(Err(torn));
                    }
                }
                Ok(Line::End) => self.current = None,
                Err(source) => {
                    let path = lines.path().to_owned();
                    self.current = None;
                    return Some(Err(LedgerError::Segment { path, source }));
                }
            }
        }
    }
}

/// Drops the files that ended before the time asked for.
fn recent(mut segments: Vec<Segment>, since: Option<Timestamp>) -> Vec<Segment> {
    let Some(horizon) = since.and_then(|since| since.checked_sub(CLOCK_SLACK).ok()) else {
        return segments;
    };
    let old = segments.iter().skip(1).take_while(|next| next.start <= horizon).count();
    segments.drain(..old);
    segments
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use bartizan_core::id::RequestId;
    use proptest::prelude::*;

    use super::*;
    use crate::LINE_BYTES;

    #[test]
    fn reads_files_in_order_and_skips_blank_lines() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), 2, &[&line("b")]);
        put(dir.path(), 1, &[&line("a"), b"  \n", b"\n"]);
        assert_eq!(operations(read(dir.path(), None)), ["a", "b"]);
    }

    #[test]
    fn says_where_a_line_is_no_event_and_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = put(dir.path(), 1, &[&line("a"), b"{\"x\":\xFF}\n", &line("b")]);
        let mut events = read(dir.path(), None);
        assert_eq!(events.next().unwrap().unwrap().operation, "a");
        let error = events.next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), format!("`{}` line 2 is not an event", path.display()));
        assert_eq!(operations(events), ["b"]);
    }

    #[test]
    fn caps_the_length_of_a_line_and_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let long = [vec![b'x'; LINE_BYTES + 100_000], b"\n".to_vec()].concat();
        put(dir.path(), 1, &[&long, &line("a")]);
        let mut events = read(dir.path(), None);
        let error = events.next().unwrap().unwrap_err();
        assert!(matches!(error, LedgerError::LineTooLong { line: 1, .. }), "{error}");
        assert_eq!(operations(events), ["a"]);
    }

    #[test]
    fn an_unfinished_line_is_news_only_in_an_old_file() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), 1, &[&line("a"), b"{\"half"]);
        assert_eq!(operations(read(dir.path(), None)), ["a"]);
        put(dir.path(), 2, &[&line("b")]);
        let all: Vec<_> = read(dir.path(), None).collect();
        assert!(matches!(all[1], Err(LedgerError::Torn { line: 2, .. })), "{all:?}");
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn leaves_out_old_events_and_does_not_open_old_files() {
        let dir = tempfile::tempdir().unwrap();
        // Were the first file opened, its content would be reported.
        put(dir.path(), 1, &[b"not an event\n"]);
        let mut old = Event::new(RequestId::new(), "gateway", "old");
        old.time = "1970-01-01T02:59:59.999999Z".to_owned();
        let mut old = serde_json::to_vec(&old).unwrap();
        old.push(b'\n');
        put(dir.path(), 2, &[&old, &line("new")]);
        put(dir.path(), 4, &[&line("newer")]);
        let since = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(3);
        assert_eq!(operations(read(dir.path(), Some(since))), ["new", "newer"]);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let mut events = read(&dir.path().join("nowhere"), None);
        assert!(matches!(events.next(), Some(Err(LedgerError::Folder { .. }))));
        assert!(events.next().is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn events_survive_any_noise_around_them(
            noise in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..8),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let mut bytes = Vec::new();
            for noise in &noise {
                bytes.extend_from_slice(noise);
                bytes.push(b'\n');
                bytes.extend(line("a"));
            }
            put(dir.path(), 1, &[&bytes]);
            let found = read(dir.path(), None).flatten().count();
            prop_assert_eq!(found, noise.len());
        }
    }

    fn line(operation: &str) -> Vec<u8> {
        let event = Event::new(RequestId::new(), "gateway", operation);
        let mut line = serde_json::to_vec(&event).unwrap();
        line.push(b'\n');
        line
    }

    /// Writes a file that started `hour` hours into 1970.
    fn put(dir: &Path, hour: i64, parts: &[&[u8]]) -> PathBuf {
        let start = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        let path = Segment::at(dir, hour as u64, start).path;
        std::fs::write(&path, parts.concat()).unwrap();
        path
    }

    fn operations(events: Events) -> Vec<String> {
        events.map(|event| event.unwrap().operation).collect()
    }
}
