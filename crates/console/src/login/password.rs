//! Passwords: what is taken as one, and how one is kept.
//!
//! Hashing takes a core and memory for a while, so that few are hashed at once and few wait.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use bartizan_core::redact::Secret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ConsoleError;

/// Least characters of a password. No rules about which: they make people write `Password1!`.
pub(crate) const CHARACTERS_MIN: usize = 12;
/// Longest password, in bytes.
pub(crate) const PASSWORD_BYTES: usize = 1024;

/// Memory for one, in KiB: more than the 19 MiB that OWASP's cheat sheet asks for at two passes.
const MEMORY_KIB: u32 = 32 << 10;
/// Passes over the memory.
const PASSES: u32 = 3;
/// Bytes of a salt (RFC 9106, section 3.1).
const SALT_BYTES: usize = 16;
/// Most that are hashed at once.
const AT_ONCE: usize = 2;
/// Most that are hashed or wait for it.
const WAITING: usize = 32;

/// A password that may become one of somebody.
pub(crate) struct Password(Secret);

impl Password {
    /// A password that is taken, given twice.
    ///
    /// # Errors
    /// What is wrong with it, for the person who typed it.
    pub(crate) fn new(password: Secret, again: &Secret) -> Result<Self, &'static str> {
        if password.expose().chars().count() < CHARACTERS_MIN {
            return Err("The password has fewer than 12 characters. A few words make a good one.");
        }
        if password.expose().len() > PASSWORD_BYTES {
            return Err("The password has more than 1,024 bytes.");
        }
        if password != *again {
            return Err("The two passwords are not the same.");
        }
        Ok(Self(password))
    }
}

/// Hashes passwords, a few at once.
pub(crate) struct Hashers {
    waiting: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
}

impl Default for Hashers {
    fn default() -> Self {
        let [waiting, at_once] = [WAITING, AT_ONCE].map(|most| Arc::new(Semaphore::new(most)));
        Self { waiting, at_once }
    }
}

impl Hashers {
    /// What is kept of a password: argon2id in PHC string format.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, ConsoleError> {
        self.line_up()?.run(move || hash(&password.0)).await?
    }

    /// A place among those who wait.
    ///
    /// # Errors
    /// [`ConsoleError::LoginBusy`], where too many do.
    pub(crate) fn line_up(&self) -> Result<Turn, ConsoleError> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned();
        let waiting = waiting.map_err(|_| ConsoleError::LoginBusy)?;
        Ok(Turn { waiting, at_once: Arc::clone(&self.at_once) })
    }
}

/// A place among those who wait for a hash.
pub(crate) struct Turn {
    waiting: OwnedSemaphorePermit,
    at_once: Arc<Semaphore>,
}

impl Turn {
    /// Whether a password is the one that was kept. Takes as long where none was kept.
    pub(crate) async fn verify(
        self,
        password: Secret,
        kept: Option<String>,
    ) -> Result<bool, ConsoleError> {
        self.run(move || {
            let is_somebodys = kept.is_some();
            let Some(kept) = kept.or_else(|| NOBODYS.clone()) else {
                return Err(ConsoleError::Task);
            };
            let parsed = PasswordHash::new(&kept).map_err(|_| ConsoleError::Task)?;
            // One that is too long is nobody's, and is not read to its end.
            let bytes = password.expose().as_bytes();
            let bytes = bytes.get(..PASSWORD_BYTES + 1).unwrap_or(bytes);
            let fits = hasher()?.verify_password(bytes, &parsed).is_ok();
            Ok(fits && is_somebodys)
        })
        .await?
    }

    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ConsoleError> {
        let Self { waiting, at_once } = self;
        let at_once = at_once.acquire_owned().await;
        let at_once = at_once.map_err(|_| ConsoleError::LoginBusy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Held to the end of the work, also where nobody waits for it any more.
            drop((waiting, at_once));
            done
        });
        done.await.map_err(|_| ConsoleError::Task)
    }
}

/// Fits no password that anybody knows.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| {
    let mut random = [0; 32];
    getrandom::fill(&mut random).ok()?;
    hash(&Secret::new(random.map(|byte| char::from(byte & 0x7f)).iter().collect::<String>())).ok()
});

fn hasher() -> Result<Argon2<'static>, ConsoleError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|_| ConsoleError::Task)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &Secret) -> Result<String, ConsoleError> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|_| ConsoleError::Random)?;
    let hash = hasher()?.hash_password_with_salt(password.expose().as_bytes(), &salt);
    Ok(hash.map_err(|_| ConsoleError::Task)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str) -> Result<Password, &'static str> {
        Password::new(Secret::new(text), &Secret::new(text))
    }

    #[test]
    fn a_password_is_long_enough_and_nothing_else_is_asked_of_it() {
        for fine in ["correct horse", "aaaaaaaaaaaa", "ÄÖÜäöüÄÖÜäöü", &"x".repeat(1024)]
        {
            assert!(new(fine).is_ok(), "{fine}");
        }
        for wrong in ["", "eleven char", "ÄÖÜäöüÄÖÜäö", &"x".repeat(1025), &"ä".repeat(513)]
        {
            assert!(new(wrong).is_err(), "{wrong}");
        }
        let other = Password::new(Secret::new("correct horse"), &Secret::new("correct house"));
        assert!(other.is_err());
    }

    #[tokio::test]
    async fn a_password_fits_what_was_kept_of_it_and_nothing_else_does() {
        let hashers = Hashers::default();
        let kept = hashers.hash(new("correct horse").unwrap()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=32768,t=3,p=1$"), "{kept}");
        assert_ne!(kept, hashers.hash(new("correct horse").unwrap()).await.unwrap());
        let verify = async |password: &str, kept: Option<&str>| {
            let turn = hashers.line_up().unwrap();
            turn.verify(Secret::new(password), kept.map(str::to_owned)).await.unwrap()
        };
        assert!(verify("correct horse", Some(&kept)).await);
        for wrong in ["", "correct horsE", "correct horse ", &"x".repeat(5_000)] {
            assert!(!verify(wrong, Some(&kept)).await, "{wrong}");
        }
        assert!(!verify("correct horse", None).await);
        let turn = hashers.line_up().unwrap();
        assert!(turn.verify(Secret::new("x"), Some("damaged".to_owned())).await.is_err());
    }

    #[tokio::test]
    async fn few_wait_and_others_are_told_so() {
        let hashers = Hashers::default();
        let held = Arc::clone(&hashers.waiting).try_acquire_many_owned(WAITING as u32).unwrap();
        assert!(matches!(hashers.line_up().err(), Some(ConsoleError::LoginBusy)));
        let refused = hashers.hash(new("correct horse").unwrap()).await;
        assert!(matches!(refused, Err(ConsoleError::LoginBusy)));
        drop(held);
        let turn = hashers.line_up().unwrap();
        assert!(!turn.verify(Secret::new("x"), None).await.unwrap());
    }
}
