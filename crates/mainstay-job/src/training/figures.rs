//! What a training leaves of its rows, so that the days that follow can be held against them.

use std::collections::BTreeMap;

use mainstay_monitor::{Tally, TrainingFigures, TrainingProfile};
use mainstay_schema::Ds;
use mainstay_train::{Trained, TrainingSet};

use crate::details::SampledCustomers;

/// The customers and the mean risk of the test cut, and the features of all cuts.
/// Of a draw of customers all who were eligible are counted.
pub(crate) fn of(trained: &Trained, sample: Option<&SampledCustomers>) -> TrainingFigures {
    let names = trained.training.feature_names();
    let mut cuts: BTreeMap<Ds, Tally> = BTreeMap::new();
    for set in [&trained.training, &trained.test] {
        tally(set, &mut cuts);
    }
    let cuts: Vec<Tally> = cuts.into_values().collect();
    let probabilities = trained.test_probabilities();
    let customers = probabilities.len();
    TrainingFigures {
        customers: sample.map_or(customers as u64, |sample| sample.eligible_at_test_cut),
        risk: probabilities.iter().sum::<f64>() / customers.max(1) as f64,
        profile: TrainingProfile::of_cuts(&cuts, names),
    }
}

fn tally(set: &TrainingSet, cuts: &mut BTreeMap<Ds, Tally>) {
    let features = set.feature_names().len();
    for cut in set.cuts() {
        cuts.entry(*cut).or_insert_with(|| Tally::new(features)).add_rows(1);
    }
    for (feature, column) in set.columns().enumerate() {
        for (cut, tally) in cuts.iter_mut() {
            let of_cut = column.iter().zip(set.cuts()).filter(|(_, row)| *row == cut);
            tally.add(feature, of_cut.map(|(value, _)| *value));
        }
    }
}
