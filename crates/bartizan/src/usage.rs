//! Reads the command line. Its mistakes are said like every other error: what is wrong, then what
//! to run.

use std::ffi::OsString;
use std::process::ExitCode;

use bartizan_core::Class;
use clap::error::ErrorKind;
use clap::{ColorChoice, CommandFactory as _, FromArgMatches as _, ValueEnum as _};

use crate::cli::Cli;
use crate::format;
use crate::terminal::ColorWhen;

/// What was asked for, or the exit code when help was, or nothing that can be done.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    let words: Vec<OsString> = std::env::args_os().collect();
    // Help and mistakes are printed before the flag would be read.
    let color = color(&words);
    let mut command = Cli::command().color(match color {
        ColorWhen::Auto => ColorChoice::Auto,
        ColorWhen::Always => ColorChoice::Always,
        ColorWhen::Never => ColorChoice::Never,
    });
    let read = command.try_get_matches_from_mut(&words).and_then(|matches| {
        Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    });
    read.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader that has seen enough of the help may go.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            ExitCode::from(Class::Usage.exit_code())
        }
        _ => {
            let said = said(&error.to_string(), &path(&words));
            format::print_error(&said, color.paint(&std::io::stderr()));
            ExitCode::from(Class::Usage.exit_code())
        }
    })
}

/// The value of `--color`, as far as it can be told from the bare words.
fn color(words: &[OsString]) -> ColorWhen {
    let mut given = None;
    let mut words = words.iter().map_while(|word| word.to_str()).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        match word.split_once('=') {
            Some(("--color", value)) => given = Some(value),
            None if word == "--color" => given = words.next(),
            _ => {}
        }
    }
    let environment = std::env::var("BARTIZAN_COLOR").ok();
    given
        .or(environment.as_deref())
        .and_then(|value| ColorWhen::from_str(value, true).ok())
        .unwrap_or_default()
}

/// The command that was meant, such as `bartizan key create`.
fn path(words: &[OsString]) -> String {
    let mut path = "bartizan".to_owned();
    let mut command = Cli::command();
    for word in words.iter().skip(1).filter_map(|word| word.to_str()) {
        if let Some(inner) = command.find_subcommand(word).cloned() {
            path.push(' ');
            path.push_str(word);
            command = inner;
        }
    }
    path
}

/// The parser's words as `error:` and `help:` lines.
fn said(rendered: &str, path: &str) -> String {
    let mut error = Vec::new();
    let mut lines = Vec::new();
    let body = rendered.split("\nUsage:").next().unwrap_or_default();
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(tip) = line.strip_prefix("tip: ") {
            lines.push(format!("help: {tip}"));
        } else if let Some(values) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'))
        {
            lines.push(format!("help: {values}"));
        } else if !line.starts_with("For more information") {
            error.push(line);
        }
    }
    lines.insert(0, error.join(" "));
    lines.push(format!("help: `{path} --help` says what can be given"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn mistakes_end_in_what_to_run() {
        let error = Cli::command().try_get_matches_from(words("bartizan key create")).unwrap_err();
        assert_eq!(
            said(&error.to_string(), "bartizan key create"),
            "error: the following required arguments were not provided: <NAME>\n\
             help: `bartizan key create --help` says what can be given"
        );
    }

    #[test]
    fn the_command_is_found_among_options() {
        assert_eq!(path(&words("bartizan -q key --config p.yaml create")), "bartizan key create");
        assert_eq!(path(&words("bartizan nothing")), "bartizan");
    }

    #[test]
    fn the_last_colour_counts_and_only_before_the_end_of_options() {
        assert_eq!(color(&words("bartizan --color never check --color=always")), ColorWhen::Always);
        assert_eq!(color(&words("bartizan check -- --color=always")), ColorWhen::Auto);
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
