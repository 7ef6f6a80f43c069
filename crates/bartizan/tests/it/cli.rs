//! What every command owes its user: words for mistakes, one exit code per meaning, output that can
//! be sent elsewhere.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use expect_test::{Expect, expect};
use serde_json::Value;
use tempfile::TempDir;

/// What a command came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A working folder.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
        command.args(arguments).current_dir(self.0.path()).env_clear();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Ran {
        ended(self.command(arguments), input)
    }

    /// Runs with a variable of the environment.
    pub(crate) fn run_with(&self, variable: (&str, &str), arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.env(variable.0, variable.1);
        ended(command, "")
    }
}

fn ended(mut command: Command, input: impl AsRef<[u8]>) -> Ran {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_vec();
    // A command that needs no input may leave before it is written.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A guardrail with a detector that leaves a channel out, and a limit.
const POLICY: &str = "version: 1
listen: { gateway: \"127.0.0.1:0\", console: \"127.0.0.1:0\" }
providers: { demo: { demo: {} } }
prices: { demo: { input: 1, output: 2 } }
endpoints:
  demo:
    routes: [{ provider: demo, model: demo }]
    guardrails:
      - { id: g-flood, on: [input, output], detect: flood, action: flag }
      - { id: g-words, on: input, detect: keywords, keywords: [zanzibar], action: block, mode: dry-run }
    limits:
      - { id: l-user, per: user, requests: 60/min, usd: 1.5/day }
";

fn mistake(arguments: &[&str], code: i32, said: &Expect) {
    let ran = Place::new().run(arguments, "");
    assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{arguments:?}: {}", ran.stderr);
    said.assert_eq(&ran.stderr);
}

#[test]
fn mistakes_say_what_is_wrong_and_what_to_run() {
    mistake(
        &["chek"],
        2,
        &expect![[r"
            error: unrecognized subcommand 'chek'
            help: a similar subcommand exists: 'check'
            help: `bartizan --help` says what can be given
        "]],
    );
    mistake(
        &["check", "--format", "xml"],
        2,
        &expect![[r"
            error: invalid value 'xml' for '--format <FORMAT>'
            help: possible values: human, json, jsonl, sarif
            help: `bartizan check --help` says what can be given
        "]],
    );
    mistake(
        &["key", "create"],
        2,
        &expect![[r"
            error: the following required arguments were not provided: <NAME>
            help: `bartizan key create --help` says what can be given
        "]],
    );
    mistake(
        &["check", "--endpoint", "x"],
        2,
        &expect![[r"
            error: the following required arguments were not provided: --config <FILE>
            help: `bartizan check --help` says what can be given
        "]],
    );
    mistake(
        &["events", "--since", "yesterday"],
        2,
        &expect![[r"
            error: `yesterday` is not a duration; write a number and ms, s, m, h or d, such as `30s`
            help: for example `--since 1h`
        "]],
    );
    mistake(
        &["config", "check", "--config", "missing.yaml"],
        2,
        &expect![[r"
            error: cannot read the policy file `missing.yaml`: No such file or directory (os error 2)
            help: check the path and its permissions, or write a new file with `bartizan init`
        "]],
    );
    mistake(
        &["events"],
        2,
        &expect![[r"
            error: there is no event log in `bartizan-data/ledger`
            help: `bartizan up` makes one; `--data-dir` names another folder
        "]],
    );
    mistake(
        &["explain", "emial"],
        2,
        &expect![[r"
            error: nothing is called `emial`
            help: did you mean `email`?
        "]],
    );
    mistake(
        &["key", "revoke", "nobody"],
        2,
        &expect![[r"
            error: there is no data folder of Bartizan at `bartizan-data`
            help: `bartizan up` makes one; `--data-dir` names another folder
        "]],
    );
    mistake(
        &["up", "--gateway", "8080"],
        2,
        &expect![[r"
            error: invalid value '8080' for '--gateway <ADDR>': not an address to listen on
            help: write IP:PORT, such as 127.0.0.1:8080
            help: `bartizan up --help` says what can be given
        "]],
    );
    mistake(
        &["up", "--drain", "5s"],
        2,
        &expect![[r"
            error: invalid value '5s' for '--drain <SECONDS>': not a number of seconds
            help: whole seconds, such as 30
            help: `bartizan up --help` says what can be given
        "]],
    );
    mistake(
        &["config", "schema", "--output", "missing/x.json"],
        2,
        &expect![[r"
            error: cannot write `missing/x.json`
              caused by: No such file or directory (os error 2)
            help: check the path: something in it does not exist
        "]],
    );
}

#[test]
fn every_command_has_examples_to_copy() {
    let commands = [
        "",
        "up",
        "init",
        "check",
        "events",
        "key",
        "key create",
        "key list",
        "key revoke",
        "config",
        "config check",
        "config show",
        "config schema",
        "doctor",
        "explain",
        "completions",
        "man",
    ];
    for command in commands {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let ran = Place::new().run(&words, "");
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{command}");
        let examples = ran.stdout.split("Examples:\n").nth(1);
        assert!(
            examples.is_some_and(|text| text.lines().count() == 2 || command == "explain"),
            "{command}"
        );
    }
}

#[test]
fn data_goes_to_a_file_in_one_step() {
    let place = Place::new();
    place.write("bartizan.yaml", POLICY);
    assert_eq!(place.run(&["key", "create", "alice"], "").code, 0);
    for arguments in [
        &["check", "--format", "json"][..],
        &["check", "--format", "jsonl"],
        &["events"],
        &["config", "check"],
        &["config", "show"],
        &["config", "schema"],
        &["explain"],
        &["explain", "email", "--format", "json"],
        &["doctor"],
    ] {
        let direct = place.run(arguments, "{\"text\":\"x\"}");
        place.write("out", "old");
        let ran = place.run(&[arguments, &["--output", "out"]].concat(), "{\"text\":\"x\"}");
        assert_eq!((ran.code, ran.stdout.as_str()), (direct.code, ""), "{arguments:?}");
        if arguments != ["doctor"] {
            assert_eq!(place.read("out"), direct.stdout, "{arguments:?}");
        }
        let hidden: Vec<String> =
            place.names().into_iter().filter(|name| name.starts_with('.')).collect();
        assert!(hidden.is_empty(), "{arguments:?}: {hidden:?}");
    }
    // What fails leaves the file as it was.
    place.write("out", "old");
    let failed = place.run(&["explain", "nothing-of-this-name", "--output", "out"], "");
    assert_eq!((failed.code, place.read("out").as_str()), (2, "old"));
    let dash = place.run(&["explain", "email", "--output", "-"], "");
    assert!(dash.stdout.contains("What it finds"), "{}", dash.stdout);
}

#[test]
fn colour_is_used_where_it_is_asked_for() {
    let place = Place::new();
    let esc = |ran: &Ran| ran.stdout.contains('\u{1b}') || ran.stderr.contains('\u{1b}');
    for (arguments, is_coloured) in [
        (&["check"][..], false),
        (&["--color", "always", "check"], true),
        (&["check", "--color=always", "missing"], true),
        (&["check", "--color", "never", "missing"], false),
        (&["check", "--color=always", "--no-such-option"], true),
        (&["--color", "always", "--help"], true),
    ] {
        let ran = place.run(arguments, "mail bob@example.com");
        assert_eq!(esc(&ran), is_coloured, "{arguments:?}: {:?}", ran.stdout);
    }
    let mut command = place.command(&["check"]);
    command.env("BARTIZAN_COLOR", "always");
    assert!(esc(&ended(command, "x")));
    let mut command = place.command(&["check", "--color", "auto"]);
    command.env("BARTIZAN_COLOR", "always").env("NO_COLOR", "1");
    assert!(!esc(&ended(command, "x")));
}

#[test]
fn options_of_keys_stand_before_or_after_the_command() {
    let place = Place::new();
    place.write("p.yaml", POLICY);
    let key = |words: &[&str]| {
        let ran = place.run(words, "");
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
        ran.stdout
    };
    key(&["key", "create", "alice", "--config", "p.yaml", "--data-dir", "d"]);
    key(&["key", "--config", "p.yaml", "create", "--data-dir", "d", "sp:bot"]);
    let list = key(&["key", "list", "-c", "p.yaml", "--data-dir", "d", "--format", "json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["schema"], "bartizan.keys/v1");
    let names: Vec<&str> =
        list["keys"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["alice", "sp:bot"]);
    assert_eq!(place.names(), ["d", "p.yaml"]);
}

#[test]
fn what_a_guardrail_leaves_out_is_said() {
    let place = Place::new();
    place.write("bartizan.yaml", POLICY);
    let note = "endpoint `demo`, guardrail `g-flood`: `token-flood` does not read output: \
                it needs whole texts, and those may be streamed";
    let ran = place.run(&["config", "check"], "");
    assert_eq!((ran.code, ran.stderr), (0, format!("note: {note}\n")));
    let quiet = place.run(&["config", "check", "--quiet"], "");
    assert_eq!(quiet.stderr, "");
    let json = place.run(&["config", "check", "--format", "json"], "");
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(document["notes"], serde_json::json!([note]));
    let shown = place.run(&["config", "show"], "");
    assert!(shown.stdout.starts_with(&format!("# note: {note}\n")), "{}", shown.stdout);
    // What is shown is a policy file again.
    place.write("shown.yaml", &shown.stdout);
    let again = place.run(&["config", "check", "-c", "shown.yaml"], "");
    assert_eq!(again.code, 0, "{}", again.stderr);
}

#[test]
fn rules_of_a_policy_are_explained() {
    let place = Place::new();
    place.write("bartizan.yaml", POLICY);
    let explained = |words: &[&str]| {
        let ran = place.run(&[&["explain"], words].concat(), "");
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
        ran.stdout
    };
    expect![[r"
        g-flood: guardrail of endpoint `demo` in bartizan.yaml
          reads       user, system, document, tool-result, tool-schema, output
          looks for   flood (repetition, token-flood)
          leaves out  `token-flood` does not read output: it needs whole texts, and those may be streamed
          does        flag
          mode        enforce
          on error    block what it could not read
          threshold   scores of 0.5 and more
    "]]
    .assert_eq(&explained(&["g-flood"]));
    expect![[r"
        l-user: limit of endpoint `demo` in bartizan.yaml
          counts      each person
          at most     60 requests per minute, 1.5 US dollars per day
          does        refuses with 429 and `retry-after` when there is no room
    "]]
    .assert_eq(&explained(&["l-user"]));
    let json: Value = serde_json::from_str(&explained(&["g-words", "--format", "json"])).unwrap();
    assert_eq!(json["rules"][0]["facts"]["looks_for"], "keywords: zanzibar");
    let near = place.run(&["explain", "g-wrods"], "");
    assert_eq!(near.stderr.lines().nth(1), Some("help: did you mean `g-words`?"));
}

#[test]
fn whatever_has_a_name_is_explained() {
    let place = Place::new();
    let list = place.run(&["explain"], "");
    assert!(list.code == 0 && list.stdout.contains("  email "), "{}", list.stdout);
    for (name, words) in [
        ("email", "What it finds"),
        ("keywords", "made from the policy by `detect: keywords`"),
        ("oversize", "made from the policy by `detect: size`"),
        ("topics", "off-topic"),
        ("unsafe-content", "self-harm"),
        ("pii", "credit-card"),
        ("bartizan::gateway::limited", "HTTP: 429"),
        ("last-admin-key", "make another admin key first"),
        ("json-edit-overlap", "meaning: "),
    ] {
        let ran = place.run(&["explain", name], "");
        assert!(
            ran.code == 0 && ran.stdout.contains(words),
            "{name}: {}{}",
            ran.stdout,
            ran.stderr
        );
        let json = place.run(&["explain", name, "--format", "json"], "");
        let document: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(document["schema"], "bartizan.explain/v1", "{name}");
    }
}

#[test]
fn the_doctor_looks_and_changes_nothing() {
    let place = Place::new();
    place.write("bartizan.yaml", POLICY);
    let ran = place.run(&["doctor", "--offline", "--format", "json"], "");
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let checks: Vec<&str> = document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    for check in
        ["policy", "guardrails", "data folder", "keys", "clock", "gateway port", "open files"]
    {
        assert!(checks.contains(&check), "{check}: {checks:?}");
    }
    assert_eq!(place.names(), ["bartizan.yaml"]);

    place.write("bartizan.yaml", "version: 2\n");
    let ran = place.run(&["doctor"], "");
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(ran.stdout.starts_with("fail  policy "), "{}", ran.stdout);
    assert!(ran.stdout.contains("fix: run `bartizan config check`"), "{}", ran.stdout);
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_has_no_room_is_an_error() {
    let place = Place::new();
    for arguments in [&["explain"][..], &["check"], &["check", "--format", "jsonl"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = place.command(arguments);
        command.stdout(full);
        let ran = ended(command, "{\"text\":\"x\"}\n");
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with("error: cannot write standard output: "), "{}", ran.stderr);
        assert!(ran.stderr.contains("help: make room on the disk"), "{}", ran.stderr);
    }
}

#[test]
fn pages_of_the_reference_are_made_for_every_name() {
    let place = Place::new();
    for (page, words) in [
        ("cli", "## `bartizan key create`"),
        ("detectors", "## off-topic"),
        ("errors", "`bartizan::store::open`"),
        ("events", "| `duration_us` |"),
    ] {
        let ran = place.run(&["reference", page], "");
        assert!(ran.code == 0 && ran.stdout.contains(words), "{page}: {}", ran.stdout);
    }
}
