//! See `bartizan_secrets::fuzzing::secrets_file`.

#![no_main]

use bartizan_secrets::fuzzing::secrets_file;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| secrets_file(input));
