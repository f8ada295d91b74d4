//! How often the models of a project are planned: each once at a moment, however many ask.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan};

use super::Reference;
use crate::plan::planner::PLANNED_ANEW;
use crate::tests::fixture::at;
use crate::{MaterialisedModels, ModelInputs, Moment, PlannedModels};

const FEATURES: &str = "customer_features";
const VALUE: &str = "customer_value";
const CONSENTS: &str = "customer_consents";
const CONTACT_RULES: &str = "customer_contact_rules";

#[tokio::test]
async fn loading_plans_each_model_once_and_what_is_asked_of_its_sql_none() {
    PLANNED_ANEW.take();
    let Reference { ctx, project, .. } = &Reference::new().await;
    let names: Vec<&str> = project.models().map(|model| model.name.as_str()).collect();
    let epoch = Timestamp::UNIX_EPOCH;
    let lineage = project.lineage_at(&names, &Moment::of_label(epoch, epoch + 24.hours())).unwrap();
    assert!(lineage.len() > names.len(), "the label sees a staging model at a moment of its own");
    assert_eq!(PLANNED_ANEW.take(), lineage.len());
    let learnt = project.definitions(ctx, FEATURES, &["churned"]).await.unwrap();
    let columns = ["country".to_owned(), "customer_id".to_owned()];
    project.personal_column_behind(ctx, "stg_customers", &columns).await.unwrap();
    assert_eq!(PLANNED_ANEW.take(), 0);
    let shorter = project.with_variables(&[("active_days".to_owned(), "60".to_owned())].into());
    assert_ne!(shorter.definitions(ctx, FEATURES, &["churned"]).await.unwrap().columns, learnt.columns);
    let of_features = project.lineage(&[FEATURES]).unwrap().len();
    assert_eq!(PLANNED_ANEW.take(), of_features, "with another variable they are planned again");
    let label = project.definitions(ctx, "churned", &[]).await.unwrap_err();
    assert!(label.to_string().contains("churned"), "a label is planned at no moment without an end: {label}");
}

/// What a daily run asks for, in its order: some models are materialised, then all are tested as they are read, and read.
#[tokio::test]
async fn a_day_plans_each_model_once_at_each_of_its_moments() {
    let Reference { ctx, project, sources, .. } = &Reference::new().await;
    PLANNED_ANEW.take();
    let day = at("2025-01-01T00:00:00Z");
    let suppression = Moment::of_suppression(day.as_of, day.as_of + 4.hours()).refusing_later_rows();
    let planned = PlannedModels::default();
    let from_files = ModelInputs { planned: Some(&planned), ..ModelInputs::from(sources) };
    let mut materialised = MaterialisedModels::default();
    let shared: [(&[&str], &Moment); 3] = [
        (&[CONSENTS], &suppression),
        (&["customer_order_totals", "feat_population", VALUE], &day),
        (&[CONTACT_RULES], &suppression),
    ];
    for (names, moment) in shared {
        let inputs = ModelInputs { materialised: &materialised, ..from_files };
        materialised = project.materialise(ctx, inputs, names, moment).await.unwrap();
    }
    let inputs = ModelInputs { materialised: &materialised, ..from_files };
    let mut read = project.lineage_at(&[CONSENTS, CONTACT_RULES], &suppression).unwrap();
    read.extend(project.lineage_at(&[FEATURES, VALUE], &day).unwrap());
    for (model, moment) in &read {
        project.run_tests(ctx, inputs, &[&model.name], moment).await.unwrap();
        project.model(ctx, inputs, &model.name, moment).await.unwrap();
    }
    let of_day: BTreeSet<(&str, Moment)> = read.iter().map(|(model, moment)| (model.name.as_str(), *moment)).collect();
    assert!(of_day.len() < read.len(), "{} models are read by both", read.len() - of_day.len());
    assert_eq!(PLANNED_ANEW.take(), of_day.len());
}

#[tokio::test]
async fn a_plan_that_is_found_is_the_one_that_would_be_made() {
    let Reference { ctx, project, sources, moment, .. } = &Reference::new().await;
    let planned = PlannedModels::default();
    let inputs = ModelInputs { planned: Some(&planned), ..ModelInputs::from(sources) };
    let plan = async |inputs: ModelInputs<'_>, name: &str| {
        let rows = project.model(ctx, inputs, name, moment).await.unwrap();
        rows.logical_plan().display_indent_schema().to_string()
    };
    for model in project.models() {
        let name = model.name.as_str();
        let made = plan(ModelInputs::from(sources), name).await;
        assert_eq!([plan(inputs, name).await, plan(inputs, name).await], [made.clone(), made], "{name}");
    }
}
