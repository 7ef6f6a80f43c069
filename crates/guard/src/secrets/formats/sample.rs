//! Placeholders and documentation values in the shape of keys: told apart, and not unseen.

use super::{Fill, Format, MAX_MATCH_BYTES, Match, Part, Place};
use crate::cursor::Cursor;
use crate::secrets::quality::{entropy, is_blank, is_placeholder, is_published, says_sample};

/// A value that somebody made up, or that documentation prints.
const SAMPLE: f32 = 0.3;
/// A value that only shows where a key goes.
const BLANK: f32 = 0.1;
/// Most bytes by which a sample may be longer than any key.
const MAX_EXCESS_BYTES: usize = 64;

impl Format {
    /// As [`Format::read`], for what has the shape of the format and opens nothing.
    pub(crate) fn read_sample(
        &self,
        bytes: &[u8],
        start: usize,
        end: usize,
    ) -> (Option<Match>, bool) {
        let mut cursor = Cursor::new(bytes, end, MAX_MATCH_BYTES);
        let shape = self.shape(bytes, start, &mut cursor, Fill::Placeholder);
        let found = shape.and_then(|shape| {
            let (from, until) = shape.span;
            let whole = bytes.get(from..until).unwrap_or_default();
            let body = shape.body;
            if !self.ends(&mut cursor) {
                if self.place == Place::Assigned {
                    return None;
                }
                // Longer than any key, so it is one only in what it says.
                self.take_excess(&mut cursor);
                let all = bytes.get(from..cursor.at()).unwrap_or_default();
                return says_sample(all).then_some((from, cursor.at(), SAMPLE));
            }
            let faint = self.place != Place::Assigned && entropy(body) < self.min_entropy;
            let sample = is_published(whole) || is_placeholder(body) || faint;
            let score = if is_blank(body) { BLANK } else { SAMPLE };
            sample.then_some((from, until, score))
        });
        let found = found.map(|(start, end, score)| Match { start, end, score });
        (found, cursor.starved())
    }

    /// Takes what follows in the alphabet of the last run.
    fn take_excess(&self, cursor: &mut Cursor<'_>) {
        if let Some(Part::Run(alphabet, ..)) = self.parts.last() {
            cursor.run(MAX_EXCESS_BYTES, |byte| alphabet.has(byte));
        }
    }
}
