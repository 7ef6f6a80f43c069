//! The committed corpora hold, and every target is known everywhere.

use std::collections::BTreeSet;

use super::TARGETS;

#[test]
fn everything_holds_for_the_corpora() {
    bartizan_testkit::corpus::holds(TARGETS);
}

#[test]
fn every_target_has_an_oracle() {
    let files = std::fs::read_dir(bartizan_testkit::corpus::fuzz().join("fuzz_targets")).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().display().to_string()).collect();
    let elsewhere = [
        "grant_blocks",
        "grant_proof",
        "guard_stream",
        "model_reading",
        "normaliser_offsets",
        "payload_segment",
        "secrets_file",
    ];
    let known = TARGETS.iter().map(|(name, _)| *name).chain(elsewhere).map(str::to_owned).collect();
    assert_eq!(files, known);
}
