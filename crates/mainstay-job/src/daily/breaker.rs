//! The circuit breaker of a daily run: what the day is, held against the days before and against training, ahead of the money.

mod published;
mod refusal;

use std::collections::BTreeMap;

use anyhow::Result;
use mainstay_config::{CircuitBreaker, DailyJob, Policy, SourceTable, TrainingJob, policy_changes, source};
use mainstay_monitor::{
    Acceptance, Accepted, Before, Check, Customers, DayFigures, FeatureProfiles, IdsByCase, Measure, Plan,
    RefusedFigures, TableDays, TableFigures, TrainingFigures, Verdict, judge_features, judge_history, judge_ids,
    judge_plan, judge_population, judge_refused, judge_risk, judge_set_aside, judge_table, judge_value, refused_since,
};
use mainstay_run::Run;
use mainstay_schema::{Cents, Ds};
use mainstay_table::run_record;

use crate::daily::breaker::published::{Published, refused_rows};
use crate::daily::score::ScoredFigures;
use crate::details::{ModelUsed, Population, TrainingRun, VersionFacts};
use crate::inputs::sources::PinnedDay;
use crate::inputs::unmatched_suppression::suppression_tables;

/// What was judged of a run's day so far.
pub(crate) struct Watch {
    job: DailyJob,
    ds: Ds,
    acceptance: Option<Acceptance>,
    published: Published,
    /// What is known of the model's training.
    training: Option<TrainingFigures>,
    sources: Vec<TableFigures>,
    features: FeatureProfiles,
    refused: Option<Vec<RefusedFigures>>,
    /// What the scored customers are like, and how many ids are written in more than one way.
    scored: ScoredFigures,
    ids_by_case: u64,
    /// Variables of the value that are other ones than on the last published day.
    changed_variables: Vec<String>,
    measures: Vec<Measure>,
    /// A source rested for the week, as declared: what follows from it is not held against the days before.
    has_rested: bool,
}

impl Watch {
    /// Reads what the days before this one were. A name to accept that nothing can have is refused.
    pub(crate) async fn begin(run: &Run<'_>, job: &DailyJob) -> Result<Self> {
        let names = tables(run).map(|(name, _)| name);
        refusal::check_tables(run.acceptance.as_ref(), names)?;
        Ok(Self {
            job: job.clone(),
            ds: run.ds,
            acceptance: run.acceptance.clone(),
            published: Published::before(run).await?,
            training: None,
            sources: Vec::new(),
            features: FeatureProfiles::default(),
            refused: None,
            scored: ScoredFigures::default(),
            ids_by_case: 0,
            changed_variables: Vec::new(),
            measures: Vec::new(),
            has_rested: false,
        })
    }

    /// What the policy says that it did not say on the last published day, a line a key. Warns where it says anything else.
    pub(crate) async fn compare_policy(&self, run: &Run<'_>, policy: &Policy, text: &str) -> Result<Vec<String>> {
        let Some(last) = self.published.last.as_ref().filter(|last| last.policy != policy.digest()) else {
            return Ok(Vec::new());
        };
        let before = match &last.policy_file {
            Some(kept) => run.open.lake.get(&kept.file).await?,
            None => None,
        };
        let before = before.map(|before| String::from_utf8_lossy(&before).into_owned());
        let changes = before.map(|before| policy_changes(&before, text)).unwrap_or_default();
        let what = if changes.is_empty() { String::new() } else { format!(": {}", changes.join("; ")) };
        run.open.progress.warn(format!("the policy {} is another one than on {}{what}", self.job.policy, last.ds));
        Ok(changes)
    }

    /// Warns of variables that the SQL of the value reads and that are other ones than on the last published day.
    pub(crate) fn compare_variables(&mut self, run: &Run<'_>, day: &PinnedDay) -> Result<()> {
        self.changed_variables = self.published.changed_variables(&day.variables_of(&self.job.value)?);
        if let (false, Some(last)) = (self.changed_variables.is_empty(), self.published.last_day()) {
            let changed = self.changed_variables.join("; ");
            run.open.progress.warn(format!("the value of a customer has other variables than on {last}: {changed}"));
        }
        Ok(())
    }

    /// Judges rows, silence, amounts, history and refused rows of the source tables.
    pub(crate) async fn judge_sources(&mut self, run: &Run<'_>, day: &PinnedDay) -> Result<()> {
        let limits = &self.job.circuit_breaker;
        let today = SourcesOfDay::judge(run, day, limits).await?;
        let forbidding = suppression_tables(run, day, &self.job)?;
        let history = day.pin.tables.iter().filter_map(|now| {
            let (ds, rows) = self.published.rows_in_files(&now.table)?;
            Some(judge_history(&now.table, now.rows, (rows, ds), forbidding.contains(&now.table), limits))
        });
        self.measures.extend(today.measures.into_iter().chain(history));
        (self.sources, self.has_rested) = (today.figures, today.has_rested);
        self.refused = self.refused_since(day, &today.volumes);
        let recent = self.published.recent(self.ds);
        let refused = self.refused.iter().flatten().filter_map(|table| judge_refused(table, &recent, limits));
        self.measures.extend(refused.collect::<Vec<_>>());
        Ok(())
    }

    /// What is refused of each table and was not on the last published day; of tables with any alone.
    fn refused_since(&self, day: &PinnedDay, volumes: &[TableDays]) -> Option<Vec<RefusedFigures>> {
        self.published.last_day()?;
        let of_table = day.pin.tables.iter().filter_map(|now| {
            let (before, rows_before) = self.published.rows_in_files(&now.table)?;
            let days = volumes.iter().find(|days| days.table == now.table);
            let refused = refused_rows(&day.quarantined, &now.table);
            let refused_before = self.published.refused_rows(&now.table);
            let now = (now.table.as_str(), refused, now.rows);
            Some(refused_since((before, refused_before, rows_before), self.ds, days, now))
        });
        Some(of_table.filter(|table| table.refused > 0).collect())
    }

    /// Refuses to train a first model on sources beyond their limits: it outlives the day.
    pub(crate) async fn refuse_training(&self, run: &Run<'_>) -> Result<()> {
        match run.open.registry.resolve(&self.job.model, &self.job.alias).await? {
            Some(_) => Ok(()),
            None => self.refuse(),
        }
    }

    /// Takes the figures that the training of the model has left; none where an earlier release trained it.
    pub(crate) async fn know_training(&mut self, run: &Run<'_>, model: &ModelUsed) -> Result<()> {
        let version = run.open.registry.version(&model.name, &model.version).await?;
        self.training = VersionFacts::of(&version).judged.figures;
        Ok(())
    }

    /// Judges features, population, risk and value, and refuses to go on where anything of the day lies beyond its limits that nobody has
    /// accepted.
    pub(crate) fn judge_customers(
        &mut self,
        features: &FeatureProfiles,
        ids_by_case: &IdsByCase,
        population: &Population,
        scored: ScoredFigures,
        model: &ModelUsed,
    ) -> Result<()> {
        refusal::check_features(self.acceptance.as_ref(), features)?;
        let recent = self.published.recent(self.ds);
        let (limits, training) = (&self.job.circuit_breaker, self.training.as_ref());
        let profiles: Vec<(Ds, &FeatureProfiles)> =
            recent.iter().filter_map(|day| Some((day.ds, &day.figures.as_ref()?.features))).collect();
        let profile = training.map(|training| &training.profile);
        let customers = Customers { known: population.known, scored: population.scored };
        let mut measures = judge_features(features, &profiles, profile, limits);
        if self.has_rested {
            measures.retain(|measure| !matches!(measure.check, Check::Constant | Check::Size));
        }
        measures.extend(judge_population(customers, &recent, training, limits));
        measures.extend(judge_ids(ids_by_case, &recent));
        measures.extend(judge_risk(&scored.risk, population.scored, &model.digest, &recent, training, limits));
        measures.extend(judge_value(&scored.value, population.scored, &recent, &self.changed_variables, limits));
        self.measures.extend(measures);
        (self.features, self.scored, self.ids_by_case) = (features.clone(), scored, ids_by_case.count);
        self.refuse()
    }

    /// Refuses a plan beyond its limits: asked between the decision and the reservation of its money.
    pub(crate) fn refuse_plan(&self, treated: u64, spent: Cents) -> Result<()> {
        let measures = self.of_plan(Plan { treated, spent });
        self.refuse_for(&measures)
    }

    /// What the record of the day keeps; says what was accepted and what stands accepted.
    pub(crate) fn figures(mut self, run: &Run<'_>, treated: u64, spent: Cents) -> DayFigures {
        self.measures.extend(self.of_plan(Plan { treated, spent }));
        let Verdict { accepted, standing, .. } = self.verdict(&self.measures);
        refusal::say(run, self.acceptance.as_ref(), &accepted, &standing);
        DayFigures {
            limits: self.job.circuit_breaker,
            sources: self.sources,
            features: self.features,
            risk: self.scored.risk,
            value: Some(self.scored.value),
            ids_by_case: Some(self.ids_by_case),
            refused: self.refused,
            nearest: nearest(self.measures),
            accepted,
            standing,
        }
    }

    /// The failure of a step, behind what the sources have shown, from which it may follow.
    pub(crate) fn explain<T>(&self, step: Result<T>) -> Result<T> {
        step.map_err(|error| match self.refuse() {
            Ok(()) => error,
            Err(refusal) => error.context(refusal.to_string()),
        })
    }

    fn refuse(&self) -> Result<()> {
        self.refuse_for(&self.measures)
    }

    fn refuse_for(&self, measures: &[Measure]) -> Result<()> {
        let stops = self.verdict(measures).stops;
        refusal::refuse(&self.job.name, self.ds, "any money is reserved", &stops, self.acceptance.as_ref())
    }

    fn verdict(&self, measures: &[Measure]) -> Verdict {
        Verdict::of(self.ds, measures, &self.published.accepted(), self.acceptance.as_ref())
    }

    fn of_plan(&self, plan: Plan) -> Vec<Measure> {
        let before: Vec<&Before> = self.published.days.iter().collect();
        judge_plan(&plan, &before, &self.job.circuit_breaker)
    }
}

/// Refuses to train on sources beyond their limits, as a model outlives the day; gives what was accepted, or stands accepted since the last
/// training. There are no days on record to hold the history against.
pub(crate) async fn refuse_sources(run: &Run<'_>, day: &PinnedDay, job: &TrainingJob) -> Result<Vec<Accepted>> {
    let acceptance = run.acceptance.as_ref();
    refusal::check_tables(acceptance, tables(run).map(|(name, _)| name))?;
    let SourcesOfDay { measures, .. } = SourcesOfDay::judge(run, day, &job.circuit_breaker).await?;
    let last = run_record::published_days(&run.open.lake, &run.series, |day| day < run.ds).await?.pop();
    let earlier = last.and_then(|record| TrainingRun::of(&record).ok()).map(|training| training.accepted);
    let Verdict { stops, mut accepted, standing } =
        Verdict::of(run.ds, &measures, &earlier.unwrap_or_default(), acceptance);
    refusal::refuse(&job.name, run.ds, "it learns from them", &stops, acceptance)?;
    refusal::say(run, acceptance, &accepted, &standing);
    accepted.extend(standing);
    Ok(accepted)
}

/// What the source tables show of a day by themselves, whatever the days on record were.
struct SourcesOfDay {
    volumes: Vec<TableDays>,
    figures: Vec<TableFigures>,
    measures: Vec<Measure>,
    /// A source rested for the week, as declared.
    has_rested: bool,
}

impl SourcesOfDay {
    /// Judges rows, silence, amounts and files that were set aside.
    async fn judge(run: &Run<'_>, day: &PinnedDay, limits: &CircuitBreaker) -> Result<Self> {
        let volumes = day.volumes(run).await?;
        let mut sources = Self { volumes: Vec::new(), figures: Vec::new(), measures: Vec::new(), has_rested: false };
        for (name, declared) in tables(run) {
            let Some(days) = volumes.iter().find(|days| days.table == name) else { continue };
            let (figures, measures) = judge_table(run.ds, days, &declared.volume, limits);
            sources.has_rested |= days.rested_before(run.ds, &declared.volume);
            sources.figures.push(figures);
            sources.measures.extend(measures);
        }
        for now in day.pin.tables.iter().filter(|now| !now.set_aside.is_empty()) {
            let lost = (now.rows_set_aside, now.set_aside.len());
            sources.measures.push(judge_set_aside(&now.table, now.rows, lost, limits));
        }
        sources.volumes = volumes;
        Ok(sources)
    }
}

/// The declared tables by their names.
fn tables<'a>(run: &Run<'a>) -> impl Iterator<Item = (String, &'a SourceTable)> {
    source::tables(&run.open.project.config().sources)
}

/// The measure of each check that came nearest to its limit.
fn nearest(measures: Vec<Measure>) -> Vec<Measure> {
    let mut by_check: BTreeMap<Check, Measure> = BTreeMap::new();
    for measure in measures {
        if by_check.get(&measure.check).is_none_or(|other| measure.strain > other.strain) {
            by_check.insert(measure.check, measure);
        }
    }
    by_check.into_values().collect()
}
