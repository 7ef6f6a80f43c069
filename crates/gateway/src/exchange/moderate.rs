//! Moderations, answered by our own guard: no provider is asked.

use bartizan_core::{Category, Channel, Verdict};
use bartizan_guard::{Guard, Session};
use serde_json::{Map, Value as Json, json};

use crate::envelope;
use crate::error::GatewayError;
use crate::json::{Document, Kind, Value};
use crate::record::Record;

/// Most inputs of one request.
const MAX_INPUTS: usize = 256;

/// One result per input, in OpenAI's shape, with our own category names beside theirs.
pub(super) fn answer(
    document: &Document<'_>,
    guard: &Guard,
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
    let session = Session::default();
    let results: Vec<Json> = texts
        .iter()
        .map(|text| {
            let report = guard.inspect(Channel::User, text, &session);
            let found = |category: Category| {
                report.judged.iter().any(|judged| judged.finding.category == category)
            };
            let mut categories = Map::new();
            let mut scores = Map::new();
            for category in Category::ALL {
                let score = report.scores.iter().find(|(known, _)| *known == category);
                categories.insert(category.name().to_owned(), found(category).into());
                scores.insert(
                    category.name().to_owned(),
                    score.map_or(0.0, |(_, score)| *score).into(),
                );
            }
            let findings = report
                .judged
                .iter()
                .map(|judged| envelope::finding_record(judged, Channel::User, "/input".to_owned()));
            // A moderation answers a question; it refuses nothing itself.
            record.note(report.verdict().min(Verdict::Flag), findings, &report.not_evaluated);
            json!({
                "flagged": report.verdict() > Verdict::Allow,
                "categories": categories,
                "category_scores": scores,
            })
        })
        .collect();
    Ok(json!({
        "id": format!("modr-{}", record.request_id()),
        "model": "bartizan-guard",
        "results": results,
    })
    .to_string())
}

fn text_of(value: Value<'_>) -> String {
    let text = value.as_str().or_else(|| value.get("text")?.as_str());
    text.map(|text| text.text().into_owned()).unwrap_or_default()
}
