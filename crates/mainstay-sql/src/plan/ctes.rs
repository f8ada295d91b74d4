//! Names of common table expressions.
//!
//! In SQL a query may give a name anew that a query around it has given, and then means its own. DataFusion refuses that, so the inner
//! one is called something else before it plans.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Cte, Ident, ObjectName, Query, TableAlias, TableFactor, VisitMut, VisitorMut, With,
};

use crate::error::ModelFault;
use crate::project::model::Model;

/// Gives every common table expression a name of its own, and lets references follow. Names that stand once stay as they are.
pub(crate) fn rename_shadowing(model: &Model, statement: &mut Statement) -> Result<(), ModelFault> {
    let Statement::Statement(query) = statement else { return Ok(()) };
    match query.visit(&mut Names::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(twice) => {
            let place = twice.span.start;
            let message = format!("`{}` is given twice in one `with`: rename one of them", twice.value);
            Err(ModelFault::new(&model.file, message).at(place.line as usize, place.column as usize))
        }
    }
}

/// The names seen so far, while a statement is walked.
#[derive(Default)]
struct Names {
    /// Those of the queries around, the innermost last.
    scopes: Vec<Scope>,
    taken: BTreeSet<String>,
}

#[derive(Default)]
struct Scope {
    /// What each name is called now.
    called: BTreeMap<String, Ident>,
    /// The clause of the query, kept from being walked a second time.
    with: Option<With>,
}

/// A name as the planner compares it.
fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

impl Names {
    fn called(&self, name: &str) -> Option<&Ident> {
        self.scopes.iter().rev().find_map(|scope| scope.called.get(name))
    }

    /// Takes the name of an expression, under another one where it was taken before.
    fn take(&mut self, cte: &mut Cte) -> ControlFlow<Ident> {
        let name = folded(&cte.alias.name);
        let Some(scope) = self.scopes.last_mut() else { return ControlFlow::Continue(()) };
        if scope.called.contains_key(&name) {
            return ControlFlow::Break(cte.alias.name.clone());
        }
        let mut number = 1;
        let mut free = name.clone();
        while !self.taken.insert(free.clone()) {
            number += 1;
            free = format!("{name} {number}");
        }
        if number > 1 {
            cte.alias.name = Ident { value: free, quote_style: Some('"'), span: cte.alias.name.span };
        }
        scope.called.insert(name, cte.alias.name.clone());
        ControlFlow::Continue(())
    }
}

impl VisitorMut for Names {
    type Break = Ident;

    /// An expression sees those before it, and itself where it is recursive; so the clause is walked here, in that order.
    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Ident> {
        self.scopes.push(Scope::default());
        let Some(mut with) = query.with.take() else { return ControlFlow::Continue(()) };
        for cte in &mut with.cte_tables {
            if with.recursive {
                self.take(cte)?;
                cte.query.visit(self)?;
            } else {
                cte.query.visit(self)?;
                self.take(cte)?;
            }
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.with = Some(with);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Ident> {
        query.with = self.scopes.pop().and_then(|scope| scope.with);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Ident> {
        let TableFactor::Table { name, alias, .. } = factor else { return ControlFlow::Continue(()) };
        let [part] = name.0.as_slice() else { return ControlFlow::Continue(()) };
        let Some(written) = part.as_ident().cloned() else { return ControlFlow::Continue(()) };
        let renamed = self.called(&folded(&written)).filter(|called| folded(called) != folded(&written)).cloned();
        if let Some(renamed) = renamed {
            *name = ObjectName::from(vec![Ident { span: written.span, ..renamed }]);
            // Its columns are named by what was written.
            alias.get_or_insert(TableAlias { explicit: true, name: written, columns: Vec::new(), at: None });
        }
        ControlFlow::Continue(())
    }
}
