//! Proofs, held against every caller of a small world.

use std::fmt::Write as _;
use std::path::Path;

use bartizan_core::access::Call;
use bartizan_core::principal::parse_qualified;
use proptest::prelude::*;

use super::*;
use crate::{Catalogue, Sources};

fn load(policy: &str, folder: &Path) -> Settings {
    let sources = Sources::of(&|_| None);
    crate::load_str(policy, "bartizan.yaml", folder, Catalogue::EMPTY, sources)
        .unwrap_or_else(|error| panic!("{}\n{policy}", error.render()))
}

fn now() -> Timestamp {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

fn proofs(settings: &Settings, cedar: &[String]) -> Vec<Proof> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let prove = |property| runtime.block_on(prove(settings, property, cedar, now()));
    settings.properties.iter().map(prove).collect()
}

/// What becomes of proofs of a policy, each in a word.
fn words(policy: &str, cedar: Option<&str>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut policy = policy.to_owned();
    if let Some(text) = cedar {
        std::fs::write(folder.path().join("a.cedar"), text).unwrap();
        policy.push_str("cedar: [a.cedar]\n");
    }
    let settings = load(&policy, folder.path());
    let texts: Vec<String> = cedar.map(str::to_owned).into_iter().collect();
    let word = |proof: Proof| match proof {
        Proof::Holds(means) => format!("holds by {}", means.name()),
        Proof::Fails(Counterexample::Call { caller, .. }) => {
            let groups: Vec<&str> = caller.groups.iter().map(Name::as_str).collect();
            format!("fails for {} [{}]", caller.qualified(), groups.join(" "))
        }
        Proof::Fails(Counterexample::Unguarded { why, .. }) => format!("fails: {why}"),
        Proof::Unknown { reason, .. } => format!("unknown: {reason}"),
    };
    proofs(&settings, &texts).into_iter().map(word).collect()
}

const LISTS: &str = r#"
version: 1
groups:
  analysts: [alice@example.com, "sp:report"]
  interns: [eve@example.com]
  both: [alice@example.com]
providers: { demo: { demo: {} } }
endpoints:
  open: { routes: [{ provider: demo, model: m }] }
  closed: { routes: [{ provider: demo, model: m }], allow: [analysts, bob@example.com] }
"#;

#[test]
fn lists_are_proved_by_everybody_whom_they_tell_apart() {
    let said = words(
        &format!(
            "{LISTS}proofs:
  - {{ id: p-a, endpoint: closed, only: [analysts, bob@example.com] }}
  - {{ id: p-b, endpoint: closed, only: [analysts] }}
  - {{ id: p-c, endpoint: closed, never: [interns] }}
  - {{ id: p-d, endpoint: open, never: [interns] }}
  - {{ id: p-e, endpoint: closed, never: [both] }}
  - {{ id: p-f, endpoint: \"*\", always: [analysts] }}
  - {{ id: p-g, endpoint: closed, always: [both] }}
  - {{ id: p-h, endpoint: closed, always: [interns] }}
  - {{ id: p-i, endpoint: closed, only: [] }}
  - {{ id: p-j, endpoint: [open, closed], only: [analysts] }}
"
        ),
        None,
    );
    expect_test::expect![[r#"
        [
            "holds by lists",
            "fails for bob@example.com []",
            "holds by lists",
            "fails for eve@example.com [interns]",
            "fails for alice@example.com [analysts both]",
            "holds by lists",
            "holds by lists",
            "fails for eve@example.com [interns]",
            "fails for bob@example.com []",
            "fails for bob@example.com []",
        ]
    "#]]
    .assert_debug_eq(&said);
}

#[test]
fn who_may_be_in_a_group_by_a_token_is_thought_of() {
    let with_issuer = LISTS.replace(
        "providers:",
        "identity:
  issuers:
    - { id: corp, issuer: https://login.example, audiences: [b], groups: { claim: g, map: { A: analysts, I: interns } } }
providers:",
    );
    let said = words(
        &format!(
            "{with_issuer}proofs:
  - {{ id: p-a, endpoint: closed, never: [interns] }}
  - {{ id: p-b, endpoint: closed, only: [analysts, bob@example.com] }}
  - {{ id: p-c, endpoint: closed, always: [analysts] }}
  - {{ id: p-d, endpoint: closed, always: [both] }}
"
        ),
        None,
    );
    expect_test::expect![[r#"
        [
            "fails for somebody@else.example [analysts interns]",
            "holds by lists",
            "holds by lists",
            "holds by lists",
        ]
    "#]]
    .assert_debug_eq(&said);
}

#[test]
fn cedar_files_are_proved_by_a_solver() {
    let claims = format!(
        "{LISTS}proofs:
  - {{ id: p-a, endpoint: \"*\", never: [interns] }}
  - {{ id: p-b, endpoint: closed, only: [analysts, bob@example.com] }}
  - {{ id: p-c, endpoint: open, always: [analysts] }}
  - {{ id: p-d, endpoint: closed, always: [\"sp:report\"] }}
"
    );
    let forbid = "@id(\"p-interns\") forbid (principal in Group::\"interns\", action, resource);";
    let said = words(&claims, Some(forbid));
    expect_test::expect![[r#"
        [
            "holds by solver",
            "holds by solver",
            "holds by solver",
            "holds by solver",
        ]
    "#]]
    .assert_debug_eq(&said);
    // Only a name that no list has, at a model that no price names, finds this.
    let back_door = format!(
        "{forbid}\n@id(\"p-odd\") permit (principal is User, action, resource == Endpoint::\"closed\") \
         when {{ principal == User::\"mallory@example.com\" && context.operation == \"embeddings\" }};\n\
         @id(\"p-night\") forbid (principal, action, resource == Endpoint::\"open\") \
         when {{ context.now.toTime() < duration(\"1h\") }};"
    );
    let said = words(&claims, Some(&back_door));
    expect_test::expect![[r#"
        [
            "holds by solver",
            "fails for mallory@example.com []",
            "fails for alice@example.com [analysts both]",
            "holds by solver",
        ]
    "#]]
    .assert_debug_eq(&said);
}

/// Names in a small world; the last of each kind is in no list.
const WORLD: [&str; 5] = ["a@example.com", "b@example.com", "z@example.com", "sp:p", "sp:z"];
const GROUPS: [&str; 3] = ["ga", "gb", "gc"];

fn subject() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&GROUPS[..]).prop_map(str::to_owned),
        prop::sample::select(&[WORLD[0], WORLD[1], WORLD[3]][..])
            .prop_map(|name| format!("\"{name}\"")),
    ]
}

fn subjects(least: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(subject(), least..3).prop_map(|all| all.join(", "))
}

/// Members of each group, groups that tokens bring, `allow`, and a claim.
type Drawn = (Vec<Vec<&'static str>>, Vec<bool>, Option<String>, &'static str, String);

fn drawn() -> impl Strategy<Value = Drawn> {
    let members = prop::sample::subsequence(&[WORLD[0], WORLD[1], WORLD[3]][..], 0..=3);
    (
        prop::collection::vec(members, GROUPS.len()),
        prop::collection::vec(any::<bool>(), GROUPS.len()),
        prop::option::of(subjects(1)),
        prop::sample::select(&["only", "never", "always"][..]),
        subjects(1),
    )
}

fn policy_of((members, brought, allow, claim, who): &Drawn) -> String {
    let mut policy = "version: 1\ngroups:\n".to_owned();
    for (group, members) in GROUPS.iter().zip(members) {
        let members: Vec<String> = members.iter().map(|name| format!("\"{name}\"")).collect();
        let _ = writeln!(policy, "  {group}: [{}]", members.join(", "));
    }
    let map: Vec<String> = GROUPS
        .iter()
        .zip(brought)
        .filter(|(_, is)| **is)
        .map(|(group, _)| format!("{group}: {group}"))
        .collect();
    if !map.is_empty() {
        let _ = writeln!(
            policy,
            "identity: {{ issuers: [{{ id: i, issuer: https://login.example, audiences: [b], \
             groups: {{ claim: g, map: {{ {} }} }} }}] }}",
            map.join(", ")
        );
    }
    let allow = allow.as_ref().map(|allow| format!(", allow: [{allow}]")).unwrap_or_default();
    policy
        + &format!(
            "providers: {{ demo: {{ demo: {{}} }} }}\n\
             endpoints: {{ e: {{ routes: [{{ provider: demo, model: m }}]{allow} }} }}\n\
             proofs: [{{ id: p, endpoint: e, {claim}: [{who}] }}]\n"
        )
}

/// Whether any caller of the world breaks the property, with any groups that tokens can bring.
fn is_broken(settings: &Settings, brought: &[bool], moments: &[Timestamp]) -> bool {
    let property = &settings.properties[0];
    let can_come: Vec<Name> = GROUPS
        .iter()
        .zip(brought)
        .filter(|(_, is)| **is)
        .map(|(g, _)| g.parse().unwrap())
        .collect();
    WORLD.iter().any(|who| {
        let (kind, name) = parse_qualified(who).unwrap();
        (0..1usize << can_come.len()).any(|mask| {
            let mut groups = settings.access.groups_of(kind, name).to_vec();
            let more = (0..can_come.len()).filter(|bit| mask >> bit & 1 == 1);
            groups.extend(more.map(|bit| can_come[bit].clone()));
            groups.sort_unstable();
            groups.dedup();
            let caller = Principal { kind, name: name.to_owned(), groups };
            OPERATIONS.iter().any(|operation| {
                moments.iter().any(|at| {
                    let endpoint = &property.endpoints[0];
                    let call = Call { endpoint, operation, model: "", at: *at };
                    let ruling = settings.access.call(&caller, &call);
                    breaks(&property.claim, &caller, &ruling)
                })
            })
        })
    })
}

/// What Cedar files of the small world say.
const STATEMENTS: [&str; 8] = [
    "forbid (principal in Group::\"ga\", action, resource)",
    "forbid (principal == ServicePrincipal::\"p\", action, resource)",
    "permit (principal in Group::\"gb\", action, resource)",
    "permit (principal is User, action, resource) when { context.operation == \"messages\" }",
    "forbid (principal, action, resource) when { context.now < datetime(\"2020-01-01\") }",
    "permit (principal, action, resource) unless { resource.providers.contains(\"demo\") }",
    "forbid (principal, action, resource) when { context.model != \"\" }",
    "forbid (principal, action, resource) when { context.operation == \"models\" }",
];

proptest! {
    #[test]
    fn lists_hold_exactly_where_nobody_breaks_them(drawn in drawn()) {
        let settings = load(&policy_of(&drawn), Path::new(""));
        let proof = proofs(&settings, &[]).remove(0);
        let broken = is_broken(&settings, &drawn.1, &[now()]);
        match proof {
            Proof::Holds(Means::Lists) => prop_assert!(!broken),
            Proof::Fails(Counterexample::Call { caller, ruling, .. }) => {
                prop_assert!(broken);
                prop_assert!(breaks(&settings.properties[0].claim, &caller, &ruling));
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

proptest! {
    // Each starts a program.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_a_solver_proves_nobody_breaks(
        drawn in drawn(),
        said in prop::sample::subsequence(&STATEMENTS[..], 1..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let said = said.iter().enumerate().map(|(n, it)| format!("@id(\"c-{n}\") {it};"));
        let text = said.collect::<Vec<_>>().join("\n");
        std::fs::write(folder.path().join("a.cedar"), &text).unwrap();
        let settings = load(&(policy_of(&drawn) + "cedar: [a.cedar]\n"), folder.path());
        let moments = [now(), "2019-06-01T00:00:00Z".parse().unwrap()];
        let broken = is_broken(&settings, &drawn.1, &moments);
        match proofs(&settings, &[text]).remove(0) {
            Proof::Holds(_) => prop_assert!(!broken),
            // It may be somebody of another name than those of the world, who is no less real.
            Proof::Fails(Counterexample::Call { caller, ruling, .. }) => {
                prop_assert!(breaks(&settings.properties[0].claim, &caller, &ruling));
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}
