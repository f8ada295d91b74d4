//! The rows of a file of offers by column, in the order of customers and offers.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, Schema};
use mainstay_config::UnknownName;
use mainstay_config::rules::KnownNames;
use mainstay_files::read::{self, WholeNumberError};
use mainstay_files::{ColumnKind, KeyError};
use mainstay_schema::BlockedBy;

use super::error::AllocateFileError as Error;
use super::labels::{Ids, Interner, id_texts, written_as};

/// The column of what forbids contact.
const BLOCKED_BY: &str = "blocked_by";

const BLOCKED_BY_WANTED: &str = "whole numbers (0: may be contacted) or true and false; write the latter, as `blocked_by <> 0` \
                                 gives of numbers and `blocked_by <> 'no'` of texts";

/// Columns that say who must be left alone, in small letters and without marks between their words. Whoever brings one expects it to be
/// obeyed.
const OTHERS_THAT_FORBID: [&str; 22] = [
    "blockedby",
    "blocked",
    "isblocked",
    "optout",
    "optedout",
    "unsubscribed",
    "unsubscribe",
    "donotcontact",
    "donotcall",
    "donotmail",
    "donotemail",
    "dnc",
    "nomail",
    "nocontact",
    "suppress",
    "suppressed",
    "suppression",
    "objection",
    "withdrawn",
    "consent",
    "hasconsent",
    "gdprconsent",
];

/// Stands for a rule that cannot be read: none of ours, and it forbids contact like them.
const UNKNOWN_RULE: BlockedBy = BlockedBy(1 << 30);

/// Rows as they come, names as numbers.
pub(super) struct Rows {
    path: PathBuf,
    group_columns: Vec<String>,
    with_lower_bound: bool,
    seen: u64,
    ids: IdInterner,
    ids_written_as: DataType,
    names: Interner<String>,
    pairs: Interner<(u32, u32)>,
    groups: Interner<Vec<String>>,
    customer_of: Vec<u32>,
    pair_of: Vec<u32>,
    value: Vec<i64>,
    lower: Vec<i64>,
    cost: Vec<i64>,
    /// By customer.
    group_of: Vec<u32>,
    blocked_by: Vec<BlockedBy>,
}

enum IdInterner {
    Numbers(Interner<i64>),
    Texts(Interner<String>),
}

/// The rows sorted by customer, then by offer and channel.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) ids: Ids,
    /// Offer and channel of every kind, sorted.
    pub(super) pairs: Vec<(String, String)>,
    pub(super) group_columns: Vec<String>,
    /// The groups of every segment, sorted.
    pub(super) segments: Vec<Vec<String>>,
    pub(super) segment_of: Vec<u16>,
    pub(super) blocked_by: Vec<BlockedBy>,
    pub(super) pair_of: Vec<u32>,
    pub(super) value: Vec<i64>,
    pub(super) lower: Vec<i64>,
    pub(super) cost: Vec<i64>,
    ends: Vec<u32>,
}

impl Table {
    pub(super) fn rows(&self) -> usize {
        self.pair_of.len()
    }

    /// The rows of a customer.
    pub(super) fn of(&self, customer: usize) -> Range<usize> {
        let start = customer.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        start..self.ends[customer] as usize
    }

    pub(super) fn known_names(&self) -> KnownNames {
        let distinct = |names: Vec<&String>| {
            let mut names: Vec<String> = names.into_iter().cloned().collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        let groups = self.group_columns.iter().enumerate().map(|(at, column)| {
            (column.clone(), Some(distinct(self.segments.iter().filter_map(|segment| segment.get(at)).collect())))
        });
        KnownNames {
            channels: distinct(self.pairs.iter().map(|(_, channel)| channel).collect()),
            offers: distinct(self.pairs.iter().map(|(offer, _)| offer).collect()),
            groups: groups.collect(),
        }
    }
}

impl Rows {
    pub(super) fn new(
        path: &Path,
        schema: &Schema,
        group_columns: &[&str],
        with_lower_bound: bool,
    ) -> Result<Self, Error> {
        let mut wanted = vec!["customer_id", "offer", "channel", "value_cents", "cost_cents"];
        wanted.extend(with_lower_bound.then_some("value_lower_cents"));
        wanted.extend(group_columns);
        for column in wanted {
            if schema.column_with_name(column).is_none() {
                let found = schema.fields().iter().map(|field| field.name().clone()).collect();
                return Err(Error::MissingColumn { path: path.to_owned(), column: column.to_owned(), found });
            }
        }
        refuse_repeated(path, schema)?;
        refuse_unread_suppression(path, schema, group_columns)?;
        let id_type = schema.field_with_name("customer_id").map_or(&DataType::Utf8, |field| field.data_type());
        let is_number = id_type.is_integer();
        Ok(Self {
            path: path.to_owned(),
            group_columns: group_columns.iter().map(|&column| column.to_owned()).collect(),
            with_lower_bound,
            seen: 0,
            ids: if is_number { IdInterner::Numbers(Interner::new()) } else { IdInterner::Texts(Interner::new()) },
            ids_written_as: written_as(id_type),
            names: Interner::new(),
            pairs: Interner::new(),
            groups: Interner::new(),
            customer_of: Vec::new(),
            pair_of: Vec::new(),
            value: Vec::new(),
            lower: Vec::new(),
            cost: Vec::new(),
            group_of: Vec::new(),
            blocked_by: Vec::new(),
        })
    }

    pub(super) fn append(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let (offers, channels) = (self.texts(batch, "offer")?, self.texts(batch, "channel")?);
        let values = self.cents(batch, "value_cents", true)?;
        let costs = self.cents(batch, "cost_cents", true)?;
        if self.with_lower_bound {
            self.lower.extend(self.cents(batch, "value_lower_cents", false)?.values());
        }
        let columns = self.group_columns.clone();
        let groups: Vec<StringArray> =
            columns.iter().map(|column| self.texts(batch, column)).collect::<Result<_, _>>()?;
        let blocked = self.blocked_by(batch)?;
        let customers = self.customers(batch)?;
        for (row, &customer) in customers.iter().enumerate() {
            let (offer, channel) = (self.names.number(offers.value(row)), self.names.number(channels.value(row)));
            self.pair_of.push(self.pairs.number(&(offer, channel)));
            let own_groups: Vec<String> = groups.iter().map(|column| column.value(row).to_owned()).collect();
            let group = self.groups.number(&own_groups);
            if customer as usize == self.group_of.len() {
                self.group_of.push(group);
                self.blocked_by.push(BlockedBy(0));
            } else if self.group_of[customer as usize] != group {
                return Err(self.two_groups(customer, &own_groups));
            }
            self.blocked_by[customer as usize].0 |= blocked.as_ref().map_or(0, |rows| rows[row].0);
        }
        self.customer_of.extend(customers);
        self.value.extend(values.values());
        self.cost.extend(costs.values());
        self.seen += batch.num_rows() as u64;
        Ok(())
    }

    /// Sorts the rows, first by customer by counting, then each customer's few.
    pub(super) fn finish(self) -> Result<Table, Error> {
        if self.customer_of.is_empty() {
            return Err(Error::Empty { path: self.path });
        }
        let (ids, customer_places) = match self.ids {
            IdInterner::Numbers(numbers) => {
                let (ids, places) = numbers.sorted();
                (Ids::Numbers(ids), places)
            }
            IdInterner::Texts(texts) => {
                let (ids, places) = texts.sorted();
                (Ids::Texts { ids, written_as: self.ids_written_as }, places)
            }
        };
        let mut ends = vec![0u32; ids.len()];
        let place_of = |row: u32| customer_places[self.customer_of[row as usize] as usize] as usize;
        (0..self.customer_of.len() as u32).for_each(|row| ends[place_of(row)] += 1);
        let mut next: Vec<u32> = Vec::with_capacity(ends.len());
        let mut sum = 0;
        for end in &mut ends {
            next.push(sum);
            sum += *end;
            *end = sum;
        }
        let mut order = vec![0u32; self.customer_of.len()];
        for row in 0..self.customer_of.len() as u32 {
            let place = &mut next[place_of(row)];
            order[*place as usize] = row;
            *place += 1;
        }
        let names = self.names.in_order();
        let (pairs, pair_places) =
            self.pairs.renamed(|&(offer, channel)| (names[offer as usize].clone(), names[channel as usize].clone()));
        let (segments, segment_places) = self.groups.sorted();
        if segments.len() > usize::from(u16::MAX) + 1 {
            return Err(Error::TooMany { path: self.path, what: "combinations of groups" });
        }
        let mut start = 0;
        for &end in &ends {
            order[start as usize..end as usize].sort_by_key(|&row| pair_places[self.pair_of[row as usize] as usize]);
            start = end;
        }
        let mut segment_of = vec![0u16; ids.len()];
        let mut blocked_by = vec![BlockedBy(0); ids.len()];
        for (number, &place) in customer_places.iter().enumerate() {
            segment_of[place as usize] = segment_places[self.group_of[number] as usize] as u16;
            blocked_by[place as usize] = self.blocked_by[number];
        }
        let ordered = |column: &[i64]| -> Vec<i64> {
            if column.is_empty() { Vec::new() } else { order.iter().map(|&row| column[row as usize]).collect() }
        };
        Ok(Table {
            pair_of: order.iter().map(|&row| pair_places[self.pair_of[row as usize] as usize]).collect(),
            value: ordered(&self.value),
            lower: ordered(&self.lower),
            cost: ordered(&self.cost),
            ids,
            pairs,
            group_columns: self.group_columns,
            segments,
            segment_of,
            blocked_by,
            ends,
        })
    }

    fn column<'a>(&self, batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, Error> {
        batch.column_by_name(name).ok_or_else(|| Error::MissingColumn {
            path: self.path.clone(),
            column: name.to_owned(),
            found: batch.schema().fields().iter().map(|field| field.name().clone()).collect(),
        })
    }

    fn cast(&self, name: &str, column: &ArrayRef, to: &DataType) -> Result<ArrayRef, Error> {
        let wanted = if *to == DataType::Int64 { "whole numbers" } else { "text" };
        cast(column, to).map_err(|_| Error::ColumnType {
            path: self.path.clone(),
            column: name.to_owned(),
            found: column.data_type().to_string(),
            wanted,
        })
    }

    fn check_no_null(&self, name: &str, column: &dyn Array) -> Result<(), Error> {
        match (0..column.len()).find(|&row| column.is_null(row)) {
            None => Ok(()),
            Some(row) => {
                Err(Error::Null { path: self.path.clone(), column: name.to_owned(), row: self.seen + row as u64 })
            }
        }
    }

    fn texts(&self, batch: &RecordBatch, name: &str) -> Result<StringArray, Error> {
        let column = self.cast(name, self.column(batch, name)?, &DataType::Utf8)?;
        self.check_no_null(name, &column)?;
        Ok(column.as_string::<i32>().clone())
    }

    /// What forbids contact, row by row: whole numbers that are not 0, true, and null, as doubt forbids; `None` without the column.
    fn blocked_by(&self, batch: &RecordBatch) -> Result<Option<Vec<BlockedBy>>, Error> {
        let Some(column) = batch.column_by_name(BLOCKED_BY) else { return Ok(None) };
        let found = column.data_type();
        if !matches!(ColumnKind::of(found), ColumnKind::Integer | ColumnKind::Boolean | ColumnKind::Missing) {
            let (path, column, found) = (self.path.clone(), BLOCKED_BY.to_owned(), found.to_string());
            return Err(Error::ColumnType { path, column, found, wanted: BLOCKED_BY_WANTED });
        }
        let bits = self.cast(BLOCKED_BY, column, &DataType::Int64)?;
        // A number that does not fit forbids too, whatever it stands for.
        let read = |bits: Option<i64>| bits.and_then(|bits| i32::try_from(bits).ok()).map_or(UNKNOWN_RULE, BlockedBy);
        Ok(Some(bits.as_primitive::<Int64Type>().iter().map(read).collect()))
    }

    /// Amounts in whole cents, from integers or from floats that are whole.
    fn cents(&self, batch: &RecordBatch, name: &str, is_positive: bool) -> Result<Int64Array, Error> {
        let column = self.column(batch, name)?;
        let kind = column.data_type();
        if !kind.is_integer() && !kind.is_floating() {
            let (path, column, found) = (self.path.clone(), name.to_owned(), kind.to_string());
            let wanted = "whole numbers of cents, as `cast(column as bigint)` gives of cents and `cast(round(column * 100) as bigint)` \
                          of an amount";
            return Err(Error::ColumnType { path, column, found, wanted });
        }
        self.check_no_null(name, column)?;
        let place = |row: usize| (self.path.clone(), name.to_owned(), self.seen + row as u64);
        if kind.is_floating() {
            let floats = self.cast(name, column, &DataType::Float64)?;
            let floats = floats.as_primitive::<Float64Type>();
            // Below 2^53 every whole number is exact; NaN is not whole.
            let is_whole = |value: f64| value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
            if let Some((row, &value)) = floats.values().iter().enumerate().find(|(_, value)| !is_whole(**value)) {
                let (path, column, row) = place(row);
                return Err(Error::NotCents { path, column, row, value });
            }
        }
        let cents = self.whole_numbers(name, column, "write it in cents, or leave out the row")?;
        if let Some((row, &amount)) = cents.values().iter().enumerate().find(|(_, cents)| is_positive && **cents < 0) {
            let (path, column, row) = place(row);
            return Err(Error::Negative { path, column, row, cents: amount });
        }
        Ok(cents)
    }

    fn customers(&mut self, batch: &RecordBatch) -> Result<Vec<u32>, Error> {
        let column = self.column(batch, "customer_id")?;
        self.check_no_null("customer_id", column)?;
        if matches!(self.ids, IdInterner::Numbers(_)) {
            let numbers = self.whole_numbers("customer_id", column, "write such ids as texts")?;
            let IdInterner::Numbers(ids) = &mut self.ids else { return Ok(Vec::new()) };
            return Ok(numbers.values().iter().map(|id| ids.number(id)).collect());
        }
        let texts = id_texts(column).map_err(|source| {
            let row = match &source {
                KeyError::Inexact { row, .. } => Some(self.seen + *row as u64),
                KeyError::Type { .. } => None,
            };
            Error::CustomerId { path: self.path.clone(), row, source }
        })?;
        self.check_no_null("customer_id", &texts)?;
        let IdInterner::Texts(ids) = &mut self.ids else { return Ok(Vec::new()) };
        Ok(texts.iter().flatten().map(|id| ids.number(id)).collect())
    }

    /// The numbers of a column without nulls, where each fits into 64 bits with a sign.
    fn whole_numbers(&self, name: &str, column: &ArrayRef, advice: &'static str) -> Result<Int64Array, Error> {
        if *column.data_type() != DataType::UInt64 {
            return Ok(self.cast(name, column, &DataType::Int64)?.as_primitive::<Int64Type>().clone());
        }
        read::whole_numbers(column).map_err(|WholeNumberError { row, value }| Error::TooLarge {
            path: self.path.clone(),
            column: name.to_owned(),
            row: self.seen + row as u64,
            value,
            advice,
        })
    }

    fn two_groups(&self, customer: u32, groups: &[String]) -> Error {
        let before = self.groups.name(self.group_of[customer as usize]);
        let differs = before.into_iter().flatten().zip(groups).position(|(one, other)| one != other);
        let customer = match &self.ids {
            IdInterner::Numbers(ids) => ids.name(customer).map(ToString::to_string),
            IdInterner::Texts(ids) => ids.name(customer).cloned(),
        };
        Error::TwoGroups {
            path: self.path.clone(),
            customer: customer.unwrap_or_default(),
            column: differs.and_then(|at| self.group_columns.get(at).cloned()).unwrap_or_default(),
        }
    }
}

/// By a name that stands twice nobody knows which column is meant.
fn refuse_repeated(path: &Path, schema: &Schema) -> Result<(), Error> {
    let mut names = BTreeSet::new();
    match schema.fields().iter().find(|field| !names.insert(field.name())) {
        Some(field) => Err(Error::DuplicateColumn { path: path.to_owned(), column: field.name().clone() }),
        None => Ok(()),
    }
}

/// Refuses a file without `blocked_by` where another column, that no rule groups by, seems to stand for it.
fn refuse_unread_suppression(path: &Path, schema: &Schema, group_columns: &[&str]) -> Result<(), Error> {
    if schema.column_with_name(BLOCKED_BY).is_some() {
        return Ok(());
    }
    let forbids = |name: &&String| {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let is_slip = UnknownName::new("column", name.as_str(), [BLOCKED_BY]).slip_of().is_some();
        is_slip || OTHERS_THAT_FORBID.contains(&plain.to_ascii_lowercase().as_str())
    };
    let mut unread = schema.fields().iter().map(|field| field.name());
    match unread.find(|name| !group_columns.contains(&name.as_str()) && forbids(name)) {
        Some(column) => Err(Error::NotBlocking { path: path.to_owned(), column: column.clone() }),
        None => Ok(()),
    }
}
