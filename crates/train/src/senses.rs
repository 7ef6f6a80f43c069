//! Reading the lists of words by what they mean.

use bartizan_model::plain::plain;
use bartizan_model::senses::{Entry, FOREIGN, Lexicon};

/// A list of words that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("list `{list}`, line {line}: {problem}")]
pub struct SenseError {
    /// The list.
    pub list: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

macro_rules! lists {
    ($($name:literal),+ $(,)?) => {
        /// Lists of words; the first names the senses, and of two entries for a word the first counts.
        const LISTS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../data/senses/", $name, ".txt")))),+];
    };
}

lists!(
    "en", "ar", "az", "bg", "bn", "ca", "cs", "da", "de", "el", "es", "et", "fa", "fi", "fr", "he",
    "hi", "hr", "hu", "id", "it", "ja", "kk", "ko", "lt", "ms", "nl", "no", "pl", "pt", "ro", "ru",
    "sk", "sr", "sv", "sw", "ta", "th", "tl", "tr", "uk", "ur", "vi", "zh", "mixed",
);

/// The lexicon of all lists.
///
/// # Errors
/// When a list is not well formed.
pub fn lexicon() -> Result<Lexicon, SenseError> {
    let mut entries = all()?;
    // A word that tells the language tells nothing else; one that means something in its own does.
    entries.sort_by_key(|entry: &Entry| entry.sense == FOREIGN);
    Ok(Lexicon::new(&entries))
}

/// The words of all lists that only tell the language, those of English first.
///
/// # Errors
/// When a list is not well formed.
pub(crate) fn telling() -> Result<Vec<Entry>, SenseError> {
    let mut entries = all()?;
    entries.retain(|entry| entry.sense <= FOREIGN);
    Ok(entries)
}

/// The entries of all lists, in their order.
fn all() -> Result<Vec<Entry>, SenseError> {
    let mut names = Vec::new();
    let mut entries = Vec::new();
    for (index, (name, list)) in LISTS.iter().enumerate() {
        let read = read(list, &mut names, index == 0);
        entries.extend(read.map_err(|error| SenseError { list: (*name).to_owned(), ..error })?);
    }
    Ok(entries)
}

/// Reads one list: `sense: word word …` a line; `names` are the senses known so far.
///
/// # Errors
/// [`SenseError`] for lines without a sense, or with one that `names` lacks unless `may_add`.
pub fn read(list: &str, names: &mut Vec<String>, may_add: bool) -> Result<Vec<Entry>, SenseError> {
    let mut entries = Vec::new();
    for (index, line) in list.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let problem = |problem: &str| SenseError {
            list: String::new(),
            line: index + 1,
            problem: problem.to_owned(),
        };
        let (name, words) = line.split_once(": ").ok_or_else(|| problem("no `sense: words`"))?;
        let known = names.iter().position(|known| known == name);
        let sense = match known {
            Some(sense) => sense,
            None if may_add => {
                names.push(name.to_owned());
                names.len() - 1
            }
            None => return Err(problem("the first list has no such sense")),
        };
        let sense = u8::try_from(sense).map_err(|_| problem("more than 256 senses"))?;
        for word in words.split_whitespace() {
            let (word, whole) = word.strip_suffix('$').map_or((word, false), |word| (word, true));
            let word: String = plain(word).text.chars().flat_map(char::to_lowercase).collect();
            entries.push(Entry { word, sense, whole });
        }
    }
    Ok(entries)
}
