//! How a model did on rows that it has not seen, beside others on the same rows, and what speaks for a leak.

use mainstay_job::details::{CalibrationCheck, CalibrationReport, Interval, Judgement, LeakageReport, SegmentFigures};

use super::{percent, table};

/// How many features that moved are listed.
const LISTED: usize = 10;

/// The model beside others on the same rows.
pub(crate) fn beside_others(judgement: &Judgement) -> String {
    let ranking = &judgement.evaluation.ranking;
    let own = vec![
        "model".to_owned(),
        format!("{:.4}", ranking.auc),
        judgement.auc_interval.map_or_else(String::new, interval),
        format!("{:.4}", ranking.average_precision),
        String::new(),
        String::new(),
    ];
    let others = judgement.others.iter().map(|other| {
        let Interval { low, high } = other.auc_difference_interval;
        vec![
            other.name.clone(),
            format!("{:.4}", other.auc),
            String::new(),
            format!("{:.4}", other.average_precision),
            format!("{:+.4}", other.auc_difference),
            format!("{low:+.4} to {high:+.4}"),
        ]
    });
    let header = ["", "AUC", "95 %", "average precision", "the model's lead", "95 %"];
    table(&header, &[1, 2, 3, 4, 5], std::iter::once(own).chain(others))
}

/// The ranking from the top, beside the attainable; nothing where the record does not say it.
pub(crate) fn from_the_top(judgement: &Judgement) -> String {
    if judgement.at.is_empty() {
        return String::new();
    }
    let rows = judgement.at.iter().map(|at| {
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

/// The figures by group of the rows; nothing where none are set apart.
pub(crate) fn segments(segments: &[SegmentFigures]) -> String {
    if segments.is_empty() {
        return String::new();
    }
    let rows = segments.iter().map(|SegmentFigures { by, group, figures }| {
        vec![
            by.clone(),
            group.clone(),
            figures.rows.to_string(),
            percent(figures.base_rate),
            figures.mean_probability.map(percent).unwrap_or_default(),
            figures.auc.map_or_else(|| "-".to_owned(), |auc| format!("{auc:.4}")),
            figures.auc_interval.map_or_else(String::new, interval),
            format!("{:.5}", figures.brier),
        ]
    });
    let header = ["by", "segment", "rows", "churn rate", "expected", "AUC", "95 %", "Brier"];
    table(&header, &[2, 3, 4, 5, 6, 7], rows)
}

/// Calibrated beside uncalibrated, where the trees and the curve have seen no row.
pub(crate) fn calibration(report: &CalibrationReport) -> String {
    let text = format!(
        "\nlog-odds = {:.4} * score {:+.4}, from {} rows scored by trees that had not seen the customer\n",
        report.slope, report.intercept, report.rows
    );
    let row = |name: &str, check: &CalibrationCheck| {
        let of = &check.reliability;
        vec![
            name.to_owned(),
            percent(of.base_rate),
            percent(of.mean_probability),
            format!("{:.5}", of.brier),
            format!("{:.5}", check.uncalibrated_brier),
            format!("{:.4}", of.ece),
            format!("{:.4}", check.uncalibrated_ece),
            format!("{:.4}", of.ece_noise_floor),
        ]
    };
    let rows = [row("held back in turn", &report.check), row("test cut", &report.test)];
    let header =
        ["calibration", "churn rate", "expected", "Brier", "uncalibrated", "error", "uncalibrated", "noise floor"];
    let shift = format!(
        "test cut: Brier {} by calibration, churn rate {:+.1} points from that of the calibration\n",
        if report.test.is_improved() { "improved" } else { "NOT improved" },
        100.0 * report.base_rate_shift
    );
    text + &table(&header, &[1, 2, 3, 4, 5, 6, 7], rows) + &shift
}

/// Probabilities beside what happened; nothing where the record does not say it.
pub(crate) fn calibration_table(judgement: &Judgement) -> String {
    if judgement.calibration_table.is_empty() {
        return String::new();
    }
    let rows = judgement.calibration_table.iter().map(|bin| {
        let expected = format!("{} ± {}", percent(bin.mean_probability), percent(bin.deviation));
        vec![bin.rows.to_string(), expected, percent(bin.base_rate)]
    });
    table(&["rows", "probability", "churned"], &[0, 1, 2], rows)
}

/// What speaks for a leak.
pub(crate) fn leaks(report: &LeakageReport) -> String {
    if report.findings.is_empty() {
        return format!("no leak found\n{}", naming_the_cut(report));
    }
    let lines = report.findings.iter().map(|finding| format!("  {}\n", finding.message));
    format!(
        "POSSIBLE LEAKS: the figures below may be too good to be true\n{}{}",
        lines.collect::<String>(),
        naming_the_cut(report)
    )
}

/// The features that are the same for all customers of a cut.
fn naming_the_cut(report: &LeakageReport) -> String {
    match report.names_the_cut.as_slice() {
        [] => String::new(),
        names => format!(
            "the same for all customers of a cut, so they name it, and say how many churned at that time: {}\n",
            names.join(", ")
        ),
    }
}

/// Features that moved, the most first; nothing where none has.
pub(crate) fn drift(report: &LeakageReport) -> String {
    let drift = &report.drift;
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

/// An interval of figures.
pub(crate) fn interval(interval: Interval) -> String {
    format!("{:.4} to {:.4}", interval.low, interval.high)
}
