//! `tablesample`, which DataFusion parses and then passes over.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{TableFactor, Visit, Visitor};

use crate::error::ModelFault;
use crate::project::model::Model;

/// Refuses a query that samples a table.
pub(crate) fn refuse_tablesample(model: &Model, statement: &Statement) -> Result<(), ModelFault> {
    let Statement::Statement(query) = statement else { return Ok(()) };
    match query.visit(&mut Samples) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => {
            let message = "`tablesample` draws other rows when the day is run again: use \
                           `where uniform_hash('salt', key) < share`, which draws the same";
            Err(ModelFault::new(&model.file, message))
        }
    }
}

struct Samples;

impl Visitor for Samples {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { sample: Some(_), .. } => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}
