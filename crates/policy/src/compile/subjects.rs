//! People, programs and groups.

use std::collections::BTreeSet;

use bartizan_core::id::Name;
use bartizan_core::principal::parse_qualified;
use bartizan_core::settings::{Member, Subject};

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::PolicyFile;
use crate::file::scalar::{PrincipalText, SubjectText};
use crate::located::{Located, Place};
use crate::snippet::quote;
use crate::suggest;

impl Compiler<'_, '_> {
    /// `alice@example.com` or `sp:support-bot`.
    pub(super) fn member(&mut self, given: &Located<PrincipalText>) -> Option<Member> {
        self.principal(&given.value.0, given.place)
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
        let groups = || file.groups.keys().map(|key| key.value.as_str());
        if groups().any(|group| group == name) {
            // A wrong name of a group is reported where the group stands.
            return name.parse().ok();
        }
        let help = match suggest::nearest(name, groups()) {
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
            self.principal(text, given.place).map(Subject::Principal)
        } else {
            self.group(file, text, given.place).map(Subject::Group)
        }
    }

    fn principal(&mut self, text: &str, place: Option<Place>) -> Option<Member> {
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
