//! Events as the Open Cybersecurity Schema Framework has them (OCSF, schema version 1.8.0), for systems that
//! read logs of many products.
//!
//! What the gateway decided is an *API Activity*, or a *Detection Finding* where something was found, so that
//! whoever looks for findings finds what was refused for its text. Changes by admins are *Entity Management*,
//! what the log says about itself is *Event Log Activity*, and all else a *Base Event*. What OCSF has no
//! place for stands in `unmapped`, under the names that events have, with the number of the entry that
//! proves it. Nothing here reads or sends anything.

use std::collections::BTreeSet;

use bartizan_core::event::{Event, FindingRecord, Outcome};
use bartizan_core::principal::{PrincipalKind, parse_qualified};
use bartizan_core::time::Timestamp;
use bartizan_core::verdict::Verdict;
use bartizan_ledger::subjects;
use serde_json::{Map, Value, json};

use crate::severity::Severity;

/// Version of the schema that events follow: the first whose API Activity names models and counts tokens.
pub const VERSION: &str = "1.8.0";

/// The event as one OCSF event. `leaf_index` is the number of its entry, `origin` the log it is of, as
/// checkpoints name it.
///
/// Principal and subject are taken as they stand: whoever wants names puts them there before.
#[must_use]
pub fn event(event: &Event, leaf_index: u64, origin: &str) -> Value {
    let class = Class::of(event);
    let (activity_id, activity) = class.activity(event);
    let known_activity = if activity_id == OTHER { "Other" } else { activity };
    let (severity_id, severity) = Severity::of(event).ocsf();
    let (status_id, status) = class.status(event);
    let time = event.time.parse::<Timestamp>().map_or(0, Timestamp::as_millisecond).max(0);
    let duration = event.duration_us.map(|us| us / 1000);
    let common = json!({
        "activity_id": activity_id,
        "activity_name": activity,
        "category_uid": class.category().0,
        "category_name": class.category().1,
        "class_uid": class.uid(),
        "class_name": class.name(),
        "type_uid": class.uid() * 100 + activity_id,
        "type_name": format!("{}: {known_activity}", class.name()),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "status_code": event.status.map(|status| status.to_string()),
        "status_detail": event.detail,
        "time": time,
        "timezone_offset": 0,
        "start_time": duration.map(|_| time),
        "end_time": duration.map(|duration| time.saturating_add_unsigned(duration)),
        "duration": duration,
        "message": message(event),
        "metadata": metadata(class, event, leaf_index, origin),
        "unmapped": unmapped(class, event, leaf_index, origin),
    });
    let own = match class {
        Class::ApiActivity => api_activity(event),
        Class::DetectionFinding => detection_finding(event, time),
        Class::EntityManagement => json!({
            "actor": actor(event),
            "comment": event.detail,
            "entity": entity(event),
        }),
        Class::EventLogActivity => json!({
            "actor": actor(event),
            "log_name": origin,
            "log_provider": PRODUCT,
            "log_type_id": 2,
            "log_type": "Application",
        }),
        Class::BaseEvent => json!({}),
    };
    let all = [common, own].into_iter().flat_map(fields).collect();
    without_nulls(Value::Object(all))
}

/// Name of the product, and of who made it.
const PRODUCT: &str = "Bartizan";

/// Classes of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    BaseEvent,
    EventLogActivity,
    DetectionFinding,
    EntityManagement,
    ApiActivity,
}

impl Class {
    fn of(event: &Event) -> Self {
        match event.area.as_str() {
            _ if !event.findings.is_empty() => Self::DetectionFinding,
            "admin" if change(&event.operation).is_some() => Self::EntityManagement,
            "gateway" | "admin" => Self::ApiActivity,
            "ledger" | "relay" => Self::EventLogActivity,
            _ => Self::BaseEvent,
        }
    }

    const fn uid(self) -> u64 {
        match self {
            Self::BaseEvent => 0,
            Self::EventLogActivity => 1008,
            Self::DetectionFinding => 2004,
            Self::EntityManagement => 3004,
            Self::ApiActivity => 6003,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::BaseEvent => "Base Event",
            Self::EventLogActivity => "Event Log Activity",
            Self::DetectionFinding => "Detection Finding",
            Self::EntityManagement => "Entity Management",
            Self::ApiActivity => "API Activity",
        }
    }

    const fn category(self) -> (u64, &'static str) {
        let name = match self {
            Self::BaseEvent => "Uncategorized",
            Self::EventLogActivity => "System Activity",
            Self::DetectionFinding => "Findings",
            Self::EntityManagement => "Identity & Access Management",
            Self::ApiActivity => "Application Activity",
        };
        (self.uid() / 1000, name)
    }

    /// Number and name of what was done. What the class has no number for goes by its own name.
    fn activity(self, event: &Event) -> (u64, &str) {
        let known = match self {
            Self::ApiActivity => call(&event.operation),
            Self::EntityManagement => change(&event.operation),
            Self::DetectionFinding => Some((1, "Create")),
            // Entries go for their age or size, as files of other logs do.
            Self::EventLogActivity if event.operation == "entries-removed" => Some((5, "Rotate")),
            Self::EventLogActivity | Self::BaseEvent => None,
        };
        known.unwrap_or((OTHER, &event.operation))
    }

    /// Number and name of how it ended; of a finding, where it stands with those who look at it.
    fn status(self, event: &Event) -> (u64, &'static str) {
        if self == Self::DetectionFinding {
            let is_let_pass = event.findings.iter().all(|finding| finding.exception.is_some());
            return if is_let_pass { (3, "Suppressed") } else { (1, "New") };
        }
        match event.outcome {
            Outcome::Answered | Outcome::Changed => (1, "Success"),
            // It went as it should until nobody was there any more.
            outcome @ Outcome::Disconnected => (OTHER, outcome.name()),
            Outcome::Refused
            | Outcome::AnswerRefused
            | Outcome::Limited
            | Outcome::UpstreamFailed
            | Outcome::Failed => (2, "Failure"),
        }
    }
}

/// Of every list of numbers: what is not in the list and is named beside it.
const OTHER: u64 = 99;

/// What an operation of the gateway does, in the words that the APIs use themselves: to ask a model is to
/// create a completion.
fn call(operation: &str) -> Option<(u64, &'static str)> {
    match operation {
        "chat-completions" | "completions" | "embeddings" | "invocations" | "messages"
        | "moderations" | "responses" => Some((1, "Create")),
        "model" | "models" => Some((2, "Read")),
        _ => None,
    }
}

/// What a change by an admin does to what it is about.
fn change(operation: &str) -> Option<(u64, &'static str)> {
    match operation {
        "key-created" => Some((1, "Create")),
        "endpoint-changed" => Some((3, "Update")),
        "endpoint-removed" | "subject-erased" => Some((4, "Delete")),
        // The key stays on record, and works no more.
        "key-revoked" => Some((9, "Disable")),
        _ => None,
    }
}

fn message(event: &Event) -> String {
    let by = event.rule.as_ref().map(|rule| format!(", by {rule}")).unwrap_or_default();
    format!("{}: {}{by}", event.operation, event.outcome.name())
}

fn metadata(class: Class, event: &Event, leaf_index: u64, origin: &str) -> Value {
    let profiles: &[&str] = match class {
        Class::ApiActivity if is_of_model(event) => &["security_control", "ai_operation"],
        Class::ApiActivity | Class::DetectionFinding => &["security_control"],
        Class::EntityManagement | Class::EventLogActivity | Class::BaseEvent => &[],
    };
    json!({
        "version": VERSION,
        "product": {
            "name": PRODUCT,
            "vendor_name": PRODUCT,
            "version": env!("CARGO_PKG_VERSION"),
        },
        "profiles": profiles,
        "uid": event.request_id.to_string(),
        "original_event_uid": leaf_index.to_string(),
        "original_time": event.time,
        "event_code": event.operation,
        "log_name": origin,
        "log_provider": PRODUCT,
        "log_version": event.schema,
    })
}

/// What has no place elsewhere, and what leads to the proof.
fn unmapped(class: Class, event: &Event, leaf_index: u64, origin: &str) -> Value {
    // An event is text and numbers, which always can be written.
    let mut rest = fields(serde_json::to_value(event).unwrap_or_default());
    let mut mapped = vec!["detail", "operation", "request_id", "schema", "status", "time"];
    mapped.extend(match class {
        Class::ApiActivity if is_of_model(event) => &[
            "endpoint",
            "model",
            "policy",
            "principal",
            "provider",
            "rule",
            "tokens_in",
            "tokens_out",
        ][..],
        Class::ApiActivity => &["endpoint", "policy", "principal", "rule"],
        Class::DetectionFinding => &["endpoint", "findings", "policy", "principal", "rule"],
        Class::EntityManagement => &["principal", "subject"],
        Class::EventLogActivity => &["principal"],
        Class::BaseEvent => &[],
    });
    for field in mapped {
        rest.remove(field);
    }
    rest.insert("leaf_index".to_owned(), leaf_index.into());
    rest.insert("log".to_owned(), origin.into());
    Value::Object(rest)
}

fn api_activity(event: &Event) -> Value {
    let own = json!({
        "actor": actor(event),
        "api": api(event),
        "resources": resources(event),
        // The schema wants to know where a call comes from, and events do not say.
        "src_endpoint": { "name": "unknown", "type_id": 0, "type": "Unknown" },
        "ai_model": is_of_model(event).then(|| {
            json!({ "name": event.model, "ai_provider": event.provider })
        }),
        "message_context": is_of_model(event).then(|| message_context(event)),
    });
    Value::Object([own, control(event)].into_iter().flat_map(fields).collect())
}

/// Whether a model was asked: one without the other has no place in the schema.
fn is_of_model(event: &Event) -> bool {
    event.model.is_some() && event.provider.is_some()
}

fn message_context(event: &Event) -> Value {
    let total = event.tokens_in.unwrap_or(0).saturating_add(event.tokens_out.unwrap_or(0));
    json!({
        "uid": event.request_id.to_string(),
        "service": { "name": event.provider },
        "prompt_tokens": event.tokens_in,
        "completion_tokens": event.tokens_out,
        "total_tokens": event.tokens_in.or(event.tokens_out).map(|_| total),
    })
}

fn detection_finding(event: &Event, time: i64) -> Value {
    let distinct = |of: fn(&FindingRecord) -> (&str, &str)| {
        event.findings.iter().map(of).collect::<BTreeSet<_>>()
    };
    let categories = distinct(|finding| (finding.category.as_str(), ""));
    let categories: Vec<&str> = categories.into_iter().map(|(category, _)| category).collect();
    let done = match event.verdict {
        Verdict::Allow => "let pass",
        Verdict::Flag => "flagged",
        Verdict::Mask => "masked",
        Verdict::Block => "blocked",
    };
    let strictest = event.findings.iter().max_by_key(|finding| finding.effective());
    let guardrail = event.rule.as_ref().or(strictest.map(|finding| &finding.guardrail));
    let detectors = distinct(|finding| (finding.rule.as_str(), finding.category.as_str()))
        .into_iter()
        .map(|(rule, category)| {
            json!({
                "uid": rule,
                "name": rule,
                "category": category,
                "type_id": OTHER,
                "type": "Detector",
            })
        });
    let surest = event.findings.iter().map(|finding| finding.score).fold(0.0, f32::max);
    let own = json!({
        "finding_info": {
            "uid": event.request_id.to_string(),
            "title": format!("{} {done}", categories.join(", ")),
            "types": categories,
            "created_time": time,
            "analytic": { "uid": guardrail, "name": guardrail, "type_id": 1, "type": "Rule" },
            "related_analytics": detectors.collect::<Vec<_>>(),
        },
        "confidence_score": (surest.clamp(0.0, 1.0) * 100.0).round() as u64,
        "is_alert": event.verdict == Verdict::Block,
        "resources": resources(event),
        // Places and scores, as the log has them: what was found is in no event.
        "evidences": [{
            "name": event.operation,
            "actor": actor(event),
            "api": api(event),
            "data": { "findings": event.findings },
        }],
    });
    Value::Object([own, control(event)].into_iter().flat_map(fields).collect())
}

/// What the guardrails did about it: the profile for security controls.
fn control(event: &Event) -> Value {
    let is_unauthorized = matches!(event.status, Some(401 | 403));
    let (action, disposition) = match (event.outcome, event.verdict) {
        (Outcome::Failed | Outcome::UpstreamFailed, _) => ((0, "Unknown"), (27, "Error")),
        (Outcome::Refused, _) if is_unauthorized => ((2, "Denied"), (26, "Unauthorized")),
        // What could not be understood, rather than what must not be.
        (Outcome::Refused, Verdict::Allow) => ((2, "Denied"), (25, "Rejected")),
        (Outcome::Refused | Outcome::AnswerRefused | Outcome::Limited, _) | (_, Verdict::Block) => {
            ((2, "Denied"), (2, "Blocked"))
        }
        (_, Verdict::Mask) => ((4, "Modified"), (11, "Corrected")),
        (_, Verdict::Flag) => ((3, "Observed"), (15, "Detected")),
        (_, Verdict::Allow) => ((1, "Allowed"), (1, "Allowed")),
    };
    let policy = Some(&event.policy).filter(|policy| !policy.is_empty());
    let has_policy = policy.is_some() || event.rule.is_some();
    json!({
        "action_id": action.0,
        "action": action.1,
        "disposition_id": disposition.0,
        "disposition": disposition.1,
        "policy": has_policy.then(|| {
            json!({ "name": event.rule, "type": "Guardrails and limits", "version": policy })
        }),
    })
}

fn api(event: &Event) -> Value {
    json!({
        "operation": event.operation,
        "service": { "name": format!("bartizan-{}", event.area) },
        "request": { "uid": event.request_id.to_string() },
        "response": event.status.map(|status| json!({ "code": status })),
    })
}

fn resources(event: &Event) -> Option<Value> {
    let endpoint = event.endpoint.as_ref()?;
    Some(json!([{
        "uid": endpoint,
        "name": endpoint,
        "type": "Endpoint",
        "role_id": 1,
        "role": "Target",
    }]))
}

/// Who did it.
fn actor(event: &Event) -> Value {
    match &event.principal {
        Some(principal) => json!({ "user": user(principal) }),
        None if event.area == "gateway" => {
            json!({ "user": { "name": "unknown", "type_id": 0, "type": "Unknown" } })
        }
        // On the command line nobody is known by name, and what the log says of itself nobody did.
        None => json!({ "app_name": PRODUCT }),
    }
}

fn user(principal: &str) -> Value {
    let kind = if principal.starts_with(subjects::PREFIX) {
        None
    } else {
        parse_qualified(principal).ok().map(|(kind, _)| kind)
    };
    let (type_id, name) = match kind {
        Some(PrincipalKind::User) => (1, "User"),
        Some(PrincipalKind::ServicePrincipal) => (4, "Service"),
        // Whose pseudonym it is, nobody says here.
        None => (0, "Unknown"),
    };
    let is_mail = kind == Some(PrincipalKind::User) && is_mail_address(principal);
    json!({
        "uid": principal,
        "name": principal,
        "email_addr": is_mail.then_some(principal),
        "type_id": type_id,
        "type": name,
    })
}

/// Whether the schema takes it for an address of mail.
fn is_mail_address(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else { return false };
    let is_part = |part: &str, also: &[char]| {
        let fine = |c: char| c.is_ascii_alphanumeric() || also.contains(&c);
        !part.is_empty() && part.chars().all(fine)
    };
    let host_is_fine = |(label, rest)| is_part(label, &['-']) && is_part(rest, &['-', '.']);
    is_part(local, &['.', '-', '_', '+']) && host.split_once('.').is_some_and(host_is_fine)
}

/// What a change is about.
fn entity(event: &Event) -> Value {
    let subject = event.subject.as_deref();
    let what = |kind: &str, name: Option<&str>| {
        let name = name.unwrap_or(&event.operation);
        json!({ "name": name, "type_id": OTHER, "type": kind, "user": subject.map(user) })
    };
    match (event.operation.as_str(), subject) {
        ("subject-erased", Some(subject)) => json!({
            "uid": subject,
            "name": subject,
            "type_id": 2,
            "type": "User",
            "user": user(subject),
        }),
        ("endpoint-changed" | "endpoint-removed", _) => what("Endpoint", event.endpoint.as_deref()),
        // Which key it is stands in what is said of the change.
        _ => what("Key", event.detail.as_deref()),
    }
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Without what is not known: the schema has no nulls.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let known = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(known.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        value => value,
    }
}

#[cfg(test)]
mod tests;
