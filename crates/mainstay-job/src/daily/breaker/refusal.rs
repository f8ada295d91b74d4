//! What the circuit breaker says: to whom it stops, and of what was accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::{Result, bail};
use mainstay_config::UnknownName;
use mainstay_monitor::{Acceptance, Accepted, FeatureProfiles, Measure, Subject};
use mainstay_run::Run;
use mainstay_schema::Ds;

/// Refuses to go on where anything stops the run, ahead of `deed`: one error with all of it, and how to go on, beside what was accepted already.
pub(super) fn refuse(job: &str, ds: Ds, deed: &str, stops: &[Measure], acceptance: Option<&Acceptance>) -> Result<()> {
    if stops.is_empty() {
        return Ok(());
    }
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for stop in stops {
        by_name.entry(&stop.name).or_default().push(&stop.message);
    }
    let mut message = format!("the circuit breaker stops {job} of {ds} before {deed}:");
    for (name, messages) in &by_name {
        // Writing to a text cannot fail.
        let _ = write!(message, "\n  {name}: {}", messages.join("; "));
    }
    let accepted = names(acceptance).map(Subject::to_string);
    let to_accept: BTreeSet<String> = by_name.keys().map(|name| (*name).to_owned()).chain(accepted).collect();
    let accept: String = to_accept.iter().map(|name| format!(" --accept {name}")).collect();
    bail!(
        "{message}\nload what is missing or mend what is wrong and run it again; where it is right as it is, \
         `mainstay run {job} --date {ds}{accept} --why \"...\"` goes on and keeps the reason"
    )
}

/// Refuses to accept what no table with an event time can be.
pub(super) fn check_tables(acceptance: Option<&Acceptance>, known: impl Iterator<Item = String>) -> Result<()> {
    let known: Vec<String> = known.collect();
    for subject in names(acceptance) {
        if let Subject::Source(table) = subject
            && !known.contains(table)
        {
            bail!("--accept {subject}: {}", described(&UnknownName::new("source table", table, known)));
        }
    }
    Ok(())
}

/// Refuses to accept a feature that there is not.
pub(super) fn check_features(acceptance: Option<&Acceptance>, features: &FeatureProfiles) -> Result<()> {
    for subject in names(acceptance) {
        if let Subject::Feature(feature) = subject
            && features.feature(feature).is_none()
        {
            let known = features.features.iter().map(|feature| feature.name.as_str());
            bail!("--accept {subject}: {}", UnknownName::new("feature", feature, known));
        }
    }
    Ok(())
}

fn names(acceptance: Option<&Acceptance>) -> impl Iterator<Item = &Subject> {
    acceptance.into_iter().flat_map(|acceptance| &acceptance.names)
}

fn described(unknown: &UnknownName) -> String {
    format!("{unknown}; {}", unknown.known_names())
}

/// Warns of what was accepted, of what stands accepted, and of names that found nothing.
pub(super) fn say(run: &Run<'_>, acceptance: Option<&Acceptance>, accepted: &[Accepted], standing: &[Accepted]) {
    for Accepted { finding, by, .. } in accepted {
        run.open.progress.warn(format!("accepted by {by}: {finding}"));
    }
    for Accepted { finding, ds, by, .. } in standing {
        run.open.progress.warn(format!("{} stands as {by} accepted it for {ds}: {}", finding.name, finding.message));
    }
    for subject in names(acceptance) {
        if subject.is_of_breaker() && accepted.iter().all(|accepted| accepted.finding.name != subject.to_string()) {
            run.open.progress.warn(format!("--accept {subject}: nothing of that name lies beyond its limits"));
        }
    }
}

#[cfg(test)]
mod tests {
    use mainstay_monitor::Check;

    use super::*;

    const DEED: &str = "any money is reserved";

    #[test]
    fn a_stop_names_everything_once_and_says_how_to_go_on() {
        let stop = |name: &str, message: &str| Measure {
            name: name.to_owned(),
            check: Check::Amount,
            of: String::new(),
            figure: 0.0,
            usual: 1.0,
            strain: 2.0,
            message: message.to_owned(),
        };
        let ds = "2025-12-16".parse().unwrap();
        let stops = [stop("source:a.b", "0 rows"), stop("risk", "high"), stop("source:a.b", "large amounts")];
        let message = refuse("daily_risk", ds, DEED, &stops, None).unwrap_err().to_string();
        assert_eq!(
            message,
            "the circuit breaker stops daily_risk of 2025-12-16 before any money is reserved:\n  risk: high\n  source:a.b: 0 rows; \
             large amounts\nload what is missing or mend what is wrong and run it again; where it is right as it is, `mainstay run \
             daily_risk --date 2025-12-16 --accept risk --accept source:a.b --why \"...\"` goes on and keeps the reason"
        );
        let accepted = Acceptance {
            names: vec!["population".parse().unwrap(), "risk".parse().unwrap()],
            by: String::new(),
            why: String::new(),
            at: Default::default(),
        };
        let message = refuse("daily_risk", ds, DEED, &stops[..1], Some(&accepted)).unwrap_err().to_string();
        assert!(message.contains("--accept population --accept risk --accept source:a.b --why"), "{message}");
        refuse("daily_risk", ds, DEED, &[], None).unwrap();
    }

    #[test]
    fn a_slip_in_a_name_to_accept_is_refused() {
        let acceptance = |name: &str| Acceptance {
            names: vec![name.parse().unwrap()],
            by: String::new(),
            why: String::new(),
            at: Default::default(),
        };
        let known = || ["retailer.orders".to_owned()].into_iter();
        let message = check_tables(Some(&acceptance("source:retailer.order")), known()).unwrap_err().to_string();
        assert!(message.contains("did you mean `retailer.orders`"), "{message}");
        check_tables(Some(&acceptance("source:retailer.orders")), known()).unwrap();
        check_tables(Some(&acceptance("population")), known()).unwrap();
        let message =
            check_features(Some(&acceptance("feature:x")), &FeatureProfiles::default()).unwrap_err().to_string();
        assert!(message.contains("unknown feature `x`"), "{message}");
    }
}
