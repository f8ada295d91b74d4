//! What the simulator wrote.

use std::path::Path;

use mainstay_simulator::Generated;

use super::table;

/// Rows, files and size of every table.
pub(crate) fn text(generated: &Generated, folder: &Path) -> String {
    let rows = generated.tables.iter().map(|(name, written)| {
        let megabytes = written.bytes as f64 / 1e6;
        vec![name.clone(), written.rows.to_string(), written.files.to_string(), format!("{megabytes:.1}")]
    });
    format!("{}\n{}", folder.display(), table(&["table", "rows", "files", "MB"], &[1, 2, 3], rows))
}
