//! Laws of narrowing, on random tokens: nothing is opened by it, and whoever evaluates the checks of a token comes
//! to the same result as whoever reads them.

use std::collections::BTreeSet;

use bartizan_core::id::Name;
use bartizan_core::money::NanoUsd;
use proptest::option::of;
use proptest::prelude::*;

use super::support::{Asked, after, append, foreign, hosts, mint, names, now, verify};
use crate::{Budget, Narrowing, Reach, WriteError, narrow};

const ENDPOINTS: [&str; 3] = ["chat", "embed", "rank"];
const NAMES: [&str; 7] = ["a", "b", "a.b", "a.c", "a.b.c", "b.a", "ab.c"];
const NAME_PATTERNS: [&str; 9] = ["a", "b", "a.b", "a.b.c", "b.a", "a.*", "a.b.*", "b.*", "time"];
const HOSTS: [&str; 6] =
    ["example", "a.example", "b.a.example", "xa.example", "example.org", "[::1]"];
const HOST_PATTERNS: [&str; 7] =
    ["example", "a.example", "*.example", "*.a.example", "*.org", "example.org", "[::1]"];

fn some_of(from: &'static [&'static str]) -> impl Strategy<Value = Option<BTreeSet<&'static str>>> {
    of(prop::collection::btree_set(prop::sample::select(from), 1..4))
}

fn reach() -> impl Strategy<Value = Reach> {
    let limits = (
        some_of(&ENDPOINTS),
        some_of(&NAME_PATTERNS),
        some_of(&NAME_PATTERNS),
        some_of(&HOST_PATTERNS),
        of(0..5_u64),
        of(0..5_u64),
    );
    limits.prop_map(|(endpoints, tools, tables, some_hosts, tokens, cost)| {
        let list = |set: BTreeSet<&'static str>| set.into_iter().collect::<Vec<_>>();
        Reach {
            endpoints: endpoints
                .map(|set| set.iter().map(|name| name.parse::<Name>().unwrap()).collect()),
            tools: tools.map(|set| names(&list(set))),
            tables: tables.map(|set| names(&list(set))),
            hosts: some_hosts.map(|set| hosts(&list(set))),
            budget: Budget { tokens, cost: cost.map(NanoUsd) },
        }
    })
}

fn narrowing() -> impl Strategy<Value = Narrowing> {
    (reach(), of(0..700_i64), of("[ -~]{1,20}")).prop_map(|(reach, seconds, note)| Narrowing {
        reach,
        expires: seconds.map(after),
        note,
    })
}

fn asked() -> impl Strategy<Value = Asked> {
    let one_of =
        |from: &'static [&'static str]| of(prop::sample::select(from).prop_map(str::to_owned));
    let parts = (
        one_of(&ENDPOINTS),
        one_of(&NAMES),
        one_of(&NAMES),
        one_of(&HOSTS),
        of(0..6_u64),
        of(0..6_u64),
        0..700_i64,
    );
    parts.prop_map(|(endpoint, tool, table, host, tokens, cost, second)| Asked {
        endpoint,
        tool,
        table,
        host,
        tokens,
        cost,
        second,
    })
}

/// The Datalog of a narrowing, as documented.
fn datalog(narrowing: &Narrowing) -> String {
    let reach = &narrowing.reach;
    let mut text = Vec::new();
    let mut check = |of: &str, entries: Vec<String>| {
        let alternative = |entry: &String| match (entry.strip_suffix('*'), entry.strip_prefix('*'))
        {
            (Some(stem), _) => format!("{of}($x), $x.starts_with(\"{stem}\") or "),
            (_, Some(stem)) => format!("{of}($x), $x.ends_with(\"{stem}\") or "),
            _ => String::new(),
        };
        let one: Vec<String> = entries
            .iter()
            .filter(|entry| !entry.contains('*'))
            .map(|one| format!("{one:?}"))
            .collect();
        let mut set = String::new();
        if !one.is_empty() {
            set = format!("{of}($y), {{{}}}.contains($y) or ", one.join(", "));
        }
        let below: String = entries.iter().map(alternative).collect();
        text.push(format!("check if {set}{below}without(\"{of}\")"));
    };
    if let Some(endpoints) = &reach.endpoints {
        check("endpoint", endpoints.iter().map(ToString::to_string).collect());
    }
    for (of, names) in [("tool", &reach.tools), ("table", &reach.tables)] {
        if let Some(names) = names {
            check(of, names.entries().collect());
        }
    }
    if let Some(hosts) = &reach.hosts {
        check("host", hosts.entries().collect());
    }
    for (of, most) in
        [("tokens", reach.budget.tokens), ("nano_usd", reach.budget.cost.map(|cost| cost.0))]
    {
        if let Some(most) = most {
            text.push(format!("check if {of}($n), $n <= {most} or without(\"{of}\")"));
        }
    }
    if let Some(expires) = narrowing.expires {
        text.push(format!("check if time($t), $t <= {expires}"));
    }
    text.join(";\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn says_what_was_asked_whatever_that_is(reach in reach()) {
        let token = mint(reach.clone());
        prop_assert_eq!(verify(&token).unwrap().into_grant().reach, reach);
    }

    #[test]
    fn a_narrowed_token_never_opens_more(
        first in reach(),
        narrowings in prop::collection::vec(narrowing(), 1..4),
        asked in prop::collection::vec(asked(), 8),
    ) {
        let mut parent = mint(first);
        for narrowing in &narrowings {
            let child = match narrow(&parent, narrowing) {
                Ok(child) => child,
                Err(WriteError::Nothing | WriteError::NothingLeft { .. }) => continue,
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            };
            let above = verify(&parent).unwrap();
            // A child may have ended already.
            let Ok(below) = verify(&child) else { continue };
            let (above, below) = (above.grant(), below.grant());
            prop_assert!(below.reach.is_within(&above.reach), "{below:?} {above:?}");
            prop_assert!(below.reach.is_within(&narrowing.reach));
            prop_assert!(below.expires <= above.expires);
            prop_assert_eq!(&below.principal(), &above.principal());
            prop_assert_eq!(below.binding, above.binding);
            for asked in &asked {
                prop_assert!(!asked.is_open(&child) || asked.is_open(&parent), "{asked:?}");
            }
            parent = child;
        }
    }

    #[test]
    fn evaluating_and_reading_come_to_the_same(
        first in reach(),
        narrowings in prop::collection::vec((narrowing(), any::<bool>()), 0..4),
        asked in prop::collection::vec(asked(), 8),
    ) {
        let mut token = mint(first);
        for (narrowing, by_us) in &narrowings {
            if *by_us {
                token = narrow(&token, narrowing).unwrap_or(token);
            } else {
                token = append(&token, &datalog(narrowing));
            }
        }
        for asked in asked {
            prop_assert_eq!(asked.is_open(&token), asked.is_open_there(&token), "{:?}", asked);
        }
    }

    #[test]
    fn both_write_the_same_checks(narrowing in narrowing()) {
        let parent = mint(Reach::default());
        let Ok(by_us) = narrow(&parent, &narrowing) else { return Ok(()) };
        let by_them = append(&parent, &datalog(&narrowing));
        let (a, b) = (verify(&by_us), verify(&by_them));
        prop_assert_eq!(a.map(crate::Verified::into_grant), b.map(crate::Verified::into_grant));
        let there = foreign(&by_us).unwrap();
        prop_assert_eq!(&there.context()[1], &narrowing.note);
        prop_assert_eq!(there.block_version(1).unwrap(), 3);
    }

    #[test]
    fn an_intersection_is_the_largest_that_both_open(a in reach(), b in reach(), c in reach()) {
        let both = a.intersection(&b);
        prop_assert_eq!(&both, &b.intersection(&a));
        prop_assert!(both.is_within(&a) && both.is_within(&b));
        if c.is_within(&a) && c.is_within(&b) {
            prop_assert!(c.is_within(&both));
        }
        prop_assert!(a.is_within(&b) == (both.is_within(&a) && a.is_within(&both)));
    }
}

#[test]
fn reading_gets_the_time_right_to_the_second() {
    let token = mint(Reach::default());
    for second in [0, 599, 600, 601] {
        let asked = Asked { second, ..Asked::default() };
        assert_eq!(asked.is_open(&token), asked.is_open_there(&token), "{second}");
        assert_eq!(asked.is_open(&token), second <= 600);
    }
    assert!(now() < after(1));
}
