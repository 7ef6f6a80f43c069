//! The log on a system that refuses one call, or on which the process dies at one: every call that each of
//! its threads makes to the file system, by its number. Nothing that was acknowledged is lost, every
//! checkpoint that could be seen begins the next, and no start needs a repair.
//!
//! `BARTIZAN_FAULTS=all cargo test -p bartizan-ledger --test it syscalls` tries every call; without it, one
//! of each sort. The kernel is made to refuse by `strace`, which is told of the one thread that is meant,
//! so that numbers count its calls alone. `syscalls/child.rs` is the process that it happens to.

mod child;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_core::limits::read_text_file;
use bartizan_core::settings::Ledger;
use bartizan_ledger::EventLogWriter;
use bartizan_ledger::checkpoint::Checkpoint;
use bartizan_ledger::merkle::{Hash, verify_consistency};
use bartizan_ledger::note::Note;
use bartizan_ledger::prove::consistency;
use bartizan_ledger::trust::Trust;
use bartizan_ledger::verify::{Verified, verify};

use super::CONFIG;
use super::kills::{all_have_names, lines};
use child::{CONFIG as TIGHT, Recovery, Told, Traced};

const TEST: &str = "syscalls::whatever_call_fails_nothing_that_was_acknowledged_is_lost";
const ALL: &str = "BARTIZAN_FAULTS";
/// Most bytes of what `strace` writes.
const TRACE_BYTES: u64 = 64 << 20;
/// Processes at a time: most of their time they wait.
const AT_A_TIME: usize = 6;
/// Entries of the log that most processes find, of which all but one are signed. A tile becomes full soon.
const FOUND: u64 = 508;

#[test]
fn whatever_call_fails_nothing_that_was_acknowledged_is_lost() {
    if child::was_started() {
        return child::run();
    }
    let strace = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    let is_there = strace.is_ok_and(|status| status.success());
    assert!(is_there, "this test needs the program `strace`: `apt-get install strace`");
    let all = std::env::var(ALL).is_ok_and(|faults| faults == "all");
    let found = tempfile::tempdir().unwrap();
    make_log(found.path());
    let stages = [(None, Traced::Caller)]
        .into_iter()
        .chain(Traced::ALL.map(|traced| (Some(found.path()), traced)))
        .map(|(found, traced)| Stage { found, traced });
    let mut runs: Vec<(Stage<'_>, Fault)> = Vec::new();
    for stage in stages {
        let calls = stage.calls();
        assert!(calls.contains_key("openat"), "{stage:?}: no call was seen: {calls:?}");
        runs.extend(faults(&calls, all).into_iter().map(|fault| (stage, fault)));
    }
    let most = runs.len();
    let (left, ended) = (Mutex::new(runs.iter()), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        let work = || {
            while let Some((stage, fault)) = { left.lock().unwrap().next() } {
                // Said by the panic itself; all others are tried.
                let how = std::panic::catch_unwind(|| stage.run(fault)).unwrap_or(Ended::Broken);
                *ended.lock().unwrap().entry(how).or_insert(0_usize) += 1;
            }
        };
        for _ in 0..AT_A_TIME {
            scope.spawn(work);
        }
    });
    let ended = ended.into_inner().unwrap();
    println!("{most} faults: {ended:?}");
    assert!(!ended.contains_key(&Ended::Broken), "{ended:?}");
    // A thread makes now and then some calls fewer than when they were counted.
    let missed = ended.get(&Ended::Missed).copied().unwrap_or_default();
    assert!(missed * 20 < most, "{missed} of {most} calls were never made: {ended:?}");
}

/// A log that most processes find: a tile that is full soon, files that are to be removed, an entry that
/// nobody has signed, and a line that was cut off.
fn make_log(dir: &Path) {
    let log = EventLogWriter::open(dir, Ledger { segment_bytes: TIGHT.segment_bytes, ..CONFIG });
    let log = log.unwrap();
    for n in 1..FOUND {
        let mut event = Event::new(RequestId::new(), "gateway", "found");
        event.principal = Some(format!("sp:found-{}", n % 3));
        log.append(&event).unwrap();
    }
    drop(log);
    let last = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let last = last.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let last = last.filter(|path| !path.ends_with(bartizan_ledger::subjects::FILE)).max();
    let line = serde_json::to_string(&Event::new(RequestId::new(), "gateway", "unsigned")).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(last.unwrap()).unwrap();
    std::io::Write::write_all(&mut file, format!("{line}\n{}", &line[..50]).as_bytes()).unwrap();
}

/// What happens to a call.
#[derive(Debug, Clone)]
struct Fault {
    call: String,
    /// Of the calls of this name, from 1.
    number: u32,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It fails, and none after it.
    Once(&'static str),
    /// It fails, and all after it.
    FromThenOn(&'static str),
    /// The process dies before it takes effect; that is after the call before took effect.
    Death,
}

impl Fault {
    fn injection(&self) -> String {
        let Self { call, number, kind } = self;
        match kind {
            Kind::Once(error) => format!("inject={call}:error={error}:when={number}"),
            Kind::FromThenOn(error) => format!("inject={call}:error={error}:when={number}+"),
            Kind::Death => format!("inject={call}:signal=KILL:when={number}"),
        }
    }
}

/// How it ended with a fault.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    As(Told),
    /// It left something behind that must not be.
    Broken,
    /// The call was never made.
    Missed,
}

/// What may go wrong with a call.
fn kinds(call: &str) -> Vec<Kind> {
    use Kind::{FromThenOn, Once};
    let mut kinds = match call {
        "write" | "pwrite64" | "copy_file_range" | "mkdir" | "rename" | "openat" => {
            vec![Once("ENOSPC"), FromThenOn("ENOSPC"), Once("EROFS"), FromThenOn("EROFS")]
        }
        "fsync" | "fdatasync" => vec![Once("ENOSPC"), Once("EDQUOT")],
        "unlink" | "ftruncate" => vec![Once("EROFS")],
        // Nothing local refuses to close a folder, and the standard library panics where it is refused.
        "close" => return vec![Once("EINTR"), Kind::Death],
        _ => Vec::new(),
    };
    if call == "openat" {
        kinds.push(Once("EMFILE"));
    }
    kinds.extend([Once("EIO"), FromThenOn("EIO"), Once("EINTR"), Kind::Death]);
    kinds
}

/// Every fault of calls that were made so often, or one of each sort.
fn faults(calls: &BTreeMap<String, u32>, all: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (call, most) in calls {
        for (place, kind) in kinds(call).into_iter().enumerate() {
            // Spread, so that sorts fail at other places each.
            let one = 1 + (place as u32 * 5 + call.len() as u32 * 3) % most;
            let numbers = if all { 1..=*most } else { one..=one };
            let fault = |number| Fault { call: call.clone(), number, kind };
            faults.extend(numbers.map(fault));
        }
    }
    faults
}

/// What a process finds, and which of its threads is watched.
#[derive(Debug, Clone, Copy)]
struct Stage<'f> {
    found: Option<&'f Path>,
    traced: Traced,
}

impl Stage<'_> {
    /// How often the thread makes each call, of those that it makes in the folder of the log.
    fn calls(&self) -> BTreeMap<String, u32> {
        let place = tempfile::tempdir().unwrap();
        let log = self.place(place.path());
        let trace = place.path().join("trace");
        let told = self.start(
            place.path(),
            &["trace=%file,%desc"],
            &trace,
            Recovery::Expected,
            &mut |line| {
                assert!(!line.starts_with("refused"), "{line}");
            },
        );
        assert_eq!(told, Told::Recovered, "without a fault");
        let text = read_text_file(&trace, TRACE_BYTES).unwrap();
        let calls = text.lines().filter_map(|line| Some((line.split_once('(')?.0, line)));
        let folder = log.to_str().unwrap();
        let own: BTreeSet<&str> =
            calls.clone().filter(|(_, line)| line.contains(folder)).map(|(call, _)| call).collect();
        let mut counts = BTreeMap::new();
        for (call, _) in calls.filter(|(call, _)| own.contains(call)) {
            *counts.entry(call.to_owned()).or_default() += 1;
        }
        counts
    }

    /// Runs a process with a fault, and checks what it leaves behind.
    fn run(&self, fault: &Fault) -> Ended {
        let place = tempfile::tempdir().unwrap();
        let log = self.place(place.path());
        let mut seen = Seen::new(&log);
        let inject = fault.injection();
        let refused = place.path().join("trace");
        let recovery = match fault.kind {
            Kind::FromThenOn(_) => Recovery::Hopeless,
            Kind::Once(_) | Kind::Death => Recovery::Expected,
        };
        let mut printed = Vec::new();
        let done = AtomicBool::new(false);
        let told = std::thread::scope(|scope| {
            let watch = scope.spawn(|| seen.watch(&done));
            let take = &mut |line: &str| printed.push(line.to_owned());
            let trace = format!("trace={}", fault.call);
            let told = self.start(place.path(), &[&trace, &inject], &refused, recovery, take);
            done.store(true, Ordering::SeqCst);
            watch.join().unwrap();
            told
        });
        let context = format!("{self:?} {fault:?}: {told:?}");
        let refused = read_text_file(&refused, TRACE_BYTES).unwrap();
        let happened = match fault.kind {
            Kind::Death => told < Told::Failing,
            _ => refused.contains("(INJECTED)"),
        };
        // A fault that goes away leaves a log that takes events again, with no hand on it.
        if matches!(fault.kind, Kind::Once(_)) {
            assert!(matches!(told, Told::Recovered | Told::Refused), "{context}: {printed:?}");
        }
        seen.take_printed(&printed);
        seen.check(&log, &context);
        if happened { Ended::As(told) } else { Ended::Missed }
    }

    /// A folder with the log that the process finds.
    fn place(&self, place: &Path) -> PathBuf {
        let log = place.join("log");
        if let Some(found) = self.found {
            copy(found, &log);
        }
        log
    }

    /// Starts the process and `strace` on its thread, and hands on what the process prints.
    fn start(
        &self,
        place: &Path,
        expressions: &[&str],
        trace: &Path,
        recovery: Recovery,
        take: &mut dyn FnMut(&str),
    ) -> Told {
        // The process is a child of what becomes `strace`, which a system may ask for.
        let script = "\"$@\" & cd /; while kill -0 $! && ! [ -s \"$THREAD\" ]; do sleep 0.01; done; \
                      exec strace -qq $OPTIONS -o \"$TRACE\" -p \"$(cat \"$THREAD\")\"";
        let options: Vec<String> =
            expressions.iter().map(|expression| format!("-e {expression}")).collect();
        let thread = place.join("thread");
        let mut sh = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
            .env("THREAD", &thread)
            .env("TRACE", trace)
            .env("OPTIONS", format!("-y {}", options.join(" ")))
            .envs(child::environment(&place.join("log"), &thread, self.traced, recovery))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut told = Told::Nothing;
        for line in BufReader::new(sh.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            told = told.max(Told::of(&line));
            take(&line);
        }
        sh.wait().unwrap();
        assert!(
            told != Told::Untraced,
            "`strace` may not watch a process of its own: {expressions:?}"
        );
        told
    }
}

/// What could be seen of a log from outside.
struct Seen {
    log: PathBuf,
    checkpoints: BTreeMap<(String, u64), Hash>,
    /// Events that were acknowledged, with their entry where that was said.
    acknowledged: Vec<(Option<u64>, String)>,
}

impl Seen {
    fn new(log: &Path) -> Self {
        Self { log: log.to_owned(), checkpoints: BTreeMap::new(), acknowledged: Vec::new() }
    }

    /// Looks at the checkpoint again and again.
    fn watch(&mut self, done: &AtomicBool) {
        while !done.load(Ordering::SeqCst) {
            self.look();
            std::thread::sleep(Duration::from_millis(2));
        }
        self.look();
    }

    fn look(&mut self) {
        let Ok(text) = read_text_file(&self.log.join("checkpoint"), 1 << 20) else { return };
        let note: Note = text.parse().unwrap_or_else(|error| panic!("{error}: {text:?}"));
        let signed: Checkpoint = note.text().parse().unwrap();
        self.add(&signed);
    }

    fn add(&mut self, signed: &Checkpoint) {
        let before = self.checkpoints.insert((signed.origin.clone(), signed.size), signed.root);
        assert!(before.is_none_or(|before| before == signed.root), "signed twice: {signed:?}");
    }

    fn take_printed(&mut self, printed: &[String]) {
        for line in printed {
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next(), words.next()) {
                // The last line may have been cut off by the end of the process.
                (Some("ack"), Some(entry), Some(id), None) if id.len() == 36 => {
                    self.acknowledged.push((entry.parse().ok(), id.to_owned()));
                }
                (Some("signed"), Some(origin), Some(size), Some(root)) if root.len() == 44 => {
                    let (size, root) = (size.parse().unwrap(), root.parse().unwrap());
                    let (origin, extensions) = (origin.to_owned(), Vec::new());
                    self.add(&Checkpoint { origin, size, root, extensions });
                }
                _ => {}
            }
        }
    }

    /// Checks the log as it lies there, and after the next start, against all that was seen of it.
    fn check(&self, log: &Path, context: &str) {
        let verified = || -> Option<Verified> {
            let key = bartizan_ledger::public_key(log).ok()?;
            let verified = verify(log, &Trust::of_log(key), |_| ());
            Some(verified.unwrap_or_else(|broken| panic!("{context}: {broken}: {broken:?}")))
        };
        let before = verified();
        assert!(before.is_some() || self.acknowledged.is_empty(), "{context}: the key is lost");
        // No start needs a repair, and all goes on.
        let writer = EventLogWriter::open(log, TIGHT);
        let writer = writer.unwrap_or_else(|error| panic!("{context}: {error}: {error:?}"));
        writer.record_durably(&Event::new(RequestId::new(), "gateway", "after")).unwrap();
        writer.sign().unwrap();
        drop(writer);
        let after = verified().unwrap();
        all_have_names(log);
        assert_eq!(after.unsigned, 0, "{context}");

        let lines = lines(log);
        for (entry, id) in &self.acknowledged {
            let found: Vec<u64> = lines
                .iter()
                .filter(|(_, line)| line.contains(id.as_str()))
                .map(|(number, _)| *number)
                .collect();
            assert_eq!(found.len(), 1, "{context}: {id} is in entries {found:?}, not in {entry:?}");
            assert!(entry.is_none_or(|entry| entry == found[0]), "{context}: {entry:?} {found:?}");
        }
        let now = after.signed.checkpoint;
        for ((origin, size), root) in &self.checkpoints {
            let (size, root) = (*size, *root);
            if *origin != now.origin || size == 0 {
                // Whoever dies before there is a key leaves a log of nothing, by a name that nobody has.
                assert_eq!((size, root), (0, Hash::of_empty_tree()), "{context}: {origin}");
                continue;
            }
            assert!(size <= now.size, "{context}: {size} entries were signed, now {now:?}");
            let proof = consistency(log, size, now.size).unwrap();
            verify_consistency(size, root, now.size, now.root, &proof)
                .unwrap_or_else(|error| panic!("{context}: {size} to {}: {error}", now.size));
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
