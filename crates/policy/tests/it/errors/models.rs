//! Models of the policy, and the guardrails that ask them.

use expect_test::expect;

use super::check;

fn model(entry: &str) -> String {
    format!("version: 1\nmodels:\n  mine: {{ {entry} }}\n")
}

fn asking(rest: &str) -> String {
    format!(
        "version: 1
models: {{ mine: {{ path: tiny, labels: [INJECTION] }} }}
providers: {{ demo: {{ demo: {{}} }} }}
endpoints:
  e:
    routes: [{{ provider: demo }}]
    guardrails:
      - {{ id: g-one, on: input, action: block, {rest} }}
"
    )
}

#[test]
fn a_folder_that_is_not_there() {
    check(
        &model("path: nowhere, labels: [INJECTION]"),
        expect![[r#"
        error: there is no such folder
         --> bartizan.yaml:3:17
          |
        3 |   mine: { path: nowhere, labels: [INJECTION] }
          |                 ^^^^^^^
        help: use `tiny`
    "#]],
    );
}

#[test]
fn a_label_that_the_model_does_not_have() {
    check(
        &model("path: tiny, labels: [ATTACK]"),
        expect![[r#"
        error: the model has no such label
         --> bartizan.yaml:3:32
          |
        3 |   mine: { path: tiny, labels: [ATTACK] }
          |                                ^^^^^^
        help: use `tiny`
    "#]],
    );
}

#[test]
fn more_tokens_than_the_model_takes() {
    check(
        &model("path: tiny, labels: [INJECTION], max-tokens: 1024"),
        expect![[r#"
        error: too many tokens
         --> bartizan.yaml:3:56
          |
        3 |   mine: { path: tiny, labels: [INJECTION], max-tokens: 1024 }
          |                                                        ^^^^
        help: use `tiny`
    "#]],
    );
}

#[test]
fn values_out_of_range() {
    check(
        &model("path: tiny, labels: [], threshold: 1, max-tokens: 4, budget: 2m"),
        expect![[r#"
        error: 0 labels stand for an attack
         --> bartizan.yaml:3:31
          |
        3 |   mine: { path: tiny, labels: [], threshold: 1, max-tokens: 4, budget: 2m }
          |                               ^
        help: name 1 to 64 labels of the model, as its `config.json` does

        error: `threshold` is 1, not between 0 and 1
         --> bartizan.yaml:3:46
          |
        3 |   mine: { path: tiny, labels: [], threshold: 1, max-tokens: 4, budget: 2m }
          |                                              ^
        help: write the probability from which the model means an attack, such as 0.5

        error: 4 tokens are too few or too many to read
         --> bartizan.yaml:3:61
          |
        3 |   mine: { path: tiny, labels: [], threshold: 1, max-tokens: 4, budget: 2m }
          |                                                             ^
        help: write `max-tokens` from 16 on; most models take 512

        error: `2m` is not a time to judge in
         --> bartizan.yaml:3:72
          |
        3 |   mine: { path: tiny, labels: [], threshold: 1, max-tokens: 4, budget: 2m }
          |                                                                        ^^
        help: write a number with `ms` or `s`, from `0ms` to `60s`
    "#]],
    );
}

#[test]
fn a_model_that_nobody_named() {
    check(
        &asking("detect: prompt-attack, refine: mein"),
        expect![[r#"
        error: no model is named `mein`
         --> bartizan.yaml:8:79
          |
        8 |       - { id: g-one, on: input, action: block, detect: prompt-attack, refine: mein }
          |                                                                               ^^^^
        help: models of this file: `mine`
    "#]],
    );
}

#[test]
fn a_guardrail_without_the_detector() {
    check(
        &asking("detect: pii, refine: mine"),
        expect![[r#"
        error: `refine` is about `prompt-attack`, which `detect` does not name
         --> bartizan.yaml:8:69
          |
        8 |       - { id: g-one, on: input, action: block, detect: pii, refine: mine }
          |                                                                     ^^^^
        help: add `prompt-attack` to `detect`, or remove `refine`
    "#]],
    );
}

#[test]
fn a_zone_without_scores() {
    check(
        &asking("detect: prompt-attack, refine: { model: mine, from: 0.9, to: 0.2 }"),
        expect![[r#"
            error: no score lies between 0.9 and 0.2
             --> bartizan.yaml:8:79
              |
            8 | …etect: prompt-attack, refine: { model: mine, from: 0.9, to: 0.2 } }
              |                                ^
            help: write `from` below `to`, such as `from: 0.2, to: 0.9`
        "#]],
    );
}

#[test]
fn a_build_that_runs_none_says_how_to_make_one_that_does() {
    use std::path::Path;

    use bartizan_policy::{Catalogue, Sources, load_str};

    let none = Catalogue { models: None, ..crate::catalogue::FULL };
    let text = asking("detect: prompt-attack, refine: mine");
    let sources = Sources::of(&|_| None);
    let error = load_str(&text, "bartizan.yaml", Path::new(""), none, sources).unwrap_err();
    expect![[r#"
        error: this build runs no models of your own; remove `models`, or build it in
         --> bartizan.yaml:2:11
          |
        2 | models: { mine: { path: tiny, labels: [INJECTION] } }
          |           ^^^^
        help: `cargo build --release --package bartizan --features infer`
    "#]]
    .assert_eq(&error.render());
}
