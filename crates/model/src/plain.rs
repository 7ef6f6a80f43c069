//! An even spelling: what a reader takes for the same letter becomes the same letter.
//!
//! Accents of Latin, Greek and Cyrillic letters go, as people often leave them out; full-width and
//! styled letters become plain ones; Hangul is taken apart into letters, so that stems stand out;
//! marks of scripts in which they tell words apart (Devanagari, Thai, kana, Vietnamese) stay. No
//! letter becomes one of another script: look-alikes are a disguise, and that is another's business.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::bytes::position;

/// A text in even spelling, with the way back.
#[derive(Debug, Clone)]
pub struct Plain<'t> {
    /// The text.
    pub text: Cow<'t, str>,
    /// Places from which the distance to the original changes: here, and there.
    steps: Vec<(usize, usize)>,
}

impl Plain<'_> {
    /// The same, without the original.
    pub fn into_owned(self) -> Plain<'static> {
        Plain { text: Cow::Owned(self.text.into_owned()), steps: self.steps }
    }

    /// Where a byte of the text stood in the original.
    pub fn to_source(&self, at: usize) -> usize {
        let next = self.steps.partition_point(|(here, _)| *here <= at);
        match next.checked_sub(1).and_then(|step| self.steps.get(step)) {
            Some((here, there)) => there + (at - here),
            None => at,
        }
    }
}

/// Spells a text evenly.
pub fn plain(text: &str) -> Plain<'_> {
    if text.is_ascii() {
        return Plain { text: Cow::Borrowed(text), steps: Vec::new() };
    }
    let mut even = String::with_capacity(text.len());
    let mut steps = Vec::new();
    let mut rest = text;
    while let Some(start) = position(rest.as_bytes(), |byte| !byte.is_ascii()) {
        let (ascii, other) = rest.split_at(start);
        even.push_str(ascii);
        let mut others = other.chars();
        let Some(c) = others.next() else { break };
        let here = even.len();
        push(c, &mut even);
        rest = others.as_str();
        if even.len() - here != c.len_utf8() {
            steps.push((even.len(), text.len() - rest.len()));
        }
    }
    even.push_str(rest);
    Plain { text: Cow::Owned(even), steps }
}

fn push(c: char, even: &mut String) {
    match c {
        '«' | '»' | '“' | '”' | '„' | '‟' | '「' | '」' | '『' | '』' | '《' | '》' =>
        {
            even.push('"');
        }
        '‘' | '’' | '‚' | 'ʼ' => even.push('\''),
        '‐'..='―' | '−' => even.push('-'),
        '¿' | '؟' => even.push('?'),
        '¡' => even.push('!'),
        '،' | '、' => even.push(','),
        '؛' => even.push(';'),
        '۔' | '।' | '॥' => even.push('.'),
        '…' => even.push_str("..."),
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{3000}' => even.push(' '),
        // Soft hyphen, joiners and marks of direction; vowel points and stretching of Arabic and
        // Hebrew, which are rarely written.
        '\u{AD}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{E0000}'..='\u{E0FFF}'
        | '\u{640}'
        | '\u{64B}'..='\u{65F}'
        | '\u{670}'
        | '\u{591}'..='\u{5C7}' => {}
        'أ' | 'إ' | 'آ' | 'ٱ' => even.push('ا'),
        'ی' | 'ى' => even.push('ي'),
        'ک' => even.push('ك'),
        'ة' => even.push('ه'),
        // Vietnamese: the tone tells words apart.
        'ơ' | 'ư' | 'đ' | 'Ơ' | 'Ư' | 'Đ' | '\u{1EA0}'..='\u{1EF9}' | '\0'..='\u{7F}' => {
            even.push(c);
        }
        'ß' => even.push_str("ss"),
        '\u{C0}'..='\u{24F}'
        | '\u{370}'..='\u{52F}'
        | '\u{1E00}'..='\u{1E9F}'
        | '\u{1F00}'..='\u{1FFF}'
        | '\u{2100}'..='\u{214F}'
        | '\u{2460}'..='\u{24FF}'
        | '\u{FB00}'..='\u{FB06}'
        | '\u{FF00}'..='\u{FFEF}'
        | '\u{1D400}'..='\u{1D7FF}'
        | '\u{300}'..='\u{36F}' => {
            even.extend(std::iter::once(c).nfkd().filter(|c| !is_combining_mark(*c)));
        }
        '\u{AC00}'..='\u{D7A3}' => even.extend(std::iter::once(c).nfd()),
        _ => even.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelt(text: &str) -> String {
        plain(text).text.into_owned()
    }

    #[test]
    fn spelling_becomes_even_and_scripts_stay_apart() {
        for (text, expected) in [
            ("Contraseña, déjà vu", "Contrasena, deja vu"),
            ("ｉｇｎｏｒｅ 𝐭𝐡𝐢𝐬", "ignore this"),
            ("не ё й", "не е и"),
            ("bạn không được", "bạn khong được"),
            ("«да» „ja“ ¿qué?", "\"да\" \"ja\" ?que?"),
            ("कृपया अनदेखा करें।", "कृपया अनदेखा करें."),
            ("がぎ", "がぎ"),
            ("zero\u{200b}width", "zerowidth"),
        ] {
            assert_eq!(spelt(text), expected);
        }
        assert_eq!(spelt("무시").chars().count(), 4);
    }

    #[test]
    fn every_place_leads_back() {
        let text = "a ß é … 무 x\u{200b}y «z»";
        let plain = plain(text);
        for (at, c) in plain.text.char_indices() {
            let there = plain.to_source(at);
            assert!(there <= text.len(), "{at}");
            if c.is_ascii_alphabetic() && text.is_char_boundary(there) && !"e".contains(c) {
                assert!(text[there..].starts_with(c) || c == 's', "{c} at {at} leads to {there}");
            }
        }
        assert_eq!(plain.to_source(plain.text.len()), text.len());
    }
}
