//! What models are planned over.

use crate::plan::materialised::MaterialisedModels;
use crate::plan::planned::PlannedModels;
use crate::visible::sources::Sources;

/// Sources, and what was made of them.
#[derive(Debug, Clone, Copy)]
pub struct ModelInputs<'a> {
    /// The source tables.
    pub sources: &'a Sources,
    /// Models whose rows are read in the place of their SQL. They come of the same sources, after their conflicts were looked for.
    pub materialised: &'a MaterialisedModels,
    /// Where plans are kept and found, over the same sources and of the same project; absent where each is made anew.
    pub planned: Option<&'a PlannedModels>,
}

impl<'a> From<&'a Sources> for ModelInputs<'a> {
    /// Every model is planned anew and computed from the sources.
    fn from(sources: &'a Sources) -> Self {
        Self { sources, materialised: MaterialisedModels::none(), planned: None }
    }
}
