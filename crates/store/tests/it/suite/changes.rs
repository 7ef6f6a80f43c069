//! Changes that wait for a second person.

use std::time::Duration;

use bartizan_core::access::Scope;
use bartizan_core::principal::PrincipalKind;
use bartizan_store::{
    Approved, Approver, ChangeKind, ChangeRecord, ChangeState, Hand, NewChange, NewKey, SESSION,
    Store, StoreError, WAITING_MAX, endpoint_digest,
};

use super::{Place, client};

/// A person with a key that was made where the state is, or with another key.
fn person(store: &Store, name: &str, maker: Option<&str>) -> Approver {
    let kind = PrincipalKind::User;
    let new = NewKey { scope: Scope::Operator, kind, ..client(name) };
    let key = store.create_key_by(new, maker).unwrap().0.id;
    Approver { kind, hand: Hand { principal: name.to_owned(), key } }
}

fn put(store: &Store, name: &str, body: &str, by: &Approver) -> NewChange {
    let found = store.get_endpoint(name).unwrap();
    NewChange {
        kind: ChangeKind::EndpointPut,
        name: name.to_owned(),
        body: body.to_owned(),
        against: endpoint_digest(found.as_ref().map(|found| found.body.as_str())),
        target: String::new(),
        proposer: Some(by.hand.clone()),
        weaknesses: "[]".to_owned(),
        expires: bartizan_core::time::now() + Duration::from_hours(1),
    }
}

fn of_file(against: &str, target: &str) -> NewChange {
    NewChange {
        kind: ChangeKind::PolicyFile,
        name: "0123456789ab".to_owned(),
        body: "version: 1".to_owned(),
        against: against.to_owned(),
        target: target.to_owned(),
        proposer: None,
        weaknesses: "[]".to_owned(),
        expires: bartizan_core::time::now() + Duration::from_hours(1),
    }
}

fn propose(store: &Store, new: &NewChange) -> ChangeRecord {
    store.propose_change(new).unwrap().0
}

fn body(store: &Store, name: &str) -> Option<String> {
    store.get_endpoint(name).unwrap().map(|found| found.body)
}

pub(super) fn a_change_waits_until_another_person_approves_it(place: &dyn Place) {
    let store = place.open();
    let (alice, bob) = (person(&store, "alice", None), person(&store, "bob", None));
    let change = propose(&store, &put(&store, "main", "{}", &alice));
    assert_eq!(change.state, ChangeState::Waiting);
    assert_eq!(store.get_change(&change.id).unwrap(), change);
    assert_eq!(body(&store, "main"), None);
    // Not alone, with whatever key and in whatever case.
    let again = person(&store, "alice", None);
    let loud =
        Approver { hand: Hand { principal: "ALICE".to_owned(), ..again.hand.clone() }, ..again };
    for same in [&alice, &again, &loud] {
        let refused = store.approve_change(&change.id, same);
        assert!(matches!(refused, Err(StoreError::SamePerson)), "{refused:?}");
    }
    let program = Approver { kind: PrincipalKind::ServicePrincipal, ..bob.clone() };
    let refused = store.approve_change(&change.id, &program);
    assert!(matches!(refused, Err(StoreError::NoPerson)), "{refused:?}");
    assert_eq!(store.get_change(&change.id).unwrap().state, ChangeState::Waiting);
    let Approved::Done(approved) = place.open().approve_change(&change.id, &bob).unwrap() else {
        panic!("not approved");
    };
    assert_eq!((approved.state, approved.decider.as_deref()), (ChangeState::Approved, Some("bob")));
    let store = place.open();
    assert_eq!(store.get_change(&change.id).unwrap(), approved);
    assert_eq!(body(&store, "main").as_deref(), Some("{}"));
    for over in [
        store.approve_change(&change.id, &bob).map(|_| ()),
        store.reject_change(&change.id, &alice.hand).map(|_| ()),
    ] {
        assert!(matches!(over, Err(StoreError::ChangeOver { state: ChangeState::Approved, .. })));
    }
    let listed = store.list_changes().unwrap();
    assert_eq!((listed.len(), listed[0].body.as_str()), (1, ""));
    // One's own can be taken back.
    let change = propose(&store, &put(&store, "main", "[]", &alice));
    let rejected = store.reject_change(&change.id, &alice.hand).unwrap();
    assert_eq!(rejected.state, ChangeState::Rejected);
    assert_eq!(body(&store, "main").as_deref(), Some("{}"));
    let none = store.approve_change("none", &bob);
    assert!(matches!(none, Err(StoreError::ChangeNotFound { .. })));
}

pub(super) fn nobody_approves_with_a_key_that_the_proposer_may_know(place: &dyn Place) {
    let store = place.open();
    let alice = person(&store, "alice", None);
    let carol = person(&store, "carol", None);
    let of = |maker: &Approver, name: &str| person(&store, name, Some(&maker.hand.key));
    let bob = of(&alice, "bob");
    let dave = of(&bob, "dave");
    let (erin, frank) = (of(&carol, "erin"), of(&carol, "frank"));
    let attempt = |proposer: &Approver, approver: &Approver| {
        let change = propose(&store, &put(&store, "main", "{}", proposer));
        let approved = store.approve_change(&change.id, approver);
        // Whatever came of it, the next is compared anew.
        let _ = store.reject_change(&change.id, &proposer.hand);
        store.delete_endpoint("main").unwrap();
        approved
    };
    for (proposer, approver) in [
        // Made by the proposer, by a key of theirs, for the proposer by the approver, by one for both.
        (&alice, &bob),
        (&alice, &dave),
        (&bob, &alice),
        (&dave, &alice),
        (&erin, &frank),
    ] {
        let refused = attempt(proposer, approver);
        assert!(
            matches!(refused, Err(StoreError::SameHand)),
            "{proposer:?} {approver:?} {refused:?}"
        );
    }
    for (proposer, approver) in [(&alice, &carol), (&bob, &erin), (&frank, &dave)] {
        assert!(matches!(attempt(proposer, approver), Ok(Approved::Done(_))));
    }
    // A replacement is known to whoever made it.
    let grace = person(&store, "grace", None);
    let by = Some(alice.hand.key.as_str());
    let (key, _) = store.replace_key_by(&grace.hand.key, Duration::ZERO, None, by).unwrap();
    let replaced = Approver { hand: Hand { key: key.id, ..grace.hand.clone() }, ..grace.clone() };
    assert!(matches!(attempt(&alice, &replaced), Err(StoreError::SameHand)));
    // Who signed in made their session themselves. One person stays one person, and what one source of names says is
    // not compared with what another says: one person may have a key, an account, and an account elsewhere.
    let session = |source: &str, name: &str| Approver {
        kind: PrincipalKind::User,
        hand: Hand { principal: name.to_owned(), key: format!("{SESSION}{source}:{name}") },
    };
    let (at_home, elsewhere) = (session("account", "alice"), session("issuer:corp", "sub-1"));
    for (proposer, approver) in
        [(&at_home, &session("account", "bob")), (&elsewhere, &session("issuer:corp", "sub-2"))]
    {
        assert!(matches!(attempt(proposer, approver), Ok(Approved::Done(_))));
    }
    for (proposer, approver) in [
        (&alice, &session("account", "bob")),
        (&session("account", "bob"), &alice),
        (&at_home, &elsewhere),
        (&elsewhere, &session("issuer:other", "sub-2")),
    ] {
        let refused = attempt(proposer, approver);
        assert!(matches!(refused, Err(StoreError::SameHand)), "{proposer:?} {approver:?}");
    }
    let refused = attempt(&at_home, &session("account", "Alice"));
    assert!(matches!(refused, Err(StoreError::SamePerson)), "{refused:?}");
    // A key that was made in a session has nobody who could be asked.
    let heidi = of(&at_home, "heidi");
    assert!(matches!(attempt(&alice, &heidi), Err(StoreError::SameHand)));
    // Who made a key that is gone, nobody knows.
    store.forget("carol").unwrap();
    assert!(matches!(attempt(&alice, &erin), Err(StoreError::SameHand)));
}

pub(super) fn who_changed_a_file_is_not_known_and_two_people_stand_for_it(place: &dyn Place) {
    let store = place.open();
    let (alice, bob) = (person(&store, "alice", None), person(&store, "bob", None));
    let change = propose(&store, &of_file("old", "new"));
    let one = store.approve_change(&change.id, &alice).unwrap();
    let Approved::OneMore(vouched) = one else { panic!("{one:?}") };
    assert_eq!(vouched.proposer.as_ref(), Some(&alice.hand));
    assert!(matches!(store.approve_change(&change.id, &alice), Err(StoreError::SamePerson)));
    assert!(!store.is_policy_approved("old", "new").unwrap());
    assert!(matches!(store.approve_change(&change.id, &bob), Ok(Approved::Done(_))));
    assert!(place.open().is_policy_approved("old", "new").unwrap());
}

pub(super) fn of_two_gateways_that_decide_at_once_one_does(place: &dyn Place) {
    let stores = [place.open(), place.open()];
    let alice = person(&stores[0], "alice", None);
    let people: Vec<_> = (0..8).map(|n| person(&stores[0], &format!("p{n}"), None)).collect();
    let change = propose(&stores[0], &put(&stores[0], "main", "{}", &alice));
    let (mut approved, mut rejected) = (0, 0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = people
            .iter()
            .enumerate()
            .map(|(number, person)| {
                let (store, id) = (&stores[number % 2], &change.id);
                scope.spawn(move || {
                    if number < 4 {
                        (store.approve_change(id, person).is_ok(), false)
                    } else {
                        (false, store.reject_change(id, &person.hand).is_ok())
                    }
                })
            })
            .collect();
        for thread in threads {
            let (one, other) = thread.join().unwrap();
            approved += usize::from(one);
            rejected += usize::from(other);
        }
    });
    assert_eq!(approved + rejected, 1, "{approved} approved, {rejected} rejected");
    assert_eq!(body(&stores[0], "main").is_some(), approved == 1);
}

pub(super) fn what_has_changed_meanwhile_makes_a_change_void(place: &dyn Place) {
    let store = place.open();
    let (alice, bob) = (person(&store, "alice", None), person(&store, "bob", None));
    let name = "main".parse().unwrap();
    let first = propose(&store, &put(&store, "main", "1", &alice));
    let second = propose(&store, &put(&store, "main", "2", &alice));
    let other = propose(&store, &put(&store, "other", "2", &alice));
    store.approve_change(&first.id, &bob).unwrap();
    let state = |change: &ChangeRecord| store.get_change(&change.id).unwrap().state;
    assert_eq!((state(&second), state(&other)), (ChangeState::Void, ChangeState::Waiting));
    let third = propose(&store, &put(&store, "main", "3", &alice));
    store.put_endpoint(&name, "4").unwrap();
    assert_eq!(state(&third), ChangeState::Void);
    let fourth = propose(&store, &put(&store, "main", "5", &alice));
    assert!(store.delete_endpoint("main").unwrap());
    assert_eq!(state(&fourth), ChangeState::Void);
    // Compared with what is not there: found out when it is approved.
    let wrong =
        NewChange { against: endpoint_digest(Some("x")), ..put(&store, "main", "6", &alice) };
    let wrong = propose(&store, &wrong);
    assert!(matches!(store.approve_change(&wrong.id, &bob), Ok(Approved::Void(_))));
    assert_eq!((state(&wrong), body(&store, "main")), (ChangeState::Void, None));
}

pub(super) fn a_change_that_nobody_decides_in_time_is_over_once(place: &dyn Place) {
    let stores = [place.open(), place.open()];
    let store = &stores[0];
    let (alice, bob) = (person(store, "alice", None), person(store, "bob", None));
    let now = bartizan_core::time::now();
    let over = propose(store, &NewChange { expires: now, ..put(store, "main", "{}", &alice) });
    let waits = propose(store, &put(store, "other", "{}", &alice));
    assert_eq!(store.get_change(&over.id).unwrap().state, ChangeState::Expired);
    let late = store.approve_change(&over.id, &bob);
    assert!(matches!(late, Err(StoreError::ChangeOver { state: ChangeState::Expired, .. })));
    assert_eq!(body(store, "main"), None);
    let expired: Vec<_> = stores
        .iter()
        .flat_map(|store| store.expire_changes().unwrap())
        .map(|change| change.id)
        .collect();
    assert_eq!(expired, [over.id]);
    assert_eq!(store.get_change(&waits.id).unwrap().state, ChangeState::Waiting);
}

pub(super) fn an_approved_policy_is_taken_until_another_comes_into_force(place: &dyn Place) {
    let store = place.open();
    let (alice, bob) = (person(&store, "alice", None), person(&store, "bob", None));
    let approve = |against: &str, target: &str| {
        let change = propose(&store, &of_file(against, target));
        store.approve_change(&change.id, &alice).unwrap();
        store.approve_change(&change.id, &bob).unwrap();
    };
    approve("x", "y");
    let is_approved =
        |against: &str, target: &str| store.is_policy_approved(against, target).unwrap();
    assert!(is_approved("x", "y") && !is_approved("y", "x") && !is_approved("x", "z"));
    store.close_policy_changes("y").unwrap();
    assert!(is_approved("x", "y"), "another gateway may still take it");
    // It was taken back: what was approved once is not approved for ever.
    store.close_policy_changes("x").unwrap();
    assert!(!is_approved("x", "y"));
    approve("x", "y");
    assert!(is_approved("x", "y"));
}

pub(super) fn the_same_asked_twice_waits_once_and_no_more_than_a_hundred_wait(place: &dyn Place) {
    let store = place.open();
    let (alice, bob) = (person(&store, "alice", None), person(&store, "bob", None));
    let new = put(&store, "main", "{}", &alice);
    let (first, is_new) = store.propose_change(&new).unwrap();
    assert!(is_new);
    assert_eq!(store.propose_change(&new).unwrap(), (first.clone(), false));
    for other in [put(&store, "main", "{}", &bob), put(&store, "main", "[]", &alice)] {
        assert!(store.propose_change(&other).unwrap().1);
    }
    let file = of_file("old", "new");
    let known = propose(&store, &file);
    store.approve_change(&known.id, &alice).unwrap();
    // Another gateway finds the same file.
    assert_eq!(propose(&place.open(), &file).id, known.id);
    for number in 4..WAITING_MAX {
        assert!(store.propose_change(&put(&store, &format!("e{number}"), "{}", &alice)).unwrap().1);
    }
    let full = store.propose_change(&put(&store, "one-more", "{}", &alice));
    assert!(matches!(full, Err(StoreError::TooManyChanges)));
    store.reject_change(&first.id, &bob.hand).unwrap();
    store.propose_change(&put(&store, "one-more", "{}", &alice)).unwrap();
}

pub(super) fn who_is_forgotten_is_not_named_by_changes(place: &dyn Place) {
    let store = place.open();
    let (alice, bob) = (person(&store, "alice", None), person(&store, "bob", None));
    let decided = propose(&store, &put(&store, "main", "{}", &alice));
    store.approve_change(&decided.id, &bob).unwrap();
    let waits = propose(&store, &put(&store, "main", "[]", &alice));
    store.forget("alice").unwrap();
    store.forget("bob").unwrap();
    let decided = store.get_change(&decided.id).unwrap();
    assert_eq!((decided.proposer, decided.decider), (None, None));
    assert_eq!(store.get_change(&waits.id).unwrap().state, ChangeState::Void);
}

pub(super) fn an_endpoint_is_changed_if_it_is_what_it_was(place: &dyn Place) {
    let store = place.open();
    let name = "main".parse().unwrap();
    let absent = endpoint_digest(None);
    assert!(store.change_endpoint(&name, Some("1"), &absent).unwrap());
    assert!(!store.change_endpoint(&name, Some("2"), &absent).unwrap());
    assert!(!store.change_endpoint(&name, None, &endpoint_digest(Some("2"))).unwrap());
    assert_eq!(body(&store, "main").as_deref(), Some("1"));
    assert!(store.change_endpoint(&name, None, &endpoint_digest(Some("1"))).unwrap());
    assert_eq!(body(&store, "main"), None);
}
