//! Keys for which anybody can sign, and signatures that prove nothing: refused here and by the reference
//! implementation.

use aws_lc_rs::digest::{Context, SHA512};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use biscuit_auth::builder::Algorithm;
use biscuit_auth::{Biscuit, KeyPair, PrivateKey};

use super::support::{foreign, keys, mint, reach, root, token, verify};
use crate::GrantError;
use crate::container::Container;
use crate::ed25519::{KeyBytes, weak_keys};
use crate::wire::Message;

/// A block that says nothing, in version 3 of the language.
const BLOCK: &[u8] = &[0x18, 3];

const NOTHING: KeyBytes = {
    let mut point = [0; 32];
    point[0] = 1;
    point
};

fn block(data: &[u8], next: &[u8], signature: &[u8]) -> Message {
    let key = Message::default().number(1, 0).bytes(2, next);
    Message::default().bytes(1, data).message(2, &key).bytes(3, signature)
}

/// What a block is signed over.
fn message(data: &[u8], next: &[u8]) -> Vec<u8> {
    [data, &[0; 4], next].concat()
}

/// A token of which the first block names a key, and the second is signed somehow.
fn chain(
    named: &KeyBytes,
    note: &str,
    signature: &[u8; 64],
    next: &Ed25519KeyPair,
    seed: &KeyBytes,
) -> Vec<u8> {
    let genuine = foreign(&mint(reach())).unwrap();
    let first = &genuine.container().to_proto().authority.block;
    let signed = keys().pair().sign(&message(first, named));
    Message::default()
        .number(1, keys().id().into())
        .message(2, &block(first, named, signed.as_ref()))
        .message(3, &block(&noted(note), next.public_key().as_ref(), signature))
        .message(4, &Message::default().bytes(1, seed))
        .into_bytes()
}

fn noted(note: &str) -> Vec<u8> {
    [Message::default().bytes(2, note.as_bytes()).into_bytes().as_slice(), BLOCK].concat()
}

/// Signatures by nobody: half of them a weak point, and the other zero.
fn forged() -> Vec<[u8; 64]> {
    weak_keys().iter().map(|point| [*point, [0; 32]].concat().try_into().unwrap()).collect()
}

#[test]
fn a_block_signed_by_nobody_is_refused() {
    let seed = [9; 32];
    let next = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let mut taken = 0;
    for key in weak_keys() {
        let raw = ParsedPublicKey::new(&ED25519, key);
        for (attempt, signature) in (0..16).flat_map(|n| forged().into_iter().map(move |s| (n, s)))
        {
            let note = attempt.to_string();
            let message = message(&noted(&note), next.public_key().as_ref());
            let holds = |raw: &ParsedPublicKey| raw.verify_sig(&message, &signature).is_ok();
            if !raw.as_ref().is_ok_and(holds) {
                continue;
            }
            taken += 1;
            let forged = token(&chain(&key, &note, &signature, &next, &seed));
            assert_eq!(verify(&forged), Err(GrantError::WeakKey), "{key:02x?}");
            assert!(foreign(&forged).is_err(), "{key:02x?}");
        }
    }
    assert!(taken >= 8, "the signatures hold, and only the keys are at fault: {taken}");
}

#[test]
fn a_weak_key_is_refused_wherever_it_stands() {
    let genuine = foreign(&mint(reach())).unwrap().container().to_proto();
    for key in weak_keys() {
        let data = &genuine.authority.block;
        let signed = keys().pair().sign(&message(data, &key));
        for proof in [Message::default().bytes(1, &[0; 32]), Message::default().bytes(2, &[0; 64])]
        {
            let token = Message::default().number(1, keys().id().into());
            let token = token.message(2, &block(data, &key, signed.as_ref()));
            let bytes = token.message(4, &proof).into_bytes();
            assert_eq!(verify(&super::support::token(&bytes)), Err(GrantError::WeakKey));
            assert!(Biscuit::from(&bytes, root().public()).is_err(), "{key:02x?}");
        }
    }
}

/// By a key as it should be, whose owner chose the random part so that the secret follows from the signature.
#[test]
fn a_signature_that_gives_the_secret_away_is_refused_as_the_reference_does() {
    let (seed, next_seed) = ([5; 32], [9; 32]);
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let next = Ed25519KeyPair::from_seed_unchecked(&next_seed).unwrap();
    let named: KeyBytes = pair.public_key().as_ref().try_into().unwrap();
    let message = message(&noted("a"), next.public_key().as_ref());
    // RFC 8032, section 5.1.6, with r = 0.
    let mut secret: KeyBytes = sha512(&[&seed])[..32].try_into().unwrap();
    secret[0] &= 0xf8;
    secret[31] = secret[31] & 0x7f | 0x40;
    let hash = sha512(&[&NOTHING, &named, &message]);
    let product = times(&hash, &times(&secret, &NOTHING));
    let signature: [u8; 64] = [NOTHING, product].concat().try_into().unwrap();
    let raw = ParsedPublicKey::new(&ED25519, named).unwrap();
    assert!(raw.verify_sig(&message, &signature).is_ok(), "it is one, by the equation");
    let bytes = chain(&named, "a", &signature, &next, &next_seed);
    assert_eq!(verify(&token(&bytes)), Err(GrantError::Signature));
    assert!(foreign(&token(&bytes)).is_err());
    // The same chain with a signature as it should be.
    let good =
        chain(&named, "a", pair.sign(&message).as_ref().try_into().unwrap(), &next, &next_seed);
    assert!(verify(&token(&good)).is_ok() && foreign(&token(&good)).is_ok());
    assert!(Container::parse(&good).is_ok());
}

#[test]
fn keys_of_the_reference_are_taken() {
    for n in 0..=255 {
        let theirs = KeyPair::from(&PrivateKey::from_bytes(&[n; 32], Algorithm::Ed25519).unwrap());
        let key: KeyBytes = theirs.public().to_bytes().try_into().unwrap();
        assert!(crate::ed25519::public_key(&key).is_some(), "{n}");
    }
}

fn sha512(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Context::new(&SHA512);
    for part in parts {
        hash.update(part);
    }
    hash.finish().as_ref().to_vec()
}

/// `factor` times `number` modulo the order of the curve, the lowest byte first.
fn times(factor: &[u8], number: &KeyBytes) -> KeyBytes {
    let bits = factor.iter().rev().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    bits.fold([0; 32], |sum, bit| {
        let doubled = plus(&sum, &sum);
        if bit == 1 { plus(&doubled, number) } else { doubled }
    })
}

/// The sum of two numbers below the order of the curve, modulo it.
fn plus(a: &KeyBytes, b: &KeyBytes) -> KeyBytes {
    const ORDER: KeyBytes = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut sum = [0; 32];
    let mut carry = 0;
    for at in 0..32 {
        let digit = u16::from(a[at]) + u16::from(b[at]) + carry;
        (sum[at], carry) = (digit as u8, digit >> 8);
    }
    if sum.iter().rev().lt(ORDER.iter().rev()) {
        return sum;
    }
    let mut borrow = 0;
    for at in 0..32 {
        let digit = i16::from(sum[at]) - i16::from(ORDER[at]) - borrow;
        (sum[at], borrow) = (digit as u8, i16::from(digit < 0));
    }
    sum
}
