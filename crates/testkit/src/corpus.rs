//! The committed corpora of the fuzz targets, put to their oracles on any compiler.

use std::path::{Path, PathBuf};

/// A fuzz target and what must hold for its input: it panics when something does not.
pub type Target = (&'static str, fn(&[u8]));

/// Folder of the fuzz targets of the project whose test runs. Asked for when it runs: clones can share what is built.
pub fn fuzz() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = here.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).to_owned());
    here.join("../../fuzz")
}

/// Puts every committed seed of each target to its oracle. Other files are what a run of the fuzzer left there.
///
/// # Panics
/// When something does not hold, and when a target has no corpus.
#[expect(clippy::expect_used, reason = "a test speaks by panicking")]
#[expect(clippy::disallowed_methods, reason = "files of the project itself")]
pub fn holds(targets: &[Target]) {
    let corpora = fuzz().join("corpus");
    for (name, oracle) in targets {
        let mut count = 0;
        for seed in std::fs::read_dir(corpora.join(name)).expect("a corpus") {
            let path = seed.expect("a file").path();
            if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("seed-")) {
                continue;
            }
            // Which one it was is said when the oracle panics.
            say(&path);
            oracle(&std::fs::read(&path).expect("a seed"));
            count += 1;
        }
        assert!(count > 0, "`{name}` has no corpus");
    }
}

#[expect(clippy::print_stderr, reason = "shown when a test fails")]
fn say(path: &Path) {
    eprintln!("{}", path.display());
}
