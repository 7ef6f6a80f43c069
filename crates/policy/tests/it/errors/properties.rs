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
        expect![[r#"
            error: a proof is about one of `only`, `never`, `always` and `guarded`
             --> bartizan.yaml:6:5
              |
            6 |   - { id: p-a, endpoint: chat }
              |     ^
            help: keep one of them, and add an entry for each other

            error: a proof is about one of `only`, `never`, `always` and `guarded`
             --> bartizan.yaml:7:5
              |
            7 |   - { id: p-b, endpoint: chat, only: [staff], never: [staff] }
              |     ^
            help: keep one of them, and add an entry for each other

            error: `never` names nobody
             --> bartizan.yaml:8:39
              |
            8 |   - { id: p-c, endpoint: chat, never: [] }
              |                                       ^
            help: name groups or principals

            error: this is about no endpoint
             --> bartizan.yaml:9:26
              |
            9 |   - { id: p-d, endpoint: [], only: [staff] }
              |                          ^
            help: name one of `endpoints:`

            error: no endpoint is named `chatt`
              --> bartizan.yaml:10:26
               |
            10 |   - { id: p-e, endpoint: chatt, only: [staf] }
               |                          ^^^^^
            help: did you mean `chat`?

            error: no group is named `staf`
              --> bartizan.yaml:10:40
               |
            10 |   - { id: p-e, endpoint: chatt, only: [staf] }
               |                                        ^^^^
            help: did you mean `staff`?

            error: `on` names no channel
              --> bartizan.yaml:11:47
               |
            11 |   - { id: p-f, endpoint: chat, guarded: { on: [], detect: [] } }
               |                                               ^
            help: write `on: [input, output]`

            error: `detect` names nothing to look for
              --> bartizan.yaml:11:59
               |
            11 |   - { id: p-f, endpoint: chat, guarded: { on: [], detect: [] } }
               |                                                           ^
            help: write `detect: pii`

            error: no channel is called `inptu`
              --> bartizan.yaml:12:47
               |
            12 |   - { id: p-g, endpoint: chat, guarded: { on: inptu, detect: pi, at-least: refuse } }
               |                                               ^^^^^
            help: did you mean `input`?

            error: no detector or category is called `pi`
              --> bartizan.yaml:12:62
               |
            12 |   - { id: p-g, endpoint: chat, guarded: { on: inptu, detect: pi, at-least: refuse } }
               |                                                              ^^
            help: did you mean `pii`?

            error: `refuse` is not an action
              --> bartizan.yaml:12:76
               |
            12 |   - { id: p-g, endpoint: chat, guarded: { on: inptu, detect: pi, at-least: refuse } }
               |                                                                            ^^^^^^
            help: known here: `flag`, `mask`, `block`

            error: two proofs have the id `p-h`
              --> bartizan.yaml:14:11
               |
            14 |   - { id: p-h, endpoint: "*", only: [staff] }
               |           ^^^
            help: give each its own

            error: `no id` cannot be the id of a proof: ` ` is not allowed here; use a-z, 0-9 and `-`
              --> bartizan.yaml:15:11
               |
            15 |   - { id: "no id", endpoint: "*", only: [staff] }
               |           ^^^^^^^
            help: write it like `p-staff`
        "#]],
    );
}

#[test]
fn a_proof_without_its_endpoint() {
    check(
        "version: 1
proofs: [{ id: p-a, only: [], nobody: [] }]
",
        expect![[r#"
            error: unknown key `nobody`
             --> bartizan.yaml:2:31
              |
            2 | proofs: [{ id: p-a, only: [], nobody: [] }]
              |                               ^^^^^^
            help: known here: `id`, `endpoint`, `only`, `never`, `always`, `guarded`
        "#]],
    );
}
