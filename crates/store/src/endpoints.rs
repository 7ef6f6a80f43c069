//! Endpoints made through the admin API: kept as the text that was sent, by name.

use bartizan_core::id::Name;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row};

use crate::error::StoreError;
use crate::store::{Store, timestamp};

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
        let database = self.database();
        let mut statement =
            database.prepare("SELECT name, body, updated FROM endpoints ORDER BY name")?;
        let records = statement.query_map([], record)?.collect::<Result<_, _>>()?;
        Ok(records)
    }

    /// The endpoint of a name.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn get_endpoint(&self, name: &str) -> Result<Option<EndpointRecord>, StoreError> {
        let query = "SELECT name, body, updated FROM endpoints WHERE name = ?1";
        Ok(self.database().query_row(query, [name], record).optional()?)
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
        self.database().execute(
            "INSERT INTO endpoints (name, body, updated) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET body = excluded.body, updated = excluded.updated",
            (name.as_str(), body, updated),
        )?;
        Ok(EndpointRecord {
            name: name.as_str().to_owned(),
            body: body.to_owned(),
            updated: timestamp(updated),
        })
    }

    /// Removes an endpoint; false when there was none.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub fn delete_endpoint(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.database().execute("DELETE FROM endpoints WHERE name = ?1", [name])? > 0)
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<EndpointRecord> {
    Ok(EndpointRecord { name: row.get(0)?, body: row.get(1)?, updated: timestamp(row.get(2)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_kept_replaced_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let name: Name = "protected-llm".parse().unwrap();
        let put = {
            let store = Store::open(&path).unwrap();
            store.put_endpoint(&name, "{}").unwrap();
            store.put_endpoint(&"a".parse().unwrap(), "[]").unwrap();
            store.put_endpoint(&name, r#"{"routes":[]}"#).unwrap()
        };
        let store = Store::open(&path).unwrap();
        assert_eq!(store.get_endpoint("protected-llm").unwrap(), Some(put));
        let names: Vec<_> =
            store.list_endpoints().unwrap().into_iter().map(|record| record.name).collect();
        assert_eq!(names, ["a", "protected-llm"]);
        assert!(store.delete_endpoint("a").unwrap());
        assert!(!store.delete_endpoint("a").unwrap());
        assert_eq!(store.get_endpoint("a").unwrap(), None);
    }

    #[test]
    fn names_and_bodies_are_data_and_never_sql() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let hostile = "x'); DROP TABLE endpoints; --";
        assert_eq!(store.get_endpoint(hostile).unwrap(), None);
        store.put_endpoint(&"a".parse().unwrap(), hostile).unwrap();
        assert_eq!(store.get_endpoint("a").unwrap().unwrap().body, hostile);
    }

    #[test]
    fn caps_the_size_of_an_endpoint() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.db")).unwrap();
        let body = "x".repeat(ENDPOINT_BYTES + 1);
        let result = store.put_endpoint(&"a".parse().unwrap(), &body);
        assert!(matches!(result, Err(StoreError::EndpointTooLarge)));
    }
}
