//! Opening what is read, and giving outputs their names when they are whole.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use mainstay_config::{ConfigError, OfferPolicy, text};
use mainstay_files::{open, read_footer};
use mainstay_schema::plan::Certificate;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::error::AllocateFileError as Error;

/// What a certificate file holds: with the offers and the plan it is all that a check needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFile {
    /// The policy that made an instance of the offers.
    pub policy: OfferPolicy,
    /// The proof.
    pub certificate: Certificate,
}

/// The rows of a Parquet file, or what the file is instead.
pub(super) fn open_rows(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, Error> {
    let footer = read_footer(path, ArrowReaderOptions::new())?;
    Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(open(path)?, footer))
}

pub(super) fn read_text(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
    text::decode(bytes).map_err(|fault| Error::Policy(ConfigError::NotText { path: path.display().to_string(), fault }))
}

/// Refuses outputs that are there already, or that are inputs.
pub(super) fn check_outputs(outputs: [&Path; 2], inputs: [&Path; 2], replaces: bool) -> Result<(), Error> {
    let same = |one: &Path, other: &Path| {
        one == other || one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
    };
    let [first, second] = outputs;
    let clash = outputs.into_iter().find(|output| inputs.iter().any(|input| same(output, input)));
    if let Some(path) = clash.or(same(first, second).then_some(second)) {
        return Err(Error::SameFile { path: path.to_owned() });
    }
    match outputs.into_iter().find(|output| output.exists() && !replaces) {
        Some(path) => Err(Error::OutputExists { path: path.to_owned() }),
        None => Ok(()),
    }
}

/// A file that has no name yet.
pub(super) struct Unfinished {
    path: PathBuf,
    writer: BufWriter<NamedTempFile>,
}

impl Unfinished {
    /// Writes a hidden file beside its place, with the rights of any new file.
    pub(super) fn write(
        path: &Path,
        content: impl FnOnce(&mut BufWriter<NamedTempFile>) -> Result<(), Box<dyn std::error::Error + Send + Sync>>,
    ) -> Result<Self, Error> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| Error::Write { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{name}.");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".unfinished");
        #[cfg(unix)]
        let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut writer = BufWriter::new(builder.tempfile_in(folder).map_err(|error| failed(error.into()))?);
        content(&mut writer).and_then(|()| Ok(writer.flush()?)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), writer })
    }

    fn finish(self, replaces: bool) -> Result<(), Error> {
        let Self { path, writer } = self;
        let file = writer
            .into_inner()
            .map_err(|error| Error::Write { path: path.clone(), source: error.into_error().into() })?;
        let named = if replaces { file.persist(&path) } else { file.persist_noclobber(&path) };
        match named {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Err(Error::OutputExists { path }),
            Err(error) => Err(Error::Write { path, source: error.error.into() }),
        }
    }
}

/// Gives two files their names, or neither.
pub(super) fn finish_both(first: Unfinished, second: Unfinished, replaces: bool) -> Result<(), Error> {
    let path = first.path.clone();
    first.finish(replaces)?;
    second.finish(replaces).inspect_err(|_| drop(std::fs::remove_file(path)))
}
