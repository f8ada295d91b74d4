//! Each decision follows from risk, policy and the prices of the certificate: its reason and the columns beside it.

use anyhow::{Result, bail};
use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};
use datafusion::prelude::SessionContext;
use mainstay_config::Policy;
use mainstay_schema::plan::Instance;
use mainstay_schema::{BlockedBy, Cents, DecisionReason};
use mainstay_verifier::{MarginalPrice, MarginalPrices};

use super::customers::{Customer, Made};
use super::day::Day;
use super::finding::{Finding, Wrong};
use super::policy_at_hand::PolicyAtHand;

/// Prices that differ by no more than this share were rounded differently.
const SHARE_ROUNDED: f64 = 1e-6;

/// One row of `campaign_allocations`.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    customer: String,
    decision: String,
    channel: Option<String>,
    cost: Cents,
    value: Cents,
    saved: Cents,
    threshold_price: Option<f64>,
    propensity: f64,
    reason: String,
}

/// What is known of a customer apart from the decision.
struct Case<'a> {
    customer: &'a Customer,
    policy: &'a Policy,
    /// What the policy has for the customer, be it blocked or not.
    worthwhile: Vec<Made>,
    marginal_price: MarginalPrice,
}

pub(super) async fn check(day: &Day<'_>) -> Result<Finding> {
    let rows = read(&day.session).await?;
    for row in &rows {
        if let Err(unknown) = row.reason.parse::<DecisionReason>() {
            bail!("the decision on {}: {unknown}", row.customer);
        }
    }
    let policy = match day.policy().await? {
        PolicyAtHand::Known(policy) => policy,
        PolicyAtHand::Unknown(why) => return Finding::not_checked(format!("all reasons exist; {why}")),
    };
    let summary = &day.details.allocation;
    let instance = Instance { offers: day.offers().await?.offers.clone(), rules: summary.allocation_rules.clone() };
    let marginal_prices = MarginalPrices::new(&instance, &summary.certificate)?;
    let customers = day.customers().await?;
    check_customers(&rows, customers)?;
    let mut wrong = Wrong::default();
    for (position, (row, customer)) in rows.iter().zip(customers).enumerate() {
        let worthwhile = customer.worthwhile(policy);
        let case = Case { customer, policy, worthwhile, marginal_price: marginal_prices.of(position)? };
        wrong.note(case.judge(row).map_err(|wrong| format!("the decision on {}: {wrong}", row.customer)));
    }
    wrong.refuse()?;
    Finding::holds(format!("{} decisions follow from risk, policy and prices", rows.len()))
}

/// Both tables have the same customers.
fn check_customers(rows: &[Row], customers: &[Customer]) -> Result<()> {
    let decided = rows.iter().map(|row| Some(row.customer.as_str())).chain([None]);
    let known = customers.iter().map(|customer| Some(customer.id.as_str())).chain([None]);
    match decided.zip(known).find(|(decided, known)| decided != known) {
        None => Ok(()),
        Some((decided, known)) => bail!(
            "campaign_allocations has {} where customer_risk has {}",
            decided.unwrap_or("nobody"),
            known.unwrap_or("nobody")
        ),
    }
}

impl Case<'_> {
    fn judge(&self, row: &Row) -> Result<(), String> {
        let reason: DecisionReason = row.reason.parse()?;
        if !self.follows(reason) {
            return Err(format!("its reason is {reason}, but {}", self.holds()));
        }
        let chosen = if reason == DecisionReason::Chosen { Some(self.chosen(&row.decision)?) } else { None };
        let expected = self.expected(row, chosen);
        let text = |value: &str| format!("`{value}`");
        let differs = |column: &str, found: String, follows: String| {
            if found == follows { Ok(()) } else { Err(format!("{column} is {found}, but {follows} follows")) }
        };
        differs("decision", text(&row.decision), text(&expected.decision))?;
        let channel = |row: &Row| row.channel.as_deref().map_or("empty".to_owned(), text);
        differs("channel", channel(row), channel(&expected))?;
        differs("cost_cents", row.cost.0.to_string(), expected.cost.0.to_string())?;
        differs("expected_value_cents", row.value.0.to_string(), expected.value.0.to_string())?;
        differs("expected_saved_cents", row.saved.0.to_string(), expected.saved.0.to_string())?;
        differs("propensity", row.propensity.to_string(), expected.propensity.to_string())?;
        match are_one_price(row.threshold_price, expected.threshold_price) {
            true => Ok(()),
            false => differs("threshold_price", price(row.threshold_price), price(expected.threshold_price)),
        }
    }

    /// What could be offered to the customer.
    fn offers(&self) -> impl Iterator<Item = &Made> {
        let may_be_contacted = self.customer.may_be_contacted();
        self.worthwhile.iter().filter(move |made| may_be_contacted && made.is_allowed)
    }

    /// Whether a reason is the one that follows for the customer. Every reason has its condition here.
    fn follows(&self, reason: DecisionReason) -> bool {
        let Customer { is_scored, blocked_by, .. } = self.customer;
        let may_be_contacted = self.customer.may_be_contacted();
        let has_offers = self.offers().next().is_some();
        match reason {
            DecisionReason::NotScored => !is_scored,
            DecisionReason::Holdout
            | DecisionReason::NoConsent
            | DecisionReason::OpenCase
            | DecisionReason::FrequencyCap
            | DecisionReason::ModelNotApproved => *is_scored && blocked_by.reason() == Some(reason),
            DecisionReason::NoAllowedChannel => may_be_contacted && !has_offers && !self.worthwhile.is_empty(),
            DecisionReason::NoPositiveValue => may_be_contacted && self.worthwhile.is_empty(),
            DecisionReason::Budget
            | DecisionReason::BudgetShare
            | DecisionReason::Exploration
            | DecisionReason::Capacity
            | DecisionReason::Parity
            | DecisionReason::Floor => may_be_contacted && has_offers && self.marginal_price.reasons.contains(&reason),
            DecisionReason::Chosen => may_be_contacted && has_offers,
        }
    }

    /// What is known of the customer, for a reason that does not follow.
    fn holds(&self) -> String {
        let Customer { is_scored, blocked_by, .. } = self.customer;
        if !is_scored {
            return "it was not scored".to_owned();
        }
        if blocked_by.0 != 0 {
            return match blocked_by.reason() {
                Some(rule) => format!("{rule} is the first rule that forbids to contact it"),
                None => format!("blocked_by is {}, which no rule gives", blocked_by.0),
            };
        }
        if self.offers().next().is_some() {
            let reasons: Vec<&str> = self.marginal_price.reasons.iter().map(|reason| reason.as_str()).collect();
            return format!("it has offers, of which {} could keep it", reasons.join(" or "));
        }
        match self.worthwhile.is_empty() {
            true => "nothing is worth its cost for it".to_owned(),
            false => "what is worth its cost needs a channel that is not allowed".to_owned(),
        }
    }

    /// The offer that a decision names.
    fn chosen(&self, decision: &str) -> Result<&Made, String> {
        let is_named = |made: &&Made| {
            let intervention = self.policy.interventions.get(usize::from(made.kind));
            intervention.is_some_and(|intervention| intervention.name == decision)
        };
        self.offers().find(is_named).ok_or_else(|| format!("`{decision}` is not among its offers"))
    }

    /// The row that follows, for the reason and the offer that stand in one.
    fn expected(&self, row: &Row, chosen: Option<&Made>) -> Row {
        // Where a rule comes before the holdout, whoever is drawn for it is no comparison either.
        let is_held_out = row.reason == DecisionReason::Holdout.as_str();
        let intervention = chosen.and_then(|made| self.policy.interventions.get(usize::from(made.kind)));
        let nothing = if is_held_out { "holdout" } else { "none" };
        let (cost, value) = chosen.map_or((Cents::ZERO, Cents::ZERO), |made| (made.cost, made.value));
        Row {
            customer: row.customer.clone(),
            decision: intervention.map_or(nothing.to_owned(), |intervention| intervention.name.clone()),
            channel: intervention.map(|intervention| intervention.channel.clone()),
            cost,
            value,
            saved: Cents(value.0 + cost.0),
            threshold_price: self.marginal_price.threshold,
            propensity: self.propensity(),
            reason: row.reason.clone(),
        }
    }

    /// The probability, before the holdout was drawn, that the customer could be treated.
    fn propensity(&self) -> f64 {
        let Customer { is_scored, blocked_by, .. } = self.customer;
        let others = blocked_by.0 & !BlockedBy::HOLDOUT.0;
        let could_be_treated = *is_scored && others == 0 && self.worthwhile.iter().any(|made| made.is_allowed);
        if could_be_treated { 1.0 - self.policy.holdout.as_ref().map_or(0.0, |holdout| holdout.share) } else { 0.0 }
    }
}

fn are_one_price(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => {
            one == other || (one - other).abs() <= SHARE_ROUNDED * one.abs().max(other.abs()).max(1.0)
        }
        _ => false,
    }
}

fn price(price: Option<f64>) -> String {
    price.map_or("empty".to_owned(), |price| price.to_string())
}

/// The rows of `campaign_allocations` of a session, sorted by customer.
async fn read(session: &SessionContext) -> Result<Vec<Row>> {
    let sql = "select customer_id, decision, channel, decision_reason, cost_cents, expected_value_cents,
                   expected_saved_cents, threshold_price, propensity
               from campaign_allocations order by customer_id";
    let mut rows = Vec::new();
    for batch in session.sql(sql).await?.collect().await? {
        let [customers, decisions, channels, reasons, costs, values, saved, thresholds, propensities] = batch.columns()
        else {
            bail!("nine columns were asked for, {} came", batch.num_columns());
        };
        let text = |column: &dyn Array, row: usize| column.as_string::<i32>().value(row).to_owned();
        let cents = |column: &dyn Array, row: usize| Cents(column.as_primitive::<Int64Type>().value(row));
        for row in 0..batch.num_rows() {
            rows.push(Row {
                customer: text(customers, row),
                decision: text(decisions, row),
                channel: channels.is_valid(row).then(|| text(channels, row)),
                cost: cents(costs, row),
                value: cents(values, row),
                saved: cents(saved, row),
                threshold_price: thresholds.is_valid(row).then(|| thresholds.as_primitive::<Float64Type>().value(row)),
                propensity: propensities.as_primitive::<Float64Type>().value(row),
                reason: text(reasons, row),
            });
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::super::customers::tests::{customer, reference_policy};
    use super::*;

    fn marginal_price(threshold: Option<f64>, reasons: &[DecisionReason]) -> MarginalPrice {
        MarginalPrice { threshold, reasons: reasons.to_vec() }
    }

    /// The verdict on a row of a customer with offers of 10.00, 20.00 and 7.00, unless it is changed.
    fn judged(change: impl FnOnce(&mut Customer), edit: impl FnOnce(&mut Row)) -> Result<(), String> {
        let (policy, mut customer) = (reference_policy(), customer("ada", 0.5, 30_000));
        change(&mut customer);
        let worthwhile = customer.worthwhile(&policy);
        let has_offers = !customer.offers(&policy).is_empty();
        let marginal_price =
            if has_offers { marginal_price(Some(14.0), &[DecisionReason::Budget]) } else { marginal_price(None, &[]) };
        let case = Case { customer: &customer, policy: &policy, worthwhile, marginal_price };
        let mut row = Row {
            customer: "ada".into(),
            decision: "none".into(),
            channel: None,
            cost: Cents(0),
            value: Cents(0),
            saved: Cents(0),
            threshold_price: has_offers.then_some(14.0),
            propensity: if has_offers { 0.95 } else { 0.0 },
            reason: "budget".into(),
        };
        edit(&mut row);
        case.judge(&row)
    }

    fn choose(row: &mut Row) {
        row.reason = "chosen".into();
        row.decision = "discount_email".into();
        row.channel = Some("email".into());
        (row.cost, row.value, row.saved) = (Cents(1_000), Cents(2_000), Cents(3_000));
    }

    /// The verdict on a reason without an offer.
    fn reason(change: impl FnOnce(&mut Customer), reason: &str) -> Result<(), String> {
        judged(change, |row| {
            row.reason = reason.into();
            if reason == "holdout" {
                row.decision = "holdout".into();
            }
        })
    }

    #[test]
    fn decisions_that_follow_pass() {
        judged(|_| (), |_| ()).unwrap();
        judged(|_| (), choose).unwrap();
        judged(|_| (), |row| row.threshold_price = Some(14.0 + 1e-7)).unwrap();
        reason(|customer| customer.is_scored = false, "not_scored").unwrap();
        reason(|customer| customer.blocked_by.0 = 2, "no_consent").unwrap();
        reason(|customer| customer.blocked_by.0 = 9, "open_case").unwrap();
        reason(|customer| customer.blocked_by.0 = 1, "frequency_cap").unwrap();
        reason(|customer| customer.blocked_by.0 = 12, "holdout").unwrap();
        reason(|customer| customer.clv = Cents(10), "no_positive_value").unwrap();
        reason(|customer| customer.allowed_channels = vec!["sms".into()], "no_allowed_channel").unwrap();
    }

    #[test]
    fn a_reason_that_does_not_follow_is_told_with_what_holds() {
        let told = |result: Result<(), String>| result.unwrap_err();
        assert_eq!(told(reason(|_| (), "banana")), "`banana` is no reason of a decision");
        let but = |given: &str, holds: &str| format!("its reason is {given}, but {holds}");
        let has_offers = "it has offers, of which budget could keep it";
        for given in [
            "capacity",
            "parity",
            "floor",
            "exploration",
            "budget_share",
            "holdout",
            "no_consent",
            "open_case",
            "frequency_cap",
            "no_allowed_channel",
            "no_positive_value",
            "not_scored",
        ] {
            assert_eq!(told(reason(|_| (), given)), but(given, has_offers));
        }
        let unscored = |customer: &mut Customer| customer.is_scored = false;
        assert_eq!(told(reason(unscored, "budget")), but("budget", "it was not scored"));
        assert_eq!(told(judged(unscored, choose)), but("chosen", "it was not scored"));
        assert_eq!(
            told(reason(|customer| customer.blocked_by.0 = 10, "open_case")),
            but("open_case", "no_consent is the first rule that forbids to contact it")
        );
        assert_eq!(
            told(reason(|customer| customer.blocked_by.0 = 64, "budget")),
            but("budget", "blocked_by is 64, which no rule gives")
        );
        assert_eq!(
            told(reason(|customer| customer.clv = Cents(10), "no_allowed_channel")),
            but("no_allowed_channel", "nothing is worth its cost for it")
        );
        assert_eq!(
            told(reason(|customer| customer.allowed_channels.clear(), "no_positive_value")),
            but("no_positive_value", "what is worth its cost needs a channel that is not allowed")
        );
    }

    #[test]
    fn each_column_beside_the_reason_follows_too() {
        let told = |edit: fn(&mut Row)| {
            let edited = |row: &mut Row| {
                choose(row);
                edit(row);
            };
            judged(|_| (), edited).unwrap_err()
        };
        assert_eq!(told(|row| row.decision = "gift".into()), "`gift` is not among its offers");
        assert_eq!(told(|row| row.channel = Some("call".into())), "channel is `call`, but `email` follows");
        assert_eq!(told(|row| row.cost = Cents(999)), "cost_cents is 999, but 1000 follows");
        assert_eq!(told(|row| row.value = Cents(2_001)), "expected_value_cents is 2001, but 2000 follows");
        assert_eq!(told(|row| row.saved = Cents(3_001)), "expected_saved_cents is 3001, but 3000 follows");
        assert_eq!(told(|row| row.propensity = 1.0), "propensity is 1, but 0.95 follows");
        assert_eq!(told(|row| row.threshold_price = Some(14.1)), "threshold_price is 14.1, but 14 follows");
        assert_eq!(told(|row| row.threshold_price = None), "threshold_price is empty, but 14 follows");
        let decided = judged(
            |customer| customer.blocked_by.0 = 4,
            |row| {
                (row.reason, row.propensity) = ("holdout".into(), 0.95);
            },
        );
        assert_eq!(decided.unwrap_err(), "decision is `none`, but `holdout` follows");
        let channel = judged(|_| (), |row| row.channel = Some("call".into()));
        assert_eq!(channel.unwrap_err(), "channel is `call`, but empty follows");
    }

    #[test]
    fn both_tables_have_the_same_customers() {
        let rows = |ids: &[&str]| -> Vec<Row> {
            let mut rows = Vec::new();
            for id in ids {
                let edit = |row: &mut Row| {
                    row.customer = (*id).to_owned();
                    rows.push(row.clone());
                };
                judged(|_| (), edit).unwrap();
            }
            rows
        };
        let customers = [customer("ada", 0.5, 1), customer("bob", 0.5, 1)];
        check_customers(&rows(&["ada", "bob"]), &customers).unwrap();
        let told = |ids: &[&str]| check_customers(&rows(ids), &customers).unwrap_err().to_string();
        assert_eq!(told(&["ada"]), "campaign_allocations has nobody where customer_risk has bob");
        assert_eq!(told(&["ada", "bob", "eve"]), "campaign_allocations has eve where customer_risk has nobody");
        assert_eq!(told(&["ada", "dan"]), "campaign_allocations has dan where customer_risk has bob");
    }
}
