//! Features are tallied as they pass on their way to the stage, so that nobody reads them again for it.

use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use mainstay_monitor::{FeatureProfiles, Tally};
use mainstay_schema::column;

/// The status of customers who may be scored.
const ELIGIBLE: &str = "eligible";

/// A tally of all partitions of a feature table.
#[derive(Clone)]
pub(crate) struct Tallied {
    features: usize,
    /// Columns that stand before the features.
    ahead: usize,
    tally: Arc<Mutex<Tally>>,
}

impl Tallied {
    /// Of so many features, whose columns stand behind `ahead` others.
    pub(crate) fn new(features: usize, ahead: usize) -> Self {
        Self { features, ahead, tally: Arc::new(Mutex::new(Tally::new(features))) }
    }

    /// The same rows; those of eligible customers are tallied.
    pub(crate) fn watch(&self, rows: SendableRecordBatchStream) -> SendableRecordBatchStream {
        let (schema, tallied) = (rows.schema(), self.clone());
        Box::pin(RecordBatchStreamAdapter::new(schema, rows.inspect_ok(move |batch| tallied.add(batch))))
    }

    /// What was tallied.
    pub(crate) fn profiles(&self, names: &[String]) -> FeatureProfiles {
        self.tally.lock().map(|tally| tally.profiles(names)).unwrap_or_default()
    }

    fn add(&self, batch: &RecordBatch) {
        let Some(statuses) = batch.column_by_name(column::STATUS).and_then(|column| column.as_string_opt::<i32>())
        else {
            return;
        };
        let eligible: Vec<usize> =
            statuses.iter().enumerate().filter(|(_, status)| *status == Some(ELIGIBLE)).map(|(row, _)| row).collect();
        let mut tally = Tally::new(self.features);
        tally.add_rows(eligible.len() as u64);
        for (feature, values) in batch.columns().iter().skip(self.ahead).take(self.features).enumerate() {
            let Some(values) = values.as_primitive_opt::<Float64Type>() else { continue };
            let present = eligible.iter().filter(|row| values.is_valid(**row));
            tally.add(feature, present.map(|row| values.value(*row)));
        }
        if let Ok(mut all) = self.tally.lock() {
            all.merge(&tally);
        }
    }
}
