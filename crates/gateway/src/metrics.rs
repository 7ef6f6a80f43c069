//! Counters of the gateway, as Prometheus reads them. Labels come from bounded sets only.

use std::time::Duration;

use bartizan_core::event::FindingRecord;
use bartizan_core::settings::BrakeKind;
use bartizan_core::{Event, Verdict};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: String,
    endpoint: String,
    verdict: String,
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FindingLabels {
    guardrail: String,
    rule: String,
    verdict: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TokenLabels {
    endpoint: String,
    direction: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BrakeLabels {
    endpoint: String,
    kind: String,
    verdict: String,
}

/// All metrics of the gateway.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    findings: Family<FindingLabels, Counter>,
    braked: Family<BrakeLabels, Counter>,
    tokens: Family<TokenLabels, Counter>,
    nano_usd: Family<EndpointLabels, Counter>,
    in_flight: Gauge,
    duration: Histogram,
    guard: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("bartizan");
        let requests = Family::default();
        registry.register("requests", "Requests by how they ended", requests.clone());
        let findings = Family::default();
        registry.register("findings", "Findings by guardrail and detector", findings.clone());
        let braked = Family::default();
        registry.register(
            "braked_requests",
            "Requests that went over a brake, by what it looks at",
            braked.clone(),
        );
        let tokens = Family::default();
        registry.register("tokens", "Tokens charged", tokens.clone());
        let nano_usd = Family::default();
        registry.register("nano_usd", "Cost charged, in 1e-9 US dollars", nano_usd.clone());
        let in_flight = Gauge::default();
        registry.register("requests_in_flight", "Requests being served", in_flight.clone());
        let duration = Histogram::new(exponential_buckets(0.0005, 2.0, 20));
        registry.register_with_unit(
            "request_duration",
            "From the request's head to the end of the answer",
            Unit::Seconds,
            duration.clone(),
        );
        let guard = Histogram::new(exponential_buckets(0.000_005, 2.0, 16));
        registry.register_with_unit(
            "guard_duration",
            "Time the guard took for one request body",
            Unit::Seconds,
            guard.clone(),
        );
        Self { registry, requests, findings, braked, tokens, nano_usd, in_flight, duration, guard }
    }
}

impl Metrics {
    /// All metrics as text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string fails only when a metric's own encoding does.
        if prometheus_client::encoding::text::encode(&mut text, &self.registry).is_err() {
            tracing::error!("metrics cannot be encoded");
        }
        text
    }

    pub(crate) fn begin(&self) {
        self.in_flight.inc();
    }

    pub(crate) fn guarded(&self, took: Duration) {
        self.guard.observe(took.as_secs_f64());
    }

    /// Counts a request that went over a brake, and what was done about it.
    pub(crate) fn braked(&self, endpoint: &str, kind: BrakeKind, verdict: Verdict) {
        let labels = BrakeLabels {
            endpoint: endpoint.to_owned(),
            kind: kind.name().to_owned(),
            verdict: verdict.name().to_owned(),
        };
        self.braked.get_or_create(&labels).inc();
    }

    fn finding(&self, finding: &FindingRecord) {
        let labels = FindingLabels {
            guardrail: finding.guardrail.clone(),
            rule: finding.rule.clone(),
            verdict: finding.verdict.name().to_owned(),
        };
        self.findings.get_or_create(&labels).inc();
    }

    pub(crate) fn end(&self, event: &Event, took: Duration) {
        self.in_flight.dec();
        self.duration.observe(took.as_secs_f64());
        for finding in &event.findings {
            self.finding(finding);
        }
        let endpoint = event.endpoint.clone().unwrap_or_default();
        let labels = RequestLabels {
            operation: event.operation.clone(),
            endpoint: endpoint.clone(),
            verdict: event.verdict.name().to_owned(),
            outcome: event.outcome.name().to_owned(),
        };
        self.requests.get_or_create(&labels).inc();
        for (direction, tokens) in [("input", event.tokens_in), ("output", event.tokens_out)] {
            if let Some(tokens) = tokens {
                let labels =
                    TokenLabels { endpoint: endpoint.clone(), direction: direction.to_owned() };
                self.tokens.get_or_create(&labels).inc_by(tokens);
            }
        }
        if let Some(nano_usd) = event.nano_usd {
            self.nano_usd.get_or_create(&EndpointLabels { endpoint }).inc_by(nano_usd);
        }
    }
}
