//! The lists of a policy written as Cedar, for people and tools that read it.

use std::fmt::Write as _;

use bartizan_core::id::Name;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::settings::{Endpoint, Member, Settings, Subject};

/// The `allow` of each endpoint as Cedar policies. Who is in which group, Cedar is told with each request.
///
/// Together with the Cedar files of the policy they decide what the compiled indexes decide.
pub fn as_cedar(settings: &Settings) -> String {
    let (mut out, mut count) = (String::new(), 0);
    for (name, endpoint) in &settings.endpoints {
        write_allow(&mut out, &mut count, name, endpoint);
    }
    out
}

/// The `allow` of one endpoint as Cedar policies.
pub(crate) fn allow_as_cedar(name: &Name, endpoint: &Endpoint) -> String {
    let (mut out, mut count) = (String::new(), 0);
    write_allow(&mut out, &mut count, name, endpoint);
    out
}

fn write_allow(out: &mut String, count: &mut usize, name: &Name, endpoint: &Endpoint) {
    let resource = literal("Endpoint", name.as_str());
    let mut permit = |principal: &str| {
        *count += 1;
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "@id(\"allow-{count}\")\npermit (\n  {principal},\n  action == Action::\"call\",\n  resource == {resource}\n);\n"
        );
    };
    if endpoint.allow.is_empty() {
        permit("principal");
    }
    for subject in &endpoint.allow {
        permit(&scope(subject));
    }
}

fn scope(subject: &Subject) -> String {
    match subject {
        Subject::Group(group) => format!("principal in {}", literal("Group", group.as_str())),
        Subject::Principal(Member { kind, name }) => {
            format!("principal == {}", literal(entity(*kind), name))
        }
    }
}

/// The type that stands for people or programs in Cedar.
pub(crate) const fn entity(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "User",
        PrincipalKind::ServicePrincipal => "ServicePrincipal",
    }
}

/// An entity as Cedar writes it.
pub(crate) fn literal(kind: &str, name: &str) -> String {
    format!("{kind}::{}", quoted(name))
}

/// A text as Cedar writes it.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}
