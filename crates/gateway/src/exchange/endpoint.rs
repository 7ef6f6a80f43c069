//! Which endpoint a request means.

use std::sync::Arc;

use bartizan_core::Name;

use crate::auth::Caller;
use crate::error::GatewayError;
use crate::gateway::{ReadyEndpoint, Snapshot};
use crate::json::{Kind, Value};
use crate::operation::Operation;

/// An endpoint and the model that the client named there.
pub(super) struct Target {
    pub(super) endpoint: Arc<ReadyEndpoint>,
    /// Sent upstream where the route leaves the choice to the client.
    pub(super) model: String,
}

impl Target {
    /// The model that the caller chose; empty where the endpoint leaves no choice.
    pub(super) fn chosen_model(&self) -> &str {
        let is_free = self.endpoint.routes.iter().any(|route| route.model.is_none());
        if is_free { &self.model } else { "" }
    }
}

/// The protocol behind a body on Databricks' path for all.
pub(super) fn invoked(root: Value<'_>) -> Operation {
    if root.get("messages").is_some() {
        Operation::ChatCompletions
    } else if root.get("prompt").is_some() {
        Operation::Completions
    } else if root
        .get("input")
        .is_some_and(|input| input.items().any(|item| item.kind() == Kind::Object))
        || root.get("max_output_tokens").is_some()
    {
        Operation::Responses
    } else {
        Operation::Embeddings
    }
}

/// Finds the endpoint: by path, by name, as `ENDPOINT/MODEL`, or by a model that a route names.
/// A model that nobody names goes to the only endpoint that leaves the choice to the client.
pub(super) fn find(
    snapshot: &Snapshot,
    operation: Operation,
    root: Value<'_>,
    path: Option<&str>,
    caller: &Caller,
) -> Result<Target, GatewayError> {
    let open_to = |endpoint: &&Arc<ReadyEndpoint>| {
        snapshot.rule(caller, &endpoint.settings.name, operation.name(), "").is_allowed
    };
    let known = || snapshot.endpoint_names(caller);
    let named = root.get("model").and_then(|model| model.as_str());
    let model = match (path, &named) {
        (Some(path), _) => path.to_owned(),
        (None, Some(model)) => model.text().into_owned(),
        // Moderations need no model; any endpoint's guard will do when there is one only.
        (None, None) => String::new(),
    };
    if let Some(endpoint) = by_name(snapshot, &model) {
        return Ok(Target { endpoint, model });
    }
    if let Some((name, rest)) = model.split_once('/')
        && let Some(endpoint) = by_name(snapshot, name)
        && endpoint.routes.iter().any(|route| route.model.is_none())
    {
        return Ok(Target { endpoint, model: rest.to_owned() });
    }
    let serves = |endpoint: &&Arc<ReadyEndpoint>| {
        operation == Operation::Moderations
            || endpoint.routes.iter().any(|route| route.provider.speaks(operation).is_some())
    };
    let fixed = || {
        let endpoint = by_name(snapshot, model.split_once('/')?.0)?;
        let endpoint = open_to(&&endpoint).then(|| endpoint.name.to_string())?;
        Some(GatewayError::ModelFixed { endpoint })
    };
    let mut by_route =
        snapshot.endpoints.values().filter(open_to).filter(serves).filter(|endpoint| {
            endpoint.routes.iter().any(|route| route.model.as_deref() == Some(&*model))
        });
    if let Some(endpoint) = by_route.next().filter(|_| !model.is_empty()) {
        return Ok(Target { endpoint: Arc::clone(endpoint), model });
    }
    let open: Vec<_> = snapshot
        .endpoints
        .values()
        .filter(open_to)
        .filter(serves)
        .filter(|endpoint| endpoint.routes.iter().any(|route| route.model.is_none()))
        .collect();
    // Where several would do, the one whose provider speaks the protocol itself is meant.
    let native: Vec<_> = open
        .iter()
        .filter(|endpoint| {
            endpoint.routes.iter().any(|route| route.provider.speaks(operation) == Some(operation))
        })
        .collect();
    let chosen = match (open.as_slice(), native.as_slice()) {
        ([only], _) => Some(*only),
        (_, [only]) => Some(**only),
        _ => None,
    };
    match chosen {
        Some(endpoint) if path.is_none() => Ok(Target { endpoint: Arc::clone(endpoint), model }),
        _ if model.is_empty() => Err(GatewayError::ModelMissing { known: known() }),
        _ => Err(fixed().unwrap_or_else(|| GatewayError::ModelUnknown {
            model: model.chars().take(128).collect(),
            known: known(),
        })),
    }
}

fn by_name(snapshot: &Snapshot, name: &str) -> Option<Arc<ReadyEndpoint>> {
    let name: Name = name.parse().ok()?;
    snapshot.endpoints.get(&name).cloned()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Duration;

    use bartizan_core::settings::{
        Approvals, Endpoint, Fingerprint, Ledger, Listen, Provider, ProviderKind, Route, Secrets,
        Settings, Shared,
    };
    use bartizan_core::{Principal, PrincipalKind};

    use super::*;
    use crate::fixtures::Fixed;
    use crate::json::Document;

    fn endpoint(name: &str, model: Option<&str>) -> (Name, Endpoint) {
        let name: Name = name.parse().unwrap();
        let provider = "demo".parse().unwrap();
        let endpoint = Endpoint {
            name: name.clone(),
            routes: vec![Route { provider, model: model.map(str::to_owned) }],
            guardrails: Vec::new(),
            limits: Vec::new(),
            brakes: Vec::new(),
            tags: bartizan_core::Tags::default(),
            modalities: BTreeSet::new(),
            unseen: BTreeSet::new(),
            allow: BTreeSet::new(),
            canaries: Vec::new(),
            attempt_timeout: Duration::from_secs(1),
            total_timeout: Duration::from_secs(1),
            idle_timeout: Duration::from_secs(1),
            inference_log: None,
        };
        (name, endpoint)
    }

    /// `assistant` fixes its model, `closed` does too and is open to nobody.
    fn snapshot() -> Snapshot {
        let nowhere = "127.0.0.1:0".parse().unwrap();
        let demo = Provider { kind: ProviderKind::Demo { chunk_bytes: 5 } };
        let settings = Settings {
            version: String::new(),
            fingerprint: Fingerprint::default(),
            data_dir: "data".into(),
            listen: Listen {
                gateway: nowhere,
                console: nowhere,
                console_names: Vec::new(),
                tls: None,
            },
            providers: BTreeMap::from([("demo".parse().unwrap(), demo)]),
            issuers: Vec::new(),
            certificates: Vec::new(),
            tokens: None,
            groups: BTreeMap::new(),
            endpoints: BTreeMap::from([
                endpoint("assistant", Some("large")),
                endpoint("closed", Some("large")),
            ]),
            limits: Vec::new(),
            prices: BTreeMap::new(),
            ledger: Ledger::DEFAULT,
            sinks: Vec::new(),
            witnesses: Vec::new(),
            witness_for: Vec::new(),
            inference: bartizan_core::settings::InferenceStore::DEFAULT,
            otlp_endpoint: None,
            login: None,
            secrets: Secrets::default(),
            shared: Shared::default(),
            models: BTreeMap::new(),
            approvals: Approvals::default(),
            access: Arc::new(Fixed { closed: "closed" }),
            cedar: Vec::new(),
            tests: Vec::new(),
            properties: Vec::new(),
        };
        Snapshot::build(settings, &BTreeMap::new()).unwrap()
    }

    fn refusal(model: &str) -> String {
        let body = format!(r#"{{"model":"{model}"}}"#);
        let document = Document::parse(body.as_bytes()).unwrap();
        let kind = PrincipalKind::User;
        let caller = Principal { kind, name: "alice".to_owned(), groups: Vec::new() };
        let caller = Caller::of(caller);
        let root = document.root();
        match find(&snapshot(), Operation::ChatCompletions, root, None, &caller) {
            Ok(target) => panic!("`{model}` found `{}`", target.endpoint.name),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_endpoint_that_fixes_its_model_says_so() {
        assert!(refusal("assistant/small").starts_with("the endpoint `assistant` fixes its model"));
        assert!(refusal("nobody/small").starts_with("there is no endpoint for the model"));
        // Whom it is not open to learns nothing about it.
        assert!(refusal("closed/small").starts_with("there is no endpoint for the model"));
    }
}
