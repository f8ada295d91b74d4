//! No file of a crate uses another one that uses it, directly or through others.

pub(crate) mod arrows;
mod tokens;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::harness::root;

use arrows::{Arrows, arrows};

/// Arrows that still close a circle, by crate. To cut one, move what is used into a file of its own, below both; then its line goes, and
/// none comes.
const STILL_THERE: [(&str, &[(&str, &str)]); 3] = [
    (
        "mainstay-model",
        &[
            ("binning.rs", "binning/categories.rs"),
            ("binning.rs", "binning/ladder.rs"),
            ("binning.rs", "kernel.rs"),
            ("ensemble.rs", "explain.rs"),
            ("ensemble.rs", "linear.rs"),
            ("ensemble.rs", "reason.rs"),
            ("import/onnx.rs", "import/onnx/trees.rs"),
            ("kernel/bytes.rs", "kernel.rs"),
            ("scorer.rs", "self_test.rs"),
            ("self_test.rs", "shapley.rs"),
            ("shapley/vector.rs", "shapley.rs"),
        ],
    ),
    (
        "mainstay-scoring",
        &[
            ("added.rs", "request.rs"),
            ("lanes.rs", "request.rs"),
            ("lanes.rs", "row_group.rs"),
            ("request.rs", "output.rs"),
            ("scored.rs", "request.rs"),
        ],
    ),
    (
        "mainstay-standalone",
        &[("train/columns.rs", "train.rs"), ("train/split.rs", "train.rs"), ("train/table.rs", "train.rs")],
    ),
];

/// The parts of the crate of SQL, each of which uses those behind it alone; `project` and `visible` know nothing of each other.
const PARTS_OF_SQL: [&[&str]; 8] = [
    &["load.rs"],
    &["checks"],
    &["plan"],
    &["project", "visible"],
    &["files"],
    &["contract"],
    &["side_by_side.rs"],
    &["error.rs"],
];

#[test]
fn files_of_a_crate_use_each_other_one_way() {
    let crates = crates();
    let mut faults = Vec::new();
    for (name, arrows) in &crates {
        let listed: Arrows = STILL_THERE
            .iter()
            .filter(|(of, _)| of == name)
            .flat_map(|(_, listed)| listed.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())))
            .collect();
        let others: Arrows = arrows.difference(&listed).cloned().collect();
        faults.extend(circle(&others).map(|circle| format!("{name}: a circle: {}", circle.join(" -> "))));
        for (from, to) in &listed {
            if !arrows.contains(&(from.clone(), to.clone())) || path(&others, to, from).is_none() {
                faults.push(format!("{name}: {from} -> {to} closes no circle any more: take it out of STILL_THERE"));
            }
        }
    }
    for (name, _) in STILL_THERE {
        assert!(crates.contains_key(name), "{name} is no crate");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let read: usize = crates.values().map(BTreeSet::len).sum();
    assert!(read > 1_000, "{read} arrows");
}

#[test]
fn the_parts_of_the_crate_of_sql_stand_in_order() {
    let place = |file: &str| {
        let part = file.split('/').next().unwrap();
        let folder = part.trim_end_matches(".rs");
        PARTS_OF_SQL.iter().position(|parts| parts.contains(&part) || parts.contains(&folder))
    };
    let crates = crates();
    let mut between = 0;
    for (from, to) in &crates["mainstay-sql"] {
        let of = |file: &str| place(file).unwrap_or_else(|| panic!("{file} is in no part"));
        let is_within = from.split(['/', '.']).next() == to.split(['/', '.']).next();
        assert!(is_within || of(from) < of(to), "{from} must not use {to}");
        between += usize::from(!is_within);
    }
    assert!(between > 100, "{between} arrows");
}

/// The arrows between the files of each crate, but for those of tests.
fn crates() -> BTreeMap<String, Arrows> {
    let folders = std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let arrows_in = |folder: PathBuf| {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        (name, arrows(&sources(&folder)))
    };
    folders.map(arrows_in).collect()
}

/// The files of a crate, by name below its folder of sources.
pub(crate) fn sources(of_crate: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    read(&of_crate.join("src"), "", &mut files);
    files
}

fn read(folder: &Path, below: &str, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{below}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            read(&path, &format!("{name}/"), files);
        } else if name.ends_with(".rs") {
            files.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// The shortest circle that there is, its first file again at the end.
fn circle(arrows: &Arrows) -> Option<Vec<String>> {
    let closed = arrows.iter().filter_map(|(from, to)| Some([vec![from.clone()], path(arrows, to, from)?].concat()));
    closed.min_by_key(Vec::len)
}

/// The shortest way from one file to another, both included.
fn path(arrows: &Arrows, from: &str, to: &str) -> Option<Vec<String>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([from]);
    while let Some(at) = open.pop_front() {
        if at == to {
            let mut way = vec![at.to_owned()];
            while way[0] != from {
                way.insert(0, came_from[way[0].as_str()].to_owned());
            }
            return Some(way);
        }
        let first = (at.to_owned(), String::new());
        for (_, next) in arrows.range(first..).take_while(|(same, _)| same == at) {
            if next != from && !came_from.contains_key(next.as_str()) {
                came_from.insert(next, at);
                open.push_back(next);
            }
        }
    }
    None
}

/// The arrows between files that are given as they are written.
fn of(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    arrows(&files).into_iter().map(|(from, to)| format!("{from} -> {to}")).collect()
}

#[test]
fn arrows_follow_uses_paths_and_what_pages_pass_on() {
    let page = ("lib.rs", "mod a;\nmod b;\nmod deep;\npub use deep::inner::{Inner, Other as Renamed};");
    let deep = ("deep.rs", "pub(crate) mod inner;\npub(crate) use inner::Inner;");
    let inner = ("deep/inner.rs", "use super::super::b;\npub struct Inner;\npub struct Other;\nfn f() { b::f() }");
    let b = ("b.rs", "pub(crate) fn f() {}");
    for text in ["use crate::deep::Inner;", "use crate::Renamed;", "fn f(x: crate::deep::inner::Other) {}"] {
        assert_eq!(
            of(&[page, deep, inner, b, ("a.rs", text)]),
            ["a.rs -> deep/inner.rs", "deep/inner.rs -> b.rs"],
            "{text}"
        );
    }
    let several = "use crate::{b::{self as other, f}, deep};\nfn g() { other::f(); deep::inner::Inner; }";
    let expected = ["a.rs -> b.rs", "a.rs -> deep/inner.rs", "deep/inner.rs -> b.rs"];
    assert_eq!(of(&[page, deep, inner, b, ("a.rs", several)]), expected);
}

#[test]
fn tests_comments_texts_and_other_crates_draw_no_arrow() {
    let tests =
        "#[cfg(test)]\nmod tests {\n    use crate::b::f;\n}\n#[cfg(test)]\nmod cases;\n#[cfg(test)]\nuse crate::b::f;";
    let words = "// crate::b::f\n/// [`crate::b::f`]\nconst X: &str = \"crate::b::f \\\" \"; const Y: char = '\"'; fn g<'a>() { std::b::f() }";
    for text in [tests, words, "use other::b;\nfn g() { b::f() }"] {
        let files = [("lib.rs", "mod a;\nmod b;"), ("a.rs", text), ("a/cases.rs", "use crate::b::f;"), ("b.rs", "")];
        let files = files.into_iter().filter(|(name, _)| text == tests || *name != "a/cases.rs").collect::<Vec<_>>();
        assert_eq!(of(&files), [""; 0], "{text}");
    }
}

#[test]
fn the_shortest_circle_is_found() {
    let arrows: Arrows = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("c", "b"), ("x", "a")]
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .into();
    assert_eq!(circle(&arrows).unwrap(), ["b", "c", "b"]);
    assert_eq!(path(&arrows, "a", "x"), None);
}
