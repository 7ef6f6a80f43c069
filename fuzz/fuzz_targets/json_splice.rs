//! See `bartizan_gateway::fuzzing::json_splice`.

#![no_main]

use bartizan_gateway::fuzzing::json_splice;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| json_splice(input));
