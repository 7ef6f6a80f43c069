//! What every kind of counters has to hold.

use bartizan_core::settings::WhenAway;
use bartizan_gateway::MemoryCounters;
use bartizan_testkit::servers::{Keeps, RedisServer};

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// Two gateways: of memory the same twice, of Redis two that know nothing of each other.
type Pair = [Arc<dyn Counters>; 2];

/// Runs a test against memory and against Redis.
fn against_all<F: Future<Output = ()>>(test: impl Fn(Pair) -> F) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.unwrap();
    let memory: Arc<dyn Counters> = Arc::new(MemoryCounters::default());
    runtime.block_on(test([Arc::clone(&memory), memory]));
    let server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    runtime.block_on(async {
        let one = gateway(&server, WhenAway::Deny).await;
        let other = gateway(&server, WhenAway::Deny).await;
        test([one, other]).await;
    });
}

#[test]
fn a_thousand_clients_of_two_gateways_never_go_over() {
    against_all(|pair| async move {
        let mut tasks = Vec::new();
        for client in 0..1_000 {
            let counters = Arc::clone(&pair[client % 2]);
            tasks.push(tokio::spawn(async move {
                let mut passed = 0;
                for _ in 0..3 {
                    passed += usize::from(
                        ask(&*counters, vec![demand("", 1, 1_234, HOUR)]).await.is_ok(),
                    );
                }
                passed
            }));
        }
        let mut passed = 0;
        for task in tasks {
            passed += task.await.unwrap();
        }
        assert_eq!(passed, 1_234);
    });
}

#[test]
fn room_is_taken_on_all_counters_or_on_none() {
    against_all(|[one, other]| async move {
        let both = |a, b| vec![demand("a", a, 10, HOUR), demand("b", b, 5, HOUR)];
        ask(&*one, both(4, 4)).await.unwrap();
        let refused = ask(&*other, both(1, 2)).await.unwrap_err();
        assert!(matches!(refused, NoRoom::Full { index: 1, .. }), "{refused:?}");
        let taken = ask(&*other, both(6, 1)).await.unwrap();
        assert_eq!(taken.held.iter().map(|held| held.remaining).collect::<Vec<_>>(), [0, 0]);
        assert!(!taken.is_alone);
    });
}

#[test]
fn what_was_not_used_comes_back_to_all() {
    against_all(|[one, other]| async move {
        let taken = ask(&*one, vec![demand("", 90, 100, HOUR)]).await.unwrap();
        assert!(ask(&*other, vec![demand("", 11, 100, HOUR)]).await.is_err());
        settle(&*one, &taken, 90, 30);
        until_room(&*other, &demand("", 70, 100, HOUR)).await;
        assert!(ask(&*one, vec![demand("", 1, 100, HOUR)]).await.is_err());
    });
}

#[test]
fn a_gateway_sees_what_it_gave_back_at_once() {
    against_all(|[one, _]| async move {
        for used in [0, 1, 2, 3, 0, 0]
            .repeat(20)
            .into_iter()
            .enumerate()
            .map(|(n, used)| if n < 6 { used } else { 0 })
        {
            let taken = ask(&*one, vec![demand("", 90, 100, HOUR)]).await.unwrap();
            settle(&*one, &taken, 90, used);
        }
        // What was used, 6 in all, is not given back.
        assert!(ask(&*one, vec![demand("", 95, 100, HOUR)]).await.is_err());
        ask(&*one, vec![demand("", 94, 100, HOUR)]).await.unwrap();
    });
}

#[test]
fn what_was_used_beyond_the_plan_is_charged() {
    against_all(|[one, other]| async move {
        let taken = ask(&*one, vec![demand("", 1, 100, HOUR)]).await.unwrap();
        settle(&*one, &taken, 1, 500);
        for _ in 0..500 {
            if ask(&*other, vec![demand("", 0, 100, HOUR)]).await.is_err() {
                assert!(ask(&*one, vec![demand("", 0, 100, HOUR)]).await.is_err());
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never charged");
    });
}

#[test]
fn a_window_begins_with_its_first_use_ends_and_owes_nothing() {
    const SHORT: Duration = Duration::from_millis(400);
    against_all(|[one, other]| async move {
        let late = ask(&*one, vec![demand("", 100, 100, SHORT)]).await.unwrap();
        assert!(late.held[0].left <= SHORT && !late.held[0].left.is_zero(), "{late:?}");
        let Err(NoRoom::Full { index: 0, left }) =
            ask(&*other, vec![demand("", 1, 100, SHORT)]).await
        else {
            panic!("there is room")
        };
        tokio::time::sleep(left + Duration::from_millis(20)).await;
        ask(&*other, vec![demand("", 40, 100, SHORT)]).await.unwrap();
        settle(&*one, &late, 100, 1_000_000);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let taken = ask(&*one, vec![demand("", 60, 100, SHORT)]).await.unwrap();
        assert_eq!(taken.held[0].remaining, 0);
    });
}

#[test]
fn amounts_are_exact_up_to_millions_of_dollars() {
    against_all(|[one, other]| async move {
        const MOST: u64 = (1 << 53) - 1;
        let ask = async |counters: &Arc<dyn Counters>, planned| {
            ask(&**counters, vec![demand("", planned, MOST, HOUR)]).await
        };
        ask(&one, MOST - 3).await.unwrap();
        assert!(ask(&other, 4).await.is_err());
        assert_eq!(ask(&other, 2).await.unwrap().held[0].remaining, 1);
        assert!(ask(&one, u64::MAX).await.is_err());
        assert!(ask(&one, 2).await.is_err());
        assert_eq!(ask(&one, 1).await.unwrap().held[0].remaining, 0);
    });
}

#[test]
fn a_shorter_window_of_a_new_policy_counts_at_once() {
    against_all(|[one, other]| async move {
        ask(&*one, vec![demand("", 100, 100, HOUR)]).await.unwrap();
        let short = Duration::from_millis(200);
        // In memory the new length counts from the beginning of the window, in Redis from now on.
        let _ = ask(&*other, vec![demand("", 1, 100, short)]).await;
        tokio::time::sleep(short + Duration::from_millis(20)).await;
        ask(&*other, vec![demand("", 100, 100, short)]).await.unwrap();
    });
}

#[test]
fn a_request_that_nobody_waits_for_takes_nothing() {
    against_all(|[one, other]| async move {
        for _ in 0..20 {
            // As when a client goes away while its limits are counted.
            drop(one.reserve(vec![demand("", 100, 100, HOUR)], Instant::now()));
            if matches!(
                one.reserve(vec![demand("", 0, 100, HOUR)], Instant::now()),
                bartizan_core::counters::Reserving::Done(_)
            ) {
                // In memory it is decided before anybody can go.
                return;
            }
        }
        until_room(&*other, &demand("", 100, 100, HOUR)).await;
    });
}
