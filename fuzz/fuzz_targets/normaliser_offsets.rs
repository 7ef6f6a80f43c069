//! Every view of a text maps back to whole characters of it, in order, and a view of a prefix is a
//! prefix of the view.

#![no_main]

use bartizan_guard::text::{Offsets, fold, hidden, squeeze, unescape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (folded, offsets) = fold(text);
    check(text, &folded, &offsets);
    let (again, _) = fold(&folded);
    assert_eq!(again, folded, "folding twice changes nothing more");
    let half = text.floor_char_boundary(text.len() / 2);
    let (prefix, _) = fold(text.get(..half).unwrap_or_default());
    assert!(folded.starts_with(&*prefix));

    if let Some(hidden) = hidden(text) {
        check(text, &hidden.text, &hidden.offsets);
    }
    for complete in [true, false] {
        if let (Some(unescaped), open) = unescape(&folded, complete) {
            assert!(open <= folded.len());
            check(&folded, &unescaped.text, &unescaped.offsets);
        }
        if let (Some(squeezed), open) = squeeze(&folded, complete) {
            assert!(open <= folded.len());
            check(&folded, &squeezed.text, &squeezed.offsets);
        }
    }
});

fn check(source: &str, view: &str, offsets: &Offsets) {
    let mut last = 0;
    for (start, c) in view.char_indices() {
        let span = offsets.to_source(start, start + c.len_utf8());
        assert!(source.get(span.range()).is_some_and(|part| !part.is_empty()), "{span:?}");
        assert!(span.start >= last, "{span:?} after {last}");
        last = span.start;
    }
}
