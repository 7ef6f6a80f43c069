//! Ciphers that are broken, hashes that are too fast, and numbers that can be guessed.

use bartizan_core::Severity;

use crate::rules::{Rule, starts_word};

const LOW: Severity = Severity::Low;
const MEDIUM: Severity = Severity::Medium;

/// Names of what must not be guessed.
const SECRETS: [&[u8]; 10] = [
    b"token",
    b"password",
    b"passwd",
    b"secret",
    b"session",
    b"otp",
    b"nonce",
    b"api_key",
    b"apikey",
    b"salt",
];

/// Weak cryptography.
pub(super) const CRYPTO: &[Rule] = &[
    Rule::new(&["getinstance"], r#"\s{0,2}\(\s{0,2}\\?["'](?:des|desede|rc2|rc4|arcfour|blowfish|aes/ecb|aes\\?["'])[^"'\n]{0,40}"#, "CODE_CIPHER", MEDIUM, 327)
        .behind(|lead| lead.ends_with(b"Cipher.") || lead.ends_with(b"KeyGenerator."))
        .scored(0.8),
    Rule::new(&["mode_ecb", "ciphermode.ecb", "modes.ecb("], r"", "CODE_CIPHER", MEDIUM, 327)
        .scored(0.8),
    Rule::new(&["des.new", "des3.new", "arc4.new", "arc2.new", "blowfish.new", "des.newcipher", "rc4.newcipher"], r"\s{0,2}\(", "CODE_CIPHER", MEDIUM, 327)
        .scored(0.8),
    Rule::new(&["createcipher", "createdecipher"], r"\s{0,2}\(", "CODE_CIPHER", MEDIUM, 327).scored(0.7),
    Rule::new(&["createcipheriv", "openssl_encrypt"], r#"\s{0,2}\([^()\n]{0,60}?["'](?:des|rc4|[a-z0-9-]{1,12}-ecb)"#, "CODE_CIPHER", MEDIUM, 327)
        .scored(0.8),
    Rule::new(&["descryptoserviceprovider", "tripledescryptoserviceprovider", "rc2cryptoserviceprovider", "mcrypt_encrypt"], r"\s{0,2}\(", "CODE_CIPHER", MEDIUM, 327)
        .scored(0.8),
    Rule::new(&["hashlib.md5", "hashlib.sha1", "hashlib.sha256", "hashlib.sha512"], r"\s{0,2}\([^()\n]{0,40}?\b\w{0,12}(?:passw|pwd|passphrase)\w{0,12}", "CODE_PASSWORD_HASH", MEDIUM, 916)
        .scored(0.8),
    Rule::new(&["md5", "sha1", "hash"], r#"\s{0,2}\(\s{0,4}(?:["'](?:md5|sha\d{1,3})["']\s{0,2},\s{0,4})?\$?(?:\w{1,20}(?:\.|->|\[["']))?\w{0,12}(?:passw|pwd)\w{0,12}"#, "CODE_PASSWORD_HASH", MEDIUM, 916)
        .behind(starts_word)
        .scored(0.8),
    Rule::new(&["createhash"], r#"\s{0,2}\(\s{0,2}["'](?:md5|sha1|sha256|sha512)["']\s{0,2}\)\s{0,8}\.update\s{0,2}\(\s{0,4}\w{0,12}(?:passw|pwd)"#, "CODE_PASSWORD_HASH", MEDIUM, 916)
        .scored(0.8),
    Rule::new(&["random.choice", "random.choices", "random.randint", "random.randrange", "random.sample", "random.random", "math.random", "mt_rand", "rand.intn"], r"\s{0,2}\(", "CODE_RANDOM", LOW, 330)
        .behind(makes_secret)
        .scored(0.6),
];

/// Whether the value is given to something that must not be guessed, on the same line.
fn makes_secret(lead: &[u8]) -> bool {
    let line = lead.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(at) = line.iter().position(|byte| *byte == b'=') else { return false };
    let name = line.get(..at).unwrap_or_default().trim_ascii_end().to_ascii_lowercase();
    let name = name.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let holds = |part: &[u8]| name.windows(part.len()).any(|window| window == part);
    SECRETS.iter().any(|secret| holds(secret))
        && !holds(b"num")
        && !holds(b"count")
        && !holds(b"len")
}
