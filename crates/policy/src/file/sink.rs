//! The shape of one entry of the list of sinks: where entries of the event log go besides.

use std::collections::BTreeMap;

use bartizan_core::settings::{Facility, UrlStyle};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::scalar::{Choice, RuleIdText, SecretText, SizeText, UrlText, Vocabulary};
use crate::located::{Located, filled, given};

/// A system that entries of the event log are shipped to: an id, and one key that says which kind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SinkFile {
    /// Names it in logs and metrics, and the file that says how far it got.
    pub(crate) id: Located<RuleIdText>,
    /// Areas of the entries that it gets. Default: all.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) areas: Vec<Located<Choice<AreaWord>>>,
    /// Whether it gets names in the place of pseudonyms. Default: `false` for `s3`, `true` for others.
    #[serde(default, deserialize_with = "given")]
    pub(crate) names: Option<Located<bool>>,
    /// Lines of JSON in a file.
    #[serde(default, deserialize_with = "given")]
    pub(crate) file: Option<Located<FileSinkFile>>,
    /// A syslog receiver (RFC 5424).
    #[serde(default, deserialize_with = "given")]
    pub(crate) syslog: Option<Located<SyslogFile>>,
    /// An OpenTelemetry collector, by OTLP/HTTP.
    #[serde(default, deserialize_with = "given")]
    pub(crate) otlp: Option<Located<OtlpFile>>,
    /// A stream of NATS JetStream.
    #[serde(default, deserialize_with = "given")]
    pub(crate) nats: Option<Located<NatsFile>>,
    /// Objects in a bucket, by the protocol of S3.
    #[serde(default, deserialize_with = "given")]
    pub(crate) s3: Option<Located<S3File>>,
}

impl SinkFile {
    /// Where the credentials come from, as written.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = &str> {
        let headers = self.otlp.iter().flat_map(|otlp| otlp.value.headers.values());
        let nats = self.nats.iter().flat_map(|nats| [&nats.value.token, &nats.value.credentials]);
        let s3 = self.s3.iter().flat_map(|s3| [&s3.value.access_key, &s3.value.secret_key]);
        headers.chain(nats.flatten()).chain(s3).map(|given| given.value.0.as_str())
    }
}

/// Lines of JSON in a file that is turned over when it is full.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FileSinkFile {
    /// The file; a relative path starts at the folder of this file.
    pub(crate) path: Located<String>,
    /// It is turned over before it grows beyond this size. Default: `64MiB`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) rotate: Option<Located<SizeText>>,
    /// Files that are kept besides, 0 to 1,000. Default: 8.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 0, max = 1_000))]
    pub(crate) keep: Option<Located<u64>>,
}

/// A syslog receiver.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SyslogFile {
    /// `tls://HOST:6514`, `tcp://HOST:PORT` or `udp://HOST:514`.
    pub(crate) to: Located<String>,
    /// File of certificates in PEM to trust in place of the system's, for `tls`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ca: Option<Located<String>>,
    /// What messages are filed under. Default: `audit`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) facility: Option<Located<Choice<FacilityWord>>>,
}

/// An OpenTelemetry collector.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OtlpFile {
    /// Address, such as `https://collector.example:4318`.
    pub(crate) endpoint: Located<UrlText>,
    /// Headers of every call, each a reference to its value.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) headers: BTreeMap<Located<String>, Located<SecretText>>,
    /// File of certificates in PEM to trust in place of the system's.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ca: Option<Located<String>>,
}

/// A stream of NATS JetStream. It has to be there and to take the subject.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NatsFile {
    /// `tls://HOST:4222` or `nats://HOST:4222`.
    pub(crate) url: Located<String>,
    /// Name of the stream.
    pub(crate) stream: Located<String>,
    /// Subject of the messages, such as `bartizan.events`.
    pub(crate) subject: Located<String>,
    /// Reference to a token to sign in with.
    #[serde(default, deserialize_with = "given")]
    pub(crate) token: Option<Located<SecretText>>,
    /// Reference to the content of a file of credentials (`.creds`), in place of `token`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) credentials: Option<Located<SecretText>>,
    /// File of certificates in PEM to trust in place of the system's.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ca: Option<Located<String>>,
}

/// A bucket of a store that speaks the protocol of S3.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct S3File {
    /// Address of the store, without the bucket, such as `https://s3.eu-central-1.amazonaws.com`.
    pub(crate) endpoint: Located<UrlText>,
    /// Name of the bucket, which has to be there.
    pub(crate) bucket: Located<String>,
    /// What the names of objects begin with. Default: nothing.
    #[serde(default, deserialize_with = "given")]
    pub(crate) prefix: Option<Located<String>>,
    /// Region of the bucket. Default: `us-east-1`, which most stores but Amazon's take.
    #[serde(default, deserialize_with = "given")]
    pub(crate) region: Option<Located<String>>,
    /// Where the name of the bucket stands in the address. Default: `path`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) style: Option<Located<Choice<StyleWord>>>,
    /// Reference to the id of the key.
    pub(crate) access_key: Located<SecretText>,
    /// Reference to the key.
    pub(crate) secret_key: Located<SecretText>,
    /// File of certificates in PEM to trust in place of the system's.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ca: Option<Located<String>>,
}

/// Words of `areas:`.
pub(crate) enum AreaWord {}

impl Vocabulary for AreaWord {
    type Meaning = &'static str;
    const WHAT: &'static str = "an area of events";
    const WORDS: &'static [(&'static str, &'static str)] = &[
        ("gateway", "gateway"),
        ("admin", "admin"),
        ("ledger", "ledger"),
        ("inference", "inference"),
    ];
}

/// Words of `facility:`.
pub(crate) enum FacilityWord {}

impl Vocabulary for FacilityWord {
    type Meaning = Facility;
    const WHAT: &'static str = "a facility of syslog";
    const WORDS: &'static [(&'static str, Facility)] = &[
        ("audit", Facility::Audit),
        ("local0", Facility::Local(0)),
        ("local1", Facility::Local(1)),
        ("local2", Facility::Local(2)),
        ("local3", Facility::Local(3)),
        ("local4", Facility::Local(4)),
        ("local5", Facility::Local(5)),
        ("local6", Facility::Local(6)),
        ("local7", Facility::Local(7)),
    ];
}

/// Words of `style:`.
pub(crate) enum StyleWord {}

impl Vocabulary for StyleWord {
    type Meaning = UrlStyle;
    const WHAT: &'static str = "a place for the name of the bucket";
    const WORDS: &'static [(&'static str, UrlStyle)] =
        &[("path", UrlStyle::Path), ("virtual-host", UrlStyle::VirtualHost)];
}
