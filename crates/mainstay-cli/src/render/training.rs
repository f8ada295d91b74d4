//! How a model of a project was trained and judged.

use mainstay_job::details::{SampledCustomers, TrainingDetails};

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
    text += &judgement::segments(&details.segments);
    text += &by_cut(details);
    text += &judgement::calibration(&details.calibration);
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

fn by_cut(details: &TrainingDetails) -> String {
    let rows = details.cuts.iter().map(|cut| {
        let unseen = details.by_cut.iter().find(|ranking| ranking.ds == cut.ds);
        let auc = unseen.and_then(|ranking| ranking.auc).map(|auc| format!("{auc:.4}")).unwrap_or_default();
        let churn_rate = percent(cut.churned as f64 / cut.rows.max(1) as f64);
        vec![cut.ds.to_string(), cut.rows.to_string(), churn_rate, auc]
    });
    table(&["training cut", "customers", "churn rate", "AUC, held back in turn"], &[1, 2, 3], rows)
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
