//! How an alias was moved.

use mainstay_job::promotion::Promotion;

use super::{comparison, table, verdict};

/// One change for people: what was judged, then what was done.
pub(crate) fn text(promotion: &Promotion) -> String {
    let Promotion { model, alias, entry, .. } = promotion;
    if !promotion.is_changed {
        return format!(
            "{alias} of {model} is version {} already, since {} by {}\n",
            entry.version, entry.at, entry.by
        );
    }
    let mut text = promotion.comparison.as_ref().map(comparison::text).unwrap_or_default();
    if !promotion.gates.is_empty() {
        text += &gates(promotion);
        text += "\n";
    }
    let from = match &entry.from {
        Some(from) => format!(", from version {from}"),
        None => String::new(),
    };
    let what = if entry.restores.is_some() { "is rolled back to" } else { "is now" };
    text + &format!(
        "{alias} of {model} {what} version {}{from} (entry {}, by {}: {})\n",
        entry.version, entry.number, entry.by, entry.why
    )
}

fn gates(promotion: &Promotion) -> String {
    let rows = promotion.gates.iter().map(|gate| {
        let is_overridden = promotion.entry.overridden.contains(&gate.name);
        let verdict = if is_overridden { "FAILED, overridden" } else { verdict(gate.passed) };
        vec![
            gate.name.clone(),
            gate.figure.map(|figure| format!("{figure:.4}")).unwrap_or_default(),
            gate.threshold.to_string(),
            verdict.to_owned(),
        ]
    });
    table(&["gate", "value", "threshold", "verdict"], &[1, 2], rows)
}
