//! The file of the model of attacks.

use super::{AttackModel, Heads, Judge, SIGNALS, planted};
use crate::file::{Magic, ModelError, Reader, open, seal};
use crate::noise::{Counts, NUMBERS, Noise};

/// First bytes of a file.
const MAGIC: Magic = *b"BZATTCK4";

/// Writes a model down.
pub fn encode(model: &AttackModel) -> Vec<u8> {
    seal(MAGIC, |out| {
        out.table(&model.heads.table);
        out.lexicon(&model.heads.lexicon);
        out.senses(&model.heads.senses);
        out.floats(&[model.heads.sense_bias]);
        out.trees(&model.judge.whole);
        out.trees(&model.judge.near);
        for scale in model.judge.scales.iter().chain(&model.judge.speakers) {
            out.scale(scale);
        }
        out.trees(&model.judge.planted);
        out.scale(&model.judge.planted_scale);
        for counts in &model.noise.counts {
            out.bytes(counts.cells());
        }
        out.trees(&model.noise.trees);
        out.scale(&model.noise_scale);
    })
}

/// Reads a model.
///
/// # Errors
/// [`ModelError`] for everything but what [`encode`] writes.
pub fn decode(file: &[u8]) -> Result<AttackModel, ModelError> {
    open(MAGIC, file, |from| {
        Ok(AttackModel {
            heads: Heads {
                table: from.table()?,
                lexicon: from.lexicon()?,
                senses: from.senses()?,
                sense_bias: from.finite("heads of senses")?,
            },
            judge: Judge {
                whole: from.trees(SIGNALS)?,
                near: from.trees(SIGNALS)?,
                scales: [from.scale()?, from.scale()?],
                speakers: [from.scale()?, from.scale()?, from.scale()?],
                planted: from.trees(planted::NUMBERS)?,
                planted_scale: from.scale()?,
            },
            noise: Noise {
                counts: [counts(from)?, counts(from)?, counts(from)?],
                trees: from.trees(NUMBERS)?,
            },
            noise_scale: from.scale()?,
        })
    })
}

fn counts(from: &mut Reader<'_>) -> Result<Counts, ModelError> {
    const PART: &str = "counts of harmless text";
    Counts::new(from.bytes(PART)?).ok_or(ModelError::Part { part: PART })
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::Table;
    use crate::attack::{HEADS, SENSE_HEADS};
    use crate::file::CHECKSUM;
    use crate::scale::Scale;
    use crate::senses::{Entry, Lexicon, SenseTable};
    use crate::trees::{Tree, Trees};

    fn trees() -> Trees {
        let tree = Tree { splits: vec![(0, f32::INFINITY)], leaves: vec![1.0, -1.0] };
        Trees::new(0.5, vec![tree])
    }

    fn model() -> AttackModel {
        let scale = || Scale::new(vec![(0.0, 1.0), (2.0, 3.0)]).unwrap();
        let counts = || Counts::new(vec![7; 4]).unwrap();
        let entry = Entry { word: "ignore".to_owned(), sense: 3, whole: true };
        AttackModel {
            heads: Heads {
                table: Table::new(&[[1, -2, 3, -4, 5]; 8], [0.1; HEADS], [0.2; HEADS]).unwrap(),
                lexicon: Lexicon::new(&[entry]),
                senses: SenseTable { rows: vec![[5; SENSE_HEADS]; 4], scales: [0.1; SENSE_HEADS] },
                sense_bias: -1.0,
            },
            judge: Judge {
                whole: trees(),
                near: trees(),
                scales: [scale(), scale()],
                speakers: [scale(), scale(), scale()],
                planted: trees(),
                planted_scale: scale(),
            },
            noise: Noise { counts: [counts(), counts(), counts()], trees: trees() },
            noise_scale: scale(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(decode(&encode(&model())).unwrap(), model());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let file = encode(&model());
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 0x20;
            assert!(decode(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn every_cut_is_refused_even_with_a_right_checksum() {
        let file = encode(&model());
        let content = &file[..file.len() - CHECKSUM];
        for end in MAGIC.len()..content.len() {
            let mut cut = content[..end].to_vec();
            let checksum = Sha256::digest(&cut);
            cut.extend(checksum);
            assert!(matches!(decode(&cut), Err(ModelError::Part { .. })), "cut at {end}");
        }
        assert_eq!(decode(b"GIF89a"), Err(ModelError::Magic));
    }
}
