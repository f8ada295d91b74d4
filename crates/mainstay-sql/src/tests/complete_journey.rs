//! The real project of several sources, where its data are at hand.

use std::fs;
use std::path::{Path, PathBuf};

use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::prelude::{col, lit};
use mainstay_config::{Project, VarOverrides};
use tempfile::TempDir;

use super::fixture::{context, cut, lines};
use crate::{Sources, SqlProject, pin};

fn project_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/projects/complete_journey")
}

/// Published figures of this cut: 2,452 households bought in the 365 days before 2017-11-01, 223 (0.091) of them not in the 60
/// days from then on.
#[tokio::test]
#[cfg_attr(not(has_complete_journey), ignore = "its data are absent: expected in ../shared/data/complete_journey")]
async fn households_and_churn_are_the_published_ones() {
    let config = Project::load(&project_folder(), &VarOverrides::default(), None).unwrap();
    let ctx = context();
    let project = SqlProject::load(&ctx, &config).await.unwrap();
    let sources = Sources::open(&config, &pin(&ctx, &config.config().sources).await.unwrap()).unwrap();
    let sources = sources.refuse_conflicts(&ctx, |_, _| ()).await.unwrap();
    let moment = cut("2017-11-01T00:00:00Z", "2017-12-31T00:00:00Z");
    assert_eq!(sources.last_complete_day(&ctx).await.unwrap().unwrap().to_string(), "2018-01-01");
    assert_eq!(sources.quarantine(&ctx, moment.as_of).await.unwrap().len(), 0);
    for model in ["stg_orders", "stg_order_lines", "stg_customers", "stg_contacts", "customer_features"] {
        let rows = project.model(&ctx, &sources, model, &moment).await.unwrap().collect().await.unwrap();
        let failed = project.test_rows(model, ctx.read_batches(rows).unwrap()).await.unwrap();
        assert!(failed.iter().all(crate::TestResult::is_passed), "{model}: {failed:?}");
    }
    let features = project.model(&ctx, &sources, "customer_features", &moment).await.unwrap();
    for protected in ["age", "income", "marital", "kids", "household_comp"] {
        assert!(features.schema().fields().iter().all(|field| !field.name().starts_with(protected)), "{protected}");
    }
    assert_eq!(features.filter(col("status").eq(lit("eligible"))).unwrap().count().await.unwrap(), 2452);
    let churned = project.model(&ctx, &sources, "churned", &moment).await.unwrap();
    let counts = churned.aggregate(vec![col("churned")], vec![count(lit(1))]).unwrap();
    assert_eq!(lines(counts).await, ["0 | 2229", "1 | 223"]);

    // A campaign is a contact from its first day on, a coupon handed in from its own.
    let contacts = project.model(&ctx, &sources, "stg_contacts", &moment).await.unwrap();
    let seen = contacts.aggregate(vec![], vec![count(lit(1)), count(col("converted_at"))]).unwrap();
    assert_eq!(lines(seen).await, ["5691 | 519"]);
    // What the grocer received, to the cent, in the lines and the baskets alike.
    for model in ["stg_orders", "stg_order_lines"] {
        let rows = project.model(&ctx, &sources, model, &moment).await.unwrap();
        assert_eq!(
            lines(rows.aggregate(vec![], vec![sum(col("net_amount"))]).unwrap()).await,
            ["3786711.78"],
            "{model}"
        );
    }
}

/// Protected columns pass through staging under other names, for fairness figures; a feature that reads one is refused by the
/// column that it comes from.
#[tokio::test]
async fn no_feature_reads_what_a_household_said_of_itself() {
    let copy = TempDir::new().unwrap();
    let root = project_folder().join("../../..").canonicalize().unwrap();
    let yaml = fs::read_to_string(project_folder().join("mainstay.yml")).unwrap();
    fs::write(copy.path().join("mainstay.yml"), yaml.replace("../../..\n", &format!("{}\n", root.display()))).unwrap();
    let (staging, features) = (copy.path().join("sql/staging"), copy.path().join("sql/features"));
    fs::create_dir_all(&staging).unwrap();
    fs::create_dir_all(&features).unwrap();
    for entry in fs::read_dir(project_folder().join("sql/staging")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), staging.join(entry.file_name())).unwrap();
    }
    let load = async || {
        SqlProject::load(&context(), &Project::load(copy.path(), &VarOverrides::default(), None).unwrap()).await
    };
    assert!(load().await.is_ok());
    for (column, source) in [("age_band", "age"), ("income_band", "income")] {
        let guess = format!("select customer_id, {column} is null as is_reticent from {{{{ ref('stg_customers') }}}}");
        fs::write(features.join("feat_guess.sql"), guess).unwrap();
        let message = load().await.unwrap_err().to_string();
        let expected = format!("reads `{source}`, which source grocer.demographics declares protected");
        assert!(message.contains(&expected), "{message}");
    }
}
