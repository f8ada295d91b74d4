//! Terms: what a value adds, the same by every way of scoring, and what is refused.

use proptest::prelude::*;

use super::*;
use crate::test_models::{random_columns, random_ensemble};
use crate::{Explainer, Scorer};

fn line() -> Term {
    let effect = Effect::Line { slope: 2.0, centre: 1.0, low: -1.0, high: 3.0 };
    Term { feature: 0, effect, missing: -0.25, mean: 0.125 }
}

fn categories() -> Term {
    Term { feature: 2, effect: Effect::Categories(vec![1.0, -1.0]), missing: 0.5, mean: 0.0 }
}

fn model(seed: u64, trees: usize) -> Ensemble {
    random_ensemble(seed, 4, trees, 4).with_terms(vec![line(), categories()]).unwrap()
}

#[test]
fn a_line_is_clipped_and_a_category_has_its_own_value() {
    let line = line();
    assert_eq!([1.0, 2.0, 99.0, -99.0, f64::NAN].map(|v| line.value(v)), [0.0, 2.0, 4.0, -4.0, -0.25]);
    assert_eq!(line.contribution(1.0), -0.125);
    assert_eq!(line.reach(), 8.0);
    let categories = categories();
    assert_eq!([0.0, 1.9, 2.0, -1.0, 1e300, f64::NAN].map(|v| categories.value(v)), [1.0, -1.0, 0.5, 0.5, 0.5, 0.5]);
    assert_eq!(categories.reach(), 2.0);
}

proptest! {
    #[test]
    fn every_way_of_scoring_gives_the_same_bits(seed: u64, trees in 0usize..20, rows in 1usize..600) {
        let model = model(seed, trees);
        let columns = random_columns(seed, 4, rows);
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let (mut slow, mut fast) = (vec![0.0; rows], vec![0.0; rows]);
        model.raw_scores(&slices, &mut slow).unwrap();
        let typed: Vec<Column<'_>> = slices.iter().map(|values| Column::new(*values)).collect();
        Scorer::new(&model).raw_scores(&typed, &mut fast).unwrap();
        prop_assert_eq!(&slow, &fast);
        let explainer = Explainer::new(&model).unwrap();
        let mut contributions = vec![0.0; 4 * rows];
        explainer.contributions(&typed, &mut contributions).unwrap();
        for row in 0..rows {
            let values: Vec<f64> = columns.iter().map(|column| column[row]).collect();
            let mut plain = [0.0; 4];
            let start = model.contributions(&values, &mut plain).unwrap();
            prop_assert_eq!(start, explainer.expected_margin());
            prop_assert!((start + plain.iter().sum::<f64>() - slow[row]).abs() < 1e-9);
            for feature in 0..4 {
                prop_assert!((plain[feature] - contributions[feature * rows + row]).abs() < 1e-4);
            }
        }
    }
}

#[test]
fn contributions_of_a_linear_model_are_exact() {
    let model = model(3, 0);
    let mut contributions = [0.0; 4];
    let start = model.contributions(&[2.0, 9.0, 1.0, f64::NAN], &mut contributions).unwrap();
    assert_eq!(contributions, [2.0 - 0.125, 0.0, -1.0, 0.0]);
    assert_eq!(start, model.bias() + 0.125);
}

#[test]
fn a_model_with_terms_reads_back_to_the_bit() {
    let model = model(5, 3);
    let json = model.to_json();
    assert!(json.starts_with(b"{\"mainstay_model\":3,"));
    let read = Ensemble::from_json(&json).unwrap();
    assert_eq!((read.digest(), &read), (model.digest(), &model));
}

#[test]
fn an_infinite_value_is_refused_by_name_and_row() {
    let model = model(5, 0);
    let columns = [&[0.0, f64::INFINITY][..], &[0.0; 2], &[0.0; 2], &[0.0; 2]].map(Column::new);
    let message = Scorer::new(&model).raw_scores(&columns, &mut [0.0; 2]).unwrap_err().to_string();
    assert_eq!(message, "column `feature_0` is infinite in row 1: make it null or finite in its SQL");
}

#[test]
fn refuses_terms_of_no_use() {
    let refusal = |terms: Vec<Term>| {
        let error = random_ensemble(1, 3, 1, 2).with_terms(terms).unwrap_err();
        format!("{error}: {}", std::error::Error::source(&error).unwrap())
    };
    let advice = "of the model is unsound: restore the file or train the model anew";
    assert_eq!(
        refusal(vec![categories(), line()]),
        format!("term 1 {advice}: it is of feature 0: terms must come by rising feature, one a feature")
    );
    assert!(refusal(vec![line(), line()]).contains("term 1 of the model is unsound"));
    assert_eq!(
        refusal(vec![Term { feature: 3, ..line() }]),
        format!("term 0 {advice}: it is of feature 3, but the model has 3")
    );
    let with = |slope, low, high| {
        let effect = Effect::Line { slope, centre: 0.0, low, high };
        vec![Term { effect, ..line() }]
    };
    assert_eq!(
        refusal(with(1.0, 2.0, 1.0)),
        format!("term 0 {advice}: its values are clipped to 2.0 .. 1.0: the first must not be above the second")
    );
    for terms in [
        with(f64::NAN, 0.0, 1.0),
        with(1e9, 0.0, 1e9),
        vec![Term { missing: f64::INFINITY, ..line() }],
        vec![Term { effect: Effect::Categories(vec![f64::NAN]), ..line() }],
    ] {
        assert!(refusal(terms).contains("it must be finite and at most 1e12 in size"));
    }
}
