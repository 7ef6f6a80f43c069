//! What a policy would have made of requests that are in the event log.
//!
//! The log has no texts, so that guardrails are asked about what detectors found then: whether this policy would
//! have acted on it, and how. A detector that did not run then has found nothing, and one that was asked to be
//! surer has said less than it could have; [`Replay::is_new`] says where this policy asks for more.

use std::sync::Arc;
use std::time::Instant;

use bartizan_core::access::Call;
use bartizan_core::event::FindingRecord;
use bartizan_core::principal::parse_qualified;
use bartizan_core::settings::{Detect, Endpoint, Excepted, Guardrail, Settings};
use bartizan_core::time::Timestamp;
use bartizan_core::{Action, Event, Mode, Name, Principal, Verdict};
use bartizan_guard::detectors;

use crate::decided::Decided;
use crate::limits::{self, Limits, MemoryCounters, Refused, Use};
use crate::operation::Operation;

/// A policy, and what the requests so far would have used of its limits.
pub struct Replay {
    settings: Settings,
    counters: MemoryCounters,
    /// The first request, and the moment that stands for it.
    began: Option<(Timestamp, Instant)>,
}

impl Replay {
    /// A policy under which nothing was asked yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, counters: MemoryCounters::default(), began: None }
    }

    /// What the policy would have made of a request. Events have to come in their order, since limits count. None
    /// for an event that is about no request to an endpoint, or whose caller is not known, for one whose
    /// time cannot be read, and for an endpoint that the policy does not have.
    pub fn decide(&mut self, event: &Event) -> Option<Decided> {
        let (caller, at) = self.asked(event)?;
        let name: Name = event.endpoint.as_deref()?.parse().ok()?;
        let endpoint = self.settings.endpoints.get(&name)?;
        let is_free = endpoint.routes.iter().any(|route| route.model.is_none());
        let model = event.model.as_deref().filter(|_| is_free).unwrap_or_default();
        let call = Call { endpoint: &name, operation: &event.operation, model, at };
        let ruling = self.settings.access.call(&caller, &call);
        if !ruling.is_allowed {
            return Some(Decided::Denied(ruling.rule.map(|rule| rule.to_string())));
        }
        let (first, base) = *self.began.get_or_insert_with(|| (at, Instant::now()));
        // A clock that was set back does not give room back.
        let passed = at.max(first).duration_since(first).unsigned_abs();
        let now = base.checked_add(passed).unwrap_or(base);
        let tokens = event.tokens_in.unwrap_or(0).saturating_add(event.tokens_out.unwrap_or(0));
        let used = Use { tokens, nano_usd: event.nano_usd.unwrap_or(0) };
        let shared: Arc<str> = name.as_str().into();
        let (own, over_all) = (&*endpoint.limits, &*self.settings.limits);
        let limits = Limits { endpoint: &shared, own, over_all };
        let tags = &event.tags;
        let reserved = limits::reserve_at(&self.counters, limits, &caller, tags, used, now);
        if let Err(refused) = reserved {
            let limit = match refused {
                Refused::Exhausted(exhausted) => Some(exhausted.limit.to_string()),
                Refused::Braked(_) | Refused::Uncounted => None,
            };
            return Some(Decided::Limited(limit));
        }
        let (mut verdict, rule) = judge(endpoint, &caller, &event.findings);
        if event.operation == Operation::Moderations.name() {
            // They are told what is found, and refused nothing.
            verdict = verdict.min(Verdict::Flag);
        }
        Some(Decided::Judged(verdict, rule.map(|rail| rail.id.to_string())))
    }

    /// Whether a guardrail of an endpoint asks what no guardrail with this detector and channel asked in another
    /// policy: then the log does not say what it would have found.
    pub fn is_new(&self, before: &Self) -> Vec<String> {
        let mut new = Vec::new();
        for (name, endpoint) in &self.settings.endpoints {
            let old = before.settings.endpoints.get(name);
            let old = || old.into_iter().flat_map(|endpoint| &endpoint.guardrails);
            for rail in &endpoint.guardrails {
                let ids: Vec<&str> = match &rail.detect {
                    Detect::Detectors(ids) => ids.clone(),
                    detect => {
                        if !old().any(|old| old.detect == *detect && covers(old, rail, "")) {
                            new.push(format!("endpoints.{name}.guardrails.{}", rail.id));
                        }
                        continue;
                    }
                };
                let asked = |id: &&str| {
                    old().any(|old| {
                        matches!(&old.detect, Detect::Detectors(ids) if ids.contains(id))
                            && covers(old, rail, id)
                    })
                };
                if !ids.iter().all(asked) {
                    new.push(format!("endpoints.{name}.guardrails.{}", rail.id));
                }
            }
        }
        new
    }

    fn asked(&self, event: &Event) -> Option<(Principal, Timestamp)> {
        if event.area != "gateway" {
            return None;
        }
        let (kind, name) = parse_qualified(event.principal.as_deref()?).ok()?;
        let groups = self.settings.access.groups_of(kind, name).to_vec();
        Some((Principal { kind, name: name.to_owned(), groups }, event.time.parse().ok()?))
    }
}

impl std::fmt::Debug for Replay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Replay")
    }
}

/// Whether what the second finds with a detector, the first would have found.
fn covers(first: &Guardrail, second: &Guardrail, detector: &str) -> bool {
    second.on.iter().all(|channel| first.on.contains(channel))
        && threshold(first, detector) <= threshold(second, detector)
}

/// The strictest verdict on findings, and the first guardrail that comes to it.
fn judge<'e>(
    endpoint: &'e Endpoint,
    caller: &Principal,
    findings: &[FindingRecord],
) -> (Verdict, Option<&'e Guardrail>) {
    let mut strictest = (Verdict::Allow, None);
    for finding in findings {
        for rail in endpoint.guardrails.iter().filter(|rail| looks_for(rail, finding)) {
            let verdict = verdict(rail, caller, finding);
            if verdict > strictest.0 {
                strictest = (verdict, Some(rail));
            }
        }
    }
    strictest
}

/// Whether a guardrail would have acted on a finding. What a policy describes itself is known by the id of its
/// guardrail.
fn looks_for(rail: &Guardrail, finding: &FindingRecord) -> bool {
    let is_meant = match &rail.detect {
        Detect::Detectors(ids) => ids.contains(&finding.rule.as_str()),
        _ => rail.id.as_str() == finding.guardrail,
    };
    is_meant && rail.on.contains(finding.channel) && finding.score >= threshold(rail, &finding.rule)
}

fn threshold(rail: &Guardrail, detector: &str) -> f32 {
    if let Some((_, own)) = rail.thresholds.iter().find(|(id, _)| *id == detector) {
        return *own;
    }
    let trained = rail.sensitivity.and_then(|sensitivity| {
        let found = detectors::ALL.iter().find(|known| known.meta().id == detector)?;
        found.operating_point(sensitivity)
    });
    trained.unwrap_or(rail.threshold)
}

fn verdict(rail: &Guardrail, caller: &Principal, finding: &FindingRecord) -> Verdict {
    let excepts = |exception: &bartizan_core::settings::Exception| match &exception.what {
        Excepted::Caller { subject, rule } => *rule == finding.rule && subject.is(caller),
        // The text is not in the log; that it was excepted is.
        Excepted::Literal(_) | Excepted::Pattern(_) => {
            finding.exception.as_ref() == Some(&exception.reason)
        }
    };
    if rail.exceptions.iter().any(excepts) {
        return Verdict::Allow;
    }
    let verdict = match rail.action {
        // A conversation is judged, never rewritten.
        Action::Mask if finding.turns.is_some() => Verdict::Flag,
        action => action.verdict(),
    };
    if rail.mode == Mode::DryRun { verdict.min(Verdict::Flag) } else { verdict }
}
