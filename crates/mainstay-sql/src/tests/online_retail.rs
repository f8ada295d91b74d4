//! The real project, where its data are at hand.

use std::path::Path;

use datafusion::prelude::{col, lit};
use mainstay_config::{Project, VarOverrides};

use super::fixture::{context, cut, lines};
use crate::{Sources, SqlProject, pin};

/// Published figures of this cut: 4,335 customers bought in the 365 days before 2011-09-01, 2,189 (0.505) of them not in the 90
/// days from then on.
#[tokio::test]
#[cfg_attr(not(has_online_retail_ii), ignore = "its data are absent: expected in ../shared/data/online_retail_ii")]
async fn eligible_customers_and_churn_are_the_published_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/projects/online_retail_ii");
    let config = Project::load(&folder, &VarOverrides::default(), None).unwrap();
    let ctx = context();
    let project = SqlProject::load(&ctx, &config).await.unwrap();
    let sources = Sources::open(&config, &pin(&ctx, &config.config().sources).await.unwrap()).unwrap();
    let moment = cut("2011-09-01T00:00:00Z", "2011-11-30T00:00:00Z");
    assert_eq!(sources.last_complete_day(&ctx).await.unwrap().unwrap().to_string(), "2011-12-09");
    assert_eq!(sources.quarantine(&ctx, moment.as_of).await.unwrap().len(), 0);
    let features = project.model(&ctx, &sources, "customer_features", &moment).await.unwrap();
    let features = ctx.read_batches(features.collect().await.unwrap()).unwrap();
    assert_eq!(features.clone().filter(col("status").eq(lit("eligible"))).unwrap().count().await.unwrap(), 4335);
    let failed = project.test_rows("customer_features", features).await.unwrap();
    assert!(failed.iter().all(crate::TestResult::is_passed), "{failed:?}");
    let churned = project.model(&ctx, &sources, "churned", &moment).await.unwrap();
    let counts =
        churned.aggregate(vec![col("churned")], vec![datafusion::functions_aggregate::expr_fn::count(lit(1))]).unwrap();
    assert_eq!(lines(counts).await, ["0 | 2146", "1 | 2189"]);
}
