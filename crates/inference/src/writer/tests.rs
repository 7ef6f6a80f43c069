//! What is kept can be read, is bounded, survives crashes, goes when its time is over, and is gone when it is erased.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;

use bartizan_core::event::{Event, RecordError, Recorded};
use bartizan_core::id::RequestId;
use bartizan_core::limits::read_capped;
use bartizan_core::payload::{Receipt, Side};
use tempfile::TempDir;

use super::file::Append;
use super::*;
use crate::keys::tests::source;
use crate::reader::{Check, Opened, Reader};
use crate::{erase, removed_segment, segment};

const DAY: Duration = Duration::from_hours(24);

/// Remembers events, and refuses them when told to.
#[derive(Default)]
struct Events {
    all: Mutex<Vec<Event>>,
    refuses: AtomicBool,
}

impl EventSink for Events {
    fn record(&self, event: &Event) -> Result<Recorded, RecordError> {
        if self.refuses.load(Ordering::SeqCst) {
            return Err(RecordError(io::ErrorKind::StorageFull.into()));
        }
        self.all.lock().push(event.clone());
        Ok(Recorded::Settled)
    }
}

struct Rig {
    dir: TempDir,
    events: Arc<Events>,
    store: InferenceStore,
}

impl Rig {
    fn new(store: InferenceStore) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), events: Arc::default(), store }
    }

    fn parts(&self) -> Parts {
        let events = Arc::clone(&self.events) as Arc<dyn EventSink>;
        Parts { dir: self.dir.path().to_owned(), store: self.store, keys: source(&[0]), events }
    }

    fn open(&self) -> InferenceLog {
        InferenceLog::open(self.parts()).unwrap()
    }

    fn reader(&self) -> Reader {
        Reader::open(self.dir.path(), source(&[0])).unwrap()
    }

    fn removed(&self) -> Vec<u64> {
        let all = self.events.all.lock();
        all.iter().filter_map(|event| Some(removed_segment(event)?.0)).collect()
    }

    fn bytes(&self, number: u64) -> Vec<u8> {
        let file = std::fs::File::open(segment::path(self.dir.path(), number)).unwrap();
        read_capped(file, 1 << 30).unwrap()
    }
}

fn payload(name: &str, text: &str, keep: Duration) -> Payload {
    let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
    event.principal = Some(name.to_owned());
    event.endpoint = Some("protected-llm".to_owned());
    let side = |text: String| Some(Side::new(text.clone().into_bytes(), text.len() as u64));
    let (request, answer) = (side(format!("ask {text}")), side(format!("answer {text}")));
    Payload { event, keep, request, answer }
}

/// Keeps exchanges one after the other.
fn keep(log: &InferenceLog, payload: Payload) -> Result<Receipt, NotKept> {
    let (tell, told) = mpsc::channel();
    log.keep(payload, Box::new(move |result| tell.send(result).unwrap()));
    told.recv().unwrap()
}

fn texts(reader: &mut Reader) -> Vec<String> {
    let found = reader.since(None).unwrap();
    let mut texts = Vec::new();
    for (number, entry) in found {
        texts.push(match reader.read(number, &entry).unwrap() {
            Opened::Content { name, content, .. } => {
                let request = content.request.unwrap();
                format!("{name}: {}", String::from_utf8_lossy(request.bytes()))
            }
            Opened::Erased { .. } => "erased".to_owned(),
            other => format!("{other:?}"),
        });
    }
    texts
}

#[test]
fn what_is_kept_is_read_back_and_is_what_its_receipt_says() {
    let rig = Rig::new(InferenceStore::DEFAULT);
    let log = rig.open();
    let alice = payload("alice@example.com", "one", DAY);
    let id = alice.event.request_id;
    let receipt = keep(&log, alice.clone()).unwrap();
    let second = keep(&log, payload("sp:bob", "two", DAY)).unwrap();
    // Also while it is written.
    let mut reader = rig.reader();
    assert_eq!(texts(&mut reader), ["alice@example.com: ask one", "sp:bob: ask two"]);
    let (number, entry) = reader.find(id).unwrap().unwrap();
    let Opened::Content { receipt: found, content, .. } = reader.read(number, &entry).unwrap()
    else {
        panic!("it opens")
    };
    assert_eq!((found, content.event, content.answer), (receipt, alice.event, alice.answer));
    assert_eq!(reader.find(RequestId::new()).unwrap(), None);
    let mut outsider = Reader::without_key(rig.dir.path());
    assert_eq!(outsider.check(&receipt).unwrap(), Check::Same);
    for (wrong, expected) in [
        (Receipt { digest: second.digest, ..receipt }, Check::Changed),
        (Receipt { offset: second.offset, ..receipt }, Check::Changed),
        (Receipt { offset: 1 << 40, ..receipt }, Check::Missing),
        (Receipt { segment: 9, ..receipt }, Check::NoSegment),
    ] {
        assert_eq!(outsider.check(&wrong).unwrap(), expected, "{wrong}");
    }
    // Without a key, nothing of it can be read anywhere in the folder.
    for word in [&b"ask one"[..], b"answer two", b"chat-completions"] {
        assert!(!rig.bytes(1).windows(word.len()).any(|window| window == word));
    }
    let stats = log.stats();
    assert_eq!((stats.kept, stats.waiting, stats.waiting_bytes), (2, 0, 0));
}

#[test]
fn only_one_writes_and_the_next_goes_on_where_it_ended() {
    let rig = Rig::new(InferenceStore::DEFAULT);
    let log = rig.open();
    keep(&log, payload("alice", "one", DAY)).unwrap();
    assert!(matches!(InferenceLog::open(rig.parts()), Err(InferenceError::Locked { .. })));
    drop(log);
    let log = rig.open();
    keep(&log, payload("alice", "two", DAY)).unwrap();
    assert_eq!(texts(&mut rig.reader()), ["alice: ask one", "alice: ask two"]);
    assert_eq!(rig.reader().segments().unwrap(), [1]);
}

#[test]
fn nothing_of_an_erased_person_opens_with_all_keys_at_hand() {
    let rig = Rig::new(InferenceStore { segment_bytes: 1200, ..InferenceStore::DEFAULT });
    let log = rig.open();
    let mut receipts = Vec::new();
    for text in ["one", "two", "three"] {
        receipts.push(keep(&log, payload("alice@example.com", text, DAY)).unwrap());
        keep(&log, payload("sp:bob", text, DAY)).unwrap();
    }
    let before = rig.bytes(1);
    assert_eq!(erase(rig.dir.path(), "alice@example.com").unwrap(), 1);
    // The writer that runs beside has the key in memory, and does not bring it back.
    keep(&log, payload("sp:bob", "four", DAY)).unwrap();
    let found = texts(&mut rig.reader());
    assert_eq!(found.iter().filter(|text| *text == "erased").count(), 3);
    assert!(!found.iter().any(|text| text.contains("alice")), "{found:?}");
    assert_eq!(found.iter().filter(|text| text.starts_with("sp:bob")).count(), 4);
    // Records stay as they are, and so does what proves them.
    assert_eq!(rig.bytes(1), before);
    let mut outsider = Reader::without_key(rig.dir.path());
    for receipt in receipts {
        assert_eq!(outsider.check(&receipt).unwrap(), Check::Same);
    }
    // Each data key that is left, put in the place of the one that is gone, opens nothing of it.
    let mut keys = crate::keys::Keys::open(rig.dir.path(), source(&[0])).unwrap();
    let (_, bobs) = keys.of("sp:bob").unwrap();
    let mut file = segment::SegmentFile::open(rig.dir.path(), 1).unwrap();
    let frame = file.read(segment::HEAD_LEN).unwrap().unwrap();
    assert!(frame.unseal(bobs).is_err());
    for entry in std::fs::read_dir(rig.dir.path()).unwrap() {
        let bytes =
            read_capped(std::fs::File::open(entry.unwrap().path()).unwrap(), 1 << 30).unwrap();
        assert!(!bytes.windows(5).any(|window| window == b"alice"));
    }
    // Who calls again after that is somebody new.
    keep(&log, payload("alice@example.com", "again", DAY)).unwrap();
    assert!(texts(&mut rig.reader()).contains(&"alice@example.com: ask again".to_owned()));
}

#[test]
fn records_that_are_swapped_repeated_or_moved_do_not_open() {
    let rig = Rig::new(InferenceStore::DEFAULT);
    let log = rig.open();
    let first = keep(&log, payload("alice", "one", DAY)).unwrap();
    let second = keep(&log, payload("alice", "two", DAY)).unwrap();
    drop(log);
    let whole = rig.bytes(1);
    let (head, records) = whole.split_at(first.offset as usize);
    let (one, two) = records.split_at((second.offset - first.offset) as usize);
    assert_eq!(one.len(), two.len());
    for changed in [[head, two, one].concat(), [head, one, one].concat()] {
        std::fs::write(segment::path(rig.dir.path(), 1), changed).unwrap();
        let mut reader = Reader::without_key(rig.dir.path());
        assert_eq!(reader.check(&second).unwrap(), Check::Changed);
        assert!(reader.scanned(1).unwrap().entries.len() < 2);
    }
    std::fs::write(segment::path(rig.dir.path(), 1), &whole[..second.offset as usize]).unwrap();
    let mut reader = Reader::without_key(rig.dir.path());
    assert_eq!(reader.check(&second).unwrap(), Check::Missing);
}

#[test]
fn half_a_record_at_the_end_is_put_aside() {
    let rig = Rig::new(InferenceStore::DEFAULT);
    let log = rig.open();
    keep(&log, payload("alice", "one", DAY)).unwrap();
    let second = keep(&log, payload("alice", "two", DAY)).unwrap();
    drop(log);
    let whole = rig.bytes(1);
    for cut in [1, 3, 4, 40, whole.len() - second.offset as usize - 1] {
        let end = second.offset as usize + cut;
        std::fs::write(segment::path(rig.dir.path(), 1), &whole[..end]).unwrap();
        let log = rig.open();
        keep(&log, payload("alice", "three", DAY)).unwrap();
        drop(log);
        assert_eq!(texts(&mut rig.reader()), ["alice: ask one", "alice: ask three"], "{cut}");
        let torn = segment::torn_path(rig.dir.path(), 1);
        assert_eq!(std::fs::metadata(&torn).unwrap().len(), cut as u64);
        std::fs::remove_file(torn).unwrap();
    }
    // A crash in the first bytes of a segment.
    std::fs::write(segment::path(rig.dir.path(), 1), &whole[..7]).unwrap();
    keep(&rig.open(), payload("alice", "four", DAY)).unwrap();
    assert_eq!(texts(&mut rig.reader()), ["alice: ask four"]);
}

#[test]
fn the_oldest_go_when_the_log_is_too_large_and_the_event_log_says_so() {
    let rig = Rig::new(InferenceStore { segment_bytes: 2_000, total_bytes: 8_000 });
    let log = rig.open();
    for text in 0..30 {
        keep(&log, payload(&format!("sp:caller-{text}"), "words", DAY)).unwrap();
    }
    drop(log);
    let left = rig.reader().segments().unwrap();
    let removed = rig.removed();
    assert!(removed.len() > 2 && left.len() > 2, "{removed:?} {left:?}");
    // All that were are accounted for: removed and said, or there.
    let all: Vec<u64> = removed.iter().chain(&left).copied().collect();
    assert_eq!(all, (1..=*left.last().unwrap()).collect::<Vec<_>>());
    let total: usize = left.iter().map(|number| rig.bytes(*number).len()).sum();
    assert!(total <= 8_000 + 3_000, "{total}");
    // Nobody is named any more of whom nothing is left.
    let keys = std::fs::File::open(rig.dir.path().join("keys.jsonl")).unwrap();
    let keys = String::from_utf8(read_capped(keys, 1 << 20).unwrap()).unwrap();
    assert!(!keys.contains("sp:caller-0\""), "{keys}");
    assert!(keys.contains("sp:caller-29\""));
    assert!(!segment::index_path(rig.dir.path(), 1).exists());
}

#[test]
fn segments_whose_records_are_all_past_go_and_others_stay() {
    let rig = Rig::new(InferenceStore { segment_bytes: 100, ..InferenceStore::DEFAULT });
    let log = rig.open();
    keep(&log, payload("alice", "long", DAY)).unwrap();
    keep(&log, payload("alice", "short", Duration::ZERO)).unwrap();
    keep(&log, payload("alice", "longer", DAY)).unwrap();
    drop(log);
    drop(rig.open());
    assert_eq!(rig.removed(), [2]);
    assert_eq!(texts(&mut rig.reader()), ["alice: ask long", "alice: ask longer"]);
}

#[test]
fn what_is_past_is_not_shown_although_its_segment_has_others() {
    let rig = Rig::new(InferenceStore::DEFAULT);
    let log = rig.open();
    keep(&log, payload("alice", "long", DAY)).unwrap();
    keep(&log, payload("alice", "short", Duration::ZERO)).unwrap();
    drop(log);
    assert_eq!(texts(&mut rig.reader()), ["alice: ask long", "Past"]);
}

#[test]
fn a_segment_that_is_none_any_more_keeps_nobody_from_being_forgotten() {
    let rig = Rig::new(InferenceStore { segment_bytes: 100, ..InferenceStore::DEFAULT });
    let log = rig.open();
    keep(&log, payload("bob", "gone", DAY)).unwrap();
    keep(&log, payload("dave", "behind a damaged head", DAY)).unwrap();
    keep(&log, payload("alice", "past", Duration::ZERO)).unwrap();
    keep(&log, payload("carol", "stays", DAY)).unwrap();
    drop(log);
    std::fs::write(segment::path(rig.dir.path(), 1), "nonsense").unwrap();
    let mut second = rig.bytes(2);
    second[0] ^= 1;
    std::fs::write(segment::path(rig.dir.path(), 2), &second).unwrap();
    std::fs::remove_file(segment::index_path(rig.dir.path(), 2)).unwrap();
    // Something else goes, and with it whoever has no record any more.
    let log = rig.open();
    keep(&log, payload("erin", "past", Duration::ZERO)).unwrap();
    keep(&log, payload("carol", "stays too", DAY)).unwrap();
    drop(log);
    drop(rig.open());
    assert_eq!(rig.removed(), [3, 5]);
    let keys = std::fs::File::open(rig.dir.path().join("keys.jsonl")).unwrap();
    let keys = String::from_utf8(read_capped(keys, 1 << 20).unwrap()).unwrap();
    let known = |name: &str| keys.contains(&format!("\"{name}\""));
    assert!(known("carol") && known("dave") && !known("alice") && !known("bob"), "{keys}");
    assert!(texts(&mut rig.reader()).contains(&"Damaged".to_owned()));
    // Whoever mends the head reads what was behind it.
    second[0] ^= 1;
    std::fs::write(segment::path(rig.dir.path(), 2), &second).unwrap();
    assert_eq!(
        texts(&mut rig.reader()).iter().filter(|text| text.contains("damaged head")).count(),
        1
    );
}

#[test]
fn a_time_that_was_not_sealed_hides_nothing() {
    let rig = Rig::new(InferenceStore::DEFAULT);
    keep(&rig.open(), payload("alice", "kept", DAY)).unwrap();
    let (number, entry) = rig.reader().since(None).unwrap()[0];
    let mut bytes = rig.bytes(number);
    crate::frame::tests::forge_until(&mut bytes, number, &entry, 0);
    std::fs::write(segment::path(rig.dir.path(), number), &bytes).unwrap();
    let (number, entry) = rig.reader().since(None).unwrap()[0];
    assert_eq!(entry.until, 0, "it is a record by its digest");
    assert_eq!(rig.reader().read(number, &entry).unwrap(), Opened::Damaged);
}

#[test]
fn what_the_event_log_does_not_take_is_not_removed() {
    let rig = Rig::new(InferenceStore { segment_bytes: 100, ..InferenceStore::DEFAULT });
    let log = rig.open();
    rig.events.refuses.store(true, Ordering::SeqCst);
    keep(&log, payload("alice", "one", Duration::ZERO)).unwrap();
    keep(&log, payload("alice", "two", DAY)).unwrap();
    drop(log);
    drop(rig.open());
    assert!(rig.reader().segments().unwrap().contains(&1));
    rig.events.refuses.store(false, Ordering::SeqCst);
    drop(rig.open());
    assert!(!rig.reader().segments().unwrap().contains(&1));
    assert_eq!(rig.removed(), [1]);
}

#[test]
fn a_segment_number_is_never_given_twice() {
    let rig = Rig::new(InferenceStore { segment_bytes: 100, ..InferenceStore::DEFAULT });
    let mut receipts = BTreeSet::new();
    for _ in 0..5 {
        let log = rig.open();
        let receipt = keep(&log, payload("alice", "words", Duration::ZERO)).unwrap();
        assert!(receipts.insert((receipt.segment, receipt.offset)), "{receipt}");
    }
}

/// A disk that refuses when it is told to.
#[derive(Clone, Default)]
struct Refusing {
    adds: Arc<AtomicBool>,
    syncs: Arc<AtomicBool>,
    /// Waits before each write until it is let go.
    gate: Arc<Mutex<()>>,
}

struct RefusingFile(Box<dyn Append>, Refusing);

impl Disk for Refusing {
    fn open(&self, path: &Path, len: Option<u64>) -> io::Result<Box<dyn Append>> {
        Ok(Box::new(RefusingFile(FileSystem.open(path, len)?, self.clone())))
    }
}

impl Append for RefusingFile {
    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        drop(self.1.gate.lock());
        if self.1.adds.load(Ordering::SeqCst) {
            self.0.add(&bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.add(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.1.syncs.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        self.0.sync()
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.cut(len)
    }
}

#[test]
fn what_the_disk_refuses_is_not_kept_and_leaves_nothing_behind() {
    let rig = Rig::new(InferenceStore::DEFAULT);
    let disk = Refusing::default();
    let log = InferenceLog::open_on(Box::new(disk.clone()), rig.parts()).unwrap();
    keep(&log, payload("alice", "one", DAY)).unwrap();
    for refuses in [&disk.adds, &disk.syncs] {
        assert!(log.is_ready());
        refuses.store(true, Ordering::SeqCst);
        assert_eq!(keep(&log, payload("alice", "lost", DAY)), Err(NotKept::Disk));
        assert!(!log.is_ready());
        refuses.store(false, Ordering::SeqCst);
        keep(&log, payload("alice", "next", DAY)).unwrap();
    }
    assert_eq!(texts(&mut rig.reader()), ["alice: ask one", "alice: ask next", "alice: ask next"]);
    assert_eq!(log.stats().not_kept[1], 2);
}

#[test]
fn what_waits_is_bounded_and_what_is_refused_is_told_at_once() {
    let rig = Rig::new(InferenceStore::DEFAULT);
    let disk = Refusing::default();
    let log = InferenceLog::open_on(Box::new(disk.clone()), rig.parts()).unwrap();
    let shut = disk.gate.lock();
    let (tell, told) = mpsc::channel();
    let large = "x".repeat(1 << 20);
    for _ in 0..80 {
        let tell = tell.clone();
        let mut payload = payload("alice", "", DAY);
        payload.request = Some(Side::new(large.clone().into_bytes(), 1 << 20));
        log.keep(payload, Box::new(move |result| tell.send(result).unwrap()));
    }
    let refused = std::iter::from_fn(|| told.try_recv().ok()).collect::<Vec<_>>();
    assert!(!refused.is_empty() && refused.len() < 80, "{}", refused.len());
    assert!(refused.iter().all(|result| *result == Err(NotKept::QueueFull)));
    assert!(log.stats().waiting_bytes <= QUEUE_BYTES);
    drop(shut);
    // Closing waits for all that was taken.
    log.close();
    let kept = std::iter::from_fn(|| told.try_recv().ok()).collect::<Vec<_>>();
    assert_eq!(kept.len() + refused.len(), 80);
    assert!(kept.iter().all(Result::is_ok));
    assert_eq!(keep(&log, payload("alice", "late", DAY)), Err(NotKept::Closed));
}

#[test]
fn without_a_master_key_nothing_is_opened() {
    let rig = Rig::new(InferenceStore::DEFAULT);
    let keys: KeySource = Arc::new(|| Err("no key".into()));
    let opened = InferenceLog::open(Parts { keys, ..rig.parts() });
    assert!(matches!(opened, Err(InferenceError::MasterKey(_))));
}

#[test]
fn another_master_key_opens_nothing_and_takes_nothing() {
    let rig = Rig::new(InferenceStore::DEFAULT);
    keep(&rig.open(), payload("alice", "one", DAY)).unwrap();
    let mut reader = Reader::open(rig.dir.path(), source(&[100])).unwrap();
    assert_eq!(texts(&mut reader), ["NoKey"]);
    let log = InferenceLog::open(Parts { keys: source(&[100]), ..rig.parts() }).unwrap();
    assert_eq!(keep(&log, payload("alice", "two", DAY)), Err(NotKept::Key));
    // A ring in which the new key is the current one opens both, and seals the old one's again.
    drop(log);
    let log = InferenceLog::open(Parts { keys: source(&[100, 0]), ..rig.parts() }).unwrap();
    keep(&log, payload("alice", "two", DAY)).unwrap();
    drop(log);
    let mut reader = Reader::open(rig.dir.path(), source(&[100])).unwrap();
    assert_eq!(texts(&mut reader), ["alice: ask one", "alice: ask two"]);
}
