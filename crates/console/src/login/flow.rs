//! What holds a login at an identity provider together, while the browser is there.
//!
//! A browser keeps a moment and 256 random bits in a cookie; state, nonce and verifier follow from these. So nothing is
//! kept here of logins that begin, however many begin, and what comes back belongs to the browser that went. A login is
//! noted when it ended well, and is good once.

use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use bartizan_core::redact::Secret;
use bartizan_core::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::{Login, LoginFlow};
use crate::error::ConsoleError;

/// How long a login may take.
pub(crate) const FLOW_LASTS: Duration = Duration::from_mins(10);

/// Random bytes of a login.
const RANDOM_BYTES: usize = 32;

/// A login that begins, and what the browser keeps of it.
pub(crate) fn begin(login: &Login, now: Timestamp) -> Result<(LoginFlow, Secret), ConsoleError> {
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(|_| ConsoleError::Random)?;
    let kept = Secret::new(format!("{}.{}", now.as_second(), URL_SAFE_NO_PAD.encode(random)));
    Ok((flow(&kept, login), kept))
}

/// The login that a browser comes back from; none where it is another one, or took too long.
pub(crate) fn resume(
    kept: &Secret,
    state: &str,
    login: &Login,
    now: Timestamp,
) -> Option<LoginFlow> {
    let (began, random) = kept.expose().split_once('.')?;
    let bytes = URL_SAFE_NO_PAD.decode(random).ok()?;
    let began = Timestamp::from_second(began.parse().ok()?).ok()?;
    let took = now.duration_since(began);
    let is_in_time = !took.is_negative() && took.unsigned_abs() < FLOW_LASTS;
    if bytes.len() != RANDOM_BYTES || !is_in_time {
        return None;
    }
    let flow = flow(kept, login);
    bool::from(flow.state.as_bytes().ct_eq(state.as_bytes())).then_some(flow)
}

fn flow(kept: &Secret, login: &Login) -> LoginFlow {
    let key = hmac::Key::new(hmac::HMAC_SHA256, kept.expose().as_bytes());
    let part = |name: &str| URL_SAFE_NO_PAD.encode(hmac::sign(&key, name.as_bytes()));
    let verifier = Secret::new(part("verifier"));
    let challenge = digest::digest(&digest::SHA256, verifier.expose().as_bytes());
    LoginFlow {
        state: part("state"),
        nonce: part("nonce"),
        challenge: URL_SAFE_NO_PAD.encode(challenge),
        verifier,
        back_to: login.back_to(),
    }
}

#[cfg(test)]
mod tests {
    use bartizan_store::Lasting;

    use super::*;

    #[test]
    fn a_login_is_resumed_by_its_browser_with_its_state_in_its_time() {
        let lasting = Lasting { idle: FLOW_LASTS, total: FLOW_LASTS };
        let login = Login::new("https://console.example".to_owned(), None, None, lasting);
        let now = bartizan_core::time::now();
        let (flow, kept) = begin(&login, now).unwrap();
        let (other, others) = begin(&login, now).unwrap();
        assert_eq!(flow.back_to, "https://console.example/login/callback");
        assert_eq!(resume(&kept, &flow.state, &login, now), Some(flow.clone()));
        assert_eq!(resume(&others, &flow.state, &login, now), None);
        assert_eq!(resume(&kept, &other.state, &login, now), None);
        assert_eq!(resume(&kept, "", &login, now), None);
        assert_eq!(resume(&kept, &flow.state, &login, now + FLOW_LASTS), None);
        assert_eq!(resume(&kept, &flow.state, &login, now - Duration::from_secs(10)), None);
        // Whoever moves the moment has another login.
        let (_, random) = kept.expose().split_once('.').unwrap();
        let moved = Secret::new(format!("{}.{random}", now.as_second() + 1));
        assert_eq!(resume(&moved, &flow.state, &login, now + FLOW_LASTS / 2), None);
        for wrong in ["", ".", "1.", "x.y", "99999999999999999999.AAAA"] {
            assert_eq!(resume(&Secret::new(wrong), "", &login, now), None, "{wrong}");
        }
        let parts = [&flow.state, &flow.nonce, &flow.challenge, &flow.verifier.expose().to_owned()];
        assert!(parts.iter().all(|part| part.len() == 43));
        assert!((1..4).all(|at| parts[..at].iter().all(|part| *part != parts[at])));
    }
}
