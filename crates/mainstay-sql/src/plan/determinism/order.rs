//! What takes rows by their order, and whether that order is total.

use datafusion::common::Column;
use datafusion::logical_expr::expr::{AggregateFunction, Sort, WindowFunction};
use datafusion::logical_expr::{
    Distinct, DistinctOn, Expr, Limit, LogicalPlan, WindowFrameUnits, WindowFunctionDefinition,
};

use super::keys::{Columns, Grains, identifying, indices};
use super::refusal::Refusal;

/// Aggregates that take the values of a group by the order of its rows.
const ORDERED_AGGREGATES: [&str; 5] = ["array_agg", "string_agg", "first_value", "last_value", "nth_value"];

/// Window functions that give tied rows the same value, whatever the frame.
const RANKS: [&str; 4] = ["rank", "dense_rank", "percent_rank", "cume_dist"];

/// What a node itself takes by an order that is not total.
pub(super) fn of_node(node: &LogicalPlan, grains: &Grains<'_>) -> Option<Refusal> {
    match node {
        LogicalPlan::Limit(limit) => of_limit(limit, grains),
        LogicalPlan::Distinct(Distinct::On(distinct)) => of_distinct_on(distinct, grains),
        _ => None,
    }
}

/// What an expression of a node takes by an order that is not total.
pub(super) fn of_expression(node: &LogicalPlan, expression: &Expr, grains: &Grains<'_>) -> Option<Refusal> {
    match (node, expression) {
        (LogicalPlan::Aggregate(aggregate), Expr::AggregateFunction(function)) => {
            of_aggregate(expression, function, &aggregate.group_expr, &aggregate.input, grains)
        }
        (LogicalPlan::Window(window), Expr::WindowFunction(function)) => {
            of_window(expression, function, &window.input, grains)
        }
        _ => None,
    }
}

fn of_aggregate(
    expression: &Expr,
    function: &AggregateFunction,
    group_by: &[Expr],
    input: &LogicalPlan,
    grains: &Grains<'_>,
) -> Option<Refusal> {
    if !ORDERED_AGGREGATES.contains(&function.func.name()) {
        return None;
    }
    let params = &function.params;
    let order = Order::new(input, grains, group_by.iter().chain(sorted(&params.order_by)));
    if order.is_total() || order.includes_all_of(&params.args) {
        return None;
    }
    let name = format!("{}()", function.func.name());
    Some(Refusal::of(expression, order.advice(&name, "`group by` and the `order by` inside the function")))
}

fn of_window(
    expression: &Expr,
    function: &WindowFunction,
    input: &LogicalPlan,
    grains: &Grains<'_>,
) -> Option<Refusal> {
    let (name, params) = (function.fun.name(), &function.params);
    let frame = &params.window_frame;
    let takes_rows =
        frame.units == WindowFrameUnits::Rows && !(frame.start_bound.is_unbounded() && frame.end_bound.is_unbounded());
    let is_ordered = match &function.fun {
        WindowFunctionDefinition::WindowUDF(_) => !RANKS.contains(&name),
        WindowFunctionDefinition::AggregateUDF(_) => takes_rows || ORDERED_AGGREGATES.contains(&name),
    };
    let order = Order::new(input, grains, params.partition_by.iter().chain(sorted(&params.order_by)));
    if !is_ordered || order.is_total() {
        return None;
    }
    let is_frame =
        !ORDERED_AGGREGATES.contains(&name) && matches!(function.fun, WindowFunctionDefinition::AggregateUDF(_));
    let what = if is_frame { format!("{name}() over a frame of `rows`") } else { format!("{name}()") };
    let advice = order.advice(&what, "`partition by` and `order by`");
    let instead = if is_frame { "; or write a frame of `range`" } else { "" };
    Some(Refusal::of(expression, format!("{advice}{instead}")))
}

fn of_distinct_on(distinct: &DistinctOn, grains: &Grains<'_>) -> Option<Refusal> {
    let sort = distinct.sort_expr.as_deref().unwrap_or_default();
    let order = Order::new(&distinct.input, grains, distinct.on_expr.iter().chain(sorted(sort)));
    if order.is_total() || order.includes_all_of(&distinct.select_expr) {
        return None;
    }
    Some(Refusal::of_plan(order.advice("`distinct on`", "its columns and `order by`")))
}

fn of_limit(limit: &Limit, grains: &Grains<'_>) -> Option<Refusal> {
    // Columns that are sorted by but not selected are dropped between the sort and the limit.
    let mut input = limit.input.as_ref();
    while let LogicalPlan::Projection(projection) = input {
        input = &projection.input;
    }
    let order = match input {
        LogicalPlan::Sort(sort) => Order::new(&sort.input, grains, sorted(&sort.expr)),
        _ => Order::new(&limit.input, grains, std::iter::empty()),
    };
    if order.is_total() {
        return None;
    }
    Some(Refusal::of_plan(order.advice("`limit`", "`order by`")))
}

fn sorted(order_by: &[Sort]) -> impl Iterator<Item = &Expr> {
    order_by.iter().map(|sort| &sort.expr)
}

/// An order of the rows of a plan, in groups or as a whole.
struct Order<'a> {
    input: &'a LogicalPlan,
    columns: Columns,
    keys: Vec<Columns>,
}

impl<'a> Order<'a> {
    fn new<'e>(input: &'a LogicalPlan, grains: &Grains<'_>, by: impl Iterator<Item = &'e Expr>) -> Self {
        Self { input, columns: indices(by, input.schema()), keys: identifying(input, grains) }
    }

    /// Whether it leaves no two rows tied, unless they are the same in every column.
    fn is_total(&self) -> bool {
        let all = self.input.schema().fields().len();
        self.columns.len() == all || self.keys.iter().any(|key| key.is_subset(&self.columns))
    }

    /// Whether tied rows are the same in all that the expressions read.
    fn includes_all_of(&self, expressions: &[Expr]) -> bool {
        let read: Vec<Expr> = expressions.iter().flat_map(Expr::column_refs).cloned().map(Expr::Column).collect();
        indices(read.iter(), self.input.schema()).is_subset(&self.columns)
    }

    /// What to do: `what` takes the rows, `clauses` order them.
    fn advice(&self, what: &str, clauses: &str) -> String {
        let keys: Vec<String> = self.keys.iter().map(|key| self.names(key)).collect();
        let advice = match keys.as_slice() {
            [] => "nothing is known to identify a row here: give the model that it comes from a `grain`, or group by what \
                   identifies a row, and order by that"
                .to_owned(),
            keys => format!("let {clauses} hold what identifies a row, here {}", keys.join(" or ")),
        };
        format!("{what} depends on the order of rows, which is left open: {advice}")
    }

    fn names(&self, key: &Columns) -> String {
        let name = |&index: &usize| Column::from(self.input.schema().qualified_field(index)).name;
        format!("({})", key.iter().map(name).collect::<Vec<_>>().join(", "))
    }
}
