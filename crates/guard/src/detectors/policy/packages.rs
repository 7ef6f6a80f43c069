//! Packages that a command would install and that are in no list of the policy.

mod command;

use std::collections::BTreeMap;
use std::sync::Arc;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::packages::{Ecosystem, PackageNames};
use bartizan_core::settings::PackageList;
use bartizan_core::{Category, Severity};

use self::command::{COMMANDS, Command};
use crate::cursor::Cursor;
use crate::detector::{Detector, Findings, Hit};
use crate::text::View;

pub(super) static META: Meta = Meta {
    id: "unknown-package",
    summary: "A command that installs a package which no list of the policy names",
    severity: Severity::Medium,
    category: Category::SupplyChain,
    label: "PACKAGE",
    docs: Docs {
        finds: "The names that `pip install`, `uv add`, `poetry add`, `npm install`, `npx`, `yarn add`, `pnpm add`, `cargo add`, `go get`, \
                `gem install` and their kin are given, where a command may begin: at the start of a line, behind a backtick, \
                quote, prompt or another command. Only registries with a list are judged. Names are compared as the registry does: \
                `Foo.Bar` is `foo-bar` on PyPI.",
        matters: "Models invent names of packages, often the same ones. Whoever registers such a name is installed by everyone \
                  who follows the answer.",
        example: "With `packages: { pypi: [requests] }`, `pip install requests` passes, `pip install reqeusts-auth` is found.",
        fix: "Flag it or mask the name. Give the names of your own mirror, or all of a registry: a list takes eight bytes per \
              name, and is read again with the policy.",
        limits: "That a name is listed does not make the package harmless. Imports, files of requirements and lists of \
                 arguments such as `[\"pip\", \"install\", \"x\"]` are not read, nor commands in the middle of a sentence. Of a command \
                 the first 400 bytes are read. Packages from addresses, paths and repositories are left alone.",
    },
    references: &[
        Reference::Cwe(1357),
        Reference::Cwe(829),
        Reference::Owasp("LLM03:2025"),
        Reference::Owasp("LLM09:2025"),
    ],
    flags: &[
        "pip install reqeusts",
        "```sh\n$ pip install requests fastapi-authz-helper\n```",
        "python -m pip install -U 'flask-magic[extra]>=1.0'",
        "Run `npm i @acme/left-padd` first",
        "RUN npm install --save-dev express react-use-everything@1.2.3 && npm test",
        "npx create-mystery-app my-app",
        "sudo pip3 install huggingface-cli-tools",
        "{\"command\": \"pip install \\\"not-there\\\"\"}",
        "cargo add serde tokio-magic@1",
        "uv add requests \\\n  also-unknown",
        "go get github.com/nobody/nothing@latest",
        "gem install rails_magic -v 1.0",
        "yarn add left-pad2",
        "cd x; pnpm add -D nope",
        "`pip install unknown-thing` installs it",
    ],
    passes: &[
        "pip install requests",
        "pip install Requests==2.31.0 zope_interface 'numpy>=1.20,<2' flask[async]",
        "pip install -r requirements.txt -i https://pypi.example/simple",
        "pip install . && pip install -e ../here ./wheels/a-1.0-py3-none-any.whl",
        "pip install git+https://git.example/a/b.git https://example.com/c.zip",
        "pip install \"requests\"; python x.py",
        "npm install",
        "npm install to get started, or `npm i express@latest`",
        "npm install @scope/name left-pad@^1 user/repo ./local file:../x git+https://git.example/a.git",
        "npx --yes express --port 3000 whatever",
        "If pip install fails, try again.",
        "You can pip install anything you like, and then some.",
        "cargo add serde --features derive && cargo build",
        "cargo add mine --path ../mine",
        "cargo install --git https://git.example/tool tool",
        "go get example.com/known/module/sub/pkg@v1.2.3 ./...",
        "go install fmt",
        "let us go get coffee and a bun",
        "gem install rails -v 7.0",
        "bundle add rails",
        "pip install <package-name> and pip install $NAME, pip install {name}",
        "pip install requests.",
        "pip install requests, then run it",
        "- `pip install requests`: installs it",
        "pip install --upgrade pip",
        "conda install whatever",
        "uv add --script example.py requests",
    ],
};

/// Finds packages that are in no list.
pub(super) struct Packages {
    lists: BTreeMap<Ecosystem, Arc<PackageNames>>,
    commands: Vec<&'static Command>,
}

impl Packages {
    pub(super) fn new(lists: &BTreeMap<Ecosystem, PackageList>) -> Self {
        let commands = COMMANDS.iter().filter(|command| lists.contains_key(&command.ecosystem));
        Self {
            commands: commands.collect(),
            lists: lists.iter().map(|(key, list)| (*key, Arc::clone(&list.names))).collect(),
        }
    }
}

impl Detector for Packages {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        self.commands.iter().map(|command| command.words.to_owned()).collect()
    }

    fn begins_word(&self, _: usize) -> bool {
        true
    }

    fn look_behind(&self) -> usize {
        command::MAX_BYTES + command::LEAD_BYTES
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for hit in hits {
            let Some(command) = self.commands.get(hit.literal) else { continue };
            let Some(names) = self.lists.get(&command.ecosystem) else { continue };
            if !command::may_begin(bytes, hit.start) {
                continue;
            }
            let mut cursor = Cursor::new(bytes, hit.end, command::MAX_BYTES);
            let packages = command.packages(&mut cursor);
            if cursor.starved() {
                findings.undecided(hit.start);
            }
            for package in packages {
                let name = String::from_utf8_lossy(bytes.get(package.range()).unwrap_or_default());
                if command.is_unknown(&name, names) {
                    findings.push(package.start, package.end, 0.8);
                }
            }
        }
    }
}
