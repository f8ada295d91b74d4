use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::{ParquetMetaDataReader, ParquetMetaDataWriter};
use tempfile::TempDir;

use super::*;

fn parquet(path: &Path, rows: i64) {
    let column: ArrayRef = Arc::new((0..rows).collect::<Int64Array>());
    let batch = RecordBatch::try_from_iter([("orders", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// The message of a file with this content.
fn message(name: &str, content: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let error = read_footer(&path, ArrowReaderOptions::new()).unwrap_err();
    error.to_string().replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn a_file_of_another_format_is_named() {
    let duckdb =
        "convert it, as in `duckdb -c \"copy 'rows.csv' to 'rows.parquet'\"` or with `to_parquet` of pandas or polars";
    let cases: [(&[u8], &str, &str); 10] = [
        (b"", "empty", "write it anew"),
        (b"customer_id,orders\n1,2\n", "text (such as CSV)", duckdb),
        (b"[{\"orders\": 1}]", "JSON", duckdb),
        (b"ARROW1\0\0rest", "an Arrow (Feather) file", duckdb),
        (b"PARE\0restPARE", "an encrypted Parquet file", "write it without encryption"),
        (b"\x1f\x8b\x08\0rest", "compressed with gzip", "unpack it, and convert what is in it to Parquet"),
        (
            b"PK\x03\x04rest",
            "a zip archive (or a spreadsheet of Excel)",
            "unpack it, or save the sheet as CSV, and convert that to Parquet",
        ),
        (
            b"\x80\x04\x95rest",
            "a pickle of Python (as joblib writes too)",
            "write it with `to_parquet` where it was made",
        ),
        (b"\x89HDF\r\n\x1a\nrest", "an HDF5 file", duckdb),
        (b"tree\nversion=v4\n", "a text file of LightGBM", "that is a model; give the file of rows"),
    ];
    for (content, found, advice) in cases {
        assert_eq!(message("x.parquet", content), format!("x.parquet is {found}, no Parquet file: {advice}"));
    }
    assert_eq!(
        message("x.parquet", b"\0\x01\x02\x03 nothing known"),
        "x.parquet is no Parquet file: convert it to Parquet, or check the path"
    );
}

#[test]
fn a_parquet_file_that_is_cut_off_or_damaged_is_said() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.parquet");
    parquet(&path, 3);
    let mut content = std::fs::read(&path).unwrap();
    assert_eq!(
        message("x.parquet", &content[..content.len() / 2]),
        "x.parquet begins as a Parquet file, but is cut off: copy or write it anew"
    );
    let footer = content.len() - 30;
    content[footer..footer + 16].fill(0xff);
    assert_eq!(message("x.parquet", &content), "cannot read the footer of x.parquet: it is damaged, write it anew");
}

#[test]
fn a_summary_of_other_files_is_no_file_of_rows() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("part-0.parquet");
    parquet(&path, 3);
    assert!(read_footer(&path, ArrowReaderOptions::new()).is_ok());
    let fault = "holds no rows, it only describes the Parquet files beside it: give one of those";

    // As Spark and Dask write it: the footer of all parts, each chunk with the name of its file.
    let footer = ParquetMetaDataReader::new().parse_and_finish(&File::open(&path).unwrap()).unwrap();
    let groups = footer.row_groups().iter().map(|group| {
        let chunks = group
            .columns()
            .iter()
            .map(|chunk| chunk.clone().into_builder().set_file_path("part-0.parquet".to_owned()).build().unwrap());
        group.clone().into_builder().set_column_metadata(chunks.collect()).build().unwrap()
    });
    let footer = footer.clone().into_builder().set_row_groups(groups.collect()).build();
    let mut content = b"PAR1".to_vec();
    ParquetMetaDataWriter::new(&mut content, &footer).finish().unwrap();
    assert_eq!(message("_metadata", &content), format!("_metadata {fault}"));

    let empty = folder.path().join("_common_metadata");
    parquet(&empty, 0);
    let content = std::fs::read(&empty).unwrap();
    assert_eq!(message("_common_metadata", &content), format!("_common_metadata {fault}"));
}

#[test]
fn what_is_not_there_or_a_folder_cannot_be_opened() {
    let folder = TempDir::new().unwrap();
    for path in [folder.path().join("absent.parquet"), folder.path().to_owned()] {
        let error = read_footer(&path, ArrowReaderOptions::new()).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot open {}: check the path", path.display()));
    }
}
