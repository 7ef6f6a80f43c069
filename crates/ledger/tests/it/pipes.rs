//! Pipes in the folder of a log: whoever can make one there does not make others wait for ever.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use bartizan_core::event::Event;
use bartizan_core::id::RequestId;
use bartizan_ledger::EventLogWriter;
use bartizan_ledger::serve::Served;
use bartizan_ledger::trust::Trust;
use bartizan_ledger::verify::verify;

use super::CONFIG;

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn nobody_waits_for_a_pipe() {
    let names = [
        "checkpoint",
        "log.vkey",
        "checkpoint.witnessed",
        "signing.key",
        ".lock",
        "tile/0/000.p/3",
        "events",
        "torn",
    ];
    for name in names {
        let dir = tempfile::tempdir().unwrap();
        let log = EventLogWriter::open(dir.path(), CONFIG).unwrap();
        for _ in 0..3 {
            log.append(&Event::new(RequestId::new(), "gateway", "chat-completions")).unwrap();
        }
        drop(log);
        let trust = Trust::of_log(bartizan_ledger::public_key(dir.path()).unwrap());
        let path = match name {
            "events" => segment(dir.path()),
            "torn" => {
                // Where the half of a line would be kept.
                let segment = segment(dir.path());
                let mut file = std::fs::OpenOptions::new().append(true).open(&segment).unwrap();
                file.write_all(b"{\"half").unwrap();
                segment.with_extension("jsonl.torn")
            }
            name => dir.path().join(name),
        };
        let _ = std::fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let folder = dir.path().to_owned();
        returns(name, "read", move || bartizan_ledger::read(&folder, None).count());
        let folder = dir.path().to_owned();
        let is_used = returns(name, "is_in_use", move || bartizan_ledger::is_in_use(&folder));
        assert!(!is_used, "{name}");
        let served = Served::new(dir.path().to_owned());
        let answers = returns(name, "serve", move || {
            [served.checkpoint().is_ok(), served.tile("tile/entries/000.p/3").is_ok()]
        });
        let is_told = ["checkpoint", "log.vkey", "checkpoint.witnessed"].contains(&name);
        let has_tiles = !["checkpoint", "log.vkey", "events"].contains(&name);
        assert_eq!(answers, [!is_told, has_tiles], "{name}");
        let folder = dir.path().to_owned();
        let holds = returns(name, "verify", move || verify(&folder, &trust, |_| ()).is_ok());
        assert_eq!(
            holds,
            !["checkpoint", "checkpoint.witnessed", "tile/0/000.p/3", "events"].contains(&name),
            "{name}"
        );
        let folder = dir.path().to_owned();
        let opens = returns(name, "open", move || EventLogWriter::open(&folder, CONFIG).is_ok());
        // What can be made again is.
        assert_eq!(
            opens,
            ["log.vkey", "checkpoint.witnessed", "tile/0/000.p/3"].contains(&name),
            "{name}"
        );
    }
}

/// What it comes to, if it ends.
fn returns<T: Send + 'static>(
    name: &str,
    what: &str,
    ask: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(ask()));
    told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("`{what}` waits for `{name}`"))
}

fn segment(dir: &Path) -> PathBuf {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension().is_some_and(|end| end == "jsonl")).unwrap()
}
