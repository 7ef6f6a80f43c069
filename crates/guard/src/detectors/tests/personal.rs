//! Where findings of personal data begin and end, and which neighbours cancel them.

use super::*;

/// What the detector finds in the text, by place; stretches that overlap come as one.
fn found<'t>(id: &'static str, text: &'t str) -> Vec<&'t str> {
    let report = guard(id, Action::Flag).inspect(Channel::User, text, &session());
    let mut spans: Vec<_> = report.judged.iter().map(|judged| judged.finding.span).collect();
    spans.sort_unstable();
    spans.dedup_by(|next, last| {
        let joins = last.overlaps(*next);
        if joins {
            last.end = last.end.max(next.end);
        }
        joins
    });
    spans.into_iter().map(|span| &text[span.range()]).collect()
}

fn check(id: &'static str, cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(found(id, text), *expected, "{id}: {text:?}");
    }
}

#[test]
fn telephone_numbers_are_covered_whole() {
    check(
        "phone-number",
        &[
            ("call (415) 555-0132 today", &["(415) 555-0132"]),
            ("(call 415-555-0132)", &["415-555-0132"]),
            ("1-415-555-0132 ext. 12, ask", &["1-415-555-0132 ext. 12"]),
            ("+1 (415) 555-0132 x99.", &["+1 (415) 555-0132 x99"]),
            ("+44 (0)20 7946 0958", &["+44 (0)20 7946 0958"]),
            ("(+49) 30 1234567", &["(+49) 30 1234567"]),
            ("(+49 30 1234567)", &["+49 30 1234567"]),
            ("011 44 20 7946 0958", &["011 44 20 7946 0958"]),
            ("+30 21 0 1234567", &["+30 21 0 1234567"]),
            ("415-555-0132 2 times", &["415-555-0132"]),
            ("415-555-0132 x-ray", &["415-555-0132"]),
            ("a 030/1234567; b 0151 23456789", &["030/1234567", "0151 23456789"]),
            ("Room 8 415-555-0132", &["415-555-0132"]),
            ("1,415-555-0132,x", &["415-555-0132"]),
        ],
    );
}

#[test]
fn words_decide_about_digits_without_a_telling_shape() {
    check(
        "phone-number",
        &[
            ("phone: 12345678", &["12345678"]),
            ("call me at 98765 43210", &["98765 43210"]),
            ("98765 43210", &[]),
            ("phone 20240501", &[]),
            ("order no. 0151 23456789", &[]),
            ("my order is late, my mobile is 0151 23456789", &["0151 23456789"]),
            ("my number is 4155550132", &["4155550132"]),
            ("order number is 4155550132", &[]),
            ("phone 12345678901234", &[]),
        ],
    );
}

#[test]
fn cards_stand_alone_or_beside_other_cards() {
    check(
        "credit-card",
        &[
            (
                "4012888888881881 4012-8888-8888-1881 4012 8888 8888 1881",
                &["4012888888881881", "4012-8888-8888-1881", "4012 8888 8888 1881"],
            ),
            ("4111 1111 1111 1111 1227 123", &["4111 1111 1111 1111"]),
            ("In 2024 4111 1111 1111 1111", &["4111 1111 1111 1111"]),
            ("4111 1111 1111 1111 2222 3333", &[]),
            ("4111 1111 1111 1111.", &["4111 1111 1111 1111"]),
            ("3782 822463 10005 12", &["3782 822463 10005"]),
        ],
    );
}

#[test]
fn account_numbers_end_where_their_country_says() {
    check(
        "iban",
        &[
            ("VG96 VPVG 0000 0123 4567 8901 X in", &["VG96 VPVG 0000 0123 4567 8901"]),
            (
                "de89370400440532013000, gb29 nwbk 6016 1331 9268 19",
                &["de89370400440532013000", "gb29 nwbk 6016 1331 9268 19"],
            ),
            ("AL47212110090000000235698741 ALL CAPS", &["AL47212110090000000235698741"]),
        ],
    );
}

#[test]
fn addresses_come_with_zone_and_prefix() {
    check(
        "ip-address",
        &[
            ("10.0.0.0/8.", &["10.0.0.0/8"]),
            ("10.0.0.0/99", &["10.0.0.0"]),
            ("192.0.2.1:8080", &["192.0.2.1"]),
            ("[2001:db8::1]:8080", &["2001:db8::1"]),
            ("2001:db8::7: unreachable.", &["2001:db8::7"]),
            ("2001:db8::%eth0/128", &["2001:db8::%eth0/128"]),
            ("fe80::1% of", &["fe80::1"]),
            ("2001:db8::192.0.2.1", &["2001:db8::192.0.2.1"]),
            ("::ffff:256.0.0.1", &[]),
            ("192.0.2.1.example", &["192.0.2.1"]),
            ("upgrade from version 1.2.3.4 to 1.2.3.5", &["1.2.3.5"]),
        ],
    );
    check("mac-address", &[("00:00:5e:00:53:af-x", &["00:00:5e:00:53:af"])]);
}

#[test]
fn mail_addresses_leave_the_sentence_alone() {
    check(
        "email",
        &[
            ("?to=alice@example.com&x=1", &["alice@example.com"]),
            ("/u/alice@example.com/", &["alice@example.com"]),
            ("(alice@example.com).", &["alice@example.com"]),
            ("alice@example.com- and", &["alice@example.com"]),
            ("alice@example.com.Then", &["alice@example.com"]),
            ("Alice@Example.Com", &["Alice@Example.Com"]),
            ("alice@example.com谢谢", &["alice@example.com"]),
            ("a@example.com;b@example.org", &["a@example.com", "b@example.org"]),
            ("alice@example.com(work)", &["alice@example.com"]),
        ],
    );
}

/// A guard of all identifiers that acts on the faintest finding.
pub(super) fn identifiers(action: Action) -> Arc<Guard> {
    static GUARDS: LazyLock<[Arc<Guard>; 2]> = LazyLock::new(|| {
        [Action::Flag, Action::Mask].map(|action| {
            let ids = ALL.iter().filter(|detector| !detector.shapes().is_empty());
            let ids = ids.map(|detector| detector.meta().id).collect();
            testing::guard(&[Guardrail { threshold: 0.0, ..rail(Detect::Detectors(ids), action) }])
        })
    });
    Arc::clone(&GUARDS[usize::from(action == Action::Mask)])
}

/// Groups of letters and digits, what stands between them, and words that name them.
fn numbers() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[0-9]{1,14}",
        2 => "[A-Z]{1,4}",
        2 => "[A-Za-z0-9]{1,12}",
        4 => "[ ./:+_-]",
        1 => "[ ,;#@%$]{1,2}",
        1 => proptest::sample::select(vec![
            "passport ", "Steuer-ID: ", "护照", "tax_id=", "\n\n", "driving licence no. ", "DE", "HRB ", "&#49;", "１",
        ]).prop_map(str::to_owned),
        1 => proptest::sample::select(ALL.iter().flat_map(|detector| {
            let meta = detector.meta();
            meta.flags.iter().filter(|_| !detector.shapes().is_empty())
        }).copied().collect::<Vec<_>>()).prop_map(str::to_owned),
    ];
    proptest::collection::vec(piece, 1..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn identifiers_stream_like_the_whole_down_to_the_faintest(
        text in numbers(),
        lengths in proptest::collection::vec(1usize..24, 1..6),
        mask in any::<bool>(),
    ) {
        let guard = identifiers(if mask { Action::Mask } else { Action::Flag });
        assert_streamed_equals_whole(&guard, Channel::Output, &text, &cuts_of(&text, &lengths));
    }
}
