//! The page of events: every field of an event, held against the type by a test.

use std::fmt::{Result, Write};

use bartizan_core::Outcome;
use bartizan_core::event::SCHEMA;

/// One field: name, type, when it is there, meaning.
type Field = [&'static str; 4];

#[rustfmt::skip]
const FIELDS: [Field; 29] = [
    ["schema", "text", "always", "`bartizan.event/v1`"],
    ["time", "RFC 3339, UTC, microseconds", "always", "when the request came"],
    ["request_id", "UUIDv7", "always", "what the caller saw in `x-bartizan-request-id`"],
    ["area", "text", "always", "`gateway`, `admin`, `inference` for what is removed of the inference log, or `ledger` for what the log says of itself"],
    ["operation", "text", "always", "gateway: `chat-completions`, `responses`, `completions`, `embeddings`, `moderations`, `messages`, `count-tokens`, `invocations`, `models`, `model`; admin: `key-created`, `key-replaced`, `key-revoked`, `session-ended`, `endpoint-changed`, `endpoint-removed`, `change-proposed`, `change-vouched`, `change-approved`, `change-rejected`, `change-expired`, `policy-loaded`, `refused`, `secret-set`, `secret-rotated`, `secret-rolled-back`, `secret-removed`, `master-key-added`, `master-key-retired`, `subject-erased`, `login`, `logout`, `login-refused`, `account-created`, `account-enrolled`, `account-reset`, `account-removed`, `payload-read`; inference: `payloads-removed`; ledger: `entries-removed`, `entries-adopted`, `key-added`, `key-retired`"],
    ["principal", "text", "when known", "`alice@example.com`, `sp:support-bot`; not known for changes on the command line. In the log itself a [pseudonym](../guides/erase.md)"],
    ["credential", "text", "when known", "names what was shown, and nobody can make it from that: the id of a key, `ISSUER:…` for a token, `session:…` for a short one, `certificate:…`"],
    ["subject", "text", "changes of keys, accounts and sessions, reads of the inference log", "whom it is about, like `principal`"],
    ["endpoint", "text", "when found", "endpoint asked for"],
    ["provider", "text", "when asked", "provider asked last"],
    ["model", "text", "when asked", "model named to the provider"],
    ["verdict", "`allow`, `flag`, `mask`, `block`", "always", "strictest verdict over request and answer"],
    ["outcome", "see below", "always", "how it ended"],
    ["status", "number", "when there was HTTP", "HTTP status sent; 499 when the caller went away; a stream that was stopped half way has 200"],
    ["rule", "text", "when one decided", "id of the guardrail, limit or brake behind the verdict"],
    ["policy", "12 hex digits", "gateway, and `policy-loaded`", "version of the policy: the start of the SHA-256 of its text, and of the files that are part of it"],
    ["payload", "text", "where an endpoint has an `inference-log`", "where the [inference log](../guides/inference-log.md) keeps what was asked and answered: segment, offset and SHA-256 of the sealed record; or `not-kept:` and why: `queue-full`, `disk`, `key`, `subjects`, `closed`"],
    ["findings", "list", "when any", "at most 67, see below; `detail` counts the rest"],
    ["limits_near", "list of texts", "when any", "ids of limits that are used beyond their `soft` share"],
    ["brakes", "list of texts", "when any", "ids of brakes that the request went over and that `flag` or run dry"],
    ["tags", "map of texts", "when any", "what the use is put down to: tags of the key or token, and of the endpoint"],
    ["not_evaluated", "list of texts", "when any", "`modality:image`, `unseen:hosted-tools`, `detector-failed:<id>`, `model-budget:<name>`, `model-failed:<name>`, `shared-limits` where a gateway counted alone, …"],
    ["refined", "list", "when any", "scores of `prompt-attack` that a [model of the policy](policy.md#models) took the place of; at most 16, see below"],
    ["streamed", "`true`", "when so", "the answer came in pieces"],
    ["tokens_in", "number", "when a provider was asked", "as the provider counted, else bytes divided by four"],
    ["tokens_out", "number", "when a provider was asked", "the same for the answer"],
    ["nano_usd", "number", "when priced", "cost in 10⁻⁹ US dollars"],
    ["duration_us", "number", "gateway", "from the head of the request to the end of the answer, in microseconds"],
    ["detail", "text", "sometimes", "error code, or what was changed; for changes that [wait for a second person](../guides/approvals.md) their id and the kinds of what becomes weaker"],
];

#[rustfmt::skip]
const FINDING: [[&str; 3]; 10] = [
    ["guardrail", "text", "id of the guardrail in the policy"],
    ["rule", "text", "[detector](detectors.md)"],
    ["category", "text", "its family"],
    ["channel", "text", "where the text came from, as in the policy's `on`"],
    ["pointer", "JSON pointer", "which string: `/messages/0/content`, names that no protocol defines as `*`; in streams `/stream/<index>/<kind>`; the last turn where several were judged together"],
    ["turns", "number", "turns of the conversation that were judged together as one text (`spread-attack`); absent where a text was judged by itself"],
    ["score", "0 to 1", "how sure, higher = surer"],
    ["disguise", "`escaped`, `respelled`, `spaced`, `hidden`, `rot13`, `hex`, `base64`", "what was undone to see it; absent when the text could be read as it stood"],
    ["verdict", "`flag`, `mask`, `block`", "what the guardrail says"],
    ["dry_run", "`true`", "when the guardrail only says what it would have done"],
];

#[rustfmt::skip]
const REFINED: [[&str; 3]; 5] = [
    ["model", "text", "name of the model in the policy"],
    ["channel", "text", "where the text came from"],
    ["before", "0 to 1", "score of the built-in model"],
    ["after", "0 to 1", "score in its place"],
    ["duration_us", "number", "time that it took, in microseconds"],
];

const fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "in full",
        Outcome::Refused => "before a provider was asked",
        Outcome::AnswerRefused => "whole or part of the way",
        Outcome::Limited => "a limit was reached, or a brake stopped it",
        Outcome::Disconnected => "the caller went away; what was used is charged",
        Outcome::UpstreamFailed => "the provider failed",
        Outcome::Failed => "Bartizan failed",
        Outcome::Changed => "an administrative change took effect",
    }
}

const HEAD: &str = "One event per decision, as one line of JSON in the event log. `bartizan events` and `GET /api/v1/events` read them
back; other programs may read the files `events-*.jsonl` in `data-dir/ledger` directly. Fields are only ever added. This
page is made by `cargo xtask generate`.

An event never holds inspected text: no prompts, no answers, no matched values, no keys.
";

const TAIL: &str = r#"
An event of a blocked request, spread over lines:

```json
{
  "schema": "bartizan.event/v1",
  "time": "2026-11-21T03:04:20.291395Z",
  "request_id": "01a1fc0f-dc43-7055-a583-2915f9bae685",
  "area": "gateway",
  "operation": "chat-completions",
  "principal": "local",
  "endpoint": "demo",
  "verdict": "block",
  "outcome": "refused",
  "status": 400,
  "rule": "g-injection",
  "policy": "b5f1a2c235a5",
  "findings": [
    { "guardrail": "g-injection", "rule": "instruction-override", "category": "prompt-injection",
      "channel": "user", "pointer": "/messages/0/content", "score": 0.95, "verdict": "block" },
    { "guardrail": "g-injection", "rule": "prompt-extraction", "category": "prompt-injection",
      "channel": "user", "pointer": "/messages/0/content", "score": 0.9, "verdict": "block" }
  ],
  "duration_us": 57314,
  "detail": "bartizan::gateway::blocked"
}
```

## What is promised

- The event of a request is in the hands of the system before the answer ends, so `kill -9` loses none of an answered
  request; it is on the disk at most 50 ms later, so a power cut may lose those.
- A line that was cut off by a crash is moved to a `.torn` file beside its segment at the next start.
- A request that names no known path makes no event. Of those without a valid key, one per minute and kind (no key, an unknown
  key) makes an event, without a principal; its `detail` says how many more there were. Of tokens that are refused although
  it is beyond doubt whose they are, one per minute and holder makes an event, with the principal.
- Refused logins at the console make one per minute and account, and one per minute for names that nobody has; `detail` says
  why, and how many more there were. What was typed is in none.
- Requests to the admin API without a valid key or session make none, so that nobody can push older events out of the log.
"#;

pub(super) fn write(out: &mut String) -> Result {
    writeln!(out, "# Events\n\n{HEAD}\nThe schema is `{SCHEMA}`:\n")?;
    writeln!(out, "| field | type | there | meaning |\n|---|---|---|---|")?;
    for [name, kind, there, meaning] in FIELDS {
        writeln!(out, "| `{name}` | {kind} | {there} | {meaning} |")?;
    }
    writeln!(out, "\nA finding:\n\n| field | type | meaning |\n|---|---|---|")?;
    for [name, kind, meaning] in FINDING {
        writeln!(out, "| `{name}` | {kind} | {meaning} |")?;
    }
    writeln!(out, "\nAn entry of `refined`:\n\n| field | type | meaning |\n|---|---|---|")?;
    for [name, kind, meaning] in REFINED {
        writeln!(out, "| `{name}` | {kind} | {meaning} |")?;
    }
    writeln!(out, "\nOutcomes:\n\n| outcome | meaning |\n|---|---|")?;
    for outcome in Outcome::ALL {
        writeln!(out, "| `{}` | {} |", outcome.name(), meaning(outcome))?;
    }
    out.write_str(TAIL)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bartizan_core::event::{Event, FindingRecord, RefinedRecord};
    use bartizan_core::{Channel, Disguise, RequestId, Tags, Verdict};

    use super::*;

    /// Every field spelled out, so that a new one does not compile until it is written here.
    fn full() -> Event {
        let text = || "x".to_owned();
        Event {
            schema: text(),
            time: text(),
            request_id: RequestId::new(),
            area: text(),
            operation: text(),
            credential: Some(text()),
            principal: Some(text()),
            subject: Some(text()),
            endpoint: Some(text()),
            provider: Some(text()),
            model: Some(text()),
            verdict: Verdict::Block,
            outcome: Outcome::Refused,
            status: Some(400),
            rule: Some(text()),
            policy: text(),
            findings: vec![FindingRecord {
                guardrail: text(),
                rule: text(),
                category: text(),
                channel: Channel::User,
                pointer: text(),
                turns: Some(3),
                score: 1.0,
                disguise: Some(Disguise::Base64),
                verdict: Verdict::Block,
                dry_run: true,
                exception: None,
            }],
            limits_near: vec![text()],
            brakes: vec![text()],
            tags: serde_json::from_str::<Tags>(r#"{"team":"search"}"#).unwrap(),
            payload: Some(text()),
            not_evaluated: vec![text()],
            refined: vec![RefinedRecord {
                model: text(),
                channel: Channel::User,
                before: 0.5,
                after: 0.5,
                duration_us: 1,
            }],
            streamed: true,
            tokens_in: Some(1),
            tokens_out: Some(1),
            nano_usd: Some(1),
            duration_us: Some(1),
            detail: Some(text()),
        }
    }

    #[test]
    fn every_field_has_a_line_and_no_other() {
        let event = serde_json::to_value(full()).unwrap();
        let names = |value: &serde_json::Value| -> BTreeSet<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let listed = FIELDS.iter().map(|field| field[0].to_owned());
        assert_eq!(names(&event), listed.collect());
        let listed = FINDING.iter().map(|field| field[0].to_owned());
        assert_eq!(names(&event["findings"][0]), listed.collect());
        let listed = REFINED.iter().map(|field| field[0].to_owned());
        assert_eq!(names(&event["refined"][0]), listed.collect());
    }

    #[test]
    fn the_example_is_an_event() {
        let example = TAIL.split("```json").nth(1).unwrap().split("```").next().unwrap();
        let event: Event = serde_json::from_str(example).unwrap();
        assert_eq!(event.schema, SCHEMA);
    }
}
