//! How the features of a model are defined: what it has learnt them as, and what they are on a day.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Digest;

/// The definitions of the columns of a model of features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definitions {
    /// How the digests are made: those of two schemes cannot be compared.
    pub scheme: u32,
    /// The digest of what each column is computed from and how, down to the source tables; the same on every day.
    pub columns: BTreeMap<String, Digest>,
    /// The variables that the SQL reads, each value as JSON.
    pub variables: BTreeMap<String, String>,
    /// The time zone of each table that is read, by `source.table`; none of an earlier release.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub time_zones: BTreeMap<String, String>,
}

/// How definitions differ from earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefinitionChanges {
    /// The columns that are defined otherwise, in order.
    pub columns: Vec<String>,
    /// The variables that have another value, in order.
    pub variables: Vec<VariableChange>,
    /// The tables that are read in another time zone, in order.
    pub time_zones: Vec<ZoneChange>,
}

/// A table that is read in another time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneChange {
    /// `source.table`.
    pub table: String,
    /// Its zone before.
    pub before: String,
    /// Its zone now.
    pub now: String,
}

/// A variable that has another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableChange {
    /// The variable.
    pub name: String,
    /// Its value before, as JSON.
    pub before: String,
    /// Its value now, as JSON; `None` where no SQL reads it any more.
    pub now: Option<String>,
}

impl DefinitionChanges {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty() && self.variables.is_empty() && self.time_zones.is_empty()
    }
}

impl Definitions {
    /// What has changed of these columns, and of all variables, between these definitions and those of `now`; `None` where the two cannot
    /// be compared. Columns that one of both lacks are left out.
    pub fn changes<'a>(&self, now: &Self, columns: impl IntoIterator<Item = &'a str>) -> Option<DefinitionChanges> {
        if self.scheme != now.scheme {
            return None;
        }
        let is_changed = |name: &&str| match (self.columns.get(*name), now.columns.get(*name)) {
            (Some(before), Some(now)) => before != now,
            _ => false,
        };
        let mut columns: Vec<String> = columns.into_iter().filter(is_changed).map(str::to_owned).collect();
        columns.sort();
        let variables = self.variables.iter().filter(|(name, before)| now.variables.get(*name) != Some(before));
        let variables = variables.map(|(name, before)| VariableChange {
            name: name.clone(),
            before: before.clone(),
            now: now.variables.get(name).cloned(),
        });
        let zone = |(table, before): (&String, &String)| {
            let now = now.time_zones.get(table).filter(|now| *now != before)?;
            Some(ZoneChange { table: table.clone(), before: before.clone(), now: now.clone() })
        };
        let time_zones = self.time_zones.iter().filter_map(zone).collect();
        Some(DefinitionChanges { columns, variables: variables.collect(), time_zones })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions(scheme: u32, columns: &[(&str, &str)], variables: &[(&str, &str)]) -> Definitions {
        let digest = |&(name, of): &(&str, &str)| (name.to_owned(), Digest::of(of.as_bytes()));
        let value = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Definitions {
            scheme,
            columns: columns.iter().map(digest).collect(),
            variables: variables.iter().map(value).collect(),
            time_zones: BTreeMap::new(),
        }
    }

    #[test]
    fn names_what_has_changed_of_the_columns_asked_for() {
        let before = definitions(1, &[("days", "a"), ("orders", "b"), ("gone", "c")], &[("active_days", "365")]);
        let now = definitions(1, &[("days", "x"), ("orders", "b"), ("new", "d")], &[("active_days", "60")]);
        let of = |columns: &[&str]| before.changes(&now, columns.iter().copied()).unwrap();
        assert_eq!(of(&["orders", "gone", "new"]).columns, Vec::<String>::new());
        assert_eq!(of(&["orders", "days"]).columns, ["days"]);
        let change = VariableChange { name: "active_days".into(), before: "365".into(), now: Some("60".into()) };
        assert_eq!(of(&[]).variables, std::slice::from_ref(&change));
        let unread = definitions(1, &[], &[]);
        assert_eq!(before.changes(&unread, []).unwrap().variables, [VariableChange { now: None, ..change }]);
        assert!(before.changes(&before.clone(), ["days"]).unwrap().is_empty());
    }

    #[test]
    fn tables_in_another_zone_are_named_where_both_say_theirs() {
        let with = |zones: &[(&str, &str)]| Definitions {
            time_zones: zones.iter().map(|(table, zone)| ((*table).to_owned(), (*zone).to_owned())).collect(),
            ..definitions(1, &[], &[])
        };
        let before = with(&[("shop.orders", "UTC"), ("shop.visits", "UTC"), ("crm.cases", "UTC")]);
        let now = with(&[("shop.orders", "Europe/Paris"), ("shop.visits", "UTC")]);
        let change = ZoneChange { table: "shop.orders".into(), before: "UTC".into(), now: "Europe/Paris".into() };
        assert_eq!(before.changes(&now, []).unwrap().time_zones, [change]);
        assert!(with(&[]).changes(&now, []).unwrap().is_empty(), "an earlier release did not say them");
    }

    #[test]
    fn another_scheme_cannot_be_compared() {
        let one = definitions(1, &[("days", "a")], &[]);
        assert_eq!(one.changes(&Definitions { scheme: 2, ..one.clone() }, ["days"]), None);
    }
}
