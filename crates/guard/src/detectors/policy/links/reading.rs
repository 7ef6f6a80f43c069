//! A text as it came, and as those read it who know its escapes, with the way back to its bytes.

use std::borrow::Cow;

use crate::text::unescape::{MAX_ESCAPE_BYTES, Parsed, parse};

/// How often escapes are read: an entity may stand within a string of JSON.
const ROUNDS: usize = 2;
/// Most bytes of the text before a URL that say where it stands.
const LEAD_BYTES: usize = 416;
/// Most bytes of the text that one byte of a reading stands for. Where a window begins within an escape,
/// what it shows of that escape is not looked at.
const UNIT_BYTES: usize = MAX_ESCAPE_BYTES * (MAX_ESCAPE_BYTES + 1);
/// Most bytes before a URL that decide about it.
pub(super) const LOOK_BEHIND: usize = LEAD_BYTES + UNIT_BYTES;

/// One way to read a text.
pub(super) struct Reading<'a> {
    bytes: Cow<'a, [u8]>,
    /// First byte in the text and one past the last, for each byte; none where all are their own.
    places: Option<Vec<(u32, u32)>>,
    /// Byte of the text where the reading ends.
    end: usize,
}

/// What stands before a place.
#[derive(Clone, Copy)]
pub(super) struct Lead<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether there is more than is shown.
    pub(super) is_cut: bool,
}

/// The text as it came, and as what it says once and twice unescaped, as far as that differs.
pub(super) fn readings(bytes: &[u8], complete: bool) -> Vec<Reading<'_>> {
    let raw = Reading { bytes: Cow::Borrowed(bytes), places: None, end: bytes.len() };
    let mut all = vec![raw];
    for _ in 0..ROUNDS {
        let next = all.last().and_then(|last| last.unescaped(complete));
        let Some(next) = next else { break };
        all.push(next);
    }
    all
}

impl<'a> Reading<'a> {
    /// What it says without escapes; none where there are none. Of a text that goes on, what an escape at
    /// its end stands for is left out.
    fn unescaped(&self, complete: bool) -> Option<Reading<'a>> {
        let mut out = Vec::new();
        let mut places = Vec::new();
        let mut copied = 0;
        let mut at = 0;
        let mut end = self.bytes.len();
        while let Some(found) = memchr::memchr2(b'&', b'\\', self.bytes.get(at..)?) {
            let start = at + found;
            let rest = self.bytes.get(start..)?;
            let (len, c) = match parse(rest) {
                Parsed::Char(len, c) => (len, c),
                Parsed::None if rest.starts_with(b"\\r") => (2, '\r'),
                Parsed::Open if !complete => {
                    end = start;
                    break;
                }
                Parsed::Open | Parsed::Byte(..) | Parsed::None => {
                    at = start + 1;
                    continue;
                }
            };
            self.copy(copied, start, &mut out, &mut places);
            // In attributes, which are where entities are read, browsers skip tabs and line breaks. In JSON
            // they are what they are.
            if !(rest.starts_with(b"&") && matches!(c, '\t' | '\n' | '\r')) {
                let place = (self.start_of(start), self.end_of(start + len - 1));
                let encoded = c.encode_utf8(&mut [0; 4]).len();
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                places.extend(std::iter::repeat_n(place, encoded));
            }
            at = start + len;
            copied = at;
        }
        if copied == 0 && end == self.bytes.len() {
            return None;
        }
        self.copy(copied, end, &mut out, &mut places);
        Some(Reading { bytes: Cow::Owned(out), places: Some(places), end: self.source(end) })
    }

    fn copy(&self, from: usize, to: usize, out: &mut Vec<u8>, places: &mut Vec<(u32, u32)>) {
        out.extend_from_slice(self.bytes.get(from..to).unwrap_or_default());
        places.extend((from..to).map(|at| (self.start_of(at), self.end_of(at))));
    }

    fn start_of(&self, at: usize) -> u32 {
        self.source(at) as u32
    }

    fn end_of(&self, at: usize) -> u32 {
        self.source_end(at + 1) as u32
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The byte of the text at which a byte of the reading begins.
    pub(super) fn source(&self, at: usize) -> usize {
        match &self.places {
            None => at,
            Some(places) => places.get(at).map_or(self.end, |(start, _)| *start as usize),
        }
    }

    /// The byte of the text at which a stretch ends that ends at `at`.
    pub(super) fn source_end(&self, at: usize) -> usize {
        match &self.places {
            None => at,
            Some(places) => {
                let last = at.checked_sub(1).and_then(|last| places.get(last));
                last.map_or(0, |(_, end)| *end as usize)
            }
        }
    }

    /// Whether the reading ends before the text does, at an escape that more text may complete.
    pub(super) fn is_cut(&self, text_len: usize) -> bool {
        self.end < text_len
    }

    /// Byte of the text where the reading ends.
    pub(super) const fn end(&self) -> usize {
        self.end
    }

    /// What stands before `at`, as far as it may decide.
    pub(super) fn lead(&self, at: usize) -> Lead<'_> {
        let source = self.source(at);
        let from = source.saturating_sub(LEAD_BYTES);
        let from = match &self.places {
            None => from,
            Some(places) => places.partition_point(|(start, _)| (*start as usize) < from),
        };
        let bytes = self.bytes.get(from..at).unwrap_or_default();
        Lead { bytes, is_cut: source >= LEAD_BYTES }
    }

    /// The byte of the reading that is `max_bytes` of the text behind `at`; beyond all where the text ends
    /// before.
    pub(super) fn limit(&self, at: usize, max_bytes: usize) -> usize {
        let Some(places) = &self.places else { return at + max_bytes };
        let to = self.source(at) + max_bytes;
        let limit = places.partition_point(|(start, _)| (*start as usize) < to);
        if limit == places.len() { usize::MAX } else { limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str, complete: bool) -> String {
        let all = readings(text.as_bytes(), complete);
        String::from_utf8_lossy(all.last().unwrap().bytes()).into_owned()
    }

    #[test]
    fn escapes_of_html_json_and_markdown_are_read() {
        assert_eq!(last("a&#47;\\/\\u002f&sol;b", true), "a////b");
        assert_eq!(last("ht&Tab;tp&#10;s\\n", true), "https\n");
        assert_eq!(last("\\u0026#47;", true), "/");
        assert_eq!(last("\\\\ %2f &x", true), "\\\\ %2f &x");
    }

    #[test]
    fn an_escape_that_may_go_on_ends_the_reading() {
        assert_eq!(last("ab&#4", false), "ab");
        assert_eq!(last("ab&#4", true), "ab&#4");
        let all = readings(b"a&sol;b\\", false);
        let second = all.get(1).unwrap();
        assert_eq!((second.bytes(), second.end()), (&b"a/b"[..], 7));
    }

    #[test]
    fn places_lead_back_through_both_rounds() {
        let all = readings(b"x\\u0026#47;y", true);
        let twice = all.last().unwrap();
        assert_eq!(twice.bytes(), b"x/y");
        assert_eq!((twice.source(1), twice.source_end(2), twice.source(2)), (1, 11, 11));
        assert_eq!(twice.limit(0, 11), 2);
        assert_eq!(twice.limit(0, 12), usize::MAX);
    }
}
