//! Plans that were made, kept for all who ask for the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::logical_expr::LogicalPlan;

use crate::plan::horizon::Horizon;
use crate::plan::lineage::in_order;
use crate::plan::materialised::MaterialisedModels;
use crate::project::SqlProject;
use crate::project::model::Model;

/// Plans of models of one project over the same sources, so that none is made twice.
///
/// A plan stands for one moment, and for what was materialised as it was made: a model that builds on one that is materialised later is
/// planned again, over the rows. Plans hold the lists of files that they read, so what looks at many moments once each keeps none.
#[derive(Debug, Default)]
pub struct PlannedModels(Mutex<BTreeMap<PlanKey, LogicalPlan>>);

/// What a plan follows from, beside the project and the sources.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PlanKey {
    model: String,
    horizon: Horizon,
    /// What is read from memory of all that the model builds on.
    materialised: BTreeSet<(String, Horizon)>,
}

impl PlanKey {
    pub(crate) fn of(project: &SqlProject, materialised: &MaterialisedModels, model: &Model, horizon: Horizon) -> Self {
        let lineage = in_order(project, materialised, model, horizon).into_iter();
        let read = lineage.filter(|(part, horizon)| materialised.find_within(&part.name, *horizon).is_some());
        let materialised = read.map(|(part, horizon)| (part.name.clone(), horizon)).collect();
        Self { model: model.name.clone(), horizon, materialised }
    }
}

impl PlannedModels {
    pub(crate) fn find(&self, key: &PlanKey) -> Option<LogicalPlan> {
        self.plans().get(key).cloned()
    }

    pub(crate) fn keep(&self, key: PlanKey, plan: LogicalPlan) {
        self.plans().insert(key, plan);
    }

    fn plans(&self) -> MutexGuard<'_, BTreeMap<PlanKey, LogicalPlan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
