//! The exact aggregates against a slow, obvious reference, in every order and split, and at the edges.

mod fraction;

mod edges;
mod nearest;
mod split;
mod sql;

use proptest::prelude::*;

/// Any finite float, or one of a kind that comes in crowds: amounts, and pairs that cancel.
fn finite() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    prop_oneof![
        POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO,
        (-1_000_000_i64..1_000_000).prop_map(|cents| cents as f64 / 100.0),
        prop_oneof![Just(1e16), Just(-1e16), Just(1.0), Just(f64::MAX), Just(f64::MIN), Just(f64::MIN_POSITIVE)],
    ]
}

/// Any float.
fn any_float() -> impl Strategy<Value = f64> {
    prop_oneof![20 => finite(), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(f64::NEG_INFINITY)]
}
