//! What must hold for any bytes: the oracles of the fuzz targets in `fuzz/`.
//!
//! A signature keeps strangers from blocks; here it does not, since whoever holds a token signs blocks of their own.

#![expect(clippy::expect_used, reason = "an oracle speaks by panicking")]

use bartizan_core::time::Timestamp;

use crate::block::{read_first, read_narrowing, write_first, write_narrowing};
use crate::container::Container;
use crate::json::Members;
use crate::proof::{Presented, Proofs};
use crate::symbols::Symbols;

/// An oracle: panics when something does not hold for the input.
pub type Oracle = fn(&[u8]);

/// Every target of this crate, by name.
pub const TARGETS: &[(&str, Oracle)] =
    &[("grant_blocks", grant_blocks), ("grant_proof", grant_proof)];

/// A token is read or refused, and a block that is read means the same when it is written again.
///
/// Input: a token, without its signatures being looked at, or the data of a block.
///
/// # Panics
/// When a block changes its meaning.
pub fn grant_blocks(input: &[u8]) {
    let Ok(token) = Container::parse(input) else {
        written_again(input, true, &mut Symbols::default());
        written_again(input, false, &mut Symbols::default());
        return;
    };
    let mut symbols = Symbols::default();
    for (index, block) in token.blocks.iter().enumerate() {
        if !written_again(block.data, index == 0, &mut symbols) {
            break;
        }
    }
}

/// Whether a block can be read.
fn written_again<'a>(data: &'a [u8], is_first: bool, symbols: &mut Symbols<'a>) -> bool {
    if is_first {
        let Ok(grant) = read_first(data, symbols) else { return false };
        let written = write_first(&grant);
        let again =
            read_first(&written, &mut Symbols::default()).expect("what was written is read");
        assert_eq!(again, grant);
    } else {
        let Ok(limits) = read_narrowing(data, symbols) else { return false };
        let empty = Symbols::default();
        let written = write_narrowing(&limits, &empty);
        let mut fresh = Symbols::default();
        let again = read_narrowing(&written, &mut fresh).expect("what was written is read");
        assert_eq!(again, limits);
    }
    true
}

/// A proof is taken or refused, and an object of JSON is read or not, whatever comes.
///
/// # Panics
/// When a proof that nobody signed is taken.
pub fn grant_proof(input: &[u8]) {
    let _ = Members::read(input);
    let Ok(text) = std::str::from_utf8(input) else { return };
    let request =
        Presented { method: "POST", url: "https://gateway.example/v1", token: None, binding: None };
    // The seeds are of that moment, and their key is nobody's: what is taken was signed by it.
    let now = Timestamp::from_second(1_800_000_000).expect("a time");
    if let Ok(checked) = Proofs::check(text, &request, now) {
        let [header, _, _] = text.split('.').collect::<Vec<_>>().try_into().expect("three parts");
        assert!(!header.is_empty() && checked.second().abs_diff(now.as_second()) <= 60);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Limits;
    use crate::{Authority, Budget, MintRequest, Narrowing, ProofKey, Reach, SigningKeys, narrow};

    #[test]
    fn everything_holds_for_the_corpora() {
        bartizan_testkit::corpus::holds(TARGETS);
    }

    /// Makes the corpora anew where `BARTIZAN_WRITE_SEEDS` is set; elsewhere, that what it makes holds is enough.
    #[test]
    fn seeds_hold() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let key = ProofKey::generate().unwrap();
        let reach = Reach {
            endpoints: Some(["chat".parse().unwrap()].into()),
            budget: Budget { tokens: Some(1_000), cost: None },
            ..Reach::default()
        };
        let request = MintRequest {
            kind: bartizan_core::PrincipalKind::User,
            name: "alice@example.com".to_owned(),
            groups: vec!["staff".parse().unwrap()],
            tags: std::sync::Arc::default(),
            session: None,
            origin: "0191e7a0-0000-7000-8000-000000000000".parse().unwrap(),
            binding: key.binding(),
            reach: reach.clone(),
            lifetime: std::time::Duration::from_secs(900),
        };
        let authority = Authority::new(SigningKeys::generate().unwrap());
        let (token, grant) = authority.mint(request, now).unwrap();
        let note = Some("agent".to_owned());
        let narrowing = Narrowing { reach: reach.clone(), note, ..Narrowing::default() };
        let narrowed = narrow(&token, &narrowing).unwrap();
        let limits = Limits { reach, expires: Some(now), note: Some("agent".to_owned()) };
        let bytes = |token: &bartizan_core::Secret| crate::text::decode(token).unwrap().to_vec();
        let proof = |id: &str| {
            let claims = format!(
                r#"{{"jti":"{id}","htm":"POST","htu":"https://gateway.example/v1","iat":1800000000}}"#
            );
            let header = format!(r#"{{"typ":"dpop+jwt","alg":"EdDSA","jwk":{}}}"#, key.jwk());
            key.sign(&header, &claims).into_bytes()
        };
        let seeds = [
            ("grant_blocks", "seed-token", bytes(&token)),
            ("grant_blocks", "seed-narrowed", bytes(&narrowed)),
            ("grant_blocks", "seed-first", write_first(&grant)),
            ("grant_blocks", "seed-limits", write_narrowing(&limits, &Symbols::default())),
            ("grant_proof", "seed-proof", proof("a0b1c2d3e4f5a6b7")),
            ("grant_proof", "seed-object", br#"{"a":1,"b":[{"c":"d"}]}"#.to_vec()),
        ];
        for (target, name, seed) in seeds {
            let (_, oracle) = TARGETS.iter().find(|(known, _)| *known == target).unwrap();
            oracle(&seed);
            if std::env::var_os("BARTIZAN_WRITE_SEEDS").is_some() {
                let folder = bartizan_testkit::corpus::fuzz().join("corpus").join(target);
                std::fs::create_dir_all(&folder).unwrap();
                std::fs::write(folder.join(name), &seed).unwrap();
            }
        }
    }
}
