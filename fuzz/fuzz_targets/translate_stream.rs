//! See `bartizan_gateway::fuzzing::translate_stream`.

#![no_main]

use bartizan_gateway::fuzzing::translate_stream;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| translate_stream(input));
