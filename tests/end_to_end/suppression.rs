//! Who may be contacted is decided by all that is there when a run pins its sources, and rows that name nobody are not passed over.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Project, digests, text};
use crate::quarantine::plant;

/// The day after the newest data.
const DAY: &str = "2025-08-23";
const RUN: [&str; 4] = ["run", "daily_risk", "--date", DAY];
const AT_TWO: [&str; 9] = ["run", "daily_risk", "--date", DAY, "--force", "--suppression-as-of", "02:00", "-o", "json"];
const TWO: &str = "2025-08-23T02:00:00Z";

/// Customers with an offer, and the channel that it goes through.
fn treated(project: &Project) -> Vec<(String, String)> {
    let shown = project.json(&["show", "allocation", "--date", DAY, "--top", "100000"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let customers = shown["customers"].as_array().unwrap().iter();
    customers.map(|customer| (text(&customer["customer_id"]), text(&customer["channel"]))).collect()
}

fn inputs(run: &Value) -> &Value {
    &run["record"]["details"]["inputs"]
}

/// A change of consent for marketing.
fn withdrawal<'a>(customer: &'a str, channel: &'a str, changed_at: &'a str) -> Vec<(&'a str, Option<&'a str>)> {
    vec![
        ("customer_id", Some(customer)),
        ("channel", Some(channel)),
        ("purpose", Some("marketing")),
        ("changed_at", Some(changed_at)),
        ("loaded_at", Some(TWO)),
        ("is_granted", Some("false")),
    ]
}

#[test]
fn what_came_after_midnight_forbids_contact() {
    let project = Project::copy();
    let first = project.json(&RUN);
    assert_eq!(inputs(&first)["suppression_is_stated"], false);
    let offers = treated(&project);
    let by_mail: Vec<&String> =
        offers.iter().filter(|(_, channel)| channel == "email").map(|(customer, _)| customer).collect();
    let [one, two, three, four, five, opened_a_case, was_contacted, tomorrow, ..] = by_mail[..] else {
        panic!("too few offers by e-mail: {offers:?}")
    };
    let again = project.json(&[&RUN[..], &["--force"]].concat());
    assert_eq!(digests(&again), digests(&first), "a later instant alone changes nothing");
    assert_ne!(inputs(&again)["suppression_as_of"], inputs(&first)["suppression_as_of"]);
    let before = project.json(&AT_TWO[..7]);

    // Five withdrawals that were said at noon and came at two, a case of two in the morning, a message of three.
    let withdrawn = [one, two, three, four, five];
    let mut consents: Vec<_> = withdrawn
        .iter()
        .flat_map(|id| ["email", "call"].map(|by| withdrawal(id, by, "2025-08-22T12:00:00Z")))
        .collect();
    // And one of a clock that runs ahead.
    consents.extend(["email", "call"].map(|by| withdrawal(tomorrow, by, "2999-01-01T00:00:00Z")));
    consents.push(withdrawal("a stranger", "email", "2025-08-22T12:00:00Z"));
    plant(&project, "consents", &consents.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let case = [
        ("ticket_id", Some("PLANTED")),
        ("customer_id", Some(opened_a_case.as_str())),
        ("opened_at", Some(TWO)),
        ("loaded_at", Some(TWO)),
        ("closed_at", None),
        ("satisfaction", None),
        ("rated_at", None),
    ];
    plant(&project, "support_tickets", &[&case]);
    let at_three = Some("2025-08-23T03:00:00Z");
    let contact = [
        ("contact_id", Some("PLANTED")),
        ("customer_id", Some(was_contacted.as_str())),
        ("sent_at", at_three),
        ("loaded_at", at_three),
        ("channel", Some("email")),
        ("intervention", Some("discount_email")),
        ("opened_at", None),
        ("clicked_at", None),
        ("converted_at", None),
        ("unsubscribed_at", None),
    ];
    plant(&project, "contacts", &[&contact]);

    let forced = project.output(&[&RUN[..], &["--force", "-o", "json"]].concat());
    let warnings = text(&forced.stderr);
    assert!(forced.status.success(), "{warnings}");
    assert!(
        warnings.contains("rows of retailer.consents (0.0 %) name no known customer, such as `a stranger`"),
        "{warnings}"
    );
    let decided: Value = serde_json::from_slice(&forced.stdout).unwrap();
    let counted = decided["record"]["details"]["suppression_rows"].as_array().unwrap();
    let unmatched = |table: &str| counted.iter().find(|rows| rows["table"] == table).unwrap()["unmatched_rows"].clone();
    let found = ["retailer.consents", "retailer.contacts", "retailer.support_tickets"].map(unmatched);
    assert_eq!((found, counted.len()), ([1, 0, 0].map(Value::from), 3));
    let still: BTreeSet<String> = treated(&project).into_iter().map(|(customer, _)| customer).collect();
    let left_alone = withdrawn.into_iter().chain([opened_a_case, was_contacted, tomorrow]);
    assert!(left_alone.into_iter().all(|customer| !still.contains(customer)));
    assert!(still.len() + 20 > offers.len(), "nobody else lost an offer: {} of {}", still.len(), offers.len());
    let reason = |id: &String| {
        let shown = project.json(&["show", "allocation", "--date", DAY, "--customer", id]);
        shown["customers"][0]["decision_reason"].as_str().unwrap().to_owned()
    };
    let reasons = ["no_consent", "open_case", "frequency_cap", "no_consent"];
    assert_eq!([one, opened_a_case, was_contacted, tomorrow].map(reason), reasons);
    assert_eq!(project.json(&["verify"])["verified"], true);
    let shown = text(&project.output(&["show", "run", "--date", DAY]).stdout);
    for part in ["when the sources were pinned", "rows of retailer.consents name no known customer"] {
        assert!(shown.contains(part), "`{part}` is not in:\n{shown}");
    }

    // A rehearsal as of two sees what it would have seen then.
    let rehearsed = project.output(&AT_TWO);
    let told = text(&rehearsed.stderr);
    assert!(told.contains(", as stated: what came since is not seen, so contact nobody by this plan now"), "{told}");
    let rehearsed: Value = serde_json::from_slice(&rehearsed.stdout).unwrap();
    assert_eq!(digests(&rehearsed), digests(&before), "what was planted came at two or later");
    assert_eq!(inputs(&rehearsed)["suppression_is_stated"], true);
    assert_eq!(inputs(&rehearsed)["suppression_as_of"], TWO);
}

#[test]
fn an_instant_that_cannot_be_is_refused() {
    let project = Project::reference();
    for (stated, part) in [
        ("2025-08-22T23:59:59Z", "--suppression-as-of 2025-08-22T23:59:59Z lies before 2025-08-23 begins"),
        ("2999-01-01T00:00:00Z", "--suppression-as-of 2999-01-01T00:00:00Z lies in the future"),
    ] {
        let message = project.failure(&[&RUN[..], &["--suppression-as-of", stated]].concat());
        assert!(message.contains(part), "{message}");
    }
    let message = project.failure(&["run", "train_churn", "--suppression-as-of", "04:00"]);
    assert!(message.contains("is for a daily job; train_churn trains a model and contacts nobody"), "{message}");
    let usage = project.output(&[&RUN[..], &["--suppression-as-of", "tomorrow"]].concat());
    assert_eq!(usage.status.code(), Some(2));
    assert!(text(&usage.stderr).contains("`tomorrow` is no instant"), "{}", text(&usage.stderr));
    assert!(!project.has_published());
}

#[test]
fn withdrawals_that_name_nobody_stop_the_run() {
    let project = Project::copy();
    let refused = |customers: &[String], parts: &[&str]| {
        let rows: Vec<_> = customers.iter().map(|id| withdrawal(id, "email", "2025-08-22T12:00:00Z")).collect();
        plant(&project, "consents", &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let message = project.failure(&RUN);
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in:\n{message}");
        }
        assert!(!project.has_published());
    };
    let keys = |write: fn(usize) -> String, count: usize| (1..=count).map(write).collect::<Vec<_>>();
    let what_to_do = "let the staging models write `customer_id` as `stg_orders` does (trim, lower)";
    let padded = [
        "12 of ",
        " rows of retailer.consents (",
        "such as `C0000001   `",
        "12 of them would but for blanks",
        what_to_do,
    ];
    refused(&keys(|id| format!("C{id:07}   "), 12), &padded);
    refused(
        &keys(|id| format!("c{id:07}"), 12),
        &["12 of ", "such as `c0000001`", "12 of them would but for blanks", what_to_do],
    );
    let strangers =
        ["400 of ", " name no known customer, such as `X001`", "raise `unmatched_suppression_share_at_most`"];
    refused(&keys(|id| format!("X{id:03}"), 400), &strangers);
    // Rows that say of nobody whom they are about break their contract, and may be anybody's.
    let of_nobody =
        vec![[&[("customer_id", None)][..], &withdrawal("", "email", "2025-08-22T12:00:00Z")[1..]].concat(); 400];
    plant(&project, "consents", &of_nobody.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let message = project.failure(&RUN);
    assert!(message.contains("400 of ") && message.contains("name no known customer"), "{message}");
    assert!(!project.has_published());
}
