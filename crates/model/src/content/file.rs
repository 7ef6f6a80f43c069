//! The file of the model of unsafe content.

use super::ContentModel;
use super::lexicons::Lexicons;
use super::masks::Masks;
use crate::file::{Magic, ModelError, open, seal};

/// First bytes of a file.
const MAGIC: Magic = *b"BZCONTN3";

/// Writes a model down.
pub fn encode(model: &ContentModel) -> Vec<u8> {
    seal(MAGIC, |out| {
        out.table(&model.table);
        out.lexicon(&model.lexicons.english);
        out.lexicon(&model.lexicons.others);
        let masks: Vec<String> = model.lexicons.masks.words().collect();
        out.bytes(masks.join("\n").as_bytes());
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
            lexicons: Lexicons {
                english: from.lexicon()?,
                others: from.lexicon()?,
                masks: masks(&from.bytes(MASKS)?)?,
            },
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

/// The part with the words that are known in disguise.
const MASKS: &str = "words in disguise";

fn masks(list: &[u8]) -> Result<Masks, ModelError> {
    let list = str::from_utf8(list).map_err(|_| ModelError::Part { part: MASKS })?;
    Ok(Masks::new(list.lines()))
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
        let entry = Entry { word: "child".to_owned(), sense: 2, whole: true };
        let scale = |up: usize| Scale::new(vec![(0.0, 1.0), (up as f32 + 1.0, 3.0)]).unwrap();
        let model = ContentModel {
            table: Table::new(&[[1; HEADS]; 8], [0.1; HEADS], [0.2; HEADS]).unwrap(),
            lexicons: Lexicons {
                english: Lexicon::new(&[entry]),
                others: Lexicon::new(&[]),
                masks: Masks::new(["murder", "мразь"]),
            },
            senses: SenseTable { rows: vec![[5; HEADS]; 4], scales: [0.1; HEADS] },
            scales: std::array::from_fn(scale),
        };
        assert_eq!(decode(&encode(&model)).unwrap(), model);
        assert_eq!(decode(b"BZATTCK2"), Err(ModelError::Magic));
    }
}
