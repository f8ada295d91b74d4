//! What a file is by its first bytes: people hand over files of many kinds, and a message should name the one that it got.

use std::fmt;

/// How many bytes from the start of a file are enough to recognise its format.
pub const HEAD_BYTES: usize = 1024;

/// A format that shows in the first bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// No bytes at all.
    Empty,
    /// Apache Parquet.
    Parquet,
    /// Parquet whose footer is encrypted.
    EncryptedParquet,
    /// Arrow IPC, which is Feather version 2 too; as a file or as a stream.
    Arrow,
    /// Apache ORC.
    Orc,
    /// Apache Avro.
    Avro,
    /// HDF5, as Keras and `DataFrame.to_hdf` write it.
    Hdf5,
    /// SQLite, and so a file of many programs.
    Sqlite,
    /// A zip archive: spreadsheets of Excel and arrays of NumPy are such.
    Zip,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// bzip2.
    Bzip2,
    /// zlib, as joblib compresses.
    Zlib,
    /// A pickle of Python, and so a file of joblib.
    Pickle,
    /// XGBoost's old binary format, with or without its mark.
    XgboostBinary,
    /// The text file of LightGBM.
    LightgbmText,
    /// A protobuf message of ONNX.
    Onnx,
    /// UBJSON, as XGBoost writes it.
    Ubjson,
    /// JSON.
    Json,
    /// Any other text, such as CSV.
    Text,
}

/// Marks at the start of files.
const MARKS: [(&[u8], FileFormat); 17] = [
    (b"PAR1", FileFormat::Parquet),
    (b"PARE", FileFormat::EncryptedParquet),
    (b"ARROW1", FileFormat::Arrow),
    (b"\xff\xff\xff\xff", FileFormat::Arrow),
    (b"ORC", FileFormat::Orc),
    (b"Obj\x01", FileFormat::Avro),
    (b"\x89HDF\r\n\x1a\n", FileFormat::Hdf5),
    (b"SQLite format 3\0", FileFormat::Sqlite),
    (b"PK\x03\x04", FileFormat::Zip),
    (b"\x1f\x8b", FileFormat::Gzip),
    (b"\x28\xb5\x2f\xfd", FileFormat::Zstd),
    (b"BZh", FileFormat::Bzip2),
    (b"\x78\x01", FileFormat::Zlib),
    (b"\x78\x9c", FileFormat::Zlib),
    (b"\x78\xda", FileFormat::Zlib),
    (b"binf", FileFormat::XgboostBinary),
    (b"bs64\t", FileFormat::XgboostBinary),
];

/// Boosters of XGBoost: its old files hold the name of one behind the length of the name.
const BOOSTERS: [&[u8]; 3] = [b"gbtree", b"gblinear", b"dart"];

impl FileFormat {
    /// The format of a file of which these are the first bytes, [`HEAD_BYTES`] or all; `None` of bytes that show none.
    pub fn of(head: &[u8]) -> Option<Self> {
        let head = head.get(..HEAD_BYTES).unwrap_or(head);
        let marked = MARKS.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, format)| *format);
        // Names of columns begin like that too: PARENT_ID, ORCHARD.
        let marked = marked.filter(|format| {
            !matches!(format, Self::EncryptedParquet | Self::Orc | Self::Bzip2) || text_format(head).is_none()
        });
        marked.or(match head {
            [] => Some(Self::Empty),
            [0x80, 2..=5, ..] => Some(Self::Pickle),
            // A short key of one byte of length: JSON has a quote or a blank here.
            [b'{', b'i' | b'U' | b'I' | b'l' | b'L' | b'$' | b'#' | b'N', length, ..] if !is_plain(*length) => {
                Some(Self::Ubjson)
            }
            _ if is_old_xgboost(head) => Some(Self::XgboostBinary),
            // Field 1, the version of the format, and the program that wrote it, the graph or the versions of operators.
            [0x08, 1..=30, 0x12 | 0x3a | 0x42, ..] => Some(Self::Onnx),
            _ => text_format(head),
        })
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

fn is_old_xgboost(head: &[u8]) -> bool {
    let holds = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
    BOOSTERS.iter().any(|booster| holds(&[&(booster.len() as u64).to_le_bytes()[..], booster].concat()))
}

fn text_format(head: &[u8]) -> Option<FileFormat> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // A character may be cut in two at the end.
        Err(error) if error.error_len().is_none() => std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    if text.chars().any(|letter| letter.is_control() && !letter.is_whitespace()) {
        return None;
    }
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let second = text.get(1..).unwrap_or_default().trim_start().chars().next();
    Some(match text.chars().next() {
        Some('{') if matches!(second, None | Some('"' | '}')) => FileFormat::Json,
        Some('[') if matches!(second, None | Some('{' | '[' | '"' | ']' | '-' | '0'..='9')) => FileFormat::Json,
        _ if text.lines().next().is_some_and(|line| line.trim_end() == "tree") => FileFormat::LightgbmText,
        _ => FileFormat::Text,
    })
}

impl fmt::Display for FileFormat {
    /// The format with its article, as in `x is a pickle of Python`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Empty => "empty",
            Self::Parquet => "a Parquet file",
            Self::EncryptedParquet => "an encrypted Parquet file",
            Self::Arrow => "an Arrow (Feather) file",
            Self::Orc => "an ORC file",
            Self::Avro => "an Avro file",
            Self::Hdf5 => "an HDF5 file",
            Self::Sqlite => "a database of SQLite",
            Self::Zip => "a zip archive (or a spreadsheet of Excel)",
            Self::Gzip => "compressed with gzip",
            Self::Zstd => "compressed with zstd",
            Self::Bzip2 => "compressed with bzip2",
            Self::Zlib => "compressed with zlib, as joblib does",
            Self::Pickle => "a pickle of Python (as joblib writes too)",
            Self::XgboostBinary => "a file in XGBoost's old binary format",
            Self::LightgbmText => "a text file of LightGBM",
            Self::Onnx => "an ONNX file",
            Self::Ubjson => "a UBJSON file",
            Self::Json => "JSON",
            Self::Text => "text (such as CSV)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_what_people_hand_over() {
        let old_xgboost = [&[0, 0, 0, 0x3f][..], &[0; 132], &[15, 0, 0, 0, 0, 0, 0, 0], b"binary:logistic"].concat();
        let old_xgboost = [&old_xgboost[..], &[6, 0, 0, 0, 0, 0, 0, 0], b"gbtree", &[0; 40]].concat();
        let long_text = "é".repeat(HEAD_BYTES);
        let cases: [(&[u8], Option<FileFormat>); 38] = [
            (b"", Some(FileFormat::Empty)),
            (b"PAR1\x15\x04", Some(FileFormat::Parquet)),
            (b"PARE\x15\x04", Some(FileFormat::EncryptedParquet)),
            (b"ARROW1\0\0", Some(FileFormat::Arrow)),
            (b"\xff\xff\xff\xff\x10\0\0\0", Some(FileFormat::Arrow)),
            (b"ORC\x08", Some(FileFormat::Orc)),
            (b"Obj\x01\x04", Some(FileFormat::Avro)),
            (b"\x89HDF\r\n\x1a\n\0", Some(FileFormat::Hdf5)),
            (b"SQLite format 3\0", Some(FileFormat::Sqlite)),
            (b"PK\x03\x04\x14", Some(FileFormat::Zip)),
            (b"\x1f\x8b\x08\0", Some(FileFormat::Gzip)),
            (b"\x28\xb5\x2f\xfd\x04", Some(FileFormat::Zstd)),
            (b"BZh91AY&SY\x8a\x01", Some(FileFormat::Bzip2)),
            (b"\x78\x9c\xed", Some(FileFormat::Zlib)),
            (b"\x80\x04\x95", Some(FileFormat::Pickle)),
            (b"\x80\x05\x95", Some(FileFormat::Pickle)),
            (b"\x80\x02c", Some(FileFormat::Pickle)),
            (b"binf\0\0\0\x3f", Some(FileFormat::XgboostBinary)),
            (&old_xgboost, Some(FileFormat::XgboostBinary)),
            (b"{L\0\0\0\0\0\0\0\x07learner", Some(FileFormat::Ubjson)),
            (b"{i\x07learner", Some(FileFormat::Ubjson)),
            (b"\x08\x0a\x12\x08skl2onnx", Some(FileFormat::Onnx)),
            (b"\x08\x08\x3a\xf0\x07", Some(FileFormat::Onnx)),
            (b"tree\nversion=v4\n", Some(FileFormat::LightgbmText)),
            (b"tree\r\nversion=v4\r\n", Some(FileFormat::LightgbmText)),
            (b"{\"learner\":{", Some(FileFormat::Json)),
            (b"\n [ {\"a\": 1}]", Some(FileFormat::Json)),
            (b"[1, 2]", Some(FileFormat::Json)),
            (b"{Id,name}", Some(FileFormat::Text)),
            (b"customer_id,orders\n1,2\n", Some(FileFormat::Text)),
            (b"\xef\xbb\xbfcustomer_id;orders\r\n", Some(FileFormat::Text)),
            (b"trees,shrubs\n1,2\n", Some(FileFormat::Text)),
            (b"PARENT_ID,ORDERS\n1,2\n", Some(FileFormat::Text)),
            (b"ORCHARD,APPLES\n1,2\n", Some(FileFormat::Text)),
            (long_text.as_bytes(), Some(FileFormat::Text)),
            (b"\0\0\0\0", None),
            (b"a\xff\xfe", None),
            (b"text with a bell \x07", None),
        ];
        for (head, expected) in cases {
            assert_eq!(FileFormat::of(head), expected, "{:?}", String::from_utf8_lossy(head));
        }
    }
}
