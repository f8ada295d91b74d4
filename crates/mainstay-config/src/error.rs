//! What can be wrong with settings, and how it is shown.

use std::fmt;
use std::io;

use crate::text::NotText;

/// Why settings cannot be used. All of it is for the user to put right.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Something is wrong at a place in a file.
    #[error("{0}")]
    Invalid(Box<Diagnostic>),
    /// A name given on the command line is not in the project.
    #[error("{}", .0.with_known())]
    Unknown(UnknownName),
    /// The folder holds no project.
    #[error(
        "no `mainstay.yml` in `{folder}`: run the command in the folder of a project, or name one with --project-dir"
    )]
    NoProject {
        /// The folder as the user gave it.
        folder: String,
    },
    /// A policy is in none of the project's folders.
    #[error("no policy file `{path}`: looked in {}", .folders.join(", "))]
    NoPolicy {
        /// The path as the job states it.
        path: String,
        /// Where it was looked for.
        folders: Vec<String>,
    },
    /// A file is there, but is no text in UTF-8.
    #[error("{}: {fault}", at(.path, *.fault))]
    NotText {
        /// The path as the user gave it.
        path: String,
        /// What it holds instead.
        fault: NotText,
    },
    /// A file or folder is there but cannot be read.
    #[error("cannot read `{path}`: check that it is a file and may be read")]
    Read {
        /// The path as the user gave it.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// A file, with the line and column of what is wrong where they are known.
fn at(path: &str, fault: NotText) -> String {
    match fault.place() {
        Some((line, column)) => format!("{path}:{line}:{column}"),
        None => path.to_owned(),
    }
}

/// What is wrong at one place of a file, shown with the line it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file as the user gave it, or `--vars`.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters are meant, at least 1.
    pub width: usize,
    /// The text of the line.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What else helps: the names that are known, an example.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message, text, .. } = self;
        let gutter = " ".repeat(line.to_string().len());
        // Tabs are kept, so that the caret stands below the place however wide a tab is shown.
        let indent: String =
            text.chars().take(column.saturating_sub(1)).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let room = text.chars().count().saturating_sub(column.saturating_sub(1)).max(1);
        let carets = "^".repeat(self.width.clamp(1, room));
        writeln!(f, "{file}:{line}:{column}: {message}")?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{line} | {text}")?;
        write!(f, "{gutter} | {indent}{carets}")?;
        match &self.help {
            Some(help) => write!(f, "\n{gutter} = {help}"),
            None => Ok(()),
        }
    }
}

/// A name that is not among the known ones: a key, a variable, a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// What it would be the name of, in the singular: `variable`.
    pub kind: &'static str,
    /// The name that was given.
    pub name: String,
    /// The names that would do.
    pub known: Vec<String>,
}

impl UnknownName {
    /// Names `name` among the `known`.
    pub fn new<N: Into<String>>(
        kind: &'static str,
        name: impl Into<String>,
        known: impl IntoIterator<Item = N>,
    ) -> Self {
        Self { kind, name: name.into(), known: known.into_iter().map(Into::into).collect() }
    }

    /// The known name that looks most like it, if any does.
    pub fn nearest(&self) -> Option<&str> {
        let name = self.name.to_lowercase();
        let distance = |known: &str| strsim::damerau_levenshtein(&name, &known.to_lowercase());
        let (nearest, distance) =
            self.known.iter().map(|known| (known, distance(known))).min_by_key(|&(_, distance)| distance)?;
        // About one slip in three letters is a slip; more is another word.
        let letters = name.chars().count().max(nearest.chars().count());
        (distance * 3 <= letters + 1).then_some(nearest)
    }

    /// The known name that it is a slip of beyond doubt: one or two letters away, in a name of three or more for each.
    pub fn slip_of(&self) -> Option<&str> {
        let name = self.name.to_lowercase();
        let nearest = self.nearest()?;
        let distance = strsim::damerau_levenshtein(&name, &nearest.to_lowercase());
        (distance <= 2 && distance * 3 <= name.chars().count()).then_some(nearest)
    }

    /// `known variables: a, b`, or that there are none.
    pub fn known_names(&self) -> String {
        match self.known.as_slice() {
            [] => format!("there is no {} yet", self.kind),
            known => format!("known {}s: {}", self.kind, known.join(", ")),
        }
    }

    fn with_known(&self) -> String {
        format!("{self} ({})", self.known_names())
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} `{}`", self.kind, self.name)?;
        match self.nearest() {
            Some(nearest) => write!(f, ", did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for UnknownName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_looks_alike() {
        let nearest =
            |name: &str| UnknownName::new("key", name, ["freshness", "path", "key"]).nearest().map(str::to_owned);
        assert_eq!(nearest("freshnes").as_deref(), Some("freshness"));
        assert_eq!(nearest("PATH").as_deref(), Some("path"));
        assert_eq!(nearest("keys").as_deref(), Some("key"));
        assert_eq!(nearest("description"), None);
        assert_eq!(nearest("x"), None);
    }

    #[test]
    fn takes_for_a_slip_only_what_is_hardly_another_word() {
        let slip_of = |name: &str, known: &str| {
            UnknownName::new("source", name, [known]).slip_of().is_some_and(|slip| slip == known)
        };
        assert!(
            slip_of("web_event", "web_events")
                && slip_of("web_evnets", "web_events")
                && slip_of("WebEvents", "web_events")
        );
        assert!(!slip_of("contacts", "consents") && !slip_of("a", "b") && !slip_of("order", "order_lines"));
    }
}
