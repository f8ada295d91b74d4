//! Records as each release wrote them are read by this one.

use serde_json::{Value, json};

use super::*;

/// A file of the folder `records`: a record that a release has written, its lists shortened.
macro_rules! record {
    ($name:literal) => {
        serde_json::from_str::<RunRecord>(include_str!(concat!("records/", $name, ".json"))).unwrap()
    };
}

fn daily_now() -> RunRecord {
    record!("daily-now")
}

#[test]
fn daily_records_of_every_release_are_read() {
    let records = [
        record!("daily-before-the-breaker"),
        record!("daily-accepted-as-a-list"),
        record!("daily-without-kind"),
        record!("daily-with-kind"),
        record!("daily-with-quarantine-file"),
        record!("daily-with-later-rows"),
        daily_now(),
    ];
    let details = records.map(|record| (DailyDetails::of(&record).unwrap(), record.kind));
    let told: Vec<_> = details
        .iter()
        .map(|(details, kind)| {
            let is_there = [
                kind.is_some(),
                details.accepted.is_some(),
                details.monitoring.is_some(),
                details.model.approval.is_some(),
                details.inputs.policy_file.is_some(),
                details.quarantine_file.is_some(),
                details.inputs.later_rows_are_refused,
                !details.inputs.value_variables.is_empty(),
            ];
            is_there.map(u8::from)
        })
        .collect();
    let expected = [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 0, 1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0, 0, 0],
        [1, 0, 1, 1, 1, 0, 0, 0],
        [1, 0, 1, 1, 1, 1, 0, 0],
        [1, 0, 1, 1, 1, 1, 1, 0],
        [1, 0, 1, 1, 1, 1, 1, 1],
    ];
    assert_eq!(told, expected);
    assert!(details.iter().all(|(details, _)| details.population.is_reconciled() && !details.features.is_empty()));
}

#[test]
fn a_reason_for_each_name_becomes_one_acceptance() {
    let accepted = DailyDetails::of(&record!("daily-accepted-as-a-list")).unwrap().accepted.unwrap();
    assert_eq!((accepted.why.as_str(), accepted.names.len()), ("a trial on old data", 1));
    let mut none = record!("daily-accepted-as-a-list");
    none.details["accepted"] = json!([]);
    assert_eq!(DailyDetails::of(&none).unwrap().accepted, None);
}

#[test]
fn training_records_of_every_release_are_read() {
    for record in [record!("training-without-accepted"), record!("training-now")] {
        let TrainingRun { training, accepted, seconds } = TrainingRun::of(&record).unwrap();
        assert!(accepted.is_empty() && !seconds.is_empty());
        assert!(training.gates.iter().all(|gate| gate.figure.is_some()), "{:?}", training.gates);
        assert!(training.judgement.evaluation.ranking.auc > 0.8);
    }
}

#[test]
fn failed_runs_say_nothing_beyond_their_status() {
    for record in [record!("failed-without-kind"), record!("failed-now")] {
        assert!(matches!(RunDetails::of(&record).unwrap(), RunDetails::Failed));
        assert!(DailyDetails::of(&record).is_err());
    }
}

/// What later releases have added, and no record of an earlier one has.
const ADDED: [&str; 41] = [
    "/details/quarantine",
    "/details/quarantine_file",
    "/details/suppression_rows",
    "/details/accepted",
    "/details/monitoring/value",
    "/details/monitoring/ids_by_case",
    "/details/monitoring/refused",
    "/details/monitoring",
    "/details/inputs/value_variables",
    "/details/inputs/absent_models",
    "/details/inputs/policy_file",
    "/details/inputs/policy_changes",
    "/details/inputs/suppression_as_of",
    "/details/inputs/suppression_is_stated",
    "/details/inputs/later_rows_are_refused",
    "/details/inputs/holdout",
    "/details/inputs/sources/tables/0/rows_set_aside",
    "/details/inputs/sources/tables/0/files_not_read",
    "/details/model/approval",
    "/details/allocation/left_cents",
    "/details/allocation/allocation_rules",
    "/details/allocation/outlook",
    "/details/allocation/fixed_tiers",
    "/details/training/cuts_asked",
    "/details/training/first_order",
    "/details/training/history_from",
    "/details/training/sample",
    "/details/training/memory",
    "/details/training/params",
    "/details/training/trials",
    "/details/training/segments",
    "/details/training/leakage",
    "/details/training/rows_known",
    "/details/training/cuts/0/calibrates_only",
    "/details/training/evaluation/auc_interval",
    "/details/training/evaluation/at",
    "/details/training/evaluation/calibration_table",
    "/details/training/evaluation/segments",
    "/details/training/evaluation/others",
    "/kind",
    "/simulated",
];

#[test]
fn nothing_that_a_later_release_has_added_must_be_there() {
    let whole = serde_json::to_value(daily_now()).unwrap();
    let read = |record: &Value| DailyDetails::of(&serde_json::from_value(record.clone()).unwrap()).map(|_| ());
    let mut bare = whole.clone();
    for path in ADDED {
        let (parent, key) = path.rsplit_once('/').unwrap();
        let removed = bare.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        assert!(removed.is_some(), "{path} is in no record: leave it out of the list");
        read(&bare).unwrap_or_else(|error| panic!("without {path}: {error:#}"));
    }
    // A record of the first days did not say for which purpose consent had been given, and says nothing of who may be contacted.
    bare["details"]["inputs"].as_object_mut().unwrap().remove("consent_purpose");
    let error = format!("{:#}", read(&bare).unwrap_err());
    assert_eq!(
        error,
        "the run record of daily_risk of 2025-07-31 cannot be read: it was written by a later release, or changed since: missing field \
         `consent_purpose`"
    );
}

/// Whatever stands in `before` stands in `after` too: a release may add keys, and takes none away.
fn assert_holds(after: &Value, before: &Value) {
    match before {
        Value::Object(keys) => keys.iter().for_each(|(key, before)| match after.get(key) {
            Some(after) => assert_holds(after, before),
            None => panic!("{key} is gone from {after}"),
        }),
        Value::Array(items) => {
            assert_eq!(after.as_array().map(Vec::len), Some(items.len()), "{after}");
            items.iter().enumerate().for_each(|(position, before)| assert_holds(&after[position], before));
        }
        _ => assert_eq!(after, before),
    }
}

#[test]
fn records_are_written_as_they_are_read() {
    for record in [daily_now(), record!("training-now"), record!("failed-now")] {
        let written = serde_json::to_value(RunDetails::of(&record).unwrap()).unwrap();
        assert_holds(&written, &record.details);
    }
}

#[test]
fn a_record_of_another_kind_is_refused_by_name() {
    let told = |error: anyhow::Error| error.to_string();
    let training = record!("training-now");
    assert_eq!(
        told(DailyDetails::of(&training).unwrap_err()),
        format!("train_churn of {} has published no tables: it is no daily job", training.ds)
    );
    assert_eq!(told(TrainingRun::of(&daily_now()).unwrap_err()), "daily_risk of 2025-07-31 has trained no model");
}

#[test]
fn versions_of_every_release_are_read_and_written_as_they_are_read() {
    let now: mainstay_registry::ModelVersion = serde_json::from_str(include_str!("records/version-now.json")).unwrap();
    let facts = VersionFacts::of(&now);
    assert!(matches!(facts.judged.test, Some(OnTestCut::Judgement(_))) && facts.judged.figures.is_some());
    assert!(matches!(facts.trained_on.job, Some(TrainedBy::Job(_))) && facts.trained_on.test_rows.is_some());
    let again = facts.candidate(now.created_at, now.run_id.clone()).unwrap();
    assert_holds(&again.training, &now.training);
    assert_holds(&again.evaluation, &now.evaluation);

    let old = serde_json::from_str(include_str!("records/version-without-figures.json")).unwrap();
    let facts = VersionFacts::of(&old);
    assert!(facts.judged.figures.is_none() && facts.definitions.is_none());
    assert!(facts.judged.auc().is_some() && facts.trained_on.trained_until.is_some());
    assert_eq!(facts.trained_on.job_name(), Some("train_churn"));
}

#[test]
fn what_a_version_does_not_say_is_none() {
    let version = |training: Value, evaluation: Value| {
        let version = json!({
            "name": "churn", "version": "1", "digest": mainstay_schema::Digest::of(b"model"), "created_at": "2025-08-01T00:00:00Z",
            "run_id": "run", "training": training, "evaluation": evaluation, "gates": [], "gates_failed": false, "tags": {},
        });
        VersionFacts::of(&serde_json::from_value(version).unwrap())
    };
    let nothing = version(Value::Null, Value::Null);
    assert_eq!((nothing.trained_on.test_cut, nothing.judged.auc(), nothing.trained_on.job_name()), (None, None, None));
    let elsewhere = version(
        json!({"job": {"name": "train_churn", "colour": 7}, "ds": "2025-08-01", "test_cut": "soon", "trained_until": "2025-05-01"}),
        json!({"test": {"auc": 0.81}, "by_cut": "none"}),
    );
    assert_eq!(elsewhere.judged.auc(), Some(0.81));
    assert_eq!(elsewhere.trained_on.job_name(), Some("train_churn"));
    assert_eq!(
        (elsewhere.trained_on.test_cut, elsewhere.trained_on.trained_until.unwrap().to_string().as_str()),
        (None, "2025-05-01")
    );
}
