//! The columns that are added: names, types, and how they are encoded.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use mainstay_model::{Ensemble, Link};
use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

use crate::error::ScoringError;
use crate::input::InputFile;
use crate::request::Explanation;

const PROBABILITY: &str = "probability";
const PREDICTION: &str = "prediction";
const RAW_SCORE: &str = "raw_score";
const REASON: &str = "reason_";
const CONTRIBUTION: &str = "contribution_";
const BIAS: &str = "bias";

/// The added columns, in order.
pub(crate) struct Added(Vec<AddedColumn>);

struct AddedColumn {
    name: String,
    holds: Holds,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Numbers,
    /// Texts or null.
    Texts,
}

/// Values of one added column.
pub(crate) enum AddedValues {
    Numbers(Vec<f64>),
    Texts(Vec<Option<String>>),
}

impl Added {
    pub(crate) fn new(model: &Ensemble, explanation: Explanation) -> Self {
        let column = |name: String, holds| AddedColumn { name, holds };
        let prediction = match model.link() {
            Link::Logistic => PROBABILITY,
            Link::Identity => PREDICTION,
        };
        let mut columns: Vec<AddedColumn> =
            [prediction, RAW_SCORE].map(|name| column(name.to_owned(), Holds::Numbers)).into();
        columns.extend((1..=explanation.reasons).map(|rank| column(format!("{REASON}{rank}"), Holds::Texts)));
        if explanation.contributions {
            let names = model.features().iter().map(|feature| feature.name.as_str()).chain([BIAS]);
            columns.extend(names.map(|name| column(format!("{CONTRIBUTION}{name}"), Holds::Numbers)));
        }
        Self(columns)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|column| column.name.as_str())
    }

    /// Refuses names that would stand in the output twice.
    pub(crate) fn check(&self, input: &InputFile) -> Result<(), ScoringError> {
        let is_bias = |name: &&str| name.strip_prefix(CONTRIBUTION) == Some(BIAS);
        if self.names().filter(is_bias).count() > 1 {
            return Err(ScoringError::AddedTwice { feature: BIAS.to_owned() });
        }
        let is_taken = |name: &&str| input.schema().fields().iter().any(|field| field.name() == name);
        match self.names().find(is_taken) {
            Some(name) => Err(ScoringError::ColumnExists { path: input.path().to_owned(), column: name.to_owned() }),
            None => Ok(()),
        }
    }

    pub(crate) fn arrow_fields(&self) -> impl Iterator<Item = Field> {
        self.0.iter().map(|column| match column.holds {
            Holds::Numbers => Field::new(&column.name, DataType::Float64, false),
            Holds::Texts => Field::new(&column.name, DataType::Utf8, true),
        })
    }

    pub(crate) fn parquet_fields(&self) -> ParquetResult<Vec<TypePtr>> {
        let field = |column: &AddedColumn| match column.holds {
            Holds::Numbers => Type::primitive_type_builder(&column.name, PhysicalType::DOUBLE)
                .with_repetition(Repetition::REQUIRED)
                .build(),
            Holds::Texts => Type::primitive_type_builder(&column.name, PhysicalType::BYTE_ARRAY)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(Some(LogicalType::String))
                .build(),
        };
        self.0.iter().map(|column| field(column).map(Arc::new)).collect()
    }

    /// The added columns as a schema of their own.
    pub(crate) fn schema(&self) -> ParquetResult<SchemaDescriptor> {
        let root = Type::group_type_builder("schema").with_fields(self.parquet_fields()?).build()?;
        Ok(SchemaDescriptor::new(Arc::new(root)))
    }

    /// How the added columns are encoded. Scores hardly repeat, which makes dictionaries of them a waste; texts do.
    pub(crate) fn properties(&self, compression: Compression) -> WriterPropertiesPtr {
        let texts = self.0.iter().filter(|column| column.holds == Holds::Texts);
        let properties = WriterProperties::builder().set_compression(compression).set_dictionary_enabled(false);
        let properties = texts
            .fold(properties, |all, column| all.set_column_dictionary_enabled(vec![column.name.clone()].into(), true));
        Arc::new(properties.build())
    }
}

impl AddedValues {
    /// Adds the values to the column chunk that is being written.
    pub(crate) fn write(&self, writer: &mut ColumnWriter<'_>) -> ParquetResult<()> {
        match (self, writer) {
            (Self::Numbers(numbers), ColumnWriter::DoubleColumnWriter(writer)) => {
                writer.write_batch(numbers, None, None)?;
            }
            (Self::Texts(texts), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                let present: Vec<ByteArray> = texts.iter().flatten().map(|text| text.as_str().into()).collect();
                let levels: Vec<i16> = texts.iter().map(|text| i16::from(text.is_some())).collect();
                writer.write_batch(&present, Some(&levels), None)?;
            }
            _ => return Err(ParquetError::General("an added column is written as another type".to_owned())),
        }
        Ok(())
    }
}
