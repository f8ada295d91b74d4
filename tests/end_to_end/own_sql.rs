//! SQL as people write it, in a project that extends another: held to its contract, named where it fails, stopped where it does not end.

use std::fs;
use std::time::{Duration, Instant};

use crate::harness::Project;

const DAY: [&str; 4] = ["run", "daily_risk", "--date", "2025-08-01"];

#[test]
fn staging_without_a_yml_keeps_the_contract_of_the_project_that_it_extends() {
    let base = Project::copy();
    let folder = base.folder().join("own");
    fs::create_dir_all(folder.join("sql/staging")).unwrap();
    fs::write(folder.join("mainstay.yml"), "name: own\ntime_zone: UTC\nextends: ..\n").unwrap();
    let own = Project::at(&folder, &format!("data: {}", base.data().display()));
    let write = |sql: &str| fs::write(folder.join("sql/staging/stg_orders.sql"), format!("\u{feff}{sql}")).unwrap();
    let orders = fs::read_to_string(base.folder().join("sql/staging/stg_orders.sql")).unwrap();

    write(&orders.replace("    net_amount,", "    cast(net_amount as double) as net_amount,"));
    let message = own.failure(&DAY);
    for part in [
        "sql/staging/stg_orders.sql: column `net_amount` is Float64, declared money",
        "cast(net_amount as decimal(18, 2))",
    ] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }

    // Every order twice, and most of them below nothing.
    let repeated = orders.replace("from orders", "from orders cross join (values (1), (2)) as copies (number)");
    let negative = repeated.replace("    net_amount,", "    net_amount - {{ var('rebate', 10000) }} as net_amount,");
    write(&format!("{{{{ config(materialized='view') }}}}\n{negative}"));
    let message = own.failure(&DAY);
    for part in [
        "sql/staging/stg_orders.sql:1: config(materialized) is passed over",
        "model stg_orders: order_id unique fails ",
        "model stg_orders: net_amount minimum 0 fails ",
        "such as at order_id = ",
    ] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(!own.has_published());
}

#[test]
fn sql_that_fails_or_does_not_end_is_named_by_its_model() {
    let project = Project::copy();
    let (staging, sound) = ("sql/staging/stg_consents.sql", "    is_granted\nfrom consents");
    let division =
        "    is_granted and 1 / (length(customer_id) - length(trim(customer_id))) = 0 as is_granted\nfrom consents";
    project.edit(staging, sound, division);
    let message = project.failure(&DAY);
    let fault = "sql/staging/stg_consents.sql: divides by zero in some row: divide by `nullif(divisor, 0)`";
    assert!(message.contains(fault), "{message}");
    project.edit(staging, division, sound);

    // What is read first of all, of which a training asks no more than when there were orders.
    let orders = "sql/staging/stg_orders.sql";
    let divided = "from orders\nwhere 1 / (length(order_id) - length(trim(order_id))) = 0";
    project.edit(orders, "from orders", divided);
    for job in [&DAY[..], &["run", "train_churn", "--date", "2025-08-01"]] {
        let message = project.failure(job);
        assert!(message.contains("sql/staging/stg_orders.sql: divides by zero in some row"), "{message}");
    }
    let endless = "from orders\nwhere (select count(*) from counted where n < 0) = 0";
    project.edit(orders, divided, endless);
    project.edit(
        orders,
        "with orders as (",
        "with recursive counted as (select 1 as n union all select n + 1 from counted),\n\norders as (",
    );
    project.edit("jobs/train_churn.yml", "baseline:", "step_time_limit_seconds: 4\nbaseline:");
    let message = project.failure(&["run", "train_churn", "--date", "2025-08-01"]);
    for part in [
        "the step train was stopped after 4 seconds, while it computed model stg_orders (sql/staging/stg_orders.sql)",
        "raise `step_time_limit_seconds` of the job train_churn",
    ] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    // A join that is asked for nothing until it has ended.
    let joined = "from orders\nwhere (select count(*) from {{ source('retailer', 'orders') }} a inner join {{ source('retailer', 'orders') }} b \
                  on a.order_id <> b.order_id inner join {{ source('retailer', 'orders') }} c on b.order_id <> c.order_id) > 0";
    project.edit(orders, endless, joined);
    let message = project.failure(&["run", "train_churn", "--date", "2025-08-01"]);
    assert!(message.contains("the step train was stopped after 4 seconds"), "{message}");
    project.edit(orders, joined, "from orders");
    project.edit(
        orders,
        "with recursive counted as (select 1 as n union all select n + 1 from counted),\n\norders as (",
        "with orders as (",
    );

    project.edit(
        staging,
        "with consents as (",
        "with recursive counted as (select 1 as n union all select n + 1 from counted),\n\nconsents as (",
    );
    project.edit(
        staging,
        sound,
        "    is_granted or (select count(*) from counted where n < 0) > 0 as is_granted\nfrom consents",
    );
    project.edit("jobs/daily_risk.yml", "step_time_limit_seconds: 21600", "step_time_limit_seconds: 4");
    let started = Instant::now();
    let message = project.failure(&DAY);
    for part in [
        "the step sources was stopped after 4 seconds, while it computed model customer_consents (sql/marts/customer_consents.sql)",
        "sql/staging/stg_consents.sql is recursive",
        "raise `step_time_limit_seconds` of the job daily_risk",
    ] {
        assert!(message.contains(part), "`{part}` is not in:\n{message}");
    }
    assert!(started.elapsed() >= Duration::from_secs(4), "the limit was not what ended it");
    assert!(started.elapsed() < Duration::from_secs(240), "the query went on for {:?}", started.elapsed());
    assert!(!project.has_published());
}
