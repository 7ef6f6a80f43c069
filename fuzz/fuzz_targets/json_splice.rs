//! Editing changes exactly what it names: another reader of the result sees the new texts in their
//! places and everything else as before.
//!
//! Input: eight bytes of choices, then the body.

#![no_main]

use bartizan_gateway::json::{Document, EditError, Edits};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const NEW: &str = "<\"M\\A\nSK_1>";

fuzz_target!(|input: &[u8]| {
    let Some((choices, body)) = input.split_first_chunk::<8>() else { return };
    let Ok(document) = Document::parse(body) else { return };
    // The other reader may stop earlier, at depth and at the edge of a float.
    let Ok(mut expected) = serde_json::from_slice::<Value>(body) else { return };
    let mut choices = choices.iter().copied().cycle();
    let mut choose = || usize::from(choices.next().unwrap_or_default());

    assert_eq!(Edits::new(&document).apply().as_deref(), Ok(body));

    let mut edits = Edits::new(&document);
    for string in document.strings().filter(|string| !string.is_key) {
        if choose() % 2 == 0 {
            continue;
        }
        let old = string.text.text();
        let bounds: Vec<_> = (0..=old.len()).filter(|&at| old.is_char_boundary(at)).collect();
        let a = bounds[choose() % bounds.len()];
        let b = bounds[choose() % bounds.len()];
        let range = a.min(b)..a.max(b);
        edits.replace_text(string.id, [(range.clone(), NEW)]).expect("the range lies in the text");
        let mut new = old.into_owned();
        new.replace_range(range, NEW);
        let place = expected.pointer_mut(&document.pointer(string.id)).expect("the pointer leads");
        *place = new.into();
    }
    for number in document.long_numbers() {
        edits.replace_with_string(number.id, NEW).expect("the node is there");
        let place = expected.pointer_mut(&document.pointer(number.id)).expect("the pointer leads");
        *place = NEW.into();
    }
    if choose() % 2 == 0
        && let Value::Object(members) = &mut expected
    {
        edits.insert_member(document.root().id(), NEW, b"[true]").expect("the root is an object");
        if members.insert(NEW.to_owned(), Value::from(vec![true])).is_some() {
            assert!(matches!(edits.apply(), Err(EditError::InvalidResult(_))));
            return;
        }
    }
    let out = edits.apply().expect("no two edits touch");
    assert!(Document::parse(&out).is_ok());
    assert_eq!(serde_json::from_slice::<Value>(&out).expect("the result is JSON"), expected);

    // Taking out any children of the root leaves the others.
    let mut expected: Value = serde_json::from_slice(body).expect("read once already");
    let mut edits = Edits::new(&document);
    let mut removed = 0;
    for (index, item) in document.root().items().enumerate() {
        if choose() % 2 == 0 {
            edits.remove(item.id()).expect("an item can leave");
            expected.as_array_mut().expect("an array").remove(index - removed);
            removed += 1;
        }
    }
    for (key, member) in document.root().members() {
        if choose() % 2 == 0 {
            edits.remove(member.id()).expect("a member can leave");
            expected.as_object_mut().expect("an object").remove(&*key.text());
        }
    }
    let out = edits.apply().expect("no two edits touch");
    assert_eq!(serde_json::from_slice::<Value>(&out).expect("the result is JSON"), expected);
});
