//! Passwords inside URLs, connection strings and command lines.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::cursor::{Cursor, before, contains_any_case};
use crate::detector::{Detector, Findings, Hit};
use crate::secrets::quality::{Classes, entropy, is_placeholder, is_published};
use crate::text::View;

pub(super) static DETECTOR: ConnectionSecret = ConnectionSecret;

/// Finds the passwords with which programs connect.
pub(super) struct ConnectionSecret;

static META: Meta = Meta {
    id: "connection-secret",
    summary: "A password inside a URL, a connection string or a command line",
    severity: Severity::High,
    category: Category::Secret,
    label: "PASSWORD",
    docs: Docs {
        finds: "The password of `scheme://user:password@host`, of `Password=…` and `Pwd=…` between the `;` of a \
                connection string, of `curl -u user:password`, and of headers with a key or token behind `-H`. Only \
                the password is covered.",
        matters: "Such strings hold everything needed to log in: the place, the account and the password.",
        example: "`postgres://app:Zx81-nine@db/prod` becomes `postgres://app:<PASSWORD_1>@db/prod`.",
        fix: "Mask it, change the password, and give programs their password by a secret store.",
        limits: "Passwords that are placeholders (`<password>`, `${DB_PASS}`, `****`, `pass`), equal to the user name, \
                 or contain an unescaped `/` or `@` are not found. A password in a URL may be short and plain: the \
                 place counts, not how random it is.",
    },
    references: &[
        Reference::Spec("RFC 3986 section 3.2.1"),
        Reference::Cwe(522),
        Reference::Owasp("LLM02:2025"),
    ],
    flags: &[
        "postgres://app:Zx81-nine@db.example.com/prod",
        "redis://:q7Lw2vTn@cache.example.com:6379/0",
        "mongodb+srv://svc:h0rse-stapl3@cluster0.example.net/?retryWrites=true",
        "http://cafebabe:deadbeef@gems.example.com?param1=true",
        "Server=db;Database=shop;User Id=sa;Password=Tr0ub4dor;Encrypt=true",
        "\"Server=db;Uid=app;Pwd=w8-for-it\"",
        "curl -k -u elastic:P@ssw0rd$1 https://db.example.com",
        "curl --user 'johns:h0pk1ns~21s' $URL",
        "curl -H \"apikey: 6f1d0c2e-71b3-4d08-9a2e-5b0c9d3e7f14\" https://api.example.com",
        "http --header 'Token: 7b1e90c4d2f8a653' example.com",
    ],
    passes: &[
        "https://example.com/docs:intro@2.0 and https://url:8000 @something else",
        "postgres://user:password@localhost/db",
        "postgres://app:${DB_PASS}@db/prod and amqp://app:<password>@mq and redis://:****@cache",
        "mysql://root:root@127.0.0.1/test",
        "ssh://git@example.com:22/repo.git",
        "http://localhost:5000/<%= @variable %>",
        "Server=db;User Id=sa;Password={password};Encrypt=true",
        "let password=read_password(); check(password);",
        "curl -u \"${username}:${password}\" https://example.com",
        "curl -u elastic:<PASSWORD_1> https://example.com",
        "curl -u username:token https://example.com, docker run -u 1000:1000 image",
        "\"https://url:8000\";@something else",
        "curl -H \"Authorization: Bearer XXXXXXXXXXXX\" -H \"apikey: $API_KEY\" -H 'X-Key-Type: a1-b2-c3-d4'",
        "ls -h total: 4k8k2m1g and -H 'Content-Type: application/json'",
    ],
};

/// What a match is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Url,
    Pair,
    Curl,
    Header,
}

const ANCHORS: [(&str, Kind); 11] = [
    ("://", Kind::Url),
    ("password=", Kind::Pair),
    ("password =", Kind::Pair),
    ("pwd=", Kind::Pair),
    ("passwd=", Kind::Pair),
    ("-u ", Kind::Curl),
    ("--user ", Kind::Curl),
    ("--user=", Kind::Curl),
    ("-h \"", Kind::Header),
    ("-h '", Kind::Header),
    ("--header ", Kind::Header),
];

const MAX_USER_BYTES: usize = 96;
const MAX_PASSWORD_BYTES: usize = 128;
/// How far `curl` may stand before its option.
const COMMAND_BYTES: usize = 200;

impl Detector for ConnectionSecret {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        ANCHORS.iter().map(|(anchor, _)| (*anchor).to_owned()).collect()
    }

    fn look_behind(&self) -> usize {
        COMMAND_BYTES + MAX_USER_BYTES + 16
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        for hit in hits {
            let Some((_, kind)) = ANCHORS.get(hit.literal) else { continue };
            let bytes = view.bytes();
            let mut cursor = Cursor::new(bytes, hit.end, MAX_USER_BYTES + MAX_PASSWORD_BYTES + 64);
            let found = match kind {
                Kind::Url => url(&mut cursor),
                Kind::Pair => pair(bytes, hit.start, &mut cursor),
                Kind::Curl => curl(bytes, hit.start, &mut cursor),
                Kind::Header => header(&mut cursor),
            };
            if cursor.starved() {
                findings.undecided(hit.end);
            }
            if let Some((start, end)) = found {
                findings.push(start, end, 0.9);
            }
        }
    }
}

/// Reads `user:password@host` behind `://`.
fn url(cursor: &mut Cursor<'_>) -> Option<(usize, usize)> {
    let found = credentials(cursor)?;
    is_password(found.password, found.user).then_some(found.span)
}

/// As [`url`], for a password that nobody would choose, or that says what it is.
pub(super) fn sample_in_url(cursor: &mut Cursor<'_>) -> Option<(usize, usize)> {
    let found = credentials(cursor)?;
    let filled = !is_slot(found.password) && !is_password(found.password, found.user);
    filled.then_some(found.span)
}

struct Credentials<'a> {
    user: &'a [u8],
    password: &'a [u8],
    /// Of the password.
    span: (usize, usize),
}

fn credentials<'a>(cursor: &mut Cursor<'a>) -> Option<Credentials<'a>> {
    let user = cursor.run(MAX_USER_BYTES, is_userinfo);
    if !cursor.eat(b':') {
        return None;
    }
    let start = cursor.at();
    let password = cursor.run(MAX_PASSWORD_BYTES, |byte| is_userinfo(byte) || byte == b':');
    let end = cursor.at();
    if password.is_empty() || !cursor.eat(b'@') {
        return None;
    }
    let host = cursor.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'[');
    host.then_some(Credentials { user, password, span: (start, end) })
}

/// Bytes of a user name or password in a URL; sub-delimiters of templates are for
/// [`is_password`] to judge.
const fn is_userinfo(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'/' | b'@' | b':' | b'"' | b'\'' | b'`' | b'?' | b'#' | 0x7f)
}

/// Reads a value between the semicolons of a connection string.
fn pair(bytes: &[u8], name: usize, cursor: &mut Cursor<'_>) -> Option<(usize, usize)> {
    cursor.run(2, |byte| byte == b' ');
    let start = cursor.at();
    let password = cursor.run(MAX_PASSWORD_BYTES, |byte| {
        byte > b' ' && !matches!(byte, b';' | b'"' | b'\'' | b'`' | b'&' | b'<' | b'(' | b'[')
    });
    let end = cursor.at();
    let closed =
        matches!(cursor.peek(), None | Some(b';' | b'"' | b'\'' | b'<' | b'\n' | b'\r' | b' '));
    let led = before(bytes, name, 16);
    let led =
        led.trim_ascii_end().ends_with(b";") && contains_any_case(before(bytes, name, 96), "=");
    let followed = !led && cursor.eat(b';') && {
        cursor.run(2, |byte| byte == b' ');
        let next = cursor.run(32, |byte| byte.is_ascii_alphabetic() || byte == b' ');
        next.len() >= 2
            && cursor.eat(b'=')
            && cursor.peek().is_some_and(|byte| byte > b' ' && byte != b'=')
    };
    (closed && (led || followed) && is_password(password, b"")).then_some((start, end))
}

/// Reads `user:password` behind an option of curl.
fn curl(bytes: &[u8], option: usize, cursor: &mut Cursor<'_>) -> Option<(usize, usize)> {
    if !contains_any_case(before(bytes, option, COMMAND_BYTES), "curl ") {
        return None;
    }
    cursor.run(4, |byte| byte == b' ');
    let quote = cursor.peek().filter(|byte| matches!(byte, b'"' | b'\''));
    cursor.run(1, |byte| Some(byte) == quote);
    let inside = |byte: u8| {
        byte > b' ' && Some(byte) != quote && !matches!(byte, b'"' | b'\'' | b'<' | b'>')
    };
    let user_start = cursor.at();
    let user = cursor.run(MAX_USER_BYTES, |byte| inside(byte) && byte != b':');
    if !cursor.eat(b':') {
        return None;
    }
    let start = cursor.at();
    let password = cursor.run(MAX_PASSWORD_BYTES, inside);
    if password.is_empty() && cursor.peek() != Some(b'<') && is_password(user, b"") {
        // A token may stand where the user name is expected, unless a placeholder follows.
        return Some((user_start, start - 1));
    }
    is_password(password, user).then(|| (start, cursor.at()))
}

/// Reads `Name: value` behind an option that adds a header to a request.
fn header(cursor: &mut Cursor<'_>) -> Option<(usize, usize)> {
    cursor.run(4, |byte| matches!(byte, b' ' | b'"' | b'\''));
    let name = cursor.run(MAX_HEADER_BYTES, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !cursor.eat(b':') {
        return None;
    }
    cursor.run(4, |byte| byte == b' ');
    let authorization = name.eq_ignore_ascii_case(b"authorization");
    let ends = |word: &str| {
        let tail = name.len().checked_sub(word.len()).and_then(|from| name.get(from..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(word.as_bytes()))
    };
    if !authorization && !ends("key") && !ends("token") && !ends("secret") {
        return None;
    }
    if authorization && ["basic ", "bearer "].iter().any(|scheme| cursor.eat_word(scheme)) {
        // Told by its scheme, and judged there.
        return None;
    }
    let start = cursor.at();
    let value = cursor.run(MAX_PASSWORD_BYTES, |byte| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'_' | b'=' | b'~' | b'@' | b'.' | b'+' | b'/' | b'-')
    });
    let closed = matches!(cursor.peek(), None | Some(b'"' | b'\'' | b' ' | b'\n' | b'\r' | b'\\'));
    let classes = Classes::of(value);
    let random = value.len() >= MIN_HEADER_BYTES
        && classes.digit
        && classes.letter()
        && entropy(value) >= 2.75
        && !is_placeholder(value)
        && !is_published(value);
    (closed && random).then(|| (start, cursor.at()))
}

/// Longest name of a header.
const MAX_HEADER_BYTES: usize = 48;
/// Shortest value of a header that is no word.
const MIN_HEADER_BYTES: usize = 8;

/// Values that documentation uses.
const PLAIN: [&str; 14] = [
    "pass", "password", "passwd", "pwd", "secret", "token", "test", "user", "admin", "root",
    "guest", "apikey", "api_key", "postgres",
];

fn is_password(value: &[u8], user: &[u8]) -> bool {
    let told = !value.iter().any(u8::is_ascii_digit)
        && ["password", "passwd", "secret"].iter().any(|word| contains_any_case(value, word));
    let plain = PLAIN.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()));
    let digits = value.iter().all(u8::is_ascii_digit);
    value.len() >= 4
        && !told
        && !plain
        && !is_slot(value)
        && !digits
        && value != user
        && !is_placeholder(value)
}

/// Whether the value names a variable or shows where one goes.
fn is_slot(value: &[u8]) -> bool {
    value.iter().any(|byte| matches!(byte, b'{' | b'}' | b'<' | b'>' | b'[' | b']' | b'*' | b'('))
        || value.starts_with(b"$")
        || value.starts_with(b"%")
        || value.windows(2).any(|pair| pair == b"${")
}
