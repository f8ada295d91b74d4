//! A run record.

use mainstay_job::details::{DailyDetails, RunDetails, SampledCustomers, SuppressionRows, TrainingDetails};
use mainstay_schema::Digest;
use mainstay_table::RunRecord;
use mainstay_train::Reliability;

use super::{judgement, nobody_treated, origin, percent, table, tried, verdict};

/// The whole record for people.
pub(crate) fn text(record: &RunRecord) -> String {
    let mut text = format!(
        "{}{} of {}, run {}, attempt {}\nas of {}, finished {}\n",
        origin(record.simulated),
        record.job,
        record.ds,
        record.run_id,
        record.attempt,
        record.as_of,
        record.finished_at
    );
    match RunDetails::of(record) {
        Ok(RunDetails::Daily(details)) => text += &daily(&details),
        Ok(RunDetails::Training(details)) => text += &training(&details.training),
        Ok(RunDetails::Failed) => {}
        Err(error) => text += &format!("{error:#}\n"),
    }
    text + &tables(record)
}

fn daily(details: &DailyDetails) -> String {
    let parts = [
        population(details),
        model(details),
        inputs(details),
        quarantine(details),
        breaker(details),
        details.training.as_ref().map(training).unwrap_or_default(),
        steps(details),
    ];
    parts.concat()
}

/// known = scored + ineligible + refused.
pub(crate) fn population(details: &DailyDetails) -> String {
    let population = details.population;
    format!(
        "\n{} known customers = {} scored + {} ineligible + {} refused; {} source rows in quarantine\n",
        population.known, population.scored, population.ineligible, population.refused, population.quarantined_rows
    )
}

/// What the plan spends and gains.
pub(crate) fn money(details: &DailyDetails) -> String {
    let allocation = &details.allocation;
    format!(
        "{} customers treated for {} of today's {}; {} has {} of {} left ({} before the day)\n\
         expected gain {}, at most {} was possible: gap {:.1e}\n",
        allocation.treated,
        allocation.spent_cents,
        allocation.allowance_cents,
        allocation.month,
        allocation.left(),
        allocation.budget_cents,
        allocation.available_cents,
        allocation.value_cents,
        allocation.certificate.upper_bound,
        allocation.gap
    )
}

fn model(details: &DailyDetails) -> String {
    let model = &details.model;
    let gates = match model.approval.as_ref().and_then(|approval| approval.overridden_by) {
        Some(entry) => format!("GATES FAILED, overridden by entry {entry} of {}", model.alias),
        None if model.gates_failed => "GATES FAILED".to_owned(),
        None => "all gates passed".to_owned(),
    };
    let accepted = details.accepted.iter().flat_map(|accepted| {
        accepted.names.iter().map(|name| format!("accepted by {}: {name} ({})\n", accepted.by, accepted.why))
    });
    format!(
        "\nmodel {}@{}, version {}, {}, trained on what happened until {}, {gates}\n{}{}",
        model.name,
        model.alias,
        model.version,
        short(&model.digest),
        model.trained_until,
        nobody_treated(model),
        accepted.collect::<String>()
    )
}

fn inputs(details: &DailyDetails) -> String {
    let rows = details.inputs.sources.tables.iter().map(|source| {
        let fresh = details.inputs.freshness.iter().find(|fresh| fresh.table == source.table);
        let newest = fresh.and_then(|fresh| fresh.newest).map(|newest| newest.to_string()).unwrap_or_default();
        vec![source.table.clone(), source.files.to_string(), source.rows.to_string(), newest]
    });
    let inputs = &details.inputs;
    let rules = format!(
        "contact: cooldown {} days; consent for {}, {} where there is no record; open support cases {}\n",
        inputs.cooldown_days,
        inputs.consent_purpose,
        inputs.consent_default,
        if inputs.suppress_open_cases { "are left alone" } else { "do not matter" }
    );
    let changed = inputs.policy_changes.iter().map(|change| format!("the policy was changed: {change}\n"));
    let rules = rules + &suppression(details) + &changed.collect::<String>();
    let sources = table(&["source", "files", "rows", "newest row before as-of"], &[1, 2], rows);
    match details.inputs.absent_models.as_slice() {
        [] => sources + &rules,
        absent => format!("{sources}no source, so empty: {}\n{rules}", absent.join(", ")),
    }
}

/// As of when consents, cases and contacts count, and which of their rows name nobody.
fn suppression(details: &DailyDetails) -> String {
    let Some(as_of) = details.inputs.suppression_as_of else { return String::new() };
    let why = if details.inputs.suppression_is_stated { "as stated" } else { "when the sources were pinned" };
    let mut text = format!("consents, cases and contacts count as of {as_of}, {why}\n");
    for counted in details.suppression_rows.iter().filter(|counted| counted.unmatched_rows > 0) {
        let SuppressionRows { table, rows, unmatched_rows, .. } = counted;
        text += &format!("{unmatched_rows} of {rows} rows of {table} name no known customer\n");
    }
    text
}

/// The source rows that were refused; nothing where none was.
fn quarantine(details: &DailyDetails) -> String {
    if details.quarantine.is_empty() {
        return String::new();
    }
    let rows = details.quarantine.iter();
    let rows = rows.map(|refused| {
        let since = refused.since.map(|since| since.to_string()).unwrap_or_default();
        let counts = [refused.rows, refused.new_rows, refused.mended_rows].map(|rows| rows.to_string());
        [vec![refused.source.clone(), refused.reason.clone()], counts.to_vec(), vec![since]].concat()
    });
    table(&["quarantined from", "because", "rows", "new", "mended", "since"], &[2, 3, 4], rows)
}

/// What the circuit breaker let pass because somebody accepted it, and what came nearest to its limits; nothing where nothing was judged.
pub(crate) fn breaker(details: &DailyDetails) -> String {
    let Some(figures) = &details.monitoring else { return String::new() };
    let rows =
        figures.nearest.iter().filter(|measure| measure.strain > 0.0).map(|measure| {
            vec![measure.name.clone(), measure.message.clone(), format!("{:.0} %", 100.0 * measure.strain)]
        });
    accepted(details) + &table(&["circuit breaker", "nearest to its limit", "of the limit"], &[2], rows)
}

/// What was accepted for the day, and what stands accepted since an earlier one.
pub(crate) fn accepted(details: &DailyDetails) -> String {
    let Some(figures) = &details.monitoring else { return String::new() };
    let all = figures.accepted.iter().chain(&figures.standing);
    all.map(|accepted| {
        format!("accepted for {} by {} ({}): {}\n", accepted.ds, accepted.by, accepted.why, accepted.finding)
    })
    .collect()
}

/// How a model was trained and judged; gates that failed stand out.
pub(crate) fn training(details: &TrainingDetails) -> String {
    let (model, baseline) = (&details.judgement.evaluation.ranking, &details.baseline.evaluation.ranking);
    let rows: usize = details.cuts.iter().map(|cut| cut.rows).sum();
    let mut text = format!(
        "\nmodel {} version {} ({}), {}, {}\n{} cuts with {rows} rows, labels until {}; judged on {}: {} customers, \
         churn rate {}\n",
        details.model,
        details.version,
        details.alias,
        short(&details.digest),
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
    text += &tried::trials(&details.trials, "cuts or folds");
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

/// The figures by group of customers; nothing where none are told apart.
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

fn steps(details: &DailyDetails) -> String {
    let rows = details.seconds.iter().map(|(step, seconds)| vec![step.clone(), format!("{seconds:.2}")]);
    table(&["step", "seconds"], &[1], rows)
}

fn tables(record: &RunRecord) -> String {
    let rows = record.tables.iter().map(|published| {
        vec![
            published.table.clone(),
            published.version.to_string(),
            published.rows.to_string(),
            short(&published.digest),
        ]
    });
    if record.tables.is_empty() {
        return String::new();
    }
    table(&["table", "Delta version", "rows", "canonical digest"], &[1, 2], rows)
}

fn short(digest: &Digest) -> String {
    format!("blake3:{}", digest.short())
}
