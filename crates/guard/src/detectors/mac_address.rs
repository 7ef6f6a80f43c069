//! Hardware addresses of network interfaces.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::checks::context::{is_one_of, starts_with_one_of, words_before};
use crate::checks::{byte_before, glued_before, is_glue};
use crate::cursor::Cursor;
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static DETECTOR: MacAddress = MacAddress;

/// Finds hardware addresses.
pub(super) struct MacAddress;

static META: Meta = Meta {
    id: "mac-address",
    summary: "A hardware address of a network interface",
    severity: Severity::Low,
    category: Category::Pii,
    label: "MAC_ADDRESS",
    docs: Docs {
        finds: "Six or eight pairs of hexadecimal digits with colons or dashes between them, or three groups of four \
                with full stops as Cisco writes them.",
        matters: "A hardware address follows a device, and so a person, from network to network.",
        example: "`ether 00:00:5e:00:53:af` becomes `ether <MAC_ADDRESS_1>`.",
        fix: "Mask it before it reaches a model that need not know it.",
        limits: "Twelve digits without separators are not found. Decimal pairs with dashes, and decimal groups with \
                 full stops, need a word such as `mac` before them. The broadcast and the null address are left alone.",
    },
    references: &[
        Reference::Spec("IEEE 802 section 8"),
        Reference::Spec("RFC 7042 section 2.1"),
        Reference::Cwe(359),
    ],
    flags: &[
        "ether 00:00:5e:00:53:af",
        "MAC 00-00-5E-00-53-AF.",
        "AA:BB:CC:DD:EE:FF",
        "Cisco 0000.5e00.53af up",
        "mac address 00-00-53-00-53-01",
        "00:00:5e:ef:10:00:00:01",
        "http://[x]/00%3A00%3A5e%3A00%3A53%3Aaf",
        "地址00:00:5e:00:53:af",
    ],
    passes: &[
        "FF:FF:FF:FF:FF:FF",
        "00:00:00:00:00:00",
        "ZZ:ZZ:ZZ:ZZ:ZZ:ZZ",
        "10-20-30-40-50-60",
        "1234.5678.9012",
        "dead.beef.cafe",
        "12:30:45",
        "00:00:5e:00:53",
        "00:00:5e:00:53:af:01",
        "00:00:5e-00:53:af",
        "SHA1 aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd",
        "x00:00:5e:00:53:af",
        "00:00:5e:00:53:afg",
        "well-to-do co-op add-on be-ad",
    ],
};

/// Bytes read ahead: eight pairs with separators, and what follows.
const CAP_BYTES: usize = 28;

impl Detector for MacAddress {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for at in memchr::memchr3_iter(b':', b'-', b'.', bytes) {
            let separator = bytes.get(at).copied().unwrap_or_default();
            let width = if separator == b'.' { 4 } else { 2 };
            let Some(start) = at.checked_sub(width) else { continue };
            let hex = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
            if !bytes.get(start..at).is_some_and(hex) || !is_free_before(bytes, start, separator) {
                continue;
            }
            let mut cursor = Cursor::new(bytes, start, CAP_BYTES);
            let end = read(&mut cursor, separator, width);
            if cursor.starved() {
                findings.undecided(start);
            }
            let Some(end) = end else { continue };
            let text = bytes.get(start..end).unwrap_or_default();
            if is_likely(bytes, start, text, separator) {
                findings.push(start, end, 0.95);
            }
        }
        // The first group may be all that has arrived.
        let open = bytes.iter().rev().take(5).take_while(|byte| byte.is_ascii_hexdigit()).count();
        if open < 5 {
            findings.undecided(bytes.len() - open);
        }
    }
}

fn is_free_before(bytes: &[u8], start: usize, separator: u8) -> bool {
    let goes_on = byte_before(bytes, start, 1) == Some(separator)
        && byte_before(bytes, start, 2).is_some_and(is_glue);
    !goes_on && !glued_before(bytes, start)
}

/// End of the address at the cursor.
fn read(cursor: &mut Cursor<'_>, separator: u8, width: usize) -> Option<usize> {
    let most = if separator == b'.' { 3 } else { 8 };
    let mut groups = 0;
    let mut end = cursor.at();
    loop {
        if cursor.run(width + 1, |byte| byte.is_ascii_hexdigit()).len() != width {
            return None;
        }
        groups += 1;
        end = cursor.at().max(end);
        let goes_on = cursor.eat(separator) && cursor.peek().is_some_and(is_glue);
        if goes_on && groups == most {
            return None;
        }
        if !goes_on {
            break;
        }
    }
    cursor.rewind(end);
    let whole = !cursor.peek().is_some_and(is_glue);
    let counts = if separator == b'.' { groups == 3 } else { matches!(groups, 6 | 8) };
    (whole && counts).then_some(end)
}

/// Whether the digits are an address of one interface and no other kind of number.
fn is_likely(bytes: &[u8], start: usize, text: &[u8], separator: u8) -> bool {
    let mut digits = text.iter().filter(|byte| byte.is_ascii_hexdigit());
    let same = |digit: u8| text.iter().all(|byte| !byte.is_ascii_hexdigit() || *byte == digit);
    if same(b'0') || same(b'f') || same(b'F') {
        return false;
    }
    let decimal = digits.clone().all(u8::is_ascii_digit);
    let word = digits.all(u8::is_ascii_alphabetic);
    match separator {
        b':' => true,
        b'-' => !decimal || is_named(bytes, start),
        _ => !(decimal || word) || is_named(bytes, start),
    }
}

fn is_named(bytes: &[u8], start: usize) -> bool {
    words_before(bytes, start).any(|word| {
        is_one_of(word, &["mac", "hw", "hwaddr", "bssid", "physical"])
            || starts_with_one_of(word, &["ether", "hardware", "macaddr"])
    })
}
