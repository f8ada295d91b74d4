//! The arrows of ARCHITECTURE.md: which crate may depend on which.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::harness::root;

/// Crates by layer; a crate depends on crates of layers below its own, and on those of its own layer that stand before it.
const LAYERS: [(&str, &[&str]); 5] = [
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
            "mainstay-features",
        ],
    ),
    ("compose", &["mainstay-job"]),
    ("bin", &["mainstay-cli"]),
];

/// What no crate below the engine may know.
const ENGINE_ONLY: [&str; 6] = ["datafusion", "deltalake", "tokio", "object_store", "parquet", "arrow"];

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
fn pure_crates_know_no_engine() {
    let packages = dependencies();
    for (layer, crates) in &LAYERS[..2] {
        for name in *crates {
            for foreign in ENGINE_ONLY {
                assert!(!packages[*name].iter().any(|d| d == foreign), "{name} ({layer}) must not depend on {foreign}");
            }
        }
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

#[test]
fn the_verifier_trusts_nothing_but_the_schema() {
    let ours: Vec<String> =
        dependencies()["mainstay-verifier"].iter().filter(|name| name.starts_with("mainstay-")).cloned().collect();
    assert_eq!(ours, ["mainstay-schema"]);
}
