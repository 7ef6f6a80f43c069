//! Programs that install packages: their commands, and which options take a value.
//!
//! What an option means differs from program to program: `-v` takes a version for gems and nothing for
//! Python, `-w` a name for npm and nothing for pnpm. So each program has lists of its own.

mod python;

use bartizan_core::packages::Ecosystem;

use self::python::{PDM_VALUES, PIP, PIP_VALUES, POETRY_VALUES, UV, UV_PIP_VALUES, UV_VALUES};

/// A program that installs packages.
#[derive(Debug)]
pub(super) struct Tool {
    /// Name, lower case.
    pub(super) name: &'static str,
    pub(super) ecosystem: Ecosystem,
    /// What installs; none where the program alone does.
    pub(super) commands: &'static [(&'static str, Takes)],
    /// Options whose value is the next argument.
    pub(super) with_value: &'static [&'static str],
    /// Options that take a value for one command only, and are flags for the others.
    pub(super) with_value_for: Option<(&'static str, &'static [&'static str])>,
    /// Options whose value is a package, to be installed beside the others.
    pub(super) beside: &'static [&'static str],
    /// Options whose value is a package, of which the first argument is a program.
    pub(super) instead: &'static [&'static str],
    /// Options that take the packages from elsewhere.
    pub(super) elsewhere: &'static [&'static str],
}

/// How many packages a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    All,
    /// What follows the first are arguments of the program.
    First,
    /// The first, whose name is `create-` and what is written.
    Create,
    /// Only what options name; the first argument is a program.
    Options,
}

use Takes::{All, Create, First};

const NPM: &[(&str, Takes)] = &[
    ("install", All),
    ("i", All),
    ("in", All),
    ("ins", All),
    ("inst", All),
    ("insta", All),
    ("instal", All),
    ("isnt", All),
    ("isnta", All),
    ("isntal", All),
    ("isntall", All),
    ("add", All),
    ("install-test", All),
    ("it", All),
    ("update", All),
    ("exec", First),
    ("x", First),
    ("create", Create),
    ("init", Create),
    ("innit", Create),
];
const DENO: &[(&str, Takes)] =
    &[("add", All), ("install", All), ("i", All), ("run", First), ("x", First)];
const DENO_VALUES: &[&str] =
    &["-c", "--config", "--import-map", "-n", "--name", "--root", "--cert"];
const GEM: &[(&str, Takes)] = &[
    ("install", All),
    ("instal", All),
    ("insta", All),
    ("inst", All),
    ("ins", All),
    ("i", All),
    ("update", All),
    ("exec", First),
];
const NPM_VALUES: &[&str] = &[
    "-C",
    "--prefix",
    "-w",
    "--workspace",
    "--registry",
    "--tag",
    "--cache",
    "--userconfig",
    "--globalconfig",
    "--omit",
    "--include",
    "--loglevel",
    "--before",
    "--script-shell",
    "--install-strategy",
    "-c",
    "--call",
    "--otp",
    "--cpu",
    "--os",
    "--libc",
];
const PACKAGE: &[&str] = &["-p", "--package"];
const YARN: &[(&str, Takes)] = &[
    ("add", All),
    ("global add", All),
    ("dlx", First),
    ("create", Create),
    ("upgrade", All),
    ("up", All),
];
const YARN_VALUES: &[&str] =
    &["--cwd", "--registry", "--modules-folder", "--cache-folder", "--mutex", "--use-yarnrc"];
const PNPM: &[(&str, Takes)] = &[
    ("add", All),
    ("install", All),
    ("i", All),
    ("update", All),
    ("up", All),
    ("dlx", First),
    ("create", Create),
];
const PNPM_VALUES: &[&str] = &[
    "-F",
    "--filter",
    "--filter-prod",
    "-C",
    "--dir",
    "--store-dir",
    "--virtual-store-dir",
    "--registry",
    "--reporter",
    "--loglevel",
    "-c",
    "--shell-mode",
    "--save-catalog-name",
];
const BUN: &[(&str, Takes)] = &[
    ("add", All),
    ("a", All),
    ("install", All),
    ("i", All),
    ("update", All),
    ("x", First),
    ("create", Create),
];
const BUN_VALUES: &[&str] = &[
    "--cwd",
    "-c",
    "--config",
    "--registry",
    "--cache-dir",
    "--backend",
    "--filter",
    "--ca",
    "--cafile",
];
const CARGO: &[(&str, Takes)] = &[("add", All), ("install", All), ("binstall", All)];
const CARGO_VALUES: &[&str] = &[
    "-F",
    "--features",
    "--version",
    "--vers",
    "--rename",
    "--registry",
    "--index",
    "--root",
    "--target",
    "--profile",
    "-p",
    "--package",
    "-j",
    "--jobs",
    "--manifest-path",
    "--target-dir",
    "--color",
    "--config",
    "-Z",
    "--bin",
    "--example",
    "--message-format",
    "-C",
    "--lockfile-path",
];
const GO: &[(&str, Takes)] = &[("get", All), ("install", All), ("run", First)];
const GO_VALUES: &[&str] = &[
    "-modfile",
    "-o",
    "-ldflags",
    "-gcflags",
    "-asmflags",
    "-tags",
    "-C",
    "-mod",
    "-p",
    "-pkgdir",
    "-overlay",
    "-toolexec",
    "-exec",
    "-buildmode",
    "-compiler",
];
const GEM_VALUES: &[&str] = &[
    "-v",
    "--version",
    "-i",
    "--install-dir",
    "-n",
    "--bindir",
    "--platform",
    "-P",
    "--trust-policy",
    "--build-root",
    "-s",
    "--source",
    "-p",
    "--http-proxy",
    "-B",
    "--bulk-threshold",
    "-g",
    "--file",
    "--target-rbconfig",
    "--config-file",
];
const BUNDLE_VALUES: &[&str] = &[
    "-v",
    "--version",
    "-g",
    "--group",
    "-s",
    "--source",
    "--branch",
    "--ref",
    "--glob",
    "--require",
    "-r",
];
const COMPOSER: &[(&str, Takes)] = &[
    ("require", All),
    ("requir", All),
    ("requi", All),
    ("requ", All),
    ("req", All),
    ("r", All),
    ("global require", All),
    ("global requir", All),
    ("global requi", All),
    ("global requ", All),
    ("global req", All),
    ("global r", All),
    ("create-project", First),
];
const COMPOSER_VALUES: &[&str] = &[
    "-d",
    "--working-dir",
    "--prefer-install",
    "--ignore-platform-req",
    "--repository",
    "--repository-url",
    "-s",
    "--stability",
];
const DOTNET: &[(&str, Takes)] = &[
    ("add package", First),
    ("package add", First),
    ("tool install", First),
    ("tool update", First),
    ("tool exec", First),
    ("new install", All),
];
const DOTNET_VALUES: &[&str] = &[
    "-v",
    "--version",
    "-s",
    "--source",
    "-f",
    "--framework",
    "--package-directory",
    "--add-source",
    "--tool-path",
    "--configfile",
    "--tool-manifest",
    "-a",
    "--arch",
    "--project",
    "--verbosity",
    "--nuget-source",
];
const NUGET_VALUES: &[&str] = &[
    "-version",
    "-source",
    "-outputdirectory",
    "-framework",
    "-projectname",
    "-solutiondirectory",
    "-configfile",
    "-packagesavemode",
    "-verbosity",
    "-dependencyversion",
    "-minimumversion",
    "-maximumversion",
    "-requiredversion",
    "-providername",
    "-scope",
];
const CONDA: &[(&str, Takes)] = &[("install", All), ("create", All), ("update", All)];
const CONDA_VALUES: &[&str] = &[
    "-n",
    "--name",
    "-p",
    "--prefix",
    "-c",
    "--channel",
    "-f",
    "--file",
    "--revision",
    "--solver",
    "--experimental-solver",
    "--repodata-fn",
    "--clone",
    "--subdir",
    "--platform",
];

const fn tool(
    name: &'static str,
    ecosystem: Ecosystem,
    commands: &'static [(&'static str, Takes)],
    with_value: &'static [&'static str],
) -> Tool {
    Tool {
        name,
        ecosystem,
        commands,
        with_value,
        with_value_for: None,
        beside: &[],
        instead: &[],
        elsewhere: &[],
    }
}

/// Every program, by registry.
pub(super) static TOOLS: [Tool; 31] = [
    tool("pip", Ecosystem::Pypi, PIP, PIP_VALUES),
    Tool {
        beside: &["--preinstall"],
        instead: &["--spec"],
        ..tool(
            "pipx",
            Ecosystem::Pypi,
            &[("install", All), ("inject", All), ("run", First)],
            &["--python", "-i", "--index-url", "--pip-args", "--suffix", "--backend"],
        )
    },
    tool(
        "pipenv",
        Ecosystem::Pypi,
        &[("install", All)],
        &[
            "-r",
            "--requirements",
            "--categories",
            "-i",
            "--index",
            "--extra-pip-args",
            "--python",
            "-e",
            "--editable",
            "--pypi-mirror",
        ],
    ),
    tool("poetry", Ecosystem::Pypi, &[("add", All), ("self add", All)], POETRY_VALUES),
    tool("pdm", Ecosystem::Pypi, &[("add", All), ("self add", All)], PDM_VALUES),
    Tool {
        elsewhere: &["--git", "--path", "--url"],
        ..tool(
            "rye",
            Ecosystem::Pypi,
            &[("add", All), ("install", All)],
            &["--features", "--optional", "--pin", "--tag", "--rev", "--branch", "--index"],
        )
    },
    Tool {
        beside: &["--with"],
        instead: &["--from"],
        with_value_for: Some(("pip install", UV_PIP_VALUES)),
        ..tool("uv", Ecosystem::Pypi, UV, UV_VALUES)
    },
    Tool {
        beside: &["--with", "-w"],
        instead: &["--from"],
        ..tool("uvx", Ecosystem::Pypi, &[("", First)], UV_VALUES)
    },
    tool(
        "easy_install",
        Ecosystem::Pypi,
        &[("", All)],
        &["-i", "--index-url", "-f", "--find-links", "-d", "-s", "-H"],
    ),
    Tool { instead: PACKAGE, ..tool("npm", Ecosystem::Npm, NPM, NPM_VALUES) },
    Tool { instead: PACKAGE, ..tool("cnpm", Ecosystem::Npm, NPM, NPM_VALUES) },
    tool("deno", Ecosystem::Npm, DENO, DENO_VALUES),
    Tool { instead: PACKAGE, ..tool("npx", Ecosystem::Npm, &[("", First)], NPM_VALUES) },
    Tool { instead: PACKAGE, ..tool("yarn", Ecosystem::Npm, YARN, YARN_VALUES) },
    Tool { instead: &["--package"], ..tool("pnpm", Ecosystem::Npm, PNPM, PNPM_VALUES) },
    Tool { instead: &["--package"], ..tool("pnpx", Ecosystem::Npm, &[("", First)], PNPM_VALUES) },
    Tool { instead: PACKAGE, ..tool("bun", Ecosystem::Npm, BUN, BUN_VALUES) },
    Tool { instead: PACKAGE, ..tool("bunx", Ecosystem::Npm, &[("", First)], BUN_VALUES) },
    Tool {
        elsewhere: &["--git", "--path"],
        ..tool("cargo", Ecosystem::Crates, CARGO, CARGO_VALUES)
    },
    tool("go", Ecosystem::Go, GO, GO_VALUES),
    tool("gem", Ecosystem::Rubygems, GEM, GEM_VALUES),
    Tool {
        elsewhere: &["--git", "--github", "--path"],
        ..tool("bundle", Ecosystem::Rubygems, &[("add", All)], BUNDLE_VALUES)
    },
    tool("composer", Ecosystem::Packagist, COMPOSER, COMPOSER_VALUES),
    tool("dotnet", Ecosystem::Nuget, DOTNET, DOTNET_VALUES),
    tool("dnx", Ecosystem::Nuget, &[("", First)], DOTNET_VALUES),
    tool("nuget", Ecosystem::Nuget, &[("install", First)], NUGET_VALUES),
    tool("install-package", Ecosystem::Nuget, &[("", First)], NUGET_VALUES),
    tool("conda", Ecosystem::Conda, CONDA, CONDA_VALUES),
    tool("mamba", Ecosystem::Conda, CONDA, CONDA_VALUES),
    tool("micromamba", Ecosystem::Conda, CONDA, CONDA_VALUES),
    tool(
        "pixi",
        Ecosystem::Conda,
        &[("add", All), ("global install", All)],
        &[
            "-f",
            "--feature",
            "--manifest-path",
            "--platform",
            "-e",
            "--environment",
            "-c",
            "--channel",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_options_are_as_they_are_looked_for() {
        for tool in &TOOLS {
            assert_eq!(tool.name, tool.name.to_ascii_lowercase());
            assert!(!tool.commands.is_empty(), "{}", tool.name);
            let lists = [tool.with_value, tool.beside, tool.instead, tool.elsewhere];
            let own = tool.with_value_for.map_or(&[][..], |(_, options)| options);
            let is_known =
                |(command, _): (&str, _)| tool.commands.iter().any(|(words, _)| *words == command);
            assert!(tool.with_value_for.is_none_or(is_known), "{}", tool.name);
            let options: Vec<_> = lists.into_iter().flatten().chain(own).collect();
            assert!(options.iter().all(|option| option.starts_with('-')), "{}", tool.name);
            let distinct: std::collections::BTreeSet<_> = options.iter().collect();
            assert_eq!(distinct.len(), options.len(), "{} has an option twice", tool.name);
        }
    }
}
