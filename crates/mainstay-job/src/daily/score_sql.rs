//! The SQL of the score step: who is scored, how, and which rules forbid contact.
//!
//! It reads five tables that the step registers and nothing else: `staged_features`, `customer_value`, `customer_consents`
//! (customer_id, channel, purpose, is_granted), `contact_rules` (customer_id, open_cases, days_since_last_contact) and
//! `recent_plans` (customer_id). It gives the columns of `customer_risk` behind `ds`, in the contract's order.
//!
//! What forbids contact is read so that doubt forbids it too: a consent that is neither granted nor withdrawn is no consent, an
//! unknown number of open cases is a case, and a customer without a row in `contact_rules` gets no `blocked_by` at all, which the
//! contract of the table refuses.

use mainstay_config::Policy;
use mainstay_config::settings::ConsentDefault;
use mainstay_schema::{BlockedBy, Cents};

use crate::details::PinnedHoldout;

/// What the query needs to know.
pub(crate) struct ScoreQuery<'a> {
    pub(crate) model_digest: String,
    pub(crate) model_name: &'a str,
    pub(crate) model_version: &'a str,
    pub(crate) run_id: &'a str,
    pub(crate) features: &'a [String],
    pub(crate) reasons: usize,
    pub(crate) policy: &'a Policy,
    /// Who is never treated.
    pub(crate) holdout: Option<PinnedHoldout>,
    /// Whether customers may be treated by the model.
    pub(crate) is_approved: bool,
    /// What holds for a customer and channel without a record of consent.
    pub(crate) consent_default: ConsentDefault,
}

impl ScoreQuery<'_> {
    /// The whole query.
    pub(crate) fn sql(&self) -> String {
        format!(
            "with checked as (\n{}\n), scored as (\n{}\n), consented as (\n{}\n), valued as (\n{}\n)\n{}",
            self.checked(),
            self.scored(),
            self.consented(),
            self.valued(),
            self.risk()
        )
    }

    /// Status of every customer; an infinite feature refuses the customer and never reaches the model.
    fn checked(&self) -> String {
        let infinite = |name: &str| format!("abs({0}) = cast('Infinity' as double)", quoted(name));
        let refusals: Vec<String> = self
            .features
            .iter()
            .map(|name| format!("when {} then {}", infinite(name), literal(&format!("infinite_feature: {name}"))))
            .collect();
        let finite: Vec<String> = self
            .features
            .iter()
            .map(|name| format!("case when {} then null else {1} end as {1}", infinite(name), quoted(name)))
            .collect();
        let refusal = format!("case {} end", refusals.join(" "));
        format!(
            "select customer_id,\n\
             case when status <> 'eligible' then 'ineligible' when {refusal} is not null then 'refused' else 'scored' end as status,\n\
             case when status <> 'eligible' then status_reason else {refusal} end as status_reason,\n{}\n\
             from staged_features",
            finite.join(",\n")
        )
    }

    fn scored(&self) -> String {
        let features: Vec<String> = self.features.iter().map(|name| quoted(name)).collect();
        let (features, digest) = (features.join(", "), literal(&self.model_digest));
        let scored = |call: String, name: &str| format!("case when status = 'scored' then {call} end as {name}");
        let mut columns = vec![
            scored(format!("predict({digest}, {features})"), "churn_probability"),
            scored(format!("raw_score({digest}, {features})"), "raw_score"),
        ];
        if self.reasons > 0 {
            columns.push(scored(format!("explain({digest}, {}, {features})", self.reasons), "reasons"));
        }
        format!("select customer_id, status, status_reason,\n{}\nfrom checked", columns.join(",\n"))
    }

    /// The recorded consent of a customer, one column a channel of the catalogue; null only where there is no record of it.
    fn consented(&self) -> String {
        let channels = self.policy.channels().into_iter().enumerate();
        let columns = channels.map(|(position, channel)| {
            format!(
                "bool_and(coalesce(is_granted, false)) filter (where channel = {}) as consent_{position}",
                literal(channel)
            )
        });
        format!(
            "select customer_id,\n{}\nfrom customer_consents where purpose = {} group by customer_id",
            columns.collect::<Vec<_>>().join(",\n"),
            literal(&self.policy.consent.purpose)
        )
    }

    fn valued(&self) -> String {
        format!(
            "select scored.*, v.clv_cents as clv_cents,\n\
             cast(floor(scored.churn_probability * v.expected_revenue_cents) as bigint) as at_risk_cents,\n\
             {} as risk_band,\n{} as value_tier,\n{} as blocked_by,\n\
             cast(r.open_cases as bigint) as open_cases,\n\
             cast(r.days_since_last_contact as bigint) as days_since_last_contact,\n\
             case when scored.status = 'scored' then {} end as allowed_channels\n\
             from scored left join customer_value v on v.customer_id = scored.customer_id\n\
             left join consented on consented.customer_id = scored.customer_id\n\
             left join contact_rules r on r.customer_id = scored.customer_id\n\
             left join recent_plans p on p.customer_id = scored.customer_id",
            self.risk_band(),
            self.value_tier(),
            self.blocked_by(),
            self.allowed_channels()
        )
    }

    fn risk_band(&self) -> String {
        let bands = self.policy.risk_bands.iter();
        let cases = bands.map(|band| {
            format!(
                "when scored.churn_probability >= {:?} then {}",
                band.churn_probability_at_least,
                literal(&band.name)
            )
        });
        format!("case {} end", cases.collect::<Vec<_>>().join(" "))
    }

    fn value_tier(&self) -> String {
        let tiers = self.policy.value_tiers.iter();
        let cases =
            tiers.map(|tier| format!("when v.clv_cents >= {} then {}", tier.clv_at_least.0, literal(&tier.name)));
        let lowest = self.policy.value_tier(Cents(i64::MIN));
        format!(
            "case {} when v.clv_cents is not null then {} end",
            cases.collect::<Vec<_>>().join(" "),
            literal(lowest)
        )
    }

    fn blocked_by(&self) -> String {
        let mut rules = vec![
            (BlockedBy::COOLDOWN, self.is_in_cooldown()),
            (BlockedBy::NO_CONSENT, format!("{} is null", self.allowed_channels())),
        ];
        if !self.is_approved {
            rules.push((BlockedBy::MODEL_NOT_APPROVED, "true".to_owned()));
        }
        if let Some(holdout) = &self.holdout {
            rules.push((BlockedBy::HOLDOUT, holdout.is_drawn("scored.customer_id")));
        }
        if self.policy.suppress_open_cases {
            rules.push((BlockedBy::OPEN_CASE, "coalesce(r.open_cases > 0, true)".to_owned()));
        }
        let bits = rules.into_iter().map(|(rule, applies)| format!("case when {applies} then {} else 0 end", rule.0));
        let bits = bits.collect::<Vec<_>>().join(" + ");
        format!("case when r.customer_id is not null then cast({bits} as int) end")
    }

    fn is_in_cooldown(&self) -> String {
        format!("p.customer_id is not null or r.days_since_last_contact < {}", self.policy.cooldown_days)
    }

    /// The channels of the catalogue that consent allows, sorted, with commas; null where none.
    fn allowed_channels(&self) -> String {
        let is_allowed_without_record = self.consent_default == ConsentDefault::Allow;
        let channels = self.policy.channels().into_iter().enumerate();
        let allowed = channels.map(|(position, channel)| {
            let consent = format!("coalesce(consented.consent_{position}, {is_allowed_without_record})");
            format!("case when {consent} then {} end", literal(channel))
        });
        format!("nullif(concat_ws(',', {}), '')", allowed.collect::<Vec<_>>().join(", "))
    }

    fn risk(&self) -> String {
        let mut columns: Vec<String> = [
            "customer_id",
            "status",
            "status_reason",
            "churn_probability",
            "raw_score",
            "risk_band",
            "value_tier",
            "risk_band || '/' || value_tier as segment",
        ]
        .map(str::to_owned)
        .to_vec();
        columns.push(format!("{} as clv_amount", money("clv_cents")));
        columns.push(format!("{} as revenue_at_risk_amount", money("at_risk_cents")));
        columns.extend(["blocked_by", "allowed_channels", "open_cases", "days_since_last_contact"].map(str::to_owned));
        for position in 1..=self.reasons {
            for field in ["feature", "value", "contribution", "text"] {
                columns.push(format!("reasons[{position}]['{field}'] as reason_{position}_{field}"));
            }
        }
        let scored_only = |value: &str| format!("case when status = 'scored' then {} end", literal(value));
        columns.push(format!("{} as model_name", scored_only(self.model_name)));
        columns.push(format!("{} as model_version", scored_only(self.model_version)));
        columns.push(format!("{} as run_id", literal(self.run_id)));
        format!("select {}\nfrom valued", columns.join(",\n"))
    }
}

/// Cents as `decimal(18, 2)`, exactly.
fn money(cents: &str) -> String {
    format!("cast(cast({cents} as decimal(20, 0)) * cast(0.01 as decimal(3, 2)) as decimal(18, 2))")
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

impl PinnedHoldout {
    /// The SQL condition that the customer of a column is drawn.
    pub(crate) fn is_drawn(&self, customer_id: &str) -> String {
        format!("uniform_hash({}, {customer_id}) < {:?}", literal(&self.salt), self.share)
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests;
