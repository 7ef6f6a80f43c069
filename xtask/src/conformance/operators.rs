//! Cases about what stands in place of a value: each runs with a policy of its own, and what comes out
//! is compared to the letter.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Disagreements;
use super::cases::{file_of, records, test_of};
use crate::shell::Program;
use crate::{files, say};

const SUITE: &str = "presidio_anonymizer";
const PAGE: &str = "docs/evals/presidio-anonymizer.md";
/// For operators that need a key; of no use to anybody.
const KEY: &str = "heron-quartz-lantern-0123456789-conformance";

const ALWAYS_HIDES: &str = "No mask of ours keeps more than half of a value, whatever the policy says. Theirs shows all of \
                            it where nothing is to be masked.";
const KEYED: &str = "Theirs is SHA-256 or SHA-512 of a salt and the value, written as bare hexadecimal digits. Ours is an HMAC \
                     under a key of the policy, shortened to 80 bits, that says what it stands for: a salt that is known \
                     lets anybody try out all telephone numbers.";
const MONOTONOUS: &str = "They take any key of 16, 24 or 32 bytes as it is. Ours has 32 characters or more, not the same few, and \
                          every use derives a key of its own from it.";
const NEIGHBOURS: &str = "Neighbours of one kind become one there. Here each is a value of its own: two telephone numbers side by \
                          side stay two.";

/// Tests that are left out, and why.
const LEFT_OUT: [(&str, &str); 11] = [
    ("test_anonymize_engine.py", "lengths of hashes: the hash itself is compared in other cases"),
    ("test_keep.py", "an operator that keeps a value, which is a guardrail with `action: flag`"),
    ("test_app_entities_convertor.py", "requests of its own server"),
    (
        "test_conflict_resolution_strategy.py",
        "overlaps of findings that are handed in; ours come from detectors and are masked as one",
    ),
    ("test_operator_config.py", "objects of its library"),
    ("test_operator_result.py", "objects of its library"),
    ("test_recognizer_result.py", "objects of its library"),
    (
        "test_anonymizer_engine.py",
        "findings that are handed in, with places or kinds that no detector gives",
    ),
    ("test_replace.py", "a finding without a kind"),
    ("test_text_replace_builder.py", "places beyond the text, and what stands there untouched"),
    ("test_aes_cypher.py", "keys drawn at random while the test runs"),
];

/// One case: what is asked, and what should come out.
struct Case {
    test: String,
    ask: Ask,
    expected: String,
    because: &'static str,
}

enum Ask {
    /// The text that an operator leaves of `text`, all of which a pattern finds, or the part given.
    Mask { text: String, found: Vec<String>, operator: String },
    /// What a detector's finding in a text becomes.
    Detect { text: String, detect: &'static str },
    /// A text that is encrypted and decrypted.
    Round { text: String },
    /// Whether a policy with this key, or this operator, is taken.
    Valid { key: String, operator: String },
}

/// Runs the suite; prints a line for the table, and with [`Disagreements::Write`] writes the page.
pub(super) fn run(folder: &Path, binary: &Path, disagreements: Disagreements) -> Result<()> {
    let (mut cases, mut left_out) = (Vec::new(), BTreeMap::<String, usize>::new());
    for record in records(&folder.join(format!("{SUITE}.jsonl.gz")))? {
        if let Some(case) = case(&record) {
            cases.push(case);
        } else {
            let file = file_of(&record).unwrap_or_default().to_owned();
            *left_out.entry(file).or_default() += 1;
        }
    }
    let mut differ = Vec::new();
    for case in &cases {
        let got = answer(binary, &case.ask).with_context(|| format!("in {}", case.test))?;
        if got != case.expected {
            differ.push((case, got));
        }
    }
    let (total, agreed) = (cases.len(), cases.len() - differ.len());
    let share = agreed as f64 * 100.0 / total.max(1) as f64;
    say::data(&format!("| {SUITE} | {total} | {agreed} | {share:.1} % | |\n"));
    for (case, got) in differ.iter().filter(|(case, _)| case.because.is_empty()) {
        say::note(&format!("{SUITE} differs: {}: `{got}`, not `{}`", case.test, case.expected));
    }
    if disagreements == Disagreements::Write {
        files::write(&files::root().join(PAGE), &page(total, agreed, &differ, &left_out))?;
        say::note(&format!("wrote {PAGE}"));
    }
    Ok(())
}

fn case(record: &Value) -> Option<Case> {
    let params = record.get("params")?;
    let text = |name: &str| Some(params.get(name)?.as_str()?.to_owned());
    let number = |name: &str| params.get(name)?.as_i64();
    let mask = |found: String, operator: String, expected: String, because| Case {
        test: test_of(record),
        ask: Ask::Mask { text: found.clone(), found: vec![found], operator },
        expected,
        because,
    };
    match file_of(record)? {
        "test_mask.py" => {
            let value = text("text")?;
            let count = value.chars().count();
            let hidden = usize::try_from(number("chars_to_mask")?).unwrap_or(0).min(count);
            let end = if params.get("from_end")?.as_bool()? { "first" } else { "last" };
            let with = text("masking_char")?;
            let operator =
                format!("{{ partial: {{ {end}: {}, with: '{with}' }} }}", count - hidden);
            Some(mask(value, operator, text("anonymized_text")?, ALWAYS_HIDES))
        }
        "test_redact.py" => Some(mask("text".to_owned(), "redact".to_owned(), String::new(), "")),
        "test_replace.py" => {
            let expected = params.get("result").and_then(Value::as_str);
            let expected = expected.or_else(|| record.get("params")?.get("result")?.as_str())?;
            (expected == "<PHONE_NUMBER>").then(|| Case {
                test: test_of(record),
                ask: Ask::Detect { text: "+1 212-555-0123".to_owned(), detect: "phone-number" },
                expected: expected.to_owned(),
                because: "",
            })
        }
        "test_hash.py" | "test_anonymize_engine.py" => {
            let expected = text("anonymized_text").or_else(|| text("expected_hash"))?;
            Some(mask(text("text")?, "hash".to_owned(), expected, KEYED))
        }
        "test_aes_cypher.py" => {
            let key = text("key")?;
            let (ask, expected) = match params.get("is_valid").and_then(Value::as_bool) {
                Some(valid) => {
                    (Ask::Valid { key, operator: "encrypt".to_owned() }, valid.to_string())
                }
                None => (Ask::Round { text: text("text")? }, text("text")?),
            };
            Some(Case { test: test_of(record), ask, expected, because: MONOTONOUS })
        }
        "test_text_replace_builder.py" => {
            let (original, written) = (text("original_text")?, text("anonymized_text")?);
            let (start, end) = (number("start")? as usize, number("end")? as usize);
            let found =
                original.get(start..end.min(original.len())).filter(|found| !found.is_empty())?;
            let operator = match written.as_str() {
                "" => "redact".to_owned(),
                written => format!("{{ replace: '{written}' }}"),
            };
            let ask = Ask::Mask { text: original.clone(), found: vec![found.to_owned()], operator };
            Some(Case { test: test_of(record), ask, expected: text("expected")?, because: "" })
        }
        "test_anonymizer_engine.py" if params.get("anonymizers").is_some() => Some(Case {
            test: test_of(record),
            ask: Ask::Valid { key: KEY.to_owned(), operator: "nonsense".to_owned() },
            expected: "false".to_owned(),
            because: "",
        }),
        "test_anonymizer_engine.py" => neighbours(record, &text("text")?),
        _ => None,
    }
}

/// Names that stand side by side and are found one by one.
fn neighbours(record: &Value, text: &str) -> Option<Case> {
    let params = record.get("params")?;
    let expected = params.get("expected")?.get("$expr")?.as_str()?;
    let expected = expected.strip_prefix("EngineResult(text='")?.split('\'').next()?;
    let mut found = Vec::new();
    for result in params.get("analyzer_results")?.as_array()? {
        let result = result.get("$expr")?.as_str()?;
        if !result.contains("'PERSON'") {
            return None;
        }
        let at = |name: &str| -> Option<usize> {
            result.split(name).nth(1)?.split(',').next()?.parse().ok()
        };
        found.push(text.get(at("start=")?..at("end=")?)?.to_owned());
    }
    Some(Case {
        test: test_of(record),
        ask: Ask::Mask { text: text.to_owned(), found, operator: "{ replace: BIP }".to_owned() },
        expected: expected.to_owned(),
        because: NEIGHBOURS,
    })
}

/// What Bartizan says.
fn answer(binary: &Path, ask: &Ask) -> Result<String> {
    match ask {
        Ask::Mask { text, found, operator } => masked(binary, text, found, operator),
        Ask::Detect { text, detect } => {
            let config = policy(KEY, &format!("detect: {detect}, operator: label"))?;
            check(binary, &config, text)
        }
        Ask::Round { text } => {
            let sealed = masked(binary, text, std::slice::from_ref(text), "encrypt")?;
            let config = policy(KEY, "detect: pii")?;
            feed(binary, &["decrypt", "--config"], &config, &sealed)
        }
        Ask::Valid { key, operator } => {
            let config = policy(key, &format!("detect: pii, operator: {operator}"))?;
            let program = Program::new(binary).args(["config", "check", "--config"]).arg(&config);
            Ok(program.succeeds().to_string())
        }
    }
}

fn masked(binary: &Path, text: &str, found: &[String], operator: &str) -> Result<String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let patterns: Vec<String> = found.iter().map(|found| escaped(found)).collect();
    let patterns = json!(patterns);
    let rest = format!("detect: patterns, patterns: {patterns}, operator: {operator}");
    check(binary, &policy(KEY, &rest)?, text)
}

/// An expression for exactly this text.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut pattern, c| {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
        pattern
    })
}

fn policy(key: &str, rest: &str) -> Result<PathBuf> {
    let target = files::target_dir()?;
    files::write(&target.join("conformance.key"), key)?;
    let path = target.join("conformance-operators.yaml");
    let text = format!(
        "version: 1\nmask-key: file:conformance.key\nproviders: {{ demo: {{ demo: {{}} }} }}\nendpoints:\n  all:\n    \
         routes: [{{ provider: demo }}]\n    guardrails:\n      - {{ id: g, on: input, action: mask, {rest} }}\n"
    );
    files::write(&path, &text)?;
    Ok(path)
}

/// The text after masking.
fn check(binary: &Path, config: &Path, text: &str) -> Result<String> {
    let line = json!({ "id": 1, "text": text }).to_string();
    let said = feed(binary, &["check", "--format", "jsonl", "--config"], config, &line)?;
    let answer: Value = serde_json::from_str(&said).with_context(|| format!("answer `{said}`"))?;
    Ok(answer.get("text").and_then(Value::as_str).unwrap_or_default().to_owned())
}

fn feed(binary: &Path, arguments: &[&str], config: &Path, input: &str) -> Result<String> {
    let program = Program::new(binary).args(arguments).arg(config);
    let mut child = program
        .into_command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run the binary")?;
    child.stdin.take().context("no pipe")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output().context("cannot read what it says")?;
    String::from_utf8(output.stdout).context("no UTF-8")
}

/// The page about the suite.
fn page(
    total: usize,
    agreed: usize,
    differ: &[(&Case, String)],
    left_out: &BTreeMap<String, usize>,
) -> String {
    let mut page = format!(
        "# Agreement with Presidio's anonymizer\n\nWritten by `cargo xtask conformance --disagreements`. Of {total} literal \
         cases that an operator of ours can be asked, {agreed} get the same text, to the letter. Each runs with a policy of \
         its own through `bartizan check`, `decrypt` or `config check`.\n\n| Presidio | Bartizan |\n|---|---|\n| `replace` \
         without a text | `label` |\n| `replace` | `replace` |\n| `redact` | `redact` |\n| `mask` | `partial` |\n| `hash` | \
         `hash`, keyed |\n| `encrypt`, `decrypt` | `encrypt`, `bartizan decrypt` |\n| `keep` | `action: flag` |\n| `custom` | \
         – |\n"
    );
    let mut groups: BTreeMap<&str, Vec<&(&Case, String)>> = BTreeMap::new();
    for entry in differ {
        let because =
            if entry.0.because.is_empty() { "Not explained yet." } else { entry.0.because };
        groups.entry(because).or_default().push(entry);
    }
    if !groups.is_empty() {
        page.push_str("\n## Disagreements\n");
    }
    for (because, entries) in groups {
        // Writing to a string cannot fail.
        let _ = write!(page, "\n{because}\n\n");
        for (case, got) in entries {
            let short = |text: &str| text.chars().take(24).collect::<String>();
            let _ = writeln!(
                page,
                "- {}: expected `{}`, got `{}`",
                case.test,
                short(&case.expected),
                short(got)
            );
        }
    }
    page.push_str("\n## Left out\n\n");
    for (file, count) in left_out {
        let reason = LEFT_OUT.iter().find(|(name, _)| name == file);
        let reason = reason.map_or("not explained yet", |(_, reason)| reason);
        let _ = writeln!(page, "- `{file}` ({count}): {reason}");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_of_theirs_is_a_partial_mask_of_ours() {
        let record = json!({ "file": "t/test_mask.py", "test": "t", "params": {
            "text": "text", "masking_char": "*", "chars_to_mask": 3, "from_end": true, "anonymized_text": "t***" } });
        let case = case(&record).unwrap();
        let Ask::Mask { operator, .. } = case.ask else { panic!("no mask") };
        assert_eq!(operator, "{ partial: { first: 1, with: '*' } }");
    }

    #[test]
    fn names_side_by_side_are_read_from_their_places() {
        let record = json!({ "file": "t/test_anonymizer_engine.py", "test": "t", "params": {
            "text": "I am Ann Lee",
            "analyzer_results": [
                { "$expr": "RecognizerResult(start=5, end=8, score=0.8, entity_type='PERSON')" } ],
            "expected": { "$expr": "EngineResult(text='I am BIP Lee', items=[])" } } });
        let case = case(&record).unwrap();
        let Ask::Mask { found, .. } = case.ask else { panic!("no mask") };
        assert_eq!((found, case.expected.as_str()), (vec!["Ann".to_owned()], "I am BIP Lee"));
    }
}
