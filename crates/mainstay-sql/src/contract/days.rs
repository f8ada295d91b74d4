//! Dates of a source as instants.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Date32Type};
use datafusion::common::DFSchema;
use datafusion::logical_expr::{ColumnarValue, Expr, ExprSchemable, ScalarUDF, Volatility, create_udf};
use jiff::tz::TimeZone;
use mainstay_config::SourceTable;
use mainstay_files::LocalTime;
use mainstay_files::local_time::MICROSECONDS_OF_A_DAY;
use mainstay_schema::table::ColumnType;

use crate::contract;
use crate::error::FeatureError;

/// The days of a table, by its own clock, among those of the project.
#[derive(Debug, Clone)]
pub(crate) struct Days {
    of_table: Arc<LocalTime>,
    of_project: Arc<LocalTime>,
}

impl Days {
    pub(crate) fn of(table: &SourceTable) -> Self {
        Self::of_zones(table.zone(), table.project_zone())
    }

    fn of_zones(table: TimeZone, project: TimeZone) -> Self {
        Self { of_table: Arc::new(LocalTime::new(table)), of_project: Arc::new(LocalTime::new(project)) }
    }

    /// The clock of the table.
    pub(crate) fn clock(&self) -> Arc<LocalTime> {
        Arc::clone(&self.of_table)
    }

    /// Whether every day begins at midnight UTC.
    pub(crate) fn are_of_utc(&self) -> bool {
        self.of_table.is_utc() && self.of_project.is_utc()
    }

    /// Whether every day of the table begins at midnight UTC.
    pub(crate) fn is_table_of_utc(&self) -> bool {
        self.of_table.is_utc()
    }

    /// A function from a date to the beginning of the last day of the project that it touches.
    pub(crate) fn seen_from(&self) -> ScalarUDF {
        let days = self.clone();
        self.function("seen_from", move |day| days.microseconds_seen_from(day))
    }

    /// A function from a date to the instant at which it begins.
    pub(crate) fn begins(&self) -> ScalarUDF {
        let days = self.clone();
        self.function("begins", move |day| days.microseconds_of(i64::from(day)))
    }

    /// A function from a date to the instant at which it is over.
    pub(crate) fn ends(&self) -> ScalarUDF {
        let days = self.clone();
        self.function("ends", move |day| days.microseconds_of(i64::from(day) + 1))
    }

    /// See [`Days::seen_from`].
    pub(crate) fn microseconds_seen_from(&self, day: i32) -> i64 {
        let last_moment = self.microseconds_of(i64::from(day) + 1).saturating_sub(1);
        let touched = self.of_project.at(last_moment).div_euclid(MICROSECONDS_OF_A_DAY);
        self.of_project.instant(touched.saturating_mul(MICROSECONDS_OF_A_DAY))
    }

    fn microseconds_of(&self, day: i64) -> i64 {
        self.of_table.instant(day.saturating_mul(MICROSECONDS_OF_A_DAY))
    }

    /// Its name says all that it depends on: functions of one name count as one.
    fn function(&self, verb: &str, microseconds: impl Fn(i32) -> i64 + Send + Sync + 'static) -> ScalarUDF {
        let instants = move |arguments: &[ColumnarValue]| {
            let dates = ColumnarValue::values_to_arrays(arguments)?;
            let instants: TimestampMicrosecondArray = match dates.first() {
                Some(dates) => dates.as_primitive::<Date32Type>().iter().map(|day| day.map(&microseconds)).collect(),
                None => TimestampMicrosecondArray::from(Vec::<i64>::new()),
            };
            Ok(ColumnarValue::Array(Arc::new(instants.with_timezone("UTC")) as ArrayRef))
        };
        let zone = |clock: &LocalTime| clock.zone().iana_name().unwrap_or("a zone").to_owned();
        let name = format!("day_{verb} {} {}", zone(&self.of_table), zone(&self.of_project));
        create_udf(&name, vec![DataType::Date32], contract::timestamp_type(), Volatility::Immutable, Arc::new(instants))
    }
}

/// A column of times, as an instant. A date stands for the beginning of a day of the project: the last one that it touches, which
/// is the day itself where table and project are of one time zone. So as of a midnight no date is seen before it is over.
pub(crate) fn time_column(table: &SourceTable, name: &str) -> Result<Expr, FeatureError> {
    if !is_date(table, name) {
        return Ok(contract::column(name));
    }
    let days = Days::of(table);
    match days.are_of_utc() {
        // Statistics see through a cast, and not through a function.
        true => Ok(contract::column(name)
            .cast_to(&contract::timestamp_type(), &DFSchema::try_from(contract::declared_schema(table))?)?),
        false => Ok(days.seen_from().call(vec![contract::column(name)])),
    }
}

fn is_date(table: &SourceTable, name: &str) -> bool {
    table.column(name).is_some_and(|declared| declared.column_type == ColumnType::Date)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use mainstay_schema::Ds;
    use proptest::prelude::*;

    use super::*;

    fn zone() -> impl Strategy<Value = TimeZone> {
        let names = [
            "UTC",
            "Europe/Paris",
            "America/New_York",
            "Asia/Kolkata",
            "Pacific/Apia",
            "Pacific/Kiritimati",
            "Asia/Beirut",
        ];
        prop::sample::select(names.to_vec()).prop_map(|name| TimeZone::get(name).unwrap())
    }

    proptest! {
        /// As of the midnight of any day of the project, a date is seen if and only if it is over.
        #[test]
        fn no_date_is_seen_before_it_is_over(table in zone(), project in zone(), day in 0..25_000_i32, later in -2..3_i32) {
            let date = Ds::EPOCH.plus_days(day);
            let is_over_at = date.plus_days(1).as_of(&table).unwrap();
            let as_of = date.plus_days(later).as_of(&project).unwrap();
            let seen_from = Timestamp::from_microsecond(Days::of_zones(table, project).microseconds_seen_from(day)).unwrap();
            prop_assert_eq!(seen_from < as_of, is_over_at <= as_of);
        }

        #[test]
        fn dates_of_the_projects_own_zone_are_its_midnights(zone in zone(), day in 0..25_000_i32) {
            let days = Days::of_zones(zone.clone(), zone.clone());
            let midnight = Ds::EPOCH.plus_days(day).as_of(&zone).unwrap().as_microsecond();
            prop_assert!(days.microseconds_seen_from(day) == midnight || zone.iana_name() == Some("Pacific/Apia"));
        }
    }
}
