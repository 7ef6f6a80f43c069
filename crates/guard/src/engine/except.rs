//! Exceptions that policy makes: what a guardrail lets pass although it finds it.
//!
//! An exception speaks of the exact bytes of a finding or of the caller, and of nothing around it, so
//! a stream gives what the whole gives. Time comes with the session; the guard has no clock.

use std::sync::Arc;

use bartizan_core::settings::{Excepted, Exception, Guardrail, Subject};
use regex::Regex;

use super::GuardError;
use crate::detector::Seen;
use crate::session::Session;

/// An exception, ready to be asked.
pub(super) struct Exempt {
    test: Test,
    exception: Exception,
    reason: Arc<str>,
}

enum Test {
    Literal(String),
    Pattern(Regex),
    Caller(Subject, &'static str),
}

/// The exceptions of a guardrail.
pub(super) fn exempts(guardrail: &Guardrail) -> Result<Vec<Exempt>, GuardError> {
    let exempt = |exception: &Exception| {
        let test = match &exception.what {
            Excepted::Literal(text) => Test::Literal(text.clone()),
            Excepted::Pattern(pattern) => {
                let whole = Regex::new(&format!(r"\A(?:{pattern})\z"));
                Test::Pattern(whole.map_err(|error| GuardError::Pattern {
                    guardrail: guardrail.id.clone(),
                    reason: error.to_string(),
                })?)
            }
            Excepted::Caller { subject, rule } => Test::Caller(subject.clone(), rule),
        };
        Ok(Exempt { test, exception: exception.clone(), reason: exception.reason.as_str().into() })
    };
    guardrail.exceptions.iter().map(exempt).collect()
}

/// The reason of the first exception that lets a finding pass. `text` is what the finding covers.
pub(super) fn reason_for(
    exempts: &[Exempt],
    seen: &Seen,
    text: &str,
    session: &Session,
) -> Option<Arc<str>> {
    let counts = |exempt: &&Exempt| {
        let covers = match &exempt.test {
            Test::Literal(literal) => literal == text,
            Test::Pattern(whole) => whole.is_match(text),
            Test::Caller(subject, rule) => *rule == seen.finding.rule && session.is(subject),
        };
        covers && !exempt.exception.is_over(session.now())
    };
    exempts.iter().find(counts).map(|exempt| Arc::clone(&exempt.reason))
}
