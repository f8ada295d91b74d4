//! A model card as Markdown.

use std::collections::BTreeSet;

use mainstay_schema::{Gate, Reliability};

use super::{Cut, CutUse, Feature, ModelCard, Sampled, Segment, Shape};
use crate::markdown::{code, count, list, percent, plain, section, table};

/// Features that are named; the rest is in the JSON.
const FEATURES_SHOWN: usize = 25;

impl ModelCard {
    /// The card as a Markdown document.
    pub fn markdown(&self) -> String {
        [
            header(self),
            section("Intended use", &intended_use(self)),
            section("Limits", &limits(self)),
            section("Figures", &figures(self)),
            section("Figures by segment", &segments(&self.segments)),
            section("Calibration", &calibration(self)),
            section("Gates", &gates(&self.gates)),
            section("Data", &data(self)),
            section("Features", &features(self)),
            section("Lineage", &lineage(self)),
        ]
        .concat()
    }
}

fn header(card: &ModelCard) -> String {
    let failed: Vec<String> = card.failed_gates().map(|gate| code(&gate.name)).collect();
    let verdict = match failed.as_slice() {
        [] => "All gates passed.".to_owned(),
        failed => format!("**Gates failed: {}.**", failed.join(", ")),
    };
    let said = card.purpose.description.as_deref().map(|text| format!("{}\n\n", plain(text))).unwrap_or_default();
    let owner = card.purpose.owner.as_deref().map(|owner| format!(" Owner: {}.", plain(owner))).unwrap_or_default();
    format!(
        "# {} version {}\n\n{said}Trained at {} on what happened until {}; {}, {}.{owner} {verdict}\n",
        plain(&card.model),
        plain(&card.version),
        card.trained_at.strftime("%Y-%m-%d %H:%M UTC"),
        card.data.trained_until,
        plain(&card.shape.algorithm.replace('_', " ")),
        size(&card.shape)
    )
}

fn size(shape: &Shape) -> String {
    match (shape.trees, shape.terms) {
        (0, terms) => format!("{} terms", count(terms)),
        (1, _) => format!("1 tree of {} leaves", count(shape.leaves)),
        (trees, _) => format!("{} trees", count(trees)),
    }
}

fn intended_use(card: &ModelCard) -> String {
    let purpose = &card.purpose;
    let used_for = match &purpose.intended_use {
        Some(text) => plain(text),
        None => "The project does not say: state `card.intended_use` in the training job.".to_owned(),
    };
    if purpose.not_for.is_empty() {
        return used_for;
    }
    format!("{used_for}\n\nNot for:\n\n{}", list(purpose.not_for.iter().map(|text| plain(text))))
}

/// What the project says, and what the figures themselves show.
fn limits(card: &ModelCard) -> String {
    let mut limits: Vec<String> = card.purpose.limits.iter().map(|text| plain(text)).collect();
    let test = &card.data.test;
    limits.push(format!(
        "Judged on one later cut, {} with labels until {}: {} customers of one season.",
        test.day,
        test.label_end,
        count(test.customers)
    ));
    let calibration = &card.calibration.test;
    let shift = calibration.mean_probability - calibration.base_rate;
    limits.push(format!(
        "On that cut it expected {} of the customers to leave, and {} did ({:+.1} points).",
        percent(calibration.mean_probability),
        percent(calibration.base_rate),
        100.0 * shift
    ));
    limits.extend(card.failed_gates().map(|gate| format!("Gate {} failed: {}.", code(&gate.name), shortfall(gate))));
    list(limits)
}

fn shortfall(gate: &Gate) -> String {
    let attainable = gate.attainable.map(|best| format!(", where {} was attainable", short(best))).unwrap_or_default();
    match gate.figure {
        Some(figure) => format!("{} against {}{attainable}", short(figure), gate.threshold),
        None => format!("not known, against {}", gate.threshold),
    }
}

/// A figure with four decimals, a whole number without.
fn short(figure: f64) -> String {
    if figure.fract() == 0.0 { figure.to_string() } else { format!("{figure:.4}") }
}

fn figures(card: &ModelCard) -> String {
    let number = |number: Option<f64>| number.map(|number| format!("{number:.4}")).unwrap_or_default();
    let rows = card.figures.iter().map(|figure| {
        let interval = figure.interval.map(range).unwrap_or_default();
        let (baseline, attainable) = (number(figure.baseline), number(figure.attainable));
        vec![plain(&figure.name), number(Some(figure.model)), interval, baseline, attainable]
    });
    let alone = format!("{} alone", code(&card.baseline));
    let test = &card.data.test;
    format!(
        "On {} customers as they were known on {}, of whom {} left before {}. The model has learnt from none of these rows.\n\n{}",
        count(test.customers),
        test.day,
        percent(rate(test)),
        test.label_end,
        table(&["figure", "model", "95 % interval", &alone, "attainable"], 1, rows)
    )
}

fn range([low, high]: [f64; 2]) -> String {
    format!("{low:.4} to {high:.4}")
}

fn rate(cut: &Cut) -> f64 {
    if cut.customers == 0 { 0.0 } else { cut.churned as f64 / cut.customers as f64 }
}

fn segments(segments: &[Segment]) -> String {
    if segments.is_empty() {
        return "The evaluation of this version reports no segments.".to_owned();
    }
    let names: BTreeSet<&str> =
        segments.iter().flat_map(|segment| segment.figures.keys().map(String::as_str)).collect();
    let labels: Vec<String> = names.iter().map(|name| plain(name)).collect();
    let header: Vec<&str> =
        ["by", "segment", "customers"].into_iter().chain(labels.iter().map(String::as_str)).collect();
    let rows = segments.iter().map(|segment| {
        let interval = |name: &str| {
            segment.intervals.get(name).map(|interval| format!(" ({})", range(*interval))).unwrap_or_default()
        };
        let figure = |name: &&str| {
            segment.figures.get(*name).map(|figure| format!("{figure:.4}{}", interval(name))).unwrap_or_default()
        };
        let cells = [plain(&segment.by), plain(&segment.group), count(segment.customers)];
        cells.into_iter().chain(names.iter().map(figure)).collect()
    });
    let note = match segments.iter().any(|segment| !segment.intervals.is_empty()) {
        true => "\nIn brackets the 95 % interval.\n",
        false => "",
    };
    table(&header, 2, rows) + note
}

fn calibration(card: &ModelCard) -> String {
    let calibration = &card.calibration;
    let row = |name: &str, of: &Reliability| {
        vec![
            name.to_owned(),
            percent(of.base_rate),
            percent(of.mean_probability),
            format!("{:.5}", of.brier),
            format!("{:.4}", of.ece),
            format!("{:.4}", of.ece_noise_floor),
        ]
    };
    let rows = [row("customers held back in turn", &calibration.held_back), row("test cut", &calibration.test)];
    format!(
        "Log-odds = {:.4} * score {:+.4}. An error up to its noise floor is what chance alone makes of exact probabilities.\n\n{}",
        calibration.slope,
        calibration.intercept,
        table(&["on", "left", "expected", "Brier", "calibration error", "noise floor"], 1, rows)
    )
}

fn gates(gates: &[Gate]) -> String {
    let rows = gates.iter().map(|gate| {
        let number = |number: Option<f64>| number.map(short).unwrap_or_default();
        let verdict = if gate.passed { "passed" } else { "**failed**" };
        vec![
            code(&gate.name),
            verdict.to_owned(),
            number(gate.figure),
            gate.threshold.to_string(),
            number(gate.attainable),
        ]
    });
    table(&["gate", "verdict", "figure", "asked", "attainable"], 2, rows)
}

fn data(card: &ModelCard) -> String {
    let data = &card.data;
    let sources = data.sources.iter().map(|source| {
        let known = source.rows_known.map_or_else(|| "not on record".to_owned(), count);
        vec![code(&source.table), known, count(source.files), count(source.rows)]
    });
    let cuts = data.cuts.iter().chain([&data.test]).map(|cut| {
        let used_for = match cut.used_for {
            CutUse::Fit => "fit and calibration",
            CutUse::Calibration => "calibration",
            CutUse::Test => "test",
        };
        vec![
            cut.day.to_string(),
            cut.label_end.to_string(),
            used_for.to_owned(),
            count(cut.customers),
            percent(rate(cut)),
        ]
    });
    format!(
        "{}The rows that had happened and were known before {}, of files that are pinned as {} ({}).\n\n{}\nEach cut shows the \
         customers as they were known before its day, and whether they left before the end of its label window, by what was known when \
         the model was trained.{}{}\n\n{}",
        if data.simulated { "**Simulated data: of invented customers. Not for use.**\n\n" } else { "" },
        data.as_of.strftime("%Y-%m-%d %H:%M UTC"),
        code(&card.lineage.sources_file),
        code(&card.lineage.sources.to_string()),
        table(&["source", "rows known by then", "files", "rows in them"], 1, sources),
        data.sampled.map(|sampled| sample(&sampled, data.test.customers)).unwrap_or_default(),
        data.cuts_missing.as_ref().map(|missing| format!(" There are {}.", plain(missing))).unwrap_or_default(),
        table(&["cut", "labels until", "used for", "customers", "left"], 3, cuts)
    )
}

fn sample(sampled: &Sampled, drawn: u64) -> String {
    format!(
        " All cuts are of the same draw of customers, by hash of their ids, with a share of {}: at the test cut {} of {}.",
        sampled.share,
        count(drawn),
        count(sampled.eligible_at_test_cut)
    )
}

fn features(card: &ModelCard) -> String {
    let features = &card.features;
    let (used, unused): (Vec<&Feature>, Vec<&Feature>) = features.iter().partition(|feature| feature.importance > 0.0);
    let (uses, importance) = match card.shape.trees {
        0 => ("has terms of", "how far a feature's term reaches, as a share of how far all of them do"),
        _ => ("splits on", "the share of training rows that a feature's splits part"),
    };
    let rows = used
        .iter()
        .take(FEATURES_SHOWN)
        .map(|feature| vec![code(&feature.name), plain(&feature.description), percent(feature.importance)]);
    let mut text = format!(
        "{} features, of which the model {uses} {}. Importance is {importance}.\n\n{}",
        count(features.len() as u64),
        count(used.len() as u64),
        table(&["feature", "meaning", "importance"], 2, rows)
    );
    if used.len() > FEATURES_SHOWN {
        text += &format!("\n{} more are in the JSON of this card.\n", used.len() - FEATURES_SHOWN);
    }
    if !unused.is_empty() {
        let names: Vec<String> = unused.iter().map(|feature| code(&feature.name)).collect();
        text += &format!("\nNot used: {}.\n", names.join(", "));
    }
    text
}

fn lineage(card: &ModelCard) -> String {
    let lineage = &card.lineage;
    let rows = [
        ("model", code(&lineage.model.to_string())),
        ("SQL, variables and contracts", code(&lineage.sql.to_string())),
        ("list of source files", code(&lineage.sources.to_string())),
        ("training rows", code(&lineage.training_rows.to_string())),
        ("rows of the test cut", code(&lineage.test_rows.to_string())),
        ("code", plain(&lineage.code_version)),
        ("run", plain(lineage.run_id.as_str())),
        ("seed", lineage.seed.to_string()),
    ];
    format!(
        "{}\nThe same sources, SQL and seed give the same digest: `mainstay run {} --date {} --force`.\n",
        table(&["what", "which"], 2, rows.map(|(what, which)| vec![what.to_owned(), which])),
        lineage.job,
        lineage.ds
    )
}
