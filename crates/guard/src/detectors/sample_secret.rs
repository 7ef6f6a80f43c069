//! Placeholders and documentation values in the shape of secrets.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use super::connection_secret::sample_in_url;
use crate::cursor::Cursor;
use crate::detector::{Detector, Findings, Hit};
use crate::secrets::formats;
use crate::text::View;

pub(super) static DETECTOR: SampleSecret = SampleSecret;

/// Finds what has the shape of a secret and opens nothing.
pub(super) struct SampleSecret;

static META: Meta = Meta {
    id: "sample-secret",
    summary: "A placeholder or documentation value in the shape of a secret",
    severity: Severity::Info,
    category: Category::Secret,
    label: "SAMPLE_SECRET",
    docs: Docs {
        finds: "What has the format of a key that `known-key` knows and is no live one: values with `EXAMPLE` or the \
                like, counting or repeated characters, `xxxx`, keys that documentation prints; and passwords such as \
                `password` in a URL. Samples score 0.3, values that only show where one goes 0.1.",
        matters: "Test keys should be told apart from live ones, and not be unseen: a sample in production code is a \
                  login that does not work, or one that everybody knows.",
        example: "`AKIAIOSFODNN7EXAMPLE` is reported by a guardrail with `threshold: 0.2`, and passes by default.",
        fix: "Nothing has leaked. To see them, lower the `threshold` of a guardrail with `action: flag`.",
        limits: "All scores lie below the usual threshold of 0.5, so that nothing is done about samples unless a \
                 guardrail asks for it.",
    },
    references: &[Reference::Cwe(1188), Reference::Cwe(798)],
    flags: &[
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "AIzaSyabcdefghijklmnopqrstuvwxyz1234567",
        "hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "token=ghp_xxxxxxxx and more",
        "ABIAZZZZZZZZZZZZZZZZ",
        "postgres://user:password@localhost/db",
        concat!("AIza", "Syq8Zt2Wv5Kd9LE-X-A-M-PL-E-r3Xn7Pb4Mc6HTy1Uo0Ie5"),
    ],
    passes: &[
        concat!("token gh", "p_wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx."),
        "postgres://app:Zx81-nine@db.example.com/prod",
        "postgres://app:${DB_PASS}@db/prod",
        "AKIAZZZ and ghp_ and sk-learn, an example of a sample",
        "https://example.com/docs:intro@2.0",
    ],
};

/// How credentials in a URL begin.
const URL: &str = "://";
/// Score of a password that says what it is.
const PLAIN: f32 = 0.1;
/// Most bytes of a URL that are read.
const MAX_URL_BYTES: usize = 256;

impl Detector for SampleSecret {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        formats::all().map(|format| format.anchor).chain([URL]).map(str::to_owned).collect()
    }

    fn begins_word(&self, literal: usize) -> bool {
        formats::get(literal).is_some_and(formats::Format::begins_word)
    }

    fn look_behind(&self) -> usize {
        formats::LOOK_BEHIND_BYTES
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        for hit in hits {
            if let Some(format) = formats::get(hit.literal) {
                let (found, open) = format.read_sample(view.bytes(), hit.start, hit.end);
                if open {
                    findings.undecided(hit.start);
                }
                if let Some(found) = found {
                    findings.push(found.start, found.end, found.score);
                }
                continue;
            }
            let mut cursor = Cursor::new(view.bytes(), hit.end, MAX_URL_BYTES);
            let found = sample_in_url(&mut cursor);
            if cursor.starved() {
                findings.undecided(hit.end);
            }
            if let Some((start, end)) = found {
                findings.push(start, end, PLAIN);
            }
        }
    }
}
