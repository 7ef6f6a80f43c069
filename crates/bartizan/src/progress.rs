//! How far a long scan is, on stderr: a line that is written over on a terminal, a plain line every
//! ten seconds elsewhere.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::terminal::Terminal;

/// Time between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// Time between two looks of a line that is written over.
const LIVE_EVERY: Duration = Duration::from_millis(200);

/// What is counted.
#[derive(Debug, Clone, Copy, Default)]
enum Counts {
    #[default]
    Texts,
    Entries,
}

/// Counts what was scanned; a thread tells.
pub(crate) struct Progress {
    counted: Arc<Counted>,
    teller: Option<(Sender<()>, JoinHandle<()>)>,
}

#[derive(Default)]
pub(crate) struct Counted {
    counts: Counts,
    /// Texts or entries.
    items: AtomicU64,
    bytes: AtomicU64,
}

impl Counted {
    /// Adds what was scanned.
    pub(crate) fn add(&self, items: u64, bytes: u64) {
        self.items.fetch_add(items, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    fn said(&self, since: Instant) -> String {
        let (items, bytes) = (self.items.load(Relaxed), self.bytes.load(Relaxed));
        let seconds = since.elapsed().as_secs_f64();
        let (verb, one, many) = match self.counts {
            Counts::Texts => ("scanned", "text", "texts"),
            Counts::Entries => ("read", "entry", "entries"),
        };
        let noun = if items == 1 { one } else { many };
        format!("{verb} {items} {noun}, {:.1} MB in {seconds:.0} s", bytes as f64 / 1e6)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// The line is written over, and gone at the end.
    Live,
    /// One line after the other.
    Plain,
}

impl Progress {
    /// Starts to tell, where that is wanted. Data on the same terminal is progress enough.
    pub(crate) fn start(terminal: Terminal, data_on_terminal: bool) -> Self {
        Self::of(Counts::Texts, terminal, data_on_terminal)
    }

    /// Starts to tell of entries of a log, where that is wanted.
    pub(crate) fn of_entries(terminal: Terminal) -> Self {
        // What is found comes at the end, so it is no progress, wherever it goes.
        Self::of(Counts::Entries, terminal, false)
    }

    fn of(counts: Counts, terminal: Terminal, data_on_terminal: bool) -> Self {
        let counted = Arc::new(Counted { counts, ..Counted::default() });
        let live = io::stderr().is_terminal();
        if !terminal.progress || (live && data_on_terminal) {
            return Self { counted, teller: None };
        }
        let (manner, every) =
            if live { (Manner::Live, LIVE_EVERY) } else { (Manner::Plain, PLAIN_EVERY) };
        let (stop, stopped) = channel();
        let shared = Arc::clone(&counted);
        let tell = move || tell(&mut io::stderr(), manner, every, &shared, &stopped);
        // Without a thread to spare the scan is told about by its end alone.
        let handle = std::thread::Builder::new().name("progress".to_owned()).spawn(tell).ok();
        Self { counted, teller: handle.map(|handle| (stop, handle)) }
    }

    /// Where to count.
    pub(crate) fn counted(&self) -> Arc<Counted> {
        Arc::clone(&self.counted)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, handle)) = self.teller.take() {
            drop(stop);
            // A teller that failed has nothing left to say.
            let _ = handle.join();
        }
    }
}

fn tell(
    stderr: &mut impl Write,
    manner: Manner,
    every: Duration,
    counted: &Counted,
    stopped: &Receiver<()>,
) {
    let since = Instant::now();
    let mut shown = false;
    while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let said = counted.said(since);
        let written = match manner {
            Manner::Live => write!(stderr, "\r\x1b[K{said}").and_then(|()| stderr.flush()),
            Manner::Plain => writeln!(stderr, "{said}"),
        };
        if written.is_err() {
            return;
        }
        shown = true;
    }
    if shown && manner == Manner::Live {
        // Nobody is left to be told.
        let _ = write!(stderr, "\r\x1b[K").and_then(|()| stderr.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(manner: Manner, wait: Duration) -> String {
        let counted = Counted::default();
        counted.add(1234, 5_600_000);
        let (stop, stopped) = channel();
        let mut written = Vec::new();
        std::thread::scope(|scope| {
            let (written, counted) = (&mut written, &counted);
            scope.spawn(move || {
                tell(written, manner, Duration::from_millis(20), counted, &stopped);
            });
            std::thread::sleep(wait);
            drop(stop);
        });
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn plain_lines_come_at_intervals() {
        let told = told(Manner::Plain, Duration::from_millis(200));
        assert!(told.lines().count() >= 2, "{told}");
        assert!(told.lines().all(|line| line == "scanned 1234 texts, 5.6 MB in 0 s"), "{told}");
    }

    #[test]
    fn a_live_line_is_gone_at_the_end() {
        let told = told(Manner::Live, Duration::from_millis(200));
        assert!(told.contains("scanned 1234 texts") && !told.contains('\n'), "{told:?}");
        assert!(told.ends_with("\r\x1b[K"), "{told:?}");
    }

    #[test]
    fn entries_of_a_log_are_called_so() {
        let counted = Counted { counts: Counts::Entries, ..Counted::default() };
        counted.add(1, 0);
        assert_eq!(counted.said(Instant::now()), "read 1 entry, 0.0 MB in 0 s");
        counted.add(255, 2_000_000);
        assert_eq!(counted.said(Instant::now()), "read 256 entries, 2.0 MB in 0 s");
    }

    #[test]
    fn a_short_scan_says_nothing() {
        assert_eq!(told(Manner::Live, Duration::ZERO), "");
    }
}
