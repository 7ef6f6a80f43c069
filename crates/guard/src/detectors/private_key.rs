//! Private keys in PEM armour, and in the files of `PuTTY`.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::cursor::Cursor;
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: PrivateKey = PrivateKey;

/// Finds private keys with their armour.
pub(super) struct PrivateKey;

static META: Meta = Meta {
    id: "private-key",
    summary: "A private key in PEM or PuTTY form",
    severity: Severity::Critical,
    category: Category::Secret,
    label: "PRIVATE_KEY",
    docs: Docs {
        finds: "A header `-----BEGIN … PRIVATE KEY-----` (RSA, EC, DSA, OPENSSH, ENCRYPTED, PGP BLOCK and others) with \
                base64 lines behind it, as far as the footer or the last base64 line, 8 KiB at most; and the \
                `Private-Lines:` of PuTTY files. Line breaks may be written as `\\n`, lines may be quoted.",
        matters: "A private key signs and decrypts in its owner's name, often for years and on many machines.",
        example: "`-----BEGIN EC PRIVATE KEY-----⏎MHcCAQEE…⏎-----END EC PRIVATE KEY-----` becomes `<PRIVATE_KEY_1>`.",
        fix: "Block or mask it, and replace the key pair: the key has left the machine it belongs to.",
        limits: "A body of fewer than 32 base64 characters counts as a placeholder. Keys in DER, JWK or PKCS#12 form \
                 are not found. A stream is held back until the block ends, 8 KiB at most.",
    },
    references: &[Reference::Spec("RFC 7468"), Reference::Cwe(321), Reference::Owasp("LLM02:2025")],
    flags: &[
        concat!(
            "-----BEGIN ",
            "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDAC4AWkdwKYSd8\n",
            "Ks14IReLcYgADhoXk56ZzXI=\n-----END ",
            "PRIVATE KEY-----\nthanks"
        ),
        concat!(
            "key = \"-----BEGIN RSA ",
            "PRIVATE KEY-----\\nMIIEpQIBAAKCAQEAn6/O8li+SX4m98LLYt/PKSzEmQ++ZBD7Loh9P13f\\n",
            "yxR5MsXFu9PRsrYQA7/4UTPHiC4=\\n-----END RSA ",
            "PRIVATE KEY-----\\n\""
        ),
        concat!(
            "-----BEGIN EC ",
            "PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,3F17F5316E2BAC89\n\n",
            "XjxrUFu2mJYoFT3xaCzEqcSLzRzXc9XQ7m2kqY0d"
        ),
        concat!(
            "-----BEGIN OPENSSH ",
            "PRIVATE KEY-----\n  b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB\n",
            "  AAAAMwAAAAtzc2gtZWQyNTUxOQAAACBxVm\n  -----END OPENSSH ",
            "PRIVATE KEY-----"
        ),
        concat!(
            "Private",
            "-Lines: 2\nAAAAIQC7Yx2mR9vQ4tLkP8sWzD1nHbF6jG3cE5aU0oXiV7rNqw\nAAAAIEk=\n\n"
        ),
    ],
    passes: &[
        "-----BEGIN PRIVATE KEY-----\nanything\n-----END PRIVATE KEY-----",
        "The file starts with -----BEGIN RSA PRIVATE KEY----- and then the key, in base64, as usual.",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEn6O8liSX4m98LLYtPKSzEmQZBD7L\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2FuIHlvdSByZWFkIHRoaXM/IE5vdCByZWFsbHku\n-----END CERTIFICATE-----",
        "-----BEGIN RSA PRIVATE KEY-----\n<your key here>\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n...\n-----END ENCRYPTED PRIVATE KEY-----",
        "Private-Lines: the number of lines that follow",
    ],
};

const PEM: &str = "-----BEGIN ";
const PUTTY: &str = "Private-Lines: ";

/// Most bytes of a key with its armour. RSA with 8192 bits takes 6.4 KB.
const MAX_BLOCK_BYTES: usize = 8192;
/// Longest name between `BEGIN` and `PRIVATE KEY`.
const MAX_NAME_BYTES: usize = 24;
/// Fewest base64 characters that are a key and no placeholder.
const MIN_BODY_BYTES: usize = 32;
/// A base64 line shorter than this is the last one.
const MIN_LINE_BYTES: usize = 24;

impl Detector for PrivateKey {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        vec![PEM.to_owned(), PUTTY.to_owned()]
    }

    fn look_behind(&self) -> usize {
        0
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        for hit in hits {
            let mut cursor = Cursor::new(view.bytes(), hit.start, MAX_BLOCK_BYTES);
            let found = if hit.literal == 0 { pem(&mut cursor) } else { putty(&mut cursor) };
            if cursor.starved() {
                findings.undecided(hit.start);
            }
            if let Some(end) = found {
                findings.push(hit.start, end, 1.0);
            }
        }
    }
}

/// Reads a PEM block; gives its end.
fn pem(cursor: &mut Cursor<'_>) -> Option<usize> {
    if !cursor.eat_word(PEM) || !name(cursor) {
        return None;
    }
    headers(cursor);
    let (end, len) = body(cursor);
    if len < MIN_BODY_BYTES {
        return None;
    }
    let footer = cursor.eat_word("-----END ") && name(cursor);
    Some(if footer { cursor.at() } else { end })
}

fn putty(cursor: &mut Cursor<'_>) -> Option<usize> {
    if !cursor.eat_word(PUTTY) || cursor.run(4, |byte| byte.is_ascii_digit()).is_empty() {
        return None;
    }
    let (end, len) = body(cursor);
    (len >= MIN_BODY_BYTES).then_some(end)
}

/// Takes `RSA PRIVATE KEY-----` or the like.
fn name(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at();
    while cursor.at() - start <= MAX_NAME_BYTES {
        if cursor.eat_word("PRIVATE KEY") {
            cursor.eat_word(" BLOCK");
            return cursor.eat_word("-----");
        }
        let word = cursor.run(MAX_NAME_BYTES, |byte| byte.is_ascii_alphanumeric());
        if word.is_empty() || !cursor.eat(b' ') {
            return false;
        }
    }
    false
}

/// Takes lines such as `Proc-Type: 4,ENCRYPTED`.
fn headers(cursor: &mut Cursor<'_>) {
    for _ in 0..6 {
        let start = cursor.at();
        gap(cursor);
        let named = cursor.run(20, |byte| byte.is_ascii_alphabetic() || byte == b'-').len();
        if named < 3 || !cursor.eat_word(": ") {
            cursor.rewind(start);
            return;
        }
        cursor.run(128, |byte| !matches!(byte, b'\n' | b'\\'));
    }
}

/// Takes base64 lines; gives where the last of them ends, and how many characters they have.
fn body(cursor: &mut Cursor<'_>) -> (usize, usize) {
    let mut end = cursor.at();
    let mut len = 0;
    loop {
        gap(cursor);
        let line = cursor.run(MAX_BLOCK_BYTES, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
        });
        if line.is_empty() {
            return (end, len);
        }
        end = cursor.at();
        len += line.len();
        if line.len() < MIN_LINE_BYTES {
            gap(cursor);
            return (end, len);
        }
    }
}

/// Takes what stands between lines: white space, written line breaks, quotes, list signs.
fn gap(cursor: &mut Cursor<'_>) {
    loop {
        let blank = cursor.run(64, |byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b',' | b'>' | b'|')
        });
        // `\n` as two characters, and joins such as `" +`.
        let written = cursor.eat(b'\\') && {
            cursor.run(2, |byte| matches!(byte, b'\\' | b'"'));
            cursor.eat_if(|byte| matches!(byte, b'n' | b'r'))
        };
        if blank.is_empty() && !written {
            return;
        }
    }
}
