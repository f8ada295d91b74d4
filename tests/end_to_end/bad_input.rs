//! Bad input: a clear message, exit code 1, nothing published.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, RecordBatch};
use arrow::datatypes::Decimal128Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::harness::{Project, text};

const DAY: [&str; 4] = ["run", "daily_risk", "--date", "2025-08-01"];

/// Runs the day, which must fail with a message that holds every part, and publish nothing.
fn refused(project: &Project, parts: &[&str]) {
    let message = project.failure(&DAY);
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(!project.has_published(), "a day was published in spite of:\n{message}");
    let risk = project.lake().join("customer_risk/_delta_log");
    assert!(!risk.exists(), "a table was published in spite of:\n{message}");
}

fn some_orders_file(project: &Project) -> PathBuf {
    let mut files: Vec<_> =
        fs::read_dir(project.data().join("orders")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files[files.len() / 2].clone()
}

#[test]
fn a_column_that_the_files_lack() {
    let project = Project::copy();
    project.edit(
        "mainstay.yml",
        "{name: gross_amount, type: money, minimum: 0}",
        "{name: gross_sales, type: money, minimum: 0}",
    );
    refused(&project, &["gross_sales", "retailer.orders", "data/orders"]);
}

#[test]
fn a_column_of_another_type() {
    let project = Project::copy();
    project.edit("mainstay.yml", "{name: channel, type: text}", "{name: channel, type: timestamp}");
    refused(&project, &["channel", "timestamp", "retailer.orders"]);
}

#[test]
fn an_unknown_key_names_place_and_neighbour() {
    let project = Project::copy();
    project.edit("mainstay.yml", "consent_default: allow", "consent_defualt: allow");
    refused(&project, &["mainstay.yml:", "consent_defualt", "consent_default"]);
    let project = Project::copy();
    project.edit("jobs/daily_risk.yml", "reasons: 3", "reason: 3");
    refused(&project, &["daily_risk.yml:", "`reason`", "reasons"]);
}

#[test]
fn a_negative_budget() {
    let project = Project::copy();
    project.edit("jobs/policies/retention.yml", "amount: 50000.00", "amount: -1.00");
    refused(&project, &["retention.yml:4:", "-1.00"]);
}

#[test]
fn data_that_are_too_old() {
    let project = Project::copy();
    // The last week of order lines never arrived; orders did.
    for day in 25..=31 {
        let file = project.data().join(format!("order_lines/date=2025-07-{day}.parquet"));
        fs::remove_file(file).unwrap();
    }
    refused(&project, &["retailer.order_lines", "error_after", "72"]);
}

#[test]
fn consents_that_are_too_old() {
    let project = Project::copy();
    // August's changes of consent never arrived; all else did.
    fs::remove_file(project.data().join("consents/month=2025-08.parquet")).unwrap();
    let message = project.failure(&["run", "daily_risk", "--date", "2025-08-15"]);
    for part in [
        "source retailer.consents: newest row is of 2025-07-",
        "hours before the as-of 2025-08-15 00:00 UTC; the limit is 168 (freshness.error_after_hours in mainstay.yml)",
        "load the missing days, or run for an earlier date",
    ] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(!project.has_published());
}

#[test]
fn a_date_that_the_data_do_not_reach() {
    let project = Project::copy();
    let message = project.failure(&["run", "daily_risk", "--date", "2025-08-24"]);
    assert!(message.contains("2025-08-24") && message.contains("2025-08-23"), "{message}");
    assert!(!project.has_published());
}

#[test]
fn an_amount_beyond_money() {
    let project = Project::copy();
    let file = some_orders_file(&project);
    let rows = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).unwrap()).unwrap().build().unwrap();
    let rows = rows.map(Result::unwrap).next().unwrap();
    let index = rows.schema().index_of("net_amount").unwrap();
    let mut cents: Vec<i128> = rows.column(index).as_primitive::<Decimal128Type>().values().to_vec();
    cents[1] = 1_234_567_890_123_456_789_000;
    let amounts = Decimal128Array::from(cents).with_precision_and_scale(38, 2).unwrap();
    let schema = rows.schema();
    let others = schema.fields().iter().zip(rows.columns());
    let columns = others.map(|(field, values)| match field.name().as_str() {
        "net_amount" => ("net_amount".to_owned(), Arc::new(amounts.clone()) as ArrayRef),
        name => (name.to_owned(), Arc::clone(values)),
    });
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&file).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let name = file.file_name().unwrap().to_str().unwrap();
    refused(&project, &[name, "`net_amount`", "`12345678901234567890.00` in row 1", "retailer.orders", "money"]);
}

#[test]
fn a_model_that_divides_by_zero() {
    let project = Project::copy();
    project.edit(
        "sql/features/feat_orders.sql",
        "cast(orders_7d as double)",
        "cast(1 / (orders_7d - orders_7d) as double)",
    );
    refused(&project, &["sql/features/feat_orders.sql: divides by zero in some row", "nullif"]);
}

#[test]
fn a_truncated_file() {
    let project = Project::copy();
    let file = some_orders_file(&project);
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    refused(&project, &[file.file_name().unwrap().to_str().unwrap(), "orders"]);
}

#[test]
fn a_file_that_is_written_anew_during_a_run() {
    let project = Project::copy();
    project.json(&["run", "train_churn", "--date", "2025-08-01"]);
    let file = some_orders_file(&project);
    let mut run =
        project.command(&DAY).env("FAILPOINTS", "sources=sleep(3000)").stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(run.stderr.take().unwrap()).lines().map(Result::unwrap);
    told.find(|line| line.contains("quarantined")).unwrap();
    fs::write(&file, fs::read(&file).unwrap()).unwrap();
    let message: Vec<String> = told.collect();
    assert_eq!(run.wait().unwrap().code(), Some(1), "{message:#?}");
    let message = message.join("\n");
    for part in ["orders", file.file_name().unwrap().to_str().unwrap(), "was written anew during the run", "run again"]
    {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(!project.has_published());
    assert_eq!(project.json(&DAY)["outcome"], "published", "the next run reads the file as it is now");
}

#[test]
fn a_foreign_file() {
    let project = Project::copy();
    let file = some_orders_file(&project);
    fs::write(&file, "order_id,customer_id\n1,2\n").unwrap();
    refused(&project, &[file.file_name().unwrap().to_str().unwrap(), "Parquet"]);
}

#[test]
fn no_data_at_all() {
    let project = Project::copy();
    let simulator = "    simulator:\n      customers: 2000\n      start: 2024-01-01\n      days: 715   # until the middle of \
                     December, so that the month's budget has days left\n      seed: 42\n";
    project.edit("mainstay.yml", simulator, "");
    fs::remove_dir_all(project.data()).unwrap();
    let message = project.failure(&DAY);
    assert!(message.contains("data"), "{message}");
    assert!(!project.has_published());
}

#[test]
fn a_corrupted_model() {
    let project = Project::copy();
    let trained = project.json(&["run", "train_churn", "--date", "2025-08-01"]);
    assert_eq!(trained["outcome"], "published", "{trained}");
    let blobs = project.lake().join("registry/blobs");
    let blob = fs::read_dir(&blobs).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&blob).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] = bytes[middle].wrapping_add(1);
    fs::write(&blob, bytes).unwrap();
    let message = project.failure(&DAY);
    assert!(message.contains(blob.file_name().unwrap().to_str().unwrap()), "{message}");
    assert!(message.contains("mainstay run train_churn --date 2025-08-01 --force"), "{message}");
    assert!(!project.lake().join("customer_risk/_delta_log").exists());
    project.json(&["run", "train_churn", "--date", "2025-08-01", "--force"]);
    assert_eq!(project.json(&DAY)["outcome"], "published", "the advice of the message works");
}

#[test]
fn a_feature_model_that_loses_customers() {
    let project = Project::copy();
    project.edit("sql/features/customer_features.sql", "left join orders", "inner join orders");
    refused(&project, &["customer_features has", "the sources know", "inner join"]);
}

#[test]
fn a_feature_model_that_repeats_customers() {
    let project = Project::copy();
    project.json(&["run", "train_churn", "--date", "2025-08-01"]);
    let twice = "cross join population\ncross join (select 1 as copy union all select 2 as copy) as copies\n";
    project.edit("sql/features/customer_features.sql", "cross join population\n", twice);
    project.forget_definitions(1);
    let not_compared = "model churn version 1 does not say how its features were defined";
    refused(&project, &[not_compared, "customer_features", "customer_id", "C00"]);
}

#[test]
fn a_message_is_told_once() {
    let project = Project::copy();
    project.edit("sql/marts/customer_value.sql", "clv_cents", "clv_cents,,");
    let message = project.failure(&DAY);
    assert_eq!(message.matches("customer_value.sql").count(), 1, "{message}");
}

#[test]
fn a_model_that_no_training_job_makes() {
    let project = Project::copy();
    project.edit("jobs/daily_risk.yml", "model: churn", "model: chrun");
    let parts =
        ["daily_risk.yml:12:8: no training job makes model `chrun`; did you mean `churn`?", "known models: churn"];
    refused(&project, &parts);
    project.edit("jobs/daily_risk.yml", "train_with: train_churn", "# no training");
    refused(&project, &parts);
    assert!(!project.lake().join("registry/models").exists());
}

#[test]
fn a_second_daily_job_for_the_same_tables() {
    let project = Project::copy();
    let job = fs::read_to_string(project.folder().join("jobs/daily_risk.yml")).unwrap();
    let other = job.replace("name: daily_risk", "name: evening_risk");
    fs::write(project.folder().join("jobs/evening_risk.yml"), other).unwrap();
    refused(&project, &["daily_risk and evening_risk", "one daily job"]);
}

#[test]
fn a_customer_that_does_not_exist() {
    let project = Project::reference();
    project.json(&["run", "daily_risk", "--date", "2025-08-01"]);
    let message = project.failure(&["show", "risk", "--customer", "nobody"]);
    assert!(message.contains("customer nobody is not among the known customers"), "{message}");
}

#[test]
fn a_target_that_cannot_be_written() {
    let project = Project::copy();
    fs::write(project.lake(), "a file stands where the folder should be").unwrap();
    let message = project.failure(&DAY);
    assert!(message.contains("cannot") && message.contains("lake"), "{message}");
}

#[test]
fn sql_that_does_not_compile_names_the_model() {
    let project = Project::copy();
    project.edit("sql/marts/customer_value.sql", "clv_cents", "clv_cents,,");
    refused(&project, &["customer_value.sql"]);
}

#[test]
fn a_project_that_is_not_there() {
    let project = Project::copy();
    fs::remove_file(project.folder().join("mainstay.yml")).unwrap();
    let output = project.output(&DAY);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("mainstay.yml"));
}

#[test]
fn a_declared_test_of_any_model_that_fails() {
    let project = Project::copy();
    project.edit("sql/staging/stg_order_lines.yml", "grain: [order_id, line_number]", "grain: [order_id]");
    refused(&project, &["model stg_order_lines: grain (order_id) fails ", " times, such as at order_id = "]);

    let project = Project::copy();
    project.edit("sql/staging/stg_contacts.yml", "accepted_values: [email, sms, push, call]", "accepted_values: [sms]");
    refused(&project, &["model stg_contacts: channel accepted_values fails ", "such as at contact_id = "]);
}
