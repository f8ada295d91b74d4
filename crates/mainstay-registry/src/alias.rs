//! Aliases: names such as `champion` that point to a version, and their history.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A change of an alias to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasChange {
    /// The version that it shall point to.
    pub version: String,
    /// When.
    pub at: Timestamp,
    /// The person or job behind the change.
    pub by: String,
    /// The reason, for those who ask later.
    pub why: String,
    /// The gates that failed and were overridden for this change.
    pub overridden: Vec<String>,
    /// The entry that this change goes back to, where it takes one back.
    pub restores: Option<u32>,
}

impl AliasChange {
    /// A change without overrides that takes nothing back.
    pub fn new(version: impl Into<String>, at: Timestamp, by: impl Into<String>, why: impl Into<String>) -> Self {
        Self { version: version.into(), at, by: by.into(), why: why.into(), overridden: Vec::new(), restores: None }
    }
}

/// A change of an alias that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliasEntry {
    /// Its place in the history, from 1: that of its object's name, whatever the object says.
    #[serde(default)]
    pub number: u32,
    /// The version that it points to since.
    pub version: String,
    /// When it was made.
    pub at: Timestamp,
    /// The person or job behind the change.
    pub by: String,
    /// The reason.
    pub why: String,
    /// The version that it pointed to before; `None` for the first entry.
    pub from: Option<String>,
    /// The gates that failed and were overridden.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
    /// The entry that this one went back to, where it took one back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<u32>,
}

impl AliasEntry {
    /// Whether it points to a version and overrides each of some gates.
    pub fn overrides(&self, version: &str, gates: &[String]) -> bool {
        self.version == version && gates.iter().all(|gate| self.overridden.contains(gate))
    }

    /// The entry that made the alias point to where this one does: itself, or the one that it restored.
    pub fn standing(&self) -> u32 {
        self.restores.unwrap_or(self.number)
    }
}

/// The entry that made an alias point to where it does: the newest, or the one that it went back to. Its overrides are those that hold.
pub fn in_force(history: &[AliasEntry]) -> Option<&AliasEntry> {
    let standing = history.last()?.standing();
    history.iter().find(|entry| entry.number == standing)
}

/// The entry that taking back the newest change of a history leads to; `None` where there is nothing before it.
///
/// Taking back again goes further back: a change that took one back counts as the entry that it restored.
pub fn before_newest(history: &[AliasEntry]) -> Option<&AliasEntry> {
    let numbered = |number: u32| history.iter().find(|entry| entry.number == number);
    let before = numbered(history.last()?.standing().checked_sub(1)?)?;
    numbered(before.standing())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history from (version, restored entry) of each entry.
    fn history(entries: &[(&str, Option<u32>)]) -> Vec<AliasEntry> {
        let numbered = entries.iter().zip(1..);
        let entry = |(&(version, restores), number): (&(&str, Option<u32>), u32)| AliasEntry {
            number,
            version: version.to_owned(),
            at: Timestamp::UNIX_EPOCH,
            by: "ana".to_owned(),
            why: String::new(),
            from: None,
            overridden: Vec::new(),
            restores,
        };
        numbered.map(entry).collect()
    }

    fn before(entries: &[(&str, Option<u32>)]) -> Option<(u32, String)> {
        before_newest(&history(entries)).map(|entry| (entry.number, entry.version.clone()))
    }

    #[test]
    fn taking_back_leads_to_the_entry_before() {
        assert_eq!(before(&[]), None);
        assert_eq!(before(&[("1", None)]), None);
        assert_eq!(before(&[("1", None), ("2", None)]), Some((1, "1".into())));
    }

    #[test]
    fn taking_back_again_leads_further_back() {
        let twice = [("1", None), ("2", None), ("3", None), ("2", Some(2))];
        assert_eq!(before(&twice), Some((1, "1".into())), "not back to 3");
        assert_eq!(before(&[&twice[..], &[("1", Some(1))]].concat()), None);
    }

    #[test]
    fn what_comes_after_taking_back_is_taken_back_to_there() {
        let promoted_again = [("1", None), ("2", None), ("3", None), ("2", Some(2)), ("4", None)];
        assert_eq!(before(&promoted_again), Some((2, "2".into())));
    }

    #[test]
    fn the_entry_in_force_is_the_newest_or_the_one_that_it_went_back_to() {
        let number = |entries: &[(&str, Option<u32>)]| in_force(&history(entries)).map(|entry| entry.number);
        assert_eq!(number(&[]), None);
        assert_eq!(number(&[("1", None), ("1", None)]), Some(2));
        assert_eq!(number(&[("1", None), ("1", None), ("2", None), ("1", Some(2))]), Some(2));
        assert_eq!(number(&[("1", None), ("1", None), ("1", Some(1))]), Some(1), "the override was taken back");
    }

    #[test]
    fn an_entry_without_a_number_is_read() {
        let old = r#"{"version": "1", "at": "2026-01-01T00:00:00Z", "by": "ana", "why": "first", "from": null}"#;
        let entry: AliasEntry = serde_json::from_str(old).unwrap();
        assert_eq!((entry.number, entry.overridden.len(), entry.restores), (0, 0, None));
    }
}
