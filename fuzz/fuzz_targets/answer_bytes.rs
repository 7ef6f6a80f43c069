//! See `bartizan_gateway::fuzzing::answer_bytes`.

#![no_main]

use bartizan_gateway::fuzzing::answer_bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| answer_bytes(input));
