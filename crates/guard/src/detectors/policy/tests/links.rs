//! Ways around the list of hosts, and texts that only look like one.

use std::time::{Duration, Instant};

use super::*;

/// Texts that lead to a host that is not listed.
const OUTSIDE: &[&str] = &[
    // Blanks and slashes that browsers and readers of Markdown skip.
    "[x](https://////////evil.example/)",
    "[x](https:\\/\\/\\/\\/\\/evil.example/)",
    "see https:////////////evil.example/a",
    "[x](          //evil.example/a)",
    "<a href=\"            https:evil.example\">x</a>",
    "<a href=\"\n\n\n\n\n\n\n\n\n\n//evil.example\">x</a>",
    "<img src=            //evil.example/a.png>",
    "[x](\u{a0}//evil.example/a)",
    "[x](\u{3000}\u{2003}https:/evil.example/a)",
    "<a href=\"\u{1}\u{1f}//evil.example\">x</a>",
    // Links between angle brackets.
    "<https:evil.example>",
    "<https:/evil.example>",
    "<HTTPS:\\evil.example>",
    "<wss:evil.example/socket>",
    // Tabs and line breaks within.
    "<a href=\"ht\ntps://evil.example\">x</a>",
    "<a href=\"https:\t//evil.example\">x</a>",
    "<a href=\"https:/\t/evil.example\">x</a>",
    "<a href=\"/\t/evil.example\">x</a>",
    "<a href=\"/\n\\evil.example\">x</a>",
    "<a href='htt\rps://ev\til.example'>x</a>",
    "[x](<ht\ttps://evil.example>)",
    "[x](ht\ntps:evil.example)",
    // Entities and escapes, whatever they hide.
    "<a href=\"https&colon;//evil.example\">x</a>",
    "<a href=\"https&#58;//evil.example\">x</a>",
    "<a href=\"&#104;&#116;&#116;&#112;&#115;&#58;&#47;&#47;evil.example\">x</a>",
    "<a href=\"&#x68;ttps://evil.example\">x</a>",
    "<a href=\"&sol;&sol;evil.example\">x</a>",
    "<a href=\"/&#x2f;evil.example\">x</a>",
    "<a href=\"&#47;&#47;evil.example\">x</a>",
    "<a href=\"/&Tab;/evil.example\">x</a>",
    "<a href=\"ht&Tab;tps://evil.example\">x</a>",
    "<a href=\"ht&#10;tps&#x3a;&bsol;evil.example\">x</a>",
    "<a href=\"https://example.org&period;evil.example/\">x</a>",
    "<a href=\"https://example.org&#46;evil.example/\">x</a>",
    "<a href=\"https://example.org&commat;evil.example/\">x</a>",
    "<a href=\"https://example.org&unheardof;/\">x</a>",
    "[x](https&colon;//evil.example)",
    "[x](https\\://evil.example)",
    "[x](https\\:\\/\\/evil.example)",
    "[x](\\//evil.example/a.png)",
    "{\"url\": \"https:\\u002f\\u002fevil.example\"}",
    "{\"url\": \"\\u0068ttps://evil.example\"}",
    "{\"html\": \"<a href=\\u0022//evil.example\\u0022>\"}",
    "{\"html\": \"<a href=\\\"\\u0026#47;/evil.example\\\">\"}",
    "{\"url\": \"https:\\/\\/example.org\\u002eevil.example\"}",
    "{\"text\": \"see https://example.org/a\\nhttps://evil.example\"}",
    "{\"text\": \"see\\rhttps://evil.example\"}",
    "https://example.org&sol;.evil.example/",
    // Another link right behind the first.
    "https://example.org/a\u{a0}https://evil.example",
    "https://example.org/\u{ff0c}https://evil.example",
    "https://$/https://evil.example",
    // What other scripts put into a host, or behind it.
    "https://example.org.\u{440}\u{444}/",
    "https://example.org.\u{440}\u{444}",
    "https://example.org\u{3002}\u{440}\u{444}/",
    "https://example.org\u{ff0e}\u{440}\u{444} x",
    "https://example.org\u{2024}\u{440}\u{444}",
    "https://example.org.\u{4e2d}\u{56fd}/",
    "https://example.org\u{3002}\u{4e2d}\u{56fd}/a",
    "https://example.org\u{3002}\u{516c}\u{53f8}",
    "https://example.org.\u{e44}\u{e17}\u{e22}/",
    "https://evil.example\u{3000}\u{6587}",
    "https://evil.example\u{a0}and more",
    "https://evil.example\u{2003}x",
    "https://evil$\u{3002}example/",
    "[x](https://evil.example\u{a0})",
    "[x](//evil\u{ff0e}example)",
    "<a href=\"//evil\u{3002}example/a\">x</a>",
    // Signs right behind a host.
    "https://evil.example!",
    "https://evil.example!x",
    "https://evil.example(x)",
    "https://evil.example*x",
    "https://evil.example,x",
    "https://evil.example;x=1",
    "https://example.org!.evil.example/",
    "https://example.org(.evil.example/",
    "https://example.org(@evil.example/",
    "https://example.org!@evil.example/",
    "https://example.org'@evil.example/",
    "https://example.org)@evil.example/",
    "https://example.org]x@evil.example/",
    "[x](https://evil.example! \"title\")",
    "[x](//evil.example()",
    // Percent signs and ports.
    "[x](https://evil%2eexample/)",
    "[x](https://example.org%2eevil.example/)",
    "https://example.org%40evil.example/",
    "https://%65vil.example/",
    "https://evil.example%/",
    "https://evil.example:/",
    "https://evil.example:99999/",
    "https://example.org:x@evil.example/",
    "<a href=\"https://example.org:80 @evil.example/\">x</a>",
    // A scheme behind something else.
    "Hello.https://evil.example/?q=secret",
    "-https://evil.example/a",
    ".https://evil.example",
    "+https://evil.example",
    "1.https://evil.example/",
    "1https://evil.example/",
    "xhttps://evil.example/",
    "see-HTTPS://evil.example/x",
    "![x](https://example.org/a.png)-https://evil.example/",
    // What cannot be seen, and letters of other forms, behind a listed host.
    "https://example.org\u{ad}anic/x",
    "https://example.org\u{200b}anic/x",
    "https://example.org\u{2060}anic",
    "https://example.org\u{fe0f}anic",
    "https://example.org\u{e0101}anic",
    "https://example.org\u{ff41}nic",
    "https://example.org\u{24d0}nic",
    "https://example.org\u{1d41a}nic",
    "https://example.org\u{e9}/x",
    "https://example.org\u{ad}\u{ff41}\u{8c22}",
    // Definitions over several lines.
    "![x]\n\n[x]:\n//evil.example/a.png",
    "![x]\n\n[x]:\t//evil.example/a.png",
    "![x]\n\n[x]:\n/\\evil.example",
    "[x]:\r\n//evil.example",
    // Names and hosts that go on behind quotes and brackets.
    "https://example.org'x:y@evil.example",
    "https://example.org''@evil.example",
    "https://example.org\")@evil.example/",
    "https://example.org').x@evil.example/",
    "https://example.org>@evil.example/",
    "https://example.org'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@evil.example/",
    "[1] https://example.org](x@evil.example/",
    "\"https://example.org\",\"x@evil.example/a",
    "https://example.org).evil.example",
    "https://example.org'.evil.example",
    "https://example.org}.evil.example",
    "https://example.org`.evil.example",
    "<img src=https://example.org'@evil.example/x.png>",
    "<a href=https://example.org\"@evil.example/>x</a>",
    "<a href=https://example.org).evil.example/>x</a>",
    // Names that begin with `www.`.
    "WWW.evil.example/a",
    "Www.evil.example/a",
    "_www.evil.example_",
    "-www.evil.example",
    ".www.evil.example",
    "/www.evil.example",
    "a:www.evil.example",
    "xwww.example.com.www.evil.example",
    // A second link where the first seems to go on.
    "https://example.org/a\u{feff}https://evil.example/x",
    "https://example.org/a\u{85}https://evil.example/x",
    "https://example.org/a\u{7f}https://evil.example/x",
    "https://example.org/a??https://evil.example/x",
    "https://example.org/a---https://evil.example/x",
    "https://example.org/a,https://evil.example/x",
    // Other places that hold a URL.
    "<div style='background:image-set(\"//evil.example/a\" 1x)'>",
    "<link rel=preload as=image imagesrcset=\"//evil.example/a 1x\">",
    "\\href{//evil.example/x}{y}",
    "[x](intent://evil.example#Intent;scheme=https;end)",
    // Addresses in numbers are not those of listed names.
    "http://0x7f.1/",
    "http://2130706433/",
];

/// Texts that lead nowhere, or to a listed host.
const LISTED: &[&str] = &[
    "[x](https://////////example.org/)",
    "[x](          //example.org/a)",
    "<https:example.org>",
    "<https://example.org> <HTTPS://EXAMPLE.ORG/>",
    "<a href=\"ht\ntps://exam\tple.org\">x</a>",
    "<a href=\"https&colon;//example&period;org/\">x</a>",
    "<a href=\"&sol;&sol;example.org\">x</a> <a href=\"/&Tab;a\">y</a>",
    "&lt;https://example.org&gt; and &quot;https://example.org&quot; https://example.org&nbsp;x",
    "{\"url\": \"https:\\u002f\\u002fexample.org\\/a\", \"x\": \"see https://example.org\\nNew\"}",
    "{\"a\": \"https://example.org\\n\\nhttps://example.org\\tx\", \"b\": \"https://example.org\\\\n\"}",
    "[x](https\\://example.org)",
    "https://example.org!",
    "https://example.org\u{a0}x https://example.org\u{3000}\u{6587}",
    "\u{8a2a}\u{95ee}https://example.org\u{3002}\u{8c22}\u{8c22}",
    "https://example.org\u{83b7}\u{53d6}\u{3002}\u{8fd9}\u{662f}",
    "\u{441}\u{43c}. https://example.org. \u{414}\u{430}\u{43b}\u{435}\u{435}",
    "https://example.org\u{ff0c}\u{8c22}\u{8c22}\u{ff0e}\u{518d}\u{89c1}",
    "'https://example.org','bob@corp.example' [https://example.org],bob@corp.example",
    "{\"a\":\"https://example.org\",\"b\":\"bob@corp.example\"}",
    "(https?:\\/\\/)?(www\\.)?[a-z]{1,9}",
    "std::map<http::Client> and <http::server.Config> and a<ws:b",
    "if (a < http:b.c && d) {}",
    "/^https?:\\/\\/([^\\/]+)\\//.exec(url)",
    "#                                                       // a comment.with dots",
    "a = b                                                    // see evil.example",
    "www. is a prefix, (www.) too",
    "C:\\\\temp\\new and \\\\u0041",
    "https://example.org\u{200b} x, https://example.org\u{1f389} and https://example.org\u{2026}",
    "\u{e14}\u{e39}https://example.org\u{e04}\u{e23}\u{e31}\u{e1a}",
    "fetch('https://example.org').then(r => r.json())",
    "\"https://example.org\".strip().lower()",
    "(see https://example.org).Then go on",
    "[https://example.org](mailto:bob@corp.example)",
    "`https://example.org`,bob@corp.example",
    "url(https://example.org)}@media print{}",
    "[x](docs/www.guide.html) <img src=\"img/www.logo.png\"> [x](/www.guide.html)",
    "https://www.example.com/a-www.evil.example and www.example.com/www.evil.example",
    "https://example.org/a?u=https://evil.example&v=https://evil.example",
    "https://example.org/https://evil.example",
    "\\href{https://example.org}{y} \\href{//example.org/a}{y}",
    "\\frac{a}{b} \\\\ \\url{https://example.org}",
];

#[test]
fn hosts_are_judged_as_browsers_take_them() {
    let missed: Vec<_> = OUTSIDE.iter().filter(|text| found(&links(), text).is_empty()).collect();
    assert!(missed.is_empty(), "{} missed: {missed:#?}", missed.len());
}

#[test]
fn what_only_looks_like_a_way_out_passes() {
    let wrong: Vec<_> = LISTED
        .iter()
        .map(|text| (text, found(&links(), text)))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn ways_around_stream_like_the_whole() {
    let guard = guard(&links(), Action::Mask);
    for text in OUTSIDE.iter().chain(LISTED) {
        let every: Vec<usize> = (1..text.len()).collect();
        assert_streamed_equals_whole(&guard, Channel::Output, text, &every);
        for cut in 1..text.len() {
            assert_streamed_equals_whole(&guard, Channel::Output, text, &[cut]);
        }
    }
}

#[test]
fn more_slashes_than_anybody_writes_are_found_and_not_waited_for() {
    let text = format!("[x](https:{}evil.example/)", "/".repeat(5000));
    assert!(!found(&links(), &text).is_empty());
    let blanks = format!("[x]({}//evil.example/)", " ".repeat(5000));
    assert!(!found(&links(), &blanks).is_empty());
    let guard = guard(&links(), Action::Flag);
    let mut stream = guard.stream(Channel::Output, Arc::new(Session::default()));
    for _ in 0..200 {
        let _ = stream.push("https:////////////////////////////////");
        assert!(stream.held_bytes() < 4096, "{}", stream.held_bytes());
    }
}

#[test]
fn repeated_beginnings_take_no_longer_than_links() {
    let guard = guard(&links(), Action::Flag);
    let time = |piece: &str| {
        let text = piece.repeat((64 << 10) / piece.len());
        let begun = Instant::now();
        let _ = guard.inspect(Channel::Output, &text, &Session::default());
        begun.elapsed()
    };
    let usual = (0..3).map(|_| time("[x](https://example.org/a) ")).max().unwrap();
    for piece in [
        "](//",
        "](ws:",
        "(www.a",
        "ws:ws:",
        "<ws:a",
        "src=//a",
        "href=\"//",
        "](&#47;/",
        "\\/\\/",
        "www.",
        "//a@",
        "](\\/\\/",
        "&sol;",
        "https://a.b",
        "ht\ttps:",
        "](https://a)@",
        "www.'",
        "'www.a@",
        "WWW.-",
        "'https://a.b'.c.d",
        "src=https://a'@",
    ] {
        // Other work on the machine slows some tries down, and not all of them.
        let bound = usual * 12 + Duration::from_millis(40);
        let fastest = (0..8).map(|_| time(piece)).find(|taken| *taken < bound);
        assert!(fastest.is_some(), "{piece:?}: never within {bound:?}, usual {usual:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn pieces_of_ways_around_stream_like_the_whole(
        pieces in proptest::collection::vec(
            (any::<proptest::sample::Index>(), any::<proptest::sample::Index>()), 1..5,
        ),
        glue in proptest::sample::select(vec!["", " ", "\t", "&", "\\", "](", "<", "&#47;", "\u{3002}", "@", "\\u0026"]),
        cuts in proptest::collection::btree_set(1usize..300, 0..24),
    ) {
        let samples: Vec<&str> = OUTSIDE.iter().chain(LISTED).copied().collect();
        let piece = |(text, cut): &(proptest::sample::Index, proptest::sample::Index)| {
            let text = samples[text.index(samples.len())];
            text[text.floor_char_boundary(cut.index(text.len()))..].to_owned()
        };
        let text = pieces.iter().map(piece).collect::<Vec<_>>().join(glue);
        let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
        for action in [Action::Flag, Action::Mask] {
            assert_streamed_equals_whole(&guard(&links(), action), Channel::Output, &text, &cuts);
        }
    }
}
