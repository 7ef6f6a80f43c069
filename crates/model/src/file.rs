//! The file of a model: a short header, sections in a fixed order, a checksum.
//!
//! Numbers are little endian; a list is its length as `u32` and its members. The file is read
//! strictly: whatever is missing, left over, out of range or not a number is an error, since a model
//! that is half read would judge texts in ways that nobody measured.

use sha2::{Digest, Sha256};

use super::attack::{AttackModel, Heads, Judge, SENSE_HEADS, SenseTable};
use super::noise::{Counts, NUMBERS, Noise};
use super::scale::Scale;
use super::senses::{Entry, Lexicon};
use super::table::{HEADS, Table};
use super::trees::{MAX_DEPTH, Tree, Trees};

/// First bytes of a file, with the version of the format.
const MAGIC: &[u8; 8] = b"BZATTCK1";
/// Bytes of the checksum at the end.
const CHECKSUM: usize = 32;
/// Largest file that is read.
pub const MAX_BYTES: usize = 16 << 20;

/// A file that is no model, or a damaged one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ModelError {
    /// Not such a file.
    #[error("this is no attack model of this version")]
    Magic,
    /// The content is not what was written.
    #[error("the model file is damaged: its checksum does not match")]
    Checksum,
    /// A part does not hold what its place promises.
    #[error("the model file is not well formed: {part}")]
    Part {
        /// The part.
        part: &'static str,
    },
    /// Larger than any model is.
    #[error("the model file is larger than {MAX_BYTES} bytes")]
    TooLarge,
}

/// Writes a model down.
pub fn encode(model: &AttackModel) -> Vec<u8> {
    let mut out = Writer(MAGIC.to_vec());
    let table = &model.heads.table;
    out.floats(&table.scales);
    out.floats(&table.biases);
    out.length(table.rows().len());
    out.0.extend(table.rows().iter().flatten().map(|weight| weight.cast_unsigned()));
    let entries = model.heads.lexicon.entries();
    out.length(entries.len());
    for entry in entries {
        out.0.extend(entry.hash.to_le_bytes());
        out.0.extend([entry.sense, u8::from(entry.whole)]);
    }
    let senses = &model.heads.senses;
    out.floats(&senses.scales);
    out.floats(&[senses.bias]);
    out.length(senses.rows.len());
    out.0.extend(senses.rows.iter().flatten().map(|weight| weight.cast_unsigned()));
    out.trees(&model.judge.whole);
    out.trees(&model.judge.near);
    for scale in model.judge.scales.iter().chain(&model.judge.speakers) {
        out.scale(scale);
    }
    for counts in &model.noise.counts {
        out.length(counts.cells().len());
        out.0.extend(counts.cells());
    }
    out.trees(&model.noise.trees);
    out.scale(&model.noise_scale);
    let checksum = Sha256::digest(&out.0);
    out.0.extend(checksum);
    out.0
}

/// Reads a model.
///
/// # Errors
/// [`ModelError`] for everything but what [`encode`] writes.
pub fn decode(file: &[u8]) -> Result<AttackModel, ModelError> {
    if file.len() > MAX_BYTES {
        return Err(ModelError::TooLarge);
    }
    let rest = file.strip_prefix(MAGIC).ok_or(ModelError::Magic)?;
    let end = rest.len().checked_sub(CHECKSUM).ok_or(ModelError::Checksum)?;
    let (body, checksum) = rest.split_at_checked(end).ok_or(ModelError::Checksum)?;
    let content = file.get(..MAGIC.len() + end).unwrap_or_default();
    if Sha256::digest(content).as_slice() != checksum {
        return Err(ModelError::Checksum);
    }
    let mut from = Reader(body);
    let model = AttackModel {
        heads: Heads { table: from.table()?, lexicon: from.lexicon()?, senses: from.senses()? },
        judge: Judge {
            whole: from.trees(super::attack::SIGNALS)?,
            near: from.trees(super::attack::SIGNALS)?,
            scales: [from.scale()?, from.scale()?],
            speakers: [from.scale()?, from.scale()?, from.scale()?],
        },
        noise: Noise {
            counts: [from.counts()?, from.counts()?, from.counts()?],
            trees: from.trees(NUMBERS)?,
        },
        noise_scale: from.scale()?,
    };
    if from.0.is_empty() { Ok(model) } else { Err(ModelError::Part { part: "bytes left over" }) }
}

struct Writer(Vec<u8>);

impl Writer {
    fn length(&mut self, length: usize) {
        self.0.extend((length as u32).to_le_bytes());
    }

    fn floats(&mut self, floats: &[f32]) {
        self.0.extend(floats.iter().flat_map(|float| float.to_le_bytes()));
    }

    fn trees(&mut self, trees: &Trees) {
        self.floats(&[trees.base()]);
        self.length(trees.trees().len());
        for tree in trees.trees() {
            self.length(tree.splits.len());
            for (number, bound) in &tree.splits {
                self.0.push(*number);
                self.floats(&[*bound]);
            }
            self.floats(&tree.leaves);
        }
    }

    fn scale(&mut self, scale: &Scale) {
        self.length(scale.points().len());
        for (raw, rarity) in scale.points() {
            self.floats(&[*raw, *rarity]);
        }
    }
}

struct Reader<'f>(&'f [u8]);

impl<'f> Reader<'f> {
    fn take(&mut self, bytes: usize, part: &'static str) -> Result<&'f [u8], ModelError> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or(ModelError::Part { part })?;
        self.0 = rest;
        Ok(taken)
    }

    fn length(&mut self, size: usize, part: &'static str) -> Result<usize, ModelError> {
        let length = u32::from_le_bytes(self.array(part)?) as usize;
        // What is announced must be there before room is made for it.
        if length.saturating_mul(size) > self.0.len() {
            return Err(ModelError::Part { part });
        }
        Ok(length)
    }

    fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], ModelError> {
        let taken = self.take(N, part)?;
        taken.try_into().map_err(|_| ModelError::Part { part })
    }

    fn float(&mut self, part: &'static str) -> Result<f32, ModelError> {
        Ok(f32::from_le_bytes(self.array(part)?))
    }

    fn finite(&mut self, part: &'static str) -> Result<f32, ModelError> {
        let float = self.float(part)?;
        if float.is_finite() { Ok(float) } else { Err(ModelError::Part { part }) }
    }

    fn table(&mut self) -> Result<Table, ModelError> {
        const PART: &str = "table of n-grams";
        let (mut scales, mut biases) = ([0.0; HEADS], [0.0; HEADS]);
        for value in scales.iter_mut().chain(&mut biases) {
            *value = self.finite(PART)?;
        }
        let rows = self.length(HEADS, PART)?;
        let bytes = self.take(rows * HEADS, PART)?;
        let (rows, _) = bytes.as_chunks::<HEADS>();
        let rows = rows.iter().map(|row| row.map(u8::cast_signed)).collect();
        Table::new(rows, scales, biases).ok_or(ModelError::Part { part: PART })
    }

    fn lexicon(&mut self) -> Result<Lexicon, ModelError> {
        const PART: &str = "lexicon";
        let number = self.length(6, PART)?;
        let mut entries = Vec::with_capacity(number);
        for _ in 0..number {
            let hash = u32::from_le_bytes(self.array(PART)?);
            let [sense, whole] = self.array(PART)?;
            entries.push(Entry { hash, sense, whole: whole != 0 });
        }
        Ok(Lexicon::new(&entries))
    }

    fn senses(&mut self) -> Result<SenseTable, ModelError> {
        const PART: &str = "heads of senses";
        let mut scales = [0.0; SENSE_HEADS];
        for scale in &mut scales {
            *scale = self.finite(PART)?;
        }
        let bias = self.finite(PART)?;
        let number = self.length(SENSE_HEADS, PART)?;
        if !number.is_power_of_two() {
            return Err(ModelError::Part { part: PART });
        }
        let (rows, _) = self.take(number * SENSE_HEADS, PART)?.as_chunks::<SENSE_HEADS>();
        let rows = rows.iter().map(|row| row.map(u8::cast_signed)).collect();
        Ok(SenseTable { rows, scales, bias })
    }

    fn trees(&mut self, numbers: usize) -> Result<Trees, ModelError> {
        const PART: &str = "trees";
        let base = self.finite(PART)?;
        let number = self.length(1, PART)?;
        let mut trees = Vec::with_capacity(number);
        for _ in 0..number {
            let inner = self.length(5, PART)?;
            if !(inner + 1).is_power_of_two() || inner >= 1 << MAX_DEPTH {
                return Err(ModelError::Part { part: PART });
            }
            let mut splits = Vec::with_capacity(inner);
            for _ in 0..inner {
                let [number] = self.array(PART)?;
                // A bound may be infinite: everything goes left.
                let bound = self.float(PART)?;
                if usize::from(number) >= numbers || bound.is_nan() {
                    return Err(ModelError::Part { part: PART });
                }
                splits.push((number, bound));
            }
            let mut leaves = Vec::with_capacity(inner + 1);
            for _ in 0..=inner {
                leaves.push(self.finite(PART)?);
            }
            trees.push(Tree { splits, leaves });
        }
        Ok(Trees::new(base, trees))
    }

    fn scale(&mut self) -> Result<Scale, ModelError> {
        const PART: &str = "scale";
        let number = self.length(8, PART)?;
        let mut points = Vec::with_capacity(number);
        for _ in 0..number {
            points.push((self.finite(PART)?, self.finite(PART)?));
        }
        Scale::new(points).ok_or(ModelError::Part { part: PART })
    }

    fn counts(&mut self) -> Result<Counts, ModelError> {
        const PART: &str = "counts of harmless text";
        let number = self.length(1, PART)?;
        Counts::new(self.take(number, PART)?.to_vec()).ok_or(ModelError::Part { part: PART })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trees() -> Trees {
        let tree = Tree { splits: vec![(0, f32::INFINITY)], leaves: vec![1.0, -1.0] };
        Trees::new(0.5, vec![tree])
    }

    fn model() -> AttackModel {
        let scale = || Scale::new(vec![(0.0, 1.0), (2.0, 3.0)]).unwrap();
        let counts = || Counts::new(vec![7; 4]).unwrap();
        let entry = Entry { hash: Lexicon::hash("ignore"), sense: 3, whole: true };
        AttackModel {
            heads: Heads {
                table: Table::new(vec![[1, -2, 3, -4]; 8], [0.1; HEADS], [0.2; HEADS]).unwrap(),
                lexicon: Lexicon::new(&[entry]),
                senses: SenseTable {
                    rows: vec![[5; SENSE_HEADS]; 4],
                    scales: [0.1; SENSE_HEADS],
                    bias: -1.0,
                },
            },
            judge: Judge {
                whole: trees(),
                near: trees(),
                scales: [scale(), scale()],
                speakers: [scale(), scale(), scale()],
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
