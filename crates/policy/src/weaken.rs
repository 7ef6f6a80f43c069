//! What a change of the policy weakens: from two compiled versions to a list for the person who has to approve it.
//!
//! What cannot be shown to be as strict as before counts as weaker. Every struct of the settings is taken apart field
//! by field, so that a new one does not compile until somebody has decided what makes it weaker. What a credential
//! is, and how long a provider is waited for, is not judged; what a text of Cedar means is not known here, so that
//! another one counts.

mod brakes;
mod endpoint;
mod guardrail;
mod limits;
mod outside;
mod restored;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};

use bartizan_core::id::{Name, RuleId};
use bartizan_core::settings::{Endpoint, Settings};

/// Something that becomes weaker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weakness {
    /// What sort of thing.
    pub kind: WeaknessKind,
    /// Endpoint that it is about; absent for what holds for all.
    pub endpoint: Option<Name>,
    /// Guardrail or limit that it is about.
    pub rule: Option<RuleId>,
    /// For people: ``guardrail `g-pii` masks instead of blocking``. Names of the policy, and no text that it
    /// protects.
    pub words: String,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(endpoint) = &self.endpoint {
            write!(f, "endpoint `{endpoint}`: ")?;
        }
        f.write_str(&self.words)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident $name:literal;)+) => {
        /// Sorts of weakness. Their names are stable: events have them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum WeaknessKind {
            $($(#[$doc])+ $kind,)+
        }

        impl WeaknessKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// Name used in events and the admin API.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// There is another way to models.
    EndpointAdded "endpoint-added";
    /// An endpoint goes, and what guards it goes along.
    EndpointRemoved "endpoint-removed";
    /// A guardrail goes.
    GuardrailRemoved "guardrail-removed";
    /// A guardrail reads fewer texts.
    ChannelsFewer "channels-fewer";
    /// A guardrail looks for less, or for something else.
    DetectsLess "detects-less";
    /// A guardrail does something milder.
    ActionMilder "action-milder";
    /// A guardrail only says what it would do.
    DryRun "dry-run";
    /// A guardrail lets pass what it could not read.
    OnErrorAllow "on-error-allow";
    /// A guardrail has to be surer before it acts.
    ThresholdHigher "threshold-higher";
    /// A guardrail lets something pass, or for longer.
    ExceptionWider "exception-wider";
    /// A guardrail shows more of what it masks.
    OperatorWeaker "operator-weaker";
    /// More values come back in answers.
    RestoresMore "restores-more";
    /// A guardrail asks another model, or about other texts.
    RefineChanged "refine-changed";
    /// A limit goes.
    LimitRemoved "limit-removed";
    /// A limit leaves more room, or is counted in another way.
    LimitRaised "limit-raised";
    /// A limit counts fewer callers.
    LimitNarrower "limit-narrower";
    /// A brake that was there is gone.
    BrakeRemoved "brake-removed";
    /// A brake lets more pass, does less, or looks at something else.
    BrakeWeaker "brake-weaker";
    /// Other texts are kept, or for another time.
    InferenceLogChanged "inference-log-changed";
    /// More callers are let in.
    AllowWider "allow-wider";
    /// Content passes that no guard reads.
    ModalityAdded "modality-added";
    /// A provider may read by itself what no guard sees.
    UnseenAdded "unseen-added";
    /// A text of the system prompt is no longer looked for in answers.
    CanaryRemoved "canary-removed";
    /// Text may go to another provider or model.
    RouteAdded "route-added";
    /// A group has more members, or a limit counts fewer.
    GroupChanged "group-changed";
    /// A provider is another one.
    ProviderChanged "provider-changed";
    /// Tokens of others are taken, or more of them.
    IdentityWider "identity-wider";
    /// A classifier of a local folder is another one.
    ModelChanged "model-changed";
    /// A model costs less than it did, so that budgets last longer.
    PriceLower "price-lower";
    /// The event log keeps less, or waits for less.
    LedgerWeaker "ledger-weaker";
    /// Cedar files say something else.
    CedarChanged "cedar-changed";
    /// Fewer changes take a second person.
    ApprovalsWeaker "approvals-weaker";
    /// Something outside of endpoints is another than it was.
    OutsideChanged "outside-changed";
}

/// Collects what becomes weaker about one endpoint, or about none.
struct Found<'a> {
    endpoint: Option<&'a Name>,
    found: Vec<Weakness>,
}

impl<'a> Found<'a> {
    const fn of(endpoint: Option<&'a Name>) -> Self {
        Self { endpoint, found: Vec::new() }
    }

    fn say(&mut self, kind: WeaknessKind, words: impl Into<String>) {
        let endpoint = self.endpoint.cloned();
        self.found.push(Weakness { kind, endpoint, rule: None, words: words.into() });
    }

    fn say_of(&mut self, kind: WeaknessKind, rule: &RuleId, words: impl Into<String>) {
        let (endpoint, rule) = (self.endpoint.cloned(), Some(rule.clone()));
        self.found.push(Weakness { kind, endpoint, rule, words: words.into() });
    }
}

/// What becomes weaker when `new` takes the place of the endpoint `old`. Absent ones are not there: an endpoint that
/// is made is another way to models, one that is removed takes its guards along.
pub fn endpoint(old: Option<&Endpoint>, new: Option<&Endpoint>) -> Vec<Weakness> {
    match (old, new) {
        (None, None) => Vec::new(),
        (None, Some(new)) => {
            let mut found = Found::of(Some(&new.name));
            found.say(WeaknessKind::EndpointAdded, "is another way to models");
            found.found
        }
        (Some(old), None) => endpoint::removed(old),
        (Some(old), Some(new)) => endpoint::changed(old, new),
    }
}

/// What becomes weaker when the policy file `new` takes the place of `old`. `besides` are the endpoints that are not
/// in the file: members of groups count there too.
pub fn policy(old: &Settings, new: &Settings, besides: &BTreeMap<Name, Endpoint>) -> Vec<Weakness> {
    let mut found = outside::changed(old, new, besides);
    let names: BTreeSet<&Name> = old.endpoints.keys().chain(new.endpoints.keys()).collect();
    for name in names {
        found.extend(endpoint(old.endpoints.get(name), new.endpoints.get(name)));
    }
    found
}

/// Whether two things are the same but for credentials, which no text for people shows.
fn alike<T: Debug>(old: &T, new: &T) -> bool {
    format!("{old:?}") == format!("{new:?}")
}

/// Whether every item of one list is in another.
fn all_in<T: PartialEq>(items: &[T], list: &[T]) -> bool {
    items.iter().all(|item| list.contains(item))
}
