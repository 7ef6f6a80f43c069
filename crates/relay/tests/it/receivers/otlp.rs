//! A collector of logs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bartizan_core::redact::Secret;
use bartizan_core::settings::{OtlpSink, SinkKind};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use serde_json::Value;

use super::http::{self, Answer, Request};
use super::{Mood, Moods, Receiver};

pub(crate) struct Collector {
    moods: Moods,
    address: SocketAddr,
    lines: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    pub(crate) async fn new() -> Self {
        let (moods, lines) = (Moods::new(Mood::Well), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&lines);
        let address = http::serve(moods.clone(), move |request| take(&request, &kept)).await;
        Self { moods, address, lines }
    }
}

fn take(request: &Request, kept: &Mutex<Vec<Vec<u8>>>) -> Answer {
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/logs"));
    assert_eq!(request.headers["authorization"], "Bearer t");
    assert_eq!(request.headers["content-type"], "application/json");
    let document: Value = serde_json::from_slice(&request.body).unwrap();
    let scope = &document["resourceLogs"][0]["scopeLogs"][0];
    for record in scope["logRecords"].as_array().unwrap() {
        let body = record["body"]["stringValue"].as_str().unwrap();
        kept.lock().unwrap().push(body.as_bytes().to_vec());
    }
    (200, "content-type: application/json\r\n", r#"{"partialSuccess":{}}"#.to_owned())
}

impl Receiver for Collector {
    fn kind(&self) -> SinkKind {
        SinkKind::Otlp(OtlpSink {
            endpoint: format!("http://{}", self.address),
            headers: vec![("authorization".to_owned(), Secret::new("Bearer t"))],
            ca: None,
        })
    }

    fn set(&mut self, mood: Mood) -> BoxFuture<'_, ()> {
        self.moods.set(mood);
        ready(()).boxed()
    }

    fn lines(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>> {
        ready(self.lines.lock().unwrap().clone()).boxed()
    }
}
