//! A pinned source table open for reading, and what holds for each of its rows by itself: its times, and the rules for single rows.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::provider_as_source;
use datafusion::execution::cache::cache_manager::FileStatisticsCache;
use datafusion::functions::core::expr_fn::{coalesce, greatest};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use datafusion::prelude::{DataFrame, SessionContext};
use jiff::Timestamp;
use mainstay_config::SourceTable;
use mainstay_config::source::SourceColumn;

use crate::contract::rules::{self, Rule, ValueBefore};
use crate::contract::{self, days};
use crate::error::FeatureError;
use crate::files::listing::{OpenFile, listing, no_statistics};
use crate::files::pinned::PinnedSources;
use crate::visible::moment::Bounds;

/// One source table and its pinned files, with the declared columns in the declared types, all rows included.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) source: String,
    pub(crate) table: SourceTable,
    pub(crate) provider: Arc<dyn TableProvider>,
    /// The files behind the provider; none where it has the rows in memory.
    pub(crate) files: Vec<OpenFile>,
    /// What plans over the files have read of their statistics.
    statistics: Arc<FileStatisticsCache>,
    /// Whether it was found that no row breaks a rule for single rows.
    pub(crate) keeps_rules: bool,
}

impl Relation {
    /// Opens the pinned files of a table. One that is not pinned is an error.
    pub(crate) fn open(source: &str, table: &SourceTable, pinned: &PinnedSources) -> Result<Self, FeatureError> {
        let name = contract::table_name(source, &table.name);
        let pinned = pinned.table(source, &table.name)?;
        let files =
            pinned.files.iter().map(|file| OpenFile::open(&name, file)).collect::<Result<Vec<_>, FeatureError>>()?;
        let statistics = no_statistics();
        Ok(Self {
            source: source.to_owned(),
            table: table.clone(),
            provider: listing(table, &files.iter().collect::<Vec<_>>(), &[], &statistics)?,
            files,
            statistics,
            keeps_rules: false,
        })
    }

    /// `source.table`.
    pub(crate) fn name(&self) -> String {
        contract::table_name(&self.source, &self.table.name)
    }

    /// Whether every row that a view shows has a value in this column: the contract refuses nulls, and it does not come later.
    pub(crate) fn keeps_values_in(&self, name: &str) -> bool {
        self.table.column(name).is_some_and(|column| !column.nullable && column.visible_from.is_none())
    }

    /// Whether the contract states something of a column.
    pub(crate) fn states(&self, name: &str, is_stated: impl Fn(&SourceColumn) -> bool) -> bool {
        self.table.column(name).is_some_and(is_stated)
    }

    /// The declared columns.
    pub(crate) fn columns(&self) -> impl Iterator<Item = Expr> {
        self.table.columns.iter().map(|declared| contract::column(&declared.name))
    }

    /// All rows, those that break the contract included.
    pub(crate) fn read(&self, ctx: &SessionContext) -> Result<DataFrame, FeatureError> {
        Ok(ctx.read_table(Arc::clone(&self.provider))?)
    }

    /// All rows, as the start of a plan.
    pub(crate) fn scan(&self) -> Result<LogicalPlanBuilder, FeatureError> {
        self.scan_of(&self.provider)
    }

    fn scan_of(&self, provider: &Arc<dyn TableProvider>) -> Result<LogicalPlanBuilder, FeatureError> {
        Ok(LogicalPlanBuilder::scan(self.name(), provider_as_source(Arc::clone(provider)), None)?)
    }

    /// The rules for single rows, as far as some row may break them.
    pub(crate) fn rules(&self) -> Result<Vec<Rule>, FeatureError> {
        if self.keeps_rules { Ok(Vec::new()) } else { rules::of_rows(&self.table) }
    }

    /// The rows that keep the rules for single rows.
    pub(crate) fn keeping_rules(&self) -> Result<LogicalPlanBuilder, FeatureError> {
        self.kept(self.scan()?)
    }

    fn kept(&self, rows: LogicalPlanBuilder) -> Result<LogicalPlanBuilder, FeatureError> {
        filter(rows, self.rules()?.into_iter().map(|rule| rule.kept))
    }

    /// The rows that break a rule for single rows.
    pub(crate) fn breaking_rules(&self) -> Result<LogicalPlanBuilder, FeatureError> {
        self.breaking(self.scan()?)
    }

    fn breaking(&self, rows: LogicalPlanBuilder) -> Result<LogicalPlanBuilder, FeatureError> {
        filter(rows, [rules::any_broken(&self.rules()?).unwrap_or(lit(false))])
    }

    /// The rows that break a rule for single rows, read from the files whose statistics do not show that none does; `None` where there
    /// is no such file.
    pub(crate) fn not_known_to_keep_rules(&self) -> Result<Option<LogicalPlanBuilder>, FeatureError> {
        self.scan_files(|file| !file.keeps_rules)?.map(|rows| self.breaking(rows)).transpose()
    }

    /// All rows of the files that are wanted; `None` where there are files and none of them is.
    fn scan_files(&self, is_wanted: impl Fn(&OpenFile) -> bool) -> Result<Option<LogicalPlanBuilder>, FeatureError> {
        let wanted: Vec<&OpenFile> = self.files.iter().filter(|file| is_wanted(file)).collect();
        match wanted.as_slice() {
            [] if !self.files.is_empty() => Ok(None),
            files if files.len() == self.files.len() => self.scan().map(Some),
            files => self.scan_of(&listing(&self.table, files, &[], &self.statistics)?).map(Some),
        }
    }

    /// The rows that keep the rules for single rows, of the files that may hold any of `since` or later; `None` where none may.
    pub(crate) fn keeping_rules_since(&self, since: Timestamp) -> Result<Option<LogicalPlanBuilder>, FeatureError> {
        let rows = self.scan_files(|file| file.newest.is_none_or(|newest| newest >= since))?;
        rows.map(|rows| self.kept(rows)).transpose()
    }

    /// The rows that keep the rules for single rows and for which the conditions hold, which ask for a time before `bound`: of
    /// files that hold no later time nothing is asked.
    pub(crate) fn split(
        &self,
        bound: Timestamp,
        conditions: impl IntoIterator<Item = Expr>,
    ) -> Result<LogicalPlanBuilder, FeatureError> {
        let is_earlier = |file: &&OpenFile| file.newest.is_some_and(|newest| newest < bound);
        let (earlier, others): (Vec<&OpenFile>, Vec<&OpenFile>) = self.files.iter().partition(is_earlier);
        match (earlier.as_slice(), others.as_slice()) {
            ([], _) => filter(self.keeping_rules()?, conditions),
            (_, []) => self.keeping_rules(),
            (earlier, others) => {
                let of = |files| self.kept(self.scan_of(&listing(&self.table, files, &[], &self.statistics)?)?);
                Ok(of(earlier)?.union(filter(of(others)?, conditions)?.build()?)?)
            }
        }
    }

    /// The rows that keep the rules for single rows and say that they, or one of their values, are of `bound` or later.
    pub(crate) fn later_rows(&self, bound: Timestamp) -> Result<LogicalPlanBuilder, FeatureError> {
        let (table, bound) = (&self.table, contract::instant(bound));
        let is_later = |name: &String| Ok(days::time_column(table, name)?.gt_eq(bound.clone()));
        let times = table.event_time.iter().chain(&table.known_at);
        let of_values = table.columns.iter().filter_map(|column| column.visible_from.as_ref());
        let is_later = times.chain(of_values).map(is_later).collect::<Result<Vec<Expr>, FeatureError>>()?;
        filter(self.keeping_rules()?, [is_later.into_iter().reduce(Expr::or).unwrap_or(lit(false))])
    }

    /// Rows with their values as `read` gives them before `bound`, where any comes later than its row.
    pub(crate) fn values_as<'a>(
        &'a self,
        rows: LogicalPlanBuilder,
        bound: Timestamp,
        read: fn(&ValueBefore<'a>) -> Result<Expr, FeatureError>,
    ) -> Result<LogicalPlanBuilder, FeatureError> {
        let values = rules::values_before(&self.table, bound)?;
        if !values.iter().any(ValueBefore::is_late) {
            return Ok(rows);
        }
        let read = values.iter().map(|value| Ok(read(value)?.alias(&value.declared.name)));
        Ok(rows.project(read.collect::<Result<Vec<_>, FeatureError>>()?)?)
    }

    /// What holds for a row that was known before `bound`.
    pub(crate) fn known_before(&self, bound: Timestamp) -> Result<Option<Expr>, FeatureError> {
        let known = self.known()?.or(self.event_time()?);
        Ok(known.map(|time| time.lt(contract::instant(bound))))
    }

    /// From when a row is seen: it has happened and is known. A row of a timeless table was always seen.
    pub(crate) fn seen_from(&self) -> Result<Expr, FeatureError> {
        let times: Vec<Expr> = self.known()?.into_iter().chain(self.event_time()?).collect();
        Ok(match times.as_slice() {
            [] => contract::instant(Timestamp::MIN),
            [time] => time.clone(),
            _ => greatest(times),
        })
    }

    /// What holds for a row that breaks the contract and does not belong to a later day than the bounds allow. One whose times are
    /// null belongs to every day: nothing says that it belongs to a later one.
    pub(crate) fn not_later(&self, bounds: Bounds) -> Result<Vec<Expr>, FeatureError> {
        let Bounds { happened_before, known_before, .. } = bounds;
        let happened = self.table.event_time.iter().map(|name| (name, happened_before));
        let known = self.table.known_at.iter().map(|name| (name, known_before));
        let is_not_later = |(name, bound): (&String, Timestamp)| {
            let time = days::time_column(&self.table, name)?;
            Ok(time.clone().is_null().or(time.lt(contract::instant(bound))))
        };
        happened.chain(known).map(is_not_later).collect()
    }

    /// When a row happened; `None` for a timeless table.
    pub(crate) fn event_time(&self) -> Result<Option<Expr>, FeatureError> {
        let event_time = self.table.event_time.as_ref();
        event_time.map(|name| days::time_column(&self.table, name)).transpose()
    }

    /// When a row was known: as it happened, where it does not say itself. `None` where no row does.
    pub(crate) fn known(&self) -> Result<Option<Expr>, FeatureError> {
        let Some(known_at) = &self.table.known_at else { return Ok(None) };
        let known = days::time_column(&self.table, known_at)?;
        let is_nullable = self.table.column(known_at).is_none_or(|column| column.nullable);
        Ok(Some(match self.event_time()?.filter(|_| is_nullable) {
            Some(event_time) => coalesce(vec![known, event_time]),
            None => known,
        }))
    }
}

/// The rows for which all conditions hold.
pub(crate) fn filter(
    rows: LogicalPlanBuilder,
    conditions: impl IntoIterator<Item = Expr>,
) -> Result<LogicalPlanBuilder, FeatureError> {
    match conditions.into_iter().reduce(Expr::and) {
        Some(condition) => Ok(rows.filter(condition)?),
        None => Ok(rows),
    }
}
