//! Values in the manifest of a Kubernetes secret.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity, Span};

use crate::cursor::{Cursor, before};
use crate::detector::{Detector, Findings, Hit};
use crate::secrets::quality::{Classes, is_placeholder};
use crate::text::View;

pub(super) static DETECTOR: KubernetesSecret = KubernetesSecret;

/// Finds the values of a secret's `data`.
pub(super) struct KubernetesSecret;

static META: Meta = Meta {
    id: "kubernetes-secret",
    summary: "A base64 value in the manifest of a Kubernetes secret",
    severity: Severity::High,
    category: Category::Secret,
    label: "SECRET",
    docs: Docs {
        finds: "Base64 values of ten characters or more below `data:` in a YAML document with `kind: Secret` near it, \
                in front or behind, on the line of their name or in a block below it.",
        matters: "Such a manifest is not encrypted: base64 is only a spelling, and everything that a program logs in \
                  with stands in it.",
        example: "`password: aHVudGVyMi1YazkhdlE=` below `data:` becomes `password: <SECRET_1>`.",
        fix: "Mask it, change what it holds, and keep secrets out of manifests: use sealed or external secrets.",
        limits: "`kind:` has to stand within 200 bytes before `data:` or 300 bytes behind its values, in the same \
                 document, and of a long list only the first 300 bytes are read. `stringData` holds plain text, which other \
                 detectors read. JSON manifests are not read.",
    },
    references: &[Reference::Cwe(312), Reference::Cwe(798), Reference::Owasp("LLM02:2025")],
    flags: &[
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  user: YWRtaW4tcXh6\n  password: aHVudGVyMi1YazkhdlE=\n",
        "data:\n  password: aHVudGVyMi1YazkhdlE=\nkind: Secret\n",
        "kind: 'Secret'\ndata:\n    tls.key: |\n        aHVudGVyMi1YazkhdlE9PWFiY2RlZmdo\n",
        "kind: Secret\r\ndata:\r\n  token: \"aHVudGVyMi1YazkhdlE=\"\r\n",
    ],
    passes: &[
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  name: aHVudGVyMi1YazkhdlE=\n",
        "kind: Secret\ndata:\n  password: {{ .Values.password | b64enc }}\n  user: \"\"\n",
        "kind: Secret\n---\nkind: ConfigMap\ndata:\n  name: aHVudGVyMi1YazkhdlE=\n",
        "kind: Secret\nmetadata:\n  name: x\nstringData:\n  user: administrator\n",
        "the data: all of it, kind: Secretive",
        "kind: Secret\ndata:\n  mode: production\n",
    ],
};

const ANCHOR: &str = "data:";
/// The kind of a secret.
const KIND: &[u8] = b"Secret";
/// How far `kind:` may stand before.
const BEFORE_BYTES: usize = 200;
/// How far it may stand behind.
const BEHIND_BYTES: usize = 300;
/// How far the beginning of a value may stand behind `data:`.
const MAX_DATA_BYTES: usize = 300;
/// Most bytes that are read behind `data:`.
const READ_BYTES: usize = MAX_DATA_BYTES + MAX_VALUE_BYTES + BEHIND_BYTES;
/// Most values.
const MAX_VALUES: usize = 64;
/// Longest value.
const MAX_VALUE_BYTES: usize = 2048;
/// Shortest value that is told.
const MIN_VALUE_BYTES: usize = 10;
/// Longest name.
const MAX_NAME_BYTES: usize = 128;

impl Detector for KubernetesSecret {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        vec![ANCHOR.to_owned()]
    }

    fn begins_word(&self, _: usize) -> bool {
        true
    }

    fn look_behind(&self) -> usize {
        BEFORE_BYTES + ANCHOR.len() + MAX_DATA_BYTES + 16
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for hit in hits {
            // `stringData` is no name of its own in all views.
            let glued = before(bytes, hit.start, 1)
                .first()
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
            if glued {
                continue;
            }
            let mut cursor = Cursor::new(bytes, hit.end, READ_BYTES);
            let values = values(&mut cursor);
            let led = tells_secret(last_document(before(bytes, hit.start, BEFORE_BYTES)));
            let told = !values.is_empty() && (led || is_followed(&mut cursor));
            if cursor.starved() {
                findings.undecided(hit.end);
            }
            if told {
                for value in values {
                    findings.push(value.start, value.end, 0.9);
                }
            }
        }
    }
}

/// Takes the lines below `data:`; gives the values that are base64.
fn values(cursor: &mut Cursor<'_>) -> Vec<Span> {
    let mut values = Vec::new();
    let from = cursor.at();
    for _ in 0..MAX_VALUES {
        let line = cursor.at();
        blanks(cursor);
        cursor.eat(b'\r');
        let indent = if cursor.eat(b'\n') { blanks(cursor) } else { 0 };
        let name = cursor.run(MAX_NAME_BYTES, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
        });
        if indent == 0 || name.is_empty() || !cursor.eat(b':') {
            cursor.rewind(line);
            return values;
        }
        blanks(cursor);
        if cursor.eat_if(|byte| matches!(byte, b'|' | b'>')) {
            cursor.run(1, |byte| matches!(byte, b'-' | b'+'));
            cursor.run(64, |byte| byte.is_ascii_whitespace());
        }
        let quote = cursor.peek().filter(|byte| matches!(byte, b'"' | b'\''));
        cursor.run(1, |byte| Some(byte) == quote);
        let start = cursor.at();
        let value = cursor.run(MAX_VALUE_BYTES, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
        });
        let end = cursor.at();
        cursor.run(1, |byte| Some(byte) == quote);
        if start - from > MAX_DATA_BYTES {
            cursor.rewind(line);
            return values;
        }
        let closed = matches!(cursor.peek(), None | Some(b'\n' | b'\r' | b' ' | b'#'));
        if closed && is_value(value) {
            values.push(Span::new(start, end));
        }
        cursor.run(MAX_NAME_BYTES, |byte| !matches!(byte, b'\n' | b'\r'));
    }
    values
}

/// base64 with its padding or without.
const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn is_value(value: &[u8]) -> bool {
    // Without padding a word may be base64 by chance.
    let classes = Classes::of(value);
    let told = value.len().is_multiple_of(4) || (classes.digit && classes.lower && classes.upper);
    told && value.len() >= MIN_VALUE_BYTES
        && ANY_PADDING.decode(value).is_ok()
        && !is_placeholder(value)
}

fn blanks(cursor: &mut Cursor<'_>) -> usize {
    cursor.run(32, |byte| matches!(byte, b' ' | b'\t')).len()
}

/// Whether the kind is told behind the values, in the same document.
fn is_followed(cursor: &mut Cursor<'_>) -> bool {
    let rest = cursor.run(BEHIND_BYTES, |_| true);
    let end = memchr::memmem::find(rest, b"\n---").unwrap_or(rest.len());
    tells_secret(rest.get(..end).unwrap_or_default())
}

fn last_document(lead: &[u8]) -> &[u8] {
    let from = memchr::memmem::rfind(lead, b"\n---").map_or(0, |at| at + 4);
    lead.get(from..).unwrap_or_default()
}

/// Whether a line says `kind: Secret`.
fn tells_secret(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"kind:").any(|at| {
        let rest = text.get(at + 5..).unwrap_or_default().trim_ascii_start();
        let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
        let (word, after) = rest.split_at(rest.len().min(KIND.len()));
        word.eq_ignore_ascii_case(KIND) && !after.first().is_some_and(u8::is_ascii_alphanumeric)
    })
}
