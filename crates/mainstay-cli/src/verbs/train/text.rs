//! A model that was trained on a file, and what speaks for and against it.

use std::path::Path;

use mainstay_standalone::train::{Judgement, TrainReport};

use crate::render::{judgement, percent, trials};

/// One line.
pub(super) fn summary(report: &TrainReport) -> String {
    let leaks = match report.facts.leakage.findings.len() {
        0 => "no leak found".to_owned(),
        1 => "1 POSSIBLE LEAK".to_owned(),
        more => format!("{more} POSSIBLE LEAKS"),
    };
    format!("{}, AUC {:.3}, {leaks}", report.facts.params.kind(), report.facts.judgement.evaluation.ranking.auc)
}

/// The report for people.
pub(super) fn text(report: &TrainReport, output: &Path) -> String {
    let parts = [
        head(report, output),
        judgement::leaks(&report.facts.leakage),
        figures(&report.facts.judgement),
        judgement::from_the_top(&report.facts.judgement),
        judgement::calibration_table(&report.facts.judgement),
        judgement::segments(&report.facts.judgement.segments),
        trials::text(&report.facts.trials, if report.facts.in_time_order { "later cuts" } else { "folds" }),
        judgement::drift(&report.facts.leakage),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(report: &TrainReport, output: &Path) -> String {
    let split = &report.split;
    let zone = split.time_zone.as_ref().map(|zone| format!(", days of {zone}")).unwrap_or_default();
    let from = split.test_from.map(|day| format!(", from {day} on{zone}")).unwrap_or_default();
    let between = match split.rows_between {
        0 => String::new(),
        rows => format!("; {rows} rows between, whose label came about later"),
    };
    let left_out: Vec<String> =
        report.left_out.iter().map(|of| format!("left out: `{}` {}\n", of.column, of.why)).collect();
    format!(
        "{}\n{}\n\n{} of {} features, churn is `{}` = `{}`\n{} rows learnt from, {} judged on (parted by {}{from}){between}\n{}",
        output.display(),
        report.model,
        report.facts.params.kind(),
        report.features.len(),
        report.label,
        report.positive,
        split.training_rows,
        split.test_rows,
        split.by,
        left_out.concat()
    )
}

fn figures(judgement: &Judgement) -> String {
    let evaluation = &judgement.evaluation;
    format!(
        "{}churn rate {}, Brier {:.4}, calibration error {:.4} (chance alone gives {:.4})\n",
        judgement::beside_others(judgement),
        percent(evaluation.ranking.base_rate),
        evaluation.brier,
        evaluation.ece,
        evaluation.ece_noise_floor
    )
}
