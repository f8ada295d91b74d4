//! What a check finds where nothing is wrong, and how it names what is.

use anyhow::{Result, bail};

/// What a check found; what is wrong is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// It holds, with the figures.
    Holds(String),
    /// It cannot be made, and why.
    NotChecked(String),
}

impl Finding {
    pub(super) fn holds(figures: impl Into<String>) -> Result<Self> {
        Ok(Self::Holds(figures.into()))
    }

    pub(super) fn not_checked(why: impl Into<String>) -> Result<Self> {
        Ok(Self::NotChecked(why.into()))
    }
}

/// What is wrong with rows: the first of them is told, the others are counted.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    first: Option<String>,
    rows: usize,
}

impl Wrong {
    pub(super) fn note(&mut self, result: Result<(), String>) {
        if let Err(wrong) = result {
            self.first.get_or_insert(wrong);
            self.rows += 1;
        }
    }

    /// An error where anything was noted.
    pub(super) fn refuse(self) -> Result<()> {
        match (self.first, self.rows) {
            (None, _) => Ok(()),
            (Some(first), 1) => bail!("{first}"),
            (Some(first), rows) => bail!("{first} (the first of {rows} customers)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_many_is_told() {
        let mut wrong = Wrong::default();
        wrong.note(Ok(()));
        assert!(Wrong::default().refuse().is_ok());
        wrong.note(Err("ada has nothing".into()));
        wrong.note(Err("bob has nothing".into()));
        assert_eq!(wrong.refuse().unwrap_err().to_string(), "ada has nothing (the first of 2 customers)");
        let mut one = Wrong::default();
        one.note(Err("ada has nothing".into()));
        assert_eq!(one.refuse().unwrap_err().to_string(), "ada has nothing");
    }
}
