//! What a guardrail looks for: `detect:` and the keys that go with it.

use std::collections::BTreeMap;

use bartizan_core::catalog::Meta;
use bartizan_core::finding::Category;
use bartizan_core::settings::Detect;

use crate::compile::guardrails::words;
use crate::compile::{Compiler, unsupported};
use crate::error::Problem;
use crate::file::endpoint::{GuardrailFile, TopicsFile};
use crate::located::{Located, Place};
use crate::snippet::quote;
use crate::{pattern, suggest};

/// Forms of `detect:` that bring their own data, each with the key that holds it.
const FORMS: [(&str, &str); 6] = [
    ("keywords", "keywords"),
    ("patterns", "patterns"),
    ("topics", "topics"),
    ("size", "max-bytes"),
    ("links", "hosts"),
    ("packages", "packages"),
];
/// Longest keyword or word of a topic, in bytes.
const WORD_BYTES_MAX: usize = 1024;

/// Names of detectors.
type Names = Located<Vec<Located<String>>>;

impl Compiler<'_, '_> {
    pub(super) fn detect(&mut self, file: &GuardrailFile) -> Option<Detect> {
        let wanted = words(&file.detect);
        let form = wanted.iter().find_map(|(word, place)| {
            FORMS.iter().find(|(form, _)| form == word).map(|(form, key)| (*form, *key, *place))
        });
        self.keys_without_form(file, form.map(|(form, ..)| form));
        let Some((form, key, place)) = form else { return self.detectors(file, &wanted) };
        if wanted.len() > 1 {
            let message = format!("`{form}` cannot stand in a list with others");
            let help = "give it a guardrail of its own";
            self.report(Problem::new(place, message).help(help));
            return None;
        }
        let found = match form {
            "keywords" => file.keywords.as_ref().map(|list| {
                self.words_of("`keywords`", list.place, &list.value).map(Detect::Keywords)
            }),
            "patterns" => file.patterns.as_ref().map(|list| self.patterns(list)),
            "topics" => file.topics.as_ref().map(|topics| self.topics(topics)),
            "links" => file.hosts.as_ref().map(|hosts| self.links(hosts)),
            "packages" => file.packages.as_ref().map(|lists| self.packages(lists)),
            _ => file.max_bytes.as_ref().map(|bytes| self.max_bytes(bytes)),
        };
        if found.is_none() {
            let message = format!("`detect: {form}` needs `{key}:` beside it");
            self.report(Problem::new(place, message).help(format!("add `{key}:`")));
        }
        found?
    }

    /// Reports keys that the chosen form of `detect:` does not read.
    fn keys_without_form(&mut self, file: &GuardrailFile, form: Option<&str>) {
        let given = [
            ("keywords", file.keywords.as_ref().map(|list| list.place)),
            ("patterns", file.patterns.as_ref().map(|list| list.place)),
            ("topics", file.topics.as_ref().map(|topics| topics.place)),
            ("max-bytes", file.max_bytes.as_ref().map(|bytes| bytes.place)),
            ("hosts", file.hosts.as_ref().map(|hosts| hosts.place)),
            ("packages", file.packages.as_ref().map(|lists| lists.place)),
        ];
        for (key, place) in given {
            let Some(place) = place else { continue };
            let Some((needed, _)) = FORMS.iter().find(|(_, owner)| *owner == key) else { continue };
            if form != Some(*needed) {
                let message = format!("`{key}` is read only with `detect: {needed}`");
                let help = format!("write `detect: {needed}`, or remove `{key}`");
                self.report(Problem::new(place, message).help(help));
            }
        }
        for (key, list) in [("entities", &file.entities), ("categories", &file.categories)] {
            if let (Some(list), Some(form)) = (list, form) {
                let message = format!("`{key}` is not read with `detect: {form}`");
                self.report(Problem::new(list.place, message).help(format!("remove `{key}`")));
            }
        }
    }

    /// The detectors that a guardrail keeps of its categories, with the key that says so.
    fn kept<'f>(&mut self, file: &'f GuardrailFile) -> Option<(&'static str, &'f Names)> {
        if let (Some(_), Some(list)) = (&file.entities, &file.categories) {
            let message = "`categories` says what `entities` says already";
            self.report(Problem::new(list.place, message).help("put all names into one of them"));
        }
        let entities = file.entities.as_ref().map(|list| ("entities", list));
        entities.or(file.categories.as_ref().map(|list| ("categories", list)))
    }

    fn detectors(
        &mut self,
        file: &GuardrailFile,
        wanted: &[(&str, Option<Place>)],
    ) -> Option<Detect> {
        if wanted.is_empty() {
            let problem = Problem::new(file.detect.place, "`detect` names nothing to look for");
            self.report(problem.help("write `detect: pii`"));
            return None;
        }
        let kept = self.kept(file);
        let (mut chosen, complete) = self.chosen(wanted, kept.is_some());
        if let Some((key, names)) = kept {
            // With a misspelt category, this would only repeat the problem.
            if !complete {
                return None;
            }
            chosen = self.narrowed(&chosen, key, names)?;
        }
        complete.then_some(Detect::Detectors(chosen))
    }

    /// Detectors of categories and ids, as a guardrail without `entities` has them.
    pub(super) fn detectors_named(
        &mut self,
        wanted: &[(&str, Option<Place>)],
    ) -> Option<Vec<&'static str>> {
        let (chosen, complete) = self.chosen(wanted, false);
        complete.then_some(chosen)
    }

    /// Detectors of categories and ids, and whether each name has some. Of a category, some are looked for only when
    /// they are named, here or by what narrows the list.
    fn chosen(
        &mut self,
        wanted: &[(&str, Option<Place>)],
        is_narrowed: bool,
    ) -> (Vec<&'static str>, bool) {
        let mut named: Vec<&'static Meta> = Vec::new();
        let mut complete = true;
        for (word, place) in wanted {
            let found = self.detectors_called(word, *place);
            complete &= !found.is_empty();
            let asked = |meta: &&Meta| meta.id == *word || is_narrowed;
            let on_request = |meta: &&Meta| self.catalogue.on_request.contains(&meta.id);
            named.extend(found.into_iter().filter(|meta| asked(meta) || !on_request(meta)));
        }
        // The order of the catalogue, each once, however the policy names them.
        let all = self.catalogue.detectors.iter().copied();
        let is_named = |id: &&'static str| named.iter().any(|meta| meta.id == *id);
        (all.map(|meta| meta.id).filter(is_named).collect(), complete)
    }

    /// Detectors of a category, or the one with this id; reports a name that has none.
    fn detectors_called(&mut self, word: &str, place: Option<Place>) -> Vec<&'static Meta> {
        let category = Category::from_name(word);
        let all = self.catalogue.detectors.iter().copied();
        let found: Vec<_> =
            all.filter(|meta| Some(meta.category) == category || meta.id == word).collect();
        if !found.is_empty() {
            return found;
        }
        let problem = match category {
            Some(Category::Keyword) => Problem::new(place, "no detector knows forbidden words")
                .help("write `detect: keywords` with `keywords: […]`, or `detect: patterns`"),
            Some(Category::Topic) => Problem::new(place, "no detector knows allowed topics")
                .help("write `detect: topics` with `topics: { NAME: [words] }`"),
            Some(Category::SupplyChain) => {
                Problem::new(place, "no detector knows packages by itself")
                    .help("write `detect: packages` with `packages: { pypi: file:PATH }`")
            }
            Some(category) => unsupported(place, &format!("detect: {category}")),
            None => {
                let known = self.known_names();
                let help = match suggest::nearest(word, known.iter().copied()) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("known here: {}", suggest::list(known)),
                };
                let message = format!("no detector or category is called {}", quote(word));
                Problem::new(place, message).help(help)
            }
        };
        self.report(problem);
        Vec::new()
    }

    /// Categories with detectors, forms, then ids.
    fn known_names(&self) -> Vec<&'static str> {
        let detectors = self.catalogue.detectors;
        let categories = Category::ALL
            .into_iter()
            .filter(|category| detectors.iter().any(|meta| meta.category == *category))
            .map(Category::name);
        let forms = FORMS.iter().map(|(form, _)| *form);
        categories.chain(forms).chain(detectors.iter().map(|meta| meta.id)).collect()
    }

    fn narrowed(
        &mut self,
        chosen: &[&'static str],
        key: &str,
        entities: &Names,
    ) -> Option<Vec<&'static str>> {
        if entities.value.is_empty() {
            let problem = Problem::new(entities.place, format!("`{key}` leaves no detector"));
            self.report(problem.help("name detectors, or remove the key"));
            return None;
        }
        // `categories` speaks of unsafe content alone; what else a guardrail looks for stays.
        let all = self.catalogue.detectors;
        let is_content = |id: &str| {
            all.iter().any(|meta| meta.id == id && meta.category == Category::UnsafeContent)
        };
        let (narrowed, others): (Vec<_>, Vec<_>) =
            chosen.iter().copied().partition(|id| key == "entities" || is_content(id));
        let mut complete = true;
        for entity in &entities.value {
            if narrowed.contains(&entity.value.as_str()) {
                continue;
            }
            complete = false;
            let help = match suggest::nearest(&entity.value, narrowed.iter().copied()) {
                Some(id) => format!("did you mean `{id}`?"),
                None => format!("`detect` gives {}", suggest::list(narrowed.iter().copied())),
            };
            let message =
                format!("{} is no detector that `detect` names here", quote(&entity.value));
            self.report(Problem::new(entity.place, message).help(help));
        }
        let wanted = |id: &&str| entities.value.iter().any(|entity| entity.value == *id);
        let keeps = |id: &&str| others.contains(id) || wanted(id);
        complete.then(|| chosen.iter().copied().filter(keeps).collect())
    }

    fn words_of(
        &mut self,
        what: &str,
        place: Option<Place>,
        list: &[Located<String>],
    ) -> Option<Vec<String>> {
        if list.is_empty() {
            let message = format!("{what} lists no word");
            self.report(Problem::new(place, message).help("add words, or remove the guardrail"));
            return None;
        }
        let mut complete = true;
        for word in list {
            if word.value.trim().is_empty() || word.value.len() > WORD_BYTES_MAX {
                complete = false;
                let message = format!("{} cannot be looked for", quote(&word.value));
                let help = "write a word or phrase of 1 to 1024 bytes";
                self.report(Problem::new(word.place, message).help(help));
            }
        }
        complete.then(|| list.iter().map(|word| word.value.clone()).collect())
    }

    fn patterns(&mut self, list: &Located<Vec<Located<String>>>) -> Option<Detect> {
        if list.value.is_empty() {
            let problem = Problem::new(list.place, "`patterns` lists no pattern");
            self.report(problem.help("add patterns, or remove the guardrail"));
            return None;
        }
        let mut complete = true;
        for given in &list.value {
            if let Err(refusal) = pattern::check(&given.value) {
                complete = false;
                self.report(Problem::new(given.place, refusal.message).help(refusal.help));
            }
        }
        let patterns = || list.value.iter().map(|given| given.value.clone()).collect();
        complete.then(|| Detect::Patterns(patterns()))
    }

    fn topics(&mut self, given: &Located<TopicsFile>) -> Option<Detect> {
        if given.value.is_empty() {
            let problem = Problem::new(given.place, "`topics` allows no topic");
            self.report(problem.help("write `topics: { billing: [invoice, refund] }`"));
            return None;
        }
        let mut topics = BTreeMap::new();
        for (name, list) in &given.value {
            let what = format!("the topic {}", quote(&name.value));
            if let Some(list) = self.words_of(&what, name.place, list) {
                topics.insert(name.value.clone(), list);
            }
        }
        (topics.len() == given.value.len()).then_some(Detect::Topics(topics))
    }

    fn max_bytes(&mut self, given: &Located<u64>) -> Option<Detect> {
        if given.value == 0 {
            let problem = Problem::new(given.place, "`max-bytes` is 0, which no text can keep");
            self.report(problem.help("write a number of bytes, such as `max-bytes: 65536`"));
            return None;
        }
        Some(Detect::Size { max_bytes: usize::try_from(given.value).unwrap_or(usize::MAX) })
    }
}
