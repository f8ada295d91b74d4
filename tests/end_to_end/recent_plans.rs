//! Recent plans are the target's: renamed jobs, another project, another currency, and other software that rewrites tables.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{concat_batches, filter_record_batch};
use mainstay_schema::table::{PublishedTable, TABLES};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::harness::{Project, copy_folder, text};

const FIRST: &str = "2025-08-01";
const SECOND: &str = "2025-08-02";
const THIRD: &str = "2025-08-03";

fn run_day(project: &Project, job: &str, day: &str, more: &[&str]) -> (Value, String) {
    let output = project.output(&[&["run", job, "--date", day, "-o", "json"], more].concat());
    let told = text(&output.stderr);
    assert!(output.status.success(), "{told}");
    (serde_json::from_slice(&output.stdout).unwrap(), told)
}

fn treated(project: &Project, day: &str) -> BTreeSet<String> {
    let shown = project.json(&["show", "allocation", "--date", day, "--top", "100000"]);
    let customers = shown["customers"].as_array().unwrap().iter();
    customers.map(|customer| customer["customer_id"].as_str().unwrap().to_owned()).collect()
}

fn spent(run: &Value) -> i64 {
    run["record"]["details"]["allocation"]["spent_cents"].as_i64().unwrap()
}

fn rename_job(project: &Project) {
    let jobs = project.folder().join("jobs");
    fs::rename(jobs.join("daily_risk.yml"), jobs.join("retention_daily.yml")).unwrap();
    project.edit("jobs/retention_daily.yml", "name: daily_risk", "name: retention_daily");
}

/// The target as an earlier version left it: claims, transactions and records stand under the name of the job, a record does not say its
/// kind, and nothing says whose the target is.
fn age(lake: &Path) {
    fs::rename(lake.join("claims/daily-plan"), lake.join("claims/daily_risk")).unwrap();
    fs::remove_file(lake.join("target.json")).unwrap();
    let mut transactions = 0;
    for table in TABLES.iter().map(PublishedTable::name) {
        for entry in fs::read_dir(lake.join(table).join("_delta_log")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let log = fs::read_to_string(&path).unwrap();
                transactions += log.matches("/daily-plan/").count();
                let aged = log.replace("/daily-plan/", "/daily_risk/").replace("mainstay.ledger", "mainstay.none");
                fs::write(path, aged).unwrap();
            }
        }
    }
    assert!(transactions > 0);
    for file in parquet_files(&lake.join("runs")) {
        let rows = read(&file);
        let mut columns = rows.columns().to_vec();
        let record = columns.last_mut().unwrap();
        let aged = record.as_string::<i32>().iter().map(|record| {
            let mut record: Value = serde_json::from_str(record.unwrap()).unwrap();
            for key in ["kind", "project", "currency"] {
                assert!(record.as_object_mut().unwrap().remove(key).is_some(), "{key}");
            }
            Some(record.to_string())
        });
        *record = Arc::new(aged.collect::<StringArray>());
        write(&RecordBatch::try_new(rows.schema(), columns).unwrap(), &file);
    }
}

/// A1 and A2: the daily job has another name from the second day on, whichever version published the first.
#[test]
fn a_renamed_daily_job_goes_on_where_it_was() {
    let original = Project::copy();
    let (first, _) = run_day(&original, "daily_risk", FIRST, &[]);
    assert_eq!(first["record"]["kind"], "daily");
    assert_eq!(first["record"]["currency"], "USD");
    let first_treated = treated(&original, FIRST);
    assert!(!first_treated.is_empty());

    for is_old in [false, true] {
        let project = Project::copy();
        copy_folder(&original.lake(), &project.lake());
        if is_old {
            age(&project.lake());
        }
        rename_job(&project);

        let (again, _) = run_day(&project, "retention_daily", FIRST, &[]);
        assert_eq!(again["outcome"], "already_done", "is_old: {is_old}");
        assert_eq!(again["record"]["run_id"], first["record"]["run_id"]);

        let (second, told) = run_day(&project, "retention_daily", SECOND, &[]);
        let says =
            format!("the days of this target were published as daily_risk until {FIRST}: its finished days, cooldown");
        assert!(told.contains(&says), "{told}");
        let second_treated = treated(&project, SECOND);
        assert!(first_treated.is_disjoint(&second_treated), "treated on both days");
        assert_eq!(second["record"]["details"]["inputs"]["plans"][0]["ds"], FIRST);

        let verified = project.json(&["verify"]);
        assert_eq!(verified["verified"], true, "{verified}");
        assert_eq!(verified["days"].as_array().unwrap().len(), 2);
        assert_eq!(project.json(&["show", "run", "--date", FIRST])["record"]["job"], "daily_risk");

        // A forced run of the first day takes the place of what it had spent.
        let (forced, _) = run_day(&project, "retention_daily", FIRST, &["--force"]);
        assert_eq!(forced["record"]["attempt"], 2);
        let month = &project.json(&["show", "allocation"])["month"];
        assert_eq!(month["committed_cents"].as_i64().unwrap(), spent(&forced) + spent(&second));
        assert_eq!(month["committed_days"].as_array().unwrap().len(), 2);
        let verified = project.json(&["verify"]);
        assert_eq!(verified["verified"], true, "{verified}");
    }
}

/// A11, and the second daily job across time: the target is one project's, in one currency.
#[test]
fn a_target_is_one_projects_in_one_currency() {
    let project = Project::copy();
    run_day(&project, "daily_risk", FIRST, &[]);
    let versions = fs::read_dir(project.lake().join("runs/_delta_log")).unwrap().count();
    let lake = project.lake();
    let lake = lake.display();

    project.edit("mainstay.yml", "currency: USD", "currency: EUR");
    for job in ["daily_risk", "train_churn"] {
        let message = project.failure(&["run", job, "--date", SECOND]);
        let says = format!(
            "the target {lake} holds money in USD, and mainstay.yml says EUR: a target has one currency, that of its budget, ledger and \
             values; set `currency: USD`, or give the project a target of its own for EUR"
        );
        assert!(message.contains(&says), "{message}");
    }
    project.edit("mainstay.yml", "currency: EUR", "currency: JPY");
    let message = project.failure(&["run", "daily_risk", "--date", SECOND]);
    assert!(
        message.contains("mainstay.yml:5:11: `JPY` has 0 decimals, and all money here is counted in hundredths"),
        "{message}"
    );
    project.edit("mainstay.yml", "currency: JPY", "currency: USD");

    project.edit("mainstay.yml", "name: reference_retailer", "name: other_shop");
    let says = format!(
        "the target {lake} holds the days of project `reference_retailer`, and this project is `other_shop`: of two projects on one \
         target each would replace the other's days; give `other_shop` a target of its own, or, where it is `reference_retailer` under a \
         new name, write that name as `project` into target.json of the target"
    );
    let message = project.failure(&["run", "daily_risk", "--date", SECOND]);
    assert!(message.contains(&says), "{message}");
    // Records say it too, where the object was lost.
    let owner = project.lake().join("target.json");
    let written = fs::read_to_string(&owner).unwrap();
    fs::remove_file(&owner).unwrap();
    let message = project.failure(&["run", "daily_risk", "--date", SECOND]);
    assert!(message.contains(&says), "{message}");
    fs::write(&owner, "{").unwrap();
    let message = project.failure(&["run", "daily_risk", "--date", SECOND]);
    assert!(
        message.contains("target.json of the target") && message.contains("says not whose it is: restore it"),
        "{message}"
    );
    assert_eq!(fs::read_dir(project.lake().join("runs/_delta_log")).unwrap().count(), versions, "nothing was recorded");

    // What the message says to do.
    fs::write(&owner, written.replace("reference_retailer", "other_shop")).unwrap();
    run_day(&project, "daily_risk", SECOND, &[]);
}

/// A10: other software erases rows of a recent plan, compacts it, or removes it, and vacuums.
#[test]
fn other_software_on_our_tables_does_not_stop_later_days() {
    let project = Project::copy();
    let (first, _) = run_day(&project, "daily_risk", FIRST, &[]);
    let known = &first["record"]["details"]["population"]["known"];
    let before = treated(&project, FIRST);
    let erased: BTreeSet<String> = before.iter().take(2).cloned().collect();
    rewrite(&project.lake(), "campaign_allocations", FIRST, "DELETE", |customer| !erased.contains(customer));
    rewrite(&project.lake(), "runs", FIRST, "OPTIMIZE", |_| true);
    rewrite(&project.lake(), "budget_ledger", FIRST, "OPTIMIZE", |_| true);

    let (second, told) = run_day(&project, "daily_risk", SECOND, &[]);
    let says = format!("other software has rewritten campaign_allocations of {FIRST}: ");
    let missing =
        format!("2 of {} treated customers among them, whom its cooldown does not protect any more", before.len());
    assert!(
        told.contains(&says) && told.contains(&format!("2 of its {known} rows are missing")) && told.contains(&missing),
        "{told}"
    );
    let read_from = &second["record"]["details"]["inputs"]["plans"][0]["read_from"];
    assert_eq!(*read_from, json!({"is": "table", "version": 2, "rows_missing": 2, "treated_missing": 2}));
    let kept: BTreeSet<String> = before.difference(&erased).cloned().collect();
    assert_eq!(treated(&project, FIRST), kept, "the day is shown without who was erased");
    assert!(kept.is_disjoint(&treated(&project, SECOND)), "the cooldown holds for all who are there");

    // Compacted and vacuumed: nothing is missing.
    rewrite(&project.lake(), "campaign_allocations", SECOND, "OPTIMIZE", |_| true);
    let (third, told) = run_day(&project, "daily_risk", THIRD, &[]);
    assert!(
        told.contains(&format!("campaign_allocations of {SECOND}: ")) && told.contains("where no row is missing"),
        "{told}"
    );
    let plans = third["record"]["details"]["inputs"]["plans"].as_array().unwrap().iter();
    let missing: Vec<&Value> = plans.map(|plan| &plan["read_from"]["treated_missing"]).collect();
    assert_eq!(missing, [&json!(2), &json!(0)]);

    // A day of which the treated are gone says nothing about whom it treated, nor does one that is gone.
    let of_second = treated(&project, SECOND);
    rewrite(&project.lake(), "campaign_allocations", SECOND, "DELETE", |customer| !of_second.contains(customer));
    let message = project.failure(&["run", "daily_risk", "--date", "2025-08-04"]);
    assert!(message.contains("campaign_allocations (version") && message.contains(") names 0 of them"), "{message}");

    // A day that is gone says nothing about whom it treated.
    rewrite(&project.lake(), "campaign_allocations", SECOND, "DELETE", |_| false);
    let message = project.failure(&["run", "daily_risk", "--date", "2025-08-04"]);
    let says = format!("{SECOND} treated {} customers, nothing says any more who all of them are", treated_of(&second));
    assert!(message.contains(&says), "{message}");
    assert!(message.contains(&format!("restore campaign_allocations to a version that holds {SECOND}")), "{message}");
    assert!(message.contains("lower `cooldown_days` of the policy until 2025-09-02"), "{message}");

    // Rows of the ledger are not other software's to change.
    rewrite(&project.lake(), "budget_ledger", SECOND, "DELETE", |_| false);
    let message = project.failure(&["run", "daily_risk", "--date", "2025-08-04"]);
    assert!(message.contains("table `budget_ledger` was changed by another tool: DELETE at version"), "{message}");
}

fn treated_of(run: &Value) -> u64 {
    run["record"]["details"]["allocation"]["treated"].as_u64().unwrap()
}

/// Rewrites the day of a table as other tools do: one new file with the rows that are kept, a commit of their own, and the old files gone
/// as after a vacuum.
fn rewrite(lake: &Path, table: &str, day: &str, operation: &str, is_kept: impl Fn(&str) -> bool) {
    let log = lake.join(table).join("_delta_log");
    let folder = lake.join(table).join(format!("ds={day}"));
    let old = parquet_files(&folder);
    let rows: Vec<RecordBatch> = old.iter().map(|file| read(file)).collect();
    let rows = concat_batches(&rows[0].schema(), &rows).unwrap();
    let kept: BooleanArray = match rows.column_by_name("customer_id") {
        Some(customers) => {
            customers.as_string::<i32>().iter().map(|customer| Some(is_kept(customer.unwrap()))).collect()
        }
        None => vec![is_kept(""); rows.num_rows()].into(),
    };
    let rows = filter_record_batch(&rows, &kept).unwrap();
    let is_commit =
        |path: PathBuf| path.file_name().unwrap().to_string_lossy().len() == "00000000000000000000.json".len();
    let version = fs::read_dir(&log).unwrap().filter(|entry| is_commit(entry.as_ref().unwrap().path())).count();
    let changes_rows = operation != "OPTIMIZE";
    let inside = |path: &Path| format!("ds={day}/{}", path.file_name().unwrap().to_string_lossy());
    let mut lines = vec![json!({"commitInfo": {"timestamp": 0, "operation": operation}}).to_string()];
    for path in &old {
        let removed = json!({"remove": {
            "path": inside(path), "deletionTimestamp": 0, "dataChange": changes_rows, "partitionValues": {"ds": day},
        }});
        lines.push(removed.to_string());
        fs::remove_file(path).unwrap();
    }
    if rows.num_rows() > 0 {
        let new = folder.join(format!("part-00001-{version}-of-another-tool.parquet"));
        write(&rows, &new);
        let added = json!({"add": {
            "path": inside(&new), "partitionValues": {"ds": day}, "size": fs::metadata(&new).unwrap().len(), "modificationTime": 0,
            "dataChange": changes_rows,
        }});
        lines.push(added.to_string());
    }
    let commit = log.join(format!("{version:020}.json"));
    assert!(!commit.exists());
    fs::write(commit, lines.join("\n")).unwrap();
}

fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "_delta_log" {
            found.extend(parquet_files(&path));
        } else if name.ends_with(".parquet") {
            found.push(path);
        }
    }
    found
}

fn read(file: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

fn write(rows: &RecordBatch, file: &Path) {
    let mut writer = ArrowWriter::try_new(File::create(file).unwrap(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}
