//! The gateway as a whole: what it is built from, and how a new policy takes the place of the old.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bartizan_core::access::{Call, Identify, Ruling};
use bartizan_core::counters::Counters;
use bartizan_core::event::EventSink;
use bartizan_core::payload::PayloadSink;
use bartizan_core::settings::{Endpoint, Settings};
use bartizan_core::{Name, time};
use bartizan_guard::prompt_index::PromptCache;
use bartizan_guard::refine::{Budget, Opinion, Refiner};
use bartizan_guard::{Guard, GuardError};

use crate::auth::Caller;
use crate::heavy;
use crate::metrics::Metrics;
use crate::providers::{self, Provider};
use crate::strangers::Strangers;
use crate::upstream::Upstream;

/// What a gateway needs from other rooms.
pub struct Parts {
    /// The first policy.
    pub settings: Settings,
    /// What stands for the models that it names.
    pub models: Models,
    /// Recognises client keys.
    pub keys: Arc<dyn Identify>,
    /// Takes one event per decision.
    pub events: Arc<dyn EventSink>,
    /// Counts what limits allow.
    pub counters: Arc<dyn Counters>,
    /// Keeps what was asked and answered, for endpoints of which policy asks that; absent where nothing is kept,
    /// whatever it asks.
    pub payloads: Option<Arc<dyn PayloadSink>>,
}

/// Models of a policy by name, loaded.
pub type Models = BTreeMap<Name, Arc<dyn Refiner>>;

/// A policy that this build cannot enforce.
#[derive(Debug, thiserror::Error)]
#[error("endpoint `{endpoint}` cannot be guarded as asked")]
pub struct BuildError {
    /// The endpoint.
    pub endpoint: Name,
    #[source]
    source: GuardError,
}

/// The data plane. Shared by all connections.
pub struct Gateway {
    snapshot: ArcSwap<Snapshot>,
    pub(crate) keys: Arc<dyn Identify>,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) counters: Arc<dyn Counters>,
    pub(crate) payloads: Option<Arc<dyn PayloadSink>>,
    pub(crate) upstream: Upstream,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) strangers: Strangers,
}

/// One version of the policy, ready to serve. A request keeps the snapshot it began with.
pub struct Snapshot {
    pub(crate) settings: Settings,
    pub(crate) endpoints: BTreeMap<Name, Arc<ReadyEndpoint>>,
}

/// An endpoint with everything it needs at hand.
pub(crate) struct ReadyEndpoint {
    pub(crate) settings: Endpoint,
    /// The name, cheap to clone into counters.
    pub(crate) name: Arc<str>,
    pub(crate) guard: Arc<Guard>,
    /// System prompts of the requests that came last.
    pub(crate) prompts: PromptCache,
    pub(crate) routes: Vec<ReadyRoute>,
}

/// A route with its provider.
pub(crate) struct ReadyRoute {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) provider_name: Name,
    /// Model sent upstream; absent means what the client named.
    pub(crate) model: Option<String>,
}

impl Snapshot {
    /// Compiles a policy; `models` stand for those that it names.
    ///
    /// # Errors
    /// [`BuildError`] when a guardrail cannot be enforced, or asks a model that is not among these.
    pub fn build(settings: Settings, models: &Models) -> Result<Self, BuildError> {
        let ready: BTreeMap<&Name, Arc<dyn Provider>> = settings
            .providers
            .iter()
            .map(|(name, provider)| (name, Arc::from(providers::build(provider))))
            .collect();
        let mut endpoints = BTreeMap::new();
        for (name, endpoint) in &settings.endpoints {
            let error = |source| BuildError { endpoint: name.clone(), source };
            let mut guard = Guard::builder();
            for (name, model) in models {
                guard = guard.refiner(name.clone(), Arc::new(Aside(Arc::clone(model))));
            }
            for guardrail in &endpoint.guardrails {
                guard = guard.guardrail(guardrail).map_err(error)?;
            }
            let routes = endpoint
                .routes
                .iter()
                .filter_map(|route| {
                    Some(ReadyRoute {
                        provider: Arc::clone(ready.get(&route.provider)?),
                        provider_name: route.provider.clone(),
                        model: route.model.clone(),
                    })
                })
                .collect();
            let ready = ReadyEndpoint {
                settings: endpoint.clone(),
                name: name.as_str().into(),
                guard: Arc::new(guard.build().map_err(error)?),
                prompts: PromptCache::default(),
                routes,
            };
            endpoints.insert(name.clone(), Arc::new(ready));
        }
        Ok(Self { settings, endpoints })
    }

    /// Has every route ask this provider in place of its own.
    pub(crate) fn ask_instead(&mut self, provider: &Arc<dyn Provider>) {
        for endpoint in self.endpoints.values_mut() {
            // Nobody else has a snapshot that was built a moment ago.
            for route in Arc::get_mut(endpoint).into_iter().flat_map(|ready| &mut ready.routes) {
                route.provider = Arc::clone(provider);
            }
        }
    }

    /// Whether a caller may use an endpoint in this way.
    pub(crate) fn rule(
        &self,
        caller: &Caller,
        endpoint: &Name,
        operation: &str,
        model: &str,
    ) -> Ruling {
        if !caller.reaches(endpoint) {
            return Ruling::by_list(false);
        }
        let call = Call { endpoint, operation, model, at: time::now() };
        self.settings.access.call(&caller.principal, &call)
    }

    /// Endpoints whose being there the caller may know.
    pub(crate) fn seen_by(&self, caller: &Caller) -> impl Iterator<Item = &Name> {
        self.endpoints.keys().filter(|name| self.rule(caller, name, Call::SEE, "").is_allowed)
    }

    /// Their names, for messages.
    pub(crate) fn endpoint_names(&self, caller: &Caller) -> String {
        let names: Vec<_> = self.seen_by(caller).map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }
}

/// A model that is asked where it holds up no other request.
struct Aside(Arc<dyn Refiner>);

impl Refiner for Aside {
    fn budget(&self) -> Budget {
        self.0.budget()
    }

    fn judge(&self, text: &str, time: Duration) -> Opinion {
        heavy::aside(|| self.0.judge(text, time))
    }
}

impl Gateway {
    /// Builds the gateway.
    ///
    /// # Errors
    /// [`BuildError`] when the policy cannot be enforced.
    pub fn build(parts: Parts) -> Result<Self, BuildError> {
        let snapshot = Snapshot::build(parts.settings, &parts.models)?;
        let gateway = Self::with(snapshot, parts.keys, parts.events, parts.counters);
        Ok(Self { payloads: parts.payloads, ..gateway })
    }

    /// A gateway that begins with this policy.
    pub(crate) fn with(
        snapshot: Snapshot,
        keys: Arc<dyn Identify>,
        events: Arc<dyn EventSink>,
        counters: Arc<dyn Counters>,
    ) -> Self {
        Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            keys,
            events,
            counters,
            payloads: None,
            upstream: Upstream::new(),
            metrics: Arc::new(Metrics::default()),
            strangers: Strangers::default(),
        }
    }

    /// Puts a new policy in force at once. Requests that have begun end under the old one.
    pub fn replace(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Counters, for the metrics page.
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }
}
