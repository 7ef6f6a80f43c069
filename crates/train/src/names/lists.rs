//! The lists of names and of words beside names, and the gazetteer made of them.

use std::collections::BTreeMap;

use bartizan_model::tagger::gazetteer::{Gazetteer, entry, list};

/// A list that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("list `{list}`, line {line}: there is no `name:` before the words")]
pub struct ListError {
    /// The list.
    pub list: String,
    /// The line, from 1.
    pub line: usize,
}

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../data/names/", $name, ".txt")))),+];
    };
}

files!(
    "given",
    "surnames",
    "han",
    "cities",
    "countries",
    "regions",
    "organisations",
    "organisation-words",
    "beside",
    "common",
    "everyday",
    "keywords",
    "words",
);

/// All lists, by file and by what stands before the colon.
#[derive(Debug, Clone)]
pub struct Lists(BTreeMap<(String, String), Vec<String>>);

impl Lists {
    /// Reads the lists that are built in.
    ///
    /// # Errors
    /// When one of them is not well formed.
    pub fn load() -> Result<Self, ListError> {
        let mut lists = BTreeMap::new();
        for (file, content) in FILES {
            for (index, line) in content.lines().enumerate() {
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let (name, words) = line
                    .split_once(": ")
                    .ok_or_else(|| ListError { list: (*file).to_owned(), line: index + 1 })?;
                // A blank at the end belongs to the word: some stand before another word.
                let words = words.split(", ").map(|word| word.trim_start().to_owned());
                let words = words.filter(|word| !word.is_empty());
                let key = ((*file).to_owned(), name.to_owned());
                lists.entry(key).or_insert_with(Vec::new).extend(words);
            }
        }
        Ok(Self(lists))
    }

    /// The words of one list; none when there is no such list.
    pub fn words(&self, file: &str, name: &str) -> &[String] {
        self.0.get(&(file.to_owned(), name.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The names of the lists of a file.
    pub fn names<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.keys().filter(move |key| key.0 == file).map(|key| key.1.as_str())
    }

    /// What the tagger knows by heart.
    pub fn gazetteer(&self) -> Gazetteer {
        let mut entries = Vec::new();
        for ((file, name), words) in &self.0 {
            let Some(list) = list_of(file, name) else { continue };
            entries.extend(words.iter().flat_map(|word| entry(word, list)));
        }
        Gazetteer::new(entries)
    }
}

/// The list to which words belong; `None` for those that only make sentences.
fn list_of(file: &str, name: &str) -> Option<u32> {
    Some(match (file, name) {
        ("given", _) | ("han", "zh-given" | "ja-given" | "ja-kana" | "ko-given" | "ko-foreign") => {
            list::GIVEN
        }
        ("surnames" | "han", _) => list::SURNAME,
        ("cities", _) => list::CITY,
        ("countries", _) => list::COUNTRY,
        ("regions", _) => list::REGION,
        ("organisations", _) => list::ORGANIZATION,
        ("organisation-words", "suffix") => list::ORGANIZATION_SUFFIX,
        ("organisation-words", _) => list::ORGANIZATION_WORD,
        ("common" | "everyday" | "keywords", _) => list::COMMON,
        ("beside", name) => match name {
            "title" => list::TITLE,
            "kin" => list::KIN,
            "street" => list::STREET,
            "job" => list::JOB,
            "calendar" => list::CALENDAR,
            "particle" => list::PARTICLE,
            "name-label" => list::NAME_LABEL,
            "address-label" => list::ADDRESS_LABEL,
            "organisation-label" => list::ORGANIZATION_LABEL,
            "place-label" => list::PLACE_LABEL,
            "greeting" => list::GREETING,
            "nation" => list::NATION,
            "place-preposition" => list::PLACE_PREPOSITION,
            "speech" => list::SPEECH,
            "product" => list::PRODUCT,
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_beside_names_is_known() {
        let lists = Lists::load().unwrap();
        for name in lists.names("beside") {
            assert!(list_of("beside", name).is_some(), "{name}");
        }
    }

    #[test]
    fn there_are_names_of_many_cultures() {
        let lists = Lists::load().unwrap();
        let count = |file: &str| lists.names(file).map(|name| lists.words(file, name).len()).sum();
        let (given, surnames, cities): (usize, usize, usize) =
            (count("given"), count("surnames"), count("cities"));
        assert!(given >= 2500 && surnames >= 3000 && cities >= 1200, "{given} {surnames} {cities}");
    }
}
