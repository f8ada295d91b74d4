//! The files that a run reads, as its record keeps them.

use jiff::Timestamp;
use object_store::ObjectMeta;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::contract;
use crate::error::FeatureError;
use crate::files::columns::FileColumns;
use crate::files::folder::shown;

/// How many files a warning names.
const NAMED: usize = 5;

/// The files of all source tables: part of the run record, and all that a run reads of its sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedSources {
    /// The tables in the order of the project.
    pub tables: Vec<PinnedTable>,
}

/// The files of one source table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedTable {
    /// The source.
    pub source: String,
    /// The table of the source.
    pub table: String,
    /// Its files in the order of their paths, at least one; none of a Delta table without a row.
    pub files: Vec<PinnedFile>,
    /// The version of a Delta table, whose files these are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta_version: Option<u64>,
    /// Bad files that are left out, as `bad_files: quarantine` of the table says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<SetAsideFile>,
    /// What else lies in the folder and is not read. What writers leave beside data is not reported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_read: Vec<UnreadFile>,
}

/// A bad file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetAsideFile {
    /// Its URL.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows, where it says how many.
    pub rows: Option<u64>,
    /// Why it is not used.
    pub reason: String,
}

/// A file that is none of the table's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnreadFile {
    /// Its URL.
    pub path: String,
    /// What it is, where its first bytes show it.
    pub found: Option<String>,
}

/// One file as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedFile {
    /// Its URL: `file:///...` or that of object storage.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// When the store says that it was written.
    pub last_modified: Timestamp,
    /// The store's tag of its content, where it has one.
    pub etag: Option<String>,
    /// The newest instant at which a row happened or was known, by the file's statistics; absent where they do not say.
    #[serde(default)]
    pub newest: Option<Timestamp>,
    /// Whether the file's statistics show that no row breaks a rule for single rows of its contract.
    #[serde(default)]
    pub keeps_rules: bool,
    /// What of it is not under the declared names.
    #[serde(default, skip_serializing_if = "FileColumns::is_plain")]
    pub columns: FileColumns,
}

impl PinnedFile {
    /// Whether the store still says of the file what it said when it was pinned.
    pub(crate) fn is_same(&self, found: &ObjectMeta) -> bool {
        self.bytes == found.size && self.last_modified == last_modified(found) && self.etag == found.e_tag
    }
}

impl PinnedSources {
    /// The files of a table, which must be pinned.
    pub(crate) fn table(&self, source: &str, table: &str) -> Result<&PinnedTable, FeatureError> {
        let pinned = self.tables.iter().find(|pinned| pinned.source == source && pinned.table == table);
        pinned.ok_or_else(|| FeatureError::NotPinned { table: contract::table_name(source, table) })
    }

    /// What of the files somebody should know of before the rows are relied on: what is set aside, what is not read, and columns that the
    /// newest file lacks.
    pub fn warnings(&self) -> Vec<String> {
        self.tables.iter().flat_map(PinnedTable::warnings).collect()
    }
}

impl PinnedTable {
    /// The rows of its files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }

    /// The rows of the files that are set aside: as these say, and where they do not, by their size beside that of the others.
    pub fn rows_set_aside(&self) -> u64 {
        let bytes: u64 = self.files.iter().map(|file| file.bytes).sum();
        let estimated = |of: u64| {
            let rows = u128::from(of) * u128::from(self.rows()) / u128::from(bytes.max(1));
            u64::try_from(rows).unwrap_or(u64::MAX).max(1)
        };
        self.set_aside.iter().map(|file| file.rows.unwrap_or_else(|| estimated(file.bytes))).sum()
    }

    fn warnings(&self) -> Vec<String> {
        [self.about_set_aside(), self.about_not_read()].into_iter().flatten().chain(self.about_absent()).collect()
    }

    fn about_set_aside(&self) -> Option<String> {
        let first = self.set_aside.first()?;
        let names = named(self.set_aside.iter().map(|file| shown_url(&file.path)));
        Some(format!(
            "source {}: {} of {} files are set aside, with about {} rows, as `bad_files: quarantine` says: {names}; the first, as {}",
            contract::table_name(&self.source, &self.table),
            self.set_aside.len(),
            self.set_aside.len() + self.files.len(),
            self.rows_set_aside(),
            first.reason
        ))
    }

    fn about_not_read(&self) -> Option<String> {
        if self.not_read.is_empty() {
            return None;
        }
        let report = |file: &UnreadFile| match &file.found {
            Some(found) => format!("{} ({found})", shown_url(&file.path)),
            None => shown_url(&file.path),
        };
        Some(format!(
            "source {}: {} files of its folder are not read, as they are no Parquet files: {}; write as Parquet what belongs to the \
             table, and move out what does not",
            contract::table_name(&self.source, &self.table),
            self.not_read.len(),
            named(self.not_read.iter().map(report))
        ))
    }

    /// A column that older files have and the newest one lacks has probably been dropped or renamed.
    fn about_absent(&self) -> Vec<String> {
        let newest = self.files.iter().filter(|file| file.newest.is_some()).max_by_key(|file| file.newest);
        let Some(newest) = newest else { return Vec::new() };
        let lacking = |column: &String| self.files.iter().filter(|file| file.columns.absent.contains(column)).count();
        let report = |column: &String| {
            format!(
                "source {}: column `{column}` is null in the newest file, {}, which lacks it, as {} of {} files do: if it has another \
                 name by now, name the column so and the old name in its `renamed_from`",
                contract::table_name(&self.source, &self.table),
                shown_url(&newest.path),
                lacking(column),
                self.files.len()
            )
        };
        newest.columns.absent.iter().map(report).collect()
    }
}

/// When the store says that a file was written.
pub(crate) fn last_modified(file: &ObjectMeta) -> Timestamp {
    Timestamp::from_microsecond(file.last_modified.timestamp_micros()).unwrap_or_default()
}

fn named(files: impl ExactSizeIterator<Item = String>) -> String {
    let others = files.len().saturating_sub(NAMED);
    let names = files.take(NAMED).collect::<Vec<_>>().join(", ");
    if others == 0 { names } else { format!("{names} and {others} more") }
}

fn shown_url(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| shown(&url))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, newest: i64, absent: &[&str]) -> PinnedFile {
        let columns =
            FileColumns { absent: absent.iter().map(|name| (*name).to_owned()).collect(), ..FileColumns::default() };
        PinnedFile {
            path: format!("file:///data/{name}"),
            bytes: 1_000,
            rows: 100,
            last_modified: Timestamp::UNIX_EPOCH,
            etag: None,
            newest: Timestamp::from_second(newest).ok(),
            keeps_rules: true,
            columns,
        }
    }

    fn table(files: Vec<PinnedFile>) -> PinnedTable {
        PinnedTable {
            source: "shop".into(),
            table: "orders".into(),
            files,
            delta_version: None,
            set_aside: Vec::new(),
            not_read: Vec::new(),
        }
    }

    #[test]
    fn rows_that_nobody_can_count_are_estimated_by_their_bytes() {
        let mut table = table(vec![file("a.parquet", 1, &[]), file("b.parquet", 2, &[])]);
        assert_eq!(table.rows_set_aside(), 0);
        let aside =
            |bytes, rows| SetAsideFile { path: "file:///data/c.parquet".into(), bytes, rows, reason: "it is".into() };
        table.set_aside = vec![aside(500, None), aside(1, None), aside(7, Some(3))];
        assert_eq!(table.rows_set_aside(), 50 + 1 + 3);
        table.files.clear();
        assert_eq!(table.rows_set_aside(), 1 + 1 + 3);
    }

    #[test]
    fn warnings_name_files() {
        let mut table = table(vec![file("a.parquet", 1, &["gender"]), file("b.parquet", 2, &[])]);
        assert_eq!(
            PinnedSources { tables: vec![table.clone()] }.warnings(),
            Vec::<String>::new(),
            "older files may lack it"
        );
        table.files[0].newest = table.files[1].newest.max(Timestamp::from_second(3).ok());
        let unread = |number| UnreadFile { path: format!("file:///data/{number}.csv"), found: Some("text".into()) };
        table.not_read = (0..7).map(unread).collect();
        table.set_aside = vec![SetAsideFile {
            path: "file:///data/c.parquet".into(),
            bytes: 1_000,
            rows: None,
            reason: "x is y".into(),
        }];
        insta::assert_snapshot!(PinnedSources { tables: vec![table] }.warnings().join("\n"), @r"
        source shop.orders: 1 of 3 files are set aside, with about 100 rows, as `bad_files: quarantine` says: /data/c.parquet; the first, as x is y
        source shop.orders: 7 files of its folder are not read, as they are no Parquet files: /data/0.csv (text), /data/1.csv (text), /data/2.csv (text), /data/3.csv (text), /data/4.csv (text) and 2 more; write as Parquet what belongs to the table, and move out what does not
        source shop.orders: column `gender` is null in the newest file, /data/a.parquet, which lacks it, as 1 of 2 files do: if it has another name by now, name the column so and the old name in its `renamed_from`
        ");
    }
}
