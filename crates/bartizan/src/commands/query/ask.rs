//! Asks the SQL engine and writes its answer.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_core::limits::read_capped;
use bartizan_query::{Answer, Limits, Row, TABLES, Tables};
use serde_json::{Map, Value, json};

use super::{QueryArgs, RowFormat};
use crate::format::usage;
use crate::output::Output;
use crate::progress::Progress;
use crate::terminal::{Terminal, printable};
use crate::wire::policy;

/// Longest statement, in bytes.
const STATEMENT_BYTES: u64 = 64 << 10;
/// Most rows of a table for people: they are held until the widths of its columns are known.
const TABLE_ROWS: usize = 1_000;
/// Longest value of such a table, in characters.
const TABLE_CHARS: usize = 80;

pub(super) fn run(args: &QueryArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let data = policy::load_data(&args.policy)?;
    let folder = data.data_dir.join(bartizan_ledger::FOLDER);
    if !folder.is_dir() {
        return Err(usage(
            format!("there is no event log in `{}`", folder.display()),
            "`bartizan up` makes one; `--data-dir` names another folder",
        ));
    }
    let mut out = Output::open(&args.output, terminal)?;
    let Some(statement) = &args.statement else {
        list(&mut out, args.format)?;
        out.finish()?;
        return Ok(ExitCode::SUCCESS);
    };
    let statement = if statement == "-" {
        let bytes = read_capped(std::io::stdin().lock(), STATEMENT_BYTES)?;
        String::from_utf8(bytes).context("the statement is no text")?
    } else {
        statement.clone()
    };
    let tables = Tables::new(folder, data.data_dir.join(bartizan_query::FOLDER));
    if args.rebuild {
        tables.clear()?;
    }
    refresh(&tables, terminal)?;
    let limits = Limits { memory_bytes: (args.memory as usize) << 20, ..Limits::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(limits.threads)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let mut answer = tables.ask(&statement, limits).await?;
        write(&mut out, &mut answer, args.format).await
    })?;
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Makes the files of the tables that are missing, which takes a while the first time.
fn refresh(tables: &Tables, terminal: Terminal) -> anyhow::Result<()> {
    let progress = Progress::of_entries(terminal);
    let counted = progress.counted();
    let mut before = 0;
    tables.refresh(&mut |read, _| {
        counted.add(read - before, 0);
        before = read;
    })?;
    Ok(())
}

async fn write(out: &mut Output, answer: &mut Answer, format: RowFormat) -> anyhow::Result<()> {
    let columns = answer.columns().to_vec();
    match format {
        RowFormat::Human => {
            let mut rows = Vec::new();
            while rows.len() < TABLE_ROWS
                && let Some(row) = answer.next().await?
            {
                rows.push(row);
            }
            table(out, &columns, &rows)?;
            if answer.next().await?.is_some() {
                tracing::warn!(
                    shown = TABLE_ROWS,
                    "there are more rows; add a `LIMIT`, or write all with `--format jsonl`"
                );
            }
        }
        RowFormat::Json => {
            let mut rows = Vec::new();
            while let Some(row) = answer.next().await? {
                rows.push(object(&columns, row));
            }
            writeln!(out, "{}", json!({ "schema": "bartizan.query/v1", "rows": rows }))?;
        }
        RowFormat::Jsonl => {
            while let Some(row) = answer.next().await? {
                writeln!(out, "{}", object(&columns, row))?;
            }
        }
        RowFormat::Csv => {
            csv(out, columns.iter().map(String::as_str))?;
            while let Some(row) = answer.next().await? {
                let texts: Vec<String> = row.iter().map(ToString::to_string).collect();
                csv(out, texts.iter().map(String::as_str))?;
            }
        }
    }
    Ok(())
}

fn object(columns: &[String], row: Row) -> Value {
    let fields = columns.iter().cloned().zip(row.into_iter().map(|cell| cell.0));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// Columns as wide as their widest value, numbers to the right.
fn table(out: &mut Output, columns: &[String], rows: &[Row]) -> std::io::Result<()> {
    let text = |cell: &bartizan_query::Cell| match &cell.0 {
        Value::Null => "-".to_owned(),
        _ => shortened(&printable(&cell.to_string())),
    };
    let rows: Vec<(Vec<String>, Vec<bool>)> = rows
        .iter()
        .map(|row| (row.iter().map(text).collect(), row.iter().map(|c| c.0.is_number()).collect()))
        .collect();
    let width = |at: usize, name: &String| {
        let values = rows.iter().filter_map(|(texts, _)| texts.get(at));
        values.chain([name]).map(|text| text.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = columns.iter().enumerate().map(|(at, name)| width(at, name)).collect();
    let head = columns.iter().zip(&widths).map(|(name, width)| format!("{name:width$}"));
    let head = head.collect::<Vec<_>>().join("  ");
    let paint = out.paint();
    writeln!(out, "{}", paint.strong(head.trim_end()))?;
    for (texts, numbers) in &rows {
        let cells = texts.iter().zip(numbers).zip(&widths).map(|((text, is_number), width)| {
            if *is_number { format!("{text:>width$}") } else { format!("{text:width$}") }
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TABLE_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn csv<'a>(out: &mut Output, fields: impl Iterator<Item = &'a str>) -> std::io::Result<()> {
    let quoted = fields.map(|field| {
        // A spreadsheet takes a field that begins like this for a formula.
        let formula = field.starts_with(['=', '+', '@', '\t', '\r'])
            || (field.starts_with('-') && field.parse::<f64>().is_err());
        let field = if formula { format!("'{field}") } else { field.to_owned() };
        if field.contains(['"', ',', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field
        }
    });
    write!(out, "{}\r\n", quoted.collect::<Vec<_>>().join(","))
}

/// The tables and their columns.
fn list(out: &mut Output, format: RowFormat) -> std::io::Result<()> {
    if format != RowFormat::Human {
        let tables = TABLES.iter().map(|table| {
            let columns = table.columns.iter().map(|(name, about)| json!({ "name": name, "about": about }));
            json!({ "name": table.name, "about": table.about, "columns": columns.collect::<Vec<_>>() })
        });
        let tables: Vec<Value> = tables.collect();
        return writeln!(out, "{}", json!({ "schema": "bartizan.tables/v1", "tables": tables }));
    }
    let paint = out.paint();
    for table in TABLES {
        writeln!(out, "{}: {}", paint.strong(table.name), table.about)?;
        for (name, about) in table.columns {
            writeln!(out, "  {name:14} {about}")?;
        }
    }
    Ok(())
}
