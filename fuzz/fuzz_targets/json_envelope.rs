//! See `bartizan_gateway::fuzzing::json_envelope`.

#![no_main]

use bartizan_gateway::fuzzing::json_envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| json_envelope(input));
