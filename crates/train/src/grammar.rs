//! Attacks and harmless look-alikes from phrases of many languages.
//!
//! A grammar holds parts of attacks and whole harmless sentences that share their words. Half of
//! what it makes is harmless: without that, the language itself would come to look like an attack.

use serde::Deserialize;

use crate::random::Random;

/// The phrases of one language.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Grammar {
    /// Whether words are separated by spaces.
    spaced: bool,
    /// Whether the verb follows its object.
    object_first: bool,
    override_verbs: Vec<String>,
    override_targets: Vec<String>,
    reveal_verbs: Vec<String>,
    secrets: Vec<String>,
    fishing_questions: Vec<String>,
    claims: Vec<String>,
    personas: Vec<String>,
    disguises_of_output: Vec<String>,
    goals: Vec<String>,
    harmless: Vec<String>,
    connectors: Vec<String>,
}

/// A made text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The text.
    pub text: String,
    /// Whether it is an attack.
    pub attack: bool,
    /// Language of the grammar.
    pub lang: &'static str,
}

macro_rules! grammars {
    ($($lang:literal),+ $(,)?) => {
        /// Every grammar, by language.
        const FILES: &[(&str, &str)] =
            &[$(($lang, include_str!(concat!("../data/grammar/", $lang, ".yaml")))),+];
    };
}

grammars!(
    "ar", "de", "en", "es", "fr", "hi", "id", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr",
    "vi", "zh",
);

/// Number of languages.
pub const fn languages() -> usize {
    FILES.len()
}

/// Texts of all languages, `per_language` of each, half of them harmless.
///
/// # Errors
/// When a file of phrases is not well formed.
pub fn make(per_language: usize, random: &mut Random) -> Result<Vec<Made>, serde_saphyr::Error> {
    let grammars: Vec<(&'static str, Grammar)> = FILES
        .iter()
        .map(|(lang, file)| Ok((*lang, serde_saphyr::from_str(file)?)))
        .collect::<Result<_, serde_saphyr::Error>>()?;
    let english = grammars.iter().find(|(lang, _)| *lang == "en").map(|(_, grammar)| grammar);
    let mut made = Vec::new();
    for (lang, grammar) in &grammars {
        for index in 0..per_language {
            let attack = index % 2 == 0;
            let text = if attack {
                grammar.attack_in_context(english, random)
            } else {
                grammar.harmless(english, random)
            };
            made.push(Made { text, attack, lang });
        }
    }
    Ok(made)
}

fn pick<'a>(of: &'a [String], random: &mut Random) -> &'a str {
    random.pick(of).map_or("", String::as_str)
}

impl Grammar {
    const fn space(&self) -> &'static str {
        if self.spaced { " " } else { "" }
    }

    fn order(&self, verb: &str, object: &str) -> String {
        let (first, second) = if self.object_first { (object, verb) } else { (verb, object) };
        format!("{first}{}{second}", self.space())
    }

    fn overrides(&self, random: &mut Random) -> String {
        let verb = pick(&self.override_verbs, random);
        self.order(verb, pick(&self.override_targets, random))
    }

    fn reveals(&self, random: &mut Random) -> String {
        let verb = pick(&self.reveal_verbs, random);
        self.order(verb, pick(&self.secrets, random))
    }

    fn reveals_in_disguise(&self, random: &mut Random) -> String {
        let reveals = self.reveals(random);
        let disguise = pick(&self.disguises_of_output, random);
        // A modifier stands where the object stands: on the far side of the verb.
        if self.object_first {
            format!("{disguise}{}{reveals}", self.space())
        } else {
            format!("{reveals}{}{disguise}", self.space())
        }
    }

    fn reveals_somehow(&self, random: &mut Random) -> String {
        if random.chance(0.5) { self.reveals(random) } else { self.reveals_in_disguise(random) }
    }

    fn join(&self, first: &str, second: &str, random: &mut Random) -> String {
        let (space, connector) = (self.space(), pick(&self.connectors, random));
        let glued = connector.starts_with([',', '.', ';', '。', '，', '、', '،', '؛']);
        let before = if glued { "" } else { space };
        format!("{first}{before}{connector}{space}{second}")
    }

    fn attack(&self, random: &mut Random) -> String {
        let space = self.space();
        let pair = |first: &str, second: &str| format!("{first}{space}{second}");
        let text = match random.below(9) {
            0 => {
                let first = self.overrides(random);
                let second = self.reveals(random);
                self.join(&first, &second, random)
            }
            1 => pair(pick(&self.claims, random), &self.reveals(random)),
            2 => {
                let persona = pick(&self.personas, random).to_owned();
                let goal = match random.below(3) {
                    0 => pick(&self.goals, random).to_owned(),
                    1 => self.reveals(random),
                    _ => self.reveals_somehow(random),
                };
                pair(&persona, &goal)
            }
            3 => pick(&self.fishing_questions, random).to_owned(),
            4 => self.reveals_somehow(random),
            5 => {
                let claim = pick(&self.claims, random).to_owned();
                let first = pair(&claim, &self.overrides(random));
                let second = if random.chance(0.5) {
                    pick(&self.goals, random).to_owned()
                } else {
                    self.reveals_somehow(random)
                };
                self.join(&first, &second, random)
            }
            6 => {
                let first = self.overrides(random);
                let second = pick(&self.goals, random).to_owned();
                self.join(&first, &second, random)
            }
            7 => self.overrides(random),
            _ => {
                let persona = pick(&self.personas, random).to_owned();
                let first = pair(&persona, &self.overrides(random));
                let second = self.reveals_somehow(random);
                self.join(&first, &second, random)
            }
        };
        self.finish(&text, random)
    }

    /// Gives a text a capital and an end, now and then.
    fn finish(&self, text: &str, random: &mut Random) -> String {
        let mut characters = text.chars();
        let mut text = match characters.next() {
            Some(first) if self.spaced && random.chance(0.6) => {
                first.to_uppercase().chain(characters).collect()
            }
            _ => text.to_owned(),
        };
        if !text.ends_with(['?', '？', '.', '!', '。', ':']) {
            text.push_str(random.pick(&["", ".", "!", "", "."]).unwrap_or(&""));
        }
        text
    }

    fn attack_in_context(&self, english: Option<&Self>, random: &mut Random) -> String {
        let attack = self.attack(random);
        let space = self.space();
        let harmless = pick(&self.harmless, random);
        let between = random.pick(&["\n", space]).copied().unwrap_or("\n");
        match random.below(100) {
            0..15 => format!("{harmless}{between}{attack}"),
            15..25 => format!("{attack}{between}{harmless}"),
            25..30 => match english {
                Some(english) => format!("{} {attack}", english.attack(random)),
                None => attack,
            },
            30..36 => match english {
                Some(english) => format!("{}\n{attack}", pick(&english.harmless, random)),
                None => attack,
            },
            36..44 => format!("{attack}{space}{}", self.attack(random)),
            _ => attack,
        }
    }

    fn harmless(&self, english: Option<&Self>, random: &mut Random) -> String {
        let sentences = *random.pick(&[1, 1, 1, 2, 3]).unwrap_or(&1);
        let between = random.pick(&["\n", self.space()]).copied().unwrap_or("\n");
        let mut order: Vec<&String> = self.harmless.iter().collect();
        random.shuffle(&mut order);
        let mut text =
            order.into_iter().take(sentences).map(String::as_str).collect::<Vec<_>>().join(between);
        if random.chance(0.1)
            && let Some(english) = english
        {
            text = format!("{}\n{text}", pick(&english.harmless, random));
        }
        if random.chance(0.2) {
            let end = text.trim_end_matches(['.', '?', '!', '。', '？']).len();
            text.truncate(end);
            text.push_str(self.space());
            text.push_str(pick(&self.disguises_of_output, random));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_language_makes_attacks_and_harmless_texts() {
        let made = make(40, &mut Random::new(1)).unwrap();
        let langs: BTreeSet<&str> = made.iter().map(|made| made.lang).collect();
        assert_eq!(langs.len(), FILES.len());
        for lang in langs {
            let of =
                |attack: bool| made.iter().filter(move |m| m.lang == lang && m.attack == attack);
            assert_eq!((of(true).count(), of(false).count()), (20, 20));
            assert!(of(true).chain(of(false)).all(|made| made.text.trim().len() > 3), "{lang}");
        }
    }

    #[test]
    fn every_file_of_phrases_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/grammar");
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(files, FILES.len());
    }
}
