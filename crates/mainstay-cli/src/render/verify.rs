//! What a verification found.

use mainstay_job::verify::VerifyReport;

use super::{origin, table, verdict};

/// Every check of every day.
pub(crate) fn text(report: &VerifyReport) -> String {
    let rows = report.days.iter().flat_map(|day| {
        day.checks.iter().map(|check| {
            vec![day.ds.to_string(), check.name.to_owned(), verdict(check.passed).to_owned(), check.detail.clone()]
        })
    });
    let is_simulated = report.days.iter().any(|day| day.simulated);
    format!("{}{}", origin(is_simulated), table(&["day", "check", "verdict", "figures"], &[], rows))
}

/// The checks that failed, one a line.
pub(crate) fn failures(report: &VerifyReport) -> String {
    let failed = report.days.iter().flat_map(|day| {
        let failed = day.checks.iter().filter(|check| !check.passed);
        failed.map(|check| format!("{} of {}: {}", check.name, day.ds, check.detail))
    });
    format!("not verified\n{}", failed.collect::<Vec<_>>().join("\n"))
}
