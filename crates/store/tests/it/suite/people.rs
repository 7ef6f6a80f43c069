//! Accounts and sessions, whichever database keeps them.

use std::time::Duration;

use bartizan_core::access::Scope;
use bartizan_core::redact::Secret;
use bartizan_store::{
    BROWSERS_MAX, Lasting, LoginTry, NewLogin, NewSession, SESSIONS_MAX, Store, StoreError,
    TRIES_FREE,
};

use super::Place;

const LASTING: Lasting =
    Lasting { idle: Duration::from_secs(1_800), total: Duration::from_secs(43_200) };
const NAME: &str = "alice@example.com";

/// An account that somebody has made theirs, with a code of step 1.
fn enrolled(store: &Store, name: &str) {
    let (account, code) = store.create_account(name, Scope::Operator).unwrap();
    assert!(!account.is_enrolled);
    let account = store.enrol(&code, "hash", b"sealed", 1).unwrap().unwrap();
    assert!(account.is_enrolled);
}

fn check() -> LoginTry {
    LoginTry::Check { password: "hash".to_owned(), totp: b"sealed".to_vec() }
}

fn signed_in(store: &Store, step: u64, browser: Option<&Secret>) -> NewLogin {
    assert_eq!(store.begin_login(NAME, browser).unwrap(), check());
    store.finish_login(NAME, "hash", step, browser, LASTING).unwrap().unwrap()
}

pub(super) fn an_account_is_made_somebodys_once_and_signs_in(place: &dyn Place) {
    let store = place.open();
    let (_, code) = store.create_account(NAME, Scope::Auditor).unwrap();
    assert!(code.expose().starts_with("bze_"));
    assert!(matches!(
        store.create_account(NAME, Scope::Admin),
        Err(StoreError::AccountExists { .. })
    ));
    assert_eq!(store.begin_login(NAME, None).unwrap(), LoginTry::Unknown);
    let wrong = Secret::new("bze_wrong");
    assert_eq!(store.account_to_enrol(&wrong).unwrap(), None);
    assert_eq!(store.enrol(&wrong, "hash", b"sealed", 1).unwrap(), None);
    assert_eq!(store.account_to_enrol(&code).unwrap().unwrap().name, NAME);
    assert!(store.enrol(&code, "hash", b"sealed", 1).unwrap().is_some());
    assert_eq!(store.enrol(&code, "other", b"other", 1).unwrap(), None);

    let store = place.open();
    let new = signed_in(&store, 2, None);
    let session = store.console_session(&new.token, LASTING).unwrap().unwrap();
    assert_eq!((session.name.as_str(), session.scope), (NAME, Scope::Auditor));
    assert_eq!(session, new.session);
    assert_eq!(store.console_session(&Secret::new("other"), LASTING).unwrap(), None);
    let [account] = &store.list_accounts().unwrap()[..] else { panic!() };
    assert!(account.last_login.is_some() && account.is_enrolled);
    store.end_console_session(&session.id).unwrap();
    assert_eq!(store.console_session(&new.token, LASTING).unwrap(), None);
    let again = store.end_console_session(&session.id);
    assert!(matches!(again, Err(StoreError::SessionNotFound { .. })));
}

pub(super) fn an_account_is_for_a_person_and_the_console(place: &dyn Place) {
    let store = place.open();
    for (name, scope) in
        [("sp:bot", Scope::Admin), (NAME, Scope::Client), ("a b", Scope::Admin), ("", Scope::Admin)]
    {
        let made = store.create_account(name, scope);
        assert!(
            matches!(made, Err(StoreError::Account(_) | StoreError::Principal(_))),
            "{name}: {made:?}"
        );
    }
    for result in [store.reset_account(NAME).map(|_| ()), store.remove_account(NAME).map(|_| ())] {
        assert!(matches!(result, Err(StoreError::AccountNotFound { .. })));
    }
    assert_eq!(store.begin_login("a\0b", None).unwrap(), LoginTry::Unknown);
}

pub(super) fn a_code_for_enrolment_ends(place: &dyn Place) {
    let store = place.open();
    let (_, code) = store.create_account(NAME, Scope::Viewer).unwrap();
    place.sql("UPDATE {accounts} SET enrolment_ends = 1");
    assert_eq!(store.account_to_enrol(&code).unwrap(), None);
    assert_eq!(store.enrol(&code, "hash", b"sealed", 1).unwrap(), None);
    let (_, another) = store.reset_account(NAME).unwrap();
    assert_eq!(store.enrol(&code, "hash", b"sealed", 1).unwrap(), None);
    assert!(store.enrol(&another, "hash", b"sealed", 1).unwrap().is_some());
}

pub(super) fn a_code_is_good_once_over_all_gateways(place: &dyn Place) {
    let stores = [place.open(), place.open()];
    enrolled(&stores[0], NAME);
    // That of the enrolment too.
    assert!(stores[1].finish_login(NAME, "hash", 1, None, LASTING).unwrap().is_none());
    let both = std::thread::scope(|scope| {
        let tries: Vec<_> = stores
            .iter()
            .map(|store| {
                scope.spawn(|| store.finish_login(NAME, "hash", 7, None, LASTING).unwrap())
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(both.iter().flatten().count(), 1, "{both:?}");
    assert!(stores[0].finish_login(NAME, "hash", 6, None, LASTING).unwrap().is_none());
    assert!(stores[1].finish_login(NAME, "hash", 8, None, LASTING).unwrap().is_some());
    assert!(stores[1].finish_login(NAME, "other", 9, None, LASTING).unwrap().is_none());
}

pub(super) fn many_tries_at_once_are_not_more_than_one_after_the_other(place: &dyn Place) {
    let store = place.open();
    enrolled(&store, NAME);
    let admitted = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| store.begin_login(NAME, None).unwrap() == check()))
            .collect();
        tries.into_iter().filter_map(|one| one.join().unwrap().then_some(())).count()
    });
    assert_eq!(admitted, usize::try_from(TRIES_FREE).unwrap());
    assert_eq!(place.open().begin_login(NAME, None).unwrap(), LoginTry::TooEarly);
    let account = &store.list_accounts().unwrap()[0];
    assert!(account.locked_until.is_some_and(|until| until > bartizan_core::time::now()));
    // It ends by itself, and an admin can end it.
    place.sql("UPDATE {accounts} SET other_again = 1");
    assert_eq!(store.begin_login(NAME, None).unwrap(), check());
    let (_, code) = store.reset_account(NAME).unwrap();
    store.enrol(&code, "hash", b"sealed", 1).unwrap().unwrap();
    assert_eq!(store.begin_login(NAME, None).unwrap(), check());
}

pub(super) fn tries_of_others_lock_nobody_out_of_their_own_browser(place: &dyn Place) {
    let store = place.open();
    enrolled(&store, NAME);
    let browser = signed_in(&store, 2, None).browser.unwrap();
    for _ in 0..TRIES_FREE {
        assert_eq!(store.begin_login(NAME, None).unwrap(), check());
    }
    let stranger = Secret::new("something that no browser has");
    assert_eq!(store.begin_login(NAME, Some(&stranger)).unwrap(), LoginTry::TooEarly);
    let next = signed_in(&store, 3, Some(&browser)).browser.unwrap();
    // Each login gives the browser something new, and what it had is forgotten.
    assert_eq!(store.begin_login(NAME, Some(&browser)).unwrap(), LoginTry::TooEarly);
    // Whoever has the browser has tries of their own, and not more of them.
    for _ in 0..TRIES_FREE {
        assert_eq!(store.begin_login(NAME, Some(&next)).unwrap(), check());
    }
    assert_eq!(store.begin_login(NAME, Some(&next)).unwrap(), LoginTry::TooEarly);
}

pub(super) fn so_many_browsers_are_known_and_no_more(place: &dyn Place) {
    let store = place.open();
    enrolled(&store, NAME);
    let browsers: Vec<Secret> = (0..=BROWSERS_MAX as u64)
        .map(|number| signed_in(&store, 2 + number, None).browser.unwrap())
        .collect();
    for _ in 0..TRIES_FREE {
        store.begin_login(NAME, None).unwrap();
    }
    assert_eq!(store.begin_login(NAME, Some(&browsers[0])).unwrap(), LoginTry::TooEarly);
    assert_eq!(store.begin_login(NAME, Some(&browsers[1])).unwrap(), check());
}

pub(super) fn sessions_end_idle_in_total_and_with_their_account(place: &dyn Place) {
    let store = place.open();
    enrolled(&store, NAME);
    let alive = |token: &Secret| store.console_session(token, LASTING).unwrap().is_some();
    let idle = signed_in(&store, 2, None).token;
    place.sql("UPDATE {sessions} SET last_used = last_used - 1799000000");
    assert!(alive(&idle), "it is used in time");
    let used = store.list_console_sessions(LASTING).unwrap()[0].last_used;
    assert!(bartizan_core::time::now().duration_since(used).as_secs() < 60, "and that is noted");
    place.sql("UPDATE {sessions} SET last_used = last_used - 1801000000");
    assert!(!alive(&idle));
    assert_eq!(store.list_console_sessions(LASTING).unwrap(), []);
    let total = signed_in(&store, 3, None).token;
    place.sql("UPDATE {sessions} SET ends = 1");
    assert!(!alive(&total));
    // What the policy says now holds for sessions from before.
    let shorter = signed_in(&store, 4, None).token;
    place.sql("UPDATE {accounts} SET created = created - 7200000000");
    place.sql("UPDATE {sessions} SET created = created - 7200000000");
    assert!(alive(&shorter));
    let hour = Lasting { total: Duration::from_secs(3_600), ..LASTING };
    assert_eq!(store.console_session(&shorter, hour).unwrap(), None);

    let reset = signed_in(&store, 5, None).token;
    place.sql("UPDATE {accounts} SET scope = 'viewer'");
    assert_eq!(store.console_session(&reset, LASTING).unwrap().unwrap().scope, Scope::Viewer);
    let (_, code) = store.reset_account(NAME).unwrap();
    assert!(!alive(&reset));
    store.enrol(&code, "hash", b"sealed", 6).unwrap().unwrap();
    assert!(!alive(&reset));
    let removed = signed_in(&store, 7, None).token;
    // Another process removes the row alone.
    place.sql("DELETE FROM {accounts}");
    assert!(!alive(&removed));
    enrolled(&store, NAME);
    assert!(!alive(&removed), "another account of the same name has other sessions");
}

pub(super) fn a_person_has_so_many_sessions_and_the_oldest_ends(place: &dyn Place) {
    let store = place.open();
    enrolled(&store, NAME);
    let tokens: Vec<Secret> =
        (0..=SESSIONS_MAX as u64).map(|number| signed_in(&store, 2 + number, None).token).collect();
    assert_eq!(store.console_session(&tokens[0], LASTING).unwrap(), None);
    assert!(store.console_session(&tokens[1], LASTING).unwrap().is_some());
    assert_eq!(store.list_console_sessions(LASTING).unwrap().len(), SESSIONS_MAX);
}

pub(super) fn a_login_of_a_provider_is_used_once(place: &dyn Place) {
    let stores = [place.open(), place.open()];
    let new = NewSession {
        name: "bob@example.com".to_owned(),
        scope: Scope::Admin,
        issuer: Some("corp".to_owned()),
    };
    let login = Secret::new("what the browser had");
    let begun = stores[0].begin_session(&new, &login, LASTING).unwrap().unwrap();
    assert!(stores[1].begin_session(&new, &login, LASTING).unwrap().is_none());
    let session = stores[1].console_session(&begun.token, LASTING).unwrap().unwrap();
    assert_eq!((session.issuer.as_deref(), session.scope), (Some("corp"), Scope::Admin));
    // An account of the same name is somebody else.
    stores[0].create_account("bob@example.com", Scope::Viewer).unwrap();
    stores[0].remove_account("bob@example.com").unwrap();
    assert!(stores[1].console_session(&begun.token, LASTING).unwrap().is_some());
}

pub(super) fn who_is_erased_has_no_account_and_no_session(place: &dyn Place) {
    let store = place.open();
    enrolled(&store, NAME);
    enrolled(&store, "bob@example.com");
    let token = signed_in(&store, 2, None).token;
    assert_eq!(store.forget(NAME).unwrap(), 0);
    assert_eq!(store.console_session(&token, LASTING).unwrap(), None);
    let names: Vec<String> =
        store.list_accounts().unwrap().into_iter().map(|account| account.name).collect();
    assert_eq!(names, ["bob@example.com"]);
}

pub(super) fn codes_are_sealed_anew_unless_they_changed(place: &dyn Place) {
    let store = place.open();
    enrolled(&store, NAME);
    let sealed = |store: &Store| store.sealed_codes().unwrap();
    assert_eq!(sealed(&store), [(NAME.to_owned(), b"sealed".to_vec())]);
    store.reseal_codes(NAME, b"other", b"wrong").unwrap();
    assert_eq!(sealed(&store)[0].1, b"sealed");
    store.reseal_codes(NAME, b"sealed", b"anew").unwrap();
    assert_eq!(sealed(&store)[0].1, b"anew");
}
