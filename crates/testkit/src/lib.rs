//! Fake providers, load generation and process handling for tests and benches.
//!
//! Development only: nothing that ships depends on this crate. `upstream` answers as the vendors do
//! and fails on command; `fast` answers at once and `load` asks at once, so that benches measure
//! what stands between them; `process` runs the real binary, `disk` takes its space away; `http` is
//! the client tests use, `raw` one that misbehaves; `corpus` puts seeds of fuzz targets to their oracles; `tls` makes certificates, `issuer` tokens; `servers` runs
//! Redis and PostgreSQL.

pub mod args;
mod base64;
pub mod corpus;
pub mod disk;
pub mod fast;
pub mod http;
pub mod issuer;
pub mod load;
pub mod process;
pub mod raw;
pub mod servers;
pub mod tls;
pub mod upstream;
