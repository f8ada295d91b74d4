//! Encoded column chunks that wait for their turn: in memory while small, on disk beyond that.
//!
//! The chunks of a row group grow side by side, but stand one behind the other in the file. So that memory does not grow with
//! the row group, all its spools share one temporary file and each remembers its pieces of it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

/// Bytes that the spools of one row group hold in memory together.
const MEMORY_BYTES: usize = 32 << 20;
/// A smaller piece would not be worth a write.
const LEAST_PIECE_BYTES: usize = 64 << 10;

/// The temporary file of a row group's spools, created once it is needed and gone with the last of them.
pub(crate) struct Overflow {
    folder: PathBuf,
    file: Mutex<Option<File>>,
}

/// Part of the temporary file.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: u64,
    length: u64,
}

/// One column chunk that is being written.
pub(crate) struct Spool {
    overflow: Arc<Overflow>,
    pieces: Vec<Piece>,
    memory: Vec<u8>,
    memory_limit: usize,
}

/// One column chunk that has been written.
pub(crate) struct SpooledChunk {
    overflow: Arc<Overflow>,
    pieces: Vec<Piece>,
    memory: Bytes,
}

/// Reads a chunk from its start: first what is on disk, then what is in memory.
pub(crate) struct SpoolReader {
    overflow: Arc<Overflow>,
    pieces: VecDeque<Piece>,
    memory: Bytes,
}

impl Overflow {
    /// For spools of a file that will stand at `path`: where it has room, they have.
    pub(crate) fn beside(path: &Path) -> Self {
        Self { folder: folder_of(path).to_owned(), file: Mutex::default() }
    }

    fn with_file<T>(&self, work: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.is_none() {
            *file = Some(tempfile::tempfile_in(&self.folder)?);
        }
        match file.as_mut() {
            Some(file) => work(file),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// The folder that a path stands in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Spool {
    /// One of `spools` that share the overflow.
    pub(crate) fn new(overflow: &Arc<Overflow>, spools: usize) -> Self {
        Self::with_memory(overflow, (MEMORY_BYTES / spools.max(1)).max(LEAST_PIECE_BYTES))
    }

    fn with_memory(overflow: &Arc<Overflow>, memory_limit: usize) -> Self {
        Self { overflow: overflow.clone(), pieces: Vec::new(), memory: Vec::new(), memory_limit }
    }

    pub(crate) fn finish(self) -> SpooledChunk {
        SpooledChunk { overflow: self.overflow, pieces: self.pieces, memory: self.memory.into() }
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.memory.extend_from_slice(bytes);
        if self.memory.len() > self.memory_limit {
            let start = self.overflow.with_file(|file| {
                let start = file.seek(SeekFrom::End(0))?;
                file.write_all(&self.memory)?;
                Ok(start)
            })?;
            self.pieces.push(Piece { start, length: self.memory.len() as u64 });
            self.memory.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for SpoolReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(piece) = self.pieces.front_mut() else {
            let length = out.len().min(self.memory.len());
            self.memory.copy_to_slice(&mut out[..length]);
            return Ok(length);
        };
        let wanted = out.len().min(usize::try_from(piece.length).unwrap_or(usize::MAX));
        let length = self.overflow.with_file(|file| {
            file.seek(SeekFrom::Start(piece.start))?;
            file.read(&mut out[..wanted])
        })?;
        piece.start += length as u64;
        piece.length -= length as u64;
        if piece.length == 0 {
            self.pieces.pop_front();
        }
        Ok(length)
    }
}

impl Length for SpooledChunk {
    fn len(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.length).sum::<u64>() + self.memory.len() as u64
    }
}

impl ChunkReader for SpooledChunk {
    type T = SpoolReader;

    fn get_read(&self, start: u64) -> ParquetResult<SpoolReader> {
        let mut reader = SpoolReader {
            overflow: self.overflow.clone(),
            pieces: self.pieces.iter().copied().collect(),
            memory: self.memory.clone(),
        };
        io::copy(&mut reader.by_ref().take(start), &mut io::sink())?;
        Ok(reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let mut bytes = Vec::new();
        let read = self.get_read(start)?.take(length as u64).read_to_end(&mut bytes)?;
        if read < length {
            return Err(ParquetError::EOF(format!("a spooled chunk ends after {read} of {length} bytes")));
        }
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_that_overflow_read_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let overflow = Arc::new(Overflow::beside(&folder.path().join("y.parquet")));
        let mut spools = [10, 100, 100_000].map(|limit| Spool::with_memory(&overflow, limit));
        let mut written = [const { Vec::new() }; 3];
        for step in 0..200u8 {
            for (spool, written) in spools.iter_mut().zip(&mut written) {
                let bytes = vec![step; usize::from(step % 7)];
                spool.write_all(&bytes).unwrap();
                written.extend(bytes);
            }
        }
        for (spool, written) in spools.into_iter().zip(&written) {
            let chunk = spool.finish();
            assert_eq!(chunk.len(), written.len() as u64);
            assert_eq!(chunk.get_bytes(0, written.len()).unwrap(), written);
            assert_eq!(chunk.get_bytes(123, 45).unwrap(), &written[123..168]);
            assert!(chunk.get_bytes(123, written.len()).is_err());
        }
        drop(overflow);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn small_chunks_need_no_file() {
        let overflow = Arc::new(Overflow::beside(Path::new("/no/such/folder/y.parquet")));
        let mut spool = Spool::new(&overflow, 3);
        spool.write_all(b"small").unwrap();
        assert_eq!(spool.finish().get_bytes(1, 3).unwrap(), "mal");
    }
}
