//! See `bartizan_guard::fuzzing::guard_stream`.

#![no_main]

use bartizan_guard::fuzzing::guard_stream;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| guard_stream(input));
