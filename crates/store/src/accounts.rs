//! Accounts of people who sign in with a password and a code: what is kept of them, and how often somebody may try.
//!
//! How a password is hashed, a code is made and a secret is sealed is left to the console. A try counts before it is
//! judged, so that many at once are not more than one after the other. Those from browsers that signed in before are
//! counted apart: whoever tries names of others from elsewhere locks nobody out of their own browser.

use std::time::Duration;

use bartizan_core::access::Scope;
use bartizan_core::principal::{PrincipalKind, parse_qualified};
use bartizan_core::redact::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::backend::login::{Account, Tally, TokenHash, Tries};
use crate::backend::{Rows, timestamp};
use crate::error::StoreError;
use crate::sessions::{self, SessionRecord};
use crate::store::Store;

/// How long a code for enrolment is good.
pub const ENROLMENT: Duration = Duration::from_hours(1);
/// Tries without a pause since the last success.
pub const TRIES_FREE: i64 = 5;
/// Longest pause after a try. They begin at [`FIRST_PAUSE`], and each is twice as long as the one before.
pub const TRY_AGAIN_MAX: Duration = Duration::from_mins(15);
/// Most browsers of an account that are known.
pub const BROWSERS_MAX: usize = 8;

/// The first pause.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// How long after the last pause tries are forgotten.
const FORGOTTEN: Duration = Duration::from_hours(24);
/// Random bytes of whatever stands for somebody.
const TOKEN_BYTES: usize = 32;
/// What codes for enrolment begin with, so that secret scanners can find a leaked one.
const ENROLMENT_PREFIX: &str = "bze_";

/// An account, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecord {
    /// Name of the person.
    pub name: String,
    /// What they may do at the console.
    pub scope: Scope,
    /// When it was made.
    pub created: Timestamp,
    /// Whether somebody has made it theirs, and can sign in.
    pub is_enrolled: bool,
    /// Until when somebody can make it theirs.
    pub enrolment_ends: Option<Timestamp>,
    /// When somebody last signed in.
    pub last_login: Option<Timestamp>,
    /// Until when nobody can sign in from a browser that is not known, after failed tries; may be over.
    pub locked_until: Option<Timestamp>,
}

/// What becomes of a try to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginTry {
    /// Nobody can sign in with this name: there is no account, or nobody has made it theirs.
    Unknown,
    /// There is an account, and it is too early for another try.
    TooEarly,
    /// What is given has to fit these.
    Check {
        /// Hash of the password.
        password: String,
        /// Sealed secret of codes.
        totp: Vec<u8>,
    },
}

/// What somebody gets who has signed in. Each secret is returned here and nowhere else.
#[derive(Debug, Clone)]
pub struct NewLogin {
    /// Stands for the session.
    pub token: Secret,
    /// Stands for the browser, which is known from now on; absent where an identity provider signed in.
    pub browser: Option<Secret>,
    /// The session.
    pub session: SessionRecord,
}

impl Store {
    /// Makes an account for a person, and the code with which they make it theirs within [`ENROLMENT`].
    ///
    /// # Errors
    /// [`StoreError::Principal`] and [`StoreError::Account`] for what cannot be one, [`StoreError::AccountExists`],
    /// [`StoreError::Random`], [`StoreError::Database`].
    pub fn create_account(
        &self,
        name: &str,
        scope: Scope,
    ) -> Result<(AccountRecord, Secret), StoreError> {
        match parse_qualified(name) {
            Ok((PrincipalKind::User, _)) => {}
            Ok((PrincipalKind::ServicePrincipal, _)) => {
                return Err(StoreError::Account("an account is for a person; a program has a key"));
            }
            Err(reason) => return Err(StoreError::Principal(reason)),
        }
        if scope == Scope::Client {
            return Err(StoreError::Account(
                "an account opens the console; who calls models has a key",
            ));
        }
        let (code, hash) = token(ENROLMENT_PREFIX)?;
        let now = bartizan_core::time::now();
        self.change_quietly(|rows| {
            if !rows.insert_account(name, scope.name(), now.as_microsecond())? {
                return Err(StoreError::AccountExists { name: name.to_owned() });
            }
            rows.set_enrolment(name, &hash, after(now, ENROLMENT))?;
            Ok((found(rows, name)?.record, code.clone()))
        })
    }

    /// Takes password and code away, ends the sessions of the account, and makes a code with which the person makes it
    /// theirs again. A person who is locked out is so no more.
    ///
    /// # Errors
    /// [`StoreError::AccountNotFound`], [`StoreError::Random`], [`StoreError::Database`].
    pub fn reset_account(&self, name: &str) -> Result<(AccountRecord, Secret), StoreError> {
        let (code, hash) = token(ENROLMENT_PREFIX)?;
        let now = bartizan_core::time::now();
        self.change_quietly(|rows| {
            found(rows, name)?;
            rows.set_enrolment(name, &hash, after(now, ENROLMENT))?;
            rows.delete_sessions_of_account(name)?;
            Ok((found(rows, name)?.record, code.clone()))
        })
    }

    /// Removes an account and ends its sessions.
    ///
    /// # Errors
    /// [`StoreError::AccountNotFound`], [`StoreError::Database`].
    pub fn remove_account(&self, name: &str) -> Result<AccountRecord, StoreError> {
        self.change_quietly(|rows| {
            let account = found(rows, name)?;
            rows.delete_account(name)?;
            rows.delete_sessions_of_account(name)?;
            Ok(account.record)
        })
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn list_accounts(&self) -> Result<Vec<AccountRecord>, StoreError> {
        let accounts = self.read(|rows| rows.accounts())?;
        Ok(accounts.into_iter().map(|account| account.record).collect())
    }

    /// The account that a code for enrolment is good for, at this moment.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn account_to_enrol(&self, code: &Secret) -> Result<Option<AccountRecord>, StoreError> {
        self.read(|rows| Ok(to_enrol(rows, code)?.map(|account| account.record)))
    }

    /// Makes an account somebody's: with the hash of their password, the sealed secret of their codes, and the step of
    /// the code that they have shown. None where the code for enrolment is not good, or was used by somebody else.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn enrol(
        &self,
        code: &Secret,
        password: &str,
        totp: &[u8],
        step: u64,
    ) -> Result<Option<AccountRecord>, StoreError> {
        self.change_quietly(|rows| {
            let Some(account) = to_enrol(rows, code)? else { return Ok(None) };
            // Once more, now that nobody else changes it.
            let name = account.record.name;
            let account = rows.account(&name)?;
            if account.is_none_or(|account| account.enrolment != Some(hash(code))) {
                return Ok(None);
            }
            rows.set_credentials(&name, password, totp, step.cast_signed())?;
            Ok(rows.account(&name)?.map(|account| account.record))
        })
    }

    /// Counts a try to sign in, unless it comes too early. `browser` is what a browser has that signed in before.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn begin_login(
        &self,
        name: &str,
        browser: Option<&Secret>,
    ) -> Result<LoginTry, StoreError> {
        let now = bartizan_core::time::now();
        self.change_quietly(|rows| {
            let Some(account) = rows.account(name)? else { return Ok(LoginTry::Unknown) };
            let (whose, tally) = account.tally_of(browser);
            let Account { password: Some(password), totp: Some(totp), .. } = account else {
                return Ok(LoginTry::Unknown);
            };
            let Some(tally) = counted(tally, now) else { return Ok(LoginTry::TooEarly) };
            rows.set_tally(name, whose, tally)?;
            Ok(LoginTry::Check { password, totp })
        })
    }

    /// Signs somebody in who gave what [`LoginTry::Check`] asked for: `checked` is the hash that their password fits,
    /// `step` the one of their code, which is good once. None where the code was used before, or the account is another
    /// one by now.
    ///
    /// # Errors
    /// [`StoreError::Random`], [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn finish_login(
        &self,
        name: &str,
        checked: &str,
        step: u64,
        browser: Option<&Secret>,
        lasting: sessions::Lasting,
    ) -> Result<Option<NewLogin>, StoreError> {
        let (token, token_hash) = self::token("")?;
        let (new_browser, browser_hash) = self::token("")?;
        let now = bartizan_core::time::now();
        self.change_quietly(|rows| {
            let Some(account) = rows.account(name)? else { return Ok(None) };
            if account.password.as_deref() != Some(checked) {
                return Ok(None);
            }
            let (whose, _) = account.tally_of(browser);
            let browsers = account.with_browser(browser, &browser_hash);
            if !rows.note_login(name, step.cast_signed(), &browsers, now.as_microsecond())? {
                return Ok(None);
            }
            rows.set_tally(name, whose, Tally::default())?;
            let session = sessions::NewSession {
                name: name.to_owned(),
                scope: account.record.scope,
                issuer: None,
            };
            let session = sessions::insert(rows, &session, &token_hash, lasting, now)?;
            let browser = Some(new_browser.clone());
            Ok(Some(NewLogin { token: token.clone(), browser, session }))
        })
    }

    /// Sealed secrets of codes, each with the name of its account.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn sealed_codes(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let accounts = self.read(|rows| rows.accounts())?;
        let sealed = |account: Account| Some((account.record.name, account.totp?));
        Ok(accounts.into_iter().filter_map(sealed).collect())
    }

    /// Puts a secret of codes, sealed anew, in the place of what it was. Nothing happens where it is another by now.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub fn reseal_codes(&self, name: &str, before: &[u8], now: &[u8]) -> Result<(), StoreError> {
        self.change_quietly(|rows| match rows.account(name)? {
            Some(account) if account.totp.as_deref() == Some(before) => rows.set_totp(name, now),
            _ => Ok(()),
        })
    }
}

impl Account {
    /// Whose tries count where this browser asks, and what they came to.
    fn tally_of(&self, browser: Option<&Secret>) -> (Tries, Tally) {
        match browser {
            Some(browser) if self.knows(browser) => (Tries::Known, self.known),
            _ => (Tries::Other, self.other),
        }
    }

    fn knows(&self, browser: &Secret) -> bool {
        let hash = hash(browser);
        self.browsers.chunks(hash.len()).any(|known| known.ct_eq(&hash).into())
    }

    /// The known browsers with a new one first, in the place of what this one had before.
    fn with_browser(&self, browser: Option<&Secret>, new: &TokenHash) -> Vec<u8> {
        let before = browser.map(hash);
        let others = self.browsers.chunks(new.len());
        let others = others.filter(|known| before.is_none_or(|before| **known != before));
        std::iter::once(new.as_slice())
            .chain(others)
            .take(BROWSERS_MAX)
            .flatten()
            .copied()
            .collect()
    }
}

/// A try more; none where it is too early.
fn counted(tally: Tally, now: Timestamp) -> Option<Tally> {
    let now_micros = now.as_microsecond();
    // Where there was no pause there is nothing to wait for, whatever the clock of another gateway says.
    if tally.tries >= TRIES_FREE && now_micros < tally.again {
        return None;
    }
    let is_old = after(timestamp(tally.again), FORGOTTEN) < now_micros;
    let tries = if is_old && tally.again > 0 { 1 } else { tally.tries.saturating_add(1) };
    Some(Tally { tries, again: after(now, pause(tries)) })
}

/// How long to wait after so many tries.
fn pause(tries: i64) -> Duration {
    let beyond = tries.saturating_sub(TRIES_FREE);
    if beyond < 0 {
        return Duration::ZERO;
    }
    // Far fewer doublings than overflow lead to the longest pause.
    FIRST_PAUSE.saturating_mul(1 << beyond.min(16)).min(TRY_AGAIN_MAX)
}

fn found(rows: &mut dyn Rows, name: &str) -> Result<Account, StoreError> {
    rows.account(name)?.ok_or_else(|| StoreError::AccountNotFound { name: name.to_owned() })
}

fn to_enrol(rows: &mut dyn Rows, code: &Secret) -> Result<Option<Account>, StoreError> {
    let now = bartizan_core::time::now();
    let hash = hash(code);
    let fits = |account: &Account| {
        account.enrolment.is_some_and(|wanted| wanted.ct_eq(&hash).into())
            && account.record.enrolment_ends.is_some_and(|ends| now < ends)
    };
    Ok(rows.accounts()?.into_iter().find(fits))
}

/// Something random that stands for somebody, and its hash.
pub(crate) fn token(prefix: &str) -> Result<(Secret, TokenHash), StoreError> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(StoreError::Random)?;
    let token = Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)));
    let hash = hash(&token);
    Ok((token, hash))
}

/// A slow hash would add nothing: there is no way to guess 256 random bits.
pub(crate) fn hash(token: &Secret) -> TokenHash {
    Sha256::digest(token.expose()).into()
}

fn after(time: Timestamp, duration: Duration) -> i64 {
    time.checked_add(duration).unwrap_or(Timestamp::MAX).as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_never_long() {
        assert!((0..TRIES_FREE).all(|tries| pause(tries).is_zero()));
        assert_eq!(pause(TRIES_FREE), FIRST_PAUSE);
        assert_eq!(pause(TRIES_FREE + 1), FIRST_PAUSE * 2);
        for tries in [TRIES_FREE + 6, 100, i64::from(u32::MAX), i64::MAX] {
            assert_eq!(pause(tries), TRY_AGAIN_MAX);
        }
        assert!(pause(i64::MIN + 10).is_zero());
    }

    #[test]
    fn a_try_counts_unless_it_is_too_early_and_tries_are_forgotten() {
        let now = bartizan_core::time::now();
        let mut tally = Tally::default();
        for tries in 1..=TRIES_FREE {
            tally = counted(tally, now).unwrap();
            assert_eq!(tally.tries, tries);
        }
        assert_eq!(counted(tally, now), None);
        let later = now + FIRST_PAUSE;
        let next = counted(tally, later).unwrap();
        assert_eq!((next.tries, next.again), (TRIES_FREE + 1, after(later, FIRST_PAUSE * 2)));
        let behind = Tally { tries: 1, again: after(now, FORGOTTEN) };
        assert_eq!(counted(behind, now).unwrap().tries, 2, "another clock is ahead");
        let tomorrow = now + FIRST_PAUSE + FORGOTTEN + Duration::from_secs(1);
        assert_eq!(counted(tally, tomorrow).unwrap().tries, 1);
    }
}
