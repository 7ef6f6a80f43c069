//! The strict JSON reader and the splicing of edits, against another reader.

use serde_json::Value;

use crate::json::{Document, EditError, Edits, JsonError};

/// Every string that another reader sees in a body is one that the guard sees, and the other way
/// round; what we accept, the other reader accepts.
///
/// # Panics
/// When the two readers differ.
pub fn json_envelope(body: &[u8]) {
    match (Document::parse(body), serde_json::from_slice::<Value>(body)) {
        (Ok(ours), Ok(theirs)) => {
            let mut scanned: Vec<_> =
                ours.strings().map(|string| string.text.text().into_owned()).collect();
            let mut sent = Vec::new();
            strings_of(&theirs, &mut sent);
            scanned.sort_unstable();
            sent.sort_unstable();
            assert_eq!(scanned, sent, "the guard and the provider see different strings");
            for string in ours.strings().filter(|string| !string.is_key) {
                let pointed = theirs.pointer(&ours.pointer(string.id)).and_then(Value::as_str);
                assert_eq!(pointed, Some(&*string.text.text()));
            }
        }
        (Ok(_), Err(error)) => {
            assert!(is_narrower(&error), "accepted what another reader refuses: {error}");
        }
        (
            Err(
                JsonError::DuplicateKey { .. }
                | JsonError::TooDeep { .. }
                | JsonError::TooManyNodes { .. }
                | JsonError::NumberOutOfRange { .. },
            ),
            Ok(_),
        )
        | (Err(_), Err(_)) => {}
        (Err(error), Ok(_)) => panic!("refused good JSON: {error}"),
    }
}

/// Whether the other reader stops where we go on: one level earlier, and it rounds differently right
/// at the edge of a 64-bit float.
pub(super) fn is_narrower(error: &serde_json::Error) -> bool {
    let error = error.to_string();
    ["recursion limit exceeded", "number out of range"].iter().any(|it| error.starts_with(it))
}

/// Every string of a value, keys included.
pub(super) fn strings_of(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings_of(item, out)),
        Value::Object(members) => members.iter().for_each(|(key, member)| {
            out.push(key.clone());
            strings_of(member, out);
        }),
        _ => {}
    }
}

const NEW: &str = "<\"M\\A\nSK_1>";

/// Editing changes exactly what it names: another reader of the result sees the new texts in their
/// places and everything else as before.
///
/// Input: eight bytes of choices, then the body.
///
/// # Panics
/// When the other reader sees anything else.
pub fn json_splice(input: &[u8]) {
    let Some((choices, body)) = input.split_first_chunk::<8>() else { return };
    let Ok(document) = Document::parse(body) else { return };
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
        let a = old.floor_char_boundary(choose() % (old.len() + 1));
        let b = old.floor_char_boundary(choose() % (old.len() + 1));
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
}
