//! Sources: the tables that a project reads, and the contract that each must keep.

use std::path::Path;

use jiff::tz::TimeZone;
use mainstay_schema::table::ColumnType;
use mainstay_schema::{Cents, Ds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checks::{check_at_least_1, check_identifier, check_not_empty, check_unique, check_unique_items};
use crate::error::{ConfigError, UnknownName};
use crate::place::Place;
use crate::{schedule, target, yaml};

/// A folder of tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What SQL calls it: the first word of `{{ source('shop', 'orders') }}`.
    pub name: String,
    /// The folder of its tables, below that of this file where it is relative; a template.
    // Rendered and absolute in a loaded project.
    pub path: String,
    /// IANA name of the time zone of its times without one, and of its dates; that of the project where absent.
    pub time_zone: Option<String>,
    /// Generated data: the first run makes them where the folder is not there and the target is empty.
    pub simulator: Option<Simulator>,
    /// The tables of the source, at least one.
    pub tables: Vec<SourceTable>,
}

/// What is generated where the folder of the source is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Simulator {
    /// How many customers, at least 1.
    pub customers: u32,
    /// The first day.
    #[serde(deserialize_with = "yaml::from_text")]
    pub start: Ds,
    /// How many days, at least 1.
    pub days: u32,
    /// The same seed gives the same bytes.
    pub seed: u64,
}

/// A table of a source and its contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// What SQL calls it: the second word of `{{ source('shop', 'orders') }}`.
    pub name: String,
    /// What one row is about.
    pub description: Option<String>,
    /// Folder or file, below the folder of the source where it is relative; a template.
    // Rendered and absolute in a loaded project.
    pub path: String,
    /// What the path must be. Where nothing is said, a folder with a `_delta_log` is a Delta table and all else is Parquet.
    pub format: Option<TableFormat>,
    /// What is done with a file that cannot be read or does not keep the types of the columns.
    #[serde(default)]
    pub bad_files: BadFiles,
    /// IANA name of the time zone of its times without one, and of its dates; that of the source where absent.
    // In a loaded project it is there: that of the project where neither says one.
    pub time_zone: Option<String>,
    /// The time zone whose midnights bound the days of the project; there in a loaded one.
    #[serde(skip)]
    pub project_time_zone: Option<String>,
    /// Column of the time at which a row happened, a timestamp or date; every table but a timeless one has it.
    pub event_time: Option<String>,
    /// Whether the rows hold at any time, so that every day sees them all. For attributes that nothing dates, such as those
    /// of products; stated, so that a forgotten `event_time` cannot let a model look ahead.
    #[serde(default)]
    pub timeless: bool,
    /// Column of the time from which a row was known, where it has one: a timestamp or date.
    pub known_at: Option<String>,
    /// Columns that identify a row, at least one.
    pub key: Vec<String>,
    /// Whether a key stands for one row alone; it does unless said otherwise.
    #[serde(default = "by_default")]
    pub unique_key: bool,
    /// Which of several rows with the same key stands.
    #[serde(default)]
    pub keep: Keep,
    /// Columns whose values name a row of another table.
    #[serde(default)]
    pub references: Vec<Reference>,
    /// How old the newest row may be.
    pub freshness: Option<Freshness>,
    /// How many rows a day brings.
    #[serde(default)]
    pub volume: Volume,
    /// The columns that the project reads, at least one; others are ignored.
    pub columns: Vec<SourceColumn>,
}

impl SourceTable {
    /// A declared column.
    pub fn column(&self, name: &str) -> Option<&SourceColumn> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether every file has to have a column: null is not allowed in it, or nobody could place or name its rows.
    pub fn must_have(&self, column: &SourceColumn) -> bool {
        let SourceColumn { name, nullable, .. } = column;
        !nullable || self.event_time.as_ref() == Some(name) || self.key.contains(name)
    }

    /// The zone of times that say none, and of dates; UTC outside of a loaded project.
    pub fn zone(&self) -> TimeZone {
        loaded_zone(self.time_zone.as_deref())
    }

    /// The zone of the project's days; UTC outside of a loaded project.
    pub fn project_zone(&self) -> TimeZone {
        loaded_zone(self.project_time_zone.as_deref())
    }
}

// Names were checked as the project was loaded.
fn loaded_zone(name: Option<&str>) -> TimeZone {
    name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
}

/// Which of several rows with the same key stands, where a key stands for one row alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The one that was known first; all others are copies and go to the quarantine.
    #[default]
    FirstKnown,
    /// The one that is known last as of the day: the source appends a row anew where it changes. The versions before it are
    /// in order and not quarantined.
    LatestKnown,
}

/// A column whose values, where they are not null, are keys of another table of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// The column that names.
    pub column: String,
    /// The table whose rows are named.
    pub table: String,
    /// The only column of that table's key.
    pub key: String,
}

/// What the path of a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TableFormat {
    /// A Parquet file, or a folder of such files, all of which count.
    Parquet,
    /// A Delta table: the files of its newest version count.
    Delta,
}

/// What is done with a file that cannot be read or does not keep the types of the columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BadFiles {
    /// The run stops and names it.
    #[default]
    Stop,
    /// It is left out and named, and its rows count as lost.
    Quarantine,
}

/// How many hours the newest row may lie before as-of. At least one limit is given; a warning comes no later than an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// Hours after which the run warns, at least 1.
    pub warn_after_hours: Option<u32>,
    /// Hours after which the run fails, at least 1.
    pub error_after_hours: Option<u32>,
}

/// How many rows a table brings a day. Where nothing is said, its own past weeks say it, and how long it may be silent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Volume {
    /// Whether the table's past is asked what is usual; so unless said otherwise.
    pub learnt: bool,
    /// Rows of every day, at least 1; those of `holidays` excepted.
    pub rows_per_day_at_least: Option<u64>,
    /// Days on which few rows or none are expected: they are not judged, and say nothing of other days.
    pub holidays: Vec<Ds>,
}

impl Default for Volume {
    fn default() -> Self {
        Self { learnt: true, rows_per_day_at_least: None, holidays: Vec::new() }
    }
}

/// A column of a table and the rules for its values.
///
/// A row that breaks a rule goes to the quarantine and is not seen. Where the value comes later than its row
/// (`visible_from`), it is judged once it is there: then the value alone goes to the quarantine and reads as null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceColumn {
    /// Its name in the files.
    pub name: String,
    /// Names that it had in older files.
    #[serde(default)]
    pub renamed_from: Vec<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// Whether null is allowed; it is unless said otherwise. Files that lack a column of which it is hold nulls.
    #[serde(default = "by_default")]
    pub nullable: bool,
    /// The least value allowed, for numbers only. For money a whole number of cents.
    pub minimum: Option<f64>,
    /// The greatest value allowed, for numbers only. For money a whole number of cents.
    pub maximum: Option<f64>,
    /// Column of a time that this one, a time as well, must not lie before. Where one of both is a date, days are compared;
    /// a null is not.
    pub not_before: Option<String>,
    /// Column of the time from which the value is there: before it, and while it is null, the value reads as null. May be
    /// the column itself.
    pub visible_from: Option<String>,
    /// Whether it holds personal data, which never enters a table of ours.
    #[serde(default)]
    pub personal: bool,
    /// Whether it is a protected attribute, which no feature may depend on.
    #[serde(default)]
    pub protected: bool,
    /// What it means.
    pub description: Option<String>,
}

impl SourceColumn {
    /// Why no feature, published table or artefact may hold its values: it is `personal` or `protected`; `None` where they may.
    pub fn guard(&self) -> Option<&'static str> {
        if self.personal { Some("personal") } else { self.protected.then_some("protected") }
    }
}

/// All tables of some sources, each with its `source.table`.
pub fn tables(sources: &[Source]) -> impl Iterator<Item = (String, &SourceTable)> {
    let named = |source: &Source, table: &SourceTable| format!("{}.{}", source.name, table.name);
    sources.iter().flat_map(move |source| source.tables.iter().map(move |table| (named(source, table), table)))
}

/// All columns of some sources, each with its `source.table`.
pub fn columns(sources: &[Source]) -> impl Iterator<Item = (String, &SourceColumn)> {
    tables(sources).flat_map(|(name, table)| table.columns.iter().map(move |column| (name.clone(), column)))
}

fn check_zone(name: Option<&str>, place: Place<'_>) -> Result<(), ConfigError> {
    name.map_or(Ok(()), |name| schedule::time_zone(name, place.key("time_zone")).map(|_| ()))
}

fn by_default() -> bool {
    true
}

/// Checks all sources of a project; `place` is that of the list.
pub(crate) fn check_sources(sources: &[Source], place: Place<'_>) -> Result<(), ConfigError> {
    check_not_empty(sources.is_empty(), "source", place)?;
    check_unique("source", sources.iter().map(|source| source.name.as_str()), place)?;
    sources.iter().enumerate().try_for_each(|(index, source)| source.check(place.item(index)))
}

impl Source {
    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_identifier(&self.name, place.key("name"))?;
        check_zone(self.time_zone.as_deref(), place)?;
        if let Some(simulator) = &self.simulator {
            let place = place.key("simulator");
            check_at_least_1(simulator.customers, place.key("customers"))?;
            check_at_least_1(simulator.days, place.key("days"))?;
        }
        let tables = place.key("tables");
        check_not_empty(self.tables.is_empty(), "table", tables)?;
        check_unique("table", self.tables.iter().map(|table| table.name.as_str()), tables)?;
        self.tables.iter().enumerate().try_for_each(|(index, table)| table.check(tables.item(index)))?;
        self.tables.iter().enumerate().try_for_each(|(index, table)| {
            let references = tables.item(index).key("references");
            let mut stated = table.references.iter().enumerate();
            stated.try_for_each(|(index, reference)| self.check_reference(table, reference, references.item(index)))
        })
    }

    fn check_reference(&self, from: &SourceTable, reference: &Reference, place: Place<'_>) -> Result<(), ConfigError> {
        let Reference { column, table, key } = reference;
        let column_type = from.declared(column, place.key("column"))?.column_type;
        let known = || self.tables.iter().map(|table| table.name.as_str());
        let to = self.tables.iter().find(|other| other.name == *table);
        let to = to.ok_or_else(|| place.key("table").unknown(&UnknownName::new("table", table, known())))?;
        let key_type = to.declared(key, place.key("key"))?.column_type;
        place.key("key").ensure(to.key == [key.as_str()], || {
            let whole = to.key.join(", ");
            format!("column `{key}` does not name a row of `{table}`, whose key is [{whole}]: only a key of one column can be referred to")
        })?;
        let is_late = from.column(column).is_some_and(|declared| declared.visible_from.is_some());
        place.key("column").ensure(!is_late, || {
            format!("column `{column}` names a row of `{table}` and cannot come later than its own row: leave its `visible_from` out")
        })?;
        place.key("key").ensure(column_type == key_type, || {
            format!("column `{column}` is {column_type}, but `{key}` of `{table}` is {key_type}: declare both with the same type")
        })
    }

    /// The source with its paths rendered, and resolved against the folder of the file that states it; each table with its time zone in a
    /// project of another.
    pub(crate) fn resolved(
        &self,
        folder: &Path,
        project_time_zone: &str,
        place: Place<'_>,
        render: impl Fn(&str, Place<'_>) -> Result<String, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let mut resolved = self.clone();
        resolved.path = target::resolve(folder, &render(&self.path, place.key("path"))?);
        for (index, table) in resolved.tables.iter_mut().enumerate() {
            let path = render(&table.path, place.key("tables").item(index).key("path"))?;
            table.path = target::below(&resolved.path, &path);
            let stated = table.time_zone.as_ref().or(self.time_zone.as_ref());
            table.time_zone = Some(stated.map_or(project_time_zone, String::as_str).to_owned());
            table.project_time_zone = Some(project_time_zone.to_owned());
        }
        Ok(resolved)
    }
}

impl SourceTable {
    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_identifier(&self.name, place.key("name"))?;
        check_zone(self.time_zone.as_deref(), place)?;
        self.check_columns(place.key("columns"))?;
        self.check_times(place)?;
        self.check_key(place.key("key"))?;
        self.check_keep(place.key("keep"))?;
        self.check_visibility(place.key("columns"))?;
        self.check_orders(place.key("columns"))?;
        self.check_volume(place.key("volume"))?;
        self.freshness.map_or(Ok(()), |freshness| freshness.check(place.key("freshness")))
    }

    fn check_volume(&self, place: Place<'_>) -> Result<(), ConfigError> {
        place.ensure(!self.timeless || self.volume == Volume::default(), || {
            "the rows of a timeless table belong to no day: leave the volume out".to_owned()
        })?;
        let least = place.key("rows_per_day_at_least");
        least.ensure(self.volume.rows_per_day_at_least != Some(0), || {
            "expected a number of at least 1, found 0".to_owned()
        })?;
        check_unique_items("day", &self.volume.holidays, place.key("holidays"))
    }

    fn check_columns(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_not_empty(self.columns.is_empty(), "column", place)?;
        check_unique("column", self.columns.iter().map(|column| column.name.as_str()), place)?;
        self.columns.iter().enumerate().try_for_each(|(index, column)| column.check(place.item(index)))?;
        self.check_former_names(place)
    }

    // A name stands for one column in every file, whatever its age.
    fn check_former_names(&self, place: Place<'_>) -> Result<(), ConfigError> {
        let mut taken: Vec<(&str, &str)> = Vec::new();
        for (index, column) in self.columns.iter().enumerate() {
            let place = place.item(index).key("renamed_from");
            for (index, former) in column.renamed_from.iter().enumerate() {
                place.item(index).ensure(!former.trim().is_empty(), || "a column needs a name".into())?;
                place.item(index).ensure(self.column(former).is_none(), || {
                    format!("`{former}` is a column of the table as it is now, so that no other column can have had its name: leave it out")
                })?;
                let other = taken.iter().find(|(name, _)| name == former);
                place.item(index).ensure(other.is_none(), || {
                    let other = other.map_or("", |(_, other)| other);
                    format!("`{former}` is a former name of column `{other}` already: leave it out of one of both")
                })?;
                taken.push((former, &column.name));
            }
        }
        Ok(())
    }

    fn check_times(&self, place: Place<'_>) -> Result<(), ConfigError> {
        let Some(event_time) = &self.event_time else { return self.check_timeless(place) };
        place.key("timeless").ensure(!self.timeless, || {
            format!("table `{}` is timeless and has the event time `{event_time}`: leave one of them out", self.name)
        })?;
        self.check_time(event_time, place.key("event_time"))?;
        self.known_at.as_ref().map_or(Ok(()), |known_at| self.check_time(known_at, place.key("known_at")))
    }

    fn check_timeless(&self, place: Place<'_>) -> Result<(), ConfigError> {
        place.key("name").ensure(self.timeless, || {
            format!(
                "table `{}` has no `event_time`: name it, or say `timeless: true` if its rows hold at any time",
                self.name
            )
        })?;
        place.key("known_at").ensure(self.known_at.is_none(), || {
            "the rows of a timeless table were always known: make it the `event_time` instead".to_owned()
        })?;
        place
            .key("freshness")
            .ensure(self.freshness.is_none(), || "a timeless table has no newest row: leave the limit out".to_owned())
    }

    fn check_time(&self, name: &str, place: Place<'_>) -> Result<(), ConfigError> {
        let column_type = self.declared(name, place)?.column_type;
        place.ensure(matches!(column_type, ColumnType::Timestamp | ColumnType::Date), || {
            format!("column `{name}` must be a timestamp or date to say the time, it is {column_type}")
        })
    }

    fn check_key(&self, place: Place<'_>) -> Result<(), ConfigError> {
        check_not_empty(self.key.is_empty(), "column of the key", place)?;
        check_unique("column", self.key.iter().map(String::as_str), place)?;
        self.key.iter().enumerate().try_for_each(|(index, name)| {
            let column_type = self.declared(name, place.item(index))?.column_type;
            place.item(index).ensure(!matches!(column_type, ColumnType::Double | ColumnType::Money), || {
                format!("column `{name}` is {column_type}: an amount cannot identify a row")
            })
        })
    }

    fn check_keep(&self, place: Place<'_>) -> Result<(), ConfigError> {
        if self.keep == Keep::FirstKnown {
            return Ok(());
        }
        place.ensure(self.unique_key, || {
            "`unique_key: false` keeps all rows of a key: leave one of both out".to_owned()
        })?;
        place.ensure(!self.timeless, || {
            "of the rows of a timeless table none was known last: leave `keep` out, or give the table an `event_time`".to_owned()
        })
    }

    // The columns that say which row it is and when it happened are there from the start.
    fn check_visibility(&self, place: Place<'_>) -> Result<(), ConfigError> {
        for (index, column) in self.columns.iter().enumerate() {
            let Some(time) = &column.visible_from else { continue };
            let place = place.item(index).key("visible_from");
            self.check_time(time, place)?;
            let role = match &column.name {
                name if self.key.contains(name) => "part of the key",
                name if self.event_time.as_ref() == Some(name) => "the event time",
                name if self.known_at.as_ref() == Some(name) => "the time at which a row was known",
                _ => continue,
            };
            let message =
                format!("column `{}` is {role} and cannot come later than its row: leave it out", column.name);
            return Err(place.error(message));
        }
        Ok(())
    }

    // A row that is seen must not be taken back when a value comes: what comes later is judged, and no row for its sake.
    fn check_orders(&self, place: Place<'_>) -> Result<(), ConfigError> {
        for (index, column) in self.columns.iter().enumerate() {
            let Some(earlier) = &column.not_before else { continue };
            let place = place.item(index).key("not_before");
            self.check_time(earlier, place)?;
            self.check_time(&column.name, place)?;
            let is_late = |name: &str| self.column(name).is_some_and(|column| column.visible_from.is_some());
            place.ensure(is_late(&column.name) || !is_late(earlier), || {
                let name = &column.name;
                format!("column `{earlier}` comes later than its row and cannot judge `{name}`, which is there from the start: leave the rule out")
            })?;
        }
        Ok(())
    }

    fn declared(&self, name: &str, place: Place<'_>) -> Result<&SourceColumn, ConfigError> {
        let known = || self.columns.iter().map(|column| column.name.as_str());
        self.column(name).ok_or_else(|| place.unknown(&UnknownName::new("column", name, known())))
    }
}

impl Freshness {
    fn check(self, place: Place<'_>) -> Result<(), ConfigError> {
        let Self { warn_after_hours: warn, error_after_hours: error } = self;
        place.ensure(warn.or(error).is_some(), || "expected `warn_after_hours`, `error_after_hours` or both".into())?;
        warn.map_or(Ok(()), |hours| check_at_least_1(hours, place.key("warn_after_hours")))?;
        error.map_or(Ok(()), |hours| check_at_least_1(hours, place.key("error_after_hours")))?;
        match (warn, error) {
            (Some(warn), Some(error)) => place.key("warn_after_hours").ensure(warn <= error, || {
                format!("the warning after {warn} hours comes later than the error after {error}")
            }),
            _ => Ok(()),
        }
    }
}

impl SourceColumn {
    fn check(&self, place: Place<'_>) -> Result<(), ConfigError> {
        place.key("name").ensure(!self.name.trim().is_empty(), || "a column needs a name".into())?;
        for (key, bound) in [("minimum", self.minimum), ("maximum", self.maximum)] {
            bound.map_or(Ok(()), |bound| self.check_bound(key, bound, place.key(key)))?;
        }
        match (self.minimum, self.maximum) {
            (Some(minimum), Some(maximum)) => place.key("maximum").ensure(minimum <= maximum, || {
                format!("the maximum {maximum} of column `{}` lies below its minimum {minimum}", self.name)
            }),
            _ => Ok(()),
        }
    }

    fn check_bound(&self, key: &str, bound: f64, place: Place<'_>) -> Result<(), ConfigError> {
        let Self { name, column_type, .. } = self;
        match column_type {
            ColumnType::Double => Ok(()),
            ColumnType::Integer | ColumnType::BigInt => {
                place.ensure(bound.fract() == 0.0, || format!("expected a whole number for column `{name}`"))
            }
            ColumnType::Money => place.ensure(bound.to_string().parse::<Cents>().is_ok(), || {
                format!("expected at most two decimals for column `{name}`, which is money")
            }),
            _ => Err(place.error(format!("column `{name}` is {column_type}: only numbers have a {key}"))),
        }
    }
}
