//! The page of detectors.

use std::fmt::{Result, Write};

use bartizan_guard::detectors::ON_REQUEST;

use crate::commands::explain::{FORMS, all, by_category, sections};

const HEAD: &str = "# Detectors

Every detector, as `bartizan explain` prints it; made by `cargo xtask generate`. Policy names a detector, or the category
of several, in [`detect:`](policy.md#guardrails). A category leaves out those that are marked *on request*, which find what is
mostly harmless; `entities` asks for them.

Numbers that people and companies are given score by what they prove: those with a shape of their own and right check
digits 0.65 and more, plain digits with a right check digit 0.4, others less. After a word that names them, in the 96 bytes
before, they score 0.6 and more, but for what ordinary words make by chance. The default threshold is 0.5.

Most of them read rules: formats, check digits, words and grammar. Those of attacks, unsafe content and names ask small
trained models, and say so; the section *Limits* of each says what it cannot see. Before they look, the engine removes
disguises: look-alike and full-width letters, invisible characters, combining marks, spaced-out words, URL, HTML and
string escapes, base64 and hex (twice, one inside the other), and, for detectors that ask for it, rot13 and words that are
misspelt on purpose.
";

pub(super) fn write(out: &mut String) -> Result {
    let metas = by_category(all());
    writeln!(out, "{HEAD}")?;
    let made: Vec<String> =
        FORMS.iter().map(|(form, made)| format!("[`{made}`](#{made}) by `{form}`")).collect();
    writeln!(
        out,
        "Some are made from the policy, by a `detect:` of their own: {}.\n",
        made.join(", ")
    )?;
    writeln!(out, "| category | detector | severity | finds |\n|---|---|---|---|")?;
    for meta in &metas {
        let (id, severity) = (meta.id, meta.severity.name());
        let asked = if ON_REQUEST.contains(&id) { " (on request)" } else { "" };
        writeln!(
            out,
            "| `{}` | [`{id}`](#{id}) | {severity} | {}{asked} |",
            meta.category,
            super::cell(meta.summary)
        )?;
    }
    for meta in &metas {
        writeln!(
            out,
            "\n## {}\n\n{}. Category `{}`, severity {}.\n",
            meta.id,
            meta.summary,
            meta.category,
            meta.severity.name()
        )?;
        for (title, text) in sections(meta) {
            if text.contains("](") {
                // Text with a link of its own would be read as one.
                writeln!(out, "- **{title}**\n\n  ```text\n  {text}\n  ```\n")?;
            } else {
                writeln!(out, "- **{title}** – {text}")?;
            }
        }
        if !meta.references.is_empty() {
            let references: Vec<String> = meta.references.iter().map(ToString::to_string).collect();
            writeln!(out, "- **References** – {}", references.join(", "))?;
        }
    }
    Ok(())
}
