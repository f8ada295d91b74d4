//! Groups of customers whose figures are told apart.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::prelude::{cast, ident};
use mainstay_config::TrainingJob;
use mainstay_config::training::Segments as Settings;
use mainstay_schema::column;
use mainstay_sql::Moment;
use mainstay_train::delong::auc_interval;
use mainstay_train::evaluate::evaluate;
use mainstay_train::judgement::LEAST_SEGMENT_ROWS;
use mainstay_train::{Trained, TrainingSet};

use crate::details::SegmentFigures;
use crate::inputs::sources::PinnedDay;
use crate::run::Run;
use crate::sql_work;
use crate::training::cuts::CutPlan;

/// The group of whom nothing is known.
const NOT_KNOWN: &str = "not known";

/// What the names of these columns begin with among the rows of a training.
pub(crate) const PREFIX: &str = "segment_";

/// The groups of the customers of a test cut, in the order of its rows: a column for each way to part them.
#[derive(Debug, Default)]
pub(crate) struct Segments(Vec<(String, Vec<Option<String>>)>);

impl Segments {
    /// The groups that the job tells apart, as they were known at the test cut; none where it tells none apart.
    pub(crate) async fn at_test_cut(
        run: &Run<'_>,
        day: &PinnedDay,
        job: &TrainingJob,
        plan: &CutPlan,
        test: &TrainingSet,
    ) -> Result<Self> {
        let Some(settings) = &job.segments else { return Ok(Self::default()) };
        refuse_personal(run, day, job, settings).await?;
        let moment = Moment::of_day(plan.test, &run.open.project.time_zone())?;
        let rows = day.model(&run.open.session, &settings.model, &moment).await?;
        let (present, absent): (Vec<&String>, Vec<&String>) =
            settings.columns.iter().partition(|name| rows.schema().field_with_unqualified_name(name).is_ok());
        // A project that takes the job over from another may know less of its customers.
        for name in absent {
            let model = &settings.model;
            run.open
                .progress
                .warn(format!("model {model} has no column {name}: {} tells no groups apart by it", job.name));
        }
        let mut columns = vec![cast(ident(column::CUSTOMER_ID), DataType::Utf8)];
        columns.extend(present.iter().map(|name| cast(ident(name.as_str()), DataType::Utf8)));
        let named = || format!("cannot part the customers by segments of {}", job.name);
        let batches = async { rows.select(columns).with_context(named)?.collect().await.with_context(named) };
        let batches = sql_work::compute(run, day, (&[&settings.model], &[moment]), batches).await?;
        let mut groups_of: HashMap<String, Vec<Option<String>>> = HashMap::new();
        for batch in &batches {
            let mut texts: Vec<_> = batch.columns().iter().map(|column| column.as_string::<i32>().iter()).collect();
            while let Some(values) = texts.iter_mut().map(Iterator::next).collect::<Option<Vec<_>>>() {
                if let [Some(customer), groups @ ..] = values.as_slice() {
                    let groups = groups.iter().map(|group| group.map(str::to_owned)).collect();
                    groups_of.insert((*customer).to_owned(), groups);
                }
            }
        }
        let group = |key: &str, position: usize| groups_of.get(key)?.get(position)?.clone();
        let column = |(position, name): (usize, &&String)| {
            ((*name).clone(), test.keys().map(|key| group(key, position)).collect())
        };
        Ok(Self(present.iter().enumerate().map(column).collect()))
    }

    /// The columns for the rows of the test cut.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (String, ArrayRef)> {
        self.0.iter().map(|(name, groups)| {
            let groups: ArrayRef = Arc::new(groups.iter().map(Option::as_deref).collect::<StringArray>());
            (format!("{PREFIX}{name}"), groups)
        })
    }

    #[cfg(test)]
    pub(crate) fn of<const N: usize>(groups: [(&str, Vec<Option<String>>); N]) -> Self {
        Self(groups.map(|(name, groups)| (name.to_owned(), groups)).to_vec())
    }

    /// How a model does on each group of the test cut.
    pub(crate) fn judged(&self, trained: &Trained) -> Vec<SegmentFigures> {
        let labels = trained.test.labels();
        let probabilities = trained.test_probabilities();
        let figures = |by: &String, group: &str, rows: &[usize]| {
            // A group of one outcome has no ranking to judge.
            let (probabilities, labels) = (select(&probabilities, rows), select(labels, rows));
            let evaluation = evaluate(&probabilities, &labels).ok()?;
            let auc_interval = auc_interval(&probabilities, &labels);
            Some(SegmentFigures { by: by.clone(), group: group.to_owned(), evaluation, auc_interval })
        };
        let judged = self.0.iter().flat_map(|(by, groups)| {
            let by_group = rows_by_group(groups);
            by_group.into_iter().filter_map(|(group, rows)| figures(by, group, &rows)).collect::<Vec<_>>()
        });
        judged.collect()
    }
}

/// No personal column may stand behind a group, whatever it is called in SQL.
async fn refuse_personal(run: &Run<'_>, day: &PinnedDay, job: &TrainingJob, settings: &Settings) -> Result<()> {
    let Settings { model, columns } = settings;
    match day.sql.personal_column_behind(&run.open.session, model, columns).await? {
        Some(personal) => bail!(
            "segments of {} read the personal column {} of {}: figures are told of groups, not of persons; leave it out",
            job.name,
            personal.column,
            personal.table
        ),
        None => Ok(()),
    }
}

/// The rows of each group in the order of their names, those of too few customers left out. None where all are of one group.
pub(crate) fn rows_by_group(groups: &[Option<String>]) -> Vec<(&str, Vec<usize>)> {
    let mut rows_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        rows_of.entry(group.as_deref().unwrap_or(NOT_KNOWN)).or_default().push(row);
    }
    if rows_of.len() < 2 {
        return Vec::new();
    }
    rows_of.into_iter().filter(|(_, rows)| rows.len() >= LEAST_SEGMENT_ROWS).collect()
}

/// The values of some rows.
pub(crate) fn select<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().filter_map(|row| values.get(*row)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_too_few_customers_are_left_out() {
        let group = |row: usize| match row {
            0..40 => Some("north".to_owned()),
            40..60 => Some("south".to_owned()),
            _ => None,
        };
        let groups: Vec<Option<String>> = (0..100).map(group).collect();
        let listed: Vec<_> =
            rows_by_group(&groups).into_iter().map(|(group, rows)| (group, rows.len(), rows[0])).collect();
        assert_eq!(listed, [("north", 40, 0), ("not known", 40, 60)]);
    }

    #[test]
    fn one_group_of_all_is_left_out() {
        assert!(rows_by_group(&vec![None; 100]).is_empty());
    }
}
