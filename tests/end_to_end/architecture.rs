//! The arrows of ARCHITECTURE.md: which crate may depend on which.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::harness::root;

/// Crates by layer; a crate depends on crates of layers below its own, and on those of its own layer that stand before it.
pub(crate) const LAYERS: [(&str, &[&str]); 5] = [
    ("base", &["mainstay-schema", "mainstay-config"]),
    (
        "pure",
        &[
            "mainstay-model",
            "mainstay-train",
            "mainstay-allocator",
            "mainstay-verifier",
            "mainstay-ledger",
            "mainstay-report",
            "mainstay-monitor",
        ],
    ),
    (
        "engine",
        &[
            "mainstay-files",
            "mainstay-scoring",
            "mainstay-profile",
            "mainstay-standalone",
            "mainstay-simulator",
            "mainstay-registry",
            "mainstay-functions",
            "mainstay-session",
            "mainstay-table",
            "mainstay-sql",
        ],
    ),
    ("compose", &["mainstay-run", "mainstay-job"]),
    ("bin", &["mainstay-cli"]),
];

/// What no crate below the engine may know, by how its name begins: not through another crate either.
const ENGINE_ONLY: [&str; 16] = [
    "arrow",
    "datafusion",
    "delta",
    "duckdb",
    "hyper",
    "memmap",
    "mio",
    "notify",
    "object_store",
    "parquet",
    "reqwest",
    "rusqlite",
    "socket2",
    "tempfile",
    "tokio",
    "walkdir",
];

/// What crates below the engine may depend on of others: software that computes, and does no I/O for them.
const FOREIGN: [&str; 14] = [
    "blake3",
    "jiff",
    "libm",
    "linfa",
    "linfa-trees",
    "minijinja",
    "ndarray",
    "prost",
    "schemars",
    "serde",
    "serde-saphyr",
    "serde_json",
    "strsim",
    "thiserror",
];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let normal = package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null());
            let names = normal.map(|d| d["name"].as_str().unwrap().to_owned()).collect();
            (package["name"].as_str().unwrap().to_owned(), names)
        })
        .collect()
}

fn position(name: &str) -> Option<(usize, usize)> {
    LAYERS
        .iter()
        .enumerate()
        .find_map(|(layer, (_, crates))| crates.iter().position(|known| *known == name).map(|within| (layer, within)))
}

#[test]
fn dependencies_point_only_down() {
    let packages = dependencies();
    for (package, dependencies) in packages.iter().filter(|(name, _)| name.as_str() != "mainstay-tests") {
        let own = position(package).unwrap_or_else(|| panic!("{package} has no place in the layers"));
        for dependency in dependencies.iter().filter(|name| name.starts_with("mainstay-")) {
            let below = position(dependency).unwrap();
            assert!(below < own, "{package} must not depend on {dependency}");
        }
    }
}

#[test]
fn crates_below_the_engine_know_none() {
    for name in LAYERS[..2].iter().flat_map(|(_, crates)| *crates) {
        let tree = ["tree", "--offline", "--edges", "normal", "--prefix", "none", "--package", name];
        let output = Command::new(env!("CARGO")).args(tree).current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8(output.stdout).unwrap();
        assert!(tree.lines().count() > 3, "{tree}");
        let foreign = tree.lines().find(|line| ENGINE_ONLY.iter().any(|foreign| line.starts_with(foreign)));
        assert_eq!(foreign, None, "{name} must not depend on it");
    }
}

#[test]
fn crates_below_the_engine_depend_on_what_computes_alone() {
    let packages = dependencies();
    for name in LAYERS[..2].iter().flat_map(|(_, crates)| *crates) {
        let other =
            packages[*name].iter().find(|other| !other.starts_with("mainstay-") && !FOREIGN.contains(&other.as_str()));
        assert_eq!(other, None, "{name} must not depend on it");
    }
    for name in FOREIGN {
        let is_used =
            LAYERS[..2].iter().flat_map(|(_, crates)| *crates).any(|of| packages[*of].iter().any(|d| d == name));
        assert!(is_used, "{name} is used by none: take it out of FOREIGN");
    }
}

#[test]
fn the_container_ships_without_the_simulator() {
    let file = std::fs::read_to_string(root().join("infra/container/Containerfile")).unwrap();
    let build = file.lines().find_map(|line| line.strip_prefix("RUN cargo build ")).unwrap();
    let of = |features: &[&str]| {
        let tree = ["tree", "--offline", "--edges", "normal", "--prefix", "none", "--package", "mainstay-cli"];
        let output = Command::new(env!("CARGO")).args(tree).args(features).current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().contains("mainstay-simulator")
    };
    assert!(build.contains("-p mainstay-cli --no-default-features"), "{build}");
    assert!(!of(&["--no-default-features"]));
    assert!(of(&[]), "the command of a newcomer has it");
}

/// The table of ARCHITECTURE.md goes from the top down, the layers from the base up.
#[test]
fn the_page_shows_the_crates_in_the_order_of_their_layers() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let shown: Vec<&str> = rows.filter_map(|line| line.split("| `").nth(1)?.split('`').next()).collect();
    let layers = LAYERS.iter().rev();
    let expected: Vec<&str> = layers.flat_map(|(_, crates)| crates.iter().rev().copied()).collect();
    assert_eq!(shown, expected);
}

/// A place such as `table/claim.rs` is that file of `mainstay-table`.
#[test]
fn the_page_names_files_that_are_there() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let invariants = page.split("## Invariants").nth(1).unwrap();
    let places: Vec<&str> = invariants.split('`').skip(1).step_by(2).filter(|code| code.ends_with(".rs")).collect();
    assert!(places.len() > 20, "{places:?}");
    for place in places {
        let (name, file) = place.split_once('/').unwrap_or_else(|| panic!("{place} names no crate"));
        assert!(root().join(format!("crates/mainstay-{name}/src/{file}")).is_file(), "{place} is not there");
    }
}

/// The crates of ours that one depends on.
fn ours(name: &str) -> Vec<String> {
    dependencies()[name].iter().filter(|name| name.starts_with("mainstay-")).cloned().collect()
}

#[test]
fn the_verifier_trusts_nothing_but_the_schema() {
    assert_eq!(ours("mainstay-verifier"), ["mainstay-schema"]);
}

#[test]
fn the_life_of_a_run_knows_no_money() {
    let mut known = Vec::new();
    let mut open = vec!["mainstay-run".to_owned()];
    while let Some(name) = open.pop() {
        open.extend(ours(&name).into_iter().filter(|name| !known.contains(name)));
        known.push(name);
    }
    assert!(known.iter().any(|name| name == "mainstay-table"), "{known:?}");
    for money in ["mainstay-allocator", "mainstay-ledger", "mainstay-verifier"] {
        assert!(!known.iter().any(|name| name == money), "mainstay-run depends on {money}, if through another");
    }
}

#[test]
fn the_command_sees_projects_and_files_of_anyone_through_one_crate_each() {
    assert_eq!(ours("mainstay-cli"), ["mainstay-job", "mainstay-schema", "mainstay-standalone"]);
}
