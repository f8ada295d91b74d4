//! Customers who are one but for how their ids are written: whoever forbade contact under one id would be contacted under the other.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use mainstay_files::key_text::{in_small_letters, trimmed};
use mainstay_schema::BlockedBy;

use super::error::AllocateFileError as Error;

/// Two customers by their numbers, and how many more there are.
struct Twins {
    one: usize,
    other: usize,
    more: u64,
}

/// Refuses ids that differ by what stands unseen around them alone, and ids that differ by the case of letters alone where one of both
/// must be left alone and the other need not. Ids and `blocked_by` are by number of the customer, as is `customer_of` by row.
pub(super) fn refuse(path: &Path, ids: &[String], blocked_by: &[BlockedBy], customer_of: &[u32]) -> Result<(), Error> {
    let path = path.to_owned();
    let first = |customer: usize| {
        let row = customer_of.iter().position(|&other| other as usize == customer).unwrap_or_default() as u64;
        (ids.get(customer).cloned().unwrap_or_default(), row)
    };
    if let Some(Twins { one, other, more }) = but_for_marks(ids) {
        let ((id, row), (other, other_row)) = (first(one), first(other));
        return Err(Error::MarkedTwins { path, id, row, other, other_row, more });
    }
    if let Some(Twins { one, other, more }) = but_for_case(ids, blocked_by) {
        let ((id, row), (other, other_row)) = (first(one), first(other));
        return Err(Error::BlockedTwin { path, id, row, other, other_row, more });
    }
    Ok(())
}

/// The first two ids that are one in small letters and without the marks around one of both, as the daily job finds them.
fn but_for_marks(ids: &[String]) -> Option<Twins> {
    // Nearly always there is none, and nothing to look up.
    let is_marked = |id: &str| trimmed(id).len() < id.len();
    let marked: HashSet<Cow<'_, str>> = ids.iter().filter(|id| is_marked(id)).map(|id| in_small_letters(id)).collect();
    if marked.is_empty() {
        return None;
    }
    let mut groups: HashMap<Cow<'_, str>, Vec<usize>> = HashMap::with_capacity(marked.len());
    for (customer, id) in ids.iter().enumerate() {
        let plain = in_small_letters(id);
        if marked.contains(&plain) {
            groups.entry(plain).or_default().push(customer);
        }
    }
    let twins = |group: &Vec<usize>| {
        let marked = *group.iter().find(|&&customer| is_marked(&ids[customer]))?;
        let mut others = group.iter().copied().filter(|&customer| customer != marked);
        let is_same = |other: &usize| trimmed(&ids[*other]) == trimmed(&ids[marked]);
        let other = others.clone().find(is_same).or_else(|| others.next())?;
        Some((marked.min(other), marked.max(other)))
    };
    let mut pairs: Vec<(usize, usize)> = groups.values().filter_map(twins).collect();
    pairs.sort_unstable();
    counted(&pairs)
}

/// The first two ids that are one in small letters, the first of which must be left alone and the other not.
fn but_for_case(ids: &[String], blocked_by: &[BlockedBy]) -> Option<Twins> {
    let of = |is_blocked: bool| {
        let all = ids.iter().zip(blocked_by).enumerate();
        all.filter(move |(_, (_, blocked_by))| (blocked_by.0 != 0) == is_blocked)
            .map(|(customer, (id, _))| (in_small_letters(id), customer))
    };
    let blocked: HashMap<Cow<'_, str>, usize> = of(true).collect();
    if blocked.is_empty() {
        return None;
    }
    let pairs: Vec<(usize, usize)> = of(false).filter_map(|(id, other)| Some((*blocked.get(&id)?, other))).collect();
    counted(&pairs)
}

fn counted(pairs: &[(usize, usize)]) -> Option<Twins> {
    let &(one, other) = pairs.first()?;
    Some(Twins { one, other, more: pairs.len() as u64 - 1 })
}
