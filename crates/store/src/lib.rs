//! State: client keys, principals, endpoints, and changes that wait for a second person.
//!
//! [`Store`] keeps them in one SQLite file, or in PostgreSQL where several gateways share them; [`KeyIndex`] is the view of the keys in memory that every
//! request asks, without I/O. What an endpoint means is decided by the policy room, which reads the
//! text stored here; who may change anything is decided by the console.

mod backend;
mod backends;
mod changes;
mod endpoints;
mod error;
mod index;
mod key;
mod store;

pub use changes::{
    Approved, Approver, ChangeKind, ChangeRecord, ChangeState, Hand, NewChange, WAITING_MAX,
    endpoint_digest,
};
pub use endpoints::{ENDPOINT_BYTES, EndpointRecord};
pub use error::StoreError;
pub use index::KeyIndex;
pub use key::{KeyRecord, NOTE_BYTES, NewKey};
pub use store::Store;
