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
    Demand { key: key(), rate: Rate { amount, window: MINUTE }, planned }
}

fn window(id: u64, used: u64) -> Window {
    Window { id, used, left: MINUTE }
}

fn change(window: u64, planned: u64, used: u64) -> Change {
    Change { key: key(), window, planned, used }
}

#[test]
fn what_comes_back_is_told_once_and_never_again_when_it_may_have_arrived() {
    let now = Instant::now();
    let mut own = Own::default();
    own.taken(&key(), &Told::default(), &window(7, 90), 90, now);
    assert!(own.settle(&change(7, 90, 10)));
    let told = own.owing(9, now)[0].1;
    assert_eq!((told.window, told.owed), (7, -80));
    own.told(&key(), &told, Heard::No);
    let told = own.owing(9, now)[0].1;
    assert_eq!(told.owed, -80);
    own.told(&key(), &told, Heard::Perhaps);
    assert!(own.owes_nothing(), "it may have arrived");
    // What is owed is told again.
    assert!(own.settle(&change(7, 10, 25)));
    let told = own.owing(9, now)[0].1;
    assert_eq!(told.owed, 15);
    own.told(&key(), &told, Heard::Perhaps);
    let told = own.owing(9, now)[0].1;
    assert_eq!(told.owed, 15);
    own.told(&key(), &told, Heard::Yes);
    assert!(own.owes_nothing());
}

#[test]
fn a_settlement_of_another_window_changes_nothing() {
    let now = Instant::now();
    let mut own = Own::default();
    own.taken(&key(), &Told::default(), &window(7, 90), 90, now);
    assert!(!own.settle(&change(6, 90, 10)));
    let told = own.tell(&key(), now);
    own.taken(&key(), &told, &window(8, 5), 5, now + MINUTE);
    assert!(!own.settle(&change(7, 90, 10)), "the window has ended");
    assert_eq!(own.report(now + MINUTE)[0].1.used, 5);
}

#[test]
fn a_window_that_is_over_is_not_told() {
    let now = Instant::now();
    let mut own = Own::default();
    own.taken(&key(), &Told::default(), &window(7, 90), 90, now);
    own.settle(&change(7, 90, 95));
    assert_eq!(own.tell(&key(), now + MINUTE), Told::default());
    assert_eq!(own.owing(9, now + MINUTE), []);
    assert!(own.owes_nothing());
}

#[test]
fn alone_a_gateway_goes_on_from_what_it_used_and_stops_at_its_share() {
    let now = Instant::now();
    let mut own = Own::default();
    own.taken(&key(), &Told::default(), &window(7, 80), 30, now);
    let alone = |own: &mut Own, planned| own.count_alone(&[demand(planned, 100)], 2, now, 9);
    let taken = alone(&mut own, 15).unwrap();
    assert!(taken.is_alone);
    assert_eq!((taken.held[0].window, taken.held[0].remaining), (7, 5));
    assert_eq!(alone(&mut own, 6), Err(NoRoom::Full { index: 0, left: MINUTE }));
    alone(&mut own, 5).unwrap();
    let told = own.tell(&key(), now);
    assert_eq!((told.owed, told.is_alone), (20, true));
    own.told(&key(), &told, Heard::Yes);
    assert!(!own.tell(&key(), now).is_alone);
    let report = Report { window: 7, used: 50, seen: 80, left: MINUTE, is_alone: false };
    assert_eq!(own.report(now), [(key(), report)]);
}

#[test]
fn alone_a_new_window_begins_with_its_first_use() {
    let now = Instant::now();
    let mut own = Own::default();
    let taken = own.count_alone(&[demand(10, 100)], 2, now, 9).unwrap();
    assert_eq!((taken.held[0].window, taken.held[0].left), (9, MINUTE));
    let later = now + MINUTE;
    let taken = own.count_alone(&[demand(50, 100)], 2, later, 11).unwrap();
    assert_eq!((taken.held[0].window, taken.held[0].remaining), (11, 0));
    // The others have begun another window in the meantime: what was used alone is in it.
    let told = own.tell(&key(), later);
    own.taken(&key(), &told, &window(12, 75), 5, later);
    let report = Report { window: 12, used: 55, seen: 75, left: MINUTE, is_alone: false };
    assert_eq!(own.report(later), [(key(), report)]);
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
    assert_eq!(own.tell(&key(), now), Told::default());
}
