//! Who counts what limits allow: this process, or a server for several.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bartizan_core::counters::Counters;
use bartizan_core::settings::Redis;
use bartizan_counters::{CountersError, RedisCounters};
use bartizan_gateway::MemoryCounters;

/// Longest wait at the end for a server to hear what was settled.
const FINISH: Duration = Duration::from_secs(2);

/// The counters of the policy.
pub(crate) enum Counting {
    Here(Arc<MemoryCounters>),
    Shared(Arc<RedisCounters>),
}

impl Counting {
    /// Connects where the policy names a server.
    pub(crate) async fn open(redis: Option<&Redis>) -> Result<Self, CountersError> {
        Ok(match redis {
            None => Self::Here(Arc::default()),
            Some(settings) => Self::Shared(Arc::new(RedisCounters::open(settings).await?)),
        })
    }

    pub(crate) fn counters(&self) -> Arc<dyn Counters> {
        match self {
            Self::Here(counters) => Arc::clone(counters) as _,
            Self::Shared(counters) => Arc::clone(counters) as _,
        }
    }

    /// Whether requests with limits can be served; absent where nobody else is asked.
    pub(crate) fn check(&self) -> Option<Result<(), String>> {
        let Self::Shared(counters) = self else { return None };
        let standing = counters.standing();
        // A gateway that counts alone serves.
        Some(if standing.is_up || !standing.denies_when_away {
            Ok(())
        } else {
            Err("the server that counts what limits allow is away".to_owned())
        })
    }

    /// As Prometheus reads it, without the line that ends a page.
    pub(crate) fn text(&self) -> String {
        let Self::Shared(counters) = self else { return String::new() };
        let standing = counters.standing();
        let mut text = String::new();
        for (name, kind, help, value) in [
            (
                "up",
                "gauge",
                "Whether the server that counts what limits allow answers",
                u64::from(standing.is_up),
            ),
            ("failures", "counter", "Calls of it without an answer", standing.failures),
            (
                "alone",
                "counter",
                "Requests that this gateway counted alone",
                standing.counted_alone,
            ),
        ] {
            let name = format!("bartizan_counters_{name}");
            let sample = if kind == "counter" { format!("{name}_total") } else { name.clone() };
            // Writing into a string does not fail.
            let _ = write!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}\n{sample} {value}\n");
        }
        text
    }

    /// Waits, for a bounded time, until the server knows everything.
    pub(crate) async fn finish(&self) {
        if let Self::Shared(counters) = self {
            counters.finish(FINISH).await;
        }
    }
}
