//! The report as a whole: order, length, safe printing, log lines.

use bartizan_core::Coded;
use expect_test::expect;

use super::check;
use crate::load;

#[test]
fn a_problem_far_to_the_right() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: keywords, keywords: [word0, word1, word2, word3, word4, word5, word6, word7, word8, word9, word10, word11, word12, word13, word14, word15, word16, word17, word18, word19, word20, word21, word22, word23, word24, word25, word26, word27, word28, word29, word30, word31, word32, word33, word34, word35, word36, word37, word38, word39], action: stop }
",
        expect![[r#"
            error: `stop` is not an action
             --> bartizan.yaml:7:381
              |
            7 | …d37, word38, word39], action: stop }
              |                                ^^^^
            help: known here: `flag`, `mask`, `block`
        "#]],
    );
}

#[test]
fn control_characters_in_a_value() {
    check(
        r#"version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: "in\e[31mput", detect: pii, action: flag }
"#,
        expect![[r#"
            error: no channel is called `in�[31mput`
             --> bartizan.yaml:7:26
              |
            7 |       - { id: g-one, on: "in\e[31mput", detect: pii, action: flag }
              |                          ^^^^^^^^^^^^^
            help: channels are `input`, `user`, `system`, `document`, `tool-result`, `tool-schema`, `tool-call`, `output`
        "#]],
    );
}

#[test]
fn many_problems_in_the_order_of_the_file() {
    check(
        "version: 1
listen: { gateway: here }
providers:
  demo: { demo: { chunk: 99999999 } }
endpoints:
  e:
    routes: [{ provider: dmeo }]
    guardrails:
      - { id: g, on: [inptu], detect: pii, action: flag }
ledger: { segment: big }
",
        expect![[r#"
            error: `here` is not an address to listen on
             --> bartizan.yaml:2:20
              |
            2 | listen: { gateway: here }
              |                    ^^^^
            help: write IP and port, such as `127.0.0.1:8080` or `[::1]:8080`

            error: `chunk` is 99999999, outside 1 to 65536
             --> bartizan.yaml:4:26
              |
            4 |   demo: { demo: { chunk: 99999999 } }
              |                          ^^^^^^^^
            help: write `chunk: 5`

            error: no provider is named `dmeo`
             --> bartizan.yaml:7:26
              |
            7 |     routes: [{ provider: dmeo }]
              |                          ^^^^
            help: did you mean `demo`?

            error: no channel is called `inptu`
             --> bartizan.yaml:9:23
              |
            9 |       - { id: g, on: [inptu], detect: pii, action: flag }
              |                       ^^^^^
            help: did you mean `input`?

            error: `big` is not a size
              --> bartizan.yaml:10:20
               |
            10 | ledger: { segment: big }
               |                    ^^^
            help: write a number with `KiB`, `MiB` or `GiB`, such as `64MiB`
        "#]],
    );
}

#[test]
fn a_problem_in_a_shared_value_once() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  a:
    routes: [{ provider: demo }]
    guardrails: &shared
      - { id: g, on: input, detect: pii, action: stop }
  b:
    routes: [{ provider: demo }]
    guardrails: *shared
",
        expect![[r#"
            error: `stop` is not an action
             --> bartizan.yaml:7:50
              |
            7 |       - { id: g, on: input, detect: pii, action: stop }
              |                                                  ^^^^
            help: known here: `flag`, `mask`, `block`
        "#]],
    );
}

#[test]
fn a_log_line_names_the_first_problem_and_counts_the_rest() {
    let error = load("version: 2\nlisten: { gateway: a, console: b }\n").unwrap_err();
    expect!["bartizan.yaml:1:10: version 2 of the format is not known (and 2 further problems)"]
        .assert_eq(&error.to_string());
    let error = load("version: 2\n").unwrap_err();
    expect!["bartizan.yaml:1:10: version 2 of the format is not known"]
        .assert_eq(&error.to_string());
}

#[test]
fn an_unreadable_file_is_named() {
    use bartizan_policy::{Sources, load_file};
    let path = std::path::Path::new("no/such/bartizan.yaml");
    let sources = Sources::of(&|_| None);
    let error = load_file(path, crate::catalogue::FULL, sources).unwrap_err();
    assert_eq!(error.code(), "bartizan::policy::unreadable");
    expect![[r#"
        error: cannot read the policy file `no/such/bartizan.yaml`: No such file or directory (os error 2)
        help: check the path and its permissions, or write a new file with `bartizan init`
    "#]].assert_eq(&error.render());
}

#[test]
fn problems_beyond_fifty_are_counted() {
    use std::fmt::Write as _;
    let mut text = String::from("version: 1\ngroups:\n");
    for number in 0..60 {
        writeln!(text, "  g{number}: ['sp:']").unwrap();
    }
    let shown = load(&text).unwrap_err().render();
    assert_eq!(shown.matches("error: `sp:`").count(), 50);
    assert!(shown.ends_with("error: 10 further problems are not shown\n"), "{shown}");
}

#[test]
fn a_file_beyond_the_cap_is_refused() {
    let cap = bartizan_core::limits::POLICY_BYTES as usize;
    let error = load(&"#".repeat(cap + 1)).unwrap_err();
    assert_eq!(error.code(), "bartizan::policy::too-large");
}
