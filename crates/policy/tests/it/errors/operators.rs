//! Operators, and the key that they need.

use expect_test::expect;

use super::check;

/// A policy with one guardrail, whose rest is given.
fn guardrail(top: &str, rest: &str) -> String {
    format!(
        "version: 1
{top}providers: {{ demo: {{ demo: {{}} }} }}
endpoints:
  e:
    routes: [{{ provider: demo }}]
    guardrails:
      - {{ id: g-one, on: input, {rest} }}
"
    )
}

const KEY: &str = "mask-key: env:MASK_KEY\n";

#[test]
fn an_unknown_operator() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: mask"),
        expect![[r#"
        error: `mask` is not an operator
         --> bartizan.yaml:7:70
          |
        7 |       - { id: g-one, on: input, detect: pii, action: mask, operator: mask }
          |                                                                      ^^^^
        help: did you mean `partial`?
    "#]],
    );
}

#[test]
fn a_misspelt_operator() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: redcat"),
        expect![[r#"
        error: `redcat` is not an operator
         --> bartizan.yaml:7:70
          |
        7 |       - { id: g-one, on: input, detect: pii, action: mask, operator: redcat }
          |                                                                      ^^^^^^
        help: did you mean `redact`?
    "#]],
    );
}

#[test]
fn an_operator_that_needs_a_key() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: hash"),
        expect![[r#"
        error: `hash` needs a key, and the file names none
         --> bartizan.yaml:7:70
          |
        7 |       - { id: g-one, on: input, detect: pii, action: mask, operator: hash }
          |                                                                      ^^^^
        help: add `mask-key: env:BARTIZAN_MASK_KEY` at the top, and put there what `openssl rand -base64 32` prints
    "#]],
    );
}

#[test]
fn an_operator_where_nothing_is_masked() {
    check(
        &guardrail("", "detect: pii, action: block, operator: redact"),
        expect![[r#"
        error: `operator` says how to mask, and this guardrail masks nothing
         --> bartizan.yaml:7:71
          |
        7 |       - { id: g-one, on: input, detect: pii, action: block, operator: redact }
          |                                                                       ^^^^^^
        help: write `action: mask`, or remove `operator`
    "#]],
    );
}

#[test]
fn an_operator_that_needs_a_text() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: replace"),
        expect![[r#"
        error: `replace` needs the text to write
         --> bartizan.yaml:7:70
          |
        7 |       - { id: g-one, on: input, detect: pii, action: mask, operator: replace }
          |                                                                      ^^^^^^^
        help: write `operator: { replace: "[hidden]" }`
    "#]],
    );
}

#[test]
fn settings_of_an_operator_that_has_none() {
    check(
        &guardrail(KEY, "detect: pii, action: mask, operator: { hash: { key: env:MASK_KEY } }"),
        expect![[r#"
            error: `hash` has no settings of its own
             --> bartizan.yaml:8:72
              |
            8 | …ii, action: mask, operator: { hash: { key: env:MASK_KEY } } }
              |                                ^^^^
            help: write `operator: hash`; its key is `mask-key` at the top of the file
        "#]],
    );
}

#[test]
fn two_operators_at_once() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: { replace: x, partial: {} }"),
        expect![[r#"
            error: one key says which operator it is
             --> bartizan.yaml:7:70
              |
            7 |       - { id: g-one, on: input, detect: pii, action: mask, operator: { replace: x, partial: {} } }
              |                                                                      ^
            help: keep one of `replace` and `partial`
        "#]],
    );
}

#[test]
fn an_unknown_operator_with_settings() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: { replac: x }"),
        expect![[r#"
        error: unknown key `replac`
         --> bartizan.yaml:7:72
          |
        7 |       - { id: g-one, on: input, detect: pii, action: mask, operator: { replac: x } }
          |                                                                        ^^^^^^
        help: did you mean `replace`?
    "#]],
    );
}

#[test]
fn an_empty_replacement() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: { replace: \"\" }"),
        expect![[r#"
            error: `replace` takes 1 to 200 bytes, without line breaks
             --> bartizan.yaml:7:81
              |
            7 |       - { id: g-one, on: input, detect: pii, action: mask, operator: { replace: "" } }
              |                                                                                 ^^
            help: `operator: redact` writes nothing at all
        "#]],
    );
}

#[test]
fn a_replacement_that_a_value_would_replace() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: { replace: \"<MAIL_1>\" }"),
        expect![[r#"
            error: `<MAIL_1>` looks like a placeholder, and a value would stand there in the answer
             --> bartizan.yaml:7:81
              |
            7 |       - { id: g-one, on: input, detect: pii, action: mask, operator: { replace: "<MAIL_1>" } }
              |                                                                                 ^^^^^^^^^^
            help: write `operator: label`, or a text without `<…_1>`
        "#]],
    );
}

#[test]
fn a_sign_that_is_a_letter() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: { partial: { last: 4, with: x } }"),
        expect![[r#"
            error: `x` cannot stand for a hidden character
             --> bartizan.yaml:7:98
              |
            7 | …: { partial: { last: 4, with: x } } }
              |                                ^
            help: write one sign that is no letter and no digit, such as `*` or `•`
        "#]],
    );
}

#[test]
fn too_many_characters_kept() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: { partial: { last: 65 } }"),
        expect![[r#"
            error: `last` is 65, outside 0 to 64
             --> bartizan.yaml:7:89
              |
            7 |       - { id: g-one, on: input, detect: pii, action: mask, operator: { partial: { last: 65 } } }
              |                                                                                         ^^
            help: no more than half of a value is shown in any case
        "#]],
    );
}

#[test]
fn an_operator_that_keeps_a_part_of_an_attack() {
    check(
        &guardrail("", "detect: [pii, exfiltration], action: mask, operator: partial"),
        expect![[r#"
            error: `partial` is for data, and this guardrail looks for `exfiltration`, too
             --> bartizan.yaml:7:86
              |
            7 |       - { id: g-one, on: input, detect: [pii, exfiltration], action: mask, operator: partial }
              |                                                                                      ^^^^^^^
            help: give it a guardrail of its own, or an entry of `operators` for `pii` or `secret`
        "#]],
    );
}

#[test]
fn an_operator_of_a_detector_that_is_not_asked() {
    check(
        &guardrail("", "detect: pii, action: mask, operators: { iban-code: redact }"),
        expect![[r#"
            error: `iban-code` is nothing that this guardrail looks for
             --> bartizan.yaml:7:73
              |
            7 |       - { id: g-one, on: input, detect: pii, action: mask, operators: { iban-code: redact } }
              |                                                                         ^^^^^^^^^
            help: `detect` gives `email`, `iban`, `credit-card`
        "#]],
    );
}

#[test]
fn operators_of_detectors_where_there_are_none() {
    check(
        &guardrail(
            "",
            "detect: keywords, keywords: [a], action: mask, operators: { email: redact }",
        ),
        expect![[r#"
            error: `operators` is for guardrails that ask several detectors
             --> bartizan.yaml:7:91
              |
            7 | …[a], action: mask, operators: { email: redact } }
              |                                ^
            help: write `operator`
        "#]],
    );
}

#[test]
fn restoring_what_leads_nowhere() {
    check(
        &guardrail(KEY, "detect: pii, action: mask, operator: hash, restore: true"),
        expect![[r#"
            error: `restore` puts masked values back, and nothing leads back from what `hash` writes
             --> bartizan.yaml:8:85
              |
            8 |       - { id: g-one, on: input, detect: pii, action: mask, operator: hash, restore: true }
              |                                                                                     ^^^^
            help: write `operator: placeholder` or `operator: encrypt`, or remove `restore`
        "#]],
    );
}

#[test]
fn an_operator_of_another_kind() {
    check(
        &guardrail("", "detect: pii, action: mask, operator: [redact]"),
        expect![[r#"
        error: expected the name of an operator, or a map with one as its key, found a list
         --> bartizan.yaml:7:60
          |
        7 |       - { id: g-one, on: input, detect: pii, action: mask, operator: [redact] }
          |                                                            ^^^^^^^^
    "#]],
    );
}

#[test]
fn a_key_that_is_easy_to_guess() {
    check(
        &guardrail("mask-key: env:SHORT\n", "detect: pii, action: mask, operator: hash"),
        expect![[r#"
            error: the key behind `env:SHORT` is too easy to guess: it takes 32 characters, and not the same few
             --> bartizan.yaml:2:11
              |
            2 | mask-key: env:SHORT
              |           ^^^^^^^^^
            help: make one with `openssl rand -base64 32`, and keep it: what it wrote cannot be read without it
        "#]],
    );
}

#[test]
fn a_key_that_is_not_there() {
    check(
        &guardrail("mask-key: env:NO_SUCH_KEY\n", "detect: pii, action: mask, operator: hash"),
        expect![[r#"
            error: the environment variable `NO_SUCH_KEY` is not set
             --> bartizan.yaml:2:11
              |
            2 | mask-key: env:NO_SUCH_KEY
              |           ^^^^^^^^^^^^^^^
            help: set it (`export NO_SUCH_KEY=…`) or remove what needs it
        "#]],
    );
}

#[test]
fn a_key_written_out() {
    check(
        &guardrail("mask-key: VERYSECRET-VERYSECRET-0123456789\n", "detect: pii, action: mask"),
        expect![[r#"
            error: `mask-key` holds a credential itself
             --> bartizan.yaml:2:11
              |
            2 | mask-key: ••••••••••••••••••••••••••••••••
              |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: keep it out of the policy: write `mask-key: env:NAME`, `mask-key: file:PATH` or `mask-key: secret:NAME`
        "#]],
    );
}

#[test]
fn a_sign_that_nobody_sees() {
    check(
        &guardrail(
            "",
            r#"detect: pii, action: mask, operator: { partial: { last: 4, with: "\u200b" } }"#,
        ),
        expect![[r#"
            error: nobody sees `U+200B`
             --> bartizan.yaml:7:98
              |
            7 | …: { partial: { last: 4, with: "\u200b" } } }
              |                                ^^^^^^^^
            help: write one sign that is no letter and no digit, such as `*` or `•`
        "#]],
    );
    check(
        &guardrail(
            "",
            r#"detect: pii, action: mask, operator: { partial: { last: 4, with: "\u0301" } }"#,
        ),
        expect![[r#"
            error: nobody sees `U+0301`
             --> bartizan.yaml:7:98
              |
            7 | …: { partial: { last: 4, with: "\u0301" } } }
              |                                ^^^^^^^^
            help: write one sign that is no letter and no digit, such as `*` or `•`
        "#]],
    );
}
