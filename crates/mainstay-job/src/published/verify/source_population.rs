//! The customers of the risk table are those whom the sources know, counted without any feature model.

use anyhow::{Context, Result, ensure};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::prelude::{SessionContext, ident};
use mainstay_schema::column;

use super::day::Day;
use super::finding::Finding;
use super::sources::SourcesAtHand;
use crate::daily::score::register;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    match day.sources().await? {
        Err(why) => Finding::not_checked(why),
        Ok(sources) => {
            register_known(&day.session, sources).await?;
            hold(&day.session).await
        }
    }
}

/// Registers `known_customers`: whom an order or a version of a customer names.
async fn register_known(session: &SessionContext, sources: &SourcesAtHand) -> Result<()> {
    let ids = async |model: &str| -> Result<_> {
        Ok(sources.model(session, model).await?.select(vec![ident(column::CUSTOMER_ID)])?)
    };
    let mut known = ids("stg_orders").await?;
    if sources.has_model("stg_customers") {
        known = known.union(ids("stg_customers").await?)?;
    }
    register(session, "known_customers", known.distinct()?)
}

/// Reads `known_customers` and `customer_risk`.
async fn hold(session: &SessionContext) -> Result<Finding> {
    let missing = those_without(session, "known_customers", "customer_risk").await?;
    if let Some((customers, first)) = missing {
        ensure!(
            customers == 0,
            "{customers} customers of the sources have no row in customer_risk, {first} among them"
        );
    }
    let invented = those_without(session, "customer_risk", "known_customers").await?;
    if let Some((customers, first)) = invented {
        ensure!(customers == 0, "{customers} customers of customer_risk stand in no source, {first} among them");
    }
    let batches = session.sql("select count(*) from known_customers").await?.collect().await?;
    let known = batches.first().context("a count gave no row")?.column(0).as_primitive::<Int64Type>().value(0);
    Finding::holds(format!("{known} customers in the source files"))
}

/// How many customers of one table the other lacks, and the first of them.
async fn those_without(session: &SessionContext, one: &str, other: &str) -> Result<Option<(i64, String)>> {
    let sql = format!(
        "select customer_id from {one} left anti join {other} on {one}.customer_id = {other}.customer_id order by customer_id"
    );
    let batches = session.sql(&sql).await?.collect().await?;
    let customers: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
    let first = batches.iter().find(|batch| batch.num_rows() > 0);
    Ok(first.map(|batch| (customers as i64, batch.column(0).as_string::<i32>().value(0).to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(known: &str, risk: &str) -> Result<Finding> {
        let session = SessionContext::new();
        for (table, rows) in [("known_customers", known), ("customer_risk", risk)] {
            session.sql(&format!("create view {table}(customer_id) as values {rows}")).await.unwrap();
        }
        hold(&session).await
    }

    #[tokio::test]
    async fn the_risk_table_has_the_customers_of_the_sources() {
        let both = "('ada'), ('bob')";
        assert_eq!(found(both, both).await.unwrap(), Finding::Holds("2 customers in the source files".into()));
        let more = "('eve'), ('ada'), ('dan'), ('bob')";
        assert_eq!(
            found(more, both).await.unwrap_err().to_string(),
            "2 customers of the sources have no row in customer_risk, dan among them"
        );
        assert_eq!(
            found(both, more).await.unwrap_err().to_string(),
            "2 customers of customer_risk stand in no source, dan among them"
        );
    }
}
