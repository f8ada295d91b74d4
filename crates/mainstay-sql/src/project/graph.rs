//! Which model comes before which, and which may build on which.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{FeatureError, ModelFault};
use crate::project::model::{Model, ModelKind};

/// Refuses circles, features that depend on labels, and staging that builds on anything but staging.
pub(crate) fn check(models: &BTreeMap<String, Model>) -> Result<(), FeatureError> {
    let mut finished = BTreeSet::new();
    for name in models.keys() {
        refuse_cycle(models, name, &mut Vec::new(), &mut finished)?;
    }
    for model in models.values() {
        for reference in referenced(models, model) {
            refuse_reference(model, reference)?;
        }
    }
    Ok(())
}

/// The models that `model` names in `ref()`, in order of their names.
pub(crate) fn referenced<'a>(models: &'a BTreeMap<String, Model>, model: &'a Model) -> impl Iterator<Item = &'a Model> {
    model.refs.iter().filter_map(|name| models.get(name))
}

/// Models and all that they build on, each once and behind what it builds on.
pub(crate) fn in_order<'a>(
    models: &'a BTreeMap<String, Model>,
    named: impl IntoIterator<Item = &'a Model>,
) -> Vec<&'a Model> {
    fn visit<'a>(
        models: &'a BTreeMap<String, Model>,
        model: &'a Model,
        seen: &mut BTreeSet<&'a str>,
        order: &mut Vec<&'a Model>,
    ) {
        if seen.insert(&model.name) {
            referenced(models, model).for_each(|reference| visit(models, reference, seen, order));
            order.push(model);
        }
    }
    let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
    named.into_iter().for_each(|model| visit(models, model, &mut seen, &mut order));
    order
}

fn refuse_cycle<'a>(
    models: &'a BTreeMap<String, Model>,
    name: &'a str,
    path: &mut Vec<&'a str>,
    finished: &mut BTreeSet<&'a str>,
) -> Result<(), FeatureError> {
    if finished.contains(name) {
        return Ok(());
    }
    if let Some(start) = path.iter().position(|&seen| seen == name) {
        let circle = path.iter().skip(start).copied().chain([name]);
        return Err(FeatureError::Cycle { path: circle.map(str::to_owned).collect() });
    }
    path.push(name);
    if let Some(model) = models.get(name) {
        for reference in &model.refs {
            refuse_cycle(models, reference, path, finished)?;
        }
    }
    path.pop();
    finished.insert(name);
    Ok(())
}

// Only direct references need a look: a chain from a feature to a label has a first step from a model that is no label
// to one that is.
fn refuse_reference(model: &Model, reference: &Model) -> Result<(), FeatureError> {
    let (name, other) = (&model.name, &reference.name);
    let message = match (model.kind, reference.kind) {
        (ModelKind::Label, _) => return Ok(()),
        (kind, ModelKind::Label) => format!(
            "{} `{name}` builds on the label `{other}`: a feature may not depend on a label, which sees what comes after as-of; only \
             models under sql/labels may",
            kind.noun()
        ),
        (ModelKind::Staging, kind) if kind != ModelKind::Staging => format!(
            "staging `{name}` builds on the {} `{other}`: staging may build on sources and staging alone",
            kind.noun()
        ),
        _ => return Ok(()),
    };
    Err(ModelFault::new(&model.file, message).into())
}
