//! The sets of columns that are known to identify a row of a plan.
//!
//! Known are the `grain` of a model that is referred to, the keys of `group by`, a row's number within its partition, what
//! DataFusion knows of a table, and what filters, joins and projections leave of all these.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::{Column, DFSchema, Dependency, JoinType, TableReference};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, DistinctOn, Expr, ExprSchemable, Filter, Join, LogicalPlan, Operator,
    SubqueryAlias, Window, WindowFunctionDefinition,
};

/// The columns that a table in the catalog of models is declared to be identified by; `None` for what is none of it.
pub(crate) type Grains<'a> = dyn Fn(&TableReference) -> Option<&'a [String]> + 'a;

/// Columns of a plan by their place in its schema.
pub(crate) type Columns = BTreeSet<usize>;

/// Sets are combined by joins; more than a model of SQL has of them are not followed.
const MOST_KEYS: usize = 32;

/// The sets of columns of which no two rows have the same values, as far as is known. An empty set: there is one row at most.
pub(crate) fn identifying(plan: &LogicalPlan, grains: &Grains<'_>) -> Vec<Columns> {
    let of_input = || plan.inputs().first().map_or_else(Vec::new, |input| identifying(input, grains));
    let keys = match plan {
        LogicalPlan::SubqueryAlias(alias) => of_alias(alias, grains),
        LogicalPlan::Projection(projection) => renamed(&of_input(), &projection.expr, projection.input.schema()),
        LogicalPlan::Filter(filter) => without_constants(&of_input(), filter),
        LogicalPlan::Window(window) => [of_input(), row_numbers(window)].concat(),
        LogicalPlan::Aggregate(aggregate) => of_groups(&of_input(), aggregate),
        LogicalPlan::Join(join) => of_join(join, grains),
        LogicalPlan::Distinct(Distinct::On(distinct)) => of_distinct_on(of_input(), distinct),
        LogicalPlan::Distinct(Distinct::All(_)) => {
            [of_input(), vec![(0..plan.schema().fields().len()).collect()]].concat()
        }
        LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Repartition(_) | LogicalPlan::Subquery(_) => {
            of_input()
        }
        LogicalPlan::EmptyRelation(_) => vec![Columns::new()],
        LogicalPlan::Values(values) if values.values.len() <= 1 => vec![Columns::new()],
        LogicalPlan::TableScan(scan) => declared(&scan.projected_schema),
        _ => Vec::new(),
    };
    smallest(keys)
}

/// The places of expressions that are columns of a schema; all others count for nothing.
pub(super) fn indices<'a>(expressions: impl Iterator<Item = &'a Expr>, schema: &DFSchema) -> Columns {
    expressions.filter_map(|expression| index(expression, schema)).collect()
}

fn index(expression: &Expr, schema: &DFSchema) -> Option<usize> {
    match expression {
        Expr::Column(column) => schema.maybe_index_of_column(column),
        Expr::Alias(alias) => index(&alias.expr, schema),
        // Texts stay as different as they were.
        Expr::Cast(cast) if is_text(&cast.expr, schema) && is_text(expression, schema) => index(&cast.expr, schema),
        _ => None,
    }
}

fn is_text(expression: &Expr, schema: &DFSchema) -> bool {
    expression.get_type(schema).is_ok_and(|found| found.is_string())
}

fn smallest(mut keys: Vec<Columns>) -> Vec<Columns> {
    keys.sort_by_key(|key| (key.len(), key.clone()));
    let mut kept: Vec<Columns> = Vec::new();
    for key in keys {
        if !kept.iter().any(|smaller| smaller.is_subset(&key)) && kept.len() < MOST_KEYS {
            kept.push(key);
        }
    }
    kept
}

fn of_alias(alias: &SubqueryAlias, grains: &Grains<'_>) -> Vec<Columns> {
    let place = |name: &String| alias.schema.maybe_index_of_column(&Column::from_name(name.clone()));
    match grains(&alias.alias) {
        // A column that the grain names but the model lacks is refused elsewhere.
        Some(grain) if !grain.is_empty() => grain.iter().map(place).collect::<Option<Columns>>().into_iter().collect(),
        _ => identifying(&alias.input, grains),
    }
}

/// Keys of which every column is among the output.
fn renamed(keys: &[Columns], output: &[Expr], input: &DFSchema) -> Vec<Columns> {
    let mut places = BTreeMap::new();
    for (place, expression) in output.iter().enumerate() {
        if let Some(index) = index(expression, input) {
            places.entry(index).or_insert(place);
        }
    }
    keys.iter().filter_map(|key| key.iter().map(|index| places.get(index).copied()).collect()).collect()
}

/// Of rows that have the same value in a column, the others of its key identify one.
fn without_constants(keys: &[Columns], filter: &Filter) -> Vec<Columns> {
    let constant = |condition: &&Expr| match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (left.as_ref(), right.as_ref()) {
            (column, Expr::Literal(..)) | (Expr::Literal(..), column) => index(column, filter.input.schema()),
            _ => None,
        },
        Expr::Not(flag) | Expr::IsNull(flag) => index(flag, filter.input.schema()),
        flag => index(flag, filter.input.schema()),
    };
    let conditions = split_conjunction(&filter.predicate);
    let constants: Columns = conditions.iter().filter_map(constant).collect();
    keys.iter().map(|key| key - &constants).collect()
}

/// A row's number and the partition in which it is counted.
fn row_numbers(window: &Window) -> Vec<Columns> {
    let input = window.input.schema();
    let number = |(place, expression): (usize, &Expr)| {
        let Expr::WindowFunction(function) = unaliased(expression) else { return None };
        let is_number = matches!(&function.fun, WindowFunctionDefinition::WindowUDF(fun) if fun.name() == "row_number");
        let partition = function.params.partition_by.iter().map(|column| index(column, input));
        let key: Option<Columns> = partition.chain([Some(input.fields().len() + place)]).collect();
        key.filter(|_| is_number)
    };
    window.window_expr.iter().enumerate().filter_map(number).collect()
}

fn unaliased(expression: &Expr) -> &Expr {
    match expression {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

fn of_groups(keys: &[Columns], aggregate: &Aggregate) -> Vec<Columns> {
    // Behind the columns of grouping sets stands the number of the set.
    let groups = (0..aggregate.schema.fields().len() - aggregate.aggr_expr.len()).collect();
    let kept = match aggregate.group_expr.as_slice() {
        [Expr::GroupingSet(_)] => Vec::new(),
        plain => renamed(keys, plain, aggregate.input.schema()),
    };
    [kept, vec![groups]].concat()
}

fn of_distinct_on(keys: Vec<Columns>, distinct: &DistinctOn) -> Vec<Columns> {
    let input = distinct.input.schema();
    let on: Option<Columns> = distinct.on_expr.iter().map(|column| index(column, input)).collect();
    renamed(&[keys, on.into_iter().collect()].concat(), &distinct.select_expr, input)
}

fn of_join(join: &Join, grains: &Grains<'_>) -> Vec<Columns> {
    let (left, right) = (identifying(&join.left, grains), identifying(&join.right, grains));
    let width = join.left.schema().fields().len();
    let (left_equal, right_equal) = equal_columns(join);
    let is_left_unique = left.iter().any(|key| key.is_subset(&left_equal));
    let is_right_unique = right.iter().any(|key| key.is_subset(&right_equal));
    let beside = |key: &Columns| -> Columns { key.iter().map(|index| index + width).collect() };
    let mut keys = match join.join_type {
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => return left,
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => return right,
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
            left.iter().flat_map(|one| right.iter().map(move |other| one | &beside(other))).collect::<Vec<_>>()
        }
    };
    if is_right_unique && matches!(join.join_type, JoinType::Inner | JoinType::Left) {
        keys.extend(left);
    }
    if is_left_unique && matches!(join.join_type, JoinType::Inner | JoinType::Right) {
        keys.extend(right.iter().map(beside));
    }
    keys
}

/// The columns of the left and of the right that a join holds equal to one of the other side.
pub(crate) fn equal_columns(join: &Join) -> (Columns, Columns) {
    let conditions = join.filter.iter().flat_map(split_conjunction).filter_map(|condition| match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => Some((left.as_ref(), right.as_ref())),
        _ => None,
    });
    let pairs = join.on.iter().map(|(left, right)| (left, right)).chain(conditions);
    let sides = pairs.filter_map(|(one, other)| {
        let places = |left, right| Some((index(left, join.left.schema())?, index(right, join.right.schema())?));
        places(one, other).or_else(|| places(other, one))
    });
    sides.unzip()
}

/// What a table's provider declares.
fn declared(schema: &DFSchema) -> Vec<Columns> {
    let all = schema.fields().len();
    let identifies = |dependence: &&datafusion::common::FunctionalDependence| {
        dependence.mode == Dependency::Single && !dependence.nullable && dependence.target_indices.len() == all
    };
    let dependencies = schema.functional_dependencies().iter().filter(identifies);
    dependencies.map(|dependence| dependence.source_indices.iter().copied().collect()).collect()
}
