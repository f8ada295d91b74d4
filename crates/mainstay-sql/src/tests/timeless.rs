//! Tables whose rows hold at any time.

use super::fixture::{Fixture, at};

const PRODUCTS: &str = "
      - name: products
        path: products
        timeless: true
        key: [product_id]
        columns:
          - {name: product_id, type: text, nullable: false}
          - {name: category, type: text, nullable: false}
          - {name: discontinued_on, type: date, visible_from: discontinued_on}
";

async fn fixture() -> Fixture {
    let fixture = Fixture::with_tables(PRODUCTS);
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    fixture
        .write_query(
            "data/products/a.parquet",
            "select column1 as product_id, column2 as category, cast(column3 as date) as discontinued_on
             from (values ('p1', 'tea', '2025-01-05'), ('p2', 'milk', null), ('p3', null, null), ('p2', 'oats', null))",
        )
        .await;
    fixture.write("sql/staging/stg_products.sql", "select * from {{ source('shop', 'products') }}");
    fixture
}

#[tokio::test]
async fn every_day_sees_all_rows_that_keep_the_contract() {
    let fixture = fixture().await;
    let rows = async |as_of: &str| fixture.rows("stg_products", &at(as_of)).await;
    assert_eq!(rows("1970-01-01T00:00:00Z").await, ["p1 | tea | ", "p2 | milk | "]);
    assert_eq!(rows("2025-01-06T00:00:00Z").await, ["p1 | tea | 2025-01-05", "p2 | milk | "]);
    for day in ["1970-01-01T00:00:00Z", "2025-01-06T00:00:00Z"] {
        let refused = fixture.refused(&at(day)).await;
        assert_eq!(
            refused,
            ["shop.products | category is null", "shop.products | duplicate key (product_id)"],
            "{day}"
        );
    }
}

#[tokio::test]
async fn a_table_without_times_tells_no_newest_day() {
    let fixture = fixture().await;
    let yaml = std::fs::read_to_string(fixture.path("mainstay.yml")).unwrap();
    // Without any limit, every table that has times is asked.
    fixture
        .write("mainstay.yml", yaml.replace("        freshness: {warn_after_hours: 36, error_after_hours: 72}\n", ""));
    let day = fixture.sources().await.last_complete_day(&fixture.ctx).await.unwrap();
    assert_eq!(day.unwrap().to_string(), "2025-01-01");
}
