//! Certificates made for each test, and what is not one.

use bartizan_core::settings::OneStar;
use bartizan_testkit::tls::{AltName, Authority, VALID};
use proptest::prelude::*;

use super::*;

fn star(text: &str) -> OneStar {
    OneStar::new(text).unwrap()
}

fn rule(id: &str, name: CertificateName) -> CertificateRule {
    let id = id.parse().unwrap();
    CertificateRule {
        id,
        name,
        principal: None,
        groups: Vec::new(),
        endpoints: None,
        tags: Arc::default(),
    }
}

fn rules() -> Certificates {
    Certificates::new(vec![
        rule("c-staff", CertificateName::Email(star("*@example.com"))),
        rule("c-mesh", CertificateName::Uri(star("spiffe://example.org/agent/*"))),
        rule("c-hosts", CertificateName::Dns(star("*.agents.example"))),
    ])
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-29T12:00:00Z")
}

fn shown(rules: &Certificates, names: &[AltName<'_>]) -> Result<Shown, CertificateError> {
    let issued = Authority::new().unwrap().issue(names, VALID).unwrap();
    rules.identify(&issued.der, now())
}

/// Who is recognised, in the form of policies.
fn who(names: &[AltName<'_>]) -> Result<(String, String), CertificateError> {
    shown(&rules(), names).map(|shown| {
        let prefix = if shown.kind == PrincipalKind::User { "" } else { "sp:" };
        (shown.rule.to_string(), format!("{prefix}{}", shown.name))
    })
}

#[test]
fn each_kind_of_name_says_who_calls() {
    use AltName::{Dns, Email, Uri};
    let said = |rule: &str, name: &str| Ok((rule.to_owned(), name.to_owned()));
    assert_eq!(who(&[Email("alice@example.com")]), said("c-staff", "alice@example.com"));
    assert_eq!(who(&[Email("Alice@EXAMPLE.com")]), said("c-staff", "Alice@example.com"));
    assert_eq!(who(&[Uri("spiffe://example.org/agent/support")]), said("c-mesh", "sp:support"));
    assert_eq!(who(&[Dns("Bot-7.agents.EXAMPLE")]), said("c-hosts", "sp:bot-7.agents.example"));
    // The first rule that fits counts, in the order of the policy.
    let both = [Dns("bot.agents.example"), Email("alice@example.com")];
    assert_eq!(who(&both), said("c-staff", "alice@example.com"));
    // Names that no rule speaks of are no obstacle.
    let more = [Dns("elsewhere.example"), Uri("spiffe://example.org/agent/support")];
    assert_eq!(who(&more), said("c-mesh", "sp:support"));
}

#[test]
fn a_name_of_another_kind_or_place_stands_for_nobody() {
    use AltName::{Dns, Email, Uri};
    for names in [
        &[][..],
        &[Dns("alice@example.com")],
        &[Uri("alice@example.com")],
        &[Email("bot.agents.example")],
        &[Email("alice@example.org")],
        &[Email("alice@sub.example.com")],
        &[Email("alice@example.com.evil.example")],
        &[Email("a@b@example.com")],
        &[Email("@example.com")],
        &[Dns("agents.example")],
        &[Dns("a.b.agents.example")],
        &[Uri("spiffe://example.org/agent/")],
        &[Uri("spiffe://example.org/agent/a/b")],
        &[Uri("spiffe://example.net/agent/a")],
        &[Uri("SPIFFE://example.org/agent/a")],
    ] {
        assert_eq!(who(names), Err(CertificateError::Unknown), "{names:?}");
    }
}

#[test]
fn a_name_that_no_principal_has_is_refused() {
    use AltName::{Dns, Email, Uri};
    for names in [
        [Email("sp:bot@example.com")],
        [Email("a b@example.com")],
        [Dns("*.agents.example")],
        [Uri("spiffe://example.org/agent/%2e%2e")],
        [Uri("spiffe://example.org/agent/a?b")],
        [Uri("spiffe://example.org/agent/sp:a")],
    ] {
        assert!(matches!(who(&names), Err(CertificateError::Name { .. })), "{names:?}");
    }
}

#[test]
fn a_certificate_with_two_callers_stands_for_neither() {
    let two = [AltName::Email("alice@example.com"), AltName::Email("bob@example.com")];
    assert!(matches!(who(&two), Err(CertificateError::Ambiguous { .. })));
    let same = [AltName::Email("alice@example.com"), AltName::Email("alice@Example.com")];
    assert!(who(&same).is_ok());
}

#[test]
fn policy_can_say_who_calls_and_narrow_it() {
    let issued = Authority::new().unwrap().issue(&[AltName::Dns("any.example")], VALID).unwrap();
    let hash: [u8; 32] = digest(&SHA256, &issued.der).as_ref().try_into().unwrap();
    let principal = Member { kind: PrincipalKind::ServicePrincipal, name: "backup".to_owned() };
    let mut tags = Tags::default();
    tags.add_written("team=search").unwrap();
    let known = CertificateRule {
        principal: Some(principal),
        groups: vec!["nightly".parse().unwrap()],
        endpoints: Some(vec!["a".parse().unwrap()].into()),
        tags: Arc::new(tags),
        ..rule("c-one", CertificateName::Sha256(hash))
    };
    let shown = Certificates::new(vec![known.clone()]).identify(&issued.der, now()).unwrap();
    assert_eq!((shown.name.as_str(), shown.kind), ("backup", PrincipalKind::ServicePrincipal));
    assert_eq!((shown.groups, shown.endpoints), (known.groups.clone(), known.endpoints.clone()));
    assert_eq!(shown.tags, known.tags);
    assert_eq!(shown.certificate_id.len(), ID_DIGITS);
    assert_eq!(shown.expires, at("2049-12-31T23:59:59Z"));
    let other = Authority::new().unwrap().issue(&[AltName::Dns("any.example")], VALID).unwrap();
    let refused = Certificates::new(vec![known]).identify(&other.der, now());
    assert_eq!(refused, Err(CertificateError::Unknown));
}

#[test]
fn a_certificate_is_good_from_its_first_moment_to_its_last() {
    let valid = ["260101000000Z", "261231235959Z"];
    let names = [AltName::Email("alice@example.com")];
    let issued = Authority::new().unwrap().issue(&names, valid).unwrap();
    let tried = |time: &str| rules().identify(&issued.der, at(time)).map(|_| ());
    assert_eq!(tried("2025-12-31T23:59:59Z"), Err(CertificateError::NotYetValid));
    assert_eq!(tried("2026-01-01T00:00:00Z"), Ok(()));
    assert_eq!(tried("2026-12-31T23:59:58Z"), Ok(()));
    assert_eq!(tried("2026-12-31T23:59:59Z"), Err(CertificateError::Expired));
}

#[test]
fn what_is_cut_off_or_goes_on_is_no_certificate() {
    let names = [AltName::Email("alice@example.com")];
    let issued = Authority::new().unwrap().issue(&names, VALID).unwrap();
    for end in 0..issued.der.len() {
        let cut = rules().identify(&issued.der[..end], now());
        assert_eq!(cut, Err(CertificateError::Malformed), "{end}");
    }
    let longer = [issued.der, vec![0]].concat();
    assert_eq!(rules().identify(&longer, now()), Err(CertificateError::Malformed));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(rules().identify(&bytes, now()).is_err());
    }

    #[test]
    fn a_changed_byte_never_makes_another_rule_fit(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let names = [AltName::Dns("bot.agents.example")];
        let mut der = Authority::new().unwrap().issue(&names, VALID).unwrap().der;
        let at = at.index(der.len());
        der[at] = to;
        // Whether it is still signed is for TLS; here, no change of a byte makes a person of a program.
        if let Ok(shown) = rules().identify(&der, now()) {
            prop_assert_eq!(shown.kind, PrincipalKind::ServicePrincipal);
        }
    }
}
