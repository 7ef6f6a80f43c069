//! One OpenTelemetry span per gateway event, with GenAI's attribute names, sent by OTLP/HTTP.
//!
//! Spans are made from events, so that a trace never says anything the event log does not. A
//! collector that is slow or away costs spans, never requests.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use bartizan_core::Event;
use bartizan_core::event::{EventSink, RecordError, Recorded};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Spans that may wait for the collector.
const WAITING_SPANS: usize = 4096;
/// Most spans in one call.
const BATCH_SPANS: usize = 512;
/// How long spans are collected before they are sent.
const BATCH_EVERY: Duration = Duration::from_secs(1);
/// Longest wait for the collector.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Records events and exports a span for each.
pub(crate) struct Exporting {
    inner: Arc<dyn EventSink>,
    spans: mpsc::Sender<SpanData>,
    /// Asks for an end, and waits for it.
    end: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Exporting {
    /// Starts exporting to a collector such as `http://127.0.0.1:4318`.
    pub(crate) fn start(endpoint: &str, inner: Arc<dyn EventSink>) -> anyhow::Result<Self> {
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
            .context("no certificates for the collector")?
            .https_or_http()
            .enable_http1()
            .build();
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(HyperClient::new(connector, EXPORT_TIMEOUT, None))
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .context("the trace exporter cannot be made")?;
        exporter.set_resource(&Resource::builder().with_service_name("bartizan").build());
        let (spans, waiting) = mpsc::channel(WAITING_SPANS);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(export(exporter, waiting, stopped));
        Ok(Self { inner, spans, end: Mutex::new(Some((stop, task))) })
    }

    /// Sends what waits, within [`EXPORT_TIMEOUT`]. Spans that are recorded later are lost.
    pub(crate) async fn finish(&self) {
        let Some((stop, task)) = self.end.lock().take() else { return };
        // A task that is gone has nothing to send.
        let _ = stop.send(());
        if tokio::time::timeout(EXPORT_TIMEOUT, task).await.is_err() {
            tracing::warn!("the trace collector did not take the last spans in time");
        }
    }
}

impl EventSink for Exporting {
    fn record(&self, event: &Event) -> Result<Recorded, RecordError> {
        let written = self.inner.record(event);
        if event.area == "gateway" && self.spans.try_send(span(event)).is_err() {
            tracing::debug!("a span was dropped: the collector is slow");
        }
        written
    }
}

async fn export(
    exporter: SpanExporter,
    mut waiting: mpsc::Receiver<SpanData>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut batch = Vec::new();
    let mut is_open = true;
    loop {
        let received = tokio::select! {
            received = waiting.recv_many(&mut batch, BATCH_SPANS) => received,
            // Nothing waits any more, or nothing more is to come: `recv_many` goes first in the next
            // round, and a closed channel gives what it holds.
            _ = &mut stopped, if is_open => {
                is_open = false;
                waiting.close();
                continue;
            }
        };
        if received == 0 {
            return;
        }
        if let Err(error) = exporter.export(std::mem::take(&mut batch)).await {
            tracing::warn!(%error, "spans not exported");
        }
        if is_open {
            tokio::select! {
                () = tokio::time::sleep(BATCH_EVERY) => {}
                _ = &mut stopped => {
                    is_open = false;
                    waiting.close();
                }
            }
        }
    }
}

fn span(event: &Event) -> SpanData {
    let end = SystemTime::now();
    let took = Duration::from_micros(event.duration_us.unwrap_or(0));
    // A request id is 128 random and time bits, which is what a trace id wants.
    let id = event.request_id.to_string().replace('-', "");
    let trace_id = TraceId::from_hex(&id).unwrap_or(TraceId::INVALID);
    let span_id =
        id.get(16..).and_then(|half| SpanId::from_hex(half).ok()).unwrap_or(SpanId::INVALID);
    let failed = event.status.is_some_and(|status| status >= 400);
    let model = event.model.clone().unwrap_or_default();
    SpanData {
        span_context: SpanContext::new(
            trace_id,
            span_id,
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Server,
        name: Cow::Owned(format!("{} {model}", operation(&event.operation)).trim_end().to_owned()),
        start_time: end.checked_sub(took).unwrap_or(end),
        end_time: end,
        attributes: attributes(event),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: if failed { Status::error("") } else { Status::Unset },
        instrumentation_scope: InstrumentationScope::builder("bartizan").build(),
    }
}

/// GenAI's name for an operation.
fn operation(name: &str) -> &str {
    match name {
        "chat-completions" | "responses" | "messages" => "chat",
        "completions" => "text_completion",
        "embeddings" => "embeddings",
        other => other,
    }
}

fn attributes(event: &Event) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("gen_ai.operation.name", operation(&event.operation).to_owned()),
        KeyValue::new("bartizan.request_id", event.request_id.to_string()),
        KeyValue::new("bartizan.verdict", event.verdict.name()),
    ];
    let texts = [
        ("gen_ai.provider.name", &event.provider),
        ("gen_ai.request.model", &event.model),
        ("bartizan.endpoint", &event.endpoint),
        ("bartizan.rule", &event.rule),
        ("enduser.id", &event.principal),
        ("error.type", &event.detail),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            attributes.push(KeyValue::new(name, value.clone()));
        }
    }
    let counts = [
        ("gen_ai.usage.input_tokens", event.tokens_in),
        ("gen_ai.usage.output_tokens", event.tokens_out),
        ("http.response.status_code", event.status.map(u64::from)),
    ];
    for (name, value) in counts {
        if let Some(value) = value {
            attributes.push(KeyValue::new(name, i64::try_from(value).unwrap_or(i64::MAX)));
        }
    }
    attributes
}
