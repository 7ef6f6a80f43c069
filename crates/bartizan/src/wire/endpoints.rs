//! Endpoints of the admin API: put in force beside the policy file, or kept until a second person approves.

use std::sync::Arc;

use bartizan_console::{AdminError, Asked, EndpointAdmin};
use bartizan_core::settings::Approval;
use bartizan_core::{Class, Coded as _, Name};
use bartizan_gateway::Snapshot;
use bartizan_gateway::json::Document;
use bartizan_policy::weaken::{self, Weakness};
use bartizan_store::{
    Approved, Approver, ChangeKind, ChangeRecord, ChangeState, Hand, StoreError, endpoint_digest,
};
use serde_json::Value;

use super::admin::{Composed, InForce, Next, internal, refused};
use super::{approvals, models};

/// Endpoints, for the admin API.
pub(crate) struct Endpoints(pub(crate) Arc<InForce>);

impl Endpoints {
    fn document(&self) -> Result<Value, AdminError> {
        let text = self.0.text.lock().clone();
        serde_saphyr::from_str(&text).map_err(internal)
    }

    fn in_file(&self, name: &str) -> Result<Option<Value>, AdminError> {
        Ok(self.document()?.get("endpoints").and_then(|all| all.get(name)).cloned())
    }

    /// Puts the policy with these extra endpoints in force, or says why not.
    fn enforce(&self, extra: &[(String, String)]) -> Result<(), AdminError> {
        let next = self.prepare(extra)?;
        self.0.enter(next).map_err(internal)
    }

    /// The policy with these extra endpoints, ready to be put in force.
    fn prepare(&self, extra: &[(String, String)]) -> Result<Next, AdminError> {
        let text = self.0.text.lock().clone();
        let composed = self.0.source.compose(&text, extra).map_err(refused)?;
        let in_force = self.0.composed();
        // The text is that in force; files beside it may be others by now, and wait for two people.
        if in_force.file.approvals.policy_file == Approval::TwoPeople
            && !weaken::policy(&in_force.file, &composed.file, &composed.all.endpoints).is_empty()
        {
            return Err(policy_waits());
        }
        self.0.inference.ensure(&composed.all).map_err(refused)?;
        let models = models::load(&composed.all).map_err(refused)?;
        let snapshot = Snapshot::build(composed.all.clone(), &models).map_err(refused)?;
        Ok(Next { text, composed, snapshot, identities: None })
    }

    /// Puts what the store has in force, also what another gateway changed.
    pub(crate) fn refresh(&self) -> anyhow::Result<()> {
        let next = self.prepare(&self.extra()?)?;
        if next.composed.all.version == self.0.composed().all.version {
            return Ok(());
        }
        self.0.enter(next)
    }

    /// Puts a change of an endpoint in force and keeps it; or has it wait for another person.
    fn ask(
        &self,
        name: &Name,
        body: Option<&str>,
        by: &Hand,
        done: impl FnOnce() -> Result<Value, AdminError>,
    ) -> Result<Asked, AdminError> {
        let store = &self.0.source.store;
        let before = self.extra()?;
        let known = before.iter().find(|(known, _)| known == name.as_str());
        let against = endpoint_digest(known.map(|(_, body)| body.as_str()));
        let next = self.prepare(&with(&before, name, body))?;
        if self.0.composed().all.approvals.weaker_endpoints == Approval::TwoPeople {
            let weaker = self.weaker(&before, &next, name)?;
            if !weaker.is_empty() {
                let settings = &next.composed.all;
                let asked = (name.as_str(), body, against);
                let (change, is_new) =
                    approvals::propose_endpoint(store, settings, asked, &weaker, by)
                        .map_err(stored)?;
                return Ok(Asked::Waits { change: Box::new(change), is_new });
            }
        }
        self.0.enter(next).map_err(internal)?;
        match store.change_endpoint(name, body, &against) {
            Ok(true) => Ok(Asked::Done(done()?)),
            // What is not kept is not in force either; what is still kept comes back with the next start.
            Ok(false) => {
                self.enforce(&self.extra()?)?;
                Err(changed_meanwhile(name))
            }
            Err(error) => {
                self.enforce(&before)?;
                Err(internal(error))
            }
        }
    }

    /// What becomes weaker about an endpoint, against what is kept of it now: another gateway may just have changed it.
    fn weaker(
        &self,
        before: &[(String, String)],
        next: &Next,
        name: &Name,
    ) -> Result<Vec<Weakness>, AdminError> {
        let text = self.0.text.lock().clone();
        let old = self.0.source.compose(&text, before).map_err(internal)?;
        let of = |composed: &Composed| composed.all.endpoints.get(name).cloned();
        Ok(weaken::endpoint(of(&old).as_ref(), of(&next.composed).as_ref()))
    }

    /// Approves a change of an endpoint, if it still means what was shown.
    fn approve_endpoint(
        &self,
        change: &ChangeRecord,
        name: &Name,
        by: &Approver,
    ) -> Result<Approved, AdminError> {
        let store = &self.0.source.store;
        let body = (change.kind == ChangeKind::EndpointPut).then_some(change.body.as_str());
        let before = self.extra()?;
        let next = self.prepare(&with(&before, name, body))?;
        let is_as_shown = self.in_file(name.as_str())?.is_none()
            && approvals::listed(&self.weaker(&before, &next, name)?) == change.weaknesses;
        if !is_as_shown {
            // The file says something else by now: of its groups, or of this very endpoint.
            return store.void_change(&change.id).map(Approved::Void).map_err(stored);
        }
        let approved = store.approve_change(&change.id, by).map_err(stored)?;
        if let Approved::Done(change) = &approved
            && let Err(error) = self.0.enter(next)
        {
            tracing::error!(%error, change = %change.id, "approved and not in force yet");
            return Err(not_in_force_yet(&change.id));
        }
        Ok(approved)
    }

    fn extra(&self) -> Result<Vec<(String, String)>, AdminError> {
        let stored = self.0.source.store.list_endpoints().map_err(internal)?;
        Ok(stored.into_iter().map(|endpoint| (endpoint.name, endpoint.body)).collect())
    }
}

fn named(name: &str, origin: &str, body: Value) -> Value {
    let mut entry = serde_json::json!({ "name": name, "origin": origin });
    if let (Some(entry), Value::Object(body)) = (entry.as_object_mut(), body) {
        entry.extend(body);
    }
    entry
}

impl EndpointAdmin for Endpoints {
    fn list(&self) -> Result<Value, AdminError> {
        let mut list = Vec::new();
        if let Some(Value::Object(endpoints)) = self.document()?.get("endpoints") {
            list.extend(endpoints.iter().map(|(name, body)| named(name, "policy", body.clone())));
        }
        for (name, body) in self.extra()? {
            list.push(named(&name, "admin", serde_json::from_str(&body).map_err(internal)?));
        }
        Ok(Value::Array(list))
    }

    fn get(&self, name: &Name) -> Result<Value, AdminError> {
        if let Some(body) = self.in_file(name.as_str())? {
            return Ok(named(name.as_str(), "policy", body));
        }
        let stored = self.0.source.store.get_endpoint(name.as_str()).map_err(internal)?;
        let stored = stored.ok_or_else(|| missing(name))?;
        Ok(named(name.as_str(), "admin", serde_json::from_str(&stored.body).map_err(internal)?))
    }

    fn put(&self, name: &Name, body: &str, by: &Hand) -> Result<Asked, AdminError> {
        let _changing = self.0.changing.blocking_lock();
        if self.in_file(name.as_str())?.is_some() {
            return Err(in_policy(name));
        }
        // The same reader as for requests: what two readers could take differently is refused.
        Document::parse(body.as_bytes()).map_err(refused)?;
        self.ask(name, Some(body), by, || self.get(name))
    }

    fn delete(&self, name: &Name, by: &Hand) -> Result<Asked, AdminError> {
        let _changing = self.0.changing.blocking_lock();
        if self.in_file(name.as_str())?.is_some() {
            return Err(in_policy(name));
        }
        let last = self.get(name)?;
        self.ask(name, None, by, || Ok(last))
    }

    fn approve(&self, id: &str, by: &Approver) -> Result<Approved, AdminError> {
        let _changing = self.0.changing.blocking_lock();
        let store = &self.0.source.store;
        let change = store.get_change(id).map_err(stored)?;
        match change.endpoint() {
            Some(name) if change.state == ChangeState::Waiting => {
                self.approve_endpoint(&change, &name, by)
            }
            // Whoever watches the file puts it in force.
            _ => store.approve_change(id, by).map_err(stored),
        }
    }
}

/// Endpoints, with one of them changed. In the order in which they come back, which makes the same version.
fn with(before: &[(String, String)], name: &Name, body: Option<&str>) -> Vec<(String, String)> {
    let mut extra = before.to_vec();
    extra.retain(|(known, _)| known != name.as_str());
    extra.extend(body.map(|body| (name.as_str().to_owned(), body.to_owned())));
    extra.sort();
    extra
}

fn stored(error: StoreError) -> AdminError {
    let help = match &error {
        StoreError::ChangeNotFound { .. } | StoreError::ChangeOver { .. } => {
            "`GET /api/v1/changes` lists them"
        }
        StoreError::TooManyChanges => "approve or reject some of them",
        StoreError::NoPerson => "ask somebody to approve it with a key of their own",
        StoreError::SamePerson => "ask somebody else to approve it",
        StoreError::SameHand => {
            "have the keys of both made where the data folder is, with `bartizan key create`"
        }
        StoreError::EndpointTooLarge => "send less",
        _ => return internal(error),
    };
    let (class, code, message) = (error.class(), error.code(), error.to_string());
    AdminError { class, code, message, help: Some(help.to_owned()) }
}

fn changed_meanwhile(name: &Name) -> AdminError {
    AdminError {
        class: Class::Unavailable,
        code: "bartizan::admin::endpoint-changed-meanwhile",
        message: format!("the endpoint `{name}` was changed by somebody else at the same time"),
        help: Some("look at it, and send the request again".to_owned()),
    }
}

fn policy_waits() -> AdminError {
    AdminError {
        class: Class::Unavailable,
        code: "bartizan::admin::policy-waits",
        message: "files that are part of the policy have changed and wait for two people, so that no endpoint can be \
                  put beside the policy in force"
            .to_owned(),
        help: Some("approve or reject the change of the policy, or put the files back".to_owned()),
    }
}

fn not_in_force_yet(id: &str) -> AdminError {
    AdminError {
        class: Class::Unavailable,
        code: "bartizan::admin::change-not-in-force",
        message: format!("the change `{id}` is approved and kept, and not in force here yet"),
        help: Some("make room for the event log; it comes into force by itself".to_owned()),
    }
}

fn missing(name: &Name) -> AdminError {
    AdminError {
        class: Class::NotFound,
        code: "bartizan::admin::endpoint-not-found",
        message: format!("there is no endpoint `{name}`"),
        help: Some("`GET /api/v1/endpoints` lists them".to_owned()),
    }
}

fn in_policy(name: &Name) -> AdminError {
    AdminError {
        class: Class::Denied,
        code: "bartizan::admin::endpoint-in-policy",
        message: format!("the endpoint `{name}` is defined in the policy file"),
        help: Some("change the file; it is reloaded by itself".to_owned()),
    }
}
