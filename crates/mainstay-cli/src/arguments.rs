//! The command line: verbs, flags and what they mean.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use mainstay_job::StatedInstant;
use mainstay_monitor::Subject;
use mainstay_schema::date::ParseDsError;
use mainstay_schema::{AlgorithmKind, Ds};

/// Customer retention as a daily batch job: who is at risk, why, and what to do about it within the budget.
#[derive(Debug, Parser)]
#[command(name = "mainstay", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

impl Arguments {
    /// The arguments of the process; ends it where they are wrong.
    pub(crate) fn of_process() -> Self {
        let arguments = Self::parse();
        match arguments.check() {
            Ok(()) => arguments,
            Err(wrong) => Self::command().error(ErrorKind::MissingRequiredArgument, wrong).exit(),
        }
    }

    /// Asks for what no default may stand for.
    fn check(&self) -> Result<(), &'static str> {
        match &self.verb {
            Verb::Train(train) if train.time_column.is_some() && train.label_days.is_none() => Err(
                "--time-column needs --label-days: the days after a decision in which its label comes about. Without them rows would be \
                 learnt from whose label came about after the rows that are judged on were decided; --label-days 0 says that labels are \
                 known on the day of the decision",
            ),
            _ => Ok(()),
        }
    }
}

/// Flags that every verb takes.
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// Folder of the project, with its mainstay.yml.
    #[arg(long, global = true, default_value = ".", env = "MAINSTAY_PROJECT_DIR")]
    pub(crate) project_dir: PathBuf,
    /// Target of mainstay.yml to use instead of its default_target.
    #[arg(long, global = true)]
    pub(crate) target: Option<String>,
    /// Variables that win over those of mainstay.yml, as YAML: 'data: /srv/data, active_days: 180'.
    #[arg(long, global = true, default_value = "")]
    pub(crate) vars: String,
    /// How results are written.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output_format: Output,
    /// How progress and logs are written, on standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// No progress, only results, warnings and errors.
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
    /// No colours and no moving bars.
    #[arg(long, global = true, env = "NO_COLOR", value_parser = clap::builder::FalseyValueParser::new())]
    pub(crate) no_color: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Tables for people.
    Text,
    /// One JSON document for programs.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Bars on a terminal, plain lines otherwise.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a job for one day.
    Run(RunArguments),
    /// Run a job for every day of a range, in order; days that are done are left alone.
    Backfill(BackfillArguments),
    /// When a job runs next by its `schedule:`, or the files that make systemd or cron run it.
    Schedule(ScheduleArguments),
    /// Show what was published.
    #[command(subcommand)]
    Show(Shown),
    /// Check published days (files, population, suppression, offers, plan, reasons, budget, privacy), or a plan of `mainstay allocate`.
    Verify(VerifyArguments),
    /// Generate the data of a simulated retailer.
    #[cfg(feature = "simulator")]
    Generate(GenerateArguments),
    /// Registered models: versions, history, cards. Files of models of any origin: bring in, look at, hand on.
    #[command(subcommand)]
    Model(ModelVerb),
    /// Point an alias to a version of a model, if its gates have passed and it is not worse than what is there.
    Promote(PromoteArguments),
    /// Take back the newest change of an alias.
    Rollback(RollbackArguments),
    /// Two versions of a model beside one another, on the same rows.
    Compare(CompareArguments),
    /// What the tables of a source hold, and what looks wrong with them: a findings file beside mainstay.yml.
    ImportProfile(ImportProfileArguments),
    /// Train a model on the rows of a Parquet file, and judge it on rows that it has not seen; needs no project.
    Train(Box<TrainArguments>),
    /// Choose one offer a customer under a budget and rules, with a proof of how near the optimum it is; needs no project.
    Allocate(AllocateArguments),
    /// Add scores, and on request reasons and contributions, to the rows of a Parquet file; needs no project.
    Score(ScoreArguments),
}

/// Flags of one execution, none of which changes its result.
#[derive(Debug, Args)]
pub(crate) struct ExecutionArguments {
    /// Partitions that plans run in parallel; as many as the machine runs threads by default.
    #[arg(long, alias = "threads", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) partitions: Option<u16>,
    /// Rows of a batch.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_size: Option<u32>,
    /// Megabytes that plans may hold before they spill to disk; no limit by default.
    #[arg(long, value_parser = clap::value_parser!(u32).range(64..))]
    pub(crate) memory_limit_mb: Option<u32>,
}

/// What would stop a run, and shall not.
#[derive(Debug, Args)]
pub(crate) struct AcceptanceArguments {
    /// Go on although this would stop the run, as its message names it; may be given again for another. Needs --why.
    #[arg(long = "accept", value_name = "NAME", requires = "why")]
    pub(crate) accepted: Vec<Subject>,
    /// Why what is accepted is right as it is; stands in the record of the day.
    #[arg(long, value_name = "TEXT", requires = "accepted", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) why: Option<String>,
    /// Who accepts it; stands in the record. $MAINSTAY_BY, else $USER by default.
    #[arg(long, env = "MAINSTAY_BY")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Name of the job: jobs/<JOB>.yml.
    pub(crate) job: String,
    /// The day to decide for, or `today` of the project's time zone; sees what was known before its midnight. The day after the newest
    /// data by default.
    #[arg(long)]
    pub(crate) date: Option<RunDate>,
    /// Run a finished day again and replace what it published.
    #[arg(long)]
    pub(crate) force: bool,
    /// Exit code where the day is done already: 99 tells Airflow to skip.
    #[arg(long, default_value_t = 0)]
    pub(crate) done_exit_code: u8,
    #[command(flatten)]
    pub(crate) acceptance: AcceptanceArguments,
    #[command(flatten)]
    pub(crate) suppression: SuppressionArguments,
    #[command(flatten)]
    pub(crate) execution: ExecutionArguments,
}

/// The day of a run as it may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunDate {
    /// The day that it is in the project's time zone.
    Today,
    /// This one.
    Day(Ds),
}

impl FromStr for RunDate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "today" => Ok(Self::Today),
            day => day.parse().map(Self::Day).map_err(|error: ParseDsError| format!("{error}, or today")),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ScheduleArguments {
    /// Name of the job: jobs/<JOB>.yml.
    pub(crate) job: String,
    /// What to write.
    #[arg(long, value_enum, default_value_t = ScheduleFormat::Text)]
    pub(crate) format: ScheduleFormat,
    /// Write the files there, such as /etc/systemd/system, instead of showing them.
    #[arg(long)]
    pub(crate) output_dir: Option<PathBuf>,
    /// Path of the command on the machine that runs the job; this one by default.
    #[arg(long)]
    pub(crate) command: Option<PathBuf>,
    /// Folder of the project on the machine that runs the job; that of this project by default.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,
    /// Account that runs the service.
    #[arg(long, default_value = "mainstay")]
    pub(crate) user: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScheduleFormat {
    /// The next runs, for people.
    Text,
    /// A service and a timer of systemd.
    Systemd,
    /// A crontab.
    Cron,
}

/// What rehearsals over past days state.
#[derive(Debug, Args)]
pub(crate) struct SuppressionArguments {
    /// For rehearsals over past days: consents, cases and contacts count as of this instant (2026-01-31T04:00:00Z, or 04:00 for
    /// that time of each day in the project's time zone). By default all count that are there when the run pins its sources.
    #[arg(long, value_name = "INSTANT")]
    pub(crate) suppression_as_of: Option<StatedInstant>,
}

#[derive(Debug, Args)]
pub(crate) struct BackfillArguments {
    /// Name of the job: jobs/<JOB>.yml.
    pub(crate) job: String,
    /// First day.
    #[arg(long)]
    pub(crate) from: Ds,
    /// Last day, included.
    #[arg(long)]
    pub(crate) to: Ds,
    #[command(flatten)]
    pub(crate) acceptance: AcceptanceArguments,
    #[command(flatten)]
    pub(crate) suppression: SuppressionArguments,
    #[command(flatten)]
    pub(crate) execution: ExecutionArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Shown {
    /// The risk table of a day: segments, and the customers with the most revenue at risk.
    Risk(ShowArguments),
    /// The allocation of a day: interventions, spend, certificate, budget of the month.
    Allocation(ShowArguments),
    /// The run record of a day: inputs, model, gates, digests, timings.
    Run(ShowArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The job that published; the project's daily job by default.
    #[arg(long)]
    pub(crate) job: Option<String>,
    /// The day; the newest published one by default.
    #[arg(long)]
    pub(crate) date: Option<Ds>,
    /// Only this customer.
    #[arg(long)]
    pub(crate) customer: Option<String>,
    /// How many customers to list.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(..=100_000_000))]
    pub(crate) top: u32,
}

/// Either published days of a job, or the three files of a plan that stands alone.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The job that published; the project's daily job by default.
    pub(crate) job: Option<String>,
    /// The day; every published day by default.
    #[arg(long)]
    pub(crate) date: Option<Ds>,
    /// Let a check fail that cannot be made, as its source files, SQL or policy are no longer those of the run.
    #[arg(long, conflicts_with = "certificate")]
    pub(crate) strict: bool,
    /// The certificate of a plan of `mainstay allocate`; with --offers and --plan, without a job.
    #[arg(long, requires_all = ["offers", "plan"], conflicts_with_all = ["job", "date"])]
    pub(crate) certificate: Option<PathBuf>,
    /// The offers that the plan was made from.
    #[arg(long, requires = "certificate")]
    pub(crate) offers: Option<PathBuf>,
    /// The plan.
    #[arg(long, requires = "certificate")]
    pub(crate) plan: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AllocateArguments {
    /// Parquet file of offers: customer_id, offer, channel, value_cents, cost_cents, columns of groups, and blocked_by if there is one.
    #[arg(long)]
    pub(crate) offers: PathBuf,
    /// The policy, YAML: `budget_cents: 5000000` is enough, `rules:` says what else must be kept.
    #[arg(long)]
    pub(crate) policy: PathBuf,
    /// The plan to write, Parquet: one row a customer.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// The certificate to write, JSON.
    #[arg(long)]
    pub(crate) certificate: PathBuf,
    /// Replace the outputs if they exist.
    #[arg(long)]
    pub(crate) force: bool,
}

#[cfg(feature = "simulator")]
#[derive(Debug, Args)]
pub(crate) struct GenerateArguments {
    /// Folder to fill; must be empty or hold the same data already.
    #[arg(long, default_value = "data")]
    pub(crate) output_dir: PathBuf,
    /// Customers that ever sign up.
    #[arg(long, default_value_t = 2000)]
    pub(crate) customers: u32,
    /// First day.
    #[arg(long, default_value = "2024-01-01")]
    pub(crate) start: Ds,
    /// Number of days.
    #[arg(long, default_value_t = 730)]
    pub(crate) days: u32,
    /// The same seed gives the same bytes.
    #[arg(long, default_value_t = 42)]
    pub(crate) seed: u64,
    /// Which tables to write.
    #[arg(long, value_enum, default_value_t = Profile::Full)]
    pub(crate) profile: Profile,
}

#[cfg(feature = "simulator")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// All tables of the reference project, and the truth beside them.
    Full,
    /// Customers, orders and order lines only, for tests of scale.
    Orders,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelVerb {
    /// The registered models and their versions.
    List(ListModelsArguments),
    /// Who pointed which alias to which version, when and why.
    History(HistoryArguments),
    /// What people should know of a version before they use it, as Markdown.
    Card(CardArguments),
    /// Turn a model file of XGBoost, LightGBM or ONNX into one of ours; needs no project.
    Import(ImportArguments),
    /// What a model file is made of and which features it splits on most; needs no project.
    Show(ShowModelArguments),
    /// Write a model of ours as a file that other programs read; needs no project.
    Export(ExportArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ListModelsArguments {
    /// Only this registered model.
    pub(crate) model: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// The registered model; the only one by default.
    pub(crate) model: Option<String>,
    /// Only this alias.
    #[arg(long)]
    pub(crate) alias: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CardArguments {
    /// The registered model; the only one by default.
    pub(crate) model: Option<String>,
    /// The version, by its number or an alias.
    #[arg(default_value = "champion")]
    pub(crate) version: String,
}

/// Who changes an alias, and why.
#[derive(Debug, Args)]
pub(crate) struct AuthorArguments {
    /// Who does it; stands in the history. $MAINSTAY_BY, else $USER by default.
    #[arg(long, env = "MAINSTAY_BY")]
    pub(crate) by: Option<String>,
    /// Why; stands in the history.
    #[arg(long)]
    pub(crate) why: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PromoteArguments {
    /// The registered model.
    pub(crate) model: String,
    /// The version, by its number or an alias such as challenger.
    pub(crate) version: String,
    /// The alias that shall point to it.
    #[arg(long, default_value = "champion")]
    pub(crate) alias: String,
    /// Promote although this gate failed; may be given again for another. Needs --why.
    #[arg(long = "override", value_name = "GATE")]
    pub(crate) overrides: Vec<String>,
    #[command(flatten)]
    pub(crate) author: AuthorArguments,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    /// The registered model.
    pub(crate) model: String,
    /// The alias that shall point again to the version before.
    #[arg(long, default_value = "champion")]
    pub(crate) alias: String,
    #[command(flatten)]
    pub(crate) author: AuthorArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// The version that is there, by its number or an alias.
    #[arg(default_value = "champion")]
    pub(crate) current: String,
    /// The version that might take its place, by its number or an alias.
    #[arg(default_value = "challenger")]
    pub(crate) candidate: String,
    /// The registered model; the only one by default.
    #[arg(long)]
    pub(crate) model: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportProfileArguments {
    /// A source of mainstay.yml, or one of its tables: retailer, retailer.orders.
    pub(crate) source: String,
    /// The day before which values should lie; today by default.
    #[arg(long)]
    pub(crate) date: Option<Ds>,
    /// The findings file; profiles/<SOURCE>.yml beside mainstay.yml by default. `-` writes none.
    #[arg(long)]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) execution: ExecutionArguments,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// What wrote the file.
    #[arg(long, value_enum)]
    pub(crate) format: ModelFormat,
    /// The file: XGBoost's JSON or UBJSON, LightGBM's text, or ONNX.
    pub(crate) file: PathBuf,
    /// The model to write.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// Names of the features in the model's order, separated by commas; those of the file by default.
    #[arg(long, value_delimiter = ',')]
    pub(crate) features: Option<Vec<String>>,
    /// Replace the output if it exists.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelFormat {
    /// JSON or UBJSON of `Booster.save_model`.
    Xgboost,
    /// Text of `Booster.save_model`.
    Lightgbm,
    /// TreeEnsembleClassifier or TreeEnsembleRegressor.
    Onnx,
}

#[derive(Debug, Args)]
pub(crate) struct ShowModelArguments {
    /// The model.
    pub(crate) model: PathBuf,
    /// How many features to list.
    #[arg(long, default_value_t = 20)]
    pub(crate) top: usize,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// What shall read the file.
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,
    /// The model.
    pub(crate) model: PathBuf,
    /// The file to write.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// Replace the output if it exists.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Scores in single precision; without covers, so that what is read back cannot be explained.
    Onnx,
}

#[derive(Debug, Args)]
pub(crate) struct ScoreArguments {
    /// The model, as `mainstay model import` writes it.
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// The Parquet file whose rows are scored; has the model's features among its columns.
    #[arg(long)]
    pub(crate) input: PathBuf,
    /// The Parquet file to write: the input's columns and the added ones.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// Add this many columns, at most 4, `reason_1`, `reason_2`, ...: what raises the score most, in words.
    #[arg(long, value_name = "K", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=4))]
    pub(crate) reasons: u8,
    /// Add `contribution_<feature>` of every feature and `contribution_bias`, which sum to the raw score.
    #[arg(long)]
    pub(crate) contributions: bool,
    /// Replace the output if it exists.
    #[arg(long)]
    pub(crate) force: bool,
    /// Threads that score; as many as the machine runs by default. Changes no result.
    #[arg(long)]
    pub(crate) threads: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    /// The Parquet file: a row for each past decision, with features and what happened.
    #[arg(long)]
    pub(crate) input: PathBuf,
    /// The column of what happened: 1 or 0, true or false, yes or no; otherwise see --positive.
    #[arg(long)]
    pub(crate) label: String,
    /// The value of the label that stands for churn.
    #[arg(long)]
    pub(crate) positive: Option<String>,
    /// The kind of model; auto searches all of them.
    #[arg(long, value_parser = algorithm_kind(), default_value = "boosted_trees")]
    pub(crate) kind: AlgorithmKind,
    /// The model to write.
    #[arg(long)]
    pub(crate) output: PathBuf,
    /// Write the report beside it, as JSON.
    #[arg(long)]
    pub(crate) report: Option<PathBuf>,
    /// The column of the day of the decision: the newest rows are judged on, and nothing is chosen by later rows. Needs --label-days.
    #[arg(long)]
    pub(crate) time_column: Option<String>,
    /// Days after the decision in which the label comes about; 0 where it is known on that day.
    #[arg(long, requires = "time_column")]
    pub(crate) label_days: Option<u32>,
    /// The column that names the customer, whose rows stay together.
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// A Parquet file of the same columns to judge on; by default a part of the input is set aside.
    #[arg(long)]
    pub(crate) test: Option<PathBuf>,
    /// Columns that are no features, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub(crate) exclude: Vec<String>,
    /// Columns that hold categories, though they look like numbers.
    #[arg(long, value_delimiter = ',')]
    pub(crate) categories: Vec<String>,
    /// Features with which the risk may only rise.
    #[arg(long, value_delimiter = ',')]
    pub(crate) increasing: Vec<String>,
    /// Features with which the risk may only fall.
    #[arg(long, value_delimiter = ',')]
    pub(crate) decreasing: Vec<String>,
    /// Columns by whose values figures are told; those of categories by default.
    #[arg(long, value_delimiter = ',')]
    pub(crate) segments: Vec<String>,
    /// A feature that is shown alone beside the model; the strongest by default.
    #[arg(long)]
    pub(crate) baseline: Option<String>,
    /// A model of ours to compare with on the same rows.
    #[arg(long)]
    pub(crate) champion: Option<PathBuf>,
    /// Candidates of the search; 1 takes the usual parameters. 24 by default of auto, else 1.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) candidates: Option<u16>,
    /// The same seed gives the same model.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads; as many as the machine runs by default. Changes no result.
    #[arg(long)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Replace the output and the report if they exist.
    #[arg(long)]
    pub(crate) force: bool,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(flags: &[&str]) -> Result<(), &'static str> {
        let train = ["mainstay", "train", "--input", "x.parquet", "--label", "churned", "--output", "m.json"];
        Arguments::try_parse_from([&train, flags].concat()).unwrap().check()
    }

    /// README.md and the pages of docs/guide, each with its name.
    fn pages() -> Vec<(String, String)> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let guide = std::fs::read_dir(root.join("docs/guide")).unwrap();
        let mut files: Vec<PathBuf> = guide.map(|entry| entry.unwrap().path()).collect();
        files.push(root.join("README.md"));
        files.sort();
        files.iter().map(|file| (file.display().to_string(), std::fs::read_to_string(file).unwrap())).collect()
    }

    /// The commands in the `sh` blocks of a page, without comments, a continued line as one.
    fn commands(page: &str) -> Vec<String> {
        let page = page.replace("\\\n", " ");
        let blocks = page.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned());
        let lines = blocks.flat_map(|block| block.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>());
        let of_ours = |line: String| {
            let command = line.strip_prefix("cargo run -- ").or_else(|| line.strip_prefix("mainstay "))?;
            Some(command.to_owned())
        };
        lines.filter_map(of_ours).collect()
    }

    #[test]
    fn every_command_of_the_readme_and_the_guide_is_one() {
        let pages = pages();
        let count: usize = pages.iter().map(|(_, page)| commands(page).len()).sum();
        assert!(pages.len() > 10 && count > 40, "{count} commands on {} pages", pages.len());
        for (name, page) in &pages {
            for command in commands(page) {
                let words = shlex::split(&command).unwrap();
                let parsed = Arguments::try_parse_from(std::iter::once("mainstay".to_owned()).chain(words));
                parsed.unwrap_or_else(|error| panic!("{name}: {command}: {error}")).check().unwrap();
            }
        }
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
    fn days_of_the_label_are_asked_for_where_rows_are_parted_by_time() {
        let message = check(&["--time-column", "day"]).unwrap_err();
        assert!(message.starts_with("--time-column needs --label-days: the days after a decision"), "{message}");
        assert!(message.contains("--label-days 0 says that labels are known on the day"), "{message}");
        assert_eq!(check(&["--time-column", "day", "--label-days", "0"]), Ok(()));
        assert_eq!(check(&["--time-column", "day", "--label-days", "60"]), Ok(()));
        assert_eq!(check(&[]), Ok(()));
    }
}
