//! What a source holds and what looks wrong with it, in the terminal and as a findings file beside the project.

use std::fs;

use serde_json::Value;

use crate::harness::{Project, text};

fn column<'a>(table: &'a Value, name: &str) -> &'a Value {
    table["columns"].as_array().unwrap().iter().find(|column| column["name"] == name).unwrap()
}

#[test]
fn a_source_is_profiled_into_a_findings_file() {
    let project = Project::copy();
    let profile = project.json(&["import-profile", "retailer", "--date", "2025-08-23"]);
    let tables = profile["tables"].as_array().unwrap();
    assert_eq!(tables.len(), 9);
    let customers = tables.iter().find(|table| table["table"] == "customers").unwrap();
    let email = column(customers, "email");
    assert_eq!(email["is_told"], false);
    assert!(email.get("least").is_none() && email.get("frequent").is_none(), "{email}");
    let orders = tables.iter().find(|table| table["table"] == "orders").unwrap();
    let net = column(orders, "net_amount");
    let cents = |name: &str| net[name].as_str().unwrap().parse::<f64>().unwrap();
    assert!(cents("least") >= 0.0 && cents("greatest") > cents("least"), "{net}");
    assert_eq!(column(orders, "order_id")["distinct"]["values"], orders["rows"], "the key is one");

    let file = project.folder().join("profiles/retailer.yml");
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.starts_with("# What the source holds and what looks wrong with it"), "{written}");
    assert!(!written.contains("@"), "a personal value is told:\n{written}");
    let partitioned =
        ["import-profile", "retailer", "--date", "2025-08-23", "--partitions", "7", "--batch-size", "100"];
    assert_eq!(project.json(&partitioned), profile);
    assert_eq!(fs::read_to_string(&file).unwrap(), written, "the same data give the same file");

    let shown = text(&project.output(&["import-profile", "retailer.consents", "--date", "2025-08-23"]).stdout);
    assert!(shown.contains("retailer.consents: ") && !shown.contains("retailer.orders: "), "{shown}");
    assert!(project.folder().join("profiles/retailer.consents.yml").exists());
}

#[test]
fn values_after_the_day_are_suspicious() {
    let project = Project::copy();
    let profile = project.json(&["import-profile", "retailer.orders", "--date", "2025-08-01", "--output", "-"]);
    let findings = profile["tables"][0]["findings"].as_array().unwrap();
    let late = findings.iter().find(|finding| finding["column"] == "ordered_at").unwrap();
    assert_eq!(late["suspicion"], "after_as_of");
    assert!(
        late["message"].as_str().unwrap().starts_with("lie at or after 2025-08-01T00:00:00Z, up to 2025-08-22T"),
        "{late}"
    );
    assert!(!project.folder().join("profiles").exists(), "`-` writes no file");
}

#[test]
fn columns_that_nobody_declared_are_counted_and_not_told() {
    let project = Project::copy();
    project.edit("mainstay.yml", "          - {name: email, type: text, personal: true}\n", "");
    let output = project.output(&["import-profile", "retailer.customers", "--date", "2025-08-23"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("not declared") && !shown.contains('@'), "{shown}");
    let written = fs::read_to_string(project.folder().join("profiles/retailer.customers.yml")).unwrap();
    assert!(written.contains("suspicion: personal") && !written.contains('@'), "{written}");
}

#[test]
fn what_cannot_be_profiled_is_named() {
    let project = Project::copy();
    for (source, part) in [
        ("retialer", "unknown source `retialer`, did you mean `retailer`? (known sources: retailer)"),
        ("retailer.order", "unknown table `order`, did you mean `orders`? of source retailer"),
    ] {
        let message = project.failure(&["import-profile", source]);
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    fs::create_dir(project.folder().join("profiles")).unwrap();
    let file = project.folder().join("profiles/retailer.yml");
    fs::write(&file, "mine: true\n").unwrap();
    let message = project.failure(&["import-profile", "retailer"]);
    assert!(message.contains("is no findings file of a profile and is left alone"), "{message}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine: true\n");
}
