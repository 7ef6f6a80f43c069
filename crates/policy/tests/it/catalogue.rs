//! A stand-in for the detectors of the guard: one or two per category.

use bartizan_core::catalog::{Docs, Meta};
use bartizan_core::channel::{Channel, ChannelSet};
use bartizan_core::finding::{Category, Severity};
use bartizan_core::settings::LocalModel;
use bartizan_policy::{Catalogue, ModelKey, ModelProblem};

const fn meta(id: &'static str, category: Category) -> Meta {
    Meta {
        id,
        summary: "a stand-in",
        severity: Severity::Medium,
        category,
        label: "STAND_IN",
        docs: Docs { finds: "", matters: "", example: "", fix: "", limits: "" },
        references: &[],
        flags: &[],
        passes: &[],
    }
}

static EMAIL: Meta = meta("email", Category::Pii);
static IBAN: Meta = meta("iban", Category::Pii);
static CREDIT_CARD: Meta = meta("credit-card", Category::Pii);
static API_KEY: Meta = meta("api-key", Category::Secret);
static OVERRIDE: Meta = meta("instruction-override", Category::PromptInjection);
static ROLE_PLAY: Meta = meta("role-play", Category::Jailbreak);
static INVISIBLE: Meta = meta("invisible-text", Category::Disguise);
static LINK: Meta = meta("data-link", Category::Exfiltration);
static LEAK: Meta = meta("system-prompt", Category::PromptLeak);
static CANARY: Meta = meta("canary-leak", Category::PromptLeak);
static MARKUP: Meta = meta("script", Category::Markup);
static ANSI: Meta = meta("ansi-escape", Category::Terminal);
static PLANTED: Meta = meta("planted-request", Category::PromptInjection);
static SQL: Meta = meta("sql-injection", Category::CodeInjection);
static HATE: Meta = meta("hate", Category::UnsafeContent);
static VIOLENCE: Meta = meta("violence", Category::UnsafeContent);
static DATE: Meta = meta("date-time", Category::Pii);
static REPEAT: Meta = meta("repetition", Category::Flood);

static ATTACK: Meta = meta("prompt-attack", Category::PromptInjection);

/// Knows one model, with one label.
fn check_model(model: &LocalModel) -> Result<(), ModelProblem> {
    let problem = |key, message: &str| {
        Err(ModelProblem { key, message: message.to_owned(), help: "use `tiny`".to_owned() })
    };
    match (model.path.to_str(), model.labels.first().map(String::as_str), model.max_tokens) {
        (Some("tiny"), Some("INJECTION"), None | Some(..=512)) => Ok(()),
        (Some("tiny"), Some("INJECTION"), _) => problem(ModelKey::MaxTokens, "too many tokens"),
        (Some("tiny"), ..) => problem(ModelKey::Labels, "the model has no such label"),
        _ => problem(ModelKey::Path, "there is no such folder"),
    }
}

/// Every category.
pub(crate) const FULL: Catalogue<'static> = Catalogue {
    detectors: &[
        &EMAIL,
        &IBAN,
        &CREDIT_CARD,
        &API_KEY,
        &OVERRIDE,
        &ATTACK,
        &ROLE_PLAY,
        &INVISIBLE,
        &LINK,
        &LEAK,
        &CANARY,
        &MARKUP,
        &ANSI,
        &REPEAT,
        &DATE,
        &PLANTED,
        &SQL,
        &HATE,
        &VIOLENCE,
    ],
    on_request: &["date-time", "planted-request"],
    models: Some(check_model),
    guards: &[],
    channels: &[
        ("canary-leak", ChannelSet::of(&[Channel::Output, Channel::ToolCall])),
        ("planted-request", ChannelSet::of(&[Channel::Document, Channel::ToolResult])),
        ("role-play", ChannelSet::of(&[Channel::User])),
    ],
    trained: &["planted-request", "hate", "violence"],
};
