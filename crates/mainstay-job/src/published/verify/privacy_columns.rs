//! No personal or protected column stands in a table or an artefact of the run, by name.
//!
//! What a feature reads is held against the sources when its SQL is planned; this looks at what was written. Protected groups may stand
//! beside test rows, which name no customer then.

use anyhow::{Context, Result, bail, ensure};
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use mainstay_config::Source;
use mainstay_schema::column;
use mainstay_schema::table::TableContract;
use mainstay_table::published_day::{self, Check};
use object_store::ObjectMeta;
use object_store::path::Path;

use super::day::Day;
use super::finding::Finding;
use crate::training::segments;

/// Columns of our own, whatever a source calls its own.
const OURS: [&str; 13] = [
    column::CUSTOMER_ID,
    column::CHURNED,
    column::RAW_SCORE,
    column::CHURN_PROBABILITY,
    "cut",
    "fitted",
    "fold",
    "offer",
    "value_cents",
    "cost_cents",
    "customer",
    "intervention",
    "segment",
];

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let guarded = Guarded::of(&day.open.project.config().sources);
    let tables = day.tables()?;
    for (contract, table) in &tables {
        let files = published_day::find(&day.open.lake, day.record.ds, table, Check::Presence).await?;
        for path in files.paths() {
            guarded.check_table(contract, &day.details.features, &columns_of(day, path).await?)?;
        }
    }
    let artefacts = artefacts(day).await?;
    for path in &artefacts {
        if path.ends_with(".parquet") {
            guarded.check_artefact(path, &columns_of(day, path).await?)?;
        }
    }
    Finding::holds(format!(
        "{} tables and {} artefacts have none of {} columns",
        tables.len(),
        artefacts.len(),
        guarded.columns.len()
    ))
}

/// The objects beside the offers of the run.
async fn artefacts(day: &Day<'_>) -> Result<Vec<String>> {
    let file = &day.details.allocation.offers_file;
    let (folder, _) = file.rsplit_once('/').with_context(|| format!("{file} lies in no folder"))?;
    Ok(day.open.lake.list(folder).await?)
}

/// The columns of a Parquet file, by its footer.
async fn columns_of(day: &Day<'_>, path: &str) -> Result<Vec<String>> {
    let meta = day.open.lake.head(path).await?.with_context(|| format!("{path} is gone"))?;
    // Stores below a folder say where an object lies in all of the store.
    let meta = ObjectMeta { location: Path::from(path), ..meta };
    let metadata = DFParquetMetadata::new(day.open.lake.store().as_ref(), &meta).fetch_metadata().await?;
    let fields = metadata.file_metadata().schema_descr().root_schema().get_fields();
    Ok(fields.iter().map(|field| field.name().to_owned()).collect())
}

/// The personal and protected columns of the sources.
pub(super) struct Guarded {
    pub(super) columns: Vec<GuardedColumn>,
}

/// One of them.
pub(super) struct GuardedColumn {
    /// `source.table`.
    pub(super) table: String,
    pub(super) name: String,
    /// `personal` or `protected`.
    pub(super) guard: &'static str,
}

impl GuardedColumn {
    pub(super) fn told(&self) -> String {
        format!("`{}`, which source {} declares {}", self.name, self.table, self.guard)
    }
}

impl Guarded {
    pub(super) fn of(sources: &[Source]) -> Self {
        let columns = mainstay_config::source::columns(sources).filter_map(|(table, column)| {
            Some(GuardedColumn { table, name: column.name.clone(), guard: column.guard()? })
        });
        Self { columns: columns.collect() }
    }

    /// The guarded column of a name, whatever its case.
    fn named(&self, name: &str) -> Option<&GuardedColumn> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// A table has the columns of its contract, and no feature is called like a guarded column.
    fn check_table(&self, contract: &TableContract, features: &[String], found: &[String]) -> Result<()> {
        for name in found {
            let is_known = contract.columns.iter().any(|column| column.name == *name);
            ensure!(is_known, "{} has a column `{name}` that its contract does not know", contract.name);
            if let Some(guarded) = self.group(name).filter(|_| features.contains(name)) {
                bail!("{} has the column {}", contract.name, guarded.told());
            }
        }
        Ok(())
    }

    /// No personal column stands in an artefact, and no protected one beside the customer.
    fn check_artefact(&self, path: &str, found: &[String]) -> Result<()> {
        let names_customers = found.iter().any(|name| name == column::CUSTOMER_ID);
        for name in found.iter().filter(|name| !OURS.contains(&name.as_str())) {
            let Some(guarded) = self.group(name) else { continue };
            ensure!(guarded.guard != "personal", "{path} has the column {}", guarded.told());
            let is_group = name.starts_with(segments::PREFIX);
            ensure!(is_group, "{path} has the column {} among its features", guarded.told());
            ensure!(
                !names_customers,
                "{path} has the column {}, beside customer_id: delete the file, or train again, whose rows name no customer",
                guarded.told()
            );
        }
        Ok(())
    }

    /// The guarded column that a name means, be it that of a group or not.
    fn group(&self, name: &str) -> Option<&GuardedColumn> {
        self.named(name).or_else(|| self.named(name.strip_prefix(segments::PREFIX)?))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use mainstay_schema::table;
    use mainstay_schema::table::{Column, ColumnType};

    use super::*;

    pub(in crate::published::verify) fn guarded() -> Guarded {
        let column =
            |table: &str, name: &str, guard| GuardedColumn { table: table.to_owned(), name: name.to_owned(), guard };
        Guarded {
            columns: vec![
                column("retailer.customers", "email", "personal"),
                column("retailer.customers", "gender", "protected"),
                // Names that tables of ours have as well.
                column("retailer.orders", "channel", "personal"),
                column("retailer.orders", "segment", "personal"),
            ],
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_table_has_no_column_beside_its_contract_and_no_guarded_feature() {
        let features = names(&["Gender", "email_opens", "segment_gender"]);
        let column = |name: &String| Column::new(name, ColumnType::Double, "").nullable();
        let contract = table::customer_features(features.iter().map(column).collect());
        let found = |columns: &[&str]| guarded().check_table(&contract, &features, &names(columns));
        found(&["customer_id", "status", "email_opens"]).unwrap();
        let protected = "customer_features has the column `gender`, which source retailer.customers declares protected";
        assert_eq!(found(&["customer_id", "Gender"]).unwrap_err().to_string(), protected);
        assert_eq!(found(&["customer_id", "segment_gender"]).unwrap_err().to_string(), protected);
        assert_eq!(
            found(&["customer_id", "email"]).unwrap_err().to_string(),
            "customer_features has a column `email` that its contract does not know"
        );
        let allocations = table::campaign_allocations();
        guarded().check_table(&allocations, &features, &names(&["customer_id", "channel"])).unwrap();
    }

    #[test]
    fn an_artefact_names_no_person_and_no_group_beside_a_customer() {
        let found = |columns: &[&str]| guarded().check_artefact("rows.parquet", &names(columns));
        found(&["customer_id", "cut", "days_since_last_order", "segment"]).unwrap();
        found(&["cut", "days_since_last_order", "segment_gender", "segment_country"]).unwrap();
        let told = |columns: &[&str]| found(columns).unwrap_err().to_string();
        let personal = "rows.parquet has the column `email`, which source retailer.customers declares personal";
        assert_eq!(told(&["cut", "EMAIL"]), personal);
        assert_eq!(told(&["cut", "segment_email"]), personal);
        assert_eq!(
            told(&["cut", "gender"]),
            "rows.parquet has the column `gender`, which source retailer.customers declares protected among its features"
        );
        assert_eq!(
            told(&["customer_id", "segment_gender"]),
            "rows.parquet has the column `gender`, which source retailer.customers declares protected, beside customer_id: \
             delete the file, or train again, whose rows name no customer"
        );
    }
}
