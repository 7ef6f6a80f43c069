//! Objects in a bucket, by the protocol of S3: one for each batch, and the checkpoint that covers them.
//!
//! An object is `PREFIX/LOG/FIRST-LAST.jsonl`. It is written only where there is none of that name, so
//! that shipping it again changes nothing.

use std::sync::Arc;
use std::time::Duration;

use bartizan_core::settings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Request, Uri};
use http_body_util::Full;
use rusty_s3::actions::{PutObject, S3Action as _};
use rusty_s3::{Bucket, Credentials, UrlStyle};
use sha2::{Digest as _, Sha256};

use crate::batch::{Batch, Entry};
use crate::error::{Interrupted, SinkError};
use crate::http::Http;
use crate::sinks::Sink;

/// How long a signature holds: the time for one call, and clocks that differ.
const SIGNED_FOR: Duration = Duration::from_secs(300);
/// Object of the checkpoint, beside the entries.
const CHECKPOINT: &str = "checkpoint";

/// A bucket.
pub(super) struct S3Sink {
    http: Http,
    bucket: Bucket,
    credentials: Credentials,
    prefix: String,
    /// Whether the store knows conditions on writes; one that does not overwrites with the same bytes.
    has_conditions: bool,
    /// The checkpoint that was written last.
    checkpoint: Option<Arc<str>>,
}

/// Whether an object may take the place of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Only where there is none.
    Free,
    /// In place of the one that is there.
    Any,
}

impl S3Sink {
    /// # Errors
    /// [`SinkError`], when the endpoint or a certificate cannot be used.
    pub(super) fn new(settings: &settings::S3Sink) -> Result<Self, SinkError> {
        let wrong = |said: String| SinkError::Setting { what: "`endpoint`", said };
        let uri: Uri = settings.endpoint.parse().map_err(|error| wrong(format!("{error}")))?;
        let style = match settings.style {
            settings::UrlStyle::Path => UrlStyle::Path,
            settings::UrlStyle::VirtualHost => UrlStyle::VirtualHost,
        };
        let endpoint = settings.endpoint.parse().map_err(|error| wrong(format!("{error}")))?;
        let (name, region) = (settings.bucket.clone(), settings.region.clone());
        let bucket = Bucket::new(endpoint, style, name, region)
            .map_err(|error| wrong(format!("{error}")))?;
        let credentials =
            Credentials::new(settings.access_key.expose(), settings.secret_key.expose());
        Ok(Self {
            http: Http::new(&uri, settings.ca.as_deref())?,
            bucket,
            credentials,
            prefix: settings.prefix.clone(),
            has_conditions: true,
            checkpoint: None,
        })
    }

    async fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let number = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.number);
        let (first, last) = (number(batch.entries.first()), number(batch.entries.last()));
        let mut lines = Vec::with_capacity(batch.len_bytes() + batch.entries.len());
        for entry in &batch.entries {
            lines.extend_from_slice(&entry.line);
            lines.push(b'\n');
        }
        let lines = Bytes::from(lines);
        let key = self.key(&batch.log, &format!("{first:012}-{last:012}.jsonl"));
        if self.has_conditions {
            match self.put(&key, lines.clone(), Place::Free).await {
                // It was written before, by a try whose answer was lost.
                Err(SinkError::Status { status: 412, .. }) => {}
                Err(SinkError::Status { status: 501, .. }) => {
                    tracing::info!(bucket = self.bucket.name(), "the store knows no conditions");
                    self.has_conditions = false;
                }
                other => other?,
            }
        }
        if !self.has_conditions {
            self.put(&key, lines, Place::Any).await?;
        }
        if self.checkpoint.as_ref() != Some(&batch.checkpoint) {
            let key = self.key(&batch.log, CHECKPOINT);
            let text = Bytes::copy_from_slice(batch.checkpoint.as_bytes());
            self.put(&key, text, Place::Any).await?;
            self.checkpoint = Some(batch.checkpoint.clone());
        }
        Ok(())
    }

    /// Name of an object, below the prefix and the log.
    fn key(&self, log: &str, name: &str) -> String {
        let parts = [self.prefix.as_str(), log, name];
        parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/")
    }

    async fn put(&self, key: &str, content: Bytes, place: Place) -> Result<(), SinkError> {
        let checksum = BASE64.encode(Sha256::digest(&content));
        let mut headers = vec![("x-amz-checksum-sha256", checksum.as_str())];
        if place == Place::Free {
            headers.push(("if-none-match", "*"));
        }
        let mut action = PutObject::new(&self.bucket, Some(&self.credentials), key);
        for (name, value) in &headers {
            // Signed as well, so that nobody on the way can change what is written, or whether.
            action.headers_mut().insert(*name, *value);
        }
        let url = action.sign(SIGNED_FOR);
        let mut request = Request::put(url.as_str());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let wrong =
            |error: http::Error| SinkError::Setting { what: "`endpoint`", said: error.to_string() };
        self.http.call(request.body(Full::new(content)).map_err(wrong)?).await?;
        Ok(())
    }
}

impl Sink for S3Sink {
    fn ship<'a>(&'a mut self, batch: &'a Batch) -> BoxFuture<'a, Result<(), Interrupted>> {
        async move { Ok(self.write(batch).await?) }.boxed()
    }
}
