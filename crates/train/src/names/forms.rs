//! Forms, data and signatures, where names stand without sentences.

use bartizan_model::tagger::Entity;

use super::made::Maker;
use super::sample::Piece;

/// What a field of a form holds.
#[derive(Clone, Copy)]
enum Field {
    Person,
    Given,
    Surname,
    Address,
    Organization,
    Place,
    Plain(&'static str),
}

/// Labels of fields that hold no name.
const PLAIN: [(&str, &str); 16] = [
    ("Date of birth", "date"),
    ("DOB", "date"),
    ("Phone", "phone"),
    ("Tel.", "phone"),
    ("Telefon", "phone"),
    ("E-mail", "email"),
    ("email", "email"),
    ("ID", "id"),
    ("Order", "id"),
    ("IBAN", "iban"),
    ("Amount", "amount"),
    ("Date", "date"),
    ("Datum", "date"),
    ("Fecha", "date"),
    ("Product", "product"),
    ("Job title", "job"),
];

/// Keys of data, with what they hold.
const KEYS: [(&str, Field); 30] = [
    ("name", Field::Person),
    ("full_name", Field::Person),
    ("fullName", Field::Person),
    ("first_name", Field::Given),
    ("last_name", Field::Surname),
    ("firstName", Field::Given),
    ("lastName", Field::Surname),
    ("given", Field::Given),
    ("family", Field::Surname),
    ("contact", Field::Person),
    ("customer", Field::Person),
    ("author", Field::Person),
    ("assignee", Field::Person),
    ("recipient", Field::Person),
    ("address", Field::Address),
    ("street", Field::Address),
    ("shipping_address", Field::Address),
    ("city", Field::Place),
    ("country", Field::Place),
    ("location", Field::Place),
    ("company", Field::Organization),
    ("employer", Field::Organization),
    ("vendor", Field::Organization),
    ("organization", Field::Organization),
    ("id", Field::Plain("id")),
    ("email", Field::Plain("email")),
    ("phone", Field::Plain("phone")),
    ("created", Field::Plain("date")),
    ("user", Field::Plain("user")),
    ("product", Field::Plain("product")),
];

impl Maker<'_> {
    fn field(&mut self, field: Field, language: &str) -> Piece {
        match field {
            Field::Person => self.person(language),
            Field::Given => self.given(language),
            Field::Surname => self.surname(language),
            Field::Address => self.address(language),
            Field::Organization => self.organization(language),
            Field::Place => Piece::named(self.city(language), Entity::Place),
            Field::Plain(slot) => Piece::plain(self.plain(slot, language)),
        }
    }

    /// Labels and what they name, line by line.
    pub(super) fn form(&mut self, language: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let colon = match language {
            "zh" | "ja" => "：",
            "fr" => " : ",
            _ => self.one_of(&[": ", ": ", ":", " - ", ":\n", "\t"]),
        };
        let end = self.one_of(&["\n", "\n", "\n", "; ", " | ", ", "]);
        for _ in 0..2 + self.random.below(4) {
            let (list, field) = match self.random.below(10) {
                0..=3 => ("name-label", Field::Person),
                4 => ("address-label", Field::Address),
                5 => ("organisation-label", Field::Organization),
                6 => ("place-label", Field::Place),
                _ => {
                    let (label, slot) = self.random.pick(&PLAIN).copied().unwrap_or(("ID", "id"));
                    pieces.push(Piece::plain(format!("{label}{colon}")));
                    pieces.push(Piece::plain(self.plain(slot, language)));
                    pieces.push(Piece::plain(end));
                    continue;
                }
            };
            let label = self.label(list, language);
            // Some labels name half of a person.
            let lower = label.to_lowercase();
            let is_given = ["given", "vorname", "prénom", "firstname", "first name", "voornaam"];
            let is_surname = [
                "surname",
                "last name",
                "nachname",
                "cognome",
                "apellidos",
                "lastname",
                "achternaam",
            ];
            let field = match field {
                Field::Person if is_given.contains(&lower.as_str()) => Field::Given,
                Field::Person if is_surname.contains(&lower.as_str()) => Field::Surname,
                Field::Person if self.chance(0.1) => {
                    let surname = self.surname(language).text;
                    let given = self.given(language).text;
                    pieces.push(Piece::plain(format!("{label}{colon}")));
                    pieces.push(Piece::named(format!("{surname}, {given}"), Entity::Person));
                    pieces.push(Piece::plain(end));
                    continue;
                }
                other => other,
            };
            pieces.push(Piece::plain(format!("{label}{colon}")));
            pieces.push(self.field(field, language));
            pieces.push(Piece::plain(end));
        }
        pieces
    }

    /// A label that fits the script of a language.
    fn label(&mut self, list: &str, language: &str) -> String {
        let fits = |label: &str| {
            let first = label.chars().next().unwrap_or_default();
            match language {
                "zh" | "ja" => matches!(first, '\u{3040}'..='\u{9FFF}'),
                "ko" => matches!(first, '\u{AC00}'..='\u{D7A3}'),
                "ru" => matches!(first, '\u{400}'..='\u{4FF}'),
                "ar" => matches!(first, '\u{600}'..='\u{6FF}'),
                "hi" => matches!(first, '\u{900}'..='\u{97F}'),
                _ => first < '\u{250}',
            }
        };
        let mut label = String::new();
        for _ in 0..60 {
            self.word("beside", list).clone_into(&mut label);
            if fits(&label) {
                break;
            }
        }
        if self.chance(0.4) { super::made::capitalised(&label) } else { label }
    }

    /// A JSON object, on one line or several, or pairs of a log.
    pub(super) fn data(&mut self, language: &str) -> Vec<Piece> {
        let style = self.random.below(4);
        let (open, quote, colon, end, close) = match style {
            0 => ("{", "\"", ": ", ", ", "}"),
            1 => ("{\n  ", "\"", ": ", ",\n  ", "\n}"),
            2 => ("", "", "=", " ", ""),
            _ => ("- ", "", ": ", "\n  ", "\n"),
        };
        let mut pieces = vec![Piece::plain(open)];
        for number in 0..2 + self.random.below(5) {
            if number > 0 {
                pieces.push(Piece::plain(end));
            }
            let (key, field) =
                self.random.pick(&KEYS).copied().unwrap_or(("id", Field::Plain("id")));
            let mut value = self.field(field, language);
            if style == 2 {
                let end = value.text.find([' ', '\n']).unwrap_or(value.text.len());
                value.text.truncate(end);
                if value.text.trim_end_matches([',', '.']).chars().all(|c| c.is_ascii_digit()) {
                    value.entity = None;
                }
            }
            value.text = value.text.replace('\n', ", ");
            pieces.push(Piece::plain(format!("{quote}{key}{quote}{colon}{quote}")));
            pieces.push(value);
            pieces.push(Piece::plain(quote));
        }
        pieces.push(Piece::plain(close));
        pieces
    }

    /// Rows of values with a line of names above.
    pub(super) fn table(&mut self, language: &str) -> Vec<Piece> {
        let mut keys = KEYS;
        self.random.shuffle(&mut keys);
        let count = 2 + self.random.below(4);
        let separator = self.one_of(&[",", ",", ";", "\t", " | "]);
        let head: Vec<&str> = keys.iter().take(count).map(|(key, _)| *key).collect();
        let mut pieces = vec![Piece::plain(head.join(separator))];
        for _ in 0..=self.random.below(4) {
            pieces.push(Piece::plain("\n"));
            for (number, (_, field)) in keys.iter().take(count).enumerate() {
                if number > 0 {
                    pieces.push(Piece::plain(separator));
                }
                let mut value = self.field(*field, language);
                value.text = value.text.replace('\n', " ");
                let has_comma = value.text.contains(',');
                let quote = if has_comma { "\"" } else { "" };
                pieces.push(Piece::plain(quote));
                pieces.push(value);
                pieces.push(Piece::plain(quote));
            }
        }
        pieces
    }

    /// A label of a parcel, or the end of a letter.
    pub(super) fn signature(&mut self, language: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if self.chance(0.5) {
            let list = [
                "Regards,",
                "--",
                "Best,",
                "TO:",
                "From:",
                "LG",
                "Cordialement",
                "Saludos",
                "Ship to",
                "Lieferung an",
            ];
            pieces.push(Piece::plain(format!("{}\n", self.one_of(&list))));
        }
        if self.chance(0.85) {
            pieces.push(self.person(language));
            pieces.push(Piece::plain("\n"));
        }
        if self.chance(0.3) {
            pieces.push(Piece::plain(format!("{}\n", self.plain("job", language))));
        }
        if self.chance(0.5) {
            pieces.push(self.organization(language));
            pieces.push(Piece::plain("\n"));
        }
        if self.chance(0.6) {
            pieces.push(self.address(language));
            if self.chance(0.2) {
                pieces.push(Piece::plain(self.one_of(&["\n", ", "])));
                pieces.push(Piece::named(self.country(language), Entity::Place));
            }
            pieces.push(Piece::plain(self.one_of(&["\n", " · ", " | ", "\n"])));
        }
        let label = [
            "", "", "Tel. ", "PH ", "Phone: ", "T: ", "M: ", "Tel: ", "Mobil ", "Fax ", "tél. ",
            "ph. ",
        ];
        pieces.push(Piece::plain(self.one_of(&label)));
        pieces.push(Piece::plain(self.plain("phone", language)));
        if self.chance(0.4) {
            let end = [
                "\nFRAGILE",
                "\nDo not bend",
                "\n1.2 kg",
                "\nThis side up",
                "\nwww.example.org",
                "\nSigned for",
                "\nCustoms: gift",
            ];
            pieces.push(Piece::plain(self.one_of(&end)));
        }
        pieces
    }
}
