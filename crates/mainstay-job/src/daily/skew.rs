//! Features that are not what the model has learnt: refused by name before anything is scored.
//!
//! A version keeps how its features were defined ([`Definitions`]). Where a feature is defined otherwise on the day, or a variable that
//! the SQL reads has another value, the model would read something else than it has learnt, and its scores would mean nothing.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use mainstay_config::{DailyJob, TrainingJob};
use mainstay_monitor::Subject;
use mainstay_registry::ModelVersion;
use mainstay_run::Run;
use mainstay_schema::column;
use mainstay_schema::definition::{Definitions, VariableChange, ZoneChange};

use crate::inputs::sources::PinnedDay;

/// The variable that says how far a label looks ahead. Jobs read it, not the SQL.
const HORIZON: &str = "horizon_days";

/// What a training keeps: the definitions of its features, and the variables that these and the label read.
pub(crate) async fn learnt(run: &Run<'_>, day: &PinnedDay, job: &TrainingJob) -> Result<Definitions> {
    let mut learnt = day.sql.definitions(&run.open.session, &job.features, &[&job.label]).await?;
    let horizon = day.sql.variables().remove_entry(HORIZON);
    learnt.variables.extend(horizon);
    Ok(learnt)
}

/// Refuses to score with features that are defined otherwise than the model has learnt them, unless each change is accepted by name.
pub(crate) async fn refuse(
    run: &Run<'_>,
    day: &PinnedDay,
    job: &DailyJob,
    version: &ModelVersion,
    features: &[String],
) -> Result<()> {
    let named = format!("model {} version {}", version.name, version.version);
    let not_compared = |why: &str| {
        run.open
            .progress
            .warn(format!("{named} {why}: whether its features are still defined so is not checked; train it anew"));
    };
    let Some(learnt) = &version.definitions else {
        not_compared("does not say how its features were defined");
        return Ok(());
    };
    let session = &run.open.session;
    let mut now = day.sql.definitions(session, &job.features, &[]).await?;
    now.variables = day.sql.variables();
    // Whoever is eligible is part of what the probabilities were learnt for.
    let used = || features.iter().map(String::as_str).chain([column::STATUS]);
    let Some(changes) = learnt.changes(&now, used()) else {
        not_compared("was trained by a release that wrote definitions down otherwise");
        return Ok(());
    };
    if changes.is_empty() {
        return Ok(());
    }
    // With all variables and zones as they were, what is left was changed in the SQL; with one of them, what is gone is that one's.
    let with = async |variables: &BTreeMap<String, String>, zones: &BTreeMap<String, String>| {
        let sql = day.sql.with_variables(variables).with_time_zones(zones);
        sql.definitions(session, &job.features, &[]).await.ok()
    };
    let as_before = with(&learnt.variables, &learnt.time_zones).await;
    let in_sql = as_before.and_then(|before| learnt.changes(&before, used())).map(|changes| changes.columns);
    let effects = |one: Option<Definitions>| one.and_then(|one| one.changes(&now, used())).unwrap_or_default().columns;
    let none = BTreeMap::new();
    let mut causes = Vec::new();
    for change in changes.variables {
        let one = with(&BTreeMap::from([(change.name.clone(), change.before.clone())]), &none).await;
        causes.push(Cause::variable(change, effects(one)));
    }
    for (source, of_source) in by_source(changes.time_zones) {
        let zones = of_source.iter().map(|change| (change.table.clone(), change.before.clone())).collect();
        let one = with(&none, &zones).await;
        causes.push(Cause::zone(&source, &of_source, effects(one)));
    }
    let found = Skew::of(causes, &changes.columns, in_sql);
    if found.is_empty() {
        return Ok(());
    }
    let open = found.names().into_iter().filter(|name| !run.accepts(name)).collect::<Vec<_>>();
    if open.is_empty() {
        run.open.progress.warn(format!("{named} has learnt otherwise, which is accepted: {}", found.told()));
        return Ok(());
    }
    bail!(
        "{named} has learnt otherwise: {}; undo the change (of the SQL, or of the `time_zone` of its sources), train a new version, or run the day all the same with {} --why TEXT",
        found.told(),
        open.iter().map(|name| format!("--accept {name}")).collect::<Vec<_>>().join(" ")
    )
}

/// The tables of a source that are read in another zone, those of one source and the same two zones together.
fn by_source(changes: Vec<ZoneChange>) -> Vec<(String, Vec<ZoneChange>)> {
    let mut by_source: BTreeMap<(String, String, String), Vec<ZoneChange>> = BTreeMap::new();
    for change in changes {
        let source = change.table.split_once('.').map_or(change.table.as_str(), |(source, _)| source).to_owned();
        by_source.entry((source, change.before.clone(), change.now.clone())).or_default().push(change);
    }
    by_source.into_iter().map(|((source, ..), changes)| (source, changes)).collect()
}

/// What is not as it was learnt.
struct Skew {
    causes: Vec<Cause>,
    /// The columns whose SQL is another one.
    in_sql: Vec<String>,
}

/// A variable with another value, or a source in another time zone.
struct Cause {
    /// By which it is accepted.
    name: String,
    /// What was changed.
    change: String,
    /// The columns that are otherwise because of it.
    effects: Vec<String>,
}

impl Skew {
    /// `in_sql` are the columns that differ with variables and zones as they were, where that could be found out. A cause that changes no
    /// column is none of the model's business, but for the horizon.
    fn of(causes: Vec<Cause>, columns: &[String], in_sql: Option<Vec<String>>) -> Self {
        let in_sql = in_sql.unwrap_or_else(|| columns.to_vec());
        let is_explained =
            |column: &String| !in_sql.contains(column) && causes.iter().any(|of| of.effects.contains(column));
        let in_sql = columns.iter().filter(|column| !is_explained(column)).cloned().collect();
        let matters = |of: &Cause| of.name == HORIZON || !of.effects.is_empty();
        Self { causes: causes.into_iter().filter(matters).collect(), in_sql }
    }

    fn is_empty(&self) -> bool {
        self.causes.is_empty() && self.in_sql.is_empty()
    }

    /// The names by which it is accepted: those of the causes, and of the columns that they do not explain.
    fn names(&self) -> Vec<Subject> {
        let causes = self.causes.iter().map(|cause| &cause.name);
        let mut names: Vec<Subject> = causes.chain(&self.in_sql).map(|name| Subject::Skew(name.clone())).collect();
        names.dedup();
        names
    }

    fn told(&self) -> String {
        let mut told: Vec<String> = self.causes.iter().map(Cause::told).collect();
        told.extend(self.in_sql.iter().map(|name| format!("{name} is defined by other SQL")));
        told.join("; ")
    }
}

impl Cause {
    fn variable(change: VariableChange, effects: Vec<String>) -> Self {
        let VariableChange { name, before, now } = change;
        let now = match now {
            Some(now) => format!("is {now}"),
            None => "is gone".to_owned(),
        };
        Self { change: format!("variable {name} was {before} and {now}"), name, effects }
    }

    /// `changes` are of one source and of the same two zones, at least one.
    fn zone(source: &str, changes: &[ZoneChange], effects: Vec<String>) -> Self {
        let tables = changes.iter().map(|change| change.table.split_once('.').map_or("", |(_, table)| table));
        let zones = changes.first().map(|change| format!(" was {} and is {}", change.before, change.now));
        Self {
            name: format!("time_zone.{source}"),
            change: format!(
                "the time_zone of source {source} ({}){}",
                listed(tables.map(str::to_owned).collect()),
                zones.unwrap_or_default()
            ),
            effects,
        }
    }

    fn told(&self) -> String {
        match self.effects.is_empty() {
            true => self.change.clone(),
            false => format!("{} (changes {})", self.change, listed(self.effects.clone())),
        }
    }
}

/// Names, the first few of many.
fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(MOST_TOLD);
    names.truncate(MOST_TOLD);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", names.join(", "))
}

/// The most columns or tables that are listed.
const MOST_TOLD: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn variable(name: &str, now: Option<&str>, effects: &[&str]) -> Cause {
        let change = VariableChange { name: name.into(), before: "365".into(), now: now.map(str::to_owned) };
        Cause::variable(change, texts(effects))
    }

    fn skew(variables: Vec<Cause>, columns: &[&str], in_sql: Option<&[&str]>) -> (Vec<String>, String) {
        let found = Skew::of(variables, &texts(columns), in_sql.map(texts));
        assert_eq!(found.is_empty(), found.names().is_empty());
        (found.names().iter().map(Subject::to_string).collect(), found.told())
    }

    #[test]
    fn a_feature_of_other_sql_is_accepted_by_its_name() {
        let (names, told) = skew(Vec::new(), &["days_since_last_order"], Some(&["days_since_last_order"]));
        assert_eq!(names, ["skew:days_since_last_order"]);
        assert_eq!(told, "days_since_last_order is defined by other SQL");
    }

    #[test]
    fn a_variable_answers_for_what_it_alone_changes() {
        let active_days = || vec![variable("active_days", Some("60"), &["status"])];
        let (names, told) = skew(active_days(), &["orders_7d", "status"], Some(&["orders_7d"]));
        assert_eq!(names, ["skew:active_days", "skew:orders_7d"]);
        let expected = "variable active_days was 365 and is 60 (changes status); orders_7d is defined by other SQL";
        assert_eq!(told, expected);
        let (names, _) = skew(active_days(), &["orders_7d", "status"], None);
        assert_eq!(names, ["skew:active_days", "skew:orders_7d", "skew:status"], "nobody knows what it explains");
        let (names, _) = skew(active_days(), &["orders_7d", "status"], Some(&[]));
        assert_eq!(names, ["skew:active_days", "skew:orders_7d"], "no variable explains it");
    }

    #[test]
    fn a_variable_that_changes_no_column_is_passed_over_but_the_horizon() {
        let (names, _) = skew(vec![variable("margin_rate", Some("0.2"), &[])], &[], Some(&[]));
        assert!(names.is_empty());
        let (names, told) = skew(vec![variable("horizon_days", Some("60"), &[])], &[], Some(&[]));
        assert_eq!((names, told.as_str()), (texts(&["skew:horizon_days"]), "variable horizon_days was 365 and is 60"));
    }

    #[test]
    fn a_source_in_another_time_zone_is_said_once() {
        let change = |table: &str, before: &str| ZoneChange {
            table: table.into(),
            before: before.into(),
            now: "Europe/Paris".into(),
        };
        let changes = vec![
            change("crm.cases", "UTC"),
            change("shop.orders", "UTC"),
            change("shop.visits", "UTC"),
            change("shop.z", "Asia/Tokyo"),
        ];
        let sources = by_source(changes);
        let of: Vec<_> = sources.iter().map(|(source, changes)| (source.as_str(), changes.len())).collect();
        assert_eq!(of, [("crm", 1), ("shop", 1), ("shop", 2)]);
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        let shop = || vec![Cause::zone("shop", &sources[2].1, texts(&many))];
        let (names, told) = skew(shop(), &many, Some(&[]));
        assert_eq!(names, ["skew:time_zone.shop"]);
        assert_eq!(
            told,
            "the time_zone of source shop (orders, visits) was UTC and is Europe/Paris (changes a, b, c, d, e and 2 more)"
        );
        let unread = vec![Cause::zone("crm", &sources[0].1, Vec::new())];
        assert!(skew(unread, &[], Some(&[])).0.is_empty(), "a zone of what no feature reads");
    }

    #[test]
    fn many_columns_of_a_variable_are_counted() {
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        let (names, told) = skew(vec![variable("active_days", None, &many)], &many, Some(&[]));
        assert_eq!(names, ["skew:active_days"]);
        assert_eq!(told, "variable active_days was 365 and is gone (changes a, b, c, d, e and 2 more)");
    }
}
