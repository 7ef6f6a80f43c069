//! See `bartizan_grants::fuzzing::grant_blocks`.

#![no_main]

use bartizan_grants::fuzzing::grant_blocks;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| grant_blocks(input));
