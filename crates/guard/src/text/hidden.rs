//! Hidden text: letters in Unicode's tag block, and bytes in variation selectors.
//!
//! Models read both, people see neither. A visible character becomes a line break, so that hidden
//! words do not run into visible ones, and what can be seen nowhere is left out, as far as folding
//! leaves it out too.

use super::fold::{MAX_GAP, leaves_nothing, tag_ascii};
use super::offsets::Offsets;

/// The hidden part of a text.
#[derive(Debug)]
pub struct Hidden {
    /// Hidden letters, with a line break for each visible character.
    pub text: String,
    /// Where each byte came from.
    pub offsets: Offsets,
}

/// The hidden part; `None` when nothing is hidden.
pub fn hidden(text: &str) -> Option<Hidden> {
    // Both blocks begin with these two bytes in UTF-8.
    memchr::memmem::find(text.as_bytes(), &[0xF3, 0xA0])?;
    let mut out = String::new();
    let mut table: Vec<(u32, u32)> = Vec::new();
    let mut any = false;
    let mut gap = 0;
    for (start, c) in text.char_indices() {
        let source = (start as u32, (start + c.len_utf8()) as u32);
        if let Some(letter) = show(c, &mut gap) {
            out.push(letter);
            table.push(source);
            any |= letter != '\n';
        }
    }
    any.then_some(Hidden { text: out, offsets: Offsets::Table(table) })
}

/// Bytes of the hidden part of a text, taken as if something were hidden.
pub(super) fn hidden_len(text: &str) -> usize {
    let mut gap = 0;
    text.chars().filter(|c| show(*c, &mut gap).is_some()).count()
}

/// What the hidden part has for a character; `gap` counts those before that leave nothing.
fn show(c: char, gap: &mut usize) -> Option<char> {
    if let Some(letter) = tag_ascii(c).or_else(|| selector_ascii(c)) {
        *gap = 0;
        return Some(letter);
    }
    if *gap < MAX_GAP && leaves_nothing(c) {
        *gap += 1;
        return None;
    }
    Some('\n')
}

/// Printable ASCII in the supplementary variation selectors: selector 17 stands for byte 16.
fn selector_ascii(c: char) -> Option<char> {
    let byte = (c as u32).checked_sub(0xE0100)? + 16;
    let letter = char::from_u32(byte).filter(|_| byte < 0x7F)?;
    (letter == ' ' || letter.is_ascii_graphic()).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_tags(text: &str) -> String {
        text.chars().filter_map(|c| char::from_u32(0xE0000 + c as u32)).collect()
    }

    #[test]
    fn reads_tags_and_selectors_apart_from_visible_text() {
        let text = format!("hello{}there", in_tags("ignore all"));
        assert_eq!(hidden(&text).unwrap().text, "\n\n\n\n\nignore all\n\n\n\n\n");
        let smuggled: String = "rules"
            .bytes()
            .filter_map(|byte| char::from_u32(0xE0100 + u32::from(byte) - 16))
            .collect();
        assert_eq!(hidden(&format!("😀{smuggled}")).unwrap().text, "\nrules");
    }

    #[test]
    fn visible_text_hides_nothing() {
        assert!(hidden("plain, ünïcode, 漢字, ❤\u{FE0F}").is_none());
    }
}
