//! Letters without case and marks, and the scripts that need care.

use std::sync::LazyLock;

use unicode_normalization::char::decompose_canonical;

/// Characters below this are folded by table: Latin, Greek and Cyrillic with their marks.
const TABLE_END: usize = 0x530;

static TABLE: LazyLock<Vec<u32>> = LazyLock::new(|| {
    (0..TABLE_END as u32).map(|code| char::from_u32(code).map_or(code, fold_slow)).collect()
});

/// The letter in lower case without marks; 0 for a mark by itself.
pub(crate) fn fold(c: char) -> u32 {
    match TABLE.get(c as usize) {
        Some(folded) => *folded,
        None if matches!(c, '\u{1E00}'..='\u{1EFF}') => fold_slow(c),
        None if is_joiner(c) => 0,
        None => c.to_lowercase().next().unwrap_or(c) as u32,
    }
}

fn fold_slow(c: char) -> u32 {
    if matches!(c, '\u{300}'..='\u{36F}') {
        return 0;
    }
    let mut base = None;
    decompose_canonical(c, |part| {
        base.get_or_insert(part);
    });
    let base = base.unwrap_or(c);
    let lower = base.to_lowercase().next().unwrap_or(base);
    let plain = match lower {
        'ı' => 'i',
        'ø' | 'œ' => 'o',
        'ł' => 'l',
        'đ' | 'ð' => 'd',
        'æ' => 'a',
        'ß' => 's',
        'ё' => 'е',
        'ς' => 'σ',
        other => other,
    };
    plain as u32
}

/// Whether the character belongs to the letter before it.
pub(crate) fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36F}'
            | '\u{591}'..='\u{5C7}'
            | '\u{610}'..='\u{61A}'
            | '\u{64B}'..='\u{65F}'
            | '\u{900}'..='\u{903}'
            | '\u{93A}'..='\u{94F}'
            | '\u{951}'..='\u{957}'
            | '\u{962}'..='\u{963}'
            | '\u{981}'..='\u{983}'
            | '\u{9BC}'..='\u{9CD}'
            | '\u{B82}'
            | '\u{BBE}'..='\u{BCD}'
            | '\u{E31}'
            | '\u{E34}'..='\u{E3A}'
            | '\u{E47}'..='\u{E4E}'
    ) || is_joiner(c)
}

/// Joiners shape letters and are no letters.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// Scripts that are cut or judged in a way of their own.
pub(crate) mod script {
    /// Chinese characters.
    pub(crate) const HAN: u8 = 1;
    /// Japanese syllables.
    pub(crate) const HIRAGANA: u8 = 2;
    /// Japanese syllables for foreign words.
    pub(crate) const KATAKANA: u8 = 3;
    /// Korean syllables.
    pub(crate) const HANGUL: u8 = 4;
    /// Arabic and Hebrew letters.
    pub(crate) const SEMITIC: u8 = 5;
}

/// The script, when it is one of [`script`]; else 0.
pub(crate) const fn script(c: char) -> u8 {
    match c {
        '\u{590}'..='\u{77F}' => script::SEMITIC,
        '\u{3005}'..='\u{3007}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' => script::HAN,
        '\u{3041}'..='\u{309F}' => script::HIRAGANA,
        '\u{30A1}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}' => script::KATAKANA,
        '\u{AC00}'..='\u{D7A3}' => script::HANGUL,
        _ => 0,
    }
}
