//! Making salads: text that no one would write.

use std::collections::BTreeMap;

use bartizan_model::tokens::{Kind, tokens};

use crate::random::Random;

/// Marks that stand together in code, markup and searched text.
const CLUSTERS: &[&str] = &[
    "!", "?", ".", ",", ":", ";", "\"", "'", "(", ")", "[", "]", "{", "}", "<", ">", "/", "\\",
    "|", "@", "#", "$", "%", "^", "&", "*", "-", "_", "+", "=", "~", "`", "!!", "...", "->", "=>",
    "==", "()", "[]", "{}", "}}", "({", "})", "](", "**", "\\\\", "//", "::", "';", "\");", "\"]",
    ">>", "<<", "/>", "#{", "${", "%%", "--", "\\\"", "'])", "?>", "+\\", "}(", "`,", "!--",
];

/// Ends of words in code that searched text is full of.
const CODE: &[&str] = &[
    "getElementById",
    "printf",
    "stdout",
    "ViewModel",
    "toString",
    "className",
    "fetchAll",
    "nullptr",
    "UIButton",
    "EOF",
    "async",
    "foreach",
    "params",
    "argv",
    "iostream",
    "usepackage",
    "textbf",
    "mathrm",
    "begin",
    "tabular",
    "href",
    "onClick",
    "innerHTML",
    "setState",
    "println",
    "unsigned",
    "typedef",
    "ArrayList",
    "HashMap",
    "BufferedReader",
    "NSString",
    "IBOutlet",
    "selectAll",
    "vbox",
    "Formatter",
    "Exception",
    "Controller",
    "Listener",
    "Adapter",
    "Repository",
    "jdbc",
    "sqlite",
    "utf",
    "xmlns",
    "http",
    "www",
    "localhost",
    "bool",
    "elif",
    "endif",
    "ifndef",
    "sizeof",
    "malloc",
    "struct",
    "impl",
    "lambda",
    "yield",
    "enum",
    "const",
    "static",
    "void",
    "char",
    "float",
    "double",
];

/// Knows the words of harmless texts and makes salads of them.
#[derive(Debug)]
pub struct Kitchen {
    common: Vec<String>,
    rare: Vec<String>,
}

impl Kitchen {
    /// Learns words from texts.
    pub fn new(texts: &[&str]) -> Self {
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for text in texts {
            for token in tokens(text).filter(|token| token.kind == Kind::Word) {
                if let Some(word) = text.get(token.start..token.end).filter(|word| word.len() < 24)
                {
                    *counts.entry(word).or_default() += 1;
                }
            }
        }
        let words = |range: std::ops::Range<u32>| -> Vec<String> {
            let within = counts.iter().filter(|(_, count)| range.contains(count));
            within.map(|(word, _)| (*word).to_owned()).collect()
        };
        Self { common: words(60..u32::MAX), rare: words(2..60) }
    }

    /// One salad of 12 to 43 pieces.
    pub fn salad(&self, random: &mut Random) -> String {
        let pieces = 12 + random.below(32);
        // What this salad is made of.
        let common = random.share();
        let cut = random.share() * 0.6;
        let code = random.share() * 0.35;
        let marks = random.share() * 0.45;
        let glue = random.share() * 0.8;
        let capitals = random.share() * 0.4;
        let mut salad = String::new();
        for index in 0..pieces {
            let mut piece = if random.chance(marks) {
                (*random.pick(CLUSTERS).unwrap_or(&"!")).to_owned()
            } else if random.chance(code) {
                (*random.pick(CODE).unwrap_or(&"void")).to_owned()
            } else {
                let words = if random.chance(common) { &self.common } else { &self.rare };
                random.pick(words).cloned().unwrap_or_else(|| "word".to_owned())
            };
            if random.chance(cut) && piece.chars().count() > 3 {
                let characters: Vec<char> = piece.chars().collect();
                let from = random.below(characters.len() / 2);
                let to = from + 2 + random.below(characters.len() - from - 1);
                piece = characters.iter().take(to).skip(from).collect();
            }
            if random.chance(capitals) {
                let mut characters = piece.chars();
                if let Some(first) = characters.next() {
                    piece = first.to_uppercase().chain(characters).collect();
                }
            }
            if index > 0 && !random.chance(glue) {
                salad.push(' ');
            }
            salad.push_str(&piece);
        }
        salad
    }

    /// A request with a salad behind or before it: the text, and where the salad begins.
    pub fn serve(&self, request: &str, salad: &str, random: &mut Random) -> (String, usize) {
        let request: String = request.chars().take(300).collect();
        if random.chance(0.12) {
            return (format!("{salad} {request}"), 0);
        }
        let from = request.len() + 1;
        (format!("{request} {salad}"), from)
    }
}
