//! The file of the model of unsafe content.

use super::ContentModel;
use crate::file::{Magic, ModelError, open, seal};

/// First bytes of a file.
const MAGIC: Magic = *b"BZCONTN1";

/// Writes a model down.
pub fn encode(model: &ContentModel) -> Vec<u8> {
    seal(MAGIC, |out| {
        out.table(&model.table);
        out.lexicon(&model.lexicon);
        out.senses(&model.senses);
        for scale in &model.scales {
            out.scale(scale);
        }
    })
}

/// Reads a model.
///
/// # Errors
/// [`ModelError`] for everything but what [`encode`] writes.
pub fn decode(file: &[u8]) -> Result<ContentModel, ModelError> {
    open(MAGIC, file, |from| {
        Ok(ContentModel {
            table: from.table()?,
            lexicon: from.lexicon()?,
            senses: from.senses()?,
            scales: [
                from.scale()?,
                from.scale()?,
                from.scale()?,
                from.scale()?,
                from.scale()?,
                from.scale()?,
                from.scale()?,
            ],
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::HEADS;
    use crate::scale::Scale;
    use crate::senses::{Entry, Lexicon, SenseTable};
    use crate::table::Table;

    #[test]
    fn what_is_written_is_read() {
        let entry = Entry { hash: Lexicon::hash("child"), sense: 2, whole: true };
        let scale = |up: usize| Scale::new(vec![(0.0, 1.0), (up as f32 + 1.0, 3.0)]).unwrap();
        let model = ContentModel {
            table: Table::new(&[[1; HEADS]; 8], [0.1; HEADS], [0.2; HEADS]).unwrap(),
            lexicon: Lexicon::new(&[entry]),
            senses: SenseTable { rows: vec![[5; HEADS]; 4], scales: [0.1; HEADS] },
            scales: std::array::from_fn(scale),
        };
        assert_eq!(decode(&encode(&model)).unwrap(), model);
        assert_eq!(decode(b"BZATTCK2"), Err(ModelError::Magic));
    }
}
