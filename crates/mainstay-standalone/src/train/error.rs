//! What can be wrong with a file to train on. Each message names the column and says what to do.

use mainstay_files::FileError;
use mainstay_files::kind::DAY_ADVICE;
use mainstay_schema::Ds;
use mainstay_train::TrainError;
use parquet::errors::ParquetError;
use thiserror::Error;

/// Why no model was trained.
#[derive(Debug, Error)]
pub enum TrainFileError {
    /// The file is not there, or is no Parquet file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A page of the file is damaged, or written in a way that is not read.
    #[error(
        "cannot read {path}: if it is damaged, write it anew; if it is foreign, use zstd, snappy or no compression"
    )]
    Read {
        /// The file.
        path: String,
        /// What the reader said.
        source: ParquetError,
    },
    /// A file without rows.
    #[error("{path} has no rows: give one row for each past decision")]
    NoRows {
        /// The file.
        path: String,
    },
    /// A column that is asked for and not there.
    #[error("{path} has no column `{column}`, which {flag} names: it has {has}")]
    NoColumn {
        /// The file.
        path: String,
        /// The flag.
        flag: &'static str,
        /// The column.
        column: String,
        /// Names of the columns there are.
        has: String,
    },
    /// A feature that is asked for and not among those of the model.
    #[error(
        "`{column}`, which {flag} needs, is no feature here: it may be left out, constant, or absent; correct the name"
    )]
    NoFeature {
        /// The flag.
        flag: &'static str,
        /// The column.
        column: String,
    },
    /// A label that is missing.
    #[error("label `{column}` is missing in row {row} (counted from 0): remove rows whose outcome is not known yet")]
    MissingLabel {
        /// The label.
        column: String,
        /// The row.
        row: usize,
    },
    /// A label of one value.
    #[error("label `{column}` is {value} in all {rows} rows: add rows with the other outcome")]
    OneClass {
        /// The label.
        column: String,
        /// Its value.
        value: String,
        /// How many rows.
        rows: usize,
    },
    /// A label of more than two values.
    #[error(
        "label `{column}` has {count} values ({values}): name the one that stands for churn with --positive, and all others count as \
         retained"
    )]
    ManyClasses {
        /// The label.
        column: String,
        /// How many values.
        count: usize,
        /// Some of them.
        values: String,
    },
    /// Two values of which neither is plainly the one that stands for churn.
    #[error("label `{column}` is {values}: name the one that stands for churn with --positive")]
    UnclearLabel {
        /// The label.
        column: String,
        /// Both values.
        values: String,
    },
    /// A value of --positive that no row has.
    #[error("no row has `{value}` in the label `{column}`: its values are {values}")]
    NoPositive {
        /// The label.
        column: String,
        /// The value.
        value: String,
        /// The values there are.
        values: String,
    },
    /// A text among numbers.
    #[error(
        "column `{column}` holds numbers as texts, but `{value}` in row {row} (counted from 0): write it as a number or null, or name \
         the column in --categories"
    )]
    TextInNumber {
        /// The column.
        column: String,
        /// The row.
        row: usize,
        /// The text.
        value: String,
    },
    /// Numbers written as texts.
    #[error("column `{column}` holds numbers as texts: cast it to a number, or name it in --categories")]
    NumbersAsTexts {
        /// The column.
        column: String,
    },
    /// A number that is no measurement.
    #[error("column `{column}` is infinite in row {row} (counted from 0): make it null or finite")]
    Infinite {
        /// The column.
        column: String,
        /// The row.
        row: usize,
    },
    /// Nothing to learn with.
    #[error("{path} has no feature that varies: {left_out}; give at least one column that differs between rows")]
    NoFeatures {
        /// The file.
        path: String,
        /// What was left out and why.
        left_out: String,
    },
    /// A label of a type that has no values to tell apart.
    #[error("label `{column}` of {path} is of type {found}: give numbers, texts, or true and false")]
    LabelType {
        /// The file.
        path: String,
        /// The label.
        column: String,
        /// Its type.
        found: String,
    },
    /// A key of a type that holds no ids.
    #[error("key column `{column}` of {path} is of type {found}: {advice}")]
    KeyType {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// How to mend it.
        advice: &'static str,
    },
    /// A key that its type does not hold exactly, so that two customers may have the same.
    #[error(
        "key column `{column}` of {path} holds {value} in row {row} (counted from 0), which is no id that a double holds exactly: write \
         ids as texts or whole numbers"
    )]
    KeyValue {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// The row.
        row: usize,
        /// What it holds.
        value: f64,
    },
    /// A row of nobody.
    #[error(
        "key column `{column}` of {path} is null in row {row} (counted from 0): fill it in or remove the row, or leave --key out where each \
         row is a customer of its own"
    )]
    MissingKey {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// The row.
        row: usize,
    },
    /// Two rows of one customer on one day.
    #[error(
        "key column `{column}` of {path} is `{key}` in rows {} and {} (counted from 0): {advice}", .rows[0], .rows[1]
    )]
    DuplicateKey {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// The customer.
        key: String,
        /// Both rows.
        rows: [usize; 2],
        /// What to do.
        advice: String,
    },
    /// A day of the decision that is none.
    #[error("time column `{column}` of {path} is of type {found}: {advice}")]
    TimeType {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// How to mend it.
        advice: &'static str,
    },
    /// A zone that is not known.
    #[error(
        "the instants of time column `{column}` of {path} are in the time zone `{zone}`, which is not known: write them in UTC or in a \
         zone such as Europe/Paris"
    )]
    TimeZone {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// The zone.
        zone: String,
    },
    /// A value that is no day.
    #[error(
        "time column `{column}` of {path} holds `{value}` in row {row} (counted from 0), which is no day: {DAY_ADVICE}"
    )]
    TimeValue {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// The row.
        row: usize,
        /// What it holds.
        value: String,
    },
    /// A row without a day.
    #[error("time column `{column}` of {path} is missing in row {row} (counted from 0): fill it in or remove the row")]
    NoTime {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// The row.
        row: usize,
    },
    /// A decision that nobody can have made yet.
    #[error(
        "time column `{column}` of {path} is {day} in row {row} (counted from 0), after today, {today}, as in {rows} rows in all: what is \
         still to come has no outcome, and such rows alone would be judged on; correct the dates or remove the rows"
    )]
    FutureTime {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// The first such row.
        row: usize,
        /// Its day.
        day: Ds,
        /// The day of the training.
        today: Ds,
        /// How many such rows there are.
        rows: usize,
    },
    /// The newest days have so few rows beside those before them that they are no part of the past like the others.
    #[error(
        "time column `{column}` of {path} has {found} rows from {from} on, which alone would be judged on, of {rows} in all: a figure of so \
         few says little; remove them, or add the rest of these days, or give the rows to judge on with --test"
    )]
    FewNewest {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// The first day that would be judged on.
        from: Ds,
        /// The rows from that day on.
        found: usize,
        /// All rows.
        rows: usize,
    },
    /// One day alone has no before and after.
    #[error("time column `{column}` has one day only, {day}: add rows of other days, or leave --time-column out")]
    OneDay {
        /// The column.
        column: String,
        /// The day.
        day: String,
    },
    /// No row's label had come about before the first day that is judged on.
    #[error(
        "time column `{column}` reaches from {} to {}, and rows from {} on are judged on: with --label-days {label_days} no label is \
         known by then, so that there is nothing to learn from; give at most --label-days {longest}, or add rows of earlier days",
        .days[0], .days[1], .days[2]
    )]
    LabelDays {
        /// The column.
        column: String,
        /// The days of the window.
        label_days: u32,
        /// The first and the last day of all rows, and the first that is judged on.
        days: Box<[Ds; 3]>,
        /// The longest window with which there is a row to learn from.
        longest: i32,
    },
    /// Categories have no order to keep.
    #[error("column `{column}` has categories, which have no order: take it out of {flag}")]
    OrderOfCategories {
        /// The column.
        column: String,
        /// The flag.
        flag: &'static str,
    },
    /// The file has other columns than the one that was trained on.
    #[error("column `{column}` of {path} is of type {found}, but a number in training: give both files the same types")]
    OtherType {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
    /// The rows cannot be learnt from, or judged on.
    #[error(transparent)]
    Train(#[from] TrainError),
}
