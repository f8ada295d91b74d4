//! What the check of published days found.

use mainstay_job::verify::{Check, Verdict, VerifyReport};

use crate::render::{origin, table};

/// Every check of every day.
pub(super) fn text(report: &VerifyReport) -> String {
    let rows = report.days.iter().flat_map(|day| {
        day.checks.iter().map(|check| {
            let verdict = in_words(check.verdict).to_owned();
            vec![day.ds.to_string(), check.name.to_owned(), verdict, check.detail.clone()]
        })
    });
    let is_simulated = report.days.iter().any(|day| day.simulated);
    let mut text = format!("{}{}", origin(is_simulated), table(&["day", "check", "verdict", "figures"], &[], rows));
    if report.not_checked > 0 {
        text.push_str(&format!(
            "{} checks could not be made: nobody knows of them (--strict lets them fail)\n",
            report.not_checked
        ));
    }
    text
}

/// The checks that failed, and if it is strict those that could not be made, one a line.
pub(super) fn failures(report: &VerifyReport, is_strict: bool) -> String {
    let is_listed = |check: &&Check| match check.verdict {
        Verdict::Passed => false,
        Verdict::Failed => true,
        Verdict::NotChecked => is_strict,
    };
    let failed = report.days.iter().flat_map(|day| {
        let failed = day.checks.iter().filter(is_listed);
        failed.map(|check| match check.verdict {
            Verdict::NotChecked => format!("{} of {} not checked: {}", check.name, day.ds, check.detail),
            _ => format!("{} of {}: {}", check.name, day.ds, check.detail),
        })
    });
    format!("not verified\n{}", failed.collect::<Vec<_>>().join("\n"))
}

fn in_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "FAILED",
        Verdict::NotChecked => "not checked",
    }
}

#[cfg(test)]
mod tests {
    use mainstay_job::verify::VerifiedDay;
    use mainstay_schema::RunId;

    use super::*;

    fn report() -> VerifyReport {
        let check = |name, verdict, detail: &str| Check { name, verdict, detail: detail.to_owned() };
        let checks = vec![
            check("population", Verdict::Passed, "6 known"),
            check("budget", Verdict::Failed, "too dear"),
            check("policy", Verdict::NotChecked, "not at hand"),
        ];
        let day = VerifiedDay { ds: "2025-08-01".parse().unwrap(), run_id: RunId::new("r1"), simulated: false, checks };
        VerifyReport { verified: false, not_checked: 1, days: vec![day] }
    }

    #[test]
    fn what_was_not_checked_is_not_shown_as_passed() {
        let text = text(&report());
        assert!(text.contains("not checked") && text.contains("not at hand"), "{text}");
        assert!(
            text.ends_with("1 checks could not be made: nobody knows of them (--strict lets them fail)\n"),
            "{text}"
        );
    }

    #[test]
    fn what_was_not_checked_fails_only_where_that_is_asked_for() {
        assert_eq!(failures(&report(), false), "not verified\nbudget of 2025-08-01: too dear");
        assert_eq!(
            failures(&report(), true),
            "not verified\nbudget of 2025-08-01: too dear\npolicy of 2025-08-01 not checked: not at hand"
        );
    }
}
