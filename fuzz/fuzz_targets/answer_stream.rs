//! See `bartizan_gateway::fuzzing::answer_stream`.

#![no_main]

use bartizan_gateway::fuzzing::answer_stream;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| answer_stream(input));
