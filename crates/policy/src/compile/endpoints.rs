//! Endpoints: routes, timeouts, and what must be unique or must fit together inside one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use bartizan_core::channel::Channel;
use bartizan_core::id::{Name, RuleId};
use bartizan_core::settings::{Detect, Endpoint, Guardrail, Limit, Route};

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::endpoint::{EndpointFile, RouteFile, TimeoutsFile};
use crate::file::scalar::RuleIdText;
use crate::located::Located;
use crate::show;
use crate::snippet::quote;
use crate::suggest;

/// Default of `timeouts.attempt`.
const ATTEMPT: Duration = Duration::from_secs(60);
/// Default of `timeouts.idle`.
const IDLE: Duration = Duration::from_secs(60);
/// Default of `timeouts.total`.
const TOTAL: Duration = Duration::from_secs(600);
/// Longest model name, in bytes.
const MODEL_BYTES_MAX: usize = 256;

/// Detector that looks for canaries.
const CANARY_DETECTOR: &str = "canary-leak";
/// Most canaries of an endpoint: each is looked for in every answer.
const CANARIES_MAX: usize = 64;
/// Length of a canary, in bytes: a shorter one turns up by chance, of a longer one the guard sees
/// the start alone.
const CANARY_BYTES: RangeInclusive<usize> = 8..=256;

/// Checked `timeouts:`.
struct Timeouts {
    attempt: Duration,
    idle: Duration,
    total: Duration,
}

impl Compiler<'_, '_> {
    /// Limits over all endpoints, and the endpoints.
    pub(super) fn limits_and_endpoints(
        &mut self,
        file: &PolicyFile,
    ) -> (Vec<Limit>, BTreeMap<Name, Endpoint>) {
        let mut ids = BTreeSet::new();
        let limits = file.limits.iter();
        let limits = limits.filter_map(|limit| self.shared_limit(file, &limit.value, &mut ids));
        let limits = limits.collect();
        let mut endpoints = BTreeMap::new();
        for (key, endpoint) in &file.endpoints {
            let name = self.name(key, "endpoint");
            // An event that names a limit over all endpoints names no rule of its own besides.
            let taken = ids.clone();
            if let Some(endpoint) = self.endpoint(file, key, name, &endpoint.value, taken) {
                endpoints.insert(endpoint.name.clone(), endpoint);
            }
        }
        (limits, endpoints)
    }

    fn endpoint(
        &mut self,
        file: &PolicyFile,
        key: &Located<String>,
        name: Option<Name>,
        endpoint: &EndpointFile,
        mut ids: BTreeSet<RuleId>,
    ) -> Option<Endpoint> {
        if endpoint.routes.is_empty() {
            let message = format!("the endpoint {} has no route", quote(&key.value));
            let help = "add one, such as `routes: [{ provider: demo }]`";
            self.report(Problem::new(key.place, message).help(help));
        }
        let routes = endpoint.routes.iter().filter_map(|route| self.route(file, route)).collect();
        let guardrails: Vec<Guardrail> = endpoint
            .guardrails
            .iter()
            .filter_map(|rail| self.guardrail(file, &rail.value, &mut ids))
            .collect();
        let limits = endpoint
            .limits
            .iter()
            .filter_map(|limit| self.limit(file, &limit.value, &mut ids))
            .collect();
        let brakes = endpoint
            .brakes
            .iter()
            .filter_map(|brake| self.brake(file, &brake.value, &mut ids))
            .collect();
        let tags = self.tags(&endpoint.tags);
        self.prices_for_budgets(file, endpoint);
        let modalities =
            endpoint.modalities.iter().filter_map(|modality| self.word(modality)).collect();
        let unseen = endpoint.unseen.iter().filter_map(|unseen| self.word(unseen)).collect();
        let allow = match &endpoint.allow {
            None => BTreeSet::new(),
            Some(allow) => {
                // Settings read an empty set as "everyone", which nobody means by an empty list.
                if allow.value.is_empty() {
                    let problem = Problem::new(allow.place, "`allow` lets nobody in");
                    self.report(problem.help("name groups or principals, or remove the key"));
                }
                self.subjects(file, &allow.value)
            }
        };
        let canaries = self.canaries(key, endpoint, &guardrails);
        let given = endpoint.inference_log.as_ref();
        let inference_log = given.map(|given| self.inference_log(&given.value));
        let timeouts = self.timeouts(&endpoint.timeouts)?;
        Some(Endpoint {
            name: name?,
            routes,
            guardrails,
            limits,
            brakes,
            tags,
            modalities,
            unseen,
            allow,
            canaries,
            attempt_timeout: timeouts.attempt,
            total_timeout: timeouts.total,
            idle_timeout: timeouts.idle,
            // What is wrong with it was reported.
            inference_log: inference_log.flatten(),
        })
    }

    /// A canary is as telling as the prompt around it, so no message and no line beside it shows one.
    fn canaries(
        &mut self,
        name: &Located<String>,
        endpoint: &EndpointFile,
        guardrails: &[Guardrail],
    ) -> Vec<String> {
        let given = &endpoint.canaries;
        let looks = |rail: &Guardrail| match &rail.detect {
            Detect::Detectors(ids) => {
                let answers = [Channel::Output, Channel::ToolCall];
                ids.contains(&CANARY_DETECTOR) && answers.iter().any(|on| rail.on.contains(*on))
            }
            _ => false,
        };
        // A guardrail that was not understood may be the one.
        let may_look = guardrails.len() < endpoint.guardrails.len() || guardrails.iter().any(looks);
        if let (Some(first), false) = (given.first(), may_look) {
            let message = format!("nothing looks for the canaries of {}", quote(&name.value));
            let help = "add a guardrail, such as `{ id: g-leak, on: [output, tool-call], detect: \
                        prompt-leak, action: block }`";
            self.report(Problem::new(first.place, message).help(help).secret());
        }
        if let Some(beyond) = given.get(CANARIES_MAX) {
            let name = quote(&name.value);
            let message = format!("{name} has more than {CANARIES_MAX} canaries");
            self.report(Problem::new(beyond.place, message).help("remove some").secret());
        }
        let mut canaries = Vec::new();
        for canary in given.iter().take(CANARIES_MAX) {
            let text = canary.value.as_str();
            if text == show::SET {
                let message = format!("`{text}` stands for a canary that is not shown");
                let help = "write the canary itself; `config show` leaves it out";
                self.report(Problem::new(canary.place, message).help(help));
                continue;
            }
            if CANARY_BYTES.contains(&text.len()) && text.chars().any(char::is_alphanumeric) {
                canaries.push(text.to_owned());
                continue;
            }
            let (least, most) = (CANARY_BYTES.start(), CANARY_BYTES.end());
            let message = format!("{} bytes cannot be a canary", text.len());
            let help = format!(
                "write {least} to {most} bytes with letters or digits that occur nowhere else"
            );
            self.report(Problem::new(canary.place, message).help(help).secret());
        }
        canaries
    }

    fn route(&mut self, file: &PolicyFile, route: &RouteFile) -> Option<Route> {
        let model = match &route.model {
            Some(model)
                if model.value.is_empty()
                    || model.value.len() > MODEL_BYTES_MAX
                    || model.value.chars().any(char::is_control) =>
            {
                let message = format!("{} cannot be the name of a model", quote(&model.value));
                let help = "name the model as the provider does, in 1 to 256 bytes";
                self.report(Problem::new(model.place, message).help(help));
                None
            }
            model => model.as_ref().map(|model| model.value.clone()),
        };
        let given = route.provider.value.as_str();
        let providers = || file.providers.keys().map(|key| key.value.as_str());
        if !file.providers.contains_key(&Located::key(given)) {
            let help = match suggest::nearest(given, providers()) {
                Some(provider) => format!("did you mean `{provider}`?"),
                None if file.providers.is_empty() => "add it to `providers:`".to_owned(),
                None => format!("providers of this file: {}", suggest::list(providers())),
            };
            let message = format!("no provider is named {}", quote(given));
            self.report(Problem::new(route.provider.place, message).help(help));
            return None;
        }
        // A wrong name of a provider is reported where the provider stands.
        Some(Route { provider: given.parse().ok()?, model })
    }

    fn timeouts(&mut self, file: &TimeoutsFile) -> Option<Timeouts> {
        let total = self.duration(file.total.as_ref(), TOTAL);
        let attempt = self.duration(file.attempt.as_ref(), ATTEMPT);
        let idle = self.duration(file.idle.as_ref(), IDLE);
        let (total, mut attempt, mut idle) = (total?, attempt?, idle?);
        for (key, value, given) in
            [("attempt", &mut attempt, &file.attempt), ("idle", &mut idle, &file.idle)]
        {
            match given {
                // A default gives way to a shorter total.
                None => *value = (*value).min(total),
                Some(given) if *value > total => {
                    let message = format!("`{key}` waits longer than `total`, which ends it first");
                    let help = format!("make `{key}` shorter or `total` longer");
                    self.report(Problem::new(given.place, message).help(help));
                }
                Some(_) => {}
            }
        }
        Some(Timeouts { attempt, idle, total })
    }

    /// A rule id that no other rule of the endpoint has.
    pub(super) fn rule_id(
        &mut self,
        given: &Located<RuleIdText>,
        taken: &mut BTreeSet<RuleId>,
    ) -> Option<RuleId> {
        let text = given.value.0.as_str();
        let id: RuleId = match text.parse() {
            Ok(id) => id,
            Err(error) => {
                let message = format!("{} cannot be the id of a rule: {error}", quote(text));
                self.report(Problem::new(given.place, message).help("write it like `g-pii`"));
                return None;
            }
        };
        if !taken.insert(id.clone()) {
            let message = format!("two rules of this endpoint have the id {}", quote(text));
            let help = "give each its own; events name the rule that decided";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        Some(id)
    }
}
