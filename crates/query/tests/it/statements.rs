//! Statements: what reads is answered, all else is refused with a line that says why.

use super::*;

async fn refused(statement: &str) -> String {
    let fixture = Fixture::new();
    fixture.write([event(0)]);
    fixture.refresh();
    match try_ask(&fixture.tables(), statement, Limits::default()).await {
        Err(QueryError::Statement { message }) => message,
        other => panic!("`{statement}`: {other:?}"),
    }
}

#[tokio::test]
async fn nothing_but_reading_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("out.csv");
    let (file, folder) = (target.display(), dir.path().display());
    for statement in [
        format!("COPY (SELECT * FROM events) TO '{file}' STORED AS CSV"),
        format!("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{folder}'"),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT 1".to_owned(),
        "DROP VIEW usage".to_owned(),
        "INSERT INTO events SELECT * FROM events".to_owned(),
        "DELETE FROM events".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        format!("SELECT * FROM '{folder}'"),
        format!("SELECT * FROM read_parquet('{folder}')"),
        String::new(),
    ] {
        let message = refused(&statement).await;
        assert!(!message.is_empty() && !message.contains('\n'), "{statement}: {message}");
        assert!(!target.exists(), "{statement}");
    }
}

#[tokio::test]
async fn a_mistake_is_named() {
    for (statement, part) in [
        ("SELEC 1", "SELEC"),
        ("SELECT verdct FROM events", "verdct"),
        ("SELECT * FROM evnts", "'evnts'"),
        ("SELECT sum(verdict) FROM events", "sum"),
        ("SELECT no_such_function(1)", "no_such_function"),
        ("SELECT 1 / 0", "ivide by zero"),
    ] {
        let message = refused(statement).await;
        assert!(message.contains(part), "{statement}: {message}");
        assert!(!message.contains("datafusion"), "{statement}: {message}");
    }
}

#[tokio::test]
async fn memory_has_a_bound() {
    let fixture = Fixture::new();
    fixture.write((0..20_000).map(event));
    fixture.refresh();
    let limits = Limits { memory_bytes: 1 << 20, threads: 2 };
    let sorted = "SELECT * FROM events ORDER BY request_id DESC, detail";
    let error = try_ask(&fixture.tables(), sorted, limits).await.unwrap_err();
    assert!(
        matches!(error, QueryError::TooLarge { memory_bytes } if memory_bytes == 1 << 20),
        "{error:?}"
    );
    let few = "SELECT verdict, count(*) FROM events GROUP BY verdict";
    assert_eq!(try_ask(&fixture.tables(), few, limits).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_analysts_write_works() {
    let fixture = Fixture::new();
    fixture.write((0..100).map(event));
    fixture.refresh();
    for (statement, rows) in [
        ("SHOW TABLES", 0),
        ("DESCRIBE events", 27),
        ("EXPLAIN SELECT 1", 0),
        ("SELECT date_trunc('hour', time) AS hour, count(*) FROM events GROUP BY 1", 0),
        ("SELECT split_part(principal, '@', 2) AS domain, count(*) FROM events GROUP BY 1", 1),
        ("SELECT * FROM events WHERE principal ~ '^user[12]@' AND upper(verdict) = 'BLOCK'", 0),
        (
            "WITH b AS (SELECT * FROM events WHERE verdict = 'block') SELECT principal, count(*) FROM b GROUP BY 1 HAVING count(*) >= 1",
            0,
        ),
        (
            "SELECT leaf_index, row_number() OVER (PARTITION BY principal ORDER BY leaf_index) FROM events",
            100,
        ),
        ("SELECT e.verdict, f.rule FROM events e JOIN findings f USING (leaf_index)", 20),
        ("SELECT approx_percentile_cont(tokens_in, 0.95) FROM events", 1),
        ("SELECT tags, sum(usd) AS usd, count(*) FROM usage GROUP BY tags ORDER BY usd DESC", 1),
    ] {
        let found = fixture.ask(statement).await;
        assert!(rows == 0 && !found.is_empty() || found.len() == rows, "{statement}: {found:?}");
    }
}
