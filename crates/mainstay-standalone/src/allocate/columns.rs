//! The columns of a file of offers by their names: those that are read, and those that must not be passed over.

use std::path::Path;

use arrow::datatypes::Schema;
use mainstay_config::UnknownName;
use mainstay_config::offer_policy::OWN_COLUMNS;
use mainstay_files::refuse_repeated;

use super::error::AllocateFileError as Error;

/// The column of what forbids contact.
pub(super) const BLOCKED_BY: &str = "blocked_by";

/// Names that say who must be left alone, in small letters and without marks between their words. Whoever brings such a column expects
/// it to be obeyed.
const THAT_FORBID: [&str; 4] = ["blocked", "isblocked", "dnc", "nomail"];

/// What other such names hold.
const PARTS_THAT_FORBID: [&str; 21] = [
    "blockedby",
    "optout",
    "optedout",
    "optin",
    "optedin",
    "unsubscri",
    "donotcontact",
    "donotcall",
    "donotmail",
    "donotemail",
    "nocontact",
    "suppress",
    "objection",
    "withdrawn",
    "consent",
    "legalhold",
    "gesperrt",
    "werbesperre",
    "widerspruch",
    "widerruf",
    "einwilligung",
];

/// What a plan reads of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Columns that rules group by.
    pub(super) groups: &'a [&'a str],
    /// Columns that are known to say nothing about who must be left alone.
    pub(super) ignored: &'a [String],
    pub(super) with_lower_bound: bool,
}

impl Wanted<'_> {
    /// Refuses columns that are missing, or that stand twice.
    pub(super) fn check(&self, path: &Path, schema: &Schema) -> Result<(), Error> {
        let mut needed = vec!["customer_id", "offer", "channel", "value_cents", "cost_cents"];
        needed.extend(self.with_lower_bound.then_some("value_lower_cents"));
        needed.extend(self.groups);
        for column in needed {
            if schema.column_with_name(column).is_none() {
                let found = schema.fields().iter().map(|field| field.name().clone()).collect();
                return Err(Error::MissingColumn { path: path.to_owned(), column: column.to_owned(), found });
            }
        }
        Ok(refuse_repeated(path, schema)?)
    }

    /// Whether nothing reads a column and nobody has said that nothing needs to.
    pub(super) fn is_passed_over(&self, name: &str) -> bool {
        !OWN_COLUMNS.contains(&name) && !self.groups.contains(&name) && !self.ignored.iter().any(|other| other == name)
    }

    /// The column that by its name stands in the place of `blocked_by`, in a file that has none.
    pub(super) fn in_place_of_blocked_by(&self, schema: &Schema) -> Option<String> {
        if schema.column_with_name(BLOCKED_BY).is_some() {
            return None;
        }
        let mut names = schema.fields().iter().map(|field| field.name());
        names.find(|name| self.is_passed_over(name) && seems_to_forbid(name)).cloned()
    }
}

fn seems_to_forbid(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let is_slip = UnknownName::new("column", name, [BLOCKED_BY]).slip_of().is_some();
    is_slip || THAT_FORBID.contains(&plain.as_str()) || PARTS_THAT_FORBID.iter().any(|part| plain.contains(part))
}
