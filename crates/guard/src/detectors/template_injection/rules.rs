//! The rules of template injection.

use bartizan_core::Severity;

use crate::rules::Rule;

const MEDIUM: Severity = Severity::Medium;
const CRITICAL: Severity = Severity::Critical;

/// Products that nobody needs.
pub(super) const PROBES: &[Rule] = &[
    Rule::new(
        &["{{", "${", "#{", "*{", "@("],
        r#"[-={\s\[]{0,4}\d{1,6}\s{0,2}\*\s{0,2}\\?['"]?\d{1,6}\\?['"]?\s{0,4}[-})\]]"#,
        "TEMPLATE_PROBE",
        MEDIUM,
        1336,
    )
    .anywhere()
    .when(is_probe)
    .scored(0.8),
    Rule::new(
        &["<%="],
        r#"\s{0,4}\d{1,6}\s{0,2}\*\s{0,2}\\?['"]?\d{1,6}\\?['"]?\s{0,4}-?%"#,
        "TEMPLATE_PROBE",
        MEDIUM,
        1336,
    )
    .anywhere()
    .when(is_probe)
    .scored(0.8),
];

/// Jinja and its kin.
pub(super) const PYTHON: &[Rule] = &[
    Rule::new(
        &["{{", "{%"],
        r#"[^{}\n]{0,200}?(?:__|\\x5f\\x5f|\\\\x5f\\\\x5f|_\\?["']\s{0,2}[~+]\s{0,2}\\?["']_)(?:class|globals|mro|base|bases|subclasses|init|builtins|import|getitem|dict|code)"#,
        "TEMPLATE_PYTHON",
        CRITICAL,
        1336,
    )
    .anywhere()
    .scored(0.9),
    Rule::new(
        &["{{", "{%"],
        r#"-?\s{0,4}(?:(?:self|get_flashed_messages|url_for|current_app|app)\.)?(?:config|settings)(?:\.items\(\)|\.secret_key|\.__|\[\s{0,2}\\?['"]secret_key|\s{0,4}\}\}\s{0,2}$)"#,
        "TEMPLATE_PYTHON",
        CRITICAL,
        1336,
    )
    .anywhere()
    .when(|text| text.windows(4).any(|part| matches!(part, b"item" | b"ITEM") || part.eq_ignore_ascii_case(b"secr")))
    .scored(0.7),
    Rule::new(
        &["{{"],
        r#"[^{}\n]{0,120}?\.(?:popen|mro\(\)|subclasses\(\))\s{0,2}\(?\\?['"]?"#,
        "TEMPLATE_PYTHON",
        CRITICAL,
        1336,
    )
    .anywhere()
    .scored(0.8),
    Rule::new(&["{%"], r"[-+]?\s{0,4}import\s{1,4}(?:os|sys|subprocess|builtins)\b", "TEMPLATE_PYTHON", CRITICAL, 1336)
        .anywhere()
        .scored(0.8),
    Rule::new(&["{{"], r"[^{}\n]{0,80}?\b(?:os\.(?:system|popen|environ)|subprocess\.\w{2,14})\s{0,2}[(\[.]", "TEMPLATE_PYTHON", CRITICAL, 1336)
        .anywhere()
        .scored(0.8),
    Rule::new(
        &["${", "<%"],
        r"\s{0,4}(?:import\s{1,4}os\b|self\.module\.(?:cache|runtime)|[\w.]{0,60}\bos\.(?:system|popen)\s{0,2}\()",
        "TEMPLATE_PYTHON",
        CRITICAL,
        1336,
    )
    .anywhere()
    .scored(0.8),
];

/// Expression languages of Java, and its loggers.
pub(super) const JAVA: &[Rule] = &[
    Rule::new(
        &["t(java.lang.", "t(java.io.", "t(java.nio.", "t(javax.", "t(org.", "t(sun."],
        r"[^)\n]{0,60}?(?:runtime|system|processbuilder|class|thread|script|files|ioutils|streamutils|unsafe|file)\b",
        "TEMPLATE_JAVA",
        CRITICAL,
        917,
    )
    .behind(in_expression)
    .scored(0.9),
    Rule::new(&[".getclass("], r"\)[^\n]{0,60}?\.(?:forname|getclassloader|getmethods?|getdeclared\w{1,20})\s{0,2}\(", "TEMPLATE_JAVA", CRITICAL, 917)
        .behind(in_expression)
        .scored(0.85),
    Rule::new(&["(#_memberaccess", "#_memberaccess", "@ognl.ognlcontext@", "#context['com.opensymphony", "#context['xwork."], r"", "TEMPLATE_JAVA", CRITICAL, 917)
        .anywhere()
        .scored(0.9),
    Rule::new(&[".class.forname("], r#"\s{0,4}\\?['"]java[x.]"#, "TEMPLATE_JAVA", CRITICAL, 917)
        .behind(in_expression)
        .scored(0.85),
    Rule::new(&["${script:"], r"\s{0,2}(?:javascript|js|nashorn|ecmascript|groovy|jexl\d?|python|ruby)\s{0,2}:", "TEMPLATE_LOOKUP", CRITICAL, 917)
        .anywhere()
        .scored(0.9),
    Rule::new(&["${url:"], r"\s{0,2}[\w-]{3,12}\s{0,2}:\s{0,2}(?:https?|ftp|file|jar|dict|gopher):", "TEMPLATE_LOOKUP", CRITICAL, 917)
        .anywhere()
        .scored(0.8),
    Rule::new(&["freemarker.template.utility."], r#"(?:execute|objectconstructor|jythonruntime)\\?['"]\s{0,2}\?\s{0,2}new"#, "TEMPLATE_JAVA", CRITICAL, 917)
        .anywhere()
        .scored(0.9),
    Rule::new(&["${jndi:"], r"\s{0,2}(?:ldaps?|rmi|dns|iiop|corba|nds|nis|https?|\$\{)", "TEMPLATE_LOOKUP", CRITICAL, 917)
        .anywhere()
        .scored(0.95),
    Rule::new(
        &["${"],
        r"(?:[jndi]{0,4})\$\{(?:(?:lower|upper):\s{0,2}\$?\{?[a-z:]|(?:env|sys|date|ctx|main|web|k8s|spring|docker|bundle|java|map|sd|marker|log4j|event)?:[\w./:-]{0,40}:?-[jndilap:/rmsht]{1,5}\}|::-)",
        "TEMPLATE_LOOKUP",
        CRITICAL,
        917,
    )
    .anywhere()
    .when(spells_lookup)
    .scored(0.9),
];

/// Everybody else.
pub(super) const OTHERS: &[Rule] = &[
    Rule::new(
        &["<%=", "<%-", "<%"],
        r#"\s{0,4}(?:(?:system|exec|eval|spawn|open3?)\s{0,2}\(|(?:system|exec)\s{1,2}['"\\]|`[^`\n%]{1,80}`|%x[\[({]|io\.(?:popen|read|readlines)|kernel\.(?:system|exec|open)|file\.(?:open|read)\s{0,2}\(\s{0,2}\\?['"]/|dir\.(?:entries|glob)\s{0,2}\(\s{0,2}\\?['"]/|[^%\n]{0,60}?process\.mainmodule|[^%\n]{0,60}?child_process|(?:java\.lang\.)?runtime\.getruntime\()"#,
        "TEMPLATE_CALL",
        CRITICAL,
        94,
    )
    .anywhere()
    .scored(0.85),
    Rule::new(
        &["#{", "${", "{{"],
        r"[^}\n]{0,80}?(?:process\.mainmodule|(?:global|root|this)\.process\b[^}\n]{0,40}?require|constructor\.constructor\s{0,2}\(|_self\.env\.|require\s{0,2}\(\s{0,2}\\?.child_process)",
        "TEMPLATE_CALL",
        CRITICAL,
        94,
    )
    .anywhere()
    .scored(0.9),
    Rule::new(
        &["{{", "{%"],
        r#"[^{}\n]{0,120}?\|\s{0,2}(?:filter|map|sort|reduce)\s{0,2}\(\s{0,2}\\?['"](?:system|exec|passthru|shell_exec|popen|assert)\b"#,
        "TEMPLATE_CALL",
        CRITICAL,
        94,
    )
    .anywhere()
    .scored(0.9),
    Rule::new(&["{{"], r"-?\s{0,4}dump\s{0,2}\(\s{0,2}(?:app|_context)\b", "TEMPLATE_CALL", CRITICAL, 94)
        .anywhere()
        .scored(0.7),
    Rule::new(&["#{"], r"\s{0,4}`[^`\n}]{1,60}`\s{0,4}\}", "TEMPLATE_CALL", CRITICAL, 94)
        .anywhere()
        .scored(0.6),
    Rule::new(&["lookup"], r#"\s{1,4}string\.sub\s{1,4}\\?["']constructor"#, "TEMPLATE_CALL", CRITICAL, 94)
        .scored(0.9),
    Rule::new(&["#{"], r#"\s{0,4}(?:system|exec|io\.popen|kernel\.system|%x)\s{0,2}[(\[{ ]\s{0,2}\\?['"]?(?:id|whoami|cat|ls|curl|wget|uname)\b"#, "TEMPLATE_CALL", CRITICAL, 94)
        .anywhere()
        .scored(0.7),
    Rule::new(&["{php}", "{system(", "{exec(", "{passthru(", "{smarty_internal_write_file::"], r"", "TEMPLATE_CALL", CRITICAL, 94)
        .anywhere()
        .scored(0.8),
];

/// Whether nobody would write the product for its value: equal factors, a quoted one, or long ones.
fn is_probe(text: &[u8]) -> bool {
    let mut factors = text.split(|byte| *byte == b'*').map(|side| {
        let digits: Vec<u8> = side.iter().copied().filter(u8::is_ascii_digit).collect();
        let quoted = side.iter().any(|byte| matches!(byte, b'\'' | b'"'));
        (digits, quoted)
    });
    let (Some((left, _)), Some((right, quoted)), None) =
        (factors.next(), factors.next(), factors.next())
    else {
        return false;
    };
    quoted
        || left == right
        || (left.len() >= 3 && right.len() >= 3 && left != b"1000" && right != b"1000")
}

/// Whether an expression language began shortly before.
fn in_expression(lead: &[u8]) -> bool {
    let line = lead.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let opens = |mark: &[u8]| line.windows(mark.len()).any(|part| part == mark);
    opens(b"${") || opens(b"#{") || opens(b"*{") || opens(b"%{") || opens(b"#set") || opens(b"__$")
}

/// Whether the lookup within a lookup stands for a letter of `jndi` or its addresses.
fn spells_lookup(text: &[u8]) -> bool {
    text.contains(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_with_a_purpose_are_no_probes() {
        for text in [&b"7*7}"[..], b"7*'7'}", b"1337 * 1338 %", b"133*133}"] {
            assert!(is_probe(text), "{text:?}");
        }
        for text in [&b"2 * 3}"[..], b"24*60}", b"60 * 1000}", b"2*3*4}"] {
            assert!(!is_probe(text), "{text:?}");
        }
    }
}
