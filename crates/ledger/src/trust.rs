//! Who has to stand for a checkpoint before it is believed (C2SP tlog-policy).
//!
//! A log alone can show different trees to different people. Witnesses that saw it grow cannot be
//! made to agree to that, unless enough of them lie together: the quorum says how many are enough.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use crate::checkpoint::{Checkpoint, CheckpointError, parse_number};
use crate::note::{Algorithm, Note, NoteError, VerifyingKey};

/// Most bytes of a file that says whom to trust.
pub const TRUST_BYTES: usize = 64 << 10;
/// Most logs, witnesses and groups together.
const MEMBERS: usize = 256;
/// The quorum that needs nobody.
const NONE: &[u8] = b"none";

/// Logs that are believed, and who has to have seen what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    logs: Vec<VerifyingKey>,
    witnesses: Vec<Witness>,
    quorum: Member,
}

/// Somebody who watches logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// As the file calls it; what is not UTF-8 is shown as U+FFFD.
    pub name: String,
    /// Its key.
    pub key: VerifyingKey,
    /// Where it takes checkpoints.
    pub url: Option<String>,
}

/// A witness, or so many of some members.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group { least: usize, members: Vec<Self> },
}

/// A checkpoint that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// Names of the witnesses that signed, with the times in seconds since 1970.
    pub witnesses: Vec<(String, u64)>,
}

/// Why a checkpoint is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// It is no checkpoint.
    #[error("the note is no checkpoint")]
    Checkpoint(#[from] CheckpointError),
    /// No log that is known has signed it.
    #[error("no known log has signed the checkpoint of `{origin}`")]
    Log {
        /// The log that it is said to be of.
        origin: String,
        /// What is wrong with the signatures.
        source: NoteError,
    },
    /// A signature of a witness is not by it.
    #[error("a witness did not sign this checkpoint")]
    Witness(#[source] NoteError),
    /// Too few witnesses have signed.
    #[error("too few witnesses have signed: {seen} of {known}, which is no quorum")]
    Quorum {
        /// That have signed.
        seen: usize,
        /// That are known.
        known: usize,
    },
}

/// What is wrong with a file that says whom to trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TrustFileError {
    /// The line, from 1; the one after the last if something is missing.
    pub line: usize,
    what: &'static str,
}

impl Trust {
    /// Trust in one log, whoever else has seen what it says.
    #[must_use]
    pub fn of_log(key: VerifyingKey) -> Self {
        Self { logs: vec![key], witnesses: Vec::new(), quorum: Member::NOBODY }
    }

    /// The logs that are believed.
    #[must_use]
    pub fn logs(&self) -> &[VerifyingKey] {
        &self.logs
    }

    /// The witnesses that are known.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Checks that a log has signed a checkpoint, whoever else has, and reads it.
    ///
    /// # Errors
    /// [`TrustError`], when it is no checkpoint of a log that is known.
    pub fn check_log(&self, note: &Note) -> Result<Checkpoint, TrustError> {
        let checkpoint: Checkpoint = note.text().parse()?;
        // A log speaks for itself alone: its key has the name of its origin.
        let own = |key: &&VerifyingKey| key.name().as_str() == checkpoint.origin;
        let logs: Vec<VerifyingKey> = self.logs.iter().filter(own).cloned().collect();
        let by_log = note.verify(&logs);
        by_log.map_err(|source| TrustError::Log { origin: checkpoint.origin.clone(), source })?;
        Ok(checkpoint)
    }

    /// Checks that a log and enough witnesses have signed a checkpoint, and reads it.
    ///
    /// # Errors
    /// [`TrustError`], when it is not to be believed.
    pub fn check(&self, note: &Note) -> Result<Witnessed, TrustError> {
        let checkpoint = self.check_log(note)?;
        let keys: Vec<VerifyingKey> =
            self.witnesses.iter().map(|witness| witness.key.clone()).collect();
        let signed = match note.verify(&keys) {
            Ok(signed) => signed,
            Err(NoteError::Unsigned) => Vec::new(),
            Err(error) => return Err(TrustError::Witness(error)),
        };
        let times: Vec<Option<u64>> = keys
            .iter()
            .map(|key| {
                signed.iter().find(|signed| signed.key == key).and_then(|signed| signed.time)
            })
            .collect();
        let has_seen = |witness: usize| times.get(witness).is_some_and(Option::is_some);
        if !self.quorum.is_met(&has_seen) {
            let seen = times.iter().flatten().count();
            return Err(TrustError::Quorum { seen, known: self.witnesses.len() });
        }
        let witnesses = self.witnesses.iter().zip(times);
        let witnesses = witnesses.filter_map(|(witness, time)| Some((witness.name.clone(), time?)));
        Ok(Witnessed { witnesses: witnesses.collect(), checkpoint })
    }
}

impl Member {
    /// Asks for no witness: the word of the log is enough.
    const NOBODY: Self = Self::Group { least: 0, members: Vec::new() };

    fn is_met(&self, has_seen: &impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Witness(witness) => has_seen(*witness),
            Self::Group { least, members } => {
                members.iter().filter(|member| member.is_met(has_seen)).count() >= *least
            }
        }
    }
}

impl FromStr for Trust {
    type Err = TrustFileError;

    fn from_str(text: &str) -> Result<Self, TrustFileError> {
        Self::from_bytes(text.as_bytes())
    }
}

impl Trust {
    /// Reads a file that says whom to trust. Bytes beyond ASCII mean nothing, so that they may be in any
    /// encoding: in names, addresses and comments.
    ///
    /// # Errors
    /// [`TrustFileError`], with the line.
    pub fn from_bytes(text: &[u8]) -> Result<Self, TrustFileError> {
        if text.len() > TRUST_BYTES {
            return Err(TrustFileError { line: 1, what: "the file is too large" });
        }
        let mut file = File::default();
        let mut lines = 0;
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            lines = index + 1;
            let at = |what| TrustFileError { line: lines, what };
            if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
                return Err(at("there are control characters"));
            }
            file.take(line).map_err(at)?;
        }
        let missing =
            TrustFileError { line: lines, what: "the line `quorum <name or none>` is missing" };
        let quorum = file.quorum.ok_or(missing)?;
        Ok(Self { logs: file.logs, witnesses: file.witnesses, quorum })
    }
}

/// A file that is being read.
#[derive(Default)]
struct File {
    logs: Vec<VerifyingKey>,
    witnesses: Vec<Witness>,
    named: BTreeMap<Vec<u8>, Member>,
    /// Names of those that are part of a group: each is part of one, so that it counts once.
    grouped: BTreeSet<Vec<u8>>,
    quorum: Option<Member>,
}

impl File {
    fn take(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let mut words =
            line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
        let Some(first) = words.next().filter(|word| !word.starts_with(b"#")) else {
            return Ok(());
        };
        let words: Vec<&[u8]> = words.collect();
        match (first, words.as_slice()) {
            (b"log", [key] | [key, _]) => self.log(key),
            (b"witness", [name, key]) => self.witness(name, key, None),
            (b"witness", [name, key, url]) => self.witness(name, key, Some(url)),
            (b"group", [name, least, members @ ..]) => self.group(name, least, members),
            (b"quorum", [name]) => self.quorum(name),
            (b"log" | b"witness" | b"group" | b"quorum", _) => {
                Err("the line has too few or too many words")
            }
            _ => Err("a line begins with `log`, `witness`, `group`, `quorum` or `#`"),
        }
    }

    fn log(&mut self, key: &[u8]) -> Result<(), &'static str> {
        self.has_room()?;
        let key = parse_key(key).ok_or("the key of the log cannot be read")?;
        if key.algorithm() != Algorithm::Ed25519 {
            return Err("the key of a log signs notes, and this one signs cosignatures");
        }
        if self.logs.iter().any(|other| other.public() == key.public()) {
            return Err("the key of this log is in the file already");
        }
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8], url: Option<&[u8]>) -> Result<(), &'static str> {
        let key = parse_key(key).ok_or("the key of the witness cannot be read")?;
        if key.algorithm() != Algorithm::Cosignature {
            return Err("the key of a witness signs cosignatures, and this one signs notes");
        }
        if self.witnesses.iter().any(|other| other.key.public() == key.public()) {
            return Err("the key of this witness is in the file already");
        }
        self.name(name, Member::Witness(self.witnesses.len()))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.witnesses.push(Witness { name: text(name), key, url: url.map(text) });
        Ok(())
    }

    fn group(&mut self, name: &[u8], least: &[u8], names: &[&[u8]]) -> Result<(), &'static str> {
        let mut members = Vec::new();
        for member in names {
            let known = self.named.get(*member).ok_or("a member of the group is not known")?;
            if !self.grouped.insert((*member).to_owned()) {
                return Err("a member is part of another group already, or named twice");
            }
            members.push(known.clone());
        }
        let least = match least {
            b"all" => members.len(),
            b"any" => 1,
            number => {
                let number = std::str::from_utf8(number).ok().and_then(parse_number);
                let number = number.and_then(|number| usize::try_from(number).ok());
                number.ok_or("after the name comes `all`, `any` or a number")?
            }
        };
        if !(1..=members.len()).contains(&least) {
            return Err("a group needs at least one of its members, and no more than it has");
        }
        self.name(name, Member::Group { least, members })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), &'static str> {
        let quorum = if name == NONE {
            Member::NOBODY
        } else {
            self.named
                .get(name)
                .cloned()
                .ok_or("the quorum is not the name of a witness or group")?
        };
        match self.quorum.replace(quorum) {
            None => Ok(()),
            Some(_) => Err("there is a second line `quorum`"),
        }
    }

    fn name(&mut self, name: &[u8], member: Member) -> Result<(), &'static str> {
        self.has_room()?;
        if name == NONE || self.named.contains_key(name) {
            return Err("the name is taken");
        }
        self.named.insert(name.to_owned(), member);
        Ok(())
    }

    fn has_room(&self) -> Result<(), &'static str> {
        if self.logs.len() + self.named.len() >= MEMBERS {
            return Err("the file names too many logs, witnesses and groups");
        }
        Ok(())
    }
}

fn parse_key(key: &[u8]) -> Option<VerifyingKey> {
    std::str::from_utf8(key).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
