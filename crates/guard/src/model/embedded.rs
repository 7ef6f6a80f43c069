//! The models that are built in.

use std::sync::LazyLock;

use bartizan_model::attack::{self, AttackModel};
use bartizan_model::content::{self, ContentModel};
use bartizan_model::tagger::{self, Tagger};

/// The model of attacks that this build ships.
#[expect(
    clippy::expect_used,
    reason = "the file is part of the program, and a test reads it: nothing outside can damage it"
)]
pub(crate) static ATTACK: LazyLock<AttackModel> = LazyLock::new(|| {
    attack::decode(include_bytes!("../../models/attack.bin")).expect("the built-in model is whole")
});

/// The model of unsafe content that this build ships.
#[expect(
    clippy::expect_used,
    reason = "the file is part of the program, and a test reads it: nothing outside can damage it"
)]
pub(crate) static CONTENT: LazyLock<ContentModel> = LazyLock::new(|| {
    content::decode(include_bytes!("../../models/content.bin"))
        .expect("the built-in model is whole")
});

/// The tagger of names that this build ships.
#[expect(
    clippy::expect_used,
    reason = "the file is part of the program, and a test reads it: nothing outside can damage it"
)]
pub(crate) static NAMES: LazyLock<Tagger> = LazyLock::new(|| {
    tagger::file::decode(include_bytes!("../../models/names.bin"))
        .expect("the built-in tagger is whole")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_models_are_whole_and_small() {
        assert!(include_bytes!("../../models/attack.bin").len() <= 4 << 20);
        assert!(include_bytes!("../../models/content.bin").len() <= 4 << 20);
        assert!(ATTACK.noise("hello", 0.0).is_none());
        assert!(CONTENT.highest("").iter().all(|score| *score < 0.0));
    }
}
