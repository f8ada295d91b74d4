//! What a schema says of scalars that are read from their text, and not as the numbers that they look like.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::cron::Cron;
use crate::rules::Share;
use crate::vars::VarValue;

/// An amount of money: not the cents that its type is counted in, but what stands in a file.
pub(crate) fn money(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "title": "amount",
        "type": ["number", "string"],
        "pattern": r"^-?\d+(\.\d{1,2})?$",
    })
}

/// The kind of a daily job.
pub(crate) fn daily(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "const": "daily"})
}

/// The kind of a training job.
pub(crate) fn training(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "const": "training"})
}

impl JsonSchema for Cron {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cron".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"title": "cron expression", "type": "string"})
    }
}

impl JsonSchema for Share {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"title": "share", "type": ["number", "string"], "minimum": 0, "maximum": 1})
    }
}

impl JsonSchema for VarValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "VarValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}
