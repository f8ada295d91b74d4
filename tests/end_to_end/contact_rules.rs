//! Who must be left alone is: found by queries over the source files that share nothing with the project's SQL.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::array::AsArray;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use mainstay_functions::uniform_hash;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::harness::{Project, text};

const DAYS: [&str; 3] = ["2025-07-31", "2025-08-01", "2025-08-02"];

/// What the sources say as of the instant at which a run pinned them, days counted from midnight.
struct Sources {
    session: SessionContext,
}

impl Sources {
    async fn open(data: &Path) -> Self {
        let session = SessionContext::new();
        for table in ["customers", "support_tickets", "contacts", "consents"] {
            let folder = data.join(table);
            let options = ParquetReadOptions::default();
            session.register_parquet(table, folder.to_str().unwrap(), options).await.unwrap();
        }
        Self { session }
    }

    /// The values of the column `found` of a query.
    async fn found(&self, sql: &str) -> BTreeSet<String> {
        let sql = format!("select cast(found as varchar) from ({sql})");
        let batches = self.session.sql(&sql).await.unwrap().collect().await.unwrap();
        let texts = batches.iter().flat_map(|batch| {
            let column =
                datafusion::arrow::compute::cast(batch.column(0), &datafusion::arrow::datatypes::DataType::Utf8);
            column.unwrap().as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>()
        });
        texts.collect()
    }

    async fn with_an_open_case(&self, instant: &str) -> BTreeSet<String> {
        self.found(&format!(
            "select customer_id as found from support_tickets
             where greatest(opened_at, loaded_at) < timestamp '{instant}'
               and (closed_at is null or closed_at >= timestamp '{instant}')"
        ))
        .await
    }

    /// `customer/channel` of every consent whose newest record is a grant, or a withdrawal.
    async fn consent(&self, instant: &str, is_granted: bool) -> BTreeSet<String> {
        self.found(&format!(
            "with known as (
                 select * from consents
                 where greatest(changed_at, loaded_at) < timestamp '{instant}' and purpose = 'marketing'
             )
             select customer_id || '/' || channel as found from known
             where is_granted = {is_granted} and not exists (
                 select 1 from known later where later.customer_id = known.customer_id and later.channel = known.channel
                     and later.changed_at > known.changed_at)"
        ))
        .await
    }

    /// `customer/channel` of every unsubscribe that no later grant has undone.
    async fn unsubscribed(&self, instant: &str) -> BTreeSet<String> {
        self.found(&format!(
            "select customer_id || '/' || channel as found from contacts
             where greatest(sent_at, loaded_at, unsubscribed_at) < timestamp '{instant}'
               and unsubscribed_at is not null and not exists (
                 select 1 from consents where consents.customer_id = contacts.customer_id
                     and consents.channel = contacts.channel and purpose = 'marketing' and is_granted
                     and changed_at > unsubscribed_at
                     and greatest(changed_at, consents.loaded_at) < timestamp '{instant}')"
        ))
        .await
    }

    async fn contacted_lately(&self, day: &str, instant: &str) -> BTreeSet<String> {
        self.found(&format!(
            "select customer_id as found from contacts
             where greatest(sent_at, loaded_at) < timestamp '{instant}' and intervention is not null
               and sent_at >= timestamp '{day}T00:00:00Z' - interval '30' day"
        ))
        .await
    }

    async fn held_out(&self) -> BTreeSet<String> {
        let mut customers = self.found("select distinct customer_id as found from customers").await;
        customers.retain(|customer| uniform_hash("retention-2025Q3", customer) < 0.05);
        customers
    }
}

/// The instant as of which the run of a day has judged who may be contacted.
fn instant_of(project: &Project, day: &str) -> String {
    let run = project.json(&["show", "run", "--date", day]);
    run["record"]["details"]["inputs"]["suppression_as_of"].as_str().unwrap().to_owned()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

/// Everybody with an offer on a day: the customers, and `customer/channel`.
fn treated(allocation: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let chosen = allocation["customers"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let customers = chosen.iter().map(|decision| text(&decision["customer_id"])).collect();
    let channels =
        chosen.iter().map(|decision| format!("{}/{}", text(&decision["customer_id"]), text(&decision["channel"])));
    (customers, channels.collect())
}

fn assert_disjoint(what: &str, treated: &BTreeSet<String>, forbidden: &BTreeSet<String>) {
    let both: Vec<_> = treated.intersection(forbidden).collect();
    assert!(both.is_empty(), "treated although {what}: {both:?}");
}

/// The reasons of the decisions add up to the known customers, and each rule gives its reason to no more than it holds back.
fn check_sums(project: &Project, day: &str, allocation: &Value) {
    let population = &project.json(&["show", "run", "--date", day])["record"]["details"]["population"];
    let counted = |reason: Option<&str>| -> i64 {
        let decisions = allocation["decisions"].as_array().unwrap().iter();
        let of_reason = decisions.filter(|count| reason.is_none_or(|reason| count["decision_reason"] == reason));
        of_reason.map(|count| count["customers"].as_i64().unwrap()).sum()
    };
    assert_eq!(counted(None), population["known"].as_i64().unwrap());
    assert_eq!(counted(None) - counted(Some("not_scored")), population["scored"].as_i64().unwrap());
    for rule in allocation["rules"].as_array().unwrap() {
        let (held_back, alone) = (rule["customers"].as_i64().unwrap(), rule["alone"].as_i64().unwrap());
        let told = counted(rule["rule"].as_str());
        assert!(alone <= told && told <= held_back, "{rule}: {told} told");
    }
    let shown = project.output(&["show", "allocation", "--date", day]);
    let all = text(&shown.stdout).lines().find(|line| line.trim_start().starts_with("all ")).unwrap().to_owned();
    assert!(all.contains(&format!(" {} ", population["known"])), "{all}");
}

/// Replaces `from` by `to` in the run record of a project with one published day.
fn doctor_record(project: &Project, from: &str, to: &str) {
    let day = project.lake().join(format!("runs/ds={}", DAYS[0]));
    let file = std::fs::read_dir(day).unwrap().next().unwrap().unwrap().path();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&file).unwrap()).unwrap().build().unwrap();
    let rows = reader.map(Result::unwrap).next().unwrap();
    let mut columns = rows.columns().to_vec();
    let record = columns.last_mut().unwrap();
    let text = record.as_string::<i32>().value(0);
    assert!(text.contains(from), "{text}");
    *record = Arc::new(StringArray::from(vec![text.replace(from, to)]));
    let rows = RecordBatch::try_new(rows.schema(), columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(file).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

#[test]
fn nobody_with_an_open_case_a_withdrawn_consent_or_in_the_holdout_gets_an_offer() {
    let project = Project::reference();
    // Two days as they were at four in the morning; the third by all that is there today, later days included.
    project.json(&["backfill", "daily_risk", "--from", DAYS[0], "--to", DAYS[1], "--suppression-as-of", "04:00"]);
    project.json(&["run", "daily_risk", "--date", DAYS[2]]);
    let sources = block_on(Sources::open(&Project::shared_data()));
    let instants = DAYS.map(|day| instant_of(&project, day));
    assert_eq!(instants[..2], DAYS.map(|day| format!("{day}T04:00:00Z"))[..2]);
    for (day, instant) in DAYS.iter().copied().zip(&instants) {
        let allocation = project.json(&["show", "allocation", "--date", day, "--top", "100000"]);
        let (customers, channels) = treated(&allocation);
        assert!(!customers.is_empty());
        let open = block_on(sources.with_an_open_case(instant));
        assert_disjoint("a support case is open", &customers, &open);
        let withdrawn = block_on(sources.consent(instant, false));
        assert_disjoint("consent for the channel is withdrawn", &channels, &withdrawn);
        let unsubscribed = block_on(sources.unsubscribed(instant));
        assert_disjoint("the channel is closed by an unsubscribe", &channels, &unsubscribed);
        let held_out = block_on(sources.held_out());
        assert_disjoint("in the holdout", &customers, &held_out);
        let contacted = block_on(sources.contacted_lately(day, instant));
        assert_disjoint("contacted within the cooldown", &customers, &contacted);

        check_sums(&project, day, &allocation);
        // The rules had somebody to hold back.
        let forbidden = [&open, &withdrawn, &unsubscribed, &held_out, &contacted];
        assert!(forbidden.iter().all(|found| !found.is_empty()), "{:?}", forbidden.map(BTreeSet::len));
        for rule in allocation["rules"].as_array().unwrap() {
            let holds_back = rule["customers"].as_i64().unwrap() > 0;
            // The gates of the model have passed.
            assert_eq!(holds_back, rule["rule"] != "model_not_approved", "{rule} on {day}");
        }
    }
    let verified = project.json(&["verify"]);
    assert_eq!(verified["verified"], true, "{verified}");
    let run = project.json(&["show", "run"]);
    let freshness = run["record"]["details"]["inputs"]["freshness"].as_array().unwrap();
    for table in ["retailer.consents", "retailer.support_tickets", "retailer.contacts"] {
        let fresh = freshness.iter().find(|fresh| fresh["table"] == table).unwrap();
        assert_ne!(fresh["status"], "error");
        assert!(fresh["newest"].as_str().unwrap() < DAYS[2], "{fresh}");
    }
}

#[test]
fn where_consent_is_denied_by_default_only_a_recorded_grant_opens_a_channel() {
    let project = Project::copy();
    project.edit("mainstay.yml", "consent_default: allow", "consent_default: deny");
    let run = project.json(&["run", "daily_risk", "--date", DAYS[0]]);
    let inputs = &run["record"]["details"]["inputs"];
    assert_eq!(inputs["consent_default"], "deny");
    assert_eq!(inputs["consent_purpose"], "marketing");
    let allocation = project.json(&["show", "allocation", "--top", "100000"]);
    let (_, channels) = treated(&allocation);
    let instant = instant_of(&project, DAYS[0]);
    let granted = block_on(async { Sources::open(&project.data()).await.consent(&instant, true).await });
    assert!(!channels.is_empty() && channels.is_subset(&granted), "{:?}", channels.difference(&granted));
}

#[test]
fn a_rule_that_the_policy_lifts_holds_nobody_back() {
    let project = Project::copy();
    project.edit("jobs/policies/retention.yml", "suppress_open_cases: true", "suppress_open_cases: false");
    project.json(&["run", "daily_risk", "--date", DAYS[0], "--suppression-as-of", "04:00"]);
    let allocation = project.json(&["show", "allocation", "--top", "100000"]);
    let (customers, _) = treated(&allocation);
    let instant = instant_of(&project, DAYS[0]);
    let open = block_on(async { Sources::open(&project.data()).await.with_an_open_case(&instant).await });
    assert!(customers.intersection(&open).next().is_some(), "nobody with an open case is worth an offer");
    let held_back = |rule: &str| {
        let rules = allocation["rules"].as_array().unwrap();
        rules.iter().find(|count| count["rule"] == rule).unwrap()["customers"].as_i64().unwrap()
    };
    assert_eq!(held_back("open_case"), 0);
    assert!(held_back("holdout") > 0 && held_back("no_consent") > 0);

    // Had the rule been in force, these offers would be against it, whatever `blocked_by` says.
    assert_eq!(project.json(&["verify"])["verified"], true);
    doctor_record(&project, "\"suppress_open_cases\":false", "\"suppress_open_cases\":true");
    let message = project.failure(&["verify"]);
    let found = "customers have a `blocked_by` that contradicts the columns behind the rule open_case";
    assert!(message.contains("rules of contact recomputed of 2025-07-31") && message.contains(found), "{message}");
}

#[test]
fn a_purpose_or_channel_of_which_there_is_no_consent_at_all_stops_the_day() {
    let project = Project::copy();
    let policy = "jobs/policies/retention.yml";
    let refused = |parts: &[&str]| {
        let message = project.failure(&["run", "daily_risk", "--date", DAYS[0]]);
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
        assert!(!project.has_published());
    };
    project.edit(policy, "consent: {purpose: marketing}", "consent: {purpose: telepathy}");
    let does_not_fit = "policies/retention.yml does not fit the consents of customer_consents as of 2025-07-31";
    refused(&[does_not_fit, "`telepathy`, for which there is no record; there are records for `marketing`"]);
    project.edit(policy, "telepathy", "marketing");
    project.edit(policy, "channel: call", "channel: phone");
    let channels = "there are records for `call`, `email`, `push`, `sms`";
    refused(&[does_not_fit, "intervention personal_call goes through channel `phone`", channels]);
}

#[test]
fn a_model_of_the_rules_that_does_not_exist_is_named() {
    let project = Project::copy();
    project.edit("jobs/daily_risk.yml", "consents: customer_consents", "consents: customer_consent");
    let message = project.failure(&["run", "daily_risk", "--date", DAYS[0]]);
    assert!(message.contains("the job daily_risk cannot read its `consents`"), "{message}");
    assert!(message.contains("unknown model `customer_consent`, did you mean `customer_consents`?"), "{message}");
}

#[test]
fn a_customer_of_whom_the_rules_say_nothing_stops_the_day() {
    let project = Project::copy();
    let last = "left join interventions on population.customer_id = interventions.customer_id\n";
    let without_one = format!("{last}where population.customer_id <> 'C0000007'\n");
    project.edit("sql/marts/customer_contact_rules.sql", last, &without_one);
    let message = project.failure(&["run", "daily_risk", "--date", DAYS[0]]);
    for part in ["customer_contact_rules must give every known customer one row", "column `blocked_by`: 1 nulls"] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(!project.has_published());
}
