//! Single values of the policy file: text that has a form, and words from a fixed set.
//!
//! They are read as plain text, so that a wrong one does not stop the reader at the first problem;
//! `compile` checks each. The forms given here are those of the JSON Schema.

use std::borrow::Cow;
use std::marker::PhantomData;

use bartizan_core::settings::{
    Durability, Modality, OnError, OnLogFailure, OnNotKept, Sensitivity, Unseen,
};
use bartizan_core::verdict::{Action, Mode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// Text types with the schema of their form.
macro_rules! text_types {
    ($($(#[$doc:meta])+ $name:ident $types:tt $pattern:literal;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) String);

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": $types, "pattern": $pattern })
            }
        }
    )+};
}

text_types! {
    /// `IP:PORT`.
    AddressText "string" r"^(\[[0-9a-fA-F:.]+\]|[0-9.]+):[0-9]+$";
    /// `alice@example.com` or `sp:support-bot`.
    PrincipalText "string" r"^(sp:)?[^\s:]+$";
    /// A principal, or a file of them.
    MemberText "string" r"^((sp:)?[^\s:]+|file:.+)$";
    /// A group or a principal.
    SubjectText "string" r"^(sp:)?[^\s:]+$";
    /// Id of a rule.
    RuleIdText "string" r"^[a-z0-9-]{1,128}$";
    /// `60/min`.
    RateText "string" r"^[0-9]+[kM]?/(s|min|h|day)$";
    /// `0.50/h`.
    BudgetText "string" r"^[0-9]+(\.[0-9]{1,9})?/(s|min|h|day)$";
    /// `0.25`.
    DollarsText ["string", "number"] r"^[0-9]+(\.[0-9]{1,9})?$";
    /// `60s`.
    DurationText "string" r"^[0-9]+(ms|s|m|min|h|d)$";
    /// `2027-01-31`.
    DateText "string" r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
    /// `64MiB`.
    SizeText ["string", "integer"] r"^[0-9]+(B|KiB|MiB|GiB)?$";
    /// `env:NAME` or `file:PATH`.
    SecretText "string" r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$";
    /// An http(s) address, or a reference to one.
    UrlText "string" r"^(https?://.+|env:.+|file:.+)$";
    /// `80%`.
    ShareText "string" r"^[1-9][0-9]?%$";
    /// `5%`, `100%`.
    PercentText "string" r"^(100|[1-9][0-9]?)%$";
    /// `file:PATH`.
    FileText "string" r"^file:.+$";
    /// `mask g-pii`.
    ExpectText "string" r"^(allow|flag|mask|block|deny|limit)( [a-z0-9-]{1,128})?$";
    /// A host, an https address, or a reference to one.
    HostText "string" r"^.+$";
}

/// A fixed set of words that a key takes.
pub(crate) trait Vocabulary {
    /// What the words stand for.
    type Meaning: Copy + 'static;
    /// What the key chooses, with its article, for messages.
    const WHAT: &'static str;
    /// The words, each with its meaning.
    const WORDS: &'static [(&'static str, Self::Meaning)];
}

/// One word of a [`Vocabulary`], not yet checked.
pub(crate) struct Choice<V> {
    pub(crate) word: String,
    vocabulary: PhantomData<V>,
}

impl<V: Vocabulary> Choice<V> {
    /// What the word stands for; none when it is not in the vocabulary.
    pub(crate) fn meaning(&self) -> Option<V::Meaning> {
        V::WORDS.iter().find(|(word, _)| *word == self.word).map(|(_, meaning)| *meaning)
    }
}

impl<V> std::fmt::Debug for Choice<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.word)
    }
}

impl<'de, V> Deserialize<'de> for Choice<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|word| Self { word, vocabulary: PhantomData })
    }
}

impl<V: Vocabulary> JsonSchema for Choice<V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        V::WHAT.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = V::WORDS.iter().map(|(word, _)| *word).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}

/// Words of `action:`.
pub(crate) enum ActionWord {}

impl Vocabulary for ActionWord {
    type Meaning = Action;
    const WHAT: &'static str = "an action";
    const WORDS: &'static [(&'static str, Action)] =
        &[("flag", Action::Flag), ("mask", Action::Mask), ("block", Action::Block)];
}

/// Words of `mode:`.
pub(crate) enum ModeWord {}

impl Vocabulary for ModeWord {
    type Meaning = Mode;
    const WHAT: &'static str = "a mode";
    const WORDS: &'static [(&'static str, Mode)] =
        &[("enforce", Mode::Enforce), ("dry-run", Mode::DryRun)];
}

/// Words of `sensitivity:`.
pub(crate) enum SensitivityWord {}

impl Vocabulary for SensitivityWord {
    type Meaning = Sensitivity;
    const WHAT: &'static str = "a sensitivity";
    const WORDS: &'static [(&'static str, Sensitivity)] = &[
        ("low", Sensitivity::Low),
        ("balanced", Sensitivity::Balanced),
        ("high", Sensitivity::High),
    ];
}

/// Words of `on-error:`.
pub(crate) enum FailureWord {}

impl Vocabulary for FailureWord {
    type Meaning = OnError;
    const WHAT: &'static str = "a way to fail";
    const WORDS: &'static [(&'static str, OnError)] =
        &[("block", OnError::Block), ("allow", OnError::Allow)];
}

/// Words of `durability:`.
pub(crate) enum DurabilityWord {}

impl Vocabulary for DurabilityWord {
    type Meaning = Durability;
    const WHAT: &'static str = "a durability";
    const WORDS: &'static [(&'static str, Durability)] = &[
        (Durability::Batched.name(), Durability::Batched),
        (Durability::Strict.name(), Durability::Strict),
    ];
}

/// Words of `on-failure:`.
pub(crate) enum LogFailureWord {}

impl Vocabulary for LogFailureWord {
    type Meaning = OnLogFailure;
    const WHAT: &'static str = "a way to fail";
    const WORDS: &'static [(&'static str, OnLogFailure)] = &[
        (OnLogFailure::Deny.name(), OnLogFailure::Deny),
        (OnLogFailure::Buffer.name(), OnLogFailure::Buffer),
    ];
}

/// Words of `on-failure:` of an inference log.
pub(crate) enum NotKeptWord {}

impl Vocabulary for NotKeptWord {
    type Meaning = OnNotKept;
    const WHAT: &'static str = "a way to fail";
    const WORDS: &'static [(&'static str, OnNotKept)] = &[
        (OnNotKept::Withhold.name(), OnNotKept::Withhold),
        (OnNotKept::Answer.name(), OnNotKept::Answer),
    ];
}

/// Words of `modalities:`.
pub(crate) enum ModalityWord {}

impl Vocabulary for ModalityWord {
    type Meaning = Modality;
    const WHAT: &'static str = "a modality";
    const WORDS: &'static [(&'static str, Modality)] = &[
        (Modality::Image.name(), Modality::Image),
        (Modality::Audio.name(), Modality::Audio),
        (Modality::File.name(), Modality::File),
    ];
}

/// Words of `unseen:`.
pub(crate) enum UnseenWord {}

impl Vocabulary for UnseenWord {
    type Meaning = Unseen;
    const WHAT: &'static str = "something that no guard sees";
    const WORDS: &'static [(&'static str, Unseen)] = &[
        (Unseen::StoredState.name(), Unseen::StoredState),
        (Unseen::HostedTools.name(), Unseen::HostedTools),
    ];
}
