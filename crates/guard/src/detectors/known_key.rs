//! Keys and tokens whose issuers gave them a recognisable form, and JSON Web Tokens.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit};
use crate::secrets::{formats, jwt};
use crate::text::View;

pub(super) static DETECTOR: KnownKey = KnownKey;

/// Finds keys by their formats.
pub(super) struct KnownKey;

static META: Meta = Meta {
    id: "known-key",
    summary: "A key, token or webhook in the format of a known service",
    severity: Severity::Critical,
    category: Category::Secret,
    label: "SECRET",
    docs: Docs {
        finds: "Over four hundred formats of clouds, code hosts, model providers, payment, mail and chat services: \
                a fixed prefix, or the name of the service in an assignment, then characters of one alphabet in the \
                right number and random enough. GitHub and npm checksums raise the score. JSON Web Tokens are found \
                by a header that decodes to JSON with `alg`. The placeholder is named after the service.",
        matters: "Whoever reads the text can act as the owner of the key: run models, read repositories, move money.",
        example: "`export GITHUB_TOKEN=ghp_…` becomes `export GITHUB_TOKEN=<GITHUB_TOKEN_1>`.",
        fix: "Mask or block it, and revoke the key: it has been in a prompt. Keep keys out of files that agents read.",
        limits: "Keys without a mark of their own are found only next to the name of their service; short ones only \
                 where the name also says `key`, `token` or the like. Ids that only name an account score 0.4. What \
                 has the format of a key and is a sample is told by `sample-secret`. Whether a key still works is \
                 not checked.",
    },
    references: &[Reference::Cwe(798), Reference::Cwe(200), Reference::Owasp("LLM02:2025")],
    flags: &[
        concat!("aws: AK", "IAQ3ZX7RMPW5KD2LNV"),
        concat!("token gh", "p_wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx."),
        concat!("use sk-", "proj-Xi8tdMjHV6pmbBbwilTe9T3aQbkJ3UDnpdEwNNm6wVBpYM0o please"),
        concat!("curl -H 'Authorization: Bearer da", "pi4f9c02be71d83a65b0e97c2f418ad6e3'"),
        concat!("hooks.slack.com/", "services/T0Q4ZK8RM/B0W7XN2LP/v8Kq2RtYw5ZcJ3nMh7PbXd9L"),
        concat!("datadog_key: \"", "4f9c02be71d83a65b0e97c2f418ad6e3\""),
        concat!("5847201936:", "AAHq7Rk2mZx9Wp4LtVbY8nJc3Ds6GfKe1uQ"),
        concat!("eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.dGhpcyBpcyBub3QgcmVhbA and more"),
        concat!(
            "AccountKey=",
            "lJzRc1YdHaAA2KCNJJ1tkYwF/+mKK6Ygw0NGe170Xu592euJv2wYUtBlV8z+qnlcNQSnIYVTkLWntUO1F8j8rQ==;"
        ),
        concat!(
            "BITBUCKET_",
            "SECRET=",
            "q8Zt2Wv5Kd9Lr3Xn7Pb4Mc6Hq8Zt2Wv5Kd9Lr3Xn7Pb4Mc6HTy1Uo0Ie5Aa9Zb2Q"
        ),
        concat!("hf", "_kQwErTyUiOpAsDfGhJkLzXcVbNmQaZwSxE"),
        concat!("bz", "c_Zr8Kq2Rt_w5ZcJ3nMh7PbXd9LfG4sTvYa1-QeWuIoHs"),
        concat!("key=gh\u{200B}", "p_wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"),
        concat!("gh", "p%5FwWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"),
    ],
    passes: &[
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "a risk-based task-list with desk-research, sk-estimator-doc-link-fitted-and-more-words-here",
        "#sk-container-id-1 div.sk-toggleable__content",
        "eyJBB.eyJCC.eyJDDDD",
        "- (id)hf_requiredCharacteristicTypesForDisplayMetadata;",
        "https://indieweb.org/images/3/35/2018-250-xoxo-indieweb-1.jpg",
        "AIzaSyabcdefghijklmnopqrstuvwxyz1234567",
        "hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "mailchimp = get_key(); vault: s.makeKubeConfigController",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
};

impl Detector for KnownKey {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        let anchors = formats::all().map(|format| format.anchor);
        anchors.chain([jwt::ANCHOR]).map(str::to_owned).collect()
    }

    fn begins_word(&self, literal: usize) -> bool {
        formats::get(literal).is_some_and(formats::Format::begins_word)
    }

    fn look_behind(&self) -> usize {
        formats::LOOK_BEHIND_BYTES
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        for hit in hits {
            let ((found, open), label) = if let Some(format) = formats::get(hit.literal) {
                (format.read(view.bytes(), hit.start, hit.end), format.label)
            } else {
                (jwt::read(view.bytes(), hit.start), "JWT")
            };
            if open {
                findings.undecided(hit.start);
            }
            if let Some(found) = found {
                findings.push_labelled(found.start, found.end, found.score, label);
            }
        }
    }
}
