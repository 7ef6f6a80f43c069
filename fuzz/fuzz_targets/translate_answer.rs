//! See `bartizan_gateway::fuzzing::translate_answer`.

#![no_main]

use bartizan_gateway::fuzzing::translate_answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| translate_answer(input));
