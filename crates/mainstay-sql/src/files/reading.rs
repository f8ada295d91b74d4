//! The columns of files read as the declared ones, whatever their types: [`mainstay_files::declared`] says how.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr_adapter::{
    DefaultPhysicalExprAdapterFactory, PhysicalExprAdapter, PhysicalExprAdapterFactory,
};
use mainstay_config::SourceTable;
use mainstay_config::source::SourceColumn;
use mainstay_files::DeclaredColumn;
use parquet::basic::Type as PhysicalType;
use parquet::schema::types::{SchemaDescriptor, Type as ParquetType};
use thiserror::Error;

use crate::contract::days::Days;

/// The schema of a file as [`super::format`] reads it.
pub(crate) fn coerced(schema: Schema, of: &SchemaDescriptor) -> Schema {
    if !has_int96(of) {
        return schema;
    }
    let roots = of.root_schema().get_fields();
    let fields = schema.fields().iter().zip(roots).map(|(field, root)| match is_int96(root) {
        true => Arc::new(field.as_ref().clone().with_data_type(DataType::Timestamp(TimeUnit::Microsecond, None))),
        false => Arc::clone(field),
    });
    Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone())
}

/// Whether a file has times of 96 bits.
pub(crate) fn has_int96(of: &SchemaDescriptor) -> bool {
    of.root_schema().get_fields().iter().any(|root| is_int96(root))
}

fn is_int96(of: &ParquetType) -> bool {
    of.is_primitive() && of.get_physical_type() == PhysicalType::INT96
}

/// How the declared columns of a table are read.
#[derive(Debug, Clone)]
pub(crate) struct Readings {
    columns: Arc<Vec<(String, DeclaredColumn)>>,
    days: Days,
}

impl Readings {
    pub(crate) fn of(table: &SourceTable) -> Self {
        let days = Days::of(table);
        let column = |declared: &SourceColumn| {
            let name = declared.name.clone();
            let is_key = table.key.contains(&name) || table.references.iter().any(|reference| reference.column == name);
            (name, DeclaredColumn { column_type: declared.column_type, is_key, clock: days.clock() })
        };
        Self { columns: Arc::new(table.columns.iter().map(column).collect()), days }
    }

    /// The days of the table.
    pub(crate) fn days(&self) -> &Days {
        &self.days
    }

    /// A declared column.
    pub(crate) fn column(&self, name: &str) -> Option<&DeclaredColumn> {
        self.iter().find(|(declared, _)| *declared == name).map(|(_, column)| column)
    }

    /// The declared columns in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &DeclaredColumn)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column))
    }
}

impl PhysicalExprAdapterFactory for Readings {
    fn create(&self, logical: SchemaRef, physical: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let by_cast = DefaultPhysicalExprAdapterFactory.create(Arc::clone(&logical), Arc::clone(&physical))?;
        Ok(Arc::new(FileReadings { readings: self.clone(), logical, physical, by_cast }))
    }
}

/// The readings of one file.
#[derive(Debug)]
struct FileReadings {
    readings: Readings,
    logical: SchemaRef,
    physical: SchemaRef,
    /// For columns that a cast reads, and those that are not declared.
    by_cast: Arc<dyn PhysicalExprAdapter>,
}

impl PhysicalExprAdapter for FileReadings {
    fn rewrite(&self, expression: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let read = |expression: Arc<dyn PhysicalExpr>| {
            let Some(column) = expression.downcast_ref::<Column>() else { return Ok(Transformed::no(expression)) };
            let read = match self.read_column(column.name())? {
                Some(read) => read,
                None => self.by_cast.rewrite(Arc::clone(&expression))?,
            };
            // What it stands on is a column of the file, which is not to be read again.
            Ok(Transformed::new(read, true, TreeNodeRecursion::Jump))
        };
        expression.transform_down(read).data()
    }
}

impl FileReadings {
    /// A column that is not read by a cast.
    fn read_column(&self, name: &str) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let (Some(declared), Ok(index)) = (self.readings.column(name), self.physical.index_of(name)) else {
            return Ok(None);
        };
        let found = self.physical.field(index).data_type();
        match declared.reading(found) {
            Ok(reading) if reading.is_cast => Ok(None),
            Ok(_) => Ok(Some(Arc::new(ReadColumn {
                column: Arc::new(Column::new(name, index)),
                name: name.to_owned(),
                declared: declared.clone(),
                field: Arc::new(self.logical.field_with_name(name)?.clone()),
            }))),
            Err(advice) => Err(DataFusionError::Execution(format!("column `{name}` is {found} in a file: {advice}"))),
        }
    }
}

/// A column of a file as a declared one.
#[derive(Debug, Clone, Eq)]
struct ReadColumn {
    column: Arc<dyn PhysicalExpr>,
    name: String,
    declared: DeclaredColumn,
    field: FieldRef,
}

/// A value that was found to be readable as the files were pinned, and is not.
#[derive(Debug, Error)]
#[error("column `{column}` cannot be read as {declared} in a file that was written anew: {fault}")]
struct ReadError {
    column: String,
    declared: String,
    fault: &'static str,
}

impl PartialEq for ReadColumn {
    fn eq(&self, other: &Self) -> bool {
        self.column.eq(&other.column) && self.declared == other.declared && self.field == other.field
    }
}

impl Hash for ReadColumn {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.column.hash(state);
        self.declared.hash(state);
        self.field.hash(state);
    }
}

impl fmt::Display for ReadColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read({}, {})", self.column, self.declared.column_type)
    }
}

impl PhysicalExpr for ReadColumn {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.field.data_type().clone())
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        Ok(Arc::clone(&self.field))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let values = self.column.evaluate(batch)?.into_array(batch.num_rows())?;
        let read = self.declared.read(&values).map_err(|error| {
            // No value: it may be somebody's.
            let (column, declared) = (self.name.clone(), self.declared.column_type.to_string());
            DataFusionError::External(Box::new(ReadError { column, declared, fault: error.fault }))
        })?;
        Ok(ColumnarValue::Array(read))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.column]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let column =
            children.into_iter().next().ok_or_else(|| DataFusionError::Internal("read() has a column".into()))?;
        Ok(Arc::new(Self { column, ..Self::clone(&self) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
