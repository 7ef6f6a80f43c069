//! Names that were erased while the log is written: they are forgotten here too, and the log says so.

use std::io;
use std::time::{Duration, Instant};

use super::{Shared, Stop};

/// How often the file of the names is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Erasures that entries speak of.
pub(super) struct Said {
    ids: Vec<String>,
    /// The last of these entries.
    entry: u64,
}

impl Shared {
    /// Looks for names that were erased, and signs if it is time.
    pub(super) fn look_and_sign(&self) -> io::Result<()> {
        self.look_for_erased();
        let mut state = self.state.lock();
        let now = Instant::now();
        state.look_after = now + LOOK_EVERY;
        let signs = state.stop == Stop::Signing || state.sign_after.is_some_and(|at| at <= now);
        drop(state);
        let signed = if signs { self.sign() } else { Ok(()) };
        self.note_said();
        signed
    }

    /// Writes entries about names that were erased.
    pub(super) fn look_for_erased(&self) {
        let mut said = self.said.lock();
        if said.is_some() {
            return;
        }
        for (id, event) in self.pseudonyms.erased() {
            match self.write(&event) {
                Ok(entry) => {
                    let said = said.get_or_insert_with(|| Said { ids: Vec::new(), entry });
                    said.ids.push(id);
                    said.entry = entry;
                }
                // It is said the next time.
                Err(_) => return,
            }
        }
    }

    /// Notes beside the names what the log says of them, once that is signed. A process that dies before
    /// says it again the next time.
    fn note_said(&self) {
        let mut said = self.said.lock();
        let signed = self.tree.lock().signed().map_or(0, |signed| signed.size);
        if let Some(said) = said.take_if(|said| said.entry < signed) {
            self.pseudonyms.recorded(self.disk.as_ref(), &said.ids);
        }
    }
}
