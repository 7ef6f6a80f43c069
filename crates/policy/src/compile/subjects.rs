//! People, programs and groups.

use std::collections::BTreeSet;

use bartizan_core::id::Name;
use bartizan_core::limits::MEMBER_LIST_BYTES;
use bartizan_core::principal::parse_qualified;
use bartizan_core::settings::{Member, Subject};
use sha2::{Digest as _, Sha256};

use crate::compile::Compiler;
use crate::compile::lists::lines;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::scalar::SubjectText;
use crate::located::{Located, Place};
use crate::snippet::quote;
use crate::suggest;

impl Compiler<'_, '_> {
    /// Members of a group that stand in a file, one on each line.
    pub(super) fn members_of_file(&mut self, path: &str, place: Option<Place>) -> Vec<Member> {
        let help =
            "write `alice@example.com` or `sp:support-bot`, one per line; `#` begins a comment";
        let words = ("person and no program", help);
        let fits = |name: &str| parse_qualified(name).is_ok();
        let text = self.list_file(path, place, MEMBER_LIST_BYTES, words, fits);
        let text = text.as_deref().unwrap_or_default();
        self.lists.push(Sha256::digest(text).into());
        lines(text)
            .filter_map(|name| parse_qualified(name).ok())
            .map(|(kind, name)| Member { kind, name: name.to_owned() })
            .collect()
    }

    /// A list of groups and principals.
    pub(super) fn subjects(
        &mut self,
        file: &PolicyFile,
        given: &[Located<SubjectText>],
    ) -> BTreeSet<Subject> {
        given.iter().filter_map(|subject| self.subject(file, subject)).collect()
    }

    /// A group that exists.
    pub(super) fn group(
        &mut self,
        file: &PolicyFile,
        name: &str,
        place: Option<Place>,
    ) -> Option<Name> {
        // Not by going through them: ten thousand rules may each name one of ten thousand groups.
        if file.groups.contains_key(&Located::key(name)) {
            // A wrong name of a group is reported where the group stands.
            return name.parse().ok();
        }
        let groups = file.groups.keys().map(|key| key.value.as_str());
        let help = match suggest::nearest(name, groups) {
            Some(group) => format!("did you mean `{group}`?"),
            None => "add it to `groups:`; a person is written with `@`, a program as `sp:NAME`"
                .to_owned(),
        };
        let message = format!("no group is named {}", quote(name));
        self.report(Problem::new(place, message).help(help));
        None
    }

    /// A bare word is a group, so that a misspelt group is never taken for a person.
    fn subject(&mut self, file: &PolicyFile, given: &Located<SubjectText>) -> Option<Subject> {
        let text = given.value.0.as_str();
        if text.starts_with("sp:") || text.contains('@') {
            self.member(text, given.place).map(Subject::Principal)
        } else {
            self.group(file, text, given.place).map(Subject::Group)
        }
    }

    /// `alice@example.com` or `sp:support-bot`.
    pub(super) fn member(&mut self, text: &str, place: Option<Place>) -> Option<Member> {
        match parse_qualified(text) {
            Ok((kind, name)) => Some(Member { kind, name: name.to_owned() }),
            Err(why) => {
                let message = format!("{} is neither a person nor a program: {why}", quote(text));
                let help = "write `alice@example.com` for a person, `sp:support-bot` for a program";
                self.report(Problem::new(place, message).help(help));
                None
            }
        }
    }
}
