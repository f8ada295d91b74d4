//! How a model of a project was trained and judged.

use mainstay_job::details::{Reliability, SampledCustomers, TrainingDetails};

use super::{judgement, percent, short_digest, table, trials, verdict};

/// How a model was trained and judged; gates that failed stand out.
pub(crate) fn text(details: &TrainingDetails) -> String {
    let (model, baseline) = (&details.judgement.evaluation.ranking, &details.baseline.evaluation.ranking);
    let rows: usize = details.cuts.iter().map(|cut| cut.rows).sum();
    let mut text = format!(
        "\nmodel {} version {} ({}), {}, {}\n{} cuts with {rows} rows, labels until {}; judged on {}: {} customers, \
         churn rate {}\n",
        details.model,
        details.version,
        details.alias,
        short_digest(&details.digest),
        made_of(details),
        details.cuts.len(),
        details.trained_until,
        details.test_cut,
        model.rows,
        percent(model.base_rate)
    );
    text += &details.sample.map(sampled).unwrap_or_default();
    text += &details.cuts_missing().map(|missing| format!("{missing}\n")).unwrap_or_default();
    text += &details.leakage.as_ref().map(judgement::leaks).unwrap_or_default();
    text += &judgement::beside_others(&details.judgement);
    let figures = [
        (
            "precision at the top 20 %",
            format!("{:.4}", model.precision_at_top_20_percent),
            format!("{:.4}", baseline.precision_at_top_20_percent),
        ),
        (
            "lift at the top 20 %",
            format!("{:.3}", model.lift_at_top_20_percent),
            format!("{:.3}", baseline.lift_at_top_20_percent),
        ),
    ];
    let alone = format!("{} alone", details.baseline.feature);
    let rows = figures.into_iter().map(|(name, model, baseline)| vec![name.to_owned(), model, baseline]);
    text += &table(&["test cut", "model", &alone], &[1, 2], rows);
    text += &judgement::from_the_top(&details.judgement);
    text += &segments(details);
    text += &by_cut(details);
    text += &calibration(details);
    text += &judgement::calibration_table(&details.judgement);
    text += &trials::text(&details.trials, "cuts or folds");
    text += &details.leakage.as_ref().map(judgement::drift).unwrap_or_default();
    text + &gates(details)
}

fn sampled(sample: SampledCustomers) -> String {
    let SampledCustomers { share, eligible_at_test_cut } = sample;
    format!(
        "a draw of customers with a share of {share}, of {eligible_at_test_cut} who were eligible at the test cut\n"
    )
}

fn made_of(details: &TrainingDetails) -> String {
    match (details.params.map(|params| params.kind()), details.trees) {
        (Some(kind), 0) => kind.described().to_owned(),
        (Some(kind), trees) => format!("{}, {trees} trees", kind.described()),
        (None, trees) => format!("{trees} trees"),
    }
}

/// The figures by group of customers; nothing where none are set apart.
fn segments(details: &TrainingDetails) -> String {
    if details.segments.is_empty() {
        return String::new();
    }
    let rows = details.segments.iter().map(|segment| {
        let ranking = &segment.evaluation.ranking;
        vec![
            segment.by.clone(),
            segment.group.clone(),
            ranking.rows.to_string(),
            percent(ranking.base_rate),
            format!("{:.4}", ranking.auc),
            segment.auc_interval.map_or_else(String::new, judgement::interval),
            format!("{:.5}", segment.evaluation.brier),
        ]
    });
    let header = ["test cut by", "segment", "customers", "churn rate", "AUC", "95 %", "Brier"];
    table(&header, &[2, 3, 4, 5, 6], rows)
}

fn by_cut(details: &TrainingDetails) -> String {
    let rows = details.cuts.iter().map(|cut| {
        let unseen = details.by_cut.iter().find(|ranking| ranking.ds == cut.ds);
        let auc = unseen.and_then(|ranking| ranking.auc).map(|auc| format!("{auc:.4}")).unwrap_or_default();
        let churn_rate = percent(cut.churned as f64 / cut.rows.max(1) as f64);
        vec![cut.ds.to_string(), cut.rows.to_string(), churn_rate, auc]
    });
    table(&["training cut", "customers", "churn rate", "AUC, held back in turn"], &[1, 2, 3], rows)
}

/// Calibrated beside uncalibrated, where the trees and the curve have seen no row.
fn calibration(details: &TrainingDetails) -> String {
    let report = &details.calibration;
    let text = format!(
        "\nlog-odds = {:.4} * score {:+.4}, from {} rows scored by trees that had not seen the customer\n",
        report.slope, report.intercept, report.rows
    );
    let row = |name: &str, of: &Reliability| {
        vec![
            name.to_owned(),
            percent(of.base_rate),
            percent(of.mean_probability),
            format!("{:.5}", of.brier),
            format!("{:.5}", of.uncalibrated_brier),
            format!("{:.4}", of.ece),
            format!("{:.4}", of.uncalibrated_ece),
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

fn gates(details: &TrainingDetails) -> String {
    let gates = details.gates.iter().map(|gate| {
        let attainable = gate.attainable.map(|most| format!("{most:.4}")).unwrap_or_default();
        vec![
            gate.name.clone(),
            gate.figure.map(|figure| format!("{figure:.4}")).unwrap_or_default(),
            format!("{}", gate.threshold),
            attainable,
            verdict(gate.passed).to_owned(),
        ]
    });
    table(&["gate", "value", "threshold", "attainable", "verdict"], &[1, 2, 3], gates)
}
