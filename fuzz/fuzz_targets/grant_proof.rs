//! See `bartizan_grants::fuzzing::grant_proof`.

#![no_main]

use bartizan_grants::fuzzing::grant_proof;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| grant_proof(input));
