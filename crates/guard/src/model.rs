//! The trained models that are built in, and what their scores mean.

mod embedded;
mod points;

use bartizan_model::attack::{Reading, Speaker, Stretch, Suspicion};
use bartizan_model::plain::{Plain, plain};

pub(crate) use embedded::{ATTACK, CONTENT, NAMES};
pub(crate) use points::{operating_point, rarity, score};

/// Which of the signals of a stretch tells requests for harmful things.
const HARM: usize = 1;

/// A text as the model of attacks reads it, for all detectors that ask the model about it.
#[derive(Debug)]
pub(crate) struct AttackReading {
    plain: Plain<'static>,
    reading: Reading<'static>,
}

impl AttackReading {
    pub(crate) fn of(text: &str) -> Self {
        let plain = plain(text).into_owned();
        let reading = ATTACK.heads.read(&plain.text);
        Self { plain, reading }
    }

    /// The stretch that looks most like an attack.
    pub(crate) fn worst(&self, speaker: Speaker) -> Option<Suspicion> {
        Some(ATTACK.judge.worst(&self.reading, speaker)?.at_source(&self.plain))
    }

    /// The line that looks most like a planted request, if it is rarer than `least`.
    pub(crate) fn planted(&self, least: f32) -> Option<Suspicion> {
        let worst = ATTACK.judge.planted(&self.reading, &self.plain.text, least)?;
        Some(worst.at_source(&self.plain))
    }
}

/// Log odds by which a text asks for something harmful: one head alone, of the first stretch.
pub(crate) fn harm(text: &str) -> f32 {
    let reading = ATTACK.heads.read(&plain(text).text);
    let harm = |stretch: &Stretch| stretch.signals.get(HARM).copied();
    reading.wholes().first().and_then(harm).unwrap_or(f32::MIN)
}
