//! Promotion and rollback: which version an alias points to, decided by gates and by people who give their reasons.

use anyhow::{Result, bail, ensure};
use jiff::Timestamp;
use mainstay_config::UnknownName;
use mainstay_config::training::Promotion as Limits;
use mainstay_registry::{AliasChange, AliasEntry, ModelVersion, UNJUDGED, before_newest};
use mainstay_run::{OpenProject, fault};
use mainstay_schema::Gate;
use serde::Serialize;

use crate::daily::approval;
use crate::details::VersionFacts;
use crate::models;
use crate::models::comparison::{self, Comparison, Measure};

/// Gates of a version beside the one that it would replace.
const BESIDE_CURRENT: [&str; 2] = ["auc_below_current_at_most", "brier_above_current_at_most"];

/// Who changes an alias, when and why.
#[derive(Debug, Clone)]
pub struct Author {
    /// The person.
    pub by: String,
    /// The instant.
    pub at: Timestamp,
    /// The reason, where one is given.
    pub why: Option<String>,
}

/// What is to be promoted.
#[derive(Debug, Clone)]
pub struct PromoteRequest {
    /// The model.
    pub model: String,
    /// The version, by its number or an alias.
    pub version: String,
    /// The alias that shall point to it.
    pub alias: String,
    /// Gates that may have failed.
    pub overrides: Vec<String>,
    /// Who promotes.
    pub author: Author,
}

/// How a change of an alias went.
#[derive(Debug, Clone, Serialize)]
pub struct Promotion {
    /// The model.
    pub model: String,
    /// The alias.
    pub alias: String,
    /// Whether it points elsewhere now.
    pub is_changed: bool,
    /// The newest entry of its history.
    pub entry: AliasEntry,
    /// What was asked of the version; nothing of one that the alias goes back to.
    pub gates: Vec<Gate>,
    /// The version beside the one that it replaces; none where there was none.
    pub comparison: Option<Comparison>,
}

/// Points an alias to a version, if its gates have passed and it is not worse than what the alias points to.
///
/// # Errors
/// Gates that failed and are not overridden, with how far they failed; overrides without a reason or without need; somebody else who
/// moved the alias at the same time.
pub async fn promote(open: &OpenProject, request: &PromoteRequest) -> Result<Promotion> {
    let PromoteRequest { model, alias, author, .. } = request;
    let version = models::find(open, model, &request.version).await?;
    let history = open.registry.history(model, alias).await?;
    let is_there = |current: &&AliasEntry| current.version == version.version;
    // The first champion of a project stands there without anybody who answers for the gates that it failed.
    let is_approved = approval::of(&version, &history).is_given();
    if let Some(current) = history.last().filter(is_there).filter(|_| is_approved) {
        check_names(&request.overrides, &names_in_use(&version, current))?;
        return Ok(unchanged(model, alias, current));
    }
    let comparison = match history.last() {
        None => None,
        Some(current) if is_there(&current) => None,
        Some(current) => {
            let current = open.registry.version(model, &current.version).await?;
            Some(comparison::compare_versions(open, (alias, &current), (&request.version, &version)).await?)
        }
    };
    let limits = VersionFacts::of(&version).trained_on.promotion();
    let mut gates = version.asked();
    gates.extend(comparison.iter().flat_map(|comparison| beside_current(&limits, comparison)));
    let overridden = judge(request, &version, &gates)?;
    let why = match &author.why {
        Some(why) => why.trim().to_owned(),
        None => "all gates passed".to_owned(),
    };
    let change = AliasChange { overridden, ..AliasChange::new(&version.version, author.at, &author.by, why) };
    fault::boundary("promotion_judged");
    let entry = open.registry.append_to_history(model, alias, &history, change).await?;
    fault::boundary("promotion_made");
    Ok(Promotion { model: model.clone(), alias: alias.clone(), is_changed: true, entry, gates, comparison })
}

fn unchanged(model: &str, alias: &str, current: &AliasEntry) -> Promotion {
    Promotion {
        model: model.to_owned(),
        alias: alias.to_owned(),
        is_changed: false,
        entry: current.clone(),
        gates: Vec::new(),
        comparison: None,
    }
}

/// How far a version lies behind the one that it would replace, on the same rows, where both could be judged on them.
fn beside_current(limits: &Limits, comparison: &Comparison) -> Vec<Gate> {
    let Some(rows) = &comparison.same_rows else { return Vec::new() };
    let [auc, brier] = BESIDE_CURRENT;
    let asked = [
        (auc, Measure::Auc, -1.0, limits.auc_below_current_at_most),
        (brier, Measure::Brier, 1.0, limits.brier_above_current_at_most),
    ];
    let gate = |(name, measure, sign, limit): (&str, Measure, f64, Option<f64>)| {
        let (threshold, figure) = (limit?, sign * rows.overall.of(measure)?.difference);
        let passed = figure <= threshold;
        Some(Gate { name: name.to_owned(), figure: Some(figure), threshold, attainable: None, passed })
    };
    asked.into_iter().filter_map(gate).collect()
}

/// What a promotion that is repeated may name: all that could be asked of the version when it was promoted.
fn names_in_use(version: &ModelVersion, current: &AliasEntry) -> Vec<String> {
    let mut names: Vec<String> = version.asked().into_iter().map(|gate| gate.name).collect();
    let others = current.overridden.iter().cloned().chain(BESIDE_CURRENT.map(str::to_owned));
    names.extend(others.filter(|name| !names.contains(name)).collect::<Vec<_>>());
    names
}

/// Refuses an override of what is no gate, with the nearest name.
fn check_names(overrides: &[String], known: &[String]) -> Result<()> {
    if let Some(name) = overrides.iter().find(|name| !known.contains(name)) {
        let unknown = UnknownName::new("gate", name, known.iter().map(String::as_str));
        bail!("{unknown} ({})", unknown.known_names());
    }
    Ok(())
}

/// The gates to override, if a version may be promoted.
fn judge(request: &PromoteRequest, version: &ModelVersion, gates: &[Gate]) -> Result<Vec<String>> {
    let PromoteRequest { model, alias, overrides, author, .. } = request;
    check_names(overrides, &gates.iter().map(|gate| gate.name.clone()).collect::<Vec<_>>())?;
    if let Some(gate) = gates.iter().find(|gate| gate.passed && overrides.contains(&gate.name)) {
        bail!("gate {} of {model} version {} has passed: leave its --override out", gate.name, version.version);
    }
    let is_reasoned = author.why.as_ref().is_some_and(|why| !why.trim().is_empty());
    ensure!(
        overrides.is_empty() || is_reasoned,
        "an override needs a reason, which stands in the history: give one with --why"
    );
    ensure!(author.why.is_none() || is_reasoned, "--why is empty: give a reason, or leave it out");
    let failed: Vec<&Gate> = gates.iter().filter(|gate| !gate.passed).collect();
    let open: Vec<&Gate> = failed.into_iter().filter(|gate| !overrides.contains(&gate.name)).collect();
    if open.is_empty() {
        let named = gates.iter().filter(|gate| overrides.contains(&gate.name));
        return Ok(named.map(|gate| gate.name.clone()).collect());
    }
    let told: Vec<String> = open.iter().map(|gate| shortfall(gate)).collect();
    let flags: Vec<String> = open.iter().map(|gate| format!("--override {}", gate.name)).collect();
    bail!(
        "{model} version {} is not promoted to {alias}: {}; train a better one, or promote it all the same with {} --why REASON",
        version.version,
        told.join("; "),
        flags.join(" ")
    )
}

/// Which gate failed, and by how much.
fn shortfall(gate: &Gate) -> String {
    let Gate { name, figure, threshold, attainable, .. } = gate;
    if name == UNJUDGED {
        return "no gate has judged it".to_owned();
    }
    let Some(figure) = figure else { return format!("gate {name} could not be judged (asked: {threshold})") };
    let by = short((figure - threshold).abs());
    let attainable = attainable.map(|best| format!(", {} was attainable", short(best))).unwrap_or_default();
    format!("gate {name} failed with {} by {by} (asked: {threshold}{attainable})", short(*figure))
}

/// A figure with four decimals, a whole number without.
fn short(figure: f64) -> String {
    if figure.fract() == 0.0 { figure.to_string() } else { format!("{figure:.4}") }
}

/// Takes back the newest change of an alias: it points again to the version before, as a new entry of its history.
///
/// # Errors
/// An alias with nothing before its newest change; somebody else who moved it at the same time.
pub async fn rollback(open: &OpenProject, model: &str, alias: &str, author: &Author) -> Result<Promotion> {
    let registry = &open.registry;
    let current = registry.resolve_required(model, alias).await?;
    let history = registry.history(model, alias).await?;
    let Some(before) = before_newest(&history) else {
        bail!(
            "{alias} of {model} cannot be rolled back: there is no version before {}; promote another with `mainstay promote`",
            current.version
        );
    };
    let why = match author.why.as_deref().map(str::trim) {
        Some("") => bail!("--why is empty: give a reason, or leave it out"),
        Some(why) => why.to_owned(),
        None => format!("rolled back from version {}", current.version),
    };
    // Whoever goes back wants that version to score tonight.
    registry.load(&registry.version(model, &before.version).await?).await?;
    let change = AliasChange {
        restores: Some(before.standing()),
        ..AliasChange::new(&before.version, author.at, &author.by, why)
    };
    let entry = registry.append_to_history(model, alias, &history, change).await?;
    let (model, alias) = (model.to_owned(), alias.to_owned());
    Ok(Promotion { model, alias, is_changed: true, entry, gates: Vec::new(), comparison: None })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mainstay_schema::{Digest, RunId};

    use super::*;

    fn gate(name: &str, figure: f64, threshold: f64, passed: bool) -> Gate {
        Gate { name: name.to_owned(), figure: Some(figure), threshold, attainable: None, passed }
    }

    fn gates() -> Vec<Gate> {
        let precision =
            Gate { attainable: Some(0.55), ..gate("precision_at_top_20_percent_at_least", 0.5, 0.6, false) };
        vec![gate("auc_at_least", 0.7812, 0.8, false), precision, gate("history_days_at_least", 400.0, 365.0, true)]
    }

    fn version(gates: Vec<Gate>) -> ModelVersion {
        ModelVersion {
            name: "churn".into(),
            version: "4".into(),
            digest: Digest::of(b"model"),
            created_at: Timestamp::UNIX_EPOCH,
            run_id: RunId::new("run"),
            training: serde_json::json!({"job": {"promotion": {"auc_below_current_at_most": 0.01}}}),
            evaluation: serde_json::Value::Null,
            gates_failed: true,
            gates,
            definitions: None,
            tags: BTreeMap::new(),
        }
    }

    fn judged(overrides: &[&str], why: Option<&str>) -> Result<Vec<String>, String> {
        let author = Author { by: "ana".into(), at: Timestamp::UNIX_EPOCH, why: why.map(str::to_owned) };
        let request = PromoteRequest {
            model: "churn".into(),
            version: "4".into(),
            alias: "champion".into(),
            overrides: overrides.iter().map(|name| (*name).to_owned()).collect(),
            author,
        };
        judge(&request, &version(gates()), &gates()).map_err(|error| error.to_string())
    }

    const BOTH: [&str; 2] = ["precision_at_top_20_percent_at_least", "auc_at_least"];

    #[test]
    fn gates_that_failed_refuse_with_how_far() {
        assert_eq!(
            judged(&[], None).unwrap_err(),
            "churn version 4 is not promoted to champion: gate auc_at_least failed with 0.7812 by 0.0188 (asked: 0.8); gate \
             precision_at_top_20_percent_at_least failed with 0.5000 by 0.1000 (asked: 0.6, 0.5500 was attainable); train a better \
             one, or promote it all the same with --override auc_at_least --override precision_at_top_20_percent_at_least --why REASON"
        );
        let one_left = judged(&["auc_at_least"], Some("a pilot")).unwrap_err();
        assert!(one_left.contains("precision_at_top") && !one_left.contains("gate auc_at_least"), "{one_left}");
    }

    #[test]
    fn an_override_names_its_gate_and_has_a_reason() {
        assert_eq!(judged(&BOTH, Some("a pilot")).unwrap(), ["auc_at_least", "precision_at_top_20_percent_at_least"]);
        for why in [None, Some("  ")] {
            assert_eq!(
                judged(&BOTH, why).unwrap_err(),
                "an override needs a reason, which stands in the history: give one with --why"
            );
        }
        assert_eq!(
            judged(&["auc_at_most"], Some("a pilot")).unwrap_err(),
            "unknown gate `auc_at_most`, did you mean `auc_at_least`? (known gates: auc_at_least, \
             precision_at_top_20_percent_at_least, history_days_at_least)"
        );
        assert_eq!(
            judged(&["history_days_at_least"], Some("a pilot")).unwrap_err(),
            "gate history_days_at_least of churn version 4 has passed: leave its --override out"
        );
        assert_eq!(judged(&[], Some("")).unwrap_err(), "--why is empty: give a reason, or leave it out");
    }

    #[test]
    fn names_of_overrides_are_looked_at_where_the_version_is_in_use_already() {
        let current = AliasEntry {
            number: 2,
            version: "4".into(),
            at: Timestamp::UNIX_EPOCH,
            by: "ana".into(),
            why: "a pilot".into(),
            from: Some("3".into()),
            overridden: vec!["unjudged".into()],
            restores: None,
        };
        let known = names_in_use(&version(gates()), &current);
        let check = |name: &str| check_names(&[name.to_owned()], &known).map_err(|error| error.to_string());
        let refused = check("auc_at_lest").unwrap_err();
        assert!(
            refused.starts_with("unknown gate `auc_at_lest`, did you mean `auc_at_least`? (known gates: "),
            "{refused}"
        );
        // The very command that promoted it may be given again.
        for name in ["auc_at_least", "history_days_at_least", "unjudged", "auc_below_current_at_most"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_gate_that_could_not_be_judged_has_not_passed() {
        let unknown = Gate { figure: None, ..gate("auc_at_least", 0.0, 0.8, false) };
        assert_eq!(shortfall(&unknown), "gate auc_at_least could not be judged (asked: 0.8)");
        let unjudged = version(Vec::new()).asked();
        assert_eq!((unjudged.len(), shortfall(&unjudged[0]).as_str()), (1, "no gate has judged it"));
    }

    #[test]
    fn limits_are_those_of_the_job_that_trained() {
        let expected = Limits { auc_below_current_at_most: Some(0.01), ..Limits::default() };
        let limits = |version: &ModelVersion| VersionFacts::of(version).trained_on.promotion();
        assert_eq!(limits(&version(Vec::new())), expected);
        let silent = ModelVersion { training: serde_json::Value::Null, ..version(Vec::new()) };
        assert_eq!(limits(&silent), Limits::default());
    }
}
