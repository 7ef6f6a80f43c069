//! E-mail addresses: RFC 5321 mailboxes without quoting, with a plausible top-level domain.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: Email = Email;

/// Finds e-mail addresses.
pub(super) struct Email;

static META: Meta = Meta {
    id: "email",
    summary: "An e-mail address",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "EMAIL_ADDRESS",
    docs: Docs {
        finds: "A mailbox with a domain: up to 64 characters of letters, digits and `.!#$%&'*+/=?^_`{|}~-`, \
                an `@`, and a domain of at least two labels whose last has two or more letters.",
        matters: "An address identifies a person and links records about them across systems.",
        example: "`write to alice@example.com` becomes `write to <EMAIL_ADDRESS_1>`.",
        fix: "Mask it before it reaches a model that need not know it; restore it in the answer with `restore: true`.",
        limits: "Quoted local parts (`\"a b\"@example.com`) and addresses without a dot in the domain are not found. \
                 Spelled-out forms (`alice at example dot com`) are not found.",
    },
    references: &[
        Reference::Spec("RFC 5321 section 4.1.2"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "write to alice@example.com",
        "<bob.smith+tag@mail.example.co.uk>",
        "ａｌｉｃｅ@ｅｘａｍｐｌｅ.com",
        "alice%40example.com",
    ],
    passes: &["meet me @ the office", "user@localhost", "see @types/node@20.1.0", "a@b"],
};

/// Longest local part (RFC 5321 section 4.5.3.1.1), in bytes.
const LOCAL_BYTES: usize = 64;
/// Longest domain (RFC 5321 section 4.5.3.1.2), in bytes.
const DOMAIN_BYTES: usize = 255;

impl Detector for Email {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn look_behind(&self) -> usize {
        LOCAL_BYTES + 1
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for at in memchr::memchr_iter(b'@', bytes) {
            let local = local_part(bytes, at);
            if local == 0 {
                continue;
            }
            let start = at - local;
            let (domain, open) = domain(bytes, at + 1);
            if open {
                findings.undecided(start);
            }
            if let Some(len) = domain {
                findings.push(start, at + 1 + len, 1.0);
            }
        }
        // Whatever the text ends with may turn out to be the local part of an address.
        findings.undecided(bytes.len() - local_part(bytes, bytes.len()));
    }
}

/// Length of the local part that ends at `end`.
fn local_part(bytes: &[u8], end: usize) -> usize {
    let run = bytes
        .iter()
        .take(end)
        .rev()
        .take(LOCAL_BYTES)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(byte))
        .count();
    let local = bytes.get(end - run..end).unwrap_or_default();
    // Punctuation in front is more likely the sentence's than the address's.
    run - local.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count()
}

/// Length of the domain that begins at `start`, and whether more text could change it.
fn domain(bytes: &[u8], start: usize) -> (Option<usize>, bool) {
    let window = bytes.get(start..).unwrap_or_default();
    let window = window.get(..DOMAIN_BYTES.min(window.len())).unwrap_or_default();
    let run =
        window.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')).count();
    let open = start + run == bytes.len();
    // The longest prefix that ends in a top-level domain; trailing dots belong to the sentence.
    let name = window.get(..run).unwrap_or_default();
    let mut best = None;
    let mut labels = 0;
    let mut at = 0;
    for label in name.split(|byte| *byte == b'.') {
        let fine = !label.is_empty() && !label.starts_with(b"-") && !label.ends_with(b"-");
        if !fine {
            break;
        }
        at += label.len();
        labels += 1;
        if labels > 1 && label.len() > 1 && label.iter().all(u8::is_ascii_alphabetic) {
            best = Some(at);
        }
        at += 1;
    }
    (best, open)
}
