//! The rows that a version was judged on, as its training left them: any other version can be judged on them too.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{Array, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Float64Type};
use bytes::Bytes;
use mainstay_model::Ensemble;
use mainstay_registry::ModelVersion;
use mainstay_run::OpenProject;
use mainstay_schema::{Digest, Ds, column};
use mainstay_train::Segmentation;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::details::VersionFacts;
use crate::training::segments;

/// Columns of the file that are neither features nor groups of customers.
const BESIDE_FEATURES: [&str; 5] =
    [column::CUSTOMER_ID, "cut", column::CHURNED, column::RAW_SCORE, column::CHURN_PROBABILITY];

/// The rows of a test cut.
pub(crate) struct TestRows {
    /// The cut.
    pub(crate) cut: Ds,
    /// Whether each customer left.
    pub(crate) labels: Vec<bool>,
    /// What groups the customers.
    pub(crate) groups: Vec<Segmentation>,
    features: BTreeMap<String, Vec<f64>>,
}

impl TestRows {
    /// Reads the rows that a version was judged on.
    pub(crate) async fn of(open: &OpenProject, version: &ModelVersion) -> Result<Self> {
        let named = || format!("the test rows of {} version {}", version.name, version.version);
        let rows = VersionFacts::of(version).trained_on.test_rows;
        let rows = rows.with_context(|| format!("{} are not on record", named()))?;
        let Some(bytes) = open.lake.get(&rows.file).await? else {
            bail!("{} are gone: {} is missing below the target", named(), rows.file);
        };
        ensure!(Digest::of(&bytes) == rows.digest, "{} are damaged: {} has another digest", named(), rows.file);
        let cut = cut_of(version)?;
        Self::read(bytes, cut).with_context(|| format!("{} cannot be read from {}", named(), rows.file))
    }

    fn read(file: Bytes, cut: Ds) -> Result<Self> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let schema = reader.schema().clone();
        let batches = reader.build()?.collect::<Result<Vec<_>, _>>()?;
        let rows = concat_batches(&schema, &batches)?;
        let labels = rows.column_by_name(column::CHURNED).and_then(|labels| labels.as_boolean_opt());
        let labels = labels.with_context(|| format!("there is no column {}", column::CHURNED))?;
        let labels = labels.iter().map(Option::unwrap_or_default).collect();
        let (mut features, mut groups) = (BTreeMap::new(), Vec::new());
        for (field, values) in schema.fields().iter().zip(rows.columns()) {
            let name = field.name();
            match values.data_type() {
                _ if BESIDE_FEATURES.contains(&name.as_str()) => {}
                DataType::Float64 => {
                    let values = values.as_primitive::<Float64Type>().iter();
                    features.insert(name.clone(), values.map(|value| value.unwrap_or(f64::NAN)).collect());
                }
                _ => {
                    let texts = name.strip_prefix(segments::PREFIX).zip(values.as_string_opt::<i32>());
                    if let Some((by, texts)) = texts {
                        let texts = texts.iter().map(|text| text.map(str::to_owned)).collect();
                        groups.push(Segmentation { column: by.to_owned(), groups: texts });
                    }
                }
            }
        }
        groups.sort_by(|one, other| one.column.cmp(&other.column));
        Ok(Self { cut, labels, groups, features })
    }

    /// What a model says of every row. An error names the features that the rows lack.
    pub(crate) fn probabilities(&self, model: &Ensemble) -> Result<Vec<f64>> {
        let names = || model.features().iter().map(|feature| feature.name.as_str());
        let missing: Vec<&str> = names().filter(|name| !self.features.contains_key(*name)).collect();
        ensure!(missing.is_empty(), "the rows of {} lack {}", self.cut, missing.join(", "));
        let columns: Vec<&[f64]> = names().filter_map(|name| self.features.get(name)).map(Vec::as_slice).collect();
        let mut scores = vec![0.0; self.labels.len()];
        model.raw_scores(&columns, &mut scores)?;
        Ok(scores.into_iter().map(|raw| model.probability(raw)).collect())
    }
}

/// The cut that a version was judged on.
pub(crate) fn cut_of(version: &ModelVersion) -> Result<Ds> {
    let cut = VersionFacts::of(version).trained_on.test_cut;
    cut.with_context(|| format!("{} version {} does not say on what it was judged", version.name, version.version))
}
