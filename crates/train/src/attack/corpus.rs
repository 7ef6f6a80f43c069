//! What the model of attacks learns from.

use bartizan_model::plain::plain;
use bartizan_model::senses::{Lexicon, features};

use crate::grammar;
use crate::linear::Features;
use crate::persuasion::Frames;
use crate::random::Random;
use crate::rows::Row;

use super::FOLDS;
use super::pages::{self, Line, Page};

/// Most texts of one collection in the pool that thresholds are set by.
const POOL_MOST: usize = 1200;
/// The same of harmless texts that are there because they look like attacks: people write them, but
/// seldom, and a pool of nothing else would set thresholds that hardly any attack reaches.
const HARD_MOST: usize = 200;

/// Size of the table of n-grams, as a power of two.
pub(super) const TABLE_BITS: u32 = 19;
/// Size of the table of senses, as a power of two.
pub(super) const SENSE_BITS: u32 = 15;
/// Bytes of a text that the heads learn from.
const LEARNED_BYTES: usize = 2500;

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// An attack that says so: override, extraction, persona, jailbreak.
    Attack,
    /// A harmful request in a frame of fiction, expertise or need.
    Framed,
    /// A harmless request in such a frame.
    FramedHarmless,
    /// A plain harmful request.
    Harmful,
    /// Anything harmless.
    Benign,
    /// A role or a system prompt: harmless where it belongs, and close to a persona.
    Role,
    /// A request with an optimised suffix; never learned from, only measured.
    Suffix,
}

impl Class {
    /// Whether it must be found.
    pub const fn is_attack(self) -> bool {
        matches!(self, Self::Attack | Self::Framed | Self::Suffix)
    }
}

/// Where a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// People, or a model, wrote it for some use.
    Real,
    /// Written by hand for training.
    Written,
    /// Made from templates.
    Generated,
    /// Made by a grammar of phrases.
    Grammar,
    /// Made by frames around requests.
    Frame,
}

/// One text.
#[derive(Debug)]
pub struct Item {
    /// The text, in even spelling.
    pub text: String,
    /// What it is.
    pub class: Class,
    /// Where it comes from.
    pub origin: Origin,
    /// Language.
    pub lang: String,
    /// Name under which it is counted.
    pub report: String,
    /// Collection, for the pool.
    pub pool_group: String,
    /// Whether it belongs to the pool that thresholds are set by.
    pub in_pool: bool,
    /// Most texts of its collection in the pool.
    pub pool_most: usize,
    /// Whether it is something that a model reads, and no prompt.
    pub is_document: bool,
    /// Part of the collections that it belongs to.
    pub fold: usize,
    pub(super) features: Features,
    /// Senses alone.
    pub(super) senses: Features,
}

impl Item {
    /// Whether it was given, and not made by a generator.
    pub const fn is_from_rows(&self) -> bool {
        !matches!(self.origin, Origin::Grammar | Origin::Frame)
    }

    /// Whether the judge must find it, and how much it counts there.
    pub(super) const fn weight_in_judge(&self) -> Option<(bool, f32)> {
        match (self.class, self.origin) {
            (Class::Attack, Origin::Real | Origin::Written) => Some((true, 4.0)),
            (Class::Framed, Origin::Written) => Some((true, 2.0)),
            (Class::Attack | Class::Framed, _) => Some((true, 1.0)),
            (Class::Benign | Class::FramedHarmless, Origin::Written) => Some((false, 2.0)),
            (Class::Benign | Class::FramedHarmless, _) => Some((false, 1.0)),
            (Class::Role, _) => Some((false, 0.5)),
            (Class::Harmful | Class::Suffix, _) => None,
        }
    }
}

/// Texts to learn from.
#[derive(Debug)]
pub struct Corpus {
    /// The texts, in a fixed order.
    pub items: Vec<Item>,
    /// Rows of labels or kinds that nothing is learned from.
    pub left_out: usize,
    /// Documents with and without planted requests.
    pub pages: Vec<Page>,
    pub(super) lines: Vec<Line>,
}

impl Corpus {
    /// Gathers rows and what generators make of them.
    ///
    /// # Errors
    /// When a file of phrases is not well formed.
    pub fn gather(rows: &[Row], seed: u64) -> Result<Self, serde_saphyr::Error> {
        let mut random = Random::new(seed);
        let harmful = rows.iter().filter(|row| {
            row.label == "harmful_request"
                && matches!(row.kind.as_str(), "direct" | "rephrased")
                && row.text.len() < 160
        });
        let harmless = rows.iter().filter(|row| {
            row.label == "benign"
                && matches!(row.kind.as_str(), "user_prompt" | "hard_negative")
                && row.lang == "en"
                && (20..140).contains(&row.text.len())
                && !row.text.contains('\n')
        });
        let frames = Frames::new(
            harmful.map(|row| row.text.as_str()),
            harmless.step_by(9).map(|row| row.text.as_str()),
        )?;
        let (mut items, mut left_out) = (Vec::new(), 0);
        for row in rows {
            let before = items.len();
            let times = if row.text.contains(SLOT) && row.kind == "framing" { 2 } else { 1 };
            for _ in 0..times {
                let text = row.text.replace(SLOT, frames.harmful(&mut random));
                items.extend(item(row, &text));
            }
            left_out += usize::from(items.len() == before && row.inserted.is_empty());
        }
        for made in grammar::make(150, &mut random)? {
            let class = if made.attack { Class::Attack } else { Class::Benign };
            let report = format!("grammar {}", made.lang);
            items.push(new(&made.text, class, Origin::Grammar, made.lang, report, made.lang));
        }
        for index in 0..6000 {
            let is_harmful = index % 5 < 3;
            let text = frames.make(is_harmful, &mut random);
            let class = if is_harmful { Class::Framed } else { Class::FramedHarmless };
            items.push(new(&text, class, Origin::Frame, "en", "frames".to_owned(), &text));
        }
        Ok(Self { items, left_out, pages: pages::gather(rows, seed)?, lines: Vec::new() })
    }

    /// Reads the senses of all texts, which the heads learn from besides n-grams.
    #[must_use]
    pub fn with_senses(mut self, lexicon: &Lexicon) -> Self {
        self.lines = pages::lines(&self.pages, lexicon, 1);
        for item in &mut self.items {
            let learned = item.text.get(..item.text.floor_char_boundary(LEARNED_BYTES));
            let mut hashes = Vec::new();
            features(&lexicon.senses(learned.unwrap_or_default()), |hash| hashes.push(hash));
            let own = std::mem::take(&mut item.features);
            item.features = own.with_senses(&hashes, TABLE_BITS, SENSE_BITS);
            item.senses = Features::from_rows(hashes, SENSE_BITS);
        }
        self
    }
}

/// Place of a harmful request in a written frame.
const SLOT: &str = "{harm}";
/// Source of rows written by hand for training.
const WRITTEN: &str = "written";

fn item(row: &Row, text: &str) -> Option<Item> {
    let kind = row.kind_group();
    let class = match (row.label.as_str(), kind) {
        ("attack", "framing") => Class::Framed,
        ("jailbreak", "adversarial_suffix") => Class::Suffix,
        // Disguises are undone before a model reads; what is planted in documents is no prompt.
        ("injection" | "jailbreak" | "attack", "obfuscated" | "indirect_probe" | "document")
        | ("harmful_request", "weak") => return None,
        ("injection" | "jailbreak" | "attack", _) => Class::Attack,
        ("harmful_request", _) => Class::Harmful,
        ("benign", "role_prompt" | "system_prompt") => Class::Role,
        ("benign", "framing") => Class::FramedHarmless,
        ("benign", _) => Class::Benign,
        _ => return None,
    };
    let origin = match row.group() {
        WRITTEN => Origin::Written,
        "synthetic" => Origin::Generated,
        _ => Origin::Real,
    };
    let in_pool = class == Class::Benign
        && !matches!(kind, "content_negative" | "encoded" | "document_written");
    let words: Vec<&str> = row.text.split_whitespace().take(3).collect();
    let group = match origin {
        // What begins alike was made or written alike.
        Origin::Written | Origin::Generated => words.join(" ").to_lowercase(),
        _ if class == Class::Attack => row.source.clone(),
        _ => row.group().to_owned(),
    };
    let report = match origin {
        Origin::Written => format!("{class:?} written {} {}", row.source, row.lang),
        _ if class.is_attack() => format!("{class:?} {}", row.source),
        _ => format!("{class:?} {} {kind}", row.group()),
    };
    let mut item = new(text, class, origin, &row.lang, report, &group);
    item.in_pool = in_pool || class == Class::FramedHarmless;
    item.pool_group = match origin {
        Origin::Written => format!("{} {kind}", row.source),
        _ => format!("{} {kind}", row.group()),
    };
    if matches!(kind, "hard_negative" | "framing") {
        item.pool_most = HARD_MOST;
    }
    item.is_document = matches!(
        kind,
        "document"
            | "code"
            | "model_output"
            | "dialogue"
            | "document_task"
            | "security_doc"
            | "ui_text"
    );
    Some(item)
}

fn new(text: &str, class: Class, origin: Origin, lang: &str, report: String, group: &str) -> Item {
    let text = plain(text).text.into_owned();
    let learned = text.get(..text.floor_char_boundary(LEARNED_BYTES)).unwrap_or(&text);
    let features = Features::new(learned, TABLE_BITS);
    Item {
        class,
        origin,
        lang: lang.to_owned(),
        report,
        pool_group: String::new(),
        in_pool: false,
        pool_most: POOL_MOST,
        is_document: false,
        fold: fold(group),
        features,
        senses: Features::default(),
        text,
    }
}

/// The part that a group is dealt into.
pub(super) fn fold(group: &str) -> usize {
    let hash = group.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    (hash >> 20) as usize % FOLDS
}
