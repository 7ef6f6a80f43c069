//! Calls of C that write without a limit, or take a text for a format.

use bartizan_core::Severity;

use crate::rules::{Rule, starts_call};

const LOW: Severity = Severity::Low;
const MEDIUM: Severity = Severity::Medium;

/// Buffers, formats and files.
pub(super) const MEMORY: &[Rule] = &[
    Rule::new(&["gets"], r"\s{0,2}\(\s{0,2}[a-z_]\w{0,40}(?:\[\w{0,8}\])?\s{0,2}\)\s{0,2};", "CODE_BUFFER", MEDIUM, 120)
        .behind(starts_call)
        .scored(0.9),
    Rule::new(&["strcpy", "strcat", "lstrcpy", "wcscpy"], r"\s{0,2}\(\s{0,4}[a-z_*&][\w.>\[\]+ -]{0,60},\s{0,4}[a-z_*&][\w.>()\[\]+ -]{0,60}\)\s{0,2};", "CODE_BUFFER", MEDIUM, 120)
        .behind(starts_call)
        .scored(0.6),
    Rule::new(&["sprintf", "vsprintf"], r#"\s{0,2}\(\s{0,4}[a-z_][\w.>\[\]-]{0,40}\s{0,2},\s{0,4}"[^"\n]{0,80}%s"#, "CODE_BUFFER", MEDIUM, 120)
        .behind(starts_call)
        .scored(0.6),
    Rule::new(&["scanf", "fscanf", "sscanf"], r#"\s{0,2}\([^"\n()]{0,40}"[^"\n]{0,40}%s"#, "CODE_BUFFER", MEDIUM, 120)
        .behind(starts_call)
        .scored(0.7),
    Rule::new(&["printf", "vprintf", "syslog"], r"\s{0,2}\(\s{0,2}(?:argv\[|\w{0,20}(?:input|buf|buffer|line|str|msg|text|name)\s{0,2}\)\s{0,2};)", "CODE_FORMAT", MEDIUM, 134)
        .behind(starts_call)
        .scored(0.6),
    Rule::new(&["fprintf"], r"\s{0,2}\(\s{0,2}\w{1,20}\s{0,2},\s{0,2}(?:argv\[|\w{0,20}(?:input|buf|buffer|line|msg)\s{0,2}\)\s{0,2};)", "CODE_FORMAT", MEDIUM, 134)
        .behind(starts_call)
        .scored(0.6),
    Rule::new(&["tempfile.mktemp", "os.tempnam", "os.tmpnam", "tmpnam"], r"\s{0,2}\(", "CODE_TEMPORARY", LOW, 377)
        .scored(0.7),
];
