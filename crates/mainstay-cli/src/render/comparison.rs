//! Two versions of a model beside one another.

use mainstay_job::comparison::{Compared, Comparison, FigurePair, FigurePairs, Measure, SameRows};

use super::{percent, table};

/// The comparison for people: overall, then by segment.
pub(crate) fn text(comparison: &Comparison) -> String {
    let Comparison { model, current, candidate, .. } = comparison;
    let mut text = format!("{model}: {} and {}\n", named(current), named(candidate));
    for version in [current, candidate].into_iter().filter(|version| !version.failed_gates.is_empty()) {
        text += &format!("version {} FAILED {}\n", version.version, version.failed_gates.join(", "));
    }
    match (&comparison.same_rows, &comparison.not_compared) {
        (Some(rows), _) => text += &same_rows(comparison, rows),
        (None, Some(reason)) => text += &format!("not compared on the same rows: {reason}\n"),
        (None, None) => {}
    }
    text + "\n"
}

fn named(version: &Compared) -> String {
    let is_alias = version.named != version.version;
    let alias = if is_alias { format!(" ({})", version.named) } else { String::new() };
    format!("version {}{alias}", version.version)
}

fn same_rows(comparison: &Comparison, rows: &SameRows) -> String {
    let overall = &rows.overall;
    let text = format!(
        "both on the {} customers of {}, the later of their test cuts; {} of them left\n",
        overall.customers,
        rows.cut,
        percent(overall.base_rate)
    );
    let current = format!("version {}", comparison.current.version);
    let candidate = format!("version {}", comparison.candidate.version);
    let figures = overall.figures.iter().map(figure);
    let text = text + &table(&["figure", &current, &candidate, "difference", "95 % interval", ""], &[1, 2, 3], figures);
    if rows.segments.is_empty() {
        return text;
    }
    let segments = rows.segments.iter().map(|segment| {
        let mut row = vec![segment.by.clone(), segment.group.clone(), segment.pairs.customers.to_string()];
        row.push(percent(segment.pairs.base_rate));
        row.extend(beside(&segment.pairs, Measure::Auc));
        row.extend(beside(&segment.pairs, Measure::Brier));
        row
    });
    let mut header = ["by", "segment", "customers", "left"].map(str::to_owned).to_vec();
    for figure in ["AUC", "Brier"] {
        let of = |version: &Compared| format!("{figure} v{}", version.version);
        header.extend([of(&comparison.current), of(&comparison.candidate), "difference".to_owned()]);
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    text + "\n" + &table(&header, &[2, 3, 4, 5, 6, 7, 8, 9], segments)
}

fn figure(pair: &FigurePair) -> Vec<String> {
    let may_be_chance = pair.interval.is_some_and(|[low, high]| low <= 0.0 && 0.0 <= high);
    let better = match pair.is_better {
        None => "equal",
        Some(_) if may_be_chance => "may be chance",
        Some(true) => "better",
        Some(false) => "worse",
    };
    let interval = pair.interval.map(|[low, high]| format!("{low:+.4} to {high:+.4}")).unwrap_or_default();
    let label = pair.name.label().to_owned();
    vec![
        label,
        format!("{:.4}", pair.current),
        format!("{:.4}", pair.candidate),
        format!("{:+.4}", pair.difference),
        interval,
        better.to_owned(),
    ]
}

fn beside(pairs: &FigurePairs, measure: Measure) -> [String; 3] {
    match pairs.of(measure) {
        Some(pair) => {
            [format!("{:.4}", pair.current), format!("{:.4}", pair.candidate), format!("{:+.4}", pair.difference)]
        }
        None => Default::default(),
    }
}
