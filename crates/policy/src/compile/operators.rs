//! What guardrails write in place of what they mask: `operator:`, `operators:` and `mask-key:`.

use std::collections::BTreeMap;

use bartizan_core::finding::Category;
use bartizan_core::operator::{
    MASK_KEY_BYTES_MIN, MaskKey, Operator, Operators, PARTIAL_CHARS_MAX, REPLACE_BYTES_MAX,
};
use bartizan_core::settings::Detect;
use bartizan_core::verdict::Action;

use crate::compile::Compiler;
use crate::error::Problem;
use crate::file::endpoint::GuardrailFile;
use crate::file::operator::{OperatorFile, OperatorMap, PartialFile, WORDS};
use crate::file::scalar::SecretText;
use crate::located::{Located, Place, Unsupported};
use crate::snippet::quote;
use crate::suggest;

/// Characters that `partial` keeps at the end when it is not told which.
const LAST: usize = 4;

/// Names that other tools and people have for the same, and ours.
const OTHER_NAMES: [(&str, &str); 11] = [
    ("mask", "partial"),
    ("keep-last", "partial"),
    ("remove", "redact"),
    ("delete", "redact"),
    ("pseudonymize", "placeholder"),
    ("token", "encrypt"),
    ("tokenize", "encrypt"),
    ("aes", "encrypt"),
    ("fpe", "format-preserving"),
    ("ff1", "format-preserving"),
    ("fake", "synthetic"),
];

/// Whether a part of a text reads as a name and a number in angle brackets.
fn looks_like_placeholder(text: &str) -> bool {
    text.split('<').skip(1).filter_map(|rest| rest.split_once('>')).any(|(name, _)| {
        let number = name.rsplit(['_', '-', ' ']).next().unwrap_or_default();
        number.len() < name.len()
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Whether nothing is seen where a character stands, or it changes the one before: formats, selectors, marks,
/// what has no meaning in common, and places that Unicode leaves empty.
const fn leaves_nothing_to_see(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{300}'..='\u{36F}'
            | '\u{483}'..='\u{489}'
            | '\u{591}'..='\u{5C7}'
            | '\u{600}'..='\u{605}'
            | '\u{610}'..='\u{61C}'
            | '\u{64B}'..='\u{65F}'
            | '\u{6DD}'
            | '\u{70F}'
            | '\u{115F}'..='\u{1160}'
            | '\u{135D}'..='\u{135F}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{20D0}'..='\u{20FF}'
            | '\u{2800}'
            | '\u{302A}'..='\u{302F}'
            | '\u{3099}'..='\u{309A}'
            | '\u{3164}'
            | '\u{E000}'..='\u{F8FF}'
            | '\u{FDD0}'..='\u{FDEF}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FE20}'..='\u{FE2F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{FFFE}'..='\u{FFFF}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D165}'..='\u{1D182}'
            | '\u{E0000}'..='\u{10FFFF}'
    )
}

/// What is known of `mask-key`.
#[derive(Debug, Clone, Default)]
pub(super) enum MaskKeyState {
    /// The file has none.
    #[default]
    Absent,
    /// It cannot be used, which was reported.
    Refused,
    Ready(MaskKey),
}

impl Compiler<'_, '_> {
    /// Reads the key that operators derive theirs from.
    pub(crate) fn mask_key(&mut self, given: &Located<SecretText>) -> Option<MaskKey> {
        let secret = self.secret("mask-key", given)?;
        let key = MaskKey::new(secret);
        if key.is_none() {
            let message = format!(
                "the key behind {} is too easy to guess: it takes {MASK_KEY_BYTES_MIN} characters, and not the same few",
                quote(&given.value.0)
            );
            let help = "make one with `openssl rand -base64 32`, and keep it: what it wrote cannot be read without it";
            self.report(Problem::new(given.place, message).help(help));
        }
        key
    }

    pub(super) fn read_mask_key(&mut self, given: Option<&Located<SecretText>>) {
        self.mask_key = match given {
            None => MaskKeyState::Absent,
            Some(given) => self.mask_key(given).map_or(MaskKeyState::Refused, MaskKeyState::Ready),
        };
    }

    /// The operators of a guardrail. `None` means that a problem was reported here or about what they
    /// depend on.
    pub(super) fn operators(
        &mut self,
        file: &GuardrailFile,
        detect: Option<&Detect>,
        action: Option<Action>,
    ) -> Option<Operators> {
        let single = file.operator.as_ref().map(|given| ("operator", given.place));
        let several = file.operators.as_ref().map(|given| ("operators", given.place));
        let Some((key, place)) = single.or(several) else { return Some(Operators::default()) };
        if action.is_some_and(|action| action != Action::Mask) {
            let message = format!("`{key}` says how to mask, and this guardrail masks nothing");
            let help = format!("write `action: mask`, or remove `{key}`");
            self.report(Problem::new(place, message).help(help));
            return None;
        }
        let usual = match &file.operator {
            Some(given) => {
                let usual = self.operator(given);
                let all: Vec<&'static str> = match detect {
                    Some(Detect::Detectors(ids)) => ids.clone(),
                    _ => Vec::new(),
                };
                self.fits(usual?, given.place, detect?, &all)
            }
            None => Some(Operator::Placeholder),
        };
        let by_detector = self.by_detector(file, detect?);
        Some(Operators { usual: usual?, by_detector: by_detector? })
    }

    /// Reports `restore` where nothing leads back.
    pub(super) fn restore_with(&mut self, given: Option<&Located<bool>>, operators: &Operators) {
        if operators.all().any(Operator::can_restore) {
            return;
        }
        let place = given.and_then(|given| given.place);
        let name = operators.usual.name();
        let message = format!(
            "`restore` puts masked values back, and nothing leads back from what `{name}` writes"
        );
        let help = "write `operator: placeholder` or `operator: encrypt`, or remove `restore`";
        self.report(Problem::new(place, message).help(help));
    }

    fn by_detector(
        &mut self,
        file: &GuardrailFile,
        detect: &Detect,
    ) -> Option<BTreeMap<&'static str, Operator>> {
        let mut chosen = BTreeMap::new();
        let Some(given) = &file.operators else { return Some(chosen) };
        let Detect::Detectors(ids) = detect else {
            let message = "`operators` is for guardrails that ask several detectors";
            self.report(Problem::new(given.place, message).help("write `operator`"));
            return None;
        };
        let mut complete = true;
        // What is said of one detector counts more than what is said of its category.
        let (categories, single): (Vec<_>, Vec<_>) =
            given.value.iter().partition(|(name, _)| Category::from_name(&name.value).is_some());
        for (name, value) in categories.into_iter().chain(single) {
            let found = self.detectors_among(ids, name);
            let operator = self.operator(value);
            let fitting = operator.zip(found).and_then(|(operator, found)| {
                let operator = self.fits(operator, value.place, detect, &found)?;
                Some((operator, found))
            });
            let Some((operator, found)) = fitting else {
                complete = false;
                continue;
            };
            chosen.extend(found.into_iter().map(|id| (id, operator.clone())));
        }
        complete.then_some(chosen)
    }

    /// Those of `ids` that a name stands for.
    fn detectors_among(
        &mut self,
        ids: &[&'static str],
        name: &Located<String>,
    ) -> Option<Vec<&'static str>> {
        let category = Category::from_name(&name.value);
        let all = self.catalogue.detectors.iter().filter(|meta| ids.contains(&meta.id));
        let found: Vec<&'static str> = all
            .filter(|meta| meta.id == name.value || Some(meta.category) == category)
            .map(|meta| meta.id)
            .collect();
        if found.is_empty() {
            let help = match suggest::nearest(&name.value, ids.iter().copied()) {
                Some(id) => format!("did you mean `{id}`?"),
                None => format!("`detect` gives {}", suggest::list(ids.iter().copied())),
            };
            let message =
                format!("{} is nothing that this guardrail looks for", quote(&name.value));
            self.report(Problem::new(name.place, message).help(help));
            return None;
        }
        Some(found)
    }

    /// Reports an operator that shows, or gives back, a part of what is no data: of an attack nothing
    /// should be left.
    fn fits(
        &mut self,
        operator: Operator,
        place: Option<Place>,
        detect: &Detect,
        ids: &[&'static str],
    ) -> Option<Operator> {
        let keeps = matches!(
            operator,
            Operator::Partial { .. }
                | Operator::Encrypt(_)
                | Operator::FormatPreserving(_)
                | Operator::Synthetic(_)
        );
        let is_data = |category| matches!(category, Category::Pii | Category::Secret);
        let other = match detect {
            _ if !keeps => None,
            Detect::Keywords(_) | Detect::Patterns(_) => None,
            Detect::Topics(_) => Some("topics"),
            Detect::Size { .. } => Some("size"),
            Detect::Links(_) => Some("links"),
            Detect::Packages(_) => Some("packages"),
            Detect::Detectors(_) => {
                let metas = self.catalogue.detectors.iter();
                let found = metas.filter(|meta| ids.contains(&meta.id));
                found
                    .map(|meta| meta.category)
                    .find(|category| !is_data(*category))
                    .map(Category::name)
            }
        };
        let Some(other) = other else { return Some(operator) };
        let message = format!(
            "`{}` is for data, and this guardrail looks for `{other}`, too",
            operator.name()
        );
        let help =
            "give it a guardrail of its own, or an entry of `operators` for `pii` or `secret`";
        self.report(Problem::new(place, message).help(help));
        None
    }

    fn operator(&mut self, given: &Located<OperatorFile>) -> Option<Operator> {
        match &given.value {
            OperatorFile::Word(word) => self.operator_called(word, given.place),
            OperatorFile::Map(map) => self.operator_with_settings(map, given.place),
        }
    }

    fn operator_called(&mut self, word: &str, place: Option<Place>) -> Option<Operator> {
        Some(match word {
            "placeholder" => Operator::Placeholder,
            "label" => Operator::Label,
            "redact" => Operator::Redact,
            "partial" => Operator::Partial { first: 0, last: LAST, with: '*' },
            "hash" => Operator::Hash(self.key_for(word, place)?),
            "encrypt" => Operator::Encrypt(self.key_for(word, place)?),
            "format-preserving" => Operator::FormatPreserving(self.key_for(word, place)?),
            "synthetic" => Operator::Synthetic(self.key_for(word, place)?),
            "replace" => {
                let problem = Problem::new(place, "`replace` needs the text to write");
                self.report(problem.help("write `operator: { replace: \"[hidden]\" }`"));
                return None;
            }
            other => {
                let ours =
                    OTHER_NAMES.iter().find(|(name, _)| *name == other).map(|(_, ours)| *ours);
                let help = match ours.or_else(|| suggest::nearest(other, WORDS)) {
                    Some(word) => format!("did you mean `{word}`?"),
                    None => format!(
                        "known here: {}, and maps with `replace` or `partial`",
                        suggest::list(WORDS)
                    ),
                };
                let message = format!("{} is not an operator", quote(other));
                self.report(Problem::new(place, message).help(help));
                return None;
            }
        })
    }

    fn operator_with_settings(
        &mut self,
        map: &OperatorMap,
        place: Option<Place>,
    ) -> Option<Operator> {
        for (word, found) in [
            ("hash", &map.hash),
            ("encrypt", &map.encrypt),
            ("format-preserving", &map.format_preserving),
            ("synthetic", &map.synthetic),
        ] {
            if let Unsupported::Present(found) = found {
                let place = found.map(|found| found.of_key(word, self.problems.text()));
                let message = format!("`{word}` has no settings of its own");
                let help = format!(
                    "write `operator: {word}`; its key is `mask-key` at the top of the file"
                );
                self.report(Problem::new(place, message).help(help));
                return None;
            }
        }
        match (&map.replace, &map.partial) {
            (Some(text), None) => self.replace(text),
            (None, Some(partial)) => self.partial(&partial.value),
            _ => {
                let message = "one key says which operator it is";
                self.report(
                    Problem::new(place, message).help("keep one of `replace` and `partial`"),
                );
                None
            }
        }
    }

    fn replace(&mut self, given: &Located<String>) -> Option<Operator> {
        let text = &given.value;
        let is_fine =
            (1..=REPLACE_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if !is_fine {
            let message =
                format!("`replace` takes 1 to {REPLACE_BYTES_MAX} bytes, without line breaks");
            let help = "`operator: redact` writes nothing at all";
            self.report(Problem::new(given.place, message).help(help));
        }
        if is_fine && looks_like_placeholder(text) {
            let message = format!(
                "{} looks like a placeholder, and a value would stand there in the answer",
                quote(text)
            );
            let help = "write `operator: label`, or a text without `<…_1>`";
            self.report(Problem::new(given.place, message).help(help));
            return None;
        }
        is_fine.then(|| Operator::Replace(text.clone()))
    }

    fn partial(&mut self, given: &PartialFile) -> Option<Operator> {
        let first = self.kept_at("first", given.first.as_ref());
        let last = match (&given.first, &given.last) {
            (None, None) => Some(LAST),
            (_, last) => self.kept_at("last", last.as_ref()),
        };
        let with = match &given.with {
            None => Some('*'),
            Some(sign) => {
                let mut chars = sign.value.chars();
                let one = chars.next().filter(|_| chars.next().is_none());
                let is_sign = |c: &char| {
                    !c.is_alphanumeric()
                        && !c.is_whitespace()
                        && !c.is_control()
                        && !leaves_nothing_to_see(*c)
                };
                let one = one.filter(is_sign);
                if one.is_none() {
                    let unseen = sign.value.chars().find(|c| leaves_nothing_to_see(*c));
                    let message = match unseen {
                        Some(c) => format!("nobody sees `U+{:04X}`", u32::from(c)),
                        None => {
                            format!("{} cannot stand for a hidden character", quote(&sign.value))
                        }
                    };
                    let help = "write one sign that is no letter and no digit, such as `*` or `•`";
                    self.report(Problem::new(sign.place, message).help(help));
                }
                one
            }
        };
        Some(Operator::Partial { first: first?, last: last?, with: with? })
    }

    fn kept_at(&mut self, key: &str, given: Option<&Located<u64>>) -> Option<usize> {
        let Some(given) = given else { return Some(0) };
        let count = usize::try_from(given.value).ok().filter(|count| *count <= PARTIAL_CHARS_MAX);
        if count.is_none() {
            let message = format!("`{key}` is {}, outside 0 to {PARTIAL_CHARS_MAX}", given.value);
            let help = "no more than half of a value is shown in any case";
            self.report(Problem::new(given.place, message).help(help));
        }
        count
    }

    /// The key of the policy, for an operator that needs one.
    fn key_for(&mut self, word: &str, place: Option<Place>) -> Option<MaskKey> {
        match &self.mask_key {
            MaskKeyState::Ready(key) => Some(key.clone()),
            MaskKeyState::Refused => None,
            MaskKeyState::Absent => {
                let message = format!("`{word}` needs a key, and the file names none");
                let help = "add `mask-key: env:BARTIZAN_MASK_KEY` at the top, and put there what `openssl rand -base64 32` prints";
                self.report(Problem::new(place, message).help(help));
                None
            }
        }
    }
}
