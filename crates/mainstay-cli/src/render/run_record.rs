//! A run record.

use mainstay_job::RunRecord;
use mainstay_job::details::{DailyDetails, RunDetails, SuppressionRows};

use super::{nobody_treated, origin, short_digest, table, training};

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
        Ok(RunDetails::Training(details)) => text += &training::text(&details.training),
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
        details.training.as_ref().map(training::text).unwrap_or_default(),
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
        short_digest(&model.digest),
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
fn breaker(details: &DailyDetails) -> String {
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
            short_digest(&published.digest),
        ]
    });
    if record.tables.is_empty() {
        return String::new();
    }
    table(&["table", "Delta version", "rows", "canonical digest"], &[1, 2], rows)
}
