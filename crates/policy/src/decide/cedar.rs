//! Cedar files of a policy: read and held to the schema at load, asked with each request.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bartizan_core::access::{Call, Ruling};
use bartizan_core::id::{Name, RuleId};
use bartizan_core::principal::{Principal, PrincipalKind};
use bartizan_core::settings::Endpoint;
use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, Policy, PolicyId, PolicySet, Request, RestrictedExpression, Schema, ValidationMode,
    Validator,
};
use miette::Diagnostic;

use super::render::entity;
use crate::error::{Problem, Problems};
use crate::located::Place;
use crate::snippet::quote;

/// What Cedar files may speak of.
pub(crate) const SCHEMA: &str = include_str!("schema.cedarschema");

/// Most policies in all files: each is looked at for each request, at some 0.7 µs.
const POLICIES_MAX: usize = 256;

/// The text of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CedarText {
    /// As messages name it.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// The policies of all files.
#[derive(Debug)]
pub(crate) struct Cedar {
    policies: PolicySet,
    /// What `@id` calls each.
    ids: HashMap<PolicyId, Arc<str>>,
    types: Types,
    endpoints: HashMap<Name, Entity>,
}

/// Names that each request needs, read once.
#[derive(Debug)]
struct Types {
    user: EntityTypeName,
    program: EntityTypeName,
    group: EntityTypeName,
    endpoint: EntityTypeName,
    call: EntityUid,
}

impl Types {
    #[expect(clippy::expect_used, reason = "the names are written here, and tests read them")]
    fn new() -> Self {
        let name = |text: &str| text.parse::<EntityTypeName>().expect("a name of Cedar");
        Self {
            user: name(entity(PrincipalKind::User)),
            program: name(entity(PrincipalKind::ServicePrincipal)),
            group: name("Group"),
            endpoint: name("Endpoint"),
            call: EntityUid::from_type_name_and_id(name("Action"), EntityId::new("call")),
        }
    }
}

impl Cedar {
    /// Reads files, or says what is wrong with the first that is.
    pub(crate) fn new(
        files: &[CedarText],
        endpoints: &BTreeMap<Name, Endpoint>,
    ) -> Result<Self, crate::PolicyError> {
        let mut all = Reading::default();
        for file in files {
            let mut problems = Problems::new(&file.name, &file.text);
            all.read(file, &mut problems);
            if !problems.is_empty() {
                return Err(crate::PolicyError::Invalid(problems.into_report()));
            }
        }
        let types = Types::new();
        let described = endpoints.iter().filter_map(|(name, endpoint)| {
            Some((name.clone(), described(types.endpoint.clone(), name, endpoint)?))
        });
        let endpoints = described.collect();
        Ok(Self { policies: all.policies, ids: all.ids, types, endpoints })
    }

    /// What the files make of a ruling of the lists.
    pub(crate) fn rule(&self, by_list: Ruling, caller: &Principal, call: &Call<'_>) -> Ruling {
        // What cannot be asked is refused.
        let Some(asked) = self.ask(caller, call) else { return Ruling::by_list(false) };
        let diagnostics = asked.diagnostics();
        let named = |id: &PolicyId| self.ids.get(id).cloned();
        if let Some(failed) = diagnostics.errors().next() {
            // INVARIANT: a policy that cannot be evaluated may have been a `forbid`.
            let AuthorizationError::PolicyEvaluationError(failed) = failed;
            let rule = named(failed.policy_id());
            return Ruling { is_allowed: false, rule };
        }
        let rule = diagnostics.reason().filter_map(named).min();
        match asked.decision() {
            Decision::Allow if by_list.is_allowed => by_list,
            Decision::Allow => Ruling { is_allowed: true, rule },
            // Without a reason nothing was said about it.
            Decision::Deny if rule.is_none() => by_list,
            Decision::Deny => Ruling { is_allowed: false, rule },
        }
    }

    fn ask(&self, caller: &Principal, call: &Call<'_>) -> Option<cedar_policy::Response> {
        let of = |kind: &EntityTypeName, name: &str| {
            EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
        };
        let kind = match caller.kind {
            PrincipalKind::User => &self.types.user,
            PrincipalKind::ServicePrincipal => &self.types.program,
        };
        let groups: Vec<EntityUid> =
            caller.groups.iter().map(|group| of(&self.types.group, group.as_str())).collect();
        let principal = of(kind, &caller.name);
        let resource = self.endpoints.get(call.endpoint)?;
        let context = Context::from_pairs([
            ("operation".to_owned(), RestrictedExpression::new_string(call.operation.to_owned())),
            ("model".to_owned(), RestrictedExpression::new_string(call.model.to_owned())),
            ("now".to_owned(), RestrictedExpression::new_datetime(moment(call.at))),
        ]);
        let request = Request::new(
            principal.clone(),
            self.types.call.clone(),
            resource.uid(),
            context.ok()?,
            None,
        );
        let entities =
            groups.iter().map(|group| Entity::new_no_attrs(group.clone(), HashSet::new())).chain([
                Entity::new_no_attrs(principal, groups.iter().cloned().collect()),
                resource.clone(),
            ]);
        let entities = Entities::from_entities(entities, None).ok()?;
        Some(Authorizer::new().is_authorized(&request.ok()?, &self.policies, &entities))
    }
}

/// In the form that Cedar reads: milliseconds, and not more.
fn moment(at: bartizan_core::time::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// What Cedar is told of an endpoint.
fn described(kind: EntityTypeName, name: &Name, endpoint: &Endpoint) -> Option<Entity> {
    let set = |texts: Vec<String>| {
        RestrictedExpression::new_set(texts.into_iter().map(RestrictedExpression::new_string))
    };
    let routes = &endpoint.routes;
    let providers = routes.iter().map(|route| route.provider.to_string()).collect();
    let models = routes.iter().filter_map(|route| route.model.clone()).collect();
    let guardrails = endpoint.guardrails.iter().map(|rail| rail.id.to_string()).collect();
    let attributes = HashMap::from([
        ("providers".to_owned(), set(providers)),
        ("models".to_owned(), set(models)),
        ("guardrails".to_owned(), set(guardrails)),
    ]);
    let uid = EntityUid::from_type_name_and_id(kind, EntityId::new(name.as_str()));
    Entity::new(uid, attributes, HashSet::new()).ok()
}

/// Files as they are read.
#[derive(Default)]
struct Reading {
    policies: PolicySet,
    ids: HashMap<PolicyId, Arc<str>>,
}

impl Reading {
    fn read(&mut self, file: &CedarText, problems: &mut Problems<'_>) {
        let set: PolicySet = match file.text.parse() {
            Ok(set) => set,
            Err(errors) => {
                for error in errors.iter() {
                    let help = "the syntax of Cedar is described at docs.cedarpolicy.com";
                    problems.push(said(error, &file.text).help(help));
                }
                return;
            }
        };
        if let Some(template) = set.templates().next() {
            let message = format!("{} is a template, and nothing fills its slots", template.id());
            let help =
                "write the principal and the resource in place of `?principal` and `?resource`";
            problems.push(Problem::new(None, message).help(help));
        }
        for policy in set.policies() {
            self.take(policy, file, problems);
        }
        if problems.is_empty() {
            validate(&set, &file.text, problems);
        }
    }

    fn take(&mut self, policy: &Policy, file: &CedarText, problems: &mut Problems<'_>) {
        let place = || statement(&file.text, policy);
        let Some(given) = policy.annotation("id") else {
            let message = "a policy has no id, which events would name it by";
            let help = "begin it with a line such as `@id(\"p-night\")`";
            problems.push(Problem::new(place(), message).help(help));
            return;
        };
        if let Err(error) = given.parse::<RuleId>() {
            let message = format!("{} cannot be the id of a rule: {error}", quote(given));
            problems.push(Problem::new(place(), message).help("write it like `p-night`"));
            return;
        }
        if self.ids.values().any(|id| &**id == given) {
            let message = format!("two policies have the id {}", quote(given));
            let help = "give each its own; events name the one that decided";
            problems.push(Problem::new(place(), message).help(help));
            return;
        }
        if self.ids.len() == POLICIES_MAX {
            let message = format!("there are more than {POLICIES_MAX} policies in Cedar files");
            let help = "each is looked at for every request: write lists as `groups` and `allow`, which are not";
            problems.push(Problem::new(place(), message).help(help));
            return;
        }
        let id = PolicyId::new(given);
        if self.policies.add(policy.new_id(id.clone())).is_ok() {
            self.ids.insert(id, given.into());
        }
    }
}

/// Holds policies to what requests bring.
fn validate(set: &PolicySet, text: &str, problems: &mut Problems<'_>) {
    let Ok((schema, _)) = Schema::from_cedarschema_str(SCHEMA) else {
        problems.push(Problem::new(None, "the schema of Cedar cannot be read"));
        return;
    };
    let checked = Validator::new(schema).validate(set, ValidationMode::Strict);
    let help = "`bartizan policy schema` shows what policies may speak of";
    for error in checked.validation_errors() {
        problems.push(said(error, text).help(help));
    }
    // A policy that never applies protects nobody.
    for warning in checked.validation_warnings() {
        problems.push(said(warning, text).help(help));
    }
}

/// Where a policy begins: at its id, or at its text.
fn statement(text: &str, policy: &Policy) -> Option<Place> {
    let source = policy.to_string();
    let first = source.lines().find(|line| !line.trim().is_empty())?;
    let at = text.find(source.trim()).or_else(|| text.find(first.trim()))?;
    Place::at(text, at, first.trim().chars().count())
}

/// What Cedar says, with the place that it speaks of.
fn said(error: &dyn Diagnostic, text: &str) -> Problem {
    let label = error.labels().and_then(|mut labels| labels.next());
    let place = label.and_then(|label| {
        let (start, len) = (label.offset(), label.len());
        let covered = text.get(start..start + len).unwrap_or_default();
        let line = covered.lines().next().unwrap_or_default();
        Place::at(text, start, line.chars().count())
    });
    let mut message = error.to_string();
    if let Some(help) = error.help() {
        message = format!("{message} ({help})");
    }
    Problem::new(place, message.replace('\n', " "))
}
