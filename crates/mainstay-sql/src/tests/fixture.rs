//! A project in a temporary folder, with one source `shop`.

use std::fs;
use std::path::{Path, PathBuf};

use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use mainstay_config::{Project, VarOverrides};
use tempfile::TempDir;

use crate::{FeatureError, Moment, PinnedSources, Sources, SqlProject, pin};

const MAINSTAY_YML: &str = "
name: tiny
time_zone: UTC
currency: USD
consent_default: allow
default_target: local
targets: {local: {path: lake}}
vars: {active_days: 365}
sources:
  - name: shop
    path: data
    tables:
      - name: orders
        path: orders
        event_time: ordered_at
        known_at: loaded_at
        key: [order_id]
        freshness: {warn_after_hours: 36, error_after_hours: 72}
        columns:
          - {name: order_id, type: text, nullable: false}
          - {name: email, type: text, personal: true}
          - {name: gender, type: text, protected: true}
          - {name: ordered_at, type: timestamp, nullable: false}
          - {name: loaded_at, type: timestamp}
          - {name: net_amount, type: money, nullable: false, minimum: 0}
          - {name: Weight kg, type: double}
";

/// Options of plans and aggregates as the session crate sets them.
pub(crate) fn context() -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(2)
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .set_bool("datafusion.execution.parquet.pushdown_filters", false)
        .set_bool("datafusion.execution.parquet.enable_page_index", false);
    let context = SessionContext::new_with_config(config);
    mainstay_functions::aggregate_functions()
        .into_iter()
        .for_each(|function| context.register_udaf(function.as_ref().clone()));
    context
}

pub(crate) struct Fixture {
    pub(crate) ctx: SessionContext,
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let fixture = Self { ctx: context(), folder: TempDir::new().unwrap() };
        fixture.write("mainstay.yml", MAINSTAY_YML);
        fs::create_dir_all(fixture.path("sql/staging")).unwrap();
        fixture
    }

    /// With the staging model that most tests build on.
    pub(crate) fn with_staging() -> Self {
        let fixture = Self::new();
        fixture.write("sql/staging/stg_orders.sql", "select * from {{ source('shop', 'orders') }}\n");
        fixture
    }

    /// With the staging model and more tables in the source, given as in `mainstay.yml`.
    pub(crate) fn with_tables(tables: &str) -> Self {
        let fixture = Self::with_staging();
        fixture.write("mainstay.yml", format!("{MAINSTAY_YML}{}", tables.trim_start_matches('\n')));
        fixture
    }

    /// Replaces `from` by `to` in `mainstay.yml`; `from` must be there.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("mainstay.yml")).unwrap();
        assert!(text.contains(from), "no `{from}`");
        self.write("mainstay.yml", text.replacen(from, to, 1));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes a file of orders; `values` are rows of order_id, ordered_at, loaded_at, net_amount.
    pub(crate) async fn write_orders(&self, file: &str, values: &str) {
        let sql = format!(
            "select cast(column1 as varchar) as order_id, 'a@b.c' as email, 'f' as gender,
                arrow_cast(column2, 'Timestamp(Microsecond, None)') as ordered_at,
                arrow_cast(column3, 'Timestamp(Nanosecond, Some(\"UTC\"))') as loaded_at,
                cast(column4 as decimal(12, 2)) as net_amount, cast(1.5 as float) as \"Weight kg\"
             from (values {values})"
        );
        self.write_query(&format!("data/orders/{file}"), &sql).await;
    }

    pub(crate) async fn write_query(&self, name: &str, sql: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_parquet(&self.ctx, &path, sql).await;
    }

    pub(crate) fn project(&self) -> Project {
        Project::load(self.folder.path(), &VarOverrides::default(), None).unwrap()
    }

    pub(crate) async fn pin(&self) -> Result<PinnedSources, FeatureError> {
        pin(&self.ctx, &self.project().config().sources).await
    }

    pub(crate) async fn sources(&self) -> Sources {
        let sources = Sources::open(&self.project(), &self.pin().await.unwrap()).unwrap();
        sources.refuse_conflicts(&self.ctx, |_, _| ()).await.unwrap()
    }

    pub(crate) async fn load(&self) -> Result<SqlProject, FeatureError> {
        SqlProject::load(&self.ctx, &self.project()).await
    }

    /// What is refused as of a moment, sorted, as `source | reason` lines.
    pub(crate) async fn refused(&self, moment: &Moment) -> Vec<String> {
        let refused = self.sources().await.quarantine(&self.ctx, moment.as_of).await.unwrap();
        match refused.is_empty() {
            true => Vec::new(),
            false => {
                let rows = self.ctx.read_batches(refused).unwrap();
                lines(rows.select_columns(&["source", "reason"]).unwrap()).await
            }
        }
    }

    /// The message with the temporary folder left out.
    pub(crate) fn message(&self, error: &FeatureError) -> String {
        let folder = self.folder.path().canonicalize().unwrap();
        let message = error.to_string().replace(&format!("{}/", folder.display()), "");
        message.replace(&format!("{}/", self.folder.path().display()), "")
    }

    pub(crate) async fn load_error(&self) -> String {
        self.message(&self.load().await.unwrap_err())
    }

    /// The rows of a model, sorted, as `a | b` lines.
    pub(crate) async fn rows(&self, name: &str, moment: &Moment) -> Vec<String> {
        let project = self.load().await.unwrap();
        let sources = self.sources().await;
        lines(project.model(&self.ctx, &sources, name, moment).await.unwrap()).await
    }
}

pub(crate) async fn write_parquet(ctx: &SessionContext, path: &Path, sql: &str) {
    let options = DataFrameWriteOptions::new().with_single_file_output(true);
    ctx.sql(sql).await.unwrap().write_parquet(path.to_str().unwrap(), options, None).await.unwrap();
}

/// The rows of a query, sorted, as `a | b` lines.
pub(crate) async fn lines(rows: DataFrame) -> Vec<String> {
    let table = pretty_format_batches(&rows.collect().await.unwrap()).unwrap().to_string();
    let cells = |line: &str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join(" | ");
    let mut lines: Vec<String> = table.lines().filter(|line| line.starts_with('|')).skip(1).map(cells).collect();
    lines.sort();
    lines
}

pub(crate) fn at(as_of: &str) -> Moment {
    Moment::before(as_of.parse().unwrap())
}

pub(crate) fn cut(as_of: &str, label_end: &str) -> Moment {
    Moment::of_label(as_of.parse().unwrap(), label_end.parse().unwrap())
}
