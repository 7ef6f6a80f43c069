//! Tags: what use is put down to.

use std::collections::BTreeMap;

use bartizan_core::tags::{MAX_TAGS, TagName, Tags};

use crate::compile::Compiler;
use crate::error::Problem;
use crate::located::{Located, Place};
use crate::snippet::quote;

/// Tags as the file has them, by name.
pub(crate) type TagsFile = BTreeMap<Located<String>, Located<String>>;

impl Compiler<'_, '_> {
    /// Tags with their values.
    pub(super) fn tags(&mut self, given: &TagsFile) -> Tags {
        self.not_too_many(given);
        let mut tags = Tags::default();
        for (name, value) in given.iter().take(MAX_TAGS) {
            let Some(name) = self.tag_name(&name.value, name.place.or(value.place)) else {
                continue;
            };
            if let Err(error) = tags.add(name, &value.value) {
                let message = format!("{} cannot be the value of a tag", quote(&value.value));
                self.report(Problem::new(value.place, message).help(error.to_string()));
            }
        }
        tags
    }

    /// Tags whose values are in claims.
    pub(super) fn claimed_tags(&mut self, given: &TagsFile) -> BTreeMap<TagName, String> {
        self.not_too_many(given);
        let mut tags = BTreeMap::new();
        for (name, claim) in given.iter().take(MAX_TAGS) {
            let name = self.tag_name(&name.value, name.place.or(claim.place));
            if let (Some(name), Some(claim)) = (name, self.claim(claim)) {
                tags.insert(name, claim);
            }
        }
        tags
    }

    pub(super) fn tag_name(&mut self, text: &str, place: Option<Place>) -> Option<TagName> {
        match text.parse::<TagName>() {
            Ok(name) => Some(name),
            Err(error) => {
                let message = format!("{} cannot be the name of a tag", quote(text));
                self.report(Problem::new(place, message).help(error.to_string()));
                None
            }
        }
    }

    fn not_too_many(&mut self, given: &TagsFile) {
        if let Some((name, value)) = given.iter().nth(MAX_TAGS) {
            let message = format!("there are more than {MAX_TAGS} tags");
            let place = name.place.or(value.place);
            self.report(Problem::new(place, message).help("remove some"));
        }
    }
}
