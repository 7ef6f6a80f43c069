//! Counters of what was shipped, as Prometheus reads them. The only label is the id of the sink.

use bartizan_core::id::RuleId;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SinkLabels {
    sink: String,
}

/// Counters of all sinks.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    entries: Family<SinkLabels, Counter>,
    lag: Family<SinkLabels, Gauge>,
    failures: Family<SinkLabels, Counter>,
    missed: Family<SinkLabels, Counter>,
    rejected: Family<SinkLabels, Counter>,
}

/// Counters of one sink.
#[derive(Debug, Clone, Default)]
pub struct SinkMetrics {
    /// Entries that the sink took.
    pub entries: Counter,
    /// Entries that are signed and that it did not take yet.
    pub lag: Gauge,
    /// Tries that it did not take.
    pub failures: Counter,
    /// Entries that were removed from the log before it took them.
    pub missed: Counter,
    /// Entries that it took and threw away, as it said.
    pub rejected: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("bartizan_sink");
        let entries = Family::default();
        registry.register("entries", "Entries that the sink took", entries.clone());
        let lag = Family::default();
        registry.register("lag_entries", "Signed entries that it did not take yet", lag.clone());
        let failures = Family::default();
        registry.register("failures", "Tries that failed", failures.clone());
        let missed = Family::default();
        registry.register(
            "missed_entries",
            "Entries removed before they were shipped",
            missed.clone(),
        );
        let rejected = Family::default();
        registry.register("rejected_entries", "Entries that the sink threw away", rejected.clone());
        Self { registry, entries, lag, failures, missed, rejected }
    }
}

impl Metrics {
    /// Counters of a sink; all of them are there from the start, at zero.
    pub fn of(&self, sink: &RuleId) -> SinkMetrics {
        let labels = SinkLabels { sink: sink.to_string() };
        SinkMetrics {
            entries: self.entries.get_or_create(&labels).clone(),
            lag: self.lag.get_or_create(&labels).clone(),
            failures: self.failures.get_or_create(&labels).clone(),
            missed: self.missed.get_or_create(&labels).clone(),
            rejected: self.rejected.get_or_create(&labels).clone(),
        }
    }

    /// All counters as text, without the line that ends a page, so that other metrics may follow.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string fails only when a metric's own encoding does.
        if prometheus_client::encoding::text::encode_registry(&mut text, &self.registry).is_err() {
            tracing::error!("metrics of sinks cannot be encoded");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_carry_the_sink_and_no_end() {
        let metrics = Metrics::default();
        let sink = metrics.of(&"s-file".parse().unwrap());
        sink.entries.inc_by(3);
        sink.lag.set(2);
        let text = metrics.text();
        for line in [
            "bartizan_sink_entries_total{sink=\"s-file\"} 3",
            "bartizan_sink_lag_entries{sink=\"s-file\"} 2",
            "bartizan_sink_failures_total{sink=\"s-file\"} 0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{text}");
        }
        assert!(!text.contains("# EOF"));
    }
}
