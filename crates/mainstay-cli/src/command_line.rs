//! The command line as a whole: what every verb takes, then the verb with its own arguments.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::flags::GlobalArguments;
use crate::verbs::Verb;

/// Customer retention as a daily batch job: who is at risk, why, and what to do about it within the budget.
#[derive(Debug, Parser)]
#[command(name = "mainstay", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

impl Arguments {
    /// The arguments of the process; ends it where they are wrong.
    pub(crate) fn of_process() -> Self {
        let arguments = Self::parse();
        match arguments.verb.check() {
            Ok(()) => arguments,
            Err(wrong) => Self::command().error(ErrorKind::MissingRequiredArgument, wrong).exit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// README.md and the pages of docs/guide, each with its name.
    fn pages() -> Vec<(String, String)> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let guide = std::fs::read_dir(root.join("docs/guide")).unwrap();
        let mut files: Vec<PathBuf> = guide.map(|entry| entry.unwrap().path()).collect();
        files.push(root.join("README.md"));
        files.sort();
        files.iter().map(|file| (file.display().to_string(), std::fs::read_to_string(file).unwrap())).collect()
    }

    /// The commands in the `sh` blocks of a page, without comments, a continued line as one.
    fn commands(page: &str) -> Vec<String> {
        let page = page.replace("\\\n", " ");
        let blocks = page.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned());
        let lines = blocks.flat_map(|block| block.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>());
        let of_ours = |line: String| {
            let command = line.strip_prefix("cargo run -- ").or_else(|| line.strip_prefix("mainstay "))?;
            Some(command.to_owned())
        };
        lines.filter_map(of_ours).collect()
    }

    #[test]
    fn every_command_of_the_readme_and_the_guide_is_one() {
        let pages = pages();
        let count: usize = pages.iter().map(|(_, page)| commands(page).len()).sum();
        assert!(pages.len() > 10 && count > 40, "{count} commands on {} pages", pages.len());
        for (name, page) in &pages {
            for command in commands(page) {
                let words = shlex::split(&command).unwrap();
                let parsed = Arguments::try_parse_from(std::iter::once("mainstay".to_owned()).chain(words));
                parsed.unwrap_or_else(|error| panic!("{name}: {command}: {error}")).verb.check().unwrap();
            }
        }
    }
}
