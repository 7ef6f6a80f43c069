//! Times decisions and reloads of large policies: what `cargo xtask bench policy` prints.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a program for measuring")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use bartizan_core::access::Call;
use bartizan_core::principal::{Principal, PrincipalKind};
use bartizan_core::settings::Settings;
use bartizan_core::{Name, time};
use bartizan_policy::{Catalogue, Sources, load_str};

/// Decisions that are timed as one sample, and samples of which the median is said.
const BATCH: usize = 2_000;
const SAMPLES: usize = 51;
/// Reloads of which the median is said.
const RELOADS: usize = 7;

fn main() {
    let mut out = serde_json::Map::new();
    for rules in [10, 10_000] {
        let settings = load(&with_rules(rules), Path::new(""));
        let member = format!("user-{}@example.com", rules / 2);
        let endpoint = format!("e{}", rules / 2);
        put(
            &mut out,
            format!("decision_us_{rules}_rules"),
            decision(&settings, &member, &endpoint),
        );
        put(&mut out, format!("denied_us_{rules}_rules"), decision(&settings, "nobody", &endpoint));
    }
    let folder = std::env::temp_dir().join(format!("bartizan-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("all.txt"), members(1_000_000)).expect("a file");
    let began = Instant::now();
    let settings = load(LARGE, &folder);
    put(&mut out, "load_ms_1m_list".into(), began.elapsed().as_secs_f64() * 1e3);
    put(&mut out, "decision_us_1m_list".into(), decision(&settings, "u654321@example.com", "e"));
    put(&mut out, "denied_us_1m_list".into(), decision(&settings, "u1000001@example.com", "e"));
    drop(settings);
    for policies in [1, 16, 256] {
        std::fs::write(folder.join("a.cedar"), cedar(policies)).expect("a file");
        let settings = load(&(with_rules(10) + "cedar: [a.cedar]\n"), &folder);
        let member = "user-5@example.com";
        put(&mut out, format!("cedar_us_{policies}"), decision(&settings, member, "e5"));
    }
    let _ = std::fs::remove_dir_all(&folder);
    let text = with_rules(10_000);
    let reloads = (0..RELOADS).map(|_| {
        let began = Instant::now();
        black_box(load(&text, Path::new("")));
        began.elapsed()
    });
    put(&mut out, "reload_ms_10000_rules".into(), median(reloads.collect()).as_secs_f64() * 1e3);
    println!("{}", serde_json::Value::Object(out));
}

fn put(out: &mut serde_json::Map<String, serde_json::Value>, name: String, number: f64) {
    out.insert(name, number.into());
}

fn load(text: &str, folder: &Path) -> Settings {
    let catalogue = Catalogue {
        detectors: &[],
        on_request: &[],
        models: None,
        channels: &[],
        guards: &[],
        trained: &[],
    };
    load_str(text, "bench", folder, catalogue, Sources::of(&|_| None)).expect("a policy")
}

/// So many endpoints, each open to a group of its own with one member.
fn with_rules(rules: usize) -> String {
    let mut text = "version: 1\nproviders: { demo: { demo: {} } }\ngroups:\n".to_owned();
    for rule in 0..rules {
        writeln!(text, "  g{rule}: [user-{rule}@example.com]").expect("text");
    }
    text += "endpoints:\n";
    for rule in 0..rules {
        writeln!(text, "  e{rule}: {{ routes: [{{ provider: demo }}], allow: [g{rule}] }}")
            .expect("text");
    }
    text
}

/// One endpoint that is open to a group whose members lie in a file.
const LARGE: &str = "version: 1\nproviders: { demo: { demo: {} } }\nendpoints:\n  e: { routes: [{ provider: demo }], allow: [all] }\ngroups: { all: [\"file:all.txt\"] }\n";

fn members(count: usize) -> String {
    let mut text = String::new();
    for member in 0..count {
        writeln!(text, "u{member}@example.com").expect("text");
    }
    text
}

/// Policies that are about the endpoint and do not apply.
fn cedar(policies: usize) -> String {
    let mut text = String::new();
    for policy in 0..policies {
        writeln!(
            text,
            "@id(\"p-{policy}\")\nforbid (principal in Group::\"g{}\", action == Action::\"call\", resource)\nwhen {{ context.operation == \"embeddings\" }};",
            policy + 100
        )
        .expect("text");
    }
    text
}

/// Median time of a decision in microseconds, the look-up of the caller's groups included.
fn decision(settings: &Settings, name: &str, endpoint: &str) -> f64 {
    let endpoint: Name = endpoint.parse().expect("a name");
    let at = time::now();
    let samples = (0..SAMPLES).map(|_| {
        let began = Instant::now();
        for _ in 0..BATCH {
            let (kind, name) = (PrincipalKind::User, black_box(name));
            let groups = settings.access.groups_of(kind, name).to_vec();
            let caller = Principal { kind, name: name.to_owned(), groups };
            let call =
                Call { endpoint: black_box(&endpoint), operation: "messages", model: "", at };
            black_box(settings.access.call(&caller, &call));
        }
        began.elapsed()
    });
    median(samples.collect()).as_secs_f64() * 1e6 / BATCH as f64
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
