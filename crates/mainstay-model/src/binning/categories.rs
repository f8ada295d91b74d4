//! The questions for categories of one feature: which rows are of which class, and from that each answer.
//!
//! Values that no question of the ensemble distinguishes are one *class*. A question's answer for a block of rows is then the union of
//! the rows of its classes, a bit a row, or what is left of that of the other classes. Missing values are classes too, so that
//! a question includes its default direction.
//!
//! Classes go by fours: the rows of class 4 g + i are those of group g that also are the i-th of their group. What a question
//! asks of a group is then one intersection, with one of the 16 unions of the rows that are first, second, third or fourth. Where
//! there are few classes and the machine finds bytes in a table of 16, each row looks its own class up in the set instead.

use super::Answer;
use crate::column::BLOCK_ROWS;
use crate::condition::{CategorySet, MAX_CATEGORIES, Missing};
use crate::kernel::bytes::{ByteSet, Bytes, LaneBytes, RowBits};

/// What a split on categories asks: the set that goes left, and which missing values go left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) set: CategorySet,
    pub(super) zero_is_missing: bool,
    pub(super) missing_left: bool,
}

/// The distinct questions of a feature in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Categories {
    questions: Vec<Question>,
    class_of: ByAtom,
    class_count: usize,
}

/// How a question is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Union {
    /// Of the rows that go right.
    pub(super) inverted: bool,
    pub(super) flagged: bool,
    /// Of each group with classes in the union: [`GROUP_UNIONS`] times its number, plus the classes as bits. Where the list would be
    /// long the union is *flagged*, and these are bits instead: bit c % 32 of number c / 32 for class c.
    pub(super) parts: Vec<u32>,
    /// The classes of rows that go left, where they are at most [`MOST_LOOKED_UP`].
    pub(super) set: ByteSet,
}

/// Classes of a group.
const GROUP: usize = 4;
const GROUP_UNIONS: usize = 1 << GROUP;
/// The longest list of groups: a union costs as much by then as to ask row by row.
const MOST_LISTED: usize = 256;
/// The most classes of a feature whose rows look theirs up.
const MOST_LOOKED_UP: usize = 8 * size_of::<ByteSet>();

/// The classes of the rows of a block.
#[derive(Debug, Clone)]
pub(super) struct Classes {
    /// By group.
    groups: Vec<RowSet>,
    /// Number m has the rows that are an i-th of their group for which bit i of m is set.
    within: [RowSet; GROUP_UNIONS],
    /// By row; empty where no question needs it.
    by_row: Vec<u32>,
    looked_up: Option<Box<LookedUp>>,
}

/// The class of each row, as [`Bytes::look_up`] wants it.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct LookedUp {
    place: LaneBytes,
    bit: LaneBytes,
}

#[derive(Debug, Clone, Copy, Default)]
#[repr(align(32))]
struct RowSet(RowBits);

// Atoms are what the kinds of condition can distinguish: what is in no set, the two kinds of missing value, and each code.
const OUTSIDE: u32 = 0;
const NAN: u32 = 1;
const ZERO: u32 = 2;
const FIRST_CODE: u32 = 3;

impl Question {
    /// The atoms that go left.
    fn atoms(&self) -> impl Iterator<Item = u32> {
        let zero_left = if self.zero_is_missing { self.missing_left } else { self.set.contains(0) };
        let codes = self.set.codes().map(|code| FIRST_CODE + code);
        codes.chain(self.missing_left.then_some(NAN)).chain(zero_left.then_some(ZERO))
    }

    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let flags = |question: &Self| (question.zero_is_missing, question.missing_left);
        flags(self).cmp(&flags(other)).then_with(|| self.set.codes().cmp(other.set.codes()))
    }
}

impl Categories {
    pub(super) fn new(mut questions: Vec<Question>) -> Self {
        questions.sort_by(Question::compare);
        questions.dedup();
        Self { questions, ..Self::default() }
    }

    /// Makes the questions ready to be answered.
    pub(super) fn build(&mut self) {
        self.class_of = classes(&self.questions);
        self.class_count = self.class_of.classes.iter().max().map_or(0, |last| *last as usize + 1);
    }

    fn group_count(&self) -> usize {
        self.class_count.div_ceil(GROUP)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.questions.is_empty()
    }

    pub(super) fn position(&self, question: &Question) -> Option<usize> {
        self.questions.binary_search_by(|of| of.compare(question)).ok()
    }

    /// Room for the classes of a block.
    pub(super) fn room(&self) -> Classes {
        let by_row = if self.group_count() > MOST_LISTED { vec![0; BLOCK_ROWS] } else { Vec::new() };
        Classes {
            groups: vec![RowSet::default(); self.group_count()],
            within: [RowSet::default(); GROUP_UNIONS],
            by_row,
            looked_up: (self.class_count <= MOST_LOOKED_UP)
                .then(|| Box::new(LookedUp { place: [0; BLOCK_ROWS], bit: [0; BLOCK_ROWS] })),
        }
    }

    /// Finds the classes of values.
    #[inline(always)]
    pub(super) fn fill<B: Bytes>(&self, values: &[f64], classes: &mut Classes) {
        let mut by_row = [OUTSIDE; BLOCK_ROWS];
        for (atom, value) in by_row.iter_mut().zip(values) {
            *atom = atom_of(*value);
        }
        for class in &mut by_row {
            *class = self.class_of.get(*class);
        }
        if B::LOOKS_UP
            && let Some(looked_up) = &mut classes.looked_up
        {
            looked_up.place = by_row.map(|class| (class / 8) as i8);
            looked_up.bit = by_row.map(|class| (1u8 << (class % 8)).cast_signed());
            return;
        }
        classes.groups.fill(RowSet::default());
        for (row, class) in by_row.iter().enumerate() {
            if let Some(group) = classes.groups.get_mut(*class as usize / GROUP) {
                group.0[row / 64] |= 1 << (row % 64);
            }
        }
        unite(&by_row, &mut classes.within);
        for (of, class) in classes.by_row.iter_mut().zip(by_row) {
            *of = class;
        }
    }

    /// How to answer a question.
    pub(super) fn union(&self, question: usize) -> Union {
        let mut inside: Vec<u32> = self.questions[question].atoms().map(|atom| self.class_of.get(atom)).collect();
        inside.sort_unstable();
        inside.dedup();
        let mut rest = inside.iter().copied().peekable();
        let outside: Vec<u32> = (0..self.class_count as u32).filter(|class| rest.next_if_eq(class).is_none()).collect();
        let mut set = ByteSet::default();
        for class in &inside {
            if let Some(byte) = set.get_mut(*class as usize / 8) {
                *byte |= 1 << (class % 8);
            }
        }
        let (parts, other_parts) = (self.parts(&inside), self.parts(&outside));
        let inverted = other_parts.len() < parts.len();
        let (classes, parts) = if inverted { (outside, other_parts) } else { (inside, parts) };
        let flagged = parts.len() > MOST_LISTED;
        Union { inverted, flagged, parts: if flagged { flags(&classes) } else { parts }, set }
    }

    /// What a union of classes asks of the groups; all groups where it is most of them, so that the questions of a feature tend to take
    /// the same number of steps.
    fn parts(&self, classes: &[u32]) -> Vec<u32> {
        let (group, unions) = (GROUP as u32, GROUP_UNIONS as u32);
        let mut parts: Vec<u32> = (0..self.group_count() as u32).map(|group| group * unions).collect();
        for class in classes {
            parts[(class / group) as usize] |= 1 << (class % group);
        }
        let is_asked = |part: &u32| !part.is_multiple_of(unions);
        if parts.iter().filter(|part| is_asked(part)).count() <= parts.len() / 2 {
            parts.retain(is_asked);
        }
        parts
    }
}

impl Classes {
    /// Writes -1 for the rows that go left and 0 for the others.
    #[inline(always)]
    pub(super) fn answer<B: Bytes>(&self, answer: &Answer, parts: &[u32], lane: &mut LaneBytes) {
        if B::LOOKS_UP
            && let Some(LookedUp { place, bit }) = self.looked_up.as_deref()
        {
            B::look_up(&answer.set, place, bit, lane);
        } else {
            B::spread(&self.rows(parts, answer.flagged).map(|bits| bits ^ answer.inverted), lane);
        }
    }

    /// The rows of a union, before it is inverted.
    #[inline(always)]
    fn rows(&self, parts: &[u32], flagged: bool) -> RowBits {
        let mut bits = RowBits::default();
        if flagged {
            for (row, class) in self.by_row.iter().enumerate() {
                let word = parts.get(*class as usize / 32).copied().unwrap_or_default();
                bits[row / 64] |= u64::from(word >> (class % 32) & 1) << (row % 64);
            }
            return bits;
        }
        // Most questions ask of all groups.
        if parts.len() == self.groups.len() {
            for (part, group) in parts.iter().zip(&self.groups) {
                add_intersection(&mut bits, group, &self.within[*part as usize % GROUP_UNIONS]);
            }
            return bits;
        }
        for part in parts {
            let Some(group) = self.groups.get(*part as usize / GROUP_UNIONS) else { continue };
            add_intersection(&mut bits, group, &self.within[*part as usize % GROUP_UNIONS]);
        }
        bits
    }
}

#[inline(always)]
fn add_intersection(bits: &mut RowBits, a: &RowSet, b: &RowSet) {
    for (bits, (a, b)) in bits.iter_mut().zip(a.0.iter().zip(&b.0)) {
        *bits |= a & b;
    }
}

/// See [`Classes::within`].
#[inline(always)]
fn unite(by_row: &[u32; BLOCK_ROWS], within: &mut [RowSet; GROUP_UNIONS]) {
    let (rows, _) = by_row.as_chunks::<64>();
    for (word, rows) in rows.iter().enumerate() {
        let [mut low, mut high] = [0, 0];
        for (row, class) in rows.iter().enumerate() {
            low |= u64::from(class & 1) << row;
            high |= u64::from(class >> 1 & 1) << row;
        }
        let of = [!high & !low, !high & low, high & !low, high & low];
        for (union, set) in within.iter_mut().enumerate() {
            let of_union = |i: usize| if union >> i & 1 == 1 { of[i] } else { 0 };
            set.0[word] = of_union(0) | of_union(1) | of_union(2) | of_union(3);
        }
    }
}

fn flags(classes: &[u32]) -> Vec<u32> {
    let mut words = vec![0; classes.last().map_or(0, |last| *last as usize / 32 + 1)];
    for class in classes {
        words[*class as usize / 32] |= 1 << (class % 32);
    }
    words
}

/// See [`CategorySet::contains_value`] and [`Missing::includes`].
#[inline(always)]
fn atom_of(value: f64) -> u32 {
    let is_code = value > -1.0 && value < f64::from(MAX_CATEGORIES);
    let atom = if is_code { FIRST_CODE + value as u32 } else { OUTSIDE };
    let atom = if Missing::NanOrZero.includes(value) { ZERO } else { atom };
    if value.is_nan() { NAN } else { atom }
}

/// The class of each atom. Each question splits the classes that it cuts through.
fn classes(questions: &[Question]) -> ByAtom {
    const NONE: u32 = u32::MAX;
    let mut class_of = ByAtom::new(questions);
    let mut split_into = vec![NONE];
    for question in questions {
        let first_new = split_into.len() as u32;
        let mut split = Vec::new();
        for atom in question.atoms() {
            let class = class_of.get_mut(atom);
            let into = &mut split_into[*class as usize];
            if *into == NONE {
                *into = first_new + split.len() as u32;
                split.push(*class);
            }
            *class = *into;
        }
        for class in &split {
            split_into[*class as usize] = NONE;
        }
        split_into.resize(split_into.len() + split.len(), NONE);
    }
    let mut numbers = vec![NONE; split_into.len()];
    let mut count = 0;
    for class in &mut class_of.classes {
        let number = &mut numbers[*class as usize];
        if *number == NONE {
            *number = count;
            count += 1;
        }
        *class = *number;
    }
    class_of
}

/// A class for each atom, 0 for those that no question names. It takes memory by how many are named, not by the greatest of them.
#[derive(Debug, Clone, Default)]
struct ByAtom {
    /// By atom / 64: where its page begins in `classes`, in pages. The first page is of those that are not named.
    pages: Vec<u16>,
    classes: Vec<u32>,
}

const PAGE_ATOMS: usize = 64;

impl ByAtom {
    fn new(questions: &[Question]) -> Self {
        let mut pages = Vec::new();
        for atom in questions.iter().flat_map(Question::atoms) {
            let page = atom as usize / PAGE_ATOMS;
            pages.resize(pages.len().max(page + 1), 0);
            pages[page] = 1;
        }
        let mut named = 0;
        for page in pages.iter_mut().filter(|page| **page == 1) {
            named += 1;
            *page = named;
        }
        Self { pages, classes: vec![0; PAGE_ATOMS * (usize::from(named) + 1)] }
    }

    #[inline(always)]
    fn place(&self, atom: u32) -> usize {
        let page = self.pages.get(atom as usize / PAGE_ATOMS).copied().unwrap_or_default();
        usize::from(page) * PAGE_ATOMS + atom as usize % PAGE_ATOMS
    }

    #[inline(always)]
    fn get(&self, atom: u32) -> u32 {
        self.classes.get(self.place(atom)).copied().unwrap_or_default()
    }

    fn get_mut(&mut self, atom: u32) -> &mut u32 {
        let place = self.place(atom);
        &mut self.classes[place]
    }
}
