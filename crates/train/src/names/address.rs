//! Postal addresses that are put together as their countries write them.

use bartizan_model::tagger::Entity;

use super::made::{Maker, capitalised};
use super::sample::Piece;

impl Maker<'_> {
    /// A street with a number, and no town.
    pub fn street(&mut self, language: &str) -> Piece {
        let country = self.country_of(language);
        Piece::named(self.street_in(country), Entity::Address)
    }

    /// A whole address.
    pub fn address(&mut self, language: &str) -> Piece {
        let country = self.country_of(language);
        let street = self.street_in(country);
        if self.chance(0.12) {
            return Piece::named(street, Entity::Address);
        }
        let town = self.town_line(country);
        let joint = match country {
            "zh" | "ja" | "ko" => "",
            "ar" => "، ",
            _ if self.chance(0.15) => "\n",
            _ if self.chance(0.08) => " ",
            _ => ", ",
        };
        let whole = match country {
            "zh" | "ja" => format!("{town}{street}"),
            "ko" => format!("{town} {street}"),
            "ru" if self.chance(0.4) => format!("{town}{joint}{street}"),
            _ => format!("{street}{joint}{town}"),
        };
        Piece::named(whole, Entity::Address)
    }

    fn country_of(&mut self, language: &str) -> &'static str {
        match language {
            "de" => "de",
            "fr" => "fr",
            "es" => "es",
            "it" => "it",
            "pt" => "pt",
            "nl" => "nl",
            "pl" => "pl",
            "ru" => "ru",
            "tr" => "tr",
            "sv" => "sv",
            "zh" => "zh",
            "ja" => "ja",
            "ko" => "ko",
            "ar" => "ar",
            "hi" => "hi",
            _ => self.one_of(&[
                "uk", "uk", "uk", "us", "us", "us", "us", "in", "de", "fr", "nl", "sv", "es", "it",
                "pl", "au",
            ]),
        }
    }

    fn house(&mut self) -> String {
        let most = if self.chance(0.25) { 2500 } else { 180 };
        let number = self.number(most);
        match self.random.below(12) {
            0 => format!("{number}{}", self.one_of(&["a", "b", "B", "A", "c"])),
            _ => number,
        }
    }

    fn street_in(&mut self, country: &str) -> String {
        let number = self.house();
        let flat = self.number(60);
        match country {
            "uk" | "us" | "au" | "in" => self.english_street(country, &number, &flat),
            "de" => {
                let base = self.word("words", "street-de");
                let street = match self.random.below(10) {
                    0..=4 => format!("{base}straße"),
                    5 => format!("{base}str."),
                    6 => format!("{base}weg"),
                    7 => format!("{base}allee"),
                    8 => format!("{}-Straße", self.surname("de").text.replace(' ', "-")),
                    _ => format!(
                        "{} {base}{}",
                        self.one_of(&["Am", "Im", "Zur", "An der", "Alte", "Neue"]),
                        self.one_of(&["weg", "platz", "hof", "gasse", ""])
                    ),
                };
                format!("{street} {number}")
            }
            "fr" => {
                let kind = self.one_of(&[
                    "rue",
                    "rue",
                    "avenue",
                    "boulevard",
                    "place",
                    "chemin",
                    "impasse",
                    "quai",
                    "allée",
                    "Rue",
                ]);
                let joint = self.one_of(&["des ", "de la ", "du ", "", "de l'"]);
                let bis = self.one_of(&["", "", "", " bis", " ter"]);
                let comma = self.one_of(&["", "", ","]);
                format!("{number}{bis}{comma} {kind} {joint}{}", self.word("words", "street-fr"))
            }
            "es" => {
                let kind = self.one_of(&[
                    "C/", "Calle", "calle", "Avda.", "Avenida", "Plaza", "Paseo", "Camino",
                    "Carrera",
                ]);
                let floor = self.one_of(&["", "", ", 2.º B", ", 3º izq.", ", 1ºA", ", bajo"]);
                let joint = self.one_of(&["", "", "de ", "de la "]);
                let comma = self.one_of(&["", ",", " n.º"]);
                format!("{kind} {joint}{}{comma} {number}{floor}", self.word("words", "street-es"))
            }
            "it" => {
                let kind = self
                    .one_of(&["via", "Via", "Via", "Viale", "Piazza", "Corso", "Vicolo", "Largo"]);
                let comma = self.one_of(&["", ",", ""]);
                format!("{kind} {}{comma} {number}", self.word("words", "street-it"))
            }
            "pt" => {
                let kind =
                    self.one_of(&["Rua", "Rua", "Avenida", "Av.", "Travessa", "Praça", "rua"]);
                let floor = self.one_of(&["", "", ", 3.º Esq.", ", apto 42", ", 2º Dto"]);
                let comma = self.one_of(&["", ",", ", n.º"]);
                format!("{kind} {}{comma} {number}{floor}", self.word("words", "street-pt"))
            }
            "nl" => {
                let kind =
                    self.one_of(&["straat", "weg", "laan", "plein", "gracht", "kade", "dijk"]);
                format!("{}{kind} {number}", self.word("words", "street-nl"))
            }
            "pl" => {
                let kind = self.one_of(&["ul. ", "ul. ", "al. ", "os. ", ""]);
                let flat = if self.chance(0.4) { format!("/{flat}") } else { String::new() };
                format!("{kind}{} {number}{flat}", self.word("words", "street-pl"))
            }
            "ru" => {
                let kind = self.one_of(&["ул. ", "улица ", "пр. ", "пер. ", "наб. "]);
                let flat = if self.chance(0.5) { format!(", кв. {flat}") } else { String::new() };
                let house = self.one_of(&[", д. ", ", ", " "]);
                format!("{kind}{}{house}{number}{flat}", self.word("words", "street-ru"))
            }
            "tr" => {
                let kind = self.one_of(&["Sok.", "Cad.", "Caddesi", "Sokak", "Sk.", "Bulvarı"]);
                let flat = if self.chance(0.5) { format!(" D: {flat}") } else { String::new() };
                let quarter = if self.chance(0.3) {
                    format!("{} Mah. ", self.word("words", "street-tr"))
                } else {
                    String::new()
                };
                let no = self.one_of(&["No: ", "No:", "no "]);
                format!("{quarter}{} {kind} {no}{number}{flat}", self.word("words", "street-tr"))
            }
            "sv" => {
                let kind = self
                    .one_of(&["gatan", "vägen", "backen", "gata", "veien", "gade", "vej", "katu"]);
                format!("{}{kind} {number}", self.word("words", "street-sv"))
            }
            "zh" => {
                let room = if self.chance(0.6) {
                    format!("{}栋{}室", self.number(20), 100 + self.random.below(900))
                } else {
                    String::new()
                };
                format!(
                    "{}{}{number}号{room}",
                    self.word("words", "street-zh"),
                    self.one_of(&["路", "街", "大道", "东路", "西路"])
                )
            }
            "ja" => {
                let town = self.word("words", "street-ja");
                let (a, b) = (self.number(9), self.number(30));
                let room = if self.chance(0.3) {
                    format!(
                        " {}{}号室",
                        self.one_of(&["コーポ若葉", "グリーンハイツ", "メゾン桜", ""]),
                        100 + self.random.below(900)
                    )
                } else {
                    String::new()
                };
                match self.random.below(3) {
                    0 => format!("{town}{a}丁目{b}番{}号{room}", self.number(20)),
                    _ => format!("{town}{a}-{b}-{}{room}", self.number(20)),
                }
            }
            "ko" => {
                let room = if self.chance(0.5) {
                    format!(", {}호", 100 + self.random.below(900))
                } else {
                    String::new()
                };
                let lane = if self.chance(0.4) {
                    format!(" {}길", self.number(40))
                } else {
                    String::new()
                };
                format!("{}로{lane} {number}{room}", self.word("words", "street-ko"))
            }
            "ar" => format!("{number} شارع {}", self.word("words", "street-ar")),
            _ => format!(
                "{number}, {} {}",
                self.word("words", "street-hi"),
                self.one_of(&["मार्ग", "रोड", "नगर", "गली"])
            ),
        }
    }

    fn english_street(&mut self, country: &str, number: &str, flat: &str) -> String {
        let mut name =
            self.word("words", if country == "in" { "street-in" } else { "street-en" }).to_owned();
        match self.random.below(8) {
            0 => name = capitalised(self.word("everyday", "en")),
            1 => name = format!("{} {name}", capitalised(self.word("everyday", "en"))),
            2 => name = self.surname("en").text,
            3 => name = self.town("en"),
            _ => {}
        }
        let kind = match country {
            "uk" => self.one_of(&[
                "Road", "Street", "Lane", "Avenue", "Close", "Court", "Mews", "Terrace",
                "Crescent", "Gardens", "Way", "Drive", "Yard", "Grove", "Hill", "Row", "Square",
                "Place", "",
            ]),
            "in" => self.one_of(&[
                "Road", "Nagar", "Marg", "Street", "Colony", "Layout", "Cross", "Enclave",
            ]),
            _ => self.one_of(&[
                "St",
                "Street",
                "Ave",
                "Avenue",
                "Rd",
                "Road",
                "Blvd",
                "Drive",
                "Dr",
                "Ln",
                "Lane",
                "Ct",
                "Court",
                "Way",
                "Pkwy",
                "Place",
                "Trail",
                "Hollow Dr",
                "Ridge Rd",
            ]),
        };
        let street = format!("{number} {name} {kind}");
        let street = street.trim_end();
        match self.random.below(14) {
            0 if self.chance(0.4) => {
                let letter = self.one_of(&["A", "B", "C", "D", "2B", "4a"]);
                format!("{} {letter}, {street}", self.one_of(&["Flat", "Apt", "Unit"]))
            }
            0 => format!("Flat {flat}, {street}"),
            1 => format!(
                "{street}, {} {flat}",
                self.one_of(&["Apt", "Unit", "Suite", "Apt.", "Ste"])
            ),
            2 => {
                format!("{} {flat}, {street}", self.one_of(&["Apt", "Unit", "Apartment", "Suite"]))
            }
            3 if country == "uk" => format!(
                "{} {}, {name} {kind}",
                self.word("words", "street-en"),
                self.one_of(&["House", "Cottage", "Farm", "Lodge"])
            ),
            4 if country == "us" => format!("{street} #{flat}"),
            5 if country == "us" => format!(
                "{number} {} {name} {kind}",
                self.one_of(&["N", "S", "E", "W", "North", "South", "NW"])
            ),
            6 if country == "us" => format!("P.O. Box {number}"),
            7 if country == "in" => {
                format!("Flat {flat}{}, {name} {kind}", self.one_of(&["A", "B", "C"]))
            }
            _ => street.to_owned(),
        }
    }

    fn town_line(&mut self, country: &str) -> String {
        let city = |maker: &mut Self, list: &str| {
            if maker.chance(0.15) {
                maker.town(list)
            } else {
                maker.word("cities", list).to_owned()
            }
        };
        match country {
            "uk" => {
                let town = city(self, "en");
                let area = self.one_of(&[
                    "LS", "M", "B", "SW", "N", "E", "BS", "OX", "CB", "NR", "SK", "YO", "EH", "G",
                    "CF", "BT", "S", "L", "NE", "PL",
                ]);
                let (a, b) = (self.number(22), self.number(9));
                let end = self.one_of(&["QX", "TN", "ZZ", "TT", "AB", "DW", "HJ", "LP", "RS"]);
                let space = self.one_of(&[" ", " ", " ", ""]);
                match self.random.below(5) {
                    0 => town,
                    1 => format!("{town}, {area}{a}{space}{b}{end}"),
                    _ => format!("{town} {area}{a}{space}{b}{end}"),
                }
            }
            "us" => {
                let town = city(self, "en");
                let state = self.one_of(&[
                    "OH", "CA", "NY", "TX", "MN", "ND", "FL", "WA", "IL", "MA", "PA", "GA", "CO",
                    "OR", "VA", "NC",
                ]);
                match self.random.below(6) {
                    0 => town,
                    1 => format!("{town} {state} {}", self.digits(5)),
                    2 => format!("{town}, {state}"),
                    _ => format!("{town}, {state} {}", self.digits(5)),
                }
            }
            "au" => {
                let (town, state) =
                    (city(self, "en"), self.one_of(&["NSW", "VIC", "QLD", "WA", "SA", "TAS"]));
                format!("{town} {state} {}", self.digits(4))
            }
            "in" => {
                let town = self.one_of(&[
                    "Mumbai",
                    "Pune",
                    "Bengaluru",
                    "New Delhi",
                    "Chennai",
                    "Kolkata",
                    "Hyderabad",
                    "Indore",
                    "Kochi",
                ]);
                format!("{town} {}", self.digits(6))
            }
            "nl" => {
                let town = city(self, "nl");
                let letters = self.one_of(&["AB", "ZZ", "XK", "GT", "HJ", "PL"]);
                format!("{} {letters} {town}", self.digits(4))
            }
            "pl" => format!("{}-{} {}", self.digits(2), self.digits(3), city(self, "pl")),
            "sv" => format!("{} {} {}", self.digits(3), self.digits(2), city(self, "sv")),
            "ru" => {
                let town = self.word("cities", "ru");
                match self.random.below(4) {
                    0 => format!("г. {town}"),
                    1 => town.to_owned(),
                    2 => format!("{}, {town}", self.digits(6)),
                    _ => format!("{} {town}", self.digits(6)),
                }
            }
            "zh" => {
                let town = self.word("cities", "zh");
                let quarter = self.one_of(&[
                    "徐汇区",
                    "朝阳区",
                    "海淀区",
                    "浦东新区",
                    "天河区",
                    "南山区",
                    "西湖区",
                    "江北区",
                    "",
                ]);
                let town =
                    if town.ends_with('市') { town.to_owned() } else { format!("{town}市") };
                format!("{town}{quarter}")
            }
            "ja" => {
                let post = if self.chance(0.5) {
                    format!("〒{}-{} ", self.digits(3), self.digits(4))
                } else {
                    String::new()
                };
                let quarter = self.one_of(&[
                    "東京都新宿区",
                    "東京都渋谷区",
                    "東京都世田谷区",
                    "大阪府大阪市北区",
                    "京都府京都市左京区",
                    "神奈川県横浜市西区",
                    "愛知県名古屋市中区",
                    "福岡県福岡市博多区",
                    "北海道札幌市中央区",
                ]);
                format!("{post}{quarter}")
            }
            "ko" => self
                .one_of(&[
                    "서울특별시 마포구",
                    "서울특별시 강남구",
                    "서울시 종로구",
                    "부산광역시 해운대구",
                    "경기도 성남시 분당구",
                    "인천광역시 연수구",
                    "대전광역시 유성구",
                    "대구광역시 수성구",
                ])
                .to_owned(),
            "ar" => self.word("cities", "ar").to_owned(),
            "hi" => format!("{} {}", self.word("cities", "hi"), self.digits(6)),
            "tr" => format!("{} {}", self.digits(5), city(self, "tr")),
            "pt" => format!("{}-{} {}", self.digits(4), self.digits(3), city(self, "pt")),
            list => format!("{} {}", self.digits(5), city(self, list)),
        }
    }
}
