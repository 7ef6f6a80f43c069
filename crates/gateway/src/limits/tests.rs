//! Nobody passes a limit, however many ask at once; what was not used comes back.

use std::collections::BTreeSet;

use bartizan_core::PrincipalKind;
use bartizan_core::settings::{Member, Subject};
use proptest::prelude::*;

use super::*;

const WINDOW: Duration = Duration::from_secs(60);

/// A limit without amounts.
fn nothing(per: LimitSubject) -> Limit {
    Limit {
        id: "l-test".parse().unwrap(),
        per,
        only: BTreeSet::new(),
        requests: None,
        tokens: None,
        nano_usd: None,
        soft_percent: None,
    }
}

const fn rate(amount: u64) -> Rate {
    Rate { amount, window: WINDOW }
}

fn requests(per: LimitSubject, amount: u64) -> Limit {
    Limit { requests: Some(rate(amount)), ..nothing(per) }
}

fn tokens(per: LimitSubject, amount: u64) -> Limit {
    Limit { tokens: Some(rate(amount)), ..nothing(per) }
}

fn principal(kind: PrincipalKind, name: &str, groups: &[&str]) -> Principal {
    let groups = groups.iter().map(|group| group.parse().unwrap()).collect();
    Principal { kind, name: name.to_owned(), groups }
}

fn user(name: &str) -> Principal {
    principal(PrincipalKind::User, name, &[])
}

fn group(name: &str) -> LimitSubject {
    LimitSubject::Group(name.parse().unwrap())
}

/// Counters with one endpoint and its limits, asked at the same moment unless told.
struct Desk {
    counters: MemoryCounters,
    endpoint: Arc<str>,
    limits: Vec<Limit>,
    over_all: Vec<Limit>,
    opened: Instant,
}

impl Desk {
    fn new(limits: impl IntoIterator<Item = Limit>) -> Self {
        Self {
            counters: MemoryCounters::default(),
            endpoint: "e".into(),
            limits: limits.into_iter().collect(),
            over_all: Vec::new(),
            opened: Instant::now(),
        }
    }

    fn ask(&self, caller: &Principal, planned: Use) -> Result<Reservation, Exhausted> {
        self.ask_after(Duration::ZERO, caller, planned)
    }

    fn ask_after(
        &self,
        waited: Duration,
        caller: &Principal,
        planned: Use,
    ) -> Result<Reservation, Exhausted> {
        self.ask_with(waited, caller, &Tags::default(), planned)
    }

    fn ask_with(
        &self,
        waited: Duration,
        caller: &Principal,
        tags: &Tags,
        planned: Use,
    ) -> Result<Reservation, Exhausted> {
        let now = self.opened + waited;
        let (endpoint, own) = (&self.endpoint, &*self.limits);
        let limits = Limits { endpoint, own, over_all: &self.over_all };
        match reserve_at(&self.counters, limits, caller, tags, planned, now) {
            Ok(reservation) => Ok(reservation),
            Err(Refused::Exhausted(exhausted)) => Err(exhausted),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn of_tokens(tokens: u64) -> Use {
    Use { tokens, nano_usd: 0 }
}

fn of_money(nano_usd: u64) -> Use {
    Use { tokens: 0, nano_usd }
}

#[test]
fn a_limit_counts_whom_it_is_about() {
    use LimitSubject::{Endpoint, ServicePrincipal, User};
    let alice = principal(PrincipalKind::User, "alice", &["staff"]);
    let bob = user("bob");
    let bot = principal(PrincipalKind::ServicePrincipal, "bot", &["agents"]);
    let named = |kind, name: &str| Subject::Principal(Member { kind, name: name.to_owned() });
    let person = |name: &str| named(PrincipalKind::User, name);
    let program = |name: &str| named(PrincipalKind::ServicePrincipal, name);
    let all_of = |name: &str| Subject::Group(name.parse().unwrap());
    // Whose counter it is: for alice, who is of the staff; for bob, who is in no group; for the
    // program bot, which is one of the agents.
    let cases = [
        (User, vec![], [Some("alice"), Some("bob"), None]),
        (ServicePrincipal, vec![], [None, None, Some("bot")]),
        (group("staff"), vec![], [Some(""), None, None]),
        (group("agents"), vec![], [None, None, Some("")]),
        (group("nobody"), vec![], [None, None, None]),
        (Endpoint, vec![], [Some(""), Some(""), Some("")]),
        (User, vec![all_of("staff")], [Some("alice"), None, None]),
        (User, vec![person("bob")], [None, Some("bob"), None]),
        (User, vec![all_of("staff"), person("bob")], [Some("alice"), Some("bob"), None]),
        (User, vec![program("alice")], [None, None, None]),
        (User, vec![all_of("agents")], [None, None, None]),
        (ServicePrincipal, vec![all_of("agents")], [None, None, Some("bot")]),
        (ServicePrincipal, vec![person("bot")], [None, None, None]),
        (ServicePrincipal, vec![program("other")], [None, None, None]),
        (group("staff"), vec![person("bob")], [None, None, None]),
        (group("staff"), vec![person("alice")], [Some(""), None, None]),
        (Endpoint, vec![all_of("staff"), program("bot")], [Some(""), None, Some("")]),
    ];
    for (per, only, expected) in cases {
        let limit = Limit { only: only.into_iter().collect(), ..requests(per, 1) };
        let counters = [&alice, &bob, &bot].map(|caller| whose(&limit, caller, &Tags::default()));
        assert_eq!(counters.each_ref().map(Option::as_deref), expected, "{limit:?}");
    }
}

#[test]
fn users_do_not_share_a_counter_and_windows_end() {
    let desk = Desk::new([requests(LimitSubject::User, 1)]);
    let ask = |name: &str, waited| desk.ask_after(waited, &user(name), Use::default());
    assert!(ask("a", Duration::ZERO).is_ok());
    let refused = ask("a", Duration::from_millis(500)).unwrap_err();
    assert_eq!((refused.retry_after_s, refused.is_for_ever()), (60, false));
    assert!(ask("b", Duration::ZERO).is_ok());
    assert!(ask("a", WINDOW).is_ok());
}

#[test]
fn members_of_a_group_share_a_counter_and_others_have_none() {
    let desk = Desk::new([requests(group("staff"), 1)]);
    let ask = |name: &str, groups: &[&str]| {
        desk.ask(&principal(PrincipalKind::User, name, groups), Use::default())
    };
    assert!(ask("alice", &["staff"]).is_ok());
    assert!(ask("carol", &["staff", "others"]).is_err());
    for _ in 0..3 {
        assert!(ask("bob", &["others"]).is_ok());
    }
}

#[test]
fn never_admits_more_than_the_limit_under_concurrency() {
    let desk = Desk::new([requests(LimitSubject::Endpoint, 100)]);
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..125).filter(|_| desk.ask(&user("a"), Use::default()).is_ok()).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 100);
}

#[test]
fn a_refused_request_takes_nothing() {
    let mut few = tokens(LimitSubject::Endpoint, 10);
    few.id = "l-tokens".parse().unwrap();
    let desk = Desk::new([requests(LimitSubject::Endpoint, 2), few]);
    let ask = |tokens| desk.ask(&user("a"), of_tokens(tokens));
    assert!(ask(5).is_ok());
    assert!(ask(6).is_err());
    assert_eq!(ask(5).unwrap().requests.unwrap().remaining, 0);
}

#[test]
fn settling_gives_back_and_charges_more() {
    let desk = Desk::new([tokens(LimitSubject::Endpoint, 100)]);
    let ask = |tokens| desk.ask(&user("a"), of_tokens(tokens));
    let first = ask(90).unwrap();
    settle(&desk.counters, &first, of_tokens(10));
    let second = ask(90).unwrap();
    settle(&desk.counters, &second, of_tokens(200));
    assert!(ask(1).is_err());
}

#[test]
fn money_is_set_aside_and_settled_like_tokens() {
    let budget = Limit { nano_usd: Some(rate(5_000_000_000)), ..nothing(LimitSubject::Endpoint) };
    let desk = Desk::new([budget]);
    let ask = |nano_usd| desk.ask(&user("a"), of_money(nano_usd));
    let first = ask(4_000_000_000).unwrap();
    assert_eq!((first.requests, first.tokens), (None, None));
    let refused = ask(1_000_000_001).unwrap_err();
    assert_eq!((refused.unit, refused.amount), (Unit::NanoUsd, 5_000_000_000));
    assert_eq!(refused.to_string(), "limit `l-test` is reached: no more dollars for 60 s");
    settle(&desk.counters, &first, of_money(1));
    // All but the one that was used is free again, to the last of it.
    let rest = ask(4_999_999_999).unwrap();
    assert!(ask(1).is_err());
    settle(&desk.counters, &rest, of_money(5_000_000_000));
    assert!(ask(0).is_err(), "what was overdrawn is owed");
}

#[test]
fn a_late_settlement_leaves_the_next_window_alone() {
    let desk = Desk::new([tokens(LimitSubject::Endpoint, 100)]);
    let late = desk.ask(&user("a"), of_tokens(100)).unwrap();
    assert!(desk.ask_after(WINDOW, &user("a"), of_tokens(40)).is_ok());
    settle(&desk.counters, &late, of_tokens(1_000_000));
    assert!(desk.ask_after(WINDOW, &user("a"), of_tokens(60)).is_ok());
    assert!(desk.ask_after(WINDOW, &user("a"), of_tokens(1)).is_err());
}

#[test]
fn what_no_window_can_hold_is_refused_for_ever_and_takes_nothing() {
    let desk = Desk::new([tokens(LimitSubject::Endpoint, 100)]);
    for waited in [Duration::ZERO, WINDOW, 10 * WINDOW] {
        let refused = desk.ask_after(waited, &user("a"), of_tokens(101)).unwrap_err();
        assert!(refused.is_for_ever(), "{refused:?}");
        let said = "limit `l-test` allows 100 tokens in all, and this request may use 101: ";
        assert!(refused.to_string().starts_with(said), "{refused}");
        assert!(desk.ask_after(waited, &user("a"), of_tokens(100)).is_ok(), "{waited:?}");
        let refused = desk.ask_after(waited, &user("a"), of_tokens(1)).unwrap_err();
        assert!(!refused.is_for_ever(), "{refused:?}");
    }
}

#[test]
fn a_plan_beyond_the_budget_is_named_in_dollars() {
    let budget = Limit { nano_usd: Some(rate(500_000_000)), ..nothing(LimitSubject::Endpoint) };
    let refused = Desk::new([budget]).ask(&user("a"), of_money(1_250_000_000)).unwrap_err();
    assert!(refused.is_for_ever(), "{refused:?}");
    let said = "limit `l-test` allows 0.5000 dollars in all, and this request may use 1.2500: ";
    assert!(refused.to_string().starts_with(said), "{refused}");
}

proptest! {
    #[test]
    fn a_request_passes_if_and_only_if_there_is_room(
        plans in proptest::collection::vec(0u64..=200, 1..40),
    ) {
        let desk = Desk::new([tokens(LimitSubject::Endpoint, 100)]);
        let mut taken = 0;
        for planned in plans {
            match desk.ask(&user("a"), of_tokens(planned)) {
                Ok(reservation) => {
                    taken += planned;
                    prop_assert!(taken <= 100, "{taken} are taken");
                    prop_assert_eq!(reservation.tokens.unwrap().remaining, 100 - taken);
                }
                Err(refused) => {
                    prop_assert!(taken + planned > 100, "{planned} more than {taken} fit");
                    prop_assert_eq!(refused.is_for_ever(), planned > 100);
                }
            }
        }
    }
}

#[test]
fn a_limit_that_is_near_is_said_from_its_soft_share_on() {
    let counters = MemoryCounters::default();
    let limit = Limit {
        soft_percent: Some(80),
        tokens: Some(rate(1_000)),
        ..requests(LimitSubject::Endpoint, 10)
    };
    let limits =
        [limit, Limit { id: "l-hard".parse().unwrap(), ..requests(LimitSubject::User, 10) }];
    let now = Instant::now();
    let near = |tokens| {
        let planned = Use { tokens, nano_usd: 0 };
        let limits = Limits { endpoint: &"e".into(), own: &limits, over_all: &[] };
        let taken =
            reserve_at(&counters, limits, &user("alice"), &Tags::default(), planned, now).unwrap();
        taken
            .near
            .iter()
            .map(|near| (near.limit.to_string(), near.unit, near.percent))
            .collect::<Vec<_>>()
    };
    for _ in 0..7 {
        assert_eq!(near(10), []);
    }
    let id = limits[0].id.to_string();
    assert_eq!(near(10), [(id.clone(), Unit::Requests, 80)]);
    assert_eq!(near(900), [(id.clone(), Unit::Requests, 90), (id, Unit::Tokens, 98)]);
}

fn tag(name: &str) -> LimitSubject {
    LimitSubject::Tag(name.parse().unwrap())
}

fn tagged(written: &[&str]) -> Tags {
    let mut tags = Tags::default();
    for text in written {
        tags.add_written(text).unwrap();
    }
    tags
}

#[test]
fn who_has_the_same_tag_shares_a_counter_and_so_do_all_without_it() {
    let desk = Desk::new([requests(tag("team"), 2)]);
    let ask = |name: &str, tags: &[&str]| {
        desk.ask_with(Duration::ZERO, &user(name), &tagged(tags), Use::default())
    };
    assert!(ask("alice", &["team=search"]).is_ok());
    assert!(ask("bob", &["team=search", "project=x"]).is_ok());
    assert!(ask("alice", &["team=search", "project=y"]).is_err());
    assert!(ask("alice", &["team=ads"]).is_ok());
    // Whoever has no team does not escape.
    assert!(ask("carol", &[]).is_ok());
    assert!(ask("dave", &["project=x"]).is_ok());
    assert!(ask("erin", &[]).is_err());
}

#[test]
fn a_limit_over_all_endpoints_counts_every_one_of_them() {
    let mut desk = Desk::new([]);
    desk.over_all = vec![requests(tag("team"), 3)];
    let search = tagged(&["team=search"]);
    let mut ask = |endpoint: &str| {
        desk.endpoint = endpoint.into();
        desk.ask_with(Duration::ZERO, &user("a"), &search, Use::default()).is_ok()
    };
    assert!(ask("one") && ask("other") && ask("one"));
    assert!(!ask("other") && !ask("third"));
}

#[test]
fn two_keys_of_one_tag_never_go_over_together() {
    let desk = Desk::new([tokens(tag("team"), 1_000)]);
    let search = tagged(&["team=search"]);
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let (desk, search) = (&desk, &search);
                scope.spawn(move || {
                    let caller = user(if n % 2 == 0 { "a" } else { "b" });
                    let ask = || desk.ask_with(Duration::ZERO, &caller, search, of_tokens(7));
                    (0..100).filter(|_| ask().is_ok()).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(admitted, 1_000 / 7);
}

proptest! {
    /// Against a model that adds up what passed, by the value of the tag.
    #[test]
    fn limits_over_tags_decide_as_adding_up_does(
        asked in proptest::collection::vec((0u8..4, 0u8..3, 0u64..60), 1..60),
    ) {
        let mut desk = Desk::new([tokens(tag("team"), 100)]);
        let mut all = tokens(tag("project"), 150);
        all.id = "l-all".parse().unwrap();
        desk.over_all = vec![all];
        let mut used = std::collections::HashMap::new();
        for (team, project, planned) in asked {
            // The first of each stands for having none.
            let mut written = Vec::new();
            written.extend((team > 0).then(|| format!("team=t{team}")));
            written.extend((project > 0).then(|| format!("project=p{project}")));
            let written: Vec<&str> = written.iter().map(String::as_str).collect();
            let found = desk.ask_with(Duration::ZERO, &user("a"), &tagged(&written), of_tokens(planned));
            let of_team = used.get(&("team", team)).copied().unwrap_or(0) + planned;
            let of_project = used.get(&("project", project)).copied().unwrap_or(0) + planned;
            let fits = of_team <= 100 && of_project <= 150;
            prop_assert_eq!(found.is_ok(), fits);
            if fits {
                used.insert(("team", team), of_team);
                used.insert(("project", project), of_project);
            }
        }
    }
}
