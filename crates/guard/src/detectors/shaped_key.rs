//! Keys whose mark stands behind their beginning.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};
use memchr::{memchr2_iter, memchr3_iter};

use crate::cursor::{Cursor, before};
use crate::detector::{Detector, Findings, Hit};
use crate::secrets::formats::Alphabet;
use crate::secrets::quality::{Classes, entropy, is_placeholder};
use crate::text::View;

pub(super) static DETECTOR: ShapedKey = ShapedKey;

/// Finds keys by what stands in their middle or at their end.
pub(super) struct ShapedKey;

static META: Meta = Meta {
    id: "shaped-key",
    summary: "A key of a known service that is told by its middle or its end",
    severity: Severity::Critical,
    category: Category::Secret,
    label: "SECRET",
    docs: Docs {
        finds: "Discord bot tokens (three parts with dots), Mailchimp keys (`…-us12`), MaxMind licence keys (`…_mmk`), \
                Azure client secrets (`…8Q~…`), Terraform tokens (`….atlasv1.…`) and Facebook app tokens (a number, \
                `|` and the token), each with its alphabet and lengths.",
        matters: "Whoever reads the text can act as the owner of the key: post as a bot, send mail, change a cloud.",
        example: "`5c94…d2c6-us12` becomes `<MAILCHIMP_KEY_1>`.",
        fix: "Mask or block it, and revoke the key.",
        limits: "A key has to stand alone: glued to more letters, digits or the signs of its alphabet it is not found. \
                 A stream is held back at the last 40 characters or fewer that a key could begin with.",
    },
    references: &[Reference::Cwe(798), Reference::Cwe(200), Reference::Owasp("LLM02:2025")],
    flags: &[
        concat!(
            "TOKEN=Nu8jzPde0IgxLd6GncfBAepf",
            "JB.d0Kh8o.OOL8dKLzdocJ2isAjIhKtJ0RlgLKOmxgJTeKdN"
        ),
        concat!("key 6fdaeeb975729fae923d5a4fd12aabfe", "-us12."),
        concat!("licence: q8Zt2W_v5Kd9Lr3Xn7Pb4Mc6HTy1Uo0Ie5Aa", "_mmk"),
        concat!("client-secret: \"e1f8", "Q~-8rESQedUStPKR0CsTy4Qwb8DwkNhFdnXs\""),
        concat!(
            "x2Kd9Lr3Xn7Pb4",
            ".atlasv1.q8Zt2Wv5Kd9Lr3Xn7Pb4Mc6Hq8Zt2Wv5Kd9Lr3Xn7Pb4Mc6HTy1Uo0Ie5Aa9Zb2Q"
        ),
        concat!("app 1236671276842684", "|TAwR4y9ojfljo_QoaF1LlqsajAI"),
    ],
    passes: &[
        concat!("Nu8jzPde0IgxLd6GncfBAepf", "JBa.d0Kh8o.OOL8dKLzdocJ2isAjIhKtJ0RlgLKOmxgJTeKdN"),
        "Modules.Example.Configuration, Microsoft.Extensions.Logging.Abstractions.dll",
        "3a5633e829d3c71-us2 and the-us1 and us-us",
        "![x](https://p3.example.com/ba41ecccc3fc1626e53a13043b026c48~tplq-a1b2c3d4e5-watermark.image)",
        "split(\"~\", \"bbf33fef~47~f9243a8f506b40928b5b7a767c76fb008f86bebb\");",
        "client_secret=abc8Q~xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "| 1234123412341234 | q8Zt2Wv5Kd9L |",
    ],
};

/// A mark, where in it its rare sign stands, and what it is the mark of.
const MARKS: [(&str, usize, Kind); 6] = [
    (".", 0, Kind::Discord),
    ("|", 0, Kind::Facebook),
    ("Q~", 1, Kind::Azure),
    ("-us", 0, Kind::Mailchimp),
    ("_mmk", 0, Kind::MaxMind),
    (".atlasv1.", 0, Kind::Terraform),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Discord,
    Facebook,
    Azure,
    Mailchimp,
    MaxMind,
    Terraform,
}

impl Kind {
    /// The name in placeholders, and how many bytes stand before the mark.
    const fn about(self) -> (&'static str, usize, usize) {
        match self {
            Self::Discord => ("DISCORD_TOKEN", 24, 26),
            Self::Facebook => ("FACEBOOK_TOKEN", 15, 16),
            Self::Azure => ("AZURE_CLIENT_SECRET", 4, 4),
            Self::Mailchimp => ("MAILCHIMP_KEY", 32, 32),
            Self::MaxMind => ("MAXMIND_KEY", 36, 36),
            Self::Terraform => ("TERRAFORM_TOKEN", 14, 14),
        }
    }

    /// Characters before the mark.
    const fn leads(self, byte: u8) -> bool {
        match self {
            Self::Discord => Alphabet::Base64Url.has(byte),
            Self::Facebook => byte.is_ascii_digit(),
            Self::Azure => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'~' | b'.'),
            Self::Mailchimp => Alphabet::Hex.has(byte),
            Self::MaxMind => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Terraform => byte.is_ascii_alphanumeric(),
        }
    }

    /// Whether what stands before the mark is more than characters.
    fn fits(self, lead: &[u8]) -> bool {
        match self {
            Self::Discord => matches!(lead.first(), Some(b'M' | b'N' | b'O')),
            Self::Azure => lead.last().is_some_and(u8::is_ascii_digit),
            Self::MaxMind => lead.iter().position(|byte| *byte == b'_') == Some(6),
            Self::Facebook | Self::Mailchimp | Self::Terraform => true,
        }
    }

    /// Takes what follows the mark.
    fn take(self, cursor: &mut Cursor<'_>) -> bool {
        let base64 = |byte: u8| Alphabet::Base64Url.has(byte);
        match self {
            Self::Discord => {
                cursor.run(6, base64).len() == 6
                    && cursor.eat(b'.')
                    && cursor.run(38, base64).len() >= 27
            }
            Self::Facebook => cursor.run(40, base64).len() >= 27,
            Self::Azure => cursor.run(34, |byte| Alphabet::Unreserved.has(byte)).len() >= 31,
            Self::Mailchimp => !cursor.run(2, |byte| byte.is_ascii_digit()).is_empty(),
            Self::MaxMind => true,
            Self::Terraform => cursor.run(70, |byte| Alphabet::Token.has(byte)).len() >= 60,
        }
    }
}

/// Most bytes of a key up to the end of its mark.
const MAX_HEAD_BYTES: usize = 40;
/// Most bytes behind a mark.
const MAX_TAIL_BYTES: usize = 80;

impl Detector for ShapedKey {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for at in memchr3_iter(b'.', b'|', b'~', bytes).chain(memchr2_iter(b'-', b'_', bytes)) {
            for (mark, sign, kind) in MARKS {
                let start = at.checked_sub(sign);
                let there = start.and_then(|start| bytes.get(start..start + mark.len()));
                if let (Some(start), true) = (start, there == Some(mark.as_bytes())) {
                    find(bytes, start, mark.len(), kind, findings);
                }
            }
        }
        // The end of the text may be the beginning of a key whose mark is not there yet.
        let open = bytes.iter().rev().take(MAX_HEAD_BYTES + 1).take_while(|byte| is_head(**byte));
        let open = open.count();
        if (1..=MAX_HEAD_BYTES).contains(&open) {
            findings.undecided(bytes.len() - open);
        }
    }
}

/// Bytes of which the beginning of any of the keys consists, its mark included.
const fn is_head(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'~' | b'.' | b'-' | b'|')
}

fn find(bytes: &[u8], at: usize, mark: usize, kind: Kind, findings: &mut Findings<'_>) {
    let (label, min, max) = kind.about();
    let lead = before(bytes, at, max + 1);
    let len = lead.iter().rev().take_while(|byte| kind.leads(**byte)).count();
    let start = at - len;
    let glued = before(bytes, start, 1).first().is_some_and(|byte| is_head(*byte));
    let lead = bytes.get(start..at).unwrap_or_default();
    if !(min..=max).contains(&len) || glued || !kind.fits(lead) {
        return;
    }
    let mut cursor = Cursor::new(bytes, at + mark, MAX_TAIL_BYTES);
    let whole = kind.take(&mut cursor);
    let glued = whole && cursor.peek().is_some_and(|byte| Alphabet::Base64Url.has(byte));
    if cursor.starved() {
        findings.undecided(start);
    }
    let key = bytes.get(start..cursor.at()).unwrap_or_default();
    let random = entropy(key) >= 3.0 && Classes::of(key).digit && !is_placeholder(key);
    if whole && !glued && random {
        findings.push_labelled(start, cursor.at(), 0.9, label);
    }
}
