//! `mock-upstream --port N [--script obedient|echo|text] [--text TEXT] [--fast]`: a fake provider
//! as a process.
//!
//! Prints one JSON line with its address once it listens. `GET /__requests` lists what it was sent,
//! `DELETE /__requests` forgets it; not with `--fast`, which records nothing.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use bartizan_testkit::args::Args;
use bartizan_testkit::fast::{self, Answers};
use bartizan_testkit::upstream::{Reply, Script, Text, Turn, Upstream};
use tokio::net::TcpListener;

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::from)
        .and_then(|runtime| runtime.block_on(serve()));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do where standard error is gone as well.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn serve() -> Result<(), Error> {
    let args = Args::parse(
        std::env::args().skip(1),
        &["port", "script", "text", "piece-bytes", "delay-ms"],
        &["fast"],
    )?;
    let addr = SocketAddr::from(([127, 0, 0, 1], args.parsed("port")?.unwrap_or(0)));
    let text = args.get("text").unwrap_or("Hello from the mock provider.").to_owned();
    let piece_bytes = args.parsed("piece-bytes")?.unwrap_or(5);
    if args.has("fast") {
        let answers =
            args.get("text").map_or_else(Answers::default, |text| Answers::new(text, piece_bytes));
        let listener = TcpListener::bind(addr).await?;
        announce(listener.local_addr()?)?;
        fast::serve(listener, answers).await;
        return Ok(());
    }
    let text = match args.get("script").unwrap_or("obedient") {
        "obedient" => Text::Obey,
        "echo" => Text::EchoLastUser,
        "text" => Text::Fixed(text),
        other => return Err(format!("unknown script `{other}`").into()),
    };
    let delay = Duration::from_millis(args.parsed("delay-ms")?.unwrap_or(0));
    let turn = Turn { text: Some(text), ..Turn::default() };
    let script = Script::from(Reply::turn(turn).pieces([piece_bytes]).delay(delay));
    let upstream = Upstream::bind(addr, script).await?;
    announce(upstream.addr())?;
    upstream.serve_forever().await;
    Ok(())
}

fn announce(addr: SocketAddr) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{}", serde_json::json!({ "url": format!("http://{addr}") }))?;
    out.flush()
}
