//! Links to hosts that policy does not list.
//!
//! What counts is the host that a browser would ask. So the bytes are read as they came, where look-alike
//! letters are still what they are, and once more without escapes, as HTML and JSON mean them.

mod address;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::host::HostPattern;
use bartizan_core::{Category, Severity};

use self::address::{Anchor, Position, anchors};
use crate::cursor::Cursor;
use crate::detector::{Detector, Findings, Hit, Reads};
use crate::markup::url::MAX_URL_BYTES;
use crate::text::{View, ViewKind};

pub(super) static META: Meta = Meta {
    id: "outside-link",
    summary: "A link or image whose host policy does not list",
    severity: Severity::Medium,
    category: Category::Exfiltration,
    label: "OUTSIDE_LINK",
    docs: Docs {
        finds: "URLs of http, https, ws, wss and ftp, addresses that begin with `www.`, and, in Markdown, attributes and CSS, `//host` \
                in all ways that browsers take, when the host is none of `hosts:`. `*.example.org` lists all hosts below, \
                not `example.org` itself. Names before an `@`, ports and dots at the end are no part of a host; letters of \
                other scripts are compared as punycode, so a look-alike host is another host.",
        matters: "A list of hosts stops what no look at the data in a URL can: a short code, a click on a page that asks for a \
                  password, an image that tells when an answer was read.",
        example: "With `hosts: [example.org]`, `https://example.org@evil.example/` and `![x](//evil.example/a.png)` are \
                  found, `https://example.org/a` is not.",
        fix: "Mask or block it in answers; list the hosts that answers may lead to, `localhost` among them if need be.",
        limits: "Bare names such as `evil.example` are no links here, though some interfaces make links of them. A URL within the path or \
                 the query of another is not judged: the outer host decides. Of `srcset` only the URLs with a scheme, \
                 and the first, are read. What a listed host redirects to is its own affair.",
    },
    references: &[
        Reference::Cwe(601),
        Reference::Cwe(201),
        Reference::Owasp("LLM02:2025"),
        Reference::Owasp("LLM05:2025"),
    ],
    flags: &[
        "see https://evil.example/x",
        "HTTPS://EVIL.EXAMPLE",
        "![x](//evil.example/a.png)",
        "[x](https:\\\\evil.example/)",
        "[x](/\\evil.example)",
        "[x](https:evil.example/a)",
        "[x](https:/evil.example/a)",
        "https://example.org@evil.example/",
        "https://example.org:443@evil.example/",
        "https://example.org.evil.example/",
        "https://evil.example\\@example.org/",
        "[x](https://example.org\\@evil.example/)",
        "[x](https://example.org\\.evil.example/)",
        "[1]: //evil.example/a",
        "[1]: <https://example.org @evil.example/>",
        "<https://evil.example>",
        "<a href=\"https://evil.example\">x</a>",
        "<a href=' //evil.example'>x</a>",
        "<img src=//evil.example/x.png>",
        "<a href=\"https://example.org @evil.example\">x</a>",
        "<a href=\"https:&#47;&#47;evil.example\">x</a>",
        "<a href=\"https://ex&#97;mple.org\">x</a>",
        "url(//evil.example/a.css)",
        "https://\u{435}xample.org/",
        "https://xn--xample-2of.org/",
        "https://example.org\u{3002}evil.example/",
        "https://ev%69l.example/",
        "http://203.0.113.7/a",
        "http://[2001:db8::1]:8080/",
        "www.evil.example/a",
        "wss://evil.example/socket",
        "{\"url\":\"https:\\/\\/evil.example\\/x\"}",
        "https://evil.example?x=https://example.org/",
        "https://corp.example/",
        "https://secret$.evil.example/",
        "访问https://evil.example。谢谢",
    ],
    passes: &[
        "see https://example.org/x and https://EXAMPLE.org.",
        "https://example.org, https://example.org; (https://example.org) \"https://example.org\"",
        "https://a.corp.example/x and https://b.a.corp.example:8443/",
        "[x](https://user:pw@example.org/)",
        "![x](//example.org/a.png) ![y](images/a.png)",
        "[1]: https://example.org/a \"Title\"",
        "<a href=\"https://example.org/\">x</a> <img src='/a.png'>",
        "https://example.org/go?to=https://evil.example/",
        "https://example.org/web/2020/https://evil.example/",
        "https://b\u{fc}cher.example/ https://xn--bcher-kva.example/",
        "https://example.org./ https://example.org:443/?a=1#b",
        "a // comment and http: nothing, https://, https://{host}/x, http://<your-host>/",
        "https://{workspace}.corp.example/api",
        "mailto:eve@evil.example and evil.example alone",
        "C:\\\\evil\\x and \\\\server\\share",
        "访问https://example.org。谢谢，https://example.org获取",
        "{\"url\": \"https://example.org\", \"next\": \"https:\\/\\/example.org\\/a\"}",
        "let url = a // b.c\nx = y //evil.example",
        "www.example.com is for documentation; xwww.evil.example is not a link",
        "std::ws::http::https",
        "[x](https://example.org) [y]: https://example.org\n**https://example.org**",
    ],
};

/// Finds links to other hosts.
pub(super) struct Links {
    hosts: Vec<HostPattern>,
}

impl Links {
    pub(super) fn new(hosts: &[HostPattern]) -> Self {
        Self { hosts: hosts.to_vec() }
    }

    fn lists(&self, host: &str) -> bool {
        self.hosts.iter().any(|pattern| pattern.matches(host))
    }
}

impl Detector for Links {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Everything
    }

    fn look_behind(&self) -> usize {
        address::LOOK_BEHIND
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        // What encoding, spacing or folding hides is no link to a browser. What escapes hide is one, but that
        // view folds what it shows, and it exists only where something is escaped: a host would be judged by
        // what stands far behind it.
        if view.kind() != ViewKind::Raw {
            return;
        }
        let bytes = view.bytes();
        for anchor in anchors(bytes) {
            let Anchor::Whole { start, host, position } = anchor else {
                findings.undecided(anchor.start());
                continue;
            };
            let mut cursor = Cursor::new(bytes, host, MAX_URL_BYTES);
            let address = address::read(&mut cursor, position);
            if cursor.starved() {
                findings.undecided(start);
            }
            let outside = match address.host {
                address::Host::Named(host) => !self.lists(&host),
                address::Host::Odd => true,
                address::Host::None => false,
            };
            if outside {
                let end = view.text().ceil_char_boundary(cursor.at());
                findings.push(start, end, if position == Position::Bare { 0.7 } else { 0.8 });
            }
        }
    }
}
