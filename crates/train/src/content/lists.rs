//! The lists of words by what they are about.

use bartizan_model::content::lexicons::Lexicons;
use bartizan_model::content::masks::Masks;
use bartizan_model::plain::plain;
use bartizan_model::senses::{Entry, FUNCTION, Lexicon};

use crate::senses::{SenseError, read, telling};

/// Shortest word that is known in texts of another language than its own, in letters.
const MIN_BORROWED: usize = 5;

macro_rules! lists {
    ($($name:literal),+ $(,)?) => {
        /// Lists of other languages.
        const OTHERS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../data/content/", $name, ".txt")))),+];
    };
}

lists!(
    "de", "fr", "es", "pt", "it", "nl", "pl", "ru", "uk", "tr", "ar", "hi", "zh", "ja", "ko", "vi",
    "id", "mixed",
);

/// Words by what they are about.
///
/// # Errors
/// When a list is not well formed.
pub fn lexicons() -> Result<Lexicons, SenseError> {
    let (mut names, mut english, mut lent) = (Vec::new(), Vec::new(), Vec::new());
    let slurs = turned(include_str!("../../data/content/slurs.txt"));
    for (name, list) in [("en", include_str!("../../data/content/en.txt")), ("slurs", &slurs)] {
        english.extend(named(name, read(list, &mut names, true))?);
        lent.extend(named(name, read(&long(list, ""), &mut names, false))?);
    }
    // Of two entries for a word the first counts: what a language says of its own words.
    let (mut others, mut borrowed) = (Vec::new(), Vec::new());
    for (name, list) in OTHERS {
        others.extend(named(name, read(list, &mut names, false))?);
        borrowed.extend(named(name, read(&long(list, "profane"), &mut names, false))?);
    }
    let (function, foreign): (Vec<Entry>, Vec<Entry>) =
        telling()?.into_iter().partition(|entry| entry.sense == FUNCTION);
    others.extend(foreign.iter().cloned());
    others.extend(lent);
    english.extend(function);
    english.extend(borrowed);
    english.extend(foreign);
    let masked = turned(include_str!("../../data/content/masked.txt"));
    let masked: Vec<String> = masked
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .map(|word| plain(word).text.into_owned())
        .collect();
    Ok(Lexicons {
        english: Lexicon::new(&english),
        others: Lexicon::new(&others),
        masks: Masks::new(masked.iter().map(String::as_str)),
    })
}

/// What is left of a list without short words, which other languages use for other things; only of
/// one sense, unless that is empty.
fn long(list: &str, sense: &str) -> String {
    let is_long = |word: &&str| word.trim_end_matches('$').chars().count() >= MIN_BORROWED;
    let mut left = String::new();
    for (name, words) in list.lines().filter_map(|line| line.split_once(": ")) {
        let words: Vec<&str> = words.split_whitespace().filter(is_long).collect();
        if !name.starts_with('#') && !words.is_empty() && (sense.is_empty() || sense == name) {
            left.extend([name, ": ", &words.join(" "), "\n"]);
        }
    }
    left
}

fn named(name: &str, read: Result<Vec<Entry>, SenseError>) -> Result<Vec<Entry>, SenseError> {
    read.map_err(|error| SenseError { list: name.to_owned(), ..error })
}

/// The words of a list moved by thirteen letters; its comments and the names of senses stay.
fn turned(list: &str) -> String {
    let turn = |c: char| match c {
        'a'..='z' => (b'a' + (c as u8 - b'a' + 13) % 26) as char,
        other => other,
    };
    let line = |line: &str| match line.split_once(": ") {
        _ if line.starts_with('#') => format!("{line}\n"),
        Some((sense, words)) => {
            format!("{sense}: {}\n", words.chars().map(turn).collect::<String>())
        }
        None => format!("{}\n", line.chars().map(turn).collect::<String>()),
    };
    list.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bartizan_model::senses::FOREIGN;

    /// Place of a sense in the first list.
    const KILL: u8 = 8;

    fn senses(text: &str) -> Vec<u8> {
        let lexicons = lexicons().unwrap();
        let even = lexicons.even(text);
        let senses = lexicons.senses(&even).into_iter().map(|sense| sense.sense);
        senses.filter(|sense| *sense > FOREIGN).collect()
    }

    #[test]
    fn one_sense_is_found_in_every_language() {
        for text in [
            "they killed him",
            "sie haben ihn getötet",
            "ils ont tué le roi",
            "lo han matado en la plaza",
            "eles mataram o rei para matar",
            "lo hanno ucciso nella piazza",
            "ze hebben hem vermoord op straat",
            "on go zabił w domu, bo się bał",
            "его убили на улице",
            "його вбили на вулиці",
            "bir kadını öldürdü ve kaçtı",
            "قتل الرجل في السوق",
            "आदमी की हत्या हुई",
            "他被杀死了",
            "男が殺された",
            "남자가 살해됐다",
            "anh ấy bị giết ở nhà",
            "dia dibunuh di pasar yang ramai itu",
        ] {
            assert!(senses(text).contains(&KILL), "{text}: {:?}", senses(text));
        }
    }

    #[test]
    fn small_words_of_a_language_mean_nothing_of_english() {
        for text in ["die Tür ist zu, das ist gut", "bu gün hava güzel bir gün"] {
            assert!(!senses(text).contains(&KILL), "{text}: {:?}", senses(text));
        }
        assert!(!senses("she got a picture of the skit").contains(&3));
    }

    #[test]
    fn a_word_in_disguise_means_what_it_hides() {
        assert!(senses("i will k!ll you").contains(&KILL));
        assert_eq!(senses("m-u-r-d-e-r"), senses("murder"));
    }
}
