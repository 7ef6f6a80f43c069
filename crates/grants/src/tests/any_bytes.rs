//! Whatever comes in: no panic, and nothing is taken that the reference implementation refuses.

use std::time::Instant;

use bartizan_core::redact::Secret;
use proptest::prelude::*;

use super::support::{Asked, bytes, foreign, keys, mint, reach, token, verify};
use crate::container::{Container, sign_first};
use crate::symbols::Symbols;
use crate::verify::Content;
use crate::{Narrowing, Proofs, block, narrow};

/// A change of some bytes: cut, insert or replace.
fn bend(data: &[u8], changes: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut data = data.to_vec();
    for (at, kind, byte) in changes {
        let at = at % (data.len() + 1);
        match kind % 4 {
            0 if at < data.len() => data[at] = *byte,
            1 if at < data.len() => data[at] ^= 1 << (byte % 8),
            2 if at < data.len() => drop(data.remove(at)),
            _ => data.insert(at, *byte),
        }
    }
    data
}

fn changes() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..4)
}

fn requests() -> Vec<Asked> {
    let some = |text: &str| Some(text.to_owned());
    vec![
        Asked::default(),
        Asked { endpoint: some("chat"), ..Asked::default() },
        Asked { endpoint: some("other"), tool: some("search"), ..Asked::default() },
        Asked { tool: some("github.issue"), table: some("hr.people"), ..Asked::default() },
        Asked { host: some("example.org"), tokens: Some(7), ..Asked::default() },
        Asked { host: some("a.corp.example"), cost: Some(1 << 40), ..Asked::default() },
        Asked { second: 500, ..Asked::default() },
    ]
}

fn agree(token: &Secret) -> Result<(), TestCaseError> {
    if verify(token).is_ok() {
        for asked in requests() {
            prop_assert_eq!(asked.is_open(token), asked.is_open_there(token), "{:?}", asked);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn random_bytes_are_refused(data in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(verify(&token(&data)).is_err());
        let note = Narrowing { note: Some("a".to_owned()), ..Narrowing::default() };
        prop_assert!(narrow(&token(&data), &note).is_err());
    }

    #[test]
    fn random_text_is_refused(text in any::<String>(), with_prefix in any::<bool>()) {
        let text = if with_prefix { format!("bzt_{text}") } else { text };
        prop_assert!(verify(&Secret::new(text)).is_err());
    }

    #[test]
    fn bent_tokens_are_refused(changes in changes()) {
        let genuine = bytes(&mint(reach()));
        let bent = bend(&genuine, &changes);
        prop_assert!(bent == genuine || verify(&token(&bent)).is_err());
    }

    /// What the issuer would have to sign.
    #[test]
    fn bent_first_blocks_are_read_as_the_reference_does(changes in changes()) {
        let grant = verify(&mint(reach())).unwrap().into_grant();
        let data = bend(&block::write_first(&grant), &changes);
        let signed = token(&sign_first(keys().id(), keys().pair(), &data).unwrap());
        agree(&signed)?;
    }

    /// What any holder can sign.
    #[test]
    fn bent_blocks_are_read_as_the_reference_does(changes in changes(), is_child in any::<bool>()) {
        let mut parent = mint(crate::Reach::default());
        let narrowing = Narrowing { reach: reach(), ..Narrowing::default() };
        if is_child {
            parent = narrow(&parent, &narrowing).unwrap();
        }
        let parent = bytes(&parent);
        let container = Container::parse(&parent).unwrap();
        let content = Content::read(&container).unwrap();
        let limits = block::Limits { reach: reach(), expires: None, note: Some("a".to_owned()) };
        let data = bend(&block::write_narrowing(&limits, &content.symbols), &changes);
        let child = token(&container.append(&data).unwrap());
        agree(&child)?;
        if let Ok(verified) = verify(&child) {
            prop_assert!(foreign(&child).is_ok());
            prop_assert!(verified.grant().reach.is_within(&content.narrowest().reach));
        }
    }

    #[test]
    fn random_blocks_never_panic(data in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = block::read_first(&data, &mut Symbols::default());
        let _ = block::read_narrowing(&data, &mut Symbols::default());
    }

    #[test]
    fn random_proofs_are_refused(text in any::<String>(), parts in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 3)) {
        let grant = verify(&mint(reach())).unwrap().into_grant();
        let steady = Instant::now();
        let proofs = Proofs::new(4, grant.issued, steady);
        let request = crate::Presented {
            method: "GET",
            url: "https://gate.example/",
            token: Some(&Secret::new("bzt_")),
            binding: Some(&grant.binding),
        };
        for proof in [text, parts.join(".")] {
            prop_assert!(proofs.verify(&proof, &request, grant.issued, steady).is_err());
        }
    }
}
