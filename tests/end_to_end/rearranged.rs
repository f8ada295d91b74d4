//! Copies of source data: the same rows in another order, in other files and in other types.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Writes every table of a folder of source data to another folder, its rows shuffled and spread over so many files, every other one in the
/// types of another writer.
///
/// A table is a folder of Parquet files, or one such file, which becomes a folder of the same name.
pub(crate) fn rearrange(from: &Path, to: &Path, files: usize, seed: u64) {
    for entry in fs::read_dir(from).unwrap() {
        let table = entry.unwrap();
        let name = table.file_name().into_string().unwrap();
        let parts = parquet_files(&table.path());
        if name.starts_with(['_', '.']) || parts.is_empty() {
            continue;
        }
        let rows = shuffled(&read(&parts), seed);
        write(&rows, &to.join(&name), files);
    }
}

fn parquet_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        let is_parquet = path.extension().is_some_and(|extension| extension == "parquet");
        return if is_parquet { vec![path.to_owned()] } else { vec![] };
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|entry| parquet_files(&entry)).collect()
}

fn read(files: &[PathBuf]) -> RecordBatch {
    let batches: Vec<RecordBatch> = files
        .iter()
        .flat_map(|file| {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
            reader.build().unwrap().map(Result::unwrap).collect::<Vec<_>>()
        })
        .collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

fn shuffled(rows: &RecordBatch, seed: u64) -> RecordBatch {
    let mut order: Vec<u32> = (0..u32::try_from(rows.num_rows()).unwrap()).collect();
    order.sort_by_key(|&row| (mixed(seed ^ mixed(u64::from(row))), row));
    take_record_batch(rows, &UInt32Array::from(order)).unwrap()
}

/// The finaliser of SplitMix64.
fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn write(rows: &RecordBatch, folder: &Path, files: usize) {
    fs::create_dir_all(folder).unwrap();
    let length = rows.num_rows().div_ceil(files).max(1);
    for part in 0..files {
        let start = (part * length).min(rows.num_rows());
        let slice = rows.slice(start, length.min(rows.num_rows() - start));
        let slice = if part % 2 == 1 { retyped(&slice) } else { slice };
        let file = File::create(folder.join(format!("part-{part}.parquet"))).unwrap();
        let mut writer = ArrowWriter::try_new(file, slice.schema(), None).unwrap();
        writer.write(&slice).unwrap();
        writer.close().unwrap();
    }
}

/// The same values as pandas may hold them: categories, money as floats, wide integers, nanoseconds in a zone.
fn retyped(rows: &RecordBatch) -> RecordBatch {
    let nanoseconds = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Nanosecond, zone.map(Into::into));
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, values)| {
        let data_type = match field.data_type() {
            DataType::Utf8 => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            DataType::Decimal128(_, 2) => DataType::Float64,
            DataType::Int32 => DataType::Int64,
            DataType::Timestamp(_, Some(_)) => nanoseconds(Some("+01:00")),
            DataType::Timestamp(_, None) => nanoseconds(None),
            other => other.clone(),
        };
        (field.name().clone(), cast(values, &data_type).unwrap())
    });
    RecordBatch::try_from_iter(columns.collect::<Vec<_>>()).unwrap()
}
