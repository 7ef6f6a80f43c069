//! An object store that checks signatures and conditions.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bartizan_core::redact::Secret;
use bartizan_core::settings::{S3Sink, SinkKind, UrlStyle};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use sha2::{Digest as _, Sha256};

use super::http::{self, Answer, Request};
use super::{Mood, Moods, Receiver};
use crate::signature;

const SECRET: &str = "not/a+secret";

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

pub(crate) struct Store {
    moods: Moods,
    address: SocketAddr,
    pub(crate) objects: Objects,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let (moods, objects) = (Moods::new(Mood::Well), Objects::default());
        let kept = Arc::clone(&objects);
        let address = http::serve(moods.clone(), move |request| put(&request, &kept)).await;
        Self { moods, address, objects }
    }
}

fn put(request: &Request, objects: &Objects) -> Answer {
    assert_eq!(request.method, "PUT");
    let (path, query) = request.target.split_once('?').unwrap();
    let signed = signature::of_query("PUT", path, query, &request.headers, SECRET);
    assert!(query.ends_with(&format!("X-Amz-Signature={signed}")), "{query}");
    let checksum = BASE64.encode(Sha256::digest(&request.body));
    assert_eq!(request.headers["x-amz-checksum-sha256"], checksum);
    assert!(query.contains("x-amz-checksum-sha256"), "the checksum is not signed: {query}");
    let key = path.strip_prefix("/logs/").unwrap().to_owned();
    let mut objects = objects.lock().unwrap();
    if request.headers.get("if-none-match").is_some_and(|value| value == "*") {
        if objects.contains_key(&key) {
            return (412, "", "<Error><Code>PreconditionFailed</Code></Error>".to_owned());
        }
    } else {
        assert!(key.ends_with("/checkpoint"), "written without a condition: {key}");
    }
    objects.insert(key, request.body.clone());
    (200, "", String::new())
}

impl Receiver for Store {
    fn kind(&self) -> SinkKind {
        SinkKind::S3(S3Sink {
            endpoint: format!("http://{}", self.address),
            bucket: "logs".to_owned(),
            prefix: "bartizan/prod".to_owned(),
            region: "eu-central-1".to_owned(),
            style: UrlStyle::Path,
            access_key: Secret::new("an id"),
            secret_key: Secret::new(SECRET),
            ca: None,
        })
    }

    fn set(&mut self, mood: Mood) -> BoxFuture<'_, ()> {
        self.moods.set(mood);
        ready(()).boxed()
    }

    fn lines(&mut self) -> BoxFuture<'_, Vec<Vec<u8>>> {
        let objects = self.objects.lock().unwrap();
        let mut lines = Vec::new();
        for (key, content) in objects.iter().filter(|(key, _)| key.contains(".jsonl")) {
            assert!(key.starts_with("bartizan/prod/bartizan.invalid/log/"), "{key}");
            lines.extend(
                content
                    .split_inclusive(|byte| *byte == b'\n')
                    .map(|line| line.strip_suffix(b"\n").unwrap().to_vec()),
            );
        }
        ready(lines).boxed()
    }
}
