//! Addresses of crypto-currencies, with their checksums.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::keccak::is_ethereum_address;
use crate::checks::{base58, bech32, byte_before, is_glue};
use crate::cursor::Cursor;
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: CryptoAddress = CryptoAddress;

/// Finds addresses of crypto-currencies.
pub(super) struct CryptoAddress;

static META: Meta = Meta {
    id: "crypto-address",
    summary: "An address of a crypto-currency",
    severity: Severity::Medium,
    category: Category::Pii,
    label: "CRYPTO_ADDRESS",
    docs: Docs {
        finds: "Base58Check addresses of Bitcoin, Litecoin, Dogecoin, Dash and Tron; bech32 and bech32m addresses of \
                Bitcoin and Litecoin; Ethereum addresses of one case or with correct ERC-55 case. Checksums are \
                computed, so a random word does not pass.",
        matters: "All payments of an address are public: who links it to a person knows what that person owns.",
        example: "`send to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa` becomes `send to <CRYPTO_ADDRESS_1>`.",
        fix: "Mask it before it reaches a model that need not know it; restore it in the answer with `restore: true`.",
        limits: "Addresses of test networks and of other chains (Solana, Monero, Cardano, XRP) are not found, nor is a \
                 Base58Check address without any digit. Ethereum addresses in one case have no checksum. Private \
                 keys are not addresses.",
    },
    references: &[
        Reference::Spec("BIP 173"),
        Reference::Spec("BIP 350"),
        Reference::Spec("ERC-55"),
        Reference::Cwe(359),
    ],
    flags: &[
        "send to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "bitcoin:3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy?amount=1",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "\"0xde709f2102306220921060314715629080e2fb77\"",
        "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
        "钱包1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    ],
    passes: &[
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ2",
        "x1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa_",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x0000000000000000000000000000000000000000",
        "0xdeadbeef",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "1234567890123456789012345678901234",
    ],
};

/// Letters of a word that may stand before its first digit: a `Base58Check` address is no longer.
const HEAD_BYTES: usize = *base58::ADDRESS_CHARS.end();
/// Bytes of a word that are read; longer words are not addresses.
const WORD_BYTES: usize = bech32::ADDRESS_CHARS + 1;

impl Detector for CryptoAddress {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for run in view.digit_runs() {
            // The first digit of a word is the anchor; the letters before it belong to the word.
            let letters = letters_before(bytes, run.start);
            let start = run.start - letters;
            if letters > HEAD_BYTES || byte_before(bytes, start, 1).is_some_and(is_glue) {
                continue;
            }
            let mut cursor = Cursor::new(bytes, start, WORD_BYTES + 1);
            let word = cursor.run(WORD_BYTES, |byte| byte.is_ascii_alphanumeric());
            let glued = cursor.peek().is_some_and(is_glue);
            if cursor.starved() {
                findings.undecided(start);
            }
            if let (Some(score), false) = (score(word), glued) {
                findings.push(start, cursor.at(), score);
            }
        }
        // A word may be an address although its first digit has not arrived.
        let open = letters_before(bytes, bytes.len());
        if open <= HEAD_BYTES {
            findings.undecided(bytes.len() - open);
        }
    }
}

/// Letters that end at `at`, up to one more than an address can begin with.
fn letters_before(bytes: &[u8], at: usize) -> usize {
    bytes
        .iter()
        .take(at)
        .rev()
        .take(HEAD_BYTES + 1)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count()
}

fn score(word: &[u8]) -> Option<f32> {
    if let Some(digits) = word.strip_prefix(b"0x") {
        // The null address stands for nobody.
        let null = digits.iter().all(|digit| *digit == b'0');
        return (!null && is_ethereum_address(digits)).then_some(0.9);
    }
    (base58::is_address(word) || bech32::is_address(word)).then_some(1.0)
}
