//! Results as tables for people.

pub(crate) mod allocation;
pub(crate) mod comparison;
#[cfg(feature = "simulator")]
pub(crate) mod generated;
mod judgement;
pub(crate) mod model;
pub(crate) mod outcome;
pub(crate) mod outlook;
pub(crate) mod planned;
pub(crate) mod profile;
pub(crate) mod promotion;
pub(crate) mod registered;
pub(crate) mod risk;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod scored;
pub(crate) mod trained;
mod tried;
pub(crate) mod units;
pub(crate) mod verify;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use mainstay_job::approval;
use mainstay_job::details::ModelUsed;

/// A line under the header, and nothing else.
const STYLE: TableStyle = NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));

/// A table with a header; the columns at the positions in `numbers` align right.
fn table(header: &[&str], numbers: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
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
fn origin(is_simulated: bool) -> &'static str {
    if is_simulated { "SIMULATED DATA: invented customers, no money may be spent on this\n" } else { "" }
}

/// A share as `12.3 %`.
fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// `true` as a word that stands out when it is false.
fn verdict(passed: bool) -> &'static str {
    if passed { "passed" } else { "FAILED" }
}

/// That a model may treat nobody, and what can be done; nothing where it may.
fn nobody_treated(model: &ModelUsed) -> String {
    approval::warning(model).map(|warning| format!("{warning}\n")).unwrap_or_default()
}
