//! Codes of credentials: short tokens, secrets and master keys; of what is encrypted with them; and of who counts for
//! several gateways.

use super::{Code, code};

#[rustfmt::skip]
pub(super) const SHORT_TOKENS: &[Code] = &[
    code("bartizan::tokens::request", "400", "a form that asks for a token, or something that comes with it, makes no sense; the message says what", "correct the request"),
    code("bartizan::tokens::denied", "403", "the credential may not be exchanged, or not for that", "ask for less, or with another key"),
    code("bartizan::tokens::unbound", "401", "a token came without the proof or certificate that it is bound to, or its key has ended", "send a proof with each request, or ask for another token"),
];

#[rustfmt::skip]
pub(super) const GRANTS: &[Code] = &[
    code("bartizan::grants::token-too-long", "401", "the token is longer than 8 KiB of text or has more than 16 blocks", "narrow a fresh token, and less often"),
    code("bartizan::grants::token-malformed", "401", "the token is no `bzt_` token: not base64url (with all padding or none), or its first block is not of the known form", "get a fresh token, and send it as it came"),
    code("bartizan::grants::token-block", "401", "a block that narrows the token says something else than a limit in a documented form, or is signed by a third party", "narrow with `bartizan` or in one of the documented forms, with a note of visible characters"),
    code("bartizan::grants::token-algorithm", "401", "a key of the token is none for Ed25519", "sign blocks with Ed25519"),
    code("bartizan::grants::token-key", "401", "the root key of the token is not known here, or not any more", "get a fresh token; where keys were changed, let verifiers read the published keys again"),
    code("bartizan::grants::token-signature", "401", "a signature of the token is wrong, blocks were left off, or a key is one for which anybody can sign", "get a fresh token"),
    code("bartizan::grants::token-early", "401", "the token was issued more than 60 s from now", "set the clocks of whoever issues and verifies"),
    code("bartizan::grants::token-expired", "401", "the token has expired", "get a fresh token"),
    code("bartizan::grants::token-lives-too-long", "401", "the token lives longer than 15 minutes", "get a fresh token for less"),
    code("bartizan::grants::token-revoked", "401", "the token, one that it was narrowed from, or the key or issuer that it was made for was revoked", "get a fresh token with a credential that is still good"),
    code("bartizan::grants::proof-malformed", "401", "the proof is longer than 4 KiB, cannot be read, or lacks a member; the message names it", "make a DPoP proof of RFC 9449, each member once"),
    code("bartizan::grants::proof-type", "401", "the header of the proof is not of a `dpop+jwt`, or demands extensions (`crit`)", "set `typ` to `dpop+jwt` and leave `crit` out"),
    code("bartizan::grants::proof-algorithm", "401", "the proof is signed by another algorithm than `EdDSA` or `ES256`, or not by that of its key", "sign with Ed25519 or P-256"),
    code("bartizan::grants::proof-key", "401", "the token is bound to something else than the key of the proof, or the key shows its secret", "sign with the key that the token was made for; a key whose secret was sent is nobody's any more"),
    code("bartizan::grants::proof-signature", "401", "the signature of the proof is wrong", "sign the very bytes that are sent"),
    code("bartizan::grants::proof-request", "401", "the proof is for another method (`htm`), address (`htu`) or token (`ath`)", "make a proof for each request; behind a proxy, for the outer address"),
    code("bartizan::grants::proof-time", "401", "the proof was not made within 60 s of now (`iat`)", "make a new proof; set the clock"),
    code("bartizan::grants::proof-forgotten", "401", "the proof was made before this gateway started, or at a time that its clock goes through again, so that nobody knows whether it was used", "make a new proof; set the clocks"),
    code("bartizan::grants::proof-replayed", "401", "the proof was used before (`jti`)", "make a proof for each request"),
    code("bartizan::grants::proofs-of-key-full", "429", "more proofs with this key were used within two minutes than one key may", "wait, send fewer requests, or use more keys"),
    code("bartizan::grants::proofs-full", "503", "more proofs were used within two minutes than can be remembered", "wait; limit the requests of each caller"),
    code("bartizan::grants::revocations-full", "unavailable", "as many tokens or origins are revoked as can be remembered", "wait 16 minutes, revoke an origin instead of tokens, or retire the root key"),
    code("bartizan::grants::holder", "usage", "the name of the principal, the session or the time is none that a token can have", "name a principal as policy does; a session is a UUIDv7"),
    code("bartizan::grants::limits", "usage", "a limit or note of the token makes no sense; the message names it", "leave a set out to open all that policy allows; at most 64 entries, notes of 1 to 128 bytes"),
    code("bartizan::grants::lifetime", "usage", "the token would be good for less than a second", "ask for more"),
    code("bartizan::grants::nothing-left", "usage", "nothing would be narrowed, or nothing would be left of what the token opens", "narrow to some of what the token opens"),
    code("bartizan::grants::too-long", "usage", "the token would be longer than 8 KiB of text or have more than 16 blocks", "name fewer entries, or narrow a fresh token"),
    code("bartizan::grants::sealed", "usage", "whoever sealed the token wanted that it cannot be narrowed", "narrow the token that it was made from"),
    code("bartizan::grants::random", "internal", "the system gives no random numbers", "check the system"),
    code("bartizan::grants::keys-file", "unavailable", "the file of signing keys cannot be read or written, or is no file", "check the path, its rights and room on the disk"),
    code("bartizan::grants::keys-locked", "unavailable", "another process changes the file of signing keys", "try again"),
    code("bartizan::grants::keys-owner", "usage", "the file of signing keys belongs neither to this user nor to root", "`chown` it to the account of the service"),
    code("bartizan::grants::keys-exposed", "usage", "others may do something with the file of signing keys", "`chmod 600 FILE`; where it was open for long, make a new key and retire the one before"),
    code("bartizan::grants::keys-format", "usage", "the file or set of keys is none that Bartizan wrote, a published key says no end (`exp`), or there are more than 16", "restore it from a backup; read published keys again"),
    code("bartizan::grants::keys-unknown", "not found", "no key has this id", "list the ids"),
    code("bartizan::grants::keys-newest", "usage", "the key that signs cannot be retired", "make a new one before"),
];

#[rustfmt::skip]
pub(super) const COUNTERS: &[Code] = &[
    code("bartizan::counters::refused", "usage", "the server of `state.redis` does not let this gateway in", "check `password`, the user in `url`, and what the user may do: `EVALSHA`, `SCRIPT LOAD`, `PING`, `INFO`, and all keys with the prefix"),
    code("bartizan::counters::settings", "usage", "the client of Redis can make nothing of the address or the certificates", "check `url` and `ca`"),
    code("bartizan::counters::certificates", "usage", "`ca` of `state.redis` cannot be read", "check the path and its rights"),
    code("bartizan::counters::random", "unavailable", "the system gives no random numbers", ""),
];

#[rustfmt::skip]
pub(super) const KEYRING: &[Code] = &[
    code("bartizan::keyring::file", "usage", "the key file or its folder cannot be used", "check the path and its rights"),
    code("bartizan::keyring::open-to-others", "usage", "others may read or change the key file", "`chmod 600 FILE`"),
    code("bartizan::keyring::owner", "usage", "the key file belongs neither to this user nor to root", "`chown` it to the account of the service"),
    code("bartizan::keyring::exists", "usage", "a new key file would take the place of something", "choose another path, or add a key to the file"),
    code("bartizan::keyring::locked", "unavailable", "another process changes the key file", "try again"),
    code("bartizan::keyring::empty", "usage", "there is no master key in the file or text", "make a key file"),
    code("bartizan::keyring::malformed", "usage", "a line is no master key; the message has its number", "a line holds `bzk1_` and 43 characters of base64url"),
    code("bartizan::keyring::guessable", "usage", "a master key is one repeated byte", "make a key"),
    code("bartizan::keyring::twice", "usage", "two lines hold the same master key", "remove one"),
    code("bartizan::keyring::too-many", "usage", "there are more than 64 master keys", "retire old ones"),
    code("bartizan::keyring::unknown", "not found", "there is no master key with this id", "list the ids"),
    code("bartizan::keyring::current", "usage", "the current master key cannot be retired", "add a new key and seal everything again before"),
    code("bartizan::keyring::purpose", "internal", "what a key is derived for has no proper name", ""),
    code("bartizan::keyring::derive", "internal", "no key can be derived from a master key", ""),
    code("bartizan::keyring::random", "unavailable", "the system gives no random numbers", "check the system"),
];

#[rustfmt::skip]
pub(super) const SEAL: &[Code] = &[
    code("bartizan::seal::too-short", "unavailable", "sealed data is cut off", "restore it"),
    code("bartizan::seal::version", "unavailable", "sealed data has a format that this version does not know", "use the Bartizan that wrote it"),
    code("bartizan::seal::unknown-key", "usage", "data is sealed with a master key that is not in the keyring", "put the key back, behind the current one"),
    code("bartizan::seal::damaged", "unavailable", "sealed data was changed, or belongs elsewhere", "restore it"),
    code("bartizan::seal::refused", "internal", "data cannot be sealed", ""),
    code("bartizan::seal::random", "unavailable", "the system gives no random numbers", "check the system"),
];

#[rustfmt::skip]
pub(super) const SECRETS: &[Code] = &[
    code("bartizan::secrets::read", "unavailable", "`secrets.json` cannot be read", "check `data-dir` and its rights"),
    code("bartizan::secrets::write", "unavailable", "`secrets.json` cannot be written", "check `data-dir`, its rights and room on the disk"),
    code("bartizan::secrets::locked", "unavailable", "another process changes `secrets.json`", "try again"),
    code("bartizan::secrets::damaged", "unavailable", "`secrets.json` is not what Bartizan wrote", "restore it from a backup"),
    code("bartizan::secrets::schema", "usage", "another version of Bartizan wrote `secrets.json`", "use the Bartizan that wrote it"),
    code("bartizan::secrets::unverified", "unavailable", "`secrets.json` was changed by others, or the master keys are not those it was written with", "check the keyring; else restore it from a backup"),
    code("bartizan::secrets::disappeared", "unavailable", "`secrets.json` was there before and is gone; what was known is still used", "restore it"),
    code("bartizan::secrets::replaced", "unavailable", "`secrets.json` does not follow from the one before: it comes from an older copy or another store, or was changed more than 256 times; what was known is still used", "restore the newest; restart if it is the right one"),
    code("bartizan::secrets::keyring", "that of the cause", "the keyring gives no key for the store", "see the cause"),
    code("bartizan::secrets::seal", "that of the cause", "a secret cannot be sealed or opened", "see the cause"),
    code("bartizan::secrets::name", "usage", "a secret has no proper name", "letters, digits, `.`, `_`, `-` and `/`, at most 128"),
    code("bartizan::secrets::value", "usage", "a value is empty or longer than 64 KiB", ""),
    code("bartizan::secrets::note", "usage", "a note is too long or has control characters", ""),
    code("bartizan::secrets::already-expired", "usage", "a value would expire before it is set", "give a later time"),
    code("bartizan::secrets::overlap-too-long", "usage", "an overlap is longer than 366 days", ""),
    code("bartizan::secrets::exists", "usage", "there is a secret with this name", "rotate it"),
    code("bartizan::secrets::not-found", "not found", "there is no secret with this name", "list the names"),
    code("bartizan::secrets::no-previous", "usage", "no earlier value of the secret is still good", "rotate it"),
    code("bartizan::secrets::expired", "unavailable", "the secret expired and is not given out", "rotate it"),
    code("bartizan::secrets::same-value", "usage", "the secret has this value already", ""),
    code("bartizan::secrets::too-many", "usage", "there are 10,000 secrets already", "remove some"),
    code("bartizan::secrets::full", "usage", "the secrets take more than 64 MiB", "remove some"),
    code("bartizan::secrets::random", "unavailable", "the system gives no random numbers", "check the system"),
];

#[rustfmt::skip]
pub(super) const VAULT: &[Code] = &[
    code("bartizan::vault::reference", "usage", "a reference to Vault is none", "`vault:MOUNT/PATH#FIELD`"),
    code("bartizan::vault::namespace", "usage", "a namespace of Vault is none", "`PART/PART`"),
    code("bartizan::vault::token", "usage", "a token of Vault is none", "visible ASCII characters without a newline"),
    code("bartizan::vault::too-long", "upstream", "an answer of Vault is longer than 2 MiB", ""),
    code("bartizan::vault::malformed", "upstream", "an answer is none of Vault's", "check the address"),
    code("bartizan::vault::not-versioned", "upstream", "the mount is no key-value engine of version 2", "name another mount, or upgrade the engine"),
    code("bartizan::vault::not-found", "upstream", "there is no secret, or the token may not know of it", "check the reference and the token's policy"),
    code("bartizan::vault::deleted", "upstream", "the newest version was deleted", "`vault kv undelete`, or write a new one"),
    code("bartizan::vault::destroyed", "upstream", "the newest version was destroyed", "write a new one"),
    code("bartizan::vault::no-field", "upstream", "the secret has other fields; the message names them", "name one of them"),
    code("bartizan::vault::field", "upstream", "the field is no text of 1 byte to 64 KiB", "write it as text"),
    code("bartizan::vault::token-refused", "upstream", "Vault does not accept the token", "give a fresh one"),
    code("bartizan::vault::denied", "upstream", "the token may not read the secret", "give its policy `read` on `MOUNT/data/PATH`"),
    code("bartizan::vault::refused", "upstream", "Vault refuses the request", "check the reference and the namespace"),
    code("bartizan::vault::redirect", "upstream", "Vault redirects to another node", "use the address of the active one"),
    code("bartizan::vault::behind", "unavailable", "the node is behind the others", "none; it is asked again"),
    code("bartizan::vault::limited", "unavailable", "a quota of Vault is used up, or the node is on standby", "raise the quota, or use the active node"),
    code("bartizan::vault::standby", "unavailable", "the node is on standby", "use the active node"),
    code("bartizan::vault::sealed", "unavailable", "Vault is sealed", "unseal it"),
    code("bartizan::vault::unavailable", "unavailable", "Vault is not available", ""),
    code("bartizan::vault::failed", "upstream", "Vault failed", "see its log"),
    code("bartizan::vault::unexpected", "upstream", "a status that Vault does not give", "check the address"),
];

#[rustfmt::skip]
pub(super) const INFERENCE_LOG: &[Code] = &[
    code("bartizan::inference::folder", "usage; not found when it is missing", "the folder of the inference log cannot be used", "check `data-dir` and its rights"),
    code("bartizan::inference::locked", "usage", "another process writes to it", "stop that one, or use another `data-dir`"),
    code("bartizan::inference::segment", "unavailable", "a file of the inference log cannot be used", "look at the cause"),
    code("bartizan::inference::keys", "unavailable", "the keys of people and programs cannot be read or changed", "look at the cause; without `keys.jsonl` nothing can be opened, so that it belongs into backups"),
    code("bartizan::inference::master-key", "usage", "there is no master key to open the inference log with", "`bartizan secret master-key` makes the first one; later, bring the one back that it was kept with"),
    code("bartizan::inference::thread", "unavailable", "the thread that writes cannot be started", ""),
];
