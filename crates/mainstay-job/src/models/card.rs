//! The card of a version, gathered from its training and kept beside it.

use std::collections::BTreeMap;

use anyhow::Result;
use mainstay_config::TrainingJob;
use mainstay_model::Ensemble;
use mainstay_model::summary::Summary;
use mainstay_registry::ModelVersion;
use mainstay_report::ModelCard;
use mainstay_report::model_card as card;
use mainstay_run::Run;
use mainstay_train::{Interval, SegmentFigures};

use crate::details::{CutDetails, TrainingDetails};
use crate::inputs::sources::PinnedDay;
use crate::training::cuts::label_end;

/// The program that trains.
const CODE_VERSION: &str = concat!("mainstay ", env!("CARGO_PKG_VERSION"));

/// What a version was made of.
pub(crate) struct Made<'a> {
    pub(crate) job: &'a TrainingJob,
    pub(crate) details: &'a TrainingDetails,
    pub(crate) version: &'a ModelVersion,
    pub(crate) model: &'a Ensemble,
    /// Days between a cut and the end of its label window.
    pub(crate) horizon_days: u32,
}

/// Writes the card of a version beside it, unless it has one.
pub(crate) async fn keep(run: &Run<'_>, day: &PinnedDay, made: &Made<'_>) -> Result<()> {
    let describe = |name: &str| day.sql.column(&made.job.features, name).map(|column| column.description.clone());
    let card = of(run, made, |name| describe(name).unwrap_or_default());
    run.open.registry.keep_card(made.version, &card, &card.markdown()).await?;
    Ok(())
}

fn of(run: &Run<'_>, made: &Made<'_>, describe: impl Fn(&str) -> String) -> ModelCard {
    let Made { job, details, version, model, .. } = made;
    let summary = Summary::of(model);
    ModelCard {
        model: version.name.clone(),
        version: version.version.clone(),
        trained_at: version.created_at,
        purpose: purpose(job),
        data: data(run, made),
        shape: card::Shape {
            algorithm: details.params.map(|params| params.kind().described()).unwrap_or_default().to_owned(),
            trees: summary.trees as u64,
            terms: summary.terms as u64,
            leaves: summary.leaves as u64,
            depth: summary.depth as u64,
        },
        features: features(model, &summary, describe),
        baseline: details.baseline.feature.clone(),
        figures: figures(details),
        segments: details.segments.iter().map(segment).collect(),
        calibration: card::Calibration {
            slope: details.calibration.slope,
            intercept: details.calibration.intercept,
            held_back: details.calibration.check.reliability,
            test: details.calibration.test.reliability,
        },
        gates: details.gates.clone(),
        lineage: card::Lineage {
            job: job.name.clone(),
            ds: run.ds,
            run_id: version.run_id.clone(),
            seed: job.seed,
            code_version: CODE_VERSION.to_owned(),
            model: version.digest,
            sql: details.sql,
            sources: details.sources.digest,
            sources_file: details.sources.file.clone(),
            training_rows: details.training_rows.digest,
            test_rows: details.test_rows.digest,
        },
    }
}

fn purpose(job: &TrainingJob) -> card::Purpose {
    card::Purpose {
        description: job.description.clone(),
        owner: job.card.owner.clone(),
        intended_use: job.card.intended_use.clone(),
        not_for: job.card.not_for.clone(),
        limits: job.card.limits.clone(),
    }
}

fn data(run: &Run<'_>, made: &Made<'_>) -> card::Data {
    let details = made.details;
    let sources = details.sources.tables.iter().map(|table| card::SourceTable {
        table: table.table.clone(),
        files: table.files as u64,
        rows: table.rows,
        rows_known: details.rows_known.get(&table.table).copied(),
    });
    let ranking = &details.judgement.evaluation.ranking;
    card::Data {
        simulated: run.is_simulated,
        as_of: details.as_of,
        trained_until: details.trained_until,
        sources: sources.collect(),
        cuts: details.cuts.iter().map(learnt).collect(),
        cuts_missing: details.cuts_missing(),
        sampled: details
            .sample
            .map(|sample| card::Sampled { share: sample.share, eligible_at_test_cut: sample.eligible_at_test_cut }),
        test: card::Cut {
            day: details.test_cut,
            label_end: label_end(details.test_cut, made.horizon_days),
            used_for: card::CutUse::Test,
            customers: ranking.rows as u64,
            churned: ranking.positives as u64,
        },
    }
}

fn learnt(cut: &CutDetails) -> card::Cut {
    card::Cut {
        day: cut.ds,
        label_end: cut.label_end,
        used_for: if cut.calibrates_only { card::CutUse::Calibration } else { card::CutUse::Fit },
        customers: cut.rows as u64,
        churned: cut.churned as u64,
    }
}

/// The features that the model splits on, the most important first, and the others in its order.
fn features(model: &Ensemble, summary: &Summary, describe: impl Fn(&str) -> String) -> Vec<card::Feature> {
    let importance: BTreeMap<&str, f64> = summary.importance.iter().map(|of| (of.feature.as_str(), of.share)).collect();
    let feature = |name: &str| card::Feature {
        name: name.to_owned(),
        description: describe(name),
        importance: importance.get(name).copied().unwrap_or_default(),
    };
    let used = summary.importance.iter().map(|of| feature(&of.feature));
    let unused = model.features().iter().map(|of| of.name.as_str()).filter(|name| !importance.contains_key(name));
    used.chain(unused.map(feature)).collect()
}

fn figures(details: &TrainingDetails) -> Vec<card::Figure> {
    let evaluation = &details.judgement.evaluation;
    let (model, alone) = (&evaluation.ranking, &details.baseline.evaluation.ranking);
    let figure = |name: &str, model: f64, baseline: Option<f64>| card::Figure {
        name: name.to_owned(),
        model,
        baseline,
        attainable: None,
        interval: None,
    };
    vec![
        card::Figure {
            interval: details.judgement.auc_interval.map(bounds),
            ..figure("AUC", model.auc, Some(alone.auc))
        },
        figure("average precision", model.average_precision, Some(alone.average_precision)),
        card::Figure {
            attainable: Some(model.attainable_precision_at_top_20_percent),
            ..figure(
                "precision at the top 20 %",
                model.precision_at_top_20_percent,
                Some(alone.precision_at_top_20_percent),
            )
        },
        figure("lift at the top 20 %", model.lift_at_top_20_percent, Some(alone.lift_at_top_20_percent)),
        figure("gain at the top 20 %", model.gain_at_top_20_percent, Some(alone.gain_at_top_20_percent)),
        figure("Brier", evaluation.brier, None),
        figure("calibration error", evaluation.ece, None),
    ]
}

fn segment(of: &SegmentFigures) -> card::Segment {
    let SegmentFigures { by, group, figures } = of;
    let told = [("left", Some(figures.base_rate)), ("AUC", figures.auc), ("Brier", Some(figures.brier))];
    card::Segment {
        by: by.clone(),
        group: group.clone(),
        customers: figures.rows as u64,
        figures: told.into_iter().filter_map(|(name, figure)| Some((name.to_owned(), figure?))).collect(),
        intervals: figures.auc_interval.map(|interval| ("AUC".to_owned(), bounds(interval))).into_iter().collect(),
    }
}

fn bounds(interval: Interval) -> [f64; 2] {
    [interval.low, interval.high]
}
