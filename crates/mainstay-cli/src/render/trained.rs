//! A model that was trained on a file, and what speaks for and against it.

use std::path::Path;

use mainstay_standalone::train::TrainReport;
use mainstay_train::Interval;
use mainstay_train::ModelParams;

use super::{percent, table};

/// How many features that moved, and trials, are listed.
const LISTED: usize = 10;

/// One line.
pub(crate) fn summary(report: &TrainReport) -> String {
    let leaks = match report.leakage.findings.len() {
        0 => "no leak found".to_owned(),
        1 => "1 POSSIBLE LEAK".to_owned(),
        more => format!("{more} POSSIBLE LEAKS"),
    };
    format!("{}, AUC {:.3}, {leaks}", report.params.kind(), report.judgement.evaluation.ranking.auc)
}

/// The report for people.
pub(crate) fn text(report: &TrainReport, output: &Path) -> String {
    let parts = [
        head(report, output),
        leaks(report),
        figures(report),
        ranking(report),
        calibration(report),
        segments(report),
        trials(report),
        drift(report),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(report: &TrainReport, output: &Path) -> String {
    let parted = &report.parted;
    let from = parted.test_from.map(|day| format!(", from {day} on")).unwrap_or_default();
    let between = match parted.rows_between {
        0 => String::new(),
        rows => format!("; {rows} rows between, whose label came about later"),
    };
    let left_out: Vec<String> =
        report.left_out.iter().map(|of| format!("left out: `{}` {}\n", of.column, of.why)).collect();
    format!(
        "{}\n{}\n\n{} of {} features, churn is `{}` = `{}`\n{} rows learnt from, {} judged on (parted by {}{from}){between}\n{}",
        output.display(),
        report.model,
        report.params.kind(),
        report.features.len(),
        report.label,
        report.positive,
        parted.training_rows,
        parted.test_rows,
        parted.by,
        left_out.concat()
    )
}

fn leaks(report: &TrainReport) -> String {
    let findings = &report.leakage.findings;
    if findings.is_empty() {
        return "no leak found\n".to_owned();
    }
    let lines = findings.iter().map(|finding| format!("  {}\n", finding.message));
    format!("POSSIBLE LEAKS: the figures below may be too good to be true\n{}", lines.collect::<String>())
}

fn interval(interval: Interval, signed: bool) -> String {
    match signed {
        true => format!("{:+.4} to {:+.4}", interval.low, interval.high),
        false => format!("{:.4} to {:.4}", interval.low, interval.high),
    }
}

fn figures(report: &TrainReport) -> String {
    let judgement = &report.judgement;
    let (ranking, evaluation) = (&judgement.evaluation.ranking, &judgement.evaluation);
    let own = vec![
        "model".to_owned(),
        format!("{:.4}", ranking.auc),
        interval(judgement.auc_interval, false),
        format!("{:.4}", ranking.average_precision),
        String::new(),
        String::new(),
    ];
    let others = judgement.others.iter().map(|other| {
        vec![
            other.name.clone(),
            format!("{:.4}", other.auc),
            String::new(),
            format!("{:.4}", other.average_precision),
            format!("{:+.4}", other.auc_difference),
            interval(other.auc_difference_interval, true),
        ]
    });
    let header = ["", "AUC", "95 %", "average precision", "the model's lead", "95 %"];
    let compared = table(&header, &[1, 2, 3, 4, 5], std::iter::once(own).chain(others));
    format!(
        "{compared}churn rate {}, Brier {:.4}, calibration error {:.4} (chance alone gives {:.4})\n",
        percent(ranking.base_rate),
        evaluation.brier,
        evaluation.ece,
        evaluation.ece_noise_floor
    )
}

fn ranking(report: &TrainReport) -> String {
    let rows = report.judgement.at.iter().map(|at| {
        vec![
            percent(at.share),
            at.rows.to_string(),
            percent(at.precision),
            percent(at.attainable_precision),
            format!("{:.2}", at.lift),
            percent(at.gain),
            percent(at.attainable_gain),
        ]
    });
    let header = ["from the top", "rows", "precision", "attainable", "lift", "gain", "attainable"];
    table(&header, &[0, 1, 2, 3, 4, 5, 6], rows)
}

fn calibration(report: &TrainReport) -> String {
    let rows = report.judgement.calibration_table.iter().map(|bin| {
        let expected = format!("{} ± {}", percent(bin.mean_probability), percent(bin.deviation));
        vec![bin.rows.to_string(), expected, percent(bin.base_rate)]
    });
    table(&["rows", "probability", "churned"], &[0, 1, 2], rows)
}

fn segments(report: &TrainReport) -> String {
    if report.judgement.segments.is_empty() {
        return String::new();
    }
    let rows = report.judgement.segments.iter().map(|of| {
        vec![
            format!("{} {}", of.column, of.value),
            of.rows.to_string(),
            percent(of.base_rate),
            percent(of.mean_probability),
            of.auc.map_or_else(|| "-".to_owned(), |auc| format!("{auc:.4}")),
            of.auc_interval.map_or_else(String::new, |of| interval(of, false)),
            format!("{:.4}", of.brier),
        ]
    });
    table(&["segment", "rows", "churned", "probability", "AUC", "95 %", "Brier"], &[1, 2, 3, 4, 5, 6], rows)
}

fn trials(report: &TrainReport) -> String {
    if report.trials.len() < 2 {
        return String::new();
    }
    let rows = report.trials.iter().map(|trial| {
        vec![
            trial.rung.to_string(),
            trial.candidate.to_string(),
            format!("{:.4}", trial.auc),
            trial.rows.to_string(),
            trial.aucs.len().to_string(),
            params(&trial.params),
            if trial.kept { "kept" } else { "" }.to_owned(),
        ]
    });
    let on = if report.in_time_order { "later cuts" } else { "folds" };
    table(&["rung", "candidate", "AUC", "rows", on, "what was tried", ""], &[0, 1, 2, 3, 4], rows)
}

fn params(params: &ModelParams) -> String {
    match params {
        ModelParams::Boosted(of) => format!(
            "boosted, {} rounds, depth {}, rate {}, columns {}, l2 {}, leaves of {}",
            of.rounds, of.depth, of.learning_rate, of.columns_per_tree, of.l2, of.minimum_leaf_rows
        ),
        ModelParams::Forest(of) => format!(
            "forest, {} trees, depth {}, columns {}, leaves of {}",
            of.trees, of.depth, of.columns_per_tree, of.minimum_leaf_rows
        ),
        ModelParams::Tree(of) => format!("tree, depth {}, leaves of {}", of.depth, of.minimum_leaf_rows),
        ModelParams::Logistic(of) => format!("logistic, l2 {}, clipped at {}", of.l2, of.clip_quantile),
    }
}

fn drift(report: &TrainReport) -> String {
    let drift = &report.leakage.drift;
    if drift.is_empty() {
        return String::new();
    }
    let rows =
        drift.iter().take(LISTED).map(|of| vec![of.feature.clone(), format!("{:.3}", of.psi), format!("{:.3}", of.ks)]);
    let listed = table(&["moved since training", "PSI", "KS"], &[1, 2], rows);
    match drift.len().saturating_sub(LISTED) {
        0 => listed,
        more => format!("{listed}and {more} more\n"),
    }
}
