//! A file of offers as an instance: rows in any order, checked, and put into the one order that the solver sees.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use mainstay_config::offer_policy::OWN_COLUMNS;
use mainstay_config::rule_rows::{Catalogue, OfferKind};
use mainstay_config::rules::{AllocationRules, KnownNames, ValueSource};
use mainstay_config::{OfferPolicy, OfferPolicyFile};
use mainstay_schema::plan::{Instance, Offer, Offers};
use mainstay_schema::{BlockedBy, Cents, DigestHasher};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::columns::Wanted;
use super::error::AllocateFileError as Error;
use super::files::open_rows;
use super::labels::Ids;
use super::rows::{Rows, Table};

/// What a file of offers asks, and whom its positions stand for.
#[derive(Debug)]
pub(super) struct LabelledInstance {
    pub(super) instance: Instance,
    pub(super) ids: Ids,
    /// What the kinds stand for.
    pub(super) kinds: Vec<OfferKind>,
    /// The rules that forbid any contact, by customer.
    pub(super) blocked_by: Vec<BlockedBy>,
}

/// Reads offers under a policy whose names are checked against them.
///
/// # Errors
/// The first thing that is wrong with the file, or a name of the policy that it does not have.
pub(super) fn read(path: &Path, policy: &OfferPolicyFile) -> Result<LabelledInstance, Error> {
    let builder = open_rows(path)?;
    let columns: Vec<&str> = builder.schema().fields().iter().map(|field| field.name().as_str()).collect();
    policy.check_ignored(&columns)?;
    policy.check_names(&columns_alone(builder.schema(), policy.policy()))?;
    let table = collect(path, builder, policy.policy())?;
    policy.check_names(&table.known_names())?;
    labelled(path, table, policy.policy())
}

/// The same for a policy that was checked when it was written down.
pub(super) fn read_again(path: &Path, policy: &OfferPolicy) -> Result<LabelledInstance, Error> {
    let builder = open_rows(path)?;
    labelled(path, collect(path, builder, policy)?, policy)
}

/// Before anything is read only the columns can be wrong.
fn columns_alone(schema: &SchemaRef, policy: &OfferPolicy) -> KnownNames {
    let names = |of: fn(&mainstay_config::rules::Limit) -> &Option<String>| {
        policy.rules.limits.iter().filter_map(of_some(of)).collect()
    };
    let only = policy.rules.eligibility.iter();
    let mut known =
        KnownNames { channels: names(|limit| &limit.channel), offers: names(|limit| &limit.offer), groups: Vec::new() };
    known.channels.extend(only.clone().filter_map(|rule| rule.channel.clone()));
    known.offers.extend(only.filter_map(|rule| rule.offer.clone()));
    let columns = schema.fields().iter().map(|field| field.name()).filter(|name| !OWN_COLUMNS.contains(&name.as_str()));
    known.groups = columns.map(|name| (name.clone(), None)).collect();
    known
}

fn of_some(
    of: fn(&mainstay_config::rules::Limit) -> &Option<String>,
) -> impl Fn(&mainstay_config::rules::Limit) -> Option<String> {
    move |limit| of(limit).clone()
}

fn collect(path: &Path, builder: ParquetRecordBatchReaderBuilder<File>, policy: &OfferPolicy) -> Result<Table, Error> {
    let OfferPolicy { rules, ignored_columns, .. } = policy;
    let wanted = Wanted {
        groups: &rules.group_columns(),
        ignored: ignored_columns,
        with_lower_bound: rules.value == ValueSource::LowerBound,
    };
    let mut rows = Rows::new(path, builder.schema(), &wanted)?;
    let reader = builder.build().map_err(|source| Error::Damaged { path: path.to_owned(), source })?;
    for batch in reader {
        let batch = batch.map_err(|error| Error::Damaged { path: path.to_owned(), source: error.into() })?;
        rows.append(&batch)?;
    }
    rows.finish()
}

/// Filters the offers by the policy, and writes its rules as rows.
fn labelled(path: &Path, table: Table, policy: &OfferPolicy) -> Result<LabelledInstance, Error> {
    let rules = &policy.rules;
    let explores = rules.exploration_budget_cents > 0;
    let kinds = kinds(&table, explores);
    if kinds.len() > usize::from(u16::MAX) + 1 {
        return Err(Error::TooMany { path: path.to_owned(), what: "pairs of offer and channel" });
    }
    let mut sizes = vec![0; table.segments.len()];
    let mut offers = Offers::new(labels(&table, &kinds)).with_capacity(table.ids.len(), table.rows());
    for customer in 0..table.ids.len() {
        let own = table.of(customer);
        check_unique(path, &table, customer, own.clone())?;
        let segment = table.segment_of[customer];
        let is_blocked = table.blocked_by[customer].0 != 0;
        if !is_blocked {
            sizes[usize::from(segment)] += 1;
        }
        let made = own.filter(|_| !is_blocked).filter_map(|at| made(&table, at, segment, rules));
        offers.push_customer(segment, made);
    }
    let catalogue =
        Catalogue { kinds, group_columns: table.group_columns.clone(), segments: table.segments.clone(), sizes };
    let instance = Instance { offers: Arc::new(offers), rules: rules.rows(policy.budget_cents, &catalogue) };
    Ok(LabelledInstance { instance, ids: table.ids, kinds: catalogue.kinds, blocked_by: table.blocked_by })
}

fn kinds(table: &Table, explores: bool) -> Vec<OfferKind> {
    let kind = |(offer, channel): &(String, String), is_exploratory| OfferKind {
        offer: offer.clone(),
        channel: channel.clone(),
        is_exploratory,
    };
    let twice = |pair| {
        [false, true]
            .into_iter()
            .filter(move |is_exploratory| explores || !is_exploratory)
            .map(move |flag| kind(pair, flag))
    };
    table.pairs.iter().flat_map(twice).collect()
}

/// The offer that a row makes under the rules, if it makes one.
fn made(table: &Table, at: usize, segment: u16, rules: &AllocationRules) -> Option<Offer> {
    let pair = table.pair_of[at];
    let (offer, channel) = table.pairs.get(pair as usize)?;
    let group_of = |column: &str| {
        let place = table.group_columns.iter().position(|name| name == column)?;
        table.segments.get(usize::from(segment))?.get(place).cloned()
    };
    let explores = rules.exploration_budget_cents > 0;
    let expected = table.value[at];
    let (value, is_exploratory) = match (rules.value, table.lower.get(at)) {
        (ValueSource::LowerBound, Some(&lower)) if lower > 0 => (lower, false),
        (ValueSource::LowerBound, _) if explores && expected > 0 => (expected, true),
        (ValueSource::LowerBound, _) => return None,
        (ValueSource::Expected, _) => (expected, false),
    };
    let is_made = value >= rules.minimum_value_cents && rules.is_eligible(offer, channel, group_of);
    let kind = pair * (1 + u32::from(explores)) + u32::from(is_exploratory);
    is_made.then_some(Offer { kind: kind as u16, value: Cents(value), cost: Cents(table.cost[at]) })
}

/// No customer has an offer of one name twice, so that a row of the plan names one offer.
fn check_unique(path: &Path, table: &Table, customer: usize, own: Range<usize>) -> Result<(), Error> {
    let offer = |at: usize| table.pairs.get(table.pair_of[at] as usize).map(|(offer, _)| offer);
    // Pairs are sorted by offer first.
    match own.clone().zip(own.skip(1)).find(|&(one, other)| offer(one) == offer(other)) {
        None => Ok(()),
        Some((one, _)) => Err(Error::Duplicate {
            path: path.to_owned(),
            customer: table.ids.told(customer),
            offer: offer(one).cloned().unwrap_or_default(),
        }),
    }
}

/// The digest of the ids, kinds and groups that the positions stand for.
fn labels(table: &Table, kinds: &[OfferKind]) -> mainstay_schema::Digest {
    let mut hasher = DigestHasher::new();
    match &table.ids {
        Ids::Numbers(ids) => {
            hasher.integers(ids.iter().copied());
        }
        Ids::Texts { ids, .. } => {
            for id in ids {
                hasher.frame(id.as_bytes());
            }
        }
    }
    for kind in kinds {
        hasher.frame(kind.offer.as_bytes()).frame(kind.channel.as_bytes()).integer(i64::from(kind.is_exploratory));
    }
    for group in table.group_columns.iter().chain(table.segments.iter().flatten()) {
        hasher.frame(group.as_bytes());
    }
    hasher.finish()
}
