//! What README.md shows is what a reader sees who types its commands, in a folder that holds the reference project and no data.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::{copy_reference, root, text};

/// A command of README's console and the lines that it shows of what is printed.
struct Shown {
    command: String,
    lines: Vec<String>,
}

/// The first block of README.md: each command after `$ `, and what follows it.
fn console() -> Vec<Shown> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let block = readme.split("```").nth(1).unwrap();
    let mut shown: Vec<Shown> = Vec::new();
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        match (line.strip_prefix("$ mainstay "), shown.last_mut()) {
            (Some(command), _) => shown.push(Shown { command: command.to_owned(), lines: Vec::new() }),
            (None, Some(of)) => of.lines.push(unmeasured(line)),
            (None, None) => panic!("README.md shows `{line}` before any command"),
        }
    }
    shown
}

/// A line without the seconds that a step took, which differ from run to run.
pub(crate) fn unmeasured(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [step, seconds, "s", ref rest @ ..] if seconds.parse::<f64>().is_ok() => format!("{step} {}", rest.join(" ")),
        _ => line.trim_end().to_owned(),
    }
}

/// README leaves out what a first look has no need of, but changes and moves nothing.
#[test]
fn the_console_of_readme_is_what_its_commands_print() {
    let console = console();
    assert_eq!(console.iter().map(|shown| &*shown.command).collect::<Vec<_>>()[0], "run daily_risk");
    assert!(console.iter().all(|shown| shown.lines.len() >= 4));
    let folder = TempDir::new().unwrap();
    copy_reference(folder.path());
    for Shown { command, lines } in console {
        let mut mainstay = Command::new(env!("CARGO_BIN_EXE_mainstay-under-test"));
        let output = mainstay.args(command.split(' ')).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", text(&output.stderr));
        let printed = format!("{}\n{}", text(&output.stderr), text(&output.stdout));
        let mut rest = printed.lines().map(unmeasured);
        for line in lines {
            assert!(
                rest.any(|printed| printed == line),
                "`mainstay {command}` does not print, or not there:\n{line}\n\nbut:\n{printed}"
            );
        }
    }
}

/// The Markdown files of the repository that people read.
fn documents() -> Vec<PathBuf> {
    fn below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                found.push(path);
            }
        }
    }
    let mut found: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root().join(name)).into();
    ["docs", "examples"].iter().for_each(|folder| below(&root().join(folder), &mut found));
    found
}

#[test]
fn links_of_documents_lead_to_files_that_are_there() {
    let mut followed = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()) {
            let path = link.split('#').next().unwrap();
            if path.is_empty() || link.contains("://") {
                continue;
            }
            let place = document.parent().unwrap().join(path);
            assert!(place.exists(), "{}: there is no {path}", document.display());
            followed += 1;
        }
    }
    assert!(followed > 100, "{followed} links");
}
