//! Whatever the bytes, loading ends with settings or with an error that can be shown.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::load;
use crate::settings::EVERYTHING;

/// Loads, and renders the error if there is one.
fn survives(text: &str) {
    if let Err(error) = load(text) {
        let rendered = error.render();
        assert!(rendered.starts_with("error: "), "{rendered}");
        assert!(rendered.ends_with('\n'), "{rendered}");
        let unsafe_to_print = |c: char| c.is_control() && c != '\n';
        assert!(!rendered.contains(unsafe_to_print), "{rendered:?}");
        assert!(!rendered.contains("sk-test-0"), "{rendered}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

/// Cuts `length` characters at `start` and puts `patch` there.
fn patched(text: &str, start: usize, length: usize, patch: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let start = start % (chars.len() + 1);
    let end = (start + length).min(chars.len());
    let before = chars[..start].iter();
    before.chain(patch.chars().collect::<Vec<_>>().iter()).chain(chars[end..].iter()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn yaml_like_text_is_survived(text in r##"[a-z0-9:{}\[\],&*!|>'"#\n \-]{0,200}"##) {
        survives(&text);
        survives(&format!("version: 1\n{text}"));
    }

    #[test]
    fn mutated_policies_are_survived(
        start in any::<usize>(),
        length in 0_usize..40,
        patch in r#"[ -~\n\PC]{0,12}"#,
    ) {
        survives(&patched(EVERYTHING, start, length, &patch));
    }

    #[test]
    fn swapped_words_are_survived(index in any::<prop::sample::Index>(), word in "[a-z-]{1,12}") {
        let words: Vec<&str> = EVERYTHING.split_inclusive([' ', ':', ',']).collect();
        let index = index.index(words.len());
        let mut words = words;
        words[index] = &word;
        survives(&words.concat());
    }
}

#[test]
fn deep_and_wide_files_are_refused_without_harm() {
    survives(&"[".repeat(100_000));
    survives(&"{a: ".repeat(100_000));
    survives(&format!("egress: {}{}", "[".repeat(200), "]".repeat(200)));
    survives(&"- ".repeat(100_000));
    survives(&format!("version: 1\ndata-dir: {}", "api-key: ".repeat(20_000)));
    survives(&"a: &a [*a, *a]\n".repeat(100));
    let mut bomb = "version: 1\negress:\n  - &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (before, this) in ('a'..='j').zip('b'..='k') {
        let tenfold = [format!("*{before}").as_str(); 10].join(",");
        writeln!(bomb, "  - &{this} [{tenfold}]").unwrap();
    }
    survives(&bomb);
}
