//! The examples do what their READMEs say: each command is run in a copy of its folder, and what is shown below it is printed.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::harness::{copy_folder, copy_reference, root, text};
use crate::readme::unmeasured;

/// Commands of a README and the lines that it shows of what they print.
struct Shown {
    commands: String,
    lines: Vec<String>,
}

/// The `sh` blocks of a README, each with the block below it, if that has no language.
fn shown(readme: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    for block in readme.split("```").skip(1).step_by(2) {
        match (block.strip_prefix("sh\n"), block.strip_prefix('\n'), shown.last_mut()) {
            (Some(commands), ..) => shown.push(Shown { commands: commands.to_owned(), lines: Vec::new() }),
            (None, Some(printed), Some(of)) => of.lines.extend(printed.lines().map(unmeasured)),
            _ => panic!("what is this block of a README? {block}"),
        }
    }
    shown
}

/// Removes what its commands have made, if somebody ran them there: see `examples/.gitignore`.
fn remove_leftovers(example: &Path) {
    for entry in fs::read_dir(example).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match name.as_str() {
            "target" | "data" => fs::remove_dir_all(path).unwrap(),
            "scored.parquet" | "plan.parquet" => fs::remove_file(path).unwrap(),
            name if name.ends_with(".json") => fs::remove_file(path).unwrap(),
            _ => {}
        }
    }
}

/// Copies an example beside the reference project, runs its commands, and compares what they print.
fn run(name: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    copy_reference(folder.path());
    let example = folder.path().join("examples").join(name);
    copy_folder(&root().join("examples").join(name), &example);
    remove_leftovers(&example);
    let shown = shown(&fs::read_to_string(example.join("README.md")).unwrap());
    assert!(!shown.is_empty() && shown.iter().any(|shown| !shown.lines.is_empty()), "{name} shows nothing");
    for Shown { commands, lines } in shown {
        let mut shell = Command::new("sh");
        shell.arg("-ec").arg(format!("mainstay() {{ \"$MAINSTAY\" \"$@\"; }}\n{commands}")).current_dir(&example);
        shell.env("MAINSTAY", env!("CARGO_BIN_EXE_mainstay-under-test"));
        for variable in ["FAILPOINTS", "MAINSTAY_BY", "MAINSTAY_PROJECT_DIR"] {
            shell.env_remove(variable);
        }
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{name}: {commands}{}", text(&output.stderr));
        for part in [&output.stderr, &output.stdout] {
            assert!(!text(part).contains("NOBODY IS TREATED"), "{name}: {commands}{}", text(part));
        }
        let printed = format!("{}\n{}", text(&output.stderr), text(&output.stdout));
        let printed: Vec<String> = printed.lines().map(unmeasured).collect();
        for line in lines {
            assert!(printed.contains(&line), "{name} does not print:\n{line}\n\nbut:\n{}", printed.join("\n"));
        }
    }
    folder
}

#[test]
fn own_parquet_becomes_a_project() {
    let folder = run("own-parquet");
    assert!(folder.path().join("examples/own-parquet/target/lake/campaign_allocations/_delta_log").is_dir());
}

#[test]
fn own_sql_adds_a_feature_and_hides_a_model() {
    let folder = run("own-sql");
    let example = folder.path().join("examples/own-sql");
    let mut card = Command::new(env!("CARGO_BIN_EXE_mainstay-under-test"));
    let card = card.args(["model", "card", "churn", "-o", "json"]).current_dir(&example).output().unwrap();
    assert!(text(&card.stdout).contains("\"weekend_order_share_365d\""), "{}", text(&card.stderr));
}

#[test]
fn a_file_becomes_a_model_and_offers_a_plan() {
    run("file-to-model");
    run("offers-to-plan");
}

#[test]
fn every_example_is_run_and_listed() {
    let entries = fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["file-to-model", "offers-to-plan", "own-parquet", "own-sql"], "run it here, and list it below");
    let list = fs::read_to_string(root().join("examples/README.md")).unwrap();
    names.iter().for_each(|name| assert!(list.contains(&format!("({name}/README.md)")), "{name} is not listed"));
}
