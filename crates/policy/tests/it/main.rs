//! The policy file through the public surface: what loads, what it becomes, what is said when it
//! does not load.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_raw_string_hashes,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests may fail loudly, and snapshots are written by a tool"
)]

mod approvals;
mod catalogue;
mod console;
mod defaults;
mod errors;
mod forms;
mod operators;
mod properties;
mod references;
mod settings;
mod sinks;
mod state;
mod weaken;

use std::path::Path;

use bartizan_core::settings::Settings;
use bartizan_policy::{PolicyError, Sources, load_str};

/// Variables that every test sees.
fn variable(name: &str) -> Option<String> {
    match name {
        "OPENAI_API_KEY" => Some("sk-test-0".to_owned()),
        "HOST" => Some("https://workspace.example.com/".to_owned()),
        "BROKEN" => Some("two\nlines".to_owned()),
        "MASK_KEY" => Some("heron-quartz-lantern-0123456789-test".to_owned()),
        "SHORT" => Some("VERYSECRET-short".to_owned()),
        _ => None,
    }
}

/// Loads a policy under the name `bartizan.yaml`.
fn load(text: &str) -> Result<Settings, PolicyError> {
    let sources = Sources::of(&variable);
    load_str(text, "bartizan.yaml", Path::new(""), catalogue::FULL, sources)
}
