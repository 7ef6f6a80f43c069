//! Trees against the definition, proofs against changed ones, tiles against the tree.

use std::collections::HashMap;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

fn leaves(number: u64) -> Vec<Hash> {
    (0..number).map(|entry| Hash::of_leaf(&entry.to_be_bytes())).collect()
}

/// The definition of RFC 6962, as it stands there.
fn by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of_empty_tree(),
        [only] => *only,
        more => {
            let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
            Hash::of_node(by_definition(left), by_definition(right))
        }
    }
}

fn nodes(leaves: &[Hash]) -> impl Nodes<Error = Infallible> {
    move |height: u32, index: u64| {
        let start = (index << height) as usize;
        Ok::<_, Infallible>(by_definition(&leaves[start..start + (1 << height)]))
    }
}

#[test]
fn an_entry_cannot_pass_for_a_node() {
    let [left, right] = [Hash::of_leaf(b"left"), Hash::of_leaf(b"right")];
    let children = [left.as_bytes().as_slice(), right.as_bytes()].concat();
    assert_ne!(Hash::of_leaf(&children), Hash::of_node(left, right));
}

#[test]
fn a_hash_is_read_as_it_is_written() {
    let hash = Hash::of_leaf(b"entry");
    assert_eq!(hash.to_string().parse(), Ok(hash));
    for text in ["", "AAAA", "Zm9v", &format!("{hash} "), &hash.to_string()[..43]] {
        assert_eq!(text.parse::<Hash>(), Err(HashError), "{text:?}");
    }
}

#[test]
fn the_frontier_has_the_root_and_tells_of_every_full_subtree() {
    let leaves = leaves(131);
    let mut frontier = Frontier::new();
    let mut told = HashMap::new();
    for (size, leaf) in leaves.iter().enumerate() {
        assert_eq!(frontier.root(), by_definition(&leaves[..size]));
        frontier.push(*leaf, |height, index, root| {
            assert!(told.insert((height, index), root).is_none(), "told twice");
        });
    }
    assert_eq!(frontier.size(), 131);
    for height in 0..8 {
        for index in 0..131 >> height {
            let from = index << height;
            let root = by_definition(&leaves[from..from + (1 << height)]);
            assert_eq!(told.remove(&(height, index as u64)), Some(root));
        }
    }
    assert!(told.is_empty());
}

proptest! {
    #[test]
    fn an_entry_is_proved_at_its_place_and_nowhere_else(
        size in 1..200_u64, index in any::<u64>(), other in any::<u64>(),
    ) {
        let (index, other) = (index % size, other % size);
        let leaves = leaves(size);
        let root = by_definition(&leaves);
        let proof = inclusion_proof(&mut nodes(&leaves), index, size).unwrap();
        let leaf = leaves[index as usize];
        prop_assert_eq!(verify_inclusion(leaf, index, size, root, &proof), Ok(()));
        if other != index {
            prop_assert!(verify_inclusion(leaf, other, size, root, &proof).is_err());
            prop_assert!(verify_inclusion(leaves[other as usize], index, size, root, &proof).is_err());
        }
        prop_assert!(verify_inclusion(leaf, size, size, root, &proof).is_err());
        for at in 0..proof.len() {
            let mut changed = proof.clone();
            changed[at] = Hash::of_leaf(b"other");
            prop_assert!(verify_inclusion(leaf, index, size, root, &changed).is_err());
            prop_assert!(verify_inclusion(leaf, index, size, root, &proof[..at]).is_err());
        }
        let longer = [proof.as_slice(), &[root]].concat();
        prop_assert!(verify_inclusion(leaf, index, size, root, &longer).is_err());
    }

    #[test]
    fn a_tree_is_proved_to_begin_with_an_older_one(sizes in (1..200_u64, 1..200_u64)) {
        let (old, size) = (sizes.0.min(sizes.1), sizes.0.max(sizes.1));
        let leaves = leaves(size);
        let (old_root, root) = (by_definition(&leaves[..old as usize]), by_definition(&leaves));
        let proof = consistency_proof(&mut nodes(&leaves), old, size).unwrap();
        prop_assert_eq!(verify_consistency(old, old_root, size, root, &proof), Ok(()));
        let other = Hash::of_leaf(b"other");
        prop_assert!(verify_consistency(old, other, size, root, &proof).is_err());
        prop_assert!(verify_consistency(old, old_root, size, other, &proof).is_err());
        for at in 0..proof.len() {
            let mut changed = proof.clone();
            changed[at] = other;
            prop_assert!(verify_consistency(old, old_root, size, root, &changed).is_err());
            prop_assert!(verify_consistency(old, old_root, size, root, &proof[..at]).is_err());
        }
    }

    #[test]
    fn no_proof_makes_the_checks_fail_otherwise(
        numbers in any::<[u64; 3]>(), hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let hashes: Vec<Hash> = hashes.into_iter().map(Hash::from).collect();
        let root = Hash::of_leaf(b"root");
        for shift in [0, 32, 58] {
            let [a, b, c] = numbers.map(|number| number >> shift);
            prop_assert!(verify_inclusion(root, a, b, root, &hashes).is_err() || (a, b) == (0, 1));
            let _ = verify_subtree_inclusion(root, a, b..c, root, &hashes);
            let _ = verify_consistency(a, root, b, root, &hashes);
            let _ = verify_subtree_consistency(a..b, root, c, root, &hashes);
        }
    }
}

/// Tiles as a log would keep them, of a tree of so many entries.
fn kept(leaves: &[Hash], tiles: impl Iterator<Item = Tile>) -> HashMap<Tile, Vec<u8>> {
    tiles
        .filter_map(|tile| {
            let Content::Hashes { level } = tile.content else { return None };
            let height = 8 * u32::from(level);
            let first = tile.index * TILE_WIDTH;
            let mut nodes = nodes(leaves);
            let hashes = (first..first + u64::from(tile.width))
                .flat_map(|index| *nodes.node(height, index).unwrap().as_bytes());
            Some((tile, hashes.collect()))
        })
        .collect()
}

#[test]
fn a_tree_is_read_from_its_tiles() {
    let leaves = leaves(1300);
    for size in [1, 2, 255, 256, 257, 511, 512, 1299, 1300] {
        let leaves = &leaves[..size as usize];
        let tiles = kept(leaves, Tile::between(0, size));
        let mut read = Tiles::new(size, |tile: Tile| {
            tiles.get(&tile).cloned().ok_or_else(|| TileError::Path { path: tile.to_string() })
        });
        assert_eq!(root(&mut read, size), Ok(by_definition(leaves)));
        for index in [0, 1, size / 2, size - 1] {
            let proof = inclusion_proof(&mut read, index, size).unwrap();
            assert_eq!(proof, inclusion_proof(&mut nodes(leaves), index, size).unwrap());
            let proof = consistency_proof(&mut read, index, size).unwrap();
            assert_eq!(proof, consistency_proof(&mut nodes(leaves), index, size).unwrap());
        }
    }
}

#[test]
fn a_growing_tree_brings_the_tiles_that_it_did_not_have() {
    let paths =
        |old, size| Tile::between(old, size).map(|tile| tile.to_string()).collect::<Vec<_>>();
    assert_eq!(paths(0, 0), Vec::<String>::new());
    assert_eq!(paths(0, 1), ["tile/entries/000.p/1", "tile/0/000.p/1"]);
    assert_eq!(paths(1, 1), Vec::<String>::new());
    assert_eq!(
        paths(200, 257),
        [
            "tile/entries/000",
            "tile/entries/001.p/1",
            "tile/0/000",
            "tile/0/001.p/1",
            "tile/1/000.p/1",
        ]
    );
    assert_eq!(paths(256, 257), ["tile/entries/001.p/1", "tile/0/001.p/1"]);
    // The numbers of the specification.
    let all = paths(0, 70_000);
    let of = |level: &str| all.iter().filter(|path| path.starts_with(level)).count();
    assert_eq!((of("tile/0/"), of("tile/1/"), of("tile/2/")), (274, 2, 1));
    for path in ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"] {
        assert!(all.contains(&path.to_owned()), "{path}");
    }
}

#[test]
fn a_tile_has_one_path() {
    for (path, index, width) in [
        ("tile/entries/000", 0, 256),
        ("tile/0/x001/x234/067.p/5", 1_234_067, 5),
        ("tile/63/999", 999, 256),
        ("tile/7/x001/000.p/255", 1000, 255),
        ("tile/0/x018/x446/x744/x073/x709/x551/615", u64::MAX, 256),
    ] {
        let tile: Tile = path.parse().unwrap();
        assert_eq!((tile.index, tile.width, tile.to_string().as_str()), (index, width, path));
    }
    for path in [
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/64/000",
        "tile/00/000",
        "tile/+1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/x000/../000",
        "/tile/0/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/data/000",
    ] {
        assert!(path.parse::<Tile>().is_err(), "{path}");
    }
}

proptest! {
    #[test]
    fn no_path_is_read_otherwise_than_it_is_written(path in "tile/(entries|[0-9]{1,2})/[x0-9/]{0,12}(\\.p/[0-9]{0,3})?") {
        if let Ok(tile) = path.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), path);
        }
    }
}
