//! Internet addresses of versions 4 and 6, and networks of them.

use std::net::{Ipv4Addr, Ipv6Addr};

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::context::{is_one_of, words_before};
use crate::checks::{byte_before, glued_before, is_glue};
use crate::cursor::{Cursor, at_numbers, before};
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: IpAddress = IpAddress;

/// Finds internet addresses.
pub(super) struct IpAddress;

static META: Meta = Meta {
    id: "ip-address",
    summary: "An IPv4 or IPv6 address",
    severity: Severity::Low,
    category: Category::Pii,
    label: "IP_ADDRESS",
    docs: Docs {
        finds: "Four decimal octets, or an IPv6 address in full, compressed, or with an IPv4 tail, each with its zone \
                and prefix length where there is one.",
        matters: "An address leads to a subscriber or shows how a private network is built.",
        example: "`login from 192.0.2.44` becomes `login from <IP_ADDRESS_1>`.",
        fix: "Mask it before it reaches a model that need not know it.",
        limits: "Octal, hexadecimal and single-number spellings are not found. Four numbers after a word such as \
                 `version` or a product name, or before `release`, are taken for a version; small ones that open a \
                 line before a capital for a section; and `2.5.4.x` and `2.5.29.x` for object identifiers. Loopback, \
                 unspecified and broadcast addresses and netmasks belong to nobody and score below the default \
                 threshold. A short IPv6 address outside the assigned ranges \
                 (`1::2`) is taken for code.",
    },
    references: &[
        Reference::Spec("RFC 4291 section 2.2"),
        Reference::Spec("RFC 5952"),
        Reference::Cwe(359),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "login from 192.0.2.44",
        "IPs: 198.51.100.1, 203.0.113.7.",
        "route 10.0.0.0/8.",
        "http://192.0.2.1:8080/",
        "Connect to [2001:db8::1]:8080",
        "2001:0db8:0000:0000:0000:ff00:0042:8329",
        "2001:db8::192.0.2.1",
        "::ffff:192.0.2.128",
        "fe80::1%eth0/64",
        "user@2001:db8::1",
        "text::ffff:192.0.2.1",
        "10.0.0.1-10.0.0.20",
        "１９２.０.２.１",
        "地址192.0.2.1。",
        "addr 2001:db8::7: unreachable",
        "2.5.30.14 did not answer",
        "8.8.8.8 answers",
        "hosts:\n5.9.44.1 Mail",
    ],
    passes: &[
        "127.0.0.1 and 0.0.0.0",
        "::1 or ::",
        "netmask 255.255.255.0",
        "1.2.3.4.5",
        "0.1.2.3.4.5",
        "version 4.0.30.319",
        "v1.2.3.4",
        "Git 1.7.12.4 Release Notes",
        "Chrome/120.0.0.0 Safari/537.36",
        "package-1.2.3.4.tar.gz",
        "256.1.2.3",
        "192.168.1",
        "192.0.2.01",
        "IP192.0.2.1text",
        "std::cout << a::b::c",
        "x[1::2] and y[::10]",
        "12:30:45",
        "2001::db8::1",
        "dead::beef",
        "fe80::1text",
        "00:11:22:33:44:55:66:77",
        "::ffff:127.0.0.1",
        "OID 1.3.6.1.4.1",
        "new ObjectIdentifier(\"2.5.29.14\")",
        "2.5.29.14 is the key identifier, 2.5.4.3 the name, and 2.5.29.15 the usage",
        "GCC 2.7.2.3",
        "2.3.4.1 Title of the section",
        "## 2.3.14.1 Overview",
    ],
};

/// Longest spelling of an IPv6 address (RFC 4291 with an IPv4 tail).
const V6_BYTES: usize = 45;
/// Bytes read ahead: an address, its zone, its prefix length, and what follows.
const CAP_BYTES: usize = V6_BYTES + 32;
/// Score of addresses that are the same everywhere.
const NOBODY_SCORE: f32 = 0.2;
/// Longest zone that is read.
const ZONE_BYTES: usize = 16;

/// Words after which four numbers are a version or a section.
const VERSION_WORDS: &[&str] = &[
    "version",
    "versions",
    "ver",
    "v",
    "release",
    "build",
    "revision",
    "rev",
    "firmware",
    "section",
    "sec",
    "chapter",
    "clause",
    "oid",
    "oids",
    "objectidentifier",
    "identifier",
    "fileversion",
    "assemblyversion",
    "gcc",
    "clang",
    "openssl",
    "kernel",
    "python",
    "nginx",
];
/// Words that may stand between such a word and the numbers.
const FILLERS: &[&str] = &["is", "no", "number", "to", "from", "the"];

impl Detector for IpAddress {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        at_numbers(view, CAP_BYTES, findings, version_four);
        let bytes = view.bytes();
        for at in memchr::memchr_iter(b':', bytes) {
            let group = hex_before(bytes, at);
            let start = at - group;
            let goes_on =
                byte_before(bytes, start, 1).is_some_and(|byte| matches!(byte, b':' | b'.'));
            if group > 4 || goes_on || glued_before(bytes, start) {
                continue;
            }
            let mut cursor = Cursor::new(bytes, start, CAP_BYTES);
            let found = version_six(bytes, &mut cursor);
            if cursor.starved() {
                findings.undecided(start);
            }
            if let Some((end, score)) = found {
                findings.push(start, end, score);
            }
        }
        // The first group of a version 6 address may be all that has arrived.
        let open = hex_before(bytes, bytes.len());
        if open <= 4 {
            findings.undecided(bytes.len() - open);
        }
    }
}

/// Hexadecimal digits that end at `at`, up to five.
fn hex_before(bytes: &[u8], at: usize) -> usize {
    bytes.iter().take(at).rev().take(5).take_while(|byte| byte.is_ascii_hexdigit()).count()
}

/// End and score of an IPv4 address at the cursor.
fn version_four(bytes: &[u8], cursor: &mut Cursor<'_>) -> Option<(usize, f32)> {
    let start = cursor.at();
    if !is_free_before(bytes, start) {
        return None;
    }
    for octet in 0..4 {
        if octet > 0 && !cursor.eat(b'.') {
            return None;
        }
        if cursor.run(4, |byte| byte.is_ascii_digit()).len() > 3 {
            return None;
        }
    }
    let end = cursor.at();
    let text = std::str::from_utf8(cursor.since(start)).ok()?;
    let address: Ipv4Addr = text.parse().ok()?;
    let fits = match cursor.next() {
        Some(b'.') => !cursor.peek().is_some_and(|byte| byte.is_ascii_digit()),
        Some(b'-') => !cursor.peek().is_some_and(|byte| byte.is_ascii_alphabetic()),
        Some(byte) => !is_glue(byte),
        None => true,
    };
    if !fits || is_version(bytes, start, address) {
        return None;
    }
    // Object identifiers of X.509: `2.5.29.14`.
    if matches!(address.octets(), [2, 5, 4 | 29, _]) {
        return None;
    }
    if is_tail_of_version_six(bytes, start, text) {
        return None;
    }
    cursor.rewind(end);
    // `Git 1.7.12.4 Release Notes`
    if cursor.eat(b' ') && cursor.eat_word("release") {
        return None;
    }
    cursor.rewind(end);
    // `2.3.4.1 Title`
    if opens_line(bytes, start)
        && is_section(address)
        && cursor.eat(b' ')
        && cursor.eat_if(|byte| byte.is_ascii_uppercase())
    {
        return None;
    }
    cursor.rewind(end);
    let end = prefix_length(cursor, 32);
    let small = address.octets().iter().all(|octet| *octet < 10);
    let score = match (small, address.is_private()) {
        _ if !is_somebody(address) => NOBODY_SCORE,
        (true, _) => 0.5,
        (false, true) => 0.8,
        (false, false) => 0.95,
    };
    Some((end, score))
}

fn is_free_before(bytes: &[u8], start: usize) -> bool {
    let further = byte_before(bytes, start, 2);
    match byte_before(bytes, start, 1) {
        Some(b'.') => !further.is_some_and(is_glue),
        // `name-1.2.3.4` is a package; `10.0.0.1-10.0.0.9` is a range.
        Some(b'-') => !further.is_some_and(|byte| byte.is_ascii_alphabetic()),
        Some(byte) => !is_glue(byte),
        None => true,
    }
}

/// Whether the address can be that of a machine that others reach.
const fn is_somebody(address: Ipv4Addr) -> bool {
    !matches!(address.octets(), [0 | 127 | 255, ..])
}

/// Whether a line begins at `start`, but for the signs of a heading.
fn opens_line(bytes: &[u8], start: usize) -> bool {
    let marks = before(bytes, start, 8);
    let rest = marks.iter().rev().find(|byte| !matches!(byte, b'#' | b' '));
    rest.map_or(marks.len() < 8, |byte| *byte == b'\n')
}

/// Whether the numbers are as small as those of sections.
fn is_section(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    matches!(octets, [1..=9, ..]) && octets.iter().all(|octet| (1..32).contains(octet))
}

/// Whether the words before, or a product name (`Chrome/120.0.0.0`), make the numbers a version.
fn is_version(bytes: &[u8], start: usize, address: Ipv4Addr) -> bool {
    let product = byte_before(bytes, start, 1) == Some(b'/')
        && byte_before(bytes, start, 2).is_some_and(|byte| byte.is_ascii_alphanumeric())
        && matches!(address.octets(), [.., 0, 0]);
    let mut words = words_before(bytes, start).skip_while(|word| is_one_of(word, FILLERS));
    product || words.next().is_some_and(|word| is_one_of(word, VERSION_WORDS))
}

/// Whether the address is the last part of an IPv6 address, which is reported as a whole.
fn is_tail_of_version_six(bytes: &[u8], start: usize, text: &str) -> bool {
    let head = bytes
        .iter()
        .take(start)
        .rev()
        .take(V6_BYTES)
        .take_while(|byte| byte.is_ascii_hexdigit() || **byte == b':')
        .count();
    let from = start - head;
    head > 0
        && !glued_before(bytes, from)
        && byte_before(bytes, from, 1) != Some(b'.')
        && std::str::from_utf8(bytes.get(from..start + text.len()).unwrap_or_default())
            .is_ok_and(|whole| whole.parse::<Ipv6Addr>().is_ok())
}

/// End and score of an IPv6 address at the cursor.
fn version_six(bytes: &[u8], cursor: &mut Cursor<'_>) -> Option<(usize, f32)> {
    let start = cursor.at();
    let run =
        cursor.run(V6_BYTES + 2, |byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
    let glued = cursor.peek().is_some_and(is_glue);
    let whole = std::str::from_utf8(run).ok()?.trim_end_matches('.');
    let trimmed = whole.strip_suffix(':').unwrap_or(whole);
    let (text, address) = [whole, trimmed]
        .into_iter()
        .find_map(|text| text.parse::<Ipv6Addr>().ok().map(|address| (text, address)))?;
    // `:::` is no address.
    let more = text == "::" && run.len() > 2;
    if more || (glued && text.len() == run.len()) {
        return None;
    }
    let score = likelihood(bytes, start, text, address)?;
    cursor.rewind(start + text.len());
    let end = cursor.at();
    if cursor.eat(b'%') {
        let zone = cursor.run(ZONE_BYTES, |byte| is_glue(byte) || matches!(byte, b'.' | b'-'));
        if zone.is_empty() {
            cursor.rewind(end);
        }
    }
    Some((prefix_length(cursor, 128), score))
}

/// Score of the text as an address of somebody; none for a slice, a path or a time of day.
fn likelihood(bytes: &[u8], start: usize, text: &str, address: Ipv6Addr) -> Option<f32> {
    // Loopback and unspecified addresses read as 0.0.0.x of version 4.
    if !address.to_ipv4().is_none_or(is_somebody) {
        return Some(NOBODY_SCORE);
    }
    is_likely(bytes, start, text, address).then_some(0.95)
}

/// Whether the text is an address, and not a slice, a path or a time of day.
fn is_likely(bytes: &[u8], start: usize, text: &str, address: Ipv6Addr) -> bool {
    if text.contains('.') {
        return true;
    }
    if !text.contains("::") {
        // Eight pairs are a hardware address.
        return text.split(':').any(|group| group.len() != 2);
    }
    let indexed = byte_before(bytes, start, 1) == Some(b'[')
        && byte_before(bytes, start, 2).is_some_and(is_glue)
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let assigned = match address.segments() {
        [0x2000..=0x3FFF | 0xFC00..=0xFDFF | 0xFE80..=0xFEBF | 0xFF00..=0xFFFF, ..]
        | [0x64, 0xFF9B, ..]
        | [0, 0, 0, 0, 0, 0xFFFF, ..] => true,
        _ => text.split(':').filter(|group| !group.is_empty()).count() >= 5,
    };
    assigned && !indexed
}

/// Takes a prefix length such as `/24`, and gives the place after it or, without one, before it.
fn prefix_length(cursor: &mut Cursor<'_>, most: u64) -> usize {
    let end = cursor.at();
    if !cursor.eat(b'/') {
        return end;
    }
    let digits = cursor.run(4, |byte| byte.is_ascii_digit());
    let fits = (1..=3).contains(&digits.len()) && crate::checks::number(digits) <= most;
    if fits && !cursor.peek().is_some_and(is_glue) { cursor.at() } else { end }
}
