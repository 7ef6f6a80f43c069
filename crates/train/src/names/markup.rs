//! Names in the marks of Markdown, HTML, data and paths, and code in which nobody is named.

use super::made::{Maker, capitalised};
use super::sample::Piece;

/// Lines with gaps; what is doubled is a brace.
const MARKUP: &str = include_str!("../../data/names/templates/markup.txt");
/// Lines of code, settings and logs without names.
const CODE: &str = include_str!("../../data/names/templates/code.txt");
/// Code with gaps for names that nobody has; each `@` is one.
const FORMS: [&str; 36] = [
    "@ = @(@, @)",
    "@, @ = @, @",
    "if @ == @:",
    "elif @.@(@):",
    "elif @ in @:",
    "elif @ and not @:",
    "    for @, @ in @.@():",
    "return @[@]",
    "    self.@ = @",
    "@.@ = @ or @",
    "def @(@, @=None):",
    "import @, @",
    "from @ import @, @",
    "assert @(@) == @",
    "# @ the @ of @",
    "let @ = @.@();",
    "let mut @: Vec<@> = @;",
    "fn @(@: &str) -> @ {",
    "use @::@::{@, @};",
    "static @: @ = @ { @, @ };",
    "@->@ = @;",
    "int @(@ *@, char @[]) {",
    "#define @ @",
    "@ *@ = &@;",
    "const @ = await @(@);",
    "const { @, @ } = @;",
    "export @=@",
    "@ -@ --@=@ | @",
    "SELECT @, @ FROM @ WHERE @ = 1;",
    "@ := @.@(@)",
    "private @ @ = new @(@);",
    "@(@, @, @);",
    "'@': @,",
    "[@] @: @ @ in 12 ms",
    "    [@, @, @],",
    "@ (@) @ @ 1.2-3",
];
/// Marks on either side of a name in a sentence.
const MARKS: [(&str, &str); 8] = [
    ("**", "**"),
    ("**", "**"),
    ("*", "*"),
    ("_", "_"),
    ("`", "`"),
    ("<b>", "</b>"),
    ("[", "](https://www.example.org/)"),
    ("\"", "\""),
];

impl Maker<'_> {
    /// Lines of lists, tables and data, often of one sort.
    pub(super) fn markup(&mut self, language: &str) -> Vec<Piece> {
        let lines: Vec<&str> = MARKUP.lines().collect();
        let mut line = self.random.pick(&lines).copied().unwrap_or_default();
        let is_one_sort = self.chance(0.5);
        let mut pieces = Vec::new();
        for number in 0..=self.random.below(4) {
            if number > 0 {
                pieces.push(Piece::plain("\n"));
                if !is_one_sort {
                    line = self.random.pick(&lines).copied().unwrap_or_default();
                }
            }
            let braces = line.replace("{{", "\u{1}").replace("}}", "\u{2}");
            self.fill(&braces, language, &mut pieces);
        }
        for piece in &mut pieces {
            piece.text = piece.text.replace('\u{1}', "{").replace('\u{2}', "}");
        }
        pieces
    }

    /// Lines of code, settings or logs.
    pub(super) fn code(&mut self) -> Vec<Piece> {
        let lines: Vec<&str> = CODE.lines().collect();
        let count = 1 + self.random.below(8);
        let from = self.random.below(lines.len().saturating_sub(count).max(1));
        let mut code = String::new();
        for line in lines.iter().skip(from).take(count) {
            // Lines beside each other are mostly of one language.
            if !code.is_empty() {
                code.push('\n');
            }
            match self.random.below(10) {
                0 | 1 => code.push_str(self.random.pick(&lines).copied().unwrap_or_default()),
                2..=5 => {
                    let form = self.random.pick(&FORMS).copied().unwrap_or_default();
                    for (number, part) in form.split('@').enumerate() {
                        if number > 0 {
                            code.push_str(&self.identifier());
                        }
                        code.push_str(part);
                    }
                }
                _ => code.push_str(line),
            }
        }
        vec![Piece::plain(code)]
    }

    /// A name of a thing in code.
    fn identifier(&mut self) -> String {
        match self.random.below(9) {
            0..=2 => {
                let count = 1 + self.random.below(4);
                (0..count).map(|_| char::from(b'a' + self.random.below(26) as u8)).collect()
            }
            3 => {
                let (first, second) = (self.syllable(), self.syllable());
                format!("{first}{second}")
            }
            4 => format!("{}_{}", self.common(), self.syllable()),
            5 => format!("{}_{}", self.common(), self.common()),
            6 => format!("{}{}", self.common(), capitalised(&self.common())),
            7 => self.common().to_uppercase(),
            _ => self.common(),
        }
    }

    fn syllable(&mut self) -> String {
        self.word("words", "syllable").to_lowercase()
    }

    fn common(&mut self) -> String {
        self.word("common", "words").to_lowercase()
    }

    /// Names in a sentence, set off by marks.
    pub(super) fn set_off(&mut self, pieces: Vec<Piece>) -> Vec<Piece> {
        let (open, close) = self.random.pick(&MARKS).copied().unwrap_or(("**", "**"));
        let set = |piece: Piece| match piece.entity {
            Some(_) => vec![Piece::plain(open), piece, Piece::plain(close)],
            None => vec![piece],
        };
        pieces.into_iter().flat_map(set).collect()
    }

    /// A word of everyday use that is no family name, in the place of a name.
    pub(super) fn everyday_word(&mut self, language: &str) -> String {
        let own = if self.lists.words("everyday", language).is_empty() { "en" } else { language };
        let mut word = "";
        for _ in 0..6 {
            word = match self.random.below(5) {
                0 => self.word("common", "words"),
                _ => self.word("everyday", own),
            };
            if !self.both.contains(&word) {
                break;
            }
        }
        capitalised(word)
    }
}

#[cfg(test)]
mod tests {
    use super::super::lists::Lists;
    use super::*;

    #[test]
    fn braces_of_data_stay_and_gaps_are_filled() {
        let lists = Lists::load().unwrap();
        let mut maker = Maker::new(&lists, 3);
        for line in MARKUP.lines() {
            let mut pieces = Vec::new();
            let braces = line.replace("{{", "(").replace("}}", ")");
            maker.fill(&braces, "en", &mut pieces);
            let filled: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
            assert!(!filled.contains(['{', '}']), "{line}: {filled}");
            assert!(pieces.iter().all(|piece| !piece.text.is_empty()), "{line}: {pieces:?}");
        }
        let is_whole = |pieces: &[Piece]| {
            let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
            text.matches('{').count() == text.matches('}').count()
        };
        assert!((0..500).all(|_| is_whole(&maker.markup("de"))));
    }

    #[test]
    fn no_line_of_code_names_anybody() {
        let lists = Lists::load().unwrap();
        let mut maker = Maker::new(&lists, 4);
        assert!((0..100).all(|_| maker.code().iter().all(|piece| piece.entity.is_none())));
    }
}
