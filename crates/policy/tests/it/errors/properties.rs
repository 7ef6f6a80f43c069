//! Proofs.

use expect_test::expect;

use super::check;

#[test]
fn a_proof_that_is_about_nothing_or_too_much() {
    check(
        r#"version: 1
providers: { d: { demo: {} } }
groups: { staff: [] }
endpoints: { chat: { routes: [{ provider: d }] } }
proofs:
  - { id: p-a, endpoint: chat }
  - { id: p-b, endpoint: chat, only: [staff], never: [staff] }
  - { id: p-c, endpoint: chat, never: [] }
  - { id: p-d, endpoint: [], only: [staff] }
  - { id: p-e, endpoint: chatt, only: [staf] }
  - { id: p-f, endpoint: chat, guarded: { on: [], detect: [] } }
  - { id: p-g, endpoint: chat, guarded: { on: inptu, detect: pi, at-least: refuse } }
  - { id: p-h, endpoint: chat, only: [] }
  - { id: p-h, endpoint: "*", only: [staff] }
  - { id: "no id", endpoint: "*", only: [staff] }
"#,
        expect![[r#""#]],
    );
}

#[test]
fn a_proof_without_its_endpoint() {
    check(
        "version: 1
proofs: [{ id: p-a, only: [], nobody: [] }]
",
        expect![[r#""#]],
    );
}
