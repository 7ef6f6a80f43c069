//! Mistakes in `inference-log:`.

use expect_test::expect;

use super::check;

#[test]
fn times_shares_and_words_that_are_none() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  a: { routes: [{ provider: demo }], inference-log: { keep: 59m } }
  b: { routes: [{ provider: demo }], inference-log: { keep: 4000d, share: 0% } }
  c: { routes: [{ provider: demo }], inference-log: { share: 101%, on-failure: withold } }
  d: { routes: [{ provider: demo }], inference-log: { share: half } }
",
        expect![[r#"
            error: `59m` is not a time to keep exchanges
             --> bartizan.yaml:4:61
              |
            4 |   a: { routes: [{ provider: demo }], inference-log: { keep: 59m } }
              |                                                             ^^^
            help: write hours or days, from `1h` to `3653d`

            error: `4000d` is not a time to keep exchanges
             --> bartizan.yaml:5:61
              |
            5 |   b: { routes: [{ provider: demo }], inference-log: { keep: 4000d, share: 0% } }
              |                                                             ^^^^^
            help: write hours or days, from `1h` to `3653d`

            error: `0%` is not a share of exchanges
             --> bartizan.yaml:5:75
              |
            5 |   b: { routes: [{ provider: demo }], inference-log: { keep: 4000d, share: 0% } }
              |                                                                           ^^
            help: write `1%` to `100%`

            error: `101%` is not a share of exchanges
             --> bartizan.yaml:6:62
              |
            6 |   c: { routes: [{ provider: demo }], inference-log: { share: 101%, on-failure: withold } }
              |                                                              ^^^^
            help: write `1%` to `100%`

            error: `withold` is not a way to fail
             --> bartizan.yaml:6:80
              |
            6 |   c: { routes: [{ provider: demo }], inference-log: { share: 101%, on-failure: withold } }
              |                                                                                ^^^^^^^
            help: did you mean `withhold`?

            error: `half` is not a share of exchanges
             --> bartizan.yaml:7:62
              |
            7 |   d: { routes: [{ provider: demo }], inference-log: { share: half } }
              |                                                              ^^^^
            help: write `1%` to `100%`
        "#]],
    );
}

#[test]
fn raw_text_is_not_kept() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  a: { routes: [{ provider: demo }], inference-log: { text: raw } }
",
        expect![[r#"
            error: unknown key `text`
             --> bartizan.yaml:4:55
              |
            4 |   a: { routes: [{ provider: demo }], inference-log: { text: raw } }
              |                                                       ^^^^
            help: known here: `keep`, `share`, `on-failure`
        "#]],
    );
}

#[test]
fn an_inference_log_without_braces() {
    check(
        "version: 1
providers: { demo: { demo: {} } }
endpoints:
  a: { routes: [{ provider: demo }], inference-log: true }
",
        expect![[r#"
            error: expected a map of keys
             --> bartizan.yaml:4:53
              |
            4 |   a: { routes: [{ provider: demo }], inference-log: true }
              |                                                     ^^^^
        "#]],
    );
}

#[test]
fn sizes_that_do_not_fit_together() {
    check(
        "version: 1\ninference-log: { segment: 64KiB }\n",
        expect![[r#"
        error: a segment of the inference log has 1MiB to 1GiB
         --> bartizan.yaml:2:27
          |
        2 | inference-log: { segment: 64KiB }
          |                           ^^^^^
        help: write `segment: 64MiB`
    "#]],
    );
    check(
        "version: 1\ninference-log: { segment: 64MiB, total: 100MiB }\n",
        expect![[r#"
        error: the whole inference log is smaller than two segments of it
         --> bartizan.yaml:2:41
          |
        2 | inference-log: { segment: 64MiB, total: 100MiB }
          |                                         ^^^^^^
        help: give `total` more, or `segment` less
    "#]],
    );
    check(
        "version: 1\ninference-log: { keep: 30d }\n",
        expect![[r#"
        error: unknown key `keep`
         --> bartizan.yaml:2:18
          |
        2 | inference-log: { keep: 30d }
          |                  ^^^^
        help: known here: `segment`, `total`
    "#]],
    );
}
