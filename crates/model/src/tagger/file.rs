//! The file of a tagger: a header, sections in a fixed order, a checksum.
//!
//! Numbers are little endian; a list is its length as `u32` and its members. The file is read strictly:
//! whatever is missing, left over, out of range or not a number is an error.

use sha2::{Digest, Sha256};

use super::Tagger;
use super::gazetteer::Gazetteer;
use super::weights::{HIDDEN, Row, TAGS, WIDTH, Weights};

/// First bytes of a file, with the version of the format.
const MAGIC: &[u8; 8] = b"BZNAMES1";
/// Bytes of the checksum at the end.
const CHECKSUM: usize = 32;
/// Largest file that is read.
pub const MAX_BYTES: usize = 16 << 20;

/// A file that is no tagger, or a damaged one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TaggerError {
    /// Not such a file.
    #[error("this is no tagger of this version")]
    Magic,
    /// The content is not what was written.
    #[error("the file of the tagger is damaged: its checksum does not match")]
    Checksum,
    /// A part does not hold what its place promises.
    #[error("the file of the tagger is not well formed: {part}")]
    Part {
        /// The part.
        part: &'static str,
    },
    /// Larger than any tagger is.
    #[error("the file of the tagger is larger than {MAX_BYTES} bytes")]
    TooLarge,
}

/// Writes a tagger down.
pub fn encode(tagger: &Tagger) -> Vec<u8> {
    let weights = &tagger.weights;
    let mut out = MAGIC.to_vec();
    let floats = weights.steps.iter().chain(&weights.biases).chain(weights.out.iter().flatten());
    out.extend(floats.flat_map(|float| float.to_le_bytes()));
    out.extend((weights.rows().len() as u32).to_le_bytes());
    out.extend(weights.rows().iter().flatten().map(|weight| weight.cast_unsigned()));
    let entries = tagger.gazetteer.entries();
    out.extend((entries.len() as u32).to_le_bytes());
    for (hash, bits) in entries {
        out.extend(hash.to_le_bytes());
        out.extend(bits.to_le_bytes());
    }
    let checksum = Sha256::digest(&out);
    out.extend(checksum);
    out
}

/// Reads a tagger.
///
/// # Errors
/// [`TaggerError`] for everything but what [`encode`] writes.
pub fn decode(file: &[u8]) -> Result<Tagger, TaggerError> {
    if file.len() > MAX_BYTES {
        return Err(TaggerError::TooLarge);
    }
    let rest = file.strip_prefix(MAGIC).ok_or(TaggerError::Magic)?;
    let end = rest.len().checked_sub(CHECKSUM).ok_or(TaggerError::Checksum)?;
    let (body, checksum) = rest.split_at_checked(end).ok_or(TaggerError::Checksum)?;
    let content = file.get(..MAGIC.len() + end).unwrap_or_default();
    if Sha256::digest(content).as_slice() != checksum {
        return Err(TaggerError::Checksum);
    }
    let mut from = Reader(body);
    let weights = from.weights()?;
    let gazetteer = from.gazetteer()?;
    if !from.0.is_empty() {
        return Err(TaggerError::Part { part: "bytes left over" });
    }
    Ok(Tagger { gazetteer, weights })
}

struct Reader<'f>(&'f [u8]);

impl<'f> Reader<'f> {
    fn take(&mut self, bytes: usize, part: &'static str) -> Result<&'f [u8], TaggerError> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(TaggerError::Part { part })?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, part: &'static str) -> Result<u32, TaggerError> {
        let bytes = self.take(4, part)?.try_into().map_err(|_| TaggerError::Part { part })?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// A length; what is announced must be there before room is made for it.
    fn length(&mut self, size: usize, part: &'static str) -> Result<usize, TaggerError> {
        let length = self.number(part)? as usize;
        let fits = length.saturating_mul(size) <= self.0.len();
        if fits { Ok(length) } else { Err(TaggerError::Part { part }) }
    }

    fn finite(&mut self, part: &'static str) -> Result<f32, TaggerError> {
        let float = f32::from_bits(self.number(part)?);
        if float.is_finite() { Ok(float) } else { Err(TaggerError::Part { part }) }
    }

    fn weights(&mut self) -> Result<Weights, TaggerError> {
        const PART: &str = "weights";
        let (mut steps, mut biases, mut out) = ([0.0; 2], [0.0; WIDTH], [[0.0; HIDDEN]; TAGS]);
        let places = steps.iter_mut().chain(&mut biases).chain(out.iter_mut().flatten());
        for place in places {
            *place = self.finite(PART)?;
        }
        let number = self.length(WIDTH, PART)?;
        let (rows, _) = self.take(number * WIDTH, PART)?.as_chunks::<WIDTH>();
        let rows: Vec<Row> = rows.iter().map(|row| row.map(u8::cast_signed)).collect();
        Weights::new(rows, steps, biases, out).ok_or(TaggerError::Part { part: PART })
    }

    fn gazetteer(&mut self) -> Result<Gazetteer, TaggerError> {
        const PART: &str = "lists";
        let number = self.length(8, PART)?;
        let mut entries = Vec::with_capacity(number);
        let mut last = None;
        for _ in 0..number {
            let (hash, bits) = (self.number(PART)?, self.number(PART)?);
            if bits == 0 || last.is_some_and(|last| last >= hash) {
                return Err(TaggerError::Part { part: PART });
            }
            last = Some(hash);
            entries.push((hash, bits));
        }
        Ok(Gazetteer::new(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::super::gazetteer::{entry, list};
    use super::*;

    fn tagger() -> Tagger {
        let rows = vec![[3; WIDTH], [-2; WIDTH], [0; WIDTH], [127; WIDTH]];
        let weights = Weights::new(rows, [0.1, 0.2], [0.3; WIDTH], [[0.4; HIDDEN]; TAGS]).unwrap();
        let gazetteer = Gazetteer::new(entry("Rio de Janeiro", list::CITY));
        Tagger { gazetteer, weights }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(decode(&encode(&tagger())).unwrap(), tagger());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let file = encode(&tagger());
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 0x20;
            assert!(decode(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn every_cut_is_refused_even_with_a_right_checksum() {
        let file = encode(&tagger());
        let content = &file[..file.len() - CHECKSUM];
        for end in MAGIC.len()..content.len() {
            let mut cut = content[..end].to_vec();
            let checksum = Sha256::digest(&cut);
            cut.extend(checksum);
            assert!(matches!(decode(&cut), Err(TaggerError::Part { .. })), "cut at {end}");
        }
        assert_eq!(decode(b"GIF89a"), Err(TaggerError::Magic));
    }
}
