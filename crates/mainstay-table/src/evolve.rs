//! How a published table takes up a contract that has changed: it may gain columns and lose some, never change one.

use deltalake::DeltaTable;
use deltalake::kernel::{Action, MetadataExt, StructField, StructType};
use mainstay_schema::table::TableContract;

use crate::arrow_types::delta_schema;
use crate::error::TableError;

/// The metadata action that the contract needs, `None` where the table already fits.
///
/// New columns are nullable, since older days do not have them; so are columns that the contract has dropped, since newer days
/// do not. Errors: [`TableError::TypeChanged`].
pub(crate) fn metadata_action(delta: &DeltaTable, contract: &TableContract) -> Result<Option<Action>, TableError> {
    let state = delta.snapshot().map_err(TableError::delta(&contract.name))?;
    let published = state.schema();
    let Some(merged) = merge(&published, &delta_schema(contract)?, &contract.name)? else {
        return Ok(None);
    };
    let metadata = state.metadata().clone().with_schema(&merged);
    let metadata = metadata.map_err(|error| TableError::delta(&contract.name)(error.into()))?;
    Ok(Some(Action::Metadata(metadata)))
}

fn merge(published: &StructType, now: &StructType, table: &str) -> Result<Option<StructType>, TableError> {
    let mut fields = Vec::new();
    let mut changed = false;
    for field in published.fields() {
        let merged = match now.field(field.name()) {
            Some(new) if new.data_type() != field.data_type() => {
                return Err(TableError::TypeChanged {
                    table: table.to_owned(),
                    column: field.name().clone(),
                    published: field.data_type().to_string(),
                    now: new.data_type().to_string(),
                });
            }
            Some(new) => StructField { nullable: field.nullable || new.nullable, ..field.clone() },
            None => StructField { nullable: true, ..field.clone() },
        };
        changed |= merged.nullable != field.nullable;
        fields.push(merged);
    }
    for field in now.fields().filter(|field| published.field(field.name()).is_none()) {
        fields.push(StructField { nullable: true, ..field.clone() });
        changed = true;
    }
    if !changed {
        return Ok(None);
    }
    StructType::try_new(fields).map(Some).map_err(|error| TableError::delta(table)(error.into()))
}

#[cfg(test)]
mod tests {
    use deltalake::kernel::DataType;

    use super::*;

    fn schema(fields: &[(&str, DataType, bool)]) -> StructType {
        StructType::try_new(fields.iter().map(|(name, kind, null)| StructField::new(*name, kind.clone(), *null)))
            .unwrap()
    }

    #[test]
    fn columns_come_and_go_as_nullable() {
        let published = schema(&[("id", DataType::STRING, false), ("old", DataType::LONG, false)]);
        let now = schema(&[("id", DataType::STRING, false), ("new", DataType::DOUBLE, false)]);
        let merged = merge(&published, &now, "t").unwrap().unwrap();
        let shape: Vec<(&str, bool)> = merged.fields().map(|field| (field.name().as_str(), field.nullable)).collect();
        assert_eq!(shape, [("id", false), ("old", true), ("new", true)]);
        assert_eq!(merge(&merged, &now, "t").unwrap(), None);
    }

    #[test]
    fn a_type_stays_what_it_was() {
        let published = schema(&[("spend", DataType::DOUBLE, true)]);
        let now = schema(&[("spend", DataType::STRING, true)]);
        assert_eq!(
            merge(&published, &now, "customer_features").unwrap_err().to_string(),
            "table `customer_features`, column `spend`: published as double, now string; name the new column differently"
        );
    }
}
