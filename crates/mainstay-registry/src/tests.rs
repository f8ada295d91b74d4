//! Tests of the registry on real stores: memory and a local folder.

mod crash;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use mainstay_model::{Calibration, Ensemble, EnsembleParts, Feature, Link, Node, Tree};
use mainstay_schema::{Digest, Gate, RunId};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::json;

use crate::{AliasChange, AliasEntry, Candidate, Registry, RegistryError};

/// A model of one leaf; another bias is another model.
fn model(bias: f64) -> Ensemble {
    let leaf = Tree::new(&[Node::Leaf { value: 0.25, cover: 10.0 }]).unwrap();
    Ensemble::new(EnsembleParts {
        features: vec![Feature::new("days_since_last_order")],
        trees: vec![leaf],
        bias,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

fn at(day: u8) -> Timestamp {
    format!("2026-01-{day:02}T02:00:00Z").parse().unwrap()
}

fn candidate() -> Candidate {
    Candidate {
        created_at: at(1),
        run_id: RunId::new("run-1"),
        training: json!({"cuts": ["2025-07-01", "2025-06-01"], "seed": 7}),
        evaluation: json!({"auc": 0.84}),
        gates: vec![
            Gate { name: "auc_at_least".into(), figure: Some(0.84), threshold: 0.8, attainable: None, passed: true },
            Gate {
                name: "precision_at_top_20_percent_at_least".into(),
                figure: Some(0.55),
                threshold: 0.6,
                attainable: Some(0.9),
                passed: false,
            },
        ],
        definitions: None,
        tags: BTreeMap::from([("algorithm".to_owned(), "boosted_trees".to_owned())]),
    }
}

fn change(version: &str, day: u8) -> AliasChange {
    AliasChange::new(version, at(day), "ana", "better on the test cut")
}

fn registry() -> (Arc<dyn ObjectStore>, Registry) {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    (store.clone(), Registry::new(store, "lake/registry"))
}

/// A registry with three versions of `churn`.
async fn filled() -> (Arc<dyn ObjectStore>, Registry) {
    let (store, registry) = registry();
    for bias in [0.0, 1.0, 2.0] {
        registry.register("churn", &model(bias), candidate()).await.unwrap();
    }
    (store, registry)
}

#[tokio::test]
async fn a_registered_model_reads_back_as_it_was() {
    let (_, registry) = registry();
    let registered = registry.register("churn", &model(0.5), candidate()).await.unwrap();
    assert_eq!(registered.version, "1");
    assert_eq!(registered.digest, model(0.5).digest());
    assert!(registered.gates_failed, "one of the gates failed");
    assert_eq!(registry.version("churn", "1").await.unwrap(), registered);
    assert_eq!(registry.load(&registered).await.unwrap(), model(0.5));
    let bytes = registry.load_bytes_by_digest(&registered.digest).await.unwrap();
    assert_eq!(bytes, model(0.5).to_json());
}

#[tokio::test]
async fn versions_are_numbered_and_the_same_model_keeps_its_own() {
    let (_, registry) = registry();
    for number in 1..=11 {
        let registered = registry.register("churn", &model(f64::from(number)), candidate()).await.unwrap();
        assert_eq!(registered.version, number.to_string());
    }
    let again = Candidate { run_id: RunId::new("run-2"), ..candidate() };
    let known = registry.register("churn", &model(3.0), again.clone()).await.unwrap();
    assert_eq!((known.version.as_str(), known.run_id.as_str()), ("3", "run-1"));
    let mut stricter = again.clone();
    stricter.gates[0] = Gate { threshold: 0.9, passed: false, ..stricter.gates[0].clone() };
    assert_eq!(registry.register("churn", &model(3.0), stricter).await.unwrap().version, "12", "under other gates");
    let elsewhere = registry.register("churn-emea", &model(3.0), again).await.unwrap();
    assert_eq!((elsewhere.version.as_str(), elsewhere.run_id.as_str()), ("1", "run-2"));

    let versions = registry.versions("churn").await.unwrap();
    let numbers: Vec<&str> = versions.iter().map(|version| version.version.as_str()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"]);
}

#[tokio::test]
async fn gates_that_passed_leave_no_mark() {
    let (_, registry) = registry();
    let mut passed = candidate();
    passed.gates.truncate(1);
    assert!(!registry.register("churn", &model(0.0), passed).await.unwrap().gates_failed);
}

#[tokio::test]
async fn an_alias_resolves_to_its_newest_version_and_keeps_its_history() {
    let (_, registry) = filled().await;
    assert_eq!(registry.resolve("churn", "champion").await.unwrap(), None);
    for (version, day) in [("1", 2), ("3", 3), ("1", 4)] {
        registry.set_alias("churn", "champion", change(version, day)).await.unwrap();
        let resolved = registry.resolve("churn", "champion").await.unwrap().unwrap();
        assert_eq!(resolved, registry.version("churn", version).await.unwrap());
        assert_eq!(registry.resolve_required("churn", "champion").await.unwrap(), resolved);
    }
    let history = registry.history("churn", "champion").await.unwrap();
    let steps: Vec<_> = history.iter().map(|entry| (entry.from.as_deref(), entry.version.as_str())).collect();
    assert_eq!(steps, [(None, "1"), (Some("1"), "3"), (Some("3"), "1")]);
    assert_eq!(
        history[1],
        AliasEntry {
            number: 2,
            version: "3".into(),
            at: at(3),
            by: "ana".into(),
            why: "better on the test cut".into(),
            from: Some("1".into()),
            overridden: Vec::new(),
            restores: None,
        }
    );
    assert_eq!(registry.resolve("churn", "challenger").await.unwrap(), None, "aliases are apart");
}

#[tokio::test]
async fn setting_an_alias_again_records_nothing() {
    let (_, registry) = filled().await;
    let first = registry.set_alias("churn", "champion", change("2", 2)).await.unwrap();
    assert_eq!(registry.set_alias("churn", "champion", change("2", 9)).await.unwrap(), first);
    assert_eq!(registry.history("churn", "champion").await.unwrap(), [first]);
}

#[tokio::test]
async fn the_loser_of_a_race_for_an_alias_gets_an_error() {
    let (_, registry) = filled().await;
    registry.set_alias("churn", "champion", change("1", 2)).await.unwrap();
    let seen_by_both = registry.history("churn", "champion").await.unwrap();

    let winner = AliasChange { by: "bo".into(), ..change("2", 3) };
    registry.append_to_history("churn", "champion", &seen_by_both, winner).await.unwrap();
    let error = registry.append_to_history("churn", "champion", &seen_by_both, change("3", 3)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "alias `champion` of model `churn` was not set to version 3: bo set it to version 2 at the same time; look at that \
         change, then set it again if it is still right"
    );
    assert!(!error.is_retryable(), "a person has to look");
    assert_eq!(registry.resolve("churn", "champion").await.unwrap().unwrap().version, "2");
    assert_eq!(registry.history("churn", "champion").await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn registering_at_once_loses_no_version() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    let registry = Registry::new(store, "registry");
    let tasks: Vec<_> = (0..12)
        .map(|writer| {
            let registry = registry.clone();
            // Three writers share each model.
            tokio::spawn(async move {
                registry.register("churn", &model(f64::from(writer / 3)), candidate()).await.unwrap()
            })
        })
        .collect();
    for task in tasks {
        let registered = task.await.unwrap();
        assert_eq!(registry.version("churn", &registered.version).await.unwrap().digest, registered.digest);
    }
    let versions = registry.versions("churn").await.unwrap();
    let mut digests: Vec<Digest> = versions.iter().map(|version| version.digest).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!((versions.len(), digests.len()), (4, 4));
    assert_eq!(versions.last().unwrap().version, "4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn setting_an_alias_at_once_keeps_an_unbroken_history() {
    let (_, registry) = filled().await;
    let tasks: Vec<_> = (0..12)
        .map(|writer| {
            let registry = registry.clone();
            let version = (1 + writer % 3).to_string();
            tokio::spawn(async move { registry.set_alias("churn", "champion", change(&version, 2)).await })
        })
        .collect();
    for task in tasks {
        let outcome = task.await.unwrap();
        assert!(matches!(outcome, Ok(_) | Err(RegistryError::Conflict { .. })), "{outcome:?}");
    }
    let history = registry.history("churn", "champion").await.unwrap();
    assert_eq!(history[0].from, None);
    for pair in history.windows(2) {
        assert_eq!(pair[1].from.as_ref(), Some(&pair[0].version));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_promotions_at_once_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    let registry = Registry::new(store, "registry");
    for bias in [0.0, 1.0, 2.0] {
        registry.register("churn", &model(bias), candidate()).await.unwrap();
    }
    registry.set_alias("churn", "champion", change("1", 2)).await.unwrap();
    for round in 0..20 {
        let seen = registry.history("churn", "champion").await.unwrap();
        let current = seen.last().unwrap().version.clone();
        let others: Vec<&str> = ["1", "2", "3"].into_iter().filter(|version| *version != current).collect();
        let promote = |version: &str| {
            let (registry, seen, change) = (registry.clone(), seen.clone(), change(version, 3));
            tokio::spawn(async move { registry.append_to_history("churn", "champion", &seen, change).await })
        };
        let outcomes = [promote(others[0]), promote(others[1])];
        let mut made = Vec::new();
        for outcome in outcomes {
            match outcome.await.unwrap() {
                Ok(entry) => made.push(entry),
                Err(error) => assert!(matches!(error, RegistryError::Conflict { .. }), "{error}"),
            }
        }
        let [entry] = &made[..] else { panic!("round {round}: {made:?}") };
        let history = registry.history("churn", "champion").await.unwrap();
        assert_eq!((history.last().unwrap(), history.len()), (entry, seen.len() + 1));
        assert_eq!((entry.number as usize, entry.from.as_ref()), (history.len(), Some(&current)));
    }
}

#[tokio::test]
async fn what_was_overridden_and_restored_is_read_back() {
    let (_, registry) = filled().await;
    registry.set_alias("churn", "champion", change("1", 2)).await.unwrap();
    let forced = AliasChange { overridden: vec!["auc_at_least".into()], ..change("2", 3) };
    registry.set_alias("churn", "champion", forced).await.unwrap();
    let back = AliasChange { restores: Some(1), ..change("1", 4) };
    registry.set_alias("churn", "champion", back).await.unwrap();
    let history = registry.history("churn", "champion").await.unwrap();
    assert_eq!(history.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((&history[1].overridden[..], history[2].restores), (&["auc_at_least".to_owned()][..], Some(1)));
}

#[tokio::test]
async fn models_and_aliases_are_listed() {
    let (_, registry) = registry();
    assert!(registry.models().await.unwrap().is_empty());
    for name in ["value", "churn"] {
        registry.register(name, &model(0.0), candidate()).await.unwrap();
    }
    for alias in ["champion", "challenger"] {
        registry.set_alias("churn", alias, change("1", 2)).await.unwrap();
    }
    assert_eq!(registry.models().await.unwrap(), ["churn", "value"]);
    assert_eq!(registry.aliases("churn").await.unwrap(), ["challenger", "champion"]);
    assert!(registry.aliases("value").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_card_is_kept_once() {
    let (store, registry) = filled().await;
    let version = registry.version("churn", "2").await.unwrap();
    assert_eq!(registry.card::<serde_json::Value>(&version).await.unwrap(), None);
    registry.keep_card(&version, &json!({"model": "churn"}), "# churn 2\n").await.unwrap();
    registry.keep_card(&version, &json!({"model": "other"}), "# other\n").await.unwrap();
    assert_eq!(registry.card::<serde_json::Value>(&version).await.unwrap(), Some(json!({"model": "churn"})));
    let text = store.get(&Path::from("lake/registry/models/churn/cards/2.md")).await.unwrap().bytes().await.unwrap();
    assert_eq!(text, "# churn 2\n");
    assert_eq!(registry.versions("churn").await.unwrap().len(), 3, "a card is no version");
}

/// Where the only version of `churn` has its bytes.
async fn with_blob() -> (Arc<dyn ObjectStore>, Registry, crate::ModelVersion, Path) {
    let (store, registry) = registry();
    let version = registry.register("churn", &model(0.0), candidate()).await.unwrap();
    let blob = Path::from(format!("lake/registry/blobs/{}.json", version.digest.hex()));
    (store, registry, version, blob)
}

#[tokio::test]
async fn a_damaged_model_is_refused_and_mended_by_registering_it_again() {
    let (store, registry, version, blob) = with_blob().await;
    let other = model(9.0);
    store.put(&blob, other.to_json().into()).await.unwrap();
    let error = registry.load(&version).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "model file `{blob}` is damaged: its content has the digest {}, expected {}; restore it from a backup, or train and \
             register the model again",
            other.digest(),
            version.digest
        )
    );
    registry.register("churn", &model(0.0), candidate()).await.unwrap();
    assert_eq!(registry.load(&version).await.unwrap(), model(0.0));
}

#[tokio::test]
async fn a_missing_model_is_named() {
    let (store, registry, version, blob) = with_blob().await;
    store.delete(&blob).await.unwrap();
    assert_eq!(
        registry.load(&version).await.unwrap_err().to_string(),
        format!("model file `{blob}` is missing: restore it from a backup, or train and register the model again")
    );
}

#[tokio::test]
async fn a_model_of_another_format_is_named() {
    let (store, registry) = registry();
    let bytes = br#"{"mainstay_model": 2}"#;
    let digest = Digest::of(bytes);
    let blob = format!("lake/registry/blobs/{}.json", digest.hex());
    store.put(&Path::from(blob.as_str()), bytes.as_slice().into()).await.unwrap();
    let error = registry.load_by_digest(&digest).await.unwrap_err();
    assert_eq!(error.to_string(), format!("`{blob}` is not a model that this program can read"));
    assert!(matches!(error, RegistryError::Model { .. }));
}

#[tokio::test]
async fn a_damaged_record_is_named() {
    let (store, registry) = filled().await;
    let record = Path::from("lake/registry/models/churn/versions/2.json");
    store.put(&record, b"{".as_slice().into()).await.unwrap();
    let error = registry.versions("churn").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`lake/registry/models/churn/versions/2.json` is not a record of the registry: restore it from a backup"
    );
}

#[tokio::test]
async fn what_is_unknown_is_said_with_what_there_is() {
    let (_, registry) = filled().await;
    let message = |error: RegistryError| error.to_string();
    let no_model = "there is no registered model `chrun`: train one, or check the name in the job";
    assert_eq!(message(registry.version("chrun", "1").await.unwrap_err()), no_model);
    assert_eq!(message(registry.resolve_required("chrun", "champion").await.unwrap_err()), no_model);
    assert_eq!(message(registry.set_alias("chrun", "champion", change("1", 2)).await.unwrap_err()), no_model);
    for version in ["4", "0", "01", "+1", "latest"] {
        assert_eq!(
            message(registry.version("churn", version).await.unwrap_err()),
            format!("model `churn` has no version `{version}`: it has versions 1 to 3")
        );
    }
    let missing = registry.set_alias("churn", "champion", change("7", 2)).await.unwrap_err();
    assert_eq!(message(missing), "model `churn` has no version `7`: it has versions 1 to 3");
    assert_eq!(
        message(registry.resolve_required("churn", "champion").await.unwrap_err()),
        "model `churn` has no alias `champion`: promote one of its versions (versions 1 to 3) to it"
    );
    assert_eq!(registry.versions("chrun").await.unwrap(), []);
}

#[tokio::test]
async fn names_are_parts_of_paths() {
    let (_, registry) = filled().await;
    for name in ["", "Churn", "../churn", "a/b", "churn model", &"x".repeat(65)] {
        assert_eq!(
            registry.register(name, &model(0.0), candidate()).await.unwrap_err().to_string(),
            format!("`{name}` is not a name of a model: use 1 to 64 small letters, digits, `_` and `-`")
        );
        assert_eq!(
            registry.set_alias("churn", name, change("1", 2)).await.unwrap_err().to_string(),
            format!("`{name}` is not a name of an alias: use 1 to 64 small letters, digits, `_` and `-`")
        );
    }
}

#[tokio::test]
async fn an_unwritable_store_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("registry"), b"a file where the folder should be").unwrap();
    let store = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    let error = Registry::new(store, "registry").register("churn", &model(0.0), candidate()).await.unwrap_err();
    let blob = format!("registry/blobs/{}.json", model(0.0).digest().hex());
    assert_eq!(error.to_string(), format!("cannot write `{blob}`"));
}

#[test]
fn a_busy_model_may_be_tried_again() {
    let error = RegistryError::Busy { name: "churn".into() };
    assert_eq!(
        error.to_string(),
        "model `churn` was not registered: others kept claiming its version numbers; try again"
    );
    assert!(error.is_retryable());
}
