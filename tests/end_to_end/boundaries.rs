//! The boundaries at which a test may kill the process, as they stand in the sources, and those that a command passes.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::circles::sources;
use crate::harness::{Project, root, text};

/// How a boundary is named where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    /// By this name.
    Whole(String),
    /// By names that begin so.
    Begins(String),
    /// By the step that ends there.
    OfStep,
}

/// The boundaries that a command passes, in order, each once, and its JSON. It must end well.
pub(crate) fn passed(project: &Project, arguments: &[&str]) -> (Vec<String>, Value) {
    let file = project.lake().with_file_name("boundaries");
    let arguments = [arguments, &["-o", "json"]].concat();
    let output = project.command(&arguments).env("MAINSTAY_BOUNDARIES", &file).output().unwrap();
    assert!(output.status.success(), "{arguments:?} failed:\n{}", text(&output.stderr));
    let mut passed: Vec<String> = Vec::new();
    for name in std::fs::read_to_string(&file).unwrap().lines() {
        if !passed.iter().any(|known| known == name) {
            passed.push(name.to_owned());
        }
    }
    std::fs::remove_file(file).unwrap();
    (passed, serde_json::from_slice(&output.stdout).unwrap())
}

/// Asserts that each boundary of the sources is among those that tests kill at.
pub(crate) fn assert_all_are_among(killed: &[String]) {
    let in_sources = in_sources();
    assert!(in_sources.len() > 10, "{in_sources:?}");
    for (place, named) in in_sources {
        let is_killed = match &named {
            Named::Whole(name) => killed.contains(name),
            Named::Begins(begins) => killed.iter().any(|name| name.starts_with(begins)),
            Named::OfStep => true,
        };
        assert!(is_killed, "no test kills at {named:?} of {place}: let a crash test run a command that passes it");
    }
}

/// The boundaries of all crates, and of the steps that end at one, with the file that each stands in.
fn in_sources() -> BTreeSet<(String, Named)> {
    let mut found = BTreeSet::new();
    for folder in std::fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let mut points = 0;
        for (file, text) in sources(&folder) {
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            found.extend(boundaries(code).into_iter().map(|named| (format!("{name}/{file}"), named)));
            found.extend(steps(code).into_iter().map(|step| (format!("{name}/{file}"), Named::Whole(step))));
            points += code.matches("fail_point!(").count();
        }
        let expected = usize::from(sources(&folder).contains_key("fault.rs"));
        assert_eq!(points, expected, "{name}: only `fault::boundary` makes a point to fail at");
    }
    found
}

/// The boundaries in the text of a file.
fn boundaries(code: &str) -> Vec<Named> {
    let calls = code.match_indices("boundary(").filter(|(at, _)| {
        let before = &code[..*at];
        let line = before.rsplit('\n').next().unwrap().trim_start();
        let is_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        !is_word && !before.ends_with("fn ") && !line.starts_with("//")
    });
    calls.map(|(at, call)| named(code[at + call.len()..].trim_start())).collect()
}

fn named(argument: &str) -> Named {
    let argument = argument.trim_start_matches('&');
    let text = |after: &str| after.split('"').next().unwrap().to_owned();
    match (argument.strip_prefix('"'), argument.strip_prefix("format!(\"")) {
        (Some(after), _) => Named::Whole(text(after)),
        (None, Some(after)) => Named::Begins(text(after).split('{').next().unwrap().to_owned()),
        (None, None) => {
            assert!(argument.starts_with("step.as_str()"), "a boundary is named by a text: {}", &argument[..40]);
            Named::OfStep
        }
    }
}

/// The steps that end in the text of a file, each at a boundary of its name.
fn steps(code: &str) -> Vec<String> {
    let ended = code.split(".finish(Step::").skip(1);
    ended.map(|rest| rest.split(',').next().unwrap().to_lowercase()).collect()
}

#[test]
fn boundaries_are_found_however_they_are_named() {
    let code = "pub(crate) fn boundary(name: &str) {}\n// boundary(\"said\")\nfault::boundary(\"one\");\nmy_boundary(\"other\");\n\
        fault::boundary(\n    &format!(\"two_{name}\"));\nboundary(step.as_str());\nrun.finish(Step::Score, step, \"\");";
    let [one, two] = [Named::Whole("one".into()), Named::Begins("two_".into())];
    assert_eq!(boundaries(code), [one, two, Named::OfStep]);
    assert_eq!(steps(code), ["score"]);
}
