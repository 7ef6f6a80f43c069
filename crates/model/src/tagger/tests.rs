//! What holds for every tagger, whatever it has learned.

use super::gazetteer::{Gazetteer, entry, list};
use super::token::{Shape, tokens};
use super::weights::{HIDDEN, Row, TAGS, WIDTH, Weights};
use super::*;

/// A stream of bits (`SplitMix64`).
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// A tagger that has learned nothing: it finds much, and everything around a token matters.
fn random_tagger(seed: u64) -> Tagger {
    let mut bits = Bits(seed);
    let rows: Vec<Row> =
        (0..1024).map(|_| std::array::from_fn(|_| (bits.next() % 160) as i8)).collect();
    let mut biases = [0.0; WIDTH];
    biases[..TAGS].fill(-0.5);
    let out = [[0.02; HIDDEN]; TAGS];
    let weights = Weights::new(rows, [0.02, 0.01], biases, out).unwrap();
    let lists = [
        ("Anna", list::GIVEN),
        ("Rio de Janeiro", list::CITY),
        ("佐々木", list::SURNAME),
        ("the", list::COMMON),
        ("of", list::COMMON),
        ("Street", list::STREET),
    ];
    let entries = lists.into_iter().flat_map(|(text, list)| entry(text, list)).collect();
    Tagger { gazetteer: Gazetteer::new(entries), weights }
}

/// Words, marks, blanks and things that are too long, glued in random order.
fn random_text(bits: &mut Bits, pieces: usize) -> String {
    let long = "x".repeat(70);
    let blank = " ".repeat(40);
    let of = [
        "Anna",
        "anna",
        "Smith-Jones",
        "O'Neill",
        "the",
        "of",
        "Rio de Janeiro",
        "12",
        "12459",
        "Street",
        "佐々木",
        "ひ",
        "김민수",
        "Иван",
        "محمد",
        "14b",
        "a_b",
        "U.S.",
        ",",
        ".",
        "-",
        "'",
        "\u{2019}s",
        "\n",
        "\\n",
        "\t",
        " ",
        " ",
        " ",
        " ",
        "...",
        "\u{301}",
        "😀",
        long.as_str(),
        blank.as_str(),
        "\"",
        "(",
        ")",
        "&",
        "/",
        "@",
        "<Anna>",
        ":",
        "ÉCOLE",
        "McDonald",
        "|",
        ";",
        "[",
        "]",
        "`",
        "**",
        "=",
        "\\temp",
        "C:\\Users",
    ];
    (0..pieces).map(|_| of[bits.below(of.len())]).collect()
}

fn shapes(text: &str) -> Vec<(&str, Shape)> {
    let cut = tokens(text, true);
    cut.tokens.iter().map(|token| (&text[token.start..token.end], token.shape)).collect()
}

#[test]
fn hyphens_join_words_and_apostrophes_names() {
    assert_eq!(
        shapes("Smith-Jones O'Neill Anna's l'École 14-17 BS1 6TN"),
        [
            ("Smith-Jones", Shape::Capital),
            ("O'Neill", Shape::Capital),
            ("Anna", Shape::Capital),
            ("'", Shape::Mark),
            ("s", Shape::Letter),
            ("l", Shape::Letter),
            ("'", Shape::Mark),
            ("École", Shape::Capital),
            ("14", Shape::ShortNumber),
            ("-", Shape::Mark),
            ("17", Shape::ShortNumber),
            ("BS1", Shape::LettersDigits),
            ("6TN", Shape::DigitsLetters),
        ]
    );
}

#[test]
fn low_lines_join_words_and_set_them_off() {
    assert_eq!(
        shapes("_Anna_ a_b c__d _Anna Weber_"),
        [
            ("_", Shape::Mark),
            ("Anna", Shape::Capital),
            ("_", Shape::Mark),
            ("a_b", Shape::Identifier),
            ("c__d", Shape::Identifier),
            ("_", Shape::Mark),
            ("Anna", Shape::Capital),
            ("Weber", Shape::Capital),
            ("_", Shape::Mark),
        ]
    );
}

#[test]
fn scripts_without_blanks_are_cut_into_characters() {
    let characters = shapes("東京マイケルさん김");
    let texts: Vec<&str> = characters.iter().map(|(text, _)| *text).collect();
    assert_eq!(texts, ["東", "京", "マイケル", "さ", "ん", "김"]);
}

#[test]
fn what_is_longer_than_any_name_ends_a_segment() {
    let text = format!("a {} b{}c", "x".repeat(49), " ".repeat(17));
    assert_eq!(tokens(&text, true).ends, [1, 2, 3]);
    assert!(!tokens(&format!("a {}", "x".repeat(49)), false).is_open);
    assert!(tokens("a b", false).is_open);
}

#[test]
fn entries_of_several_words_are_found_in_any_case() {
    let gazetteer = Gazetteer::new(entry("Rio de Janeiro", list::CITY));
    for text in ["Rio de Janeiro", "RIO DE JANEIRO", "rio de janeiro"] {
        let mut cut = tokens(text, true);
        gazetteer.mark(&mut cut.tokens);
        assert!(cut.tokens.iter().all(|token| token.lists & gazetteer::bit(list::CITY) != 0));
    }
    let mut cut = tokens("Rio de la Plata", true);
    gazetteer.mark(&mut cut.tokens);
    assert!(cut.tokens.iter().all(|token| token.lists == 0));
}

#[test]
fn no_name_holds_what_separates_values() {
    let mut bits = Bits(17);
    for seed in 0..20 {
        let tagger = random_tagger(seed);
        let text = random_text(&mut bits, 600);
        for found in tagger.tag(&text, true).found {
            let name = &text[found.start..found.end];
            assert!(
                !name.contains([
                    '"', '(', ')', ':', '|', ';', '<', '>', '[', ']', '`', '*', '=', '\t'
                ]),
                "{name:?}"
            );
            // A comma stands between cells where nothing stands behind it.
            let tight = name.match_indices(',').any(|(at, _)| {
                name[at + 1..].chars().next().is_some_and(|c| !c.is_whitespace() && c != '\\')
            });
            assert!(!tight, "{name:?}");
            let is_address = found.entity == Entity::Address;
            assert!(is_address || !name.contains('\n'), "{name:?}");
        }
    }
}

#[test]
fn paths_of_windows_keep_their_letters() {
    let words = |text: &str| -> Vec<String> {
        let cut = tokens(text, true).tokens;
        let words = cut.iter().filter(|token| token.shape != Shape::Mark);
        words.map(|token| text[token.start..token.end].to_owned()).collect()
    };
    assert_eq!(words(r"C:\Users\thomas weber\x"), ["C", "Users", "thomas", "weber", "x"]);
    assert_eq!(words(r"(D:\nina)"), ["D", "nina"]);
    assert_eq!(words(r"C:\\Users\\rainer"), ["C", "Users", "rainer"]);
    assert_eq!(words(r"\\server\thomas"), ["server", "thomas"]);
    assert_eq!(words(r"Hello\nthomas\tweber"), ["Hello", "thomas", "weber"]);
    assert_eq!(words(r"see https://x\nthomas"), ["see", "https", "x", "thomas"]);
    assert_eq!(words(r"Q:\nwhat A:\nthat"), ["Q", "what", "A", "that"]);
}

#[test]
fn a_name_in_angle_brackets_is_one_unless_it_is_a_placeholder() {
    let is = |text: &str| {
        let cut = tokens(text, true);
        super::marks::is_placeholder(text, &cut.tokens, 1)
    };
    for text in ["<PERSON>", "<PERSON_1>", "<person_12>", "<EMAIL_ADDRESS_HAB2C>", "<PROJECT_3>"] {
        assert!(is(text), "{text}");
    }
    for text in ["<Weber>", "<WEBER>", "<alice>", "<_1>", "(PERSON)", "<PERSON)"] {
        assert!(!is(text), "{text}");
    }
}

#[test]
fn what_takes_the_place_of_a_name_is_no_name() {
    for seed in 0..20 {
        let found = random_tagger(seed).tag("Anna <PERSON> Anna <PERSON_1> Anna", true).found;
        assert!(found.iter().all(|found| found.start != 6 && found.start != 20), "{found:?}");
    }
}

#[test]
fn what_is_final_in_a_part_is_final_in_the_whole() {
    let mut bits = Bits(5);
    for seed in 0..6 {
        let tagger = random_tagger(seed);
        for _ in 0..12 {
            let pieces = 5 + bits.below(120);
            let text = random_text(&mut bits, pieces);
            let whole = tagger.tag(&text, true).found;
            for (cut, _) in text.char_indices() {
                let part = tagger.tag(&text[..cut], false);
                let before = |found: &[Found]| -> Vec<Found> {
                    found.iter().copied().filter(|found| found.start < part.open).collect()
                };
                assert_eq!(before(&part.found), before(&whole), "{text:?} at {cut}");
                assert!(cut - part.open <= 2 * LOOK_BEHIND_BYTES, "{text:?} at {cut}");
            }
        }
    }
}

#[test]
fn a_window_with_enough_before_it_shows_what_the_whole_shows() {
    let mut bits = Bits(11);
    for seed in 0..6 {
        let tagger = random_tagger(seed);
        let text = random_text(&mut bits, 900);
        let whole = tagger.tag(&text, true).found;
        assert!(whole.len() > 20);
        for _ in 0..60 {
            let from = text.floor_char_boundary(bits.below(text.len()));
            // A stream goes on only where no name is open.
            let inside = |found: &&Found| found.start < from && found.end > from;
            if whole.iter().any(|found| inside(&found)) {
                continue;
            }
            let begin = text.floor_char_boundary(from.saturating_sub(LOOK_BEHIND_BYTES + 64));
            let window = tagger.tag(&text[begin..], true).found;
            let shown = window.into_iter().map(|found| Found {
                start: found.start + begin,
                end: found.end + begin,
                ..found
            });
            let fresh: Vec<Found> = shown.filter(|found| found.start >= from).collect();
            let wanted: Vec<Found> =
                whole.iter().copied().filter(|found| found.start >= from).collect();
            assert_eq!(fresh, wanted, "seed {seed}, from {from}");
        }
    }
}

#[test]
fn long_texts_are_judged_in_blocks_without_a_trace() {
    let mut bits = Bits(3);
    let tagger = random_tagger(9);
    let text = random_text(&mut bits, 12_000);
    assert!(text.len() > 3 * BLOCK_BYTES);
    let whole = tagger.tag(&text, true).found;
    assert!(whole.len() > 100);
    assert_eq!(whole, tagger.tag_block(&text, true).found);
}
