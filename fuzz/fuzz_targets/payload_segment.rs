//! See `bartizan_inference::fuzzing::payload_segment`.

#![no_main]

use bartizan_inference::fuzzing::payload_segment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| payload_segment(input));
