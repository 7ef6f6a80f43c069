//! `questions FOLDER ROWS`: how long questions to a log of so many entries take, beside SQLite with the
//! same rows, as one line of JSON.
//!
//! The entries are of thirty days. `cargo xtask bench query` runs it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "stops at the first surprise"
)]

use std::path::Path;
use std::time::Instant;

use bartizan_core::event::{Event, Outcome};
use bartizan_core::id::RequestId;
use bartizan_core::settings::Ledger;
use bartizan_core::time::{Timestamp, format, now};
use bartizan_core::verdict::Verdict;
use bartizan_ledger::subjects::Names;
use bartizan_ledger::{EventLogWriter, entries};
use bartizan_query::{Limits, Tables};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// Days that the entries are of.
const DAYS: i64 = 30;
const TRIES: usize = 5;

/// Questions with `{since}` for the beginning of the last day.
const QUESTIONS: [(&str, &str); 4] = [
    (
        "who was blocked by which rule",
        "SELECT principal, rule, count(*) AS n FROM events WHERE time >= {since} AND verdict = 'block' GROUP BY principal, rule ORDER BY n DESC, principal, rule LIMIT 20",
    ),
    (
        "tokens and cost by endpoint and model",
        "SELECT endpoint, model, count(*) AS n, sum(tokens_in), sum(tokens_out), sum(nano_usd) FROM events WHERE time >= {since} GROUP BY endpoint, model ORDER BY endpoint, model",
    ),
    (
        "who used most tokens",
        "SELECT principal, sum(tokens_in + tokens_out) AS t FROM events WHERE time >= {since} GROUP BY principal ORDER BY t DESC, principal LIMIT 10",
    ),
    (
        "verdicts",
        "SELECT verdict, count(*) AS n FROM events WHERE time >= {since} GROUP BY verdict ORDER BY verdict",
    ),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --examples` and the like start it with nothing to do.
    let [folder, rows] = words.as_slice() else { return };
    let (folder, rows) = (Path::new(folder), rows.parse::<u64>().unwrap());
    let log = folder.join("ledger");
    let until = write(&log, rows);
    let tables = Tables::new(&log, folder.join("tables"));
    let started = Instant::now();
    let refreshed = tables.refresh(&mut |_, _| ()).unwrap();
    let made_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    tables.refresh(&mut |_, _| ()).unwrap();
    let nothing_to_do_ms = millis(started);
    let (sqlite, sqlite_made_s) = load(&log, &folder.join("events.db"));

    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let day = until.as_microsecond() - 24 * 3_600_000_000;
    let spans = [("last day", day), ("all", 0)];
    let asked: Vec<Value> = spans
        .into_iter()
        .flat_map(|span| QUESTIONS.map(|question| (span, question)))
        .map(|((span, since), (name, question))| {
            let ours = question.replace("{since}", &format!("to_timestamp_micros({since})"));
            let theirs = question.replace("{since}", &since.to_string());
            let tries = if span == "all" { 1 } else { TRIES };
            let (mut times, mut peer) = (Vec::new(), Vec::new());
            for _ in 0..tries {
                let started = Instant::now();
                let found = runtime.block_on(ask(&tables, &ours));
                times.push(millis(started));
                let started = Instant::now();
                let known = ask_sqlite(&sqlite, &theirs);
                peer.push(millis(started));
                assert_eq!(found, known, "{ours}");
            }
            json!({ "span": span, "question": name, "ms": median(times), "sqlite_ms": median(peer) })
        })
        .collect();
    let result = json!({
        "rows": rows,
        "in_files": refreshed.end,
        "log_bytes": size(&log, "jsonl"),
        "tables_bytes": size(&folder.join("tables"), "parquet"),
        "sqlite_bytes": size(folder, "db"),
        "made_s": made_s,
        "sqlite_made_s": sqlite_made_s,
        "nothing_to_do_ms": nothing_to_do_ms,
        "asked": asked,
    });
    println!("{result}");
}

/// Writes the log; says of when its last entry is.
fn write(log: &Path, rows: u64) -> Timestamp {
    let config = Ledger { total_bytes: 1 << 40, ..Ledger::DEFAULT };
    let log = EventLogWriter::open(log, config).unwrap();
    let until = now();
    let step = DAYS * 86_400_000_000 / rows.cast_signed();
    // A small generator of numbers without a pattern: the same rows each time.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |bound: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    for row in 0..rows {
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        let back = step * (rows - 1 - row).cast_signed();
        let time = Timestamp::from_microsecond(until.as_microsecond() - back).unwrap();
        event.time = format(time);
        "a1b2c3d4e5f6".clone_into(&mut event.policy);
        event.principal = Some(format!("user{}@example.com", below(5_000)));
        event.endpoint = Some(format!("endpoint-{}", below(20)));
        event.provider = Some(format!("provider-{}", below(5)));
        event.model = Some(format!("model-{}", below(30)));
        event.status = Some(200);
        event.tokens_in = Some(below(3_000));
        event.tokens_out = Some(below(800));
        event.nano_usd = Some(below(9_000_000));
        event.duration_us = Some(below(3_000_000));
        event.streamed = below(2) == 0;
        match below(100) {
            0..3 => {
                event.verdict = Verdict::Block;
                event.outcome = Outcome::Refused;
                event.status = Some(403);
                event.rule = Some(format!("g-{}", below(12)));
            }
            3..10 => {
                event.verdict = Verdict::Mask;
                event.rule = Some(format!("g-{}", below(12)));
            }
            _ => {}
        }
        log.append(&event).unwrap();
    }
    log.sign().unwrap();
    until
}

/// The same rows in SQLite, with an index by time.
fn load(log: &Path, path: &Path) -> (Connection, f64) {
    let started = Instant::now();
    let mut database = Connection::open(path).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144; PRAGMA mmap_size = 8000000000;
             CREATE TABLE events (leaf_index INTEGER PRIMARY KEY, time INTEGER, area TEXT, operation TEXT, request_id TEXT,
             principal TEXT, endpoint TEXT, provider TEXT, model TEXT, verdict TEXT, outcome TEXT, status INTEGER, rule TEXT,
             policy TEXT, streamed INTEGER, tokens_in INTEGER, tokens_out INTEGER, nano_usd INTEGER, duration_us INTEGER);",
        )
        .unwrap();
    let writing = database.transaction().unwrap();
    {
        let mut insert = writing
            .prepare("INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
            .unwrap();
        let names = Names::of(log).unwrap();
        for entry in entries(log, 0).unwrap() {
            let (number, entry) = entry.unwrap();
            let mut event: Event = serde_json::from_slice(&entry).unwrap();
            names.reveal(&mut event);
            let time = event.time.parse::<Timestamp>().unwrap().as_microsecond();
            let signed = |number: Option<u64>| number.map(u64::cast_signed);
            insert
                .execute(params![
                    number.cast_signed(),
                    time,
                    event.area,
                    event.operation,
                    event.request_id.to_string(),
                    event.principal,
                    event.endpoint,
                    event.provider,
                    event.model,
                    event.verdict.name(),
                    event.outcome.name(),
                    event.status,
                    event.rule,
                    event.policy,
                    event.streamed,
                    signed(event.tokens_in),
                    signed(event.tokens_out),
                    signed(event.nano_usd),
                    signed(event.duration_us),
                ])
                .unwrap();
        }
    }
    writing.commit().unwrap();
    database.execute_batch("CREATE INDEX by_time ON events (time); ANALYZE;").unwrap();
    (database, started.elapsed().as_secs_f64())
}

async fn ask(tables: &Tables, question: &str) -> Vec<Vec<Value>> {
    let mut answer = tables.ask(question, Limits::default()).await.unwrap();
    let mut rows = Vec::new();
    while let Some(row) = answer.next().await.unwrap() {
        rows.push(row.into_iter().map(|cell| cell.0).collect());
    }
    rows
}

fn ask_sqlite(database: &Connection, question: &str) -> Vec<Vec<Value>> {
    let mut asked = database.prepare_cached(question).unwrap();
    let columns = asked.column_count();
    let rows = asked.query_map([], |row| {
        let value = |at| match row.get_ref(at)? {
            rusqlite::types::ValueRef::Integer(number) => Ok(Value::from(number)),
            rusqlite::types::ValueRef::Real(number) => Ok(Value::from(number)),
            rusqlite::types::ValueRef::Text(text) => Ok(String::from_utf8_lossy(text).into()),
            _ => Ok(Value::Null),
        };
        (0..columns).map(value).collect::<rusqlite::Result<Vec<Value>>>()
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn size(folder: &Path, extension: &str) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let files =
        files.filter(|file| file.path().extension().is_some_and(|found| found == extension));
    files.map(|file| file.metadata().unwrap().len()).sum()
}

fn millis(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
