//! The sizes of the pages of a column chunk, from their headers alone.
//!
//! The reader of Parquet unpacks a page as a whole, whatever its header says: a page of gigabytes of one text takes some kilobytes of a
//! file. So headers are looked at before. They are structures in the compact protocol of Thrift, of which two fields count here.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};

use parquet::file::metadata::ColumnChunkMetaData;

/// The most bytes of a page that is unpacked; writers make pages of one to a hundred megabytes.
pub(crate) const MOST_PAGE_BYTES: u64 = 256 << 20;

/// Bytes that are read together: a header is shorter, unless it holds long texts.
const BUFFER_BYTES: usize = 512;
/// Structures within structures of a header that is not hostile.
const MOST_LEVELS: u8 = 8;

/// The size of the largest page of a chunk once it is unpacked.
///
/// Errors: the headers cannot be read, which the reader of the pages will say better.
pub(crate) fn largest_page(file: &File, chunk: &ColumnChunkMetaData) -> io::Result<u64> {
    let (start, length) = chunk.byte_range();
    let mut headers = Headers { reader: BufReader::with_capacity(BUFFER_BYTES, file), position: start };
    headers.reader.seek(SeekFrom::Start(start))?;
    let mut largest = 0;
    while headers.position < start.saturating_add(length) {
        let Header { unpacked_bytes, stored_bytes } = headers.next()?;
        largest = largest.max(unpacked_bytes);
        headers.skip_bytes(stored_bytes)?;
    }
    Ok(largest)
}

struct Header {
    unpacked_bytes: u64,
    stored_bytes: u64,
}

struct Headers<'a> {
    reader: BufReader<&'a File>,
    position: u64,
}

/// Types of the compact protocol.
mod kind {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const BYTE: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const STRUCT: u8 = 12;
}

impl Headers<'_> {
    fn next(&mut self) -> io::Result<Header> {
        let (mut unpacked_bytes, mut stored_bytes) = (None, None);
        let mut id = 0;
        loop {
            let byte = self.byte()?;
            let field = byte & 0x0f;
            if field == kind::STOP {
                break;
            }
            id = if byte >> 4 == 0 { self.integer()? } else { id + i64::from(byte >> 4) };
            match (id, field) {
                (2, kind::I32) => unpacked_bytes = u64::try_from(self.integer()?).ok(),
                (3, kind::I32) => stored_bytes = u64::try_from(self.integer()?).ok(),
                _ => self.skip(field, 0)?,
            }
        }
        match (unpacked_bytes, stored_bytes) {
            (Some(unpacked_bytes), Some(stored_bytes)) => Ok(Header { unpacked_bytes, stored_bytes }),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }

    /// Skips a value of a field.
    fn skip(&mut self, of: u8, level: u8) -> io::Result<()> {
        match of {
            kind::TRUE | kind::FALSE => Ok(()),
            kind::BYTE => self.skip_bytes(1),
            kind::I16 | kind::I32 | kind::I64 => self.integer().map(|_| ()),
            kind::DOUBLE => self.skip_bytes(8),
            kind::BINARY => {
                let length = self.number()?;
                self.skip_bytes(length)
            }
            kind::LIST | kind::SET if level < MOST_LEVELS => self.skip_list(level + 1),
            kind::STRUCT if level < MOST_LEVELS => self.skip_structure(level + 1),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }

    fn skip_list(&mut self, level: u8) -> io::Result<()> {
        let byte = self.byte()?;
        let count = if byte >> 4 == 15 { self.number()? } else { u64::from(byte >> 4) };
        for _ in 0..count {
            match byte & 0x0f {
                kind::TRUE | kind::FALSE => self.skip_bytes(1)?,
                of => self.skip(of, level)?,
            }
        }
        Ok(())
    }

    fn skip_structure(&mut self, level: u8) -> io::Result<()> {
        loop {
            let byte = self.byte()?;
            if byte & 0x0f == kind::STOP {
                return Ok(());
            }
            if byte >> 4 == 0 {
                self.integer()?;
            }
            self.skip(byte & 0x0f, level)?;
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        self.position += 1;
        Ok(byte[0])
    }

    /// A number of seven bits a byte, the least first.
    fn number(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(ErrorKind::InvalidData.into())
    }

    /// A number whose lowest bit is its sign.
    fn integer(&mut self) -> io::Result<i64> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    fn skip_bytes(&mut self, count: u64) -> io::Result<()> {
        let offset = i64::try_from(count).map_err(|_| ErrorKind::InvalidData)?;
        self.reader.seek_relative(offset)?;
        self.position = self.position.checked_add(count).ok_or(ErrorKind::InvalidData)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
    use parquet::basic::{Compression, ZstdLevel};
    use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

    use super::*;

    /// The largest pages of a column of texts and of one of numbers, of 1,000 rows each, in pages of so many rows.
    fn largest(version: WriterVersion, page_rows: usize, has_dictionary: bool) -> [u64; 2] {
        let text = "n".repeat(1_000);
        let columns: [(&str, ArrayRef); 2] = [
            ("text", Arc::new(StringArray::from(vec![text.as_str(); 1_000]))),
            ("number", Arc::new(Float64Array::from_iter_values((0..1_000).map(f64::from)))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let properties = WriterProperties::builder()
            .set_writer_version(version)
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_write_page_header_statistics(true)
            .set_dictionary_enabled(has_dictionary)
            .set_data_page_size_limit(1 << 30)
            .set_data_page_row_count_limit(page_rows)
            .set_write_batch_size(page_rows);
        let file = tempfile::tempfile().unwrap();
        let properties = properties.build();
        let mut writer = ArrowWriter::try_new(file.try_clone().unwrap(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let footer = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).unwrap();
        [0, 1].map(|leaf| largest_page(&file, footer.metadata().row_group(0).column(leaf)).unwrap())
    }

    #[test]
    fn finds_the_largest_page_of_every_kind() {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let [text, number] = largest(version, 1_000, true);
            assert!(
                (1_000..1_100).contains(&text) && (8_000..8_100).contains(&number),
                "{text} {number}: the dictionary"
            );
        }
        let [text, number] = largest(WriterVersion::PARQUET_1_0, 1_000, false);
        assert!((1_004_000..1_004_100).contains(&text) && (8_000..8_100).contains(&number), "{text} {number}");
        let [text, number] = largest(WriterVersion::PARQUET_1_0, 100, false);
        assert!((100_400..100_500).contains(&text) && (800..900).contains(&number), "{text} {number}");
    }

    #[test]
    fn headers_that_are_none_end_in_an_error() {
        use std::io::Write;
        // Endless lists in lists, a number without end, a page before its own start, nothing.
        let heads: [&[u8]; 4] = [
            &[0x19; 600],
            &[0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x25, 1, 0x15, 1, 0],
            &[],
        ];
        for head in heads {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(head).unwrap();
            let mut headers = Headers { reader: BufReader::new(&file), position: 0 };
            headers.reader.seek(SeekFrom::Start(0)).unwrap();
            assert!(headers.next().is_err(), "{head:?}");
        }
    }
}
