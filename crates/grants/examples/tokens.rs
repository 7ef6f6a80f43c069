//! Times what a request with a short token costs, and an exchange: what `cargo xtask bench policy` prints.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a program for measuring")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bartizan_core::principal::PrincipalKind;
use bartizan_core::redact::Secret;
use bartizan_core::time;
use bartizan_grants::{
    Authority, Budget, MintRequest, Narrowing, Presented, ProofKey, Proofs, Reach, SigningKeys,
    narrow,
};

/// Times of which the median is said.
const SAMPLES: usize = 501;
const URL: &str = "https://gateway.example/v1/chat/completions";

fn main() {
    let authority = Authority::new(SigningKeys::generate().expect("keys"));
    let key = ProofKey::generate().expect("a key");
    let now = time::now();
    // Proofs of the very second of the start are not taken.
    let before = now.checked_sub(Duration::from_secs(5)).expect("a time");
    let proofs = Proofs::new(1 << 20, before, Instant::now());
    let mint = || {
        let reach = Reach {
            endpoints: Some(["chat".parse().expect("a name")].into()),
            budget: Budget { tokens: Some(200_000), cost: None },
            ..Reach::default()
        };
        let request = MintRequest {
            kind: PrincipalKind::User,
            name: "alice@example.com".to_owned(),
            groups: Vec::new(),
            tags: std::sync::Arc::default(),
            session: None,
            origin: "0191e7a0-0000-7000-8000-000000000000".parse().expect("an origin"),
            binding: key.binding(),
            reach,
            lifetime: Duration::from_secs(900),
        };
        authority.mint(request, now).expect("a token").0
    };
    let token = mint();
    let note = Some("agent".to_owned());
    let narrowing = Narrowing { note, ..Narrowing::default() };
    let narrowed = narrow(&token, &narrowing).expect("a narrower token");
    let twice = narrow(&narrowed, &narrowing).expect("a narrower token");
    let verify = |token: &Secret| {
        median(|| (), |()| drop(black_box(authority.verify(token, now).expect("a good token"))))
    };
    let binding = key.binding();
    let asking = Presented { method: "POST", url: URL, token: None, binding: None };
    let using =
        Presented { method: "POST", url: URL, token: Some(&token), binding: Some(&binding) };
    let proof_for_new = || key.prove_for_new("POST", URL, now).expect("a proof");
    let proof = || key.prove("POST", URL, &token, now).expect("a proof");
    let numbers = [
        ("token_verify_us", verify(&token)),
        ("token_verify_narrowed_us", verify(&narrowed)),
        ("token_verify_narrowed_twice_us", verify(&twice)),
        (
            "token_proof_us",
            median(proof, |proof| {
                proofs.verify(&proof, &using, now, Instant::now()).expect("a good proof");
            }),
        ),
        (
            // As a gateway does: the proof of whoever asks, and the token.
            "token_exchange_us",
            median(proof_for_new, |proof| {
                proofs.verify(&proof, &asking, now, Instant::now()).expect("a good proof");
                drop(black_box(mint()));
            }),
        ),
    ];
    let numbers = numbers.into_iter().map(|(name, us)| (name.to_owned(), us.into()));
    println!("{}", serde_json::Value::Object(numbers.collect()));
}

/// Microseconds.
fn median<T>(mut input: impl FnMut() -> T, mut run: impl FnMut(T)) -> f64 {
    let mut times: Vec<Duration> = (0..SAMPLES)
        .map(|_| {
            let input = input();
            let began = Instant::now();
            run(input);
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(SAMPLES / 2).copied().unwrap_or_default().as_secs_f64() * 1e6
}
