//! Lists and Cedar files, held against what plain Cedar makes of them.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr as _;

use bartizan_core::settings::Settings;
use bartizan_core::time::Timestamp;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityUid, PolicySet, Request,
    RestrictedExpression, Schema, ValidationMode, Validator,
};
use proptest::prelude::*;

use super::*;
use crate::{Catalogue, PolicyError, Sources};

const POLICY: &str = r#"
version: 1
groups:
  analysts: [alice@example.com, "sp:report"]
  night: [bob@example.com]
providers: { demo: { demo: {} } }
endpoints:
  open: { routes: [{ provider: demo }] }
  closed: { routes: [{ provider: demo, model: small }], allow: [analysts, carol@example.com] }
"#;

fn load(policy: &str, folder: &Path) -> Result<Settings, PolicyError> {
    let sources = Sources::of(&|_| None);
    crate::load_str(policy, "bartizan.yaml", folder, Catalogue::EMPTY, sources)
}

fn with_cedar(text: &str) -> Result<Settings, PolicyError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("night.cedar"), text).unwrap();
    load(&format!("{POLICY}cedar: [night.cedar]\n"), folder.path())
}

fn settings() -> Settings {
    load(POLICY, Path::new("")).unwrap()
}

fn principal(settings: &Settings, text: &str) -> Principal {
    let (kind, name) = bartizan_core::principal::parse_qualified(text).unwrap();
    let groups = settings.access.groups_of(kind, name).to_vec();
    Principal { kind, name: name.to_owned(), groups }
}

fn at(time: &str) -> Timestamp {
    format!("2026-03-04T{time}Z").parse().unwrap()
}

fn rule(settings: &Settings, who: &str, endpoint: &str) -> (bool, Option<String>) {
    rule_at(settings, who, endpoint, "chat-completions", "12:00:00")
}

fn rule_at(
    settings: &Settings,
    who: &str,
    endpoint: &str,
    operation: &str,
    time: &str,
) -> (bool, Option<String>) {
    let call =
        Call { endpoint: &endpoint.parse().unwrap(), operation, model: "large", at: at(time) };
    let ruling = settings.access.call(&principal(settings, who), &call);
    (ruling.is_allowed, ruling.rule.map(|rule| rule.to_string()))
}

#[test]
fn lists_let_in_whom_they_name_and_nobody_else() {
    let settings = settings();
    for (who, endpoint, expected) in [
        ("alice@example.com", "closed", true),
        ("sp:report", "closed", true),
        ("carol@example.com", "closed", true),
        ("bob@example.com", "closed", false),
        // A program with the name of a person is somebody else.
        ("sp:alice@example.com", "closed", false),
        ("sp:carol@example.com", "closed", false),
        ("anybody", "open", true),
        ("alice@example.com", "missing", false),
    ] {
        assert_eq!(rule(&settings, who, endpoint), (expected, None), "{who} {endpoint}");
    }
}

#[test]
fn groups_are_those_that_list_the_name() {
    let settings = settings();
    let of = |who| principal(&settings, who).groups.iter().map(Name::to_string).collect::<Vec<_>>();
    assert_eq!(of("sp:report"), ["analysts"]);
    assert_eq!(of("report"), Vec::<String>::new());
}

#[test]
fn a_forbid_of_cedar_refuses_what_lists_allow_and_is_named() {
    let settings = with_cedar(
        r#"
@id("p-night")
forbid (principal, action == Action::"call", resource == Endpoint::"open")
unless { principal in Group::"night" || context.now.toTime() >= duration("8h") };
"#,
    )
    .unwrap();
    let at = |who, time| rule_at(&settings, who, "open", "chat-completions", time);
    let refused = (false, Some("p-night".to_owned()));
    assert_eq!(at("alice@example.com", "07:59:59"), refused);
    assert_eq!(at("alice@example.com", "08:00:00"), (true, None));
    assert_eq!(at("bob@example.com", "07:59:59"), (true, None));
    assert_eq!(rule(&settings, "bob@example.com", "closed"), (false, None));
}

#[test]
fn a_permit_of_cedar_lets_in_whom_no_list_names() {
    let settings = with_cedar(
        r#"
@id("p-embed")
permit (principal is User, action == Action::"call", resource)
when { context.operation == "embeddings" && resource.models.contains("small") };
"#,
    )
    .unwrap();
    let of = |who, operation| rule_at(&settings, who, "closed", operation, "12:00:00");
    assert_eq!(of("bob@example.com", "embeddings"), (true, Some("p-embed".to_owned())));
    assert_eq!(of("bob@example.com", "messages"), (false, None));
    assert_eq!(of("sp:bob", "embeddings"), (false, None));
    // An endpoint that is not there is not made by a permit.
    assert!(!rule_at(&settings, "bob@example.com", "gone", "embeddings", "12:00:00").0);
}

#[test]
fn a_policy_that_cannot_be_evaluated_refuses() {
    let settings = with_cedar(
        r#"
@id("p-overflow")
forbid (principal, action, resource)
when { 9223372036854775807 + 1 == 0 || context.operation == "messages" };
"#,
    )
    .unwrap();
    assert_eq!(rule(&settings, "alice@example.com", "open"), (false, Some("p-overflow".into())));
}

/// What is said about a file.
fn said(text: &str) -> String {
    with_cedar(text).err().map(|error| error.render()).unwrap_or_default()
}

#[test]
fn mistakes_in_cedar_files_have_their_place() {
    for (text, parts) in [
        (
            "permit (principal, action, resource)",
            &["night.cedar:1:", "unexpected end of input"][..],
        ),
        (
            "permit (principal, action, resource);",
            &["a policy has no id", "night.cedar:1:1", "@id("],
        ),
        (
            "@id(\"P 1\")\npermit (principal, action, resource);",
            &["`P 1` cannot be the id of a rule", "night.cedar:1:1"],
        ),
        (
            "@id(\"p\")\npermit (principal, action, resource);\n\n@id(\"p\")\nforbid (principal, action, resource);",
            &["two policies have the id `p`", "night.cedar:4:1"],
        ),
        (
            "@id(\"p\")\nforbid (principal, action, resource)\nwhen { context.opration == \"x\" };",
            &["opration", "night.cedar:3:8", "`operation`"],
        ),
        (
            "@id(\"p\")\nforbid (principal in Grup::\"x\", action, resource);",
            &["Grup", "night.cedar:2:22"],
        ),
        (
            "@id(\"p\")\nforbid (principal, action == Action::\"connect\", resource);",
            &["connect", "night.cedar:2:"],
        ),
        (
            "@id(\"p\")\nforbid (principal, action, resource) when { context.now == \"noon\" };",
            &["night.cedar:2:"],
        ),
        // It never applies, so that it protects nobody.
        (
            "@id(\"p\")\nforbid (principal is User, action, resource) when { principal is ServicePrincipal };",
            &["impossible", "night.cedar:1:1"],
        ),
        ("@id(\"p\")\npermit (principal == ?principal, action, resource);", &["is a template"]),
    ] {
        let said = said(text);
        let help = "\nhelp: ";
        for part in parts.iter().copied().chain([help]) {
            assert!(said.contains(part), "{text}\n{part}\n{said}");
        }
    }
}

#[test]
fn files_are_found_or_missed_at_their_place_in_the_policy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("policies")).unwrap();
    for (entry, part) in [
        ("policies/*.cedar", "nothing in `"),
        ("missing.cedar", "cannot read the Cedar file"),
        ("*/a.cedar", "`*` stands outside of the name"),
        ("policies/*.*", "more than one `*`"),
        ("nowhere/*.cedar", "names no file"),
    ] {
        let policy = format!("{POLICY}cedar: [\"{entry}\"]\n");
        let said = load(&policy, folder.path()).unwrap_err().render();
        assert!(said.contains(part) && said.contains("bartizan.yaml:"), "{entry}\n{said}");
    }
    let forbid = |id: &str| format!("@id(\"{id}\")\nforbid (principal, action, resource);\n");
    for name in ["b.cedar", "a.cedar", "other.txt", ".#a.cedar"] {
        std::fs::write(folder.path().join("policies").join(name), forbid(&name[..1])).unwrap();
    }
    let policy = format!("{POLICY}cedar: [\"policies/*.cedar\"]\n");
    let found = load(&policy, folder.path()).unwrap();
    assert_eq!(rule(&found, "alice@example.com", "open"), (false, Some("a".to_owned())));
    // Another file is another version, and another policy for who looks for changes.
    let companions = crate::Companions::of(&policy, folder.path());
    let before = companions.state().unwrap();
    std::fs::write(folder.path().join("policies/c.cedar"), forbid("c")).unwrap();
    assert_ne!(load(&policy, folder.path()).unwrap().version, found.version);
    assert_ne!(companions.state().unwrap(), before);
}

#[test]
fn members_of_a_group_can_lie_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("staff.txt");
    let policy = POLICY.replace("[bob@example.com]", "[bob@example.com, \"file:staff.txt\"]");
    let said = load(&policy, folder.path()).unwrap_err().render();
    assert!(said.contains("cannot read the file `staff.txt`: no such file"), "{said}");
    std::fs::write(&list, "# night shift\n\ndan@example.com\nsp:nightly\n").unwrap();
    let settings = load(&policy, folder.path()).unwrap();
    for who in ["bob@example.com", "dan@example.com", "sp:nightly"] {
        assert_eq!(principal(&settings, who).groups, ["night".parse().unwrap()], "{who}");
    }
    let companions = crate::Companions::of(&policy, folder.path());
    let before = companions.state().unwrap();
    std::fs::write(&list, "erin@example.com\n").unwrap();
    assert_ne!(load(&policy, folder.path()).unwrap().version, settings.version);
    std::fs::write(&list, "dan@example.com\nnot a name\n").unwrap();
    assert_ne!(companions.state().unwrap(), before);
    let said = load(&policy, folder.path()).unwrap_err().render();
    assert!(said.contains("line 2 of `staff.txt` is no person and no program"), "{said}");
    assert!(!said.contains("not a name"), "{said}");
}

#[test]
fn the_schema_is_valid_cedar() {
    assert!(Schema::from_cedarschema_str(SCHEMA).is_ok());
}

#[test]
fn lists_as_cedar_hold_to_the_schema() {
    let text = as_cedar(&settings());
    let policies = PolicySet::from_str(&text).unwrap();
    let schema = Schema::from_cedarschema_str(SCHEMA).unwrap().0;
    let checked = Validator::new(schema).validate(&policies, ValidationMode::Strict);
    assert!(checked.validation_passed_without_warnings(), "{checked}\n{text}");
}

/// What plain Cedar makes of policies.
fn plain_cedar(policies: &str, caller: &Principal, call: &Call<'_>) -> bool {
    let uid = |kind: &str, name: &str| -> EntityUid {
        let name = name.escape_debug();
        format!("{kind}::\"{name}\"").parse().unwrap()
    };
    let groups: HashSet<EntityUid> =
        caller.groups.iter().map(|group| uid("Group", group.as_str())).collect();
    let who = uid(render::entity(caller.kind), &caller.name);
    let what = uid("Endpoint", call.endpoint.as_str());
    let set = |texts: &[&str]| {
        RestrictedExpression::new_set(
            texts.iter().map(|text| RestrictedExpression::new_string((*text).to_owned())),
        )
    };
    let attributes =
        [("providers", set(&["demo"])), ("models", set(&[])), ("guardrails", set(&[]))];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value)).into();
    let entities =
        groups.iter().map(|group| Entity::new_no_attrs(group.clone(), HashSet::new())).chain([
            Entity::new_no_attrs(who.clone(), groups.clone()),
            Entity::new(what.clone(), attributes, HashSet::new()).unwrap(),
        ]);
    let entities = Entities::from_entities(entities, None).unwrap();
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let context = Context::from_pairs([
        ("operation".to_owned(), text(call.operation)),
        ("model".to_owned(), text(call.model)),
        (
            "now".to_owned(),
            RestrictedExpression::new_datetime(call.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ),
    ]);
    let action = uid("Action", "call");
    let request = Request::new(who, action, what, context.unwrap(), None).unwrap();
    let policies = PolicySet::from_str(policies).unwrap();
    Authorizer::new().is_authorized(&request, &policies, &entities).decision() == Decision::Allow
}

const PEOPLE: [&str; 6] =
    ["a@example.com", "b@example.com", "sp:a@example.com", "sp:bot", "ü@example.com", "sp:x+y"];
const GROUPS: [&str; 3] = ["one", "two", "three"];
const ENDPOINTS: [&str; 3] = ["e1", "e2", "e3"];

/// A policy by numbers: who is in which group, whom each endpoint lets in, and what Cedar files say.
fn policy(groups: &[Vec<usize>], allow: &[Vec<usize>]) -> String {
    let quoted = |names: Vec<&str>| {
        names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    };
    let mut out = "version: 1\nproviders: { demo: { demo: {} } }\ngroups:\n".to_owned();
    for (name, members) in GROUPS.iter().zip(groups) {
        let members = members.iter().map(|at| PEOPLE[at % PEOPLE.len()]).collect();
        writeln!(out, "  {name}: [{}]", quoted(members)).unwrap();
    }
    out += "endpoints:\n";
    for (name, allow) in ENDPOINTS.iter().zip(allow) {
        let subject = |at: &usize| {
            let all = PEOPLE.iter().chain(&GROUPS);
            // A bare word is a group.
            let all: Vec<&str> = all.copied().filter(|n| !n.contains('+')).collect();
            all[at % all.len()]
        };
        let allow: Vec<&str> = allow.iter().map(subject).collect();
        let list =
            if allow.is_empty() { String::new() } else { format!(", allow: [{}]", quoted(allow)) };
        writeln!(out, "  {name}: {{ routes: [{{ provider: demo }}]{list} }}").unwrap();
    }
    out
}

/// A Cedar policy by numbers.
fn statement(number: usize, (effect, who, what, when): (bool, usize, usize, usize)) -> String {
    let effect = if effect { "permit" } else { "forbid" };
    let scope = match who % 4 {
        0 => "principal".to_owned(),
        1 => format!("principal in Group::\"{}\"", GROUPS[who % GROUPS.len()]),
        2 => "principal is User".to_owned(),
        _ => "principal == ServicePrincipal::\"bot\"".to_owned(),
    };
    let resource = match what % 2 {
        0 => "resource".to_owned(),
        _ => format!("resource == Endpoint::\"{}\"", ENDPOINTS[what % ENDPOINTS.len()]),
    };
    let when = match when % 4 {
        0 => "",
        1 => " when { context.operation == \"messages\" }",
        2 => " unless { resource.providers.contains(\"demo\") && context.model == \"large\" }",
        _ => " when { context.now.toTime() < duration(\"8h\") }",
    };
    format!(
        "@id(\"p-{number}\")\n{effect} ({scope}, action == Action::\"call\", {resource}){when};\n"
    )
}

fn numbers(lists: usize) -> impl Strategy<Value = Vec<Vec<usize>>> {
    prop::collection::vec(prop::collection::vec(0_usize..64, 0..4), lists)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The decision is what plain Cedar makes of the lists and the files together, for everybody and every
    /// endpoint.
    #[test]
    fn decisions_are_those_of_plain_cedar(
        groups in numbers(GROUPS.len()),
        allow in numbers(ENDPOINTS.len()),
        files in prop::collection::vec((any::<bool>(), 0_usize..64, 0_usize..64, 0_usize..64), 0..4),
        early in any::<bool>(),
        messages in any::<bool>(),
    ) {
        let files: Vec<String> = files.into_iter().enumerate().map(|(n, file)| statement(n, file)).collect();
        let files = files.concat();
        let folder = tempfile::tempdir().unwrap();
        let mut policy = policy(&groups, &allow);
        if !files.is_empty() {
            std::fs::write(folder.path().join("a.cedar"), &files).unwrap();
            policy += "cedar: [a.cedar]\n";
        }
        let settings = match load(&policy, folder.path()) {
            Ok(settings) => settings,
            Err(error) => return Err(TestCaseError::fail(error.render())),
        };
        let plain = as_cedar(&settings) + &files;
        let operation = if messages { "messages" } else { "embeddings" };
        let time = if early { "03:00:00" } else { "15:00:00" };
        for who in PEOPLE {
            let caller = principal(&settings, who);
            for endpoint in ENDPOINTS {
                let endpoint: Name = endpoint.parse().unwrap();
                let call = Call { endpoint: &endpoint, operation, model: "large", at: at(time) };
                let ours = settings.access.call(&caller, &call);
                let theirs = plain_cedar(&plain, &caller, &call);
                prop_assert_eq!(ours.is_allowed, theirs, "{} {}\n{}\n{}", who, endpoint, policy, plain);
            }
        }
    }
}
