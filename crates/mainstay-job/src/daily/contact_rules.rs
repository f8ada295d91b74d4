//! The rules that forbid contact, as the published tables of a day show them: whom they hold back, and that nobody is treated
//! against them.

use anyhow::{Context, Result, ensure};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use mainstay_schema::{BlockedBy, DecisionReason};
use serde::Serialize;

use crate::details::{ModelUsed, PinnedHoldout, PinnedInputs};

/// The rules that a run was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RulesInForce<'a> {
    cooldown_days: u32,
    suppress_open_cases: bool,
    holdout: Option<&'a PinnedHoldout>,
    is_approved: bool,
}

impl<'a> RulesInForce<'a> {
    /// As the run has recorded them.
    pub(crate) fn of(inputs: &'a PinnedInputs, model: &ModelUsed) -> Self {
        let PinnedInputs { cooldown_days, suppress_open_cases, holdout, .. } = inputs;
        Self {
            cooldown_days: *cooldown_days,
            suppress_open_cases: *suppress_open_cases,
            holdout: holdout.as_ref(),
            is_approved: model.gates_in_the_way().is_empty(),
        }
    }
}

/// How many scored customers a rule holds back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    /// The rule, by the reason that it gives.
    pub rule: DecisionReason,
    /// Scored customers whom it forbids to contact, those of other rules among them.
    pub customers: i64,
    /// Those of them whom no other rule forbids to contact.
    pub alone: i64,
}

/// The rules, the first to be reported first; reads `customer_risk` of the session.
pub(crate) async fn in_force(session: &SessionContext) -> Result<Vec<RuleCount>> {
    let columns = BlockedBy::RULES.map(|(BlockedBy(bit), _)| {
        format!("count(*) filter (where blocked_by & {bit} <> 0), count(*) filter (where blocked_by = {bit})")
    });
    let sql = format!("select {} from customer_risk where status = 'scored'", columns.join(", "));
    let counts = counts(session, &sql).await?;
    let rules = BlockedBy::RULES.into_iter().zip(counts.as_chunks::<2>().0);
    Ok(rules.map(|((_, rule), &[customers, alone])| RuleCount { rule, customers, alone }).collect())
}

/// Cooldown, consent, holdout and open case stand in `blocked_by` of the risk table: whoever has a bit there, or was not scored,
/// gets nothing. Reads `customer_risk` and `campaign_allocations` of the session.
pub(crate) async fn check_nobody_blocked_is_treated(session: &SessionContext) -> Result<String> {
    let sql = "select count(*) filter (where risk.blocked_by <> 0 or risk.status is distinct from 'scored'), count(*)
               from campaign_allocations plan left join customer_risk risk on plan.customer_id = risk.customer_id
               where plan.decision_reason = 'chosen'";
    let counts = counts(session, sql).await?;
    let &[against, treated] = counts.as_array().context("two counts were asked for")?;
    ensure!(against == 0, "{against} customers were treated although a rule forbids it");
    let held_back = in_force(session).await?;
    let held_back = held_back.iter().filter(|rule| rule.customers > 0);
    let held_back: Vec<String> = held_back.map(|rule| format!("{} {}", rule.customers, rule.rule)).collect();
    Ok(format!("{treated} treated; held back: {}", held_back.join(", ")))
}

/// `blocked_by` says what follows from the other columns of the risk table, under the rules that the run was given. The cooldown of
/// our own plans, which adds to that of the source's contacts, is checked between the days. Reads `customer_risk`.
pub(crate) async fn check_blocks_follow(session: &SessionContext, rules: &RulesInForce<'_>) -> Result<String> {
    let drawn = rules.holdout.map_or("false".to_owned(), |holdout| holdout.is_drawn("customer_id"));
    let is_set = |BlockedBy(bit): BlockedBy| format!("blocked_by & {bit} <> 0");
    let disagree = |rule, holds: &str| format!("({}) <> ({holds})", is_set(rule));
    let has_open_case = format!("{} and coalesce(open_cases > 0, true)", rules.suppress_open_cases);
    let is_in_cooldown = format!("days_since_last_contact < {}", rules.cooldown_days);
    let is_not_approved = (!rules.is_approved).to_string();
    let contradictions = [
        (DecisionReason::ModelNotApproved, disagree(BlockedBy::MODEL_NOT_APPROVED, &is_not_approved)),
        (DecisionReason::Holdout, disagree(BlockedBy::HOLDOUT, &drawn)),
        (DecisionReason::NoConsent, disagree(BlockedBy::NO_CONSENT, "allowed_channels is null")),
        (DecisionReason::OpenCase, disagree(BlockedBy::OPEN_CASE, &has_open_case)),
        (DecisionReason::FrequencyCap, format!("{is_in_cooldown} and not ({})", is_set(BlockedBy::COOLDOWN))),
    ];
    let columns = contradictions.each_ref().map(|(_, wrong)| format!("count(*) filter (where {wrong})"));
    let sql = format!("select {}, count(*) from customer_risk where status = 'scored'", columns.join(", "));
    let counts = counts(session, &sql).await?;
    for ((rule, _), wrong) in contradictions.iter().zip(&counts) {
        ensure!(
            *wrong == 0,
            "{wrong} customers have a `blocked_by` that contradicts the columns behind the rule {rule}"
        );
    }
    Ok(format!("{} scored customers", counts.last().copied().unwrap_or_default()))
}

/// Every offer goes through a channel that `allowed_channels` of the risk table names. Reads the same tables.
pub(crate) async fn check_channels_are_allowed(session: &SessionContext) -> Result<String> {
    let sql = "select count(*) filter (where strpos(',' || risk.allowed_channels || ',', ',' || plan.channel || ',') > 0), count(*)
               from campaign_allocations plan left join customer_risk risk on plan.customer_id = risk.customer_id
               where plan.decision_reason = 'chosen'";
    let counts = counts(session, sql).await?;
    let &[allowed, treated] = counts.as_array().context("two counts were asked for")?;
    ensure!(allowed == treated, "{} customers are treated in a channel without consent", treated - allowed);
    Ok(format!("{allowed} offers in channels with consent"))
}

/// The integers of the one row that a query gives.
async fn counts(session: &SessionContext, sql: &str) -> Result<Vec<i64>> {
    let batches = session.sql(sql).await?.collect().await?;
    let row = batches.iter().find(|batch| batch.num_rows() > 0).context("a count gave no row")?;
    Ok(row.columns().iter().map(|column| column.as_primitive::<Int64Type>().value(0)).collect())
}

#[cfg(test)]
mod tests {
    use mainstay_functions::ModelCache;
    use mainstay_session::SessionSettings;

    use super::*;

    /// A session with a day's tables; rows are (customer, status, blocked_by, allowed_channels) and (customer, channel, reason).
    async fn day(risk: &str, plan: &str) -> SessionContext {
        let session = SessionContext::new();
        let tables = [
            ("customer_risk(customer_id, status, blocked_by, allowed_channels)", risk),
            ("campaign_allocations(customer_id, channel, decision_reason)", plan),
        ];
        for (table, rows) in tables {
            session.sql(&format!("create view {table} as values {rows}")).await.unwrap();
        }
        session
    }

    const RISK: &str = "('ada', 'scored', 0, 'call,email'), ('bob', 'scored', 9, 'email'), ('cleo', 'scored', 6, null),
                        ('dan', 'scored', 8, 'call'), ('eve', 'ineligible', 1, null), ('fay', 'scored', 0, 'email')";

    #[tokio::test]
    async fn a_rule_counts_the_scored_whom_it_holds_back() {
        let session = day(RISK, "('ada', 'email', 'chosen')").await;
        let found = in_force(&session).await.unwrap();
        let found: Vec<_> = found.iter().map(|rule| (rule.rule.as_str(), rule.customers, rule.alone)).collect();
        let rules = [("holdout", 1, 0), ("no_consent", 1, 0), ("open_case", 2, 1), ("frequency_cap", 1, 0)];
        assert_eq!(found, [&[("model_not_approved", 0, 0)][..], &rules].concat());
    }

    #[tokio::test]
    async fn a_day_that_keeps_the_rules_passes() {
        let plan = "('ada', 'call', 'chosen'), ('fay', 'email', 'chosen'), ('bob', null, 'open_case')";
        let session = day(RISK, plan).await;
        assert_eq!(
            check_nobody_blocked_is_treated(&session).await.unwrap(),
            "2 treated; held back: 1 holdout, 1 no_consent, 2 open_case, 1 frequency_cap"
        );
        assert_eq!(check_channels_are_allowed(&session).await.unwrap(), "2 offers in channels with consent");
    }

    #[tokio::test]
    async fn whoever_is_treated_against_a_rule_is_found() {
        for customer in ["bob", "cleo", "dan", "eve", "nobody"] {
            let session = day(RISK, &format!("('ada', 'call', 'chosen'), ('{customer}', 'email', 'chosen')")).await;
            let error = check_nobody_blocked_is_treated(&session).await.unwrap_err();
            assert_eq!(error.to_string(), "1 customers were treated although a rule forbids it", "{customer}");
        }
    }

    #[tokio::test]
    async fn an_offer_in_a_channel_without_consent_is_found() {
        for (customer, channel) in
            [("fay", "call"), ("dan", "email"), ("cleo", "email"), ("ada", "mail"), ("ada", "all,e")]
        {
            let session = day(RISK, &format!("('ada', 'call', 'chosen'), ('{customer}', '{channel}', 'chosen')")).await;
            let error = check_channels_are_allowed(&session).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                "1 customers are treated in a channel without consent",
                "{customer} {channel}"
            );
        }
    }

    /// Risk rows as (customer, status, blocked_by, allowed_channels, open_cases, days_since_last_contact), with their functions.
    async fn risk(rows: &str) -> SessionContext {
        let models = ModelCache::new(|digest| Box::pin(async move { Err(format!("no model {digest}").into()) }));
        let settings = SessionSettings { partitions: 1, batch_size: 8192, memory_limit_bytes: None };
        let session = mainstay_session::build(&settings, &models).unwrap();
        let columns = "customer_id, status, blocked_by, allowed_channels, open_cases, days_since_last_contact";
        session.sql(&format!("create view customer_risk({columns}) as values {rows}")).await.unwrap();
        session
    }

    const RULES: RulesInForce<'_> =
        RulesInForce { cooldown_days: 30, suppress_open_cases: true, holdout: None, is_approved: true };

    #[tokio::test]
    async fn what_blocks_follows_from_the_columns_beside_it() {
        // ada: nothing; bob: an open case; cleo: no channel; dan: contacted; eve: a plan of ours; fay is not scored.
        let rows = "('ada', 'scored', 0, 'email', 0, 30), ('bob', 'scored', 8, 'email', 2, null), ('cleo', 'scored', 2, null, 0, null),
                    ('dan', 'scored', 1, 'call', 0, 29), ('eve', 'scored', 1, 'call', 0, null), ('fay', 'ineligible', 0, null, 1, 1)";
        assert_eq!(check_blocks_follow(&risk(rows).await, &RULES).await.unwrap(), "5 scored customers");
        let lenient = RulesInForce { suppress_open_cases: false, ..RULES };
        let rows = "('bob', 'scored', 0, 'email', 2, null), ('gus', 'scored', 0, 'email', null, null)";
        assert!(check_blocks_follow(&risk(rows).await, &lenient).await.is_ok());
        let everybody = PinnedHoldout { salt: "retention-2025Q3".to_owned(), share: 1.0 };
        let held_out = RulesInForce { holdout: Some(&everybody), ..RULES };
        assert!(check_blocks_follow(&risk("('hal', 'scored', 4, 'email', 0, null)").await, &held_out).await.is_ok());
        let not_approved = RulesInForce { is_approved: false, ..RULES };
        assert!(
            check_blocks_follow(&risk("('ivy', 'scored', 16, 'email', 0, null)").await, &not_approved).await.is_ok()
        );
    }

    #[tokio::test]
    async fn a_rule_that_blocked_by_leaves_out_is_found() {
        let everybody = PinnedHoldout { salt: "retention-2025Q3".to_owned(), share: 1.0 };
        let held_out = RulesInForce { holdout: Some(&everybody), ..RULES };
        for (row, rules, rule) in [
            ("0, 'email', 1, null", RULES, "open_case"),
            ("0, 'email', cast(null as bigint), null", RULES, "open_case"),
            ("8, 'email', 0, null", RULES, "open_case"),
            ("0, null, 0, null", RULES, "no_consent"),
            ("2, 'email', 0, null", RULES, "no_consent"),
            ("0, 'email', 0, 29", RULES, "frequency_cap"),
            ("0, 'email', 0, null", held_out, "holdout"),
            ("4, 'email', 0, null", RULES, "holdout"),
            ("16, 'email', 0, null", RULES, "model_not_approved"),
            ("0, 'email', 0, null", RulesInForce { is_approved: false, ..RULES }, "model_not_approved"),
        ] {
            let columns = format!("('planted', 'scored', {row}), ('ada', 'refused', 0, 'email', 0, 1)");
            let error = check_blocks_follow(&risk(&columns).await, &rules).await.unwrap_err();
            let expected =
                format!("1 customers have a `blocked_by` that contradicts the columns behind the rule {rule}");
            assert_eq!(error.to_string(), expected, "{row}");
        }
    }
}
