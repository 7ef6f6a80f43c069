//! Who counts what limits allow: this process, or a server for several.

use std::sync::Arc;
use std::time::Duration;

use bartizan_core::counters::Counters;
use bartizan_core::settings::Redis;
use bartizan_counters::{CountersError, RedisCounters};
use bartizan_gateway::MemoryCounters;

use super::prometheus::{counter, gauge};

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
        let name = "bartizan_counters_up";
        let help = "Whether the server that counts what limits allow answers";
        gauge(&mut text, name, help, u64::from(standing.is_up));
        let help = "Calls of it without an answer";
        counter(&mut text, "bartizan_counters_failures", help, standing.failures);
        let help = "Requests that this gateway counted alone";
        counter(&mut text, "bartizan_counters_alone", help, standing.counted_alone);
        text
    }

    /// Waits, for a bounded time, until the server knows everything.
    pub(crate) async fn finish(&self) {
        if let Self::Shared(counters) = self {
            counters.finish(FINISH).await;
        }
    }
}
