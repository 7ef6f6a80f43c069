//! Names that are put together: persons, organisations, towns.

use std::collections::BTreeSet;

use bartizan_model::tagger::Entity;

use super::lists::Lists;
use super::sample::Piece;
use crate::random::Random;

/// Cultures whose names are written in Latin letters.
const LATIN: [&str; 25] = [
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "cs", "hu", "ro", "balkan", "el",
    "ru-latin", "tr", "ar", "fa", "he", "in", "zh-latin", "ja-latin", "ko-latin", "vi", "africa",
];

/// Makes names.
#[derive(Debug)]
pub struct Maker<'l> {
    pub(super) lists: &'l Lists,
    pub(super) random: Random,
    /// Family names that are also words of everyday use.
    pub(super) both: Vec<&'l str>,
}

impl<'l> Maker<'l> {
    /// A maker with its own stream of choices.
    pub fn new(lists: &'l Lists, seed: u64) -> Self {
        let all =
            |file: &'static str| lists.names(file).flat_map(move |name| lists.words(file, name));
        let everyday: BTreeSet<&str> = all("everyday").map(String::as_str).collect();
        let both = all("surnames").map(String::as_str).filter(|name| everyday.contains(name));
        Self { lists, random: Random::new(seed), both: both.collect() }
    }

    pub(super) fn pick<'a>(&mut self, of: &'a [String]) -> &'a str {
        self.random.pick(of).map_or("", String::as_str)
    }

    pub(super) fn word(&mut self, file: &str, name: &str) -> &'l str {
        let lists = self.lists;
        self.pick(lists.words(file, name))
    }

    pub(super) fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        self.random.pick(of).copied().unwrap_or_default()
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.random.chance(probability)
    }

    pub(super) fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.random.below(10) as u8)).collect()
    }

    pub(super) fn number(&mut self, below: usize) -> String {
        (1 + self.random.below(below)).to_string()
    }

    /// A culture that a text of a language may name somebody of.
    fn culture(&mut self, language: &str) -> &'static str {
        let own = match language {
            "zh" | "ja" | "ko" => return "",
            "ru" if self.chance(0.95) => return "ru",
            "ar" => return "ar-arabic",
            "hi" => return "hi",
            "ru" => "ru",
            known => known,
        };
        let stays = if language == "en" { 0.4 } else { 0.65 };
        if self.chance(stays) {
            return LATIN.iter().find(|culture| **culture == own).copied().unwrap_or("en");
        }
        let all = LATIN.len() + 4;
        let at = self.random.below(all);
        LATIN.get(at).copied().unwrap_or("africa")
    }

    /// A given name and a family name.
    fn names(&mut self, language: &str) -> (String, String) {
        let culture = match self.culture(language) {
            "" if self.chance(0.9) => return self.han_names(language),
            "" => "en",
            culture => culture,
        };
        let (given, mut surname) =
            (self.word("given", culture), self.word("surnames", culture).to_owned());
        // Names that are in no list, but look like names.
        let given = match self.random.below(30) {
            0 | 1 => self.syllables(2),
            2 if given.chars().count() > 4 => {
                let short: String = given.chars().take(3).collect();
                format!("{short}{}", self.one_of(&["i", "y", "o", "a", "ie", "ka", "chen", "ito"]))
            }
            3 if given.is_ascii() => {
                format!("{given}{}", self.one_of(&["na", "ella", "ine", "us", "on", "ette"]))
            }
            _ => given.to_owned(),
        };
        let is_latin = !matches!(culture, "ru" | "ar-arabic" | "hi");
        if is_latin {
            match self.random.below(40) {
                0..=2 => surname = self.syllables(3),
                3 | 4 => surname = self.town("en"),
                5 | 6 => surname = format!("{surname}-{}", self.word("surnames", culture)),
                7 => surname = format!("{surname}-{}", self.word("surnames", "en")),
                8 if matches!(culture, "es" | "pt") => {
                    surname = format!("{surname} {}", self.word("surnames", culture));
                }
                9 if culture == "de" => surname = format!("von {}", self.town("de")),
                10 | 11 => {
                    let list = [
                        "de", "da", "dos", "do", "van", "van der", "von", "af", "wa", "Ní", "Ó",
                        "Mac", "bin", "al", "ter", "Te", "de la", "ap", "zu", "el", "di", "Ben",
                    ];
                    surname = format!("{} {surname}", self.one_of(&list));
                }
                12 => {
                    surname = format!(
                        "{surname}{}",
                        self.one_of(&[
                            "son", "man", "ski", "ová", "oğlu", "berg", "feld", "ham", "ley",
                            "ette", "elli", "ström"
                        ])
                    );
                }
                _ => {}
            }
            if matches!(culture, "es" | "pt") && self.chance(0.4) {
                surname = format!("{surname} {}", self.word("surnames", culture));
            }
        }
        (given, surname)
    }

    fn han_names(&mut self, language: &str) -> (String, String) {
        if language != "zh" && self.chance(0.1) {
            let list = if language == "ja" { "ja-kana" } else { "ko-foreign" };
            return (self.word("han", list).to_owned(), self.word("han", list).to_owned());
        }
        let given = match language {
            "zh" if self.chance(0.5) => {
                // Two characters of different names make another name.
                let (a, b) = (self.word("han", "zh-given"), self.word("han", "zh-given"));
                let first = a.chars().next().unwrap_or_default();
                let last = b.chars().next_back().unwrap_or_default();
                format!("{first}{last}")
            }
            _ => self.word("han", &format!("{language}-given")).to_owned(),
        };
        (given, self.word("han", &format!("{language}-surname")).to_owned())
    }

    /// A word that sounds like a name.
    fn syllables(&mut self, most: usize) -> String {
        let count = 1 + most.min(1 + self.random.below(most));
        let name: String = (0..count).map(|_| self.word("words", "syllable")).collect();
        capitalised(&name)
    }

    /// The given name alone.
    pub fn given(&mut self, language: &str) -> Piece {
        Piece::named(self.names(language).0, Entity::Person)
    }

    /// The family name alone.
    pub fn surname(&mut self, language: &str) -> Piece {
        Piece::named(self.names(language).1, Entity::Person)
    }

    /// A person as people write one.
    pub fn person(&mut self, language: &str) -> Piece {
        let (given, surname) = self.names(language);
        let initial: String = given.chars().take(1).collect();
        let name = match language {
            "zh" | "ja" | "ko" if !given.is_ascii() => {
                let is_kana = given.chars().all(|c| matches!(c, 'ァ'..='ー'));
                match self.random.below(10) {
                    _ if is_kana && language == "ja" => format!("{given}・{surname}"),
                    0 | 1 if language == "ja" => format!("{surname} {given}"),
                    2 => surname,
                    _ => format!("{surname}{given}"),
                }
            }
            "ru" if !given.is_ascii() => {
                let patronym = self.word("surnames", "patronym");
                match self.random.below(10) {
                    0 | 1 => format!("{surname} {given} {patronym}"),
                    2 => format!("{given} {patronym}"),
                    3 => format!("{surname} {initial}. {}.", first(patronym)),
                    4 => format!("{initial}. {surname}"),
                    5 => format!("{surname} {given}"),
                    _ => format!("{given} {surname}"),
                }
            }
            _ => match self.random.below(24) {
                0 => format!("{initial}. {surname}"),
                1 => format!("{initial}. {}. {surname}", first(&self.names(language).0)),
                2 => format!("{given} {}. {surname}", first(&self.names(language).0)),
                3 => format!("{given} {} {surname}", self.names(language).0),
                4 => format!("{given} {}.", first(&surname)),
                5 => format!("{given} {surname} {}", self.one_of(&["Jr.", "III", "Jr", "II"])),
                6 => surname,
                7 | 8 => given,
                9 => format!("{given}-{} {surname}", self.names(language).0),
                10 if self.chance(0.3) => {
                    format!("{given} \"{}\" {surname}", self.names(language).0)
                }
                11 if self.chance(0.5) => format!("{given} {initial}"),
                10 if language == "en" => {
                    let particle = self.one_of(&["van", "de", "von", "al", "bin", "Le", "O'"]);
                    format!("{given} {particle} {surname}").replace("O' ", "O'")
                }
                _ => format!("{given} {surname}"),
            },
        };
        Piece::named(name, Entity::Person)
    }

    /// A town that is on no map.
    pub fn town(&mut self, language: &str) -> String {
        let tail = match language {
            "de" | "nl" | "sv" => "-de",
            "fr" | "es" | "it" | "pt" => "-roman",
            _ => "",
        };
        let before = self.word("words", &format!("town-pre{tail}"));
        let after = self.word("words", &format!("town-suf{tail}"));
        let after =
            if before.ends_with([' ', '-']) { capitalised(after) } else { after.to_owned() };
        format!("{before}{after}")
    }

    /// A city, in the spelling of a language where there is one.
    pub fn city(&mut self, language: &str) -> String {
        let own = match language {
            "zh" | "ja" | "ko" | "ar" | "hi" | "ru" => language,
            _ if self.chance(0.12) => return self.town(language),
            _ if self.chance(0.5) => "world",
            _ if self.chance(0.25) => "eu",
            known => known,
        };
        self.word("cities", own).to_owned()
    }

    /// A place.
    pub fn place(&mut self, language: &str) -> Piece {
        let is_latin = !matches!(language, "zh" | "ja" | "ko" | "ar" | "hi" | "ru");
        let name = match self.random.below(10) {
            0 if is_latin => {
                let list = self.one_of(&["en", "de", "fr", "es", "it"]);
                self.word("regions", list).to_owned()
            }
            1 if is_latin => self.country(language),
            _ => self.city(language),
        };
        Piece::named(name, Entity::Place)
    }

    /// A country in a language, or in English.
    pub fn country(&mut self, language: &str) -> String {
        let own = if self.lists.words("countries", language).is_empty() { "en" } else { language };
        self.word("countries", own).to_owned()
    }
}

/// The first letter.
fn first(name: &str) -> String {
    name.chars().take(1).collect()
}

/// With a capital in front.
pub(super) fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
