//! The file of keys, as far as it is more than a private file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// The text of an open file of at most `cap` bytes.
pub(crate) fn read(mut file: &File, cap: usize) -> io::Result<Zeroizing<String>> {
    // One piece of memory, so that no part is left where it lay before.
    let mut bytes = Zeroizing::new(vec![0; cap + 1]);
    let mut len = 0;
    loop {
        match file.read(bytes.get_mut(len..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if len > cap {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let text = std::str::from_utf8(bytes.get(..len).unwrap_or_default());
    let text = text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Whom an open file lets in besides this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exposure {
    /// Nobody but the administrator.
    None,
    /// Others may do something with it.
    Mode,
    /// It belongs to somebody else.
    #[cfg_attr(not(unix), expect(dead_code, reason = "files have no owner that could be compared"))]
    Owner,
}

/// Asks the open file and not the path, where another may lie by then.
#[cfg(unix)]
pub(crate) fn exposure(path: &Path, file: &File) -> io::Result<Exposure> {
    use std::os::unix::fs::MetadataExt as _;

    Ok(if bartizan_core::private::stranger(path, file)?.is_some() {
        Exposure::Owner
    } else if file.metadata()?.mode() & 0o077 != 0 {
        Exposure::Mode
    } else {
        Exposure::None
    })
}

#[cfg(not(unix))]
pub(crate) fn exposure(_path: &Path, _file: &File) -> io::Result<Exposure> {
    Ok(Exposure::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_cap() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        std::fs::write(&path, "secret").unwrap();
        let file = || File::open(&path).unwrap();
        assert_eq!(read(&file(), 6).unwrap().as_str(), "secret");
        assert_eq!(read(&file(), 5).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
