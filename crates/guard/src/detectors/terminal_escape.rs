//! Control sequences that a terminal would obey.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Channel, Severity};

use crate::cursor::{Cursor, before};
use crate::detector::{Detector, Findings, Hit, Reads};
use crate::text::View;

pub(super) static DETECTOR: TerminalEscape = TerminalEscape;

/// Finds control sequences in the bytes as they came.
pub(super) struct TerminalEscape;

static META: Meta = Meta {
    id: "terminal-escape",
    summary: "A control sequence that a terminal would obey",
    severity: Severity::Medium,
    category: Category::Terminal,
    label: "",
    docs: Docs {
        finds: "ECMA-48 sequences: `ESC [` (colours, cursor, erasing), `ESC ]` (titles, hyperlinks, clipboard), device \
                control, application and privacy strings, other escapes, their one-character forms U+0080 to U+009F, \
                backspaces, carriage returns that are not part of a line break, and other control characters. On \
                `tool-call`, where arguments are JSON, also the escape characters spelled `\\u001b` and \
                `\\u0080` to `\\u009f`. Sequences that are written out (`\\x1b[`, `\\033]`, `\\e[`, `\\u{1b}[`) score \
                0.3: a shell or a program that unescapes the text would make them real.",
        matters: "Text printed by a command line tool can rewrite what was shown, fake a prompt, fill the clipboard or \
                  make a link read differently from where it goes.",
        example: "`safe\\x1b[2K\\rmalicious`, shown by `cat`, reads `malicious`; masked it reads `safemalicious`.",
        fix: "Mask it: the placeholder is empty, so that the sequence goes and the text stays.",
        limits: "Sequences written out in letters are below the usual threshold of 0.5, except as said above. Of strings without an end within \
                 1,000 bytes only the beginning is removed; the rest is harmless without it. Control characters that \
                 terminals ignore score 0.4. Line ends of one carriage return each are found.",
    },
    references: &[Reference::Spec("ECMA-48"), Reference::Cwe(150), Reference::Owasp("LLM05:2025")],
    flags: &[
        "red \u{1b}[31malert\u{1b}[0m",
        "\u{1b}]8;;https://evil.example\u{7}safe\u{1b}]8;;\u{7}",
        "\u{1b}]52;c;cm0gLXJmIH4=\u{1b}\\ copied",
        "\u{1b}]0;title\u{9c}",
        "rm -rf ~\rls      ",
        "pass\u{8}\u{8}\u{8}\u{8}word",
        "\u{9b}2J cleared",
        "\u{1b}Pq#0;2;0;0;0\u{1b}\\ and \u{1b}c reset",
        "ring \u{7} and \u{0}",
        "\u{1b}[38;5;196",
        "{\"text\":\"\\u001B[2Jcleared\"}",
        "{\"text\":\"\\u009b31mred\"}",
        "{\"text\":\"\\u001b]0;title\\u0007\"}",
    ],
    passes: &[
        "line one\nline two\r\n\tindented\r\n",
        "written out: \\x1b[31m and \\033[0m and ^[[2J",
        "array[31m] and [0m",
        "naïve café — 中文 🙂",
        "old dot matrix\r\r\nline end",
        "a page break\u{c}here",
        "ends in a carriage return\r",
        "wrongly decoded \u{96} dash, \u{e2}\u{80}\u{9d} quote and \u{e2}\u{80}\u{98} quote",
        "fields\u{1f}and\u{1e}records",
        "{\"code\":\"print('\\\\u001b[31m')\",\"note\":\"caf\\u00e9 \\u0085 \\u001a\"}",
    ],
};

/// Longest sequence of parameters, in bytes.
const MAX_PARAMETER_BYTES: usize = 64;
/// Longest string of a device or system command.
const MAX_STRING_BYTES: usize = 1000;
/// Most backslashes in a row that are counted, to tell whether the last one begins an escape.
const MAX_BACKSLASHES: usize = 15;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
/// Score of what terminals ignore: worth noting, below the usual threshold.
const HARMLESS: f32 = 0.4;
/// Score of what becomes a sequence only where somebody unescapes it.
const WRITTEN: f32 = 0.3;

impl Detector for TerminalEscape {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Raw
    }

    fn look_behind(&self) -> usize {
        MAX_BACKSLASHES
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        let json = view.channel() == Channel::ToolCall;
        let begins = |byte: &u8| is_anchor(*byte) || *byte == b'\\';
        let mut from = 0;
        while let Some(skip) = bytes.iter().skip(from).position(begins) {
            let start = from + skip;
            from = start + 1;
            let mut cursor = Cursor::new(bytes, start, MAX_STRING_BYTES + 16);
            let lead = before(bytes, start, MAX_BACKSLASHES);
            let score = match bytes.get(start) {
                Some(b'\\') if json => spelled::read(lead, &mut cursor),
                Some(b'\\') => written::read(&mut cursor),
                _ => read(lead, &mut cursor),
            };
            if cursor.starved() {
                findings.undecided(start);
            }
            if let Some(score) = score {
                // A string that is cut at the cap may end inside a character.
                findings.push(start, view.text().ceil_char_boundary(cursor.at()), score);
            }
        }
    }
}

/// Bytes at which something may begin. `0xC2` begins U+0080 to U+00BF.
const fn is_anchor(byte: u8) -> bool {
    (byte < b' ' && !matches!(byte, b'\n' | b'\t' | 0x0c)) || byte == 0x7f || byte == 0xc2
}

/// Takes one sequence; gives how bad it is, or nothing where it is harmless. `lead` is what stands
/// before it.
fn read(lead: &[u8], cursor: &mut Cursor<'_>) -> Option<f32> {
    match cursor.next()? {
        b'\r' => carriage_return(cursor),
        ESC => Some(escape(cursor)),
        0xc2 => {
            let code = cursor.peek()?;
            if !matches!(code, 0x80..=0x9f) || code == 0x85 {
                // Latin letters, and NEXT LINE, which is a line end.
                return None;
            }
            cursor.next();
            Some(match code {
                // Quotes and dashes that were decoded wrongly; terminals ignore most of them.
                _ if lead.ends_with(&[0xc2, 0x80]) => HARMLESS,
                0x9b => control_sequence(cursor),
                0x90 | 0x98 | 0x9d..=0x9f => string(cursor),
                0x84 | 0x88 | 0x8d..=0x8f | 0x9a => 0.6,
                _ => HARMLESS,
            })
        }
        0x08 => Some(0.7),
        BEL | 0x05 | 0x0b | 0x0e | 0x0f => Some(0.6),
        _ => Some(HARMLESS),
    }
}

/// A carriage return overwrites the line, unless it is part of a line break or ends the text.
fn carriage_return(cursor: &mut Cursor<'_>) -> Option<f32> {
    let after = cursor.at();
    cursor.run(3, |byte| byte == b'\r');
    let overwrites = !matches!(cursor.peek(), None | Some(b'\n'));
    cursor.rewind(after);
    overwrites.then_some(0.7)
}

fn escape(cursor: &mut Cursor<'_>) -> f32 {
    match cursor.peek() {
        Some(b'[') => {
            cursor.next();
            control_sequence(cursor)
        }
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            cursor.next();
            string(cursor)
        }
        _ => {
            cursor.run(4, |byte| matches!(byte, 0x20..=0x2f));
            cursor.eat_if(|byte| matches!(byte, 0x30..=0x7e));
            0.7
        }
    }
}

/// Takes parameters, intermediates and the final byte.
fn control_sequence(cursor: &mut Cursor<'_>) -> f32 {
    cursor.run(MAX_PARAMETER_BYTES, |byte| matches!(byte, 0x30..=0x3f));
    cursor.run(4, |byte| matches!(byte, 0x20..=0x2f));
    let colour = cursor.peek() == Some(b'm');
    cursor.eat_if(|byte| matches!(byte, 0x40..=0x7e));
    if colour { 0.6 } else { 0.8 }
}

/// Takes a string as far as its terminator: BEL, `ESC \` or U+009C. Of a string that does not end
/// within reach only the beginning is taken: without it the rest is text.
fn string(cursor: &mut Cursor<'_>) -> f32 {
    let start = cursor.at();
    while cursor.at() - start < MAX_STRING_BYTES {
        match cursor.next() {
            Some(BEL) => return 0.9,
            Some(ESC) if cursor.eat(b'\\') => return 0.9,
            Some(0xc2) if cursor.eat(0x9c) => return 0.9,
            Some(0xc2) => {}
            // Any other escape aborts the string, and so does the end of the text.
            Some(ESC) | None => break,
            Some(_) => {}
        }
    }
    cursor.rewind(start);
    0.9
}

/// Sequences that are written out in letters, in the ways of shells and programming languages.
mod written {
    use super::WRITTEN;
    use crate::cursor::Cursor;

    /// Spellings of the escape character behind the backslash.
    const ESCAPES: [&str; 8] = ["x1b", "033", "33", "e", "u001b", "u{1b}", "U0000001b", "27"];
    /// Spellings of the one-character forms of `ESC [` and `ESC ]`.
    const INTRODUCERS: [&str; 6] = ["x9b", "x9d", "u009b", "u009d", "233", "235"];

    /// Takes the beginning of one sequence.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<f32> {
        cursor.next();
        let start = cursor.at();
        for escape in ESCAPES {
            if cursor.eat_word(escape) && cursor.eat_if(|byte| matches!(byte, b'[' | b']')) {
                return Some(WRITTEN);
            }
            cursor.rewind(start);
        }
        INTRODUCERS.iter().any(|introducer| cursor.eat_word(introducer)).then_some(WRITTEN)
    }
}

/// Sequences in a JSON string, where control characters are spelled `\u001b`.
mod spelled {
    use super::{MAX_PARAMETER_BYTES, MAX_STRING_BYTES};
    use crate::cursor::Cursor;

    const ESC: u8 = 0x1b;

    /// Takes one sequence that begins with a spelled character; `lead` is what stands before it.
    pub(super) fn read(lead: &[u8], cursor: &mut Cursor<'_>) -> Option<f32> {
        let escaped = lead.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        if escaped {
            return None;
        }
        match control(cursor)? {
            ESC => Some(escape(cursor)),
            0x9b => Some(control_sequence(cursor)),
            0x90 | 0x98 | 0x9d..=0x9f => Some(string(cursor)),
            0x84 | 0x88 | 0x8d..=0x8f | 0x9a => Some(0.6),
            _ => None,
        }
    }

    /// Takes `\u00` and two digits, whole or not at all; gives the code.
    fn control(cursor: &mut Cursor<'_>) -> Option<u8> {
        let start = cursor.at();
        // The letter is small: JSON knows no `\U`.
        let head = cursor.eat(b'\\') && cursor.eat(b'u') && cursor.eat_word("00");
        let digits = if head { cursor.run(2, |byte| byte.is_ascii_hexdigit()) } else { &[] };
        let code = std::str::from_utf8(digits)
            .ok()
            .filter(|digits| digits.len() == 2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if code.is_none() {
            cursor.rewind(start);
        }
        code
    }

    fn escape(cursor: &mut Cursor<'_>) -> f32 {
        match cursor.peek() {
            Some(b'[') => {
                cursor.next();
                control_sequence(cursor)
            }
            Some(b']' | b'P' | b'X' | b'^' | b'_') => {
                cursor.next();
                string(cursor)
            }
            _ => {
                cursor.run(4, is_intermediate);
                if !cursor.eat_word("\\\\") {
                    cursor.eat_if(|byte| matches!(byte, 0x30..=0x7e) && byte != b'\\');
                }
                0.7
            }
        }
    }

    /// As intermediate bytes go, without the quotation mark that ends the JSON string.
    const fn is_intermediate(byte: u8) -> bool {
        matches!(byte, 0x20..=0x2f) && byte != b'"'
    }

    fn control_sequence(cursor: &mut Cursor<'_>) -> f32 {
        cursor.run(MAX_PARAMETER_BYTES, |byte| matches!(byte, 0x30..=0x3f));
        cursor.run(4, is_intermediate);
        let colour = cursor.peek() == Some(b'm');
        cursor.eat_if(|byte| matches!(byte, 0x40..=0x7e) && byte != b'\\');
        if colour { 0.6 } else { 0.8 }
    }

    /// Takes a string as far as its terminator, in the JSON string that it stands in.
    fn string(cursor: &mut Cursor<'_>) -> f32 {
        let start = cursor.at();
        while cursor.at() - start < MAX_STRING_BYTES {
            match cursor.peek() {
                Some(b'\\') => match control(cursor) {
                    Some(0x07 | 0x9c) => return 0.9,
                    Some(ESC) if cursor.eat_word("\\\\") => return 0.9,
                    Some(ESC) => break,
                    Some(_) => {}
                    None => {
                        cursor.next();
                        cursor.next();
                    }
                },
                Some(b'"') | None => break,
                Some(_) => {
                    cursor.next();
                }
            }
        }
        cursor.rewind(start);
        0.9
    }
}
