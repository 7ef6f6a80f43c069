//! The shape of `bartizan.yaml`, key by key, as plain data.
//!
//! These types decide which keys exist and what kind of value each takes; the JSON Schema comes from
//! them. What the values mean, and whether names resolve, is decided in `compile`.

pub(crate) mod approvals;
pub(crate) mod brake;
pub(crate) mod console;
pub(crate) mod endpoint;
pub(crate) mod inference;
pub(crate) mod issuer;
pub(crate) mod ledger;
pub(crate) mod model;
pub(crate) mod operator;
pub(crate) mod property;
pub(crate) mod provider;
pub(crate) mod scalar;
pub(crate) mod secrets;
pub(crate) mod sink;
pub(crate) mod state;
pub(crate) mod test;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::located::{Located, Unsupported, filled, given};
use approvals::ApprovalsFile;
use console::ConsoleFile;
use endpoint::{EndpointFile, LimitFile};
use inference::InferenceStoreFile;
use issuer::IdentityFile;
use ledger::LedgerFile;
use model::ModelFile;
use property::PropertyFile;
use provider::ProviderFile;
use scalar::{
    AddressText, Choice, DollarsText, FileText, MemberText, SecretText, UrlText, Vocabulary,
};
use secrets::SecretsFile;
use state::StateFile;
use test::TestFile;

/// Keys that the design knows and this build refuses; left out where help lists keys to use.
pub(crate) const UNSUPPORTED: [&str; 6] = ["egress", "data", "tools", "connect", "sql", "tool"];

/// Policy of one Bartizan: which models may be called, by whom, with which guards and limits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "bartizan.yaml")]
pub(crate) struct PolicyFile {
    /// Version of the format; always 1.
    #[schemars(range(min = 1, max = 1))]
    pub(crate) version: Located<u64>,
    /// Folder for state and logs; a relative path starts at the folder of this file.
    /// Default: `./bartizan-data`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) data_dir: Option<Located<String>>,
    /// Reference to the key that the operators `hash`, `encrypt`, `format-preserving` and `synthetic`
    /// derive theirs from, of 32 characters or more.
    #[serde(default, deserialize_with = "given")]
    pub(crate) mask_key: Option<Located<SecretText>>,
    /// Addresses to serve on.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) listen: ListenFile,
    /// Model providers by name.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) providers: BTreeMap<Located<String>, Located<ProviderFile>>,
    /// Named sets of people (`alice@example.com`) and programs (`sp:support-bot`), or `file:PATH` with one of them on
    /// each line.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) groups: BTreeMap<Located<String>, Vec<Located<MemberText>>>,
    /// Who says who calls, besides Bartizan's own keys.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) identity: IdentityFile,
    /// Governed ways to models, by the name that clients use.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) endpoints: BTreeMap<Located<String>, Located<EndpointFile>>,
    /// Ceilings on use over all endpoints, besides those of each; all of them must have room.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 1_000))]
    pub(crate) limits: Vec<Located<LimitFile>>,
    /// Classifiers in local folders, by the name that `refine` uses. Needs a build with `--features infer`.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) models: BTreeMap<Located<String>, Located<ModelFile>>,
    /// Prices for `usd` limits, by model name as sent to the provider.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) prices: BTreeMap<Located<String>, PriceFile>,
    /// How the event log is kept.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) ledger: LedgerFile,
    /// How much is kept of what endpoints with an `inference-log` of their own were asked and answered.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) inference_log: InferenceStoreFile,
    /// Where the values are kept that `secret:` and `vault:` refer to.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) secrets: SecretsFile,
    /// How people sign in to the console.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) console: ConsoleFile,
    /// What several gateways share.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) state: StateFile,
    /// Which changes take a second person.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) approvals: ApprovalsFile,
    /// Where traces go.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) telemetry: TelemetryFile,
    /// Files of Cedar policies that forbid or permit calls besides `allow`, such as `policies/*.cedar`; a relative
    /// path starts at the folder of this file.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 64))]
    pub(crate) cedar: Vec<Located<String>>,
    /// Requests, and what has to become of them: `bartizan policy test` tries each.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 10_000))]
    pub(crate) tests: Vec<Located<TestFile>>,
    /// What holds for every request there can be: `bartizan policy prove` proves each, or shows a request for which it
    /// does not.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 1_000))]
    pub(crate) proofs: Vec<Located<PropertyFile>>,

    #[serde(default)]
    #[schemars(skip)]
    pub(crate) egress: Unsupported,
    #[serde(default)]
    #[schemars(skip)]
    pub(crate) data: Unsupported,
    #[serde(default)]
    #[schemars(skip)]
    pub(crate) tools: Unsupported,
}

/// Addresses to serve on, as `IP:PORT`; port 0 lets the system choose.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ListenFile {
    /// Models are called here. Default: `127.0.0.1:8080`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) gateway: Option<Located<AddressText>>,
    /// Admin API, health and metrics. Default: `127.0.0.1:8081`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) console: Option<Located<AddressText>>,
    /// Names by which the console may be called besides `localhost` and addresses, such as
    /// `bartizan.internal` or `*.corp.example`. Others are refused, so that no web page can reach it through
    /// a browser.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) console_names: Vec<Located<String>>,
    /// Encrypts both. Default: plain HTTP.
    #[serde(default, deserialize_with = "given")]
    pub(crate) tls: Option<Located<TlsFile>>,

    #[serde(default)]
    #[schemars(skip)]
    pub(crate) egress: Unsupported,
}

/// Certificate and key of the server, each `file:PATH` of PEM; read again when they change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TlsFile {
    /// The certificate, and those between it and an authority.
    pub(crate) certificate: Located<FileText>,
    /// The private key.
    pub(crate) key: Located<FileText>,
    /// Authorities of which each client has to show a certificate. Default: clients show none.
    #[serde(default, deserialize_with = "given")]
    pub(crate) client_ca: Option<Located<FileText>>,
    /// Lists of certificates that these authorities revoked (CRL), as `file:PATH` of PEM; every authority
    /// of a chain has one there. Default: none is revoked.
    #[serde(default, deserialize_with = "given")]
    pub(crate) client_crl: Option<Located<FileText>>,
    /// Whether a client may come without a certificate: `required` or `optional`. Default: `required`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) client_certificates: Option<Located<Choice<NeedWord>>>,
}

/// Words of `client-certificates:`.
pub(crate) enum NeedWord {}

impl Vocabulary for NeedWord {
    /// Whether it has to be there.
    type Meaning = bool;
    const WHAT: &'static str = "a way to ask for certificates";
    const WORDS: &'static [(&'static str, bool)] = &[("required", true), ("optional", false)];
}

/// What a model costs, in US dollars per million tokens.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PriceFile {
    /// Per million tokens of the prompt.
    pub(crate) input: Located<DollarsText>,
    /// Per million tokens of the answer.
    pub(crate) output: Located<DollarsText>,
}

/// Where traces go.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TelemetryFile {
    /// OTLP/HTTP collector, such as `http://127.0.0.1:4318`. Default: no traces are sent.
    #[serde(default, deserialize_with = "given")]
    pub(crate) otlp_endpoint: Option<Located<UrlText>>,
}
