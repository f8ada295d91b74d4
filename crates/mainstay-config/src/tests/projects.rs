//! Whole projects: the reference project, and projects on a disk that go wrong.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{fixture, fixture_text, reference};
use crate::{ConfigError, JobConfig, Project, VarOverrides};

fn load(folder: &Path) -> Result<Project, ConfigError> {
    Project::load(folder, &VarOverrides::default(), None)
}

/// A folder with files, given as (path, text).
fn disk(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The message with the folder of the test written as `DISK`.
fn message<T: std::fmt::Debug>(result: Result<T, ConfigError>, disk: &TempDir) -> String {
    result.unwrap_err().to_string().replace(&*disk.path().to_string_lossy(), "DISK")
}

#[test]
fn the_reference_project_loads() {
    let project = load(&reference()).unwrap();
    let root = fs::canonicalize(reference()).unwrap();
    assert_eq!(project.root(), root);
    assert_eq!(project.base(), None);
    assert_eq!(project.sql_folders(), [root.join("sql")]);
    assert!(project.job_names().unwrap().iter().any(|name| name == "daily_risk"));
    for name in project.job_names().unwrap() {
        let job = project.job(&name).unwrap();
        if let JobConfig::Daily(daily) = job {
            assert!(!project.policy(&daily.policy).unwrap().interventions.is_empty());
        }
    }
}

#[test]
fn a_project_resolves_its_paths() {
    let root = fs::canonicalize(fixture()).unwrap();
    let below = |path: &str| root.join(path).to_string_lossy().into_owned();
    let project = load(&fixture()).unwrap();
    assert_eq!((project.target().name.as_str(), project.target().path.clone()), ("local", below("target/lake")));
    let source = &project.config().sources[0];
    assert_eq!((source.path.clone(), source.tables[0].path.clone()), (below("data"), below("data/customers")));
    assert_eq!(project.time_zone().iana_name(), Some("UTC"));

    let overrides = VarOverrides::parse("data: s3://bucket/raw").unwrap();
    let project = Project::load(&fixture(), &overrides, None).unwrap();
    assert_eq!(project.config().sources[0].tables[1].path, "s3://bucket/raw/orders");
    assert_eq!(project.config().vars["data"].to_string(), "s3://bucket/raw");
}

#[test]
fn another_target_must_be_stated() {
    let result = Project::load(&fixture(), &VarOverrides::default(), Some("locl"));
    let expected = "unknown target `locl`, did you mean `local`? (known targets: local, shared)";
    assert_eq!(result.unwrap_err().to_string(), expected);
}

#[test]
fn only_the_target_of_the_run_is_rendered() {
    let project = disk(&[("mainstay.yml", &fixture_text("mainstay.yml"))]);
    assert!(load(project.path()).is_ok());
    let result = Project::load(project.path(), &VarOverrides::default(), Some("shared"));
    let expected = "\
DISK/mainstay.yml:14:11: cannot render the template: environment variable `MAINSTAY_FIXTURE_BUCKET` is not set
   |
14 |     path: \"{{ env_var('MAINSTAY_FIXTURE_BUCKET') }}/lake\"
   |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
   = templates know {{ var('x') }} and {{ env_var('X') }}";
    assert_eq!(message(result, &project), expected);
}

#[test]
fn unknown_variables_and_targets_are_refused() {
    let text = fixture_text("mainstay.yml").replace("var('data')", "var('date')").replace("UTC", "Europe/Berlin");
    let project = disk(&[("mainstay.yml", &text)]);
    let expected = "\
DISK/mainstay.yml:17:11: unknown variable `date`, did you mean `data`?
   |
17 |     path: \"{{ var('date') }}\"
   |           ^^^^^^^^^^^^^^^^^^^
   = known variables: active_days, data, margin_rate, pseudonymise";
    assert_eq!(message(load(project.path()), &project), expected);

    let text = fixture_text("mainstay.yml").replace("default_target: local", "default_target: lake");
    let project = disk(&[("mainstay.yml", &text)]);
    let expected = "\
DISK/mainstay.yml:9:17: unknown target `lake`
  |
9 | default_target: lake
  |                 ^^^^
  = known targets: local, shared";
    assert_eq!(message(load(project.path()), &project), expected);
}

#[test]
fn files_that_are_absent_or_empty_are_refused() {
    let empty =
        disk(&[("blank/mainstay.yml", " \n"), ("comment/mainstay.yml", "# name: x\n"), ("latin/mainstay.yml", "")]);
    fs::write(empty.path().join("latin/mainstay.yml"), b"name: caf\xe9").unwrap();
    let read = |folder: &str| message(load(&empty.path().join(folder)), &empty);
    let expected = "no `mainstay.yml` in `DISK/absent`: run the command in the folder of a project, or name one with --project-dir";
    assert_eq!(read("absent"), expected);
    let expected = "DISK/latin/mainstay.yml:1:10: is not written in UTF-8: the byte 0xE9 belongs to another encoding, such as \
                    Latin-1 or Windows-1252; save it as UTF-8";
    assert_eq!(read("latin"), expected);
    let expected = "DISK/blank/mainstay.yml:1:1: the file is empty or holds nothing but comments";
    assert_eq!(read("blank").lines().next(), Some(expected));
    let expected = "DISK/comment/mainstay.yml:1:1: the file is empty or holds nothing but comments";
    assert_eq!(read("comment").lines().next(), Some(expected));
}

#[test]
fn a_project_needs_all_settings_or_a_base() {
    let alone = disk(&[("mainstay.yml", "name: x\ntime_zone: UTC\n")]);
    let expected = "DISK/mainstay.yml:1:1: missing key `targets`\n  |\n1 | name: x\n  | ^";
    assert_eq!(message(load(alone.path()), &alone), expected);
    let bare = "name: y\ntime_zone: UTC\n";
    let based = disk(&[("mainstay.yml", "name: x\ntime_zone: UTC\nextends: base"), ("base/mainstay.yml", bare)]);
    let expected = "DISK/mainstay.yml:1:1: missing key `targets`, here and in the project that this one extends";
    assert_eq!(message(load(based.path()), &based).lines().next(), Some(expected));
}

const CHILD: &str = "name: child\ntime_zone: Asia/Tokyo\nextends: ../base\nvars:\n  data: raw\n  own: 1\n";

#[test]
fn a_project_takes_from_its_base_what_it_has_not() {
    let base = fixture_text("mainstay.yml");
    let daily = fixture_text("jobs/daily_risk.yml");
    let training = fixture_text("jobs/train_churn.yml");
    let policy = fixture_text("jobs/policies/retention.yml");
    let disk = disk(&[
        ("base/mainstay.yml", &base),
        ("base/sql/a.sql", ""),
        ("base/jobs/daily_risk.yml", &daily),
        ("base/jobs/train_churn.yml", &training),
        ("base/jobs/policies/retention.yml", &policy.replace("0.40", "0.10")),
        ("child/mainstay.yml", CHILD),
        ("child/sql/a.sql", ""),
        ("child/jobs/daily_risk.yml", &daily.replace("reasons: 3", "reasons: 2")),
        ("child/jobs/policies/retention.yml", &policy),
    ]);
    let root = fs::canonicalize(disk.path()).unwrap();
    let below = |path: &str| root.join(path).to_string_lossy().into_owned();
    let project = load(&disk.path().join("child")).unwrap();

    assert_eq!(project.base(), Some(root.join("base").as_path()));
    assert_eq!(project.sql_folders(), [root.join("child/sql"), root.join("base/sql")]);
    assert_eq!(project.config().name, "child");
    assert_eq!(project.config().currency, "USD");
    let variables: Vec<_> = project.variables().all().iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(variables, ["active_days=365", "data=raw", "margin_rate=0.3", "own=1", "pseudonymise=false"]);
    assert_eq!(project.target().path, below("child/target/lake"));
    assert_eq!(project.config().sources[0].path, below("base/raw"));
    assert_eq!(project.job_names().unwrap().into_iter().collect::<Vec<_>>(), ["daily_risk", "train_churn"]);
    assert!(matches!(project.job("daily_risk").unwrap(), JobConfig::Daily(job) if job.reasons == 2));
    assert!(matches!(project.job("train_churn").unwrap(), JobConfig::Training(_)));
    assert_eq!(project.policy("policies/retention.yml").unwrap().interventions[0].effect, 0.4);
}

#[test]
fn own_sources_replace_those_of_the_base() {
    let base = fixture_text("mainstay.yml");
    let sources = base.split("sources:").nth(1).unwrap().split("consent_default").next().unwrap();
    let own = format!("{CHILD}sources:{}", sources.replace("name: retailer", "name: own"));
    let disk = disk(&[("base/mainstay.yml", &base), ("child/mainstay.yml", &own)]);
    let project = load(&disk.path().join("child")).unwrap();
    let root = fs::canonicalize(disk.path()).unwrap();
    let sources: Vec<_> =
        project.config().sources.iter().map(|source| (source.name.as_str(), source.path.clone())).collect();
    assert_eq!(sources, [("own", root.join("child/raw").to_string_lossy().into_owned())]);
}

#[test]
fn a_base_must_exist_and_end() {
    let disk = disk(&[
        ("child/mainstay.yml", CHILD),
        ("a/mainstay.yml", "name: a\ntime_zone: UTC\nextends: ../b\n"),
        ("b/mainstay.yml", "name: b\ntime_zone: UTC\nextends: ../a\n"),
    ]);
    let expected = "\
DISK/child/mainstay.yml:3:10: no project to extend: there is no `DISK/child/../base/mainstay.yml`
  |
3 | extends: ../base
  |          ^^^^^^^";
    assert_eq!(message(load(&disk.path().join("child")), &disk), expected);
    let expected = "\
DISK/a/../b/mainstay.yml:3:10: `DISK/a/../b/../a` extends this project in turn: a project cannot be its own base
  |
3 | extends: ../a
  |          ^^^^";
    assert_eq!(message(load(&disk.path().join("a")), &disk), expected);
}

#[test]
fn jobs_that_are_not_there_are_refused() {
    let project = load(&fixture()).unwrap();
    let error = |name: &str| project.job(name).unwrap_err().to_string();
    let known = "(known jobs: daily_risk, train_churn)";
    assert_eq!(error("daily_rsik"), format!("unknown job `daily_rsik`, did you mean `daily_risk`? {known}"));
    assert_eq!(error("../mainstay"), format!("unknown job `../mainstay` {known}"));
    let jobs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/jobs");
    let expected = format!("no policy file `policies/none.yml`: looked in {}", jobs.display());
    assert_eq!(project.policy("policies/none.yml").unwrap_err().to_string(), expected);
}

#[test]
fn what_a_job_names_must_exist() {
    let daily = fixture_text("jobs/daily_risk.yml");
    let training = fixture_text("jobs/train_churn.yml");
    let read = |daily: &str, training: &str| {
        let disk = disk(&[
            ("mainstay.yml", &fixture_text("mainstay.yml")),
            ("jobs/daily_risk.yml", daily),
            ("jobs/train_churn.yml", training),
            ("jobs/policies/retention.yml", &fixture_text("jobs/policies/retention.yml")),
        ]);
        message(load(disk.path()).unwrap().job("daily_risk"), &disk)
    };
    let expected = "\
DISK/jobs/daily_risk.yml:13:9: no policy file `policies/retain.yml`: looked in DISK/jobs
   |
13 | policy: policies/retain.yml
   |         ^^^^^^^^^^^^^^^^^^^";
    assert_eq!(read(&daily.replace("retention", "retain"), &training), expected);
    let expected = "\
DISK/jobs/daily_risk.yml:11:13: unknown job `train_chrn`, did you mean `train_churn`?
   |
11 | train_with: train_chrn
   |             ^^^^^^^^^^
   = known jobs: daily_risk, train_churn";
    assert_eq!(read(&daily.replace("train_churn", "train_chrn"), &training), expected);
    let expected = "\
DISK/jobs/daily_risk.yml:11:13: job `daily_risk` trains no model: its kind is daily
   |
11 | train_with: daily_risk
   |             ^^^^^^^^^^";
    assert_eq!(read(&daily.replace("train_churn", "daily_risk"), &training), expected);
}

#[test]
fn a_model_that_no_training_job_makes_is_refused_with_the_nearest_name() {
    let (daily, training) = (fixture_text("jobs/daily_risk.yml"), fixture_text("jobs/train_churn.yml"));
    let project = |daily: &str, other: &str| {
        let renamed = training.replace("name: train_churn", "name: train_other").replace("model: churn", other);
        disk(&[
            ("mainstay.yml", &fixture_text("mainstay.yml")),
            ("jobs/daily_risk.yml", daily),
            ("jobs/train_churn.yml", &training),
            ("jobs/train_other.yml", &renamed),
            ("jobs/policies/retention.yml", &fixture_text("jobs/policies/retention.yml")),
        ])
    };
    let expected = "\
DISK/jobs/daily_risk.yml:9:8: no training job makes model `chrun`; did you mean `churn`?
  |
9 | model: chrun
  |        ^^^^^
  = known models: churn, upsell";
    let slip = daily.replace("model: churn", "model: chrun");
    let disk = project(&slip, "model: upsell");
    assert_eq!(message(load(disk.path()).unwrap().job("daily_risk"), &disk), expected);

    // Without a training job of its own it may be registered by hand, which is not known here.
    let disk = project(&slip.replace("train_with: train_churn\n", ""), "model: upsell");
    let project_on_disk = load(disk.path()).unwrap();
    let JobConfig::Daily(job) = project_on_disk.job("daily_risk").unwrap() else { panic!("not daily") };
    assert_eq!(message(project_on_disk.check_model_is_trained(&job), &disk), expected);

    let disk = project(&daily.replace("model: churn", "model: upsell"), "model: upsell");
    let expected = "\
DISK/jobs/daily_risk.yml:11:13: job `train_churn` trains the model `churn`, this one scores with `upsell`
   |
11 | train_with: train_churn
   |             ^^^^^^^^^^^";
    let on_disk = load(disk.path()).unwrap();
    assert_eq!(message(on_disk.job("daily_risk"), &disk), expected);
    let error = message(on_disk.job("train_churn"), &disk);
    let place = "job `daily_risk` scores with the model `upsell`, this one trains `churn`";
    assert!(error.starts_with("DISK/jobs/train_churn.yml:") && error.contains(place), "{error}");
}

#[test]
fn a_project_without_jobs_says_so() {
    let disk = disk(&[("mainstay.yml", &fixture_text("mainstay.yml"))]);
    let error = load(disk.path()).unwrap().job("daily_risk");
    assert_eq!(message(error, &disk), "unknown job `daily_risk` (there is no job yet)");
}

#[test]
fn paths_are_shown_as_the_user_gave_them() {
    use crate::load::show;
    assert_eq!(show(".", "mainstay.yml"), "mainstay.yml");
    assert_eq!(show("shop", "jobs"), "shop/jobs");
    assert_eq!(show("../shop/", "jobs"), "../shop/jobs");
}
