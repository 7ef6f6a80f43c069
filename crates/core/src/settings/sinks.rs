//! Where entries of the event log go besides the log: which, how, and with which credential.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::id::RuleId;
use crate::redact::Secret;

/// One system that entries of the event log are shipped to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// Names it in logs, metrics and the file that says how far it got.
    pub id: RuleId,
    /// Areas of the entries that it gets; empty for all.
    pub areas: BTreeSet<String>,
    /// Whether it gets the names of those whom entries are about. An entry with a name is not the one that
    /// was signed.
    pub names: bool,
    /// What it is.
    pub kind: SinkKind,
}

/// What a sink is and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkKind {
    /// Lines of JSON in a file.
    File(FileSink),
    /// A syslog receiver (RFC 5424).
    Syslog(SyslogSink),
    /// An OpenTelemetry collector.
    Otlp(OtlpSink),
    /// A stream of NATS JetStream.
    Nats(NatsSink),
    /// Objects in a bucket, by the protocol of S3.
    S3(S3Sink),
}

impl SinkKind {
    /// Name used in the policy.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Syslog(_) => "syslog",
            Self::Otlp(_) => "otlp",
            Self::Nats(_) => "nats",
            Self::S3(_) => "s3",
        }
    }
}

/// Lines of JSON in a file that is turned over when it is full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSink {
    /// The file that grows.
    pub path: PathBuf,
    /// It is turned over before it grows beyond this many bytes.
    pub rotate_bytes: u64,
    /// Files that are kept besides, as `PATH.1`, the newest, and so on; 0 for none.
    pub keep: u32,
}

/// A syslog receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogSink {
    /// How messages travel.
    pub transport: Transport,
    /// Name or address; an address of IPv6 without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Certificates to trust in place of the system's, in PEM; for TLS alone.
    pub ca: Option<PathBuf>,
    /// What messages are filed under.
    pub facility: Facility,
}

/// How syslog messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// One datagram for each (RFC 5426); nobody says whether it arrived.
    Udp,
    /// A stream, each behind its length (RFC 6587).
    Tcp,
    /// The same inside TLS (RFC 5425).
    Tls,
}

impl Transport {
    /// Scheme of its URLs in the policy.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// What syslog messages are filed under (RFC 5424, table 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facility {
    /// 13, log audit.
    Audit,
    /// 16 and on, for local use; 0..=7.
    Local(u8),
}

impl Facility {
    /// Its number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Audit => 13,
            Self::Local(number) => 16 + number,
        }
    }
}

/// An OpenTelemetry collector that takes logs by OTLP/HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpSink {
    /// Without `/v1/logs`, such as `https://collector.example:4318`.
    pub endpoint: String,
    /// Headers of every call, by name in lower case.
    pub headers: Vec<(String, Secret)>,
    /// Certificates to trust in place of the system's, in PEM.
    pub ca: Option<PathBuf>,
}

/// A stream of NATS JetStream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsSink {
    /// `nats://HOST:PORT` or `tls://HOST:PORT`.
    pub url: String,
    /// The stream that has to take what is published.
    pub stream: String,
    /// Subject of the messages.
    pub subject: String,
    /// With what it signs in; absent for servers that let everybody in.
    pub login: Option<NatsLogin>,
    /// Certificates to trust in place of the system's, in PEM.
    pub ca: Option<PathBuf>,
}

/// With what a client signs in to NATS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NatsLogin {
    /// A token.
    Token(Secret),
    /// Content of a file of credentials: a JWT and the seed of its key.
    Credentials(Secret),
}

/// Objects in a bucket, by the protocol of S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Sink {
    /// Address of the store, without the bucket.
    pub endpoint: String,
    /// Name of the bucket.
    pub bucket: String,
    /// What object names begin with, without `/` at either end; may be empty.
    pub prefix: String,
    /// Region that requests are signed for.
    pub region: String,
    /// Where the name of the bucket stands.
    pub style: UrlStyle,
    /// Id of the key.
    pub access_key: Secret,
    /// The key.
    pub secret_key: Secret,
    /// Certificates to trust in place of the system's, in PEM.
    pub ca: Option<PathBuf>,
}

/// Where the name of a bucket stands in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlStyle {
    /// `https://ENDPOINT/BUCKET/…`, which every store knows.
    Path,
    /// `https://BUCKET.ENDPOINT/…`.
    VirtualHost,
}
