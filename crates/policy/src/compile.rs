//! The plain structs of `file` checked, resolved and turned into settings.
//!
//! Every method reports what it finds and goes on, so that one run shows all problems. `None` means
//! that a problem was reported.

mod amounts;
mod approvals;
mod brakes;
pub(crate) mod cedar;
mod certificates;
mod console;
mod detect;
mod effects;
mod endpoints;
mod exceptions;
mod expectations;
mod guardrails;
mod inference;
mod issuers;
mod ledger;
mod limits;
mod lists;
mod models;
mod operators;
mod properties;
mod providers;
mod references;
mod secrets;
mod sinks;
mod state;
mod subjects;
mod tags;
mod tokens;
pub(crate) mod urls;
mod witnesses;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bartizan_core::hex;
use bartizan_core::id::Name;
use bartizan_core::packages::{Ecosystem, PackageNames};
use bartizan_core::settings::{Fingerprint, Listen, Member, Price, Settings, Tls};
use sha2::{Digest, Sha256};

use crate::decide::{CedarText, Decisions};
use crate::error::{Problem, Problems};
use crate::file::scalar::{AddressText, Choice, FileText, MemberText, Vocabulary};
use crate::file::{ListenFile, PolicyFile, PriceFile, TelemetryFile, TlsFile};
use crate::located::{Located, Place, Unsupported};
use crate::snippet::quote;
use crate::{Catalogue, DataSettings, Sources, suggest};

/// Version of the format that this build reads.
const FORMAT: u64 = 1;
/// Default address of the gateway.
const GATEWAY: SocketAddr =
    SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 8080));
/// Default address of the console.
const CONSOLE: SocketAddr =
    SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 8081));
/// Hex digits of a version.
const VERSION_DIGITS: usize = 12;
/// Default folder for state and logs.
const DATA_DIR: &str = "./bartizan-data";

/// What compiling needs to know, and what it found.
pub(crate) struct Compiler<'a, 't> {
    catalogue: Catalogue<'a>,
    sources: Sources<'a>,
    base_dir: &'a Path,
    problems: &'a mut Problems<'t>,
    mask_key: operators::MaskKeyState,
    /// Endpoints share guardrails, and lists of packages are large: each is read once.
    package_lists: BTreeMap<(Ecosystem, Vec<String>), Arc<PackageNames>>,
    /// Texts of the Cedar files.
    pub(crate) cedar: Vec<CedarText>,
    /// SHA-256 of each file of members, names of packages, and keys of issuers.
    lists: Vec<[u8; 32]>,
}

impl<'a, 't> Compiler<'a, 't> {
    pub(crate) fn new(
        catalogue: Catalogue<'a>,
        sources: Sources<'a>,
        base_dir: &'a Path,
        problems: &'a mut Problems<'t>,
    ) -> Self {
        let mask_key = operators::MaskKeyState::default();
        let package_lists = BTreeMap::new();
        let (cedar, lists) = (Vec::new(), Vec::new());
        Self { catalogue, sources, base_dir, problems, mask_key, package_lists, cedar, lists }
    }

    /// The settings of a file; complete only if no problem was reported.
    pub(crate) fn settings(&mut self, file: &PolicyFile) -> Option<Settings> {
        self.format(&file.version);
        for (key, found) in [("egress", &file.egress), ("data", &file.data), ("tools", &file.tools)]
        {
            self.unsupported_key(key, found);
        }
        let data_dir = self.data_dir(file.data_dir.as_ref());
        self.read_mask_key(file.mask_key.as_ref());
        let listen = self.listen(&file.listen);
        let groups = self.groups(&file.groups);
        let issuers = self.issuers(file);
        let certificates = self.certificates(file);
        let tokens = self.tokens(file.identity.tokens.as_ref(), listen.as_ref());
        let login = self.login(file, listen.as_ref(), &issuers);
        let providers = self.providers(&file.providers);
        let prices = self.prices(&file.prices);
        let models = self.models(&file.models);
        let (limits, endpoints) = self.limits_and_endpoints(file);
        let ledger = self.ledger(&file.ledger);
        let inference = self.inference_store(&file.inference_log);
        let sinks = self.sinks(&file.ledger.sinks);
        let witnesses = self.witnesses(&file.ledger.witnesses);
        let witness_for = self.log_keys(&file.ledger.witness_for);
        let secrets = self.secrets(&file.secrets);
        let shared = self.state(&file.state);
        let approvals = self.approvals(&file.approvals);
        let otlp_endpoint = self.otlp_endpoint(&file.telemetry);
        self.cedar_files(&file.cedar);
        let tests = self.tests(file, &endpoints);
        let properties = self.properties(file);
        let access = Arc::new(Decisions::new(&groups, &endpoints, None));
        let fingerprint = Fingerprint {
            whole: hash_of(self.problems.text(), &self.cedar, &self.lists),
            cedar: hash_of_cedar(&self.cedar),
        };
        Some(Settings {
            version: fingerprint.whole.chars().take(VERSION_DIGITS).collect(),
            fingerprint,
            data_dir: data_dir?,
            listen: listen?,
            providers,
            issuers,
            certificates,
            tokens: tokens?,
            groups,
            endpoints,
            limits,
            models,
            prices,
            ledger: ledger?,
            inference: inference?,
            sinks,
            witnesses,
            witness_for,
            otlp_endpoint,
            login: login?,
            secrets: secrets?,
            shared: shared?,
            approvals: approvals?,
            access,
            cedar: file.cedar.iter().map(|given| given.value.clone()).collect(),
            tests,
            properties,
        })
    }

    /// The part of a file that says where state and logs are kept.
    pub(crate) fn data(&mut self, file: &PolicyFile) -> Option<DataSettings> {
        self.format(&file.version);
        let data_dir = self.data_dir(file.data_dir.as_ref());
        let ledger = self.ledger(&file.ledger);
        Some(DataSettings { data_dir: data_dir?, ledger: ledger? })
    }

    /// Reports a problem.
    fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Reports a key that the design knows and this build cannot enforce.
    fn unsupported_key(&mut self, key: &str, found: &Unsupported) {
        if let Unsupported::Present(place) = found {
            let place = place.map(|place| place.of_key(key, self.problems.text()));
            self.report(unsupported(place, key));
        }
    }

    fn format(&mut self, version: &Located<u64>) {
        if version.value != FORMAT {
            let message = format!("version {} of the format is not known", version.value);
            self.report(Problem::new(version.place, message).help("write `version: 1`"));
        }
    }

    pub(crate) fn data_dir(&mut self, given: Option<&Located<String>>) -> Option<PathBuf> {
        let text = given.map_or(DATA_DIR, |given| given.value.as_str());
        if text.trim().is_empty() {
            let place = given.and_then(|given| given.place);
            self.report(
                Problem::new(place, "`data-dir` is empty")
                    .help("write `data-dir: ./bartizan-data`"),
            );
            return None;
        }
        // `.` adds nothing, and `././bartizan-data` would look odd in messages.
        let base = if self.base_dir == Path::new(".") { Path::new("") } else { self.base_dir };
        Some(base.join(text))
    }

    fn listen(&mut self, file: &ListenFile) -> Option<Listen> {
        self.unsupported_key("egress", &file.egress);
        let gateway = self.address(file.gateway.as_ref(), GATEWAY);
        let console = self.address(file.console.as_ref(), CONSOLE);
        let console_names = self.hosts(&file.console_names);
        let (gateway, console) = (gateway?, console?);
        if gateway == console && gateway.port() != 0 {
            let given = file.console.as_ref().or(file.gateway.as_ref());
            let message = format!("gateway and console both listen on `{gateway}`");
            self.report(
                Problem::new(given.and_then(|given| given.place), message)
                    .help("give one of them another port"),
            );
            return None;
        }
        let tls = match &file.tls {
            None => None,
            Some(tls) => Some(self.tls(&tls.value)?),
        };
        Some(Listen { gateway, console, console_names: console_names?, tls })
    }

    fn address(
        &mut self,
        given: Option<&Located<AddressText>>,
        default: SocketAddr,
    ) -> Option<SocketAddr> {
        let Some(given) = given else { return Some(default) };
        let address = given.value.0.parse().ok();
        if address.is_none() {
            let message = format!("{} is not an address to listen on", quote(&given.value.0));
            let help = "write IP and port, such as `127.0.0.1:8080` or `[::1]:8080`";
            self.report(Problem::new(given.place, message).help(help));
        }
        address
    }

    fn tls(&mut self, file: &TlsFile) -> Option<Tls> {
        let certificate = self.file_path("certificate", &file.certificate);
        let key = self.file_path("key", &file.key);
        let clients = self.tls_clients(file)?;
        Some(Tls { certificate: certificate?, key: key?, clients })
    }

    /// A file that is read again when it changes, so that no variable can stand for it.
    pub(super) fn file_path(&mut self, name: &str, given: &Located<FileText>) -> Option<PathBuf> {
        if let Some(path) = given.value.0.strip_prefix("file:").filter(|path| !path.is_empty()) {
            return Some(self.base_dir.join(path));
        }
        let message = format!("`{name}` names no file");
        let help = format!("write `{name}: file:PATH`");
        // Whoever wrote a key itself must not find it in a log.
        self.report(Problem::new(given.place, message).help(help).secret());
        None
    }

    fn groups(
        &mut self,
        file: &BTreeMap<Located<String>, Vec<Located<MemberText>>>,
    ) -> BTreeMap<Name, BTreeSet<Member>> {
        let mut groups = BTreeMap::new();
        for (key, given) in file {
            let mut members = BTreeSet::new();
            for entry in given {
                match entry.value.0.strip_prefix("file:") {
                    Some(path) => members.extend(self.members_of_file(path, entry.place)),
                    None => members.extend(self.member(&entry.value.0, entry.place)),
                }
            }
            if let Some(name) = self.name(key, "group") {
                groups.insert(name, members);
            }
        }
        groups
    }

    fn prices(&mut self, file: &BTreeMap<Located<String>, PriceFile>) -> BTreeMap<String, Price> {
        let mut prices = BTreeMap::new();
        for (model, price) in file {
            let input = self.dollars(&price.input);
            let output = self.dollars(&price.output);
            if let (Some(input), Some(output)) = (input, output) {
                prices.insert(model.value.clone(), Price { input, output });
            }
        }
        prices
    }

    fn otlp_endpoint(&mut self, file: &TelemetryFile) -> Option<String> {
        let given = file.otlp_endpoint.as_ref()?;
        // Traces hold no prompts and no keys, and a collector often listens on plain http nearby.
        self.base_url(&given.value.0, given.place, urls::PlainHttp::Anywhere)
    }

    /// Checks the name of an endpoint, provider or group.
    fn name(&mut self, key: &Located<String>, what: &str) -> Option<Name> {
        match key.value.parse() {
            Ok(name) => Some(name),
            Err(error) => {
                let message = format!("{} cannot name a {what}: {error}", quote(&key.value));
                self.report(Problem::new(key.place, message));
                None
            }
        }
    }

    /// The meaning of a word from a fixed set.
    fn choice<V: Vocabulary>(
        &mut self,
        given: Option<&Located<Choice<V>>>,
        default: V::Meaning,
    ) -> Option<V::Meaning> {
        given.map_or(Some(default), |given| self.word(given))
    }

    fn word<V: Vocabulary>(&mut self, given: &Located<Choice<V>>) -> Option<V::Meaning> {
        let meaning = given.value.meaning();
        if meaning.is_none() {
            let words = || V::WORDS.iter().map(|(word, _)| *word);
            let message = format!("{} is not {}", quote(&given.value.word), V::WHAT);
            let help = match suggest::nearest(&given.value.word, words()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("known here: {}", suggest::list(words())),
            };
            self.report(Problem::new(given.place, message).help(help));
        }
        meaning
    }
}

/// The problem with something that the design knows and this build cannot enforce.
fn unsupported(place: Option<Place>, what: &str) -> Problem {
    Problem::new(place, format!("this build cannot enforce `{what}` yet; remove it"))
        .help("a policy that is not enforced would only look like protection")
}

/// SHA-256 of the text, and of the files that are part of it where there are any, in hex.
fn hash_of(text: &str, cedar: &[CedarText], lists: &[[u8; 32]]) -> String {
    let mut hash = Sha256::new_with_prefix(text);
    for file in cedar {
        // No YAML has such a byte, so that no two policies are the same text.
        hash.update([0]);
        // Of one length each, so that what stands in one file cannot look like two.
        hash.update(Sha256::digest(&file.text));
    }
    for list in lists {
        hash.update([1]);
        hash.update(list);
    }
    hex::encode(&hash.finalize())
}

/// SHA-256 of the Cedar files, by name and text, in hex.
fn hash_of_cedar(cedar: &[CedarText]) -> String {
    let mut hash = Sha256::new();
    for file in cedar {
        for part in [&file.name, &file.text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hex::encode(&hash.finalize())
}
