//! Properties of policies with Cedar files: as formulas, of which a solver says whether one follows from another.
//!
//! The formulas know more callers than there are: each may be in any group. What is known of the policy is added as
//! premises, as far as it is short: the attributes of the endpoint, the operations, who is listed in a group, and that
//! nobody else is where no token can bring it. What a solver finds is shown to the decision function before it is believed.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use bartizan_core::access::Call;
use bartizan_core::id::Name;
use bartizan_core::principal::{Principal, PrincipalKind};
use bartizan_core::settings::{Claim, Endpoint, Property, Settings, Subject};
use bartizan_core::time::Timestamp;
use cedar_policy::{EvalResult, PolicyId, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::solver::LocalSolver;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet, Env};

use super::calls::brought;
use super::{Counterexample, Means, OPERATIONS, Proof, breaks};
use crate::decide::{SCHEMA, allow_as_cedar, cedar_literal, cedar_text, cedar_type};

/// Longest time for one question, in milliseconds.
const TIME_LIMIT: &str = "--tlimit-per=60000";
/// Largest group whose members the solver is told.
const MEMBERS_TOLD: usize = 64;
/// What to do where there is no solver.
const INSTALL: &str =
    "install cvc5 (Debian: `apt-get install cvc5`), or set CVC5 to the path of its program";

/// Why there is no answer.
struct NoAnswer {
    reason: String,
    help: &'static str,
}

impl NoAnswer {
    fn new(reason: impl Into<String>, help: &'static str) -> Self {
        Self { reason: reason.into(), help }
    }
}

impl From<cedar_policy_symcc::err::Error> for NoAnswer {
    fn from(error: cedar_policy_symcc::err::Error) -> Self {
        Self::new(
            format!("the analysis of Cedar gave up: {error}"),
            "make the policies or the property simpler, or prove it for fewer endpoints",
        )
    }
}

/// Proves a property about calls.
pub(super) async fn prove(
    settings: &Settings,
    property: &Property,
    cedar: &[String],
    now: Timestamp,
) -> Proof {
    match asked(settings, property, cedar, now).await {
        Ok(None) => Proof::Holds(Means::Solver),
        Ok(Some(found)) => Proof::Fails(found),
        Err(NoAnswer { reason, help }) => Proof::Unknown { reason, help: help.to_owned() },
    }
}

async fn asked(
    settings: &Settings,
    property: &Property,
    cedar: &[String],
    now: Timestamp,
) -> Result<Option<Counterexample>, NoAnswer> {
    let unreadable = |error: &dyn std::fmt::Display| {
        NoAnswer::new(
            format!("the policies cannot be read as Cedar: {error}"),
            "report this as a bug",
        )
    };
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(|error| unreadable(&error))?;
    let solver = LocalSolver::cvc5_with_args([TIME_LIMIT]);
    let solver =
        solver.map_err(|error| NoAnswer::new(format!("no solver runs here: {error}"), INSTALL))?;
    let mut compiler = CedarSymCompiler::new(solver)?;
    let files = parsed(cedar).map_err(|error| unreadable(&error))?;
    // In an order of their own: of several counterexamples the same one is shown each time.
    let mut environments: Vec<RequestEnv> = schema.request_envs().collect();
    let key = |it: &RequestEnv| (Reverse(it.principal().to_string()), it.action().to_string());
    environments.sort_by_key(key);
    for name in &property.endpoints {
        let Some(endpoint) = settings.endpoints.get(name) else { continue };
        let mut policies = files.clone();
        add(&mut policies, "l", &allow_as_cedar(name, endpoint))
            .map_err(|error| unreadable(&error))?;
        let premise = premise(settings, property, name, endpoint, cedar);
        let who = match &property.claim {
            Claim::Only(who) | Claim::Never(who) | Claim::Always(who) => said(who),
            Claim::Guarded { .. } => continue,
        };
        let whole = "(principal, action, resource)";
        let reference = match &property.claim {
            Claim::Only(_) => format!("permit {whole} unless {{ {premise} && !({who}) }};"),
            Claim::Never(_) => format!("permit {whole} unless {{ {premise} && ({who}) }};"),
            _ => format!("permit {whole} when {{ {premise} && ({who}) }};"),
        };
        let mut set = PolicySet::new();
        add(&mut set, "r", &reference).map_err(|error| unreadable(&error))?;
        let is_always = matches!(property.claim, Claim::Always(_));
        for environment in &environments {
            let policies = CompiledPolicySet::compile(&policies, environment, &schema)?;
            let reference = CompiledPolicySet::compile(&set, environment, &schema)?;
            let (narrow, wide) =
                if is_always { (&reference, &policies) } else { (&policies, &reference) };
            if let Some(found) =
                compiler.check_implies_with_counterexample_opt(narrow, wide).await?
            {
                return replayed(settings, property, name, &found, now).map(Some);
            }
            if is_always {
                never_fails(&mut compiler, &files, environment, &schema).await?;
            }
        }
    }
    Ok(None)
}

/// A policy that cannot be evaluated refuses here, and is passed over by Cedar.
async fn never_fails(
    compiler: &mut CedarSymCompiler<LocalSolver>,
    files: &PolicySet,
    environment: &RequestEnv,
    schema: &Schema,
) -> Result<(), NoAnswer> {
    for policy in files.policies() {
        let asked = CompiledPolicy::compile(policy, environment, schema)?;
        if !compiler.check_never_errors_opt(&asked).await? {
            let id = policy.annotation("id").unwrap_or_default();
            return Err(NoAnswer::new(
                format!("the policy `{id}` may fail for some request, which refuses it"),
                "guard what may overflow with a condition before it",
            ));
        }
    }
    Ok(())
}

/// Shows what a solver found to the decision function.
fn replayed(
    settings: &Settings,
    property: &Property,
    endpoint: &Name,
    found: &Env,
    now: Timestamp,
) -> Result<Counterexample, NoAnswer> {
    let disagrees = || {
        NoAnswer::new(
            "the analysis found a request that the decision function decides otherwise",
            "write a test of it under `tests:`; it may be about a case that today's lists rule out",
        )
    };
    let principal = found.request.principal().ok_or_else(disagrees)?;
    let kinds = [PrincipalKind::User, PrincipalKind::ServicePrincipal];
    let is_type = |kind: &PrincipalKind| principal.type_name().to_string() == cedar_type(*kind);
    let kind = kinds.into_iter().find(is_type).ok_or_else(disagrees)?;
    let above = found.entities.ancestors(principal).into_iter().flatten();
    let name = principal.id().unescaped();
    let can_come = brought(settings);
    let above = above.filter_map(|group| group.id().unescaped().parse::<Name>().ok());
    // A group that no token can bring has the members that the policy lists, and no others.
    let mut groups: Vec<Name> = above.filter(|group| can_come.contains(group)).collect();
    groups.extend_from_slice(settings.access.groups_of(kind, name));
    groups.sort_unstable();
    groups.dedup();
    let caller = Principal { kind, name: name.to_owned(), groups };
    let context = found.request.context().ok_or_else(disagrees)?;
    let text = |name: &str| match context.get(name) {
        Some(EvalResult::String(text)) => text,
        _ => String::new(),
    };
    let (operation, model) = (text("operation"), text("model"));
    let at = match context.get("now") {
        Some(EvalResult::ExtensionValue(text)) => moment(&text).unwrap_or(now),
        _ => now,
    };
    let call = Call { endpoint, operation: &operation, model: &model, at };
    let ruling = settings.access.call(&caller, &call);
    if !breaks(&property.claim, &caller, &ruling) {
        return Err(disagrees());
    }
    let endpoint = endpoint.clone();
    Ok(Counterexample::Call { caller, endpoint, operation, model, at, ruling })
}

/// `datetime("1970-01-01").offset(duration("-1ms"))`, as Cedar writes moments.
fn moment(text: &str) -> Option<Timestamp> {
    let (_, rest) = text.split_once("duration(\"")?;
    let (millis, _) = rest.split_once("ms\"")?;
    Timestamp::from_millisecond(millis.parse().ok()?).ok()
}

/// What is known of requests to an endpoint.
fn premise(
    settings: &Settings,
    property: &Property,
    name: &Name,
    endpoint: &Endpoint,
    cedar: &[String],
) -> String {
    let set = |texts: &mut dyn Iterator<Item = &str>| {
        let texts: BTreeSet<String> = texts.map(cedar_text).collect();
        texts.into_iter().collect::<Vec<_>>().join(", ")
    };
    let routes = &endpoint.routes;
    let mut premise = format!("resource == {}", cedar_literal("Endpoint", name.as_str()));
    let attributes = [
        ("providers", set(&mut routes.iter().map(|route| route.provider.as_str()))),
        ("models", set(&mut routes.iter().filter_map(|route| route.model.as_deref()))),
        ("guardrails", set(&mut endpoint.guardrails.iter().map(|rail| rail.id.as_str()))),
    ];
    for (attribute, texts) in attributes {
        // Cedar gives an empty set no type, so that nothing can be said of one.
        if !texts.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(premise, " && resource.{attribute} == [{texts}]");
        }
    }
    let operations = set(&mut OPERATIONS.into_iter());
    let _ = write!(premise, " && [{operations}].contains(context.operation)");
    if routes.iter().all(|route| route.model.is_some()) {
        premise.push_str(" && context.model == \"\"");
    }
    let can_come = brought(settings);
    for group in told(settings, property, endpoint, cedar) {
        let members = settings.groups.get(group).into_iter().flatten();
        let members: BTreeSet<Subject> =
            members.map(|member| Subject::Principal(member.clone())).collect();
        let is_member = said(&members);
        let is_in = format!("principal in {}", cedar_literal("Group", group.as_str()));
        let _ = if can_come.contains(group) {
            // Others may be in it too.
            write!(premise, " && (!({is_member}) || {is_in})")
        } else {
            write!(premise, " && (({is_in}) == ({is_member}))")
        };
    }
    premise
}

/// Groups whose listed members are few, among those that anything here is about.
fn told<'s>(
    settings: &'s Settings,
    property: &Property,
    endpoint: &Endpoint,
    cedar: &[String],
) -> Vec<&'s Name> {
    let claimed = match &property.claim {
        Claim::Only(who) | Claim::Never(who) | Claim::Always(who) => Some(who),
        Claim::Guarded { .. } => None,
    };
    let is_named = |group: &Name| {
        let subject = Subject::Group(group.clone());
        let literal = cedar_literal("Group", group.as_str());
        endpoint.allow.contains(&subject)
            || claimed.is_some_and(|who| who.contains(&subject))
            || cedar.iter().any(|text| text.contains(&literal))
    };
    let groups = settings.groups.iter().filter(|(_, members)| members.len() <= MEMBERS_TOLD);
    groups.map(|(group, _)| group).filter(|group| is_named(group)).collect()
}

/// Whether the principal is one of these.
fn said(who: &BTreeSet<Subject>) -> String {
    if who.is_empty() {
        return "false".to_owned();
    }
    let each = who.iter().map(|subject| match subject {
        Subject::Group(group) => format!("principal in {}", cedar_literal("Group", group.as_str())),
        Subject::Principal(member) => {
            let kind = cedar_type(member.kind);
            // People are never compared with programs, which Cedar takes for a mistake.
            format!("(principal is {kind} && principal == {})", cedar_literal(kind, &member.name))
        }
    });
    each.collect::<Vec<_>>().join(" || ")
}

/// The policies of all files as one set.
fn parsed(files: &[String]) -> Result<PolicySet, String> {
    let mut all = PolicySet::new();
    for (index, text) in files.iter().enumerate() {
        add(&mut all, &format!("c{index}-"), text)?;
    }
    Ok(all)
}

/// Adds policies under ids that nothing else has.
fn add(all: &mut PolicySet, prefix: &str, text: &str) -> Result<(), String> {
    let set: PolicySet = text.parse().map_err(|error| format!("{error}"))?;
    for policy in set.policies() {
        let id = PolicyId::new(format!("{prefix}{}", policy.id()));
        all.add(policy.new_id(id)).map_err(|error| error.to_string())?;
    }
    Ok(())
}
