//! What the name of a file in a source's folder says of it.
//!
//! A file whose name, or a folder above it, begins with `.` or `_` was left by a writer beside the data (`_SUCCESS`, `_metadata`,
//! `_temporary`, `_committed_1`, `.part-0.parquet.crc`), as were checksums and markers of folders: no reader takes it for data. A folder
//! such as `_day=2025-01-01` is one of the data. All else is read, or named.

use object_store::path::Path;

/// How names of Parquet files end, in any case of letters.
pub(crate) const ENDINGS: [&str; 3] = ["parquet", "parq", "pq"];
/// What some writers put behind that: the compression within the file.
const COMPRESSIONS: [&str; 8] = ["gz", "gzip", "snappy", "zst", "zstd", "br", "brotli", "lz4"];
/// Ends the marker of a folder as Hadoop leaves it in object stores.
const FOLDER_MARK: &str = "$folder$";
/// What Hive writes for null in the name of a folder.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// What a file is for by its name and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Left beside the data by a writer.
    Beside,
    /// Data: its name ends as that of a Parquet file.
    Data,
    /// It has no ending, or that of a compression: its content says whether it is data.
    Open,
    /// It ends otherwise.
    Other,
}

/// What a file below a folder is for.
pub(crate) fn role(folder: &Path, file: &Path, bytes: u64) -> Role {
    let Some(parts) = file.prefix_match(folder) else { return Role::Beside };
    let parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
    let Some((name, folders)) = parts.split_last() else { return Role::Beside };
    let is_left = |part: &str| part.starts_with('.') || part.starts_with('_');
    let is_hidden = |folder: &String| is_left(folder) && (folder.starts_with('.') || !folder.contains('='));
    if is_left(name) || folders.iter().any(is_hidden) {
        return Role::Beside;
    }
    let name = name.to_ascii_lowercase();
    let is_ending = |ending: &str| ENDINGS.contains(&ending);
    match name.rsplit_once('.') {
        Some((_, "crc")) => Role::Beside,
        Some((_, ending)) if is_ending(ending) => Role::Data,
        Some((before, ending)) if COMPRESSIONS.contains(&ending) => match before.rsplit_once('.') {
            Some((_, before)) if is_ending(before) => Role::Open,
            _ => Role::Other,
        },
        Some(_) => Role::Other,
        None if bytes == 0 || name.ends_with(FOLDER_MARK) => Role::Beside,
        None => Role::Open,
    }
}

/// The first folder below `folder` that makes a file one of another table format, with the format's name.
pub(crate) fn foreign_format(folder: &Path, file: &Path) -> Option<&'static str> {
    let parts: Vec<String> = file.prefix_match(folder)?.map(|part| part.as_ref().to_owned()).collect();
    match parts.as_slice() {
        [first, ..] if first == ".hoodie" => Some("an Apache Hudi table"),
        [first, name] if first == "metadata" && name.ends_with(".metadata.json") => Some("an Apache Iceberg table"),
        _ => None,
    }
}

/// The folder of a Delta table that a file belongs to the log of, below `folder`; empty where it is `folder` itself.
pub(crate) fn delta_folder(folder: &Path, file: &Path) -> Option<String> {
    let parts: Vec<String> = file.prefix_match(folder)?.map(|part| part.as_ref().to_owned()).collect();
    let log = parts.iter().position(|part| part == "_delta_log")?;
    Some(parts.get(..log)?.join("/"))
}

/// The values that the folders above a file name, as in `country=DE/year=2025`; `None` for null.
pub(crate) fn partition(folder: &Path, file: &Path) -> Vec<(String, Option<String>)> {
    let Some(parts) = file.prefix_match(folder) else { return Vec::new() };
    let mut parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
    parts.pop();
    let value = |value: &str| if value == HIVE_NULL || value.is_empty() { None } else { Some(unescaped(value)) };
    let pair = |part: &String| part.split_once('=').map(|(name, text)| (unescaped(name), value(text)));
    parts.iter().filter_map(pair).collect()
}

/// A text in which writers put `%3A` for a colon and the like.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let digits = escaped.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role_of(name: &str, bytes: u64) -> Role {
        let folder = Path::from("data/orders");
        role(&folder, &Path::parse(format!("data/orders/{name}")).unwrap(), bytes)
    }

    #[test]
    fn every_name_has_a_role() {
        for (name, bytes, expected) in [
            ("a.parquet", 9, Role::Data),
            ("A.PARQUET", 9, Role::Data),
            ("a.Parq", 9, Role::Data),
            ("a.pq", 0, Role::Data),
            ("part-0.snappy.parquet", 9, Role::Data),
            ("day=2025-01-01/a.parquet", 9, Role::Data),
            ("_day=2025-01-01/a.parquet", 9, Role::Data),
            ("000000_0", 9, Role::Open),
            ("000000_0", 0, Role::Beside),
            ("orders-000000000001", 9, Role::Open),
            ("a.parquet.gzip", 9, Role::Open),
            ("a.csv.gz", 9, Role::Other),
            ("a.csv", 9, Role::Other),
            ("a.parquet.bak", 9, Role::Other),
            ("a.parquet.1", 0, Role::Other),
            ("_SUCCESS", 0, Role::Beside),
            ("_metadata", 9, Role::Beside),
            ("_common_metadata", 9, Role::Beside),
            ("_started_123", 9, Role::Beside),
            ("_committed_123", 9, Role::Beside),
            (".a.parquet.crc", 9, Role::Beside),
            ("a.parquet.crc", 9, Role::Beside),
            ("_temporary/0/a.parquet", 9, Role::Beside),
            (".spark=staging/a.parquet", 9, Role::Beside),
            ("_delta_log/00000000000000000010.checkpoint.parquet", 9, Role::Beside),
            ("day=1_$folder$", 0, Role::Beside),
            ("day=1", 0, Role::Beside),
        ] {
            assert_eq!(role_of(name, bytes), expected, "{name}");
        }
        assert_eq!(role(&Path::from("data/orders"), &Path::from("data/other/a.parquet"), 9), Role::Beside);
    }

    #[test]
    fn folders_name_values() {
        let folder = Path::from("data/orders");
        let file = Path::parse("data/orders/country=D%C3%A4%3A/year=2025/x=__HIVE_DEFAULT_PARTITION__/50%/a=b.parquet");
        let values = partition(&folder, &file.unwrap());
        let expected = [("country", Some("Dä:")), ("year", Some("2025")), ("x", None)];
        assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
    }

    #[test]
    fn tables_of_other_formats_are_known_by_their_folders() {
        let folder = Path::from("t");
        let path = |path: &str| Path::parse(path).unwrap();
        assert_eq!(foreign_format(&folder, &path("t/.hoodie/hoodie.properties")), Some("an Apache Hudi table"));
        let metadata = path("t/metadata/v1.metadata.json");
        assert_eq!(foreign_format(&folder, &metadata), Some("an Apache Iceberg table"));
        assert_eq!(foreign_format(&folder, &path("t/metadata/a.parquet")), None);
        assert_eq!(delta_folder(&folder, &path("t/_delta_log/0.json")).as_deref(), Some(""));
        assert_eq!(delta_folder(&folder, &path("t/a/b/_delta_log/0.json")).as_deref(), Some("a/b"));
        assert_eq!(delta_folder(&folder, &path("t/a.parquet")), None);
    }
}
