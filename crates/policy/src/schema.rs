//! The JSON Schema of the policy file, for editors and for the reference.

use serde_json::Value;

use crate::file::PolicyFile;

/// The schema of the types in `file`.
pub(crate) fn of_policy_file() -> Value {
    let mut schema = schemars::schema_for!(PolicyFile).to_value();
    forbid_null(&mut schema);
    schema
}

/// Takes null out of every type: the generator allows it for keys that may be left out, the reader
/// refuses it (`located::filled`).
fn forbid_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        Value::Object(keys) => {
            if let Some(Value::Array(types)) = keys.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    keys.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(choices)) = keys.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(one)] = choices.as_slice() {
                    let one = one.clone();
                    keys.remove("anyOf");
                    keys.extend(one);
                }
            }
            if let Some(Value::Array(words)) = keys.get_mut("enum") {
                words.retain(|word| !word.is_null());
            }
            keys.values_mut().for_each(forbid_null);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::String(text) => text == "null",
            Value::Array(items) => items.iter().any(has_null),
            Value::Object(keys) => keys.values().any(has_null),
            Value::Bool(_) | Value::Number(_) => false,
        }
    }

    #[test]
    fn allows_null_nowhere() {
        assert!(has_null(&schemars::schema_for!(PolicyFile).to_value()), "nothing left to forbid");
        assert!(!has_null(&of_policy_file()));
    }
}
