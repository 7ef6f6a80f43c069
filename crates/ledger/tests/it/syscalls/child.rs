//! The process that a fault happens to: writes events from one thread, and says what was acknowledged.
//!
//! It waits until its thread is watched before that does anything, and ends by waiting until the log takes
//! events again.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_core::limits::read_text_file;
use bartizan_core::settings::Ledger;
use bartizan_ledger::EventLogWriter;

const LOG: &str = "BARTIZAN_TEST_FAULTED_DIR";
const THREAD: &str = "BARTIZAN_TEST_FAULTED_THREAD_FILE";
const TRACED: &str = "BARTIZAN_TEST_FAULTED_THREAD";
/// Small files, some of which are to be removed.
pub(super) const CONFIG: Ledger =
    Ledger { segment_bytes: 6_000, total_bytes: 66_000, ..Ledger::DEFAULT };
const EVENTS: u32 = 40;
/// Most bytes of what the system says of a thread.
const STATUS_BYTES: u64 = 64 << 10;
/// How long to wait for whoever watches.
const PATIENCE: Duration = Duration::from_secs(20);
const PATIENT: &str = "BARTIZAN_TEST_FAULTED_PATIENT";
/// Longer than the log takes to sign by itself.
const UNTIL_SIGNED: Duration = Duration::from_millis(700);

/// The thread that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Traced {
    /// The one that opens the log, records events and asks for signatures.
    Caller,
    /// The one of the log that brings events to the disk.
    Sync,
    /// The one of the log that signs.
    Sign,
}

impl Traced {
    pub(super) const ALL: [Self; 3] = [Self::Caller, Self::Sync, Self::Sign];

    fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Sync => "event-log-sync",
            Self::Sign => "event-log-sign",
        }
    }
}

/// Whether the log is to take events again at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recovery {
    Expected,
    Hopeless,
}

impl Recovery {
    /// How long that may take: the log asks the disk again after a second, and two threads may do so one
    /// after the other.
    fn patience() -> Duration {
        let is_expected = std::env::var_os(PATIENT).is_some_and(|patient| patient == "yes");
        Duration::from_millis(if is_expected { 6_000 } else { 200 })
    }
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Told {
    Nothing,
    /// Some events were acknowledged.
    Acknowledged,
    /// The log could not be opened.
    Refused,
    /// All events were tried, and the log does not take any more.
    Failing,
    /// All events were tried, and the log takes more.
    Recovered,
    /// Nobody came to watch.
    Untraced,
}

impl Told {
    pub(super) fn of(line: &str) -> Self {
        match line.split(' ').next() {
            Some("ack") => Self::Acknowledged,
            Some("refused") => Self::Refused,
            Some("failing") => Self::Failing,
            Some("recovered") => Self::Recovered,
            Some("untraced") => Self::Untraced,
            _ => Self::Nothing,
        }
    }
}

pub(super) fn environment(
    log: &Path,
    thread: &Path,
    traced: Traced,
    recovery: Recovery,
) -> [(&'static str, OsString); 4] {
    let patient = if recovery == Recovery::Expected { "yes" } else { "no" };
    [
        (LOG, log.into()),
        (THREAD, thread.into()),
        (TRACED, traced.name().into()),
        (PATIENT, patient.into()),
    ]
}

pub(super) fn was_started() -> bool {
    std::env::var_os(LOG).is_some()
}

pub(super) fn run() {
    let log = PathBuf::from(std::env::var_os(LOG).unwrap());
    let name = std::env::var(TRACED).unwrap();
    let traced = Traced::ALL.into_iter().find(|traced| traced.name() == name).unwrap();
    if traced != Traced::Caller {
        return work(&log, traced, || be_watched(&thread_named(traced.name())));
    }
    let (say, said) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let own = std::fs::read_link("/proc/thread-self").unwrap();
            say.send(own.file_name().unwrap().to_str().unwrap().to_owned()).unwrap();
            // From here on it asks for nothing but what the log does.
            if told.recv().unwrap() {
                work(&log, traced, || true);
            }
        });
        tell.send(be_watched(&said.recv().unwrap())).unwrap();
    });
}

/// Names a thread to whoever wants to watch it, and waits until that is so.
fn be_watched(thread: &str) -> bool {
    let file = PathBuf::from(std::env::var_os(THREAD).unwrap());
    let new = file.with_extension("new");
    std::fs::write(&new, thread).unwrap();
    std::fs::rename(&new, file).unwrap();
    let status = format!("/proc/self/task/{thread}/status");
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        let status = read_text_file(status.as_ref(), STATUS_BYTES).unwrap();
        if !status.contains("TracerPid:\t0\n") {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    say("untraced");
    false
}

fn thread_named(name: &str) -> String {
    // What is done at a start is done when it is watched.
    std::thread::sleep(Duration::from_millis(60));
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().path());
    let has_name = |path: &PathBuf| {
        let found = read_text_file(&path.join("comm"), STATUS_BYTES);
        found.is_ok_and(|found| found.trim_end() == name)
    };
    let thread = threads.into_iter().find(has_name).unwrap();
    thread.file_name().unwrap().to_str().unwrap().to_owned()
}

fn work(dir: &Path, traced: Traced, when_open: impl FnOnce() -> bool) {
    let log = match EventLogWriter::open(dir, CONFIG) {
        Ok(log) => log,
        Err(error) => return say(&format!("refused {error:?}")),
    };
    if !when_open() {
        return;
    }
    for number in 0..EVENTS {
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        event.principal = Some(format!("sp:caller-{}", number / 3));
        if number % 4 == 3 {
            acknowledge(&log, &event);
        } else if log.append(&event).is_ok() {
            // It survives the process, whoever asks for the disk.
            say(&format!("ack - {}", event.request_id));
        }
        match traced {
            Traced::Caller if number % 8 == 5 => sign(&log),
            Traced::Sync | Traced::Sign if number == EVENTS / 2 => std::thread::sleep(UNTIL_SIGNED),
            _ => {}
        }
    }
    let asked = Instant::now();
    while asked.elapsed() < Recovery::patience() {
        let event = Event::new(RequestId::new(), "gateway", "recovered");
        if log.check().is_ok() && acknowledge(&log, &event) && log.sign().is_ok() {
            sign(&log);
            return say("recovered");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    say("failing");
}

fn acknowledge(log: &EventLogWriter, event: &Event) -> bool {
    let entry = log.record_durably(event);
    if let Ok(entry) = &entry {
        say(&format!("ack {entry} {}", event.request_id));
    }
    entry.is_ok()
}

fn sign(log: &EventLogWriter) {
    if let Ok(Some(signed)) = log.sign() {
        say(&format!("signed {} {} {}", signed.origin, signed.size, signed.root));
    }
}

/// A line of its own. Its call may be the one that is refused.
fn say(line: &str) {
    let line = format!("\n{line}\n");
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes()).or_else(|_| out.write_all(line.as_bytes()));
}
