//! The trained models that are built in, and what their scores mean.

mod embedded;
mod points;

use std::sync::LazyLock;

use bartizan_model::attack::{Reading, Speaker, Stretch, Suspicion};
use bartizan_model::plain::{Plain, plain};
use bartizan_model::senses::{Sense, is_foreign};

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

/// What words mean that are about harm, in the lexicon; told by one of them.
static HARM_SENSE: LazyLock<Option<u8>> = LazyLock::new(|| sense_of("bomb"));

/// What words mean that ask for a way or to be told; told by one of each.
static ASKING_SENSES: LazyLock<[Option<u8>; 2]> =
    LazyLock::new(|| ["tutorial", "explain"].map(sense_of));

fn sense_of(word: &str) -> Option<u8> {
    ATTACK.heads.lexicon.senses(word).first().map(|sense| sense.sense)
}

/// How many of some texts ask for something and name weapons, crimes and the like, where they are in a language that the
/// heads know less of than English; none otherwise.
pub(crate) fn foreign_harm<'t>(texts: impl IntoIterator<Item = &'t str>) -> usize {
    let mut asking = 0;
    let mut all: Vec<Sense> = Vec::new();
    let mut joined = String::new();
    for text in texts {
        let plain = plain(text);
        let senses = ATTACK.heads.lexicon.senses(&plain.text);
        let has = |wanted: &Option<u8>| senses.iter().any(|sense| Some(sense.sense) == *wanted);
        asking += usize::from(has(&HARM_SENSE) && ASKING_SENSES.iter().any(has));
        all.extend(senses);
        joined.push_str(&plain.text);
    }
    if is_foreign(&joined, &all) { asking } else { 0 }
}

/// Log odds by which a text asks for something harmful: one head alone, of the first stretch.
pub(crate) fn harm(text: &str) -> f32 {
    let reading = ATTACK.heads.read(&plain(text).text);
    let harm = |stretch: &Stretch| stretch.signals.get(HARM).copied();
    reading.wholes().first().and_then(harm).unwrap_or(f32::MIN)
}
