//! Control sequences that a terminal would obey.

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::cursor::Cursor;
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
                backspaces, carriage returns that are not part of a line break, and other control characters.",
        matters: "Text printed by a command line tool can rewrite what was shown, fake a prompt, fill the clipboard or \
                  make a link read differently from where it goes.",
        example: "`safe\\x1b[2K\\rmalicious`, shown by `cat`, reads `malicious`; masked it reads `safemalicious`.",
        fix: "Mask it: the placeholder is empty, so that the sequence goes and the text stays.",
        limits: "Sequences written out in letters (`\\x1b[31m`) are text and pass. Strings over 1,000 bytes are removed \
                 as far as that; without its beginning the rest is harmless. Line ends of one carriage return each \
                 are found.",
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
    ],
    passes: &[
        "line one\nline two\r\n\tindented\r\n",
        "written out: \\x1b[31m and \\033[0m and ^[[2J",
        "array[31m] and [0m",
        "naïve café — 中文 🙂",
        "old dot matrix\r\r\nline end",
        "a page break\u{c}here",
        "ends in a carriage return\r",
    ],
};

/// Longest sequence of parameters, in bytes.
const MAX_PARAMETER_BYTES: usize = 64;
/// Longest string of a device or system command.
const MAX_STRING_BYTES: usize = 1000;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;

impl Detector for TerminalEscape {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn reads(&self) -> Reads {
        Reads::Raw
    }

    fn look_behind(&self) -> usize {
        0
    }

    fn inspect(&self, view: &View<'_>, _: &[Hit], findings: &mut Findings<'_>) {
        let bytes = view.bytes();
        let mut from = 0;
        while let Some(skip) = bytes.iter().skip(from).position(|byte| is_anchor(*byte)) {
            let start = from + skip;
            from = start + 1;
            let mut cursor = Cursor::new(bytes, start, MAX_STRING_BYTES + 8);
            let score = read(&mut cursor);
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

/// Takes one sequence; gives how bad it is, or nothing where it is harmless.
fn read(cursor: &mut Cursor<'_>) -> Option<f32> {
    match cursor.next()? {
        b'\r' => carriage_return(cursor),
        ESC => Some(escape(cursor)),
        0xc2 => match cursor.peek()? {
            // NEXT LINE is a line end.
            0x85 => None,
            0x9b => {
                cursor.next();
                Some(control_sequence(cursor))
            }
            0x90 | 0x98 | 0x9d..=0x9f => {
                cursor.next();
                Some(string(cursor))
            }
            0x80..=0x9f => {
                cursor.next();
                Some(0.6)
            }
            _ => None,
        },
        0x08 => Some(0.7),
        _ => Some(0.6),
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

/// Takes a string as far as its terminator: BEL, `ESC \` or U+009C.
fn string(cursor: &mut Cursor<'_>) -> f32 {
    let start = cursor.at();
    while cursor.at() - start < MAX_STRING_BYTES {
        match cursor.peek() {
            None => break,
            Some(BEL) => {
                cursor.next();
                break;
            }
            Some(ESC) => {
                let at = cursor.at();
                cursor.next();
                if !cursor.eat(b'\\') {
                    // Any other escape aborts the string.
                    cursor.rewind(at);
                }
                break;
            }
            Some(0xc2) => {
                cursor.next();
                if cursor.eat(0x9c) {
                    break;
                }
            }
            Some(_) => {
                cursor.next();
            }
        }
    }
    0.9
}
