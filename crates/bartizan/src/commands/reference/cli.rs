//! The page of the command line, from the help texts.

use std::fmt::{Result, Write};

use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::cell;
use crate::cli::Cli;
use crate::format::EXIT_CODES;

const HEAD: &str = "# Command line

`bartizan <command>`. This page is made from the help texts by `cargo xtask generate`; `bartizan <command> --help` prints the
same in the terminal, `bartizan man` as a manual page. Data goes to stdout, or to the file that `--output` names;
everything else goes to stderr. `-` as a file is standard input or output.
";

const ERRORS: &str = "Errors are an `error:` line, the place in the file where there is one, and `help:` lines with what to do. A command that
needs a policy and is given none with `--config` finds one [as described](policy.md#which-file-is-used).";

pub(super) fn write(out: &mut String) -> Result {
    let mut root = Cli::command();
    root.build();
    writeln!(out, "{HEAD}")?;
    writeln!(out, "## Exit codes\n\nThe same for every command and format.\n")?;
    writeln!(out, "| code | meaning |\n|---|---|")?;
    for (code, meaning) in EXIT_CODES {
        writeln!(out, "| {code} | {meaning} |")?;
    }
    writeln!(out, "\n{ERRORS}\n\n## Everywhere\n")?;
    options(out, root.get_arguments().filter(|arg| is_option(arg)))?;
    writeln!(
        out,
        "\nOf the environment, too: `BARTIZAN_LOG` is a log filter of its own, such as `bartizan_gateway=debug`, and"
    )?;
    writeln!(out, "`NO_COLOR` turns colour off.")?;
    let everywhere: Vec<String> =
        root.get_arguments().map(|arg| arg.get_id().to_string()).collect();
    root.get_subcommands().try_for_each(|command| section(out, command, &everywhere))
}

/// A command, then those inside it.
fn section(out: &mut String, command: &Command, known: &[String]) -> Result {
    if command.is_hide_set() || command.get_name() == "help" {
        return Ok(());
    }
    let name = command.get_bin_name().unwrap_or(command.get_name());
    writeln!(out, "\n## `{name}`\n")?;
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    writeln!(out, "{}", about.lines().map(sentence).collect::<Vec<_>>().join("\n"))?;
    let mut command = command.clone();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples: Vec<&str> = examples.lines().skip(1).map(str::trim).collect();
    writeln!(out, "\n```sh\n{usage}\n```")?;
    let is_new = |arg: &&Arg| !known.contains(&arg.get_id().to_string()) && !arg.is_hide_set();
    let positionals: Vec<&Arg> = command.get_positionals().filter(is_new).collect();
    for arg in &positionals {
        let name = arg.get_value_names().and_then(<[_]>::first).map(ToString::to_string);
        writeln!(out, "\n`{}`: {}", name.unwrap_or_default(), help(arg))?;
    }
    let new: Vec<&Arg> =
        command.get_arguments().filter(is_new).filter(|arg| is_option(arg)).collect();
    if !new.is_empty() {
        writeln!(out)?;
        options(out, new.iter().copied())?;
    }
    if !examples.is_empty() {
        writeln!(out, "\n```sh\n{}\n```", examples.join("\n"))?;
    }
    let mut known = known.to_vec();
    known.extend(new.iter().map(|arg| arg.get_id().to_string()));
    command.get_subcommands().try_for_each(|inner| section(out, inner, &known))
}

fn is_option(arg: &Arg) -> bool {
    !arg.is_positional() && !matches!(arg.get_id().as_str(), "help" | "version")
}

fn options<'a>(out: &mut String, options: impl Iterator<Item = &'a Arg>) -> Result {
    writeln!(out, "| option | environment | default | meaning |\n|---|---|---|---|")?;
    for arg in options {
        let environment = arg.get_env().map(|name| format!("`{}`", name.to_string_lossy()));
        let (meaning, default) = without_default(arg);
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            flags(arg),
            environment.unwrap_or_default(),
            cell(&default),
            cell(&meaning)
        )?;
    }
    Ok(())
}

/// `-c, --config FILE`
fn flags(arg: &Arg) -> String {
    let mut flags = String::new();
    if let Some(short) = arg.get_short() {
        let _ = write!(flags, "-{short}, ");
    }
    if let Some(long) = arg.get_long() {
        let _ = write!(flags, "--{long}");
    }
    if let (true, Some(name)) = (takes_value(arg), arg.get_value_names().and_then(<[_]>::first)) {
        // In a table, a bar that is not escaped ends the cell, in code too.
        let _ = write!(flags, " {}", name.replace('|', "\\|"));
    }
    format!("`{flags}`")
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

/// The help and the default, which some texts name themselves.
fn without_default(arg: &Arg) -> (String, String) {
    let help = help(arg);
    if let Some((before, rest)) = help.split_once(" [default: ")
        && let Some((default, after)) = rest.split_once(']')
    {
        return (format!("{before}{after}"), default.to_owned());
    }
    let values: Vec<String> = if takes_value(arg) {
        arg.get_default_values()
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect()
    } else {
        Vec::new()
    };
    (help, values.join(", "))
}

/// The help with the values that can be given.
fn help(arg: &Arg) -> String {
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let values = if takes_value(arg) { arg.get_possible_values() } else { Vec::new() };
    let shown: Vec<String> = values
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| match value.get_help() {
            Some(said) => format!("`{}` ({})", value.get_name(), lower(&said.to_string())),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !shown.is_empty() {
        let _ = write!(help, ": {}", shown.join(", "));
    }
    help
}

/// The first letter small, unless the word is an abbreviation.
fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// The line with a full stop.
fn sentence(line: &str) -> String {
    if line.is_empty() || line.ends_with('.') { line.to_owned() } else { format!("{line}.") }
}
