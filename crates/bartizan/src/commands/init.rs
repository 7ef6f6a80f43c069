//! `bartizan init`: a policy file to begin with.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use bartizan_policy::Sources;

use crate::cli::InitArgs;
use crate::format::usage;

pub(crate) fn run(args: &InitArgs) -> anyhow::Result<ExitCode> {
    let text = bartizan_policy::default_yaml(Sources::process());
    let path = args.path.display();
    let mut options = OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    if let Some(folder) = args.path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    let mut file = match options.open(&args.path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(usage(
                format!("`{path}` is there already"),
                "choose another place with `--path`, or replace it with `--force`",
            ));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write `{path}`")),
    };
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write `{path}`"))?;
    writeln!(std::io::stdout(), "wrote {path}; start with `bartizan up --config {path}`")?;
    Ok(ExitCode::SUCCESS)
}
