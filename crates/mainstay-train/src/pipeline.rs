//! From rows to a judged model: the same way for the job of a project and for a file.

use std::num::NonZeroUsize;

use mainstay_schema::Ds;

use crate::error::TrainError;
use crate::kind::ModelParams;
use crate::recipe::{Recipe, Trained};
use crate::rows::TrainingSet;
use crate::tune::{Search, Searched};

/// Where the parameters of a model come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameters {
    /// From whoever asks for the model.
    Stated(ModelParams),
    /// From a search on the rows that the model is fitted on.
    Searched(Search),
}

/// How a model is found, fitted and calibrated.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// What is fitted.
    pub parameters: Parameters,
    /// Parts the customers into folds.
    pub seed: u64,
    /// The first cut that the model is searched and fitted on; earlier ones only calibrate.
    pub fit_from: Ds,
    /// Parts of the customers that are held back in turn, at least 2.
    pub folds: usize,
}

impl Pipeline {
    /// Finds the parameters, fits, calibrates, and judges on `test`. `progress` is told what is counted (`trials` of the search, then
    /// `steps`), how much is done, and how much there is.
    ///
    /// # Errors
    /// Those of [`Search::run`] and [`Recipe::train`], and parameters outside of their range.
    pub fn run(
        &self,
        training: TrainingSet,
        test: TrainingSet,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(&'static str, usize, usize),
    ) -> Result<(Searched, Trained), TrainError> {
        let searched = match &self.parameters {
            Parameters::Stated(best) => Searched { best: *best, trials: Vec::new(), in_time_order: true },
            Parameters::Searched(search) => {
                let fitted_on = self.fitted_on(&training)?;
                search.run(&fitted_on, threads, &mut |done, all| progress("trials", done, all))?
            }
        };
        let Self { seed, fit_from, folds, .. } = *self;
        let recipe = Recipe { model: searched.best.check()?, seed, fit_from, folds };
        let trained = recipe.train(training, test, threads, &mut |done, all| progress("steps", done, all))?;
        Ok((searched, trained))
    }

    fn fitted_on(&self, training: &TrainingSet) -> Result<TrainingSet, TrainError> {
        if training.cuts().iter().all(|cut| *cut >= self.fit_from) {
            return Ok(training.clone());
        }
        let is_fitted: Vec<bool> = training.cuts().iter().map(|cut| *cut >= self.fit_from).collect();
        training.subset(&is_fitted)
    }
}

#[cfg(test)]
mod tests {
    use mainstay_schema::LearnerKind;

    use super::*;
    use crate::test_rows::draw_truth;

    fn search() -> Search {
        Search {
            kinds: vec![LearnerKind::Logistic, LearnerKind::Tree],
            candidates: 4,
            validations: 1,
            label_days: 0,
            seed: 7,
        }
    }

    fn run(parameters: Parameters, fit_from: &str) -> (Searched, Trained, Vec<&'static str>) {
        let set = |seed, rows| TrainingSet::new(draw_truth(seed, rows).rows).unwrap();
        let pipeline = Pipeline { parameters, seed: 7, fit_from: fit_from.parse().unwrap(), folds: 2 };
        let mut units = Vec::new();
        let mut progress = |unit, _, _| units.push(unit);
        let (searched, trained) = pipeline.run(set(1, 4_000), set(2, 400), NonZeroUsize::MIN, &mut progress).unwrap();
        units.dedup();
        (searched, trained, units)
    }

    #[test]
    fn the_search_sees_the_cuts_that_are_fitted_on_alone() {
        let (searched, trained, units) = run(Parameters::Searched(search()), "2024-02-01");
        assert_eq!(units, ["trials", "steps"]);
        let is_newest: Vec<bool> = trained.training.cuts().iter().map(|cut| cut.to_string() == "2024-02-01").collect();
        let newest = trained.training.subset(&is_newest).unwrap();
        assert_eq!(searched, search().run(&newest, NonZeroUsize::MIN, &mut |_, _| {}).unwrap());
        let (of_all, _, _) = run(Parameters::Searched(search()), "2024-01-01");
        assert_eq!(of_all, search().run(&trained.training, NonZeroUsize::MIN, &mut |_, _| {}).unwrap());
        assert_ne!(of_all.trials, searched.trials);
    }

    #[test]
    fn stated_parameters_are_fitted_as_those_that_were_found() {
        let (found, trained, _) = run(Parameters::Searched(search()), "2024-01-01");
        let (stated, again, units) = run(Parameters::Stated(found.best), "2024-01-01");
        assert_eq!((stated.best, stated.trials.len(), units), (found.best, 0, vec!["steps"]));
        assert_eq!(again.model.digest(), trained.model.digest());
    }
}
