use super::fixture::{Fixture, at};
use crate::{ColumnTest, ModelKind, PersonalColumn};

#[tokio::test]
async fn models_that_run_in_a_circle_are_refused_with_the_path() {
    let fixture = Fixture::with_staging();
    fixture.write("sql/features/feat_a.sql", "select * from {{ ref('feat_b') }}");
    fixture.write("sql/features/feat_b.sql", "select * from {{ ref('feat_c') }}");
    fixture.write("sql/features/feat_c.sql", "select * from {{ ref('feat_a') }}, {{ ref('stg_orders') }}");
    insta::assert_snapshot!(fixture.load_error().await, @"models build on each other in a circle: feat_a -> feat_b -> feat_c -> feat_a: remove one of these references");
}

#[tokio::test]
async fn a_feature_that_depends_on_a_label_is_refused() {
    let fixture = Fixture::with_staging();
    fixture.write("sql/labels/churned.sql", "select order_id from {{ ref('stg_orders') }}");
    fixture.write("sql/features/feat_leak.sql", "select * from {{ ref('churned') }}");
    insta::assert_snapshot!(fixture.load_error().await, @"sql/features/feat_leak.sql: feature `feat_leak` builds on the label `churned`: a feature may not depend on a label, which sees what comes after as-of; only models under sql/labels may");
}

#[tokio::test]
async fn staging_that_builds_on_a_feature_is_refused() {
    let fixture = Fixture::with_staging();
    fixture.write("sql/features/feat_a.sql", "select order_id from {{ ref('stg_orders') }}");
    fixture.write("sql/staging/stg_b.sql", "select * from {{ ref('feat_a') }}");
    insta::assert_snapshot!(fixture.load_error().await, @"sql/staging/stg_b.sql: staging `stg_b` builds on the feature `feat_a`: staging may build on sources and staging alone");
}

#[tokio::test]
async fn an_unknown_model_is_refused_with_the_nearest() {
    let fixture = Fixture::with_staging();
    let project = fixture.load().await.unwrap();
    insta::assert_snapshot!(project.find("stg_order").unwrap_err(), @"unknown model `stg_order`, did you mean `stg_orders`? (known models: stg_orders)");
}

async fn sql_error(sql: &str) -> String {
    let fixture = Fixture::with_staging();
    fixture.write("sql/features/feat_x.sql", sql);
    fixture.load_error().await
}

#[tokio::test]
async fn bad_sql_is_refused_with_its_place() {
    insta::assert_snapshot!(sql_error("select order_id\nfrom {{ ref('stg_orders') }}\nwhere order by 1").await, @"sql/features/feat_x.sql:3:13: expected: end of statement, found: by");
    insta::assert_snapshot!(sql_error("select\n    net_amont\nfrom {{ ref('stg_orders') }}").await, @"sql/features/feat_x.sql:2:5: unknown column `net_amont`, did you mean `net_amount`? (known columns: Weight kg, email, gender, loaded_at, net_amount, order_id, ordered_at)");
    insta::assert_snapshot!(sql_error("select *\nfrom orders").await, @"sql/features/feat_x.sql:2:6: no table `orders`: name a model with ref('orders') and a source table with source('source', 'orders')");
    insta::assert_snapshot!(sql_error("select nope(1) as a").await, @"sql/features/feat_x.sql:1:8: invalid function 'nope'. Did you mean 'now'?");
    insta::assert_snapshot!(sql_error("create table t as select 1 as a").await, @"sql/features/feat_x.sql: a model is one query: write one `select`, and nothing that creates or changes tables");
    insta::assert_snapshot!(sql_error("select 1 as a; select 2 as b").await, @"sql/features/feat_x.sql: a model is one query: write one `select`, and nothing that creates or changes tables");
    insta::assert_snapshot!(sql_error("").await, @"sql/features/feat_x.sql: a model is one query: write one `select`, and nothing that creates or changes tables");
    insta::assert_snapshot!(sql_error("select 'unfinished").await, @"sql/features/feat_x.sql:1:8: unterminated string literal");
}

#[tokio::test]
async fn marts_may_not_read_protected_columns_either() {
    let fixture = Fixture::with_staging();
    fixture.write("sql/marts/value.sql", "select order_id from {{ ref('stg_orders') }} where gender = 'f'");
    let message = fixture.load_error().await;
    assert!(message.starts_with("sql/marts/value.sql: reads `gender`"), "{message}");
}

#[tokio::test]
async fn personal_and_protected_columns_stay_out_of_features() {
    insta::assert_snapshot!(sql_error("select order_id, email from {{ ref('stg_orders') }}").await, @"sql/features/feat_x.sql: has a column named `email`, which source shop.orders declares personal: no feature may have it or depend on it, leave it out");
    insta::assert_snapshot!(sql_error("select order_id as gender from {{ ref('stg_orders') }}").await, @"sql/features/feat_x.sql: has a column named `gender`, which source shop.orders declares protected: no feature may have it or depend on it, leave it out");
    insta::assert_snapshot!(sql_error("select order_id from {{ ref('stg_orders') }} where gender = 'f'").await, @"sql/features/feat_x.sql: reads `gender`, which source shop.orders declares protected: no feature may have it or depend on it, leave it out");
    let in_subquery = "select order_id from {{ ref('stg_orders') }} where net_amount in (select length(email) from {{ ref('stg_orders') }})";
    insta::assert_snapshot!(sql_error(in_subquery).await, @"sql/features/feat_x.sql: reads `email`, which source shop.orders declares personal: no feature may have it or depend on it, leave it out");
}

#[tokio::test]
async fn of_tables_with_a_protected_column_of_one_name_the_one_that_is_read_is_named() {
    let fixture = Fixture::with_tables(
        "
      - name: people
        path: people
        timeless: true
        key: [person_id]
        columns:
          - {name: person_id, type: text}
          - {name: gender, type: text, protected: true}
",
    );
    fixture.write("sql/staging/stg_people.sql", "select * from {{ source('shop', 'people') }}");
    let feature = "with all_of_them as (select person_id as id, gender as g from {{ ref('stg_people') }})
        select id as person_id, g as gender from all_of_them";
    fixture.write("sql/features/feat_people.sql", feature);
    insta::assert_snapshot!(fixture.load_error().await, @"sql/features/feat_people.sql: has a column named `gender`, which source shop.people declares protected: no feature may have it or depend on it, leave it out");
}

#[tokio::test]
async fn a_column_that_stands_twice_is_named_with_its_model() {
    let joined =
        "{{ ref('stg_orders') }} as one inner join {{ ref('stg_orders') }} as other on one.order_id = other.order_id";
    let twice = "column `order_id` stands twice in what is selected: give one of both a name of its own, as in `order_id as \
                 other_order_id`, or leave it out";
    for sql in [
        format!("select one.order_id, other.order_id from {joined}"),
        format!("select * from (select one.order_id, other.order_id from {joined}) as both_of_them"),
        "select order_id, order_id from {{ ref('stg_orders') }}".to_owned(),
        "select order_id, net_amount as order_id from {{ ref('stg_orders') }}".to_owned(),
    ] {
        let message = sql_error(&sql).await;
        assert!(message.starts_with("sql/features/feat_x.sql:") && message.ends_with(twice), "{sql}: {message}");
    }
    let message = sql_error(&format!("select order_id from {joined}")).await;
    assert!(
        message.starts_with("sql/features/feat_x.sql:")
            && message.ends_with("column `order_id` is in several of the tables that are read: say which one is meant, as in `alias.order_id`"),
        "{message}"
    );
}

#[tokio::test]
async fn refused_rows_hide_no_protected_column() {
    let read = "select order_id from {{ refused('shop', 'orders') }} where gender = 'f'";
    insta::assert_snapshot!(sql_error(read).await, @"sql/features/feat_x.sql: reads `gender`, which source shop.orders declares protected: no feature may have it or depend on it, leave it out");
}

#[tokio::test]
async fn a_new_name_in_staging_does_not_hide_a_protected_column() {
    let fixture = Fixture::new();
    fixture.write("sql/staging/stg_orders.sql", "select order_id, gender as g from {{ source('shop', 'orders') }}");
    fixture.write("sql/features/feat_ids.sql", "select order_id from {{ ref('stg_orders') }}");
    fixture.load().await.unwrap();
    fixture.write("sql/features/feat_ids.sql", "select order_id, upper(g) as h from {{ ref('stg_orders') }}");
    insta::assert_snapshot!(fixture.load_error().await, @"sql/features/feat_ids.sql: reads `gender`, which source shop.orders declares protected: no feature may have it or depend on it, leave it out");
}

#[tokio::test]
async fn no_alias_hides_a_personal_column() {
    let refused = "reads `email`, which source shop.orders declares personal";
    for sql in [
        "select order_id, email as e from {{ ref('stg_orders') }}",
        "select order_id, length(email) as e from {{ ref('stg_orders') }}",
        "select order_id, count(email) over (partition by order_id) as e from {{ ref('stg_orders') }}",
        "select one.order_id, e from {{ ref('stg_orders') }} as one
         inner join (select order_id, email as e from {{ ref('stg_orders') }}) as other on one.order_id = other.order_id",
        "with mails as (select order_id, email as e from {{ ref('stg_orders') }}) select order_id, m['e'] as f
         from (select order_id, named_struct('e', e) as m from mails)",
    ] {
        let message = sql_error(sql).await;
        assert!(message.contains(refused), "{sql}: {message}");
    }
    // Through two models with a new name each.
    let fixture = Fixture::new();
    fixture
        .write("sql/staging/stg_orders.sql", "select order_id, email as contact from {{ source('shop', 'orders') }}");
    fixture.write("sql/staging/stg_reached.sql", "select order_id, contact as reached from {{ ref('stg_orders') }}");
    fixture
        .write("sql/features/feat_reached.sql", "select order_id, reached is null as r from {{ ref('stg_reached') }}");
    let message = fixture.load_error().await;
    assert!(message.starts_with("sql/features/feat_reached.sql") && message.contains(refused), "{message}");
}

#[tokio::test]
async fn a_label_may_not_read_protected_columns_either() {
    let fixture = Fixture::with_staging();
    fixture.write("sql/labels/left.sql", "select order_id, gender = 'f' as is_left from {{ ref('stg_orders') }}");
    let message = fixture.load_error().await;
    assert!(message.starts_with("sql/labels/left.sql: reads `gender`"), "{message}");
}

#[tokio::test]
async fn descriptions_are_held_against_their_models() {
    let described = async |yml: &str| {
        let fixture = Fixture::with_staging();
        fixture.write("sql/staging/stg_orders.yml", yml);
        fixture.load_error().await
    };
    insta::assert_snapshot!(described("name: stg_orders\ndescription: x\ngrains: [order_id]\n").await, @"sql/staging/stg_orders.yml:3:1: unknown key `grains`, did you mean `grain`? (known keys: name, description, grain, when_absent, columns)");
    insta::assert_snapshot!(described("name: stg_order\ndescription: x\n").await, @"sql/staging/stg_orders.yml: describes `stg_order`, but the model beside it is `stg_orders`: give it that name");
    insta::assert_snapshot!(described("name: stg_orders\n").await, @"sql/staging/stg_orders.yml:1:1: missing key `description`");
    insta::assert_snapshot!(described("name: stg_orders\ndescription: x\ngrain: [orderid]\n").await, @"sql/staging/stg_orders.yml: unknown column `orderid`, did you mean `order_id`? (known columns: Weight kg, email, gender, loaded_at, net_amount, order_id, ordered_at)");
    insta::assert_snapshot!(
        described("name: stg_orders\ndescription: x\ncolumns:\n  - {name: order_id, description: x, tests: [notnull]}\n").await,
        @"sql/staging/stg_orders.yml:4:46: unknown test `notnull`, did you mean `not_null`? (known tests: not_null, unique, accepted_values, minimum, maximum)"
    );
}

#[tokio::test]
async fn files_out_of_place_are_named() {
    let fixture = Fixture::with_staging();
    fixture.write("sql/staging/stg_gone.yml", "name: stg_gone\ndescription: x\n");
    insta::assert_snapshot!(fixture.load_error().await, @"sql/staging/stg_gone.yml: describes no model: there is no `.sql` file of that name beside it");
    let fixture = Fixture::with_staging();
    fixture.write("sql/feature/feat_a.sql", "select 1 as a");
    insta::assert_snapshot!(fixture.load_error().await, @"sql/feature/feat_a.sql: stands in no folder of models: move it to staging, features, labels or marts");
    let fixture = Fixture::with_staging();
    fixture.write("sql/features/stg_orders.sql", "select 1 as a");
    insta::assert_snapshot!(fixture.load_error().await, @"sql/staging/stg_orders.sql: model `stg_orders` stands in `sql/features/stg_orders.sql` too: rename one of them");
    let fixture = Fixture::with_staging();
    fixture.write("sql/features/Feat-A.sql", "select 1 as a");
    insta::assert_snapshot!(fixture.load_error().await, @"sql/features/Feat-A.sql: a model is named by lower-case letters, digits and `_`: rename the file");
}

#[tokio::test]
async fn a_project_overrides_the_models_of_the_one_it_extends() {
    let base = Fixture::with_staging();
    base.write("sql/features/feat_count.sql", "select count(*) as orders from {{ ref('stg_orders') }}");
    base.write("own/mainstay.yml", "name: own\ntime_zone: UTC\nextends: ..\n");
    base.write("own/sql/staging/stg_orders.sql", "select 1 as a union all select 2 as a");
    let project = mainstay_config::Project::load(&base.path("own"), &Default::default(), None).unwrap();
    let own = crate::SqlProject::load(&base.ctx, &project).await.unwrap();
    let extended = base.load().await.unwrap();
    assert_eq!(own.find("stg_orders").unwrap().file, "sql/staging/stg_orders.sql");
    assert!(own.find("feat_count").unwrap().file.ends_with("sql/features/feat_count.sql"));
    assert_ne!(own.digest(), extended.digest());
    base.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    let rows = own.model(&base.ctx, &base.sources().await, "feat_count", &at("2025-02-01T00:00:00Z")).await.unwrap();
    assert_eq!(super::fixture::lines(rows).await, ["2"]);
}

#[tokio::test]
async fn the_digest_follows_sql_variables_and_contracts() {
    let fixture = Fixture::with_staging();
    fixture.write("sql/features/feat_a.sql", "select {{ var('active_days') }} as days from {{ ref('stg_orders') }}");
    let digest = fixture.load().await.unwrap().digest();
    assert_eq!(fixture.load().await.unwrap().digest(), digest);
    let overrides = mainstay_config::VarOverrides::parse("active_days: 30").unwrap();
    let project = mainstay_config::Project::load(&fixture.path(""), &overrides, None).unwrap();
    assert_ne!(crate::SqlProject::load(&fixture.ctx, &project).await.unwrap().digest(), digest);
    let yml = std::fs::read_to_string(fixture.path("mainstay.yml")).unwrap();
    fixture
        .write("mainstay.yml", yml.replace("path: orders", "path: sales").replace("after_hours: 36", "after_hours: 9"));
    assert_eq!(fixture.load().await.unwrap().digest(), digest);
    fixture.write("mainstay.yml", yml.replace("minimum: 0", "minimum: 1"));
    assert_ne!(fixture.load().await.unwrap().digest(), digest);
}

#[tokio::test]
async fn columns_are_described_where_they_are_made() {
    let fixture = Fixture::with_staging();
    fixture
        .write("sql/features/feat_a.sql", "select order_id as customer_id, 1 as orders from {{ ref('stg_orders') }}");
    fixture.write(
        "sql/features/feat_a.yml",
        "name: feat_a\ndescription: x\ncolumns:\n  - {name: orders, description: Orders., reason: '{value} orders'}\n",
    );
    fixture.write("sql/features/all_features.sql", "select * from {{ ref('feat_a') }}");
    let project = fixture.load().await.unwrap();
    assert_eq!(project.column("all_features", "orders").unwrap().reason.as_deref(), Some("{value} orders"));
    assert!(project.column("all_features", "customer_id").is_none());
    assert_eq!(project.find("feat_a").unwrap().kind, ModelKind::Feature);
}

#[tokio::test]
async fn declared_tests_count_what_fails_them() {
    let fixture = Fixture::with_staging();
    fixture.write(
        "sql/features/feat_a.sql",
        "select * from (values ('a', 1, 1), ('a', 2, null), (null, 2, 3)) as t (id, n, status)",
    );
    fixture.write(
        "sql/features/feat_a.yml",
        "
name: feat_a
description: x
grain: [id, n]
columns:
  - {name: id, description: x, tests: [not_null, unique]}
  - name: n
    description: x
    tests: [not_null]
  - name: status
    description: x
    tests:
      - accepted_values: [1, 2]
",
    );
    fixture.write_orders("a.parquet", "('o1', '2025-01-01T10:00:00', '2025-01-01T11:00:00', 1.00)").await;
    let project = fixture.load().await.unwrap();
    assert_eq!(project.find("feat_a").unwrap().columns[0].tests, [ColumnTest::NotNull, ColumnTest::Unique]);
    let results = project
        .run_tests(&fixture.ctx, &fixture.sources().await, &["feat_a"], &at("2025-02-01T00:00:00Z"))
        .await
        .unwrap();
    let shown: Vec<_> = results.iter().map(|result| format!("{}: {}", result.test, result.failures)).collect();
    assert_eq!(
        shown,
        ["id not_null: 1", "n not_null: 0", "status accepted_values: 1", "id unique: 1", "grain (id, n): 0"]
    );
    assert_eq!(results.iter().filter(|result| result.is_passed()).count(), 2);
    let failed: Vec<_> = results.iter().filter(|result| !result.is_passed()).map(ToString::to_string).collect();
    insta::assert_snapshot!(failed.join("\n"), @r"
    model feat_a: id not_null fails once, such as at id = null, n = 2
    model feat_a: status accepted_values fails once, such as at id = null, n = 2
    model feat_a: id unique fails once, such as at id = a
    ");
}

#[tokio::test]
async fn a_personal_column_behind_a_group_is_found_whatever_it_is_called() {
    let fixture = Fixture::with_staging();
    fixture.write(
        "sql/staging/stg_groups.sql",
        "select order_id, gender, split_part(email, '@', 2) as provider, email is null as has_none from {{ ref('stg_orders') }}",
    );
    let project = fixture.load().await.unwrap();
    let behind = async |columns: &[&str]| {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        project.personal_column_behind(&fixture.ctx, "stg_groups", &columns).await.unwrap()
    };
    let email = Some(PersonalColumn { table: "shop.orders".into(), column: "email".into() });
    assert_eq!(behind(&["gender", "provider"]).await, email);
    assert_eq!(behind(&["has_none"]).await, email);
    assert_eq!(behind(&["gender", "not_there"]).await, None);
    let unknown = project.personal_column_behind(&fixture.ctx, "stg_group", &[]).await.unwrap_err().to_string();
    assert!(unknown.contains("unknown model `stg_group`"), "{unknown}");
}
