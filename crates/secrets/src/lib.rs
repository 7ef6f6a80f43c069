//! Secrets that Bartizan sends to others, such as the keys of model providers, and how data lies encrypted on
//! the disk.
//!
//! [`Keyring`] holds the master keys; [`Sealer`], derived from it for one purpose, encrypts whatever another room
//! wants to keep, and wraps [`DataKey`]s of which each can be destroyed by itself. [`SecretStore`] keeps named secrets with their earlier versions in one file, sealed so. [`vault`]
//! speaks of secrets that are kept by `HashiCorp` Vault instead: what to ask, and what an answer means.
//!
//! No network and no async: whoever asks Vault is somebody else. Who may change or use a secret, and what is
//! written to the log about it, is decided by the caller. Errors name secrets, fields, files and ids of keys, and
//! never what is in them.

mod contents;
mod data_key;
pub mod disk;
mod document;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod keyring;
mod name;
mod record;
mod sealer;
mod store;
pub mod vault;

pub use contents::{NOTE_BYTES, OVERLAP_MAX, SECRETS_MAX, VALUE_BYTES, VERSIONS_MAX};
pub use data_key::DataKey;
pub use document::FILE_BYTES;
pub use error::{KeyringError, SealError, SecretsError};
pub use keyring::{KeyId, Keyring};
pub use name::{SecretName, VersionId};
pub use record::SecretRecord;
pub use sealer::Sealer;
pub use store::SecretStore;
