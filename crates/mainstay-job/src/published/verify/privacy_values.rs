//! No personal or protected value stands in a table: the quarantine has them redacted, and where the sources are at hand no text of any
//! table, whole or word by word, is a personal value.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::prelude::{DataFrame, SessionContext};
use mainstay_config::{Source, SourceTable};
use mainstay_schema::column;
use mainstay_schema::table::ColumnType;
use mainstay_sql::REDACTED;
use serde_json::Value;

use super::day::Day;
use super::finding::Finding;
use super::privacy_columns::Guarded;
use super::sources::SourcesAtHand;
use crate::daily::score::register;
use crate::inputs::quarantine::kept_rows;

/// Shorter values may be anything, such as the name of a channel.
const LEAST_CHARACTERS: usize = 6;

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let sources = &day.open.project.config().sources;
    let guarded = Guarded::of(sources);
    let mut rows = quarantined(&day.session).await?;
    if let Some(kept) = &day.details.quarantine_file {
        rows.extend(kept_rows(day.artefact(&kept.file, kept.digest).await?)?);
        rows.sort_unstable();
        rows.dedup();
    }
    let shown = shown_texts(&rows, &guarded, sources)?;
    let redacted = format!("{} rows of the quarantine show none", rows.len());
    match day.sources().await? {
        Err(why) => {
            Finding::not_checked(format!("{redacted}; other texts could not be held against the sources: {why}"))
        }
        Ok(at_hand) => {
            let texts = register_texts(day, shown).await?;
            register_personal(&day.session, sources, at_hand).await?;
            let values = hold(&day.session).await?;
            Finding::holds(format!("{redacted}, nor do {texts} columns of text any of {values} personal values"))
        }
    }
}

/// A row of the quarantine: its source and its JSON.
type Quarantined = (String, String);

async fn quarantined(session: &SessionContext) -> Result<Vec<Quarantined>> {
    let mut rows = Vec::new();
    for batch in session.sql("select source, \"row\" from quarantine").await?.collect().await? {
        let (sources, json) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
        let pairs = sources.iter().zip(json.iter());
        rows.extend(
            pairs.map(|(source, row)| (source.unwrap_or_default().to_owned(), row.unwrap_or_default().to_owned())),
        );
    }
    Ok(rows)
}

/// The texts that rows of the quarantine show beside keys; no guarded column may show its value.
fn shown_texts(rows: &[Quarantined], guarded: &Guarded, sources: &[Source]) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for (source, json) in rows {
        let row: Value = serde_json::from_str(json).with_context(|| format!("a row of {source} is no JSON"))?;
        let Value::Object(values) = row else { bail!("a row of {source} is no JSON object") };
        let keys = table_of(sources, source).map(|table| table.key.as_slice()).unwrap_or_default();
        for (name, value) in values {
            let column = guarded.columns.iter().find(|column| column.table == *source && column.name == name);
            let is_hidden = matches!(&value, Value::Null) || value.as_str() == Some(REDACTED);
            if let Some(column) = column {
                ensure!(
                    is_hidden,
                    "the quarantine shows {}: run the day again with --force, which leaves it out",
                    column.told()
                );
            }
            let is_key = keys.contains(&name) || name == column::CUSTOMER_ID;
            texts.extend(value.as_str().filter(|_| !is_hidden && !is_key).map(str::to_owned));
        }
    }
    Ok(texts)
}

fn table_of<'a>(sources: &'a [Source], named: &str) -> Option<&'a SourceTable> {
    let (source, table) = named.split_once('.')?;
    let source = sources.iter().find(|declared| declared.name == source)?;
    source.tables.iter().find(|declared| declared.name == table)
}

/// Registers `published_texts` (place, text): the columns of text of all tables but those that name the customer and the run.
async fn register_texts(day: &Day<'_>, quarantined: Vec<String>) -> Result<usize> {
    let session = &day.session;
    let quarantined: ArrayRef = Arc::new(StringArray::from(quarantined));
    let shown = session.read_batch(RecordBatch::try_from_iter([("text", quarantined)])?)?;
    register(session, "quarantined_texts", shown)?;
    let mut selects = vec!["select 'row of quarantine' as place, text from quarantined_texts".to_owned()];
    for (contract, _) in day.tables()? {
        let is_compared = |name: &str| ![column::CUSTOMER_ID, column::RUN_ID, "row"].contains(&name);
        let columns = contract.columns.iter().filter(|column| column.column_type == ColumnType::Text);
        for column in columns.filter(|column| is_compared(&column.name)) {
            let (table, name) = (&contract.name, &column.name);
            selects.push(format!("select distinct '{name} of {table}' as place, \"{name}\" as text from {table}"));
        }
    }
    let texts = session.sql(&selects.join(" union all ")).await?;
    register(session, "published_texts", texts)?;
    Ok(selects.len())
}

/// Registers `personal_values` (origin, value), each value once a column.
async fn register_personal(session: &SessionContext, sources: &[Source], at_hand: &SourcesAtHand) -> Result<()> {
    let mut values: Option<DataFrame> = None;
    let tables = sources.iter().flat_map(|source| source.tables.iter().map(move |table| (source, table)));
    for (source, table) in tables {
        let personal = table.columns.iter().filter(|column| column.personal && column.column_type == ColumnType::Text);
        for column in personal {
            let rows = at_hand.sources.all_rows(session, &source.name, &table.name)?;
            register(session, "rows_with_persons", rows)?;
            let (quoted, origin) = (column.name.replace('"', "\"\""), column.name.replace('\'', "''"));
            let sql = format!(
                "select distinct '{origin} of {}.{}' as origin, arrow_cast(\"{quoted}\", 'Utf8') as value from rows_with_persons
                 where character_length(\"{quoted}\") >= {LEAST_CHARACTERS}",
                source.name, table.name
            );
            let found = session.sql(&sql).await?;
            values = Some(match values {
                Some(others) => others.union(found)?,
                None => found,
            });
        }
    }
    let none = "select '' as origin, '' as value where false";
    let values = match values {
        Some(values) => values,
        None => session.sql(none).await?,
    };
    register(session, "personal_values", values)
}

/// Reads `published_texts` and `personal_values`; gives how many values there are.
async fn hold(session: &SessionContext) -> Result<usize> {
    let sql = "with words as (
                   select place, text as word from published_texts where text is not null
                   union all
                   select place, btrim(word, '.,;:()<>') as word from (
                       select place, unnest(string_to_array(text, ' ')) as word from published_texts where text is not null
                   )
               )
               select distinct place, origin from words inner join personal_values on words.word = personal_values.value
               order by 1, 2 limit 1";
    let batches = session.sql(sql).await?.collect().await?;
    if let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) {
        let text = |column: usize| batch.column(column).as_string::<i32>().value(0).to_owned();
        bail!("the column {} holds values of the personal column {}", text(0), text(1));
    }
    Ok(session.table("personal_values").await?.count().await?)
}

#[cfg(test)]
mod tests {
    use super::super::privacy_columns::tests::guarded;
    use super::*;

    fn shown(rows: &[(&str, &str)]) -> Result<Vec<String>> {
        let rows: Vec<Quarantined> = rows.iter().map(|(source, row)| ((*source).into(), (*row).into())).collect();
        shown_texts(&rows, &guarded(), &[])
    }

    #[test]
    fn a_quarantined_row_hides_what_is_personal_or_protected() {
        let hidden = r#"{"customer_id":"C1","email":"[redacted]","gender":null,"note":"call me","net":1.5}"#;
        assert_eq!(shown(&[("retailer.customers", hidden)]).unwrap(), ["call me"]);
        // Of another table the name means nothing.
        shown(&[("retailer.lines", r#"{"gender":"f"}"#)]).unwrap();
        let told = |row| shown(&[("retailer.customers", row)]).unwrap_err().to_string();
        assert_eq!(
            told(r#"{"gender":"f"}"#),
            "the quarantine shows `gender`, which source retailer.customers declares protected: run the day again with \
             --force, which leaves it out"
        );
        assert!(
            told(r#"{"email":"a@example.org"}"#).contains("`email`, which source retailer.customers declares personal")
        );
        assert_eq!(told("[]"), "a row of retailer.customers is no JSON object");
        assert_eq!(told("{"), "a row of retailer.customers is no JSON");
    }

    #[tokio::test]
    async fn a_personal_value_is_found_whole_and_as_a_word() {
        let found = async |texts: &str| {
            let session = SessionContext::new();
            for (table, rows) in [
                ("published_texts(place, text)", texts),
                (
                    "personal_values(origin, value)",
                    "('email of shop.customers', 'ada@example.org'), ('name of shop.customers', 'Ada Low')",
                ),
            ] {
                session.sql(&format!("create view {table} as values {rows}")).await.unwrap();
            }
            hold(&session).await.map_err(|error| error.to_string())
        };
        assert_eq!(found("('a of t', 'eligible'), ('a of t', null), ('b of t', 'ada example')").await, Ok(2));
        let told = |place: &str, origin: &str| {
            Err(format!("the column {place} of t holds values of the personal column {origin} of shop.customers"))
        };
        assert_eq!(found("('a of t', 'fine'), ('b of t', 'Ada Low')").await, told("b", "name"));
        assert_eq!(found("('b of t', 'wrote (ada@example.org), twice')").await, told("b", "email"));
    }
}
