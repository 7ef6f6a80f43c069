//! See `bartizan_gateway::fuzzing::sse_split`.

#![no_main]

use bartizan_gateway::fuzzing::sse_split;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| sse_split(input));
