//! `bartizan explain`: what a detector finds, why it matters, and what it cannot see; what a rule of
//! the policy does; what an error code means, and what to do.

pub(crate) mod codes;
mod rules;

pub(crate) use rules::notes;

use std::borrow::Cow;
use std::io::{self, Write};
use std::process::ExitCode;

use bartizan_core::Category;
use bartizan_core::catalog::Meta;
use bartizan_guard::detectors;
use serde_json::{Value, json};

use crate::cli::{DocumentFormat, ExplainArgs, PolicyArgs};
use crate::format::usage;
use crate::output::Output;
use crate::terminal::{Paint, Terminal};
use crate::wire::policy::{self, Loaded};
use codes::{Code, Listed, Section};
use rules::Rule;

/// What `detect:` says for a detector that the policy makes, and the detector's id.
pub(crate) const FORMS: [(&str, &str); 6] = [
    ("keywords", "keyword"),
    ("patterns", "pattern"),
    ("topics", "off-topic"),
    ("size", "oversize"),
    ("links", "outside-link"),
    ("packages", "unknown-package"),
];
/// Most names that are offered for one that is unknown.
const OFFERED: usize = 6;

/// What a name stands for.
enum Thing {
    Detector(&'static Meta),
    Category(Category),
    Codes(Vec<Listed>),
    Rules(Vec<Rule>),
}

pub(crate) fn run(args: &ExplainArgs, terminal: Terminal) -> anyhow::Result<ExitCode> {
    let found = args.id.as_deref().map(|id| find(id, args)).transpose()?;
    let mut out = Output::open(&args.output, terminal)?;
    match args.format {
        DocumentFormat::Json => {
            let document = found.as_ref().map_or_else(|| list_json(all()), Thing::json);
            writeln!(out, "{document:#}")?;
        }
        DocumentFormat::Human => {
            let paint = out.paint();
            match &found {
                None => list(&mut out, paint, all())?,
                Some(thing) => thing.write(&mut out, paint)?,
            }
        }
    }
    out.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Every detector: the catalogue, then those that a policy makes.
pub(crate) fn all() -> impl Iterator<Item = &'static Meta> {
    let catalogue = detectors::ALL.iter().map(|detector| detector.meta());
    catalogue.chain(detectors::POLICY_MADE)
}

fn find(id: &str, args: &ExplainArgs) -> anyhow::Result<Thing> {
    // A file that was named is asked first; one that lies about, last.
    if args.config.is_some() {
        let rules = rules::called(id, &load(args)?);
        if !rules.is_empty() {
            return Ok(Thing::Rules(rules));
        }
    }
    if let Some(thing) = built_in(id) {
        return Ok(thing);
    }
    let policy = load(args);
    if let Ok(policy) = &policy {
        let rules = rules::called(id, policy);
        if !rules.is_empty() {
            return Ok(Thing::Rules(rules));
        }
    }
    let mut help = offers(id, policy.as_ref().ok());
    if policy.is_err() {
        help.push_str("; the policy file cannot be read, see `bartizan config check`");
    }
    Err(usage(format!("nothing is called `{id}`"), help))
}

fn load(args: &ExplainArgs) -> anyhow::Result<Loaded> {
    policy::load(&PolicyArgs { config: args.config.clone(), data_dir: None })
}

fn built_in(id: &str) -> Option<Thing> {
    let made = FORMS.iter().find(|(form, _)| *form == id).map_or(id, |(_, made)| made);
    all()
        .find(|meta| meta.id == made)
        .map(Thing::Detector)
        .or_else(|| Category::from_name(id).map(Thing::Category))
        .or_else(|| Some(codes::find(id)).filter(|found| !found.is_empty()).map(Thing::Codes))
}

/// What may have been meant.
fn offers(id: &str, policy: Option<&Loaded>) -> String {
    let mut names: Vec<&str> = all().map(|meta| meta.id).collect();
    names.extend(Category::ALL.map(Category::name));
    names.extend(FORMS.map(|(form, _)| form));
    names.extend(codes::all().map(|(_, code)| codes::last(code.id)));
    names.extend(codes::all().map(|(_, code)| code.id));
    let rules = policy.map(rules::ids).unwrap_or_default();
    names.extend(rules.iter().map(String::as_str));
    if let Some(name) = bartizan_policy::nearest(id, names.iter().copied()) {
        return format!("did you mean `{name}`?");
    }
    // One word of a name, perhaps misspelt.
    names.retain(|name| !name.contains("::"));
    let words = names.iter().flat_map(|name| name.split('-')).filter(|word| word.len() > 2);
    let word = bartizan_policy::nearest(id, words).unwrap_or(id).to_ascii_lowercase();
    let holds = |name: &&str| name.contains(&word) || word.contains(*name);
    let mut near: Vec<&str> = names.into_iter().filter(holds).collect();
    near.sort_unstable();
    near.dedup();
    if near.is_empty() {
        return "`bartizan explain` lists the detectors; rules of a policy need `--config FILE`"
            .to_owned();
    }
    let shown: Vec<String> = near.iter().take(OFFERED).map(|name| format!("`{name}`")).collect();
    format!("did you mean {}?", shown.join(" or "))
}

impl Thing {
    fn write(&self, out: &mut impl Write, paint: Paint) -> io::Result<()> {
        match self {
            Self::Detector(meta) => detector(out, paint, meta),
            Self::Category(category) => {
                if members(*category).next().is_none() {
                    return writeln!(out, "{category}\n  no detector of this build finds it");
                }
                list(out, paint, members(*category))
            }
            Self::Codes(codes) => codes.iter().try_for_each(|(section, code)| {
                writeln!(out, "{}", paint.strong(code.id))?;
                facts(section, code)
                    .try_for_each(|(title, said)| writeln!(out, "  {title}: {said}"))
            }),
            Self::Rules(rules) => rules.iter().try_for_each(|rule| rule.write(out, paint)),
        }
    }

    fn json(&self) -> Value {
        let (kind, mut document) = match self {
            Self::Detector(meta) => ("detector", json!({ "detector": detector_json(meta) })),
            Self::Category(category) => {
                let detectors: Vec<Value> = members(*category).map(detector_json).collect();
                ("category", json!({ "category": category.name(), "detectors": detectors }))
            }
            Self::Codes(codes) => {
                let codes: Vec<Value> = codes.iter().map(code_json).collect();
                ("error-codes", json!({ "codes": codes }))
            }
            Self::Rules(rules) => {
                let rules: Vec<Value> = rules.iter().map(Rule::json).collect();
                ("rules", json!({ "rules": rules }))
            }
        };
        if let Some(document) = document.as_object_mut() {
            document.insert("schema".to_owned(), "bartizan.explain/v1".into());
            document.insert("kind".to_owned(), kind.into());
        }
        document
    }
}

fn code_json((section, code): &Listed) -> Value {
    let facts: serde_json::Map<String, Value> = facts(section, code)
        .map(|(title, said)| (title.replace(' ', "_").to_ascii_lowercase(), said.into()))
        .collect();
    json!({ "code": code.id, "facts": facts })
}

fn members(category: Category) -> impl Iterator<Item = &'static Meta> {
    all().filter(move |meta| meta.category == category)
}

/// What the page of error codes says about one, without links.
fn facts(
    section: &Section,
    code: &'static Code,
) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
    let kind = match section.kind {
        "HTTP" => "HTTP",
        _ => "class",
    };
    [(kind, code.kind), ("meaning", code.meaning), ("what to do", code.fix)]
        .into_iter()
        .filter(|(_, said)| !said.is_empty())
        .map(|(title, said)| (title, without_links(said)))
}

/// `[words](target)` as `words`: a terminal has no links.
fn without_links(text: &'static str) -> Cow<'static, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, (words, (_, after)))) = rest
        .split_once('[')
        .and_then(|(before, link)| Some((before, link.split_once("](")?)))
        .and_then(|(before, (words, link))| Some((before, (words, link.split_once(')')?))))
    {
        out.push_str(before);
        out.push_str(words);
        rest = after;
    }
    if out.is_empty() { Cow::Borrowed(rest) } else { Cow::Owned(out + rest) }
}

/// Detectors by category.
pub(crate) fn by_category(metas: impl Iterator<Item = &'static Meta>) -> Vec<&'static Meta> {
    let mut metas: Vec<_> = metas.collect();
    metas.sort_by_key(|meta| (meta.category, meta.id));
    metas
}

/// The documentation of a detector, by section.
pub(crate) fn sections(meta: &Meta) -> [(&'static str, &'static str); 5] {
    [
        ("What it finds", meta.docs.finds),
        ("Why it matters", meta.docs.matters),
        ("Example", meta.docs.example),
        ("Fix", meta.docs.fix),
        ("Limits", meta.docs.limits),
    ]
}

fn list(
    out: &mut impl Write,
    paint: Paint,
    metas: impl Iterator<Item = &'static Meta>,
) -> io::Result<()> {
    for group in by_category(metas).chunk_by(|a, b| a.category == b.category) {
        let Some(first) = group.first() else { continue };
        writeln!(out, "{}", paint.strong(first.category.name()))?;
        for meta in group {
            writeln!(out, "  {:24} {:8} {}", meta.id, meta.severity.name(), meta.summary)?;
        }
    }
    Ok(())
}

fn list_json(metas: impl Iterator<Item = &'static Meta>) -> Value {
    let detectors: Vec<Value> = by_category(metas).into_iter().map(detector_json).collect();
    json!({ "schema": "bartizan.explain/v1", "kind": "list", "detectors": detectors })
}

fn detector(out: &mut impl Write, paint: Paint, meta: &Meta) -> io::Result<()> {
    let (category, severity) = (meta.category, meta.severity.name());
    writeln!(out, "{} ({category}, {severity})\n{}", paint.strong(meta.id), meta.summary)?;
    for (title, text) in sections(meta) {
        writeln!(out, "\n{}\n  {text}", paint.strong(title))?;
    }
    if let Some((form, _)) = FORMS.iter().find(|(_, made)| *made == meta.id) {
        writeln!(out, "\n{}\n  made from the policy by `detect: {form}`", paint.strong("Policy"))?;
    }
    if meta.references.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", paint.strong("References"))?;
    meta.references.iter().try_for_each(|reference| writeln!(out, "  {reference}"))
}

fn detector_json(meta: &Meta) -> Value {
    let references: Vec<String> = meta.references.iter().map(ToString::to_string).collect();
    json!({
        "id": meta.id,
        "category": meta.category.name(),
        "severity": meta.severity.name(),
        "summary": meta.summary,
        "finds": meta.docs.finds,
        "matters": meta.docs.matters,
        "example": meta.docs.example,
        "fix": meta.docs.fix,
        "limits": meta.docs.limits,
        "references": references,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_become_their_words() {
        assert_eq!(without_links("see [JSON](#json), or [this](x)."), "see JSON, or this.");
        assert_eq!(without_links("a [b] (c)"), "a [b] (c)");
    }

    #[test]
    fn every_form_of_detect_makes_a_detector_that_is_explained() {
        let made: Vec<&str> = detectors::POLICY_MADE.iter().map(|meta| meta.id).collect();
        assert_eq!(made, FORMS.map(|(_, made)| made));
        for (form, made) in FORMS {
            for name in [form, made] {
                assert!(matches!(built_in(name), Some(Thing::Detector(meta)) if meta.id == made));
            }
        }
    }

    #[test]
    fn unknown_names_lead_to_near_ones() {
        assert_eq!(offers("emial", None), "did you mean `email`?");
        assert_eq!(offers("key-unknwon", None), "did you mean `key-unknown`?");
        assert_eq!(offers("prompt-injecton", None), "did you mean `prompt-injection`?");
        for near in ["injecton", "Injections"] {
            let offered = offers(near, None);
            assert!(offered.contains("`prompt-injection`"), "{near}: {offered}");
        }
        assert!(offers("zzzzzzzzzzzz", None).starts_with("`bartizan explain` lists"));
    }
}
