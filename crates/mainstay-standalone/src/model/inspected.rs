//! What a model is made of, and how this machine runs it.

use mainstay_model::summary::Summary;
use mainstay_model::{Ensemble, InstructionSet, SelfTest};
use serde::Serialize;

/// A model, and how this machine runs it.
#[derive(Debug, Serialize)]
pub struct InspectedModel {
    /// What the model is made of.
    #[serde(flatten)]
    pub summary: Summary,
    /// What this machine runs it with.
    pub instructions: Instructions,
}

/// The instruction sets of this machine, and which of them the kernels chose by their self-tests.
#[derive(Debug, Serialize)]
pub struct Instructions {
    /// The one that scores.
    pub scoring: InstructionSet,
    /// The one that explains.
    pub contributions: InstructionSet,
    /// Those of the machine.
    pub available: Vec<InstructionSet>,
    /// Those that one of the kernels may not use, because they give other bits than the portable one.
    pub refused: Vec<InstructionSet>,
}

impl InspectedModel {
    /// A model on this machine.
    pub fn of(model: &Ensemble) -> Self {
        Self { summary: Summary::of(model), instructions: Instructions::of_this_machine() }
    }
}

impl Instructions {
    fn of_this_machine() -> Self {
        let tests = [SelfTest::scoring(), SelfTest::contributions()];
        let is_refused = |instructions: &InstructionSet| tests.iter().any(|test| test.refuses(*instructions));
        let available = InstructionSet::available();
        let refused = available.iter().copied().filter(is_refused).collect();
        Self { scoring: tests[0].chosen(), contributions: tests[1].chosen(), available, refused }
    }
}
