//! Tokens that nobody should take.

use bartizan_core::error::Coded;
use bartizan_core::redact::Secret;
use biscuit_auth::builder::{Algorithm, BlockBuilder};
use biscuit_auth::{Biscuit, KeyPair};

use super::support::{
    after, append, authority, bytes, foreign, keys, mint, now, reach, request, root, token, verify,
};
use crate::container::{Container, sign_first};
use crate::{
    Authority, GrantError, Narrowing, PREFIX, Reach, SigningKeys, TOKEN_BYTES, block, narrow,
};

fn noted(parent: &Secret, note: &str) -> Secret {
    narrow(parent, &Narrowing { note: Some(note.to_owned()), ..Narrowing::default() }).unwrap()
}

#[test]
fn each_bit_counts() {
    let genuine =
        noted(&append(&mint(reach()), "check if time($t), $t <= 2026-11-01T12:05:00Z"), "a");
    let bytes = bytes(&genuine);
    assert!(verify(&genuine).is_ok());
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bent = bytes.clone();
            bent[at] ^= 1 << bit;
            assert!(verify(&token(&bent)).is_err(), "byte {at}, bit {bit}");
        }
    }
    for at in 0..bytes.len() {
        assert!(verify(&token(&bytes[..at])).is_err(), "{at} bytes");
    }
    assert_eq!(verify(&token(&[bytes.as_slice(), &[0]].concat())), Err(GrantError::Malformed));
}

#[test]
fn each_character_counts() {
    let genuine = mint(Reach::default());
    let text = genuine.expose();
    for at in 0..text.trim_end_matches('=').len() {
        let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
        let bent = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        assert!(verify(&Secret::new(bent)).is_err(), "{at}");
    }
}

#[test]
fn only_the_issuer_makes_tokens() {
    let other = Authority::new(SigningKeys::generate().unwrap());
    let (token, _) = other.mint(request(reach()), now()).unwrap();
    assert_eq!(verify(&token), Err(GrantError::UnknownKey));
    // The same id, another key.
    let data = block::write_first(verify(&mint(reach())).unwrap().grant());
    let forged = sign_first(keys().id(), SigningKeys::generate().unwrap().pair(), &data).unwrap();
    assert_eq!(verify(&super::support::token(&forged)), Err(GrantError::Signature));
}

#[test]
fn a_block_cannot_be_left_off_or_moved() {
    let parent = mint(reach());
    let child = noted(&noted(&parent, "first"), "second");
    let mut proto = foreign(&child).unwrap().container().to_proto();
    let refused = |proto: &biscuit_auth::format::schema::Biscuit| {
        let mut bytes = Vec::new();
        write(proto, &mut bytes);
        assert_eq!(verify(&token(&bytes)), Err(GrantError::Signature));
    };
    let genuine = proto.clone();
    let last = proto.blocks.pop().unwrap();
    refused(&proto);
    proto.blocks.insert(0, last);
    refused(&proto);
    // The secret of the parent does not go with the blocks of the child, nor the other way round.
    let parents = foreign(&parent).unwrap().container().to_proto();
    refused(&biscuit_auth::format::schema::Biscuit {
        proof: parents.proof.clone(),
        ..genuine.clone()
    });
    refused(&biscuit_auth::format::schema::Biscuit { proof: genuine.proof, ..parents });
}

#[test]
fn blocks_of_another_token_are_none() {
    let (one, other) = (noted(&mint(reach()), "a"), noted(&mint(Reach::default()), "a"));
    let mut mixed = foreign(&one).unwrap().container().to_proto();
    let other = foreign(&other).unwrap().container().to_proto();
    mixed.blocks = other.blocks;
    mixed.proof = other.proof;
    let mut bytes = Vec::new();
    write(&mixed, &mut bytes);
    assert_eq!(verify(&token(&bytes)), Err(GrantError::Signature));
}

/// Writes what the reference implementation took apart.
fn write(proto: &biscuit_auth::format::schema::Biscuit, bytes: &mut Vec<u8>) {
    use biscuit_auth::format::schema::proof::Content;

    use crate::wire::Message;
    let block = |block: &biscuit_auth::format::schema::SignedBlock| {
        let key = Message::default().number(1, 0).bytes(2, &block.next_key.key);
        Message::default().bytes(1, &block.block).message(2, &key).bytes(3, &block.signature)
    };
    let token = Message::default()
        .number(1, proto.root_key_id.unwrap().into())
        .message(2, &block(&proto.authority));
    let token = proto.blocks.iter().fold(token, |token, one| token.message(3, &block(one)));
    let Some(Content::NextSecret(secret)) = &proto.proof.content else { panic!("sealed") };
    *bytes = token.message(4, &Message::default().bytes(1, secret)).into_bytes();
}

#[test]
fn blocks_of_third_parties_are_refused() {
    let parent = foreign(&mint(reach())).unwrap();
    let third = KeyPair::new();
    let block = BlockBuilder::new().code("check if time($t), $t <= 2026-11-01T12:05:00Z").unwrap();
    let signed = parent.third_party_request().unwrap().create_block(&third.private(), block);
    let narrowed = parent.append_third_party(third.public(), signed.unwrap()).unwrap();
    assert_eq!(verify(&token(&narrowed.to_vec().unwrap())), Err(GrantError::ThirdParty));
}

#[test]
fn other_algorithms_are_refused() {
    let p256 = KeyPair::new_with_algorithm(Algorithm::Secp256r1);
    let parent = foreign(&mint(reach())).unwrap();
    let narrowed = parent.append_with_keypair(&p256, BlockBuilder::new()).unwrap();
    assert_eq!(verify(&token(&narrowed.to_vec().unwrap())), Err(GrantError::Algorithm));
    let by_p256 = Biscuit::builder().root_key_id(keys().id()).build(&p256).unwrap();
    assert_eq!(verify(&token(&by_p256.to_vec().unwrap())), Err(GrantError::Malformed));
}

#[test]
fn the_issuer_is_held_to_the_form_as_well() {
    let says = |datalog: &str| {
        let builder = Biscuit::builder().root_key_id(keys().id()).code(datalog).unwrap();
        verify(&token(&builder.build(&root()).unwrap().to_vec().unwrap()))
    };
    let thumbprint = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    let good = format!(
        "principal(\"user\", \"alice\"); session(\"0191e7a0-0000-7000-8000-000000000000\");
         origin(\"key\"); bound(\"jkt\", \"{thumbprint}\"); issued(2026-11-01T12:00:00Z);
         check if time($t), $t <= 2026-11-01T12:10:00Z;"
    );
    assert_eq!(says(&good).unwrap().grant().expires, after(600));
    for (part, instead) in [
        ("principal(\"user\", \"alice\");", ""),
        ("\"user\"", "\"admin\""),
        ("\"alice\"", "\"al ice\""),
        ("\"jkt\"", "\"sha1\""),
        ("-7000-", "-4000-"),
        ("0191e7a0", "0191E7A0"),
        ("issued(2026-11-01T12:00:00Z);", ""),
        ("issued(2026-11-01T12:00:00Z);", "issued(\"2026\");"),
        ("check if time($t), $t <= 2026-11-01T12:10:00Z;", ""),
        ("session(", "other(\"x\"); session("),
        ("session(", "endpoint(\"x\"); session("),
        ("session(", "origin(\"key2\"); session("),
        ("session(", "group(\"a b\"); session("),
        ("session(", "group($x) <- group($x); session("),
        (thumbprint, "AAAA"),
    ] {
        let bent = good.replacen(part, instead, 1);
        assert_ne!(bent, good);
        assert_eq!(says(&bent), Err(GrantError::FirstBlock), "{part} {instead}");
    }
    let long = good.replace("12:10:00", "12:15:01");
    assert_eq!(says(&long), Err(GrantError::LivesTooLong));
}

#[test]
fn large_tokens_are_not_looked_at() {
    let long = Secret::new(format!("{PREFIX}{}", "A".repeat(16 << 20)));
    let error = GrantError::TooLong { limit_bytes: TOKEN_BYTES };
    let began = std::time::Instant::now();
    for _ in 0..1000 {
        assert_eq!(verify_with(&long), Err(error));
    }
    assert!(began.elapsed() < std::time::Duration::from_secs(1));
    for other in ["", "bzt", "Bearer x", "eyJhbGciOiJub25lIn0.e30."] {
        assert_eq!(verify_with(&Secret::new(other)), Err(GrantError::Prefix));
    }
    for other in ["bzt_", "bzt_!", "bzt_AA=A", "bzt_AB=="] {
        assert!(verify_with(&Secret::new(other)).is_err());
    }
}

fn verify_with(token: &Secret) -> Result<crate::Verified, GrantError> {
    thread_local! {
        static AUTHORITY: Authority = authority();
    }
    AUTHORITY.with(|authority| authority.verify(token, now()))
}

#[test]
fn nothing_that_is_shown_has_the_token_in_it() {
    let genuine = noted(&mint(reach()), "canary-note");
    let bytes = bytes(&genuine);
    let secret = bytes[bytes.len() - 32..].to_vec();
    let shown = format!(
        "{genuine:?} {:?} {:?} {:?}",
        Container::parse(&bytes).unwrap(),
        verify(&genuine).unwrap(),
        authority()
    );
    let errors: Vec<GrantError> = (0..bytes.len())
        .map(|at| {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            verify(&token(&bent)).unwrap_err()
        })
        .collect();
    let codes: std::collections::BTreeSet<_> = errors.iter().map(Coded::code).collect();
    assert!(codes.len() >= 4, "{codes:?}");
    let errors: Vec<String> = errors.iter().map(|error| format!("{error} {error:?}")).collect();
    let errors = errors.join("\n");
    let hex: Vec<String> = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex = hex.concat();
    let list = format!("{secret:?}");
    let text = &genuine.expose()[genuine.expose().len() - 40..];
    for canary in [hex.as_str(), text, list.trim_matches(['[', ']'])] {
        assert!(!shown.contains(canary) && !errors.contains(canary), "{canary}");
    }
    for canary in ["canary", "alice", "github", "key-7f3a"] {
        assert!(!errors.contains(canary), "{canary}");
    }
}
