//! The reference project as a database that a script fills and asks.
//!
//! Beside SQL it knows three statements: `reset` begins anew; `set <name> = <value>` chooses the day (`as_of`), the instant at which
//! its sources were pinned (`suppression_as_of`; then models are seen as what decides on contact), the `time_zone` or a variable of
//! the project; `drop table <source table>` takes the files of a source table away.
//! `insert into` fills the source tables that the project declares. A query sees every model of the project by its name,
//! as of the day, and the refused rows as `quarantine`. `$model` stands for the digest of a model with two features.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::datasource::MemTable;
use datafusion::prelude::{Expr, SessionConfig, SessionContext, lit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_config::{Project, SourceTable, VarOverrides};
use mainstay_functions::ModelCache;
use mainstay_model::{Calibration, Condition, Ensemble, EnsembleParts, Feature, Link, Missing, Node, Tree};
use mainstay_schema::Ds;
use mainstay_schema::digest::Digest;
use mainstay_session::SessionSettings;
use mainstay_sql::{Moment, Sources, SqlProject, arrow_type};
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;

use crate::harness::root;

pub(super) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What a column holds where an `insert` does not name it; all other columns are null then. Rows are known at once.
const DEFAULTS: [(&str, &str); 2] = [("loaded_at", "2000-01-01T00:00:00"), ("is_return", "false")];

/// The day of a script that chooses none.
const DAY: &str = "2024-06-01";

/// Few rows a batch and several partitions, so that small tables already meet their edges.
const SETTINGS: SessionSettings = SessionSettings { partitions: 3, batch_size: 2, memory_limit_bytes: None };

/// What a query gave: a letter a column for its type, and a line a row.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) types: String,
    pub(super) rows: Vec<String>,
}

/// The reference project over rows that a script states.
pub(super) struct Database {
    /// Where the stated rows are gathered.
    stated: SessionContext,
    /// Where queries run, as every run of Mainstay does.
    session: SessionContext,
    model: Digest,
    ds: Ds,
    suppression_as_of: Option<Timestamp>,
    labels_known_before: Option<Timestamp>,
    time_zone: TimeZone,
    vars: BTreeMap<String, String>,
    folder: TempDir,
    revision: u32,
    opened: Option<Opened>,
}

/// The project over the files of one revision of the stated rows.
struct Opened {
    project: Project,
    sql: SqlProject,
    sources: Sources,
}

impl Database {
    pub(super) async fn new() -> Result<Self> {
        let models = ModelCache::new(|digest| Box::pin(async move { Err(format!("no model {digest}").into()) }));
        let ensemble = small_model()?;
        let model = ensemble.digest();
        models.insert(model, ensemble);
        let mut database = Self {
            stated: SessionContext::new(),
            session: mainstay_session::build(&SETTINGS, &models)?,
            model,
            ds: DAY.parse()?,
            suppression_as_of: None,
            labels_known_before: None,
            time_zone: TimeZone::UTC,
            vars: BTreeMap::new(),
            folder: TempDir::new()?,
            revision: 0,
            opened: None,
        };
        database.reset()?;
        Ok(database)
    }

    /// Runs a statement that gives no rows.
    pub(super) async fn execute(&mut self, statement: &str) -> Result<()> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            ["reset"] => self.reset(),
            ["set", name, "=", value] => self.set(name, value.trim_matches('\'')),
            ["drop", "table", name] => {
                self.stated.deregister_table(*name)?.ok_or_else(|| format!("no source table `{name}`"))?;
                self.opened = None;
                Ok(())
            }
            ["insert", ..] => {
                self.stated.sql(statement).await?.collect().await?;
                self.opened = None;
                Ok(())
            }
            _ => Err(format!("`{statement}` is none of reset, set, drop table, insert into").into()),
        }
    }

    /// Runs a query over the models that it names.
    pub(super) async fn query(&mut self, sql: &str) -> Result<Answer> {
        let sql = sql.replace("$model", &self.model.to_string());
        let named = self.named_tables(&sql)?;
        if !named.is_empty() {
            self.open().await?;
        }
        let registered = self.register(&named).await?;
        let answer = run(&self.session, &sql).await;
        for name in registered {
            self.session.deregister_table(name)?;
        }
        answer
    }

    fn reset(&mut self) -> Result<()> {
        let config = SessionConfig::new().set_bool("datafusion.sql_parser.parse_float_as_decimal", true);
        self.stated = SessionContext::new_with_config(config);
        self.ds = DAY.parse()?;
        self.suppression_as_of = None;
        self.labels_known_before = None;
        self.time_zone = TimeZone::UTC;
        self.vars.clear();
        self.opened = None;
        for table in source_tables(&self.project()?) {
            let empty = MemTable::try_new(schema(table), vec![vec![]])?.with_column_defaults(defaults(table));
            self.stated.register_table(&table.name, Arc::new(empty))?;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "as_of" => self.ds = value.parse()?,
            "suppression_as_of" => self.suppression_as_of = Some(value.parse()?),
            "labels_known_before" => self.labels_known_before = Some(value.parse()?),
            "time_zone" => self.time_zone = TimeZone::get(value)?,
            _ => {
                self.vars.insert(name.to_owned(), value.to_owned());
                self.opened = None;
            }
        }
        Ok(())
    }

    fn project(&self) -> Result<Project> {
        let mut vars = format!("data: {}", self.data().display());
        self.vars.iter().for_each(|(name, value)| vars.push_str(&format!(", {name}: {value}")));
        Ok(Project::load(&root(), &VarOverrides::parse(&vars)?, None)?)
    }

    /// A folder of its own for every revision: no cache of the session may hold what stood there before.
    fn data(&self) -> PathBuf {
        self.folder.path().join(self.revision.to_string())
    }

    fn named_tables(&self, sql: &str) -> Result<Vec<String>> {
        let state = self.session.state();
        let dialect = state.config_options().sql_parser.dialect;
        let statement = state.sql_to_statement(sql, &dialect)?;
        let references = state.resolve_table_references(&statement)?;
        Ok(references.iter().map(|reference| reference.table().to_owned()).collect())
    }

    /// Writes the stated rows as Parquet and opens them as a run does.
    async fn open(&mut self) -> Result<()> {
        if self.opened.is_some() {
            return Ok(());
        }
        self.revision += 1;
        let project = self.project()?;
        for table in source_tables(&project) {
            if self.stated.table_exist(&*table.name)? {
                let rows = self.stated.table(&*table.name).await?.collect().await?;
                write_rows(&PathBuf::from(&table.path), schema(table), &rows)?;
            }
        }
        let pinned = mainstay_sql::pin(&self.session, &project.config().sources).await?;
        let sources = Sources::open(&project, &pinned)?.refuse_conflicts(&self.session, |_, _| ()).await?;
        let sql = SqlProject::load(&self.session, &project).await?;
        self.opened = Some(Opened { project, sql, sources });
        Ok(())
    }

    async fn register(&self, named: &[String]) -> Result<Vec<String>> {
        let Some(opened) = &self.opened else { return Ok(Vec::new()) };
        let horizon_days = opened.project.variables().get("horizon_days")?.to_string().parse()?;
        let moment = match self.suppression_as_of {
            None => {
                let cut = Moment::of_cut(self.ds, horizon_days, &self.time_zone)?;
                self.labels_known_before.map_or(cut, |instant| cut.with_labels_known_before(instant))
            }
            Some(suppression_as_of) => Moment::of_suppression(self.ds.as_of(&self.time_zone)?, suppression_as_of),
        };
        let mut registered = Vec::new();
        for name in named {
            if name == "quarantine" {
                let refused = opened.sources.quarantine(&self.session, moment.as_of).await?;
                self.session.register_table(name, Arc::new(MemTable::try_new(quarantine_schema(), vec![refused])?))?;
            } else if opened.sql.find(name).is_ok() {
                let rows = opened.sql.model(&self.session, &opened.sources, name, &moment).await?;
                self.session.register_table(name, rows.into_view())?;
            } else {
                continue;
            }
            registered.push(name.clone());
        }
        Ok(registered)
    }
}

fn source_tables(project: &Project) -> impl Iterator<Item = &SourceTable> {
    project.config().sources.iter().flat_map(|source| &source.tables)
}

/// The declared columns. All may be null: what breaks the contract is to be stated too.
fn schema(table: &SourceTable) -> SchemaRef {
    let fields = table.columns.iter().map(|column| Field::new(&column.name, arrow_type(column.column_type), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn defaults(table: &SourceTable) -> HashMap<String, Expr> {
    let present = DEFAULTS.iter().filter(|(name, _)| table.column(name).is_some());
    present.map(|(name, value)| ((*name).to_owned(), lit(*value))).collect()
}

fn quarantine_schema() -> SchemaRef {
    let text = |name| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(vec![text("source"), text("reason"), text("row")]))
}

fn write_rows(folder: &PathBuf, schema: SchemaRef, rows: &[RecordBatch]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut writer = ArrowWriter::try_new(File::create(folder.join("part.parquet"))?, schema, None)?;
    for batch in rows {
        writer.write(batch)?;
    }
    writer.close()?;
    Ok(())
}

async fn run(session: &SessionContext, sql: &str) -> Result<Answer> {
    let frame = session.sql(sql).await?;
    let types = frame.schema().fields().iter().map(|field| type_letter(field.data_type())).collect();
    let batches = frame.collect().await?;
    let mut rows = Vec::new();
    for batch in &batches {
        rows.extend(batch_rows(batch)?);
    }
    Ok(Answer { types, rows })
}

fn type_letter(data_type: &DataType) -> char {
    match data_type {
        DataType::Boolean => 'B',
        DataType::Date32 => 'D',
        DataType::Timestamp(..) => 'P',
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => 'T',
        found if found.is_integer() => 'I',
        found if found.is_numeric() => 'R',
        _ => '?',
    }
}

fn batch_rows(batch: &RecordBatch) -> Result<Vec<String>> {
    let options = FormatOptions::default().with_null("NULL").with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));
    let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
    let cell = |column: &ArrayFormatter<'_>, row| match column.value(row).to_string() {
        empty if empty.is_empty() => "(empty)".to_owned(),
        text => text,
    };
    let line = |row| columns.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(" ");
    Ok((0..batch.num_rows()).map(line).collect())
}

/// Raw score 0.25, plus 1 where the first feature is 1 or more and less 1 where it is below or missing, less 0.5 where the
/// second is 10 or more or missing and plus 0.5 where it is below.
fn small_model() -> Result<Ensemble> {
    let stump = |feature, threshold, default_left, left, right| {
        let leaf = |value| Node::Leaf { value, cover: 10.0 };
        let split = Node::Split {
            feature,
            condition: Condition::Below(threshold),
            missing: Missing::Nan,
            default_left,
            left: 1,
            right: 2,
            cover: 20.0,
        };
        Tree::new(&[split, leaf(left), leaf(right)])
    };
    let feature = |name: &str| Feature { reason: Some(format!("{name} of {{value}}")), ..Feature::new(name) };
    Ok(Ensemble::new(EnsembleParts {
        features: vec![feature("a"), feature("b")],
        trees: vec![stump(0, 1.0, true, -1.0, 1.0)?, stump(1, 10.0, false, 0.5, -0.5)?],
        bias: 0.25,
        link: Link::Logistic,
        calibration: Calibration::Platt { a: 1.0, b: 0.0 },
    })?)
}
