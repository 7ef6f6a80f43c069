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
        finds: "A mailbox with a domain: up to 64 bytes of letters, digits and `._%+'-`, an `@`, and a domain of at \
                least two labels whose last is letters and no file extension, or an encoded international name. \
                Greek, Cyrillic and Armenian letters count as letters.",
        matters: "An address identifies a person and links records about them across systems.",
        example: "`write to alice@example.com` becomes `write to <EMAIL_ADDRESS_1>`.",
        fix: "Mask it before it reaches a model that need not know it; restore it in the answer with `restore: true`.",
        limits: "Quoted local parts (`\"a b\"@example.com`), addresses without a dot in the domain, domains in scripts \
                 other than those above, and spelled-out forms (`alice at example dot com`) are not found. Of a local \
                 part with rare punctuation (`=`, `/`, `!`) only what follows it is covered. Whether the top-level \
                 domain exists is not looked up.",
    },
    references: &[
        Reference::Spec("RFC 5321 section 4.1.2"),
        Reference::Spec("RFC 6531 section 3.3"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "write to alice@example.com",
        "<bob.smith+tag@mail.example.co.uk>",
        "ａｌｉｃｅ@ｅｘａｍｐｌｅ.com",
        "alice%40example.com",
        "?to=alice@example.com&x=1",
        "alice@example.com- and more",
        "alice@example.com.Then go",
        "user@xn--80ak6aa92e.com",
        "a@xn--d1acufc.xn--p1ai",
        "иван@пример.рф",
        "请联系alice@example.com谢谢",
        "'o'brien@example.ie'",
        "alice@163.example.com",
        "git@lists.example.org, bob@example.com_x",
        "alice@example.com.pdf",
    ],
    passes: &[
        "meet me @ the office",
        "user@localhost",
        "see @types/node@20.1.0",
        "a@b",
        "logo@2x.png",
        "icon@3x.min.svg",
        "react@18.3.0-canary.abc",
        "lodash@4.17.rc",
        "git@github.example.com:org/repo.git",
        "user@192.0.2.1",
        "y = W@x.mean()",
        "@alice.example",
        "alice@-example.com",
        "alice@example..com",
    ],
};

/// Longest local part (RFC 5321 section 4.5.3.1.1), in bytes.
const LOCAL_BYTES: usize = 64;
/// Longest domain (RFC 5321 section 4.5.3.1.2), in bytes.
const DOMAIN_BYTES: usize = 255;

/// File extensions that are no top-level domains and stand behind an `@` in file names.
const FILE_EXTENSIONS: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "tif", "tiff", "pdf", "txt", "css",
    "scss", "html", "htm", "json", "xml", "yml", "yaml", "toml", "csv", "tsv", "log", "lock", "js",
    "jsx", "ts", "tsx", "mjs", "cjs", "wasm", "whl", "deb", "rpm", "dmg", "iso", "bak", "tmp",
    "gz", "tgz", "tar", "rar", "exe", "dll", "jar", "doc", "docx", "xls", "xlsx", "ppt", "pptx",
    "sql", "cfg", "ini",
];

impl Detector for Email {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn look_behind(&self) -> usize {
        LOCAL_BYTES + 1
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let text = view.text();
        for at in memchr::memchr_iter(b'@', view.bytes()) {
            let local = local_part(text, at);
            if local == 0 {
                continue;
            }
            let start = at - local;
            let domain = Domain::read(text, at + 1);
            if domain.open {
                findings.undecided(start);
            }
            if let Some(len) = domain.len
                && !is_remote(text, start, at, at + 1 + len)
            {
                findings.push(start, at + 1 + len, 1.0);
            }
        }
        // Whatever the text ends with may turn out to be the local part of an address.
        findings.undecided(text.len() - local_part(text, text.len()));
    }
}

/// Letters of scripts that address people write beside Latin ones. Scripts without spaces are left
/// out, since words of the sentence would become part of the address.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphanumeric() || (matches!(c, '\u{370}'..='\u{58F}') && c.is_alphabetic())
}

/// Length of the local part that ends at `end`.
fn local_part(text: &str, end: usize) -> usize {
    let mut len = 0;
    // Punctuation in front is more likely the sentence's than the address's.
    let mut local = 0;
    for c in text.get(..end).unwrap_or_default().chars().rev() {
        let letter = is_letter(c);
        len += c.len_utf8();
        if len > LOCAL_BYTES || !(letter || matches!(c, '.' | '_' | '%' | '+' | '\'' | '-')) {
            break;
        }
        if letter {
            local = len;
        }
    }
    local
}

/// What follows an `@`.
struct Domain {
    /// Length of the domain, when there is one.
    len: Option<usize>,
    /// Whether more text could change it.
    open: bool,
}

impl Domain {
    fn read(text: &str, start: usize) -> Self {
        let rest = text.get(start..).unwrap_or_default();
        let in_domain = |(at, c): &(usize, char)| {
            at + c.len_utf8() <= DOMAIN_BYTES && (is_letter(*c) || matches!(c, '.' | '-'))
        };
        let run =
            rest.char_indices().take_while(in_domain).last().map_or(0, |(at, c)| at + c.len_utf8());
        // Two characters more may show a method call or a remote path.
        let open = rest.len() <= run + 1;
        let name = rest.get(..run).unwrap_or_default();
        let len = longest_name(name)
            .filter(|len| !is_version(name) && !is_image(name) && !calls(rest, *len));
        Self { len, open }
    }
}

/// Whether the name is what follows the `@` in `package@1.2.3-beta.rc`.
fn is_version(name: &str) -> bool {
    name.split('.').take(2).all(|label| label.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether the name is what follows the `@` in `logo@2x.min.png`.
fn is_image(name: &str) -> bool {
    let scale = matches!(name.as_bytes(), [b'0'..=b'9', b'x', b'.', ..]);
    scale && name.rsplit('.').next().is_some_and(is_file_extension)
}

/// Whether a method is called: `matrix@other.mean()`.
fn calls(rest: &str, len: usize) -> bool {
    rest.get(len..).is_some_and(|after| after.starts_with("()"))
}

/// Length of the longest prefix of the labels that ends in a top-level domain.
fn longest_name(name: &str) -> Option<usize> {
    let mut best = None;
    let mut lower = true;
    let mut at = 0;
    for (index, label) in name.split('.').enumerate() {
        // A sentence may go on without a space: `…example.com.Please`.
        let sentence = best.is_some()
            && lower
            && label.starts_with(|c: char| c.is_ascii_uppercase())
            && label.ends_with(|c: char| c.is_ascii_lowercase());
        let whole = label.trim_end_matches('-');
        if sentence || whole.is_empty() || label.starts_with('-') {
            break;
        }
        at += whole.len();
        if index > 0 && is_top_level(whole) {
            best = Some(at);
        }
        if whole.len() < label.len() {
            break;
        }
        lower &= !label.contains(|c: char| c.is_ascii_uppercase());
        at += 1;
    }
    best
}

fn is_top_level(label: &str) -> bool {
    let encoded = label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    let letters = label.chars().count() > 1
        && label.chars().all(|c| is_letter(c) && !c.is_ascii_digit())
        && !is_file_extension(label);
    letters || (encoded && label.len() > 5)
}

fn is_file_extension(label: &str) -> bool {
    FILE_EXTENSIONS.iter().any(|extension| label.eq_ignore_ascii_case(extension))
}

/// Whether the address is the account of a repository (`git@host:path`).
fn is_remote(text: &str, start: usize, at: usize, end: usize) -> bool {
    text.get(start..at) == Some("git")
        && text.get(end..).is_some_and(|after| after.starts_with([':', '/']))
}
