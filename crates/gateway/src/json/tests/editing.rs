//! Edits change what they name and nothing else.

use proptest::prelude::*;
use serde_json::Value as Theirs;

use super::super::{Document, EditError, Edits, JsonError, NodeId};
use super::{any_text, any_value, parse, theirs, write};

/// Id of the node at a pointer.
fn at(document: &Document<'_>, pointer: &str) -> NodeId {
    let mut value = document.root();
    for step in pointer.split('/').skip(1) {
        let item = step.parse().ok().and_then(|index: usize| value.items().nth(index));
        value = item.or_else(|| value.get(step)).unwrap();
    }
    value.id()
}

#[track_caller]
fn check(text: &str, edit: impl Fn(&Document<'_>, &mut Edits<'_>), expected: &str) {
    let document = parse(text);
    let mut edits = Edits::new(&document);
    edit(&document, &mut edits);
    let out = String::from_utf8(edits.apply().unwrap()).unwrap();
    assert_eq!(out, expected);
    parse(&out);
}

fn remove(pointers: &[&str]) -> impl Fn(&Document<'_>, &mut Edits<'_>) {
    move |document, edits| {
        for pointer in pointers {
            edits.remove(at(document, pointer)).unwrap();
        }
    }
}

#[test]
fn replaces_parts_of_a_text() {
    check(
        r#"{ "a" : "to \u0062ob@example.com, \"now\"" }"#,
        |document, edits| {
            let id = at(document, "/a");
            edits.replace_text(id, [(3..18, "<EMAIL>"), (20..20, "\"!\"\n")]).unwrap();
        },
        r#"{ "a" : "to <EMAIL>, \"!\"\n\"now\"" }"#,
    );
}

#[test]
fn replaces_values_and_numbers() {
    check(
        r#"{"card":4111111111111111,"x":[1, {"y":2} ,3]}"#,
        |document, edits| {
            edits.replace_with_string(at(document, "/card"), "<CARD_1>").unwrap();
            edits.replace_value(at(document, "/x/1"), b"null").unwrap();
        },
        r#"{"card":"<CARD_1>","x":[1, null ,3]}"#,
    );
}

#[test]
fn removes_with_one_comma() {
    check("[1, 2 ,3]", remove(&["/0"]), "[2 ,3]");
    check("[1, 2 ,3]", remove(&["/1"]), "[1 ,3]");
    check("[1, 2 ,3 ]", remove(&["/2"]), "[1, 2 ]");
    check("[1, 2 ,3]", remove(&["/0", "/1"]), "[3]");
    check("[1, 2 ,3]", remove(&["/2", "/1", "/1"]), "[1]");
    check("[1, 2 ,3]", remove(&["/0", "/2"]), "[2]");
    check("[ 1, 2 ,3 ]", remove(&["/0", "/1", "/2"]), "[  ]");
    check(r#"{"a":1, "b" : {"c":2}}"#, remove(&["/b"]), r#"{"a":1}"#);
    check(r#"{"a":1, "b" : {"c":2}}"#, remove(&["/a", "/b/c"]), r#"{"b" : {}}"#);
}

#[test]
fn adds_members_at_the_end() {
    let add = |document: &Document<'_>, edits: &mut Edits<'_>| {
        edits.insert_member(document.root().id(), "x\"", b"[1]").unwrap();
        edits.insert_member(document.root().id(), "y", b"2").unwrap();
    };
    check("{}", add, r#"{"x\"":[1],"y":2}"#);
    check("{ }", add, r#"{"x\"":[1],"y":2 }"#);
    check("{\n \"a\": 1\n}", add, "{\n \"a\": 1,\"x\\\"\":[1],\"y\":2\n}");
    check(
        r#"{"a":1,"b":2}"#,
        |document, edits| {
            remove(&["/a", "/b"])(document, edits);
            add(document, edits);
        },
        r#"{"x\"":[1],"y":2}"#,
    );
    check(
        r#"{"a":1,"b":{}}"#,
        |document, edits| {
            remove(&["/a"])(document, edits);
            add(document, edits);
            edits.insert_member(at(document, "/b"), "c", b"3").unwrap();
        },
        r#"{"b":{"c":3},"x\"":[1],"y":2}"#,
    );
}

#[test]
fn sets_a_member_whether_or_not_it_is_there() {
    check(
        r#"{"model":"a","n":1}"#,
        |document, edits| {
            let root = document.root().id();
            edits.set_member(root, "model", b"\"b\"").unwrap();
            edits.set_member(root, "stream", b"true").unwrap();
        },
        r#"{"model":"b","n":1,"stream":true}"#,
    );
}

#[test]
fn refuses_edits_that_contradict() {
    let document = parse(r#"{"a":"text","b":[1]}"#);
    let refusal = |edit: &dyn Fn(&mut Edits<'_>)| {
        let mut edits = Edits::new(&document);
        edit(&mut edits);
        edits.apply().unwrap_err()
    };
    let (a, b) = (at(&document, "/a"), at(&document, "/b"));
    let overlap = refusal(&|edits| edits.replace_text(a, [(0..2, ""), (1..3, "")]).unwrap());
    assert_eq!(overlap, EditError::Overlap { offset: 7 });
    let both = refusal(&|edits| {
        edits.replace_text(a, [(0..2, "")]).unwrap();
        edits.remove(a).unwrap();
    });
    assert!(matches!(both, EditError::Overlap { .. }));
    let inside = refusal(&|edits| {
        edits.remove(b).unwrap();
        edits.remove(at(&document, "/b/0")).unwrap();
    });
    assert!(matches!(inside, EditError::Overlap { .. }));
}

#[test]
fn refuses_edits_that_make_a_bad_document() {
    let document = parse(r#"{"a":1,"b":2}"#);
    let root = document.root().id();
    let mut edits = Edits::new(&document);
    edits.insert_member(root, "a", b"3").unwrap();
    let twice = EditError::InvalidResult(JsonError::DuplicateKey { offset: 13 });
    assert_eq!(edits.apply(), Err(twice));

    let mut edits = Edits::new(&document);
    for key in document.strings() {
        edits.replace_text(key.id, [(0..1, "<MASK>")]).unwrap();
    }
    assert!(matches!(edits.apply(), Err(EditError::InvalidResult(_))));

    let deep = "[".repeat(127) + "1" + &"]".repeat(127);
    let document = parse(&deep);
    let innermost = NodeId(127);
    for (raw, fits) in [("[]", true), ("[[]]", false)] {
        let mut edits = Edits::new(&document);
        edits.replace_value(innermost, raw.as_bytes()).unwrap();
        assert_eq!(edits.apply().is_ok(), fits, "{raw}");
    }
}

#[test]
fn refuses_edits_of_what_is_not_there() {
    let document = parse(r#"{"a":"é","b":1}"#);
    let (root, a, b) = (document.root().id(), at(&document, "/a"), at(&document, "/b"));
    let mut edits = Edits::new(&document);
    assert!(matches!(edits.replace_text(b, [(0..1, "")]), Err(EditError::NoSuchText { .. })));
    assert!(matches!(edits.replace_text(a, [(0..3, "")]), Err(EditError::NoSuchText { .. })));
    assert_eq!(edits.remove(root), Err(EditError::RemovesRoot));
    assert_eq!(edits.insert_member(b, "x", b"1"), Err(EditError::NotAnObject { index: b.index() }));
    assert!(matches!(edits.replace_value(a, b"1,2"), Err(EditError::InvalidReplacement(_))));
    assert!(matches!(edits.insert_member(root, "x", b""), Err(EditError::InvalidReplacement(_))));
    assert_eq!(edits.remove(NodeId(99)), Err(EditError::UnknownNode { index: 99 }));
    assert_eq!(edits.replace_value(NodeId(99), b"1"), Err(EditError::UnknownNode { index: 99 }));
    assert!(edits.is_empty());
}

/// Takes out the node at a pointer.
fn remove_theirs(value: &mut Theirs, pointer: &str) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Theirs::Array(items) => drop(items.remove(last.parse().unwrap())),
        Theirs::Object(members) => {
            let key = last.replace("~1", "/").replace("~0", "~");
            members.remove(&key).unwrap();
        }
        _ => unreachable!(),
    }
}

proptest! {
    #[test]
    fn no_edit_changes_nothing(value in any_value(), style: Vec<u8>) {
        let text = write(&value, &style);
        let document = parse(&text);
        prop_assert_eq!(Edits::new(&document).apply().unwrap(), text.as_bytes());
    }

    #[test]
    fn a_replaced_string_is_the_only_change(
        value in any_value(),
        style: Vec<u8>,
        pick: prop::sample::Index,
        cut: (prop::sample::Index, prop::sample::Index),
        with in any_text(),
    ) {
        let text = write(&value, &style);
        let document = parse(&text);
        let strings: Vec<_> = document.strings().filter(|string| !string.is_key).collect();
        prop_assume!(!strings.is_empty());
        let string = pick.get(&strings);
        let old = string.text.text();
        let bounds: Vec<_> = (0..=old.len()).filter(|&at| old.is_char_boundary(at)).collect();
        let (a, b) = (*cut.0.get(&bounds), *cut.1.get(&bounds));
        let range = a.min(b)..a.max(b);

        let mut expected = value.clone();
        let mut new = old.to_string();
        new.replace_range(range.clone(), &with);
        *expected.pointer_mut(&document.pointer(string.id)).unwrap() = new.into();
        let source = string.text.source_range(range.clone());

        let mut edits = Edits::new(&document);
        edits.replace_text(string.id, [(range, &with)]).unwrap();
        let out = edits.apply().unwrap();
        prop_assert_eq!(theirs(&out), theirs(write(&expected, &[]).as_bytes()));
        prop_assert!(out.starts_with(&text.as_bytes()[..source.start]));
        prop_assert!(out.ends_with(&text.as_bytes()[source.end..]));
    }

    #[test]
    fn removed_and_added_nodes_are_the_only_change(
        value in any_value(),
        style: Vec<u8>,
        picks in prop::collection::vec(any::<bool>(), 12),
        added in any_value(),
    ) {
        let text = write(&value, &style);
        let document = parse(&text);
        let root = document.root();
        let mut expected = theirs(text.as_bytes());
        let mut edits = Edits::new(&document);
        let children: Vec<_> =
            root.items().chain(root.members().map(|(_, member)| member)).collect();
        for (child, _) in children.iter().zip(&picks).rev().filter(|(_, picked)| **picked) {
            edits.remove(child.id()).unwrap();
            remove_theirs(&mut expected, &document.pointer(child.id()));
        }
        if let Theirs::Object(members) = &mut expected
            && !members.contains_key("added")
        {
            let raw = write(&added, &style);
            edits.insert_member(root.id(), "added", raw.as_bytes()).unwrap();
            members.insert("added".to_owned(), theirs(raw.as_bytes()));
        }
        prop_assert_eq!(theirs(&edits.apply().unwrap()), expected);
    }
}
