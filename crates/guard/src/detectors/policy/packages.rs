//! Packages that a command would install and that are in no list of the policy.

mod command;
mod names;
mod sentence;
mod tools;

use std::collections::BTreeMap;
use std::sync::Arc;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::packages::{Ecosystem, PackageNames};
use bartizan_core::settings::PackageList;
use bartizan_core::{Category, Severity};

use self::names::is_unknown;
use self::tools::{TOOLS, Tool};
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
                `gem install`, `composer require`, `dotnet add package`, `conda install` and their kin are given, where a command may \
                begin: at the start of a line, behind a backtick, quote, prompt, `sudo`, `RUN`, `run`, another command, or a program that runs others such as `docker run`. Options are \
                read as each program has them. Only registries with a list are judged. Names are compared as the registry does: \
                `Foo.Bar` is `foo-bar` on PyPI.",
        matters: "Models invent names of packages, often the same ones. Whoever registers such a name is installed by everyone \
                  who follows the answer.",
        example: "With `packages: { pypi: [requests] }`, `pip install requests` passes, `pip install reqeusts-auth` is found.",
        fix: "Flag it or mask the name. Give the names of your own mirror, or all of a registry: a list takes eight bytes per \
              name, and is read again with the policy.",
        limits: "That a name is listed does not make the package harmless. Imports, files of requirements and lists of \
                 arguments such as `[\"pip\", \"install\", \"x\"]` are not read, nor most commands in the middle of a sentence. Of a command \
                 the arguments that begin in the first 640 bytes are read. Packages from addresses, paths and repositories are left alone.",
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
        "uv pip install  not-there",
        "composer require mystery/box:^1.0",
        "dotnet add package Mystery.Box",
        "conda install -n x mystery",
        "uvx --from not-there run-it",
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
        "conda activate whatever",
        "pip install 'requests<3' 'numpy==1.*' -v",
        "uv add --script example.py requests",
    ],
};

/// Finds packages that are in no list.
pub(super) struct Packages {
    lists: BTreeMap<Ecosystem, Arc<PackageNames>>,
    tools: Vec<&'static Tool>,
}

impl Packages {
    pub(super) fn new(lists: &BTreeMap<Ecosystem, PackageList>) -> Self {
        let tools = TOOLS.iter().filter(|tool| lists.contains_key(&tool.ecosystem));
        Self {
            tools: tools.collect(),
            lists: lists.iter().map(|(key, list)| (*key, Arc::clone(&list.names))).collect(),
        }
    }
}

impl Packages {
    /// The program that a literal names, and where its name begins: `pip`, `-mpip` and `_pip` are one.
    fn tool(&self, bytes: &[u8], hit: Hit) -> Option<(&'static Tool, usize)> {
        let before = hit.start.checked_sub(1).and_then(|at| bytes.get(at));
        let Some(glued) = hit.literal.checked_sub(self.tools.len()) else {
            let is_alone = before != Some(&b'_');
            let tool = self.tools.get(hit.literal).filter(|_| is_alone)?;
            return Some((*tool, hit.start));
        };
        let tool = self.tools.get(glued / 2)?;
        let fits = match before {
            Some(byte) if glued % 2 == 0 => *byte == b'-',
            Some(byte) => !byte.is_ascii_alphanumeric() && *byte != b'_',
            None => glued % 2 == 1,
        };
        fits.then_some((tool, hit.start + 1))
    }
}

impl Detector for Packages {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        let names = || self.tools.iter().map(|tool| tool.name);
        let glued = names().flat_map(|name| [format!("m{name}"), format!("_{name}")]);
        names().map(str::to_owned).chain(glued).collect()
    }

    fn begins_word(&self, _: usize) -> bool {
        true
    }

    fn look_behind(&self) -> usize {
        command::LOOK_BEHIND
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        for hit in hits {
            let Some((tool, start)) = self.tool(bytes, *hit) else { continue };
            let Some(names) = self.lists.get(&tool.ecosystem) else { continue };
            let Some(setting) = command::setting(bytes, start) else { continue };
            let is_emphasis = start > hit.start && bytes.get(hit.start) == Some(&b'_');
            let mut cursor = Cursor::new(bytes, hit.end, command::MAX_BYTES);
            let packages = tool.packages(&mut cursor, setting);
            if cursor.starved() {
                findings.undecided(hit.start);
            }
            for package in packages {
                let text = package.text.as_str();
                let text = if is_emphasis { text.trim_end_matches('_') } else { text };
                // What is no package of the registry has another prefix.
                let is_other = tool.name == "deno" && !text.starts_with("npm:");
                if !is_other && is_unknown(tool.ecosystem, text, names) {
                    findings.push(package.span.start, package.span.end, 0.8);
                }
            }
        }
    }
}
