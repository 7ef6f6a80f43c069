//! Every event is held to what the schema asks for, version 1.8.0: required members and constraints of
//! classes and objects, as the compiled schema has them.

use super::*;

/// What version 1.8.0 requires, without profiles, and of which members one has to be there.
type Required = (u64, &'static [&'static str]);

const EVERY: &[&str] =
    &["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"];
const REQUIRED: [Required; 5] = [
    (0, &[]),
    (1008, &["log_name"]),
    (2004, &["finding_info"]),
    (3004, &["entity"]),
    (6003, &["actor", "api", "src_endpoint"]),
];
/// Of objects: where they stand, what each has, and of what each has one at least.
const OBJECTS: [(&str, &[&str], &[&str]); 13] = [
    ("/metadata", &["product", "version"], &[]),
    ("/metadata/product", &[], &["name", "uid"]),
    ("/actor", &[], &["process", "user", "session", "app_name", "app_uid"]),
    ("/actor/user", &[], &["account", "name", "uid"]),
    ("/api", &["operation"], &[]),
    ("/api/service", &[], &["name", "uid"]),
    ("/api/request", &["uid"], &[]),
    ("/src_endpoint", &[], &["ip", "uid", "name", "hostname", "svc_name", "domain"]),
    ("/entity", &[], &["name", "uid", "device", "group", "org", "policy", "user"]),
    ("/finding_info", &["uid"], &[]),
    ("/finding_info/analytic", &["type_id"], &["name", "uid"]),
    ("/ai_model", &["name", "ai_provider"], &["name", "uid"]),
    ("/message_context", &[], &["application", "service"]),
];
/// Numbers that stand for a name, each with the member that has the name.
const NAMED: [(&str, &str); 8] = [
    ("activity_id", "activity_name"),
    ("category_uid", "category_name"),
    ("class_uid", "class_name"),
    ("type_uid", "type_name"),
    ("severity_id", "severity"),
    ("status_id", "status"),
    ("action_id", "action"),
    ("disposition_id", "disposition"),
];

/// Events of every area, with every outcome and verdict, whole and with nothing that can be missing.
fn all() -> Vec<Event> {
    let operations = [
        ("gateway", "chat-completions"),
        ("gateway", "models"),
        ("gateway", "count-tokens"),
        ("admin", "key-created"),
        ("admin", "key-revoked"),
        ("admin", "endpoint-changed"),
        ("admin", "endpoint-removed"),
        ("admin", "subject-erased"),
        ("admin", "refused"),
        ("ledger", "entries-removed"),
        ("ledger", "entries-adopted"),
        ("relay", "entries-missing"),
        ("tool", "called"),
    ];
    let mut all = Vec::new();
    for (area, operation) in operations {
        for outcome in Outcome::ALL {
            for verdict in [Verdict::Allow, Verdict::Flag, Verdict::Mask, Verdict::Block] {
                let subject = Some("subject:AbC".to_owned());
                for whole in [asked(), Event { subject, ..refused() }, bare()] {
                    let (area, operation) = (area.to_owned(), operation.to_owned());
                    all.push(Event { area, operation, outcome, verdict, ..whole });
                }
            }
        }
    }
    all
}

#[test]
fn every_event_has_what_the_schema_requires() {
    for of in all() {
        let found = event(&of, 7, LOG);
        let number = |name: &str| found[name].as_u64().unwrap_or_else(|| panic!("{name}: {found}"));
        let (class, activity) = (number("class_uid"), number("activity_id"));
        assert_eq!(number("type_uid"), class * 100 + activity, "{found}");
        assert_eq!(number("category_uid"), class / 1000, "{found}");
        assert_eq!(number("time"), 1_767_323_045_000);
        let (_, own) = REQUIRED.iter().find(|(of, _)| *of == class).unwrap();
        for name in EVERY.iter().chain(*own) {
            assert!(!found[*name].is_null(), "{name}: {found}");
        }
        for (place, required, one_of) in OBJECTS {
            let Some(object) = found.pointer(place) else { continue };
            for name in required {
                assert!(!object[*name].is_null(), "{place}/{name}: {found}");
            }
            let has_one = one_of.iter().any(|name| !object[*name].is_null());
            assert!(one_of.is_empty() || has_one, "{place}: {found}");
        }
        let is_other = activity == OTHER;
        assert_eq!(found["type_name"].as_str().unwrap().ends_with(": Other"), is_other, "{found}");
        for (number, name) in NAMED {
            assert_eq!(found[number].is_null(), found[name].is_null(), "{number}: {found}");
        }
        assert_eq!(found["unmapped"]["leaf_index"], 7);
        assert!(!found.to_string().contains("null"), "{found}");
    }
}
