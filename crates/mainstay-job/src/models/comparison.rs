//! Two versions of a model beside one another, on the same rows.

use anyhow::Result;
use mainstay_registry::ModelVersion;
use mainstay_schema::{Digest, Ds};
use mainstay_train::Evaluation;
use mainstay_train::delong::difference_interval;
use mainstay_train::evaluate::evaluate;
use serde::Serialize;

use crate::details::VersionFacts;
use crate::models;
use crate::open_project::OpenProject;
use crate::training::segments::{rows_by_group, select};
use crate::training::test_rows::{TestRows, cut_of};

/// Two versions of a model beside one another.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The model.
    pub model: String,
    /// The one that is there.
    pub current: Compared,
    /// The one that might take its place.
    pub candidate: Compared,
    /// Both on the same rows; none where that cannot be done.
    pub same_rows: Option<SameRows>,
    /// Why they cannot be judged on the same rows.
    pub not_compared: Option<String>,
}

/// One of the versions.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// How it was asked for: an alias, or its number.
    pub named: String,
    /// The version.
    pub version: String,
    /// Digest of its bytes.
    pub digest: Digest,
    /// The end of its last training label window.
    pub trained_until: Option<String>,
    /// The gates that it failed.
    pub failed_gates: Vec<String>,
}

/// Both versions on the same rows.
#[derive(Debug, Clone, Serialize)]
pub struct SameRows {
    /// The version whose test cut it is: the later one of both, which neither has learnt from.
    pub of_version: String,
    /// The cut.
    pub cut: Ds,
    /// Overall.
    pub overall: FigurePairs,
    /// By group of customers, where the rows tell them apart.
    pub segments: Vec<SegmentPairs>,
}

/// The figures of both for a group of customers.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentPairs {
    /// What tells the groups apart.
    pub by: String,
    /// The group.
    pub group: String,
    /// Its figures.
    #[serde(flatten)]
    pub pairs: FigurePairs,
}

/// The figures of both for some customers.
#[derive(Debug, Clone, Serialize)]
pub struct FigurePairs {
    /// How many customers.
    pub customers: usize,
    /// The share of them that left.
    pub base_rate: f64,
    /// The figures.
    pub figures: Vec<FigurePair>,
}

/// A figure of both.
#[derive(Debug, Clone, Serialize)]
pub struct FigurePair {
    /// What is measured.
    pub name: Measure,
    /// That of the one that is there.
    pub current: f64,
    /// That of the candidate.
    pub candidate: f64,
    /// The candidate's less the current one's.
    pub difference: f64,
    /// The 95 % interval of the difference, where it is known: chance alone may make anything within it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Whether the candidate is better; `None` where both are equal.
    pub is_better: Option<bool>,
}

/// What is measured of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Area under the ROC curve.
    Auc,
    /// Average precision.
    AveragePrecision,
    /// Share of those who left among the fifth with the highest scores.
    #[serde(rename = "precision_at_top_20_percent")]
    Precision,
    /// Share of all who left that this fifth holds.
    #[serde(rename = "gain_at_top_20_percent")]
    Gain,
    /// Mean squared distance of probability and outcome.
    Brier,
    /// Expected calibration error.
    #[serde(rename = "ece")]
    CalibrationError,
}

impl Measure {
    const ALL: [Self; 6] =
        [Self::Auc, Self::AveragePrecision, Self::Precision, Self::Gain, Self::Brier, Self::CalibrationError];

    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Auc => "AUC",
            Self::AveragePrecision => "average precision",
            Self::Precision => "precision at the top 20 %",
            Self::Gain => "gain at the top 20 %",
            Self::Brier => "Brier",
            Self::CalibrationError => "calibration error",
        }
    }

    fn of(self, evaluation: &Evaluation) -> f64 {
        match self {
            Self::Auc => evaluation.ranking.auc,
            Self::AveragePrecision => evaluation.ranking.average_precision,
            Self::Precision => evaluation.ranking.precision_at_top_20_percent,
            Self::Gain => evaluation.ranking.gain_at_top_20_percent,
            Self::Brier => evaluation.brier,
            Self::CalibrationError => evaluation.ece,
        }
    }

    fn is_less_better(self) -> bool {
        matches!(self, Self::Brier | Self::CalibrationError)
    }

    fn pair(self, current: &Evaluation, candidate: &Evaluation) -> FigurePair {
        let (current, candidate) = (self.of(current), self.of(candidate));
        let is_better = (current != candidate).then_some((candidate < current) == self.is_less_better());
        FigurePair { name: self, current, candidate, difference: candidate - current, interval: None, is_better }
    }
}

impl FigurePairs {
    /// The figures of one measure.
    pub fn of(&self, measure: Measure) -> Option<&FigurePair> {
        self.figures.iter().find(|pair| pair.name == measure)
    }

    fn new(current: &Evaluation, candidate: &Evaluation, auc_interval: Option<[f64; 2]>) -> Self {
        let pair = |measure: Measure| FigurePair {
            interval: auc_interval.filter(|_| measure == Measure::Auc),
            ..measure.pair(current, candidate)
        };
        Self {
            customers: candidate.ranking.rows,
            base_rate: candidate.ranking.base_rate,
            figures: Measure::ALL.into_iter().map(pair).collect(),
        }
    }
}

/// Compares two versions, each given by its number or an alias.
pub async fn compare(open: &OpenProject, model: &str, current: &str, candidate: &str) -> Result<Comparison> {
    let found = [models::find(open, model, current).await?, models::find(open, model, candidate).await?];
    compare_versions(open, (current, &found[0]), (candidate, &found[1])).await
}

/// Compares two versions, each with how it was asked for.
pub(crate) async fn compare_versions(
    open: &OpenProject,
    current: (&str, &ModelVersion),
    candidate: (&str, &ModelVersion),
) -> Result<Comparison> {
    let judged = on_same_rows(open, current.1, candidate.1).await;
    let (same_rows, not_compared) = match judged {
        Ok(same_rows) => (Some(same_rows), None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    Ok(Comparison {
        model: candidate.1.name.clone(),
        current: compared(current),
        candidate: compared(candidate),
        same_rows,
        not_compared,
    })
}

fn compared((named, version): (&str, &ModelVersion)) -> Compared {
    Compared {
        named: named.to_owned(),
        version: version.version.clone(),
        digest: version.digest,
        trained_until: VersionFacts::of(version).trained_on.trained_until.map(|day| day.to_string()),
        failed_gates: version.failed_gates(),
    }
}

/// Judges both on the later of their test cuts: every label that either has learnt from ends before it.
async fn on_same_rows(open: &OpenProject, current: &ModelVersion, candidate: &ModelVersion) -> Result<SameRows> {
    let is_current_later = cut_of(current)? > cut_of(candidate)?;
    let judged_on = if is_current_later { current } else { candidate };
    let rows = TestRows::of(open, judged_on).await?;
    let scores = Scores {
        current: rows.probabilities(&open.registry.load(current).await?)?,
        candidate: rows.probabilities(&open.registry.load(candidate).await?)?,
    };
    let overall = scores.judged(&rows.labels)?;
    let segments = rows.groups.iter().flat_map(|(by, groups)| segments(by, groups, &rows.labels, &scores)).collect();
    Ok(SameRows { of_version: judged_on.version.clone(), cut: rows.cut, overall, segments })
}

/// The probabilities of both for the same rows.
struct Scores {
    current: Vec<f64>,
    candidate: Vec<f64>,
}

impl Scores {
    fn judged(&self, labels: &[bool]) -> Result<FigurePairs> {
        let interval =
            difference_interval(&self.current, &self.candidate, labels).map(|interval| [interval.low, interval.high]);
        Ok(FigurePairs::new(&evaluate(&self.current, labels)?, &evaluate(&self.candidate, labels)?, interval))
    }

    fn select(&self, rows: &[usize]) -> Self {
        Self { current: select(&self.current, rows), candidate: select(&self.candidate, rows) }
    }
}

/// The groups of one column, those of one outcome left out.
fn segments(by: &str, groups: &[Option<String>], labels: &[bool], scores: &Scores) -> Vec<SegmentPairs> {
    let pairs = rows_by_group(groups).into_iter().filter_map(|(group, rows)| {
        let pairs = scores.select(&rows).judged(&select(labels, &rows)).ok()?;
        Some(SegmentPairs { by: by.to_owned(), group: group.to_owned(), pairs })
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<bool> {
        (0..100).map(|row| row % 3 == 0).collect()
    }

    fn scores() -> Scores {
        let labels = labels();
        let good: Vec<f64> = labels.iter().map(|label| if *label { 0.9 } else { 0.1 }).collect();
        Scores { current: vec![0.5; 100], candidate: good }
    }

    #[test]
    fn the_better_one_is_told_by_each_measure() {
        let pairs = scores().judged(&labels()).unwrap();
        let auc = pairs.of(Measure::Auc).unwrap();
        assert_eq!((auc.current, auc.candidate, auc.difference, auc.is_better), (0.5, 1.0, 0.5, Some(true)));
        let brier = pairs.of(Measure::Brier).unwrap();
        assert!(brier.difference < 0.0 && brier.is_better == Some(true), "{brier:?}");
        let turned = Scores { current: scores().candidate, candidate: scores().current };
        let brier = turned.judged(&labels()).unwrap();
        assert_eq!(brier.of(Measure::Brier).unwrap().is_better, Some(false));
        let same = Scores { current: scores().current, candidate: scores().current };
        assert!(same.judged(&labels()).unwrap().figures.iter().all(|pair| pair.is_better.is_none()));
    }

    #[test]
    fn segments_are_judged_apart() {
        let groups: Vec<Option<String>> = (0..100).map(|row| (row < 60).then(|| "north".to_owned())).collect();
        let segments = segments("region", &groups, &labels(), &scores());
        let told: Vec<_> = segments.iter().map(|segment| (segment.group.as_str(), segment.pairs.customers)).collect();
        assert_eq!(told, [("north", 60), ("not known", 40)]);
        let same = super::segments("region", &groups, &[true; 100], &scores());
        assert!(same.is_empty(), "nobody stayed");
    }

    #[test]
    fn measures_have_the_names_of_the_evaluation() {
        let names: Vec<String> = Measure::ALL
            .iter()
            .map(|measure| serde_json::to_value(measure).unwrap().as_str().unwrap().to_owned())
            .collect();
        let evaluation = evaluate(&scores().candidate, &labels()).unwrap();
        let json = serde_json::to_value(evaluation).unwrap();
        assert!(names.iter().all(|name| json.get(name).is_some()), "{names:?}");
    }
}
