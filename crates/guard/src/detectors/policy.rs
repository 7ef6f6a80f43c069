//! Detectors made from what policy gives: keywords, patterns, allowed topics, a largest size, listed hosts,
//! known packages.

mod keywords;
mod links;
mod packages;
mod patterns;
mod refined;
mod size;
mod topics;

use bartizan_core::catalog::Meta;
use bartizan_core::settings::Detect;

use crate::detector::Detector;

pub(crate) use refined::RefinedAttack;

/// What they say about themselves, in the order of `detect:` keywords, patterns, topics, size, links, packages.
pub static POLICY_MADE: [&Meta; 6] =
    [&keywords::META, &patterns::META, &topics::META, &size::META, &links::META, &packages::META];

/// A detector for what policy gives.
///
/// # Errors
/// A sentence saying what cannot be used, and what to write instead.
pub(crate) fn from_policy(detect: &Detect) -> Result<Box<dyn Detector>, String> {
    Ok(match detect {
        Detect::Keywords(words) => Box::new(keywords::Keywords::new(words)?),
        Detect::Patterns(patterns) => Box::new(patterns::Patterns::new(patterns)?),
        Detect::Topics(topics) => Box::new(topics::Topics::new(topics)?),
        Detect::Size { max_bytes } => Box::new(size::Size::new(*max_bytes)),
        Detect::Links(hosts) => Box::new(links::Links::new(hosts)),
        Detect::Packages(lists) => Box::new(packages::Packages::new(lists)),
        Detect::Detectors(ids) => {
            return Err(format!("`{}` is in the catalogue, not in the policy", ids.join(", ")));
        }
    })
}

#[cfg(test)]
mod tests;
