//! Values of rows that are kept until they are looked at together, a group at a time.

use arrow::array::{Array, ArrayRef, LargeListArray};
use arrow::buffer::OffsetBuffer;
use datafusion::logical_expr::EmitTo;

/// The values of all groups as they came, each beside its group: no group has memory of its own.
#[derive(Debug, Default)]
pub(crate) struct KeptValues<T> {
    groups: usize,
    rows: Vec<(u32, T)>,
}

/// The values of groups, those of one behind those of another.
pub(crate) struct ByGroup<T> {
    /// Where the values of each group end; the first entry is 0.
    ends: Vec<usize>,
    values: Vec<T>,
}

impl<T: Copy + Default> KeptValues<T> {
    /// Of so many groups, as yet without rows.
    pub(crate) fn of_groups(groups: usize) -> Self {
        Self { groups, rows: Vec::new() }
    }

    pub(crate) fn grow(&mut self, groups: usize) {
        self.groups = self.groups.max(groups);
    }

    pub(crate) fn push(&mut self, group: usize, value: T) {
        self.rows.push((group as u32, value));
    }

    /// Adds the values of lists to the group of each list. The values are those from the first offset to the last.
    pub(crate) fn extend(&mut self, offsets: &[i64], values: &[T], group: impl Fn(usize) -> usize) {
        let first = offsets.first().copied().unwrap_or_default();
        for (list, ends) in offsets.array_windows().enumerate() {
            let [start, end] = ends.map(|end| (end - first) as usize);
            let group = group(list) as u32;
            self.rows.extend(values[start..end].iter().map(|&value| (group, value)));
        }
    }

    /// The values of all groups.
    pub(crate) fn by_group(&self) -> ByGroup<T> {
        ByGroup::of(self.groups, &self.rows)
    }

    /// The values of the first groups, which are no longer known here.
    pub(crate) fn emit(&mut self, emit_to: EmitTo) -> ByGroup<T> {
        let EmitTo::First(groups) = emit_to else { return std::mem::take(self).by_group() };
        let given = ByGroup::of(groups, &self.rows);
        self.groups -= groups;
        self.rows.retain_mut(|(group, _)| {
            let left = (*group as usize).checked_sub(groups);
            *group = left.unwrap_or_default() as u32;
            left.is_some()
        });
        given
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        self.rows.capacity() * size_of::<(u32, T)>()
    }
}

impl<T: Copy + Default> ByGroup<T> {
    /// Those of the first groups.
    fn of(groups: usize, rows: &[(u32, T)]) -> Self {
        let mut ends = vec![0; groups + 1];
        let wanted = || rows.iter().map(|&(group, value)| (group as usize, value)).filter(|&(group, _)| group < groups);
        wanted().for_each(|(group, _)| ends[group + 1] += 1);
        let mut count = 0;
        for end in &mut ends {
            count += *end;
            *end = count;
        }
        let (mut next, mut values) = (ends.clone(), vec![T::default(); count]);
        for (group, value) in wanted() {
            values[next[group]] = value;
            next[group] += 1;
        }
        Self { ends, values }
    }

    /// The offsets of the lists that the values form, one a group, and the values.
    pub(crate) fn into_lists(self) -> (OffsetBuffer<i64>, Vec<T>) {
        (OffsetBuffer::new(self.ends.into_iter().map(|end| end as i64).collect()), self.values)
    }

    /// The values of each group, to be changed at will.
    pub(crate) fn each(&mut self) -> impl Iterator<Item = &mut [T]> {
        let (mut rest, lengths) = (self.values.as_mut_slice(), self.ends.array_windows());
        lengths.map(move |[start, end]| {
            let (values, others) = std::mem::take(&mut rest).split_at_mut(end - start);
            rest = others;
            values
        })
    }
}

/// The values that the lists of an array hold: those of a slice of lists, where it is one.
pub(crate) fn values(lists: &LargeListArray) -> ArrayRef {
    let offsets = lists.offsets();
    let (first, last) = offsets.first().zip(offsets.last()).map_or((0, 0), |(&first, &last)| (first, last));
    lists.values().slice(first as usize, (last - first) as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lists(mut of: ByGroup<i32>) -> Vec<Vec<i32>> {
        of.each().map(|values| values.to_vec()).collect()
    }

    proptest! {
        #[test]
        fn groups_that_are_given_out_early_are_whole(
            rows in prop::collection::vec((0..7_usize, any::<i32>()), 0..100), first in 0..=7_usize,
        ) {
            let mut expected = vec![Vec::new(); 7];
            rows.iter().for_each(|&(group, value)| expected[group].push(value));
            let mut known = KeptValues::of_groups(7);
            rows.iter().for_each(|&(group, value)| known.push(group, value));
            prop_assert_eq!(lists(known.by_group()), expected.clone());
            let (offsets, values) = known.by_group().into_lists();
            let mut merged = KeptValues::of_groups(7);
            let at = offsets[first] as usize;
            merged.extend(&offsets[first..], &values[at..], |list| 6 - first - list);
            merged.extend(&offsets[..=first], &values[..at], |list| 6 - list);
            prop_assert_eq!(lists(merged.by_group()), expected.iter().rev().cloned().collect::<Vec<_>>());
            let mut found = lists(known.emit(EmitTo::First(first)));
            prop_assert_eq!(found.len(), first);
            found.extend(lists(known.emit(EmitTo::All)));
            prop_assert_eq!(found, expected);
        }
    }
}
