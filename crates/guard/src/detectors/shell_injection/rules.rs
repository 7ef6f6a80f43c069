//! The rules of command injection.

use bartizan_core::Severity;

use crate::rules::Rule;

const HIGH: Severity = Severity::High;
const CRITICAL: Severity = Severity::Critical;

/// Behind a word that is a whole command: the end of a value, or another command.
macro_rules! ends {
    () => {
        r#"\s{0,4}(?:$|[\r\n"'`;|&#)\\])"#
    };
}

/// A pipe into a shell or an interpreter.
macro_rules! into_shell {
    () => {
        r"\|\s{0,4}(?:sudo\s{1,4}(?:-\w{1,4}\s{1,4}){0,2})?(?:/(?:usr/)?bin/)?(?:env\s{1,4})?(?:(?:ba|da|z|k|c|tc|a|fi)?sh|python[\d.]{0,4}|perl|ruby|node|php)\b"
    };
}

/// Commands that something else is put in front of.
pub(super) const CHAINS: &[Rule] = &[
    Rule::new(
        &["curl", "wget"],
        concat!(r"\s[^\n|;]{1,300}", into_shell!()),
        "SHELL_CHAIN",
        CRITICAL,
        78,
    )
    .behind(is_injected)
    .scored(0.9),
    Rule::new(
        &["rm"],
        r#"\s{1,4}(?:-{1,2}[a-z-]{1,20}\s{1,4}){1,4}(?:/|~/?|/\*|~/\*|\$home/?|"?\$\{home\}"?/?|/(?:etc|home|usr|boot|root|bin|var|lib)/?\*?)(?:$|[\s"'`;|&)\\#])"#,
        "SHELL_CHAIN",
        CRITICAL,
        78,
    )
    .behind(is_chained)
    .when(removes_folders)
    .scored(0.9),
    Rule::new(
        &["cat", "type", "head", "tail", "less", "more", "nl", "tac", "base64", "xxd", "strings"],
        r"\s{1,4}(?:-\w{1,6}\s{1,4}){0,2}(?:(?:\.\./){0,12}/?etc/(?:passwd|shadow|sudoers)|/proc/self/environ|~/\.ssh/id_|/(?:root)/\.ssh/|c:\\{1,2}(?:windows\\{1,2}(?:win\.ini|system32\\{1,2}drivers)|boot\.ini))",
        "SHELL_CHAIN",
        CRITICAL,
        78,
    )
    .behind(is_chained)
    .scored(0.85),
    Rule::new(
        &["whoami", "uname -a", "ifconfig", "ipconfig", "net user", "systeminfo"],
        ends!(),
        "SHELL_CHAIN",
        CRITICAL,
        78,
    )
    .behind(is_glued_chain)
    .scored(0.6),
    Rule::new(&["id", "ls", "dir", "pwd", "env", "whoami", "hostname", "uname"], ends!(), "SHELL_CHAIN", CRITICAL, 78)
        .behind(leaves_name)
        .scored(0.7),
    Rule::new(&["bash", "sh", "zsh"], concat!(r"(?:\s{1,4}-i)?", ends!()), "SHELL_CHAIN", CRITICAL, 78)
        .behind(|lead| leaves_value(lead) && lead.trim_ascii_end().ends_with(b"|"))
        .scored(0.8),
    Rule::new(&["bash", "sh", "zsh"], concat!(r"\s{1,4}-i", ends!()), "SHELL_CHAIN", CRITICAL, 78)
        .behind(|lead| lead.trim_ascii_end().ends_with(b"|"))
        .scored(0.7),
    Rule::new(
        &["sleep", "ping", "cat", "chmod", "nc", "nslookup", "curl", "wget", "touch", "rm", "echo", "(crontab"],
        r#"\s{1,4}(?:\d{1,4}\s{0,4}(?:$|["'`;|&)\\\n])|-[a-z]\s{1,4}\d|-l\s{0,2}[;|)]|-{0,1}[\w-]{0,12}\s{0,2}(?:https?:|[~/.$]|[0-7]{3,4}\s)|[\w.-]{1,60}\.[a-z]{2,10}\s{0,4}(?:$|["'`;|&)\n])|[^\n"]{1,200}>{1,2}\s{0,4}[~/$])"#,
        "SHELL_CHAIN",
        CRITICAL,
        78,
    )
    .behind(leaves_value)
    .scored(0.7),
    Rule::new(&["dd"], r"\s{1,4}[^\n;|]{0,60}?of=/dev/(?:sd|hd|vd|nvme|disk|mmc)", "SHELL_CHAIN", CRITICAL, 78)
        .behind(is_chained)
        .scored(0.8),
    Rule::new(&["mkfs"], r"(?:\.\w{2,6})?\s{1,4}[^\n;|]{0,40}?/dev/\w", "SHELL_CHAIN", CRITICAL, 78)
        .behind(is_injected)
        .scored(0.7),
    Rule::new(&["useradd", "usermod"], r"\s[^\n;|]{0,60}?-(?:o\s{1,4}-)?u\s{0,4}0\b", "SHELL_CHAIN", CRITICAL, 78)
        .behind(is_chained)
        .scored(0.8),
    Rule::new(
        &["python", "python3", "perl", "ruby", "php", "node"],
        r"\s{1,4}-[cer]\s{1,4}[^\n]{1,120}?(?:os\.system|subprocess|popen|exec|system)\s{0,2}\(",
        "SHELL_CHAIN",
        CRITICAL,
        78,
    )
    .behind(is_injected)
    .scored(0.7),
    Rule::new(&["{cat,"], r"/etc/(?:passwd|shadow)", "SHELL_EVASION", HIGH, 78).anywhere().scored(0.8),
    Rule::new(&[":(){", ":() {"], r"\s{0,4}:\s{0,2}\|\s{0,2}:\s{0,2}&?\s{0,2};?\s{0,2}\}", "SHELL_CHAIN", CRITICAL, 78)
        .anywhere()
        .scored(0.8),
    Rule::new(
        &["%0a", "%0d%0a", "%3b", "%7c", "%26%26"],
        r#"(?:%20|\+|\s){0,4}(?:(?:id|whoami|ls|pwd|uname|ifconfig|ipconfig)(?:$|(?:%20|\+)-|[\s;|&"'`]|%0a|%3b|%00)|(?:cat|head|tail|type|ls|rm)(?:%20|\+)(?:-\w{1,6}(?:%20|\+)){0,2}(?:/|%2f|\.\.|~)|(?:curl|wget|ping|nc|nslookup)(?:%20|\+)[\w.%:/-]{4}|sleep(?:%20|\+)\d)"#,
        "SHELL_CHAIN",
        CRITICAL,
        78,
    )
    .anywhere()
    .scored(0.7),
    Rule::new(&["whoami", "id", "hostname", "uname"], r"[^)\n]{0,12}\)\.[a-z0-9-]{1,63}\.", "SHELL_LEAK", HIGH, 78)
        .behind(|lead| lead.ends_with(b"$("))
        .scored(0.8),
    Rule::new(&["${ifs}", "$ifs$"], r"[\d{]?[/a-z0-9.$*'-]", "SHELL_EVASION", HIGH, 78)
        .behind(|lead| lead.last().is_some_and(u8::is_ascii_alphabetic))
        .scored(0.8),
    Rule::new(&["() {"], r"\s{0,4}:\s{0,4};\s{0,4}\}\s{0,4};", "SHELL_EVASION", HIGH, 78)
        .anywhere()
        .scored(0.9),
    Rule::new(&["--checkpoint-action"], r"\s{0,2}=\s{0,2}exec", "SHELL_EVASION", HIGH, 88)
        .anywhere()
        .scored(0.7),
    Rule::new(&["ext::"], r"\s{0,2}(?:ba)?sh\s{1,4}-c\b", "SHELL_EVASION", HIGH, 88).scored(0.8),
];

/// Shells for somebody else, and code that hides as base64.
pub(super) const SHELLS: &[Rule] = &[
    Rule::new(
        &["bash", "sh", "zsh", "exec", "ksh"],
        r"[^\n]{0,80}?[<>]{1,2}&?\s{0,4}/dev/(?:tcp|udp)/[\w.:${}-]{0,64}",
        "SHELL_REVERSE",
        CRITICAL,
        506,
    )
    .when(|text| !text.ends_with(b"/127.0.0.1") && !text.ends_with(b"/localhost"))
    .scored(0.9),
    Rule::new(
        &["nc", "ncat", "netcat", "nc.exe", "ncat.exe", "nc.traditional"],
        r#"\s[^\n;|]{0,80}?(?:-\w{0,6}[ec]|--(?:sh-)?exec)\s{1,4}["'\\]{0,2}(?:/(?:usr/)?bin/)?(?:(?:ba|da|z|k)?sh|cmd(?:\.exe)?|powershell)\b"#,
        "SHELL_REVERSE",
        CRITICAL,
        506,
    )
    .scored(0.9),
    Rule::new(
        &["mkfifo"],
        r"\s[^\n]{1,120}?\|\s{0,4}(?:nc|ncat|netcat|openssl|telnet)\s",
        "SHELL_REVERSE",
        CRITICAL,
        506,
    )
    .when(runs_shell)
    .scored(0.9),
    Rule::new(
        &["python", "python2", "python3", "perl", "php", "ruby", "lua", "node"],
        r"\s{1,4}(?:-\w{1,8}\s{1,4}){0,2}-(?:c|e|r|rsocket)\b[^\n]{1,240}?(?:socket\.socket|fsockopen|use\s{1,2}socket|tcpsocket|net\.socket|socket\.tcp)",
        "SHELL_REVERSE",
        CRITICAL,
        506,
    )
    .scored(0.85),
    Rule::new(
        &["socat"],
        r#"\s[^\n]{1,160}?exec:["'\\]{0,2}(?:/bin/)?(?:(?:ba|z)?sh|cmd)\b"#,
        "SHELL_REVERSE",
        CRITICAL,
        506,
    )
    .scored(0.9),
    Rule::new(
        &["base64", "base32", "xxd", "openssl"],
        concat!(
            r"(?:\s{1,4}(?:enc|base64))?(?:\s{1,4}-{1,2}[\w=-]{1,16}){0,3}?\s{1,4}(?:-d|-di|-D|--decode|-r)\b[^\n|]{0,240}",
            into_shell!()
        ),
        "SHELL_ENCODED",
        CRITICAL,
        506,
    )
    .scored(0.9),
    Rule::new(
        &["eval", "bash -c", "sh -c"],
        r#"\s{1,4}["'\\]{0,2}(?:\$\(|`)[^\n)`]{1,240}?base64\s{1,4}(?:-d|-D|--decode)\b"#,
        "SHELL_ENCODED",
        CRITICAL,
        506,
    )
    .scored(0.9),
    Rule::new(
        &["exec(", "eval("],
        r#"\s{0,4}(?:__import__\s{0,2}\(\s{0,2}["'\\]{1,2}base64["'\\]{1,2}\)|base64)\.(?:b64|b32|b85|standard_b64)?decode(?:bytes)?\s{0,2}\("#,
        "SHELL_ENCODED",
        CRITICAL,
        506,
    )
    .scored(0.85),
];

/// PowerShell and the tools of Windows.
pub(super) const WINDOWS: &[Rule] = &[
    Rule::new(
        &["iex", "invoke-expression"],
        r#"\s{0,4}["'&(\s]{1,8}(?:\$\w{1,16}\s{0,2}=\s{0,2})?\(?\s{0,2}(?:new-object\s{1,4}(?:system\.)?net\.webclient\)|iwr\b|irm\b|curl\b|wget\b|invoke-webrequest\b|invoke-restmethod\b|\[(?:system\.)?text\.encoding\]|\[system\.convert\])"#,
        "SHELL_POWERSHELL",
        HIGH,
        494,
    )
    .scored(0.8),
    Rule::new(
        &["iwr", "irm", "invoke-webrequest", "invoke-restmethod", "downloadstring("],
        r"[^\n|]{3,240}\|\s{0,4}(?:iex|invoke-expression)\b",
        "SHELL_POWERSHELL",
        HIGH,
        494,
    )
    .scored(0.8),
    Rule::new(
        &["powershell", "powershell.exe", "pwsh", "pwsh.exe"],
        r#"(?:\s{1,4}["'\\]{0,2}[-/\w]{1,20}["'\\]{0,2}){0,8}?\s{1,4}[-/](?:e|ec|enc|encod|encodedc|encodedcommand)\s{1,4}["'\\]{0,2}[a-z0-9+/=]{16}"#,
        "SHELL_POWERSHELL",
        HIGH,
        494,
    )
    .scored(0.9),
    Rule::new(&["-encodedcommand"], r#"\s{1,4}["'\\]{0,2}[a-z0-9+/=]{16}"#, "SHELL_POWERSHELL", HIGH, 494)
        .anywhere()
        .scored(0.85),
    Rule::new(&["net.sockets.tcpclient("], r#"\s{0,4}["'\\$\w]"#, "SHELL_POWERSHELL", HIGH, 494)
        .behind(|lead| lead.to_ascii_lowercase().windows(10).any(|part| part == b"new-object"))
        .scored(0.7),
    Rule::new(
        &["certutil", "certutil.exe"],
        r"\s[^\n]{0,40}?[-/]urlcache\b[^\n]{0,60}?https?:",
        "SHELL_WINDOWS",
        HIGH,
        494,
    )
    .scored(0.85),
    Rule::new(
        &["mshta", "mshta.exe"],
        r#"\s{1,4}["'\\]{0,2}(?:https?|javascript|vbscript):"#,
        "SHELL_WINDOWS",
        HIGH,
        494,
    )
    .scored(0.85),
    Rule::new(&["regsvr32", "regsvr32.exe"], r"\s[^\n]{0,40}?/i:https?:", "SHELL_WINDOWS", HIGH, 494)
        .scored(0.9),
    Rule::new(&["bitsadmin"], r"\s[^\n]{0,60}?/transfer\b[^\n]{0,60}?https?:", "SHELL_WINDOWS", HIGH, 494)
        .scored(0.7),
    Rule::new(&["vssadmin"], r"\s{1,4}delete\s{1,4}shadows\b", "SHELL_WINDOWS", HIGH, 494).scored(0.8),
    Rule::new(&["sudo"], r"\s{1,4}bash\s{1,4}-p\b", "SHELL_EVASION", HIGH, 78)
        .behind(is_chained)
        .scored(0.6),
];

/// Behind a sign that ends a command, on the same line.
fn is_chained(lead: &[u8]) -> bool {
    let lead = lead.trim_ascii_end_on_line();
    matches!(lead.last(), Some(b';' | b'|' | b'&')) || is_substituted(lead)
}

/// Behind `;` or `|` with something before it on the line, or inside a substitution. Guides to
/// installations chain downloads with `&&`.
fn is_injected(lead: &[u8]) -> bool {
    let lead = lead.trim_ascii_end_on_line();
    match lead {
        [.., before, b';'] => !before.is_ascii_whitespace(),
        [.., b'$', b'('] => true,
        _ => is_tick_chain(lead),
    }
}

/// As [`is_chained`], with the sign right behind a value or between blanks: `1.2.3.4; whoami`.
fn is_glued_chain(lead: &[u8]) -> bool {
    let lead = lead.trim_ascii_end_on_line();
    let Some((sign, before)) = lead.split_last() else { return false };
    let before = before.trim_ascii_end_on_line();
    // In prose and Markdown a word or a backtick stands there.
    matches!(sign, b';' | b'|' | b'&')
        && before
            .last()
            .is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'&' | b'|' | b'"' | b'\''))
}

/// Names of members whose values are commands, where one that goes on is no surprise.
const COMMANDS: [&[u8]; 12] = [
    b"command",
    b"commands",
    b"cmd",
    b"script",
    b"run",
    b"shell",
    b"bash",
    b"code",
    b"exec",
    b"args",
    b"input",
    b"query",
];

/// The value of a member of JSON up to a sign that ends a command right behind it, where the value is one word and
/// no command.
fn left_value(lead: &[u8]) -> Option<&[u8]> {
    let lead = lead.trim_ascii_end_on_line();
    let ([value @ .., b'$', b'(']
    | [value @ .., b'&', b'&']
    | [value @ .., b'|', b'|']
    | [value @ .., b';' | b'|' | b'&' | b'`' | b'\n']) = lead
    else {
        return None;
    };
    let value = value.trim_ascii_end_on_line();
    let open = value.iter().rposition(|byte| *byte == b'"')?;
    let (before, value) = (value.get(..open)?, value.get(open + 1..)?);
    let before = before.strip_suffix(b"\\").unwrap_or(before).trim_ascii_end();
    let name = before.strip_suffix(b":")?.trim_ascii_end();
    let name = name.strip_suffix(b"\"")?;
    let name = name.strip_suffix(b"\\").unwrap_or(name);
    let from = name.iter().rposition(|byte| *byte == b'"')?;
    let name = name.get(from + 1..)?;
    let is_command = COMMANDS.iter().any(|command| name.eq_ignore_ascii_case(command));
    let is_word =
        value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._@:/-\\".contains(byte));
    (!is_command && is_word).then_some(value)
}

/// Behind a sign that ends a command, in a value that is a word before it.
fn leaves_value(lead: &[u8]) -> bool {
    left_value(lead).is_some()
}

/// As [`leaves_value`], where the word is nothing, or the name of a host or file: lists of words have signs between
/// them, too.
fn leaves_name(lead: &[u8]) -> bool {
    left_value(lead).is_some_and(|value| {
        value.is_empty() || value.iter().any(|byte| byte.is_ascii_digit() || b"./\\".contains(byte))
    })
}

fn is_substituted(lead: &[u8]) -> bool {
    lead.ends_with(b"$(") || is_tick_chain(lead)
}

/// A backtick right behind a sign that ends a command.
const fn is_tick_chain(lead: &[u8]) -> bool {
    matches!(lead, [.., b';' | b'|' | b'&', b'`'])
}

/// Options of `rm` that remove folders or ask nothing.
fn removes_folders(text: &[u8]) -> bool {
    let options = text.split(u8::is_ascii_whitespace).filter(|part| part.starts_with(b"-"));
    options.into_iter().any(|part| {
        part.iter().any(|byte| matches!(byte, b'r' | b'R' | b'f')) && !part.starts_with(b"--for")
    })
}

fn runs_shell(text: &[u8]) -> bool {
    text.windows(6).any(|part| part == b"/bin/s" || part == b"/bin/b" || part == b"|sh -i")
}

trait LineEnd {
    fn trim_ascii_end_on_line(&self) -> &[u8];
}

impl LineEnd for [u8] {
    /// Without blanks at the end, but with line breaks.
    fn trim_ascii_end_on_line(&self) -> &[u8] {
        let blanks = self.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        self.get(..self.len() - blanks).unwrap_or_default()
    }
}
