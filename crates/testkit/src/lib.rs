//! Fake providers, load generation and fixture builders for tests and benches.
