//! See `bartizan_gateway::fuzzing::translate_request`.

#![no_main]

use bartizan_gateway::fuzzing::translate_request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| translate_request(input));
