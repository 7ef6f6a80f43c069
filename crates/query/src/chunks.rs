//! Which files the tables of a log have: one for each large run of entries, and small ones for those
//! behind the last large one, so that little is read line by line.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::columns;

/// Entries of a small file. What is behind the last one is read from the log for every question, which
/// takes some 50 ms at most.
const SMALL: u64 = 16 << 10;
/// Entries of a large file: files are few enough that looking at each costs little.
const LARGE: u64 = 256 << 10;

/// The runs of entries that a log with these entries has files for, oldest first and without a gap.
pub(crate) fn planned(entries: &Range<u64>) -> Vec<Range<u64>> {
    let mut chunks = Vec::new();
    let mut next = entries.start;
    while next < entries.end {
        let large = next / LARGE * LARGE + LARGE;
        let small = next / SMALL * SMALL + SMALL;
        let end = if large <= entries.end { large } else { small };
        if end > entries.end {
            break;
        }
        chunks.push(next..end);
        next = end;
    }
    chunks
}

/// The file of a table for a run of entries. One that was written with other columns is another file, and is made anew.
pub(crate) fn path(dir: &Path, table: &str, chunk: &Range<u64>) -> PathBuf {
    let form = columns::form();
    dir.join(format!("{table}-{form:08x}-{:012}-{:012}.parquet", chunk.start, chunk.end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn files_cover_all_but_the_last_entries(
            start in 0..3 * LARGE,
            count in 0..4 * LARGE,
        ) {
            let end = start + count;
            let chunks = planned(&(start..end));
            let mut next = start;
            for chunk in &chunks {
                prop_assert_eq!(chunk.start, next);
                prop_assert!(chunk.end > chunk.start && chunk.end <= end);
                next = chunk.end;
            }
            prop_assert!(end - next < SMALL);
            let small = chunks.iter().filter(|chunk| chunk.end % LARGE != 0).count() as u64;
            prop_assert!(small < LARGE / SMALL);
        }

        #[test]
        fn a_log_that_grows_makes_no_file_again_but_for_a_larger_one(
            end in 1..3 * LARGE,
            more in 0..LARGE,
        ) {
            let after = planned(&(0..end + more));
            for chunk in planned(&(0..end)) {
                let stays = after.contains(&chunk);
                let grows = after.iter().any(|other| {
                    other.start <= chunk.start && chunk.end <= other.end && other.end % LARGE == 0
                });
                prop_assert!(stays || grows);
            }
        }
    }
}
