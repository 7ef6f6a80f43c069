//! The tests of a policy, one a line.

use bartizan_core::settings::PolicyTest;

use super::{member, text};

/// As the policy file may write it.
pub(super) fn written(test: &PolicyTest) -> String {
    let mut parts =
        vec![format!("as: {}", member(&test.who)), format!("endpoint: {}", test.endpoint)];
    parts.extend(test.model.as_ref().map(|model| format!("model: {}", text(model))));
    parts.push(format!("prompt: {}", text(&test.prompt)));
    parts.extend(test.tool_result.as_ref().map(|said| format!("tool-result: {}", text(said))));
    parts.push(format!("answer: {}", text(&test.answer)));
    parts.push(format!("times: {}", test.times));
    parts.push(format!("expect: {}", test.expected));
    format!("{{ {} }}", parts.join(", "))
}
