//! Organisations that are put together.

use bartizan_model::tagger::Entity;

use super::made::{Maker, capitalised};
use super::sample::Piece;

impl Maker<'_> {
    /// An organisation.
    pub fn organization(&mut self, language: &str) -> Piece {
        let is_own_script = matches!(language, "zh" | "ja" | "ko" | "ar" | "hi" | "ru");
        let name = match language {
            _ if !is_own_script && self.chance(0.22) => {
                self.word("organisations", "names").to_owned()
            }
            "zh" => self.chinese(),
            "ja" => self.japanese(),
            "ko" => self.korean(),
            "ru" => self.russian(),
            "ar" | "hi" => self.by_word(language),
            "de" | "nl" | "sv" => self.germanic(language),
            "fr" | "es" | "it" | "pt" => self.romance(language),
            "pl" | "tr" => self.polish_or_turkish(language),
            _ => self.english(),
        };
        Piece::named(name, Entity::Organization)
    }

    fn head(&mut self, language: &str) -> String {
        match self.random.below(10) {
            0..=2 => self.surname(language).text,
            3 => self.town(language),
            5 | 6 if !matches!(language, "zh" | "ja" | "ko" | "ar" | "hi" | "ru") => {
                let mut head = capitalised(self.word("common", "words"));
                if self.chance(0.4) {
                    head = format!("{head} {}", capitalised(self.word("common", "words")));
                }
                head
            }
            4 if language == "en" => {
                let (a, b) = (self.word("words", "org-en"), self.word("words", "org-en"));
                format!("{a}{}", b.to_lowercase()).replace(' ', "")
            }
            _ => self.word("words", &format!("org-{language}")).to_owned(),
        }
    }

    fn english(&mut self) -> String {
        let mut head = self.head("en");
        if self.chance(0.15) {
            head = format!("{head} {}", self.word("words", "org-en"));
        }
        let word = self.word("organisation-words", "word");
        let suffix = self.one_of(&[
            "Ltd", "LLC", "Inc.", "Inc", "plc", "Corp", "Group", "& Co", "Limited", "LLP",
        ]);
        match self.random.below(21) {
            0 | 1 => format!("{head} {suffix}"),
            16 => format!(
                "{} {} {word}",
                self.one_of(&[
                    "Royal", "Southern", "Northern", "Greater", "National", "First", "Saint",
                    "United", "New"
                ]),
                self.town("en")
            ),
            17 => {
                let kind = self.one_of(&[
                    "Institute",
                    "School",
                    "College",
                    "Academy",
                    "Centre",
                    "Department",
                    "Laboratory",
                ]);
                let field = self.one_of(&[
                    "Soil Science",
                    "Economics",
                    "Marine Research",
                    "Music",
                    "Technology",
                    "Medicine",
                    "Agriculture",
                    "Arts",
                    "Tropical Diseases",
                    "Law",
                ]);
                format!("{head} {kind} {} {field}", self.one_of(&["of", "of", "for"]))
            }
            18 => format!(
                "The {} of {head} {word}",
                self.one_of(&["Trustees", "Friends", "Board", "Guild", "Bank", "Society"])
            ),
            19 => format!("University of the {}", self.town("en")),
            20 => format!("{} {word}", self.place("en").text),
            5 | 6 => format!("{head} {word} {suffix}"),
            7 => format!("{head} {} {word}", self.word("organisation-words", "word")),
            8 => {
                let (a, b) = (self.surname("en").text, self.surname("en").text);
                format!("{a} & {b}")
            }
            9 => format!("{} & {} {word}", self.surname("en").text, self.surname("en").text),
            10 => {
                let what = self.one_of(&[
                    "University",
                    "Institute",
                    "Bank",
                    "Museum",
                    "Church",
                    "School",
                    "Ministry",
                    "College",
                ]);
                format!("{what} of {}", self.city("en"))
            }
            11 => {
                let what = self.one_of(&[
                    "University",
                    "City Council",
                    "Police Department",
                    "General Hospital",
                    "Football Club",
                    "High School",
                    "Public Library",
                    "Rowing Club",
                    "Housing Association",
                    "Water Authority",
                ]);
                format!("{} {what}", self.city("en"))
            }
            12 => {
                let kind = self.one_of(&[
                    "Institute",
                    "Department",
                    "Society",
                    "Ministry",
                    "Office",
                    "Committee",
                    "Federation",
                ]);
                let field = self.one_of(&[
                    "Soil Science",
                    "Justice",
                    "Finance",
                    "Health",
                    "Transport",
                    "Public Works",
                    "Labor",
                    "Marine Biology",
                    "Applied Physics",
                    "Foreign Affairs",
                    "Education",
                ]);
                format!("{kind} {} {field}", self.one_of(&["of", "for", "of"]))
            }
            13 => format!("{}'s {word}", self.surname("en").text),
            14 => format!("St {} {word}", self.given("en").text),
            _ => format!("{head} {word}"),
        }
    }

    fn germanic(&mut self, language: &str) -> String {
        let words = if language == "de" { "de" } else { "other" };
        let head = self.head(language);
        let word = match language {
            "nl" => self
                .one_of(&[
                    "Stichting",
                    "Bakkerij",
                    "Bouwbedrijf",
                    "Apotheek",
                    "School",
                    "Ziekenhuis",
                    "Makelaardij",
                    "Vereniging",
                    "Drukkerij",
                    "Rederij",
                    "Hogeschool",
                    "Gemeente",
                ])
                .to_owned(),
            "sv" => self
                .one_of(&[
                    "Bygg",
                    "Åkeri",
                    "Bageri",
                    "Verkstad",
                    "Kommun",
                    "Sjukhus",
                    "Skola",
                    "Förening",
                    "Teknik",
                    "Konsult",
                    "Bolaget",
                ])
                .to_owned(),
            _ => self.word("organisation-words", words).to_owned(),
        };
        let suffix = match language {
            "nl" => self.one_of(&["B.V.", "BV", "N.V.", "VOF"]),
            "sv" => self.one_of(&["AB", "AS", "A/S", "Oy", "HB"]),
            _ => self.one_of(&["GmbH", "AG", "KG", "e.V.", "eG", "GmbH & Co. KG", "UG", "mbH"]),
        };
        match self.random.below(8) {
            0 => format!("{head} {suffix}"),
            1 | 2 => format!("{word} {head} {suffix}"),
            3 => format!("{head} {word} {suffix}"),
            4 | 5 => format!("{word} {head}"),
            6 => format!("{word} {}", self.city(language)),
            _ => {
                let (a, b) = (self.surname(language).text, self.surname(language).text);
                let joint = if language == "de" { "&" } else { "en" };
                format!("{a} {joint} {b} {suffix}")
            }
        }
    }

    fn romance(&mut self, language: &str) -> String {
        let words = if language == "pt" { "other" } else { language };
        let word = if language == "pt" {
            self.one_of(&[
                "Banco",
                "Universidade",
                "Escola",
                "Clínica",
                "Farmácia",
                "Construtora",
                "Padaria",
                "Livraria",
                "Transportes",
                "Grupo",
                "Fundação",
                "Hospital",
                "Câmara Municipal",
                "Seguros",
            ])
            .to_owned()
        } else {
            self.word("organisation-words", words).to_owned()
        };
        let head = self.head(language);
        let suffix = match language {
            "fr" => self.one_of(&["SARL", "SAS", "S.A.", "et Fils", "SA"]),
            "es" => self.one_of(&["S.L.", "S.A.", "SL", "e Hijos", "S.L.U."]),
            "it" => self.one_of(&["S.r.l.", "Srl", "S.p.A.", "SpA", "& C.", "e Figli"]),
            _ => self.one_of(&["Lda", "Ltda", "S.A.", "S/A", "Lda."]),
        };
        let joint = match language {
            "it" => "di",
            _ => "de",
        };
        match self.random.below(8) {
            0 => format!("{head} {suffix}"),
            1..=3 => format!("{word} {head}"),
            4 => format!("{word} {}-{}", self.given(language).text, self.surname(language).text),
            5 => format!("{word} {head} {suffix}"),
            6 => format!("{word} {joint} {}", self.city(language)),
            _ => format!("{word} {}", self.surname(language).text),
        }
    }

    fn polish_or_turkish(&mut self, language: &str) -> String {
        let head = self.head(language);
        let (words, suffixes): (&[&str], &[&str]) = if language == "pl" {
            (
                &[
                    "Przychodnia",
                    "Szkoła",
                    "Fundacja",
                    "Hurtownia",
                    "Piekarnia",
                    "Kancelaria",
                    "Spółdzielnia",
                    "Apteka",
                    "Biuro Rachunkowe",
                    "Zakład",
                    "Szpital",
                    "Bank",
                ],
                &["Sp. z o.o.", "S.A.", "sp. z o.o.", "s.c.", "sp.j."],
            )
        } else {
            (
                &[
                    "Lojistik",
                    "İnşaat",
                    "Tekstil",
                    "Gıda",
                    "Holding",
                    "Üniversitesi",
                    "Hastanesi",
                    "Bankası",
                    "Turizm",
                    "Sigorta",
                    "Okulları",
                    "Eczanesi",
                    "Vakfı",
                    "Belediyesi",
                ],
                &["A.Ş.", "Ltd. Şti.", "A.Ş.", "Ltd."],
            )
        };
        let (word, suffix) = (self.one_of(words), self.one_of(suffixes));
        match self.random.below(5) {
            0 => format!("{head} {suffix}"),
            1 => format!("{head} {word} {suffix}"),
            _ if language == "pl" => format!("{word} {head}"),
            _ => format!("{head} {word}"),
        }
    }

    fn russian(&mut self) -> String {
        let head = self.word("words", "org-ru");
        let form = self.one_of(&[
            "ООО",
            "АО",
            "ПАО",
            "ЗАО",
            "компания",
            "фирма",
            "завод",
            "банк",
            "клиника",
            "школа",
        ]);
        match self.random.below(8) {
            0 => format!("{form} {head}"),
            1 => self.word("organisations", "names").to_owned(),
            2 => format!("{head}-{}", self.word("words", "org-ru")),
            3 => format!("{head}банк"),
            _ => format!("{} «{head}»", capitalised(form)),
        }
    }

    fn chinese(&mut self) -> String {
        let (city, head) = (self.city("zh"), self.word("words", "org-zh"));
        let word = self.one_of(&[
            "科技",
            "银行",
            "大学",
            "医院",
            "物流",
            "电子",
            "保险",
            "贸易",
            "建筑",
            "实业",
            "传媒",
            "教育",
            "食品",
            "中学",
            "小学",
            "研究院",
        ]);
        match self.random.below(6) {
            0 => format!("{city}{head}{word}有限公司"),
            1 => format!("{head}{word}股份有限公司"),
            2 => format!("{city}{word}"),
            3 => format!("{head}集团"),
            4 => format!("{city}市第一人民医院"),
            _ => format!("{head}{word}"),
        }
    }

    fn japanese(&mut self) -> String {
        let head = self.word("words", "org-ja");
        let word = self.one_of(&[
            "精機",
            "工業",
            "商事",
            "建設",
            "電機",
            "製作所",
            "銀行",
            "病院",
            "大学",
            "高校",
            "不動産",
            "物産",
            "交通",
            "新聞",
            "漁業協同組合",
            "商店",
            "食品",
            "システム",
            "クリニック",
            "保険",
        ]);
        match self.random.below(7) {
            0 => format!("株式会社{head}"),
            1 => format!("株式会社{head}{word}"),
            2 => format!("{head}株式会社"),
            3 => format!("{head}{word}株式会社"),
            4 => format!("{}{word}", self.city("ja")),
            5 => format!("有限会社{}{word}", self.surname("ja").text),
            _ => format!("{head}{word}"),
        }
    }

    fn korean(&mut self) -> String {
        let head = self.word("words", "org-ko");
        let word = self.one_of(&[
            "전자",
            "건설",
            "은행",
            "병원",
            "대학교",
            "물산",
            "보험",
            "상사",
            "식품",
            "시스템",
            "초등학교",
            "고등학교",
            "연구소",
            "물류",
            "제약",
        ]);
        match self.random.below(6) {
            0 => format!("주식회사 {head}"),
            1 => format!("주식회사 {head}{word}"),
            2 => format!("(주){head}{word}"),
            3 => format!("{}{word}", self.city("ko")),
            _ => format!("{head}{word}"),
        }
    }

    /// Where the sort of organisation comes first, as in Arabic, or last, as in Hindi.
    fn by_word(&mut self, language: &str) -> String {
        let head = self.word("words", &format!("org-{language}"));
        if language == "ar" {
            let word = self.one_of(&[
                "شركة",
                "مؤسسة",
                "بنك",
                "جامعة",
                "مدرسة",
                "مستشفى",
                "جمعية",
                "مصنع",
                "مجموعة",
            ]);
            return format!("{word} {head}");
        }
        let word = self.one_of(&[
            "बैंक",
            "विश्वविद्यालय",
            "महाविद्यालय",
            "विद्यालय",
            "अस्पताल",
            "संस्थान",
            "समिति",
            "लिमिटेड",
            "कंपनी",
        ]);
        format!("{head} {word}")
    }
}
