//! Text that becomes code, a command, or an object with code in it.

use bartizan_core::Severity;

use crate::rules::{Rule, starts_call, starts_word};

const LOW: Severity = Severity::Low;
const MEDIUM: Severity = Severity::Medium;

/// A string that a value is put into: joined, formatted or with slots.
macro_rules! composed {
    () => {
        r#"(?:f\\?["'][^"'\n]{0,160}\{|\$?\\?"[^"\n]{0,160}?(?:\\?"\s{0,4}(?:\+|%|\.\s{0,2}\$|\.format\s{0,2}\()|[^\\"\n]#\{|[^\\"\n]\$\{?[a-z_])|\\?'[^'\n]{0,160}'\s{0,4}(?:\+|%|\.\s{0,2}\$|\.format\s{0,2}\()|`[^`\n]{0,160}\$\{)"#
    };
}

/// Input of a request or of a person.
macro_rules! input {
    () => {
        r"(?:(?:raw_)?input\s{0,2}\(|sys\.argv|process\.argv|os\.environ|event\.data|location\.|document\.(?:location|url|cookie)|req(?:uest)?\.(?:args|form|body|query|params|json|get|post|data|values|cookies)|params\[|\$_(?:get|post|request|cookie)|\$\w{0,20}(?:input|cmd|code|expr)\w{0,20}|\w{0,20}(?:user|untrusted|input|payload|expr|code|cmd|formula|snippet)\w{0,20}\s{0,2}[),.\[])"
    };
}

/// Code made at run time.
pub(super) const EVALUATION: &[Rule] = &[
    Rule::new(&["eval", "exec"], concat!(r"\s{0,2}\(\s{0,8}(?:compile\s{0,2}\(\s{0,8})?", input!()), "CODE_EVAL", MEDIUM, 95)
        .behind(starts_call)
        .scored(0.8),
    Rule::new(&["window.eval", "globalthis.eval", "self.eval", "global.eval"], concat!(r"\s{0,2}\(\s{0,8}", input!()), "CODE_EVAL", MEDIUM, 95)
        .scored(0.8),
    Rule::new(&["eval", "assert", "create_function"], r"\s{0,2}\(\s{0,8}(?:\$|base64_decode\s{0,2}\(|gzinflate\s{0,2}\()", "CODE_EVAL", MEDIUM, 95)
        .behind(starts_call),
    Rule::new(&["new function"], r#"\s{0,2}\((?:[^()"'`\n]{0,80},)?\s{0,8}(?:[a-z_$]|["'][^"'\n]{0,80}["']\s{0,4}\+|["'][^"'\n]{0,60}["'],\s{0,4}[a-z_$]|`[^`\n]{0,80}\$\{)"#, "CODE_EVAL", MEDIUM, 95)
        .scored(0.6),
    Rule::new(&["settimeout", "setinterval"], r#"\s{0,2}\(\s{0,8}(?:["'][^"'\n]{1,80}\(|["'][^"'\n]{0,80}["']\s{0,4}\+)"#, "CODE_EVAL", MEDIUM, 95),
    Rule::new(&["vm.runinnewcontext", "vm.runinthiscontext", "vm.runincontext"], r"\s{0,2}\(\s{0,8}[a-z_$]", "CODE_EVAL", MEDIUM, 95),
    Rule::new(&["instance_eval", "class_eval"], concat!(r"[\s(]{1,4}", composed!()), "CODE_EVAL", MEDIUM, 95)
        .scored(0.5),
];

/// Commands of a shell.
pub(super) const COMMANDS: &[Rule] = &[
    Rule::new(&["os.system", "os.popen", "commands.getoutput", "subprocess.getoutput", "subprocess.getstatusoutput"], concat!(r"\s{0,2}\(\s{0,8}(?:", composed!(), r"|[a-z_][\w.]{0,40}\s{0,2}[),+\[%]|(?:raw_)?input\()"), "CODE_COMMAND", MEDIUM, 78)
        .scored(0.8),
    Rule::new(&["subprocess.run", "subprocess.call", "subprocess.popen", "subprocess.check_output", "subprocess.check_call", "create_subprocess_exec"], r"\s{0,2}\([^;]{0,240}?\bshell\s{0,2}=\s{0,2}(?-i:True)\b", "CODE_COMMAND", MEDIUM, 78)
        .shortest()
    .scored(0.8),
    Rule::new(&["create_subprocess_shell"], concat!(r"\s{0,2}\(\s{0,8}(?:", composed!(), "|[a-z_])"), "CODE_COMMAND", MEDIUM, 78),
    Rule::new(&["child_process.exec", "child_process.execsync", "cp.exec", "execsync", "exec"], concat!(r"\s{0,2}\(\s{0,8}", composed!()), "CODE_COMMAND", MEDIUM, 78)
        .behind(starts_call)
        .scored(0.8),
    Rule::new(&["child_process').exec", "child_process\").exec"], concat!(r"(?:sync)?\s{0,2}\(\s{0,8}(?:", composed!(), r"|[a-z_$][\w.]{0,40}\s{0,4}[,)+])"), "CODE_COMMAND", MEDIUM, 78)
        .scored(0.8),
    Rule::new(&["getruntime().exec", "getruntime( ).exec"], concat!(r"\s{0,2}\(\s{0,8}(?:", composed!(), r"|[a-z_]\w{0,40}\s{0,2}\))"), "CODE_COMMAND", MEDIUM, 78)
        .anywhere(),
    Rule::new(&["processbuilder", "exec.command", "exec.commandcontext", "process.start", "command::new"], concat!(r#"\s{0,2}\((?:\s{0,4}ctx\s{0,2},)?\s{0,8}"(?:/bin/)?(?:ba|z)?(?:sh|cmd(?:\.exe)?)"\)?\s{0,8}(?:,\s{0,8}|\.args?\(\s{0,2})(?:\[\s{0,4})?"[-/]c"\s{0,2}(?:\)\s{0,8}\.args?\(|,)\s{0,8}(?:"#, composed!(), r"|[a-z_&$]|fmt\.sprintf)"), "CODE_COMMAND", MEDIUM, 78),
    Rule::new(&["system", "exec", "shell_exec", "passthru", "popen", "proc_open"], r#"\s{0,2}\(\s{0,8}(?:\$\w{0,20}|"[^"\n]{0,120}"\s{0,2}\.\s{0,2}\$|'[^'\n]{0,120}'\s{0,2}\.\s{0,2}\$|"[^"\n]{0,120}(?:#\{|\$\{?[a-z_]))"#, "CODE_COMMAND", MEDIUM, 78)
        .behind(starts_call)
        .scored(0.7),
    Rule::new(&["system"], r"\s{0,2}\(\s{0,4}(?:argv\[|cmd|command|buf|buffer|user_?input|input|line)\w{0,12}(?:\.c_str\(\))?\s{0,2}\)\s{0,2};", "CODE_COMMAND", MEDIUM, 78)
        .behind(starts_call)
        .scored(0.7),
];

/// Objects that bring code along.
pub(super) const OBJECTS: &[Rule] = &[
    Rule::new(
        &[
            "pickle.load",
            "cpickle.load",
            "dill.load",
            "marshal.load",
            "cloudpickle.load",
            "jsonpickle.decode",
            "shelve.open",
            "joblib.load",
            "pd.read_pickle",
            "pandas.read_pickle",
        ],
        r"s?\s{0,2}\(\s{0,8}[^)\s]",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    )
    .scored(0.7),
    Rule::new(
        &["yaml.load", "yaml.load_all"],
        r"\s{0,2}\([^()\n]{0,120}(?:\([^()\n]{0,80}\)[^()\n]{0,80})?\)",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    )
    .when(|text| {
        !has(text, b"safe")
            && !has(text, b"fullloader")
            && !has(text, b"baseloader")
            && !has(text, b"schema")
            && text.len() > 3
    }),
    Rule::new(
        &["yaml.unsafe_load", "yaml.full_load"],
        r"\s{0,2}\(\s{0,8}[^)\s]",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    ),
    Rule::new(
        &["torch.load"],
        r"\s{0,2}\([^;\n]{0,160}?weights_only\s{0,2}=\s{0,2}(?-i:False)",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    ),
    Rule::new(
        &["allow_pickle", "allow_dangerous_deserialization"],
        r"\s{0,2}=\s{0,2}(?-i:True)\b",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    )
    .scored(0.6),
    Rule::new(
        &["new objectinputstream", "new xmldecoder", "new xstream"],
        r"\s{0,2}\(",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    ),
    Rule::new(
        &["binaryformatter", "netdatacontractserializer", "losformatter", "soapformatter"],
        r"\s{0,2}\(\s{0,2}\)[\s\S]{0,120}?\.deserialize\s{0,2}\(",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    ),
    Rule::new(
        &["typenamehandling"],
        r"\s{0,2}=\s{0,2}typenamehandling\.(?:all|auto|objects)\b",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    ),
    Rule::new(
        &["unserialize"],
        r"\s{0,2}\(\s{0,8}(?:\$|base64_decode)",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    )
    .behind(starts_call),
    Rule::new(
        &["marshal.load", "marshal.restore"],
        r"[\s(]{1,4}(?:params|request|cookies|base64|session|socket)",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    )
    .behind(starts_word),
    Rule::new(
        &["serialize.unserialize", "node-serialize"],
        r"\s{0,2}\(",
        "CODE_DESERIALIZATION",
        LOW,
        502,
    ),
];

/// Code and files that a name from outside chooses.
pub(super) const NAMES: &[Rule] = &[
    Rule::new(&["dlopen", "loadlibrary", "loadlibrarya", "loadlibraryw", "ctypes.cdll", "cdll.loadlibrary", "system.load"], r"\s{0,2}\(\s{0,4}(?:argv\[|sys\.argv|getenv\s{0,2}\(|request\.|\w{0,20}(?:user|input|untrusted|param)\w{0,20}\s{0,2}[,)])", "CODE_LIBRARY", MEDIUM, 114)
        .scored(0.7),
    Rule::new(&[".extractall"], r#"\s{0,2}\(\s{0,2}(?:path\s{0,2}=\s{0,2})?["'\w./]{0,60}\s{0,2}\)"#, "CODE_PATH", LOW, 22)
        .behind(|lead| has(lead, b"tar"))
        .scored(0.6),
    Rule::new(&["resolve_entities", "load_dtd", "expandentityreferences"], r"\s{0,2}[=(]\s{0,2}(?:(?-i:True)|true)\b", "CODE_XML", LOW, 611)
        .scored(0.6),
    Rule::new(&["libxml_noent"], r"\b", "CODE_XML", LOW, 611).scored(0.6),
];

fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}
