//! Checks of certificates, signatures and downloads that are turned off, and rights for everybody.

use bartizan_core::Severity;

use crate::rules::{Rule, starts_call};

const LOW: Severity = Severity::Low;
const MEDIUM: Severity = Severity::Medium;

/// Connections and tokens that nobody checks.
pub(super) const TRANSPORT: &[Rule] = &[
    Rule::new(
        &["verify", "verify_ssl", "ssl_verify", "verify_certs", "check_hostname"],
        r"\s{0,2}=\s{0,2}(?-i:False)\b",
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.8),
    Rule::new(
        &["ssl._create_unverified_context", "ssl._create_default_https_context"],
        r"(?:\s{0,2}\(|\s{0,2}=\s{0,2}ssl\._create_unverified)",
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.9),
    Rule::new(
        &[
            "ssl.cert_none",
            "ssl_verify_none",
            "openssl::ssl::verify_none",
            "ssl::verify_none",
            "allow_all_hostname_verifier",
            "noophostnameverifier",
            "trustallstrategy",
        ],
        r"",
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.7),
    Rule::new(
        &["rejectunauthorized", "strictssl", "strict-ssl"],
        r#"["']?\s{0,2}[:= ]\s{0,2}(?-i:false)\b"#,
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.8),
    Rule::new(
        &["node_tls_reject_unauthorized"],
        r#"["']?\]?\s{0,2}[=:]\s{0,2}["']?0"#,
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.9),
    Rule::new(&["insecureskipverify"], r"\s{0,2}[:=]\s{0,2}(?-i:true)\b", "CODE_TLS", MEDIUM, 295)
        .scored(0.9),
    Rule::new(
        &["curlopt_ssl_verifypeer", "curlopt_ssl_verifyhost"],
        r"\s{0,2}(?:,|=>)\s{0,2}(?:false|0)\b",
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.9),
    Rule::new(
        &["danger_accept_invalid_certs", "danger_accept_invalid_hostnames"],
        r"\s{0,2}\(\s{0,2}true",
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.9),
    Rule::new(
        &["servercertificatevalidationcallback", "servercertificatecustomvalidationcallback"],
        r"\s{0,2}\+?=[^;\n]{0,80}?(?:=>\s{0,2}\{?\s{0,2}(?:return\s{1,2})?true|dangerousaccept)",
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.9),
    Rule::new(
        &["checkservertrusted", "checkclienttrusted"],
        r"\s{0,2}\([^){}]{0,120}\)[^{}]{0,60}\{\s{0,24}\}",
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.8),
    Rule::new(&["stricthostkeychecking"], r"[= ]\s{0,2}no\b", "CODE_TLS", MEDIUM, 295).scored(0.6),
    Rule::new(&["autoaddpolicy"], r"\s{0,2}\(\s{0,2}\)", "CODE_TLS", MEDIUM, 295).scored(0.6),
    Rule::new(&["http.sslverify"], r#"["']?[= ]\s{0,2}["']?false\b"#, "CODE_TLS", MEDIUM, 295)
        .scored(0.7),
    Rule::new(
        &["curl"],
        r"[^\n|;`]{0,80}?\s(?:--insecure\b|(?-i:-[a-zA-Z]{0,4}k[a-zA-Z]{0,4})(?:\s|$))",
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.6),
    Rule::new(&["wget"], r"[^\n|;`]{0,80}?\s--no-check-certificate\b", "CODE_TLS", MEDIUM, 295)
        .scored(0.6),
    Rule::new(
        &["git_ssl_no_verify"],
        r#"["']?\]?\s{0,2}[=:]\s{0,2}["']?(?:true|1)\b"#,
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.8),
    Rule::new(
        &["pythonhttpsverify"],
        r#"["']?\]?\s{0,2}[=:]\s{0,2}["']?0\b"#,
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.8),
    Rule::new(
        &["disable_warnings"],
        r"\s{0,2}\([^)\n]{0,80}?insecurerequestwarning",
        "CODE_TLS",
        MEDIUM,
        295,
    )
    .scored(0.6),
    Rule::new(
        &["verify_signature", "verify_exp"],
        r#"\\?["']?\s{0,2}[:=]\s{0,2}(?-i:False|false)\b"#,
        "CODE_SIGNATURE",
        MEDIUM,
        347,
    )
    .scored(0.8),
    Rule::new(
        &["algorithms"],
        r#"\\?["']?\s{0,2}[:=]\s{0,2}\[\s{0,2}\\?["']none"#,
        "CODE_SIGNATURE",
        MEDIUM,
        347,
    )
    .scored(0.9),
];

/// Downloads that run, and rights.
pub(super) const INSTALLERS: &[Rule] = &[
    Rule::new(&["curl", "wget"], r"\s[^\n|;`]{0,60}?https?://[^\n|;`]{1,200}\|\s{0,4}(?:sudo\s{1,4}(?:-\w{1,4}\s{1,4}){0,2})?(?:/bin/)?(?:ba|z|da|k)?sh\b", "CODE_DOWNLOAD", LOW, 494)
        .scored(0.7),
    Rule::new(&["bash", "sh", "zsh"], r#"\s{1,4}(?:-c\s{1,4}["']?\$\(|<\s{0,2}<?\()\s{0,2}(?:curl|wget)\s"#, "CODE_DOWNLOAD", LOW, 494)
        .scored(0.7),
    Rule::new(&["chmod"], r"\s{1,4}(?:-[a-z]{1,3}\s{1,4}){0,2}(?:0?777|a\+rwx|ugo\+rwx)\b", "CODE_PERMISSION", LOW, 732)
        .scored(0.7),
    Rule::new(&["chmod", "os.chmod", "fs.chmod", "fs.chmodsync", "mkdir", "os.mkdir", "os.mkdirall"], r#"\s{0,2}\([^()\n]{0,80}?,\s{0,2}["']?(?:0o?777)\b"#, "CODE_PERMISSION", LOW, 732)
        .scored(0.6),
    Rule::new(&["docker", "podman"], r"\s{1,4}run\s[^\n;|`]{0,160}?--privileged\b", "CODE_PRIVILEGE", LOW, 250)
        .scored(0.6),
    Rule::new(&["app.run", "socketio.run"], r"\s{0,2}\([^()\n]{0,120}?debug\s{0,2}=\s{0,2}(?-i:True)\b", "CODE_DEBUG", LOW, 489)
        .behind(starts_call)
        .scored(0.6),
];
