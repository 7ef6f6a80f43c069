//! Whatever is lost, no window is charged less than what was used of it.

use bartizan_core::counters::Unit;
use bartizan_core::settings::Rate;

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn key() -> CounterKey {
    let limit = "l-test".parse().unwrap();
    CounterKey { endpoint: "e".into(), limit, unit: Unit::Tokens, whose: String::new() }
}

fn demand(planned: u64, amount: u64) -> Demand {
    Demand { key: key(), rate: Rate { amount, window: MINUTE }, planned, is_whole: false }
}

/// A window in which the server has planned so much for this gateway.
fn window(id: u64, planned: u64) -> Window {
    Window { id, used: planned, left: MINUTE, planned, settled: 0, others: Vec::new() }
}

fn change(window: u64, planned: u64, used: u64) -> Change {
    Change { key: key(), window, planned, used }
}

/// Takes room as a request does.
fn take(own: &mut Own, window: Window, planned: u64, now: Instant) {
    let told = own.tell(&key(), now);
    own.taken(&key(), &told, window, planned, now);
}

/// What a report says about this gateway.
fn used(own: &mut Own, now: Instant) -> u64 {
    let told = own.report(now)[0].1.told;
    told.planned.saturating_add_signed(told.settled)
}

#[test]
fn what_was_settled_is_told_until_it_is_heard() {
    let now = Instant::now();
    let mut own = Own::default();
    take(&mut own, window(7, 90), 90, now);
    assert!(own.settle(&change(7, 90, 10)));
    let told = own.owing(9, now)[0].1;
    assert_eq!((told.window, told.planned, told.settled), (7, 90, -80));
    own.told(&key(), &told, false);
    let again = own.owing(9, now)[0].1;
    assert_eq!(again.settled, -80);
    assert!(again.number > told.number);
    // Something more is settled while the message is on its way.
    own.settle(&change(7, 10, 25));
    own.told(&key(), &again, true);
    let told = own.owing(9, now)[0].1;
    assert_eq!(told.settled, -65);
    own.told(&key(), &told, true);
    assert!(own.owes_nothing());
    assert_eq!(used(&mut own, now), 25);
}

#[test]
fn a_settlement_of_another_window_changes_nothing() {
    let now = Instant::now();
    let mut own = Own::default();
    take(&mut own, window(7, 90), 90, now);
    assert!(!own.settle(&change(6, 90, 10)));
    let later = now + MINUTE;
    take(&mut own, window(8, 5), 5, later);
    assert!(!own.settle(&change(7, 90, 10)), "the window has ended");
    assert_eq!(used(&mut own, later), 5);
}

#[test]
fn a_window_that_is_over_is_not_told() {
    let now = Instant::now();
    let mut own = Own::default();
    take(&mut own, window(7, 90), 90, now);
    own.settle(&change(7, 90, 95));
    assert!(own.tell(&key(), now + MINUTE).left.is_zero());
    assert_eq!(own.owing(9, now + MINUTE), []);
    assert!(own.owes_nothing());
    assert_eq!(own.report(now + MINUTE), []);
}

#[test]
fn a_window_that_was_lost_is_charged_to_the_one_in_its_place() {
    let now = Instant::now();
    let mut own = Own::default();
    take(&mut own, window(7, 90), 90, now);
    own.settle(&change(7, 90, 60));
    take(&mut own, window(8, 5), 5, now + Duration::from_secs(10));
    let told = own.owing(9, now + Duration::from_secs(10))[0].1;
    assert_eq!((told.window, told.planned, told.settled), (8, 5, 60));
}

#[test]
fn a_late_reply_about_a_window_before_changes_nothing() {
    let now = Instant::now();
    let mut own = Own::default();
    let late = own.tell(&key(), now);
    take(&mut own, window(8, 5), 5, now);
    own.taken(&key(), &late, window(7, 90), 90, now);
    assert_eq!(own.tell(&key(), now).window, 8);
    assert_eq!(used(&mut own, now), 5);
}

#[test]
fn what_was_let_in_around_a_report_is_charged_besides() {
    let now = Instant::now();
    let mut own = Own::default();
    take(&mut own, window(7, 10), 10, now);
    let told = own.tell(&key(), now);
    assert_eq!(used(&mut own, now), 10);
    own.taken(&key(), &told, window(7, 30), 20, now);
    let told = own.owing(9, now)[0].1;
    assert_eq!((told.planned, told.settled), (10, 20));
}

#[test]
fn alone_a_gateway_goes_on_from_what_it_used_and_stops_at_its_share() {
    let now = Instant::now();
    let mut own = Own::default();
    take(&mut own, window(7, 30), 30, now);
    let alone = |own: &mut Own, planned| own.count_alone(&[demand(planned, 100)], 2, now, 9);
    let taken = alone(&mut own, 15).unwrap();
    assert!(taken.is_alone);
    assert_eq!((taken.held[0].window, taken.held[0].remaining), (7, 5));
    assert_eq!(alone(&mut own, 6), Err(NoRoom::Full { index: 0, left: MINUTE }));
    alone(&mut own, 5).unwrap();
    let told = own.tell(&key(), now);
    assert_eq!((told.planned, told.settled, told.is_alone), (30, 20, true));
    own.told(&key(), &told, true);
    assert!(!own.tell(&key(), now).is_alone);
}

#[test]
fn alone_a_gateway_leaves_what_it_saw_others_use() {
    let now = Instant::now();
    let mut own = Own::default();
    take(&mut own, Window { others: vec![(5, 60), (6, 25)], ..window(7, 10) }, 10, now);
    let alone = |own: &mut Own, planned| own.count_alone(&[demand(planned, 100)], 2, now, 9);
    assert!(alone(&mut own, 6).is_err());
    assert_eq!(alone(&mut own, 5).unwrap().held[0].remaining, 0);
    assert_eq!(own.report(now)[0].1.others, [(5, 60), (6, 25)]);
    own.full(&key(), MINUTE, now);
    assert!(alone(&mut own, 0).is_err(), "the server had no room");
}

#[test]
fn alone_a_new_window_begins_with_its_first_use() {
    let now = Instant::now();
    let mut own = Own::default();
    let taken = own.count_alone(&[demand(10, 100)], 2, now, 9).unwrap();
    assert_eq!((taken.held[0].window, taken.held[0].left), (9, MINUTE));
    let later = now + MINUTE;
    let taken = own.count_alone(&[demand(30, 100)], 2, later, 11).unwrap();
    assert_eq!((taken.held[0].window, taken.held[0].remaining), (11, 20));
    // The others have begun another window in the meantime: what was used alone goes there, and what came since.
    let told = own.tell(&key(), later);
    own.count_alone(&[demand(20, 100)], 2, later, 13).unwrap();
    own.move_to(&key(), &told, Window { settled: -2, ..window(10, 5) }, later);
    assert_eq!(own.tell(&key(), later).window, 10);
    assert_eq!(used(&mut own, later), 53);
    own.move_to(&key(), &told, window(12, 5), later);
    assert_eq!(own.tell(&key(), later).window, 10, "it was moved before");
    assert_eq!(own.owing(9, later)[0].1.settled, 48);
}

#[test]
fn alone_room_is_taken_everywhere_or_nowhere() {
    let now = Instant::now();
    let mut own = Own::default();
    let other = |planned| Demand {
        key: CounterKey { whose: "alice".to_owned(), ..key() },
        ..demand(planned, 20)
    };
    let asked = [demand(10, 100), other(11)];
    let refused = own.count_alone(&asked, 2, now, 9);
    assert_eq!(refused, Err(NoRoom::Full { index: 1, left: MINUTE }));
    assert!(own.owes_nothing());
    assert!(own.tell(&key(), now).left.is_zero());
}

#[test]
fn no_amount_is_too_large_to_count() {
    let now = Instant::now();
    let mut own = Own::default();
    take(&mut own, window(7, 10), 10, now);
    for _ in 0..3 {
        own.settle(&change(7, 0, u64::MAX));
    }
    assert_eq!(own.owing(9, now)[0].1.settled, SETTLED_MOST);
    assert!(own.count_alone(&[demand(u64::MAX, u64::MAX)], 1, now, 9).is_err());
}
