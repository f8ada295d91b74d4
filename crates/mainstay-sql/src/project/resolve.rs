//! What the models of a project name, and the digest of what they decide.

use std::collections::{BTreeMap, BTreeSet};

use mainstay_config::Source;
use mainstay_schema::digest::{Digest, DigestHasher};

use crate::contract;
use crate::error::{FeatureError, ModelFault};
use crate::project::model::{Model, ModelKind};
use crate::project::template::{self, Rendered, Scope};
use crate::project::{absent, interface};

/// Renders every model once to learn what it names, and digests the outcome. The scope has the variables of the project and nothing else.
pub(crate) fn references(
    models: &mut BTreeMap<String, Model>,
    sources: &[Source],
    mut scope: Scope,
) -> Result<Digest, FeatureError> {
    scope.refs = models.keys().map(|name| (name.clone(), name.clone())).collect();
    scope.as_of = "as_of".to_owned();
    scope.suppression_as_of = "suppression_as_of".to_owned();
    let mut hasher = DigestHasher::new();
    for (source, table) in sources.iter().flat_map(|source| source.tables.iter().map(move |table| (source, table))) {
        hasher.frame(source.name.as_bytes()).frame(contract::terms(table).as_bytes());
        let named = (source.name.clone(), table.name.clone());
        scope.sources.insert(named.clone(), contract::table_name(&source.name, &table.name));
        scope.refused.insert(named, contract::refused_name(&source.name, &table.name));
    }
    let mut undeclared = Vec::new();
    for model in models.values_mut() {
        absent::check(model)?;
        scope.label_end = (model.kind == ModelKind::Label).then(|| "label_end".to_owned());
        hasher.frame(model.name.as_bytes()).frame(model.kind.noun().as_bytes());
        let rendered = match render_where_present(model, &mut scope)? {
            Presence::Present(rendered) => rendered,
            Presence::Absent { named } => {
                model.is_absent = true;
                absent::digest(model, &mut hasher);
                undeclared.extend(named.into_iter().map(|table| (model.file.clone(), table)));
                continue;
            }
        };
        hasher.frame(rendered.sql.as_bytes());
        for (column, reason) in model.columns.iter().filter_map(|column| Some((&column.name, column.reason.as_ref()?)))
        {
            hasher.frame(column.as_bytes()).frame(reason.as_bytes());
        }
        for column in &model.columns {
            if let Some(monotone) = column.monotone {
                hasher.frame(column.name.as_bytes()).frame(format!("{monotone:?}").as_bytes());
            }
        }
        model.refs = rendered.refs;
        model.sources = rendered.sources;
        model.refused = rendered.refused;
        model.variables = rendered.variables;
        model.warnings = rendered.warnings;
    }
    for (file, table) in &undeclared {
        absent::refuse_slip(file, table, scope.sources.keys(), models)?;
    }
    Ok(hasher.finish())
}

/// Whether a model has a source, or may be absent and has none.
enum Presence {
    Present(Rendered),
    /// The tables that it names, none of which the project declares, as (source, table).
    Absent {
        named: BTreeSet<(String, String)>,
    },
}

/// The SQL of a model and what it names, unless it may be absent and the project has none of its sources.
fn render_where_present(model: &Model, scope: &mut Scope) -> Result<Presence, ModelFault> {
    if model.when_absent.is_none() && model.is_own {
        return template::render(&model.file, &model.template, scope).map(Presence::Present);
    }
    scope.names_any_source = true;
    let named = template::render(&model.file, &model.template, scope)?.sources;
    scope.names_any_source = false;
    if model.when_absent.is_none() {
        interface::refuse_unwritten(model, &named, scope)?;
    } else {
        if named.is_empty() {
            let message = "`when_absent`, but the model names no source that could be absent: leave it out";
            return Err(ModelFault::new(model.description_file(), message));
        }
        if !named.iter().any(|table| scope.sources.contains_key(table)) {
            return Ok(Presence::Absent { named });
        }
    }
    template::render(&model.file, &model.template, scope).map(Presence::Present)
}
