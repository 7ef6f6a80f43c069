//! What tests of several modules set up alike.

use bartizan_core::access::{Authorize, Call, Ruling};
use bartizan_core::operator::Operators;
use bartizan_core::settings::{Detect, Guardrail, OnError};
use bartizan_core::{Action, ChannelSet, Mode, Name, Principal, PrincipalKind};

/// Every endpoint is open to everyone, but one.
#[derive(Debug)]
pub(crate) struct Fixed {
    pub(crate) closed: &'static str,
}

impl Authorize for Fixed {
    fn groups_of(&self, _: PrincipalKind, _: &str) -> &[Name] {
        &[]
    }

    fn call(&self, _: &Principal, call: &Call<'_>) -> Ruling {
        Ruling::by_list(call.endpoint.as_str() != self.closed)
    }
}

/// A guardrail on every channel.
pub(crate) fn guardrail(id: &str, detect: Detect, action: Action) -> Guardrail {
    Guardrail {
        id: id.parse().unwrap(),
        on: ChannelSet::ALL,
        detect,
        action,
        mode: Mode::Enforce,
        operators: Operators::default(),
        restore: true,
        on_error: OnError::Block,
        threshold: 0.5,
        thresholds: Vec::new(),
        sensitivity: None,
        refine: None,
        exceptions: Vec::new(),
    }
}
