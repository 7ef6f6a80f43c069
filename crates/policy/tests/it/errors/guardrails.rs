//! Guardrails: channels, detectors, actions.

use expect_test::expect;

use super::check;

#[test]
fn an_unknown_action() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: pii, action: msak }
",
        expect![[r#"
            error: `msak` is not an action
             --> bartizan.yaml:7:54
              |
            7 |       - { id: g-one, on: input, detect: pii, action: msak }
              |                                                      ^^^^
            help: did you mean `mask`?
        "#]],
    );
}

#[test]
fn an_unknown_mode() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: pii, action: flag, mode: shadow }
",
        expect![[r#"
            error: `shadow` is not a mode
             --> bartizan.yaml:7:66
              |
            7 |       - { id: g-one, on: input, detect: pii, action: flag, mode: shadow }
              |                                                                  ^^^^^^
            help: known here: `enforce`, `dry-run`
        "#]],
    );
}

#[test]
fn an_unknown_channel() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: [inputs, prompt], detect: pii, action: flag }
",
        expect![[r#"
            error: no channel is called `inputs`
             --> bartizan.yaml:7:27
              |
            7 |       - { id: g-one, on: [inputs, prompt], detect: pii, action: flag }
              |                           ^^^^^^
            help: did you mean `input`?

            error: no channel is called `prompt`
             --> bartizan.yaml:7:35
              |
            7 |       - { id: g-one, on: [inputs, prompt], detect: pii, action: flag }
              |                                   ^^^^^^
            help: channels are `input`, `user`, `system`, `document`, `tool-result`, `tool-schema`, `tool-call`, `output`
        "#]],
    );
}

#[test]
fn an_unknown_detector() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: [pii, secrets, e-mail], action: flag }
",
        expect![[r#"
            error: no detector or category is called `secrets`
             --> bartizan.yaml:7:47
              |
            7 |       - { id: g-one, on: input, detect: [pii, secrets, e-mail], action: flag }
              |                                               ^^^^^^^
            help: did you mean `secret`?

            error: no detector or category is called `e-mail`
             --> bartizan.yaml:7:56
              |
            7 |       - { id: g-one, on: input, detect: [pii, secrets, e-mail], action: flag }
              |                                                        ^^^^^^
            help: did you mean `email`?
        "#]],
    );
}

#[test]
fn an_unknown_detector_unlike_any() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: cats, action: flag }
",
        expect![[r#"
            error: no detector or category is called `cats`
             --> bartizan.yaml:7:41
              |
            7 |       - { id: g-one, on: input, detect: cats, action: flag }
              |                                         ^^^^
            help: known here: `prompt-injection`, `jailbreak`, `disguise`, `pii`, `secret`, `unsafe-content`, `exfiltration`, `markup`, `terminal`, `prompt-leak`, `flood`, `code-injection`, `keywords`, `patterns`, `topics`, `size`, `links`, `packages`, `email`, `iban`, `credit-card`, `api-key`, `instruction-override`, `prompt-attack`, …
        "#]],
    );
}

#[test]
fn thresholds_of_detectors_that_are_not_asked() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: unsafe-content, categories: [hate], thresholds: { violense: 2 }, action: flag }
",
        expect![[r#"
            error: `violense` is no detector that `detect` names here
             --> bartizan.yaml:7:91
              |
            7 | …gories: [hate], thresholds: { violense: 2 }, action: flag }
              |                                ^^^^^^^^
            help: `detect` gives `hate`

            error: `violense` is 2, outside 0 to 1
             --> bartizan.yaml:7:101
              |
            7 | …ate], thresholds: { violense: 2 }, action: flag }
              |                                ^
            help: higher means surer; the default is 0.5
        "#]],
    );
}

#[test]
fn an_entity_of_another_category() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: pii, entities: [e-mail, api-key], action: mask }
",
        expect![[r#"
            error: `e-mail` is no detector that `detect` names here
             --> bartizan.yaml:7:57
              |
            7 |       - { id: g-one, on: input, detect: pii, entities: [e-mail, api-key], action: mask }
              |                                                         ^^^^^^
            help: did you mean `email`?

            error: `api-key` is no detector that `detect` names here
             --> bartizan.yaml:7:65
              |
            7 |       - { id: g-one, on: input, detect: pii, entities: [e-mail, api-key], action: mask }
              |                                                                 ^^^^^^^
            help: `detect` gives `email`, `iban`, `credit-card`, `date-time`
        "#]],
    );
}

#[test]
fn keywords_without_words() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: keywords, action: block }
",
        expect![[r#"
            error: `detect: keywords` needs `keywords:` beside it
             --> bartizan.yaml:7:41
              |
            7 |       - { id: g-one, on: input, detect: keywords, action: block }
              |                                         ^^^^^^^^
            help: add `keywords:`
        "#]],
    );
}

#[test]
fn words_without_keywords() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: pii, keywords: [a], action: block }
",
        expect![[r#"
            error: `keywords` is read only with `detect: keywords`
             --> bartizan.yaml:7:56
              |
            7 |       - { id: g-one, on: input, detect: pii, keywords: [a], action: block }
              |                                                        ^
            help: write `detect: keywords`, or remove `keywords`
        "#]],
    );
}

#[test]
fn a_form_in_a_list() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: [pii, size], max-bytes: 9, action: block }
",
        expect![[r#"
            error: `size` cannot stand in a list with others
             --> bartizan.yaml:7:47
              |
            7 |       - { id: g-one, on: input, detect: [pii, size], max-bytes: 9, action: block }
              |                                               ^^^^
            help: give it a guardrail of its own
        "#]],
    );
}

#[test]
fn a_pattern_without_bound() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: patterns, patterns: ['ab+', '(?=x)y', '^a', '(', 'a{2000}'], action: block }
",
        expect![[r#"
            error: pattern `ab+` has no longest match
             --> bartizan.yaml:7:62
              |
            7 | … detect: patterns, patterns: ['ab+', '(?=x)y', '^a', '(', 'a{2000}'], action: block }
              |                                ^^^^^
            help: give repetitions a bound: `{0,64}` for `*`, `{1,64}` for `+`

            error: pattern `(?=x)y` uses look-around, which takes more than linear time
             --> bartizan.yaml:7:69
              |
            7 | …: patterns, patterns: ['ab+', '(?=x)y', '^a', '(', 'a{2000}'], action: block }
              |                                ^^^^^^^^
            help: match the surroundings themselves, or use `\b`

            error: pattern `^a` uses an anchor (`^`, `$`, `\A`, `\z`)
             --> bartizan.yaml:7:79
              |
            7 | …, patterns: ['ab+', '(?=x)y', '^a', '(', 'a{2000}'], action: block }
              |                                ^^^^
            help: a stream has no start or end to see; use `\b` or write what stands beside

            error: `(` is not a regular expression: unclosed group
             --> bartizan.yaml:7:85
              |
            7 | …erns: ['ab+', '(?=x)y', '^a', '(', 'a{2000}'], action: block }
              |                                ^^^
            help: quote the pattern with '…' so that YAML leaves backslashes alone

            error: pattern `a{2000}` can match 2000 bytes, at most 1024 may be
             --> bartizan.yaml:7:90
              |
            7 | … ['ab+', '(?=x)y', '^a', '(', 'a{2000}'], action: block }
              |                                ^^^^^^^^^
            help: use smaller bounds; `[0-9A-Za-z_]` takes one byte where `\w` may take four
        "#]],
    );
}

#[test]
fn restore_without_mask() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: pii, action: block, restore: true }
",
        expect![[r#"
            error: `restore` puts masked values back, and this guardrail masks nothing
             --> bartizan.yaml:7:70
              |
            7 |       - { id: g-one, on: input, detect: pii, action: block, restore: true }
              |                                                                      ^^^^
            help: write `action: mask`, or remove `restore`
        "#]],
    );
}

#[test]
fn a_threshold_out_of_range() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: pii, action: flag, threshold: 1.5 }
",
        expect![[r#"
            error: `threshold` is 1.5, outside 0 to 1
             --> bartizan.yaml:7:71
              |
            7 |       - { id: g-one, on: input, detect: pii, action: flag, threshold: 1.5 }
              |                                                                       ^^^
            help: higher means surer; the default is 0.5
        "#]],
    );
}

#[test]
fn a_boolean_in_words() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: pii, action: mask, restore: yes }
",
        expect![[r#"
            error: expected `true` or `false`
             --> bartizan.yaml:7:69
              |
            7 |       - { id: g-one, on: input, detect: pii, action: mask, restore: yes }
              |                                                                     ^^^
        "#]],
    );
}

#[test]
fn a_wrong_id() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: G_One, on: input, detect: pii, action: flag }
",
        expect![[r#"
            error: `G_One` cannot be the id of a rule: `G` is not allowed here; use a-z, 0-9 and `-`
             --> bartizan.yaml:7:15
              |
            7 |       - { id: G_One, on: input, detect: pii, action: flag }
              |               ^^^^^
            help: write it like `g-pii`
        "#]],
    );
}

#[test]
fn a_map_where_words_are_due() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: { pii: true }, action: flag }
",
        expect![[r#"
            error: expected a word or a list of words, found a map of keys
             --> bartizan.yaml:7:41
              |
            7 |       - { id: g-one, on: input, detect: { pii: true }, action: flag }
              |                                         ^
        "#]],
    );
}

#[test]
fn a_number_where_words_are_due() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: 5, detect: pii, action: flag }
",
        expect![[r#"
            error: expected a word or a list of words, found a number
             --> bartizan.yaml:7:22
              |
            7 |       - { id: g-one, on: 5, detect: pii, action: flag }
              |                      ^^
        "#]],
    );
}

#[test]
fn a_number_too_large() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - { id: g-one, on: input, detect: size, max-bytes: 99999999999999999999, action: flag }
",
        expect![[r#"
            error: expected a whole number
             --> bartizan.yaml:7:58
              |
            7 |       - { id: g-one, on: input, detect: size, max-bytes: 99999999999999999999, action: flag }
              |                                                          ^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
}

#[test]
fn exceptions_that_cannot_count() {
    check(
        r"version: 1
providers: { demo: { demo: {} } }
endpoints:
  e:
    routes: [{ provider: demo }]
    guardrails:
      - id: g-one
        on: input
        detect: [email, iban]
        action: block
        allow:
          - { literal: bob@example.com, pattern: '[a-z]{1,9}', reason: both }
          - { literal: bob@example.com, reason: because bob@example.com is ours }
          - { literal: bob@example.com, reason: ours, expires: 2027-02-30 }
          - { pattern: '[a-z]+', reason: any }
        except:
          - { principal: bob@example.com, rule: emial, reason: tester }
          - { group: nobody, rule: email, reason: tester }
          - { rule: email, reason: everybody }
",
        expect![[r#"
            error: one of `literal` and `pattern` is needed
              --> bartizan.yaml:12:13
               |
            12 |           - { literal: bob@example.com, pattern: '[a-z]{1,9}', reason: both }
               |             ^
            help: write the exact text as `literal`

            error: `reason` repeats the text that passes, and events repeat the reason
              --> bartizan.yaml:13:49
               |
            13 |           - { literal: bob@example.com, reason: because bob@example.com is ours }
               |                                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            help: say why, and not what

            error: `2027-02-30` is no day
              --> bartizan.yaml:14:64
               |
            14 |           - { literal: bob@example.com, reason: ours, expires: 2027-02-30 }
               |                                                                ^^^^^^^^^^
            help: write it as `expires: 2027-01-31`

            error: pattern `[a-z]+` has no longest match
              --> bartizan.yaml:15:24
               |
            15 |           - { pattern: '[a-z]+', reason: any }
               |                        ^^^^^^^^
            help: give repetitions a bound: `{0,64}` for `*`, `{1,64}` for `+`

            error: `emial` is no detector of this guardrail
              --> bartizan.yaml:17:49
               |
            17 |           - { principal: bob@example.com, rule: emial, reason: tester }
               |                                                 ^^^^^
            help: did you mean `email`?

            error: no group is named `nobody`
              --> bartizan.yaml:18:22
               |
            18 |           - { group: nobody, rule: email, reason: tester }
               |                      ^^^^^^
            help: add it to `groups:`; a person is written with `@`, a program as `sp:NAME`

            error: one of `principal` and `group` is needed
              --> bartizan.yaml:19:13
               |
            19 |           - { rule: email, reason: everybody }
               |             ^
            help: write `principal: alice@example.com`
        "#]],
    );
}
