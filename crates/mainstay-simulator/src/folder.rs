//! The output folder: whole files only, and markers that say how they were made.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use mainstay_schema::simulated::{FINISHED, PARTIAL, UNFINISHED};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use crate::error::SimulatorError;
use crate::generated::Generated;
use crate::settings::{SimulatorSettings, ValidSettings};

/// Raised whenever the same settings come to give other bytes.
const GENERATOR: u32 = 3;
/// Encoded bytes that a file holds in memory before they are written as a row group.
const ROW_GROUP_BYTES: usize = 8 << 20;

/// How the files of a folder were made.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    generator: u32,
    settings: SimulatorSettings,
    /// What there is, once all of it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    generated: Option<Generated>,
}

/// A folder that is being filled for some settings.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    folder: PathBuf,
    settings: SimulatorSettings,
}

/// What was found when a folder was opened.
pub(crate) enum Opened {
    /// Nothing, or what a killed run of the same settings left.
    ToFill(OutputFolder),
    /// The very data asked for.
    Complete(Generated),
}

/// A file that is being written. It appears whole or not at all.
pub(crate) struct OpenFile {
    writer: ArrowWriter<File>,
    partial: PathBuf,
    path: PathBuf,
}

impl OpenFile {
    /// Appends rows.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), SimulatorError> {
        self.writer.write(rows).map_err(parquet_error(&self.path))?;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES {
            self.writer.flush().map_err(parquet_error(&self.path))?;
        }
        Ok(())
    }

    /// Moves the file to its place and returns its size in bytes.
    pub(crate) fn finish(mut self) -> Result<u64, SimulatorError> {
        self.writer.finish().map_err(parquet_error(&self.path))?;
        rename(&self.partial, &self.path)?;
        Ok(self.writer.bytes_written() as u64)
    }
}

impl OutputFolder {
    /// Opens or creates the folder.
    ///
    /// # Errors
    /// Where it holds anything that these settings did not make, or cannot be read or written.
    pub(crate) fn open(folder: &Path, settings: &ValidSettings) -> Result<Opened, SimulatorError> {
        let output = Self { folder: folder.to_owned(), settings: settings.get().clone() };
        if let Some(marker) = output.marker(FINISHED)? {
            output.check(&marker)?;
            if let Some(generated) = marker.generated {
                return Ok(Opened::Complete(generated));
            }
        } else if let Some(marker) = output.marker(UNFINISHED)? {
            output.check(&marker)?;
        } else if !is_empty(&output.folder)? {
            return Err(SimulatorError::Foreign { folder: output.folder });
        }
        create_folder(&output.folder.join(PARTIAL))?;
        output.write_marker(UNFINISHED, None)?;
        Ok(Opened::ToFill(output))
    }

    /// Begins the file `<table>/<name>`, which is not there before it is finished.
    pub(crate) fn begin(&self, table: &str, name: &str, schema: SchemaRef) -> Result<OpenFile, SimulatorError> {
        let path = self.folder.join(table).join(name);
        let partial = self.folder.join(PARTIAL).join(format!("{table}-{name}"));
        let file = File::create(&partial).map_err(io_error("create", &partial))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(parquet_error(&path))?;
        Ok(OpenFile { writer, partial, path })
    }

    /// Creates the folder of a table, so that a table without rows is there too.
    pub(crate) fn create_table(&self, table: &str) -> Result<(), SimulatorError> {
        create_folder(&self.folder.join(table))
    }

    /// Declares the folder complete.
    pub(crate) fn finish(&self, generated: &Generated) -> Result<(), SimulatorError> {
        self.write_marker(FINISHED, Some(generated))?;
        let unfinished = self.folder.join(UNFINISHED);
        fs::remove_file(&unfinished).map_err(io_error("remove", &unfinished))?;
        let partial = self.folder.join(PARTIAL);
        fs::remove_dir_all(&partial).map_err(io_error("remove", &partial))
    }

    fn marker(&self, name: &str) -> Result<Option<Marker>, SimulatorError> {
        let path = self.folder.join(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        serde_json::from_slice(&text).map(Some).map_err(|source| SimulatorError::Marker { path, source })
    }

    fn write_marker(&self, name: &str, generated: Option<&Generated>) -> Result<(), SimulatorError> {
        let marker = Marker { generator: GENERATOR, settings: self.settings.clone(), generated: generated.cloned() };
        let path = self.folder.join(name);
        let partial = self.folder.join(PARTIAL).join(name);
        let text = serde_json::to_vec_pretty(&marker)
            .map_err(|source| SimulatorError::Marker { path: path.clone(), source })?;
        fs::write(&partial, text).map_err(io_error("write", &partial))?;
        rename(&partial, &path)
    }

    fn check(&self, found: &Marker) -> Result<(), SimulatorError> {
        if found.generator == GENERATOR && found.settings == self.settings {
            return Ok(());
        }
        Err(SimulatorError::OtherSettings {
            folder: self.folder.clone(),
            found: describe(found.generator, &found.settings),
            wanted: describe(GENERATOR, &self.settings),
        })
    }
}

/// Whether nothing is there. A run killed before its first marker leaves nothing but the folder of partial files.
fn is_empty(folder: &Path) -> Result<bool, SimulatorError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(io_error("read", folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(io_error("read", folder))?;
        if entry.file_name() != PARTIAL {
            return Ok(false);
        }
    }
    Ok(true)
}

fn describe(generator: u32, settings: &SimulatorSettings) -> String {
    let SimulatorSettings { customers, start, days, seed, profile } = settings;
    format!("{customers} customers, {days} days from {start}, seed {seed}, profile {profile}, generator {generator}")
}

fn create_folder(path: &Path) -> Result<(), SimulatorError> {
    fs::create_dir_all(path).map_err(io_error("create the folder", path))
}

fn rename(from: &Path, to: &Path) -> Result<(), SimulatorError> {
    fs::rename(from, to).map_err(io_error("move a finished file to", to))
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SimulatorError {
    let path = path.to_owned();
    move |source| SimulatorError::Io { action, path, source }
}

fn parquet_error(path: &Path) -> impl FnOnce(parquet::errors::ParquetError) -> SimulatorError {
    let path = path.to_owned();
    move |source| SimulatorError::Parquet { path, source }
}
