//! Which version of a model is in use: trained, compared, promoted by gates and people, rolled back, and all of it on record.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use mainstay_model::{Calibration, Ensemble, EnsembleParts, Feature, Link, Node, Tree};
use mainstay_registry::{AliasChange, Candidate, Registry};
use mainstay_schema::{Gate, RunId};
use object_store::local::LocalFileSystem;
use serde_json::{Value, json};

use crate::boundaries;
use crate::harness::{Project, assert_honest, text};

const SIGKILL: i32 = 9;

/// A model of one leaf; another bias is another model.
fn model(bias: f64) -> Ensemble {
    Ensemble::new(EnsembleParts {
        features: vec![Feature::new("days_since_last_order")],
        trees: vec![Tree::new(&[Node::Leaf { value: 0.25, cover: 10.0 }]).unwrap()],
        bias,
        link: Link::Logistic,
        calibration: Calibration::Identity,
    })
    .unwrap()
}

/// The reference project with three versions of `churn`, of which the first is champion. Version 2 has failed a gate; none has rows
/// that another could be judged on.
fn with_versions() -> Project {
    let project = Project::reference();
    std::fs::create_dir_all(project.lake()).unwrap();
    register(&project, &[(0.0, Some(0.84)), (1.0, Some(0.7812)), (2.0, Some(0.86))]);
    project
}

/// Registers versions of `churn`, given by their bias and AUC, which a gate judges where there is one. The first is champion.
fn register(project: &Project, versions: &[(f64, Option<f64>)]) {
    let store = Arc::new(LocalFileSystem::new_with_prefix(project.lake()).unwrap());
    let registry = Registry::new(store, "registry");
    let at: Timestamp = "2025-08-01T04:00:00Z".parse().unwrap();
    let auc = |figure: f64| Gate {
        name: "auc_at_least".into(),
        figure: Some(figure),
        threshold: 0.8,
        attainable: None,
        passed: figure >= 0.8,
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for &(bias, figure) in versions {
            let candidate = Candidate {
                created_at: at,
                run_id: RunId::new("run"),
                training: json!({"job": {"name": "train_churn"}, "ds": "2025-08-01", "test_cut": "2025-05-03"}),
                evaluation: json!({"test": {"auc": figure}}),
                gates: figure.map(auc).into_iter().collect(),
                definitions: None,
                tags: Default::default(),
            };
            registry.register("churn", &model(bias), candidate).await.unwrap();
        }
        let first = AliasChange::new("1", at, "run 1", "the first version of the model");
        if registry.history("churn", "champion").await.unwrap().is_empty() {
            registry.set_alias("churn", "champion", first).await.unwrap();
        }
    });
}

fn champion(project: &Project) -> (String, usize) {
    let history = project.json(&["model", "history", "churn", "--alias", "champion"]);
    let entries = history["aliases"][0]["entries"].as_array().unwrap();
    (entries.last().unwrap()["version"].as_str().unwrap().to_owned(), entries.len())
}

#[test]
fn gates_refuse_and_people_override_with_a_reason() {
    let project = with_versions();
    let promote = ["promote", "churn", "2", "--by", "ana"];
    let message = project.failure(&promote);
    for part in [
        "churn version 2 is not promoted to champion: gate auc_at_least failed with 0.7812 by 0.0188 (asked: 0.8)",
        "--override auc_at_least --why REASON",
    ] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    let message = project.failure(&[&promote[..], &["--override", "auc_at_least"]].concat());
    assert!(
        message.contains("an override needs a reason, which stands in the history: give one with --why"),
        "{message}"
    );
    let message = project.failure(&[&promote[..], &["--override", "auc", "--why", "a pilot"]].concat());
    assert!(message.contains("unknown gate `auc` (known gates: auc_at_least)"), "{message}");
    assert_eq!(champion(&project), ("1".into(), 1), "nothing has changed");

    let forced =
        project.json(&[&promote[..], &["--override", "auc_at_least", "--why", "a pilot in one region"]].concat());
    assert_eq!((&forced["is_changed"], &forced["entry"]["number"]), (&json!(true), &json!(2)));
    let entry = &project.json(&["model", "history", "churn"])["aliases"][0]["entries"][1];
    assert_eq!(
        (&entry["by"], &entry["why"], &entry["from"]),
        (&json!("ana"), &json!("a pilot in one region"), &json!("1"))
    );
    assert_eq!(entry["overridden"], json!(["auc_at_least"]));
    let shown = text(&project.output(&["model", "history", "churn"]).stdout);
    assert!(shown.contains("a pilot in one region (OVERRIDDEN: auc_at_least)"), "{shown}");

    let again = text(&project.output(&promote).stdout);
    assert!(again.starts_with("champion of churn is version 2 already, since "), "{again}");
    let message = project.failure(&[&promote[..], &["--override", "auc_at_lest", "--why", "a pilot"]].concat());
    assert!(message.contains("unknown gate `auc_at_lest`, did you mean `auc_at_least`?"), "{message}");
    let message =
        project.failure(&["promote", "churn", "3", "--by", "ana", "--override", "auc_at_least", "--why", "habit"]);
    assert!(message.contains("gate auc_at_least of churn version 3 has passed: leave its --override out"), "{message}");
}

/// Neither of these versions has rows that another could be judged on.
#[test]
fn versions_that_cannot_be_compared_keep_what_their_training_asked_of_them() {
    let project = with_versions();
    let compared = project.json(&["compare", "1", "2"]);
    assert!(compared["same_rows"].is_null() && compared["not_compared"].is_string(), "{compared}");
    let message = project.failure(&["promote", "churn", "2", "--by", "ana"]);
    assert!(message.contains("gate auc_at_least failed with 0.7812 by 0.0188 (asked: 0.8)"), "{message}");
    let passed = project.json(&["promote", "churn", "3", "--by", "ana"]);
    let gates = passed["gates"].as_array().unwrap();
    assert!(gates.len() == 1 && gates[0]["name"] == "auc_at_least" && gates[0]["passed"] == true, "{passed}");

    // One that no gate has judged, which was brought in from elsewhere, needs somebody who answers for it.
    register(&project, &[(3.0, None)]);
    let promote = ["promote", "churn", "4", "--by", "ana"];
    let message = project.failure(&promote);
    let expected = "churn version 4 is not promoted to champion: no gate has judged it; train a better one, or promote it all the same \
                    with --override unjudged --why REASON";
    assert!(message.contains(expected), "{message}");
    let forced = project.json(&[&promote[..], &["--override", "unjudged", "--why", "judged elsewhere"]].concat());
    assert_eq!(forced["entry"]["overridden"], json!(["unjudged"]));
}

#[test]
fn rolling_back_goes_further_back_each_time() {
    let project = with_versions();
    project.json(&["promote", "churn", "3", "--by", "ana"]);
    project.json(&["promote", "churn", "2", "--by", "bo", "--override", "auc_at_least", "--why", "a pilot"]);
    let back = project.json(&["rollback", "churn", "--by", "cy", "--why", "complaints"]);
    assert_eq!((&back["entry"]["version"], &back["entry"]["from"]), (&json!("3"), &json!("2")));
    let shown = text(&project.output(&["rollback", "churn", "--by", "cy"]).stdout);
    let expected =
        "champion of churn is rolled back to version 1, from version 3 (entry 5, by cy: rolled back from version 3)\n";
    assert_eq!(shown, expected);
    let message = project.failure(&["rollback", "churn", "--by", "cy"]);
    let expected = "champion of churn cannot be rolled back: there is no version before 1; promote another with `mainstay promote`";
    assert!(message.contains(expected), "{message}");
    let history = project.json(&["model", "history", "churn"]);
    let entries = history["aliases"][0]["entries"].as_array().unwrap();
    let told: Vec<(u64, &str)> =
        entries.iter().map(|entry| (entry["number"].as_u64().unwrap(), entry["version"].as_str().unwrap())).collect();
    assert_eq!(told, [(1, "1"), (2, "3"), (3, "2"), (4, "3"), (5, "1")]);
}

#[test]
fn somebody_has_to_answer_for_a_change() {
    let project = with_versions();
    for arguments in [&["promote", "churn", "3"][..], &["rollback", "churn"], &["promote", "churn", "3", "--by", " "]] {
        let message = project.failure(arguments);
        let expected = "nobody is named who changes the alias: give --by NAME, or set MAINSTAY_BY in the environment";
        assert!(message.contains(expected), "{message}");
    }
    let output = project.command(&["promote", "churn", "3", "-o", "json"]).env("MAINSTAY_BY", "dee").output().unwrap();
    let promoted: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&promoted["entry"]["by"], &promoted["entry"]["why"]), (&json!("dee"), &json!("all gates passed")));
}

#[test]
fn what_is_not_there_is_named_with_what_is() {
    let project = with_versions();
    for (arguments, part) in [
        (&["promote", "chrun", "3", "--by", "ana"][..], "there is no registered model `chrun`"),
        (&["promote", "churn", "9", "--by", "ana"], "model `churn` has no version `9`: it has versions 1 to 3"),
        (
            &["compare", "champion", "challenger"],
            "model `churn` has no alias `challenger`: promote one of its versions",
        ),
        (&["model", "history", "churn", "--alias", "pilot"], "model `churn` has no alias `pilot`"),
        (&["model", "card", "churn", "2"], "churn version 2 has no card"),
        (&["model", "card", "churn", "2"], "`mainstay run train_churn --date 2025-08-01 --force`"),
        (&["rollback", "churn", "--alias", "pilot", "--by", "ana"], "model `churn` has no alias `pilot`"),
    ] {
        let message = project.failure(arguments);
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    let empty = Project::reference();
    std::fs::create_dir_all(empty.lake()).unwrap();
    let message = empty.failure(&["model", "list"]);
    assert!(message.contains("no model is registered yet: train one with `mainstay run`"), "{message}");
}

/// Starts a promotion that sleeps between its judgement and the change.
fn start(project: &Project, version: &str) -> Child {
    let mut command = project.command(&["promote", "churn", version, "--by", "ana"]);
    command.env("FAILPOINTS", "promotion_judged=sleep(1500)").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn of_two_promotions_at_once_one_is_made_and_the_other_is_told() {
    let project = with_versions();
    project.json(&["promote", "churn", "2", "--by", "bo", "--override", "auc_at_least", "--why", "a pilot"]);
    let promotions = [start(&project, "1"), start(&project, "3")];
    let outputs = promotions.map(|promotion| promotion.wait_with_output().unwrap());
    let (made, refused): (Vec<_>, Vec<_>) = outputs.iter().partition(|output| output.status.success());
    assert_eq!((made.len(), refused.len()), (1, 1), "{outputs:?}");
    let message = text(&refused[0].stderr);
    assert!(message.contains("was not set to version") && message.contains("at the same time"), "{message}");
    let (version, entries) = champion(&project);
    assert_eq!(entries, 3);
    assert!(text(&made[0].stdout).contains(&format!("is now version {version}")), "{}", text(&made[0].stdout));
}

const PROMOTE: [&str; 5] = ["promote", "churn", "3", "--by", "ana"];

/// What a promotion passes, in order: the test below kills it at each.
pub(crate) fn boundaries() -> Vec<String> {
    boundaries::passed(&with_versions(), &PROMOTE).0
}

#[test]
fn a_promotion_killed_at_any_boundary_is_whole_or_has_changed_nothing() {
    let passed = boundaries();
    let made = passed.iter().position(|name| name == "promotion_made").unwrap();
    assert!(made > 0, "{passed:?}");
    for (position, boundary) in passed.iter().enumerate() {
        let project = with_versions();
        let killed = project.command(&PROMOTE).env("FAILPOINTS", format!("{boundary}=return")).output().unwrap();
        assert_eq!(killed.status.signal(), Some(SIGKILL), "{boundary}: {}", text(&killed.stderr));
        let is_made = position >= made;
        let expected = if is_made { ("3".to_owned(), 2) } else { ("1".to_owned(), 1) };
        assert_eq!(champion(&project), expected, "{boundary}");
        assert_eq!(project.json(&PROMOTE)["is_changed"], !is_made, "{boundary}");
        assert_eq!(champion(&project), ("3".into(), 2), "{boundary}");
    }
}

#[test]
fn a_challenger_is_compared_promoted_used_and_rolled_back() {
    let project = Project::copy();
    project.json(&["run", "train_churn", "--date", "2025-08-01"]);
    project.edit("jobs/train_churn.yml", "history_days_at_least: 365", "history_days_at_least: 9999");
    let challenger = &project.json(&["run", "train_churn", "--date", "2025-08-20"])["record"]["details"]["training"];
    assert_honest(challenger);
    let beside: Vec<&Value> = challenger["evaluation"]["others"].as_array().unwrap().iter().collect();
    assert_eq!(
        beside.iter().map(|other| &other["name"]).collect::<Vec<_>>(),
        ["days_since_last_order alone", "champion"]
    );

    let listed = project.json(&["model", "list"]);
    let versions = listed["models"][0]["versions"].as_array().unwrap();
    let aliases: Vec<&Value> = versions.iter().map(|version| &version["aliases"]).collect();
    assert_eq!(aliases, [&json!(["champion"]), &json!(["challenger"])]);
    assert_eq!(versions[1]["failed_gates"].as_array().unwrap().last().unwrap(), "history_days_at_least");

    let comparison = project.json(&["compare", "champion", "challenger"]);
    let rows = &comparison["same_rows"];
    assert_eq!((&rows["of_version"], &rows["cut"]), (&json!("2"), &json!("2025-05-22")), "{comparison}");
    let figures = rows["overall"]["figures"].as_array().unwrap();
    let auc = figures.iter().find(|figure| figure["name"] == "auc").unwrap();
    let figure = |name: &str| auc[name].as_f64().unwrap();
    let stored = versions[1]["auc"].as_f64().unwrap();
    assert!((figure("candidate") - stored).abs() < 1e-12, "the rows and the model give the figure of the training");
    assert!((figure("candidate") - figure("current") - figure("difference")).abs() < 1e-12, "{auc}");
    assert_eq!(auc["current"], beside[1]["auc"], "the training compared with the same champion on the same rows");
    let segments = rows["segments"].as_array().unwrap();
    assert!(segments.iter().any(|segment| segment["by"] == "gender" && segment["group"] == "female"), "{segments:?}");
    let shown = text(&project.output(&["compare"]).stdout);
    for part in ["churn: version 1 (champion) and version 2 (challenger)", "version 2 FAILED", "calibration error"] {
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }

    let message = project.failure(&["promote", "churn", "challenger", "--by", "ana"]);
    assert!(message.contains("gate history_days_at_least failed with 507 by 9492 (asked: 9999)"), "{message}");
    let mut promote = vec!["promote", "churn", "challenger", "--by", "ana", "--why", "the newest season"];
    let failed: Vec<String> =
        message.split("--override ").skip(1).map(|rest| rest.split(' ').next().unwrap().to_owned()).collect();
    failed.iter().for_each(|gate| promote.extend(["--override", gate]));
    let promoted = project.json(&promote);
    assert_eq!(promoted["entry"]["version"], "2");
    let gates = promoted["gates"].as_array().unwrap();
    assert!(gates.iter().any(|gate| gate["name"] == "auc_below_current_at_most"), "{promoted}");

    let run = project.json(&["run", "daily_risk", "--date", "2025-08-21"]);
    assert_eq!(run["record"]["details"]["model"]["version"], "2");
    project.json(&["rollback", "churn", "--by", "bo", "--why", "complaints"]);
    let run = project.json(&["run", "daily_risk", "--date", "2025-08-22"]);
    assert_eq!(run["record"]["details"]["model"]["version"], "1");
    check_cards(&project);
}

fn check_cards(project: &Project) {
    let card = project.json(&["model", "card", "churn", "challenger"]);
    assert_eq!((&card["version"], &card["data"]["test"]["day"]), (&json!("2"), &json!("2025-05-22")));
    assert!(card["purpose"]["intended_use"].as_str().unwrap().starts_with("Ranks eligible customers"));
    let auc = &card["figures"][0];
    assert!(auc["name"] == "AUC" && auc["interval"][0].as_f64() < auc["model"].as_f64(), "{auc}");
    let segments = card["segments"].as_array().unwrap();
    assert!(segments.iter().all(|segment| segment["intervals"]["AUC"][1].is_number()), "{segments:?}");
    let features = card["features"].as_array().unwrap();
    let undescribed: Vec<&Value> = features.iter().filter(|feature| feature["description"] == "").collect();
    assert!(features.len() > 50 && undescribed.is_empty(), "{undescribed:?}");
    let importance: f64 = features.iter().map(|feature| feature["importance"].as_f64().unwrap()).sum();
    assert!((importance - 1.0).abs() < 1e-9, "{importance}");
    let sources = card["data"]["sources"].as_array().unwrap();
    assert!(sources.iter().any(|source| source["table"] == "retailer.orders"), "{sources:?}");
    let shown = text(&project.output(&["model", "card", "churn", "challenger"]).stdout);
    let most_important = format!("| `{}` | ", features[0]["name"].as_str().unwrap());
    for part in ["# churn version 2\n", "## Limits\n", &most_important, "Gate `history_days_at_least` failed"] {
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }
    let kept = project.lake().join("registry/models/churn/cards/2.md");
    assert_eq!(std::fs::read_to_string(kept).unwrap(), shown);
}
