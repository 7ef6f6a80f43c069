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
            "[\"-----BEGIN RSA ",
            "PRIVATE KEY-----\",\n \"MIIEpQIBAAKCAQEAn6/O8li+SX4m98LLYt/PKSzEmQ++ZBD7\",\n",
            " \"yxR5MsXFu9Q=\",\n \"-----END RSA ",
            "PRIVATE KEY-----\"]"
        ),
        concat!(
            "{\"content\":\"-----BEGIN RSA ",
            "PRIVATE KEY-----\\nMIIEpQIBAAKCAQEAn6O8li+SX4m98LLYt/PKSzEmQ++ZBD7Loh9P13f\\n\",\"path\":\"/tmp/x\"}",
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
/// Fewest base64 characters that go on from a key across an empty line or the end of a string.
const MIN_FAR_BYTES: usize = 40;

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
///
/// What stands behind the key may be base64 by chance: a greeting, or the next field of the JSON
/// that holds it. So only the next line goes on from a line as a matter of course.
fn body(cursor: &mut Cursor<'_>) -> (usize, usize) {
    let mut end = cursor.at();
    let mut len = 0;
    loop {
        let next_line = gap(cursor) == Gap::Line;
        let start = cursor.at();
        let line = cursor.run(MAX_BLOCK_BYTES, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
        });
        let goes_on = match line.len() {
            0 => false,
            MIN_FAR_BYTES.. => true,
            _ if len == 0 => true,
            MIN_LINE_BYTES.. if next_line => true,
            _ if next_line && (line.ends_with(b"=") || ends_line(cursor)) => true,
            _ => footer_follows(cursor),
        };
        if !goes_on {
            cursor.rewind(start);
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

/// Whether the line ends at the cursor.
fn ends_line(cursor: &mut Cursor<'_>) -> bool {
    cursor.peek().is_none_or(|byte| {
        matches!(byte, b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b'`' | b',' | b'<')
    })
}

/// Whether the footer stands behind the gap at the cursor, which stays where it is.
fn footer_follows(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at();
    gap(cursor);
    let follows = cursor.eat_word("-----END ");
    cursor.rewind(start);
    follows
}

/// What stands between two runs of base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// One line break, and what a quoted or indented line begins with.
    Line,
    /// Anything else: blanks, an empty line, the end of a string.
    Far,
}

/// Takes what stands between lines: white space, written line breaks, quotes, list signs.
fn gap(cursor: &mut Cursor<'_>) -> Gap {
    let mut feeds = 0_usize;
    let mut returns = 0_usize;
    let mut marks = 0_usize;
    loop {
        let blank = cursor.run(64, |byte| {
            byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b',' | b'>' | b'|')
        });
        for byte in blank {
            match byte {
                b'\n' => feeds += 1,
                b'\r' => returns += 1,
                b'"' | b'\'' | b',' => marks += 1,
                _ => {}
            }
        }
        // `\n` as two characters, or as more where it is quoted twice.
        let mut written = false;
        if cursor.eat(b'\\') {
            let more = cursor.run(2, |byte| matches!(byte, b'\\' | b'"'));
            marks += memchr::memchr_iter(b'"', more).count();
            let feed = cursor.eat(b'n');
            let back = !feed && cursor.eat(b'r');
            feeds += usize::from(feed);
            returns += usize::from(back);
            written = feed || back;
        }
        // `"…" +` of code. Elsewhere the sign is base64.
        let joined = marks > 0 && join(cursor);
        if blank.is_empty() && !written && !joined {
            let next_line = feeds.max(returns) == 1 && marks == 0;
            return if next_line { Gap::Line } else { Gap::Far };
        }
    }
}

/// Takes a plus sign that stands alone.
fn join(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at();
    let alone = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\');
    let joins = cursor.eat(b'+') && cursor.peek().is_some_and(alone);
    if !joins {
        cursor.rewind(start);
    }
    joins
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = concat!("-----BEGIN RSA ", "PRIVATE KEY-----");
    const FOOTER: &str = concat!("-----END RSA ", "PRIVATE KEY-----");
    const LINE: &str = "MIIEpQIBAAKCAQEAn6O8liSX4m98LLYtPKSzEmQZBD7Loh9P13fyxR5MsXFu9PRs";

    /// What stands behind the key in `text`.
    fn rest(text: &str) -> Option<&str> {
        let mut cursor = Cursor::new(text.as_bytes(), 0, MAX_BLOCK_BYTES);
        let end = pem(&mut cursor)?;
        text.get(end..)
    }

    #[test]
    fn what_stands_behind_a_key_without_footer_stays() {
        for tail in [
            "\n\nHello John",
            "\nHello John",
            "\n\nRegards,\nJohn",
            " Hello",
            "\\n\",\"path\":\"/tmp/x\"}",
            "\",\"path\":\"x\"}",
            "\\n', 'mode': 'w'",
            ", secondArgument",
            "\n\nsome",
        ] {
            assert_eq!(rest(&format!("{HEADER}\n{LINE}{tail}")), Some(tail));
        }
    }

    #[test]
    fn lines_go_on_across_the_joins_of_code_and_files() {
        for key in [
            format!("{HEADER}\n{LINE}\nabcd1234\n{FOOTER}"),
            format!("{HEADER}\n{LINE}\n\nabcd1234\n\n{FOOTER}"),
            format!("{HEADER}\\r\\n{LINE}\\r\\nabcd=\\r\\n{FOOTER}"),
            format!("{HEADER} {LINE} abcd {FOOTER}"),
            format!(
                "{HEADER}\\n\" +\n\"{LINE}\\n\" +\n\"{LINE}\\n\" +\n\"abcd=\\n\" +\n\"{FOOTER}"
            ),
            format!("{HEADER}\n> {LINE}\n> {LINE}\n> abcd"),
            format!("{HEADER}\n{LINE}\n{LINE}"),
        ] {
            assert_eq!(rest(&format!("{key}\n\nbye now")), Some("\n\nbye now"), "{key}");
        }
    }
}
