//! Days that several tests look back on.

use mainstay_config::CircuitBreaker;
use mainstay_schema::{Cents, Digest};

use crate::{Before, Customers, DayFigures, FeatureProfiles, Plan, RiskFigures, TrainingFigures, TrainingProfile};

/// A published day with a mean risk of 0.3 and six treated customers.
pub(crate) fn before(ds: &str, known: u64, scored: u64) -> Before {
    let figures = DayFigures {
        limits: CircuitBreaker::default(),
        sources: Vec::new(),
        features: FeatureProfiles::default(),
        risk: RiskFigures { mean: 0.3, bands: Vec::new() },
        value: None,
        ids_by_case: None,
        refused: None,
        nearest: Vec::new(),
        accepted: Vec::new(),
        standing: Vec::new(),
    };
    Before {
        ds: ds.parse().unwrap(),
        customers: Customers { known, scored },
        model: Digest::of(b"model"),
        plan: Some(Plan { treated: 6, spent: Cents(9_000) }),
        figures: Some(figures),
    }
}

/// A training whose test cut had so many customers and such a risk.
pub(crate) fn training(customers: u64, risk: f64) -> TrainingFigures {
    TrainingFigures { customers, risk, profile: TrainingProfile::default() }
}

#[test]
fn the_figures_of_a_day_are_read_back_as_they_were_written() {
    let figures = before("2025-04-14", 10, 5).figures.unwrap();
    let text = serde_json::to_string(&figures).unwrap();
    assert_eq!(serde_json::from_str::<DayFigures>(&text).unwrap(), figures);
}
