//! What decides who may be contacted sees more than features do.

use super::fixture::{Fixture, at, lines};
use crate::{MaterialisedModels, ModelInputs, Moment, TestResult};

/// Seen by midnight, known after it, happened after it, and known after the instant of suppression.
const ORDERS: &str = "
    ('seen', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00),
    ('late', '2025-01-01T12:00:00', '2025-01-02T02:00:00', 2.00),
    ('next', '2025-01-02T03:00:00', '2025-01-02T03:00:00', 3.00),
    ('miss', '2025-01-02T03:00:00', '2025-01-02T04:00:00', 4.00)";

const MIDNIGHT: &str = "2025-01-02T00:00:00Z";

async fn fixture() -> Fixture {
    let fixture = Fixture::with_staging();
    fixture.write_orders("a.parquet", ORDERS).await;
    fixture.write(
        "sql/features/feat_ids.sql",
        "select order_id, {{ suppression_as_of }} as seen_until from {{ ref('stg_orders') }}",
    );
    fixture.write("sql/marts/ids.sql", "select order_id, {{ as_of }} as counted_from from {{ ref('stg_orders') }}");
    fixture.write(
        "sql/marts/rules.sql",
        "select ids.order_id, {{ suppression_as_of }} > ids.counted_from as is_later, feat_ids.order_id is not null as is_feature,
             feat_ids.seen_until > ids.counted_from as is_feature_later
         from {{ ref('ids') }} ids left join {{ ref('feat_ids') }} feat_ids on ids.order_id = feat_ids.order_id",
    );
    fixture
}

fn suppression() -> Moment {
    Moment::of_suppression(MIDNIGHT.parse().unwrap(), "2025-01-02T04:00:00Z".parse().unwrap())
}

#[tokio::test]
async fn it_sees_what_was_there_by_its_instant_but_for_features() {
    let fixture = fixture().await;
    let rows = ["late | true | false | ", "next | true | false | ", "seen | true | true | false"];
    assert_eq!(fixture.rows("rules", &suppression()).await, rows);
    assert_eq!(fixture.rows("rules", &at(MIDNIGHT)).await, ["seen | false | true | false"]);
    let at_midnight = Moment::of_suppression(MIDNIGHT.parse().unwrap(), MIDNIGHT.parse().unwrap());
    assert_eq!(fixture.rows("rules", &at_midnight).await, ["seen | false | true | false"]);
    let seen = fixture.rows("stg_orders", &suppression()).await.len();
    assert_eq!(seen, 3, "a staging model that is asked for itself");
}

#[tokio::test]
async fn what_says_to_be_of_later_is_refused_where_nothing_can_be() {
    let fixture = fixture().await;
    fixture.write(
        "sql/staging/stg_refused_orders.sql",
        "select order_id, net_amount from {{ refused('shop', 'orders') }}",
    );
    let more = "('null', '2025-01-03T00:00:00', '2025-01-03T00:00:00', null)";
    fixture.write_orders("b.parquet", more).await;
    let refused = async |moment| fixture.rows("stg_refused_orders", &moment).await;
    assert_eq!(refused(suppression().refusing_later_rows()).await, ["miss | 4.00", "null | "]);
    assert!(refused(suppression()).await.is_empty(), "the future of an instant that was stated");
    let sound = fixture.rows("stg_orders", &suppression().refusing_later_rows()).await;
    assert_eq!(sound, fixture.rows("stg_orders", &suppression()).await);
}

#[tokio::test]
async fn what_is_materialised_of_a_moment_is_read_by_its_models_alone() {
    let fixture = fixture().await;
    let (project, sources) = (fixture.load().await.unwrap(), fixture.sources().await);
    let mut materialised = MaterialisedModels::default();
    for (name, moment) in [("ids", at(MIDNIGHT)), ("rules", suppression())] {
        let inputs = ModelInputs { materialised: &materialised, ..ModelInputs::from(&sources) };
        materialised = project.materialise(&fixture.ctx, inputs, &[name], &moment).await.unwrap();
    }
    let inputs = ModelInputs { materialised: &materialised, ..ModelInputs::from(&sources) };
    std::fs::remove_file(fixture.path("data/orders/a.parquet")).unwrap();
    let rows = async |name, moment: Moment| {
        lines(project.model(&fixture.ctx, inputs, name, &moment).await.unwrap()).await.len()
    };
    assert_eq!(rows("ids", at(MIDNIGHT)).await, 1);
    assert_eq!(rows("rules", suppression()).await, 3);
    assert_eq!(rows("ids", suppression()).await, 0, "not materialised, and no file is left");
    let tested = project.run_tests(&fixture.ctx, inputs, &["rules"], &suppression()).await.unwrap();
    assert!(tested.iter().all(TestResult::is_passed));
}

#[tokio::test]
async fn the_lineage_says_at_which_moment_each_model_is_seen() {
    let fixture = fixture().await;
    let project = fixture.load().await.unwrap();
    let lineage = |moment: &Moment| -> Vec<String> {
        let models = project.lineage_at(&["rules", "ids"], moment).unwrap().into_iter();
        models.map(|(model, seen)| format!("{} {}", model.name, seen.sources_before())).collect()
    };
    let expected = [
        "stg_orders 2025-01-02T00:00:00Z",
        "feat_ids 2025-01-02T00:00:00Z",
        "stg_orders 2025-01-02T04:00:00Z",
        "ids 2025-01-02T04:00:00Z",
        "rules 2025-01-02T04:00:00Z",
    ];
    assert_eq!(lineage(&suppression()), expected);
    assert_eq!(lineage(&at(MIDNIGHT)).len(), 4, "each once where all see the same");
}
