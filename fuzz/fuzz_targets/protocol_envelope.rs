//! See `bartizan_gateway::fuzzing::protocol_envelope`.

#![no_main]

use bartizan_gateway::fuzzing::protocol_envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| protocol_envelope(input));
