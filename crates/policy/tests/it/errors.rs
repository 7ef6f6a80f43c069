//! What is said about each kind of mistake: the rendered text, whole.

mod approvals;
mod brakes;
mod console;
mod effects;
mod endpoints;
mod form;
mod guardrails;
mod identity;
mod inference;
mod limits;
mod lists;
mod models;
mod operators;
mod properties;
mod providers;
mod report;
mod sections;
mod sinks;
mod state;
mod tags;

use bartizan_core::Coded;
use bartizan_core::error::Class;
use expect_test::Expect;

use crate::load;

#[expect(clippy::needless_pass_by_value, reason = "a snapshot reads best in place")]
fn check(text: &str, expected: Expect) {
    let error = load(text).expect_err("the policy has a mistake");
    assert_eq!(error.code(), "bartizan::policy::invalid");
    assert_eq!(error.class(), Class::Usage);
    expected.assert_eq(&error.render());
}
