//! What the model of unsafe content learns from.

use std::collections::BTreeMap;

use bartizan_model::content::lexicons::Lexicons;
use bartizan_model::content::sentences::sentences;
use bartizan_model::content::{HEADS, category};
use bartizan_model::senses::features;

use super::FOLDS;
use crate::linear::Features;
use crate::rows::Row;

/// Size of the table of n-grams, as a power of two.
pub(super) const TABLE_BITS: u32 = 18;
/// Size of the table of senses, as a power of two.
pub(super) const SENSE_BITS: u32 = 16;
/// Bytes of a text that the heads learn from.
const LEARNED_BYTES: usize = 1500;
/// How much an unsafe text that was written for this counts.
const UNSAFE: f32 = 24.0;
/// The same in other languages than English: nearly all that is known of them is harmless, and what few
/// texts are not would be outweighed.
const UNSAFE_ELSEWHERE: f32 = 72.0;
/// How much a harmless text counts that shares its words with those of a category.
const BORDER: f32 = 3.0;
/// The same for the head of that category.
const OWN_BORDER: f32 = 6.0;
/// Most texts of one collection in the pool that thresholds are set by.
const POOL_MOST: usize = 1200;

/// Names of the heads, in their order.
pub const NAMES: [&str; HEADS] =
    ["hate", "harassment", "violence", "sexual", "self-harm", "dangerous", "profanity"];

/// What a head learns of a text: whether it must be found, and how much that counts.
pub(super) type Lesson = Option<(bool, f32)>;

/// One text.
#[derive(Debug)]
pub struct Item {
    /// The text.
    pub text: String,
    /// Name under which it is counted.
    pub report: String,
    /// Whether it belongs to the pool that thresholds are set by.
    pub in_pool: bool,
    /// Part of the collections that it belongs to.
    pub fold: usize,
    /// What each head learns of it.
    pub(super) lessons: [Lesson; HEADS],
    pub(super) features: Features,
}

/// Texts to learn from.
#[derive(Debug)]
pub struct Corpus {
    /// The texts, in the order of the rows.
    pub items: Vec<Item>,
}

impl Item {
    /// Heads that must find it.
    pub fn positive_heads(&self) -> impl Iterator<Item = usize> {
        let found = |(_, lesson): &(usize, &Lesson)| lesson.is_some_and(|(positive, _)| positive);
        self.lessons.iter().enumerate().filter(found).map(|(head, _)| head)
    }

    /// Whether no head must find it.
    pub fn is_harmless(&self) -> bool {
        self.positive_heads().next().is_none()
    }
}

impl Corpus {
    /// Gathers what rows say about unsafe content.
    pub fn gather(rows: &[Row], lexicons: &Lexicons) -> Self {
        let mut taken: BTreeMap<String, usize> = BTreeMap::new();
        let items = rows.iter().filter_map(|row| item(row, lexicons, &mut taken)).collect();
        Self { items }
    }
}

fn item(row: &Row, lexicons: &Lexicons, taken: &mut BTreeMap<String, usize>) -> Option<Item> {
    let lessons = lessons(row)?;
    let harmless = row.label == "benign";
    let written = row.group() == "written";
    let group = format!("{} {}", if written { row.source.as_str() } else { row.group() }, row.kind);
    let in_pool = harmless
        && !matches!(row.kind.as_str(), "content_negative" | "role_prompt" | "system_prompt")
        && {
            let of_group = taken.entry(group.clone()).or_default();
            *of_group += 1;
            *of_group <= POOL_MOST
        };
    // What begins alike was written alike.
    let words: Vec<&str> = row.text.split_whitespace().take(3).collect();
    let from = if harmless && !written || row.label == "harmful_request" {
        row.source.clone()
    } else {
        words.join(" ").to_lowercase()
    };
    Some(Item {
        report: format!("{} {group}", row.label),
        in_pool,
        fold: fold(&from),
        lessons,
        features: seen(&row.text, lexicons),
        text: row.text.clone(),
    })
}

/// What is seen of a text, sentence by sentence, as the model will see it.
fn seen(text: &str, lexicons: &Lexicons) -> Features {
    let text = text.get(..text.floor_char_boundary(LEARNED_BYTES)).unwrap_or_default();
    let mut all = Features::default();
    for (start, end) in sentences(text, true, |at| at).closed {
        let even = lexicons.even(text.get(start..end).unwrap_or_default());
        let mut hashes = Vec::new();
        features(&lexicons.senses(&even), |hash| hashes.push(hash));
        let own = Features::new(&even, TABLE_BITS);
        all.append(own.with_senses(&hashes, TABLE_BITS, SENSE_BITS));
    }
    all
}

/// What each head learns of a row; `None` for rows that none learns from.
fn lessons(row: &Row) -> Option<[Lesson; HEADS]> {
    use category::{DANGEROUS, HARASSMENT, HATE, PROFANITY, SELF_HARM, SEXUAL, VIOLENCE};
    // Texts of one category often belong to others that nobody looked for.
    let only = |found: &[(usize, f32)], clean: &[usize]| {
        let mut lessons = [None; HEADS];
        for head in clean {
            if let Some(lesson) = lessons.get_mut(*head) {
                *lesson = Some((false, 0.5));
            }
        }
        for (head, weight) in found {
            if let Some(lesson) = lessons.get_mut(*head) {
                *lesson = Some((true, *weight));
            }
        }
        Some(lessons)
    };
    match (row.label.as_str(), row.kind.as_str()) {
        ("benign", "role_prompt" | "system_prompt") => Some([Some((false, 0.5)); HEADS]),
        ("benign", _) => {
            let weight = match row.kind.as_str() {
                "content_negative" => 3.0,
                kind if NAMES.contains(&kind) => BORDER,
                _ if row.group() == "written" => 1.5,
                _ => 1.0,
            };
            let mut lessons = [Some((false, weight)); HEADS];
            let own = NAMES.iter().position(|name| *name == row.kind);
            if let Some(lesson) = own.and_then(|head| lessons.get_mut(head)) {
                *lesson = Some((false, OWN_BORDER));
            }
            Some(lessons)
        }
        ("toxic", "hate" | "rtp:identity_attack") => only(&[(HATE, 4.0)], &[SELF_HARM]),
        ("toxic", "offensive") => only(&[(PROFANITY, 0.7)], &[SELF_HARM, DANGEROUS, HATE]),
        ("toxic", "toxic" | "rtp:insult") => only(&[(HARASSMENT, 4.0)], &[SELF_HARM, DANGEROUS]),
        ("toxic", "rtp:threat") => only(&[(VIOLENCE, 16.0)], &[]),
        ("toxic", "rtp:profanity") => only(&[(PROFANITY, 4.0)], &[SELF_HARM, DANGEROUS]),
        ("toxic", "rtp:severe_toxicity") => {
            only(&[(PROFANITY, 3.0), (HARASSMENT, 3.0)], &[SELF_HARM, DANGEROUS])
        }
        ("toxic", "rtp:sexually_explicit") => only(&[(SEXUAL, 16.0)], &[SELF_HARM, DANGEROUS]),
        ("toxic", "rtp:flirtation") => only(&[(SEXUAL, 2.0)], &[SELF_HARM, DANGEROUS, HATE]),
        ("harmful_request", "direct" | "rephrased") => only(&[(DANGEROUS, 3.0)], &[]),
        ("harmful_request", "latent") => only(&[(HATE, 1.0)], &[SELF_HARM]),
        ("unsafe", kind) => {
            let head = NAMES.iter().position(|name| *name == kind)?;
            let clean = if head == PROFANITY { [SELF_HARM, DANGEROUS, HATE] } else { [head; 3] };
            let english = matches!(row.lang.as_str(), "" | "en");
            let weight = if english { UNSAFE } else { UNSAFE_ELSEWHERE };
            only(&[(head, weight)], &clean)
        }
        _ => None,
    }
}

/// The part that a group is dealt into.
fn fold(group: &str) -> usize {
    let hash = group.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    (hash >> 20) as usize % FOLDS
}
