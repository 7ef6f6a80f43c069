//! Where data goes: standard output, or a file that is replaced in one step.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::OutputArgs;
use crate::terminal::{ColorWhen, Paint, Terminal};

/// Takes what a command prints. What is not finished leaves a named file as it was.
pub(crate) struct Output {
    sink: BufWriter<Sink>,
    paint: Paint,
    on_terminal: bool,
}

enum Sink {
    Stdout(Stdout),
    /// Something that cannot be replaced: a pipe or a device.
    Stream {
        file: File,
        path: PathBuf,
    },
    Replacing(Part),
}

/// A file that is being written beside the one it will replace.
struct Part {
    file: File,
    path: PathBuf,
    target: PathBuf,
    finished: bool,
}

impl Output {
    /// Opens standard output, or the file that the arguments name.
    pub(crate) fn open(args: &OutputArgs, terminal: Terminal) -> anyhow::Result<Self> {
        let path = args.output.as_deref().filter(|path| *path != Path::new("-"));
        let Some(path) = path else { return Ok(Self::stdout(terminal)) };
        let sink =
            Sink::open(path).with_context(|| format!("cannot write `{}`", path.display()))?;
        let paint = match terminal.color {
            ColorWhen::Always => ColorWhen::Always,
            ColorWhen::Auto | ColorWhen::Never => ColorWhen::Never,
        };
        let paint = paint.paint(&io::stdout());
        Ok(Self { sink: BufWriter::new(sink), paint, on_terminal: false })
    }

    /// Standard output.
    pub(crate) fn stdout(terminal: Terminal) -> Self {
        let stdout = io::stdout();
        Self {
            paint: terminal.color.paint(&stdout),
            on_terminal: stdout.is_terminal(),
            sink: BufWriter::new(Sink::Stdout(stdout)),
        }
    }

    /// Colours of this output.
    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    /// Whether somebody sees the data as it is written.
    pub(crate) fn is_on_terminal(&self) -> bool {
        self.on_terminal
    }

    /// Writes what is left and puts a file in its place.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let done = self.sink.flush().and_then(|()| match self.sink.get_mut() {
            Sink::Stdout(_) | Sink::Stream { .. } => Ok(()),
            Sink::Replacing(part) => part.finish(),
        });
        done.map_err(|error| self.named(&error))
    }

    /// The error with what could not be written.
    fn named(&self, error: &io::Error) -> io::Error {
        let what = match self.sink.get_ref() {
            Sink::Stdout(_) => "standard output".to_owned(),
            Sink::Stream { path, .. } | Sink::Replacing(Part { target: path, .. }) => {
                format!("`{}`", path.display())
            }
        };
        io::Error::new(error.kind(), format!("cannot write {what}: {error}"))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write(bytes).map_err(|error| self.named(&error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush().map_err(|error| self.named(&error))
    }
}

impl Sink {
    fn open(path: &Path) -> io::Result<Self> {
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                let file = OpenOptions::new().write(true).open(path)?;
                Ok(Self::Stream { file, path: path.to_owned() })
            }
            // A link stays a link; what it points to is replaced.
            Ok(found) => Part::beside(std::fs::canonicalize(path)?, Some(found.permissions())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Part::beside(path.to_owned(), None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Part {
    fn beside(target: PathBuf, permissions: Option<std::fs::Permissions>) -> io::Result<Sink> {
        let name = target.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let mut part = std::ffi::OsString::from(".");
        part.push(name);
        part.push(format!(".{}.part", std::process::id()));
        let path = target.with_file_name(part);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let part = Self { file, path, target, finished: false };
        if let Some(permissions) = permissions {
            part.file.set_permissions(permissions)?;
        }
        Ok(Sink::Replacing(part))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, &self.target)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.finished {
            // Nothing can be done about a part that stays.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::Stream { file, .. } | Self::Replacing(Part { file, .. }) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::Stream { file, .. } | Self::Replacing(Part { file, .. }) => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Terminal = Terminal { color: ColorWhen::Auto, progress: false, quiet: false };

    fn open(path: &Path) -> anyhow::Result<Output> {
        Output::open(&OutputArgs { output: Some(path.to_owned()) }, TERMINAL)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_at_the_end_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.json");
        std::fs::write(&path, "old").unwrap();
        let text = || bartizan_core::limits::read_text_file(&path, 100).unwrap();

        let mut output = open(&path).unwrap();
        output.write_all(b"half").unwrap();
        output.flush().unwrap();
        assert_eq!(text(), "old");
        drop(output);
        assert_eq!(text(), "old");
        assert_eq!(names(folder.path()), ["out.json"]);

        let mut output = open(&path).unwrap();
        output.write_all(b"new").unwrap();
        output.finish().unwrap();
        assert_eq!(text(), "new");
        assert_eq!(names(folder.path()), ["out.json"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_and_rights_of_a_replaced_file_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("real");
        let link = folder.path().join("link");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut output = open(&link).unwrap();
        output.write_all(b"new").unwrap();
        output.finish().unwrap();
        assert!(link.is_symlink());
        assert_eq!(bartizan_core::limits::read_text_file(&path, 100).unwrap(), "new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        use std::os::unix::fs::FileTypeExt as _;
        let mut output = open(Path::new("/dev/null")).unwrap();
        output.write_all(b"gone").unwrap();
        output.finish().unwrap();
        assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = open(folder.path()).err().unwrap();
        assert!(format!("{error:#}").starts_with("cannot write `"), "{error:#}");
        assert!(open(&folder.path().join("missing/out")).is_err());
        assert!(names(folder.path()).is_empty());
    }
}
