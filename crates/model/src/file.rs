//! The file of a model: a short header, sections in a fixed order, a checksum.
//!
//! Numbers are little endian; a list is its length as `u32` and its members. The file is read
//! strictly: whatever is missing, left over, out of range or not a number is an error, since a model
//! that is half read would judge texts in ways that nobody measured. What the sections of a model
//! are, the model says beside itself.

use sha2::{Digest, Sha256};

use super::scale::Scale;
use super::senses::{Cell, Lexicon, SenseTable};
use super::table::Table;
use super::trees::{MAX_DEPTH, Tree, Trees};

/// First bytes of a file: the kind of model, with the version of its format.
pub(crate) type Magic = [u8; 8];
/// Bytes of the checksum at the end.
pub(crate) const CHECKSUM: usize = 32;
/// Largest file that is read.
pub const MAX_BYTES: usize = 16 << 20;

/// A file that is no model, or a damaged one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ModelError {
    /// Not such a file.
    #[error("this is no model of this kind and version")]
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

/// A file with these sections.
pub(crate) fn seal(magic: Magic, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer(magic.to_vec());
    write(&mut out);
    let checksum = Sha256::digest(&out.0);
    out.0.extend(checksum);
    out.0
}

/// The sections of a file.
pub(crate) fn open<M>(
    magic: Magic,
    file: &[u8],
    read: impl FnOnce(&mut Reader<'_>) -> Result<M, ModelError>,
) -> Result<M, ModelError> {
    if file.len() > MAX_BYTES {
        return Err(ModelError::TooLarge);
    }
    let rest = file.strip_prefix(&magic).ok_or(ModelError::Magic)?;
    let end = rest.len().checked_sub(CHECKSUM).ok_or(ModelError::Checksum)?;
    let (body, checksum) = rest.split_at_checked(end).ok_or(ModelError::Checksum)?;
    let content = file.get(..magic.len() + end).unwrap_or_default();
    if Sha256::digest(content).as_slice() != checksum {
        return Err(ModelError::Checksum);
    }
    let mut from = Reader(body);
    let model = read(&mut from)?;
    if from.0.is_empty() { Ok(model) } else { Err(ModelError::Part { part: "bytes left over" }) }
}

/// Writes sections.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    fn length(&mut self, length: usize) {
        self.0.extend((length as u32).to_le_bytes());
    }

    fn weights<const N: usize>(&mut self, rows: impl ExactSizeIterator<Item = [i8; N]>) {
        self.length(rows.len());
        self.0.extend(rows.flatten().map(i8::cast_unsigned));
    }

    pub(crate) fn table<const N: usize>(&mut self, table: &Table<N>) {
        self.floats(&table.scales);
        self.floats(&table.biases);
        self.weights(table.rows());
    }

    pub(crate) fn lexicon(&mut self, lexicon: &Lexicon) {
        let cells = lexicon.cells();
        self.length(cells.len());
        for cell in cells {
            let flags = [cell.sense.is_some(), cell.whole, cell.goes_on];
            let flags = flags.into_iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(flag));
            self.0.extend(cell.hash.to_le_bytes());
            self.0.extend([cell.sense.unwrap_or_default(), flags]);
        }
    }

    pub(crate) fn senses<const N: usize>(&mut self, senses: &SenseTable<N>) {
        self.floats(&senses.scales);
        self.weights(senses.rows.iter().copied());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend(bytes);
    }

    pub(crate) fn floats(&mut self, floats: &[f32]) {
        self.0.extend(floats.iter().flat_map(|float| float.to_le_bytes()));
    }

    pub(crate) fn trees(&mut self, trees: &Trees) {
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

    pub(crate) fn scale(&mut self, scale: &Scale) {
        self.length(scale.points().len());
        for (raw, rarity) in scale.points() {
            self.floats(&[*raw, *rarity]);
        }
    }
}

/// Reads sections.
pub(crate) struct Reader<'f>(&'f [u8]);

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

    pub(crate) fn finite(&mut self, part: &'static str) -> Result<f32, ModelError> {
        let float = self.float(part)?;
        if float.is_finite() { Ok(float) } else { Err(ModelError::Part { part }) }
    }

    fn weights<const N: usize>(&mut self, part: &'static str) -> Result<Vec<[i8; N]>, ModelError> {
        let rows = self.length(N, part)?;
        let (rows, _) = self.take(rows * N, part)?.as_chunks::<N>();
        Ok(rows.iter().map(|row| row.map(u8::cast_signed)).collect())
    }

    fn floats<const N: usize>(&mut self, part: &'static str) -> Result<[f32; N], ModelError> {
        let mut floats = [0.0; N];
        for float in &mut floats {
            *float = self.finite(part)?;
        }
        Ok(floats)
    }

    pub(crate) fn table<const N: usize>(&mut self) -> Result<Table<N>, ModelError> {
        const PART: &str = "table of n-grams";
        let (scales, biases) = (self.floats(PART)?, self.floats(PART)?);
        let rows = self.weights(PART)?;
        Table::new(&rows, scales, biases).ok_or(ModelError::Part { part: PART })
    }

    pub(crate) fn lexicon(&mut self) -> Result<Lexicon, ModelError> {
        const PART: &str = "lexicon";
        let number = self.length(6, PART)?;
        let mut cells = Vec::with_capacity(number);
        for _ in 0..number {
            let hash = u32::from_le_bytes(self.array(PART)?);
            let [sense, flags] = self.array(PART)?;
            let [is_word, whole, goes_on] = [0, 1, 2].map(|bit| flags >> bit & 1 == 1);
            cells.push(Cell { hash, sense: is_word.then_some(sense), whole, goes_on });
        }
        Ok(Lexicon::of(cells))
    }

    pub(crate) fn senses<const N: usize>(&mut self) -> Result<SenseTable<N>, ModelError> {
        const PART: &str = "heads of senses";
        let scales = self.floats(PART)?;
        let rows = self.weights(PART)?;
        let fits = rows.len().is_power_of_two();
        fits.then_some(SenseTable { rows, scales }).ok_or(ModelError::Part { part: PART })
    }

    pub(crate) fn trees(&mut self, numbers: usize) -> Result<Trees, ModelError> {
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

    pub(crate) fn scale(&mut self) -> Result<Scale, ModelError> {
        const PART: &str = "scale";
        let number = self.length(8, PART)?;
        let mut points = Vec::with_capacity(number);
        for _ in 0..number {
            points.push((self.finite(PART)?, self.finite(PART)?));
        }
        Scale::new(points).ok_or(ModelError::Part { part: PART })
    }

    pub(crate) fn bytes(&mut self, part: &'static str) -> Result<Vec<u8>, ModelError> {
        let number = self.length(1, part)?;
        Ok(self.take(number, part)?.to_vec())
    }
}
