//! Groups of customers whose figures are told apart.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::prelude::{cast, ident};
use mainstay_config::TrainingJob;
use mainstay_config::training::Segments as Settings;
use mainstay_run::Run;
use mainstay_schema::column;
use mainstay_sql::Moment;
use mainstay_train::{SegmentFigures, Segmentation, Trained, TrainingSet};

use crate::inputs::sources::PinnedDay;
use crate::sql_work;
use crate::training::cuts::CutPlan;

/// What the names of these columns begin with among the rows of a training.
pub(crate) const PREFIX: &str = "segment_";

/// The groups of the customers of a test cut, in the order of its rows: a column for each way to part them.
#[derive(Debug, Default)]
pub(crate) struct Segments(Vec<Segmentation>);

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
        let column = |(position, name): (usize, &&String)| Segmentation {
            column: (*name).clone(),
            groups: test.keys().map(|key| group(key, position)).collect(),
        };
        Ok(Self(present.iter().enumerate().map(column).collect()))
    }

    /// The columns for the rows of the test cut.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (String, ArrayRef)> {
        self.0.iter().map(|Segmentation { column, groups }| {
            let groups: ArrayRef = Arc::new(groups.iter().map(Option::as_deref).collect::<StringArray>());
            (format!("{PREFIX}{column}"), groups)
        })
    }

    #[cfg(test)]
    pub(crate) fn of<const N: usize>(groups: [(&str, Vec<Option<String>>); N]) -> Self {
        Self(groups.map(|(name, groups)| Segmentation { column: name.to_owned(), groups }).to_vec())
    }

    /// How a model does on each group of the test cut.
    pub(crate) fn judged(&self, trained: &Trained) -> Vec<SegmentFigures> {
        let probabilities = trained.test_probabilities();
        self.0.iter().flat_map(|by| by.figures(&probabilities, trained.test.labels())).collect()
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
