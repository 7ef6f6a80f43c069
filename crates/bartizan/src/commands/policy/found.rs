//! What became of a request that was tried, held against what a test expects.

use bartizan_core::settings::{Expected, PolicyTest};
use bartizan_core::{Event, RuleId};
use bartizan_gateway::{Decided, Found, Question};

/// Whether it is what a test expects. A guardrail that came to the verdict is as good as the first that did.
pub(super) fn is_as(decided: &Decided, expected: &Expected, event: &Event) -> bool {
    let same = |found: &Option<String>, rule: &Option<RuleId>| {
        rule.as_ref().is_none_or(|rule| found.as_deref() == Some(rule.as_str()))
    };
    match (decided, expected) {
        (Decided::Judged(verdict, found), Expected::Judged(wanted, rule)) => {
            let also = |rule: &RuleId| {
                event.findings.iter().any(|finding| {
                    finding.guardrail == rule.as_str() && finding.effective() == *verdict
                })
            };
            verdict == wanted && (same(found, rule) || rule.as_ref().is_some_and(also))
        }
        (Decided::Denied(found), Expected::Denied(rule))
        | (Decided::Limited(found), Expected::Limited(rule)) => same(found, rule),
        _ => false,
    }
}

/// The request of a test.
pub(super) fn question(test: &PolicyTest) -> Question {
    Question {
        who: test.who.clone(),
        tags: std::sync::Arc::default(),
        groups: Vec::new(),
        endpoint: test.endpoint.clone(),
        model: test.model.clone(),
        prompt: test.prompt.clone(),
        tool_result: test.tool_result.clone(),
        answer: test.answer.clone(),
    }
}

/// The message that the client gets with a refusal.
pub(super) fn message(found: &Found) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(&found.body).ok()?;
    body.pointer("/error/message").and_then(|message| message.as_str()).map(str::to_owned)
}
