//! Witnesses of the event log, and logs that are witnessed: ids, addresses, keys.

use std::collections::BTreeSet;

use bartizan_core::id::RuleId;
use bartizan_core::settings::Witness;

use crate::compile::Compiler;
use crate::compile::urls::PlainHttp;
use crate::error::Problem;
use crate::file::ledger::WitnessFile;
use crate::located::Located;
use crate::snippet::quote;

/// Most witnesses, and most logs that are witnessed.
const MEMBERS: usize = 64;

impl Compiler<'_, '_> {
    pub(super) fn witnesses(&mut self, file: &[Located<WitnessFile>]) -> Vec<Witness> {
        let (mut ids, mut keys) = (BTreeSet::new(), BTreeSet::new());
        self.count("witnesses", file);
        file.iter()
            .filter_map(|witness| self.witness(&witness.value, &mut ids, &mut keys))
            .collect()
    }

    fn witness(
        &mut self,
        file: &WitnessFile,
        ids: &mut BTreeSet<RuleId>,
        keys: &mut BTreeSet<String>,
    ) -> Option<Witness> {
        let id = self.witness_id(file, ids);
        // A checkpoint holds no secret, and is signed.
        let url = self.base_url(&file.url.value.0, file.url.place, PlainHttp::Anywhere);
        let key = self.log_key(&file.key);
        if let Some(key) = &key
            && !keys.insert(key.clone())
        {
            let message = "two witnesses have one key, and would count as two";
            self.report(Problem::new(file.key.place, message).help("name each witness once"));
            return None;
        }
        Some(Witness { id: id?, url: url?, key: key? })
    }

    fn witness_id(&mut self, file: &WitnessFile, ids: &mut BTreeSet<RuleId>) -> Option<RuleId> {
        let text = file.id.value.0.as_str();
        let problem = match text.parse::<RuleId>() {
            Ok(id) if ids.insert(id.clone()) => return Some(id),
            Ok(_) => {
                Problem::new(file.id.place, format!("two witnesses have the id {}", quote(text)))
                    .help("give each its own; it names the witness in logs")
            }
            Err(error) => {
                let message = format!("{} cannot be the id of a witness: {error}", quote(text));
                Problem::new(file.id.place, message).help("write it like `w-ops`")
            }
        };
        self.report(problem);
        None
    }

    /// Keys of logs that are witnessed.
    pub(super) fn log_keys(&mut self, keys: &[Located<String>]) -> Vec<String> {
        self.count("witness-for", keys);
        keys.iter().filter_map(|key| self.log_key(key)).collect()
    }

    /// A public key in the form of signed notes, by its form alone: name, eight hex digits, base64.
    fn log_key(&mut self, key: &Located<String>) -> Option<String> {
        let text = key.value.trim();
        let mut parts = text.splitn(3, '+');
        let (name, hash, public) = (parts.next(), parts.next(), parts.next());
        let is_name =
            name.is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace));
        let is_hash = hash.is_some_and(|hash| {
            hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let is_public = public.is_some_and(|public| {
            let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
            public.len() >= 44 && public.bytes().all(base64)
        });
        if is_name && is_hash && is_public {
            return Some(text.to_owned());
        }
        let message = format!("{} is not the public key of a log or witness", quote(text));
        let help = "write what `bartizan audit key` or `bartizan audit key --witness` prints there";
        self.report(Problem::new(key.place, message).help(help));
        None
    }

    fn count<T>(&mut self, key: &str, given: &[Located<T>]) {
        if let Some(last) = given.get(MEMBERS) {
            let message = format!("`{key}` has more than {MEMBERS} entries");
            self.report(Problem::new(last.place, message).help("leave some out"));
        }
    }
}
