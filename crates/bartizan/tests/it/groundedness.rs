//! Answers that are compared with what their request carried.

use bartizan_testkit::upstream::{Reply, Script, Text, Turn};
use serde_json::{Value, json};

use crate::support::Stage;

const GUARDS: &str = r"
      - { id: g-ground, on: [output], detect: groundedness, action: flag }";
const DOCUMENT: &str = "Minutes of the harbour board. The harbour has 285 berths, of which 140 are for guests. Quay \
    fees rose to 4.2 million euros. The office closes at noon on Fridays, and the board meets again on 17 May 2031. \
    Nothing else was decided, and the meeting was closed at 21:15.";

fn ask(model: &str, document: &str) -> Value {
    json!({ "model": model, "max_tokens": 50, "messages": [{ "role": "user", "content": [
        { "type": "document", "source": { "type": "text", "media_type": "text/plain", "data": document } },
        { "type": "text", "text": "How many berths are there?" } ] }] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_that_no_document_holds_are_flagged_where_there_are_documents() {
    for (answer, document, found) in [
        ("There are 312 berths.", DOCUMENT, true),
        ("There are 285 berths, 145 of them for members.", DOCUMENT, false),
        ("There are 312 berths.", "Short.", false),
    ] {
        // The second endpoint's provider speaks chat completions, where the document is what the user says.
        for model in ["claude", "open"] {
            let turn = Turn { text: Some(Text::Fixed(answer.to_owned())), ..Turn::default() };
            let stage = Stage::start(Script::sequence([Reply::turn(turn)]), GUARDS, "").await;
            let reply = stage.post("/v1/messages", &ask(model, document)).await;
            assert_eq!(reply.status, 200, "{model}: {}", reply.text());
            let decision = reply.header("x-bartizan-decision").unwrap_or_default().to_owned();
            assert_eq!(decision.contains("g-ground"), found, "{model} {answer}: {decision}");
        }
    }
}
