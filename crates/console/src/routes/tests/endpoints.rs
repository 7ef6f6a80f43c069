//! Stands in for whoever has endpoints.

use bartizan_core::error::{Class, Coded as _};
use bartizan_core::id::Name;
use bartizan_store::{Approved, Approver};

use super::*;
use crate::{Asked, EndpointAdmin};

pub(super) struct Endpoints(pub(super) Mutex<BTreeMap<String, Value>>, pub(super) Arc<Store>);

impl EndpointAdmin for Endpoints {
    fn list(&self) -> Result<Value, AdminError> {
        Ok(self.0.lock().values().cloned().collect())
    }

    fn get(&self, name: &Name) -> Result<Value, AdminError> {
        match name.as_str() {
            "broken" => Err(refusal(Class::Internal, "private detail")),
            "panics" => panic!("private detail"),
            name => self.0.lock().get(name).cloned().ok_or_else(not_found),
        }
    }

    fn put(&self, name: &Name, body: &str, by: &Hand) -> Result<Asked, AdminError> {
        if body.contains("wrong") {
            return Err(refusal(Class::Usage, "unknown key `wrong`"));
        }
        if body.contains("weaker") {
            let new = changes::of(name.as_str(), by.clone());
            let (change, is_new) = self.1.propose_change(&new).unwrap();
            return Ok(Asked::Waits { change: Box::new(change), is_new });
        }
        let value = json!({ "name": name.as_str() });
        self.0.lock().insert(name.as_str().to_owned(), value.clone());
        Ok(Asked::Done(value))
    }

    fn delete(&self, name: &Name, _: &Hand) -> Result<Asked, AdminError> {
        self.0.lock().remove(name.as_str()).map(Asked::Done).ok_or_else(not_found)
    }

    fn approve(&self, id: &str, by: &Approver) -> Result<Approved, AdminError> {
        self.1.approve_change(id, by).map_err(|error| AdminError {
            class: error.class(),
            code: error.code(),
            message: error.to_string(),
            help: Some("as the store says".to_owned()),
        })
    }
}

fn not_found() -> AdminError {
    refusal(Class::NotFound, "no such endpoint")
}
