//! `load FOLDER SECONDS ENTRIES`: how fast a log in that folder takes events and is checked, as one line of JSON.
//!
//! First the disk alone: how often it takes four kibibytes for good. Then 64 threads that wait for each of
//! their events, threads that do not wait, a log of so many entries from end to end, and proofs.
//! `cargo xtask bench ledger` runs it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "stops at the first surprise"
)]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use bartizan_core::channel::Channel;
use bartizan_core::event::{Event, FindingRecord};
use bartizan_core::id::RequestId;
use bartizan_core::settings::Ledger;
use bartizan_core::verdict::Verdict;
use bartizan_ledger::EventLogWriter;
use bartizan_ledger::checkpoint::Checkpoint;
use bartizan_ledger::log_proof::LogProof;
use bartizan_ledger::merkle::verify_inclusion;
use bartizan_ledger::prove::prove;
use bartizan_ledger::trust::Trust;
use bartizan_ledger::verify::verify;
use serde_json::{Value, json};

const WRITERS: usize = 64;
const CONFIG: Ledger = Ledger { segment_bytes: 64 << 20, total_bytes: 1 << 40, ..Ledger::DEFAULT };

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --examples` and the like start it with nothing to do.
    let [folder, seconds, entries] = words.as_slice() else { return };
    let folder = Path::new(folder);
    let time = Duration::from_secs_f64(seconds.parse().unwrap());
    let entries: u64 = entries.parse().unwrap();
    std::fs::create_dir_all(folder).unwrap();
    let disk = [disk(folder, time / 2)];
    let durable = durable(&folder.join("durable"), time);
    let disk = [disk[0], self::disk(folder, time / 2)];
    let batched = batched(&folder.join("batched"), time);
    let whole = whole(&folder.join("whole"), entries);
    let result =
        json!({ "disk_syncs_per_s": disk, "durable": durable, "batched": batched, "whole": whole });
    println!("{result}");
}

/// Syncs per second of one file that grows by four kibibytes each time.
fn disk(folder: &Path, time: Duration) -> f64 {
    let mut file = File::create(folder.join("disk")).unwrap();
    let (started, mut syncs) = (Instant::now(), 0_u32);
    while started.elapsed() < time {
        file.write_all(&[b'x'; 4096]).unwrap();
        file.sync_data().unwrap();
        syncs += 1;
    }
    f64::from(syncs) / started.elapsed().as_secs_f64()
}

/// Threads that wait for the disk with each event.
fn durable(folder: &Path, time: Duration) -> Value {
    let log = EventLogWriter::open(folder, CONFIG).unwrap();
    let started = Instant::now();
    let mut waits: Vec<Duration> = std::thread::scope(|scope| {
        let write = || {
            let mut waits = Vec::new();
            while started.elapsed() < time {
                let event = event();
                let asked = Instant::now();
                log.record_durably(&event).unwrap();
                waits.push(asked.elapsed());
            }
            waits
        };
        let threads: Vec<_> = (0..WRITERS).map(|_| scope.spawn(write)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let taken = started.elapsed().as_secs_f64();
    let signed = log.sign().unwrap().unwrap().size;
    assert_eq!(signed, waits.len() as u64);
    waits.sort_unstable();
    let at = |share: f64| millis(waits[(waits.len() as f64 * share) as usize]);
    json!({
        "writers": WRITERS,
        "per_s": waits.len() as f64 / taken,
        "ack_p50_ms": at(0.5),
        "ack_p99_ms": at(0.99),
        "ack_max_ms": waits.last().map(|wait| millis(*wait)),
    })
}

/// Two threads that do not wait, as the gateway's.
fn batched(folder: &Path, time: Duration) -> Value {
    let log = EventLogWriter::open(folder, CONFIG).unwrap();
    let started = Instant::now();
    let written: u64 = std::thread::scope(|scope| {
        let write = || {
            let mut written = 0;
            while started.elapsed() < time {
                log.append(&event()).unwrap();
                written += 1;
            }
            written
        };
        let threads = [scope.spawn(write), scope.spawn(write)];
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let taken = started.elapsed().as_secs_f64();
    let asked = Instant::now();
    assert_eq!(log.sign().unwrap().unwrap().size, written);
    json!({ "per_s": written as f64 / taken, "signed_after_ms": millis(asked.elapsed()) })
}

/// A log of many entries: written, opened again, verified; and proofs of some of them.
fn whole(folder: &Path, entries: u64) -> Value {
    let log = EventLogWriter::open(folder, CONFIG).unwrap();
    let ids = [event(), event()];
    for number in 0..entries {
        log.append(&ids[(number % 2) as usize]).unwrap();
    }
    log.sign().unwrap();
    drop(log);
    let started = Instant::now();
    drop(EventLogWriter::open(folder, CONFIG).unwrap());
    let opened = started.elapsed();
    let trust = Trust::of_log(bartizan_ledger::public_key(folder).unwrap());
    let started = Instant::now();
    assert_eq!(verify(folder, &trust, |_| ()).unwrap().checked, entries);
    let verified = started.elapsed();
    let step = (entries / 64).max(1) as usize;
    let chosen: Vec<u64> = (0..entries).step_by(step).collect();
    let started = Instant::now();
    let proofs: Vec<String> =
        chosen.iter().map(|entry| prove(folder, *entry).unwrap().to_string()).collect();
    let proved = started.elapsed() / proofs.len() as u32;
    let rounds = 64;
    let parsed: Vec<(LogProof, Checkpoint)> = proofs
        .iter()
        .map(|proof| {
            let proof: LogProof = proof.parse().unwrap();
            let checkpoint = proof.checkpoint.text().parse().unwrap();
            (proof, checkpoint)
        })
        .collect();
    let started = Instant::now();
    for _ in 0..rounds {
        for (proof, tree) in &parsed {
            let leaf = proof.leaf().unwrap();
            verify_inclusion(leaf, proof.index, tree.size, tree.root, &proof.hashes).unwrap();
        }
    }
    let included = started.elapsed() / (rounds * proofs.len() as u32);
    let started = Instant::now();
    for _ in 0..rounds {
        for proof in &proofs {
            let proof: LogProof = proof.parse().unwrap();
            proof.verify(proof.leaf().unwrap(), &trust).unwrap();
        }
    }
    let checked = started.elapsed() / (rounds * proofs.len() as u32);
    json!({
        "entries": entries,
        "opened_s": opened.as_secs_f64(),
        "verified_s": verified.as_secs_f64(),
        "proof_made_ms": millis(proved),
        "inclusion_checked_us": included.as_secs_f64() * 1e6,
        "proof_checked_us": checked.as_secs_f64() * 1e6,
    })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// An event as the gateway writes them, of some 650 bytes.
fn event() -> Event {
    let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
    event.principal = Some("sp:support-bot".to_owned());
    event.endpoint = Some("protected-llm".to_owned());
    event.provider = Some("openai".to_owned());
    event.model = Some("gpt-5-mini".to_owned());
    event.status = Some(200);
    "9f86d081884c7d65".clone_into(&mut event.policy);
    event.verdict = Verdict::Mask;
    event.rule = Some("g-pii".to_owned());
    event.tokens_in = Some(312);
    event.tokens_out = Some(87);
    event.nano_usd = Some(252_000);
    event.duration_us = Some(51_000);
    for rule in ["email", "iban"] {
        event.findings.push(FindingRecord {
            guardrail: "g-pii".to_owned(),
            rule: rule.to_owned(),
            category: "pii".to_owned(),
            channel: Channel::User,
            pointer: "/messages/0/content".to_owned(),
            turns: None,
            score: 1.0,
            disguise: None,
            verdict: Verdict::Mask,
            dry_run: false,
            exception: None,
        });
    }
    event
}
