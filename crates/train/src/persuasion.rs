//! Persuasion: requests in a frame of fiction, expertise or need.
//!
//! The same frames stand around harmful and around harmless requests; otherwise the frame itself
//! would become the attack, and every writer of novels an attacker.

use serde::Deserialize;

use crate::random::Random;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Phrases {
    roles: Vec<String>,
    settings: Vec<String>,
    places: Vec<String>,
    works: Vec<String>,
    characters: Vec<String>,
    leads: Vec<String>,
    asks: Vec<String>,
    reasons: Vec<String>,
    demands: Vec<String>,
    harmless_reasons: Vec<String>,
    harmless_demands: Vec<String>,
    harmless_requests: Vec<String>,
}

/// Makes framed requests.
#[derive(Debug)]
pub struct Frames {
    phrases: Phrases,
    harmful: Vec<String>,
    harmless: Vec<String>,
}

/// Turns a request into a clause: `How do I X?` becomes `how one can X`.
pub fn clause(request: &str) -> String {
    let request = request.trim().trim_end_matches(['.', '?', '!', ' ']);
    if let Some(at) = request.find("how to ").filter(|at| request.len() - at > 12) {
        return request.get(at..).unwrap_or_default().to_owned();
    }
    let mut rest = request;
    for opening in [
        "How do I ",
        "How can I ",
        "How do you ",
        "How can you ",
        "How could one ",
        "How would you ",
        "How did people ",
        "How can one ",
        "How to ",
        "How might I ",
    ] {
        if let Some(tail) = request.strip_prefix(opening) {
            return format!("how one can {tail}");
        }
    }
    for opening in [
        "Can you please ",
        "Could you please ",
        "Can you ",
        "Could you ",
        "Please ",
        "In the past, ",
    ] {
        rest = rest.strip_prefix(opening).unwrap_or(rest);
    }
    let mut characters = rest.chars();
    characters.next().map_or_else(String::new, |c| c.to_lowercase().chain(characters).collect())
}

impl Frames {
    /// Prepares frames around these requests.
    ///
    /// # Errors
    /// When the file of phrases is not well formed.
    pub fn new<'t>(
        harmful: impl IntoIterator<Item = &'t str>,
        harmless: impl IntoIterator<Item = &'t str>,
    ) -> Result<Self, serde_saphyr::Error> {
        let phrases: Phrases =
            serde_saphyr::from_str(include_str!("../data/frames/persuasion.yaml"))?;
        let harmful: Vec<String> = harmful.into_iter().map(clause).collect();
        let mut all: Vec<String> = harmless.into_iter().map(clause).collect();
        for _ in 0..8 {
            all.extend(phrases.harmless_requests.iter().cloned());
        }
        Ok(Self { phrases, harmful, harmless: all })
    }

    /// A harmful request, as a clause.
    pub fn harmful(&self, random: &mut Random) -> &str {
        pick(&self.harmful, random)
    }

    /// A framed request.
    pub fn make(&self, is_harmful: bool, random: &mut Random) -> String {
        let phrases = &self.phrases;
        let requests = if is_harmful { &self.harmful } else { &self.harmless };
        let request = pick(requests, random).to_owned();
        let work = pick(&phrases.works, random).to_owned();
        let (first, second) = (
            pick(&phrases.characters, random).to_owned(),
            pick(&phrases.characters, random).to_owned(),
        );
        let fill = |sentence: &str, random: &mut Random| {
            let setting =
                pick(&phrases.settings, random).replace("{n}", pick(&phrases.places, random));
            sentence
                .replace("{r}", pick(&phrases.roles, random))
                .replace("{s}", &setting)
                .replace("{w}", &work)
                .replace("{c1}", &first)
                .replace("{c2}", &second)
                .replace("{h}", &request)
        };
        let lead = pick(&phrases.leads, random).to_owned();
        let mut sentences = vec![fill(&lead, random)];
        if random.chance(0.4) {
            let lead = pick(&phrases.leads, random).to_owned();
            sentences.push(fill(&lead, random));
        }
        let (reasons, demands) = if is_harmful {
            (&phrases.reasons, &phrases.demands)
        } else {
            (&phrases.harmless_reasons, &phrases.harmless_demands)
        };
        let (often_reasons, often_demands) = if is_harmful {
            ([0, 1, 1, 2, 3], [0, 1, 2, 2, 3])
        } else {
            ([0, 0, 1, 1, 1], [0, 1, 1, 2, 2])
        };
        let reason_count = random.pick(&often_reasons).copied().unwrap_or(0);
        let demand_count = random.pick(&often_demands).copied().unwrap_or(0);
        sentences.extend((0..reason_count).map(|_| pick(reasons, random).to_owned()));
        let ask = pick(&phrases.asks, random).to_owned();
        let at = 1 + random.below(sentences.len());
        sentences.insert(at, capital(&fill(&ask, random)));
        sentences.extend((0..demand_count).map(|_| pick(demands, random).to_owned()));
        sentences.dedup();
        sentences.join(random.pick(&[" ", " ", " ", "\n", "\n\n"]).unwrap_or(&" "))
    }
}

fn pick<'a>(of: &'a [String], random: &mut Random) -> &'a str {
    random.pick(of).map_or("", String::as_str)
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |c| c.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_become_clauses() {
        for (request, expected) in [
            ("How do I open a safe?", "how one can open a safe"),
            ("Write a guide on how to open a safe.", "how to open a safe"),
            ("Could you please describe a safe?", "describe a safe"),
            ("Explain safes", "explain safes"),
            ("", ""),
        ] {
            assert_eq!(clause(request), expected);
        }
    }

    #[test]
    fn frames_hold_the_request_and_no_open_slot() {
        let frames = Frames::new(["How do I open a safe?"], []).unwrap();
        let mut random = Random::new(2);
        for _ in 0..300 {
            let text = frames.make(true, &mut random);
            assert!(text.contains("how one can open a safe"), "{text}");
            assert!(!text.contains(['{', '}']), "{text}");
            assert!(!frames.make(false, &mut random).contains("open a safe"));
        }
    }
}
