//! What was asked and answered, shown to those who may see it.

use super::*;
use crate::{FoundPayload, PayloadQuery};

/// Has kept every exchange.
pub(super) struct Payloads;

impl PayloadQuery for Payloads {
    fn payload(&self, _: RequestId) -> Result<FoundPayload, AdminError> {
        let document = json!({ "request": { "text": "canary" } });
        Ok(FoundPayload { whose: "alice@example.com".to_owned(), document })
    }
}

#[tokio::test]
async fn nothing_is_shown_of_an_exchange_when_the_read_cannot_be_recorded() {
    let console = Console::new();
    console.sink.full.store(true, Ordering::SeqCst);
    let path = format!("/api/v1/inference/{}", RequestId::new());
    let mut request = console.request("GET", &path, "");
    let admin = console.authorization(Who::Admin).unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, admin.parse().unwrap());
    let reply = console.send(request).await;
    assert_eq!(reply.status, 503);
    assert_error(&reply);
    assert!(reply.text().contains("read-not-recorded") && !reply.text().contains("canary"));
    let mut request = console.request("GET", "/api/v1/inference/what", "");
    request.headers_mut().insert(header::AUTHORIZATION, admin.parse().unwrap());
    assert_eq!(console.send(request).await.status, 400);
}

/// Who reads whose exchange is told.
pub(super) fn assert_noted(events: &[Event], who: Who, context: &str) {
    assert_eq!(events.len(), 1, "{context}");
    let event = &events[0];
    assert_eq!((&*event.area, &*event.operation), ("admin", "payload-read"), "{context}");
    assert_eq!(event.principal.as_deref(), Some(who.name()), "{context}");
    assert_eq!(event.subject.as_deref(), Some("alice@example.com"), "{context}");
}
