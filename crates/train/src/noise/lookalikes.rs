//! Harmless text that looks like noise: tables, logs, keys, lists.

use std::fmt::Write as _;

use crate::random::Random;

/// Makes such texts.
pub fn lookalikes(random: &mut Random, number: usize) -> Vec<String> {
    (0..number).map(|_| lookalike(random)).collect()
}

fn lookalike(random: &mut Random) -> String {
    let lines = 2 + random.below(10);
    let make: fn(&mut Random) -> String = match random.below(14) {
        0 => url,
        1 => record,
        2 => object,
        3 => log,
        4 => flags,
        5 => checksum,
        6 => names,
        7 => keywords,
        8 => table,
        9 => path,
        10 => setting,
        11 => formula,
        12 => initials,
        _ => product,
    };
    let mut text = String::new();
    for line in 0..lines {
        if line > 0 {
            text.push(if random.chance(0.8) { '\n' } else { ' ' });
        }
        text.push_str(&make(random));
    }
    text
}

const SYLLABLES: &[&str] = &[
    "ba", "ko", "ri", "ten", "lo", "mar", "sin", "du", "vel", "pa", "tri", "gen", "os", "ka", "nu",
    "mi", "lan", "fo", "res", "ta", "qui", "zo", "em", "dar", "shi", "wu", "ley", "ton", "berg",
    "ska", "vin", "hel", "ja", "rou", "mon", "ice", "ard", "sel", "ba", "cre",
];

const NOUNS: &[&str] = &[
    "order", "price", "user", "region", "total", "status", "device", "item", "batch", "city",
    "node", "queue", "cache", "token", "index", "report", "invoice", "sensor", "level", "height",
    "width", "color", "shoe", "bag", "phone", "laptop", "camera", "ticket", "hotel", "flight",
    "coffee", "garden", "school", "bank", "loan", "engine", "filter", "server", "client", "window",
    "table",
];

fn word(random: &mut Random) -> String {
    (0..=random.below(3)).map(|_| *random.pick(SYLLABLES).unwrap_or(&"ba")).collect()
}

fn noun(random: &mut Random) -> &'static str {
    random.pick(NOUNS).copied().unwrap_or("item")
}

fn name(random: &mut Random) -> String {
    let word = word(random);
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |c| c.to_uppercase().chain(characters).collect())
}

fn digits(random: &mut Random, most: usize) -> String {
    (0..=random.below(most)).map(|_| char::from(b'0' + random.below(10) as u8)).collect()
}

fn hex(random: &mut Random, length: usize) -> String {
    let digit = |random: &mut Random| random.pick(b"0123456789abcdef").copied().unwrap_or(b'0');
    (0..length).map(|_| char::from(digit(random))).collect()
}

fn url(random: &mut Random) -> String {
    let mut url = format!("https://{}.example/{}/{}", word(random), noun(random), word(random));
    for index in 0..random.below(5) {
        url.push(if index == 0 { '?' } else { '&' });
        let _ = write!(url, "{}={}", noun(random), digits(random, 6));
    }
    url
}

fn record(random: &mut Random) -> String {
    let cell = |random: &mut Random| match random.below(5) {
        0 => digits(random, 6),
        1 => format!("{}.{}", digits(random, 3), digits(random, 1)),
        2 => name(random),
        3 => String::new(),
        _ => noun(random).to_owned(),
    };
    let separator = *random.pick(&[",", ";", "\t", ", "]).unwrap_or(&",");
    (0..3 + random.below(7)).map(|_| cell(random)).collect::<Vec<_>>().join(separator)
}

fn object(random: &mut Random) -> String {
    let member = |random: &mut Random| {
        let value = match random.below(4) {
            0 => digits(random, 5),
            1 => "true".to_owned(),
            2 => format!("[{}, {}]", digits(random, 2), digits(random, 2)),
            _ => format!("\"{}\"", word(random)),
        };
        format!("\"{}_{}\": {value}", noun(random), noun(random))
    };
    let members: Vec<String> = (0..2 + random.below(5)).map(|_| member(random)).collect();
    format!("{{{}}}", members.join(", "))
}

fn log(random: &mut Random) -> String {
    let level = random.pick(&["INFO", "WARN", "ERROR", "DEBUG"]).copied().unwrap_or("INFO");
    format!(
        "2024-0{}-1{}T0{}:{}:{}Z {level} [{}-{}] {}={} {} ms",
        1 + random.below(9),
        random.below(10),
        random.below(10),
        10 + random.below(49),
        10 + random.below(49),
        noun(random),
        random.below(40),
        noun(random),
        word(random),
        random.below(4000),
    )
}

fn flags(random: &mut Random) -> String {
    let mut line = format!("{} {}", word(random), noun(random));
    for _ in 0..2 + random.below(5) {
        let flag = match random.below(3) {
            0 => format!(" --{}={}", noun(random), digits(random, 4)),
            1 => format!(" -{}", char::from(b'a' + random.below(26) as u8)),
            _ => format!(" --{}-{} {}", noun(random), noun(random), word(random)),
        };
        line.push_str(&flag);
    }
    line
}

fn checksum(random: &mut Random) -> String {
    let length = *random.pick(&[32, 40, 64]).unwrap_or(&40);
    format!(
        "{}  {}.{}",
        hex(random, length),
        word(random),
        random.pick(&["tar.gz", "whl", "bin"]).unwrap_or(&"bin")
    )
}

fn names(random: &mut Random) -> String {
    (0..3 + random.below(8))
        .map(|_| format!("{} {}", name(random), name(random)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn keywords(random: &mut Random) -> String {
    (0..6 + random.below(12))
        .map(|_| if random.chance(0.7) { noun(random).to_owned() } else { word(random) })
        .collect::<Vec<_>>()
        .join(if random.chance(0.6) { ", " } else { " " })
}

fn table(random: &mut Random) -> String {
    let cells: Vec<String> = (0..3 + random.below(4))
        .map(|_| if random.chance(0.5) { digits(random, 4) } else { name(random) })
        .collect();
    format!("| {} |", cells.join(" | "))
}

fn path(random: &mut Random) -> String {
    let mut path = String::new();
    for _ in 0..2 + random.below(4) {
        path.push('/');
        path.push_str(noun(random));
    }
    format!(
        "{path}/{}_{}.{}:{}",
        word(random),
        noun(random),
        random.pick(&["rs", "py", "ts", "go"]).unwrap_or(&"rs"),
        random.below(900)
    )
}

fn setting(random: &mut Random) -> String {
    format!(
        "{}_{}: {} # {} {}",
        noun(random),
        noun(random),
        digits(random, 4),
        word(random),
        noun(random)
    )
}

fn formula(random: &mut Random) -> String {
    let variable = |random: &mut Random| char::from(b'a' + random.below(26) as u8);
    let mut line = format!("{}(", variable(random));
    for index in 0..3 + random.below(6) {
        if index > 0 {
            line.push_str(random.pick(&[" + ", " - ", "*", "/", " = ", "^", ", "]).unwrap_or(&"+"));
        }
        let _ = write!(line, "{}{}", random.below(20), variable(random));
    }
    line.push(')');
    line
}

fn initials(random: &mut Random) -> String {
    (0..5 + random.below(10))
        .map(|_| {
            let letters = 2 + random.below(3);
            (0..letters).map(|_| char::from(b'A' + random.below(26) as u8)).collect::<String>()
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn product(random: &mut Random) -> String {
    format!(
        "{} {}-{}{} {} ({}x{} mm, {}) ${}.99",
        name(random),
        name(random).to_uppercase(),
        digits(random, 3),
        char::from(b'A' + random.below(26) as u8),
        noun(random),
        random.below(900),
        random.below(900),
        noun(random),
        random.below(500),
    )
}
