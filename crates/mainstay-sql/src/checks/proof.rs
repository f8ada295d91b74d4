//! What the plan of a model shows by its shape, so that no query has to test it: a grain that is a `group by`, or the key of a source
//! whose duplicates are left out; a column without nulls, or without values beyond a bound, because the contract of its source refuses them.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, DFSchema, JoinType, TableReference};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Aggregate, Distinct, Expr, ExprSchemable, Filter, Join, LogicalPlan};

use crate::plan::determinism::{Columns, identifying};
use crate::visible::sources::Sources;
use crate::visible::table::VisibleTable;

/// What no value of a column lies beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    Minimum(i64),
    Maximum(i64),
}

impl Bound {
    /// Whether a number is not beyond it.
    fn admits(self, value: f64) -> bool {
        match self {
            Self::Minimum(least) => value >= least as f64,
            Self::Maximum(most) => value <= most as f64,
        }
    }
}

/// A plan over sources whose conflicts were looked for.
pub(crate) struct Proof<'a> {
    sources: &'a Sources,
    plan: &'a LogicalPlan,
}

impl<'a> Proof<'a> {
    pub(crate) fn new(sources: &'a Sources, plan: &'a LogicalPlan) -> Self {
        Self { sources, plan }
    }

    /// Whether no two rows can have the same values in these columns; those that a null stands in do not count.
    pub(crate) fn is_unique(&self, key: &[String]) -> bool {
        let place = |name: &String| self.plan.schema().maybe_index_of_column(&Column::from_name(name.clone()));
        let keys = || identifying(self.plan, &|table| self.sound(table).and_then(VisibleTable::kept_key));
        let places: Option<Columns> = key.iter().map(place).collect();
        places.is_some_and(|places| keys().iter().any(|key| key.is_subset(&places)))
    }

    /// Whether no row can have a null in this column.
    pub(crate) fn is_never_null(&self, column: &str) -> bool {
        let place = self.plan.schema().maybe_index_of_column(&Column::from_name(column.to_owned()));
        place.is_some_and(|place| self.has_values(self.plan, place))
    }

    /// Whether no row can have a value beyond a bound in this column; nulls do not count.
    pub(crate) fn keeps(&self, column: &str, bound: Bound) -> bool {
        let place = self.plan.schema().maybe_index_of_column(&Column::from_name(column.to_owned()));
        place.is_some_and(|place| self.is_within(self.plan, place, bound))
    }

    /// The source table whose sound rows a relation of the catalog stands for. SQL cannot give a name with a schema itself.
    fn sound(&self, table: &TableReference) -> Option<&'a VisibleTable> {
        table.schema()?;
        self.sources.tables.iter().find(|known| known.name() == table.table())
    }

    fn has_values(&self, plan: &LogicalPlan, place: usize) -> bool {
        let of_input = |place| plan.inputs().first().is_some_and(|input| self.has_values(input, place));
        match plan {
            LogicalPlan::SubqueryAlias(alias) => {
                let is_kept = |table: &VisibleTable| table.relation.keeps_values_in(alias.schema.field(place).name());
                self.sound(&alias.alias).is_some_and(is_kept) || of_input(place)
            }
            LogicalPlan::Projection(projection) => {
                projection.expr.get(place).is_some_and(|expression| self.gives_values(expression, &projection.input))
            }
            LogicalPlan::Filter(filter) => leaves_out_nulls(filter, place) || of_input(place),
            LogicalPlan::Aggregate(aggregate) => self.of_group(aggregate, place),
            LogicalPlan::Window(window) if place < window.input.schema().fields().len() => of_input(place),
            LogicalPlan::Join(join) => self.of_side(join, place),
            LogicalPlan::Union(union) => union.inputs.iter().all(|input| self.has_values(input, place)),
            LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Distinct(Distinct::All(_)) => of_input(place),
            LogicalPlan::EmptyRelation(empty) => !empty.produce_one_row,
            _ => false,
        }
    }

    /// Whether an expression over the rows of `input` is never null.
    fn gives_values(&self, expression: &Expr, input: &LogicalPlan) -> bool {
        match expression {
            Expr::Alias(alias) => self.gives_values(&alias.expr, input),
            Expr::Cast(cast) => self.gives_values(&cast.expr, input),
            Expr::Column(column) => {
                input.schema().maybe_index_of_column(column).is_some_and(|place| self.has_values(input, place))
            }
            other => !other.nullable(input.schema().as_ref()).unwrap_or(true),
        }
    }

    fn is_within(&self, plan: &LogicalPlan, place: usize, bound: Bound) -> bool {
        let of_input = |place| plan.inputs().first().is_some_and(|input| self.is_within(input, place, bound));
        match plan {
            LogicalPlan::SubqueryAlias(alias) => {
                let states = |table: &VisibleTable| {
                    table.relation.states(alias.schema.field(place).name(), |stated| match bound {
                        Bound::Minimum(_) => stated.minimum.is_some_and(|minimum| bound.admits(minimum)),
                        Bound::Maximum(_) => stated.maximum.is_some_and(|maximum| bound.admits(maximum)),
                    })
                };
                self.sound(&alias.alias).is_some_and(states) || of_input(place)
            }
            LogicalPlan::Projection(projection) => projection
                .expr
                .get(place)
                .is_some_and(|expression| self.gives_within(expression, &projection.input, bound)),
            LogicalPlan::Window(window) if place < window.input.schema().fields().len() => of_input(place),
            LogicalPlan::Filter(_)
            | LogicalPlan::Sort(_)
            | LogicalPlan::Limit(_)
            | LogicalPlan::Distinct(Distinct::All(_)) => of_input(place),
            LogicalPlan::Join(join) => match join.join_type {
                JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                    let width = join.left.schema().fields().len();
                    let (side, place) = if place < width { (&join.left, place) } else { (&join.right, place - width) };
                    self.is_within(side, place, bound)
                }
                _ => false,
            },
            LogicalPlan::Union(union) => union.inputs.iter().all(|input| self.is_within(input, place, bound)),
            LogicalPlan::EmptyRelation(empty) => !empty.produce_one_row,
            _ => false,
        }
    }

    /// Whether an expression over the rows of `input` is never beyond a bound.
    fn gives_within(&self, expression: &Expr, input: &LogicalPlan, bound: Bound) -> bool {
        match expression {
            Expr::Alias(alias) => self.gives_within(&alias.expr, input, bound),
            // Rounding does not pass a whole number.
            Expr::Cast(cast) => self.gives_within(&cast.expr, input, bound),
            Expr::Column(column) => {
                input.schema().maybe_index_of_column(column).is_some_and(|place| self.is_within(input, place, bound))
            }
            Expr::Literal(value, _) => match value.cast_to(&DataType::Float64) {
                Ok(datafusion::common::ScalarValue::Float64(value)) => value.is_none_or(|value| bound.admits(value)),
                _ => false,
            },
            Expr::ScalarFunction(function) if function.func.name() == "coalesce" => {
                function.args.iter().all(|value| self.gives_within(value, input, bound))
            }
            _ => false,
        }
    }

    fn of_group(&self, aggregate: &Aggregate, place: usize) -> bool {
        match aggregate.group_expr.as_slice() {
            [Expr::GroupingSet(_)] => false,
            groups => groups.get(place).is_some_and(|group| self.gives_values(group, &aggregate.input)),
        }
    }

    fn of_side(&self, join: &Join, place: usize) -> bool {
        let width = join.left.schema().fields().len();
        match join.join_type {
            JoinType::Inner | JoinType::Left if place < width => self.has_values(&join.left, place),
            JoinType::Inner | JoinType::Right if place >= width => self.has_values(&join.right, place - width),
            JoinType::LeftSemi | JoinType::LeftAnti => self.has_values(&join.left, place),
            JoinType::RightSemi | JoinType::RightAnti => self.has_values(&join.right, place),
            _ => false,
        }
    }
}

fn leaves_out_nulls(filter: &Filter, place: usize) -> bool {
    let is_column = |expression: &Expr, schema: &DFSchema| match expression {
        Expr::Column(column) => schema.maybe_index_of_column(column) == Some(place),
        _ => false,
    };
    let schema = filter.input.schema();
    split_conjunction(&filter.predicate)
        .into_iter()
        .any(|condition| matches!(condition, Expr::IsNotNull(column) if is_column(column, schema)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::fixture::{Fixture, at};

    /// What is shown of `unique` columns and of each column's nulls, for a model on top of the orders.
    async fn shown(sql: &str, key: &[&str], columns: &[&str]) -> (bool, Vec<bool>) {
        let fixture = Fixture::with_staging();
        fixture.write("sql/features/feat_x.sql", sql);
        fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
        let sources = fixture.sources().await;
        let project = fixture.load().await.unwrap();
        let rows = project.model(&fixture.ctx, &sources, "feat_x", &at("2025-02-01T00:00:00Z")).await.unwrap();
        let proof = Proof::new(&sources, rows.logical_plan());
        let key: Vec<String> = key.iter().map(|name| (*name).to_owned()).collect();
        (proof.is_unique(&key), columns.iter().map(|column| proof.is_never_null(column)).collect())
    }

    #[tokio::test]
    async fn the_key_and_the_contract_of_a_source_are_known_through_the_models() {
        let sql = "with orders as (select * from {{ ref('stg_orders') }})
            select order_id as id, \"Weight kg\" as kg, net_amount, loaded_at from orders where net_amount > 0";
        let expected = (true, vec![true, false, true, false]);
        assert_eq!(shown(sql, &["id"], &["id", "kg", "net_amount", "loaded_at"]).await, expected);
        assert!(shown(sql, &["kg", "id"], &[]).await.0);
        assert!(!shown(sql, &["kg"], &[]).await.0);
    }

    #[tokio::test]
    async fn the_bounds_of_a_contract_are_known_through_the_models() {
        let fixture = Fixture::with_staging();
        let sql = "select net_amount, coalesce(net_amount, 0) as filled, cast(net_amount as double) as number, net_amount - 1 as less,
            coalesce(net_amount, -1) as other, \"Weight kg\" as kg from {{ ref('stg_orders') }}";
        fixture.write("sql/features/feat_x.sql", sql);
        fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
        let (sources, project) = (fixture.sources().await, fixture.load().await.unwrap());
        let rows = project.model(&fixture.ctx, &sources, "feat_x", &at("2025-02-01T00:00:00Z")).await.unwrap();
        let proof = Proof::new(&sources, rows.logical_plan());
        let shown =
            |bound| ["net_amount", "filled", "number", "less", "other", "kg"].map(|column| proof.keeps(column, bound));
        assert_eq!(shown(Bound::Minimum(0)), [true, true, true, false, false, false]);
        assert_eq!(shown(Bound::Minimum(-1)), [true, true, true, false, true, false]);
        assert_eq!(shown(Bound::Minimum(1)), [false; 6]);
        assert_eq!(shown(Bound::Maximum(0)), [false; 6]);
    }

    #[tokio::test]
    async fn a_group_is_unique_and_filters_leave_nulls_out() {
        let sql = "select loaded_at, net_amount, count(*) as n, max(ordered_at) as newest from {{ ref('stg_orders') }}
            where loaded_at is not null group by loaded_at, net_amount";
        let expected = (true, vec![true, true, false]);
        assert_eq!(shown(sql, &["net_amount", "loaded_at"], &["loaded_at", "net_amount", "newest"]).await, expected);
        assert!(!shown(sql, &["loaded_at"], &[]).await.0);
    }

    #[tokio::test]
    async fn a_join_shows_what_its_sides_do() {
        let joined = |kind: &str, on: &str| {
            format!(
                "select a.order_id, b.net_amount as amount, coalesce(b.net_amount, 0) as filled
                from {{{{ ref('stg_orders') }}}} a {kind} join {{{{ ref('stg_orders') }}}} b on a.{on} = b.{on}"
            )
        };
        let columns = ["order_id", "amount", "filled"];
        let key = ["order_id"];
        assert_eq!(shown(&joined("inner", "order_id"), &key, &columns).await, (true, vec![true; 3]));
        assert_eq!(shown(&joined("left", "order_id"), &key, &columns).await, (true, vec![true, false, true]));
        assert_eq!(shown(&joined("full", "order_id"), &key, &columns).await, (false, vec![false, false, true]));
        assert!(!shown(&joined("inner", "net_amount"), &key, &columns).await.0, "many orders have one amount");
    }

    #[tokio::test]
    async fn nothing_is_shown_of_refused_rows_or_before_conflicts_are_known() {
        let refused = "select order_id, net_amount from {{ refused('shop', 'orders') }}";
        let fixture = Fixture::with_staging();
        fixture.write("sql/staging/stg_refused.sql", refused);
        fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
        let project = fixture.load().await.unwrap();
        let open = Sources::open(&fixture.project(), &fixture.pin().await.unwrap()).unwrap();
        for (sources, model) in [(fixture.sources().await, "stg_refused"), (open, "stg_orders")] {
            let rows = project.model(&fixture.ctx, &sources, model, &at("2025-02-01T00:00:00Z")).await.unwrap();
            let proof = Proof::new(&sources, rows.logical_plan());
            assert!(!proof.is_unique(&["order_id".to_owned()]), "{model}");
            assert_eq!(proof.is_never_null("net_amount"), model == "stg_orders");
        }
    }
}
