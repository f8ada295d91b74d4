//! Rows of consents, contacts and cases that name nobody.
//!
//! A withdrawal whose customer is written with blanks around the key, or in other letters than orders write it, forbids nothing:
//! whoever it is about would be contacted. Such rows are counted, and too many of them stop the run before it decides on anybody.

use std::collections::BTreeSet;
use std::future::Future;

use anyhow::{Context, Result, bail};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::prelude::{DataFrame, SessionContext};
use mainstay_config::{DailyJob, Policy};
use mainstay_files::key_text::shown;
use mainstay_run::Run;
use mainstay_schema::column;
use mainstay_sql::{Model, ModelKind, Moment};

use crate::daily::features::customer_ids;
use crate::daily::score::register;
use crate::details::SuppressionRows;
use crate::inputs::key_text::{folded, trimmed};
use crate::inputs::sources::PinnedDay;
use crate::sql_work;

/// What says who is a customer, and so is not held against it.
const CUSTOMERS: [&str; 2] = ["stg_orders", SIGNED_UP];

/// The customers by their own table, where the project has one.
const SIGNED_UP: &str = "stg_customers";

/// The table of the session with the known customers.
const KNOWN: &str = "known_customers";

/// So many keys that name nobody are shown.
const EXAMPLES: usize = 3;

/// Rows of a table that name nobody, with a few of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unmatched {
    rows: SuppressionRows,
    examples: Vec<String>,
}

/// Counts the rows that name no customer known as of the instant of suppression, of every table of which a staging model names
/// customers that the consents and the contact rules are built on. Warns where there are any, and fails where a table has more of them
/// than the policy allows or one that a known customer was meant by.
pub(crate) async fn check(
    run: &Run<'_>,
    day: &PinnedDay,
    job: &DailyJob,
    policy: &Policy,
) -> Result<Vec<SuppressionRows>> {
    let session = mainstay_session::private(&run.open.session);
    let moment = run.suppression_moment();
    let mut models = Vec::new();
    for (model, seen) in staging_of_suppression(run, day, job)? {
        let rows = day.model(&session, &model.name, &seen).await?;
        let names_customers = rows.schema().has_column_with_unqualified_name(column::CUSTOMER_ID);
        if names_customers {
            register(&session, &model.name, rows)?;
            models.push((model.name.as_str(), table_of(model)));
        }
    }
    let mut read = vec![job.contact_rules.as_str(), &job.consents];
    read.extend(CUSTOMERS.iter().filter(|name| day.sql.find(name).is_ok()));
    // Nearly always the table of customers knows everybody: the orders, which are many more, are read where it does not.
    let signed_up = match day.sql.find(SIGNED_UP) {
        Ok(_) => {
            Some(day.model(&session, SIGNED_UP, &moment).await?.select_columns(&[column::CUSTOMER_ID])?.distinct()?)
        }
        Err(_) => None,
    };
    let unmatched = count_by(&session, signed_up, customer_ids(run, day, &moment), &models);
    let unmatched = async { unmatched.await.context("cannot hold consents, contacts and cases against customers") };
    let unmatched = sql_work::compute(run, day, (&read, &[moment]), unmatched).await?;
    refuse(&unmatched, policy.unmatched_suppression_share_at_most)?;
    unmatched.iter().filter_map(Unmatched::told).for_each(|told| run.open.progress.warn(told));
    Ok(unmatched.into_iter().map(|unmatched| unmatched.rows).collect())
}

/// The source tables of which rows forbid a contact: those of consents, contacts and cases.
pub(crate) fn suppression_tables(run: &Run<'_>, day: &PinnedDay, job: &DailyJob) -> Result<BTreeSet<String>> {
    let models = staging_of_suppression(run, day, job)?;
    let tables = models.into_iter().flat_map(|(model, _)| &model.sources);
    Ok(tables.map(|(source, table)| format!("{source}.{table}")).collect())
}

/// The staging models that decide who may be contacted, and what each sees; not those that say who is a customer.
fn staging_of_suppression<'a>(run: &Run<'_>, day: &'a PinnedDay, job: &DailyJob) -> Result<Vec<(&'a Model, Moment)>> {
    let mut models = day.sql.lineage_at(&[&job.consents, &job.contact_rules], &run.suppression_moment())?;
    models.retain(|(model, seen)| {
        let is_staging = model.kind == ModelKind::Staging && !CUSTOMERS.contains(&model.name.as_str());
        is_staging && seen.sources_before() >= run.suppression.as_of
    });
    Ok(models)
}

/// The source table of a staging model, whose sound and refused rows are counted together; the model where it has several or none.
fn table_of(model: &Model) -> String {
    let mut sources = model.sources.iter();
    match (sources.next(), sources.next()) {
        (Some((source, table)), None) => format!("{source}.{table}"),
        _ => model.name.clone(),
    }
}

/// Counts against those who signed up, a part of all who are known, and against all of them where that leaves rows that name nobody.
async fn count_by(
    session: &SessionContext,
    signed_up: Option<DataFrame>,
    known: impl Future<Output = Result<DataFrame>>,
    models: &[(&str, String)],
) -> Result<Vec<Unmatched>> {
    if let Some(signed_up) = signed_up {
        register(session, KNOWN, signed_up)?;
        let unmatched = totals(session, models).await?;
        if unmatched.iter().all(|unmatched| unmatched.rows.unmatched_rows == 0) {
            return Ok(unmatched);
        }
    }
    register(session, KNOWN, known.await?)?;
    count(session, models).await
}

/// Reads `known_customers` and the models of the session, each with its table, all of which have a `customer_id`. In the order of the
/// tables' names.
async fn count(session: &SessionContext, models: &[(&str, String)]) -> Result<Vec<Unmatched>> {
    let mut counted = totals(session, models).await?;
    if counted.iter().any(|counted| counted.rows.unmatched_rows > 0) {
        describe(session, models, &mut counted).await?;
    }
    Ok(counted)
}

/// The rows of each table, and those that name nobody, in one pass for all.
async fn totals(session: &SessionContext, models: &[(&str, String)]) -> Result<Vec<Unmatched>> {
    if models.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "with keys as ({keys}), known as (select arrow_cast(customer_id, 'Utf8View') as customer_id from {KNOWN})
         select place, count(*), sum(case when known.customer_id is null then 1 else 0 end)
         from known right join keys on known.customer_id = keys.customer_id
         group by place order by place",
        keys = keys(models, "Utf8View")
    );
    let nothing = |table: &str| Unmatched {
        rows: SuppressionRows { table: table.to_owned(), rows: 0, unmatched_rows: 0, misspelt_rows: 0 },
        examples: Vec::new(),
    };
    let mut counted: Vec<Unmatched> = tables(models).into_iter().map(nothing).collect();
    for batch in session.sql(&sql).await?.collect().await? {
        let [places, rows, unmatched] = [0, 1, 2].map(|column| integers(&batch, column));
        for ((place, rows), unmatched) in places?.into_iter().zip(rows?).zip(unmatched?) {
            if let Some(counted) = counted.get_mut(usize::try_from(place)?) {
                counted.rows.rows = u64::try_from(rows)?;
                counted.rows.unmatched_rows = u64::try_from(unmatched)?;
            }
        }
    }
    Ok(counted)
}

fn tables<'a>(models: &'a [(&str, String)]) -> BTreeSet<&'a str> {
    models.iter().map(|(_, table)| table.as_str()).collect()
}

/// A query for the keys of all models, each with the place of its table.
fn keys(models: &[(&str, String)], text: &str) -> String {
    let tables = tables(models);
    let keys = models.iter().map(|(model, table)| {
        let place = tables.iter().position(|other| other == table).unwrap_or_default();
        format!("select {place} as place, arrow_cast(customer_id, '{text}') as customer_id from {model}")
    });
    keys.collect::<Vec<_>>().join(" union all ")
}

/// Adds examples of keys that name nobody, the least first, and counts those that would name a customer but for what stands around them and
/// is not seen, such as blanks, tabs, line ends and marks without width, or for the case of letters and leading zeros.
async fn describe(session: &SessionContext, models: &[(&str, String)], counted: &mut [Unmatched]) -> Result<()> {
    let sql = format!(
        "with keys as ({keys}),
         named as (select place, customer_id, count(*) as times from keys group by place, customer_id),
         known as (select arrow_cast(customer_id, 'Utf8') as customer_id from {KNOWN}),
         trimmed as (select distinct {trimmed} as customer_id from known),
         folded as (select distinct {folded} as customer_id from known),
         is_folded as (select (select count(*) from trimmed) = (select count(*) from folded) as holds),
         nobody as (select * from named left anti join known on named.customer_id = known.customer_id)
         select place, nobody.customer_id, nobody.times,
             trimmed.customer_id is not null or folded.customer_id is not null and is_folded.holds
         from nobody cross join is_folded
         left join trimmed on {trimmed_key} = trimmed.customer_id
         left join folded on {folded_key} = folded.customer_id
         order by place, nobody.customer_id",
        keys = keys(models, "Utf8"),
        trimmed = trimmed("customer_id"),
        folded = folded("customer_id"),
        trimmed_key = trimmed("nobody.customer_id"),
        folded_key = folded("nobody.customer_id"),
    );
    for batch in session.sql(&sql).await?.collect().await? {
        let (places, rows) = (integers(&batch, 0)?, integers(&batch, 2)?);
        let (keys, misspelt) = (batch.column(1).as_string::<i32>(), batch.column(3).as_boolean());
        for (row, (place, rows)) in places.into_iter().zip(rows).enumerate() {
            let Some(counted) = counted.get_mut(usize::try_from(place)?) else { continue };
            let is_misspelt = misspelt.is_valid(row) && misspelt.value(row);
            counted.rows.misspelt_rows += if is_misspelt { u64::try_from(rows)? } else { 0 };
            if keys.is_valid(row) && counted.examples.len() < EXAMPLES {
                counted.examples.push(shown(keys.value(row)));
            }
        }
    }
    Ok(())
}

fn integers(batch: &RecordBatch, column: usize) -> Result<Vec<i64>> {
    let column = batch.columns().get(column).and_then(|column| column.as_primitive_opt::<Int64Type>());
    Ok(column.context("a count is no whole number")?.values().to_vec())
}

/// Fails with every table that has too many rows that name nobody.
fn refuse(unmatched: &[Unmatched], share_at_most: f64) -> Result<()> {
    let is_refused = |unmatched: &&Unmatched| {
        let SuppressionRows { rows, unmatched_rows, misspelt_rows, .. } = unmatched.rows;
        misspelt_rows > 0 || unmatched_rows as f64 > share_at_most * rows as f64
    };
    let refused: Vec<String> = unmatched.iter().filter(is_refused).filter_map(Unmatched::told).collect();
    if refused.is_empty() {
        return Ok(());
    }
    bail!(
        "nobody is contacted, as these rows may forbid it and it is not known of whom: {}; let the staging models write `customer_id` \
         as `{}` does (trim, lower), or bring the customers that are missing; where such rows are of people who never bought, raise \
         `unmatched_suppression_share_at_most` of the policy, which is {share_at_most}",
        refused.join("; "),
        CUSTOMERS[0]
    )
}

impl Unmatched {
    /// What people should know of it; `None` where every row names somebody.
    fn told(&self) -> Option<String> {
        let SuppressionRows { table, rows, unmatched_rows, misspelt_rows } = &self.rows;
        if *unmatched_rows == 0 {
            return None;
        }
        let share = 100.0 * *unmatched_rows as f64 / *rows as f64;
        let mut told = format!("{unmatched_rows} of {rows} rows of {table} ({share:.1} %) name no known customer");
        if !self.examples.is_empty() {
            told += &format!(", such as {}", self.examples.join(", "));
        }
        if *misspelt_rows > 0 {
            told += &format!(
                "; {misspelt_rows} of them would but for blanks or other marks around them, the case of letters or \
                 leading zeros"
            );
        }
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is counted of consents and contacts with these keys, where these customers are known.
    async fn counted(known: &[&str], consents: &[&str], contacts: &[&str]) -> Vec<Unmatched> {
        let session = SessionContext::new();
        for (name, keys) in [("known_customers", known), ("stg_consents", consents), ("stg_contacts", contacts)] {
            let rows: Vec<String> = keys.iter().map(|key| format!("('{key}')")).collect();
            let view = match rows.is_empty() {
                true => format!("create view {name} as select 'x' as customer_id where false"),
                false => format!("create view {name}(customer_id) as values {}", rows.join(", ")),
            };
            session.sql(&view).await.unwrap();
        }
        let models = [("stg_contacts", "shop.contacts".to_owned()), ("stg_consents", "shop.consents".to_owned())];
        count(&session, &models).await.unwrap()
    }

    /// Signed up: C1. Known: C1, and C2 by orders alone.
    #[tokio::test]
    async fn whom_orders_alone_know_is_known() {
        let session = SessionContext::new();
        for (name, keys) in [
            ("signed_up", "('C1')"),
            ("known", "('C1'), ('C2')"),
            ("stg_consents", "('C1'), ('C2'), ('C2')"),
            ("stg_contacts", "('C1'), ('X9')"),
        ] {
            session.sql(&format!("create view {name}(customer_id) as values {keys}")).await.unwrap();
        }
        let counted = async |signed_up: Option<&str>, models: &[(&str, String)]| {
            let signed_up = match signed_up {
                Some(table) => Some(session.table(table).await.unwrap()),
                None => None,
            };
            let known = async { Ok(session.table("known").await?) };
            let counted = count_by(&session, signed_up, known, models).await.unwrap();
            counted.into_iter().map(|unmatched| unmatched.rows).collect::<Vec<_>>()
        };
        let both = [("stg_consents", "shop.consents".to_owned()), ("stg_contacts", "shop.contacts".to_owned())];
        let expected = [of("shop.consents", 3, 0, 0), of("shop.contacts", 2, 1, 0)];
        assert_eq!(counted(Some("signed_up"), &both).await, expected);
        assert_eq!(counted(None, &both).await, expected);
        assert_eq!(counted(Some("signed_up"), &both[..1]).await, expected[..1]);
        assert_eq!(counted(Some("known"), &both[..1]).await, expected[..1]);
    }

    fn of(table: &str, rows: u64, unmatched_rows: u64, misspelt_rows: u64) -> SuppressionRows {
        SuppressionRows { table: table.to_owned(), rows, unmatched_rows, misspelt_rows }
    }

    #[tokio::test]
    async fn rows_that_name_a_customer_are_no_matter() {
        let found = counted(&["C1", "C2"], &["C1", "C2", "C1"], &[]).await;
        let rows: Vec<_> = found.iter().map(|unmatched| unmatched.rows.clone()).collect();
        assert_eq!(rows, [of("shop.consents", 3, 0, 0), of("shop.contacts", 0, 0, 0)]);
        assert!(refuse(&found, 0.0).is_ok());
        assert!(found.iter().all(|unmatched| unmatched.told().is_none()));
    }

    #[tokio::test]
    async fn sound_and_refused_rows_of_a_table_are_counted_together() {
        let session = SessionContext::new();
        for (name, keys) in
            [("known_customers", "('C1')"), ("stg_consents", "('C1'), ('C1')"), ("stg_refused_consents", "('X9')")]
        {
            session.sql(&format!("create view {name}(customer_id) as values {keys}")).await.unwrap();
        }
        let models = ["stg_consents", "stg_refused_consents"].map(|model| (model, "shop.consents".to_owned()));
        let found = count(&session, &models).await.unwrap();
        assert_eq!(found.iter().map(|found| found.rows.clone()).collect::<Vec<_>>(), [of("shop.consents", 3, 1, 0)]);
    }

    #[tokio::test]
    async fn padded_keys_and_those_in_other_letters_stop_the_run_at_any_share() {
        let found = counted(&["C1", "C2"], &["C1", "C1  ", "c2", "c2", "X9"], &["C2"]).await;
        assert_eq!(found[0].rows, of("shop.consents", 5, 4, 3));
        assert_eq!(
            refuse(&found, 1.0).unwrap_err().to_string(),
            "nobody is contacted, as these rows may forbid it and it is not known of whom: 4 of 5 rows of shop.consents (80.0 %) name \
             no known customer, such as `C1  `, `X9`, `c2`; 3 of them would but for blanks or other marks around them, the case of letters or leading zeros; let the staging \
             models write `customer_id` as `stg_orders` does (trim, lower), or bring the customers that are missing; where such rows \
             are of people who never bought, raise `unmatched_suppression_share_at_most` of the policy, which is 1"
        );
    }

    #[tokio::test]
    async fn what_stands_unseen_around_a_key_and_leading_zeros_are_found_and_shown() {
        let unseen = ["C0017\r", "\tC0018", "C0019\u{a0}", "\u{feff}C0020", "C0021\u{200b}", "C22", "C0100"];
        let found = counted(&["C0017", "C0018", "C0019", "C0020", "C0021", "C0022", "C100"], &unseen, &[]).await;
        assert_eq!(found[0].rows, of("shop.consents", 7, 7, 7));
        let told = refuse(&found, 1.0).unwrap_err().to_string();
        assert!(told.contains(r"`\tC0018`, `C0017\r`"), "{told}");
    }

    #[tokio::test]
    async fn the_case_of_letters_counts_where_it_tells_customers_apart() {
        let found = counted(&["aB", "ab", "C1"], &["AB", "c1", " aB"], &[]).await;
        assert_eq!(
            found[0].rows,
            of("shop.consents", 3, 3, 1),
            "only the one with a blank is meant for a known customer"
        );
    }

    #[tokio::test]
    async fn strangers_are_told_of_and_stop_the_run_beyond_the_share() {
        let found = counted(&["C1"], &["C1", "C1", "C1", "X9"], &["a@example.com", "C1"]).await;
        assert!(refuse(&found, 0.5).is_ok(), "as many as the share allows");
        let told = "1 of 4 rows of shop.consents (25.0 %) name no known customer, such as `X9`";
        assert_eq!(found[0].told().unwrap(), told);
        let refusal = refuse(&found, 0.4).unwrap_err().to_string();
        assert!(
            refusal
                .contains("1 of 2 rows of shop.contacts (50.0 %) name no known customer, such as an e-mail address;"),
            "{refusal}"
        );
        assert!(!refusal.contains("shop.consents") && !refusal.contains('@'), "{refusal}");
        assert!(refuse(&found, 0.2).unwrap_err().to_string().contains(told));
    }
}
