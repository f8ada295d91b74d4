//! Better plans by switching one customer or two at once.
//!
//! What keeps a plan from the bound is mostly room under the rules that no single offer fits. Among a few hundred customers who
//! are nearly indifferent there are about a million pairs of switches, and some pair fills almost any room.

use crate::core::Member;
use crate::order::some_of_each;
use crate::repair::{PATIENT, Rates};

/// Rounds of looking at all pairs; each makes the plan better.
const MOST_ROUNDS: usize = 60;
/// Rounds where the rules need not be kept yet: a large population is far off at first.
const MOST_LOOSE_ROUNDS: usize = 240;
/// Switches that pairs are made of, the least costly at the prices: where all pairs must keep the rules, and where none must.
const MOST_SWITCHES: usize = 1_500;
const MOST_LOOSE_SWITCHES: usize = 500;
/// Rules whose room is tried to be used up, and how many times it counts meanwhile.
const MOST_SHAKES: usize = 4;
const URGENCY: f64 = 4.0;

/// A switch of one member.
struct Switch {
    member: usize,
    to: usize,
    gain: i64,
    /// What it loses at the prices, in cents.
    lost: f64,
    adds: Vec<i64>,
}

/// Makes the switches and pairs of switches that cost the least in all, broken rules at their penalties, until none is left that
/// helps and no rule is broken.
pub(crate) fn balance(members: &mut [Member], room: &mut [i64], rates: &mut Rates) {
    let mut shares = PATIENT.iter();
    let mut share = shares.next().copied().unwrap_or(1.0);
    for _ in 0..MOST_LOOSE_ROUNDS {
        let switches = switches(members, MOST_LOOSE_SWITCHES, rates.denominator);
        let pairs = cheapest_pairs(&switches, room, rates, share);
        if !pairs.is_empty() {
            make_some(members, room, &switches, &pairs, rates);
        } else if let Some(&more) = shares.next() {
            share = more;
        } else if rates.grow(room) {
            shares = PATIENT.iter();
        } else {
            return;
        }
    }
}

/// Makes the cheapest pair, and of the others what still helps half as much as it did alone.
fn make_some(members: &mut [Member], room: &mut [i64], switches: &[Switch], pairs: &[(f64, Pair)], rates: &Rates) {
    let mut has_moved = vec![false; members.len()];
    for &(expected, (first, second)) in pairs {
        let both = || [Some(first), second].into_iter().flatten().map(|at| &switches[at]);
        if both().any(|switch| has_moved[switch.member]) {
            continue;
        }
        let after = |rule: usize| room[rule] - both().map(|switch| switch.adds[rule]).sum::<i64>();
        let eased: f64 = (0..room.len()).map(|rule| rates.cost(rule, room[rule]) - rates.cost(rule, after(rule))).sum();
        if both().map(|switch| switch.lost).sum::<f64>() - eased <= 0.5 * expected {
            both().for_each(|switch| has_moved[switch.member] = true);
            make(members, room, switches, (first, second));
        }
    }
}

/// Tries to use up what is left unused: for a while the costliest room counts several times, then the rest is balanced again. What
/// makes the plan no better is taken back.
pub(crate) fn shake(members: &mut [Member], room: &mut [i64], rates: &Rates) {
    let unused = |rule: usize, room: &[i64]| rates.prices[rule] * room[rule].max(0) as f64;
    let mut costliest: Vec<usize> = (0..room.len()).filter(|&rule| unused(rule, room) > 0.5).collect();
    costliest.sort_by(|&left, &right| unused(right, room).total_cmp(&unused(left, room)));
    for rule in costliest.into_iter().take(MOST_SHAKES) {
        let (before, before_room) = (held(members), room.to_vec());
        let mut urgent = rates.clone();
        urgent.prices[rule] *= URGENCY;
        balance(members, room, &mut urgent);
        balance(members, room, &mut rates.clone());
        let is_kept = room.iter().all(|room| *room >= 0);
        if !is_kept || value_change(members, &before) <= 0 {
            members.iter_mut().zip(before).for_each(|(member, held)| member.held = held);
            room.copy_from_slice(&before_room);
        }
    }
}

fn held(members: &[Member]) -> Vec<usize> {
    members.iter().map(|member| member.held).collect()
}

fn value_change(members: &[Member], before: &[usize]) -> i64 {
    members.iter().zip(before).map(|(member, &before)| member.held().value - member.choices[before].value).sum()
}

/// Makes the best switch or pair of switches that the room allows, until none is left that gains.
pub(crate) fn improve(members: &mut [Member], room: &mut [i64], denominator: f64) {
    for _ in 0..MOST_ROUNDS {
        let switches = switches(members, MOST_SWITCHES, denominator);
        let Some(pair) = best_pair(&switches, room) else { return };
        make(members, room, &switches, pair);
    }
}

/// One switch, and a second one.
type Pair = (usize, Option<usize>);

fn make(members: &mut [Member], room: &mut [i64], switches: &[Switch], (first, second): Pair) {
    for switch in [Some(first), second].into_iter().flatten() {
        let Switch { member, to, ref adds, .. } = switches[switch];
        members[member].held = to;
        room.iter_mut().zip(adds).for_each(|(room, add)| *room -= add);
    }
}

/// The switches that cost the least at the prices, some of every class: whatever a rule lacks, there is something that gives it.
fn switches(members: &[Member], most: usize, denominator: f64) -> Vec<Switch> {
    let mut all: Vec<(i128, usize, usize)> = Vec::new();
    for (at, member) in members.iter().enumerate() {
        let others = member.choices.iter().enumerate().filter(|(to, _)| *to != member.held);
        all.extend(others.map(|(to, choice)| (choice.loss - member.held().loss, at, to)));
    }
    all.sort_unstable();
    let class = |&(_, at, to): &(i128, usize, usize)| (members[at].held().cell, members[at].choices[to].cell);
    some_of_each(&mut all, most, class);
    all.into_iter().map(|(loss, at, to)| Switch::new(members, (loss, at, to), denominator)).collect()
}

impl Switch {
    fn new(members: &[Member], (loss, at, to): (i128, usize, usize), denominator: f64) -> Self {
        let (choice, held) = (&members[at].choices[to], members[at].held());
        let adds = choice.adds.iter().zip(&held.adds).map(|(new, old)| new - old).collect();
        Self { member: at, to, gain: choice.value - held.value, lost: loss as f64 / denominator, adds }
    }
}

/// For every switch the cheapest way to make it, alone or with another, if that helps; the cheapest first.
///
/// What it loses is at most `share` of what it brings the rules.
fn cheapest_pairs(switches: &[Switch], room: &[i64], rates: &Rates, share: f64) -> Vec<(f64, Pair)> {
    let rules = 0..room.len();
    let now: f64 = rules.clone().map(|rule| rates.cost(rule, room[rule])).sum();
    let mut pairs = Vec::new();
    for (first, one) in switches.iter().enumerate() {
        let after: Vec<i64> = room.iter().zip(&one.adds).map(|(room, add)| room - add).collect();
        let eased = now - rules.clone().map(|rule| rates.cost(rule, after[rule])).sum::<f64>();
        let mut best = (if one.lost <= share * eased { one.lost - eased } else { 0.0 }, None);
        for (second, other) in switches.iter().enumerate().skip(first + 1) {
            // By rising loss: all that follow lose more than the rules can give.
            if one.lost + other.lost - now >= best.0.min(0.0) {
                break;
            }
            if one.member == other.member {
                continue;
            }
            let eased = now - rules.clone().map(|rule| rates.cost(rule, after[rule] - other.adds[rule])).sum::<f64>();
            let lost = one.lost + other.lost;
            if lost - eased < best.0 && lost <= share * eased {
                best = (lost - eased, Some(second));
            }
        }
        if best.0 < -1e-6 {
            pairs.push((best.0, (first, best.1)));
        }
    }
    pairs.sort_by(|left, right| left.0.total_cmp(&right.0));
    pairs
}

fn best_pair(switches: &[Switch], room: &[i64]) -> Option<Pair> {
    let fits_alone = |switch: &Switch| switch.adds.iter().zip(room).all(|(add, room)| add <= room);
    let mut best = (0, None);
    for (first, one) in switches.iter().enumerate() {
        if one.gain > best.0 && fits_alone(one) {
            best = (one.gain, Some((first, None)));
        }
        for (second, other) in switches.iter().enumerate().skip(first + 1) {
            let gain = one.gain + other.gain;
            if gain <= best.0 || one.member == other.member {
                continue;
            }
            let fits = one.adds.iter().zip(&other.adds).zip(room).all(|((one, other), room)| one + other <= *room);
            if fits {
                best = (gain, Some((first, Some(second))));
            }
        }
    }
    best.1
}
