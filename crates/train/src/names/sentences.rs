//! Sentences with gaps, and how they are filled and joined.

use bartizan_model::tagger::Entity;

use super::made::{Maker, capitalised};
use super::sample::{Case, Piece, Sample};

macro_rules! templates {
    ($($language:literal),+ $(,)?) => {
        const TEMPLATES: &[(&str, &str)] =
            &[$(($language, include_str!(concat!("../../data/names/templates/", $language, ".txt")))),+];
    };
}

templates!(
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "tr", "sv", "zh", "ja", "ko", "ar", "hi"
);

/// How often a language is drawn.
const SHARES: [(&str, usize); 16] = [
    ("en", 40),
    ("de", 10),
    ("fr", 8),
    ("es", 8),
    ("it", 6),
    ("pt", 5),
    ("nl", 5),
    ("pl", 5),
    ("ru", 6),
    ("tr", 5),
    ("sv", 4),
    ("zh", 6),
    ("ja", 6),
    ("ko", 6),
    ("ar", 4),
    ("hi", 4),
];

/// The sentences of a language.
fn templates(language: &str) -> impl Iterator<Item = &'static str> {
    let found = TEMPLATES.iter().find(|(known, _)| *known == language);
    found.into_iter().flat_map(|(_, lines)| lines.lines())
}

impl Maker<'_> {
    /// A language, the more often the more sentences there are.
    pub fn language(&mut self) -> &'static str {
        let total: usize = SHARES.iter().map(|(_, share)| share).sum();
        let mut at = self.random.below(total);
        for (language, share) in SHARES {
            if at < share {
                return language;
            }
            at -= share;
        }
        "en"
    }

    /// A text of some sentences, or a form, or data.
    pub fn sample(&mut self) -> Sample {
        let language = self.language();
        let pieces = match self.random.below(24) {
            0..=2 => self.form(language),
            3 => self.data(language),
            4 => self.table(language),
            5 => self.signature(language),
            6..=8 if !self.lists.words("everyday", language).is_empty() => self.everyday(language),
            9 | 13 => self.code(),
            10 | 11 => self.markup(language),
            12 => {
                let pieces = self.sentences(language);
                self.set_off(pieces)
            }
            _ => self.sentences(language),
        };
        let case = match self.random.below(100) {
            0..=13 => Case::Lower,
            14..=17 => Case::Casual,
            18..=22 => Case::Upper,
            _ => Case::Kept,
        };
        Sample::new(&pieces, case)
    }

    /// Words of everyday use in the places of names: menus, rules, headings.
    fn everyday(&mut self, language: &str) -> Vec<Piece> {
        let joint = self.one_of(&[" ", " ", ", ", " - ", "\n", "; "]);
        let titled = self.chance(0.6);
        let mut line = String::new();
        if self.chance(0.3) {
            let label = capitalised(self.word("everyday", language));
            line = format!("{label}{}", self.one_of(&[": ", " — ", ". ", " – "]));
        }
        for number in 0..3 + self.random.below(9) {
            if number > 0 {
                line.push_str(match self.random.below(5) {
                    0 => self.one_of(&[". ", ", ", ": ", " & ", "! ", " (", ") "]),
                    _ => joint,
                });
            }
            let word = match self.random.below(4) {
                0 => self.word("common", "words"),
                _ => self.word("everyday", language),
            };
            let begins = line.is_empty() || line.ends_with(". ") || line.ends_with(": ");
            if titled || begins {
                line.push_str(&capitalised(word));
            } else {
                line.push_str(&word.to_lowercase());
            }
        }
        vec![Piece::plain(line)]
    }

    fn sentences(&mut self, language: &str) -> Vec<Piece> {
        let lines: Vec<&str> = templates(language).collect();
        let mut pieces = Vec::new();
        let count = 1 + self.random.below(4);
        let joint = self.one_of(&[" ", " ", "\n", "\n\n", "\n- ", " / "]);
        for number in 0..count {
            if number > 0 {
                pieces.push(Piece::plain(joint));
            }
            let line = self.random.pick(&lines).copied().unwrap_or_default();
            self.fill(line, language, &mut pieces);
        }
        pieces
    }

    /// Fills the gaps of a sentence.
    pub fn fill(&mut self, line: &str, language: &str, pieces: &mut Vec<Piece>) {
        let line = line
            .replace("\\n", "\n")
            .replace("{given} {surname}", "{full}")
            .replace("{surname}, {given}", "{turned}")
            .replace("{surname}/{given}", "{ticket}");
        let mut rest = line.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                pieces.push(Piece::plain(before));
            }
            let Some((slot, after)) = after.split_once('}') else { break };
            pieces.push(self.slot(slot, language));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::plain(rest));
        }
    }

    fn slot(&mut self, slot: &str, language: &str) -> Piece {
        match slot {
            "person" => self.person(language),
            "given" => self.given(language),
            "surname" => self.surname(language),
            "full" | "turned" | "ticket" => {
                let (given, surname) = (self.given(language).text, self.surname(language).text);
                let name = match slot {
                    "full" => format!("{given} {surname}"),
                    "turned" => format!("{surname}, {given}"),
                    _ => format!("{surname}/{given}").to_uppercase(),
                };
                Piece::named(name, Entity::Person)
            }
            "low" => {
                let given = self.given(language).text.to_lowercase();
                let surname = self.surname(language).text.to_lowercase();
                Piece::named(format!("{given} {surname}"), Entity::Person)
            }
            "both" => {
                let name = self.random.pick(&self.both).copied().unwrap_or_default();
                Piece::named(name, Entity::Person)
            }
            "org" => self.organization(language),
            "place" => self.place(language),
            "country" => Piece::named(self.country(language), Entity::Place),
            "address" => self.address(language),
            "street" => self.street(language),
            other => Piece::plain(self.plain(other, language)),
        }
    }

    /// What is no name.
    pub(super) fn plain(&mut self, slot: &str, language: &str) -> String {
        let day = self.number(28);
        match slot {
            "date" => match self.random.below(6) {
                0 => format!("{day}/{}/{}", self.number(12), 1940 + self.random.below(85)),
                1 => format!("{day}.{}.{}", self.number(12), 1940 + self.random.below(85)),
                2 => format!(
                    "{}-0{}-1{}",
                    1940 + self.random.below(85),
                    self.number(9),
                    self.digits(1)
                ),
                3 if matches!(language, "zh" | "ja") => {
                    format!("{}年{}月{day}日", 1940 + self.random.below(85), self.number(12))
                }
                _ => {
                    let month = self.one_of(&[
                        "January", "March", "May", "June", "August", "October", "December",
                    ]);
                    if self.chance(0.5) {
                        format!("{day} {month} {}", 1940 + self.random.below(85))
                    } else {
                        format!("{month} {day}")
                    }
                }
            },
            "time" => format!("{}:{}0", self.number(23), self.random.below(6)),
            "day" => self
                .one_of(&[
                    "Monday",
                    "Tuesday",
                    "Wednesday",
                    "Thursday",
                    "Friday",
                    "Saturday",
                    "Sunday",
                ])
                .to_owned(),
            "phone" => match self.random.below(5) {
                0 => format!(
                    "+{} {} {} {}",
                    self.number(98),
                    self.digits(2),
                    self.digits(3),
                    self.digits(4)
                ),
                1 => format!("07700 900{}", self.digits(3)),
                2 => format!("({}) 555-0{}", self.digits(3), self.digits(3)),
                3 => format!("0{} {} {}", self.digits(2), self.digits(3), self.digits(4)),
                _ => format!("555-0{}", self.digits(3)),
            },
            "email" => format!(
                "{}.{}@example.com",
                self.word("words", "syllable"),
                self.word("words", "syllable")
            ),
            "user" => format!("{}_{}", self.word("words", "syllable"), self.digits(2)),
            "url" => {
                format!("https://{}.example.org/{}", self.word("words", "syllable"), self.digits(2))
            }
            "id" => match self.random.below(4) {
                0 => format!("#{}", self.digits(5)),
                1 => {
                    format!("{}-{}", self.one_of(&["AB", "KM", "INV", "MRN", "X"]), self.digits(6))
                }
                _ => self.digits(7),
            },
            "amount" => format!(
                "{} {}",
                self.digits(3),
                self.one_of(&["EUR", "USD", "euros", "dollars", "€", "zł", "TL"])
            ),
            "iban" => format!(
                "{}{} {} {} {}",
                self.one_of(&["DE", "GB", "NL", "FR"]),
                self.digits(2),
                self.digits(4),
                self.digits(4),
                self.digits(4)
            ),
            "card" => format!(
                "4{} {} {} {}",
                self.digits(3),
                self.digits(4),
                self.digits(4),
                self.digits(4)
            ),
            "product" => self.word("beside", "product").to_owned(),
            "title" => self
                .one_of(&[
                    "Mr",
                    "Mrs",
                    "Ms",
                    "Dr",
                    "Mr.",
                    "Mrs.",
                    "Dr.",
                    "Prof.",
                    "Professor",
                    "Miss",
                    "Sir",
                    "Judge",
                    "Captain",
                ])
                .to_owned(),
            "job" => self.word("beside", "job").to_owned(),
            "word" => self.everyday_word(language),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lists::Lists;
    use super::*;

    const SLOTS: [&str; 23] = [
        "person", "given", "surname", "org", "place", "country", "address", "street", "date",
        "time", "day", "phone", "email", "user", "url", "id", "amount", "iban", "card", "product",
        "title", "job", "word",
    ];

    #[test]
    fn every_gap_of_every_sentence_can_be_filled() {
        for (language, lines) in TEMPLATES {
            for line in lines.lines() {
                for part in line.split('{').skip(1) {
                    let slot = part.split_once('}').map(|(slot, _)| slot);
                    assert!(slot.is_some_and(|slot| SLOTS.contains(&slot)), "{language}: {line}");
                }
            }
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_samples() {
        let lists = Lists::load().unwrap();
        let make = |seed| {
            let mut maker = Maker::new(&lists, seed);
            (0..200).map(|_| maker.sample()).collect::<Vec<_>>()
        };
        assert_eq!(make(7), make(7));
        assert_ne!(make(7), make(8));
    }

    #[test]
    fn names_are_marked_where_they_stand() {
        let lists = Lists::load().unwrap();
        let mut maker = Maker::new(&lists, 1);
        for _ in 0..2000 {
            let sample = maker.sample();
            for marked in &sample.marked {
                let name = sample.text.get(marked.start..marked.end).unwrap();
                assert!(!name.trim().is_empty(), "{sample:?}");
            }
        }
    }
}
