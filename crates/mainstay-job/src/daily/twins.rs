//! Customers who are one but for marks around their id: whoever forbade contact under one of both would be contacted under the other.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use arrow::array::{Array, AsArray};
use datafusion::prelude::{DataFrame, SessionContext};
use mainstay_files::key_text::shown;
use mainstay_monitor::IdsByCase;
use mainstay_schema::column;

use crate::inputs::key_text::trimmed;

/// Refuses customers whose ids differ by what stands unseen around them alone, such as blanks, tabs and line ends. Gives those whose ids
/// differ by capitals, which some shops tell customers apart by.
pub(crate) async fn refuse(session: &SessionContext, customers: DataFrame) -> Result<IdsByCase> {
    let session = mainstay_session::private(session);
    session.register_table("customers", customers.into_view())?;
    let sql = format!(
        "with ids as (select arrow_cast({id}, 'Utf8') as id from customers),
         plain as (select id, {plain} as plain from ids)
         select min(id) as first, max(id) as last, min(case when id <> plain then id end) as marked
         from plain group by lower(plain) having count(*) > 1",
        id = column::CUSTOMER_ID,
        plain = trimmed("id"),
    );
    let twins = session.sql(&sql).await?.collect().await.context("cannot compare the ids of the customers")?;
    let (mut by_marks, mut by_case) = (BTreeSet::new(), BTreeSet::new());
    for batch in &twins {
        let [first, last, marked] = [0, 1, 2].map(|column| batch.column(column).as_string::<i32>());
        for row in 0..batch.num_rows() {
            let twins = if marked.is_null(row) { &mut by_case } else { &mut by_marks };
            twins.insert([first.value(row), last.value(row)]);
        }
    }
    if let Some(pair) = by_marks.first() {
        let [first, last] = pair.map(shown);
        bail!(
            "{} customers have the id of another one but for blanks or other marks around it, such as {first} beside {last}: who must be \
             left alone under one id would be contacted under the other; let the staging models write `{}` without them (trim)",
            by_marks.len(),
            column::CUSTOMER_ID
        );
    }
    Ok(IdsByCase { count: by_case.len() as u64, example: by_case.first().map(|pair| pair.map(shown)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(ids: &str) -> Result<IdsByCase> {
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
        let found = of("('C1'), ('c2'), ('C 1'), (' C4'), ('C10')").await.unwrap();
        assert_eq!(found, IdsByCase::default());
    }

    #[tokio::test]
    async fn ids_that_differ_by_capitals_are_counted() {
        let found = of("('k7'), ('K7'), ('C1'), ('c1'), ('C2')").await.unwrap();
        assert_eq!(found, IdsByCase { count: 2, example: Some(["`C1`".to_owned(), "`c1`".to_owned()]) });
    }
}
