//! `bartizan up`: settings, state, gateway, console, serve, signals, drain.

mod console;
mod greeting;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bartizan_console::{About, ConsoleState, Hosts};
use bartizan_core::event::EventSink;
use bartizan_gateway::{Gateway, Parts, Server, Snapshot};
use bartizan_ledger::EventLogWriter;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::cli::UpArgs;
use crate::spans;
use crate::wire::admin::{Endpoints, Events, PolicySource, Ready};
use crate::wire::{policy, state};
use console::Bounds;
use greeting::Greeting;

/// How often the policy file is looked at.
const RELOAD_EVERY: Duration = Duration::from_millis(500);
/// How often the store writes what it has put off.
const MAINTAIN_EVERY: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &UpArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(up(args))
}

async fn up(args: &UpArgs) -> anyhow::Result<ExitCode> {
    allow_open_files();
    let loaded = policy::load(&args.policy)?;
    let data_dir = loaded.settings.data_dir.clone();
    let store = Arc::new(state::open_store(&data_dir)?);
    let source = Arc::new(PolicySource {
        file: loaded.file,
        data_dir: data_dir.clone(),
        store: Arc::clone(&store),
    });
    let settings = source.load()?;
    let folder = data_dir.join("events");
    let log = Arc::new(EventLogWriter::open(&folder, settings.events)?);
    let events: Arc<dyn EventSink> = match &settings.otlp_endpoint {
        None => Arc::clone(&log) as _,
        Some(endpoint) => Arc::new(spans::Exporting::start(endpoint, Arc::clone(&log) as _)?),
    };
    let gateway_address = args.gateway.unwrap_or(settings.listen.gateway);
    let console_address = args.console.unwrap_or(settings.listen.console);
    let endpoints: Vec<String> = settings.endpoints.keys().map(ToString::to_string).collect();
    let is_demo = settings.providers.values().all(|provider| {
        matches!(provider.kind, bartizan_core::settings::ProviderKind::Demo { .. })
    });
    let gateway = Arc::new(Gateway::build(Parts {
        settings,
        keys: store.key_index(),
        events: Arc::clone(&events),
    })?);
    let server = Server::bind(gateway_address)?;
    let console = TcpListener::bind(console_address)
        .await
        .with_context(|| format!("cannot listen on {console_address}"))?;
    let first_keys = state::first_keys(&store)?;
    let greeting = Greeting {
        gateway: format!("http://{}", server.address()),
        console: format!("http://{}", console.local_addr()?),
        origin: loaded.origin,
        data_dir,
        endpoints,
        is_demo,
        first_keys,
    };

    let (stop, stopped) = watch::channel(false);
    let router = bartizan_console::router(ConsoleState {
        store: Arc::clone(&store),
        identify: store.key_index(),
        events,
        event_query: Arc::new(Events { folder }),
        endpoints: Arc::new(Endpoints {
            source: Arc::clone(&source),
            gateway: Arc::clone(&gateway),
        }),
        metrics: {
            let metrics = gateway.metrics();
            Arc::new(move || metrics.text())
        },
        readiness: Arc::new(Ready { log: Arc::clone(&log) }),
        hosts: Hosts::new(console.local_addr()?, []),
        about: About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            gateway_url: greeting.gateway.clone(),
        },
    });
    let drain = Duration::from_secs(args.drain);
    let bounds = Bounds::draining(drain);
    let console = tokio::spawn(console::serve(console, router, until(stopped.clone()), bounds));
    let serving = tokio::spawn(server.serve(Arc::clone(&gateway), until(stopped.clone()), drain));
    tokio::spawn(reload(Arc::clone(&source), Arc::clone(&gateway), until(stopped.clone())));
    tokio::spawn(maintain(store, until(stopped)));

    if let Some(path) = &args.ready_file {
        greeting.write_ready_file(path)?;
    }
    greeting.print()?;

    wait_for_signal().await?;
    tracing::info!("stopping; answers under way may end, a second signal ends them");
    stop.send_replace(true);
    let drained = async {
        serving.await.context("the gateway failed")?;
        console.await.context("the console failed")
    };
    tokio::select! {
        drained = drained => drained?,
        again = wait_for_signal() => {
            again?;
            tracing::warn!("a second signal: answers under way are cut off");
        }
    }
    log.flush()?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Every connection is an open file, and the usual soft limit of 1,024 is there for programs that
/// cannot handle more.
fn allow_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current == maximum {
            return;
        }
        match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            Ok(()) => tracing::debug!(?current, ?maximum, "raised the limit on open files"),
            Err(error) => tracing::debug!(%error, "the limit on open files stays as it is"),
        }
    }
}

/// Resolves when the process is asked to stop.
async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone means the same as a stop.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

#[cfg(unix)]
async fn wait_for_signal() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn wait_for_signal() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}

/// Puts a changed policy file in force. One that is not valid changes nothing and is said once.
async fn reload(source: Arc<PolicySource>, gateway: Arc<Gateway>, stop: impl Future<Output = ()>) {
    let Some(file) = source.file.clone() else { return };
    let mut stop = std::pin::pin!(stop);
    let mut last = source.text().ok();
    loop {
        tokio::select! {
            () = tokio::time::sleep(RELOAD_EVERY) => {}
            () = &mut stop => return,
        }
        let source = Arc::clone(&source);
        let before = last.clone();
        let read = tokio::task::spawn_blocking(move || {
            let text = source.text().ok();
            // Reading a file that is being written gives half of it; the next look gives the rest.
            (text != before && text.is_some()).then(|| (text, source.load()))
        });
        let Ok(Some((text, settings))) = read.await else { continue };
        last = text;
        match settings
            .and_then(|settings| Ok((settings.version.clone(), Snapshot::build(settings)?)))
        {
            Ok((version, snapshot)) => {
                gateway.replace(snapshot);
                tracing::info!(%version, file = %file.display(), "policy reloaded");
            }
            Err(error) => refuse(&file, &error),
        }
    }
}

fn refuse(file: &Path, error: &anyhow::Error) {
    let shown = error
        .downcast_ref::<bartizan_policy::PolicyError>()
        .map_or_else(|| format!("{error:#}"), bartizan_policy::PolicyError::render);
    tracing::error!(file = %file.display(), "policy not reloaded; the last good one stays\n{shown}");
}

async fn maintain(store: Arc<bartizan_store::Store>, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = tokio::time::sleep(MAINTAIN_EVERY) => {}
            () = &mut stop => return,
        }
        let store = Arc::clone(&store);
        match tokio::task::spawn_blocking(move || store.maintain()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "store not maintained"),
            Err(error) => tracing::error!(%error, "store maintenance failed"),
        }
    }
}
