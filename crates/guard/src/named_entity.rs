//! Detectors of persons, organisations, places and addresses: one for each sort, all of one reading of
//! the view by the trained tagger.

use bartizan_core::catalog::Meta;
use bartizan_model::tagger::{Entity, Found, LOOK_BEHIND_BYTES, Tagged};

use crate::detector::{Detector, Findings, Hit, Reads};
use crate::loading::Shared;
use crate::model::NAMES;
use crate::text::View;

/// Least score that is reported, whatever a guardrail asks for.
const LEAST: f32 = 0.1;

/// Finds names in a view, each of its texts read for itself.
pub(crate) fn tag(view: &View<'_>) -> Tagged {
    let end = view.text().len();
    let mut all = Tagged { found: Vec::new(), open: end };
    for span in view.texts() {
        let text = view.text().get(span.range()).unwrap_or_default();
        let complete = view.is_complete() || span.end < end;
        let tagged = NAMES.tag(text, complete);
        let shift = |found: Found| Found {
            start: found.start + span.start,
            end: found.end + span.start,
            ..found
        };
        all.found.extend(tagged.found.into_iter().map(shift));
        if !complete {
            all.open = all.open.min(tagged.open + span.start);
        }
    }
    all
}

/// Finds names of one sort.
pub(crate) struct NamedEntity {
    entity: Entity,
    meta: &'static Meta,
}

impl NamedEntity {
    pub(crate) const fn new(entity: Entity, meta: &'static Meta) -> Self {
        Self { entity, meta }
    }
}

impl Detector for NamedEntity {
    fn meta(&self) -> &'static Meta {
        self.meta
    }

    fn reads(&self) -> Reads {
        // Folding drops marks and case that names need.
        Reads::Raw
    }

    fn look_behind(&self) -> usize {
        LOOK_BEHIND_BYTES
    }

    fn shared(&self) -> &'static [Shared] {
        &[Shared::Names]
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let tagged = view.names();
        for found in &tagged.found {
            if found.entity == self.entity && found.score >= LEAST {
                findings.push(found.start, found.end, found.score);
            }
        }
        findings.undecided(tagged.open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_tagger_is_whole_and_small() {
        assert!(include_bytes!("../models/names.bin").len() <= 4 << 20);
        let found = NAMES.tag("Dear Mr Thomas Weber, welcome to Hamburg.", true).found;
        let entities: Vec<Entity> = found.iter().map(|found| found.entity).collect();
        assert_eq!(entities, [Entity::Person, Entity::Place]);
    }

    /// What is found at the usual threshold.
    fn found(text: &str) -> Vec<Found> {
        let found = NAMES.tag(text, true).found;
        found.into_iter().filter(|found| found.score >= 0.5).collect()
    }

    fn masked(text: &str) -> String {
        let mut out = String::new();
        let mut from = 0;
        for (number, found) in found(text).into_iter().enumerate() {
            out.push_str(&text[from..found.start]);
            out.extend(["<NAME_", &number.to_string(), ">"]);
            from = found.end;
        }
        out + &text[from..]
    }

    fn persons(text: &str) -> Vec<&str> {
        let is_person = |found: &Found| found.entity == Entity::Person;
        found(text).into_iter().filter(is_person).map(|f| &text[f.start..f.end]).collect()
    }

    #[test]
    fn data_stays_what_it_is_when_names_are_replaced() {
        let documents = [
            r#"{"12 Main Street":"Boston"}"#,
            r#"[["12 Main Street"],"Boston"]"#,
            r#"["12 Main Street","Boston","MA"]"#,
            r#"{"5 Oak Road": ["Berlin"]}"#,
            r#"{"9 Kestrel Mews": "12 Main Street"}"#,
            r#"["12 Main Street",4,"Boston"]"#,
            r#"["12 Main Street", 4, 5, "Boston"]"#,
            r#"{"street": "Lindenstraße 14", "zip": 12459, "city": "Berlin"}"#,
            r#"[{"name":"Thomas Weber","at":["12 Main Street",{"Berlin":"France"}]},"NW1 6XE"]"#,
            "{\n  \"street\": \"12 Main Street\",\n  \"city\": \"Boston\"\n}",
        ];
        for document in documents {
            let before: serde_json::Value = serde_json::from_str(document).unwrap();
            let text = masked(document);
            let after: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_ne!(before, after, "{document}");
            assert_eq!(document.matches('"').count(), text.matches('"').count(), "{text}");
        }
    }

    #[test]
    fn tables_keep_their_cells_when_names_are_replaced() {
        let tables = [
            "id,street,city,n\n1,12 Main Street,Boston,4\n2,5 Oak Road,Leeds,7",
            "1,\"12 Main Street\",\"Boston\",4",
            "| 12 Main Street | Boston |\n| 5 Oak Road | Leeds |",
            "12 Main Street;Boston;4",
            "Weber\t12 Main Street\tBoston\nMiller\t5 Oak Road\tLeeds",
            "route(\"12 Main Street\", \"Boston\")",
            "VALUES ('12 Main Street','Boston',4)",
        ];
        for table in tables {
            let text = masked(table);
            assert_ne!(table, text);
            for separator in ['"', '\'', ',', ';', '|', '\t', '\n', '(', ')'] {
                let count = |text: &str| text.matches(separator).count();
                assert_eq!(count(table), count(&text), "{text}");
            }
        }
    }

    #[test]
    fn no_number_of_a_long_list_of_addresses_stays() {
        let american = |n| format!("{} Main Street, Boston, MA 0{}, ", 12 + 7 * n, 2101 + n);
        let american: Vec<String> = (0..40).map(american).collect();
        let german = |n| format!("Lindenstraße {}, {} Berlin, ", 3 + n, 12_459 + n);
        let german: Vec<String> = (0..40).map(german).collect();
        let same = "Lindenstraße 14, 12459 Berlin, ".repeat(14);
        for list in [american.concat(), german.concat(), same, "12 Main St, ".repeat(60)] {
            let mut clear = String::new();
            let mut from = 0;
            for found in found(&list) {
                clear.push_str(&list[from..found.start]);
                from = found.end;
            }
            clear.push_str(&list[from..]);
            assert!(!clear.contains(|c: char| c.is_ascii_digit()), "{}", masked(&list));
        }
    }

    #[test]
    fn keywords_of_programming_languages_are_no_names() {
        let lines = [
            "if x == 1:\n    return 'a'\nelif x == 2:\n    return 'b'",
            "    elif isinstance(node, ast.Name):",
            "elif sys.platform == 'win32':",
            "        elif not self.closed and mode in ('r', 'w'):",
            "async def run(self):\n    await self.load()\n    yield from self.rows\n    nonlocal total",
            "match value:\n    case None: pass\nlambda x: x\ndel cache[key]\nraise TypeError from error",
            "hh, mm, ss = value.split(':')\nx = gammavariate(1.0, 2.0)",
            "static META: Meta = Meta {\n    id: \"x\",\n};\nimpl Trait for Type where T: Sized {",
            "pub(crate) unsafe extern \"C\" fn f(mut x: u8) -> Self { loop { break } }",
            "const x = typeof y === 'undefined' ? null : await z; export default class A extends B {}",
            "switch (x) { case 1: break; default: throw new Error('no'); } finally { delete a.b; }",
            "func (s *Server) Serve() error { defer s.Close(); go run(); select {} }",
            "package main\nimport \"fmt\"\ntype T struct{}\nvar c chan int\nfallthrough\ngoto end",
            "public static void main(String[] args) throws IOException { synchronized (this) { super.run(); } }",
            "private final transient volatile int n = 0; @Override protected abstract boolean test();",
            "#ifdef DEBUG\n#elif defined(_WIN32)\n#endif\nstatic inline unsigned int f(register char *p) { return sizeof *p; }",
            "typedef struct node node; extern const int errno; goto fail; do { n--; } while (n);",
            "SELECT id FROM orders WHERE status IN ('open') GROUP BY day HAVING COUNT(*) > 1 ORDER BY day DESC;",
            "insert into items values (1); update stock set n = 2; alter table t add column c varchar(9);",
            "if [ -z \"$1\" ]; then\n  exit 1\nelif [ \"$1\" = x ]; then\n  echo y\nfi\nwhile read -r l; do shift; done; esac",
            "2024-03-01 06:12:44 status unpacked libssl3:amd64 3.0.2-0ubuntu1",
            "{\n  \"license\": \"MIT\",\n  \"private\": true\n}",
        ];
        for line in lines {
            let names: Vec<&str> = found(line).iter().map(|f| &line[f.start..f.end]).collect();
            assert!(names.is_empty(), "{line}: {names:?}");
        }
        assert_eq!(persons("My colleague Elif Demir called."), ["Elif Demir"]);
    }

    #[test]
    fn names_are_found_in_markup_and_data() {
        let surnames =
            ["Schneider", "Hoffmann", "Smith", "Wagner", "Neumann", "Johnson", "Schulz", "Davis"];
        for form in [
            "**{}**",
            "<td>{}</td>",
            "Contact: <{}>",
            "{} hat gestern angerufen und will sein Geld zurück.",
            "{\"surname\":\"{}\"}",
            "{}, Thomas",
            "C:\\Users\\Thomas {}\\Documents",
        ] {
            let is_found = |name: &&&str| {
                let text = form.replace("{}", name);
                persons(&text).iter().any(|found| found.contains(**name))
            };
            let count = surnames.iter().filter(is_found).count();
            assert!(count >= 6, "{form}: {count} of {}", surnames.len());
        }
        for text in ["经理林志玲说明天开会。", "我的同事王小明昨天辞职了。", "王小明住在上海。"]
        {
            let names = persons(text);
            assert!(names == ["林志玲"] || names == ["王小明"], "{text}: {names:?}");
        }
        assert_eq!(persons(r"C:\Users\thomas weber\Documents"), ["thomas weber"]);
    }
}
