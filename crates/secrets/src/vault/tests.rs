//! References, headers, and answers as Vault gives them.

use bartizan_core::Coded as _;
use bartizan_core::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn reference() -> Reference {
    "vault:secret/providers/openai#api-key".parse().unwrap()
}

/// An answer as the documentation of Vault shows it.
fn answer(data: &Value) -> Value {
    json!({
        "request_id": "0d5e1c3e-3f0a-4f2f-8a5e-0e3d9a0b7c11",
        "lease_id": "",
        "renewable": false,
        "lease_duration": 0,
        "data": {
            "data": data,
            "metadata": {
                "created_time": "2026-03-22T02:24:06.945319214Z",
                "custom_metadata": { "owner": "jdoe" },
                "deletion_time": "",
                "destroyed": false,
                "version": 2,
            },
        },
        "wrap_info": null,
        "warnings": null,
        "auth": null,
        "mount_type": "kv",
    })
}

fn read(status: u16, body: &Value) -> Result<VaultSecret, VaultError> {
    read_reply(status, body.to_string().as_bytes(), &reference(), NOW)
}

fn errors(status: u16, sentence: &str) -> VaultError {
    read(status, &json!({ "errors": [sentence] })).unwrap_err()
}

#[test]
fn a_reference_names_mount_path_and_field() {
    let reference: Reference = "vault:secret/providers/openai#api-key".parse().unwrap();
    assert_eq!((reference.mount(), reference.path()), ("secret", "providers/openai"));
    assert_eq!(reference.field(), "api-key");
    assert_eq!(reference.request_path(), "/v1/secret/data/providers/openai");
    assert_eq!(reference.to_string(), "vault:secret/providers/openai#api-key");
    assert!(Reference::looks_like("vault:") && !Reference::looks_like("secret/a"));
}

#[test]
fn what_a_path_cannot_hold_is_percent_encoded() {
    let reference: Reference = "vault:kv v2/a b/ü&=;:@+$,!*'()~.-_/...#the field".parse().unwrap();
    assert_eq!(
        reference.request_path(),
        "/v1/kv%20v2/data/a%20b/%C3%BC%26%3D%3B%3A%40%2B%24%2C%21%2A%27%28%29~.-_/..."
    );
}

#[test]
fn a_reference_leaves_its_place_by_no_way() {
    let long = format!("vault:secret/{}#f", "x".repeat(REFERENCE_BYTES));
    for wrong in [
        "",
        "vault:",
        "Vault:a/b#c",
        "secret/a#b",
        "vault:secret#f",
        "vault:secret/a",
        "vault:secret/a#",
        "vault:/a#f",
        "vault:secret/#f",
        "vault:secret//a#f",
        "vault:secret/a/#f",
        "vault://secret/a#f",
        "vault:secret/../sys/raw#f",
        "vault:../a#f",
        "vault:secret/./a#f",
        "vault:secret/a/..#f",
        "vault:secret/%2e%2e/a#f",
        "vault:secret/a%2fb#f",
        "vault:secret/a\\b#f",
        "vault:secret/a?version=1#f",
        "vault:secret/a#f#g",
        "vault:secret/a#f/g",
        "vault:secret/a\r\nb#f",
        "vault:secret/a\0#f",
        "vault:secret/ a#f",
        "vault:secret/a #f",
        "vault:secret/a# f",
        "vault:secret/a\u{a0}b#f",
        "vault:secret/a\u{202e}b#f",
        "vault:secret/a\u{200b}b#f",
        "vault:secret/a#\u{7f}",
        &long,
    ] {
        let error = wrong.parse::<Reference>().unwrap_err();
        assert!(matches!(error, VaultError::Reference(_)), "{wrong}");
    }
}

#[test]
fn a_wrong_reference_is_not_repeated() {
    let error = "sk-canary".parse::<Reference>().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn headers_carry_the_token_and_mark_the_request() {
    let namespace: Namespace = "team/prod/".parse().unwrap();
    let token = Secret::new("hvs.canary");
    let made = headers(&token, Some(&namespace)).unwrap();
    let shown: Vec<_> = made.iter().map(|it| (it.name, it.value.expose())).collect();
    assert_eq!(
        shown,
        [
            ("x-vault-token", "hvs.canary"),
            ("x-vault-request", "true"),
            ("x-vault-namespace", "team/prod"),
        ]
    );
    assert!(!format!("{made:?}").contains("canary"));
    assert_eq!(headers(&token, None).unwrap().len(), 2);
}

#[test]
fn nothing_that_could_be_another_header_is_a_token_or_a_namespace() {
    let long = "x".repeat(TOKEN_BYTES + 1);
    for wrong in ["", "canary\r\nx-vault-policy-override: true", "canary ", "cänary", &long] {
        let error = headers(&Secret::new(wrong), None).unwrap_err();
        assert!(matches!(error, VaultError::Token(_)), "{wrong}");
        assert!(!error.to_string().contains("canary"));
    }
    for wrong in ["", "/", "a//b", "/a", "..", "a/../b", "a\r\nb: c", "ä", "a%2f"] {
        assert!(matches!(wrong.parse::<Namespace>(), Err(VaultError::Namespace(_))), "{wrong}");
    }
}

#[test]
fn reads_the_field_of_the_newest_version() {
    let body = answer(&json!({ "api-key": "sk-\"ö\n", "other": { "deep": [1, 2] } }));
    let secret = read(200, &body).unwrap();
    assert_eq!(secret.value, Secret::new("sk-\"ö\n"));
    assert_eq!((secret.version, secret.deletes), (2, None));
    assert_eq!(secret.created.to_string(), "2026-03-22T02:24:06.945319214Z");
}

#[test]
fn a_version_that_will_be_deleted_is_given_until_then() {
    let mut body = answer(&json!({ "api-key": "sk" }));
    let metadata = &mut body["data"]["metadata"];
    let at = NOW + jiff::SignedDuration::from_secs(1);
    metadata["deletion_time"] = json!(at.to_string());
    assert_eq!(read(200, &body).unwrap().deletes, Some(at));
    body["data"]["metadata"]["deletion_time"] = json!(NOW.to_string());
    assert!(matches!(read(200, &body), Err(VaultError::Deleted { at, .. }) if at == NOW));
}

#[test]
fn what_is_gone_is_told_from_what_never_was() {
    let mut body = answer(&Value::Null);
    body["data"]["metadata"]["deletion_time"] = json!("2026-04-01T00:00:00Z");
    for status in [200, 404] {
        let error = read(status, &body).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the secret at `secret/providers/openai` was deleted at 2026-04-01T00:00:00.000000Z"
        );
    }
    body["data"]["metadata"]["destroyed"] = json!(true);
    for status in [200, 404] {
        assert!(matches!(read(status, &body), Err(VaultError::Destroyed { version: 2, .. })));
    }
    for nothing in [json!({ "errors": [] }), json!({}), json!("page not found"), answer(&json!({}))]
    {
        assert!(matches!(read(404, &nothing), Err(VaultError::NotFound { .. })), "{nothing}");
    }
    assert!(matches!(
        read_reply(404, b"<html>", &reference(), NOW),
        Err(VaultError::NotFound { .. })
    ));
}

#[test]
fn names_the_fields_that_there_are_and_nothing_of_their_values() {
    let body = answer(&json!({ "apikey": "canary-1", "user\u{1b}[2J\u{202e}`": "canary-2" }));
    let error = read(200, &body).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the secret at `secret/providers/openai` has no field `api-key`; it has `apikey`, \
         `user\u{fffd}\u{fffd}2J\u{fffd}\u{fffd}`"
    );
    let none = read(200, &answer(&json!({}))).unwrap_err().to_string();
    assert!(none.ends_with("it has none"), "{none}");
    let many: Value = (0..100).map(|n| (format!("f{n:03}{}", "x".repeat(99)), json!(1))).collect();
    let error = read(200, &answer(&many)).unwrap_err().to_string();
    assert!(error.ends_with(" and 84 more") && error.len() < 1500, "{error}");
}

#[test]
fn a_field_is_text_of_some_bytes() {
    let long = "canary".repeat(20_000);
    for (value, problem) in [
        (json!(""), "empty"),
        (json!(7), "no text"),
        (json!(null), "no text"),
        (json!(true), "no text"),
        (json!(["canary"]), "no text"),
        (json!({ "canary": "canary" }), "no text"),
        (json!(long), "longer than 65536 bytes"),
    ] {
        let error = read(200, &answer(&json!({ "api-key": value }))).unwrap_err();
        assert!(matches!(&error, VaultError::Field { problem: it, .. } if *it == problem));
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[test]
fn a_field_that_stands_twice_is_none() {
    let body = answer(&json!({ "api-key": "one", "x": "y" })).to_string();
    for twice in [r#""api-key":"two""#, r#""api\u002dkey":"two""#] {
        let body = body.replace(r#""x":"y""#, twice);
        let error = read_reply(200, body.as_bytes(), &reference(), NOW).unwrap_err();
        assert!(matches!(error, VaultError::Malformed(_)), "{body}");
    }
    let body = answer(&json!({ "api-key": "one" })).to_string();
    let body = body.replacen(r#""auth":"#, r#""data":{"data":{"api-key":"two"}},"auth":"#, 1);
    let error = read_reply(200, body.as_bytes(), &reference(), NOW).unwrap_err();
    assert!(matches!(error, VaultError::Malformed(_)));
}

#[test]
fn an_answer_of_version_1_is_recognised() {
    let body = json!({ "data": { "api-key": "canary" }, "lease_id": "" });
    let error = read(200, &body).unwrap_err();
    assert_eq!(error, VaultError::NotVersioned { mount: "secret".to_owned() });
}

#[test]
fn an_answer_that_leaves_a_doubt_is_none() {
    let good = answer(&json!({ "api-key": "canary" }));
    let mut bad = vec![json!(null), json!([]), json!("canary"), json!({}), json!({ "data": 1 })];
    for (field, value) in [
        ("version", json!(0)),
        ("version", json!(-1)),
        ("version", json!("2")),
        ("version", json!(1e30)),
        ("destroyed", json!("canary")),
        ("destroyed", json!(null)),
        ("created_time", json!("canary")),
        ("created_time", json!("")),
        ("deletion_time", json!("canary")),
        ("deletion_time", json!(null)),
    ] {
        let mut changed = good.clone();
        changed["data"]["metadata"][field] = value;
        bad.push(changed);
        let mut without = good.clone();
        without["data"]["metadata"].as_object_mut().unwrap().remove(field);
        bad.push(without);
    }
    for data in [json!(null), json!("canary"), json!(["canary"])] {
        let mut changed = good.clone();
        changed["data"]["data"] = data;
        bad.push(changed);
    }
    for body in bad {
        let error = read(200, &body).unwrap_err();
        assert!(matches!(error, VaultError::Malformed(_)), "{body}: {error}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[test]
fn is_neither_deep_nor_long_nor_anything_but_utf_8() {
    let read = |body: &[u8]| read_reply(200, body, &reference(), NOW).unwrap_err();
    let nested = |depth: usize| {
        let value = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        answer(&json!({ "api-key": "x", "y": "Z" })).to_string().replace("\"Z\"", &value)
    };
    assert!(read_reply(200, nested(29).as_bytes(), &reference(), NOW).is_ok());
    assert_eq!(read(nested(30).as_bytes()), VaultError::Malformed("it nests too deeply"));
    assert_eq!(read("[".repeat(100_000).as_bytes()), VaultError::Malformed("it nests too deeply"));
    assert_eq!(read(&vec![b' '; REPLY_BYTES + 1]), VaultError::TooLong);
    assert_eq!(read(b"{\"data\":\"\xff\"}"), VaultError::Malformed("it is not UTF-8"));
    let brackets = answer(&json!({ "api-key": format!("\\\"{}", "[{".repeat(100)) }));
    assert!(read_reply(200, brackets.to_string().as_bytes(), &reference(), NOW).is_ok());
}

#[test]
fn every_status_of_vault_means_something() {
    let place = || "secret/providers/openai".to_owned();
    for (status, sentence, meaning) in [
        (403, "permission denied", VaultError::Denied { place: place() }),
        (
            403,
            "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n",
            VaultError::TokenRefused,
        ),
        (403, "bad token", VaultError::TokenRefused),
        (400, "missing client token", VaultError::TokenRefused),
        (400, "canary", VaultError::Refused { place: place(), status: 400 }),
        (405, "unsupported operation", VaultError::Refused { place: place(), status: 405 }),
        (412, "required index state not present", VaultError::Behind),
        (429, "rate limit quota exceeded", VaultError::Limited),
        (472, "", VaultError::Standby { status: 472 }),
        (473, "", VaultError::Standby { status: 473 }),
        (500, "canary", VaultError::Failed { status: 500 }),
        (502, "canary", VaultError::Failed { status: 502 }),
        (503, "Vault is sealed", VaultError::Sealed),
        (503, "overloaded, try again later", VaultError::Unavailable),
        (307, "", VaultError::Redirect { status: 307 }),
        (204, "", VaultError::Unexpected { status: 204 }),
        (101, "", VaultError::Unexpected { status: 101 }),
        (418, "canary", VaultError::Unexpected { status: 418 }),
        (0, "", VaultError::Unexpected { status: 0 }),
    ] {
        let error = errors(status, sentence);
        assert_eq!(error, meaning, "{status}");
        assert!(!error.to_string().contains("canary"));
        assert!(error.code().starts_with("bartizan::vault::"));
    }
}

/// A value that comes with another status than 200 is no answer to the question.
#[test]
fn no_other_status_gives_a_value() {
    let body = answer(&json!({ "api-key": "canary" }));
    for status in (0..=999).filter(|status| *status != 200) {
        let error = read(status, &body).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

/// Parts of references, most of which are fine.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-zA-Z0-9._~ :@&=+$,!*'();ü-]{1,12}",
        1 => Just("..".to_owned()),
        1 => "\\PC{0,6}",
    ]
}

proptest! {
    #[test]
    fn whatever_is_a_reference_stays_below_its_mount(
        parts in prop::collection::vec(part(), 1..5),
        field in part(),
    ) {
        let text = format!("vault:{}#{field}", parts.join("/"));
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string(), text.as_str());
            let path = reference.request_path();
            prop_assert!(path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/%-._~".contains(&byte)));
            let sent: Vec<&str> = path.split('/').collect();
            let asked: Vec<&str> = reference.path().split('/').collect();
            prop_assert_eq!(sent.len(), asked.len() + 4);
            prop_assert_eq!((sent[0], sent[1], sent[3]), ("", "v1", "data"));
            prop_assert!(sent.iter().skip(1).all(|part| !matches!(*part, "" | "." | "..")));
            prop_assert_eq!(decoded(sent[2]), reference.mount());
            for (sent, asked) in sent.iter().skip(4).zip(asked) {
                prop_assert_eq!(decoded(sent), asked);
            }
        }
    }

    #[test]
    fn no_text_makes_a_reference_panic(text in "(vault:)?\\PC{0,40}[/#]?\\PC{0,20}[/#]?\\PC{0,20}") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn no_body_makes_an_answer_panic(
        status in prop::sample::select(vec![200_u16, 404, 403, 503]),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        prop_assert!(read_reply(status, &body, &reference(), NOW).is_err());
    }

    #[test]
    fn every_text_of_a_field_is_read_as_it_is(value in "\\PC{1,64}|[\\x00-\\x7f]{1,64}") {
        let secret = read(200, &answer(&json!({ "api-key": value }))).unwrap();
        prop_assert_eq!(secret.value.expose(), value);
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            out.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).unwrap()
}
