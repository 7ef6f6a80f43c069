//! The change of the policy file that waits for two people.

use std::sync::Arc;

use bartizan_store::{ChangeState, StoreError};

use super::Seen;
use crate::wire::admin::InForce;

/// The change, while there is one.
#[derive(Debug, Default)]
pub(super) struct Held(Option<(String, Option<Seen>)>);

impl Held {
    /// The files as they were, once they may be put in force. What was rejected, or waited for too long, is said and
    /// left alone until the files change again.
    pub(super) async fn look(&mut self, in_force: &Arc<InForce>) -> Option<Seen> {
        let (id, _) = self.0.as_ref()?;
        let (store, asked) = (Arc::clone(&in_force.source.store), id.clone());
        let state = tokio::task::spawn_blocking(move || {
            store.get_change(&asked).map(|change| change.state)
        });
        match state.await.ok()? {
            Ok(ChangeState::Waiting) => None,
            Ok(ChangeState::Approved) => self.0.take().and_then(|(_, seen)| seen),
            Ok(state) => {
                let (state, change) = (state.name(), id);
                tracing::warn!(%change, state, "the policy file is not taken; the last good one stays");
                self.0 = None;
                None
            }
            Err(StoreError::ChangeNotFound { .. }) => {
                self.0 = None;
                None
            }
            // The database may be away; nothing comes into force meanwhile.
            Err(_) => None,
        }
    }

    /// Another change takes its place. The one before is about files that are gone.
    pub(super) async fn replace(
        &mut self,
        in_force: &Arc<InForce>,
        id: String,
        seen: Option<Seen>,
    ) {
        if self.0.as_ref().is_some_and(|(known, _)| *known != id) {
            self.drop_other(in_force).await;
        }
        self.0 = Some((id, seen));
    }

    /// The files are others by now, and what waited is about none.
    pub(super) async fn drop_other(&mut self, in_force: &Arc<InForce>) {
        let Some((id, _)) = self.0.take() else { return };
        let store = Arc::clone(&in_force.source.store);
        let ended = tokio::task::spawn_blocking(move || store.void_change(&id));
        // One that somebody decided just now needs no end.
        if let Ok(Err(error)) = ended.await
            && !matches!(error, StoreError::ChangeOver { .. } | StoreError::ChangeNotFound { .. })
        {
            tracing::warn!(%error, "a change of the policy that is about nothing any more goes on to wait");
        }
    }
}
