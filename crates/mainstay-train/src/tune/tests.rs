//! Tuning: in time order, bounded, the same each time.

use super::*;
use crate::rows::TrainingRows;
use crate::test_rows::draw_truth;

/// Four cuts, a month apart.
fn rows(count: u64) -> TrainingRows {
    let mut rows = draw_truth(1, count).rows;
    let first: Ds = "2024-01-01".parse().unwrap();
    rows.cuts = (0..count).map(|row| first.plus_days(30 * (row % 4) as i32)).collect();
    rows.keys = (0..count).map(|row| format!("C{:06}", row / 4)).collect();
    rows
}

fn search(kinds: &[LearnerKind], candidates: usize) -> Search {
    Search { kinds: kinds.to_vec(), candidates, validations: 2, label_days: 30, seed: 5 }
}

fn run(search: &Search, rows: TrainingRows, threads: usize) -> Searched {
    let threads = NonZeroUsize::new(threads).unwrap();
    search.run(&TrainingSet::new(rows).unwrap(), threads, &mut |_, _| {}).unwrap()
}

#[test]
fn halves_the_candidates_and_gives_the_last_more_rows_and_cuts() {
    let set = TrainingSet::new(rows(8_000)).unwrap();
    let mut reported = Vec::new();
    let search = search(&[LearnerKind::Tree, LearnerKind::Logistic], 10);
    let found = search.run(&set, NonZeroUsize::MIN, &mut |done, all| reported.push((done, all))).unwrap();
    let count = |rung| found.trials.iter().filter(|trial| trial.rung == rung).count();
    let candidates = count(1);
    assert!((8..=10).contains(&candidates), "{candidates}");
    assert_eq!((count(2), count(3)), (candidates.div_ceil(3), 0), "three are judged to the end");
    let rungs: Vec<_> = [1, 2].map(|rung| found.trials.iter().find(|trial| trial.rung == rung).unwrap()).into();
    assert!(rungs[0].rows < rungs[1].rows && rungs[0].aucs.len() == 1 && rungs[1].aucs.len() == 2);
    assert_eq!(found.trials.iter().filter(|trial| trial.rung == 2 && trial.kept).count(), 1);
    assert!(found.in_time_order);
    let all = reported.len();
    assert_eq!(reported, (1..=all).map(|done| (done, all)).collect::<Vec<_>>());
    // The truth has thresholds and products: trees see what a line cannot.
    assert_eq!(found.best.kind(), LearnerKind::Tree, "{:?}", found.trials);
}

#[test]
fn neither_threads_nor_the_order_of_rows_change_what_is_found() {
    let rows = rows(4_000);
    let reversed = TrainingRows {
        columns: rows.columns.iter().map(|column| column.iter().rev().copied().collect()).collect(),
        labels: rows.labels.iter().rev().copied().collect(),
        keys: rows.keys.iter().rev().cloned().collect(),
        cuts: rows.cuts.iter().rev().copied().collect(),
        feature_names: rows.feature_names.clone(),
    };
    let search = search(&LearnerKind::ALL, 4);
    assert_eq!(run(&search, rows, 1), run(&search, reversed, 3));
}

/// Of the last cut every label is turned: what is fitted on earlier cuts alone ranks it backwards.
#[test]
fn nothing_is_learnt_from_the_cut_that_judges() {
    let mut rows = rows(4_000);
    let last = rows.cuts.iter().max().copied();
    for (label, cut) in rows.labels.iter_mut().zip(&rows.cuts) {
        *label ^= Some(*cut) == last;
    }
    let found = run(&Search { validations: 1, ..search(&[LearnerKind::Tree], 1) }, rows, 2);
    assert!(found.trials[0].auc < 0.45, "{:?}", found.trials);
}

#[test]
fn boosting_keeps_the_rounds_that_help() {
    let found = run(&search(&[LearnerKind::Boosted], 1), rows(4_000), 2);
    let ModelParams::Boosted(params) = found.best else { panic!("{:?}", found.best) };
    assert!(params.rounds > 5 && params.rounds < 150 && params.patience == 0, "{params:?}");
}

#[test]
fn rows_without_time_are_parted_by_customer() {
    let mut rows = rows(4_000);
    rows.cuts.fill("2024-01-01".parse().unwrap());
    rows.keys = (0..4_000).map(|row| format!("C{row:06}")).collect();
    let found = run(&search(&[LearnerKind::Tree], 1), rows, 2);
    assert!(!found.in_time_order && found.trials[0].aucs.len() == 2);
}

#[test]
fn many_cuts_become_blocks_of_whole_cuts() {
    let first: Ds = "2024-01-01".parse().unwrap();
    let cuts: Vec<Ds> = (0..1_000).map(|row| first.plus_days(row / 10)).collect();
    let blocks = blocks(&cuts);
    let newest = blocks.iter().filter(|block| **block == blocks[999]).count();
    assert!(newest >= 1_000 / 12, "the newest {newest} rows are a whole block");
    assert!(blocks.is_sorted() && (10..=12).contains(&(blocks[999] + 1)), "{}", blocks[999]);
    assert!(cuts.windows(2).zip(blocks.windows(2)).all(|(cut, block)| cut[0] != cut[1] || block[0] == block[1]));
    assert_eq!(super::blocks(&cuts[..50]), (0..50).map(|row| row / 10).collect::<Vec<_>>());
}

#[test]
fn refuses_numbers_outside_of_their_range() {
    let set = TrainingSet::new(rows(400)).unwrap();
    let message = |search: Search| search.run(&set, NonZeroUsize::MIN, &mut |_, _| {}).unwrap_err().to_string();
    assert_eq!(message(search(&[LearnerKind::Tree], 0)), "`candidates` is 0: it must be from 1 to 200");
    assert_eq!(message(search(&[], 1)), "`kinds` is 0: it must be from 1 to 4");
    let validations = Search { validations: 11, ..search(&[LearnerKind::Tree], 1) };
    assert_eq!(message(validations), "`validations` is 11: it must be from 1 to 10");
}
