//! The files that a verb writes: none of them may be one that it reads, or another that it writes, and each appears whole or not at all.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use tempfile::NamedTempFile;

/// A file and what it is on the command line: `--output`, `--model`, `the imported file`.
pub(crate) type Named<'a> = (&'a str, &'a Path);

/// Refuses outputs that would replace an input or one another, whatever the paths and links that lead to them; and those that are
/// there already, unless they are to be replaced.
pub(crate) fn check_outputs(outputs: &[Named<'_>], inputs: &[Named<'_>], replaces: bool) -> Result<()> {
    for (position, (flag, path)) in outputs.iter().enumerate() {
        let others = inputs.iter().chain(outputs.iter().take(position));
        if let Some((other, other_path)) = others.into_iter().find(|(_, other)| is_same_file(path, other)) {
            let linked = if path == other_path { String::new() } else { format!(" ({})", other_path.display()) };
            bail!("{other} and {flag} are both {}{linked}: give the output another name", path.display());
        }
    }
    let taken = outputs.iter().find(|(_, path)| !replaces && path.symlink_metadata().is_ok());
    ensure!(
        taken.is_none(),
        "{} exists already: choose another name, or replace it with --force",
        taken.map(|(_, path)| path.display().to_string()).unwrap_or_default()
    );
    Ok(())
}

/// Writes a file that appears whole or not at all.
pub(crate) fn create(path: &Path, bytes: &[u8], replaces: bool) -> Result<()> {
    let cannot_write = || format!("cannot write {}: check that its folder exists and may be written", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file: NamedTempFile = builder.tempfile_in(folder).with_context(cannot_write)?;
    file.write_all(bytes).with_context(cannot_write)?;
    let named = if replaces { file.persist(path) } else { file.persist_noclobber(path) };
    match named {
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists already: choose another name, or replace it with --force", path.display())
        }
        named => named.map(|_| ()).map_err(|error| error.error).with_context(cannot_write),
    }
}

/// Whether two paths lead to one file, or would once they are written.
fn is_same_file(one: &Path, other: &Path) -> bool {
    one == other
        || matches!((resolved(one), resolved(other)), (Some(one), Some(other)) if one == other)
        || matches!((identity(one), identity(other)), (Some(one), Some(other)) if one == other)
}

/// The path without links; of a file that is not there yet that of its folder, and its name.
fn resolved(path: &Path) -> Option<PathBuf> {
    let in_folder = || {
        let name: OsString = path.file_name()?.to_owned();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(name))
    };
    path.canonicalize().ok().or_else(in_folder)
}

/// Device and number of a file: the same for all of its hard links.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(files: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            files.iter().for_each(|file| fs::write(folder.path().join(file), "mine").unwrap());
            Self(folder)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// The message of a model `m.json` and an input `x.parquet` with this output, which may be replaced.
        fn message(&self, output: &Path) -> String {
            let (model, input) = (self.path("m.json"), self.path("x.parquet"));
            let inputs: [Named<'_>; 2] = [("--model", &model), ("--input", &input)];
            let message = match check_outputs(&[("--output", output)], &inputs, true) {
                Ok(()) => return String::new(),
                Err(error) => error.to_string(),
            };
            message.replace(&format!("{}/", self.0.path().display()), "")
        }
    }

    #[test]
    fn an_output_that_is_the_model_or_the_input_is_refused() {
        let folder = Folder::with(&["m.json", "x.parquet", "other.parquet"]);
        assert_eq!(
            folder.message(&folder.path("m.json")),
            "--model and --output are both m.json: give the output another name"
        );
        assert_eq!(
            folder.message(&folder.path("x.parquet")),
            "--input and --output are both x.parquet: give the output another name"
        );
        fs::create_dir(folder.path("sub")).unwrap();
        assert_eq!(
            folder.message(&folder.path("sub/../m.json")),
            "--model and --output are both sub/../m.json (m.json): give the output another name"
        );
        assert_eq!(folder.message(&folder.path("other.parquet")), "");
        assert_eq!(folder.message(&folder.path("new.parquet")), "");
    }

    #[cfg(unix)]
    #[test]
    fn links_to_an_input_are_seen_through() {
        let folder = Folder::with(&["m.json", "x.parquet"]);
        fs::hard_link(folder.path("m.json"), folder.path("hard.json")).unwrap();
        std::os::unix::fs::symlink("m.json", folder.path("soft.json")).unwrap();
        std::os::unix::fs::symlink(".", folder.path("here")).unwrap();
        for link in ["hard.json", "soft.json", "here/m.json"] {
            assert_eq!(
                folder.message(&folder.path(link)),
                format!("--model and --output are both {link} (m.json): give the output another name")
            );
        }
    }

    #[test]
    fn two_outputs_are_two_files_though_neither_is_there_yet() {
        let folder = Folder::with(&[]);
        let (output, report) = (folder.path("m.json"), folder.path("./m.json"));
        let outputs: [Named<'_>; 2] = [("--output", &output), ("--report", &report)];
        let message = check_outputs(&outputs, &[], false).unwrap_err().to_string();
        assert!(message.starts_with("--output and --report are both "), "{message}");
    }

    #[test]
    fn what_is_there_stays_unless_it_is_to_be_replaced() {
        let folder = Folder::with(&["m.json"]);
        let output = folder.path("m.json");
        let message = check_outputs(&[("--output", &output)], &[], false).unwrap_err().to_string();
        assert!(
            message.ends_with("m.json exists already: choose another name, or replace it with --force"),
            "{message}"
        );
        assert!(check_outputs(&[("--output", &output)], &[], true).is_ok());
    }
}
