//! A model of SQL and what its sibling `.yml` says of it.

use std::collections::BTreeSet;

use mainstay_schema::table::ColumnType;
use schemars::JsonSchema;
use serde::Deserialize;

/// What a model is for, by its folder under `sql/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModelKind {
    /// `sql/staging`: renames, casts and cleans a source.
    Staging,
    /// `sql/features`: what the model of churn may know of a customer.
    Feature,
    /// `sql/labels`: the only models that see what comes after as-of.
    Label,
    /// `sql/marts`: everything else, such as the value of a customer.
    Mart,
}

impl ModelKind {
    /// The kind of the models in a folder under `sql/`.
    pub(crate) fn of_folder(folder: &str) -> Option<Self> {
        match folder {
            "staging" => Some(Self::Staging),
            "features" => Some(Self::Feature),
            "labels" => Some(Self::Label),
            "marts" => Some(Self::Mart),
            _ => None,
        }
    }

    /// What a model of this kind is called in a message.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::Feature => "feature",
            Self::Label => "label",
            Self::Mart => "mart",
        }
    }
}

/// One `.sql` file and its description.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its name: that of the file without `.sql`.
    pub name: String,
    /// Its kind.
    pub kind: ModelKind,
    /// The `.sql` file, as the project's folders name it.
    pub file: String,
    /// The template of its SQL.
    pub template: String,
    /// The `.yml` file that describes it: the one beside it, or that of the project that this one extends.
    pub described_in: Option<String>,
    /// Whether its SQL is the project's own, and not that of one that it extends.
    pub(crate) is_own: bool,
    /// What holds for it whoever writes it.
    pub(crate) interface: Option<Interface>,
    /// What one row means; empty without a `.yml`.
    pub description: String,
    /// The columns that identify a row; empty without a `.yml`.
    pub grain: Vec<String>,
    /// What is said of its columns.
    pub columns: Vec<ColumnDoc>,
    /// What stands for it in a project without its sources.
    pub when_absent: Option<WhenAbsent>,
    /// Whether the project declares none of its sources, so that `when_absent` holds.
    pub is_absent: bool,
    /// The models that it names in `ref()`.
    pub refs: BTreeSet<String>,
    /// The tables that it names in `source()` or `refused()`, as (source, table).
    pub sources: BTreeSet<(String, String)>,
    /// Those of them whose refused rows it reads too, by `refused()`.
    pub refused: BTreeSet<(String, String)>,
    /// The variables that it reads with `var()`.
    pub variables: BTreeSet<String>,
    /// What is passed over in its file, each as `file:line: message`.
    pub warnings: BTreeSet<String>,
}

impl Model {
    /// What is said of a column here.
    pub fn column(&self, name: &str) -> Option<&ColumnDoc> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The `.yml` file that describes it, or the one beside the `.sql` file that would.
    pub(crate) fn description_file(&self) -> String {
        self.described_in.clone().unwrap_or_else(|| format!("{}.yml", self.file.trim_end_matches(".sql")))
    }
}

/// What the description of an extended project's model states for those who write its SQL anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    /// The file of the description.
    pub(crate) file: String,
    pub(crate) columns: Vec<ColumnDoc>,
}

/// What a `.yml` says of the model of SQL beside it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    /// The name of the model: that of its `.sql` file.
    pub(crate) name: String,
    /// What one row of it means.
    pub(crate) description: String,
    /// The columns that identify a row, which is tested; none where rows may repeat.
    #[serde(default)]
    pub(crate) grain: Vec<String>,
    /// Of a staging model: what stands for it in a project that declares none of its sources.
    pub(crate) when_absent: Option<WhenAbsent>,
    /// What is said of its columns; those of features need a text here or where they are made.
    #[serde(default)]
    pub(crate) columns: Vec<ColumnDoc>,
}

/// What stands for a staging model in a project that declares none of its sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenAbsent {
    /// A table without rows, with the columns and types that the description states.
    Empty,
}

/// What a `.yml` says of a column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnDoc {
    /// The name of the column.
    pub name: String,
    /// What it means, with its unit.
    pub description: String,
    /// Its type, which the model gives whoever writes it; one with `when_absent` states it for all its columns.
    #[serde(default, rename = "type")]
    pub column_type: Option<ColumnType>,
    /// For a feature: the reason in plain words, `{value}` standing for its value.
    #[serde(default)]
    pub reason: Option<String>,
    /// For a feature: which way the risk may go as its value rises; a model is trained so that it goes no other way.
    #[serde(default)]
    pub monotone: Option<Monotone>,
    /// Whether the model may lack it.
    #[serde(default)]
    pub optional: bool,
    /// What must hold of its values.
    #[serde(default)]
    pub tests: Vec<ColumnTest>,
}

/// Which way the risk goes as the value of a feature rises and all others stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Monotone {
    /// Never down.
    Increasing,
    /// Never up.
    Decreasing,
}

/// A rule for the values of a column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnTest {
    /// No value is null.
    NotNull,
    /// No value stands twice; nulls do not count.
    Unique,
    /// Every value is one of these; nulls do not count.
    AcceptedValues(Vec<AcceptedValue>),
    /// No value is below this number; nulls do not count.
    Minimum(i64),
    /// No value is above this number; nulls do not count.
    Maximum(i64),
}

/// A value that a column may have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AcceptedValue {
    /// true or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
}
