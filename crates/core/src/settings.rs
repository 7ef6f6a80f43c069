//! What a policy file says, checked and resolved.
//!
//! The policy room reads `bartizan.yaml` into these types; the rooms that act on them never see
//! YAML. A value of these types holds what its fields promise: ids are unique, names resolve,
//! numbers are in range.

mod approvals;
mod brakes;
mod certificates;
mod expectations;
mod inference;
mod issuers;
mod ledger;
mod login;
mod properties;
mod secrets;
mod shared;
mod sinks;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::access::Authorize;
use crate::channel::ChannelSet;
use crate::finding::Category;
use crate::host::HostPattern;
use crate::id::{Name, RuleId};
use crate::money::NanoUsd;
use crate::operator::Operators;
use crate::packages::{Ecosystem, PackageNames};
use crate::principal::{Principal, PrincipalKind};
use crate::redact::Secret;
use crate::tags::{TagName, Tags};
use crate::time::Timestamp;
use crate::verdict::{Action, Mode};

pub use approvals::{Approval, Approvals};
pub use brakes::{Brake, BrakeKind};
pub use certificates::{CertificateName, CertificateRule, OneStar};
pub use expectations::{Expected, PolicyTest};
pub use inference::{InferenceLog, InferenceStore, OnNotKept};
pub use issuers::{ClaimTest, Issuer, IssuerKeys, JwtAlgorithm};
pub use ledger::{Assurance, Durability, Ledger, OnLogFailure, Witness};
pub use login::{Login, OidcLogin};
pub use properties::{Claim, Property};
pub use secrets::{MasterKey, Secrets, Vault};
pub use shared::{Postgres, Redis, Shared, SharedServer, SharedTls, WhenAway};
pub use sinks::{
    Facility, FileSink, NatsLogin, NatsSink, OtlpSink, S3Sink, Sink, SinkKind, SyslogSink,
    Transport, UrlStyle,
};
pub use tokens::Tokens;

/// Everything one version of the policy says.
#[derive(Debug, Clone)]
pub struct Settings {
    /// First 12 hex digits of the SHA-256 of the source text.
    pub version: String,
    /// What the version is the beginning of.
    pub fingerprint: Fingerprint,
    /// Folder for state and logs.
    pub data_dir: PathBuf,
    /// Addresses to serve on.
    pub listen: Listen,
    /// Upstreams by name.
    pub providers: BTreeMap<Name, Provider>,
    /// Whose tokens are taken in place of keys.
    pub issuers: Vec<Issuer>,
    /// Who calls with a certificate and no key; of several that fit, the first counts.
    pub certificates: Vec<CertificateRule>,
    /// Short tokens that are made of other credentials; absent where none are made.
    pub tokens: Option<Tokens>,
    /// Members of each group.
    pub groups: BTreeMap<Name, BTreeSet<Member>>,
    /// Governed ways to models.
    pub endpoints: BTreeMap<Name, Endpoint>,
    /// Ceilings on use over all endpoints; all of them must have room, besides those of the endpoint.
    pub limits: Vec<Limit>,
    /// Classifiers in local folders, by name.
    pub models: BTreeMap<Name, LocalModel>,
    /// Prices for budgets, by model name as sent upstream.
    pub prices: BTreeMap<String, Price>,
    /// The event log.
    pub ledger: Ledger,
    /// What is kept of requests and answers, of all endpoints together.
    pub inference: InferenceStore,
    /// Where entries of the event log go besides.
    pub sinks: Vec<Sink>,
    /// Who is asked to sign the checkpoints of the event log.
    pub witnesses: Vec<Witness>,
    /// Public keys of logs whose checkpoints this process signs as their witness.
    pub witness_for: Vec<String>,
    /// OTLP/HTTP collector for traces, such as `http://127.0.0.1:4318`.
    pub otlp_endpoint: Option<String>,
    /// How people sign in to the console; absent where keys alone open it.
    pub login: Option<Login>,
    /// Where secrets are kept.
    pub secrets: Secrets,
    /// What several gateways share.
    pub shared: Shared,
    /// Which changes take a second person.
    pub approvals: Approvals,
    /// Who may do what, of `groups`, the `allow` of each endpoint and the Cedar files.
    pub access: Arc<dyn Authorize>,
    /// Cedar files, as the policy names them.
    pub cedar: Vec<String>,
    /// What the policy says that it decides.
    pub tests: Vec<PolicyTest>,
    /// What the policy promises of itself.
    pub properties: Vec<Property>,
}

/// Tells policies apart by what they say, also those whose [`Settings::version`] somebody made alike.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fingerprint {
    /// SHA-256 of the source text and of the files that are part of it, in hex.
    pub whole: String,
    /// The same of the Cedar files alone, by name and text.
    pub cedar: String,
}

/// Addresses to serve on. Port 0 lets the system choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Models are called here.
    pub gateway: SocketAddr,
    /// Admin API, health, metrics.
    pub console: SocketAddr,
    /// Names by which the console may be called, besides `localhost` and addresses.
    pub console_names: Vec<HostPattern>,
    /// How both are encrypted; absent for plain HTTP.
    pub tls: Option<Tls>,
}

/// Files of a server with TLS, in PEM. They are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Its certificate, and those between it and an authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Certificates that clients show; absent where they show none.
    pub clients: Option<TlsClients>,
}

/// Certificates that clients show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsClients {
    /// Authorities that sign them.
    pub authorities: PathBuf,
    /// Lists of those that were revoked (RFC 5280, section 5). Each authority that signs a client's certificate has
    /// one there, and one that is out of date refuses all.
    pub revoked: Option<PathBuf>,
    /// Whether a client without a certificate is turned away before it can say anything.
    pub are_required: bool,
}

/// One entry of a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// Person or program.
    pub kind: PrincipalKind,
    /// Name without prefix.
    pub name: String,
}

/// A model provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Which API it speaks and how to reach it.
    pub kind: ProviderKind,
}

/// Which API a provider speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenAI, or anything that speaks its API.
    OpenAi {
        /// Without trailing slash, including `/v1` where the provider has it.
        base_url: String,
        /// Absent for servers that need none.
        api_key: Option<Secret>,
    },
    /// Azure OpenAI; the model of a route is the deployment name.
    AzureOpenAi {
        /// `https://NAME.openai.azure.com`, without trailing slash.
        base_url: String,
        /// Value of the `api-version` query parameter.
        api_version: String,
        /// Sent as `api-key`.
        api_key: Secret,
    },
    /// Anthropic.
    Anthropic {
        /// Without trailing slash and without `/v1`.
        base_url: String,
        /// Sent as `x-api-key`.
        api_key: Secret,
    },
    /// Databricks model serving.
    Databricks {
        /// `https://HOST`, without trailing slash.
        host: String,
        /// Sent as bearer token.
        token: Secret,
    },
    /// The built-in offline stand-in.
    Demo {
        /// Bytes per streamed chunk, 1..=65,536.
        chunk_bytes: usize,
    },
}

/// A named, governed way to one or more models.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Name that clients pass as model or path.
    pub name: Name,
    /// Tried in order.
    pub routes: Vec<Route>,
    /// Applied in order; the strictest verdict wins.
    pub guardrails: Vec<Guardrail>,
    /// All of them must have room.
    pub limits: Vec<Limit>,
    /// What stops callers that go round in circles.
    pub brakes: Vec<Brake>,
    /// What use of it is put down to, where the caller's own tags say nothing.
    pub tags: Tags,
    /// Content that passes although no guard can read it.
    pub modalities: BTreeSet<Modality>,
    /// What a provider may read by itself, where no guard sees it.
    pub unseen: BTreeSet<Unseen>,
    /// Principals and groups that may call; empty means every key holder.
    pub allow: BTreeSet<Subject>,
    /// Texts of the system prompt, 8..=256 bytes each, that must not show up in an answer.
    pub canaries: Vec<String>,
    /// Longest wait for one provider to send response headers.
    pub attempt_timeout: Duration,
    /// Longest time for the whole answer, streaming included.
    pub total_timeout: Duration,
    /// Longest silence inside an answer.
    pub idle_timeout: Duration,
    /// How its requests and answers are kept; absent where they are not.
    pub inference_log: Option<InferenceLog>,
}

/// One provider and the model asked there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Name of a provider that exists.
    pub provider: Name,
    /// Model sent upstream; absent means the model that the client named.
    pub model: Option<String>,
}

/// Content that text guards cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Modality {
    /// Pictures.
    Image,
    /// Sound.
    Audio,
    /// Attached files.
    File,
}

impl Modality {
    /// Name used in policy and headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::File => "file",
        }
    }
}

/// Text that a provider reads by itself: it is in no request, so no guard sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unseen {
    /// Conversations, prompts and files that the provider keeps, for all who share its key.
    StoredState,
    /// What tools that run at the provider fetch.
    HostedTools,
}

impl Unseen {
    /// Name used in policy and headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StoredState => "stored-state",
            Self::HostedTools => "hosted-tools",
        }
    }
}

/// Someone a rule speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// One principal.
    Principal(Member),
    /// Everyone in a group.
    Group(Name),
}

impl Subject {
    /// Whether this is the caller, or a group of theirs.
    pub fn is(&self, caller: &Principal) -> bool {
        match self {
            Self::Principal(member) => member.kind == caller.kind && member.name == caller.name,
            Self::Group(group) => caller.groups.contains(group),
        }
    }
}

/// A detector bound to an endpoint with an action.
#[derive(Debug, Clone, PartialEq)]
pub struct Guardrail {
    /// Id that appears in events.
    pub id: RuleId,
    /// Which texts it reads.
    pub on: ChannelSet,
    /// What it looks for.
    pub detect: Detect,
    /// What it does with a finding.
    pub action: Action,
    /// Whether it acts.
    pub mode: Mode,
    /// What stands in place of a masked value.
    pub operators: Operators,
    /// Whether masked values are put back into the answer, where the operator can.
    pub restore: bool,
    /// What happens to a text it could not read.
    pub on_error: OnError,
    /// Findings below this score are ignored: 0..=1.
    pub threshold: f32,
    /// Thresholds of single detectors, by id, in place of `threshold` and `sensitivity`.
    pub thresholds: Vec<(&'static str, f32)>,
    /// How soon detectors that were trained speak up; in place of `threshold` for these.
    pub sensitivity: Option<Sensitivity>,
    /// Who is asked about what `prompt-attack` is not sure of.
    pub refine: Option<Refine>,
    /// What it lets pass although it finds it. Only policy makes exceptions, never a caller.
    pub exceptions: Vec<Exception>,
}

/// How soon a trained detector speaks up, by how many harmless texts it may be wrong about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sensitivity {
    /// About one harmless text in a thousand.
    Low,
    /// About one in a hundred at most; the default.
    Balanced,
    /// About one in fifty.
    High,
}

/// Who is asked about texts that `prompt-attack` is not sure of.
#[derive(Debug, Clone, PartialEq)]
pub struct Refine {
    /// A model that exists.
    pub model: Name,
    /// Least score that it is asked about, 0..=1.
    pub from: f32,
    /// Score from which on it is not asked any more, more than `from`, 0..=1.
    pub to: f32,
}

/// A classifier in a local folder.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalModel {
    /// Folder with `config.json`, `tokenizer.json` and `model.safetensors`.
    pub path: PathBuf,
    /// Labels of the model that stand for an attack; at least one.
    pub labels: Vec<String>,
    /// Probability from which the model means an attack; inside 0..1.
    pub threshold: f32,
    /// Tokens that the model reads at once; absent for as many as it takes, 512 at most.
    pub max_tokens: Option<usize>,
    /// Most time for one text; zero for none.
    pub budget: Duration,
    /// Most time for all texts of one request; zero for none.
    pub request_budget: Duration,
}

/// Something that a guardrail lets pass although it finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// What passes, or whose.
    pub what: Excepted,
    /// Why, in the words of the policy; events repeat it.
    pub reason: String,
    /// From this moment on the exception no longer counts; absent when it has no end.
    pub until: Option<Timestamp>,
}

impl Exception {
    /// Whether the exception no longer counts. One with an end does not where nobody knows the time.
    pub fn is_over(&self, now: Option<Timestamp>) -> bool {
        self.until.is_some_and(|until| now.is_none_or(|now| now >= until))
    }
}

/// What an exception speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excepted {
    /// A finding with exactly this text.
    Literal(String),
    /// A finding whose whole text this expression matches; of bounded length.
    Pattern(String),
    /// What one detector finds in the requests and answers of a caller.
    Caller {
        /// Whose.
        subject: Subject,
        /// Id of the detector.
        rule: &'static str,
    },
}

/// What a guardrail looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detect {
    /// Built-in detectors, by id; at least one.
    Detectors(Vec<&'static str>),
    /// Words or phrases that must not occur.
    Keywords(Vec<String>),
    /// Regular expressions of bounded length; matched on normalised text.
    Patterns(Vec<String>),
    /// Topics that are allowed, each as its words; a text about none of them is found.
    Topics(BTreeMap<String, Vec<String>>),
    /// More bytes than this in one text.
    Size {
        /// Bytes of UTF-8.
        max_bytes: usize,
    },
    /// Links to hosts that none of these patterns stands for.
    Links(Vec<HostPattern>),
    /// Packages of these registries that are in none of the lists.
    Packages(BTreeMap<Ecosystem, PackageList>),
}

/// Names of packages that policy gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageList {
    /// As they stand in the policy: names and `file:PATH`.
    pub given: Vec<String>,
    /// The names, of files too.
    pub names: Arc<PackageNames>,
}

impl Detect {
    /// Score of its surest findings, 0..=1: no threshold above it is ever reached.
    pub const fn surest(&self) -> f32 {
        match self {
            Self::Topics(_) => 0.7,
            Self::Links(_) | Self::Packages(_) => 0.8,
            Self::Detectors(_) | Self::Keywords(_) | Self::Patterns(_) | Self::Size { .. } => 1.0,
        }
    }

    /// Families of findings this can produce, given the catalogue.
    pub fn custom_category(&self) -> Option<Category> {
        match self {
            Self::Detectors(_) => None,
            Self::Keywords(_) | Self::Patterns(_) => Some(Category::Keyword),
            Self::Topics(_) => Some(Category::Topic),
            Self::Size { .. } => Some(Category::Flood),
            Self::Links(_) => Some(Category::Exfiltration),
            Self::Packages(_) => Some(Category::SupplyChain),
        }
    }
}

/// What happens when something could not be done that policy asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnError {
    /// Refuse.
    #[default]
    Block,
    /// Let pass, and say so.
    Allow,
}

/// A ceiling on use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Id that appears in events.
    pub id: RuleId,
    /// Who shares one counter.
    pub per: LimitSubject,
    /// Only these principals are counted; empty means all of the kind.
    pub only: BTreeSet<Subject>,
    /// Requests per window.
    pub requests: Option<Rate>,
    /// Tokens per window.
    pub tokens: Option<Rate>,
    /// Money per window, in 10⁻⁹ US dollars.
    pub nano_usd: Option<Rate>,
    /// Share of each amount, in percent, from which on it is said that the limit is near: 1..=99.
    pub soft_percent: Option<u8>,
}

impl Limit {
    /// Whether what the caller uses is counted here.
    pub fn counts(&self, caller: &Principal) -> bool {
        let is_meant = self.only.is_empty() || self.only.iter().any(|subject| subject.is(caller));
        is_meant
            && match &self.per {
                LimitSubject::User => caller.kind == PrincipalKind::User,
                LimitSubject::ServicePrincipal => caller.kind == PrincipalKind::ServicePrincipal,
                LimitSubject::Group(group) => caller.groups.contains(group),
                LimitSubject::Tag(_) | LimitSubject::Endpoint | LimitSubject::All => true,
            }
    }
}

/// Who shares one counter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LimitSubject {
    /// Each person has one.
    User,
    /// Each program has one.
    ServicePrincipal,
    /// All members of the group share one.
    Group(Name),
    /// All with the same value of the tag share one, and so do all without the tag.
    Tag(TagName),
    /// Everyone shares one, in one endpoint.
    Endpoint,
    /// Everyone shares one, over all endpoints.
    All,
}

/// An amount per window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Most per window.
    pub amount: u64,
    /// Length of the window.
    pub window: Duration,
}

impl Rate {
    /// The window as the policy writes it: `s`, `min`, `h`, `day`, or its seconds.
    pub fn window_name(&self) -> String {
        match self.window.as_secs() {
            1 => "s".to_owned(),
            60 => "min".to_owned(),
            3_600 => "h".to_owned(),
            86_400 => "day".to_owned(),
            seconds => format!("{seconds}s"),
        }
    }
}

/// What a model costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Per million tokens of the prompt.
    pub input: NanoUsd,
    /// Per million tokens of the answer.
    pub output: NanoUsd,
}

impl Price {
    /// In the place of a model: all that have no price of their own.
    pub const OF_OTHERS: &str = "*";
}
