//! Random-looking values assigned to names such as `api_key`, `secret` or `password`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::cursor::{Cursor, before};
use crate::detector::{Detector, Findings, Hit};
use crate::secrets::assignment::{is_name_byte, operator, rest_of_name};
use crate::secrets::quality::{Classes, entropy, is_placeholder, is_published, is_uuid};
use crate::text::View;

pub(super) static DETECTOR: GenericSecret = GenericSecret;

/// Finds secrets by the name they are assigned to.
pub(super) struct GenericSecret;

static META: Meta = Meta {
    id: "generic-secret",
    summary: "A random-looking value assigned to a name such as api_key, secret or password",
    severity: Severity::Low,
    category: Category::Secret,
    label: "SECRET",
    docs: Docs {
        finds: "A name that ends in or goes on from `api_key`, `access_key`, `secret`, `token`, `password`, `passwd`, \
                `credential` or `authorization`, or is the word for a password in one of seventeen languages; then `=`, `:`, `=>`, `is` or the like; then a value that is long and \
                random enough for the kind of name. Works in code, JSON, YAML, environment files, headers and speech.",
        matters: "Most secrets have no format of their own; the name beside them gives them away.",
        example: "`db_password: \"x9!Kq-27Lm\"` becomes `db_password: \"<SECRET_1>\"`.",
        fix: "Mask it. Where it finds too much, raise `threshold` or leave it out with `entities`.",
        limits: "Words without digits or signs are not found, nor UUIDs, values under 8 (passwords) or 16 \
                 characters (others), nor values over 256. Names about secrets rather than of them (`token_count`, \
                 `password_policy`) are left out by a list.",
    },
    references: &[Reference::Cwe(798), Reference::Cwe(200), Reference::Owasp("LLM02:2025")],
    flags: &[
        "api_key = \"q8Zt2Wv5Kd9Lr3Xn7Pb4Mc6H\"",
        "\"client_secret\": \"9f1b-Kx72Lq-PzW4-tVn83\"",
        "DB_PASSWORD=x9!Kq-27Lm",
        "password: \"x9!Kq-27Lm",
        "password: \"x9!Kq-27Lm\nuser: bob",
        "my password is Blue7!Horse",
        "export AUTH_TOKEN='743b294acd0311ec9d640242ac120002'",
        "const apiToken: string = `Vb3Nq8Lw2Zx5Rt7Ym1Kd`;",
        "Authorization: Bearer cfcabd11c7ed9a41b1a3e063c32d5114",
        "<password>S3cure-Pa55age</password>",
        "token: s.ZC9Ecf4M5g9o34Q6RkzGsj0z",
        "--password hT7-qLm2-wZ9",
        "pwd: 9fK#2mQx",
        "<add key=\"Password\" value=\"Tr0ub4dor-9\" />",
        "Kennwort: Xy7!pq92Lm",
        "mot de passe : Xy7!pq92Lm",
        "contraseña: Xy7!pq92Lm",
        "пароль: Xy7!pq92Lm",
        "密码：Xy7!pq92Lm",
        "authorization: Basic YnJvd3Nlcjpmb3J0eS10d28=",
    ],
    passes: &[
        "public_key = \"9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit\"",
        "token_count: 1234567890123456, max_tokens = 4096, next_page_token: \"\"",
        "the monkey presses keyboard keys; keySelector=n, o.haKey=!1",
        "secret_id: 3636dd46-ea21-11e9-81b4-2a2ae2dbcce4, token = \"3636dd46-ea21-11e9-81b4-2a2ae2dbcce4\"",
        "api_key: ${API_KEY}, password = <your-password>, token=********, secret: REDACTED",
        "integrity sha512-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "password combination.\n\nR5: Regulatory--21",
        "secret = get_secret_key(); token = request.headers[\"x-auth\"]; password: os.environ['DB_PASS_1']",
        "inner.update(password.translate(_trans_5C))",
        "LLM_SECRET_NAME = \"NEXUS-GPT4-API-KEY\"",
        "secretSize must be >= XXH3_SECRET_SIZE_MIN",
        "Password must have 12 characters. The secret is kindness-and-3-cookies",
        "access_token=ACCESS_TOKEN&password_hash=5c94767cedb5d6987c902ac850ded2c6",
        "GITHUB_API_KEY=\nDYNATRACE_API_KEY=",
        "PWD=/srv/user1/Projects2\nOLDPWD=/var/www2/Site-1",
        "el diseño: desenhador1-A, senhas e contraseñas: 12 en total",
        "Authorization: Bearer XXXXXXXXXXXX, Authorization: Basic authentication",
    ],
};

/// How random a value has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Chosen by people.
    Password,
    /// Made by machines.
    Key,
    /// Behind the name of a scheme.
    Header,
}

const ANCHORS: [(&str, Kind); 58] = [
    ("password", Kind::Password),
    ("passwd", Kind::Password),
    ("passphrase", Kind::Password),
    ("pwd", Kind::Password),
    ("passwort", Kind::Password),
    ("kennwort", Kind::Password),
    ("wachtwoord", Kind::Password),
    ("lösenord", Kind::Password),
    ("adgangskode", Kind::Password),
    ("salasana", Kind::Password),
    ("mot de passe", Kind::Password),
    ("contraseña", Kind::Password),
    ("senha", Kind::Password),
    ("hasło", Kind::Password),
    ("heslo", Kind::Password),
    ("şifre", Kind::Password),
    ("пароль", Kind::Password),
    ("密码", Kind::Password),
    ("密碼", Kind::Password),
    ("パスワード", Kind::Password),
    ("비밀번호", Kind::Password),
    ("db_pass", Kind::Password),
    ("keypass", Kind::Password),
    ("contrasena", Kind::Password),
    ("secret", Kind::Key),
    ("token", Kind::Key),
    ("api_key", Kind::Key),
    ("api-key", Kind::Key),
    ("api key", Kind::Key),
    ("apikey", Kind::Key),
    ("access_key", Kind::Key),
    ("accesskey", Kind::Key),
    ("auth_key", Kind::Key),
    ("private_key", Kind::Key),
    ("encryption_key", Kind::Key),
    ("app_key", Kind::Key),
    ("appkey", Kind::Key),
    ("authkey", Kind::Key),
    ("service_key", Kind::Key),
    ("servicekey", Kind::Key),
    ("application_key", Kind::Key),
    ("applicationkey", Kind::Key),
    ("account_key", Kind::Key),
    ("accountkey", Kind::Key),
    ("db_key", Kind::Key),
    ("dbkey", Kind::Key),
    ("database_key", Kind::Key),
    ("client_key", Kind::Key),
    ("clientkey", Kind::Key),
    ("privatekey", Kind::Key),
    ("priv_key", Kind::Key),
    ("signing_key", Kind::Key),
    ("signingkey", Kind::Key),
    ("master_key", Kind::Key),
    ("masterkey", Kind::Key),
    ("encryptionkey", Kind::Key),
    ("credential", Kind::Key),
    ("authorization", Kind::Header),
];

/// Ends of names that tell about a secret instead of holding it.
const ABOUT: [&str; 33] = [
    "count", "name", "id", "ids", "type", "length", "len", "size", "limit", "url", "uri", "path",
    "file", "field", "policy", "ttl", "expiry", "expires", "min", "max", "hash", "hint", "usage",
    "index", "version", "format", "label", "class", "prefix", "endpoint", "budget", "arn",
    "digest",
];

/// Beginnings of names whose value is no secret.
const HARMLESS: [&str; 10] =
    ["public", "pub", "page", "next", "continuation", "max", "num", "eos", "bos", "pad"];

/// Longest value, in bytes.
const MAX_VALUE_BYTES: usize = 256;
/// Most bytes of a name before the anchor that are looked at.
const MAX_LEAD_BYTES: usize = 24;

impl Detector for GenericSecret {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        ANCHORS.iter().map(|(anchor, _)| (*anchor).to_owned()).collect()
    }

    fn look_behind(&self) -> usize {
        MAX_LEAD_BYTES + 96
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        for hit in hits {
            let Some((_, kind)) = ANCHORS.get(hit.literal) else { continue };
            let mut cursor = Cursor::new(view.bytes(), hit.end, MAX_VALUE_BYTES + 96);
            let found = read(view.bytes(), hit.start, *kind, &mut cursor);
            if cursor.starved() {
                findings.undecided(hit.end);
            }
            if let Some((start, end)) = found {
                findings.push(start, end, 0.6);
            }
        }
    }
}

fn read(bytes: &[u8], name: usize, kind: Kind, cursor: &mut Cursor<'_>) -> Option<(usize, usize)> {
    let rest = rest_of_name(cursor)?;
    let lead = before(bytes, name, MAX_LEAD_BYTES);
    let lead_len = lead.iter().rev().take_while(|byte| is_name_byte(**byte)).count();
    let lead = lead.get(lead.len() - lead_len..).unwrap_or_default();
    if is_about(rest) || is_harmless(lead) {
        return None;
    }
    // `password.translate(table_5C)` calls something with a name.
    if !rest.is_empty() && cursor.peek() == Some(b'(') {
        return None;
    }
    // An option of a command line is followed by its value.
    let option = lead.starts_with(b"--") && !cursor.run(1, |byte| byte == b' ').is_empty();
    let (quote, spoken) = match operator(cursor) {
        Some(operator) => (operator.quote, operator.spoken),
        None if option => (None, false),
        None => return None,
    };
    let basic = kind == Kind::Header && cursor.eat_word("basic ");
    if kind == Kind::Header && !basic {
        let schemes = ["bearer ", "token ", "apikey ", "sso-key "];
        if !schemes.iter().any(|scheme| cursor.eat_word(scheme)) {
            return None;
        }
    }
    let start = cursor.at();
    let value = match quote {
        Some(quote) if kind != Kind::Header => {
            cursor.run(MAX_VALUE_BYTES, |byte| byte > b' ' && byte != quote && byte < 0x7f)
        }
        _ => cursor.run(MAX_VALUE_BYTES, is_bare),
    };
    let value = trim_end(value);
    let end = start + value.len();
    // What goes on as an expression, or does not end, is no literal.
    let fine = match cursor.peek() {
        None => value.len() < MAX_VALUE_BYTES,
        Some(next) => match quote {
            // A literal that lost its closing quote ends with the line.
            Some(quote) if kind != Kind::Header => next == quote || matches!(next, b'\n' | b'\r'),
            _ => !matches!(next, b'(' | b'[' | b'{' | b'$'),
        },
    };
    let value_fits = match kind {
        Kind::Password => is_password(value, spoken),
        Kind::Header if basic => is_basic(value),
        Kind::Key | Kind::Header => is_key(value, quote.is_some() || kind == Kind::Header),
    };
    (fine && value_fits).then_some((start, end))
}

/// Bytes of a value without quotes.
const fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'_' | b'-'
                | b'.'
                | b'+'
                | b'/'
                | b'='
                | b'!'
                | b'@'
                | b'#'
                | b'%'
                | b'^'
                | b'*'
                | b'~'
                | b'?'
        )
}

/// A sentence may end behind the value.
fn trim_end(value: &[u8]) -> &[u8] {
    let tail = value.iter().rev().take_while(|byte| matches!(byte, b'.' | b'?' | b'!')).count();
    if tail == 1 { value.get(..value.len() - 1).unwrap_or_default() } else { value }
}

fn is_about(rest: &[u8]) -> bool {
    let last = rest.rsplit(|byte| matches!(byte, b'_' | b'-' | b'.')).next().unwrap_or_default();
    let whole = ABOUT.iter().any(|word| last.eq_ignore_ascii_case(word.as_bytes()));
    // Camel case: `tokenCount`, `secretName`.
    let camel = ABOUT.iter().any(|word| {
        let from = last.len().saturating_sub(word.len());
        let tail = last.get(from..).unwrap_or_default();
        from > 0
            && tail.eq_ignore_ascii_case(word.as_bytes())
            && tail.first().is_some_and(u8::is_ascii_uppercase)
    });
    let inflected = rest.first().is_some_and(u8::is_ascii_lowercase)
        && rest.iter().take(4).all(u8::is_ascii_lowercase)
        && rest != b"s"
        && rest != b"key";
    whole || camel || inflected || last.eq_ignore_ascii_case(b"size") || starts_camel(rest)
}

/// `tokenCount` has its word right behind the anchor.
fn starts_camel(rest: &[u8]) -> bool {
    ABOUT.iter().any(|word| rest.eq_ignore_ascii_case(word.as_bytes()))
}

fn is_harmless(lead: &[u8]) -> bool {
    lead.split(|byte| matches!(byte, b'_' | b'-' | b'.'))
        .any(|part| HARMLESS.iter().any(|word| part.eq_ignore_ascii_case(word.as_bytes())))
}

fn is_password(value: &[u8], spoken: bool) -> bool {
    let classes = Classes::of(value);
    let varied = classes.digit && classes.letter();
    let signs = value.iter().filter(|byte| !byte.is_ascii_alphanumeric()).count();
    let common = matches!(value, [b'$' | b'%' | b'<' | b'{' | b'/', ..])
        || value
            .windows(2)
            .any(|pair| matches!(pair, b"${" | b"{{" | b"$(" | b"()" | b"::" | b"->"))
        || value.contains(&b'[')
        || value.contains(&b'(');
    value.len() >= 8
        && varied
        && (!spoken || signs > 0 || classes.upper)
        && (classes.changes >= 2 || signs > 0)
        && !is_path(value)
        && !common
        && entropy(value) >= 2.6
        && !is_uuid(value)
        && !is_placeholder(value)
        && !is_published(value)
}

/// Whether the value is base64 for `user:password`.
fn is_basic(value: &[u8]) -> bool {
    let decoded = STANDARD.decode(value).unwrap_or_default();
    decoded.len() >= 6
        && decoded.contains(&b':')
        && decoded.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        && !is_placeholder(&decoded)
}

fn is_key(value: &[u8], quoted: bool) -> bool {
    let classes = Classes::of(value);
    let alnum = value.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
    value.len() >= 16
        && classes.digit
        && classes.letter()
        && classes.changes >= if quoted { 4 } else { 5 }
        && alnum * 10 >= value.len() * 8
        && value.iter().all(|byte| is_bare(*byte) || matches!(byte, b'$' | b'&' | b':' | b'|'))
        && entropy(value) >= if value.len() < 24 { 2.8 } else { 3.0 }
        && !is_path(value)
        && !is_uuid(value)
        && !is_placeholder(value)
        && !is_published(value)
}

/// Whether the value reads as a path, a host or a dotted expression of words.
fn is_path(value: &[u8]) -> bool {
    let separators = value.iter().filter(|byte| matches!(byte, b'/' | b'.' | b':')).count();
    let words = value
        .split(|byte| matches!(byte, b'/' | b'.' | b':' | b'_' | b'-'))
        .filter(|part| Classes::of(part).changes <= 1)
        .count();
    separators >= 2 && words > separators
}
