//! Words by what they are about: in English, and in other languages.
//!
//! What means one thing in English often means another elsewhere: German `die` is an article, Turkish
//! `gün` a day. So each sentence is looked up in the lexicon of its language, as its small words tell.

use std::borrow::Cow;

use super::masks::Masks;
use crate::plain::plain;
use crate::senses::{Lexicon, Sense, is_foreign};

/// The words that a model knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Lexicons {
    /// Words of English texts.
    pub english: Lexicon,
    /// Words of texts in other languages.
    pub others: Lexicon,
    /// Words that are written in disguise.
    pub masks: Masks,
}

impl Lexicons {
    /// A text as it is judged: spelt evenly, and words in disguise as what they mean.
    pub fn even<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match plain(text).text {
            Cow::Borrowed(text) => self.masks.lift(text),
            Cow::Owned(text) => match self.masks.lift(&text) {
                Cow::Borrowed(_) => Cow::Owned(text),
                Cow::Owned(lifted) => Cow::Owned(lifted),
            },
        }
    }

    /// Senses of the words of an even text, in order.
    pub fn senses(&self, even: &str) -> Vec<Sense> {
        let senses = self.english.senses(even);
        if is_foreign(even, &senses) { self.others.senses(even) } else { senses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::senses::{Entry, FOREIGN, FUNCTION};

    #[test]
    fn a_word_means_what_it_means_in_the_language_of_its_sentence() {
        let lexicon = |words: &[(&str, u8)]| {
            let entry = |(word, sense): &(&str, u8)| Entry {
                word: (*word).to_owned(),
                sense: *sense,
                whole: true,
            };
            Lexicon::new(&words.iter().map(entry).collect::<Vec<_>>())
        };
        let lexicons = Lexicons {
            english: lexicon(&[("die", 7), ("ist", FOREIGN), ("the", FUNCTION)]),
            others: lexicon(&[("die", FOREIGN), ("tot", 7)]),
            masks: Masks::default(),
        };
        let senses = |text: &str| -> Vec<u8> {
            let senses = lexicons.senses(&lexicons.even(text));
            senses.iter().map(|sense| sense.sense).filter(|sense| *sense > FOREIGN).collect()
        };
        assert_eq!(senses("the plants die"), [7]);
        assert_eq!(senses("die Tür ist zu"), [0_u8; 0]);
        assert_eq!(senses("die Katze ist tot"), [7]);
    }
}
