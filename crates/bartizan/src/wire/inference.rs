//! The inference log of a running process, opened when the policy first asks for it; and its keys, from where the
//! master key of secrets comes from.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bartizan_console::{AdminError, FoundPayload, PayloadQuery};
use bartizan_core::event::EventSink;
use bartizan_core::payload::{Done, NotKept, Payload, PayloadSink, Receipt, Side};
use bartizan_core::settings::{InferenceStore, Secrets, Settings};
use bartizan_core::{Class, Coded, RequestId};
use bartizan_inference::{
    Content, FOLDER, InferenceError, InferenceLog, KeySource, Opened, PURPOSE, Parts, Reader, Stats,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::prometheus::{counter, gauge};
use super::secrets::SecretSource;
use crate::format::usage;

/// Schema of an exchange that is shown.
pub(crate) const SCHEMA: &str = "bartizan.inference/v1";

/// Refuses a policy that keeps what was asked and answered where there is no master key for that.
pub(crate) fn check(settings: &Settings) -> anyhow::Result<()> {
    let Some(endpoint) = settings.endpoints.values().find(|it| it.inference_log.is_some()) else {
        return Ok(());
    };
    let source = SecretSource::new(settings.secrets.clone(), &settings.data_dir);
    source.keyring().map(|_| ()).map_err(|error| {
        usage(
            format!(
                "the endpoint `{}` has an `inference-log`, and there is no master key to encrypt it with: {error:#}",
                endpoint.name
            ),
            "`bartizan secret master-key` makes one in the data folder; `secrets: { key: … }` names another",
        )
    })
}

/// What opens the keys of the log with the master keys that are there whenever it is asked.
pub(crate) fn keys(secrets: Secrets, data_dir: &Path) -> KeySource {
    keys_of(Arc::new(Mutex::new(secrets)), data_dir.to_owned())
}

fn keys_of(secrets: Arc<Mutex<Secrets>>, data_dir: PathBuf) -> KeySource {
    Arc::new(move || {
        let source = SecretSource::new(secrets.lock().clone(), &data_dir);
        Ok(source.keyring()?.derive(PURPOSE)?)
    })
}

/// The inference log of this process.
pub(crate) struct Inference {
    data_dir: PathBuf,
    store: InferenceStore,
    secrets: Arc<Mutex<Secrets>>,
    events: Arc<dyn EventSink>,
    log: OnceLock<InferenceLog>,
    opening: Mutex<()>,
}

impl Inference {
    pub(crate) fn new(settings: &Settings, events: Arc<dyn EventSink>) -> Self {
        let (data_dir, store) = (settings.data_dir.clone(), settings.inference);
        let secrets = Arc::new(Mutex::new(settings.secrets.clone()));
        Self { data_dir, store, secrets, events, log: OnceLock::new(), opening: Mutex::new(()) }
    }

    /// Opens the log where the policy asks for it, and it is not open.
    pub(crate) fn ensure(&self, settings: &Settings) -> anyhow::Result<()> {
        check(settings)?;
        if !settings.endpoints.values().any(|endpoint| endpoint.inference_log.is_some()) {
            return Ok(());
        }
        let _opening = self.opening.lock();
        self.secrets.lock().clone_from(&settings.secrets);
        if self.log.get().is_none() {
            let log = InferenceLog::open(Parts {
                dir: self.data_dir.join(FOLDER),
                store: self.store,
                keys: self.keys(),
                events: Arc::clone(&self.events),
            })?;
            // Nobody else opens it meanwhile.
            let _ = self.log.set(log);
        }
        Ok(())
    }

    /// Takes no more, and returns when everything that was taken is on the disk.
    pub(crate) fn close(&self) {
        if let Some(log) = self.log.get() {
            log.close();
        }
    }

    fn keys(&self) -> KeySource {
        keys_of(Arc::clone(&self.secrets), self.data_dir.clone())
    }

    /// What became of exchanges, as Prometheus reads it; nothing while none are kept.
    pub(crate) fn text(&self) -> String {
        self.log.get().map(|log| text(&log.stats())).unwrap_or_default()
    }
}

impl PayloadSink for Inference {
    fn keep(&self, payload: Payload, done: Done) {
        match self.log.get() {
            Some(log) => log.keep(payload, done),
            None => done(Err(NotKept::Closed)),
        }
    }

    fn is_ready(&self) -> bool {
        self.log.get().is_some_and(PayloadSink::is_ready)
    }
}

impl PayloadQuery for Inference {
    fn payload(&self, id: RequestId) -> Result<FoundPayload, AdminError> {
        let dir = self.data_dir.join(FOLDER);
        let missing = |message: String, code| AdminError {
            class: Class::NotFound,
            code,
            message,
            help: Some("`payload` of the event says whether it was kept".to_owned()),
        };
        let none = || {
            missing(
                format!("no exchange of the request {id} is kept"),
                "bartizan::admin::payload-not-found",
            )
        };
        if !dir.is_dir() {
            return Err(none());
        }
        let mut reader = Reader::open(&dir, self.keys()).map_err(|error| refused(&error))?;
        let found = reader.find(id).map_err(|error| refused(&error))?;
        let (segment, entry) = found.ok_or_else(none)?;
        match reader.read(segment, &entry).map_err(|error| refused(&error))? {
            Opened::Content { name, receipt, content } => {
                let document = document(&name, &receipt, &content);
                Ok(FoundPayload { whose: name, document })
            }
            Opened::Erased { at } => Err(missing(
                format!("whoever sent the request {id} was erased at {at}"),
                "bartizan::admin::payload-erased",
            )),
            Opened::Past => Err(missing(
                format!("the exchange of the request {id} is past the time for which it is kept"),
                "bartizan::admin::payload-past",
            )),
            Opened::NoKey | Opened::Damaged => Err(AdminError {
                class: Class::Unavailable,
                code: "bartizan::admin::payload-unreadable",
                message: format!("the record of the request {id} does not open"),
                help: Some("`bartizan inference verify` says whether it was changed".to_owned()),
            }),
        }
    }
}

fn refused(error: &InferenceError) -> AdminError {
    tracing::error!(%error, "the inference log cannot be read");
    AdminError {
        class: error.class(),
        code: error.code(),
        message: "the inference log cannot be read; see the log of the process".to_owned(),
        help: None,
    }
}

/// An exchange as it is shown to whoever may see it.
pub(crate) fn document(name: &str, receipt: &Receipt, content: &Content) -> Value {
    json!({
        "schema": SCHEMA,
        "request_id": content.event.request_id,
        "principal": name,
        "payload": receipt.to_string(),
        "event": content.event,
        "request": content.request.as_ref().map(side),
        "answer": content.answer.as_ref().map(side),
    })
}

fn side(side: &Side) -> Value {
    let (length, is_cut) = (side.length(), side.is_cut());
    match text_of(side) {
        Some(text) => json!({ "bytes": length, "cut": is_cut, "text": text }),
        None => json!({ "bytes": length, "cut": is_cut, "base64": STANDARD.encode(side.bytes()) }),
    }
}

/// A side as text; none where it is none. A character that was cut through is left out.
pub(crate) fn text_of(side: &Side) -> Option<&str> {
    match std::str::from_utf8(side.bytes()) {
        Ok(text) => Some(text),
        Err(error) if side.is_cut() && error.error_len().is_none() => {
            std::str::from_utf8(side.bytes().get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

fn text(stats: &Stats) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let name = "bartizan_payloads";
    let _ = write!(
        text,
        "# HELP {name} Exchanges for the inference log by what became of them.\n# TYPE {name} counter\n"
    );
    let _ = writeln!(text, "{name}_total{{result=\"kept\"}} {}", stats.kept);
    for (why, count) in NotKept::ALL.iter().zip(stats.not_kept) {
        let _ = writeln!(text, "{name}_total{{result=\"{why}\"}} {count}");
    }
    counter(&mut text, "bartizan_payload_bytes", "Bytes written to the inference log", stats.bytes);
    for (name, help, value) in [
        ("waiting_payloads", "Exchanges that wait for the inference log", stats.waiting),
        (
            "waiting_payload_bytes",
            "Bytes of exchanges that wait for the inference log",
            stats.waiting_bytes,
        ),
    ] {
        gauge(&mut text, &format!("bartizan_{name}"), help, value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_line() {
        let stats =
            Stats { kept: 5, bytes: 900, not_kept: [0, 3, 0, 0, 0], waiting: 2, waiting_bytes: 77 };
        let text = text(&stats);
        for line in [
            "bartizan_payloads_total{result=\"kept\"} 5",
            "bartizan_payloads_total{result=\"not-kept:disk\"} 3",
            "bartizan_payload_bytes_total 900",
            "bartizan_waiting_payloads 2",
            "bartizan_waiting_payload_bytes 77",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
        }
        assert!(!text.contains("# EOF"));
    }

    #[test]
    fn what_was_cut_through_a_character_is_still_text() {
        assert_eq!(text_of(&Side::new(b"ab\xc3".to_vec(), 9)), Some("ab"));
        assert_eq!(text_of(&Side::new(b"ab\xc3".to_vec(), 3)), None);
        assert_eq!(text_of(&Side::new(b"a\xffb".to_vec(), 9)), None);
        let shown = side(&Side::new(b"a\xffb".to_vec(), 3));
        assert_eq!(shown, json!({ "bytes": 3, "cut": false, "base64": "Yf9i" }));
    }
}
