//! The file that is written: the columns of the input as they are, and the added ones. It appears under its name once it is whole.

use std::fs::File;
use std::io::{BufWriter, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::Schema;
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use tempfile::NamedTempFile;

use crate::added::Added;
use crate::error::ScoringError;
use crate::input::InputFile;
use crate::request::ScoreRequest;
use crate::row_group::ScoredRowGroup;
use crate::spool::folder_of;

/// Bytes that are written together.
const BUFFER_BYTES: usize = 1 << 20;

pub(crate) struct OutputFile {
    path: PathBuf,
    replaces: bool,
    source: File,
    writer: SerializedFileWriter<BufWriter<NamedTempFile>>,
}

impl OutputFile {
    /// Begins the file beside its place.
    ///
    /// Errors: there is a file that must stay, or none can be created.
    pub(crate) fn create(request: &ScoreRequest<'_>, input: &InputFile, added: &Added) -> Result<Self, ScoringError> {
        let path = request.output.to_owned();
        let same = |a: &std::path::Path, b: &std::path::Path| a.canonicalize().ok().zip(b.canonicalize().ok());
        if same(request.input, &path).is_some_and(|(input, output)| input == output) {
            return Err(ScoringError::SameFile { path });
        }
        if path.exists() && !request.replaces {
            return Err(ScoringError::OutputExists { path });
        }
        let writer = begin(request, input, added).map_err(ScoringError::write(&path))?;
        Ok(Self { path, replaces: request.replaces, source: input.reopen()?, writer })
    }

    /// Adds the next row group: copied chunks of the input, then the added ones.
    pub(crate) fn append(&mut self, input: &InputFile, scored: ScoredRowGroup) -> Result<(), ScoringError> {
        // The writer takes page indexes of all columns or of none, and panics over some.
        let is_indexed = input.metadata().offset_index().is_some();
        let copied = (|| {
            let mut row_group = self.writer.next_row_group()?;
            for chunk in input.chunks(scored.position, &self.source) {
                row_group.append_column(&self.source, chunk)?;
            }
            for (spooled, mut chunk) in scored.chunks {
                if !is_indexed {
                    (chunk.column_index, chunk.offset_index) = (None, None);
                }
                row_group.append_column(&spooled, chunk)?;
            }
            row_group.close()?;
            Ok(())
        })();
        copied.map_err(ScoringError::write::<ParquetError>(&self.path))
    }

    /// Ends the file and gives it its name.
    pub(crate) fn finish(self) -> Result<(), ScoringError> {
        let Self { path, replaces, writer, .. } = self;
        let finished = writer.into_inner().map_err(ScoringError::write(&path))?;
        let file = finished.into_inner().map_err(|error| ScoringError::write(&path)(error.into_error()))?;
        let named = if replaces { file.persist(&path) } else { file.persist_noclobber(&path) };
        match named {
            Ok(_) => Ok(()),
            // Created by somebody else in the meantime.
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(ScoringError::OutputExists { path }),
            Err(error) => Err(ScoringError::write(&path)(error.error)),
        }
    }
}

fn begin(
    request: &ScoreRequest<'_>,
    input: &InputFile,
    added: &Added,
) -> ParquetResult<SerializedFileWriter<BufWriter<NamedTempFile>>> {
    let metadata = input.metadata().file_metadata();
    let mut properties =
        WriterProperties::builder().set_key_value_metadata(metadata.key_value_metadata().cloned()).build();
    let fields = input.schema().fields().iter().cloned().chain(added.arrow_fields().map(Arc::new));
    let schema = Schema::new_with_metadata(fields.collect::<Vec<_>>(), input.schema().metadata().clone());
    add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
    let file = BufWriter::with_capacity(BUFFER_BYTES, temporary_file(request)?);
    SerializedFileWriter::new(file, parquet_schema(input, added)?, Arc::new(properties))
}

fn parquet_schema(input: &InputFile, added: &Added) -> ParquetResult<TypePtr> {
    let root = input.metadata().file_metadata().schema();
    let fields = root.get_fields().iter().cloned().chain(added.parquet_fields()?).collect();
    Ok(Arc::new(Type::group_type_builder(root.name()).with_fields(fields).build()?))
}

/// A hidden file in the output's folder, with the rights of any new file.
fn temporary_file(request: &ScoreRequest<'_>) -> std::io::Result<NamedTempFile> {
    let name = request.output.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!(".{name}.");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".unfinished");
    #[cfg(unix)]
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder_of(request.output))
}
