//! What is masked in JSON leaves JSON, and nothing of what was found.

use proptest::prelude::*;

use super::*;

/// What a text becomes where each `«…»` of it was found and is replaced by `X`.
fn fitted(marked: &str) -> String {
    let (text, spans) = unmarked(marked);
    let (pieces, _) = fit(&text, &Place::start_of_json(), &spans, true);
    replaced(&text, &pieces)
}

fn unmarked(marked: &str) -> (String, Vec<Span>) {
    let mut text = String::new();
    let mut spans = Vec::new();
    for c in marked.chars() {
        match c {
            '«' => spans.push(Span::new(text.len(), text.len())),
            '»' => {
                let last = spans.last_mut().unwrap();
                *last = Span::new(last.start, text.len());
            }
            c => text.push(c),
        }
    }
    (text, spans)
}

fn replaced(text: &str, pieces: &[Pieces]) -> String {
    let mut out = String::new();
    let mut copied = 0;
    for stretch in pieces {
        for (index, piece) in stretch.iter().enumerate() {
            out.push_str(&text[copied..piece.span.start]);
            out.push_str(&piece.replacement(if index == 0 { "X" } else { "" }));
            copied = piece.span.end;
        }
    }
    out.push_str(&text[copied..]);
    out
}

#[test]
fn what_is_no_json_is_replaced_as_it_is() {
    assert_eq!(fitted(r"a \«nb» c"), r"a \X c");
    assert_eq!(fitted("say \"«a\" b»"), "say \"X");
    assert_eq!(fitted("{ «ü» }"), "{ X }");
}

#[test]
fn escapes_stay_whole() {
    assert_eq!(fitted(r#"{"a":"\«ncarl» x"}"#), r#"{"a":"\nX x"}"#);
    assert_eq!(fitted(r#"{"a":"\u0«063arl» x"}"#), r#"{"a":"\u0063X x"}"#);
    assert_eq!(fitted(r#"{"a":"«\u0063arl\»n"}"#), r#"{"a":"X"}"#);
    assert_eq!(fitted(r#"{"a":"\\«ncarl»"}"#), r#"{"a":"\\X"}"#);
}

#[test]
fn what_is_no_escape_is_replaced_to_the_letter() {
    assert_eq!(fitted(r#"{"a":"\«carl»"}"#), r#"{"a":"\X"}"#);
    assert_eq!(fitted(r#"{"a":"\u«00zarl»"}"#), r#"{"a":"\uX"}"#);
    assert_eq!(fitted(r#"{"a":"«\u00»"}"#), r#"{"a":"X"}"#);
    assert_eq!(fitted(r#"{"a":"«\u0»"#), r#"{"a":"X"#);
}

#[test]
fn quotes_and_commas_stay_where_a_stretch_reaches_over_them() {
    assert_eq!(fitted(r#"{"a":"x«y", "b":"c»d"}"#), r#"{"a":"xX", "":"d"}"#);
    assert_eq!(fitted(r#"{"a":["«s","e","t»"]}"#), r#"{"a":["X","",""]}"#);
    assert_eq!(fitted(r#"{"a":"x"«, »"b":1}"#), r#"{"a":"x", "b":1}"#);
}

#[test]
fn numbers_are_replaced_as_a_whole_and_in_quotes() {
    assert_eq!(fitted(r#"{"a":«4111»}"#), r#"{"a":"X"}"#);
    assert_eq!(fitted(r#"{"a":-«4111».50}"#), r#"{"a":"X"}"#);
    assert_eq!(fitted(r#"{"a":[«41»1«12», 7]}"#), r#"{"a":["X", 7]}"#);
    assert_eq!(fitted(r#"{"a":1e«4111»}"#), r#"{"a":1e1}"#);
    let long = "0".repeat(80);
    assert_eq!(fitted(&format!(r#"{{"a":«4111»{long}}}"#)), format!(r#"{{"a":1{long}}}"#));
    assert_eq!(fitted(r#"{"a":«4111»"#), r#"{"a":"X""#);
}

#[test]
fn values_are_what_json_stands_for() {
    let value = |marked: &str| {
        let (text, spans) = unmarked(marked);
        let (pieces, _) = fit(&text, &Place::start_of_json(), &spans, true);
        pieces[0].iter().map(|piece| piece.value(&text[piece.span.range()])).collect::<String>()
    };
    assert_eq!(value(r#"{"a":"«x\ny\u0041\/»"}"#), "x\nyA/");
    assert_eq!(value(r#"{"a":«4111»}"#), "4111");
    assert_eq!(value(r"a«x\ny»"), r"x\ny");
}

#[test]
fn what_more_text_could_fit_otherwise_is_open() {
    let open = |marked: &str| {
        let (text, spans) = unmarked(marked);
        fit(&text, &Place::start_of_json(), &spans, false).1
    };
    assert_eq!(open(r#"{"a":-"#), 5);
    assert_eq!(open(r#"{"a":«-4111»"#), 5);
    assert_eq!(open(r#"{"a":"«x\u00»"#), 6);
    assert_eq!(open(r#"{"a":"x"«»"#), 8);
}

proptest! {
    #[test]
    fn json_stays_json(
        words in proptest::collection::vec(
            proptest::sample::select(vec![
                "a", "\\\\n", "\\\\\\\\", "é", "\\u0041", "\\\"", " ", "bob",
            ]),
            0..6,
        ),
        number in "-?[1-9][0-9]{0,20}(\\.[0-9]{1,5})?(e[1-9][0-9]{0,3})?",
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 2..8),
    ) {
        let string = words.concat();
        let text = format!(r#"{{"{string}": [{number}, "{string}"], "k": {{"x": "{string}"}}, "n": {number}}}"#);
        prop_assert!(is_json(&text), "{}", text);
        let bounds: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| *cut.get(&bounds)).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let spans: Vec<Span> = cuts.chunks_exact(2).map(|cut| Span::new(cut[0], cut[1])).collect();
        let (pieces, open) = fit(&text, &Place::start_of_json(), &spans, true);
        prop_assert_eq!(open, text.len());
        let out = replaced(&text, &pieces);
        prop_assert!(is_json(&out), "{:?} of {} is {}", spans, text, out);
        // Nothing that was found inside of a string is left.
        for (span, pieces) in spans.iter().zip(&pieces) {
            for piece in pieces {
                prop_assert!(piece.span.overlaps(*span));
            }
        }
    }
}

/// Whether a text is one value of JSON, whatever its keys.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
