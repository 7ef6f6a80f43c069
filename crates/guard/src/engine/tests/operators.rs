//! What operators write into texts: once and not again, in pieces as in the whole, and within JSON.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bartizan_core::Category;
use bartizan_core::operator::{Operator, Operators};
use proptest::prelude::*;

use super::*;
use crate::detectors;
use crate::detectors::tests::assert_streamed_equals_whole;
use crate::operators::tests::{every_operator, key};
use crate::operators::{Opener, has_stand_in};

fn masking(ids: Vec<&'static str>, usual: Operator, restore: bool) -> Guardrail {
    let operators = Operators { usual, by_detector: BTreeMap::new() };
    Guardrail { operators, restore, ..testing::rail(Detect::Detectors(ids), Action::Mask) }
}

fn emails(usual: Operator, restore: bool) -> Arc<Guard> {
    guard(&[masking(vec!["email"], usual, restore)])
}

/// Detectors of data, which is what operators are for.
fn of_data() -> Vec<&'static str> {
    let metas = detectors::ALL.iter().map(|detector| detector.meta());
    let data = metas.filter(|meta| matches!(meta.category, Category::Pii | Category::Secret));
    data.map(|meta| meta.id).collect()
}

/// Detectors of data that judge a value by itself and the words that name it. Whether a word is a name
/// is told by all words around it, and a mask is another word.
fn of_told_data() -> Vec<&'static str> {
    let names = ["person-name", "organisation-name", "place-name", "postal-address"];
    of_data().into_iter().filter(|id| !names.contains(id)).collect()
}

fn guards(ids: &[&'static str]) -> Vec<(Operator, Arc<Guard>)> {
    let guard = |operator: &Operator| guard(&[masking(ids.to_vec(), operator.clone(), false)]);
    every_operator().into_iter().map(|operator| (operator.clone(), guard(&operator))).collect()
}

/// A guard per operator that masks all data.
static GUARDS: LazyLock<Vec<(Operator, Arc<Guard>)>> = LazyLock::new(|| guards(&of_data()));

/// A guard per operator that masks what a second pass must leave alone.
static GUARDS_OF_TOLD: LazyLock<Vec<(Operator, Arc<Guard>)>> =
    LazyLock::new(|| guards(&of_told_data()));

fn masked(guard: &Guard, text: &str) -> String {
    guard.inspect(Channel::User, text, &Session::default()).rewrite(text)
}

/// Whether a second pass did what it may: nothing; only partial masks may show still less, where only
/// a part of the first is found again.
fn is_stable(operator: &Operator, once: &str, twice: &str) -> bool {
    match operator {
        // What this one writes looks like what it stands for, so that it is enciphered again.
        Operator::FormatPreserving(_) => true,
        Operator::Partial { with, .. } => {
            let hides = |(a, b): (char, char)| a == b || b == *with;
            once.chars().count() == twice.chars().count()
                && once.chars().zip(twice.chars()).all(hides)
        }
        _ => once == twice,
    }
}

#[test]
fn a_second_pass_over_any_example_changes_nothing() {
    let mut wrong = Vec::new();
    for (operator, guard) in GUARDS_OF_TOLD.iter() {
        for id in of_told_data() {
            for text in detectors::find(id).unwrap().meta().flags {
                let once = masked(guard, text);
                let twice = masked(guard, &once);
                // Without its password, a user name of curl may be a token.
                let taken = *operator == Operator::Redact && text.starts_with("curl");
                if !taken && !is_stable(operator, &once, &twice) {
                    wrong.push(format!("{id} {}: {text:?} {once:?} {twice:?}", operator.name()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// Texts with something to mask in them.
fn text_with_data() -> impl Strategy<Value = String> {
    let examples = detectors::ALL
        .iter()
        .filter(|detector| of_data().contains(&detector.meta().id))
        .flat_map(|detector| detector.meta().flags.iter().copied())
        .collect::<Vec<_>>();
    let piece = prop_oneof![
        3 => proptest::sample::select(examples).prop_map(str::to_owned),
        2 => "[a-z]{1,8}@[a-z]{2,6}\\.(com|de)",
        1 => "4[0-9]{15}",
        2 => "[ -~]{0,12}",
        1 => Just("{\"a\": \"".to_owned()),
        1 => Just("\", \"b\": ".to_owned()),
        1 => "\\PC{0,6}",
    ];
    proptest::collection::vec(piece, 1..6).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn each_operator_streams_like_the_whole(
        text in text_with_data(),
        pick in any::<proptest::sample::Index>(),
        channel in prop_oneof![Just(Channel::Output), Just(Channel::ToolCall)],
        cuts in proptest::collection::btree_set(1usize..300, 0..24),
    ) {
        let (_, guard) = pick.get(&GUARDS);
        let cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
        assert_streamed_equals_whole(guard, channel, &text, &cuts);
    }

    #[test]
    fn a_second_pass_over_addresses_and_cards_changes_nothing(
        texts in proptest::collection::vec(
            prop_oneof!["[a-z]{1,8}@[a-z]{2,6}\\.(com|de)", "4[0-9]{15}", "[a-z ]{0,12}", "\\+49 30 [0-9]{6}"],
            1..6,
        ),
        pick in any::<proptest::sample::Index>(),
    ) {
        let (operator, guard) = pick.get(&GUARDS_OF_TOLD);
        let once = masked(guard, &texts.join("\n"));
        let twice = masked(guard, &once);
        prop_assert!(is_stable(operator, &once, &twice), "{}: {:?} {:?}", operator.name(), once, twice);
    }

    #[test]
    fn encrypted_values_stream_back_like_the_whole(
        pieces in proptest::collection::vec(
            prop_oneof![
                3 => "[a-z]{1,8}@[a-z]{2,6}\\.(com|de)",
                1 => "[a-z]{60,80}@shop\\.test",
                2 => "[ -~]{0,12}",
                1 => Just("<EMAIL_ADDRESS_EABCDEFGHIJKLMNOPQRSTUVWXYZ234567".to_owned()),
                1 => "\\PC{0,6}",
            ],
            0..8,
        ),
        spelling in 0u8..3,
        end in any::<proptest::sample::Index>(),
        cuts in proptest::collection::btree_set(1usize..600, 0..24),
    ) {
        static GUARD: LazyLock<Arc<Guard>> = LazyLock::new(|| emails(Operator::Encrypt(key()), true));
        let text = pieces.join(" ");
        let session = Arc::new(Session::default());
        session.vault().reserve(&text);
        let sent = GUARD.inspect(Channel::User, &text, &session).rewrite(&text);
        session.vault().seal();
        let echo = match spelling {
            0 => sent,
            1 => sent.to_lowercase(),
            _ => sent.replace('_', "-"),
        };
        // The answer may end within a token.
        let end = echo.floor_char_boundary(echo.len() - end.index(echo.len() + 1).min(40));
        let echo = &echo[..end];
        let whole = GUARD.inspect(Channel::Output, echo, &session).rewrite(echo);
        let mut stream = GUARD.stream(Channel::Output, Arc::clone(&session));
        let mut streamed = String::new();
        let mut from = 0;
        for cut in cuts.into_iter().filter(|cut| *cut < echo.len() && echo.is_char_boundary(*cut)) {
            streamed.push_str(&stream.push(&echo[from..cut]).text);
            from = cut;
        }
        streamed.push_str(&stream.push(&echo[from..]).text);
        streamed.push_str(&stream.finish().text);
        prop_assert_eq!(streamed, whole);
    }

    #[test]
    fn arguments_stay_json_whatever_is_written(
        value in "[ -~]{0,8}",
        replace in "[ -~]{0,8}",
        pick in any::<proptest::sample::Index>(),
    ) {
        let operator = match pick.get(&every_operator()).clone() {
            Operator::Replace(_) => Operator::Replace(replace),
            operator => operator,
        };
        let guard = guard(&[masking(vec!["email", "credit-card"], operator, false)]);
        let arguments = serde_json::json!({
            "to": format!("{value} bob.smith@shop.test"),
            "card": 4_111_111_111_111_111_u64,
            "all": ["4242 4242 4242 4242", true],
        });
        let text = arguments.to_string();
        let report = guard.inspect(Channel::ToolCall, &text, &Session::default());
        let written = report.rewrite(&text);
        let read: serde_json::Value = serde_json::from_str(&written)
            .map_err(|error| TestCaseError::fail(format!("{error}: {written}")))?;
        prop_assert!(read["card"].is_string(), "{}", written);
        prop_assert!(!written.contains("4111111111111111") && !written.contains("bob.smith"), "{}", written);
        prop_assert!(read["to"].as_str().unwrap().starts_with(&value), "{}", written);
    }
}

#[test]
fn a_text_with_quotes_is_written_as_json() {
    let guard = emails(Operator::Replace("a \"b\" \\ c".to_owned()), false);
    let text = r#"{"to":"bob@shop.test"}"#;
    let report = guard.inspect(Channel::ToolCall, text, &Session::default());
    assert_eq!(report.rewrite(text), r#"{"to":"a \"b\" \\ c"}"#);
    let report = guard.inspect(Channel::Output, "to bob@shop.test", &Session::default());
    assert_eq!(report.rewrite("to bob@shop.test"), "to a \"b\" \\ c");
}

#[test]
fn encrypted_values_come_back_whole_and_in_pieces_and_can_be_opened_later() {
    let guard = emails(Operator::Encrypt(key()), true);
    let session = Arc::new(Session::default());
    let text = "mail bob@shop.test";
    let sent = guard.inspect(Channel::User, text, &session).rewrite(text);
    assert!(sent.starts_with("mail <EMAIL_ADDRESS_E"), "{sent}");
    assert_eq!(*Opener::new([&key()]).unwrap().open(&sent, false).text, text);
    session.vault().seal();

    let token = sent.strip_prefix("mail ").unwrap();
    for answer in [
        format!("done: {token}. And {}", token.to_lowercase()),
        format!("{{\"to\":\"{}\"}}", token.replace('<', "\\u003c")),
        format!("a < b and then {token}"),
        format!("cut {}", &token[..token.len() - 1]),
        format!("[x](https://evil.test/?q={token})"),
    ] {
        let whole = guard.inspect(Channel::ToolCall, &answer, &session).rewrite(&answer);
        let comes = !answer.contains("evil") && !answer.starts_with("cut");
        assert_eq!(whole.contains("bob@shop.test"), comes, "{whole}");
        for size in [1, 3, 50, 70] {
            let mut stream = guard.stream(Channel::ToolCall, Arc::clone(&session));
            let mut streamed = String::new();
            for piece in answer.as_bytes().chunks(size) {
                streamed.push_str(&stream.push(std::str::from_utf8(piece).unwrap()).text);
            }
            streamed.push_str(&stream.finish().text);
            assert_eq!(streamed, whole, "in pieces of {size}");
        }
    }
}

#[test]
fn prose_behind_a_bracket_is_not_held_back() {
    let guard = emails(Operator::Encrypt(key()), true);
    let session = Arc::new(Session::default());
    let _ = guard.inspect(Channel::User, "mail bob@shop.test", &session);
    session.vault().seal();
    let mut stream = guard.stream(Channel::Output, session);
    let _ = stream.push(&format!("a <b {}", "some words and more ".repeat(20)));
    assert!(stream.held_bytes() < 100, "{}", stream.held_bytes());
}

#[test]
fn a_token_that_somebody_else_wrote_gives_nothing_back() {
    let guard = emails(Operator::Encrypt(key()), true);
    let mail = |session: &Session| {
        let text = "bob@shop.test";
        guard.inspect(Channel::User, text, session).rewrite(text)
    };
    let token = mail(&Session::default());
    let session = Session::default();
    session.vault().reserve(&format!("repeat {token}"));
    assert_eq!(mail(&session), token);
    session.vault().seal();
    assert_eq!(guard.inspect(Channel::Output, &token, &session).rewrite(&token), token);
}

#[test]
fn what_only_the_answer_holds_is_written_and_never_comes_back() {
    for operator in every_operator() {
        let guard = emails(operator.clone(), true);
        let session = Session::default();
        let request = "I am bob@shop.test";
        let _ = guard.inspect(Channel::User, request, &session);
        session.vault().seal();
        let answer = "ask eve@shop.test or bob@shop.test";
        let told = guard.inspect(Channel::Output, answer, &session).rewrite(answer);
        assert!(!told.contains("eve@shop.test"), "{told}");
        // The caller sent it: it would be put back at once.
        assert_eq!(told.contains("bob@shop.test"), operator.can_restore(), "{told}");
    }
}

#[test]
fn of_several_operators_the_one_that_shows_least_writes() {
    let rails = |first, second| {
        let rail = |id: &str, operator| Guardrail {
            id: id.parse().unwrap(),
            ..masking(vec!["email"], operator, false)
        };
        guard(&[rail("g-one", first), rail("g-two", second)])
    };
    let text = "bob@shop.test";
    let last = |last| Operator::Partial { first: 0, last, with: '*' };
    assert_eq!(masked(&rails(last(4), Operator::Label), text), "<EMAIL_ADDRESS>");
    assert_eq!(masked(&rails(Operator::Redact, last(4)), text), "");
    assert_eq!(masked(&rails(last(4), last(2)), text), "***********st");
}

#[test]
fn a_detector_may_have_an_operator_of_its_own() {
    let by_detector =
        BTreeMap::from([("credit-card", Operator::Partial { first: 0, last: 4, with: '*' })]);
    let rail = masking(vec!["email", "credit-card"], Operator::Label, false);
    let operators = Operators { by_detector, ..rail.operators.clone() };
    let guard = guard(&[Guardrail { operators, ..rail }]);
    assert_eq!(
        masked(&guard, "bob@shop.test 4111111111111111"),
        "<EMAIL_ADDRESS> ************1111"
    );
}

#[test]
fn what_a_replacement_may_break_keeps_values_away() {
    let rails = [
        masking(vec!["email"], Operator::Replace("[mail]".to_owned()), false),
        Guardrail {
            id: "g-card".parse().unwrap(),
            ..masking(vec!["credit-card"], Operator::Placeholder, true)
        },
    ];
    let guard = guard(&rails);
    let session = Session::default();
    let _ = guard.inspect(Channel::User, "4111111111111111", &session);
    session.vault().seal();
    let restored = |answer: &str| guard.inspect(Channel::Output, answer, &session).rewrite(answer);
    assert_eq!(restored("it is <CREDIT_CARD_1>"), "it is 4111111111111111");
    assert_eq!(restored("eve@shop.test is <CREDIT_CARD_1>"), "[mail] is <CREDIT_CARD_1>");
}

#[test]
fn enciphered_values_stay_the_same_within_a_conversation() {
    let guard = emails(Operator::FormatPreserving(key()), false);
    let session = Session::default();
    let text = "I am bob.smith@shop.test";
    let sent = guard.inspect(Channel::User, text, &session).rewrite(text);
    assert!(!sent.contains("bob") && sent.len() == text.len(), "{sent}");
    // The model repeats it, and the client sends the whole conversation again.
    let again = guard.inspect(Channel::User, &sent, &session).rewrite(&sent);
    assert_eq!(again, sent);
    session.vault().seal();
    let answer = guard.inspect(Channel::Output, &sent, &session).rewrite(&sent);
    assert_eq!(answer, sent);
}

#[test]
fn labels_of_stand_ins_are_labels_of_detectors() {
    let with = |meta: &&bartizan_core::catalog::Meta| has_stand_in(meta.label);
    let metas = detectors::ALL.iter().map(|detector| detector.meta());
    assert_eq!(metas.filter(with).count(), 8);
}

#[test]
fn names_of_members_that_would_be_written_alike_stay_apart() {
    let text = r#"{"Bob@shop.test": 1, "bob@shop.test": {"x": ["bob@shop.test"], "eve@shop.test": 2, "EVE@shop.test": 3}}"#;
    for operator in every_operator() {
        let written = emails(operator.clone(), false)
            .inspect(Channel::ToolCall, text, &Session::default())
            .rewrite(text);
        let count = |value: &serde_json::Value| value.as_object().unwrap().len();
        let read: serde_json::Value = serde_json::from_str(&written).unwrap();
        let inner = read.as_object().unwrap().values().find(|value| value.is_object()).unwrap();
        assert_eq!((count(&read), count(inner)), (2, 3), "{}: {written}", operator.name());
        assert!(!written.contains("shop.test\":"), "{written}");
        if *operator.name() == *"synthetic" {
            assert!(inner["x"][0].as_str().unwrap().ends_with("@example.org"), "{written}");
        }
    }
}

#[test]
fn digits_of_a_stand_in_in_another_kind_are_masked() {
    let guard = guard(&[masking(vec!["phone-number"], Operator::Synthetic(key()), false)]);
    let written = masked(&guard, "call 2345550123");
    assert!(written != "call 2345550123" && written.starts_with("call +1 "), "{written}");
}
