//! What stands in the quarantine: a row once, in the partition of the first day on which it was refused.
//!
//! A run compares what is refused as of its day with what was refused on the last published day before. Beside the table it leaves all
//! rows that are refused, each with its first and last day, as a file: what the next day compares with, whatever happens to the table.
//!
//! A day that is published stays as it is. One that is run after later ones compares with the days before it alone, and lists what is
//! refused as of it, though a later day may list the same rows, for which they were new. The run says so; run again, the later day compares
//! with the one that was filled in and lists them no more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow::array::{ArrayRef, AsArray, Date32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Date32Type, Field, Schema};
use bytes::Bytes;
use datafusion::prelude::col;
use mainstay_config::Source;
use mainstay_config::source::SourceColumn;
use mainstay_run::Run;
use mainstay_schema::{Digest, Ds, JobKind, column, table};
use mainstay_sql::REDACTED;
use mainstay_table::published_day::{self, Check};
use mainstay_table::{RunRecord, run_record};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

use crate::details::{DailyDetails, QuarantineFile, QuarantinedRows};
use crate::small_files::{days_since_1970, encode};

/// The file of a run with all rows that are refused.
const FILE: &str = "quarantined_rows.parquet";

/// A day before is looked for among so many first, and then among all.
const DAYS_BACK: i32 = 60;

/// A row or value that broke its contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RefusedRow {
    source: String,
    reason: String,
    row: String,
}

/// A refused row with the first and the last published day on which it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Spell {
    refused: RefusedRow,
    first_seen: Ds,
    last_seen: Ds,
}

/// What is refused as of a day.
pub(crate) struct DayQuarantine {
    /// The rows that were not refused on the day before: `source`, `reason`, `row` and `run_id`.
    pub(crate) new: RecordBatch,
    /// All of them.
    pub(crate) refused: u64,
    /// How many, by table and reason.
    pub(crate) counts: Vec<QuarantinedRows>,
    /// Where all stand; none of a training, which publishes no quarantine.
    pub(crate) file: Option<QuarantineFile>,
}

impl DayQuarantine {
    /// Holds the rows that are refused as of the run's day against the last published day before it.
    pub(crate) async fn of(run: &Run<'_>, batches: &[RecordBatch]) -> Result<Self> {
        let refused = refused_rows(batches)?;
        let is_published = run.kind == JobKind::Daily;
        let before = if is_published { Before::of(run).await? } else { Before::default() };
        let late = late_columns(&run.open.project.config().sources);
        let spells = compare(run.ds, refused, before.spells, |row| identity(row, &late));
        if is_published && spells.iter().any(|spell| spell.first_seen == run.ds) {
            warn_of_later_days(run).await?;
        }
        let file = match is_published {
            true => {
                let kept = run.keep(FILE, encode(&to_batch(&spells)?)?).await?;
                Some(QuarantineFile { file: kept.file, digest: kept.digest, since: before.ds })
            }
            false => None,
        };
        Ok(Self {
            new: new_rows(run, &spells)?,
            refused: spells.iter().filter(|spell| spell.last_seen == run.ds).count() as u64,
            counts: counts(run.ds, &spells),
            file,
        })
    }
}

/// Says that rows may stand in the quarantine twice where later days were published before the run's.
async fn warn_of_later_days(run: &Run<'_>) -> Result<()> {
    let later = run_record::published_days(&run.open.lake, &run.series, |day| day > run.ds).await?;
    let days: Vec<Ds> = later.iter().map(|record| record.ds).collect();
    if let Some(warning) = later_days(run.ds, &days) {
        run.open.progress.warn(warning);
    }
    Ok(())
}

fn later_days(ds: Ds, later: &[Ds]) -> Option<String> {
    let first = later.iter().min()?;
    Some(format!(
        "rows that are listed in quarantine under {ds} may stand there under {first} as well, which was published before: run {first} again \
         with --force where each must stand once"
    ))
}

/// The rows in the kept file of a run, each with its source.
pub(crate) fn kept_rows(file: Bytes) -> Result<Vec<(String, String)>> {
    Ok(from_file(file)?.into_iter().map(|spell| (spell.refused.source, spell.refused.row)).collect())
}

/// What the kept file of a run says: how many rows are refused as of its day, and how many of them since then.
pub(crate) fn refused_and_new(file: Bytes, ds: Ds) -> Result<(u64, u64)> {
    let spells = from_file(file)?;
    let count = |is_counted: &dyn Fn(&&Spell) -> bool| spells.iter().filter(is_counted).count() as u64;
    Ok((count(&|spell| spell.last_seen == ds), count(&|spell| spell.first_seen == ds)))
}

/// What was refused on the last published day before the run's.
#[derive(Default)]
struct Before {
    ds: Option<Ds>,
    spells: Vec<Spell>,
}

impl Before {
    async fn of(run: &Run<'_>) -> Result<Self> {
        let (lake, series) = (&run.open.lake, &run.series);
        let is_near = |day: Ds| day < run.ds && run.ds.days_since(day) <= DAYS_BACK;
        let mut newest = run_record::published_days(lake, series, is_near).await?.pop();
        if newest.is_none() {
            newest = run_record::published_days(lake, series, |day| day < run.ds).await?.pop();
        }
        let Some(record) = newest else { return Ok(Self::default()) };
        match Self::spells(run, &record).await {
            Ok(spells) => Ok(Self { ds: Some(record.ds), spells }),
            Err(why) => {
                run.open.progress.warn(format!(
                    "nothing says any more which rows were in quarantine on {}, so all that are refused as of {} are listed as new: {why:#}",
                    record.ds, run.ds
                ));
                Ok(Self::default())
            }
        }
    }

    async fn spells(run: &Run<'_>, record: &RunRecord) -> Result<Vec<Spell>> {
        let details = DailyDetails::of(record)?;
        let mut spells = match details.quarantine_file {
            Some(QuarantineFile { file, digest, .. }) => {
                let content = run.open.lake.get(&file).await?.with_context(|| format!("{file} is gone"))?;
                ensure!(Digest::of(&content) == digest, "{file} has another digest than its run record says");
                from_file(content)?
            }
            None => of_table(run, record).await?,
        };
        spells.retain(|spell| spell.last_seen == record.ds);
        // A column may have been declared personal or protected since, and an earlier release showed what is protected.
        let guarded = guarded_columns(&run.open.project.config().sources);
        spells.iter_mut().for_each(|spell| redact(&mut spell.refused, &guarded));
        Ok(spells)
    }
}

/// The rows in the table of a day, of an earlier release that listed all of them there every day.
async fn of_table(run: &Run<'_>, record: &RunRecord) -> Result<Vec<Spell>> {
    let contract = table::quarantine();
    let published = record.table(&contract.name).context("its run record names no quarantine")?;
    let files = published_day::find(&run.open.lake, record.ds, published, Check::Presence).await?;
    let rows = files.frame(&run.open.session, &run.open.lake, &contract).await?;
    let rows = rows.select(vec![col("source"), col("reason"), col("row")])?.collect().await?;
    let spell = |refused| Spell { refused, first_seen: record.ds, last_seen: record.ds };
    Ok(refused_rows(&rows)?.into_iter().map(spell).collect())
}

/// Each row that is refused on a day with the first day on which it was, behind the rows that were refused before and are no longer.
/// Rows of one identity are as many as they are: who was there before goes on, the first of them first.
fn compare(
    ds: Ds,
    mut refused: Vec<RefusedRow>,
    before: Vec<Spell>,
    identity: impl Fn(&RefusedRow) -> String,
) -> Vec<Spell> {
    let mut known: BTreeMap<String, VecDeque<Spell>> = BTreeMap::new();
    let mut before = before;
    before.sort_by(|one, other| (one.first_seen, &one.refused).cmp(&(other.first_seen, &other.refused)));
    for spell in before {
        known.entry(identity(&spell.refused)).or_default().push_back(spell);
    }
    refused.sort_unstable();
    let mut spells: Vec<Spell> = refused
        .into_iter()
        .map(|refused| {
            let earlier = known.get_mut(&identity(&refused)).and_then(VecDeque::pop_front);
            Spell { refused, first_seen: earlier.map_or(ds, |spell| spell.first_seen), last_seen: ds }
        })
        .collect();
    spells.extend(known.into_values().flatten());
    spells.sort_unstable();
    spells
}

/// Hides what must not be copied, as the quarantine of today does.
fn redact(refused: &mut RefusedRow, guarded: &BTreeMap<String, Vec<String>>) {
    let Some(names) = guarded.get(&refused.source) else { return };
    let Ok(Value::Object(mut values)) = serde_json::from_str(&refused.row) else { return };
    let mut is_changed = false;
    for (_, value) in values.iter_mut().filter(|(name, value)| names.contains(name) && !value.is_null()) {
        is_changed |= value.as_str() != Some(REDACTED);
        *value = Value::from(REDACTED);
    }
    if is_changed {
        refused.row = Value::Object(values).to_string();
    }
}

/// The personal and protected columns of each table.
fn guarded_columns(sources: &[Source]) -> BTreeMap<String, Vec<String>> {
    columns_that(sources, |column| column.guard().is_some())
}

/// What makes a row the same on two days: its source, the reason, and the values that are there from the start.
fn identity(refused: &RefusedRow, late: &BTreeMap<String, Vec<String>>) -> String {
    let RefusedRow { source, reason, row } = refused;
    let mut values: Map<String, Value> = serde_json::from_str(row).unwrap_or_default();
    for name in late.get(source).into_iter().flatten() {
        values.remove(name);
    }
    format!("{source}\n{reason}\n{}", Value::Object(values))
}

/// The columns of each table whose values come later than their row.
fn late_columns(sources: &[Source]) -> BTreeMap<String, Vec<String>> {
    columns_that(sources, |column| column.visible_from.is_some())
}

fn columns_that(sources: &[Source], wanted: fn(&SourceColumn) -> bool) -> BTreeMap<String, Vec<String>> {
    let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in mainstay_config::source::columns(sources).filter(|(_, column)| wanted(column)) {
        named.entry(table).or_default().push(column.name.clone());
    }
    named
}

/// How many rows were refused, are so since the day, and are no longer, by table and reason in the order of their names.
fn counts(ds: Ds, spells: &[Spell]) -> Vec<QuarantinedRows> {
    let mut counts: BTreeMap<(&str, &str), QuarantinedRows> = BTreeMap::new();
    for Spell { refused, first_seen, last_seen } in spells {
        let none = || QuarantinedRows {
            source: refused.source.clone(),
            reason: refused.reason.clone(),
            rows: 0,
            new_rows: 0,
            mended_rows: 0,
            since: None,
        };
        let of = counts.entry((&refused.source, &refused.reason)).or_insert_with(none);
        if *last_seen != ds {
            of.mended_rows += 1;
            continue;
        }
        of.rows += 1;
        of.new_rows += u64::from(*first_seen == ds);
        of.since = Some(of.since.map_or(*first_seen, |since| since.min(*first_seen)));
    }
    counts.into_values().collect()
}

fn new_rows(run: &Run<'_>, spells: &[Spell]) -> Result<RecordBatch> {
    let new: Vec<&RefusedRow> =
        spells.iter().filter(|spell| spell.first_seen == run.ds).map(|spell| &spell.refused).collect();
    let columns = texts(&new)
        .into_iter()
        .chain([(column::RUN_ID, Arc::new(StringArray::from(vec![run.run_id.as_str(); new.len()])) as ArrayRef)]);
    let (names, columns): (Vec<&str>, Vec<ArrayRef>) = columns.unzip();
    let fields = names.into_iter().map(|name| Field::new(name, DataType::Utf8, false)).collect::<Vec<_>>();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn texts(rows: &[&RefusedRow]) -> [(&'static str, ArrayRef); 3] {
    let column = |text: fn(&RefusedRow) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| text(row))))
    };
    [
        ("source", column(|row| row.source.as_str())),
        ("reason", column(|row| row.reason.as_str())),
        ("row", column(|row| row.row.as_str())),
    ]
}

fn refused_rows(batches: &[RecordBatch]) -> Result<Vec<RefusedRow>> {
    let mut rows = Vec::new();
    for batch in batches {
        let text = |name: &str| {
            let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
            column.with_context(|| format!("refused rows have no column {name}"))
        };
        let (sources, reasons, json) = (text("source")?, text("reason")?, text("row")?);
        for ((source, reason), row) in sources.iter().zip(reasons.iter()).zip(json.iter()) {
            let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
            rows.push(RefusedRow { source: owned(source), reason: owned(reason), row: owned(row) });
        }
    }
    Ok(rows)
}

fn to_batch(spells: &[Spell]) -> Result<RecordBatch> {
    let days = |day: fn(&Spell) -> Ds| -> ArrayRef {
        Arc::new(Date32Array::from_iter_values(spells.iter().map(|spell| days_since_1970(day(spell)))))
    };
    let refused: Vec<&RefusedRow> = spells.iter().map(|spell| &spell.refused).collect();
    let days = [("first_seen", days(|spell| spell.first_seen)), ("last_seen", days(|spell| spell.last_seen))];
    Ok(RecordBatch::try_from_iter(texts(&refused).into_iter().chain(days))?)
}

fn from_file(file: Bytes) -> Result<Vec<Spell>> {
    let mut spells = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
        let batch = batch?;
        let days = |name: &str| {
            let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Date32Type>());
            column.with_context(|| format!("refused rows have no column {name}"))
        };
        let (first, last) = (days("first_seen")?, days("last_seen")?);
        let since = Ds(jiff::civil::date(1970, 1, 1));
        for ((refused, first), last) in
            refused_rows(std::slice::from_ref(&batch))?.into_iter().zip(first.values()).zip(last.values())
        {
            spells.push(Spell { refused, first_seen: since.plus_days(*first), last_seen: since.plus_days(*last) });
        }
    }
    Ok(spells)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ds(day: &str) -> Ds {
        day.parse().unwrap()
    }

    fn row(reason: &str, row: &str) -> RefusedRow {
        RefusedRow { source: "shop.orders".into(), reason: reason.into(), row: row.into() }
    }

    fn told(spells: &[Spell]) -> Vec<String> {
        let told = |spell: &Spell| format!("{} {} {}", spell.refused.row, spell.first_seen, spell.last_seen);
        spells.iter().map(told).collect()
    }

    fn on(day: &str, rows: &[&str], before: &[Spell]) -> Vec<Spell> {
        let refused = rows.iter().map(|text| row("net_amount is below 0", text)).collect();
        let standing = before.iter().filter(|spell| spell.last_seen < ds(day)).cloned().collect();
        let late = BTreeMap::from([("shop.orders".to_owned(), vec!["closed_at".to_owned()])]);
        compare(ds(day), refused, standing, |row| identity(row, &late))
    }

    #[test]
    fn a_row_keeps_its_first_day_while_it_is_refused() {
        let first = on("2025-12-15", &[r#"{"id":"a"}"#, r#"{"id":"b"}"#], &[]);
        assert_eq!(told(&first), [r#"{"id":"a"} 2025-12-15 2025-12-15"#, r#"{"id":"b"} 2025-12-15 2025-12-15"#]);
        let second = on("2025-12-16", &[r#"{"id":"b"}"#, r#"{"id":"c"}"#], &first);
        assert_eq!(
            told(&second),
            [
                r#"{"id":"a"} 2025-12-15 2025-12-15"#,
                r#"{"id":"b"} 2025-12-15 2025-12-16"#,
                r#"{"id":"c"} 2025-12-16 2025-12-16"#
            ]
        );
        let counted = counts(ds("2025-12-16"), &second);
        let (of, since) = (&counted[0], Some(ds("2025-12-15")));
        assert_eq!((counted.len(), of.rows, of.new_rows, of.mended_rows, of.since), (1, 2, 1, 1, since));
    }

    #[test]
    fn a_day_that_is_filled_in_lists_its_rows_until_the_later_one_is_run_again() {
        let later = on("2025-12-16", &["{}"], &[]);
        let filled_in = on("2025-12-15", &["{}"], &later);
        assert_eq!(told(&filled_in), ["{} 2025-12-15 2025-12-15"], "what comes later is not compared with");
        assert_eq!(told(&on("2025-12-16", &["{}"], &filled_in)), ["{} 2025-12-15 2025-12-16"]);
        assert_eq!(
            later_days(ds("2025-12-15"), &[ds("2025-12-17"), ds("2025-12-16")]).unwrap(),
            "rows that are listed in quarantine under 2025-12-15 may stand there under 2025-12-16 as well, which was published before: run \
             2025-12-16 again with --force where each must stand once"
        );
        assert_eq!(later_days(ds("2025-12-15"), &[]), None);
    }

    #[test]
    fn equal_rows_are_as_many_as_they_are() {
        let twice = on("2025-12-15", &["{}", "{}"], &[]);
        let thrice = on("2025-12-16", &["{}", "{}", "{}"], &twice);
        assert_eq!(told(&thrice), ["{} 2025-12-15 2025-12-16", "{} 2025-12-15 2025-12-16", "{} 2025-12-16 2025-12-16"]);
    }

    #[test]
    fn a_value_that_comes_later_makes_no_other_row() {
        let open = on("2025-12-15", &[r#"{"closed_at":null,"id":"a"}"#], &[]);
        let closed = on("2025-12-16", &[r#"{"closed_at":"2025-12-15T10:00:00Z","id":"a"}"#], &open);
        assert_eq!(told(&closed), [r#"{"closed_at":"2025-12-15T10:00:00Z","id":"a"} 2025-12-15 2025-12-16"#]);
    }

    #[test]
    fn what_was_shown_before_it_was_protected_is_hidden() {
        let guarded = BTreeMap::from([("shop.orders".to_owned(), vec!["gender".to_owned(), "email".to_owned()])]);
        let redacted = |text: &str| {
            let mut refused = row("net_amount is below 0", text);
            redact(&mut refused, &guarded);
            refused.row
        };
        let hidden = r#"{"email":null,"gender":"[redacted]","id":"a"}"#;
        assert_eq!(redacted(r#"{"email":null,"gender":"f","id":"a"}"#), hidden);
        assert_eq!(redacted(hidden), hidden);
        assert_eq!(redacted(r#"{ "id": "a" }"#), r#"{ "id": "a" }"#, "left as it is written");
    }

    #[test]
    fn a_row_that_breaks_another_rule_is_another() {
        let first = on("2025-12-15", &["{}"], &[]);
        let other = compare(ds("2025-12-16"), vec![row("order_id is null", "{}")], first, |row| {
            identity(row, &BTreeMap::new())
        });
        let days: Vec<(Ds, Ds)> = other.iter().map(|spell| (spell.first_seen, spell.last_seen)).collect();
        assert_eq!(days, [(ds("2025-12-15"), ds("2025-12-15")), (ds("2025-12-16"), ds("2025-12-16"))]);
    }

    #[test]
    fn the_kept_file_says_what_was_compared() {
        let spells = on("2025-12-16", &["{}", r#"{"id":"b"}"#], &on("2025-12-15", &["{}"], &[]));
        let file = Bytes::from(encode(&to_batch(&spells).unwrap()).unwrap());
        assert_eq!(from_file(file.clone()).unwrap(), spells);
        assert_eq!(refused_and_new(file, ds("2025-12-16")).unwrap(), (2, 1));
        assert!(from_file(Bytes::from(encode(&to_batch(&[]).unwrap()).unwrap())).unwrap().is_empty());
    }
}
