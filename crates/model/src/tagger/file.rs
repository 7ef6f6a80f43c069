//! The file of a tagger: weights, then lists.

use super::Tagger;
use super::gazetteer::Gazetteer;
use super::weights::{HIDDEN, Row, TAGS, WIDTH, Weights};
use crate::file::{Magic, ModelError, Reader, open, seal};

const MAGIC: &Magic = b"BZNAMES1";

/// Writes a tagger down.
pub fn encode(tagger: &Tagger) -> Vec<u8> {
    let weights = &tagger.weights;
    seal(*MAGIC, |out| {
        out.floats(&weights.steps);
        out.floats(&weights.biases);
        for unit in &weights.out {
            out.floats(unit);
        }
        let rows = weights.rows().iter().flatten().map(|weight| weight.cast_unsigned());
        out.bytes(&rows.collect::<Vec<u8>>());
        let entries = tagger.gazetteer.entries().iter();
        let entries = entries.flat_map(|(hash, bits)| [hash.to_le_bytes(), bits.to_le_bytes()]);
        out.bytes(&entries.flatten().collect::<Vec<u8>>());
    })
}

/// Reads a tagger.
///
/// # Errors
/// [`ModelError`] for everything but what [`encode`] writes.
pub fn decode(file: &[u8]) -> Result<Tagger, ModelError> {
    open(*MAGIC, file, |from| Ok(Tagger { weights: weights(from)?, gazetteer: gazetteer(from)? }))
}

fn weights(from: &mut Reader<'_>) -> Result<Weights, ModelError> {
    const PART: &str = "weights of names";
    let (mut steps, mut biases, mut out) = ([0.0; 2], [0.0; WIDTH], [[0.0; HIDDEN]; TAGS]);
    for place in steps.iter_mut().chain(&mut biases).chain(out.iter_mut().flatten()) {
        *place = from.finite(PART)?;
    }
    let bytes = from.bytes(PART)?;
    let (rows, rest) = bytes.as_chunks::<WIDTH>();
    let rows: Vec<Row> = rows.iter().map(|row| row.map(u8::cast_signed)).collect();
    let weights = Weights::new(rows, steps, biases, out).filter(|_| rest.is_empty());
    weights.ok_or(ModelError::Part { part: PART })
}

fn gazetteer(from: &mut Reader<'_>) -> Result<Gazetteer, ModelError> {
    const PART: &str = "lists of names";
    let bytes = from.bytes(PART)?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    let numbers: Vec<u32> = numbers.iter().map(|number| u32::from_le_bytes(*number)).collect();
    let (pairs, odd) = numbers.as_chunks::<2>();
    let entries: Vec<(u32, u32)> = pairs.iter().map(|[hash, bits]| (*hash, *bits)).collect();
    let is_sorted = entries.is_sorted_by(|a, b| a.0 < b.0);
    let is_whole = rest.is_empty() && odd.is_empty() && entries.iter().all(|(_, bits)| *bits != 0);
    if is_sorted && is_whole {
        Ok(Gazetteer::new(entries))
    } else {
        Err(ModelError::Part { part: PART })
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
    fn lists_out_of_order_are_refused() {
        let file = seal(*MAGIC, |out| {
            let weights = tagger().weights;
            out.floats(&weights.steps);
            out.floats(&weights.biases);
            for unit in &weights.out {
                out.floats(unit);
            }
            out.bytes(&[0; 2 * WIDTH]);
            out.bytes(&[2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
        });
        assert_eq!(decode(&file), Err(ModelError::Part { part: "lists of names" }));
    }
}
