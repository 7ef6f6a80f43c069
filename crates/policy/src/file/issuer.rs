//! The shape of `identity:`.

use std::collections::BTreeMap;

use bartizan_core::settings::JwtAlgorithm;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::scalar::{Choice, DurationText, FileText, PrincipalText, UrlText, Vocabulary};
use crate::located::{Located, filled, given};

/// Who says who calls, besides Bartizan's own keys.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct IdentityFile {
    /// Identity providers whose tokens (JWT) clients may send in place of a key.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 64))]
    pub(crate) issuers: Vec<Located<IssuerFile>>,
    /// Makes short tokens of keys and of tokens of issuers, at `/oauth/token`: `tokens: {}` is enough.
    /// Default: none are made.
    #[serde(default, deserialize_with = "given")]
    pub(crate) tokens: Option<Located<TokensFile>>,
    /// Certificates that stand for a caller, so that it needs no key; of several that fit, the first counts. Needs
    /// `listen.tls.client-ca`.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 1024))]
    pub(crate) certificates: Vec<Located<CertificateFile>>,
}

/// Certificates that stand for a caller: one of `email`, `uri`, `dns` and `sha256`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CertificateFile {
    /// Names it in logs; unique.
    pub(crate) id: Located<String>,
    /// Address in the certificate, such as `*@example.com`; the caller is the person with that address.
    #[serde(default, deserialize_with = "given")]
    pub(crate) email: Option<Located<String>>,
    /// URI in the certificate, such as `spiffe://example.org/agent/*`; the caller is the program that `*` stands for.
    #[serde(default, deserialize_with = "given")]
    pub(crate) uri: Option<Located<String>>,
    /// Host in the certificate, such as `*.agents.example`; the caller is the program of that name.
    #[serde(default, deserialize_with = "given")]
    pub(crate) dns: Option<Located<String>>,
    /// SHA-256 of one certificate, in 64 hex digits, with or without colons.
    #[serde(default, deserialize_with = "given")]
    pub(crate) sha256: Option<Located<String>>,
    /// Who calls, in place of what the certificate says: `alice@example.com` or `sp:support-bot`.
    #[serde(default, rename = "as", deserialize_with = "given")]
    pub(crate) principal: Option<Located<PrincipalText>>,
    /// Groups that the caller is in besides. Default: none.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 64))]
    pub(crate) groups: Vec<Located<String>>,
    /// The only endpoints that the certificate opens. Default: all that the policy opens.
    #[serde(default, deserialize_with = "given")]
    #[schemars(length(min = 1, max = 64))]
    pub(crate) endpoints: Option<Located<Vec<Located<String>>>>,
    /// What use with it is put down to, such as `team: search`. Default: none.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 16))]
    pub(crate) tags: BTreeMap<Located<String>, Located<String>>,
}

/// How short tokens are made and taken.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TokensFile {
    /// How long a token is good, `1m` to `15m`. Default: `15m`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) lifetime: Option<Located<DurationText>>,
    /// By which addresses callers know the gateway, such as `https://gateway.example`; proofs are made for one of them.
    /// Default: this machine alone.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 16))]
    pub(crate) origins: Vec<Located<String>>,
    /// File of the keys that sign tokens, as `file:PATH`. Gateways that take each other's tokens have the same one.
    /// Default: `token-keys.json` in the data folder.
    #[serde(default, deserialize_with = "given")]
    pub(crate) keys: Option<Located<FileText>>,
}

/// An identity provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct IssuerFile {
    /// Names it in logs; unique.
    pub(crate) id: Located<String>,
    /// What its tokens have as `iss`, to the letter; an https address.
    pub(crate) issuer: Located<String>,
    /// A token has to be meant for one of these (`aud`).
    #[schemars(length(min = 1, max = 64))]
    pub(crate) audiences: Located<Vec<Located<String>>>,
    /// How its tokens may be signed. Default: `[RS256, ES256]`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) algorithms: Option<Located<Vec<Located<Choice<AlgorithmWord>>>>>,
    /// Where its public keys are: an https address, or `file:PATH` of a JSON Web Key Set. Default: where its discovery
    /// document says, on its own host.
    #[serde(default, deserialize_with = "given")]
    pub(crate) keys: Option<Located<UrlText>>,
    /// Claim with the name of the caller. Default: `sub`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) user: Option<Located<String>>,
    /// What its groups are called here.
    #[serde(default, deserialize_with = "given")]
    pub(crate) groups: Option<Located<ClaimedGroupsFile>>,
    /// What tells the tokens of programs from those of people. Default: all are of people.
    #[serde(default, deserialize_with = "given")]
    pub(crate) program: Option<Located<ClaimFile>>,
    /// Claims whose texts are the values of tags, such as `team: department`; a token without one of them is not taken.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 16))]
    pub(crate) tags: BTreeMap<Located<String>, Located<String>>,
    /// How far its clock may be off, at most `300s`. Default: `60s`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) clock_skew: Option<Located<DurationText>>,
    /// Longest life of its tokens. Default: `24h`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) max_age: Option<Located<DurationText>>,
}

/// A claim that lists groups.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ClaimedGroupsFile {
    /// Claim with the groups of the caller: a list of names, or one name.
    pub(crate) claim: Located<String>,
    /// For each name that a token may have, an entry of `groups`; others count for nothing.
    pub(crate) map: BTreeMap<Located<String>, Located<String>>,
}

/// A claim that has to be there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ClaimFile {
    /// Name of the claim.
    pub(crate) claim: Located<String>,
    /// What it has to be. Default: anything.
    #[serde(default, deserialize_with = "given")]
    pub(crate) value: Option<Located<String>>,
}

/// Words of `algorithms:`.
pub(crate) enum AlgorithmWord {}

impl Vocabulary for AlgorithmWord {
    type Meaning = JwtAlgorithm;
    const WHAT: &'static str = "an algorithm that tokens may be signed with";
    const WORDS: &'static [(&'static str, JwtAlgorithm)] = &[
        (JwtAlgorithm::Rs256.name(), JwtAlgorithm::Rs256),
        (JwtAlgorithm::Rs384.name(), JwtAlgorithm::Rs384),
        (JwtAlgorithm::Rs512.name(), JwtAlgorithm::Rs512),
        (JwtAlgorithm::Ps256.name(), JwtAlgorithm::Ps256),
        (JwtAlgorithm::Ps384.name(), JwtAlgorithm::Ps384),
        (JwtAlgorithm::Ps512.name(), JwtAlgorithm::Ps512),
        (JwtAlgorithm::Es256.name(), JwtAlgorithm::Es256),
        (JwtAlgorithm::Es384.name(), JwtAlgorithm::Es384),
        (JwtAlgorithm::EdDsa.name(), JwtAlgorithm::EdDsa),
    ];
}
