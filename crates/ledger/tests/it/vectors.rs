//! Public cases of Merkle proofs, which lie beside the clone: `cargo xtask conformance`.

use std::path::{Path, PathBuf};

use bartizan_core::limits::read_text_file;
use bartizan_ledger::merkle::{
    Hash, ProofError, verify_consistency, verify_inclusion, verify_subtree_consistency,
    verify_subtree_inclusion,
};
use serde::Deserialize;

/// One case. Which numbers it has says what is proved.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    leaf_idx: Option<u64>,
    tree_size: Option<u64>,
    size1: Option<u64>,
    size2: Option<u64>,
    start: Option<u64>,
    end: Option<u64>,
    size: Option<u64>,
    root: Option<String>,
    root1: Option<String>,
    root2: Option<String>,
    leaf_hash: Option<String>,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// Why a case was refused: without a hash nothing is proved.
#[derive(Debug)]
enum Refused {
    Hash,
    #[expect(dead_code, reason = "shown where a case fails")]
    Proof(ProofError),
}

impl Case {
    fn judge(&self) -> Result<(), Refused> {
        let hash = |text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty()).ok_or(Refused::Hash)?;
            // Some cases write words where any hash would do.
            Ok(text.parse().unwrap_or_else(|_| Hash::of_leaf(text.as_bytes())))
        };
        let proof = self.proof.iter().flatten().map(|hash| hash.parse::<Hash>());
        let proof: Vec<Hash> = proof.collect::<Result<_, _>>().map_err(|_| Refused::Hash)?;
        let judged = match *self {
            Self { leaf_idx: Some(index), tree_size: Some(size), .. } => {
                let (leaf, root) = (hash(&self.leaf_hash)?, hash(&self.root)?);
                verify_inclusion(leaf, index, size, root, &proof)
            }
            Self { leaf_idx: Some(index), start: Some(start), end: Some(end), .. } => {
                let (leaf, root) = (hash(&self.leaf_hash)?, hash(&self.root)?);
                verify_subtree_inclusion(leaf, index, start..end, root, &proof)
            }
            Self { size1: Some(old), size2: Some(size), .. } => {
                verify_consistency(old, hash(&self.root1)?, size, hash(&self.root2)?, &proof)
            }
            Self { start: Some(start), end: Some(end), size: Some(size), .. } => {
                let (part, root) = (hash(&self.root1)?, hash(&self.root2)?);
                verify_subtree_consistency(start..end, part, size, root, &proof)
            }
            _ => panic!("a case of an unknown kind: {self:?}"),
        };
        judged.map_err(Refused::Proof)
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

#[test]
#[ignore = "needs cases that lie beside the clone: cargo xtask conformance"]
fn all_public_cases_of_proofs_come_out_as_they_should() {
    let folder =
        std::env::var("BARTIZAN_MERKLE_CASES").expect("BARTIZAN_MERKLE_CASES names a folder");
    let mut found = Vec::new();
    files(Path::new(&folder), &mut found);
    let wrong: Vec<String> = found
        .iter()
        .filter_map(|path| {
            let text = read_text_file(path, 1 << 20).unwrap();
            let case: Case = serde_json::from_str(&text).unwrap();
            let outcome = case.judge();
            (outcome.is_err() != case.want_err).then(|| format!("{}: {outcome:?}", path.display()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), found.len(), wrong.join("\n"));
    assert!(!found.is_empty(), "no cases in {folder}");
    println!("{} of {} cases of Merkle proofs agree", found.len(), found.len());
}
