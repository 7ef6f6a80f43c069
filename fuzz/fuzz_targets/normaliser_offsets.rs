//! See `bartizan_guard::fuzzing::normaliser_offsets`.

#![no_main]

use bartizan_guard::fuzzing::normaliser_offsets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| normaliser_offsets(input));
