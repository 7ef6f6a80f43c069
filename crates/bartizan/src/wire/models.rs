//! Models of the policy, loaded: a folder of the policy file becomes what the guard asks.
//!
//! Without the feature `infer` there are none, and the policy refuses the key.

#[cfg(feature = "infer")]
mod mine;

use bartizan_core::settings::Settings;
use bartizan_gateway::Models;
use bartizan_policy::CheckModel;

#[cfg(feature = "infer")]
pub(crate) use mine::measure;

/// What a model takes and says, for people.
pub(crate) struct Measured {
    /// As the policy names it.
    pub(crate) name: String,
    /// What it is and how long it takes, or why it does not work.
    pub(crate) found: Result<String, String>,
    /// What to do about it, where something should be done.
    pub(crate) fix: Option<String>,
}

/// Checks a model of the policy; absent in a build that runs none.
#[cfg(feature = "infer")]
pub(crate) const CHECK: Option<CheckModel> = Some(mine::check);
/// Absent: this build runs none.
#[cfg(not(feature = "infer"))]
pub(crate) const CHECK: Option<CheckModel> = None;

/// Loads the models that guardrails ask. One that was loaded before, and whose files are the same, is not
/// loaded again.
#[cfg_attr(not(feature = "infer"), expect(clippy::unnecessary_wraps, reason = "others can fail"))]
pub(crate) fn load(settings: &Settings) -> anyhow::Result<Models> {
    #[cfg(feature = "infer")]
    return mine::load(settings);
    // The policy names none in this build.
    #[cfg(not(feature = "infer"))]
    {
        let _ = settings;
        Ok(Models::new())
    }
}

/// Runs each model once.
#[cfg(not(feature = "infer"))]
pub(crate) fn measure(_: &Settings) -> Vec<Measured> {
    Vec::new()
}
