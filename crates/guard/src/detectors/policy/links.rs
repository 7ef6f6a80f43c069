//! Links to hosts that policy does not list.
//!
//! What counts is the host that a browser would ask. So the bytes are read as they came, where look-alike
//! letters are still what they are, and once more without escapes, as HTML, JSON and Markdown mean them.

mod address;
mod host;
mod position;
mod reading;

use std::collections::BTreeMap;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::host::{HostPattern, HostSet};
use bartizan_core::{Category, Severity};

use self::address::{Anchor, Finder};
use self::host::Host;
use self::position::Position;
use self::reading::readings;
use crate::detector::{Detector, Findings, Hit, Reads};
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
                not `example.org` itself. Tabs, line breaks, blanks, any number of slashes, entities and escapes are read as browsers \
                do, and `<https:host>` is a link. Names before an `@`, ports and dots at the end are no part of a host; letters of \
                other scripts are compared as punycode, so a look-alike host is another host. Where readers of Markdown \
                differ in where a link begins or ends, each of them is followed.",
        matters: "A list of hosts stops what no look at the data in a URL can: a short code, a click on a page that asks for a \
                  password, an image that tells when an answer was read.",
        example: "With `hosts: [example.org]`, `https://example.org@evil.example/` and `![x](//evil.example/a.png)` are \
                  found, `https://example.org/a` is not.",
        fix: "Mask or block it in answers; list the hosts that answers may lead to, `localhost` among them if need be.",
        limits: "Bare names such as `evil.example` are no links here, though some interfaces make links of them. Letters of other forms, such as full-width ones, are not brought to one, so such a spelling of \
                 a listed host is found. A URL within the path or \
                 the query of another is not judged: the outer host decides, unless signs stand between that some readers begin a new link behind. \
                 In a list between quotes, `\"URL\",\"user@host\"` is an address of mail. Of `srcset` and `image-set()` only the URLs with a scheme, \
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
        "<a href=\"https://ev&#105;l.example\">x</a>",
        "<https:evil.example>",
        "<a href=\"https:/\t/evil.example\">x</a>",
        "https://example.org.\u{440}\u{444}/",
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
        "<a href=\"https://ex&#97;mple.org\">x</a> &lt;https://example.org&gt;",
    ],
};

/// Finds links to other hosts.
pub(super) struct Links {
    hosts: HostSet,
}

impl Links {
    pub(super) fn new(hosts: &[HostPattern]) -> Self {
        Self { hosts: HostSet::new(hosts) }
    }

    /// Whether a host may not be linked to; `needs_dot` where one without a dot is no host.
    fn is_outside(&self, host: &Host, needs_dot: bool) -> bool {
        match host {
            Host::Named(host) => (!needs_dot || host.contains('.')) && !self.hosts.contains(host),
            Host::Odd => true,
            Host::None => false,
        }
    }
}

impl Detector for Links {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Raw
    }

    fn look_behind(&self) -> usize {
        reading::LOOK_BEHIND
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        // What encoding, spacing or folding hides is no link to a browser. What escapes hide is one; the view
        // that shows it folds letters, too, so escapes are read here.
        if view.kind() != ViewKind::Raw {
            return;
        }
        let len = view.text().len();
        let mut found: BTreeMap<usize, (usize, f32)> = BTreeMap::new();
        for reading in readings(view.bytes(), view.is_complete()) {
            if reading.is_cut(len) {
                findings.undecided(reading.end());
            }
            let mut finder = Finder::new(&reading);
            for anchor in finder.anchors() {
                let (start, end, score) = match anchor {
                    Anchor::Cut { start } => {
                        findings.undecided(reading.source(start));
                        continue;
                    }
                    Anchor::Endless { start, end } => (start, end, 0.7),
                    Anchor::Whole { start, host, position, needs_dot } => {
                        let url = finder.read(start, host, position);
                        if url.is_open {
                            findings.undecided(reading.source(start));
                        }
                        if !self.is_outside(&url.host, needs_dot) {
                            continue;
                        }
                        (start, url.end, if position == Position::Bare { 0.7 } else { 0.8 })
                    }
                };
                let end = view.text().ceil_char_boundary(reading.source_end(end));
                let known = found.entry(reading.source(start)).or_insert((end, score));
                *known = (known.0.max(end), known.1.max(score));
            }
        }
        for (start, (end, score)) in found {
            findings.push(start, end, score);
        }
    }
}
