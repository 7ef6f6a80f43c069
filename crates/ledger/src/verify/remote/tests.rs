//! Logs that are served with every kind of lie, and without.

use std::convert::Infallible;
use std::sync::LazyLock;

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_core::settings::Ledger;
use proptest::prelude::*;

use super::*;
use crate::EventLogWriter;
use crate::note::{Algorithm, SigningKey};
use crate::removal;
use crate::serve::Served;

/// What a server has, by path.
#[derive(Clone, Default)]
struct Shelf {
    files: BTreeMap<String, Vec<u8>>,
    denied: bool,
    asked: Vec<String>,
    /// Files that go when this one is asked for.
    goes: Option<(String, Vec<String>)>,
}

impl Source for Shelf {
    type Error = Infallible;

    fn fetch(&mut self, wanted: &[Wanted]) -> Result<Vec<Fetched>, Infallible> {
        let mut fetched = Vec::new();
        for Wanted { path, limit_bytes } in wanted {
            self.asked.push(path.clone());
            fetched.push(match self.files.get(path) {
                _ if self.denied && path.starts_with("tile/entries/") => Fetched::Denied,
                Some(bytes) if bytes.len() > *limit_bytes => Fetched::TooLong,
                Some(bytes) => Fetched::Bytes(bytes.clone()),
                None => Fetched::Absent,
            });
            if let Some((_, gone)) = self.goes.take_if(|(when, _)| when == path) {
                self.files.retain(|path, _| !gone.contains(path));
            }
        }
        Ok(fetched)
    }
}

impl Shelf {
    fn verify(&mut self, trust: &Trust) -> Result<Verified, Failed<Infallible>> {
        let mut told = 0;
        let verified = verify(self, trust, |entries, _| told += entries);
        if let Ok(verified) = &verified {
            assert_eq!(verified.checked + verified.hashes_only, verified.signed.checkpoint.size);
            assert_eq!(told, verified.signed.checkpoint.size);
        }
        verified
    }

    /// The first entry that is said not to hold, after a change.
    fn broken(&self, trust: &Trust, change: impl FnOnce(&mut Self)) -> (String, Option<u64>) {
        let mut changed = self.clone();
        change(&mut changed);
        match changed.verify(trust) {
            Err(Failed::Broken(broken)) => (broken.to_string(), broken.entry()),
            other => panic!("{other:?}"),
        }
    }

    fn file(&mut self, path: &str) -> &mut Vec<u8> {
        self.files.get_mut(path).unwrap_or_else(|| panic!("{path}"))
    }
}

fn key() -> SigningKey {
    SigningKey::generate("example.org/log".parse().unwrap(), Algorithm::Ed25519).unwrap()
}

fn trust(key: &SigningKey) -> Trust {
    Trust::of_log(key.verifying().clone())
}

fn checkpoint(key: &SigningKey, size: u64, root: Hash) -> Vec<u8> {
    let origin = key.verifying().name().to_string();
    let text = Checkpoint { origin, size, root, extensions: Vec::new() }.to_string();
    let mut note = Note::new(text.clone()).unwrap();
    note.add(key.sign(&text, 0));
    note.to_string().into_bytes()
}

/// Entries of somebody else's log: bytes of any length, none included.
/// The entry that says that those before [`KEPT`] were removed.
static REMOVAL: LazyLock<Vec<u8>> =
    LazyLock::new(|| serde_json::to_vec(&removal::event(KEPT)).unwrap());
const SAYS: u64 = 1_650;
const KEPT: u64 = 500;

fn entry(number: u64) -> Vec<u8> {
    if number == SAYS {
        return REMOVAL.clone();
    }
    number.to_be_bytes().repeat((number % 4) as usize)
}

/// A log of so many entries, with all that it shows for a checkpoint of that size.
fn shelf(key: &SigningKey, size: u64) -> Shelf {
    let mut nodes: BTreeMap<u8, Vec<Hash>> = BTreeMap::new();
    let mut tree = Frontier::new();
    for number in 0..size {
        tree.push(Hash::of_leaf(&entry(number)), |height, _, root| {
            if height.is_multiple_of(8) {
                nodes.entry((height / 8) as u8).or_default().push(root);
            }
        });
    }
    let files = Tile::between(0, size).map(|tile| {
        let range = tile.index * TILE_WIDTH..tile.index * TILE_WIDTH + u64::from(tile.width);
        let bytes = match tile.content {
            Content::Entries => bundle(range),
            Content::Hashes { level } => nodes[&level][range.start as usize..range.end as usize]
                .iter()
                .flat_map(|hash| *hash.as_bytes())
                .collect(),
        };
        (tile.to_string(), bytes)
    });
    let mut files: BTreeMap<String, Vec<u8>> = files.collect();
    files.insert(CHECKPOINT.to_owned(), checkpoint(key, size, tree.root()));
    Shelf { files, ..Shelf::default() }
}

fn bundle(numbers: Range<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in numbers.map(entry) {
        bytes.extend((entry.len() as u16).to_be_bytes());
        bytes.extend(entry);
    }
    bytes
}

#[test]
fn a_log_as_it_is_served_holds() {
    for events in [0, 1, 255, 256, 257, 700] {
        let dir = tempfile::tempdir().unwrap();
        let config = Ledger { segment_bytes: 60_000, total_bytes: 1 << 30, ..Ledger::DEFAULT };
        let log = EventLogWriter::open(dir.path(), config).unwrap();
        for _ in 0..events {
            log.append(&Event::new(RequestId::new(), "gateway", "chat-completions")).unwrap();
        }
        log.sign().unwrap();
        let trust = Trust::of_log(crate::public_key(dir.path()).unwrap());
        let mut served = Folder(Served::new(dir.path().to_owned()));
        let verified = verify(&mut served, &trust, |_, _| ()).unwrap();
        assert_eq!((verified.checked, verified.hashes_only), (events, 0));
        assert_eq!(verified.first, (events > 0).then_some(0));
        assert_eq!(verified.signed.checkpoint.size, events);
    }
}

struct Folder(Served);

impl Source for Folder {
    type Error = crate::LedgerError;

    fn fetch(&mut self, wanted: &[Wanted]) -> Result<Vec<Fetched>, Self::Error> {
        let fetched = wanted.iter().map(|Wanted { path, .. }| {
            let bytes = if path == CHECKPOINT {
                self.0.checkpoint()?.map(String::into_bytes)
            } else {
                self.0.tile(path)?
            };
            Ok(bytes.map_or(Fetched::Absent, Fetched::Bytes))
        });
        fetched.collect()
    }
}

#[test]
fn entries_that_a_log_has_removed_are_counted_and_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    let config = Ledger { segment_bytes: 20_000, total_bytes: 1 << 30, ..Ledger::DEFAULT };
    let log = EventLogWriter::open(dir.path(), Ledger { total_bytes: 100_000, ..config }).unwrap();
    for n in 0..1_500 {
        log.append(&Event::new(RequestId::new(), "gateway", "chat-completions")).unwrap();
        if n % 50 == 0 {
            log.sign().unwrap();
        }
    }
    log.sign().unwrap();
    let trust = Trust::of_log(crate::public_key(dir.path()).unwrap());
    let mut served = Folder(Served::new(dir.path().to_owned()));
    let verified = verify(&mut served, &trust, |_, _| ()).unwrap();
    let kept = crate::segment::list(dir.path()).unwrap()[0].first;
    assert!(kept > 256, "{kept}");
    assert_eq!(verified.first, Some(kept.next_multiple_of(256)));
    assert_eq!(verified.hashes_only, kept.next_multiple_of(256));
    assert_eq!(verified.hashes_only + verified.checked, verified.signed.checkpoint.size);
    assert_eq!(verified.removed_before, kept);
}

#[test]
fn every_hash_and_every_entry_is_looked_at_once() {
    let key = key();
    for size in [0, 1, 255, 256, 257, 511, 512, 700, 65_536, 66_000] {
        let mut log = shelf(&key, size);
        let verified = log.verify(&trust(&key)).unwrap();
        assert_eq!((verified.checked, verified.denied), (size, false));
        let mut asked = log.asked.clone();
        asked.sort();
        // The last bundle shows whether entries are served.
        let last = log.files.keys().rfind(|path| path.starts_with("tile/entries/"));
        let mut expected: Vec<String> = log.files.keys().chain(last).cloned().collect();
        expected.sort();
        assert_eq!(asked, expected, "{size}");
    }
}

#[test]
fn each_kind_of_lie_is_found_where_it_is() {
    let key = key();
    let trust = trust(&key);
    let log = shelf(&key, 66_000);
    let broken = |change: fn(&mut Shelf)| log.broken(&trust, change);
    let named = |entry: u64| (format!("entry {entry} is not the one that was signed"), Some(entry));
    let hashes = |start: u64, end: u64| {
        let said = format!("the hashes of entries {start} to {end} are not those that were signed");
        (said, Some(start))
    };

    // An entry: 259 entries of bundle 1 lie behind two bytes of length each.
    assert_eq!(broken(|log| log.file("tile/entries/001")[4] ^= 1), named(257));
    assert_eq!(
        broken(|log| *log.file("tile/entries/257.p/208").last_mut().unwrap() ^= 1),
        named(65_999)
    );
    // Bundles in each other's place.
    assert_eq!(
        broken(|log| {
            let (one, two) =
                (log.file("tile/entries/003").clone(), log.file("tile/entries/007").clone());
            log.files.insert("tile/entries/003".to_owned(), two);
            log.files.insert("tile/entries/007".to_owned(), one);
        }),
        named(769)
    );
    // An entry and its hash.
    assert_eq!(
        broken(|log| {
            log.file("tile/entries/001")[4] ^= 1;
            let entry = log.file("tile/entries/001")[4..12].to_vec();
            log.file("tile/0/001")[32..64].copy_from_slice(Hash::of_leaf(&entry).as_bytes());
        }),
        hashes(256, 511)
    );
    // Hashes of each level, in full tiles and in those at the edge.
    assert_eq!(broken(|log| log.file("tile/0/005")[9] ^= 1), hashes(1_280, 1_535));
    assert_eq!(broken(|log| log.file("tile/1/000")[9] ^= 1), hashes(0, 65_535));
    for path in ["tile/0/257.p/208", "tile/1/001.p/1", "tile/2/000.p/1"] {
        let (said, _) = log.broken(&trust, |log| log.file(path)[9] ^= 1);
        assert_eq!(said, hashes(0, 65_999).0, "{path}");
    }
    // What is cut off, or goes on.
    let malformed = |path: &str, what: &str, entry: u64| {
        (format!("`{path}` is malformed: {what}"), Some(entry))
    };
    assert_eq!(
        broken(|log| log.file("tile/entries/002").truncate(5)),
        malformed("tile/entries/002", "it ends in entry 513", 513)
    );
    assert_eq!(
        broken(|log| log.file("tile/entries/002").push(0)),
        malformed("tile/entries/002", "it goes on behind entry 767", 768)
    );
    assert_eq!(
        broken(|log| log.file("tile/entries/002").clear()),
        malformed("tile/entries/002", "it ends in entry 512", 512)
    );
    assert_eq!(
        broken(|log| log.file("tile/entries/002").resize(BUNDLE_BYTES + 1, 0)),
        malformed("tile/entries/002", "it is larger than a bundle may be", 512)
    );
    assert_eq!(
        broken(|log| log.file("tile/0/002").truncate(8_160)),
        malformed("tile/0/002", "tile `tile/0/002` has 8160 bytes instead of 8192", 512)
    );
    assert_eq!(
        broken(|log| log.file("tile/0/002").push(0)),
        malformed("tile/0/002", "it is larger than a tile may be", 512)
    );
    assert_eq!(
        broken(|log| log.file("tile/1/001.p/1").extend([0; 32])),
        malformed("tile/1/001.p/1", "tile `tile/1/001.p/1` has 64 bytes instead of 32", 65_536)
    );
    assert_eq!(broken(|log| drop(log.files.remove("tile/0/002"))).1, Some(512));
    assert_eq!(broken(|log| drop(log.files.remove("tile/1/000"))).1, Some(0));
    assert_eq!(broken(|log| drop(log.files.remove("tile/2/000.p/1"))).1, Some(0));
}

#[test]
fn only_a_checkpoint_that_is_signed_and_has_its_tree_is_believed() {
    let (key, other) = (key(), key());
    let log = shelf(&key, 300);
    let with = |checkpoint: Vec<u8>| {
        let mut log = log.clone();
        log.files.insert(CHECKPOINT.to_owned(), checkpoint);
        log.verify(&trust(&key))
    };
    let root = |size: u64| {
        let mut tree = Frontier::new();
        (0..size).for_each(|n| tree.push(Hash::of_leaf(&entry(n)), |_, _, _| ()));
        tree.root()
    };
    assert_eq!(with(checkpoint(&key, 300, root(300))).unwrap().checked, 300);
    let forged = with(checkpoint(&other, 300, root(300)));
    assert!(matches!(forged, Err(Failed::Broken(Broken::Trust(_)))), "{forged:?}");
    // Of more entries than there are, and of others.
    for (size, of) in [(301, 300), (301, 301), (600, 600), (300, 299), (u64::MAX, 300)] {
        let broken = with(checkpoint(&key, size, root(of)));
        assert!(matches!(broken, Err(Failed::Broken(_))), "{size} {of}: {broken:?}");
    }
    // What is no checkpoint says nothing about a log.
    let huge = "a".repeat(NOTE_BYTES + 1);
    for page in [&b"<html>not found</html>"[..], b"", b"\xff\n\n", huge.as_bytes()] {
        let none = with(page.to_vec());
        assert!(matches!(none, Err(Failed::NoLog { .. })), "{none:?}");
    }
    let none = Shelf::default().verify(&trust(&key));
    assert!(none.unwrap_err().to_string().ends_with("it has no `checkpoint`"));
}

#[test]
fn a_log_without_its_entries_holds_by_its_hashes_and_says_how_many() {
    let key = key();
    let trust = trust(&key);
    let log = shelf(&key, 1_700);
    // They are for others.
    let mut denied = Shelf { denied: true, ..log.clone() };
    let verified = denied.verify(&trust).unwrap();
    assert_eq!((verified.checked, verified.hashes_only), (0, 1_700));
    assert_eq!((verified.first, verified.denied), (None, true));
    // Nobody is asked again and again for what is not shown.
    let asked = denied.asked.iter().filter(|path| path.starts_with("tile/entries/")).count();
    assert_eq!(asked, 2);
    let (_, entry) = denied.broken(&trust, |log| log.file("tile/0/003")[1] ^= 1);
    assert_eq!(entry, Some(768));

    // The oldest, and all, are gone.
    let without = |gone: u64| {
        let mut log = log.clone();
        log.files.retain(|path, _| {
            (0..gone).all(|n| !path.starts_with(&format!("tile/entries/{n:03}")))
        });
        log
    };
    for gone in [0, 1, 2, 7] {
        let mut log = without(gone);
        let verified = log.verify(&trust).unwrap();
        let hashes_only = (256 * gone).min(1_700);
        assert_eq!((verified.hashes_only, verified.denied), (hashes_only, false));
        assert_eq!(verified.first, (gone < 7).then_some(hashes_only));
        assert_eq!(verified.removed_before, if gone < 7 { KEPT } else { 0 });
        let (_, entry) = log.broken(&trust, |log| log.file("tile/0/000")[1] ^= 1);
        assert_eq!(entry, Some(0));
    }
    // More than the log says that it removed.
    for gone in [3, 6] {
        let (said, entry) = without(gone).broken(&trust, |_| ());
        assert_eq!((said, entry), (format!("entry {KEPT} is missing"), Some(KEPT)));
    }
}

#[test]
fn entries_that_are_held_back_behind_others_are_missed() {
    let key = key();
    let log = shelf(&key, 1_700);
    for (path, entry) in
        [("tile/entries/001", 256), ("tile/entries/005", 1_280), ("tile/entries/006.p/164", 1_536)]
    {
        let (said, named) = log.broken(&trust(&key), |log| drop(log.files.remove(path)));
        assert_eq!((said, named), (format!("entry {entry} is missing"), Some(entry)));
    }
    // A log that removes them while they are read has removed those before, too.
    let gone = |upto: u64| (0..upto).map(|n| format!("tile/entries/{n:03}")).collect();
    let mut goes = Shelf { goes: Some(("tile/entries/000".to_owned(), gone(2))), ..log.clone() };
    let verified = goes.verify(&trust(&key)).unwrap();
    assert_eq!((verified.first, verified.hashes_only), (Some(512), 256));
    // Not more than it says.
    let mut goes = Shelf { goes: Some(("tile/entries/002".to_owned(), gone(5))), ..log };
    let broken = goes.verify(&trust(&key)).unwrap_err();
    assert_eq!(broken.to_string(), format!("entry {KEPT} is missing"));
}

#[test]
fn a_log_that_grows_meanwhile_is_read_from_the_tiles_that_took_the_place_of_others() {
    let key = key();
    let trust = trust(&key);
    let grown = shelf(&key, 66_000);
    for size in [1, 200, 257, 300, 65_000, 65_600] {
        let mut log = grown.clone();
        let before = shelf(&key, size);
        log.files.insert(CHECKPOINT.to_owned(), before.files[CHECKPOINT].clone());
        // Of tiles that were not full then, only those are left that are not full yet.
        let edge = before.files.into_iter().filter(|(path, _)| {
            let full = path.split_once(".p/").map(|(full, _)| full);
            full.is_some_and(|full| !grown.files.contains_key(full))
        });
        log.files.extend(edge);
        let verified = log.verify(&trust).unwrap();
        assert_eq!((verified.checked, verified.signed.checkpoint.size), (size, size));
        // What lies behind the checkpoint is not held against it; what lies before is.
        let index = (size - 1) / TILE_WIDTH;
        let path = Tile::full_at(Content::Entries, index).to_string();
        if log.files.contains_key(&path) {
            let last = (size - 1) as usize % 256;
            let mut at = (index * 256..size - 1).map(|n| 2 + entry(n).len()).sum::<usize>();
            at += if entry(size - 1).is_empty() { 1 } else { 2 };
            let (_, named) = log.broken(&trust, |log| log.file(&path)[at] ^= 1);
            assert_eq!(named, Some(size - 1), "{size} {last}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_change_to_what_is_served_is_missed(
        size in 1_u64..1_200, place in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(), change in 0..5,
    ) {
        let key = key();
        let mut log = shelf(&key, size);
        let paths: Vec<String> = log.files.keys().cloned().collect();
        let path = place.get(&paths);
        let before = log.files[path].clone();
        let changed = match change {
            0 => {
                let mut bytes = before.clone();
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << other.index(8);
                bytes
            }
            1 => before[..at.index(before.len())].to_vec(),
            2 => [&before[..], &[0, 0]].concat(),
            3 => log.files[other.get(&paths)].clone(),
            _ => {
                let mut bytes = before.clone();
                bytes.remove(at.index(before.len()));
                bytes
            }
        };
        prop_assume!(changed != before);
        log.files.insert(path.clone(), changed);
        let verified = log.verify(&trust(&key));
        prop_assert!(verified.is_err(), "{}: {:?}", path, verified);
    }
}
