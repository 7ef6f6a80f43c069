//! A file of SQLite.

use bartizan_store::{Store, StoreError};
use tempfile::TempDir;

use crate::suite::{self, Place};

impl Place for TempDir {
    fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(&self.path().join("state.db"))
    }

    fn sql(&self, statement: &str) {
        let connection = rusqlite::Connection::open(self.path().join("state.db")).unwrap();
        let statement = statement.replace("{keys}", "keys").replace("{accounts}", "accounts");
        connection.execute(&statement.replace("{sessions}", "console_sessions"), []).unwrap();
    }
}

#[test]
fn a_file_holds_the_suite() {
    suite::run(|_| Box::new(tempfile::tempdir().unwrap()));
}
