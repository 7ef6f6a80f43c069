//! Endpoints made through the admin API: kept as the text that was sent, by name.

use bartizan_core::id::Name;
use jiff::Timestamp;

use crate::backend::timestamp;
use crate::changes::void_others;
use crate::error::StoreError;
use crate::store::Store;

/// Longest text of one endpoint, in bytes.
pub const ENDPOINT_BYTES: usize = 1 << 20;

/// One endpoint as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointRecord {
    /// Its name.
    pub name: String,
    /// JSON in the shape of a policy endpoint. Checked by the policy room, not here.
    pub body: String,
    /// When it was last changed.
    pub updated: Timestamp,
}

impl Store {
    /// All endpoints, by name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn list_endpoints(&self) -> Result<Vec<EndpointRecord>, StoreError> {
        self.read(|rows| rows.endpoints())
    }

    /// The endpoint of a name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn get_endpoint(&self, name: &str) -> Result<Option<EndpointRecord>, StoreError> {
        self.read(|rows| rows.endpoint(name))
    }

    /// Creates or replaces an endpoint.
    ///
    /// # Errors
    /// [`StoreError::EndpointTooLarge`], [`StoreError::Database`].
    pub fn put_endpoint(&self, name: &Name, body: &str) -> Result<EndpointRecord, StoreError> {
        if body.len() > ENDPOINT_BYTES {
            return Err(StoreError::EndpointTooLarge);
        }
        let updated = bartizan_core::time::now().as_microsecond();
        self.change_endpoints(|rows| {
            rows.put_endpoint(name.as_str(), body, updated)?;
            // They were compared with what was here before.
            void_others(rows, name.as_str(), timestamp(updated))
        })?;
        let (name, body) = (name.as_str().to_owned(), body.to_owned());
        Ok(EndpointRecord { name, body, updated: timestamp(updated) })
    }

    /// Removes an endpoint; false when there was none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn delete_endpoint(&self, name: &str) -> Result<bool, StoreError> {
        let now = bartizan_core::time::now();
        self.change_endpoints(|rows| {
            let was_there = rows.delete_endpoint(name)?;
            if was_there {
                void_others(rows, name, now)?;
            }
            Ok(was_there)
        })
    }
}
