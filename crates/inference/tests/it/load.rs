//! How fast it is: by hand, since it says nothing on a machine that does something else.
//!
//! `cargo test -p bartizan-inference --test it load -- --ignored --nocapture`

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bartizan_core::payload::PayloadSink as _;
use bartizan_core::settings::InferenceStore;
use bartizan_inference::{InferenceLog, Parts};

use crate::{NoEvents, keys, payload};

#[test]
#[ignore = "it measures"]
fn records_per_second_and_what_one_waits() {
    let dir = tempfile::tempdir().unwrap();
    let store = InferenceStore::DEFAULT;
    let parts =
        Parts { dir: dir.path().to_owned(), store, keys: keys(), events: Arc::new(NoEvents) };
    let log = Arc::new(InferenceLog::open(parts).unwrap());
    for (clients, bytes) in [(1, 1024), (16, 1024), (64, 1024), (256, 1024), (64, 64 << 10)] {
        let until = Instant::now() + Duration::from_secs(3);
        let threads: Vec<_> = (0..clients)
            .map(|client| {
                let log = Arc::clone(&log);
                std::thread::spawn(move || {
                    let mut waited = Vec::new();
                    while Instant::now() < until {
                        let (tell, told) = mpsc::channel();
                        let began = Instant::now();
                        let payload = payload(&format!("sp:caller-{client}"), bytes);
                        log.keep(payload, Box::new(move |result| tell.send(result).unwrap()));
                        told.recv().unwrap().unwrap();
                        waited.push(began.elapsed());
                    }
                    waited
                })
            })
            .collect();
        let mut waited: Vec<Duration> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        waited.sort_unstable();
        let at = |share: f64| waited[((waited.len() - 1) as f64 * share) as usize];
        println!(
            "{clients} clients, {bytes} bytes a side: {} records/s, p50 {:?}, p99 {:?}",
            waited.len() / 3,
            at(0.5),
            at(0.99)
        );
    }
}
