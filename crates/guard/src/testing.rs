//! Guards for tests.

use std::sync::Arc;

use bartizan_core::operator::Operators;
use bartizan_core::settings::{Detect, Guardrail, OnError};
use bartizan_core::{Action, ChannelSet, Mode};

use crate::Guard;

/// A guardrail on every channel that enforces and puts nothing back; tests change what they are
/// about.
pub(crate) fn rail(detect: Detect, action: Action) -> Guardrail {
    Guardrail {
        id: "g-test".parse().unwrap(),
        on: ChannelSet::ALL,
        detect,
        action,
        mode: Mode::Enforce,
        operators: Operators::default(),
        restore: false,
        on_error: OnError::Block,
        threshold: 0.5,
        thresholds: Vec::new(),
        sensitivity: None,
        refine: None,
        exceptions: Vec::new(),
    }
}

/// A guard of these guardrails.
pub(crate) fn guard(rails: &[Guardrail]) -> Arc<Guard> {
    let mut builder = Guard::builder();
    for rail in rails {
        builder = builder.guardrail(rail).unwrap();
    }
    Arc::new(builder.build().unwrap())
}

/// A guard that masks e-mail addresses and puts them back.
pub(crate) fn email_guard() -> Arc<Guard> {
    let rail = rail(Detect::Detectors(vec!["email"]), Action::Mask);
    guard(&[Guardrail { restore: true, ..rail }])
}
