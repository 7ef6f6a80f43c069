//! What the store has to hold, whichever database keeps the rows.

mod changes;
mod people;

use changes::{
    a_change_that_nobody_decides_in_time_is_over_once,
    a_change_waits_until_another_person_approves_it,
    an_approved_policy_is_taken_until_another_comes_into_force,
    an_endpoint_is_changed_if_it_is_what_it_was,
    nobody_approves_with_a_key_that_the_proposer_may_know,
    of_two_gateways_that_decide_at_once_one_does,
    the_same_asked_twice_waits_once_and_no_more_than_a_hundred_wait,
    what_has_changed_meanwhile_makes_a_change_void,
    who_changed_a_file_is_not_known_and_two_people_stand_for_it,
    who_is_forgotten_is_not_named_by_changes,
};
use std::time::Duration;

use bartizan_core::access::{Identify as _, Scope, Unrecognised};
use bartizan_core::id::Name;
use bartizan_core::principal::PrincipalKind;
use bartizan_core::redact::Secret;
use bartizan_core::tags::Tags;
use bartizan_store::{ENDPOINT_BYTES, NewKey, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use people::{
    a_code_for_enrolment_ends, a_code_is_good_once_over_all_gateways,
    a_login_of_a_provider_is_used_once, a_person_has_so_many_sessions_and_the_oldest_ends,
    an_account_is_for_a_person_and_the_console, an_account_is_made_somebodys_once_and_signs_in,
    codes_are_sealed_anew_unless_they_changed,
    many_tries_at_once_are_not_more_than_one_after_the_other,
    sessions_end_idle_in_total_and_with_their_account, so_many_browsers_are_known_and_no_more,
    tries_of_others_lock_nobody_out_of_their_own_browser,
    who_is_erased_has_no_account_and_no_session,
};

/// Where state is kept: opened as often as a case likes, empty at its beginning.
pub(crate) trait Place {
    fn try_open(&self) -> Result<Store, StoreError>;

    /// Runs a statement behind the store's back; `{keys}`, `{accounts}` and `{sessions}` stand for the tables.
    fn sql(&self, statement: &str);

    fn open(&self) -> Store {
        self.try_open().unwrap()
    }
}

/// A case and its name.
type Case = (&'static str, fn(&dyn Place));

/// Runs every case at a place of its own.
pub(crate) fn run(mut place: impl FnMut(usize) -> Box<dyn Place>) {
    for (number, (name, case)) in CASES.iter().enumerate() {
        // Shown where one fails.
        println!("{name}");
        case(&*place(number));
    }
}

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        const CASES: &[Case] = &[$((stringify!($name), $name)),*];
    };
}

cases! {
    a_key_is_recognised_at_once_and_after_a_restart,
    a_revoked_key_stops_working_at_once,
    the_last_admin_key_that_works_cannot_be_revoked,
    changes_by_another_process_arrive_with_maintenance,
    the_last_use_is_written_by_maintenance_alone,
    a_damaged_row_is_named,
    a_key_is_narrowed_to_its_endpoints_and_stays_so,
    a_key_keeps_its_tags_when_it_is_replaced,
    somebody_can_always_manage_bartizan_after_the_overlap_too,
    a_replacement_lives_as_long_as_what_it_replaces_and_can_be_taken_back,
    a_replaced_key_works_for_the_overlap_and_no_longer_than_it_would_have,
    endpoints_are_kept_replaced_and_removed,
    names_and_bodies_are_data_and_never_sql,
    caps_the_size_of_an_endpoint,
    writers_at_the_same_time_lose_nothing,
    of_two_first_keys_one_is_made,
    an_index_is_trusted_while_it_is_in_step,
    a_session_that_ended_stays_so_everywhere,
    a_change_waits_until_another_person_approves_it,
    nobody_approves_with_a_key_that_the_proposer_may_know,
    who_changed_a_file_is_not_known_and_two_people_stand_for_it,
    of_two_gateways_that_decide_at_once_one_does,
    what_has_changed_meanwhile_makes_a_change_void,
    a_change_that_nobody_decides_in_time_is_over_once,
    an_approved_policy_is_taken_until_another_comes_into_force,
    the_same_asked_twice_waits_once_and_no_more_than_a_hundred_wait,
    who_is_forgotten_is_not_named_by_changes,
    an_endpoint_is_changed_if_it_is_what_it_was,
    an_account_is_made_somebodys_once_and_signs_in,
    an_account_is_for_a_person_and_the_console,
    a_code_for_enrolment_ends,
    a_code_is_good_once_over_all_gateways,
    many_tries_at_once_are_not_more_than_one_after_the_other,
    tries_of_others_lock_nobody_out_of_their_own_browser,
    so_many_browsers_are_known_and_no_more,
    sessions_end_idle_in_total_and_with_their_account,
    a_person_has_so_many_sessions_and_the_oldest_ends,
    a_login_of_a_provider_is_used_once,
    who_is_erased_has_no_account_and_no_session,
    codes_are_sealed_anew_unless_they_changed,
}

fn a_key_is_recognised_at_once_and_after_a_restart(place: &dyn Place) {
    let (record, secret) = {
        let store = place.open();
        assert_eq!(store.list_keys().unwrap(), []);
        let (record, secret) = store.create_key(client("bot")).unwrap();
        assert!(store.key_index().identify(&secret).is_ok());
        (record, secret)
    };
    let store = place.open();
    assert_eq!(store.list_keys().unwrap(), std::slice::from_ref(&record));
    let identity = store.key_index().identify(&secret).unwrap();
    assert_eq!((identity.key_id, identity.name), (record.id.clone(), "bot".to_owned()));
    assert_eq!(record.principal(), "sp:bot");
}

fn a_revoked_key_stops_working_at_once(place: &dyn Place) {
    let store = place.open();
    let index = store.key_index();
    let (kept, kept_secret) = store.create_key(client("kept")).unwrap();
    let (record, secret) = store.create_key(client("bot")).unwrap();
    let revoked = store.revoke_key(&record.id).unwrap();
    assert!(revoked.revoked.is_some());
    assert!(index.identify(&secret).is_err());
    assert!(index.identify(&kept_secret).is_ok());
    assert_eq!(store.revoke_key(&record.id).unwrap(), revoked);
    assert_eq!(store.list_keys().unwrap(), [kept, revoked]);
    assert!(matches!(store.revoke_key("nobody"), Err(StoreError::KeyNotFound { .. })));
}

fn the_last_admin_key_that_works_cannot_be_revoked(place: &dyn Place) {
    let store = place.open();
    let admin = |expires| NewKey { scope: Scope::Admin, expires, ..client("root") };
    let (first, _) = store.create_key(admin(None)).unwrap();
    let soon = bartizan_core::time::now() + SignedDuration::from_millis(30);
    let (expiring, _) = store.create_key(admin(Some(soon))).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(40));
    assert!(matches!(store.revoke_key(&first.id), Err(StoreError::LastAdminKey)));
    store.revoke_key(&expiring.id).unwrap();
    store.create_key(admin(None)).unwrap();
    store.revoke_key(&first.id).unwrap();
}

fn changes_by_another_process_arrive_with_maintenance(place: &dyn Place) {
    let server = place.open();
    let command_line = place.open();
    let (record, secret) = command_line.create_key(client("bot")).unwrap();
    assert!(server.key_index().identify(&secret).is_err());
    server.maintain().unwrap();
    assert!(server.key_index().identify(&secret).is_ok());
    command_line.revoke_key(&record.id).unwrap();
    server.maintain().unwrap();
    assert!(server.key_index().identify(&secret).is_err());
}

fn the_last_use_is_written_by_maintenance_alone(place: &dyn Place) {
    let store = place.open();
    let (record, secret) = store.create_key(client("bot")).unwrap();
    store.key_index().identify(&secret).unwrap();
    assert_eq!(store.list_keys().unwrap()[0].last_used, None);
    store.maintain().unwrap();
    let used = store.list_keys().unwrap()[0].last_used.unwrap();
    assert!(used >= record.created);
    store.key_index().identify(&secret).unwrap();
    store.maintain().unwrap();
    assert_eq!(store.list_keys().unwrap()[0].last_used, Some(used));
}

fn a_damaged_row_is_named(place: &dyn Place) {
    let store = place.open();
    let (record, _) = store.create_key(client("bot")).unwrap();
    place.sql("UPDATE {keys} SET scope = 'root'");
    let error = store.list_keys().unwrap_err();
    assert!(matches!(error, StoreError::Damaged { id, .. } if id == record.id));
}

fn a_key_is_narrowed_to_its_endpoints_and_stays_so(place: &dyn Place) {
    let only: Vec<Name> = vec!["a".parse().unwrap(), "b.c".parse().unwrap()];
    let new = NewKey { endpoints: Some(only.clone()), ..client("bot") };
    let (made, secret) = place.open().create_key(new).unwrap();
    assert_eq!(made.endpoints.as_ref(), Some(&only));
    let store = place.open();
    assert_eq!(store.list_keys().unwrap()[0], made);
    let endpoints = |secret: &Secret| store.key_index().identify(secret).unwrap().endpoints;
    assert_eq!(endpoints(&secret).as_deref(), Some(only.as_slice()));
    let (_, next) = store.replace_key(&made.id, Duration::ZERO, None).unwrap();
    assert_eq!(endpoints(&next).as_deref(), Some(only.as_slice()));
    // Bounds that cannot be read open nothing.
    place.sql("UPDATE {keys} SET endpoints = 'a b'");
    let (_, other) = place.open().create_key(client("other")).unwrap();
    let index = place.open().key_index();
    assert_eq!(index.identify(&next), Err(Unrecognised::Unknown));
    assert!(index.identify(&other).is_ok(), "others go on to work");
}

fn a_key_keeps_its_tags_when_it_is_replaced(place: &dyn Place) {
    let mut tags = Tags::default();
    for tag in ["team=search", "project=R&D, a=b", "land=Österreich"] {
        tags.add_written(tag).unwrap();
    }
    let new = NewKey { tags: tags.clone(), ..client("bot") };
    let (made, secret) = place.open().create_key(new).unwrap();
    assert_eq!(made.tags, tags);
    let store = place.open();
    assert_eq!(store.list_keys().unwrap()[0], made);
    let tags_of = |secret: &Secret| store.key_index().identify(secret).unwrap().tags;
    assert_eq!(*tags_of(&secret), tags);
    let (next, secret) = store.replace_key(&made.id, Duration::ZERO, None).unwrap();
    assert_eq!((&next.tags, &*tags_of(&secret)), (&tags, &tags));
    // Tags that cannot be read open nothing: use would count for nobody's budget.
    place.sql("UPDATE {keys} SET tags = 'team'");
    let (_, other) = place.open().create_key(client("other")).unwrap();
    let index = place.open().key_index();
    assert_eq!(index.identify(&secret), Err(Unrecognised::Unknown));
    assert!(index.identify(&other).unwrap().tags.is_empty(), "others go on to work");
}

fn somebody_can_always_manage_bartizan_after_the_overlap_too(place: &dyn Place) {
    let store = place.open();
    let hour = Duration::from_hours(1);
    let admin = |name: &str| NewKey { scope: Scope::Admin, ..client(name) };
    let (old, _) = store.create_key(admin("root")).unwrap();
    let (new, _) = store.replace_key(&old.id, hour, None).unwrap();
    // The old one works for an hour, and then nobody would.
    assert!(matches!(store.revoke_key(&new.id), Err(StoreError::LastAdminKey)));
    store.revoke_key(&old.id).unwrap();
    let (other, _) = store.create_key(admin("other")).unwrap();
    store.revoke_key(&new.id).unwrap();
    assert!(matches!(store.revoke_key(&other.id), Err(StoreError::LastAdminKey)));
}

fn a_replacement_lives_as_long_as_what_it_replaces_and_can_be_taken_back(place: &dyn Place) {
    let store = place.open();
    let now = bartizan_core::time::now();
    let month = Duration::from_hours(24 * 30);
    let expires = micros((now + month).as_microsecond());
    let (old, secret) =
        store.create_key(NewKey { expires: Some(expires), ..client("bot") }).unwrap();
    let (new, next) = store.replace_key(&old.id, Duration::ZERO, None).unwrap();
    let lives = new.expires.unwrap().duration_since(now).unsigned_abs();
    assert!(lives >= month && lives < month + Duration::from_mins(1), "{lives:?}");
    store.undo_replacement(&new, old.expires).unwrap();
    assert!(store.key_index().identify(&secret).is_ok());
    assert!(store.key_index().identify(&next).is_err());
    assert_eq!(store.list_keys().unwrap()[0], old);
}

fn a_replaced_key_works_for_the_overlap_and_no_longer_than_it_would_have(place: &dyn Place) {
    let store = place.open();
    let now = bartizan_core::time::now();
    let hour = Duration::from_hours(1);
    let in_a_minute = micros((now + Duration::from_mins(1)).as_microsecond());
    let (free, old) = store.create_key(client("free")).unwrap();
    let (bound, _) =
        store.create_key(NewKey { expires: Some(in_a_minute), ..client("bound") }).unwrap();
    let (new, secret) = store.replace_key(&free.id, hour, None).unwrap();
    assert_eq!(new.replaces.as_deref(), Some(free.id.as_str()));
    store.replace_key(&bound.id, hour, None).unwrap();
    let ends = |id: &str| {
        let keys = store.list_keys().unwrap();
        keys.into_iter().find(|key| key.id == id).unwrap().expires
    };
    assert_eq!(ends(&bound.id), Some(in_a_minute));
    let left = ends(&free.id).unwrap().duration_since(now).unsigned_abs();
    assert!(left >= hour && left < hour + Duration::from_secs(30), "{left:?}");
    assert!(store.key_index().identify(&old).is_ok());
    assert!(store.key_index().identify(&secret).is_ok());
    store.revoke_key(&free.id).unwrap();
    let ended = store.replace_key(&free.id, hour, None);
    assert!(matches!(ended, Err(StoreError::KeyEnded { .. })));
    let none = store.replace_key("none", hour, None);
    assert!(matches!(none, Err(StoreError::KeyNotFound { .. })));
}

fn endpoints_are_kept_replaced_and_removed(place: &dyn Place) {
    let name: Name = "protected-llm".parse().unwrap();
    let put = {
        let store = place.open();
        store.put_endpoint(&name, "{}").unwrap();
        store.put_endpoint(&"a".parse().unwrap(), "[]").unwrap();
        store.put_endpoint(&name, r#"{"routes":[]}"#).unwrap()
    };
    let store = place.open();
    assert_eq!(store.get_endpoint("protected-llm").unwrap(), Some(put));
    let names: Vec<_> =
        store.list_endpoints().unwrap().into_iter().map(|record| record.name).collect();
    assert_eq!(names, ["a", "protected-llm"]);
    assert!(store.delete_endpoint("a").unwrap());
    assert!(!store.delete_endpoint("a").unwrap());
    assert_eq!(store.get_endpoint("a").unwrap(), None);
}

fn names_and_bodies_are_data_and_never_sql(place: &dyn Place) {
    let store = place.open();
    let hostile = "x'); DROP TABLE endpoints; --";
    assert_eq!(store.get_endpoint(hostile).unwrap(), None);
    store.put_endpoint(&"a".parse().unwrap(), hostile).unwrap();
    assert_eq!(store.get_endpoint("a").unwrap().unwrap().body, hostile);
}

fn caps_the_size_of_an_endpoint(place: &dyn Place) {
    let store = place.open();
    let body = "x".repeat(ENDPOINT_BYTES + 1);
    let result = store.put_endpoint(&"a".parse().unwrap(), &body);
    assert!(matches!(result, Err(StoreError::EndpointTooLarge)));
}

fn writers_at_the_same_time_lose_nothing(place: &dyn Place) {
    let stores = [place.open(), place.open()];
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let store = &stores[writer % 2];
            scope.spawn(move || {
                for key in 0..25 {
                    store.create_key(client(&format!("bot-{writer}-{key}"))).unwrap();
                }
            });
        }
    });
    for store in &stores {
        assert_eq!(store.list_keys().unwrap().len(), 200);
    }
}

fn of_two_first_keys_one_is_made(place: &dyn Place) {
    let stores = [place.open(), place.open()];
    let made: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let store = &stores[number % 2];
                scope.spawn(move || {
                    usize::from(store.create_first_key(client("first")).unwrap().is_some())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    assert_eq!(stores[0].list_keys().unwrap().len(), 1);
}

fn an_index_is_trusted_while_it_is_in_step(place: &dyn Place) {
    let store = place.open();
    let (_, secret) = store.create_key(client("bot")).unwrap();
    for _ in 0..3 {
        store.maintain().unwrap();
        assert!(store.key_index().identify(&secret).is_ok());
    }
    let unknown = store.key_index().identify(&Secret::new("bzc_x")).unwrap_err();
    assert_eq!(unknown, Unrecognised::Unknown);
}

fn a_session_that_ended_stays_so_everywhere(place: &dyn Place) {
    let stores = [place.open(), place.open()];
    let (session, other) =
        ("0191e7a0-0000-7000-8000-000000000000", "0191e7a0-0000-7000-8000-000000000001");
    for _ in 0..2 {
        stores[0].end_session(session).unwrap();
    }
    stores[1].maintain().unwrap();
    for store in stores.iter().chain([&place.open()]) {
        let index = store.key_index();
        assert_eq!((index.has_ended(session), index.has_ended(other)), (Ok(true), Ok(false)));
    }
    for wrong in ["", "x", "0191E7A0-0000-7000-8000-000000000000"] {
        let error = stores[0].end_session(wrong).unwrap_err();
        assert!(matches!(error, StoreError::KeyNotFound { .. }), "{wrong}");
    }
}

fn micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap()
}

pub(crate) fn client(name: &str) -> NewKey {
    NewKey {
        scope: Scope::Client,
        kind: PrincipalKind::ServicePrincipal,
        name: name.to_owned(),
        note: Some("for a test".to_owned()),
        expires: None,
        endpoints: None,
        tags: Tags::default(),
    }
}
