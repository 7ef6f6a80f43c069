//! Folders: which files of a tree are scanned, and how their bytes are read.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bartizan_core::limits::{CHECK_LINE_BYTES, read_capped};
use ignore::WalkBuilder;

use super::inputs::{Input, Unreadable};
use crate::format::io_help;

/// Folder of a version control system: its files are packed, and those of the tree are read.
const NOT_ENTERED: &str = ".git";
/// Bytes that tell text from anything else.
const HEAD_BYTES: usize = 8 << 10;

/// Whether files that ignore files name are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ignored {
    /// As `.gitignore` and `.ignore` say, those of the folders above included.
    LeftOut,
    /// Every file is read.
    Read,
}

/// The regular files of a folder in the order of their names, and what could not be entered. Links
/// are not followed.
pub(super) fn files(
    folder: &Path,
    ignored: Ignored,
) -> impl Iterator<Item = Result<PathBuf, Unreadable>> {
    let honour = ignored == Ignored::LeftOut;
    let walk = WalkBuilder::new(folder)
        .hidden(false)
        .parents(honour)
        .ignore(honour)
        .git_ignore(honour)
        .git_exclude(honour)
        // What is left out must not depend on the machine.
        .git_global(false)
        .require_git(false)
        .follow_links(false)
        .sort_by_file_name(Ord::cmp)
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != NOT_ENTERED)
        .build();
    walk.filter_map(|entry| match entry {
        Ok(entry) => {
            let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
            is_file.then(|| Ok(entry.into_path()))
        }
        Err(error) => {
            let help = error.io_error().and_then(|error| io_help(error.kind()));
            let reason = format!("cannot walk: {error}");
            Some(Err(Unreadable { reason, help: help.map(str::to_owned) }))
        }
    })
}

/// What a file of a tree holds.
pub(super) enum Content {
    Text(String),
    /// Text with bytes that begin no character; each became a question mark, so that places hold.
    Mended(String),
    /// No text.
    Binary,
}

/// Reads a file of a tree. UTF-16 with its mark is text, too; places are then those of its UTF-8.
pub(super) fn read(input: &Input) -> Result<Content, Unreadable> {
    let failed = |error: io::Error| input.failed("read", &error);
    let mut file = input.open()?;
    let mut bytes =
        read_capped(file.by_ref().take(HEAD_BYTES as u64), HEAD_BYTES as u64).map_err(failed)?;
    let wide = wide_order(&bytes);
    if wide.is_none() && bytes.contains(&0) {
        return Ok(Content::Binary);
    }
    if bytes.len() == HEAD_BYTES {
        let rest = read_capped(file, (CHECK_LINE_BYTES - HEAD_BYTES) as u64).map_err(failed)?;
        bytes.extend(rest);
    }
    if let Some(order) = wide {
        return Ok(Content::Text(from_wide(&bytes, order)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Content::Text(text)),
        Err(error) => Ok(Content::Mended(mended(error.as_bytes()))),
    }
}

/// How the bytes of a UTF-16 unit become a number, as the mark at the beginning says.
fn wide_order(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    match bytes {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    }
}

fn from_wide(bytes: &[u8], order: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks::<2>().0.iter().skip(1).map(|pair| order(*pair));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn mended(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_hold_in_text_that_was_mended() {
        assert_eq!(mended(b"caf\xe9 and \xff\xfe x"), "caf? and ?? x");
        assert_eq!(mended("naïve".as_bytes()), "naïve");
    }

    #[test]
    fn reads_wide_text_in_both_orders() {
        for (bytes, order) in [(*b"\xff\xfea\0\n\0", "little"), (*b"\xfe\xff\0a\0\n", "big")] {
            let read = wide_order(&bytes).unwrap();
            assert_eq!(from_wide(&bytes, read), "a\n", "{order}");
        }
        assert!(wide_order(b"a\0").is_none());
    }
}
