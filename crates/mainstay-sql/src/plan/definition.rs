//! How each column of a model is defined, as a digest that is the same on every day and changes with what the column means.
//!
//! The model is planned against the declared columns, without data and at an instant that never changes, so that neither days nor files
//! nor partitions have a part in it. Each node of the plan gives a digest of its rows (which there are: tables, filters, joins, groups) and one of
//! each of its columns (how its value comes about from columns below). Names of models, of aliases and of the columns on the way are
//! left out, and so are blanks and comments, which a plan does not have. What joins a customer's own rows to the customer, such as
//! another model of features, has a part in its own columns alone: a change there leaves all others as they were.

use std::collections::BTreeMap;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, JoinType, Result, TableReference};
use datafusion::logical_expr::{Aggregate, Distinct, Expr, Join, Limit, LogicalPlan, Union};
use datafusion::prelude::SessionContext;
use mainstay_config::{SourceTable, source};
use mainstay_schema::definition::Definitions;
use mainstay_schema::digest::{Digest, DigestHasher};

use crate::contract;
use crate::error::FeatureError;
use crate::plan::declared::plan_declared;
use crate::plan::determinism::{Columns, Grains, equal_columns, identifying};
use crate::project::SqlProject;

/// Raised whenever a digest changes though its SQL did not, as with another release of DataFusion: models that were trained before are
/// then not compared, and are not refused for what nobody changed.
const SCHEME: u32 = 3;

impl SqlProject {
    /// The definitions of the columns of a model that looks at nothing later than as-of, and the variables that it and the models in
    /// `beside` read.
    pub async fn definitions(
        &self,
        ctx: &SessionContext,
        model: &str,
        beside: &[&str],
    ) -> Result<Definitions, FeatureError> {
        let plan = plan_declared(ctx, self, model).await?;
        // No SQL gives a table a schema: what has one is a model of ours, whose grain is tested each day.
        let grains = |table: &TableReference| {
            table.schema()?;
            self.models_by_name().get(table.table()).map(|model| model.grain.as_slice())
        };
        let definition = Definition::of(&plan, &grains)?;
        let names = plan.schema().fields().iter().map(|field| field.name().clone());
        let columns =
            names.zip(&definition.columns).map(|(name, column)| (name, digest_of(&[&definition.rows, column])));
        let lineage = self.lineage(&[&[model], beside].concat())?;
        let read = lineage.iter().flat_map(|model| &model.variables);
        let all = self.variables();
        let variables = read.filter_map(|name| Some((name.clone(), all.get(name)?.clone())));
        let tables = lineage.iter().flat_map(|model| model.sources.iter().chain(&model.refused));
        let zones = self.time_zones();
        let read = tables.map(|(source, table)| contract::table_name(source, table));
        let time_zones =
            read.filter_map(|table| zones.get_key_value(&table).map(|(table, zone)| (table.clone(), zone.clone())));
        Ok(Definitions {
            scheme: SCHEME,
            columns: columns.collect(),
            variables: variables.collect(),
            time_zones: time_zones.collect(),
        })
    }

    /// The time zone of each source table, by `source.table`.
    fn time_zones(&self) -> BTreeMap<String, String> {
        let zone = |table: &SourceTable| table.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
        source::tables(self.sources()).map(|(name, table)| (name, zone(table))).collect()
    }

    /// The project with other time zones of its source tables, by `source.table`.
    #[must_use]
    pub fn with_time_zones(&self, zones: &BTreeMap<String, String>) -> Self {
        let mut project = self.clone();
        for source in project.sources_mut() {
            let name = source.name.clone();
            for table in &mut source.tables {
                if let Some(zone) = zones.get(&contract::table_name(&name, &table.name)) {
                    table.time_zone = Some(zone.clone());
                }
            }
        }
        project
    }
}

/// What a plan gives.
struct Definition {
    /// Which rows there are.
    rows: Digest,
    /// How the value of each column comes about in a row.
    columns: Vec<Digest>,
}

impl Definition {
    fn of(plan: &LogicalPlan, grains: &Grains<'_>) -> Result<Self> {
        match plan {
            LogicalPlan::SubqueryAlias(alias) => Self::of(&alias.input, grains),
            LogicalPlan::Subquery(subquery) => Self::of(&subquery.subquery, grains),
            LogicalPlan::Repartition(repartition) => Self::of(&repartition.input, grains),
            // An order of rows without a limit is no part of what they are.
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => Self::of(&sort.input, grains),
            LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => {
                Ok(Self::of_table(scan.table_name.table(), &scan.projected_schema))
            }
            LogicalPlan::Projection(projection) => {
                let input = Self::of(&projection.input, grains)?;
                let columns = input.expressions(&projection.expr, projection.input.schema(), grains)?;
                Ok(Self { columns, ..input })
            }
            LogicalPlan::Filter(filter) => {
                let input = Self::of(&filter.input, grains)?;
                let condition = input.expression(&filter.predicate, filter.input.schema(), grains)?;
                Ok(Self { rows: tagged("filter", &[&input.rows, &condition]), ..input })
            }
            LogicalPlan::Window(window) => {
                let input = Self::of(&window.input, grains)?;
                let added = input.expressions(&window.window_expr, window.input.schema(), grains)?;
                let added = added.iter().map(|column| tagged("window", &[&input.rows, column]));
                Ok(Self { rows: input.rows, columns: input.columns.iter().copied().chain(added).collect() })
            }
            LogicalPlan::Aggregate(aggregate) => Self::of_aggregate(aggregate, grains),
            LogicalPlan::Join(join) => Self::of_join(join, grains),
            LogicalPlan::Union(union) => Self::of_union(union, grains),
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let input = Self::of(input, grains)?;
                let rows = tagged("distinct", &[&input.whole()]);
                Ok(Self { rows, columns: input.columns })
            }
            LogicalPlan::Limit(limit) => Self::of_limit(limit, grains),
            other => Self::of_other(other, grains),
        }
    }

    fn of_table(name: &str, schema: &DFSchema) -> Self {
        let table = match schema.metadata().get(contract::TIME_ZONE) {
            // In another zone its times are others.
            Some(zone) => digest_of_text("table in a zone", &format!("{name} {zone}")),
            None => digest_of_text("table", name),
        };
        let columns =
            schema.fields().iter().map(|field| tagged("column", &[&table, &digest_of_text("", field.name())]));
        Self { rows: table, columns: columns.collect() }
    }

    fn of_union(union: &Union, grains: &Grains<'_>) -> Result<Self> {
        let inputs = union.inputs.iter().map(|input| Self::of(input, grains)).collect::<Result<Vec<_>>>()?;
        let rows = tagged("union", &inputs.iter().map(|input| &input.rows).collect::<Vec<_>>());
        let column = |place: usize| {
            let parts = inputs.iter().filter_map(|input| input.columns.get(place));
            tagged("union", &[&rows].into_iter().chain(parts).collect::<Vec<_>>())
        };
        Ok(Self { rows, columns: (0..union.schema.fields().len()).map(column).collect() })
    }

    fn of_aggregate(aggregate: &Aggregate, grains: &Grains<'_>) -> Result<Self> {
        let input = Self::of(&aggregate.input, grains)?;
        let schema = aggregate.input.schema();
        let groups = input.expressions(&aggregate.group_expr, schema, grains)?;
        let rows = tagged("group", &[&[&input.rows], &groups.iter().collect::<Vec<_>>()[..]].concat());
        let mut columns = groups;
        // Grouping sets have columns of their own.
        let keys = aggregate.schema.fields().len() - aggregate.aggr_expr.len();
        if keys != columns.len() || matches!(aggregate.group_expr.as_slice(), [Expr::GroupingSet(_)]) {
            columns = (0..keys).map(|place| digest_of_text(&rows.to_string(), &place.to_string())).collect();
        }
        let sums = input.expressions(&aggregate.aggr_expr, schema, grains)?;
        columns.extend(sums.iter().map(|sum| tagged("aggregate", &[&rows, sum])));
        Ok(Self { rows, columns })
    }

    /// A side of which each row of the other finds at most one, none being left out, has no part in which rows there are.
    fn of_join(join: &Join, grains: &Grains<'_>) -> Result<Self> {
        let (left, right) = (Self::of(&join.left, grains)?, Self::of(&join.right, grains)?);
        let mut both = Self { rows: left.rows, columns: [&left.columns[..], &right.columns[..]].concat() };
        let mut conditions = Vec::new();
        for (one, other) in &join.on {
            conditions.push(left.expression(one, join.left.schema(), grains)?);
            conditions.push(right.expression(other, join.right.schema(), grains)?);
        }
        if let Some(filter) = &join.filter {
            let schema = join.left.schema().join(join.right.schema())?;
            conditions.push(both.expression(filter, &schema, grains)?);
        }
        let shape = format!("{:?} {:?} {}", join.join_type, join.null_equality, join.null_aware);
        let shape = digest_of_text("join", &shape);
        let joined = |side: &Self| {
            let parts: Vec<&Digest> = [&shape, &side.rows].into_iter().chain(&conditions).collect();
            tagged("joined", &parts)
        };
        let through = |side: &Self| {
            let key = joined(side);
            side.columns.iter().map(|column| tagged("joined", &[&key, column])).collect::<Vec<_>>()
        };
        if join.join_type == JoinType::Left && is_found_once(&join.right, &equal_columns(join).1, grains) {
            both.columns = [&left.columns[..], &through(&right)[..]].concat();
            return Ok(both);
        }
        if join.join_type == JoinType::Inner && conditions.is_empty() {
            if is_found_once(&join.left, &Columns::new(), grains) {
                return Ok(Self { rows: right.rows, columns: [&through(&left)[..], &right.columns[..]].concat() });
            }
            if is_found_once(&join.right, &Columns::new(), grains) {
                both.columns = [&left.columns[..], &through(&right)[..]].concat();
                return Ok(both);
            }
        }
        let rows = tagged("join", &[&joined(&left), &joined(&right)]);
        let columns = match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => left.columns,
            JoinType::RightSemi | JoinType::RightAnti => right.columns,
            JoinType::LeftMark => [&left.columns[..], &[rows]].concat(),
            JoinType::RightMark => [&right.columns[..], &[rows]].concat(),
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => both.columns,
        };
        Ok(Self { rows, columns })
    }

    fn of_limit(limit: &Limit, grains: &Grains<'_>) -> Result<Self> {
        let (order, below) = match limit.input.as_ref() {
            LogicalPlan::Sort(sort) => (sort.expr.as_slice(), sort.input.as_ref()),
            other => (&[][..], other),
        };
        let input = Self::of(below, grains)?;
        let mut parts = vec![input.rows];
        for by in order {
            parts.push(input.expression(&by.expr, below.schema(), grains)?);
            parts.push(digest_of_text("order", &format!("{} {}", by.asc, by.nulls_first)));
        }
        let bound = |bound: &Option<Box<Expr>>| bound.as_ref().map(ToString::to_string).unwrap_or_default();
        parts.push(digest_of_text("limit", &format!("{} {}", bound(&limit.skip), bound(&limit.fetch))));
        let rows = tagged("limit", &parts.iter().collect::<Vec<_>>());
        Ok(Self { rows, ..input })
    }

    /// What is not looked into: all that it says, over all that stands below it.
    fn of_other(plan: &LogicalPlan, grains: &Grains<'_>) -> Result<Self> {
        let inputs =
            plan.inputs().into_iter().map(|input| Ok(Self::of(input, grains)?.whole())).collect::<Result<Vec<_>>>()?;
        let node = digest_of_text("node", &plan.display().to_string());
        let rows = tagged("node", &[&node].into_iter().chain(&inputs).collect::<Vec<_>>());
        let columns =
            (0..plan.schema().fields().len()).map(|place| digest_of_text(&rows.to_string(), &place.to_string()));
        Ok(Self { rows, columns: columns.collect() })
    }

    fn whole(&self) -> Digest {
        tagged("whole", &[&self.rows].into_iter().chain(&self.columns).collect::<Vec<_>>())
    }

    fn expressions(&self, expressions: &[Expr], schema: &DFSchema, grains: &Grains<'_>) -> Result<Vec<Digest>> {
        expressions.iter().map(|expression| self.expression(expression, schema, grains)).collect()
    }

    /// An expression over these rows, each column by its definition and none by its name.
    fn expression(&self, expression: &Expr, schema: &DFSchema, grains: &Grains<'_>) -> Result<Digest> {
        let defined = expression.clone().transform_up(|part| self.without_names(part, schema, grains))?.data;
        Ok(match &defined {
            Expr::Column(Column { relation: None, name, .. }) => {
                name.parse().unwrap_or_else(|_| digest_of_text("", name))
            }
            other => digest_of_text("expression", &other.to_string()),
        })
    }

    fn without_names(&self, part: Expr, schema: &DFSchema, grains: &Grains<'_>) -> Result<Transformed<Expr>> {
        let plain = match part {
            Expr::Column(column) => {
                let place = schema.index_of_column(&column)?;
                match self.columns.get(place) {
                    Some(definition) => by_digest(definition),
                    None => Expr::Column(column),
                }
            }
            Expr::Alias(alias) => *alias.expr,
            Expr::OuterReferenceColumn(_, column) => by_digest(&digest_of_text("outer", &column.name)),
            Expr::ScalarSubquery(subquery) => by_digest(&Self::of(&subquery.subquery, grains)?.whole()),
            Expr::Exists(exists) => {
                let below = Self::of(&exists.subquery.subquery, grains)?.whole();
                by_digest(&digest_of_text("exists", &format!("{} {below}", exists.negated)))
            }
            Expr::InSubquery(within) => {
                let below = Self::of(&within.subquery.subquery, grains)?.whole();
                by_digest(&digest_of_text("in", &format!("{} {} {below}", within.negated, within.expr)))
            }
            other => return Ok(Transformed::no(other)),
        };
        Ok(Transformed::yes(plain))
    }
}

fn by_digest(definition: &Digest) -> Expr {
    Expr::Column(Column::new_unqualified(definition.to_string()))
}

/// Whether no two rows of a plan have the same values in some columns.
fn is_found_once(plan: &LogicalPlan, by: &Columns, grains: &Grains<'_>) -> bool {
    identifying(plan, grains).iter().any(|key| key.is_subset(by))
}

fn tagged(tag: &str, parts: &[&Digest]) -> Digest {
    let mut hasher = DigestHasher::new();
    hasher.frame(tag.as_bytes());
    parts.iter().for_each(|part| {
        hasher.frame(part.to_string().as_bytes());
    });
    hasher.finish()
}

fn digest_of(parts: &[&Digest]) -> Digest {
    tagged("definition", parts)
}

fn digest_of_text(tag: &str, text: &str) -> Digest {
    let mut hasher = DigestHasher::new();
    hasher.frame(tag.as_bytes()).frame(text.as_bytes());
    hasher.finish()
}
