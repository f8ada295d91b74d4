//! Tables for people, and the parts of results that several verbs show. What one verb alone shows stands with the verb.

pub(crate) mod comparison;
pub(crate) mod judgement;
pub(crate) mod promotion;
pub(crate) mod run_record;
pub(crate) mod sensitivity;
pub(crate) mod training;
pub(crate) mod trials;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use mainstay_job::approval;
use mainstay_job::details::ModelUsed;
use mainstay_schema::Digest;

/// A line under the header, and nothing else.
const STYLE: TableStyle = NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));

/// A table with a header; the columns at the positions in `numbers` align right.
pub(crate) fn table(header: &[&str], numbers: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.to_vec());
    table.add_rows(rows);
    for &column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n")
}

/// A line that stands over whatever was made from simulated data; nothing over all else.
pub(crate) fn origin(is_simulated: bool) -> &'static str {
    if is_simulated { "SIMULATED DATA: invented customers, no money may be spent on this\n" } else { "" }
}

/// A share as `12.3 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `true` as a word that stands out when it is false.
pub(crate) fn verdict(passed: bool) -> &'static str {
    if passed { "passed" } else { "FAILED" }
}

/// That a model may treat nobody, and what can be done; nothing where it may.
pub(crate) fn nobody_treated(model: &ModelUsed) -> String {
    approval::warning(model).map(|warning| format!("{warning}\n")).unwrap_or_default()
}

/// The beginning of a digest, enough to find it by.
fn short_digest(digest: &Digest) -> String {
    format!("blake3:{}", digest.short())
}
