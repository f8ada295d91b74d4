//! Base and pure crates reach nothing outside of the process: by what they import and call.

use std::collections::BTreeMap;

use crate::architecture::LAYERS;
use crate::circles::arrows::foreign;
use crate::circles::sources;
use crate::harness::root;

/// What of the standard library they may name. All else is refused, so that nothing is forgotten here.
const PURE: [&str; 31] = [
    "any",
    "arch",
    "array",
    "borrow",
    "cell",
    "char",
    "cmp",
    "collections",
    "convert",
    "error",
    "f32",
    "f64",
    "fmt",
    "hash",
    "hint",
    "iter",
    "marker",
    "mem",
    "num",
    "ops",
    "option",
    "path",
    "ptr",
    "result",
    "slice",
    "str",
    "string",
    "sync",
    "thread::scope",
    "time::Duration",
    "vec",
];

/// Functions of any crate that ask for the time, the zone or the machine, as the last part of a path.
const ASKS: [&str; 4] = ["now", "system", "try_system", "available_parallelism"];

/// Macros that print or read, and methods of paths that look at the disk.
const WORDS: [&str; 18] = [
    "canonicalize",
    "dbg",
    "env",
    "eprint",
    "eprintln",
    "exists",
    "is_dir",
    "is_file",
    "is_symlink",
    "option_env",
    "print",
    "println",
    "read_dir",
    "read_link",
    "read_to_string",
    "symlink_metadata",
    "try_exists",
    "write_all",
];

/// What does so all the same: the file, the beginning of what it names, and why.
const EXCEPTIONS: [(&str, &str, &str); 6] = [
    ("mainstay-config/load.rs", "std::fs", "reads the YAML of a project"),
    ("mainstay-config/load.rs", "is_", "looks for the files of a project"),
    ("mainstay-config/load.rs", "std::io", "says why it could not"),
    ("mainstay-config/error.rs", "std::io", "says why it could not"),
    ("mainstay-config/project.rs", "std::env", "its variables may come from the environment"),
    (
        "mainstay-model/self_test.rs",
        "std::time::Instant",
        "a millisecond is measured, to take the fastest kernel; no result depends on it",
    ),
];

/// Whether a path leads out of the process.
fn is_impure(path: &str) -> bool {
    match path.split_once("::") {
        None => WORDS.contains(&path),
        Some(("std" | "core" | "alloc", within)) => {
            let is_below = |allowed: &&str| {
                within.strip_prefix(*allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            !PURE.iter().any(is_below)
        }
        Some(_) => path.rsplit("::").next().is_some_and(|last| ASKS.contains(&last)),
    }
}

#[test]
fn base_and_pure_crates_reach_nothing_outside_of_the_process() {
    let mut faults = Vec::new();
    let mut excused = [false; EXCEPTIONS.len()];
    let mut read = 0;
    for name in LAYERS[..2].iter().flat_map(|(_, crates)| *crates) {
        let named = foreign(&sources(&root().join("crates").join(name)));
        read += named.len();
        for (file, path) in named.into_iter().filter(|(_, path)| is_impure(path)) {
            let file = format!("{name}/{file}");
            let exception = EXCEPTIONS.iter().position(|(of, begins, _)| *of == file && path.starts_with(begins));
            match exception {
                Some(place) => excused[place] = true,
                None => faults.push(format!("{file} names {path}")),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for ((file, begins, _), is_met) in EXCEPTIONS.iter().zip(excused) {
        assert!(is_met, "{file} names {begins} no more: take it out of EXCEPTIONS");
    }
    assert!(read > 5_000, "{read} paths");
}

#[test]
fn io_is_found_under_any_name() {
    let found = |text: &str| {
        let files = BTreeMap::from([("lib.rs".to_owned(), text.to_owned())]);
        foreign(&files).into_iter().map(|(_, path)| path).filter(|path| is_impure(path)).collect::<Vec<_>>()
    };
    for (text, expected) in [
        ("use std::fs as files;\nfn f() { files::read(1) }", &["std::fs", "std::fs::read"][..]),
        ("use std::{fmt, fs::{self, read}};", &["std::fs", "std::fs::read"]),
        ("fn f() { std::net::TcpStream::connect(1); }", &["std::net::TcpStream::connect"]),
        ("use std::thread;\nfn f() { thread::spawn(g) }", &["std::thread", "std::thread::spawn"]),
        ("use std::io::*;", &["std::io"]),
        ("use jiff::Zoned as Z;\nfn f() { Z::now() }", &["jiff::Zoned::now"]),
        ("fn f() { std::time::SystemTime::now() }", &["std::time::SystemTime::now"]),
        ("fn f(path: &Path) { println!(\"{}\", path.is_file()) }", &["is_file", "println"]),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
    for text in [
        "use std::time::Duration;\nuse std::collections::BTreeMap;\nfn f() { std::thread::scope(g); core::mem::take(x) }",
        "/// std::fs::read\nconst X: &str = \"std::fs::read\";\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}",
        "use crate::fs;\nfn f() { fs::read(1); self::env::var(2) }",
    ] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}
