//! What is refused of a model, and where it stands.

use datafusion::common::Span;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::Expr;

/// What a model does that may come out differently when its day is run again.
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) span: Option<Span>,
}

impl Refusal {
    pub(super) fn of(expression: &Expr, message: String) -> Self {
        Self { message, span: first_span(expression) }
    }

    pub(super) fn of_plan(message: String) -> Self {
        Self { message, span: None }
    }
}

/// Where the first column stands that an expression names.
fn first_span(expression: &Expr) -> Option<Span> {
    let mut span = None;
    let looked = expression.apply(|part| {
        span = part.spans().and_then(datafusion::common::Spans::first);
        Ok(if span.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    looked.ok().and(span)
}
