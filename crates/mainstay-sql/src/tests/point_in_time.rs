use super::fixture::{Fixture, at, cut, lines};
use crate::FreshnessStatus;

/// Known at once, known later, happening later, without a time of being known.
const ORDERS: &str = "
    ('seen', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00),
    ('late', '2025-01-01T12:00:00', '2025-01-03T00:00:00', 2.00),
    ('next', '2025-01-02T00:00:00', '2025-01-02T00:00:00', 3.00),
    ('bare', '2025-01-01T13:00:00', null, 4.00)";

async fn fixture() -> Fixture {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", ORDERS).await;
    fixture.write("sql/features/feat_ids.sql", "select order_id, {{ as_of }} as seen_at from {{ ref('stg_orders') }}");
    fixture.write(
        "sql/labels/later.sql",
        "select order_id from {{ ref('stg_orders') }} where ordered_at >= {{ as_of }} and ordered_at < {{ label_end }}
         and order_id not in (select order_id from {{ ref('feat_ids') }})",
    );
    fixture
}

#[tokio::test]
async fn a_row_is_seen_once_it_has_happened_and_is_known() {
    let fixture = fixture().await;
    let ids = |rows: Vec<String>| rows.into_iter().map(|row| row[..4].to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(fixture.rows("feat_ids", &at("2025-01-01T10:00:00Z")).await), [""; 0]);
    assert_eq!(ids(fixture.rows("feat_ids", &at("2025-01-02T00:00:00Z")).await), ["bare", "seen"]);
    assert_eq!(ids(fixture.rows("feat_ids", &at("2025-01-03T00:00:00Z")).await), ["bare", "next", "seen"]);
    assert_eq!(ids(fixture.rows("feat_ids", &at("2025-01-03T00:00:01Z")).await), ["bare", "late", "next", "seen"]);
}

#[tokio::test]
async fn files_without_a_later_time_are_not_asked_for_it() {
    let fixture = fixture().await;
    fixture.write_orders("0.parquet", "('old1', '2025-01-01T08:00:00', '2025-01-01T09:00:00.000001999', 5.00)").await;
    fixture.write_orders("1.parquet", "('old2', '2025-01-01T09:00:00', null, 6.00)").await;
    fixture.write_orders("2.parquet", "('last', '2025-01-09T09:00:00', '2025-01-09T09:00:00', 7.00)").await;
    let newest: Vec<_> =
        fixture.pin().await.unwrap().tables[0].files.iter().map(|file| file.newest.unwrap().to_string()).collect();
    let expected =
        ["2025-01-01T09:00:00.000001Z", "2025-01-01T09:00:00Z", "2025-01-09T09:00:00Z", "2025-01-03T00:00:00Z"];
    assert_eq!(newest, expected);

    // As of a moment: which rows are seen, how many scans there are, and how many of them ask for times.
    let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
    let seen = async |as_of: &str| {
        let rows = project.model(&fixture.ctx, &sources, "stg_orders", &at(as_of)).await.unwrap();
        let plan = rows.clone().into_optimized_plan().unwrap().display_indent().to_string();
        let scans: Vec<&str> = plan.lines().filter(|line| line.contains("TableScan")).collect();
        let asking = scans.iter().filter(|scan| scan.contains("filters=")).count();
        let ids = lines(rows.select_columns(&["order_id"]).unwrap()).await;
        (ids.join(" "), scans.len(), asking)
    };
    assert_eq!(seen("2025-01-01T09:00:00Z").await, (String::new(), 1, 1));
    assert_eq!(seen("2025-01-01T09:00:00.000001Z").await, ("old2".to_owned(), 2, 1), "known at this very instant");
    assert_eq!(seen("2025-01-01T10:30:00Z").await, ("old1 old2".to_owned(), 2, 1));
    assert_eq!(seen("2025-01-02T00:00:00Z").await, ("bare old1 old2 seen".to_owned(), 2, 1));
    assert_eq!(seen("2025-01-09T09:00:00Z").await, ("bare late next old1 old2 seen".to_owned(), 2, 1));
    assert_eq!(seen("2025-01-09T09:00:01Z").await, ("bare last late next old1 old2 seen".to_owned(), 1, 0));
}

#[tokio::test]
async fn a_label_looks_ahead_while_the_features_it_joins_do_not() {
    let fixture = fixture().await;
    assert_eq!(fixture.rows("later", &cut("2025-01-01T11:30:00Z", "2025-01-02T00:00:00Z")).await, ["bare"]);
    assert_eq!(
        fixture.rows("later", &cut("2025-01-01T11:30:00Z", "2025-02-01T00:00:00Z")).await,
        ["bare", "late", "next"]
    );
}

#[tokio::test]
async fn a_label_counts_what_was_loaded_late_once_the_training_knows_of_it() {
    let fixture = fixture().await;
    let label = cut("2025-01-01T11:30:00Z", "2025-01-02T00:00:00Z");
    let known_before = |instant: &str| label.with_labels_known_before(instant.parse().unwrap());
    assert_eq!(fixture.rows("later", &known_before("2025-01-03T00:00:00Z")).await, ["bare"], "not known yet");
    assert_eq!(fixture.rows("later", &known_before("2025-01-03T00:00:01Z")).await, ["bare", "late"]);
    assert_eq!(
        fixture.rows("later", &known_before("2026-01-01T00:00:00Z")).await,
        ["bare", "late"],
        "`next` happened after it"
    );
    assert_eq!(known_before("2025-01-01T23:00:00Z"), label, "an instant before the end of the window changes nothing");

    // Of two orders with one key the one that was seen first stands, also where both came late.
    fixture
        .write_orders(
            "copies.parquet",
            "
        ('late', '2025-01-01T12:00:00', '2025-01-04T00:00:00', 9.00),
        ('twin', '2025-01-02T12:00:00', '2025-01-03T00:00:00', 5.00),
        ('twin', '2025-01-01T12:00:00', '2025-01-05T00:00:00', 6.00)",
        )
        .await;
    assert_eq!(fixture.rows("later", &known_before("2025-01-04T12:00:00Z")).await, ["bare", "late"]);
    assert_eq!(
        fixture.rows("later", &known_before("2026-01-01T00:00:00Z")).await,
        ["bare", "late"],
        "`twin` stands as of the 2nd"
    );
}

#[tokio::test]
async fn rows_are_counted_as_far_as_they_are_known() {
    let fixture = fixture().await;
    let sources = fixture.sources().await;
    let known =
        async |as_of: &str| sources.rows_known(&fixture.ctx, as_of.parse().unwrap()).await.unwrap()["shop.orders"];
    assert_eq!((known("2025-01-02T00:00:00Z").await, known("2025-02-01T00:00:00Z").await), (2, 4));
}

#[tokio::test]
async fn moments_live_side_by_side_in_one_session() {
    let fixture = fixture().await;
    let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
    let early = project.model(&fixture.ctx, &sources, "feat_ids", &at("2025-01-02T00:00:00Z")).await.unwrap();
    let later = project.model(&fixture.ctx, &sources, "feat_ids", &at("2025-02-01T00:00:00Z")).await.unwrap();
    assert_eq!(lines(early.union(later).unwrap()).await.len(), 2 + 4);
}

#[tokio::test]
async fn a_label_needs_the_end_of_its_horizon() {
    let fixture = fixture().await;
    let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
    let error = project.model(&fixture.ctx, &sources, "later", &at("2025-01-02T00:00:00Z")).await.unwrap_err();
    insta::assert_snapshot!(error, @"model `later` is a label: it needs the end of its horizon besides the as-of");
}

#[tokio::test]
async fn freshness_is_that_of_the_rows_that_are_seen() {
    let fixture = fixture().await;
    let sources = fixture.sources().await;
    let status = async |as_of: &str| {
        let mut all = sources.freshness(&fixture.ctx, as_of.parse().unwrap()).await.unwrap();
        all.remove(0)
    };
    assert_eq!(status("2025-01-02T00:00:00Z").await.status, FreshnessStatus::Pass);
    let warned = status("2025-01-03T13:00:00Z").await;
    assert_eq!((warned.status, warned.age_hours), (FreshnessStatus::Warn, Some(37)));
    assert!(crate::refuse_stale(&[warned]).is_ok());
    let stale = crate::refuse_stale(&[status("2025-01-06T00:00:00Z").await]).unwrap_err();
    insta::assert_snapshot!(stale, @"source shop.orders: newest row is of 2025-01-02 00:00 UTC, 96 hours before the as-of 2025-01-06 00:00 UTC; the limit is 72 (freshness.error_after_hours in mainstay.yml): load the missing days, or run for an earlier date");
    let empty = crate::refuse_stale(&[status("2024-01-01T00:00:00Z").await]).unwrap_err();
    insta::assert_snapshot!(empty, @"source shop.orders: no row before the as-of 2024-01-01 00:00 UTC: load data, or run for a later date");
}

#[tokio::test]
async fn the_last_complete_day_counts_rows_that_are_not_seen_yet() {
    let fixture = fixture().await;
    let day = fixture.sources().await.last_complete_day(&fixture.ctx).await.unwrap();
    assert_eq!(day.unwrap().to_string(), "2025-01-02");
}
