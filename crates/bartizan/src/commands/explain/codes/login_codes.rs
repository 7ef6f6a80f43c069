//! Codes of people who sign in to the console.

use super::{Code, code};

#[rustfmt::skip]
pub(super) const SIGN_IN: &[Code] = &[
    code("bartizan::console::no-session", "401", "the session is not known, or has ended", "sign in again at `/login`"),
    code("bartizan::console::foreign-page", "403", "a form or a change of a session does not come from a page of the console, or lacks its `csrf`", "open the console by its own address (`console.login.address`) and send the form again; a proxy passes `Origin` on as it came"),
    code("bartizan::console::login-refused", "401", "name, password or code is wrong, the code was used before, or it is too early after other tries; which, is in the event alone", "check them; after several tries wait up to 15 minutes, or `bartizan account reset NAME`"),
    code("bartizan::console::too-many-tries", "429", "more than 20 tries in a minute from one place, or 240 from this machine", "wait a minute"),
    code("bartizan::console::login-busy", "503", "more than 32 people sign in at once", "try again"),
    code("bartizan::console::login-return", "401", "a browser comes back from an identity provider that it was not sent to, too late, or again", "begin again at `/login`, in one browser"),
    code("bartizan::console::not-signed-in", "401", "the identity provider did not sign the person in, or what it says is not to be believed; why, is in the event", "begin again at `/login`; look at `detail` of the event `login-refused`"),
    code("bartizan::console::enrolment", "401", "the code for enrolment is not known, was used, or is older than an hour", "`bartizan account reset NAME` makes another"),
    code("bartizan::console::form", "400", "the form is not that of the page", "open the page again"),
    code("bartizan::console::random", "503", "the system gives no random numbers", "check the system"),
    code("bartizan::console::page", "500", "a page cannot be written", "report it"),
    code("bartizan::login::master-key", "503", "the master keys cannot be read, with which codes of accounts are sealed", "check `secrets.key`, or `master.key` in the data folder"),
    code("bartizan::login::provider-unreachable", "503", "the identity provider does not answer", "look at the cause; its token endpoint has to be reachable from here"),
    code("bartizan::login::provider-refused", "502", "the identity provider does not exchange codes for this client", "check `client-id`, `client-secret` and the redirect URI that is registered there"),
    code("bartizan::login::provider-answer", "502", "what the identity provider answers cannot be used", "check `token-endpoint`, and that the provider gives ID tokens"),
    code("bartizan::login::code", "401", "the identity provider does not take the code: it was used, or is too old", "begin again at `/login`"),
    code("bartizan::identity::sign-in-provider", "401", "a browser was sent back by another identity provider (`iss`), or one that promised to say who it is did not", "begin again at `/login`"),
    code("bartizan::identity::sign-in-nonce", "401", "the ID token belongs to another login", "begin again at `/login`"),
    code("bartizan::identity::sign-in-client", "401", "the ID token was made for another client", "check `client-id`"),
    code("bartizan::identity::sign-in-role", "403", "the policy gives no role to any entry of the claim", "add a group of the person to `console.login.oidc.roles`"),
    code("bartizan::store::account-exists", "usage", "there is an account of this name", "`bartizan account reset NAME` makes a new link for it"),
    code("bartizan::store::account-not-found", "not found", "no account has this name", "`bartizan account list`"),
    code("bartizan::store::account", "usage", "an account is for a person, and opens the console", "name a person such as `alice@example.com`; programs and callers of models have keys"),
    code("bartizan::store::session-not-found", "not found", "no session has this id, or none that this person may end", "open `/sessions` again"),
];
