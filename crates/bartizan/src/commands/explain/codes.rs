//! Every error code of this build: what it means and what to do.
//!
//! `bartizan explain` shows them and `docs/reference/errors.md` is made from them. A test holds the list
//! against the source of the workspace.

mod credentials;
mod login_codes;

use credentials::{COUNTERS, GRANTS, INFERENCE_LOG, KEYRING, SEAL, SECRETS, SHORT_TOKENS, VAULT};
use login_codes::SIGN_IN;

/// One code.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) id: &'static str,
    /// What the column of the section says: an HTTP status or a class.
    pub(crate) kind: &'static str,
    pub(crate) meaning: &'static str,
    /// What to do; may be empty.
    pub(crate) fix: &'static str,
}

/// Codes that come from one place.
#[derive(Debug)]
pub(crate) struct Section {
    /// Depth of the heading.
    pub(crate) level: usize,
    pub(crate) title: &'static str,
    pub(crate) intro: &'static str,
    /// What [`Code::kind`] is.
    pub(crate) kind: &'static str,
    pub(crate) codes: &'static [Code],
    pub(crate) outro: &'static str,
}

const fn code(
    id: &'static str,
    kind: &'static str,
    meaning: &'static str,
    fix: &'static str,
) -> Code {
    Code { id, kind, meaning, fix }
}

/// Every section, in the order of the page.
pub(crate) const SECTIONS: &[Section] = &[
    Section {
        level: 2,
        title: "Gateway",
        intro: "In what words a client is told is in the [guide](../guides/gateway.md#errors-per-protocol). \
                The code is in `detail` of the event.",
        kind: "HTTP",
        codes: GATEWAY,
        outro: "",
    },
    Section {
        level: 3,
        title: "JSON",
        intro: "Behind `body-not-json`; the message has the reason and the place.",
        kind: "",
        codes: JSON,
        outro: "",
    },
    Section {
        level: 3,
        title: "Edits",
        intro: "Behind `edit-failed`, in the log. All are bugs in Bartizan.",
        kind: "",
        codes: EDITS,
        outro: "",
    },
    Section {
        level: 3,
        title: "Streams",
        intro: "Behind `provider-unreadable`, in the log, about server-sent events of the provider.",
        kind: "",
        codes: STREAMS,
        outro: "",
    },
    Section {
        level: 2,
        title: "Policy",
        intro: "",
        kind: "class",
        codes: POLICY,
        outro: "A guardrail that this build cannot enforce has no code: `endpoint … cannot be guarded as asked`, \
                exit code 2.",
    },
    Section {
        level: 2,
        title: "Tokens",
        intro: "Of identity providers, in place of keys, and of certificates. The message names claims and never what is in them.",
        kind: "HTTP",
        codes: TOKENS,
        outro: "",
    },
    Section {
        level: 2,
        title: "Keys of issuers",
        intro: "By which tokens are checked.",
        kind: "class",
        codes: KEYS_OF_ISSUERS,
        outro: "",
    },
    Section { level: 2, title: "Store", intro: "", kind: "class", codes: STORE, outro: "" },
    Section {
        level: 2,
        title: "Short tokens",
        intro: "Made at `/oauth/token`.",
        kind: "HTTP",
        codes: SHORT_TOKENS,
        outro: "",
    },
    Section {
        level: 3,
        title: "Tokens, proofs and signing keys",
        intro: "",
        kind: "HTTP or class",
        codes: GRANTS,
        outro: "",
    },
    Section { level: 2, title: "Counters", intro: "", kind: "class", codes: COUNTERS, outro: "" },
    Section { level: 2, title: "Master keys", intro: "", kind: "class", codes: KEYRING, outro: "" },
    Section { level: 2, title: "Sealed data", intro: "", kind: "class", codes: SEAL, outro: "" },
    Section { level: 2, title: "Secrets", intro: "", kind: "class", codes: SECRETS, outro: "" },
    Section {
        level: 2,
        title: "Inference log",
        intro: "What was asked and answered, where it is kept.",
        kind: "class",
        codes: INFERENCE_LOG,
        outro: "",
    },
    Section { level: 2, title: "Vault", intro: "", kind: "class", codes: VAULT, outro: "" },
    Section {
        level: 2,
        title: "Models of your own",
        intro: "In builds with `--features infer`.",
        kind: "class",
        codes: INFER,
        outro: "",
    },
    Section { level: 2, title: "Event log", intro: "", kind: "class", codes: EVENT_LOG, outro: "" },
    Section { level: 2, title: "Sinks", intro: "", kind: "class", codes: SINKS, outro: "" },
    Section {
        level: 2,
        title: "Questions to the event log",
        intro: "",
        kind: "class",
        codes: QUESTIONS,
        outro: "",
    },
    Section {
        level: 2,
        title: "Logs at a URL",
        intro: "Of `bartizan audit verify`. None of them says that a log does not hold.",
        kind: "class",
        codes: LOGS_AT_A_URL,
        outro: "",
    },
    Section {
        level: 2,
        title: "Console and admin API",
        intro: "`{\"error\":{\"code\",\"message\",\"help\"}}`",
        kind: "HTTP",
        codes: CONSOLE_AND_ADMIN_API,
        outro: "",
    },
    Section {
        level: 3,
        title: "Signing in",
        intro: "Of people with a browser, who are told on a page.",
        kind: "HTTP or class",
        codes: SIGN_IN,
        outro: "",
    },
];

/// A code with its section.
pub(crate) type Listed = (&'static Section, &'static Code);

/// The code with this id, or those of which it is the last part.
pub(crate) fn find(id: &str) -> Vec<Listed> {
    all().filter(|(_, code)| code.id == id || last(code.id) == id).collect()
}

/// What to do about an error, without links.
pub(crate) fn fix(id: &str) -> Option<&'static str> {
    let (_, code) = all().find(|(_, code)| code.id == id)?;
    (!code.fix.is_empty()).then_some(code.fix)
}

/// Every code with its section.
pub(crate) fn all() -> impl Iterator<Item = Listed> {
    SECTIONS.iter().flat_map(|section| section.codes.iter().map(move |code| (section, code)))
}

/// What comes after the last `::`.
pub(crate) fn last(id: &str) -> &str {
    id.rsplit("::").next().unwrap_or(id)
}

#[rustfmt::skip]
const GATEWAY: &[Code] = &[
    code("bartizan::gateway::unknown-path", "404", "nothing is served at this path", "use a path of the [guide](../guides/gateway.md#paths)"),
    code("bartizan::gateway::method-not-allowed", "405", "the path takes another method", "`POST` for models, `GET` for the list of models"),
    code("bartizan::gateway::head-too-large", "431", "the path and headers are too large; the message says how large they may be", "send fewer or shorter headers"),
    code("bartizan::gateway::key-missing", "401", "no key was given", "send `Authorization: Bearer KEY`, `x-api-key` or `api-key`"),
    code("bartizan::gateway::key-unknown", "401", "the key is unknown, expired or revoked", "`bartizan key list`; make another"),
    code("bartizan::gateway::key-scope", "403", "an admin key was used for a model", "use a client key (`bzc_…`)"),
    code("bartizan::gateway::endpoint-forbidden", "403", "the endpoint's `allow` leaves the caller out", "use another endpoint, or change `allow`"),
    code("bartizan::gateway::body-too-large", "413", "more than 16 MiB", "send less"),
    code("bartizan::gateway::body-unreadable", "400", "the body broke off", "send it again"),
    code("bartizan::gateway::body-encoded", "415", "the body came compressed", "send it without `content-encoding`"),
    code("bartizan::gateway::body-not-json", "400", "the body is not JSON as the gateway reads it; the message says where", "see [JSON](#json)"),
    code("bartizan::gateway::body-not-an-object", "400", "the body is JSON of another kind", "send an object"),
    code("bartizan::gateway::body-shape", "400", "the body is not laid out as the protocol says; the message names the member", "mend it, such as `messages` as a list of objects"),
    code("bartizan::gateway::model-missing", "400", "no model named, and no endpoint is meant for all", "name an endpoint in `model`"),
    code("bartizan::gateway::model-unknown", "404", "no endpoint of this name or model", "the message lists the endpoints"),
    code("bartizan::gateway::unsupported", "400", "no provider of the endpoint serves this protocol", "use another endpoint or protocol"),
    code("bartizan::gateway::untranslatable", "400", "the provider speaks another protocol, which has no words for this", "leave it out, or use the provider's own protocol"),
    code("bartizan::gateway::blocked", "400", "a guardrail refused the request or the answer", "the message names guardrail and category; `bartizan events` has the finding"),
    code("bartizan::gateway::modality-refused", "400", "an image, sound or file, which no guardrail can read", "list it under `modalities` of the endpoint if it may pass unread"),
    code("bartizan::gateway::unseen-refused", "400", "the request lets the provider read or run what no guardrail sees; the message names the field", "list it under `unseen` of the endpoint if that may be"),
    code("bartizan::gateway::guard-failed", "503", "a detector failed, and its guardrail says to refuse then; a stream that has begun ends with this code", "look at the log; `on-error: allow` lets pass"),
    code("bartizan::gateway::limited", "429", "a limit has no room", "wait for `retry-after` seconds; with `x-should-retry: false`, plan a shorter answer"),
    code("bartizan::gateway::loop", "429", "a brake stopped the request: it is nearly the same as others, calls a tool once more, or its conversation goes on for too long; the message names the brake", "look at the program that asks; with `retry-after` it may go on then, with `x-should-retry: false` it has to ask for something else"),
    code("bartizan::gateway::price-unknown", "403", "a limit counts dollars, and the model has no price", "add the model to `prices`"),
    code("bartizan::gateway::provider-unreachable", "502", "no provider took a connection", "`bartizan doctor`"),
    code("bartizan::gateway::provider-timeout", "504", "no answer within `timeouts`", "raise them, or look at the provider"),
    code("bartizan::gateway::provider-broke-off", "502", "the provider's connection broke", "ask again; it may have been charged"),
    code("bartizan::gateway::provider-unreadable", "502", "the answer is not what the protocol promises, so it was not passed on", "look at the log and the provider"),
    code("bartizan::gateway::answer-too-large", "502", "an answer of more than 64 MiB", "stream it"),
    code("bartizan::gateway::counters-away", "503", "limits are counted in `state.redis`, nobody answers there, and `when-away` is `deny`", "look at the server; `when-away: count-alone` lets gateways go on"),
    code("bartizan::gateway::keys-away", "503", "keys are in `state.postgres`, which was not heard for longer than `trust-for`", "look at the server"),
    code("bartizan::gateway::proof-replayed", "401", "the proof that came with a token was used before, here or at another gateway", "make a proof for each request"),
    code("bartizan::gateway::tokens-not-made", "404", "`identity.tokens` is not in the policy", "add `identity: { tokens: {} }`"),
    code("bartizan::gateway::log-unavailable", "503", "the event could not be written, and `ledger.on-failure` is `deny`, or memory has no room for more", "make room on the disk"),
    code("bartizan::gateway::inference-log-unavailable", "503", "the inference log cannot keep the exchange, and the policy asks to withhold the answer then", "make room on the disk, and see the log of the process; `on-failure: answer` lets answers go out all the same"),
    code("bartizan::gateway::edit-failed", "500", "masks could not be put into the body", "report it"),
];

#[rustfmt::skip]
const JSON: &[Code] = &[
    code("bartizan::gateway::json-empty", "", "the body is empty", ""),
    code("bartizan::gateway::json-too-long", "", "the body is longer than 4 GiB", ""),
    code("bartizan::gateway::json-byte-order-mark", "", "the body starts with a byte order mark", ""),
    code("bartizan::gateway::json-invalid-utf8", "", "the body is not UTF-8", ""),
    code("bartizan::gateway::json-trailing", "", "the body goes on after the value", ""),
    code("bartizan::gateway::json-unexpected-end", "", "the body ends too early", ""),
    code("bartizan::gateway::json-unexpected-byte", "", "the body has a byte that cannot stand there", ""),
    code("bartizan::gateway::json-too-deep", "", "the body nests deeper than 128 levels", ""),
    code("bartizan::gateway::json-too-many-nodes", "", "the body has more than 1,048,576 values and keys", ""),
    code("bartizan::gateway::json-duplicate-key", "", "the body names one member twice", ""),
    code("bartizan::gateway::json-lone-surrogate", "", "the body has half of a surrogate pair", ""),
    code("bartizan::gateway::json-control-character", "", "the body has a raw control character in a string", ""),
    code("bartizan::gateway::json-invalid-escape", "", "the body has an escape that JSON does not know", ""),
    code("bartizan::gateway::json-invalid-number", "", "the body has a number that JSON does not write so", ""),
    code("bartizan::gateway::json-number-out-of-range", "", "the body has a number that a 64-bit float cannot hold", ""),
    code("bartizan::gateway::json-comment", "", "the body has a comment", ""),
    code("bartizan::gateway::json-trailing-comma", "", "the body has a comma with nothing after it", ""),
];

#[rustfmt::skip]
const EDITS: &[Code] = &[
    code("bartizan::gateway::json-edit-overlap", "", "two edits of a body reach over each other", ""),
    code("bartizan::gateway::json-edit-unknown-node", "", "an edit names a value that is not there", ""),
    code("bartizan::gateway::json-edit-no-such-text", "", "an edit names a stretch of a text that is not there", ""),
    code("bartizan::gateway::json-edit-removes-root", "", "an edit takes the whole document away", ""),
    code("bartizan::gateway::json-edit-not-an-object", "", "an edit adds a member to something that has none", ""),
    code("bartizan::gateway::json-edit-invalid-replacement", "", "an edit puts in what is no JSON", ""),
    code("bartizan::gateway::json-edit-invalid-result", "", "the body is no JSON after the edits", ""),
];

#[rustfmt::skip]
const STREAMS: &[Code] = &[
    code("bartizan::gateway::sse-event-too-long", "", "an event is longer than 4 MiB", ""),
    code("bartizan::gateway::sse-invalid-utf8", "", "an event is not UTF-8", ""),
    code("bartizan::gateway::sse-unfinished", "", "an event has no end", ""),
];

#[rustfmt::skip]
const POLICY: &[Code] = &[
    code("bartizan::policy::unreadable", "usage", "the file cannot be read", "check the path and its rights"),
    code("bartizan::policy::too-large", "usage", "the file is larger than 16 MiB", ""),
    code("bartizan::policy::invalid", "usage", "something in it cannot be used", "each problem comes with its place and what to write instead"),
];

#[rustfmt::skip]
const STORE: &[Code] = &[
    code("bartizan::store::file", "usage", "`state.db` or its folder cannot be created", "check `data-dir` and its rights"),
    code("bartizan::store::open", "usage", "the file is no database, or cannot be read", "point `data-dir` elsewhere, or restore the file"),
    code("bartizan::store::too-new", "usage", "a newer Bartizan wrote the file", "use the Bartizan that wrote it, or another `data-dir`"),
    code("bartizan::store::database", "unavailable", "a statement failed: locked for long, damaged", "look at the log"),
    code("bartizan::store::connect", "unavailable", "the server of `state.postgres` cannot be reached, or does not let this process in", "look at the cause; check address, user, password and `ca`"),
    code("bartizan::store::silent", "unavailable", "the server of `state.postgres` does not answer", "look at the server, and at what is between"),
    code("bartizan::store::threads", "unavailable", "the system gives no means to wait for a database", "raise the limits on threads and open files"),
    code("bartizan::store::certificates", "usage", "`ca` of `state.postgres` holds no certificate that can be used", "name a file of certificates in PEM"),
    code("bartizan::store::tls", "usage", "the TLS library does not do what is needed", ""),
    code("bartizan::store::full", "unavailable", "the disk has no room for the state", "make room on the disk"),
    code("bartizan::store::damaged", "unavailable", "a row holds what no version writes", "restore the file"),
    code("bartizan::store::random", "unavailable", "the system gives no random numbers", ""),
    code("bartizan::store::principal", "usage", "the holder's name is not valid", "`alice@example.com` or `sp:support-bot`"),
    code("bartizan::store::key-tags", "usage", "a key that calls no models has tags", "leave them out, or make a client key"),
    code("bartizan::store::key-endpoints", "usage", "a key is narrowed to no endpoint, or to more than 64, or is no client key", "name 1 to 64 endpoints, of a client key"),
    code("bartizan::store::key-ended", "usage", "the key does not work any more, so that no other takes its place", "make a new one: `bartizan key create`"),
    code("bartizan::store::note-too-long", "usage", "a note of more than 1,024 bytes", "shorten it"),
    code("bartizan::store::already-expired", "usage", "the key would expire before it exists", "choose a later time"),
    code("bartizan::store::key-not-found", "not found", "no key has this id", "`bartizan key list`"),
    code("bartizan::store::read", "unavailable", "keys of an erased principal are removed, and the name may still be in `state.db-wal`", "end what reads the state, such as a backup, and erase again"),
    code("bartizan::store::last-admin-key", "usage, HTTP 409", "nobody could manage Bartizan without this key", "make another admin key first"),
    code("bartizan::store::endpoint-too-large", "usage", "the text of an endpoint is too long", "share guardrails in the policy file"),
    code("bartizan::store::change-not-found", "not found", "no change has this id", "`bartizan change list`"),
    code("bartizan::store::change-over", "usage", "the change was approved, rejected or has expired, or what it was about has changed; status 409 in the admin API", "`bartizan change list`; ask for it again"),
    code("bartizan::store::too-many-changes", "limit", "100 changes wait for a second person", "approve or reject some of them"),
    code("bartizan::store::no-person", "denied", "the key belongs to a program, and only people approve changes", "approve it with the key of a person"),
    code("bartizan::store::same-person", "denied", "whoever asked for a change cannot approve it", "ask somebody else"),
    code("bartizan::store::same-hand", "denied", "the keys of both were made by one person, or one of them by the other, or by nobody knows whom; that person could do both", "have the keys made where the data folder is, with `bartizan key create`"),
];

#[rustfmt::skip]
const INFER: &[Code] = &[
    code("bartizan::infer::no-folder", "usage", "`path` of a model is no folder", "name the folder with `config.json`, `tokenizer.json` and `model.safetensors`"),
    code("bartizan::infer::missing", "usage", "a file of the model is not there", "the help says how to make it from what is there; nothing is downloaded"),
    code("bartizan::infer::unreadable", "usage", "a file of the model cannot be read, or is larger than may be", "check its rights and size"),
    code("bartizan::infer::config", "usage", "`config.json` describes no classifier that can be run", "use the one that came with the weights"),
    code("bartizan::infer::architecture", "usage", "the family of the model is not built in", "use a sequence classifier of BERT, RoBERTa, XLM-RoBERTa or DeBERTa-v2/v3"),
    code("bartizan::infer::label", "usage", "the model has no such label", "the message lists its labels"),
    code("bartizan::infer::length", "usage", "the model takes fewer tokens at once", "lower `max-tokens`"),
    code("bartizan::infer::tokenizer", "usage", "`tokenizer.json` cannot be used", "use the one that came with the weights"),
    code("bartizan::infer::weights", "usage", "the weights are not those that `config.json` describes", "use files of one and the same model"),
    code("bartizan::infer::text-too-long", "limit", "a text of more than 64 KiB", ""),
    code("bartizan::infer::failed", "internal", "the model failed at a text; `model-failed:<name>` in the event", "`bartizan doctor` runs it once"),
    code("bartizan::infer::out-of-time", "limit", "the time was over; `model-budget:<name>` in the event", "raise `budget`, or use a smaller model"),
];

#[rustfmt::skip]
const EVENT_LOG: &[Code] = &[
    code("bartizan::ledger::folder", "usage; not found when it is missing", "the folder of the log cannot be used", "check `data-dir` and its rights"),
    code("bartizan::ledger::locked", "usage", "another process writes to it", "stop that one, or use another `data-dir`"),
    code("bartizan::ledger::segment", "unavailable", "a file of the log cannot be used", "look at the cause"),
    code("bartizan::ledger::thread", "unavailable", "the thread that syncs cannot be started", ""),
    code("bartizan::ledger::key", "unavailable", "the key by which the log is signed is missing or cannot be read, or was replaced by a newer one", "put `signing.key` back from your backup; without it, move the folder of the log away and a new log begins"),
    code("bartizan::ledger::two-keys", "usage", "the key of the log is being changed already: two keys sign it", "`bartizan audit rotate-key --finish` drops the older one; then it can be changed again"),
    code("bartizan::ledger::one-key", "usage", "there is no older key to drop: one key signs the log", "`bartizan audit rotate-key` makes the new one first"),
    code("bartizan::ledger::checkpoint", "unavailable", "the last checkpoint cannot be read, or is not signed by the key of the log; or what witnesses have signed does not fit the log", "somebody changed `checkpoint` or `signing.key`; restore both from one backup"),
    code("bartizan::ledger::tile", "unavailable", "hashes of the log are missing or damaged", "run `bartizan audit verify`; restore the folder `tile` of the log from a backup"),
    code("bartizan::ledger::gap", "unavailable", "entries between two files of the log are missing", "run `bartizan audit verify`; restore the file from a backup"),
    code("bartizan::ledger::behind", "unavailable", "entries that were signed are not there", "restore the files of the log from a backup that is not older than its checkpoint"),
    code("bartizan::ledger::changed", "unavailable", "entries are not the ones that were signed", "run `bartizan audit verify`, which names the first; keep the folder as evidence"),
    code("bartizan::ledger::sign", "unavailable", "the log cannot be signed; it is tried again", "make room; check the disk"),
    code("bartizan::ledger::sync", "unavailable", "events could not be brought to the disk; it is tried again", "make room; check the disk"),
    code("bartizan::ledger::subjects", "unavailable", "the names beside the log, `ledger/subjects.jsonl`, cannot be read or written", "check the rights of the file; make room"),
    code("bartizan::ledger::malformed", "unavailable", "a line is not an event; reading goes on behind it", "somebody wrote into the file"),
    code("bartizan::ledger::line-too-long", "unavailable", "a line of more than 64 KiB; reading goes on behind it", "somebody wrote into the file"),
    code("bartizan::ledger::torn", "unavailable", "a file other than the newest ends inside a line", "the end is lost; look at the disk"),
];

#[rustfmt::skip]
const TOKENS: &[Code] = &[
    code("bartizan::identity::token-too-long", "401", "the token is longer than 8 KiB", "have the issuer put fewer claims into it"),
    code("bartizan::identity::token-malformed", "401", "it is no signed JSON Web Token, or its header says something that nobody knows", "send the token as the issuer gave it"),
    code("bartizan::identity::token-algorithm", "401", "it is signed in a way that the policy does not list for its issuer, or that its key is not for", "add the algorithm to `algorithms`, if the issuer is meant to use it"),
    code("bartizan::identity::token-issuer", "401", "its `iss` is that of no issuer of the policy, to the letter", "compare `iss` with `issuer` of the policy, slashes included"),
    code("bartizan::identity::token-key", "401", "it names no key, or one that its issuer does not have", "log in again; an issuer that changed its keys is asked for the new ones at once"),
    code("bartizan::identity::token-signature", "401", "its signature is wrong: somebody changed it, or it is by another key", "log in again"),
    code("bartizan::identity::token-claim", "401", "a claim is missing, or of the wrong kind", "have the issuer put it in; the message names it"),
    code("bartizan::identity::token-expired", "401", "its time is over", "get a new one"),
    code("bartizan::identity::token-early", "401", "it is valid later, or was made in the future", "set the clocks right; `clock-skew` says how far they may be off"),
    code("bartizan::identity::token-lives-too-long", "401", "it lives longer than `max-age` of the policy", "have the issuer make shorter ones, or raise `max-age`"),
    code("bartizan::identity::token-audience", "401", "it is meant for another service", "ask the issuer for a token with an `aud` that the policy lists"),
    code("bartizan::identity::token-name", "401", "its claim with the name can name nobody here", "choose another claim with `user`"),
    code("bartizan::identity::certificate-malformed", "401", "the certificate of the client cannot be read", "make another one"),
    code("bartizan::identity::certificate-expired", "401", "the certificate of the client has expired, or is not valid yet", "renew it; set the clocks"),
    code("bartizan::identity::certificate-unknown", "401", "no entry of `identity.certificates` fits the certificate of the client", "add one, or send a key"),
    code("bartizan::identity::certificate-name", "401", "the certificate of the client names nobody who can call, or several", "give the entry of `identity.certificates` an `as`, or the certificate one name"),
    code("bartizan::identity::keys-not-loaded", "503", "the keys of its issuer were never fetched", "look into the log: why not, stands there"),
    code("bartizan::identity::keys-stale", "503", "the keys of its issuer could not be fetched for a day", "look into the log: why not, stands there"),
];

#[rustfmt::skip]
const KEYS_OF_ISSUERS: &[Code] = &[
    code("bartizan::identity::issuer-unknown", "not-found", "keys of an issuer were asked for that is not there", ""),
    code("bartizan::identity::issuer-twice", "usage", "two issuers have the same `issuer`", "keep one of the two"),
    code("bartizan::identity::keys-address", "usage", "keys must not be fetched from this address", "use https, or http on this machine"),
    code("bartizan::identity::keys-inline", "usage", "the file with the keys cannot be used", "put a JSON Web Key Set with public keys there"),
    code("bartizan::identity::keys-unreachable", "unavailable", "the issuer does not answer with its keys; it is asked again", "look at the cause; the address has to be reachable from here"),
    code("bartizan::identity::keys-document", "upstream", "what the issuer answers with are no keys that can be used", "look at the cause"),
    code("bartizan::identity::keys-discovery", "upstream", "the discovery document of the issuer is not to be believed, or keys would be elsewhere", "name the address of the keys with `keys`"),
];

#[rustfmt::skip]
const QUESTIONS: &[Code] = &[
    code("bartizan::query::folder", "unavailable", "the folder of the tables cannot be used", "check the rights of `tables` in the data folder; make room"),
    code("bartizan::query::table", "unavailable", "a table cannot be made or read", "ask with `--rebuild`: tables are made again from the log"),
    code("bartizan::query::export", "usage", "the file of an export cannot be written", "name a file in a folder that is there and can be written to; make room"),
    code("bartizan::query::statement", "usage", "the statement cannot be understood, or does more than read", "ask with one `SELECT`; `bartizan query` alone lists the tables and their columns"),
    code("bartizan::query::too-large", "limit", "the answer needs more memory than the question may have", "narrow the question, or raise `--memory`"),
    code("bartizan::query::failed", "unavailable", "a question failed on the way", "ask with `--rebuild`: tables are made again from the log"),
];

#[rustfmt::skip]
const SINKS: &[Code] = &[
    code("bartizan::relay::cursor", "unavailable", "the file that says how far a sink got cannot be used", "check its rights; without it, the sink gets everything that is left once more"),
    code("bartizan::relay::other-log", "usage", "the sink got entries of another log before", "move the cursor away, or give the sink another id"),
    code("bartizan::relay::ahead", "unavailable", "the sink got more entries than the log holds", "the log was restored from an older backup; remove the cursor, or restore a newer one"),
    code("bartizan::relay::log", "unavailable", "the log cannot be read for a sink; it is tried again", "look at the cause; `bartizan audit verify`"),
    code("bartizan::relay::unknown", "unavailable", "the key or the checkpoint of the log cannot be understood", "restore `log.vkey` and `checkpoint` from a backup"),
    code("bartizan::relay::sink", "usage", "a sink cannot be made as the policy has it", "the cause says which key is wrong"),
];

#[rustfmt::skip]
const LOGS_AT_A_URL: &[Code] = &[
    code("bartizan::relay::log-address", "usage", "the address is none of a log, or the server names another one", "name what comes before `/checkpoint`, such as `https://console.example/ledger`; redirects are not followed"),
    code("bartizan::relay::log-certificates", "usage", "the certificates to trust cannot be used", "name a file of certificates in PEM with `--ca`"),
    code("bartizan::relay::log-key", "unauthenticated", "the server does not take the key for entries", "name an admin key of that console that is in force with `--admin-key`; without one, entries are checked by their hashes alone"),
    code("bartizan::relay::log-hidden", "unauthenticated", "the server shows no checkpoint or no hashes to whoever asks", "ask whoever serves the log; these say nothing about what was recorded, and are meant for everybody"),
    code("bartizan::relay::log-unreachable", "unavailable", "nobody answers at the address, or not in time; it was tried three times", "check host and port, that the server runs, and `--ca`"),
    code("bartizan::relay::log-answer", "upstream", "the server answers, and not with what was asked for", "look into the log of the server, or of what stands before it"),
];

#[rustfmt::skip]
const CONSOLE_AND_ADMIN_API: &[Code] = &[
    code("bartizan::console::keys-away", "503", "keys are in `state.postgres`, which was not heard for longer than `trust-for`", "look at the server"),
    code("bartizan::console::no-key", "401", "no admin key", "send `Authorization: Bearer bza_…`"),
    code("bartizan::console::unknown-key", "401", "unknown, revoked or expired", ""),
    code("bartizan::console::not-allowed", "403", "the scope of the key does not allow it; recorded as an event", "use a key with another scope: `admin` may do everything"),
    code("bartizan::console::host", "421", "the `Host` header names something else: a page on another site may be behind it", "call the console by `localhost`, a loopback address or the address it listens on"),
    code("bartizan::console::not-found", "404", "nothing at this path", "see the [guide](../guides/gateway.md#admin-api)"),
    code("bartizan::console::method-not-allowed", "405", "another method", "the `Allow` header lists them"),
    code("bartizan::console::body-too-large", "413", "more than 256 KiB", "send less"),
    code("bartizan::console::body-unreadable", "400", "the body broke off", "send it again"),
    code("bartizan::console::json", "400", "not the JSON that is expected", "the message says where"),
    code("bartizan::console::field", "400", "a field has a wrong value", "the message names it"),
    code("bartizan::console::query", "400", "the query cannot be read", ""),
    code("bartizan::console::timeout", "408", "the request took more than 15 s", "send it again"),
    code("bartizan::console::not-recorded", "503", "the change could not be written to the event log; `help` says whether it is in force", "make room for the log"),
    code("bartizan::console::change-void", "409", "what a change is about is not what it was when the change was asked for", "ask for it again; it is compared anew"),
    code("bartizan::console::read-not-recorded", "503", "the event log does not take the event of a read, so nothing is shown", "make room for the event log and send the request again"),
    code("bartizan::console::task", "500", "a task failed", "report it"),
    code("bartizan::admin::endpoint-not-found", "404", "no endpoint of this name", "`GET /api/v1/endpoints`"),
    code("bartizan::admin::endpoint-in-policy", "403", "the endpoint stands in the policy file", "change the file"),
    code("bartizan::admin::endpoint-changed-meanwhile", "503", "somebody else changed the endpoint at the same time", "look at it, and send the request again"),
    code("bartizan::admin::policy-waits", "503", "files beside the policy have changed and wait for two people, so that nothing can be put beside the policy in force", "approve or reject the change, or put the files back"),
    code("bartizan::admin::change-not-in-force", "503", "a change was approved and is kept, and the event log did not take that it is in force", "make room for the log; it comes into force by itself"),
    code("bartizan::admin::endpoint-invalid", "400", "the endpoint cannot be enforced; the message is the policy's", ""),
    code("bartizan::admin::payload-not-found", "404", "no exchange of this request is kept", "`payload` of its event says why"),
    code("bartizan::admin::payload-erased", "404", "whoever sent the request was erased, so that nobody can open its exchange", ""),
    code("bartizan::admin::payload-past", "404", "the exchange is older than the `keep` of its endpoint", "its event still says what was decided"),
    code("bartizan::admin::payload-unreadable", "503", "the record of the exchange does not open: its key is missing, or it was changed", "`bartizan inference verify`"),
    code("bartizan::admin::internal", "500", "see the log", "report it"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn says_what_a_code_means_and_what_to_do() {
        let [(section, code)] = find("bartizan::gateway::key-unknown")[..] else { panic!() };
        assert_eq!((section.kind, code.kind), ("HTTP", "401"));
        assert_eq!(find("key-unknown")[0].1.id, code.id);
        assert_eq!(fix("bartizan::store::key-not-found"), Some("`bartizan key list`"));
        for unknown in ["bartizan::", "bartizan::gateway::nothing", "usage", "", "::"] {
            assert!(find(unknown).is_empty(), "{unknown}");
        }
        // Two rooms have this one.
        assert_eq!(find("body-too-large").len(), 2);
    }

    #[test]
    fn every_code_of_the_source_is_listed_and_no_other() {
        let mut written = BTreeSet::new();
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for room in std::fs::read_dir(crates).unwrap() {
            collect(&room.unwrap().path().join("src"), &mut written);
        }
        let listed: BTreeSet<String> = all().map(|(_, code)| code.id.to_owned()).collect();
        assert_eq!(listed.len(), all().count(), "a code is listed twice");
        let difference = |a: &BTreeSet<String>, b| a.difference(b).cloned().collect::<Vec<_>>();
        assert_eq!(difference(&written, &listed), [""; 0], "not listed");
        assert_eq!(difference(&listed, &written), [""; 0], "listed and nowhere written");
    }

    /// Text literals that are codes, in all files below but tests and this one.
    fn collect(folder: &Path, codes: &mut BTreeSet<String>) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && name != "tests" {
                collect(&path, codes);
            } else if path.extension() == Some("rs".as_ref())
                && !matches!(name, "tests.rs" | "codes.rs" | "credentials.rs" | "login_codes.rs")
            {
                let text = bartizan_core::limits::read_text_file(&path, 1 << 20).unwrap();
                codes.extend(text.split('"').filter(|part| is_code(part)).map(str::to_owned));
            }
        }
    }

    fn is_code(text: &str) -> bool {
        let plain = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        let parts: Vec<&str> = text.split("::").collect();
        matches!(parts[..], ["bartizan", room, name] if plain(room) && plain(name))
    }
}
