//! The server is stopped, killed, started again and cut off: nobody goes over a limit by that.

use bartizan_core::settings::WhenAway;
use bartizan_testkit::servers::{Keeps, RedisServer};

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);
const ALONE: WhenAway = WhenAway::CountAlone { gateways: 2 };

/// Waits until the server counts again for this gateway.
async fn back(counters: &RedisCounters) {
    for _ in 0..1_000 {
        if ask(counters, vec![demand("other", 0, 1, HOUR)]).await.is_ok_and(|taken| !taken.is_alone)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no connection after ten seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_refused_while_nobody_counts_and_the_policy_says_so() {
    let mut server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let one = gateway(&server, WhenAway::Deny).await;
    let ask = async || ask(&*one, vec![demand("", 1, 100, HOUR)]).await;
    ask().await.unwrap();
    server.kill().unwrap();
    for _ in 0..3 {
        assert_eq!(ask().await, Err(NoRoom::Away));
    }
    assert!(!one.standing().is_up && one.standing().denies_when_away);
    server.start_again().unwrap();
    back(&one).await;
    // What the server forgot, it was told again.
    assert_eq!(ask().await.unwrap().held[0].remaining, 98);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_everything_is_told_what_each_gateway_used() {
    let mut server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let (one, other) = (gateway(&server, ALONE).await, gateway(&server, ALONE).await);
    ask(&*one, vec![demand("", 30, 100, HOUR)]).await.unwrap();
    ask(&*other, vec![demand("", 45, 100, HOUR)]).await.unwrap();
    server.kill().unwrap();
    server.start_again().unwrap();
    back(&one).await;
    back(&other).await;
    let taken = ask(&*one, vec![demand("", 0, 100, HOUR)]).await.unwrap();
    assert_eq!(taken.held[0].remaining, 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gateways_used_that_are_gone_is_remembered_by_the_others() {
    let mut server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let (one, other) =
        (gateway(&server, WhenAway::Deny).await, gateway(&server, WhenAway::Deny).await);
    ask(&*other, vec![demand("", 45, 100, HOUR)]).await.unwrap();
    ask(&*one, vec![demand("", 30, 100, HOUR)]).await.unwrap();
    drop(other);
    server.kill().unwrap();
    server.start_again().unwrap();
    back(&one).await;
    assert_eq!(ask(&*one, vec![demand("", 0, 100, HOUR)]).await.unwrap().held[0].remaining, 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_forgot_without_a_restart_is_told_as_well() {
    let server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let (one, other) =
        (gateway(&server, WhenAway::Deny).await, gateway(&server, WhenAway::Deny).await);
    ask(&*one, vec![demand("", 30, 100, HOUR)]).await.unwrap();
    ask(&*other, vec![demand("", 45, 100, HOUR)]).await.unwrap();
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
    assert_eq!(ask(&*one, vec![demand("", 1, 100, HOUR)]).await, Err(NoRoom::Away));
    assert_eq!(ask(&*other, vec![demand("", 1, 100, HOUR)]).await, Err(NoRoom::Away));
    back(&one).await;
    back(&other).await;
    assert_eq!(ask(&*one, vec![demand("", 0, 100, HOUR)]).await.unwrap().held[0].remaining, 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_back_with_an_old_memory_is_told_what_came_since() {
    let mut server = RedisServer::start(Keeps::Everything, &[]).unwrap();
    let one = gateway(&server, WhenAway::Deny).await;
    ask(&*one, vec![demand("", 10, 100, HOUR)]).await.unwrap();
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("SAVE").query_async(&mut connection).await.unwrap();
    ask(&*one, vec![demand("", 50, 100, HOUR)]).await.unwrap();
    server.kill().unwrap();
    server.start_again().unwrap();
    back(&one).await;
    assert_eq!(ask(&*one, vec![demand("", 0, 100, HOUR)]).await.unwrap().held[0].remaining, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_counters_is_told_again_twice() {
    let mut server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let (one, other) = (gateway(&server, ALONE).await, gateway(&server, ALONE).await);
    let all: Vec<String> = (0..300).map(|number| format!("user-{number}")).collect();
    for who in &all {
        let taken = ask(&*one, vec![demand(who, 40, 100, HOUR)]).await.unwrap();
        // Nothing of a third was used in the end.
        let used = if who.ends_with('3') { 0 } else { 40 };
        let window = taken.held[0].window;
        one.settle(vec![Change { key: key(who), window, planned: 40, used }]);
        ask(&*other, vec![demand(who, 40, 100, HOUR)]).await.unwrap();
    }
    for _ in 0..2 {
        one.finish(Duration::from_secs(5)).await;
        server.kill().unwrap();
        server.start_again().unwrap();
        back(&one).await;
        back(&other).await;
        for who in &all {
            let taken = ask(&*other, vec![demand(who, 0, 100, HOUR)]).await.unwrap();
            let free = if who.ends_with('3') { 60 } else { 20 };
            assert_eq!(taken.held[0].remaining, free, "{who}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_alone_survives_a_second_loss() {
    let mut server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let (one, other) = (gateway(&server, ALONE).await, gateway(&server, ALONE).await);
    server.kill().unwrap();
    // Each begins a window of its own.
    for counters in [&one, &other] {
        for _ in 0..50 {
            if ask(&**counters, vec![demand("", 50, 100, HOUR)]).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    for _ in 0..2 {
        server.start_again().unwrap();
        back(&one).await;
        back(&other).await;
        for counters in [&one, &other] {
            let refused = ask(&**counters, vec![demand("", 1, 100, HOUR)]).await;
            assert!(matches!(refused, Err(NoRoom::Full { .. })), "{refused:?}");
        }
        server.kill().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_alone_is_charged_where_the_server_had_begun_a_window_unheard() {
    let server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let (one, other) = (gateway(&server, ALONE).await, gateway(&server, ALONE).await);
    server.pause().unwrap();
    // The server hears of this one later, and nobody hears its answer.
    let alone = ask(&*one, vec![demand("", 10, 100, HOUR)]).await.unwrap();
    assert!(alone.is_alone);
    assert!(ask(&*one, vec![demand("", 30, 100, HOUR)]).await.unwrap().is_alone);
    server.resume().unwrap();
    back(&other).await;
    back(&one).await;
    one.finish(Duration::from_secs(5)).await;
    let refused = ask(&*other, vec![demand("", 61, 100, HOUR)]).await;
    assert!(matches!(refused, Err(NoRoom::Full { .. })), "{refused:?}");
    // And what is settled from now on is heard.
    let taken = ask(&*one, vec![demand("", 20, 100, HOUR)]).await.unwrap();
    settle(&*one, &taken, 20, 0);
    until_room(&*other, &demand("", 45, 100, HOUR)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_was_cut_off_while_the_server_forgot_reports_before_it_asks() {
    let server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let (one, other) =
        (gateway(&server, WhenAway::Deny).await, gateway(&server, WhenAway::Deny).await);
    ask(&*one, vec![demand("", 60, 100, HOUR)]).await.unwrap();
    // The server forgets, and calls itself by another generation; nobody asks it for longer than reports may take.
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("FLUSHALL").query_async(&mut connection).await.unwrap();
    let () = redis::cmd("SET")
        .arg(&["{bartizan}:run", "another 17"])
        .query_async(&mut connection)
        .await
        .unwrap();
    back(&other).await;
    let refused = ask(&*other, vec![demand("", 41, 100, HOUR)]).await;
    back(&one).await;
    let again = ask(&*other, vec![demand("", 41, 100, HOUR)]).await;
    assert!(refused.is_err() && again.is_err(), "{refused:?} {again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_counter_that_cannot_be_told_of_keeps_no_other_from_it() {
    let server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let one = gateway(&server, WhenAway::Deny).await;
    let take = async |who: &str| {
        ask(&*one, vec![demand(who, 90, 100, HOUR)]).await.unwrap().held[0].window
    };
    let (bad, good) = (take("bad").await, take("good").await);
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    for counter in keys.iter().filter(|key| !key.ends_with(":run")) {
        // The one of them that is not the good one becomes a text, which no counter is.
        let has: Vec<String> =
            redis::cmd("HVALS").arg(counter).query_async(&mut connection).await.unwrap();
        if has.contains(&bad.to_string()) {
            let () =
                redis::cmd("SET").arg(counter).arg("x").query_async(&mut connection).await.unwrap();
        }
    }
    let change = |who: &str, window| Change { key: key(who), window, planned: 90, used: 1 };
    one.settle(vec![change("bad", bad), change("good", good)]);
    until_room(&*one, &demand("good", 99, 100, HOUR)).await;
    one.finish(Duration::from_secs(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes_is_away() {
    let primary = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let port = primary.port().to_string();
    let server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let one = gateway(&server, WhenAway::Deny).await;
    ask(&*one, vec![demand("", 1, 100, HOUR)]).await.unwrap();
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("REPLICAOF")
        .arg(&["127.0.0.1", &port])
        .query_async(&mut connection)
        .await
        .unwrap();
    for _ in 0..200 {
        if !one.standing().is_up {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a replica counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn alone_each_gateway_has_its_share_and_it_counts_when_the_server_is_back() {
    for keeps in [Keeps::Nothing, Keeps::Everything] {
        let mut server = RedisServer::start(keeps, &[]).unwrap();
        let (one, other) = (gateway(&server, ALONE).await, gateway(&server, ALONE).await);
        ask(&*one, vec![demand("", 20, 100, HOUR)]).await.unwrap();
        server.stop().unwrap();
        let alone = async |counters: &RedisCounters| {
            let mut passed = 0;
            while let Ok(taken) = ask(counters, vec![demand("", 1, 100, HOUR)]).await {
                assert!(taken.is_alone);
                passed += 1;
            }
            passed
        };
        assert_eq!((alone(&one).await, alone(&other).await), (30, 50), "{keeps:?}");
        server.start_again().unwrap();
        back(&one).await;
        back(&other).await;
        let refused = ask(&*one, vec![demand("", 1, 100, HOUR)]).await.unwrap_err();
        assert!(matches!(refused, NoRoom::Full { .. }), "{keeps:?}: {refused:?}");
        assert!(ask(&*other, vec![demand("", 1, 100, HOUR)]).await.is_err(), "{keeps:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stopped_and_started_under_load_no_one_goes_over() {
    let mut server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let pair = [gateway(&server, WhenAway::Deny).await, gateway(&server, WhenAway::Deny).await];
    let passed = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let until = Instant::now() + Duration::from_secs(4);
    let mut clients = Vec::new();
    for client in 0..200 {
        let counters = Arc::clone(&pair[client % 2]);
        let passed = Arc::clone(&passed);
        clients.push(tokio::spawn(async move {
            while Instant::now() < until {
                match ask(&*counters, vec![demand("", 5, 20_000, HOUR)]).await {
                    Ok(taken) => {
                        tokio::time::sleep(Duration::from_millis(3)).await;
                        passed.fetch_add(2, std::sync::atomic::Ordering::Relaxed);
                        settle(&*counters, &taken, 5, 2);
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        }));
    }
    for kill in [true, false, true] {
        tokio::time::sleep(Duration::from_millis(600)).await;
        let mut moved = server;
        server = tokio::task::spawn_blocking(move || {
            if kill {
                moved.kill().unwrap();
            } else {
                moved.stop().unwrap();
            }
            std::thread::sleep(Duration::from_millis(200));
            moved.start_again().unwrap();
            moved
        })
        .await
        .unwrap();
    }
    for client in clients {
        client.await.unwrap();
    }
    let passed = passed.load(std::sync::atomic::Ordering::Relaxed);
    assert!(passed <= 20_000, "{passed} of 20,000 were used");
    assert!(passed > 1_000, "only {passed}: the load never passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_at_the_start_and_the_right_one_works() {
    let server = RedisServer::start(Keeps::Nothing, &["--requirepass", "correct-horse"]).unwrap();
    let mut wrong = settings(&server, WhenAway::Deny);
    for password in [None, Some("wrong")] {
        wrong.server.password = password.map(bartizan_core::Secret::new);
        let error = RedisCounters::open(&wrong).await.unwrap_err();
        let text = format!("{error:?}");
        assert!(matches!(error, bartizan_counters::CountersError::Refused { .. }), "{text}");
    }
    wrong.server.password = Some(bartizan_core::Secret::new("correct-horse"));
    let elsewhere = Redis { database: 99, ..wrong.clone() };
    RedisCounters::open(&elsewhere).await.unwrap_err();
    let right = RedisCounters::open(&wrong).await.unwrap();
    ask(&right, vec![demand("", 1, 1, HOUR)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_at_the_start_is_waited_for() {
    let mut server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    server.stop().unwrap();
    let one = gateway(&server, WhenAway::Deny).await;
    assert_eq!(ask(&*one, vec![demand("", 1, 1, HOUR)]).await, Err(NoRoom::Away));
    server.start_again().unwrap();
    back(&one).await;
    ask(&*one, vec![demand("", 1, 1, HOUR)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_somebody_else_stops_no_gateway() {
    let server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let one = gateway(&server, ALONE).await;
    ask(&*one, vec![demand("", 1, 10, HOUR)]).await.unwrap();
    // All keys become texts, which no counter is.
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let counter = keys.iter().find(|key| !key.ends_with(":run")).unwrap();
    let () = redis::cmd("SET").arg(counter).arg("x").query_async(&mut connection).await.unwrap();
    let taken = ask(&*one, vec![demand("", 1, 10, HOUR)]).await.unwrap();
    assert!(taken.is_alone);
    assert!(one.standing().is_up && one.standing().failures > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_the_rights_of_the_guide_may_do_all_that_is_needed() {
    const GUIDE: &str = include_str!("../../../../docs/guides/two-gateways.md");
    let line = GUIDE.lines().find(|line| line.starts_with("ACL SETUSER ")).unwrap();
    let server = RedisServer::start(Keeps::Nothing, &[]).unwrap();
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port())).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut words = line.split(' ');
    let mut rule = redis::cmd(words.next().unwrap());
    for word in words {
        rule.arg(word.replace('…', "correct-horse"));
    }
    let () = rule.query_async(&mut connection).await.unwrap();
    let () = redis::cmd("ACL")
        .arg(&["SETUSER", "default", "off"])
        .query_async(&mut connection)
        .await
        .unwrap();
    let mut settings = settings(&server, WhenAway::Deny);
    settings.server.user = Some("bartizan".to_owned());
    settings.server.password = Some(bartizan_core::Secret::new("correct-horse"));
    let one = RedisCounters::open(&settings).await.unwrap();
    let taken = ask(&one, vec![demand("", 9, 10, HOUR)]).await.unwrap();
    settle(&one, &taken, 9, 1);
    one.finish(Duration::from_secs(1)).await;
    assert_eq!(ask(&one, vec![demand("", 9, 10, HOUR)]).await.unwrap().held[0].remaining, 0);
    assert_eq!(one.standing().failures, 0);
}
