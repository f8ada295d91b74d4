//! Names as numbers: ids of customers, names of offers, groups.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use mainstay_files::kind::value_type;
use mainstay_files::read::keys;
use mainstay_files::{ColumnKind, KeyError};

/// Numbers names in the order in which they come; which number a name has shows nowhere.
#[derive(Debug)]
pub(super) struct Interner<T> {
    numbers: HashMap<T, u32>,
    names: Vec<T>,
}

impl<T: Clone + Eq + Hash + Ord> Interner<T> {
    pub(super) fn new() -> Self {
        Self { numbers: HashMap::new(), names: Vec::new() }
    }

    pub(super) fn number<Q: ?Sized + Eq + Hash + ToOwned<Owned = T>>(&mut self, name: &Q) -> u32
    where
        T: std::borrow::Borrow<Q>,
    {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    /// The name of a number.
    pub(super) fn name(&self, number: u32) -> Option<&T> {
        self.names.get(number as usize)
    }

    /// The names by number.
    pub(super) fn names(&self) -> &[T] {
        &self.names
    }

    /// The names by number, alone.
    pub(super) fn in_order(self) -> Vec<T> {
        self.names
    }

    /// As [`Self::sorted`], by what each name stands for.
    pub(super) fn renamed<U: Clone + Eq + Hash + Ord>(self, rename: impl Fn(&T) -> U) -> (Vec<U>, Vec<u32>) {
        let renamed = Interner { numbers: HashMap::new(), names: self.names.iter().map(rename).collect() };
        renamed.sorted()
    }

    /// The names in their own order, and for every number the place of its name among them.
    pub(super) fn sorted(self) -> (Vec<T>, Vec<u32>) {
        let Self { names, numbers } = self;
        drop(numbers);
        let mut order: Vec<u32> = (0..names.len() as u32).collect();
        order.sort_unstable_by(|left, right| names[*left as usize].cmp(&names[*right as usize]));
        let mut places = vec![0; names.len()];
        for (place, &number) in (0u32..).zip(&order) {
            places[number as usize] = place;
        }
        let mut names: Vec<Option<T>> = names.into_iter().map(Some).collect();
        let sorted = order.iter().filter_map(|&number| names[number as usize].take()).collect();
        (sorted, places)
    }
}

/// Ids of customers in order, as the file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ids {
    Numbers(Vec<i64>),
    /// Texts, and what is read as texts; they are written in the type that they came in.
    Texts {
        ids: Vec<String>,
        written_as: DataType,
    },
}

/// A column of ids as texts, each one that of its id alone; null where missing.
pub(super) fn id_texts(column: &ArrayRef) -> Result<StringArray, KeyError> {
    let texts = match ColumnKind::of(column.data_type()) {
        // Without a copy of each.
        ColumnKind::Text => cast(column, &DataType::Utf8).ok().and_then(|texts| texts.as_string_opt::<i32>().cloned()),
        _ => None,
    };
    match texts {
        Some(texts) => Ok(texts),
        None => Ok(StringArray::from(keys(column)?)),
    }
}

/// The type in which ids of a type are written.
pub(super) fn written_as(id_type: &DataType) -> DataType {
    match ColumnKind::of(id_type) {
        ColumnKind::Float | ColumnKind::Decimal { .. } | ColumnKind::Integer => value_type(id_type).clone(),
        _ => DataType::Utf8,
    }
}

impl Ids {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(ids) => ids.len(),
            Self::Texts { ids, .. } => ids.len(),
        }
    }

    /// An id for people.
    pub(super) fn told(&self, customer: usize) -> String {
        match self {
            Self::Numbers(ids) => ids.get(customer).map(ToString::to_string),
            Self::Texts { ids, .. } => ids.get(customer).cloned(),
        }
        .unwrap_or_default()
    }

    pub(super) fn to_array(&self) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Numbers(ids) => Ok(Arc::new(Int64Array::from(ids.clone()))),
            Self::Texts { ids, written_as } => cast(&StringArray::from_iter_values(ids), written_as),
        }
    }
}
