//! Every string that another reader sees in a body is one that the guard sees, and the other way
//! round; what we accept, the other reader accepts.

#![no_main]

use bartizan_gateway::json::{Document, JsonError};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
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
        // serde_json stops one level earlier.
        (Ok(_), Err(error)) if error.to_string().starts_with("recursion limit exceeded") => {}
        // Right at the edge of a 64-bit float it rounds differently.
        (Ok(_), Err(error)) if error.to_string().starts_with("number out of range") => {}
        (Ok(_), Err(error)) => panic!("accepted what another reader refuses: {error}"),
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
});

fn strings_of(value: &Value, out: &mut Vec<String>) {
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
