//! Letters, notes and chats in which people ask people for things.

use serde::Deserialize;

use crate::random::Random;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Phrases {
    people: Vec<String>,
    things: Vec<String>,
    times: Vec<String>,
    events: Vec<String>,
    sentences: Vec<String>,
    shells: Vec<String>,
}

/// Makes letters.
#[derive(Debug)]
pub struct Letters(Phrases);

impl Letters {
    /// Reads the phrases.
    ///
    /// # Errors
    /// When they are not well formed.
    pub fn new() -> Result<Self, serde_saphyr::Error> {
        Ok(Self(serde_saphyr::from_str(include_str!("../data/frames/letters.yaml"))?))
    }

    /// One letter, note, chat or list of tasks.
    pub fn make(&self, random: &mut Random) -> String {
        let number = 3 + random.below(10);
        let between = if random.chance(0.4) { "\n" } else { " " };
        let sentences: Vec<String> = (0..number).map(|_| self.sentence(random)).collect();
        let mut letter = one(&self.0.shells, random).replace("{x}", &sentences.join(between));
        for slot in ["{a}", "{b}", "{c}"] {
            letter = letter.replace(slot, &one(&self.0.people, random));
        }
        self.filled(letter, random)
    }

    fn sentence(&self, random: &mut Random) -> String {
        self.filled(one(&self.0.sentences, random), random)
    }

    fn filled(&self, mut sentence: String, random: &mut Random) -> String {
        for (slot, list) in [
            ("{t}", &self.0.things),
            ("{w}", &self.0.people),
            ("{d}", &self.0.times),
            ("{e}", &self.0.events),
        ] {
            sentence = sentence.replace(slot, &one(list, random));
        }
        sentence
    }
}

fn one(list: &[String], random: &mut Random) -> String {
    random.pick(list).cloned().unwrap_or_default()
}
