//! Faults planted among the data of a day: the run stops before the money, names the source or feature with both figures, and goes on
//! where somebody accepts it with a reason.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::Decimal128Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::harness::{Project, copy_folder, text};

/// The day before is the newest whose rows it sees.
const DAY: &str = "2025-08-04";
const DAY_BEFORE: &str = "2025-08-03";
const RUN: [&str; 4] = ["run", "daily_risk", "--date", DAY];
/// The day after, on which a fault is accepted.
const ACCEPTED_DAY: &str = "2025-08-05";
const ACCEPTED_BY: [&str; 4] = ["--by", "ana", "--why", "the shop moved to another tracker"];

/// A project with three published days before [`DAY`], whose faults are taken back.
struct Shop {
    project: Project,
    ledger: Value,
}

impl Shop {
    fn open() -> Self {
        let project = Project::copy();
        let runs = project.json(&["backfill", "daily_risk", "--from", "2025-08-01", "--to", DAY_BEFORE]);
        for run in runs["runs"].as_array().unwrap() {
            let figures = &run["record"]["details"]["monitoring"];
            assert_eq!((&figures["accepted"], &figures["standing"]), (&none(), &none()));
            assert!(figures["features"]["customers"].as_u64().unwrap() > 100, "{figures}");
            assert_eq!(figures["sources"].as_array().unwrap().len(), 9, "a table each with an event time");
        }
        let ledger = month(&project);
        Self { project, ledger }
    }

    /// The files of a table, named by their dates or months, from `since` on.
    fn files(&self, table: &str, since: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.project.data().join(table)).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.file_stem().unwrap().to_string_lossy().split('=').next_back().unwrap() >= since);
        files.sort();
        assert!(!files.is_empty(), "no file of {table} since {since}");
        files
    }

    fn file(&self, table: &str, name: &str) -> PathBuf {
        self.project.data().join(table).join(name)
    }

    /// Runs the day with a fault, which must stop it before the money; the fault is taken back. Gives the message.
    fn stopped_by(&self, fault: impl FnOnce(&Self), tables: &[&str], expected: &[&str]) -> String {
        self.with_fault(fault, tables, || {
            let message = self.project.failure(&RUN);
            assert!(
                message.contains("the circuit breaker stops daily_risk of 2025-08-04 before any money is reserved"),
                "{message}"
            );
            for part in expected {
                assert!(message.contains(part), "`{part}` is not in:\n{message}");
            }
            assert_eq!(month(&self.project), self.ledger, "the ledger moved");
            assert!(!self.project.output(&["show", "run", "--date", DAY]).status.success(), "the day was published");
            message
        })
    }

    fn with_fault<T>(&self, fault: impl FnOnce(&Self), tables: &[&str], run: impl FnOnce() -> T) -> T {
        let aside = self.project.data().with_extension("aside");
        std::fs::create_dir_all(&aside).unwrap();
        for table in tables {
            copy_folder(&self.project.data().join(table), &aside.join(table));
        }
        fault(self);
        let result = run();
        for table in tables {
            std::fs::remove_dir_all(self.project.data().join(table)).unwrap();
            copy_folder(&aside.join(table), &self.project.data().join(table));
        }
        std::fs::remove_dir_all(aside).unwrap();
        result
    }
}

fn none() -> Value {
    Value::Array(Vec::new())
}

fn month(project: &Project) -> Value {
    project.json(&["show", "allocation", "--date", DAY_BEFORE])["month"].clone()
}

fn read(file: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let schema = Arc::clone(reader.schema());
    concat_batches(&schema, &reader.build().unwrap().collect::<Result<Vec<_>, _>>().unwrap()).unwrap()
}

fn write(file: &Path, rows: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(file).unwrap(), rows.schema(), None).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

/// Writes a file anew with some columns changed.
fn change(file: &Path, columns: &[&str], changed: impl Fn(&ArrayRef) -> ArrayRef) {
    let rows = read(file);
    let mut values = rows.columns().to_vec();
    for column in columns {
        let index = rows.schema().index_of(column).unwrap();
        values[index] = changed(&values[index]);
    }
    write(file, &RecordBatch::try_new(rows.schema(), values).unwrap());
}

fn times_100(amounts: &ArrayRef) -> ArrayRef {
    let decimals = amounts.as_primitive::<Decimal128Type>();
    let times: arrow::array::Decimal128Array = decimals.unary(|amount| amount * 100);
    Arc::new(times.with_data_type(amounts.data_type().clone()))
}

const AMOUNTS: [&str; 4] = ["gross_amount", "discount_amount", "net_amount", "cost_amount"];

#[test]
fn planted_faults_stop_a_day_before_the_money_until_they_are_accepted() {
    let shop = Shop::open();
    every_planted_fault_stops_the_day_and_nothing_is_reserved(&shop);
    what_somebody_accepts_goes_on_and_is_not_asked_again(&shop);
}

fn every_planted_fault_stops_the_day_and_nothing_is_reserved(shop: &Shop) {
    // The newest day of orders and their lines did not come: a Sunday, whose eleven orders alone chance may leave out.
    let lost_day = |shop: &Shop| {
        for table in ["orders", "order_lines"] {
            std::fs::remove_file(shop.file(table, &format!("date={DAY_BEFORE}.parquet"))).unwrap();
        }
    };
    let message = shop.stopped_by(
        lost_day,
        &["orders", "order_lines"],
        &["source:retailer.order_lines: 0 rows of 2025-08-03 known by its end, where about 27 are usual"],
    );
    assert!(message.contains("--accept source:retailer.order_lines --why"), "{message}");

    // Half of a week's events: half of a day's is within what chance does to a shop of six hundred.
    let half = |shop: &Shop| {
        for file in shop.files("web_events", "2025-07-28") {
            let rows = read(&file);
            let kept = BooleanArray::from((0..rows.num_rows()).map(|row| row % 2 == 0).collect::<Vec<_>>());
            write(&file, &filter_record_batch(&rows, &kept).unwrap());
        }
    };
    shop.stopped_by(
        half,
        &["web_events"],
        &["source:retailer.web_events:", "rows in the seven days until 2025-08-03, where about"],
    );

    // Money in cents, in one day's file.
    let cents = |shop: &Shop| change(&shop.file("orders", &format!("date={DAY_BEFORE}.parquet")), &AMOUNTS, times_100);
    shop.stopped_by(
        cents,
        &["orders"],
        &["source:retailer.orders: a typical `gross_amount` of 2025-08-03 is", "where"],
    );

    // Money in cents throughout: no day is unlike the others, but all features of money are.
    let all_cents = |shop: &Shop| {
        shop.files("orders", "2024").iter().for_each(|file| change(file, &AMOUNTS, times_100));
    };
    shop.stopped_by(all_cents, &["orders"], &["feature:", "a typical value is", "it was"]);

    // Events of one kind alone.
    let one_kind = |shop: &Shop| {
        let same = |kinds: &ArrayRef| -> ArrayRef {
            let same: ArrayRef = Arc::new(StringArray::from(vec!["page_view"; kinds.len()]));
            cast(&same, kinds.data_type()).unwrap()
        };
        shop.files("web_events", "2024").iter().for_each(|file| change(file, &["event_type"], same));
    };
    shop.stopped_by(one_kind, &["web_events"], &["feature:", "all customers have 0, where values from"]);

    // Twice the customers.
    let twice = |shop: &Shop| {
        let files = shop.files("customers", "2024");
        let file = files.iter().max_by_key(|file| read(file).num_rows()).unwrap();
        let rows = read(file);
        let index = rows.schema().index_of("customer_id").unwrap();
        let ids = cast(rows.column(index), &arrow::datatypes::DataType::Utf8).unwrap();
        let ids =
            StringArray::from_iter_values(ids.as_string::<i32>().iter().map(|id| format!("again-{}", id.unwrap())));
        let mut columns = rows.columns().to_vec();
        columns[index] = cast(&(Arc::new(ids) as ArrayRef), rows.column(index).data_type()).unwrap();
        write(&shop.file("customers", "again.parquet"), &RecordBatch::try_new(rows.schema(), columns).unwrap());
    };
    shop.stopped_by(twice, &["customers"], &["population:", "customers are known,", "were on 2025-08-0"]);

    // An old file of consents and one of contacts: what is gone forbids nothing any more.
    for table in ["consents", "contacts"] {
        let lost = |shop: &Shop| std::fs::remove_file(&shop.files(table, "2024")[0]).unwrap();
        let says = format!("source:retailer.{table}: its files hold");
        shop.stopped_by(lost, &[table], &[&says, "that is gone forbids nothing any more"]);
    }

    // Half of the newest day's orders did not come, whose lines did.
    let orphans = |shop: &Shop| {
        let file = shop.file("orders", &format!("date={DAY_BEFORE}.parquet"));
        let rows = read(&file);
        let kept = BooleanArray::from((0..rows.num_rows()).map(|row| row % 2 == 0).collect::<Vec<_>>());
        write(&file, &filter_record_batch(&rows, &kept).unwrap());
    };
    let breaks = "rows break their contract since the last published day, beside";
    shop.stopped_by(orphans, &["orders"], &["source:retailer.order_lines:", breaks]);

    // The ids of customers in small letters, in one day's file.
    let small_letters = |shop: &Shop| {
        let small = |ids: &ArrayRef| -> ArrayRef {
            let ids = cast(ids, &arrow::datatypes::DataType::Utf8).unwrap();
            Arc::new(ids.as_string::<i32>().iter().map(|id| id.map(str::to_lowercase)).collect::<StringArray>())
        };
        change(&shop.file("orders", &format!("date={DAY_BEFORE}.parquet")), &["customer_id"], small);
    };
    shop.stopped_by(
        small_letters,
        &["orders"],
        &["population:", "ids of customers differ from another one by capitals alone"],
    );

    // A value horizon of ten years.
    let [year, decade] = ["value_horizon_days: 365", "value_horizon_days: 3650"];
    let value = ["value: a scored customer is worth", "(in mainstay.yml, value_horizon_days is 3650 and was 365)"];
    shop.stopped_by(|shop| shop.project.edit("mainstay.yml", year, decade), &[], &value);
    shop.project.edit("mainstay.yml", decade, year);

    // A slip in a name to accept, and a reason that is not given.
    let message = shop.project.failure(&[&RUN[..], &["--accept", "source:retailer.web_event"], &ACCEPTED_BY].concat());
    assert!(message.contains("did you mean `retailer.web_events`?"), "{message}");
    let output = shop.project.output(&[&RUN[..], &["--accept", "population", "--by", "ana"]].concat());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let output = shop.project.output(&[&RUN[..], &["--accept", "poulation"], &ACCEPTED_BY].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("is nothing that stops a run"), "{}", text(&output.stderr));

    // With all faults taken back the day is as any other.
    let run = shop.project.json(&RUN);
    assert_eq!(run["record"]["details"]["monitoring"]["accepted"], none());
}

fn what_somebody_accepts_goes_on_and_is_not_asked_again(shop: &Shop) {
    let run = ["run", "daily_risk", "--date", ACCEPTED_DAY];
    let vanished = |shop: &Shop| {
        for file in shop.files("web_events", "2025-06-01") {
            std::fs::remove_file(file).unwrap();
        }
    };
    shop.with_fault(vanished, &["web_events"], || {
        let message = shop.project.failure(&run);
        assert!(
            message.contains("source:retailer.web_events:") && message.contains("days without a row since 2025-05-31"),
            "{message}"
        );
        assert!(
            !shop.project.output(&["show", "run", "--date", ACCEPTED_DAY]).status.success(),
            "the day was published"
        );
        // The command that the message gives goes on.
        let names: Vec<&str> = message.split("--accept ").skip(1).map(|rest| rest.split(' ').next().unwrap()).collect();
        assert!(names.contains(&"source:retailer.web_events"), "{message}");
        let accept: Vec<&str> = names.iter().flat_map(|name| ["--accept", name]).collect();
        let accepting = [&run[..], &accept, &["--accept", "spend"], &ACCEPTED_BY].concat();
        let done = shop.project.json(&accepting);
        let figures = &done["record"]["details"]["monitoring"];
        let accepted = figures["accepted"].as_array().unwrap();
        let silence = accepted.iter().find(|accepted| accepted["finding"]["check"] == "silence").unwrap();
        assert_eq!((&silence["by"], &silence["ds"]), (&Value::from("ana"), &Value::from(ACCEPTED_DAY)));
        assert_eq!(silence["why"], ACCEPTED_BY[3]);
        assert!(silence["finding"]["figure"].as_f64().unwrap() >= 60.0, "{silence}");
        assert!(silence["at"].as_str().is_some());
        let shown = text(&shop.project.output(&["show", "run", "--date", ACCEPTED_DAY]).stdout);
        assert!(shown.contains("accepted for 2025-08-05 by ana (the shop moved to another tracker)"), "{shown}");
        assert_eq!(shop.project.json(&["verify", "--date", ACCEPTED_DAY])["verified"], true);

        let next = shop.project.json(&["run", "daily_risk", "--date", "2025-08-06"]);
        let figures = &next["record"]["details"]["monitoring"];
        assert_eq!(figures["accepted"], none());
        let standing = figures["standing"].as_array().unwrap();
        assert!(
            standing.iter().any(|standing| standing["finding"]["name"] == "source:retailer.web_events"),
            "{figures}"
        );
    });
}
