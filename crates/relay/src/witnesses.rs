//! Asks witnesses to sign the checkpoints of the log, and publishes those that most of them have signed
//! (C2SP tlog-witness, the side of the log).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bartizan_core::id::RuleId;
use bartizan_core::settings;
use bartizan_ledger::checkpoint::Checkpoint;
use bartizan_ledger::note::{Note, Signature, VerifyingKey, parse_signatures};
use bartizan_ledger::{serve, witness};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;

use crate::backoff::Backoff;
use crate::error::{RelayError, SinkError, said};
use crate::http::Http;

/// How often the log is looked at: a checkpoint is published at most this long after it was signed, and the
/// time that the witnesses take.
const EVERY: Duration = Duration::from_secs(1);

/// Those who are asked to sign the checkpoints of one log.
#[derive(Debug)]
pub struct Witnesses {
    log: PathBuf,
    asked: Vec<Asked>,
    /// What was published last, and how many had signed it.
    published: Option<(String, usize)>,
}

/// One who is asked.
#[derive(Debug)]
struct Asked {
    id: RuleId,
    key: VerifyingKey,
    http: Http,
    uri: Uri,
    /// Entries that it has signed, as far as is known. It says so itself where that is wrong.
    has: u64,
    /// What it signed last.
    signed: Option<(String, Signature)>,
    backoff: Backoff,
    /// It failed and is left alone until then.
    after: Option<Instant>,
}

impl Witnesses {
    /// Those of the policy, for the log in the folder `log`. Nobody is asked yet.
    ///
    /// # Errors
    /// [`RelayError::Sink`], with the id of one whose key or address cannot be used.
    pub fn open(log: &Path, witnesses: &[settings::Witness]) -> Result<Self, RelayError> {
        let asked = witnesses.iter().map(Asked::new).collect::<Result<_, _>>()?;
        Ok(Self { log: log.to_owned(), asked, published: None })
    }

    /// Has checkpoints signed and published until `stop` resolves.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = &mut stop => return,
            }
            if let Err(error) = self.ask_all().await {
                tracing::warn!(error, "no checkpoint is shown to witnesses");
            }
        }
    }

    /// Shows the last checkpoint to all who have not signed it, and publishes it when most have.
    async fn ask_all(&mut self) -> Result<(), String> {
        let dir = self.log.clone();
        let read = move || serve::checkpoint(&dir).map_err(|error| error.to_string());
        let text = blocking(read).await?;
        let Some(note) = text.and_then(|text| text.parse::<Note>().ok()) else { return Ok(()) };
        let Ok(checkpoint) = note.text().parse::<Checkpoint>() else { return Ok(()) };
        if checkpoint.size == 0 {
            // There is nothing yet that could be taken back.
            return Ok(());
        }
        let log = &self.log;
        join_all(self.asked.iter_mut().map(|asked| asked.ask(log, &note, checkpoint.size))).await;
        let signatures: Vec<Signature> =
            self.asked.iter().filter_map(|asked| asked.signature_of(&note)).cloned().collect();
        let count = signatures.len();
        let is_new = self
            .published
            .as_ref()
            .is_none_or(|(text, signed)| text != note.text() || *signed < count);
        if count * 2 > self.asked.len() && is_new {
            let mut witnessed = note.clone();
            for signature in signatures {
                witnessed.add(signature);
            }
            let dir = self.log.clone();
            blocking(move || witness::keep(&dir, &witnessed).map_err(|error| error.to_string()))
                .await?;
            self.published = Some((note.text().to_owned(), count));
            tracing::debug!(entries = checkpoint.size, witnesses = count, "checkpoint witnessed");
        }
        Ok(())
    }
}

impl Asked {
    fn new(witness: &settings::Witness) -> Result<Self, RelayError> {
        let wrong = |what, said: String| RelayError::Sink {
            sink: witness.id.clone(),
            source: SinkError::Setting { what, said },
        };
        let key: VerifyingKey =
            witness.key.parse().map_err(|error| wrong("`key`", format!("{error}")))?;
        let uri = format!("{}/add-checkpoint", witness.url.trim_end_matches('/'));
        let uri: Uri = uri.parse().map_err(|error| wrong("`url`", format!("{error}")))?;
        let http = Http::new(&uri, None)
            .map_err(|source| RelayError::Sink { sink: witness.id.clone(), source })?;
        Ok(Self {
            id: witness.id.clone(),
            key,
            http,
            uri,
            has: 0,
            signed: None,
            backoff: Backoff::default(),
            after: None,
        })
    }

    fn signature_of(&self, note: &Note) -> Option<&Signature> {
        let (text, signature) = self.signed.as_ref()?;
        (text == note.text()).then_some(signature)
    }

    /// Asks for a signature, unless it is there or the witness failed a moment ago.
    async fn ask(&mut self, log: &Path, note: &Note, size: u64) {
        let waits = self.after.is_some_and(|after| Instant::now() < after);
        if waits || self.signature_of(note).is_some() {
            return;
        }
        match self.try_ask(log, note, size).await {
            Ok(signature) => {
                self.signed = Some((note.text().to_owned(), signature));
                self.has = size;
                self.after = None;
                if self.backoff.succeeded() > 0 {
                    tracing::info!(witness = %self.id, "the witness signs again");
                }
            }
            Err(why) => {
                let wait = self.backoff.failed(None);
                self.after = Instant::now().checked_add(wait);
                tracing::warn!(witness = %self.id, why, "the witness has not signed");
            }
        }
    }

    async fn try_ask(&mut self, log: &Path, note: &Note, size: u64) -> Result<Signature, String> {
        // Who does not know how far the witness is hears that first.
        for _ in 0..2 {
            let (status, body) = self.submit(log, note).await?;
            let text = String::from_utf8_lossy(&body);
            if status == StatusCode::OK {
                return self.signed_by_it(note, &text);
            }
            let followed = text.trim_ascii_end().parse::<u64>().ok();
            match followed.filter(|_| status == StatusCode::CONFLICT) {
                Some(followed) if followed > size => {
                    return Err(format!(
                        "it has signed {followed} entries and the log has {size}: an older copy of the log \
                         was put back, or somebody else has its key"
                    ));
                }
                Some(followed) if followed != self.has => self.has = followed,
                Some(followed) => {
                    return Err(format!("it has signed another history of {followed} entries"));
                }
                None => return Err(format!("it says {status}: {}", said(&text))),
            }
        }
        Err("it has signed more in the meantime".to_owned())
    }

    async fn submit(&self, log: &Path, note: &Note) -> Result<(StatusCode, Bytes), String> {
        let (dir, note, old) = (log.to_owned(), note.clone(), self.has);
        let submission = blocking(move || {
            witness::submission(&dir, &note, old).map_err(|error| error.to_string())
        })
        .await?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.uri)
            .header(http::header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Full::from(submission.to_string()))
            .map_err(|error| error.to_string())?;
        self.http.exchange(request).await.map_err(|error| chain(&error))
    }

    /// The signature of the witness among lines, if it is one of this note.
    fn signed_by_it(&self, note: &Note, lines: &str) -> Result<Signature, String> {
        let signatures = parse_signatures(lines).map_err(|error| error.to_string())?;
        let keys = std::slice::from_ref(&self.key);
        for signature in signatures {
            let Ok(mut alone) = Note::new(note.text().to_owned()) else { continue };
            alone.add(signature.clone());
            if alone.verify(keys).is_ok() {
                return Ok(signature);
            }
        }
        Err("its answer is not signed by its key".to_owned())
    }
}

fn chain(error: &SinkError) -> String {
    let mut shown = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        shown.push_str(": ");
        shown.push_str(&error.to_string());
        cause = error.source();
    }
    shown
}

/// Work on files, off the threads of the runtime.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.to_string()))
}
