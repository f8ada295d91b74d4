//! Source tables as models see them: the rows before an instant that keep their contract.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::datasource::provider_as_source;
use datafusion::functions::core::expr_fn::{coalesce, greatest};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};
use datafusion::prelude::{DataFrame, SessionContext};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mainstay_config::source::{Keep, SourceColumn};
use mainstay_config::{Project, Source, SourceTable};

use crate::conflicts::{self, Conflicts};
use crate::contract;
use crate::error::FeatureError;
use crate::held::HeldModels;
use crate::listing::{OpenFile, listing};
use crate::moment::Bounds;
use crate::pinned::PinnedSources;
use crate::rules::{self, Rule, ValueBefore};
use crate::versions;

/// The pinned files of a project, open for reading, and what was computed from them for several readers.
#[derive(Debug, Clone)]
pub struct Sources {
    pub(crate) tables: Vec<OpenTable>,
    pub(crate) held: HeldModels,
    pub(crate) time_zone: TimeZone,
}

/// One source table and its pinned files, with the declared columns in the declared types, all rows included.
#[derive(Debug, Clone)]
pub(crate) struct OpenTable {
    pub(crate) source: String,
    pub(crate) table: SourceTable,
    pub(crate) provider: Arc<dyn TableProvider>,
    /// The files behind the provider; none where it holds the rows in memory.
    pub(crate) files: Vec<OpenFile>,
    /// Whether it was found that no row breaks a rule for single rows.
    pub(crate) keeps_rules: bool,
    /// What is known of rows that contradict others: none until they were looked for.
    pub(crate) conflicts: Conflicts,
}

impl Sources {
    /// Opens the pinned files of all sources of a project. A table that is not pinned is an error.
    pub fn open(project: &Project, pinned: &PinnedSources) -> Result<Self, FeatureError> {
        Self::open_tables(&project.config().sources, pinned, &project.time_zone())
    }

    pub(crate) fn open_tables(
        sources: &[Source],
        pinned: &PinnedSources,
        time_zone: &TimeZone,
    ) -> Result<Self, FeatureError> {
        let declared = sources.iter().flat_map(|source| source.tables.iter().map(move |table| (source, table)));
        let tables =
            declared.map(|(source, table)| open_table(&source.name, table, pinned)).collect::<Result<_, _>>()?;
        Ok(Self { tables, held: HeldModels::default(), time_zone: time_zone.clone() })
    }

    /// The rows of a table that a model may see: those that happened and were known within the bounds, and keep the contract; of a
    /// timeless table all that keep it. A value that comes later than its row reads as null until it has happened, and where it breaks a
    /// rule.
    pub(crate) fn view(
        &self,
        source: &str,
        table: &str,
        bounds: Bounds,
    ) -> Result<Arc<dyn TableProvider>, FeatureError> {
        let open = self.table(source, table)?;
        let rows = open.values_as(open.rows_within(bounds)?, bounds.happened_before, ValueBefore::as_seen)?;
        Ok(Arc::new(ViewTable::new(rows.build()?, None)))
    }

    /// The rows of a table within the bounds that break its contract, in the declared columns: by a rule for single rows, or by a
    /// reference. Copies of a row that stays are not among them: they say nothing that is not seen. A value that comes later than
    /// its row reads as null until then.
    ///
    /// Where later rows are refused, the same of all times, and beside them each row that says of itself or of a value to be of later, with
    /// its values as they stand.
    pub(crate) fn refused_view(
        &self,
        source: &str,
        table: &str,
        bounds: Bounds,
    ) -> Result<Arc<dyn TableProvider>, FeatureError> {
        let open = self.table(source, table)?;
        let mut rows = open.breaking_rules()?;
        for refused in open.conflicts.broken() {
            rows = rows.union(conflicts::scan("refused", &refused.rows)?.build()?)?;
        }
        let rows = match bounds.later_are_refused {
            true => rows.union(open.later_rows(bounds.happened_before)?.build()?)?,
            false => {
                let rows = filter(rows, open.not_later(bounds)?)?;
                open.values_as(rows, bounds.happened_before, ValueBefore::as_stated)?
            }
        };
        Ok(Arc::new(ViewTable::new(rows.build()?, None)))
    }

    /// All rows of a source table, those that break the contract included, with the declared columns in the declared types.
    ///
    /// # Errors
    /// A table that is not pinned.
    pub fn all_rows(&self, ctx: &SessionContext, source: &str, table: &str) -> Result<DataFrame, FeatureError> {
        self.table(source, table)?.read(ctx)
    }

    /// The rows that may be seen before an instant, by `source.table`: one count a table, from the metadata of the files that hold no
    /// later time.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub async fn rows_known(
        &self,
        ctx: &SessionContext,
        bound: Timestamp,
    ) -> Result<BTreeMap<String, u64>, FeatureError> {
        let mut known = BTreeMap::new();
        for open in &self.tables {
            let rows = DataFrame::new(ctx.state(), open.rows_before(bound)?.build()?).count().await?;
            known.insert(open.name(), rows as u64);
        }
        Ok(known)
    }

    pub(crate) fn table(&self, source: &str, table: &str) -> Result<&OpenTable, FeatureError> {
        let open = self.tables.iter().find(|open| open.source == source && open.table.name == table);
        open.ok_or_else(|| FeatureError::NotPinned { table: contract::table_name(source, table) })
    }
}

impl OpenTable {
    /// `source.table`.
    pub(crate) fn name(&self) -> String {
        contract::table_name(&self.source, &self.table.name)
    }

    /// The key, where of the rows that a view shows no two share it: repeats were looked for and are left out, and no null can
    /// stand in it.
    pub(crate) fn kept_key(&self) -> Option<&[String]> {
        let key = &self.table.key;
        let is_kept = self.table.unique_key && self.conflicts.are_known();
        (is_kept && !key.is_empty() && key.iter().all(|name| self.keeps_values_in(name))).then_some(key.as_slice())
    }

    /// Whether every row that a view shows has a value in this column: the contract refuses nulls, and it does not come later.
    pub(crate) fn keeps_values_in(&self, name: &str) -> bool {
        self.table.column(name).is_some_and(|column| !column.nullable && column.visible_from.is_none())
    }

    /// Whether the contract states something of a column.
    pub(crate) fn states(&self, name: &str, is_stated: impl Fn(&SourceColumn) -> bool) -> bool {
        self.table.column(name).is_some_and(is_stated)
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
        let unsettled: Vec<&OpenFile> = self.files.iter().filter(|file| !file.keeps_rules).collect();
        let rows = match unsettled.as_slice() {
            [] if !self.files.is_empty() => return Ok(None),
            files if files.len() == self.files.len() => self.scan()?,
            files => self.scan_of(&listing(&self.table, files, &[])?)?,
        };
        self.breaking(rows).map(Some)
    }

    /// The rows that may be seen before `bound` and keep the contract, with all their values: those too that come later or
    /// break a rule.
    pub(crate) fn rows_before(&self, bound: Timestamp) -> Result<LogicalPlanBuilder, FeatureError> {
        self.rows_within(Bounds::at(bound))
    }

    /// The same within bounds: of rows with one key those of all that were known decide which one stands, whenever they happened.
    pub(crate) fn rows_within(&self, bounds: Bounds) -> Result<LogicalPlanBuilder, FeatureError> {
        let Bounds { happened_before, known_before: known, .. } = bounds;
        let has_happened = self.event_time()?.map(|time| time.lt(contract::instant(happened_before)));
        match self.table.keep {
            Keep::FirstKnown if known == happened_before => {
                let seen = self.split(known, self.known_before(known)?.into_iter().chain(has_happened))?;
                self.conflicts.leave_out(self, seen, known)
            }
            Keep::FirstKnown => {
                let seen =
                    self.split(happened_before, self.known_before(known)?.into_iter().chain(has_happened.clone()))?;
                filter(self.conflicts.leave_out(self, seen, known)?, has_happened)
            }
            Keep::LatestKnown => {
                let known_rows = self.split(known, self.known_before(known)?)?;
                let known_rows = self.conflicts.leave_out(self, known_rows, known)?;
                filter(versions::latest_known(self, known_rows, known)?, has_happened)
            }
        }
    }

    /// The rows that keep the rules for single rows and for which the conditions hold, which ask for a time before `bound`: of
    /// files that hold no later time nothing is asked.
    fn split(
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
                let of = |files| self.kept(self.scan_of(&listing(&self.table, files, &[])?)?);
                Ok(of(earlier)?.union(filter(of(others)?, conditions)?.build()?)?)
            }
        }
    }

    /// The rows that keep the rules for single rows and say that they, or one of their values, are of `bound` or later.
    fn later_rows(&self, bound: Timestamp) -> Result<LogicalPlanBuilder, FeatureError> {
        let (table, bound) = (&self.table, contract::instant(bound));
        let is_later = |name: &String| Ok(contract::time_column(table, name)?.gt_eq(bound.clone()));
        let times = table.event_time.iter().chain(&table.known_at);
        let of_values = table.columns.iter().filter_map(|column| column.visible_from.as_ref());
        let is_later = times.chain(of_values).map(is_later).collect::<Result<Vec<Expr>, FeatureError>>()?;
        filter(self.keeping_rules()?, [is_later.into_iter().reduce(Expr::or).unwrap_or(lit(false))])
    }

    /// The rows that may be seen before `bound`, keep the contract and happened from `since` on; `None` where no file may hold any.
    pub(crate) fn rows_between(
        &self,
        since: Timestamp,
        bound: Timestamp,
    ) -> Result<Option<LogicalPlanBuilder>, FeatureError> {
        let Some(event_time) = self.event_time()? else { return Ok(None) };
        let has_happened =
            event_time.clone().gt_eq(contract::instant(since)).and(event_time.lt(contract::instant(bound)));
        if self.table.keep == Keep::LatestKnown {
            return Ok(Some(filter(self.rows_before(bound)?, [has_happened])?));
        }
        let is_later = |file: &&OpenFile| file.newest.is_none_or(|newest| newest >= since);
        let later: Vec<&OpenFile> = self.files.iter().filter(is_later).collect();
        let rows = match later.as_slice() {
            [] if !self.files.is_empty() => return Ok(None),
            files if files.len() == self.files.len() => self.scan()?,
            files => self.scan_of(&listing(&self.table, files, &[])?)?,
        };
        let seen = filter(self.kept(rows)?, self.known_before(bound)?.into_iter().chain([has_happened]))?;
        self.conflicts.leave_out(self, seen, bound).map(Some)
    }

    /// Rows with their values as `read` gives them before `bound`, where any comes later than its row.
    fn values_as<'a>(
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
    fn known_before(&self, bound: Timestamp) -> Result<Option<Expr>, FeatureError> {
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
            let time = contract::time_column(&self.table, name)?;
            Ok(time.clone().is_null().or(time.lt(contract::instant(bound))))
        };
        happened.chain(known).map(is_not_later).collect()
    }

    /// When a row happened; `None` for a timeless table.
    pub(crate) fn event_time(&self) -> Result<Option<Expr>, FeatureError> {
        let event_time = self.table.event_time.as_ref();
        event_time.map(|name| contract::time_column(&self.table, name)).transpose()
    }

    /// When a row was known: as it happened, where it does not say itself. `None` where no row does.
    pub(crate) fn known(&self) -> Result<Option<Expr>, FeatureError> {
        let Some(known_at) = &self.table.known_at else { return Ok(None) };
        let known = contract::time_column(&self.table, known_at)?;
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

fn open_table(source: &str, table: &SourceTable, pinned: &PinnedSources) -> Result<OpenTable, FeatureError> {
    let name = contract::table_name(source, &table.name);
    let pinned = pinned.table(source, &table.name)?;
    let files =
        pinned.files.iter().map(|file| OpenFile::open(&name, file)).collect::<Result<Vec<_>, FeatureError>>()?;
    Ok(OpenTable {
        source: source.to_owned(),
        table: table.clone(),
        provider: listing(table, &files.iter().collect::<Vec<_>>(), &[])?,
        files,
        keeps_rules: false,
        conflicts: Conflicts::default(),
    })
}
