//! Questions to real logs: what the tables say is what the log says, whatever happened in between.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod statements;

use std::io::Write as _;
use std::path::Path;

use bartizan_core::channel::Channel;
use bartizan_core::event::{Event, FindingRecord, Outcome};
use bartizan_core::id::RequestId;
use bartizan_core::settings::Ledger;
use bartizan_core::verdict::Verdict;
use bartizan_ledger::EventLogWriter;
use bartizan_query::{Limits, QueryError, Refreshed, Tables};
use serde_json::{Value, json};

/// Entries of a small file.
const SMALL: u64 = 16 << 10;

struct Fixture {
    log: tempfile::TempDir,
    tables: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self { log: tempfile::tempdir().unwrap(), tables: tempfile::tempdir().unwrap() }
    }

    fn tables(&self) -> Tables {
        Tables::new(self.log.path(), self.tables.path().join("tables"))
    }

    fn write(&self, events: impl IntoIterator<Item = Event>) {
        self.write_with(Ledger { segment_bytes: 1 << 20, ..Ledger::DEFAULT }, events);
    }

    fn write_with(&self, config: Ledger, events: impl IntoIterator<Item = Event>) {
        let log = EventLogWriter::open(self.log.path(), config).unwrap();
        events.into_iter().for_each(|event| log.append(&event).unwrap());
        log.sign().unwrap();
    }

    fn refresh(&self) -> Refreshed {
        self.tables().refresh(&mut |_, _| ()).unwrap()
    }

    async fn ask(&self, statement: &str) -> Vec<Vec<Value>> {
        try_ask(&self.tables(), statement, Limits::default()).await.unwrap()
    }

    fn files(&self) -> Vec<String> {
        files(&self.tables.path().join("tables"))
    }
}

async fn try_ask(
    tables: &Tables,
    statement: &str,
    limits: Limits,
) -> Result<Vec<Vec<Value>>, QueryError> {
    let mut answer = tables.ask(statement, limits).await?;
    let mut rows = Vec::new();
    while let Some(row) = answer.next().await? {
        rows.push(row.into_iter().map(|cell| cell.0).collect());
    }
    Ok(rows)
}

fn files(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).unwrap();
    let names = names.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("events-")).collect();
    names.sort();
    names
}

fn event(n: u64) -> Event {
    let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
    event.principal = Some(format!("user{}@example.com", n % 7));
    event.endpoint = Some("protected-llm".to_owned());
    event.model = Some("gpt-5-mini".to_owned());
    event.status = Some(200);
    event.tokens_in = Some(n);
    event.tokens_out = Some(1);
    event.nano_usd = Some(1_500_000_000);
    if n.is_multiple_of(10) {
        event.verdict = Verdict::Block;
        event.outcome = Outcome::Refused;
        event.status = Some(403);
        event.findings = vec![finding("email"), finding("iban")];
    }
    event
}

fn finding(rule: &str) -> FindingRecord {
    FindingRecord {
        guardrail: "g-pii".to_owned(),
        rule: rule.to_owned(),
        category: "pii".to_owned(),
        channel: Channel::User,
        pointer: "/messages/0/content".to_owned(),
        turns: None,
        score: 0.83,
        disguise: None,
        verdict: Verdict::Block,
        dry_run: false,
        exception: None,
    }
}

#[tokio::test]
async fn a_log_without_entries_has_empty_tables() {
    let fixture = Fixture::new();
    fixture.write([]);
    assert_eq!(fixture.refresh(), Refreshed { first: 0, end: 0, read: 0 });
    assert_eq!(fixture.ask("SELECT count(*) FROM events").await, [[json!(0)]]);
    assert_eq!(fixture.ask("SELECT * FROM findings").await, Vec::<Vec<Value>>::new());
}

#[tokio::test]
async fn a_question_sees_everything_that_is_written_signed_or_not() {
    let fixture = Fixture::new();
    fixture.write((0..25).map(event));
    fixture.refresh();
    let log = EventLogWriter::open(fixture.log.path(), Ledger::DEFAULT).unwrap();
    log.append(&event(25)).unwrap();
    assert_eq!(fixture.ask("SELECT count(*) FROM events").await, [[json!(26)]]);
    let sums = "SELECT verdict, count(*), sum(tokens_in) FROM events GROUP BY verdict ORDER BY 1";
    assert_eq!(
        fixture.ask(sums).await,
        [[json!("allow"), json!(23), json!(295)], [json!("block"), json!(3), json!(30)]]
    );
    let rules = "SELECT rule, count(*), min(score) FROM findings GROUP BY rule ORDER BY rule";
    assert_eq!(
        fixture.ask(rules).await,
        [[json!("email"), json!(3), json!(0.83)], [json!("iban"), json!(3), json!(0.83)]]
    );
    let spent = "SELECT sum(usd) FROM usage WHERE principal = 'user3@example.com'";
    assert_eq!(fixture.ask(spent).await, [[json!(6.0)]]);
    let recent = "SELECT count(*) FROM events WHERE time > now() - interval '1 hour'";
    assert_eq!(fixture.ask(recent).await, [[json!(26)]]);
}

#[tokio::test]
async fn an_erased_name_is_in_no_table() {
    let fixture = Fixture::new();
    fixture.write((0..SMALL + 20).map(event));
    fixture.refresh();
    let who = "SELECT principal, count(*) FROM events GROUP BY principal ORDER BY 2 DESC, 1";
    let before = fixture.ask(who).await;
    assert_eq!(before.len(), 7);
    assert_eq!(before[0], [json!("user0@example.com"), json!(2344)]);
    // Not as a text of the files: they have never had it.
    for file in std::fs::read_dir(fixture.tables.path().join("tables")).unwrap() {
        let file = std::fs::File::open(file.unwrap().path()).unwrap();
        let bytes = bartizan_core::limits::read_capped(file, 100 << 20).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"example.com"));
    }
    let ids =
        bartizan_ledger::subjects::erase(fixture.log.path(), "user0@example.com", false).unwrap();
    let after = fixture.ask(who).await;
    assert_eq!(after[0], [json!(ids[0]), json!(2344)]);
    assert_eq!(after[1..], before[1..]);
    let found = "SELECT count(*) FROM findings WHERE principal = 'user0@example.com'";
    assert_eq!(fixture.ask(found).await, [[json!(0)]]);
    let found = format!("SELECT count(*) FROM findings WHERE principal = '{}'", ids[0]);
    assert_eq!(fixture.ask(&found).await, [[json!(470)]]);
}

#[tokio::test]
async fn a_row_leads_to_its_entry() {
    let fixture = Fixture::new();
    let event = event(3);
    let id = event.request_id;
    fixture.write([Event::new(RequestId::new(), "admin", "key-created"), event]);
    fixture.refresh();
    let rows = fixture
        .ask(&format!("SELECT leaf_index, time FROM events WHERE request_id = '{id}'"))
        .await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][0], json!(bartizan_ledger::prove::find(fixture.log.path(), id).unwrap()));
    let logged = bartizan_ledger::read(fixture.log.path(), None).nth(1).unwrap().unwrap();
    assert_eq!(rows[0][1], json!(logged.time));
}

#[tokio::test]
async fn files_grow_with_the_log_and_say_the_same() {
    let fixture = Fixture::new();
    let mut total = 0;
    for more in [SMALL - 1, 1, SMALL + 5, 3] {
        fixture.write((total..total + more).map(event));
        total += more;
        let refreshed = fixture.refresh();
        assert_eq!(refreshed.end, total / SMALL * SMALL);
        let rows =
            fixture.ask("SELECT count(*), sum(leaf_index), sum(tokens_in) FROM events").await;
        let sum = total * (total - 1) / 2;
        assert_eq!(rows, [[json!(total), json!(sum), json!(sum)]]);
        let blocked = fixture.ask("SELECT count(*) FROM findings").await;
        assert_eq!(blocked, [[json!(2 * total.div_ceil(10))]]);
    }
    let files = fixture.files();
    assert!(files[0].ends_with("-000000000000-000000016384.parquet"), "{files:?}");
    assert_eq!(files.len(), 2);
    // What another version with other columns left is not read, and goes.
    let other = fixture
        .tables
        .path()
        .join("tables")
        .join("events-00000000-000000000000-000000016384.parquet");
    std::fs::write(&other, "not even a table").unwrap();
    assert_eq!(fixture.refresh().read, 0);
    assert!(!other.exists());
    // Nothing to do, nothing read.
    assert_eq!(fixture.refresh().read, 0);
    // Made again, they say the same.
    fixture.tables().clear().unwrap();
    assert_eq!(fixture.files(), Vec::<String>::new());
    assert_eq!(fixture.ask("SELECT count(*) FROM events").await, [[json!(total)]]);
    assert_eq!(fixture.refresh().read, 2 * SMALL);
}

#[tokio::test]
async fn what_the_log_removes_goes_from_the_tables_too() {
    let fixture = Fixture::new();
    let small = Ledger { segment_bytes: 1 << 20, total_bytes: 12 << 20, ..Ledger::DEFAULT };
    fixture.write_with(small, (0..SMALL + 10).map(event));
    fixture.refresh();
    let before = fixture.files();
    fixture.write_with(small, (0..2 * SMALL).map(event));
    // What was to be removed is removed once it is signed that it is.
    fixture.write_with(small, [event(0)]);
    let refreshed = fixture.refresh();
    assert!(refreshed.first > 0, "{refreshed:?}");
    let rows = fixture.ask("SELECT min(leaf_index) FROM events").await;
    assert_eq!(rows, [[json!(refreshed.first)]]);
    assert!(before.iter().all(|file| !fixture.files().contains(file)), "{before:?}");
}

#[tokio::test]
async fn lines_that_are_no_events_are_rows_all_the_same() {
    let fixture = Fixture::new();
    fixture.write([event(1)]);
    let file = std::fs::read_dir(fixture.log.path()).unwrap().map(|file| file.unwrap().path());
    let file = file.into_iter().find(|path| path.to_string_lossy().contains("/events-")).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
    file.write_all(b"{\"schema\":\"something else\"}\n").unwrap();
    fixture.refresh();
    let rows = fixture.ask("SELECT leaf_index, time, verdict FROM events ORDER BY 1").await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1], [json!(1), Value::Null, Value::Null]);
}

#[tokio::test]
async fn a_file_that_is_damaged_is_named_and_can_be_made_again() {
    let fixture = Fixture::new();
    fixture.write((0..SMALL).map(event));
    fixture.refresh();
    let path = fixture.tables.path().join("tables").join(&fixture.files()[0]);
    std::fs::write(&path, b"PAR1 is all that is right here PAR1").unwrap();
    let error = try_ask(&fixture.tables(), "SELECT sum(tokens_in) FROM events", Limits::default())
        .await
        .unwrap_err();
    assert!(!matches!(error, QueryError::Statement { .. }), "{error:?}");
    fixture.tables().clear().unwrap();
    fixture.refresh();
    assert_eq!(fixture.ask("SELECT count(*) FROM events").await, [[json!(SMALL)]]);
}
