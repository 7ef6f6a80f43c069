//! The shape of one entry of `endpoints:`, with its guardrails and limits.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::file::brake::BrakeFile;
use crate::file::inference::InferenceLogFile;
use crate::file::model::RefineFile;
use crate::file::operator::{OperatorFile, OperatorsFile};
use crate::file::scalar::{
    ActionWord, BudgetText, Choice, DateText, DurationText, FailureWord, ModalityWord, ModeWord,
    PrincipalText, RateText, RuleIdText, SensitivityWord, ShareText, SubjectText, UnseenWord,
};
use crate::located::{Located, filled, given};

/// A governed way to one or more models.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EndpointFile {
    /// Providers, tried in order; at least one.
    #[schemars(length(min = 1))]
    pub(crate) routes: Vec<RouteFile>,
    /// Detectors with what to do about their findings; the strictest verdict wins.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) guardrails: Vec<Located<GuardrailFile>>,
    /// Ceilings on use; all of them must have room.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) limits: Vec<Located<LimitFile>>,
    /// What stops callers that go round in circles. Default: nothing.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 64))]
    pub(crate) brakes: Vec<Located<BrakeFile>>,
    /// What use of it is put down to, such as `cost-center: "4711"`, where the caller's own tags say nothing.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 16))]
    pub(crate) tags: BTreeMap<Located<String>, Located<String>>,
    /// Content that passes although no guard can read it. Default: none.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) modalities: Vec<Located<Choice<ModalityWord>>>,
    /// What a provider may read by itself, where no guard sees it. Default: nothing.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) unseen: Vec<Located<Choice<UnseenWord>>>,
    /// Groups and principals that may call. Default: everyone with a key.
    #[serde(default, deserialize_with = "given")]
    pub(crate) allow: Option<Located<Vec<Located<SubjectText>>>>,
    /// Texts planted in system prompts, 8 to 256 bytes each, that `prompt-leak` looks for in answers.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 64))]
    pub(crate) canaries: Vec<Located<String>>,
    /// How long to wait.
    #[serde(default, deserialize_with = "filled")]
    pub(crate) timeouts: TimeoutsFile,
    /// Keeps what was asked and answered, encrypted. Needs a master key. Default: nothing is kept.
    #[serde(default, deserialize_with = "given")]
    pub(crate) inference_log: Option<Located<InferenceLogFile>>,
}

/// One provider and the model asked there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RouteFile {
    /// Name of an entry of `providers`.
    pub(crate) provider: Located<String>,
    /// Model sent to the provider. Default: the model that the client names.
    #[serde(default, deserialize_with = "given")]
    pub(crate) model: Option<Located<String>>,
}

/// How long to wait for an answer.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TimeoutsFile {
    /// For one provider to start answering. Default: `60s`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) attempt: Option<Located<DurationText>>,
    /// Longest silence inside an answer. Default: `60s`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) idle: Option<Located<DurationText>>,
    /// For the whole answer, streaming included. Default: `600s`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) total: Option<Located<DurationText>>,
}

/// A detector bound to an endpoint with an action.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct GuardrailFile {
    /// Id that appears in events; unique in the endpoint.
    pub(crate) id: Located<RuleIdText>,
    /// Texts it reads: `input`, `output`, or channels such as `tool-result`.
    pub(crate) on: Located<Words>,
    /// What it looks for: a category, a detector, a list of these, or `keywords`, `patterns`,
    /// `topics`, `size`, `links`, `packages`.
    pub(crate) detect: Located<Words>,
    /// Only these detectors of the categories in `detect`. Some, such as `date-time` and `url`, are looked for only
    /// when they stand here.
    #[serde(default, deserialize_with = "given")]
    pub(crate) entities: Option<Located<Vec<Located<String>>>>,
    /// As `entities`; reads better with `detect: unsafe-content`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) categories: Option<Located<Vec<Located<String>>>>,
    /// With `detect: keywords`: words and phrases that must not occur.
    #[serde(default, deserialize_with = "given")]
    pub(crate) keywords: Option<Located<Vec<Located<String>>>>,
    /// With `detect: patterns`: regular expressions that match at most 1,024 bytes.
    #[serde(default, deserialize_with = "given")]
    pub(crate) patterns: Option<Located<Vec<Located<String>>>>,
    /// With `detect: topics`: allowed topics, each with its words.
    #[serde(default, deserialize_with = "given")]
    pub(crate) topics: Option<Located<TopicsFile>>,
    /// With `detect: size`: most bytes of one text.
    #[serde(default, deserialize_with = "given")]
    pub(crate) max_bytes: Option<Located<u64>>,
    /// With `detect: links`: hosts that links may lead to, such as `example.org` or `*.example.org`.
    #[serde(default, deserialize_with = "given")]
    #[schemars(length(max = 10_000))]
    pub(crate) hosts: Option<Located<Vec<Located<String>>>>,
    /// With `detect: packages`: for each registry (`conda`, `crates`, `go`, `npm`, `nuget`, `packagist`, `pypi`, `rubygems`) the names that are
    /// known, or `file:PATH` with one name per line.
    #[serde(default, deserialize_with = "given")]
    pub(crate) packages: Option<Located<PackagesFile>>,
    /// What to do with a finding.
    pub(crate) action: Located<Choice<ActionWord>>,
    /// Whether it acts, or only records what it would have done. Default: `enforce`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) mode: Option<Located<Choice<ModeWord>>>,
    /// With `action: mask`: what stands in place of a value. Default: `placeholder`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) operator: Option<Located<OperatorFile>>,
    /// With `action: mask`: operators of single detectors or categories, in place of `operator`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) operators: Option<Located<OperatorsFile>>,
    /// With `action: mask`: puts masked values back into the answer. Default: false.
    #[serde(default, deserialize_with = "given")]
    pub(crate) restore: Option<Located<bool>>,
    /// What happens to a text that could not be read. Default: `block`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) on_error: Option<Located<Choice<FailureWord>>>,
    /// Findings below this score are ignored, 0 to 1. Default: 0.5.
    #[serde(default, deserialize_with = "given")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) threshold: Option<Located<f64>>,
    /// Thresholds of single detectors, by their id, in place of `threshold` and `sensitivity`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) thresholds: Option<Located<BTreeMap<Located<String>, Located<f64>>>>,
    /// How soon trained detectors speak up, in place of `threshold`: `low`, `balanced` or `high`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) sensitivity: Option<Located<Choice<SensitivityWord>>>,
    /// Asks one of `models` about what `prompt-attack` is not sure of; its word counts.
    #[serde(default, deserialize_with = "given")]
    pub(crate) refine: Option<Located<RefineFile>>,
    /// Findings that pass all the same, by their exact text. Default: none.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 256))]
    pub(crate) allow: Vec<Located<AllowFile>>,
    /// Callers for whom what one detector finds passes. Default: none.
    #[serde(default, deserialize_with = "filled")]
    #[schemars(length(max = 256))]
    pub(crate) except: Vec<Located<ExceptFile>>,
}

/// A text that passes although it is found: `literal` or `pattern`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AllowFile {
    /// The whole text of the finding, byte for byte.
    #[serde(default, deserialize_with = "given")]
    #[schemars(length(min = 1, max = 1024))]
    pub(crate) literal: Option<Located<String>>,
    /// A regular expression that matches the whole text of the finding, at most 1,024 bytes.
    #[serde(default, deserialize_with = "given")]
    pub(crate) pattern: Option<Located<String>>,
    /// Why it passes; events repeat it. Without the text itself.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) reason: Located<String>,
    /// Last day on which it counts, in UTC. Default: no end.
    #[serde(default, deserialize_with = "given")]
    pub(crate) expires: Option<Located<DateText>>,
}

/// A caller for whom what one detector finds passes: `principal` or `group`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct ExceptFile {
    /// `alice@example.com` or `sp:support-bot`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) principal: Option<Located<PrincipalText>>,
    /// A group that exists.
    #[serde(default, deserialize_with = "given")]
    pub(crate) group: Option<Located<String>>,
    /// One of the detectors that `detect` names.
    pub(crate) rule: Located<String>,
    /// Why it passes; events repeat it.
    #[schemars(length(min = 1, max = 200))]
    pub(crate) reason: Located<String>,
    /// Last day on which it counts, in UTC. Default: no end.
    #[serde(default, deserialize_with = "given")]
    pub(crate) expires: Option<Located<DateText>>,
}

/// Names of packages, by registry.
pub(crate) type PackagesFile = BTreeMap<Located<String>, Located<Words>>;

/// Allowed topics, each with its words.
pub(crate) type TopicsFile = BTreeMap<Located<String>, Vec<Located<String>>>;

/// A ceiling on use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LimitFile {
    /// Id that appears in events; unique in the endpoint, or in the file for limits over all endpoints.
    pub(crate) id: Located<RuleIdText>,
    /// Who shares one counter.
    pub(crate) per: Located<PerFile>,
    /// Only these groups and principals are counted. Default: all of the kind.
    #[serde(default, deserialize_with = "given")]
    pub(crate) only: Option<Located<Vec<Located<SubjectText>>>>,
    /// Requests per window, such as `60/min`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) requests: Option<Located<RateText>>,
    /// Tokens per window, such as `2M/day`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) tokens: Option<Located<RateText>>,
    /// US dollars per window, such as `0.50/h`. Needs `prices`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) usd: Option<Located<BudgetText>>,
    /// Share of each amount from which on events and answers say that the limit is near, such as `80%`.
    #[serde(default, deserialize_with = "given")]
    pub(crate) soft: Option<Located<ShareText>>,
}

/// Who shares one counter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PerFile {
    /// Each person has one.
    User,
    /// Each program has one.
    ServicePrincipal,
    /// Everyone shares one.
    Endpoint,
    /// Everyone shares one, over all endpoints.
    All,
    /// All members of the group share one.
    Group(Located<String>),
    /// All with the same value of the tag share one, and so do all without the tag.
    Tag(Located<String>),
}

/// One word, or a list of words.
#[derive(Debug)]
pub(crate) enum Words {
    /// `on: output`
    One(String),
    /// `on: [input, output]`
    Several(Vec<Located<String>>),
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordsVisitor;

        impl<'de> Visitor<'de> for WordsVisitor {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a list of words")
            }

            fn visit_str<E>(self, word: &str) -> Result<Words, E> {
                Ok(Words::One(word.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Words, A::Error> {
                let mut list = Vec::new();
                while let Some(word) = words.next_element()? {
                    list.push(word);
                }
                Ok(Words::Several(list))
            }
        }

        deserializer.deserialize_any(WordsVisitor)
    }
}

impl JsonSchema for Words {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            ]
        })
    }
}
