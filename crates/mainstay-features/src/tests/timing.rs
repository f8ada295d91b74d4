use std::path::Path;
use std::time::Instant;
use mainstay_config::{Project, VarOverrides};
use super::fixture::{context, cut};
use crate::{Sources, SqlProject, pin};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn timing() {
    for (folder, vars, as_of, end) in [
        ("../..", std::env::var("SIMDATA").unwrap(), "2025-09-01T00:00:00Z", "2025-12-01T00:00:00Z"),
        ("../../tests/projects/online_retail_ii", String::new(), "2011-09-01T00:00:00Z", "2011-11-30T00:00:00Z"),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let config = Project::load(&folder, &VarOverrides::parse(&vars).unwrap(), None).unwrap();
        let ctx = context();
        let t = Instant::now();
        let project = SqlProject::load(&ctx, &config).await.unwrap();
        println!("load {:?}", t.elapsed());
        let t = Instant::now();
        let pinned = pin(&ctx, &config.config().sources).await.unwrap();
        println!("pin {:?} {} files", t.elapsed(), pinned.tables.iter().map(|t| t.files.len()).sum::<usize>());
        let sources = Sources::open(&config, &pinned).unwrap();
        let moment = cut(as_of, end);
        let t = Instant::now();
        sources.last_complete_day(&ctx).await.unwrap();
        println!("last day {:?}", t.elapsed());
        let t = Instant::now();
        sources.freshness(&ctx, moment.as_of).await.unwrap();
        println!("freshness {:?}", t.elapsed());
        let t = Instant::now();
        println!("quarantine {}", sources.quarantine(&ctx, moment.as_of).await.unwrap().len());
        println!("quarantine {:?}", t.elapsed());
        for name in ["stg_orders", "stg_order_lines", "feat_population", "feat_orders", "feat_order_lines", "customer_features", "churned", "customer_value"] {
            let t = Instant::now();
            let frame = project.model(&ctx, &sources, name, &moment).await.unwrap();
            let planned = t.elapsed();
            let t = Instant::now();
            let physical = frame.clone().create_physical_plan().await.unwrap();
            let physically = t.elapsed();
            if std::env::var("EXPLAIN").as_deref() == Ok(name) {
                println!("{}", datafusion::physical_plan::displayable(physical.as_ref()).indent(false));
            }
            let t = Instant::now();
            let rows: usize = frame.collect().await.unwrap().iter().map(|b| b.num_rows()).sum();
            println!("{name}: plan {planned:?} physical {physically:?} run {:?} rows {rows}", t.elapsed());
        }
    }
}
