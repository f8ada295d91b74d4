//! What models are planned over.

use crate::plan::materialised::MaterialisedModels;
use crate::visible::sources::Sources;

/// Sources, and the models that were materialised from them.
#[derive(Debug, Clone, Copy)]
pub struct ModelInputs<'a> {
    /// The source tables.
    pub sources: &'a Sources,
    /// Models whose rows are read in the place of their SQL. They come of the same sources, after their conflicts were looked for.
    pub materialised: &'a MaterialisedModels,
}

impl<'a> From<&'a Sources> for ModelInputs<'a> {
    /// Every model is computed from the sources.
    fn from(sources: &'a Sources) -> Self {
        Self { sources, materialised: MaterialisedModels::none() }
    }
}
