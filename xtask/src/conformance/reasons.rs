//! Why we differ: every disagreement has a reason here, or is printed without one.

use super::cases::Case;

/// A reason, and the cases that it holds for: a suite, a test, and how the text begins.
struct Reason {
    suite: &'static str,
    test: &'static str,
    begins: &'static str,
    because: &'static str,
}

const OTHER_RULE: &str = "Their tests ask one rule at a time, and another rule of theirs finds the text: it is a secret.";
const SAMPLE: &str =
    "The text says that it is a sample. We tell it as `sample-secret`, below the usual threshold.";
const PLACEHOLDER: &str =
    "The text only shows where a key goes, and they take it for one or the other by their list.";

const REASONS: &[Reason] = &[
    Reason {
        suite: "gitleaks",
        test: "anthropic-admin-api-key",
        begins: "sk-ant-api03-",
        because: OTHER_RULE,
    },
    Reason {
        suite: "gitleaks",
        test: "anthropic-api-key",
        begins: "sk-ant-admin01-",
        because: OTHER_RULE,
    },
    Reason { suite: "gitleaks", test: "cisco-meraki-api-key", begins: "", because: OTHER_RULE },
    Reason {
        suite: "gitleaks",
        test: "aws-amazon-bedrock-api-key-long-lived",
        begins: "ABSK",
        because: SAMPLE,
    },
    Reason { suite: "detect-secrets", test: "gitlab_token", begins: "ghp_", because: OTHER_RULE },
    Reason {
        suite: "detect-secrets",
        test: "openai",
        begins: "sk-proj-",
        because: "The mark inside the key is wrong by one character. Project keys are told by their prefix, so \
                  that the next change of the mark opens no hole.",
    },
    Reason {
        suite: "detect-secrets",
        test: "telegram_token",
        begins: "bot",
        because: "`bot` before the token is how the service writes it in URLs, where it leaks most.",
    },
    Reason {
        suite: "garak",
        test: "test_apikey_no_match",
        begins: "Use your key",
        because: PLACEHOLDER,
    },
];

/// The reason for a disagreement.
pub(super) fn of(case: &Case) -> Option<&'static str> {
    let holds = |reason: &&Reason| {
        reason.suite == case.suite
            && reason.test == case.test
            && case.text.starts_with(reason.begins)
    };
    REASONS.iter().find(holds).map(|reason| reason.because)
}
