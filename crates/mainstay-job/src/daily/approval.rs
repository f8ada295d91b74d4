//! Whether customers may be treated by a model: its gates have passed, or somebody overrides those that failed and says why.
//!
//! A model whose gates failed scores all the same, the first one of a project too, so that its risk can be looked at; it gets no offers.

use std::borrow::Cow;

use anyhow::{Context, Result, ensure};
use mainstay_config::{AllocationRules, Policy};
use mainstay_registry::{AliasEntry, ModelVersion, Registry, in_force};

use crate::details::{Approval, ModelUsed};

/// Whether the gates of a version have passed, or the entry by which an alias points to it overrides those that failed.
pub(crate) fn of(version: &ModelVersion, history: &[AliasEntry]) -> Approval {
    let failed_gates = version.failed_gates();
    let overrides = |entry: &&AliasEntry| !failed_gates.is_empty() && entry.overrides(&version.version, &failed_gates);
    let overridden_by = in_force(history).filter(overrides).map(|entry| entry.number);
    Approval { failed_gates, overridden_by }
}

/// The policy that a plan follows: without rules where nobody may be treated, as floors cannot be kept without offers.
pub(crate) fn policy_of_plan<'a>(model: &ModelUsed, policy: &'a Policy) -> Cow<'a, Policy> {
    match model.gates_in_the_way() {
        [] => Cow::Borrowed(policy),
        _ => Cow::Owned(Policy { rules: AllocationRules::default(), ..policy.clone() }),
    }
}

/// What is to be said, each day, of a model that may treat nobody.
pub fn warning(model: &ModelUsed) -> Option<String> {
    let ModelUsed { name, alias, version, .. } = model;
    let gates = model.gates_in_the_way();
    if gates.is_empty() {
        return None;
    }
    let overrides: Vec<String> = gates.iter().map(|gate| format!("--override {gate}")).collect();
    let to = if alias == crate::models::CHAMPION { String::new() } else { format!(" --alias {alias}") };
    Some(format!(
        "NOBODY IS TREATED: model {name} version {version} has failed {} and nobody has overridden that; promote a better version, or \
         this one all the same with `mainstay promote {name} {version}{to} {} --why REASON`, and run the day again with --force",
        gates.join(", "),
        overrides.join(" ")
    ))
}

/// Checks what a published day says of the approval of its model: the gates that failed, and who has overridden them.
pub(crate) async fn check(registry: &Registry, model: &ModelUsed, treated: u64) -> Result<String> {
    let Some(approval) = &model.approval else {
        return Ok("not recorded by the release that published the day".to_owned());
    };
    let version = registry.version(&model.name, &model.version).await?;
    hold(model, approval, &version, &registry.history(&model.name, &model.alias).await?, treated)
}

/// What a record says of an approval, against what the registry does.
fn hold(
    model: &ModelUsed,
    approval: &Approval,
    version: &ModelVersion,
    history: &[AliasEntry],
    treated: u64,
) -> Result<String> {
    ensure!(version.digest == model.digest, "{} version {} is another model by now", model.name, model.version);
    let failed = version.failed_gates();
    ensure!(
        failed == approval.failed_gates,
        "the record says that these gates failed: {}; the registry says: {}",
        told(&approval.failed_gates),
        told(&failed)
    );
    if failed.is_empty() {
        return Ok(format!("all gates of {} version {} passed", model.name, model.version));
    }
    let Some(number) = approval.overridden_by else {
        ensure!(treated == 0, "{treated} customers were treated by a model that has failed {}", told(&failed));
        return Ok(format!("nobody is treated: {} version {} has failed {}", model.name, model.version, told(&failed)));
    };
    let entry = history.iter().find(|entry| entry.number == number);
    let entry = entry.with_context(|| format!("{} of {} has no entry {number}", model.alias, model.name))?;
    ensure!(
        entry.overrides(&version.version, &failed),
        "entry {number} of {} of {} does not override {} of version {}",
        model.alias,
        model.name,
        told(&failed),
        version.version
    );
    Ok(format!("{} overridden by {} ({})", told(&failed), entry.by, entry.why))
}

fn told(gates: &[String]) -> String {
    if gates.is_empty() { "none".to_owned() } else { gates.join(", ") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use mainstay_registry::{AliasChange, UNJUDGED};
    use mainstay_schema::{Digest, Gate, RunId};

    use super::*;

    fn version(gates: &[(&str, bool)]) -> ModelVersion {
        let gate = |&(name, passed): &(&str, bool)| Gate {
            name: name.to_owned(),
            figure: Some(0.5),
            threshold: 0.8,
            attainable: None,
            passed,
        };
        ModelVersion {
            name: "churn".into(),
            version: "1".into(),
            digest: Digest::of(b"model"),
            created_at: Timestamp::UNIX_EPOCH,
            run_id: RunId::new("run"),
            training: serde_json::Value::Null,
            evaluation: serde_json::Value::Null,
            gates_failed: gates.iter().any(|(_, passed)| !passed),
            gates: gates.iter().map(gate).collect(),
            definitions: None,
            tags: BTreeMap::new(),
        }
    }

    /// Entries from (version, overridden gates, restored entry).
    fn history(entries: &[(&str, &[&str], Option<u32>)]) -> Vec<AliasEntry> {
        let entry = |(&(version, overridden, restores), number): (&(&str, &[&str], Option<u32>), u32)| {
            let AliasChange { version, at, by, why, .. } =
                AliasChange::new(version, Timestamp::UNIX_EPOCH, "ana", "a pilot");
            let overridden = overridden.iter().map(|gate| (*gate).to_owned()).collect();
            AliasEntry { number, version, at, by, why, from: None, overridden, restores }
        };
        entries.iter().zip(1..).map(entry).collect()
    }

    /// The first version as a day used it.
    fn used(approval: &Approval) -> ModelUsed {
        ModelUsed {
            name: "churn".into(),
            alias: "champion".into(),
            version: "1".into(),
            digest: Digest::of(b"model"),
            gates_failed: true,
            trained_until: "2025-08-01".parse().unwrap(),
            approval: Some(approval.clone()),
        }
    }

    #[test]
    fn a_version_whose_gates_failed_is_approved_by_the_entry_that_overrides_them_all() {
        let failed = version(&[("auc_at_least", false), ("history_days_at_least", false), ("precision", true)]);
        let both: &[&str] = &["auc_at_least", "history_days_at_least"];
        let overridden = |entries: &[(&str, &[&str], Option<u32>)]| of(&failed, &history(entries)).overridden_by;
        assert_eq!(overridden(&[("1", &[], None)]), None, "the first champion of a project");
        assert_eq!(overridden(&[("1", &["auc_at_least"], None)]), None, "one of two");
        assert_eq!(overridden(&[("1", &[], None), ("1", both, None)]), Some(2));
        assert_eq!(
            overridden(&[("1", both, None), ("2", &[], None), ("1", &[], Some(1))]),
            Some(1),
            "rolled back to it"
        );
        assert_eq!(overridden(&[("1", &[], None), ("1", both, None), ("1", &[], Some(1))]), None, "taken back");
        let passed = of(&version(&[("auc_at_least", true)]), &history(&[("1", &[], None)]));
        assert!(passed.is_given() && passed.failed_gates.is_empty());
    }

    #[test]
    fn a_version_that_no_gate_has_judged_treats_nobody_either() {
        let brought_in = version(&[]);
        assert!(!of(&brought_in, &history(&[("1", &[], None)])).is_given());
        assert!(of(&brought_in, &history(&[("1", &[UNJUDGED], None)])).is_given());
    }

    #[test]
    fn a_record_that_says_something_else_than_the_registry_is_found_out() {
        let failed = version(&[("auc_at_least", false), ("precision", true)]);
        let approval = |gates: &[&str], overridden_by| Approval {
            failed_gates: gates.iter().map(|gate| (*gate).to_owned()).collect(),
            overridden_by,
        };
        let entries = history(&[("1", &[], None), ("1", &["auc_at_least"], None)]);
        let held = |approval: &Approval, version: &ModelVersion, treated| {
            hold(&used(approval), approval, version, &entries, treated).map_err(|error| error.to_string())
        };
        let (none, one) = (approval(&[], None), approval(&["auc_at_least"], None));
        assert_eq!(held(&one, &failed, 0).unwrap(), "nobody is treated: churn version 1 has failed auc_at_least");
        assert_eq!(
            held(&approval(&["auc_at_least"], Some(2)), &failed, 9).unwrap(),
            "auc_at_least overridden by ana (a pilot)"
        );
        assert_eq!(held(&none, &version(&[("precision", true)]), 9).unwrap(), "all gates of churn version 1 passed");
        let another = ModelVersion { digest: Digest::of(b"another"), ..failed.clone() };
        assert_eq!(held(&one, &another, 0).unwrap_err(), "churn version 1 is another model by now");
        assert_eq!(
            held(&none, &failed, 9).unwrap_err(),
            "the record says that these gates failed: none; the registry says: auc_at_least"
        );
        assert_eq!(
            held(&one, &failed, 9).unwrap_err(),
            "9 customers were treated by a model that has failed auc_at_least"
        );
        assert_eq!(
            held(&approval(&["auc_at_least"], Some(3)), &failed, 9).unwrap_err(),
            "champion of churn has no entry 3"
        );
        assert_eq!(
            held(&approval(&["auc_at_least"], Some(1)), &failed, 9).unwrap_err(),
            "entry 1 of champion of churn does not override auc_at_least of version 1"
        );
    }

    #[test]
    fn the_warning_says_which_gates_and_how_they_are_overridden() {
        let approval = Approval { failed_gates: vec!["auc_at_least".into()], overridden_by: None };
        let model = used(&approval);
        assert_eq!(
            warning(&model).unwrap(),
            "NOBODY IS TREATED: model churn version 1 has failed auc_at_least and nobody has overridden that; promote a better version, \
             or this one all the same with `mainstay promote churn 1 --override auc_at_least --why REASON`, and run the day again with \
             --force"
        );
        let other = ModelUsed { alias: "pilot".into(), ..model.clone() };
        assert!(warning(&other).unwrap().contains("`mainstay promote churn 1 --alias pilot --override"));
        let given = Approval { overridden_by: Some(2), ..approval };
        assert_eq!(warning(&ModelUsed { approval: Some(given), ..model.clone() }), None);
        assert_eq!(warning(&ModelUsed { approval: None, ..model }), None, "a record of an earlier release");
    }
}
