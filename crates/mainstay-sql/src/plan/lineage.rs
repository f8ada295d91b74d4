//! What a model builds on at a moment, and in which order it is planned.

use std::collections::BTreeSet;

use crate::plan::horizon::Horizon;
use crate::plan::materialised::MaterialisedModels;
use crate::project::model::Model;
use crate::project::{SqlProject, graph};

/// The model behind all that it builds on, each with what it sees, once. A model that is materialised builds on nothing.
pub(crate) fn in_order<'a>(
    project: &'a SqlProject,
    materialised: &MaterialisedModels,
    model: &'a Model,
    horizon: Horizon,
) -> Vec<(&'a Model, Horizon)> {
    fn visit<'a>(
        project: &'a SqlProject,
        materialised: &MaterialisedModels,
        model: &'a Model,
        horizon: Horizon,
        seen: &mut BTreeSet<(&'a str, Horizon)>,
        order: &mut Vec<(&'a Model, Horizon)>,
    ) {
        if !seen.insert((&model.name, horizon)) {
            return;
        }
        if materialised.find_within(&model.name, horizon).is_none() {
            for reference in graph::referenced(project.models_by_name(), model) {
                visit(project, materialised, reference, horizon.of_reference(reference), seen, order);
            }
        }
        order.push((model, horizon));
    }
    let mut order = Vec::new();
    visit(project, materialised, model, horizon, &mut BTreeSet::new(), &mut order);
    order
}
