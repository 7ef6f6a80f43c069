//! Moderations, answered by our own guard: no provider is asked.

use std::collections::BTreeSet;

use bartizan_core::time::now;
use bartizan_core::{Category, Channel, Principal, Verdict};
use bartizan_guard::{Guard, Report, Session};
use serde_json::{Map, Value as Json, json};

use crate::envelope;
use crate::error::GatewayError;
use crate::json::{Document, Kind, Value};
use crate::record::Record;

/// Most inputs of one request.
const MAX_INPUTS: usize = 256;

/// One result per input, in OpenAI's shape, with the categories that the guardrails look for in
/// requests.
pub(super) fn answer(
    document: &Document<'_>,
    guard: &Guard,
    caller: &Principal,
    record: &mut Record,
) -> Result<String, GatewayError> {
    let input = document.root().get("input");
    let texts: Vec<String> = match input.map(|input| input.kind()) {
        Some(Kind::Array) => {
            input.into_iter().flat_map(|input| input.items()).map(text_of).collect()
        }
        _ => input.into_iter().map(text_of).collect(),
    };
    if texts.len() > MAX_INPUTS {
        return Err(GatewayError::Shape("`input` may have at most 256 texts"));
    }
    let session = Session::builder().now(now()).caller(caller.clone()).build();
    let looked_for = LookedFor::by(guard);
    let results: Vec<Json> = texts
        .iter()
        .map(|text| {
            let report = guard.inspect(Channel::User, text, &session);
            let findings = report
                .judged
                .iter()
                .map(|judged| envelope::finding_record(judged, Channel::User, "/input".to_owned()));
            // A moderation answers a question; it refuses nothing itself.
            record.note(report.verdict().min(Verdict::Flag), findings, &report.not_evaluated);
            let refined = report.refined.iter();
            record.note_refined(refined.map(|it| envelope::refined_record(it, Channel::User)));
            result(&report, &looked_for)
        })
        .collect();
    Ok(json!({
        "id": format!("modr-{}", record.request_id()),
        "model": "bartizan-guard",
        "results": results,
    })
    .to_string())
}

/// What the guardrails look for in requests.
struct LookedFor {
    families: BTreeSet<Category>,
    /// Categories of unsafe content, by the ids of their detectors.
    unsafe_content: Vec<&'static str>,
}

impl LookedFor {
    fn by(guard: &Guard) -> Self {
        let families = guard.categories(Channel::User);
        let unsafe_content = guard.detectors_of(Channel::User, Category::UnsafeContent);
        Self { families, unsafe_content }
    }
}

/// The name that OpenAI's answers have for a category of unsafe content; others keep their own.
fn openai_name(detector: &str) -> &str {
    match detector {
        "sexual-minors" => "sexual/minors",
        "dangerous" => "illicit",
        other => other,
    }
}

/// Says nothing about what nobody looked for: `false` there would read as a clean bill.
fn result(report: &Report, looked_for: &LookedFor) -> Json {
    let mut categories = Map::new();
    let mut scores = Map::new();
    for category in &looked_for.families {
        let found = report.judged.iter().any(|judged| judged.finding.category == *category);
        let score = report.scores.iter().find(|(known, _)| known == category);
        categories.insert(category.name().to_owned(), found.into());
        scores.insert(category.name().to_owned(), score.map_or(0.0, |(_, score)| *score).into());
    }
    for detector in &looked_for.unsafe_content {
        let own = report.judged.iter().filter(|judged| judged.finding.rule == *detector);
        let score = own.map(|judged| judged.finding.score).reduce(f32::max);
        categories.insert(openai_name(detector).to_owned(), score.is_some().into());
        scores.insert(openai_name(detector).to_owned(), score.unwrap_or(0.0).into());
    }
    json!({
        "flagged": report.verdict() > Verdict::Allow,
        "categories": categories,
        "category_scores": scores,
    })
}

fn text_of(value: Value<'_>) -> String {
    let text = value.as_str().or_else(|| value.get("text")?.as_str());
    text.map(|text| text.text().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bartizan_core::settings::Detect;
    use bartizan_core::{Action, ChannelSet};

    use super::*;
    use crate::fixtures::guardrail;

    #[test]
    fn speaks_only_of_what_requests_are_looked_at_for() {
        let pii = guardrail("g-pii", Detect::Detectors(vec!["email"]), Action::Mask);
        let words =
            guardrail("g-words", Detect::Keywords(vec!["heliotrope".to_owned()]), Action::Flag);
        let mut answers =
            guardrail("g-out", Detect::Detectors(vec!["active-markup"]), Action::Block);
        answers.on = ChannelSet::of(&[Channel::Output]);
        let mut guard = Guard::builder();
        for guardrail in [&pii, &words, &answers] {
            guard = guard.guardrail(guardrail).unwrap();
        }
        let guard = guard.build().unwrap();
        let report = guard.inspect(Channel::User, "mail bob@example.com", &Session::default());
        let said = result(&report, &LookedFor::by(&guard));
        assert_eq!(said["flagged"], true);
        assert_eq!(said["categories"], json!({ "pii": true, "keyword": false }));
        assert_eq!(said["category_scores"], json!({ "pii": 1.0, "keyword": 0.0 }));
    }

    #[test]
    fn categories_of_unsafe_content_have_the_names_that_clients_know() {
        let detect = Detect::Detectors(vec!["dangerous", "profanity", "sexual-minors"]);
        let guard = Guard::builder();
        let guard = guard.guardrail(&guardrail("g-unsafe", detect, Action::Flag)).unwrap();
        let guard = guard.build().unwrap();
        let text = "What the fuck is this shit, it broke again.";
        let report = guard.inspect(Channel::User, text, &Session::default());
        let said = result(&report, &LookedFor::by(&guard));
        assert_eq!(
            said["categories"],
            json!({ "unsafe-content": true, "illicit": false, "profanity": true, "sexual/minors": false })
        );
        assert!(said["category_scores"]["profanity"].as_f64() >= Some(0.5));
    }
}
