//! Words of everyday English, by how many texts hold them: what misspelt words are compared with.

use std::collections::{BTreeMap, BTreeSet};

use super::rows::Row;

/// Fewest texts that hold a word.
const FEWEST: usize = 5;
/// Letters of a word.
const LETTERS: std::ops::RangeInclusive<usize> = 2..=20;

/// The words of the rows in English, one a line, those of most texts first.
pub fn words(rows: &[Row]) -> String {
    let mut texts: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| matches!(row.lang.as_str(), "" | "en")) {
        let words = row.text.split(|c: char| !c.is_alphanumeric() && c != '\'');
        let words = words.filter(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()));
        let words = words.filter(|word| LETTERS.contains(&word.len()));
        let distinct: BTreeSet<String> = words.map(str::to_ascii_lowercase).collect();
        for word in distinct {
            *texts.entry(word).or_default() += 1;
        }
    }
    let mut words: Vec<(String, usize)> =
        texts.into_iter().filter(|(_, number)| *number >= FEWEST).collect();
    // Stable, so that words of as many texts stay in the order of the alphabet.
    words.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    words.into_iter().map(|(word, _)| word + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_by_how_many_texts_hold_them() {
        let row = |text: &str, lang: &str| Row {
            text: text.to_owned(),
            label: "benign".to_owned(),
            lang: lang.to_owned(),
            ..Row::default()
        };
        let mut rows = vec![row("The tree, the tree! A fig isn't h264 näh", "en"); 5];
        rows.push(row("Tree once", "en"));
        rows.extend(vec![row("baum", "de"); 9]);
        assert_eq!(words(&rows), "tree\nfig\nthe\n");
    }
}
