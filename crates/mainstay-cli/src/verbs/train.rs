//! `mainstay train`: a Parquet file of anyone's becomes a model and a report.

mod text;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Result, bail};
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_job::progress::{Progress, Step};
use mainstay_schema::{AlgorithmKind, Ds};
use mainstay_standalone::model;
use mainstay_standalone::train::{LearnerKind, Monotone, TrainRequest, train_file};

use crate::flags::GlobalArguments;
use crate::output_files::{Named, check_outputs, create};
use crate::progress::observer;
use crate::standard_output::write;

/// Candidates of a search over all kinds.
const AUTO_CANDIDATES: u16 = 24;

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    /// The Parquet file: a row for each past decision, with features and what happened.
    #[arg(long)]
    input: PathBuf,
    /// The column of what happened: 1 or 0, true or false, yes or no; otherwise see --positive.
    #[arg(long)]
    label: String,
    /// The value of the label that stands for churn.
    #[arg(long)]
    positive: Option<String>,
    /// The kind of model; auto searches all of them.
    #[arg(long, value_parser = algorithm_kind(), default_value = "boosted_trees")]
    kind: AlgorithmKind,
    /// The model to write.
    #[arg(long)]
    output: PathBuf,
    /// Write the report beside it, as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
    /// The column of the day of the decision: the newest rows are judged on, and nothing is chosen by later rows. Needs --label-days.
    #[arg(long)]
    time_column: Option<String>,
    /// Days after the decision in which the label comes about; 0 where it is known on that day.
    #[arg(long, requires = "time_column")]
    label_days: Option<u32>,
    /// The column that names the customer, whose rows stay together.
    #[arg(long)]
    key: Option<String>,
    /// A Parquet file of the same columns to judge on; by default a part of the input is set aside.
    #[arg(long)]
    test: Option<PathBuf>,
    /// Columns that are no features, separated by commas.
    #[arg(long, value_delimiter = ',')]
    exclude: Vec<String>,
    /// Columns that hold categories, though they look like numbers.
    #[arg(long, value_delimiter = ',')]
    categories: Vec<String>,
    /// Features with which the risk may only rise.
    #[arg(long, value_delimiter = ',')]
    increasing: Vec<String>,
    /// Features with which the risk may only fall.
    #[arg(long, value_delimiter = ',')]
    decreasing: Vec<String>,
    /// Columns by whose values figures are reported; those of categories by default.
    #[arg(long, value_delimiter = ',')]
    segments: Vec<String>,
    /// A feature that is shown alone beside the model; the strongest by default.
    #[arg(long)]
    baseline: Option<String>,
    /// A model of ours to compare with on the same rows.
    #[arg(long)]
    champion: Option<PathBuf>,
    /// Candidates of the search; 1 takes the usual parameters. 24 by default of auto, else 1.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=200))]
    candidates: Option<u16>,
    /// The same seed gives the same model.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads; as many as the machine runs by default. Changes no result.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Replace the output and the report if they exist.
    #[arg(long)]
    force: bool,
}

/// The names of [`AlgorithmKind`], which jobs have too; `boosted` is what earlier releases called boosted trees here.
fn algorithm_kind() -> impl TypedValueParser<Value = AlgorithmKind> {
    let shown = |kind: AlgorithmKind| PossibleValue::new(kind.as_str()).help(kind.described());
    let values = AlgorithmKind::ALL.map(|kind| match kind {
        AlgorithmKind::BoostedTrees => shown(kind).alias("boosted"),
        _ => shown(kind),
    });
    PossibleValuesParser::new(values).map(|name| AlgorithmKind::named(&name).unwrap_or(AlgorithmKind::BoostedTrees))
}

impl TrainArguments {
    /// Asks for what no default may stand for.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.time_column.is_some() && self.label_days.is_none() {
            return Err(
                "--time-column needs --label-days: the days after a decision in which its label comes about. Without them rows would be \
                 learnt from whose label came about after the rows that are judged on were decided; --label-days 0 says that labels are \
                 known on the day of the decision",
            );
        }
        Ok(())
    }
}

/// Trains.
pub(crate) fn execute(global: &GlobalArguments, arguments: &TrainArguments) -> Result<ExitCode> {
    // Said before an hour of training, not after it.
    check_files(arguments)?;
    let request = request(arguments)?;
    let progress = Progress::new(observer(global));
    let step = progress.start(Step::Train);
    let trained = train_file(&request, &mut |at| step.advance(at.done, Some(at.total), at.unit))?;
    let report = &trained.report;
    step.finish(text::summary(report));
    report.warnings.iter().for_each(|warning| progress.warn(warning.clone()));
    create(&arguments.output, &trained.model.to_file()?, arguments.force)?;
    if let Some(path) = &arguments.report {
        create(path, (serde_json::to_string_pretty(report)? + "\n").as_bytes(), arguments.force)?;
    }
    write(global, report, || text::text(report, &arguments.output))?;
    Ok(ExitCode::SUCCESS)
}

fn check_files(arguments: &TrainArguments) -> Result<()> {
    let mut outputs: Vec<Named<'_>> = vec![("--output", &arguments.output)];
    outputs.extend(arguments.report.as_deref().map(|path| ("--report", path)));
    let mut inputs: Vec<Named<'_>> = vec![("--input", &arguments.input)];
    inputs.extend(arguments.test.as_deref().map(|path| ("--test", path)));
    inputs.extend(arguments.champion.as_deref().map(|path| ("--champion", path)));
    check_outputs(&outputs, &inputs, arguments.force)
}

fn request(arguments: &TrainArguments) -> Result<TrainRequest> {
    let (kinds, usual_candidates) = match arguments.kind.only() {
        Some(kind) => (vec![kind], 1),
        None => (LearnerKind::ALL.to_vec(), AUTO_CANDIDATES),
    };
    let rising = arguments.increasing.iter().map(|name| (name.clone(), Monotone::Increasing));
    let falling = arguments.decreasing.iter().map(|name| (name.clone(), Monotone::Decreasing));
    let monotone: BTreeMap<String, Monotone> = rising.chain(falling).collect();
    if let Some(both) = arguments.increasing.iter().find(|name| arguments.decreasing.contains(name)) {
        bail!("`{both}` is in --increasing and in --decreasing: keep it in one of them");
    }
    Ok(TrainRequest {
        input: arguments.input.clone(),
        test: arguments.test.clone(),
        label: arguments.label.clone(),
        positive: arguments.positive.clone(),
        key: arguments.key.clone(),
        time_column: arguments.time_column.clone(),
        label_days: arguments.label_days.unwrap_or(0),
        today: Ds::of(Timestamp::now(), &TimeZone::UTC),
        exclude: arguments.exclude.clone(),
        categories: arguments.categories.clone(),
        monotone,
        kinds,
        candidates: usize::from(arguments.candidates.unwrap_or(usual_candidates)),
        baseline: arguments.baseline.clone(),
        segments: arguments.segments.clone(),
        champion: arguments.champion.as_deref().map(model::read).transpose()?,
        seed: arguments.seed,
        threads: arguments.threads.unwrap_or_else(|| thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use mainstay_schema::AlgorithmKind;

    use crate::command_line::Arguments;
    use crate::verbs::Verb;

    fn check(flags: &[&str]) -> Result<(), &'static str> {
        let train = ["mainstay", "train", "--input", "x.parquet", "--label", "churned", "--output", "m.json"];
        Arguments::try_parse_from([&train, flags].concat()).unwrap().verb.check()
    }

    #[test]
    fn kinds_of_model_are_called_as_in_jobs() {
        let kind = |flags: &[&str]| {
            let train = ["mainstay", "train", "--input", "x.parquet", "--label", "churned", "--output", "m.json"];
            match Arguments::try_parse_from(train.iter().chain(flags)).map_err(|error| error.to_string())?.verb {
                Verb::Train(train) => Ok(train.kind),
                _ => Err("another command".to_owned()),
            }
        };
        for known in AlgorithmKind::ALL {
            assert_eq!(kind(&["--kind", known.as_str()]), Ok(known));
        }
        assert_eq!(kind(&["--kind", "boosted"]), Ok(AlgorithmKind::BoostedTrees));
        assert_eq!(kind(&[]), Ok(AlgorithmKind::BoostedTrees));
        let refused = kind(&["--kind", "random_forest"]).unwrap_err();
        assert!(refused.contains("[possible values: boosted_trees, forest, tree, logistic, auto]"), "{refused}");
    }

    #[test]
    fn days_of_the_label_are_asked_for_where_rows_are_split_by_time() {
        let message = check(&["--time-column", "day"]).unwrap_err();
        assert!(message.starts_with("--time-column needs --label-days: the days after a decision"), "{message}");
        assert!(message.contains("--label-days 0 says that labels are known on the day"), "{message}");
        assert_eq!(check(&["--time-column", "day", "--label-days", "0"]), Ok(()));
        assert_eq!(check(&["--time-column", "day", "--label-days", "60"]), Ok(()));
        assert_eq!(check(&[]), Ok(()));
    }
}
