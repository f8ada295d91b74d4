//! Customers who are one but for marks around their id: whoever forbade contact under one of both would be contacted under the other.

use anyhow::{Context, Result, bail};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::prelude::{DataFrame, SessionContext};
use mainstay_schema::column;

use crate::inputs::key_text::{shown, trimmed};

/// Refuses customers whose ids differ by what stands unseen around them alone, such as blanks, tabs and line ends.
pub(crate) async fn refuse(session: &SessionContext, customers: DataFrame) -> Result<()> {
    let session = mainstay_session::private(session);
    session.register_table("customers", customers.into_view())?;
    let sql = format!(
        "with ids as (select arrow_cast({id}, 'Utf8') as id from customers),
         plain as (select id, {plain} as plain from ids)
         select count(*), min(marked.id), {first}
         from plain as marked inner join ids on marked.plain = ids.id where marked.id <> marked.plain",
        id = column::CUSTOMER_ID,
        plain = trimmed("id"),
        first = trimmed("min(marked.id)"),
    );
    let found = session.sql(&sql).await?.collect().await.context("cannot compare the ids of the customers")?;
    let Some(found) = found.first() else { return Ok(()) };
    let count = found.column(0).as_primitive::<Int64Type>().value(0);
    if count == 0 {
        return Ok(());
    }
    let [marked, plain] = [1, 2].map(|place| shown(found.column(place).as_string::<i32>().value(0)));
    bail!(
        "{count} customers have the id of another one but for blanks or other marks around it, such as {marked} beside {plain}: who must \
         be left alone under one id would be contacted under the other; let the staging models write `{}` without them (trim)",
        column::CUSTOMER_ID
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(ids: &str) -> Result<()> {
        let session = SessionContext::new();
        refuse(&session, session.sql(&format!("select column1 as customer_id from (values {ids})")).await.unwrap())
            .await
    }

    #[tokio::test]
    async fn ids_that_differ_by_marks_around_them_are_refused() {
        let message = of("('C1'), ('C1 '), ('C2'), (chr(9) || 'C2'), ('C3'), (' C4')").await.unwrap_err().to_string();
        assert!(message.starts_with("2 customers have the id of another one"), "{message}");
        assert!(message.contains(r"such as `\tC2` beside `C2`"), "{message}");
    }

    #[tokio::test]
    async fn one_session_asks_day_after_day() {
        let session = SessionContext::new();
        for id in ["C1", "C2"] {
            let customers = session.sql(&format!("select '{id}' as customer_id")).await.unwrap();
            refuse(&session, customers).await.unwrap();
        }
    }

    #[tokio::test]
    async fn other_ids_are_no_twins() {
        of("('C1'), ('c1'), ('C 1'), (' C4'), ('C10')").await.unwrap();
    }
}
