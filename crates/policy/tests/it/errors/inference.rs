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
        expect![[""]],
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
        expect![[""]],
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
        expect![[""]],
    );
}

#[test]
fn sizes_that_do_not_fit_together() {
    check("version: 1\ninference-log: { segment: 64KiB }\n", expect![[""]]);
    check("version: 1\ninference-log: { segment: 64MiB, total: 100MiB }\n", expect![[""]]);
    check("version: 1\ninference-log: { keep: 30d }\n", expect![[""]]);
}
