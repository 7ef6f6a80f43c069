//! The rules of SQL injection.

use bartizan_core::Severity;

use super::literal::{Exit, compares_constants, exit, statement_exit};
use crate::rules::{Rule, starts_word};

/// White space or a comment.
macro_rules! gap {
    () => {
        r"(?:\s{1,4}|\+|/\*[^*]{0,16}\*/){1,3}"
    };
}

/// A comment that cuts off the rest of a query, with nothing behind it that it could explain.
macro_rules! cut {
    () => {
        r#"(?:\s|;|\)){0,8}(?:--[-+ \t]{0,4}(?:$|[\r\n"'`)&\\])|#\s{0,2}(?:$|[\r\n"'`)&\\])|/\*)"#
    };
}

const HIGH: Severity = Severity::High;
const MEDIUM: Severity = Severity::Medium;
const CRITICAL: Severity = Severity::Critical;

/// Conditions and statements that go on behind a value.
pub(super) const RULES: &[Rule] = &[
    Rule::new(&["or", "and", "||", "&&", "having", "xor"], COMPARISON, "SQL_TAUTOLOGY", HIGH, 89)
        .behind(|lead| breaks_out(lead, Exit::Quote))
        .when(compares_constants)
        .scored(0.9),
    Rule::new(&["or", "and", "||", "&&", "having", "xor"], CUT_COMPARISON, "SQL_TAUTOLOGY", HIGH, 89)
        .behind(|lead| breaks_out(lead, Exit::Value))
        .when(compares_constants)
        .scored(0.9),
    Rule::new(
        &["or", "||"],
        concat!(gap!(), r"\(?(?:true|1|not\s{1,4}false|null\s{1,4}is\s{1,4}null)", cut!()),
        "SQL_TAUTOLOGY",
        HIGH,
        89,
    )
    .behind(|lead| breaks_out(lead, Exit::Quote))
    .scored(0.8),
    Rule::new(
        &["union"],
        concat!(gap!(), "(?:(?:all|distinct)", gap!(), r")?\(?(?:/\*!\d{0,5})?\s{0,4}select\b(?:(?:\s|/\*[^/]{0,24}/|\*/|\+|\(){1,8}(?:null|\d|\\?'|@@|\*|\w{1,20}\()|[^;\n]{1,160}?(?:\sfrom\s|--|#))"),
        "SQL_UNION",
        HIGH,
        89,
    )
    .behind(|lead| breaks_out(lead, Exit::OddNumber))
    .scored(0.85),
    Rule::new(
        &["union"],
        concat!(gap!(), "(?:(?:all|distinct)", gap!(), r")?select\b[^;\n]{0,200}?", cut!()),
        "SQL_UNION",
        HIGH,
        89,
    )
    .behind(|lead| breaks_out(lead, Exit::Value))
    .when(|text| !has_clause(text))
    .scored(0.7),
    Rule::new(
        &["drop", "truncate", "alter"],
        concat!(gap!(), r"(?:table|database|schema|user|role|view)\s{1,4}[^\s;]{1,64}"),
        "SQL_STACKED",
        CRITICAL,
        89,
    )
    .behind(|lead| stacks(lead, Exit::Quote))
    .scored(0.9),
    Rule::new(
        &["delete", "insert", "update", "create", "grant", "exec", "execute", "declare", "shutdown"],
        concat!(
            gap!(),
            r"(?:from\s{1,4}[^\s;]{1,64}|into\s{1,4}[^\s;]{1,64}|[^\s;]{1,64}\s{1,4}set\s|(?:user|role|login|table|function)\s|[a-z, ]{3,40}\son\s|@\w|xp_|sp_|master|with\s{1,4}nowait|--)"
        ),
        "SQL_STACKED",
        CRITICAL,
        89,
    )
    .behind(|lead| stacks(lead, Exit::Quote))
    .scored(0.85),
    Rule::new(
        &["drop", "truncate", "delete", "insert", "update", "select", "exec"],
        concat!(
            gap!(),
            r"(?:table|database|from|into|top|[\w.]{1,40}\s{1,4}set|pg_sleep|sleep|master)\b[^;\n]{0,160}?;?",
            cut!()
        ),
        "SQL_STACKED",
        CRITICAL,
        89,
    )
    .behind(|lead| stacks(lead, Exit::Value))
    .scored(0.7),
    Rule::new(&["' --", "'--", "')--", "' #", "'#", "';--"], COMMENT_END, "SQL_COMMENT", MEDIUM, 89)
        .behind(cuts_off)
        .scored(0.6),
    Rule::new(
        &["or", "and", "||", "&&", "xor"],
        concat!(
            gap!(),
            r"(?:not\s{1,4})?\(?\s{0,4}(?:\(?\s{0,4}select\b|exists\s{0,4}\(|(?:sleep|pg_sleep|benchmark|ascii|ord|substr|substring|mid|length|char_length|if|iif|extractvalue|updatexml|load_file|database|version|user|dbms_pipe\.receive_message|dbms_lock\.sleep)\s{0,2}\(|case\s{1,4}when\b|@@version)"
        ),
        "SQL_BLIND",
        HIGH,
        89,
    )
    .behind(|lead| breaks_out(lead, Exit::Quote))
    .scored(0.85),
    Rule::new(
        &["or", "and", "||"],
        concat!(gap!(), r"\(?(?:pg_sleep|sleep|benchmark)\s{0,2}\([^\n]{1,60}?\){1,3}", cut!()),
        "SQL_BLIND",
        HIGH,
        89,
    )
    .behind(|lead| breaks_out(lead, Exit::Value))
    .scored(0.8),
    Rule::new(&["'/*"], r#"\s{0,4}(?:$|[\r\n"'`&])"#, "SQL_COMMENT", MEDIUM, 89)
        .behind(cuts_off)
        .scored(0.6),
    Rule::new(&["order", "group"], concat!(gap!(), "by", gap!(), r"\d{1,3}(?:\s{0,2},\s{0,2}\d{1,3}){0,8}", cut!()), "SQL_BLIND", HIGH, 89)
        .behind(|lead| breaks_out(lead, Exit::Value))
        .scored(0.7),
    Rule::new(
        &["group"],
        concat!(gap!(), "by", gap!(), r"[\w.,() ]{1,60}?", gap!(), "having", gap!(), r"(?:\d{1,4}\s{0,2}=\s{0,2}\d{1,4}|'[^']{0,12}'\s{0,2}=)"),
        "SQL_BLIND",
        HIGH,
        89,
    )
    .behind(|lead| breaks_out(lead, Exit::Quote))
    .scored(0.7),
    Rule::new(
        &["or", "and", "||"],
        concat!(gap!(), r"\(?\s{0,4}\(\s{0,4}select\b[^;\n]{1,140}?\)\s{0,4}(?:[<>=]{1,2}|like)\s{0,4}['\d][^\n]{0,12}?", cut!()),
        "SQL_BLIND",
        HIGH,
        89,
    )
    .behind(|lead| breaks_out(lead, Exit::Value))
    .scored(0.7),
    Rule::new(
        &["or", "and", "||"],
        concat!(gap!(), r"\d{1,4}\s{0,2}=\s{0,2}(?:convert|cast)\s{0,2}\("),
        "SQL_ERROR",
        HIGH,
        89,
    )
    .behind(|lead| breaks_out(lead, Exit::Quote))
    .scored(0.8),
    Rule::new(&["'||(", "'|| (", "' || (", "'+(", "'+ (", "' + ("], r"\s{0,4}select\s[^;\n]{1,160}?\)\s{0,4}(?:\|\||\+)\s{0,4}'", "SQL_BLIND", HIGH, 89)
        .anywhere()
        .scored(0.8),
    Rule::new(&["waitfor"], r"\s{1,4}delay\s{1,4}\\?['(@]", "SQL_BLIND", HIGH, 89)
        .behind(|lead| stacks(lead, Exit::Value) || breaks_out(lead, Exit::Quote))
        .scored(0.8),
    Rule::new(&["select"], r"\s{1,4}(?:pg_sleep|sleep|benchmark)\s{0,2}\(", "SQL_BLIND", HIGH, 89)
        .behind(|lead| stacks(lead, Exit::Quote))
        .scored(0.8),
    Rule::new(&["select(sleep("], r"[\d.]{1,6}\)\){1,3}\s{0,2}\w{1,8}\)", "SQL_BLIND", HIGH, 89),
    Rule::new(
        &["extractvalue(", "updatexml("],
        r"[^,\n]{1,24},\s{0,4}concat\s{0,2}\(\s{0,4}(?:0x|char)",
        "SQL_ERROR",
        HIGH,
        89,
    )
    .scored(0.8),
    Rule::new(
        &["xp_cmdshell"],
        r#"\s{0,4}[(\s]\s{0,4}N?\\?['"@]|['"]\s{0,4},\s{0,4}1\b"#,
        "SQL_COMMAND",
        CRITICAL,
        78,
    )
    .scored(0.85),
    Rule::new(&["program"], r"\s{1,4}'[^'\n]{1,80}'", "SQL_COMMAND", CRITICAL, 78)
        .behind(copies)
        .scored(0.7),
    Rule::new(
        &["into outfile", "into dumpfile"],
        r#"\s{1,4}\\?['"][^'"\n]{0,120}(?:\.(?:php\d?|phtml|jspx?|aspx?|cgi|sh)\b|/www/|/html/|htdocs|wwwroot|/cron|/\.ssh/)"#,
        "SQL_FILE",
        CRITICAL,
        89,
    )
    .scored(0.85),
    Rule::new(
        &["load_file"],
        r#"\s{0,2}\(\s{0,4}(?:0x[0-9a-f]{8}|\\?['"](?:/(?:etc|proc|root)/|c:[\\/]|\\\\))"#,
        "SQL_FILE",
        CRITICAL,
        89,
    )
    .scored(0.8),
];

/// Two constants and what is between them.
const COMPARISON: &str = r#"(?:(?:\s|\+|/\*[^*]{0,24}\*/|[(\\]|not\b){0,8}(?:['"][^'"\\\n]{0,24}\\?['"]|[\d.]{1,12})(?:\s|\+|/\*[^*]{0,24}\*/){0,4}(?:=|<>|!=|<=>|[<>]=?|like)(?:\s|\+|/\*[^*]{0,24}\*/|[(\\]){0,4}(?:['"][^'"\\\n]{0,24}(?:\\?['"])?|[\d.]{1,12}))"#;

/// As [`COMPARISON`], with the rest of the query cut off.
const CUT_COMPARISON: &str = concat!(
    r#"(?:(?:\s|\+|/\*[^*]{0,24}\*/|[(\\]|not\b){0,8}(?:['"][^'"\\\n]{0,24}\\?['"]|[\d.]{1,12})(?:\s|\+|/\*[^*]{0,24}\*/){0,4}(?:=|<>|!=|<=>|[<>]=?|like)(?:\s|\+|/\*[^*]{0,24}\*/|[(\\]){0,4}(?:['"][^'"\\\n]{0,24}(?:\\?['"])?|[\d.]{1,12}))"#,
    cut!()
);

/// Behind the two dashes there is nothing that they could explain.
const COMMENT_END: &str = r#"[-+ \t]{0,4}(?:$|[\r\n"`)&\\])"#;

fn breaks_out(lead: &[u8], least: Exit) -> bool {
    let glued = lead.last().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    !glued && reaches(exit(lead), least)
}

fn stacks(lead: &[u8], least: Exit) -> bool {
    starts_word(lead) && reaches(statement_exit(lead), least)
}

/// Whether a value ended in a way that is as odd as `least`, or odder.
const fn reaches(exit: Exit, least: Exit) -> bool {
    match exit {
        Exit::None => false,
        Exit::Quote => true,
        Exit::OddNumber => matches!(least, Exit::OddNumber | Exit::Value),
        Exit::Value => matches!(least, Exit::Value),
    }
}

/// Whether a query goes on in ordinary ways, so that what is behind the dashes explains it.
fn has_clause(text: &[u8]) -> bool {
    text.windows(9).any(|window| window.eq_ignore_ascii_case(b" order by"))
}

/// Whether the quote that stands here ends a word that no quote began.
fn cuts_off(lead: &[u8]) -> bool {
    let line = lead.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    lead.last().is_some_and(u8::is_ascii_alphanumeric) && !line.contains(&b'\'')
}

fn copies(lead: &[u8]) -> bool {
    let line = lead.rsplit(|byte| matches!(byte, b'\n' | b';')).next().unwrap_or_default();
    let has = |word: &[u8]| line.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    has(b"copy ") && (has(b" from ") || has(b" to "))
}
