//! See `bartizan_guard::fuzzing::model_reading`.

#![no_main]

use bartizan_guard::fuzzing::model_reading;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| model_reading(input));
