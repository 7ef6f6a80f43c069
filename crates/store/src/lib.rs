//! State: client keys, principals, endpoints, changes that wait for a second person, accounts of people and their sessions
//! at the console.
//!
//! [`Store`] keeps them in one SQLite file, or in PostgreSQL where several gateways share them; [`KeyIndex`] is the view of the keys in memory that every
//! request asks, without I/O. What an endpoint means is decided by the policy room, which reads the
//! text stored here; who may change anything is decided by the console.

mod accounts;
mod backend;
mod backends;
mod changes;
mod endpoints;
mod error;
mod index;
mod key;
mod sessions;
mod store;

pub use accounts::{
    AccountRecord, BROWSERS_MAX, ENROLMENT, LoginTry, NewLogin, TRIES_FREE, TRY_AGAIN_MAX,
};
pub use changes::{
    Approved, Approver, ChangeKind, ChangeRecord, ChangeState, Hand, NewChange, SESSION,
    WAITING_MAX, endpoint_digest,
};
pub use endpoints::{ENDPOINT_BYTES, EndpointRecord};
pub use error::StoreError;
pub use index::KeyIndex;
pub use key::{KeyRecord, NOTE_BYTES, NewKey};
pub use sessions::{Lasting, NewSession, SESSIONS_MAX, SessionRecord};
pub use store::Store;
