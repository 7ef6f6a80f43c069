//! Logs of OpenTelemetry, by OTLP/HTTP in JSON.
//!
//! One log record for each entry: the entry as it was signed is the body, and what a search wants is in
//! attributes, with GenAI's names where there are any. Trace and span are those that `telemetry` sends, so
//! that a collector shows them together.

use bartizan_core::event::Event;
use bartizan_core::settings;
use bartizan_core::time::Timestamp;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::batch::{Batch, Entry};
use crate::error::{Interrupted, SinkError, said};
use crate::http::Http;
use crate::metrics::SinkMetrics;
use crate::severity::Severity;
use crate::sinks::Sink;

/// Path of the service for logs, behind the endpoint.
const PATH: &str = "/v1/logs";

/// A collector.
pub(super) struct OtlpSink {
    http: Http,
    uri: Uri,
    headers: HeaderMap,
    metrics: SinkMetrics,
}

impl OtlpSink {
    /// # Errors
    /// [`SinkError`], when the endpoint, a header or a certificate cannot be used.
    pub(super) fn new(
        settings: &settings::OtlpSink,
        metrics: &SinkMetrics,
    ) -> Result<Self, SinkError> {
        let wrong = |what, said: String| SinkError::Setting { what, said };
        let uri: Uri = format!("{}{PATH}", settings.endpoint)
            .parse()
            .map_err(|error| wrong("`endpoint`", format!("{error}")))?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &settings.headers {
            let name: HeaderName = name
                .parse()
                .map_err(|_| wrong("`headers`", format!("`{name}` is no name of a header")))?;
            let mut value = HeaderValue::from_str(value.expose())
                .map_err(|_| wrong("`headers`", format!("the value of `{name}` is none")))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let http = Http::new(&uri, settings.ca.as_deref())?;
        Ok(Self { http, uri, headers, metrics: metrics.clone() })
    }

    async fn export(&self, batch: &Batch) -> Result<(), SinkError> {
        let body = Bytes::from(document(batch).to_string());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let answer = self.http.call(request).await?;
        let Ok(answer) = serde_json::from_slice::<Value>(&answer.body) else { return Ok(()) };
        // A collector that says so must not be sent the same again (OTLP, "Partial Success").
        let (rejected, message) = partial_success(&answer);
        if rejected > 0 {
            self.metrics.rejected.inc_by(rejected);
            let (uri, said) = (&self.uri, said(message));
            tracing::error!(%uri, entries = rejected, said, "the collector threw entries away");
        } else if !message.is_empty() {
            let (uri, said) = (&self.uri, said(message));
            tracing::warn!(%uri, said, "the collector has a remark");
        }
        Ok(())
    }
}

impl Sink for OtlpSink {
    fn ship<'a>(&'a mut self, batch: &'a Batch) -> BoxFuture<'a, Result<(), Interrupted>> {
        async move { Ok(self.export(batch).await?) }.boxed()
    }
}

/// Records that a collector rejected, and what it says about that.
fn partial_success(answer: &Value) -> (u64, &str) {
    let partial = answer.get("partialSuccess");
    let field = |name| partial.and_then(|partial| partial.get(name));
    // 64-bit numbers are texts in JSON of protocol buffers, and numbers have to be understood too.
    let rejected = field("rejectedLogRecords").and_then(|count| match count {
        Value::String(digits) => digits.parse().ok(),
        number => number.as_u64(),
    });
    (rejected.unwrap_or(0), field("errorMessage").and_then(Value::as_str).unwrap_or_default())
}

/// The request, `ExportLogsServiceRequest`.
fn document(batch: &Batch) -> Value {
    let records: Vec<Value> = batch.entries.iter().map(|entry| record(batch, entry)).collect();
    let resource = [text("service.name", "bartizan"), text("service.instance.id", &batch.log)];
    let scope = json!({ "name": "bartizan", "version": env!("CARGO_PKG_VERSION") });
    json!({ "resourceLogs": [{
        "resource": { "attributes": resource },
        "scopeLogs": [{ "scope": scope, "logRecords": records }],
    }] })
}

fn record(batch: &Batch, entry: &Entry) -> Value {
    let body = String::from_utf8_lossy(&entry.line);
    let mut attributes =
        vec![text("bartizan.log", &batch.log), number("bartizan.entry", entry.number)];
    let Some(event) = entry.event() else {
        return json!({ "body": { "stringValue": body }, "attributes": attributes });
    };
    attributes.extend(about(&event));
    let (severity, severity_text) = Severity::of(&event).otel();
    let nanos = event.time.parse::<Timestamp>().map_or(0, Timestamp::as_nanosecond).max(0);
    let trace = event.request_id.to_string().replace('-', "");
    json!({
        "timeUnixNano": nanos.to_string(),
        "observedTimeUnixNano": nanos.to_string(),
        "severityNumber": severity,
        "severityText": severity_text,
        "body": { "stringValue": body },
        "attributes": attributes,
        "spanId": trace.get(16..).unwrap_or_default(),
        "traceId": trace,
    })
}

fn about(event: &Event) -> Vec<Value> {
    let mut attributes = vec![
        text("bartizan.area", &event.area),
        text("bartizan.operation", &event.operation),
        text("bartizan.request_id", &event.request_id.to_string()),
        text("bartizan.verdict", event.verdict.name()),
        text("bartizan.outcome", event.outcome.name()),
    ];
    let texts = [
        ("gen_ai.provider.name", &event.provider),
        ("gen_ai.request.model", &event.model),
        ("bartizan.endpoint", &event.endpoint),
        ("bartizan.rule", &event.rule),
        ("enduser.id", &event.principal),
    ];
    let texts = texts.into_iter().filter_map(|(name, value)| Some(text(name, value.as_ref()?)));
    let numbers = [
        ("gen_ai.usage.input_tokens", event.tokens_in),
        ("gen_ai.usage.output_tokens", event.tokens_out),
        ("http.response.status_code", event.status.map(u64::from)),
    ];
    let numbers = numbers.into_iter().filter_map(|(name, value)| Some(number(name, value?)));
    attributes.extend(texts.chain(numbers));
    attributes
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn number(key: &str, value: u64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

#[cfg(test)]
mod tests {
    use bartizan_core::event::Outcome;
    use bartizan_core::id::RequestId;
    use bartizan_core::verdict::Verdict;

    use super::*;

    #[test]
    fn a_record_is_what_the_specification_has() {
        let mut event = Event::new(RequestId::new(), "gateway", "chat-completions");
        event.time = "2026-01-02T03:04:05.000006Z".to_owned();
        event.verdict = Verdict::Block;
        event.outcome = Outcome::Refused;
        event.tokens_in = Some(12);
        event.model = Some("gpt".to_owned());
        let line = serde_json::to_string(&event).unwrap();
        let entries = vec![Entry { number: 7, line: line.clone().into() }];
        let batch = Batch { log: "log".into(), entries, checkpoint: "".into() };
        let document = document(&batch);
        let record = &document["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
        assert_eq!(record["timeUnixNano"], "1767323045000006000");
        assert_eq!(record["severityNumber"], 13);
        assert_eq!(record["body"]["stringValue"], line);
        assert_eq!(record["traceId"].as_str().unwrap().len(), 32);
        assert_eq!(record["spanId"].as_str().unwrap().len(), 16);
        let attributes = record["attributes"].as_array().unwrap();
        for expected in [
            number("bartizan.entry", 7),
            number("gen_ai.usage.input_tokens", 12),
            text("gen_ai.request.model", "gpt"),
            text("bartizan.verdict", "block"),
        ] {
            assert!(attributes.contains(&expected), "{expected}");
        }
    }

    #[test]
    fn reads_what_a_collector_rejected() {
        let check = |answer: Value, rejected: u64, message: &str| {
            assert_eq!(partial_success(&answer), (rejected, message));
        };
        check(json!({}), 0, "");
        check(json!({ "partialSuccess": {} }), 0, "");
        check(
            json!({ "partialSuccess": { "rejectedLogRecords": "3", "errorMessage": "old" } }),
            3,
            "old",
        );
        check(json!({ "partialSuccess": { "rejectedLogRecords": 3 } }), 3, "");
        check(json!({ "partialSuccess": { "errorMessage": "slow down" } }), 0, "slow down");
    }
}
