//! `load --url URL [--connections N] [--seconds S | --requests N] [--body FILE]
//! [--header 'name: value']… [--stream] [--warmup S]`: measures an HTTP server, prints one JSON line.
//!
//! `--stream` sets `"stream": true` in the body.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use bartizan_testkit::args::Args;
use bartizan_testkit::load::{Load, Until, run};

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(measure()));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to do where standard error is gone as well.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn measure() -> Result<ExitCode, Error> {
    let args = Args::parse(
        std::env::args().skip(1),
        &["url", "connections", "seconds", "requests", "body", "header", "warmup"],
        &["stream"],
    )?;
    let mut body = match args.get("body") {
        Some(path) => tokio::fs::read(path).await?,
        None => Vec::new(),
    };
    if args.has("stream") {
        let mut value: serde_json::Value = serde_json::from_slice(&body)?;
        let fields = value.as_object_mut().ok_or("`--stream` needs a JSON object as `--body`")?;
        fields.insert("stream".to_owned(), true.into());
        body = value.to_string().into_bytes();
    }
    let headers = args
        .all("header")
        .map(|header| {
            let (name, value) = header.split_once(':').ok_or("a header is `name: value`")?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect::<Result<Vec<_>, &str>>()?;
    let until = match args.parsed("requests")? {
        Some(count) => Until::Requests(count),
        None => Until::Elapsed(seconds(args.parsed("seconds")?.unwrap_or(5.0))?),
    };
    let report = run(Load {
        url: args.required("url")?.to_owned(),
        connections: args.parsed("connections")?.unwrap_or(8),
        until,
        warmup: seconds(args.parsed("warmup")?.unwrap_or(0.0))?,
        body,
        headers,
    })
    .await?;
    writeln!(std::io::stdout(), "{}", report.to_json())?;
    Ok(if report.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn seconds(value: f64) -> Result<Duration, Error> {
    Ok(Duration::try_from_secs_f64(value)?)
}
