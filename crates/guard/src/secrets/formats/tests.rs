//! What holds for every format: it finds what it describes, and not what is cut, glued or fake.

use super::*;

/// Characters of an alphabet in a fixed order that looks random.
fn noise(alphabet: Alphabet, len: u16, seed: &mut u32) -> String {
    let letters: Vec<char> = (0..=127u8)
        .filter(|byte| byte.is_ascii_alphanumeric() && alphabet.has(*byte))
        .map(char::from)
        .collect();
    let mut next = || {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*seed >> 8) as usize
    };
    (0..len).map(|_| letters[next() % letters.len()]).collect()
}

fn body(format: &Format, seed: &mut u32) -> String {
    if let Check::Around(word) = format.check {
        let mut part = || noise(Alphabet::Alnum, 24, seed);
        return format!("{}-{}{word}{}", part(), part(), part());
    }
    format
        .parts
        .iter()
        .map(|part| match part {
            Part::Run(alphabet, min, max) => noise(*alphabet, (*min).midpoint(*max), seed),
            Part::Text(text) => (*text).to_owned(),
        })
        .collect()
}

/// A text with the format's secret in it, and the secret.
fn sample_of(format: &Format, seed: u32) -> (String, String) {
    // A fake key may by chance be less random than real ones have to be.
    let body = (0..64)
        .map(|turn| body(format, &mut (seed + turn * 7919)))
        .find(|body| format.judge(body.as_bytes()).is_some())
        .unwrap_or_else(|| panic!("no plausible key for {} {}", format.label, format.anchor));
    let anchor = format.anchor;
    match format.place {
        Place::Prefix | Place::Word => (format!("{anchor}{body}"), format!("{anchor}{body}")),
        Place::Inside => (format!("abc{anchor}{body}"), format!("{anchor}{body}")),
        Place::Behind => (format!("{anchor}{body}"), body),
        Place::Glued => (format!("host{anchor}{body}"), body),
        Place::BehindNumber => (format!("123456789{anchor}{body}"), format!("AA{body}")),
        Place::Assigned => (format!("{anchor}_x = \"{body}\""), body),
    }
}

fn find(format: &Format, text: &str) -> Option<String> {
    let start = text.find(format.anchor)?;
    let (found, _) = format.read(text.as_bytes(), start, start + format.anchor.len());
    found.map(|found| text[found.start..found.end].to_owned())
}

#[test]
fn every_format_finds_its_keys() {
    for (index, format) in all().enumerate() {
        let (text, secret) = sample_of(format, index as u32);
        assert_eq!(find(format, &text).as_ref(), Some(&secret), "{text}");
        assert_eq!(find(format, &format!("({text}, ")).as_ref(), Some(&secret), "{text}");
        let open = format.read(
            text.as_bytes(),
            text.find(format.anchor).unwrap(),
            text.find(format.anchor).unwrap() + format.anchor.len(),
        );
        assert!(open.1 || format.place == Place::Assigned, "{text}");
    }
}

#[test]
fn keys_that_are_cut_or_glued_are_none() {
    for (index, format) in all().enumerate() {
        let (text, secret) = sample_of(format, index as u32);
        let variable = format.parts.iter().any(|part| matches!(part, Part::Run(_, a, b) if a != b));
        let at = text.rfind(&secret).unwrap();
        if !variable {
            let cut = &text[..at + secret.len() - 1];
            assert_eq!(find(format, cut), None, "{cut}");
        }
        if matches!(format.place, Place::Prefix | Place::Word) {
            assert_eq!(find(format, &format!("Z{text}")), None, "Z{text}");
        }
        if format.check == Check::MixedCase && format.place != Place::Assigned {
            assert_eq!(find(format, &format!("/{text}")), None, "/{text}");
        }
        if format.begins_word() {
            assert_eq!(find(format, &format!("_{text}")), None, "_{text}");
        }
    }
}

#[test]
fn placeholders_are_none() {
    for format in all() {
        let body: String = format
            .parts
            .iter()
            .map(|part| match part {
                Part::Run(alphabet, _, max) => {
                    let letter = if alphabet.has(b'x') { "x" } else { "0" };
                    letter.repeat(usize::from(*max))
                }
                Part::Text(text) => (*text).to_owned(),
            })
            .collect();
        assert_eq!(format.judge(body.as_bytes()), None, "{} {body}", format.anchor);
    }
}

#[test]
fn short_values_need_a_name_that_tells() {
    let format = all().find(|format| format.label == "LINKEDIN_SECRET");
    let score = |text: &str| {
        let (found, _) = format.unwrap().read(text.as_bytes(), 0, "linkedin".len());
        found.map(|found| found.score)
    };
    assert_eq!(score("linkedin_secret: q8Zt2Wv5Kd9Lr3Xn"), Some(0.8));
    assert_eq!(score("linkedin app secret = q8Zt2Wv5Kd9Lr3Xn"), Some(0.8));
    assert_eq!(score("linkedin: q8Zt2Wv5Kd9Lr3Xn"), Some(NAME_ONLY));
    assert_eq!(score("linkedin: q8Zt2Wv5Kd9Lr3Xn4"), None);
}

#[test]
fn a_short_name_is_no_end_of_one_word_and_beginning_of_another() {
    let format = all().find(|format| format.anchor == "okta").unwrap();
    let found = |name: &str| {
        let text = format!("{name} = 00fogoEmvnEN5N1aE6PwZPf1Qh6yYTWmE4lBYOvfZ8");
        let start = text.to_lowercase().find("okta").unwrap();
        format.read(text.as_bytes(), start, start + 4).0.is_some()
    };
    assert!(found("okta_token") && found("OKTA") && found("myOktaToken"));
    assert!(!found("rookTable"));
}

#[test]
fn samples_and_keys_exclude_each_other() {
    let sample = |text: &str| {
        all().find_map(|format| {
            let start = text.find(format.anchor)?;
            format.read_sample(text.as_bytes(), start, start + format.anchor.len()).0
        })
    };
    for (text, score) in [
        ("AKIAIOSFODNN7EXAMPLE", 0.3),
        ("ghp_xxxxxxxx", 0.1),
        ("AP6xxxxxxxxxx", 0.1),
        ("dapiXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", 0.1),
    ] {
        assert_eq!(sample(text).map(|found| found.score), Some(score), "{text}");
    }
    for (index, format) in all().enumerate() {
        let (text, _) = sample_of(format, index as u32);
        let start = text.find(format.anchor).unwrap();
        let end = start + format.anchor.len();
        assert_eq!(format.read_sample(text.as_bytes(), start, end).0, None, "{text}");
    }
}

#[test]
fn a_right_checksum_is_surer() {
    let body = concat!("wWPw5k4aXcaT4fNP0UcnZwJU", "VFk6LO0pINUx");
    assert!(has_crc32(body.as_bytes()));
    let format = all().find(|format| format.anchor == "ghp_").unwrap();
    assert!(format.judge(body.as_bytes()) > format.judge(body.to_lowercase().as_bytes()));
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}

#[test]
fn formats_are_many_and_well_formed() {
    assert!(all().count() >= 400, "{}", all().count());
    let marked = all().filter(|format| format.place != Place::Assigned).count();
    assert!(marked >= 220, "{marked}");
    for format in all() {
        assert!(format.anchor.len() >= 2 && format.anchor.is_ascii(), "{}", format.anchor);
        let label = format.label.bytes();
        assert!(
            label
                .clone()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        );
        let longest: usize = format
            .parts
            .iter()
            .map(|part| match part {
                Part::Run(_, min, max) => {
                    assert!(min <= max);
                    usize::from(*max)
                }
                Part::Text(text) => text.len(),
            })
            .sum();
        assert!(longest < MAX_MATCH_BYTES - 128, "{}", format.label);
    }
}
