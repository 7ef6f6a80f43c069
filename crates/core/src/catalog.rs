//! The `catalog!` macro and the metadata that every catalogued thing carries.
//!
//! A catalogue is an explicit list: one `mod` line and one slice entry per file. Link-time
//! registration is not used, because an entry that silently vanishes is the worst bug of a scanner.

use crate::finding::{Category, Severity};

/// What a detector (or later a probe or a file rule) says about itself.
///
/// The same value feeds `bartizan explain`, SARIF, the generated documentation and the console.
#[derive(Debug)]
pub struct Meta {
    /// Stable id in kebab-case; equal to the file name with `_` for `-`.
    pub id: &'static str,
    /// One sentence without a full stop, for lists.
    pub summary: &'static str,
    /// How bad a true match is.
    pub severity: Severity,
    /// Family under which policy addresses it (`detect: pii`).
    pub category: Category,
    /// Name used in placeholders such as `<EMAIL_ADDRESS_1>`; upper case with `_`.
    pub label: &'static str,
    /// Documentation in fixed sections.
    pub docs: Docs,
    /// Outside references.
    pub references: &'static [Reference],
    /// Texts in which the detector must find something; inert and free of real personal data.
    pub flags: &'static [&'static str],
    /// Texts in which it must stay quiet.
    pub passes: &'static [&'static str],
}

/// Documentation sections; a struct so that a missing section does not compile.
#[derive(Debug)]
pub struct Docs {
    /// What it finds, and by which means.
    pub finds: &'static str,
    /// Why it matters.
    pub matters: &'static str,
    /// A short example.
    pub example: &'static str,
    /// What to do about a finding.
    pub fix: &'static str,
    /// What it cannot see, and what it confuses.
    pub limits: &'static str,
}

/// A pointer into a public framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Common Weakness Enumeration number.
    Cwe(u32),
    /// OWASP Top 10 for LLM applications, with edition, such as `LLM01:2025`.
    Owasp(&'static str),
    /// MITRE ATLAS technique, such as `AML.T0051`.
    Atlas(&'static str),
    /// Risk of Databricks' AI Security Framework, such as `9.1`.
    Dasf(&'static str),
    /// A standard or specification, by name and section.
    Spec(&'static str),
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cwe(number) => write!(f, "CWE-{number}"),
            Self::Owasp(id) => write!(f, "OWASP {id}"),
            Self::Atlas(id) => write!(f, "MITRE ATLAS {id}"),
            Self::Dasf(id) => write!(f, "DASF risk {id}"),
            Self::Spec(name) => f.write_str(name),
        }
    }
}

/// Declares the modules of a catalogue and one static slice over their entries.
///
/// Each module provides a unit-like value named by `as`:
/// ```ignore
/// catalog! { pub ALL: dyn Detector as DETECTOR; email, iban }
/// ```
/// expands to `mod email; mod iban;` and
/// `pub static ALL: &[&dyn Detector] = &[&email::DETECTOR, &iban::DETECTOR];`, plus `FILES`, the
/// module names in order, for the test that no file lies unregistered.
///
/// Entries may lie in folders, which are named after the list: `email, iban; de { tax_id, passport }`.
/// Their names in `FILES` are `de/tax_id` and so on.
#[macro_export]
macro_rules! catalog {
    (
        $vis:vis $all:ident: dyn $kind:path as $item:ident;
        $($module:ident),+ $(,)?
        $(; $($folder:ident { $($entry:ident),+ $(,)? })+)?
    ) => {
        $(mod $module;)+
        $($(mod $folder { $(pub(super) mod $entry;)+ })+)?
        /// Every entry, in the order of the catalogue.
        $vis static $all: &[&(dyn $kind)] =
            &[$(&$module::$item),+ $(, $($(&$folder::$entry::$item),+),+)?];
        /// Module names of the entries, in the same order.
        $vis const FILES: &[&str] = &[
            $(stringify!($module)),+
            $(, $($(concat!(stringify!($folder), "/", stringify!($entry))),+),+)?
        ];
    };
}
