//! `bartizan up`: settings, state, gateway, console, serve, signals, drain.

mod changes;
mod console;
mod greeting;
mod reload;
#[cfg(feature = "sql")]
mod tables;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bartizan_console::{About, ConsoleState, Hosts};
use bartizan_core::event::EventSink;
use bartizan_core::settings::{Approval, Settings};
use bartizan_gateway::{Gateway, Parts, Server};
use bartizan_ledger::EventLogWriter;
use bartizan_ledger::serve::Served;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::cli::UpArgs;
use crate::format::usage;
use crate::spans;
use crate::wire::admin::{Events, InForce, LogFolder, PolicySource, Ready};
use crate::wire::approvals::{self, AtStart as AtStartText};
use crate::wire::counters::Counting;
use crate::wire::endpoints::Endpoints;
use crate::wire::identity::Identities;
use crate::wire::inference::Inference;
use crate::wire::relay::Relay;
use crate::wire::tokens::Tokens;
use crate::wire::versions::Versions;
use crate::wire::{login, models, policy, standing, state, tls, witness};
use console::Bounds;
use greeting::{Greeting, ReadyFile};
use reload::{AtStart, Seen, reload};

/// How often the store writes what it has put off.
const MAINTAIN_EVERY: Duration = Duration::from_millis(500);

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
    let versions = Versions::new(&data_dir);
    let begins = approvals::at_start(loaded.file.as_deref(), &data_dir, &versions)?;
    // State is where the policy says that comes into force, and not where a file says that nobody has approved.
    let shared = begins.kept.as_ref().map_or(&loaded.settings.shared, |(_, kept)| &kept.shared);
    let shared = shared.clone();
    let store = Arc::new(state::open_store(&data_dir, &shared)?);
    let source = Arc::new(PolicySource {
        file: loaded.file,
        data_dir: data_dir.clone(),
        store: Arc::clone(&store),
        secrets: Mutex::default(),
    });
    let AtStartText { text, kept, judged } = begins;
    let seen = Seen::before(&source, &text).filter(|_| kept.is_none());
    let composed = source.load(&text)?;
    let seen = seen.map(|seen| seen.read(&source));
    let is_judged = judged.is_none_or(|judged| judged == composed.file.fingerprint.whole);
    if !is_judged || composed.all.shared != shared {
        // What would come into force is not what was judged, or belongs to another state than was opened.
        return Err(usage("files of the policy changed while they were read", "start again"));
    }
    let settings = composed.all.clone();
    warn_of_own_folder(args, &settings);
    let folder = data_dir.join(bartizan_ledger::FOLDER);
    let log = Arc::new(EventLogWriter::open(&folder, settings.ledger)?);
    #[cfg(feature = "sql")]
    let tables = bartizan_query::Tables::new(&folder, data_dir.join(bartizan_query::FOLDER));
    let relay = Relay::start(&folder, &data_dir, &settings.sinks)?;
    let witnesses = witness::ask(&folder, &settings.witnesses)?;
    let witness = witness::open(&data_dir, &settings.witness_for)?;
    let exporting = settings.otlp_endpoint.as_deref();
    let exporting = exporting
        .map(|endpoint| spans::Exporting::start(endpoint, Arc::clone(&log) as _))
        .transpose()?
        .map(Arc::new);
    let events: Arc<dyn EventSink> = match &exporting {
        None => Arc::clone(&log) as _,
        Some(exporting) => Arc::clone(exporting) as _,
    };
    let inference = Arc::new(Inference::new(&settings, Arc::clone(&events)));
    inference.ensure(&settings)?;
    let gateway_address = args.gateway.unwrap_or(settings.listen.gateway);
    let console_names = settings.listen.console_names.clone();
    let console_address = args.console.unwrap_or(settings.listen.console);
    let endpoints: Vec<String> = settings.endpoints.keys().map(ToString::to_string).collect();
    let is_demo = settings.providers.values().all(|provider| {
        matches!(provider.kind, bartizan_core::settings::ProviderKind::Demo { .. })
    });
    let at_start = AtStart::of(&settings, source.data(&text)?.data_dir);
    let ports = settings.listen.tls.clone().map(tls::Ports::open).transpose()?;
    let models = models::load(&settings)?;
    let sign_in = (settings.login.clone(), settings.listen.tls.is_some());
    let secrets = settings.secrets.clone();
    let tokens = settings.tokens.as_ref().map(|tokens| Tokens::open(tokens, &data_dir));
    let identities = Identities::begin(store.key_index(), &settings, tokens.transpose()?)?;
    let identities = Arc::new(identities);
    let counting = Arc::new(Counting::open(settings.shared.redis.as_ref()).await?);
    let gateway = Arc::new(Gateway::build(Parts {
        counters: counting.counters(),
        models,
        settings,
        keys: Arc::clone(&identities) as _,
        events: Arc::clone(&events),
        payloads: Some(Arc::clone(&inference) as _),
    })?);
    let in_force = Arc::new(InForce {
        source,
        identities,
        gateway: Arc::clone(&gateway),
        versions,
        events: Arc::clone(&events),
        inference: Arc::clone(&inference),
        text: Mutex::new(text.clone()),
        composed: Mutex::new(Arc::new(composed)),
        changing: tokio::sync::Mutex::default(),
    });
    let server = Server::bind(gateway_address)?;
    let console = TcpListener::bind(console_address)
        .await
        .with_context(|| format!("cannot listen on {console_address} for the console"))?;
    let (login, provider) =
        login::open(sign_in.0.as_ref(), sign_in.1, secrets, &data_dir, console.local_addr()?)?
            .unzip();
    let provider = provider.flatten();
    if ports.is_none() {
        warn_of_others("console", console.local_addr()?);
    }
    let scheme = if ports.is_some() { "https" } else { "http" };
    let ready_file = args.ready_file.as_deref().map(ReadyFile::begin).transpose()?;
    let greeting = Greeting {
        gateway: format!("{scheme}://{}", server.address()),
        console: format!("{scheme}://{}", console.local_addr()?),
        origin: match &kept {
            None => loaded.origin,
            Some((version, _)) => {
                format!("version {version}; {} is weaker and waits for two people", loaded.origin)
            }
        },
        data_dir,
        endpoints,
        is_demo,
        keys: state::first_keys(&store)?,
    };

    in_force.begin(&text)?;

    // From here on a signal asks for an end; before, it is one.
    let mut signals = Signals::new()?;
    let (stop, stopped) = watch::channel(false);
    let waiting = Arc::new(changes::Waiting::default());
    let looked_after = (Arc::clone(&store), Arc::clone(&events), Arc::clone(&waiting));
    let router = bartizan_console::router(ConsoleState {
        store: Arc::clone(&store),
        identify: store.key_index(),
        events,
        log: Arc::new(LogFolder(Served::new(folder.clone()))),
        witness,
        event_query: Arc::new(Events { folder }),
        payloads: Arc::clone(&inference) as _,
        endpoints: Arc::new(Endpoints(Arc::clone(&in_force))),
        metrics: {
            let (metrics, sinks) = (gateway.metrics(), relay.metrics());
            let (log, counting) = (Arc::clone(&log), Arc::clone(&counting));
            let waiting = Arc::clone(&waiting);
            let inference = Arc::clone(&inference);
            // The text of the gateway ends the page.
            Arc::new(move || {
                let own = standing::text(log.progress()) + &counting.text() + &inference.text();
                let own = own + &waiting.text();
                own + &sinks.text() + &metrics.text()
            })
        },
        readiness: Arc::new(Ready { log: Arc::clone(&log), counting: Arc::clone(&counting) }),
        login,
        hosts: Hosts::new(console.local_addr()?, &console_names),
        about: About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            gateway_url: greeting.gateway.clone(),
        },
    });
    let drain = Duration::from_secs(args.drain);
    let bounds = Bounds::draining(drain);
    let (tls, console_tls) = ports.as_ref().map(|ports| (ports.gateway(), ports.console())).unzip();
    let console = console::serve(console, router, console_tls, until(stopped.clone()), bounds);
    let console = tokio::spawn(console);
    let serving = server.serve(Arc::clone(&gateway), tls, until(stopped.clone()), drain);
    let serving = tokio::spawn(serving);
    if let Some(ports) = ports {
        tokio::spawn(ports.follow(until(stopped.clone())));
    }
    tokio::spawn(reload(in_force, at_start, seen, until(stopped.clone())));
    let (changing, noting, counting_changes) = looked_after;
    tokio::spawn(changes::follow(changing, noting, counting_changes, until(stopped.clone())));
    if let Some(provider) = provider {
        tokio::spawn(provider.follow(until(stopped.clone())));
    }
    tokio::spawn(maintain(store, until(stopped.clone())));
    #[cfg(feature = "sql")]
    tokio::spawn(tables::follow(tables, until(stopped.clone())));
    if let Some(witnesses) = witnesses {
        tokio::spawn(witnesses.run(until(stopped)));
    }

    // New keys are shown somewhere even if one of the two fails.
    let written = ready_file.map_or(Ok(()), |file| file.finish(&greeting));
    greeting.print()?;
    written?;

    signals.next().await?;
    tracing::info!("stopping; answers under way may end, a second signal ends them");
    stop.send_replace(true);
    let drained = async {
        serving.await.context("the gateway failed")?;
        console.await.context("the console failed")
    };
    tokio::select! {
        drained = drained => drained?,
        again = signals.next() => {
            again?;
            tracing::warn!("a second signal: answers under way are cut off");
        }
    }
    counting.finish().await;
    // What was said is on the disk before its events are signed.
    tokio::task::block_in_place(|| inference.close());
    // Sinks get what is signed, and nothing is written from here on.
    log.sign()?;
    relay.finish().await;
    if let Some(exporting) = exporting {
        exporting.finish().await;
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Whoever writes the policy file could have another data folder made, which knows of no version before.
fn warn_of_own_folder(args: &UpArgs, settings: &Settings) {
    if settings.approvals.policy_file == Approval::TwoPeople && args.policy.data_dir.is_none() {
        tracing::warn!(
            "`approvals.policy-file` asks for two people, and the file itself says where the data folder is; name it with `--data-dir`"
        );
    }
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

/// Keys and prompts travel in the clear where no TLS proxy stands before the port.
fn warn_of_others(port: &str, address: SocketAddr) {
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "the {port} speaks plain HTTP and is open to other machines");
    }
}

/// Resolves when the process is asked to stop.
async fn until(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone means the same as a stop.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Signals that ask the process to stop. None is lost between two waits.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        Ok(())
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> anyhow::Result<()> {
        Ok(tokio::signal::ctrl_c().await?)
    }
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
