//! Targets, the places for tables, models and run records, and how the paths of a project are resolved.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A place for tables, models and run records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// Folder, below that of the project that is run where it is relative; a template.
    pub path: String,
}

/// The target of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Its name in `mainstay.yml`.
    pub name: String,
    /// Absolute folder.
    pub path: String,
}

/// A path below a folder: object storage URLs and absolute paths stay as they are.
pub(crate) fn resolve(folder: &Path, path: &str) -> String {
    if is_url(path) { path.to_owned() } else { folder.join(path).to_string_lossy().into_owned() }
}

/// A path below another path or URL.
pub(crate) fn below(parent: &str, path: &str) -> String {
    if is_url(parent) && !is_url(path) {
        format!("{}/{}", parent.trim_end_matches('/'), path.trim_start_matches('/'))
    } else {
        resolve(Path::new(parent), path)
    }
}

fn is_url(path: &str) -> bool {
    path.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_paths_but_not_urls() {
        assert_eq!(resolve(Path::new("/project"), "data"), "/project/data");
        assert_eq!(resolve(Path::new("/project"), "/data"), "/data");
        assert_eq!(resolve(Path::new("/project"), "s3://bucket/data"), "s3://bucket/data");
        assert_eq!(below("/data", "orders"), "/data/orders");
        assert_eq!(below("s3://bucket/data/", "orders"), "s3://bucket/data/orders");
        assert_eq!(below("/data", "s3://bucket/orders"), "s3://bucket/orders");
    }
}
