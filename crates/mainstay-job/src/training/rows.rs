//! The rows of a training: features as of each cut beside what the label says of the days after it, gathered cut by cut within the memory
//! limit.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::common::{Column, JoinType};
use datafusion::prelude::{DataFrame, Expr, cast, ident, lit};
use futures::TryStreamExt;
use mainstay_config::TrainingJob;
use mainstay_run::{Run, StepProgress};
use mainstay_schema::{Ds, column};
use mainstay_sql::{ModelInputs, Moment};
use mainstay_train::{TrainingRows, TrainingSet, TrainingSetBuilder, gathered_bytes};

use crate::daily::features::feature_names;
use crate::details::{MemoryHeld, SampledCustomers};
use crate::inputs::sources::PinnedDay;
use crate::sql_work;
use crate::training::cuts::CutPlan;
use crate::training::memory::TrainingMemory;

/// The rows of all cuts.
pub(crate) struct Gathered {
    pub(crate) training: TrainingSet,
    pub(crate) test: TrainingSet,
    /// Of each learnt cut, ascending, its rows and those of them who churned.
    pub(crate) by_cut: Vec<(Ds, usize, usize)>,
    /// The draw of customers, where the job asks for one.
    pub(crate) sample: Option<SampledCustomers>,
    /// What is held, where it is limited.
    pub(crate) memory: Option<MemoryHeld>,
    /// Keeps what is held from the plans that follow.
    pub(crate) _reserved: TrainingMemory,
}

/// Gathers the rows, the test cut first: its columns say what a value takes, so that what cannot be held is refused before the others are
/// computed.
pub(crate) async fn gather(
    run: &Run<'_>,
    day: &PinnedDay,
    job: &TrainingJob,
    plan: &CutPlan,
    step: &StepProgress,
) -> Result<Gathered> {
    let cuts = Cuts { run, day, job, horizon_days: plan.horizon_days };
    let mut memory = TrainingMemory::of(run, job);
    let learnt: Vec<Ds> = plan.learnt().collect();
    let counted = match memory.is_limited() {
        true => cuts.count(learnt.iter().chain([&plan.test])).await?,
        false => BTreeMap::new(),
    };
    let names = cuts.feature_names(plan.test).await?;
    memory.refuse_test_cut(plan, &counted, names.len())?;
    step.advance(0, Some(learnt.len() as u64 + 1), "cuts");
    let mut test = TrainingSetBuilder::new(names.clone());
    let rows = cuts.collect(plan.test, &names, counted.get(&plan.test).copied(), &mut memory).await?;
    test.push(rows).with_context(|| format!("the rows of the test cut, {}", plan.test))?;
    memory.reserve(test.bytes())?;
    memory.refuse_all(plan, &counted, names.len(), &test)?;
    let mut training = TrainingSetBuilder::new(names.clone());
    let mut by_cut = Vec::with_capacity(learnt.len());
    for (position, cut) in learnt.iter().enumerate() {
        step.advance(position as u64 + 1, Some(learnt.len() as u64 + 1), "cuts");
        memory.reserve(test.bytes() + training.bytes())?;
        let rows = cuts.collect(*cut, &names, counted.get(cut).copied(), &mut memory).await?;
        by_cut.push((*cut, rows.labels.len(), rows.labels.iter().filter(|churned| **churned).count()));
        training.push(rows).with_context(|| format!("the training rows of {cut}"))?;
    }
    memory.reserve(test.bytes() + training.bytes())?;
    let sample = match job.sample_customers {
        Some(share) => Some(SampledCustomers { share, eligible_at_test_cut: cuts.eligible(plan.test).await? }),
        None => None,
    };
    Ok(Gathered {
        training: training.finish().context("the training rows")?,
        test: test.finish().context("the rows of the test cut")?,
        by_cut,
        sample,
        memory: memory.figures(),
        _reserved: memory,
    })
}

/// The rows of past days, as the job asks for them.
struct Cuts<'a> {
    run: &'a Run<'a>,
    day: &'a PinnedDay,
    job: &'a TrainingJob,
    horizon_days: u32,
}

impl Cuts<'_> {
    fn moment(&self, cut: Ds) -> Result<Moment> {
        let moment = Moment::of_cut(cut, self.horizon_days, &self.run.open.project.time_zone())?;
        Ok(moment.with_labels_known_before(self.run.as_of))
    }

    /// A model at a cut. Its plan is not kept: there are many cuts, each a moment of its own.
    async fn model(&self, name: &str, cut: Ds) -> Result<DataFrame> {
        let inputs = ModelInputs { planned: None, ..self.day.model_inputs() };
        Ok(self.day.sql.model(&self.run.open.session, inputs, name, &self.moment(cut)?).await?)
    }

    /// The label of everybody who is eligible at a cut.
    async fn all_labels(&self, cut: Ds) -> Result<DataFrame> {
        self.model(&self.job.label, cut).await
    }

    /// The same of the customers that the job draws: those whose hash lies below the share, at every cut the same.
    async fn labels(&self, cut: Ds) -> Result<DataFrame> {
        let labels = self.all_labels(cut).await?;
        let Some(share) = self.job.sample_customers else { return Ok(labels) };
        let state = self.run.open.session.state();
        let hash = state.scalar_functions().get("uniform_hash").cloned().context("there is no uniform_hash")?;
        let salt = format!("{} sample {}", self.job.name, self.job.seed);
        let draw = hash.call(vec![lit(salt), cast(ident(column::CUSTOMER_ID), DataType::Utf8)]);
        Ok(labels.filter(draw.lt(lit(share)))?)
    }

    async fn eligible(&self, cut: Ds) -> Result<u64> {
        Ok(self.all_labels(cut).await?.count().await? as u64)
    }

    /// How many rows each cut will have.
    async fn count(&self, cuts: impl Iterator<Item = &Ds>) -> Result<BTreeMap<Ds, usize>> {
        let mut counted = BTreeMap::new();
        for cut in cuts {
            counted.insert(*cut, self.labels(*cut).await?.count().await?);
        }
        Ok(counted)
    }

    async fn features(&self, cut: Ds) -> Result<DataFrame> {
        self.model(&self.job.features, cut).await
    }

    async fn feature_names(&self, cut: Ds) -> Result<Vec<String>> {
        let names = feature_names(&self.job.features, &self.features(cut).await?)?;
        if names.iter().any(|name| name == column::CHURNED) {
            bail!(
                "model {} has a column {churned}, as its label {} has: leave it out, or give it a name of its own, as in `{churned} as \
                 {churned}_before`",
                self.job.features,
                self.job.label,
                churned = column::CHURNED
            );
        }
        Ok(names)
    }

    /// The eligible customers of a cut with their features and label, in any order; `expected` of them.
    async fn collect(
        &self,
        cut: Ds,
        names: &[String],
        expected: Option<usize>,
        memory: &mut TrainingMemory,
    ) -> Result<TrainingRows> {
        let features = self.features(cut).await?.alias("features")?;
        let labels = self.labels(cut).await?.alias("labels")?;
        // Both may have columns of one name.
        let of = |side: &str, name: &str| Expr::Column(Column::new(Some(side), name));
        let mut columns = vec![
            cast(of("labels", column::CUSTOMER_ID), DataType::Utf8).alias(column::CUSTOMER_ID),
            cast(of("labels", column::CHURNED), DataType::Int64).alias(column::CHURNED),
        ];
        columns.extend(names.iter().map(|name| cast(of("features", name), DataType::Float64).alias(name)));
        let key = [column::CUSTOMER_ID];
        let rows = labels.join(features, JoinType::Inner, &key, &key, None)?.select(columns)?;
        let over = ([self.job.features.as_str(), &self.job.label], [self.moment(cut)?]);
        let collected = read(rows, empty(names, expected.unwrap_or(0)), cut, memory);
        let collected = sql_work::compute(self.run, self.day, (&over.0, &over.1), collected).await;
        let mut collected = collected.with_context(|| format!("cannot collect the training rows of {cut}"))?;
        if collected.keys.len() != collected.labels.len() {
            bail!("the label of cut {cut} has a row without a customer_id");
        }
        collected.cuts = vec![cut; collected.keys.len()];
        Ok(collected)
    }
}

/// The rows of a cut behind those that are there, without their cut; what they take is taken from what their plan may have.
async fn read(rows: DataFrame, mut into: TrainingRows, cut: Ds, memory: &mut TrainingMemory) -> Result<TrainingRows> {
    let kept = memory.bytes();
    let mut stream = rows.execute_stream().await?;
    while let Some(batch) = stream.try_next().await? {
        append(&mut into, &batch, cut)?;
        memory.reserve(kept + gathered_bytes(into.keys.len(), into.feature_names.len()))?;
    }
    Ok(into)
}

fn empty(names: &[String], rows: usize) -> TrainingRows {
    TrainingRows {
        feature_names: names.to_vec(),
        columns: names.iter().map(|_| Vec::with_capacity(rows)).collect(),
        labels: Vec::with_capacity(rows),
        keys: Vec::with_capacity(rows),
        cuts: Vec::new(),
    }
}

fn append(rows: &mut TrainingRows, batch: &RecordBatch, cut: Ds) -> Result<()> {
    rows.keys.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
    for churned in batch.column(1).as_primitive::<Int64Type>() {
        rows.labels.push(match churned {
            Some(0) => false,
            Some(1) => true,
            other => bail!("the label of cut {cut} must be 0 or 1, found {other:?}"),
        });
    }
    for (values, array) in rows.columns.iter_mut().zip(batch.columns().iter().skip(2)) {
        values.extend(array.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN)));
    }
    Ok(())
}
