//! Counters in memory and in a real Redis, held to the same.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests may fail loudly"
)]

mod away;
mod suite;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_core::counters::{Change, CounterKey, Counters, Demand, NoRoom, Taken, Unit};
use bartizan_core::settings::{Rate, Redis, SharedServer, WhenAway};
use bartizan_counters::RedisCounters;
use bartizan_testkit::servers::RedisServer;

/// Settings for a server of the tests.
fn settings(server: &RedisServer, when_away: WhenAway) -> Redis {
    Redis {
        server: SharedServer {
            host: "127.0.0.1".to_owned(),
            port: server.port(),
            user: None,
            password: None,
            tls: None,
        },
        database: 0,
        prefix: "bartizan".to_owned(),
        timeout: Duration::from_millis(700),
        when_away,
    }
}

async fn gateway(server: &RedisServer, when_away: WhenAway) -> Arc<RedisCounters> {
    Arc::new(RedisCounters::open(&settings(server, when_away)).await.unwrap())
}

fn key(whose: &str) -> CounterKey {
    CounterKey {
        endpoint: "chat".into(),
        limit: "l-test".parse().unwrap(),
        unit: Unit::Tokens,
        whose: whose.to_owned(),
    }
}

fn demand(whose: &str, planned: u64, amount: u64, window: Duration) -> Demand {
    Demand { key: key(whose), rate: Rate { amount, window }, planned, is_whole: false }
}

async fn ask(counters: &dyn Counters, demands: Vec<Demand>) -> Result<Taken, NoRoom> {
    counters.reserve(demands, Instant::now()).decided().await
}

/// Settles what was taken of one counter.
fn settle(counters: &dyn Counters, taken: &Taken, planned: u64, used: u64) {
    let window = taken.held[0].window;
    counters.settle(vec![Change { key: key(""), window, planned, used }]);
}

/// Waits until room is there that another gateway has given back.
async fn until_room(counters: &dyn Counters, demand: &Demand) {
    for _ in 0..500 {
        if ask(counters, vec![demand.clone()]).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no room after five seconds");
}
